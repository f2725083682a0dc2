/* SPDX-License-Identifier: MIT */
/* The one binary behind Keel's own programs: the name it is called by decides. */
#include "user.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*main)(int argc, char **argv);
} programs[] = {
	{ "about", about_main },
	{ "demo-crash", demo_crash_main },
	{ "demo-deferred", demo_deferred_main },
	{ "demo-vdso", demo_vdso_main },
	{ "init", init_main },
	{ "rescue", rescue_main },
};

int main(int argc, char **argv)
{
	const char *name = argc ? strrchr(argv[0], '/') : NULL;

	name = name ? name + 1 : argc ? argv[0] : "";
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (strcmp(programs[i].name, name) == 0)
			return programs[i].main(argc, argv);
	fprintf(stderr, "keel-tools: no program called '%s'\n", name);
	return 127;
}

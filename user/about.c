/* SPDX-License-Identifier: MIT */
/*
 * about: what the person sees first: which kernel on which board, how many harts, how much memory, and what boot took,
 * from the firmware's hand-off to here.
 */
#include "user.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

static void read_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(buf, 1, size - 1, f) : 0;

	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	if (f)
		fclose(f);
}

static unsigned long meminfo(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	unsigned long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0 && sscanf(line + strlen(key), ": %lu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static void print_boot(void)
{
	FILE *f = fopen("/proc/keel/boot", "r");
	char line[128], name[64];
	unsigned long long ns, instructions;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63[^\t]\t%llu\t%llu", name, &ns, &instructions) != 3)
			continue;
		printf("  %-16s %7.2f ms", name, (double)ns / 1e6);
		if (instructions)
			printf("  %7.2f M instructions", (double)instructions / 1e6);
		putchar('\n');
	}
	if (f)
		fclose(f);
}

int about_main(int argc, char **argv)
{
	struct utsname u;
	char model[128];
	unsigned long total = meminfo("MemTotal"), available = meminfo("MemAvailable");

	uname(&u);
	read_line("/sys/firmware/devicetree/base/model", model, sizeof(model));
	printf("Keel %s (%s)\n", strstr(u.version, "Keel ") ? strstr(u.version, "Keel ") + 5 : u.version, u.machine);
	printf("  board            %s\n", model[0] ? model : "unknown");
	printf("  harts            %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
	printf("  memory           %lu MiB, %.1f MiB in use\n", total >> 10, (double)(total - available) / 1024);
	printf("since the firmware handed over:\n");
	print_boot();
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Which port is the console: the last console= on the command line that names a port with one, else the device tree's
 * stdout-path, else the first port that offers itself. Drivers call console_offer() when they have a port.
 */
#include "tty_private.h"

#include <kernel/dt.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#define CONSOLES_MAX 4

static struct {
	char name[16];
	const char *options; /* "115200n8" or NULL */
} wanted[CONSOLES_MAX];
static u32 nr_wanted;
static struct tty_port *active[CONSOLES_MAX]; /* first is /dev/console */
static u32 nr_active;
static bool active_is_default; /* nobody asked for it */

struct tty_port *console_port(void)
{
	return nr_active ? active[0] : NULL;
}

bool console_active_at(u32 i, const char **name)
{
	if (i >= nr_active)
		return false;
	*name = active[nr_active - 1 - i]->name; /* /dev/console last, as Linux lists them */
	return true;
}

static bool stdout_path_is(struct dt_node *node)
{
	struct dt_node *chosen = dt_by_path("/chosen");
	const char *path = chosen ? dt_prop_string(chosen, "stdout-path") : NULL;

	return path && dt_by_path(path) == node;
}

static void activate(struct tty_port *port, bool first)
{
	if (nr_active == CONSOLES_MAX)
		return;
	if (first) {
		for (u32 i = nr_active; i > 0; i--)
			active[i] = active[i - 1];
		active[0] = port;
	} else {
		active[nr_active] = port;
	}
	nr_active++;
	console_register(port->console);
	pr_info("console: %s", port->name);
}

const char *console_offer(struct tty_port *port, struct dt_node *node)
{
	for (u32 i = nr_wanted; i > 0; i--)
		if (strcmp(wanted[i - 1].name, port->name) == 0) {
			/* The last one named is /dev/console. */
			activate(port, i == nr_wanted || nr_active == 0);
			return wanted[i - 1].options;
		}
	if (nr_wanted)
		return NULL;
	if (stdout_path_is(node) && active_is_default) {
		console_unregister(active[0]->console);
		nr_active = 0;
	}
	if (nr_active == 0) {
		active_is_default = !stdout_path_is(node);
		activate(port, true);
	}
	return NULL;
}

static int set_console(const char *value)
{
	const char *comma = strchr(value, ',');
	size_t len = comma ? (size_t)(comma - value) : strlen(value);

	if (len == 0 || len >= sizeof(wanted[0].name))
		return -EINVAL;
	if (strcmp(value, "null") == 0 || str_starts_with(value, "tty0"))
		return 0; /* no screen here; Linux command lines often name it beside the serial line */
	if (nr_wanted == CONSOLES_MAX)
		return -EINVAL;
	memcpy(wanted[nr_wanted].name, value, len);
	wanted[nr_wanted].options = comma ? comma + 1 : NULL;
	nr_wanted++;
	return 0;
}
CMDLINE("console", set_console);

/* The early console is SBI's and always on; anything else asked for is not there. */
static int set_earlycon(const char *value)
{
	return *value == '\0' || strcmp(value, "sbi") == 0 || str_starts_with(value, "uart8250") ? 0 : -EINVAL;
}
CMDLINE("earlycon", set_earlycon);

static int report_missing_consoles(void)
{
	if (nr_active)
		return 0;
	for (u32 i = 0; i < nr_wanted; i++)
		pr_err("console: %s was asked for and is not there", wanted[i].name);
	pr_err("console: no terminal for /dev/console; messages go to the firmware");
	return 0;
}
INITCALL(report_missing_consoles);

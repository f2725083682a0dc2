/* SPDX-License-Identifier: MIT */
/*
 * Device nodes in /sys: each is a directory /sys/devices/virtual/CLASS/NAME, to which links in /sys/class/CLASS, in
 * /sys/dev/{char,block}/MAJOR:MINOR and, for block devices, in /sys/block point.
 *
 * The object of a place is its struct devnode; of a class the name, as one of its nodes has it.
 */
#include "sysfs.h"

#include <kernel/chrdev.h>
#include <kernel/string.h>
#include <kernel/tty.h>

#include "../../dev/devnode.h"

static const struct devnode *devnode_of(const struct sysfs_node *n) { return n->object; }

/* Names with slashes are shown by what follows the last one. */
static const char *base_name(const struct devnode *d)
{
	const char *slash = strrchr(d->name, '/');

	return slash ? slash + 1 : d->name;
}

static bool is_shown(const struct devnode *d) { return devnode_present(d) && d->class_name; }

static bool in_class(const struct devnode *d, const char *class_name)
{
	return is_shown(d) && strcmp(d->class_name, class_name) == 0;
}

static bool node_is_there(const struct sysfs_node *n) { return is_shown(devnode_of(n)); }

/* --- a device --- */

static int show_dev(struct seq_file *m, const struct sysfs_node *n)
{
	dev_t dev = devnode_of(n)->dev;

	seq_printf(m, "%u:%u\n", DEV_MAJOR(dev), DEV_MINOR(dev));
	return 0;
}

static int show_uevent(struct seq_file *m, const struct sysfs_node *n)
{
	const struct devnode *d = devnode_of(n);

	seq_printf(m, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", DEV_MAJOR(d->dev), DEV_MINOR(d->dev), d->name);
	if ((d->mode & 0777) != 0600)
		seq_printf(m, "DEVMODE=%#o\n", d->mode & 0777);
	return 0;
}

static int link_subsystem(const struct sysfs_node *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../../../class/%s", devnode_of(n)->class_name);
}

/* /sys/class/tty/console/active */
static bool is_console(const struct sysfs_node *n) { return strcmp(devnode_of(n)->name, "console") == 0; }

static int show_active(struct seq_file *m, const struct sysfs_node *n)
{
	const char *name;

	for (u32 i = 0; console_active_at(i, &name); i++) {
		if (i)
			seq_putc(m, ' ');
		seq_puts(m, name);
	}
	seq_putc(m, '\n');
	return 0;
}

static const struct sysfs_entry device_table[] = {
	{ .name = "active", .mode = S_IFREG | 0444, .show = show_active, .exists = is_console },
	SYS_FILE("dev", show_dev),
	SYS_LINK("subsystem", link_subsystem),
	SYS_FILE("uevent", show_uevent),
	{ NULL },
};

static const struct sysfs_entry device_dir = { .mode = SYS_DIR, .children = device_table, .exists = node_is_there };

/* --- links to it --- */

static int link_two_up(const struct sysfs_node *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../devices/virtual/%s/%s", devnode_of(n)->class_name, base_name(devnode_of(n)));
}

static int link_one_up(const struct sysfs_node *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "../devices/virtual/%s/%s", devnode_of(n)->class_name, base_name(devnode_of(n)));
}

static const struct sysfs_entry class_link = { .mode = S_IFLNK | 0777, .link = link_two_up, .exists = node_is_there };
static const struct sysfs_entry number_link = { .mode = S_IFLNK | 0777, .link = link_two_up, .exists = node_is_there };
static const struct sysfs_entry block_link = { .mode = S_IFLNK | 0777, .link = link_one_up, .exists = node_is_there };

/* --- directories of devices --- */

typedef bool (*pick_fn)(const struct devnode *d, const void *arg);

/* The first device at or after *at that pick() takes: NULL, or *at is its place in the table. */
static const struct devnode *pick_device(u32 *at, pick_fn pick, const void *arg)
{
	for (const struct devnode *d = devnode_first(); d; d = devnode_next(d))
		if (d->index >= *at && is_shown(d) && pick(d, arg)) {
			*at = d->index;
			return d;
		}
	return NULL;
}

static bool pick_class(const struct devnode *d, const void *class_name) { return in_class(d, class_name); }
static bool pick_char(const struct devnode *d, const void *arg) { return S_ISCHR(d->mode); }
static bool pick_block(const struct devnode *d, const void *arg) { return S_ISBLK(d->mode); }

/* The first device of each class stands for it. */
static bool pick_first_of_class(const struct devnode *d, const void *arg)
{
	for (const struct devnode *e = devnode_first(); e != d; e = devnode_next(e))
		if (in_class(e, d->class_name))
			return false;
	return true;
}

static bool each_named(u32 *at, struct sysfs_child *out, const struct sysfs_entry *entry, pick_fn pick, const void *arg)
{
	const struct devnode *d = pick_device(at, pick, arg);

	if (!d)
		return false;
	out->node = (struct sysfs_node){ .entry = entry, .object = d };
	out->name = base_name(d);
	return true;
}

static bool each_number(u32 *at, struct sysfs_child *out, pick_fn pick)
{
	const struct devnode *d = pick_device(at, pick, NULL);

	if (!d)
		return false;
	out->node = (struct sysfs_node){ .entry = &number_link, .object = d };
	snprintf(out->buf, sizeof(out->buf), "%u:%u", DEV_MAJOR(d->dev), DEV_MINOR(d->dev));
	out->name = out->buf;
	return true;
}

bool sysfs_each_char_number(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_number(at, out, pick_char);
}

bool sysfs_each_block_number(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_number(at, out, pick_block);
}

bool sysfs_each_block(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_named(at, out, &block_link, pick_block, NULL);
}

/* --- classes --- */

static bool class_exists(const struct sysfs_node *n)
{
	u32 at = 0;

	return pick_device(&at, pick_class, n->object) != NULL;
}

static bool each_class_device(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_named(at, out, &device_dir, pick_class, dir->object);
}

static bool each_class_link(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_named(at, out, &class_link, pick_class, dir->object);
}

static const struct sysfs_entry class_dir = { .mode = SYS_DIR, .each = each_class_link, .exists = class_exists };
static const struct sysfs_entry virtual_dir = { .mode = SYS_DIR, .each = each_class_device, .exists = class_exists };

static bool each_class(u32 *at, struct sysfs_child *out, const struct sysfs_entry *entry)
{
	const struct devnode *d = pick_device(at, pick_first_of_class, NULL);

	if (!d)
		return false;
	out->name = d->class_name;
	out->node = (struct sysfs_node){ .entry = entry, .object = d->class_name };
	return true;
}

bool sysfs_each_class(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out) { return each_class(at, out, &class_dir); }
bool sysfs_each_virtual(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_class(at, out, &virtual_dir);
}

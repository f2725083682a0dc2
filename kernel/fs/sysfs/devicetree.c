/* SPDX-License-Identifier: MIT */
/*
 * /sys/firmware/devicetree/base: the device tree, a directory a node, a file with its bytes a property.
 *
 * The object of a place is its struct dt_node; a property's number its index in the node. As in Linux every node has a
 * property "name", made up where the flat tree has none, a node called like a property of its parent gets "#1", and
 * what firmware gave as seeds for random numbers is not shown.
 */
#include "sysfs.h"

#include <kernel/dt.h>
#include <kernel/string.h>

/* Positions in a directory: properties, the made-up name, child nodes. */
#define NAME_POS	0x10000
#define FIRST_CHILD_POS (NAME_POS + 1)

static const struct dt_node *dt_of(const struct sysfs_node *n) { return n->object; }

/* A node's name without its unit address. */
static size_t plain_len(const struct dt_node *n)
{
	const char *unit = strchr(n->name, '@');

	return unit ? (size_t)(unit - n->name) : strlen(n->name);
}

/* --- properties --- */

static size_t property_bytes(const struct sysfs_node *n, const void **data)
{
	const char *name;
	int len;

	*data = fdt_prop_at(boot_fdt, dt_of(n)->offset, (int)n->number, &name, &len);
	return *data ? (size_t)len : 0;
}

static size_t no_size(const struct sysfs_node *n) { return 0; }

static const struct sysfs_entry property = { .mode = S_IFREG | 0444, .bytes = property_bytes };
static const struct sysfs_entry secret_property = { .mode = S_IFREG | 0400, .bytes = property_bytes, .size = no_size };

static int show_name(struct seq_file *m, const struct sysfs_node *n)
{
	seq_write(m, dt_of(n)->name, plain_len(dt_of(n)));
	seq_putc(m, '\0');
	return 0;
}

static size_t name_size(const struct sysfs_node *n) { return plain_len(dt_of(n)) + 1; }

static const struct sysfs_entry made_up_name = { .mode = S_IFREG | 0444, .show = show_name, .size = name_size };

static bool is_seed(const char *name) { return strcmp(name, "rng-seed") == 0 || strcmp(name, "kaslr-seed") == 0; }

static bool find_property(const struct dt_node *n, u32 *at, struct sysfs_child *out)
{
	for (; *at < NAME_POS; ++*at) {
		int len;

		if (!fdt_prop_at(boot_fdt, n->offset, (int)*at, &out->name, &len))
			return false;
		if (is_seed(out->name))
			continue;
		out->node = (struct sysfs_node){ .object = n, .number = *at };
		out->node.entry = str_starts_with(out->name, "security-") ? &secret_property : &property;
		return true;
	}
	return false;
}

/* --- nodes --- */

static bool each_in_node(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out);
static const struct sysfs_entry node_dir = { .mode = SYS_DIR, .each = each_in_node };

static bool find_child(const struct dt_node *n, u32 i, struct sysfs_child *out)
{
	const struct dt_node *c = n->child;

	while (c && i--)
		c = c->next;
	if (!c)
		return false;
	out->node = (struct sysfs_node){ .entry = &node_dir, .object = c };
	out->name = c->name;
	if (dt_prop(n, c->name, NULL)) {
		snprintf(out->buf, sizeof(out->buf), "%s#1", c->name);
		out->name = out->buf;
	}
	return true;
}

static bool each_in_node(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	const struct dt_node *n = dt_of(dir);

	if (find_property(n, at, out))
		return true;
	if (*at <= NAME_POS) {
		*at = NAME_POS;
		if (!dt_prop(n, "name", NULL)) {
			out->node = (struct sysfs_node){ .entry = &made_up_name, .object = n };
			out->name = "name";
			return true;
		}
		*at = FIRST_CHILD_POS;
	}
	return find_child(n, *at - FIRST_CHILD_POS, out);
}

bool sysfs_each_dt(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	if (*at || !dt_root)
		return false;
	out->node = (struct sysfs_node){ .entry = &node_dir, .object = dt_root };
	out->name = "base";
	return true;
}

/* --- what uevent files say of a node --- */

static void show_aliases(struct seq_file *m, const struct dt_node *n)
{
	const struct dt_node *aliases = dt_by_path("/aliases");
	const char *name, *path;
	u32 shown = 0;
	int len;

	for (int i = 0; aliases && (path = fdt_prop_at(boot_fdt, aliases->offset, i, &name, &len)); i++)
		if (len > 0 && path[len - 1] == '\0' && *path == '/' && dt_by_path(path) == n)
			seq_printf(m, "OF_ALIAS_%u=%s\n", shown++, name);
}

void sysfs_show_of_uevent(struct seq_file *m, const struct dt_node *n)
{
	const char *type = dt_prop_string(n, "device_type"), *s;
	char path[256];
	u32 i;

	seq_puts(m, "OF_NAME=");
	seq_write(m, n->name, plain_len(n));
	seq_printf(m, "\nOF_FULLNAME=%s\n", dt_path_name(n, path, sizeof(path)));
	if (type)
		seq_printf(m, "OF_TYPE=%s\n", type);
	for (i = 0; (s = dt_prop_string_at(n, "compatible", i)); i++)
		seq_printf(m, "OF_COMPATIBLE_%u=%s\n", i, s);
	seq_printf(m, "OF_COMPATIBLE_N=%u\n", i);
	show_aliases(m, n);
}

void sysfs_show_of_modalias(struct seq_file *m, const struct dt_node *n)
{
	const char *type = dt_prop_string(n, "device_type"), *s;

	seq_puts(m, "of:N");
	seq_write(m, n->name, plain_len(n));
	seq_printf(m, "T%s", type ? type : "(null)");
	for (u32 i = 0; (s = dt_prop_string_at(n, "compatible", i)); i++) {
		seq_putc(m, 'C');
		for (; *s; s++)
			seq_putc(m, *s == ' ' ? '_' : *s);
	}
}

int sysfs_link_of_node(const struct dt_node *n, const char *up, char *buf, size_t size)
{
	char path[256];

	return scnprintf(buf, size, "%sfirmware/devicetree/base%s", up, dt_path_name(n, path, sizeof(path)));
}

/* SPDX-License-Identifier: MIT */
/*
 * Devices bound to drivers: /sys/devices/platform and /sys/bus/platform.
 *
 * The object of a place is its struct device, of a driver's directory its struct driver. The list of devices grows only
 * during boot and never shrinks. All devices stand side by side, also those below a bus.
 */
#include "sysfs.h"

#include <kernel/device.h>
#include <kernel/string.h>

static const struct device *device_of(const struct sysfs_node *n) { return n->object; }

/* --- names, as Linux makes them of nodes --- */

/* "/a/b@10/c" is "10.b:c" when b has a register address, else "a:b:c". */
static const char *device_name(const struct device *dev, char *buf, size_t size)
{
	const struct dt_node *n = dev->node;
	char text[SYS_NAME_MAX];
	size_t at = size - 1;

	buf[at] = '\0';
	for (bool placed = false; n->parent && !placed; n = n->parent) {
		paddr_t addr;
		size_t len;

		placed = dt_reg(n, 0, &addr, NULL) == 0;
		if (placed)
			scnprintf(text, sizeof(text), "%llx.%s", (unsigned long long)addr, n->name);
		else
			scnprintf(text, sizeof(text), "%s", n->name);
		if (placed && strchr(text, '@'))
			*strchr(text, '@') = '\0';
		len = strlen(text);
		if (len + 1 > at)
			break;
		if (buf[at])
			buf[--at] = ':';
		at -= len;
		memcpy(buf + at, text, len);
	}
	return buf + at;
}

/* --- a device --- */

static int show_modalias(struct seq_file *m, const struct sysfs_node *n)
{
	sysfs_show_of_modalias(m, device_of(n)->node);
	seq_putc(m, '\n');
	return 0;
}

static int show_uevent(struct seq_file *m, const struct sysfs_node *n)
{
	seq_printf(m, "DRIVER=%s\n", device_of(n)->driver->name);
	sysfs_show_of_uevent(m, device_of(n)->node);
	seq_puts(m, "MODALIAS=");
	return show_modalias(m, n);
}

static int link_driver(const struct sysfs_node *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../../bus/platform/drivers/%s", device_of(n)->driver->name);
}

static int link_of_node(const struct sysfs_node *n, char *buf, size_t size)
{
	return sysfs_link_of_node(device_of(n)->node, "../../../", buf, size);
}

static int link_subsystem(const struct sysfs_node *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../../bus/platform");
}

static const struct sysfs_entry device_table[] = {
	SYS_LINK("driver", link_driver),
	SYS_FILE("modalias", show_modalias),
	SYS_LINK("of_node", link_of_node),
	SYS_LINK("subsystem", link_subsystem),
	SYS_FILE("uevent", show_uevent),
	{ NULL },
};

static const struct sysfs_entry device_dir = { .mode = SYS_DIR, .children = device_table };

/* --- directories of devices --- */

/* The first device at or after *at, of a driver when one is given. */
static bool each_device(u32 *at, struct sysfs_child *out, const struct sysfs_entry *entry, const struct driver *driver)
{
	const struct device *d;
	u32 i = 0;

	list_for_each_entry(d, &devices, link) {
		if (i++ < *at || (driver && d->driver != driver))
			continue;
		*at = i - 1;
		out->node = (struct sysfs_node){ .entry = entry, .object = d };
		out->name = device_name(d, out->buf, sizeof(out->buf));
		return true;
	}
	return false;
}

bool sysfs_each_platform(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_device(at, out, &device_dir, NULL);
}

static int link_device(const struct sysfs_node *n, char *buf, size_t size, const char *up)
{
	char name[SYS_NAME_MAX];

	return scnprintf(buf, size, "%sdevices/platform/%s", up, device_name(device_of(n), name, sizeof(name)));
}

static int link_from_devices(const struct sysfs_node *n, char *buf, size_t size)
{
	return link_device(n, buf, size, "../../../");
}

static int link_from_driver(const struct sysfs_node *n, char *buf, size_t size)
{
	return link_device(n, buf, size, "../../../../");
}

static const struct sysfs_entry devices_link = { .mode = S_IFLNK | 0777, .link = link_from_devices };
static const struct sysfs_entry driver_link = { .mode = S_IFLNK | 0777, .link = link_from_driver };

static bool each_devices_link(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_device(at, out, &devices_link, NULL);
}

static bool each_driver_link(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_device(at, out, &driver_link, dir->object);
}

/* --- drivers: those that have a device --- */

static const struct sysfs_entry driver_dir = { .mode = SYS_DIR, .each = each_driver_link };

static bool first_of_driver(const struct device *dev)
{
	const struct device *d;

	list_for_each_entry(d, &devices, link)
		if (d->driver == dev->driver)
			return d == dev;
	return false;
}

static bool each_driver(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	const struct device *d;
	u32 i = 0;

	list_for_each_entry(d, &devices, link) {
		if (i++ < *at || !first_of_driver(d))
			continue;
		*at = i - 1;
		out->node = (struct sysfs_node){ .entry = &driver_dir, .object = d->driver };
		out->name = d->driver->name;
		return true;
	}
	return false;
}

const struct sysfs_entry sysfs_platform_bus_table[] = {
	SYS_INSTANCES("devices", each_devices_link),
	SYS_INSTANCES("drivers", each_driver),
	{ NULL },
};

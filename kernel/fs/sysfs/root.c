/* SPDX-License-Identifier: MIT */
/*
 * The tables from the root of /sys down to where a subsystem's own begin, and the small files among them.
 */
#include "sysfs.h"

#include <kernel/chrdev.h>
#include <kernel/dt.h>
#include <kernel/string.h>

static const struct sysfs_entry empty_table[] = { { NULL } };

/* --- /sys/devices/system --- */

static int show_clocksources(struct seq_file *m, const struct sysfs_node *n)
{
	seq_puts(m, "riscv_clocksource \n");
	return 0;
}

static int show_clocksource(struct seq_file *m, const struct sysfs_node *n)
{
	seq_puts(m, "riscv_clocksource\n");
	return 0;
}

static const struct sysfs_entry clocksource0_table[] = {
	SYS_FILE("available_clocksource", show_clocksources),
	SYS_FILE("current_clocksource", show_clocksource),
	{ NULL },
};
static const struct sysfs_entry clocksource_table[] = { SYS_TABLE("clocksource0", clocksource0_table), { NULL } };

static const struct sysfs_entry system_table[] = {
	SYS_TABLE("clocksource", clocksource_table),
	{ .name = "cpu", .mode = SYS_DIR, .children = sysfs_cpu_table, .each = sysfs_each_cpu },
	SYS_TABLE("node", sysfs_numa_table),
	{ NULL },
};

static const struct sysfs_entry devices_table[] = {
	SYS_INSTANCES("platform", sysfs_each_platform),
	SYS_TABLE("system", system_table),
	SYS_INSTANCES("virtual", sysfs_each_virtual),
	{ NULL },
};

/* --- /sys/bus, /sys/dev --- */

static const struct sysfs_entry bus_table[] = {
	SYS_TABLE("cpu", sysfs_cpu_bus_table),
	SYS_TABLE("platform", sysfs_platform_bus_table),
	{ NULL },
};

static const struct sysfs_entry dev_table[] = {
	SYS_INSTANCES("block", sysfs_each_block_number),
	SYS_INSTANCES("char", sysfs_each_char_number),
	{ NULL },
};

/* --- /sys/firmware --- */

static size_t fdt_bytes(const struct sysfs_node *n, const void **data)
{
	*data = boot_fdt;
	return boot_fdt ? fdt_totalsize(boot_fdt) : 0;
}

static const struct sysfs_entry firmware_table[] = {
	SYS_INSTANCES("devicetree", sysfs_each_dt),
	{ .name = "fdt", .mode = S_IFREG | 0400, .bytes = fdt_bytes },
	{ NULL },
};

/* --- /sys/kernel --- */

static int show_address_bits(struct seq_file *m, const struct sysfs_node *n)
{
	seq_printf(m, "%u\n", (u32)sizeof(void *) * 8);
	return 0;
}

static int show_byteorder(struct seq_file *m, const struct sysfs_node *n)
{
	seq_puts(m, "little\n");
	return 0;
}

/* File capabilities are known. */
static int show_fscaps(struct seq_file *m, const struct sysfs_node *n)
{
	seq_puts(m, "1\n");
	return 0;
}

static int show_uevent_seqnum(struct seq_file *m, const struct sysfs_node *n)
{
	seq_printf(m, "%u\n", devnode_generation());
	return 0;
}

static const struct sysfs_entry kernel_table[] = {
	SYS_FILE("address_bits", show_address_bits),
	SYS_FILE("cpu_byteorder", show_byteorder),
	SYS_FILE("fscaps", show_fscaps),
	SYS_TABLE("mm", empty_table),
	SYS_FILE("uevent_seqnum", show_uevent_seqnum),
	{ NULL },
};

static const struct sysfs_entry root_table[] = {
	SYS_INSTANCES("block", sysfs_each_block),
	SYS_TABLE("bus", bus_table),
	SYS_INSTANCES("class", sysfs_each_class),
	SYS_TABLE("dev", dev_table),
	SYS_TABLE("devices", devices_table),
	SYS_TABLE("firmware", firmware_table),
	SYS_TABLE("fs", empty_table),
	SYS_TABLE("kernel", kernel_table),
	SYS_TABLE("module", empty_table),
	SYS_TABLE("power", empty_table),
	{ NULL },
};

const struct sysfs_entry sysfs_root = SYS_TABLE("/", root_table);

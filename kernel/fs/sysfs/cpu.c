/* SPDX-License-Identifier: MIT */
/*
 * /sys/devices/system/cpu and node: the harts, how they belong together, and the one memory node there is.
 *
 * A hart's place (package, cluster, core, thread) is what /cpus/cpu-map of the device tree says, as Linux reads it;
 * without one each hart is a core of package 0. The number of a place is the hart's.
 */
#include "sysfs.h"

#include <kernel/dt.h>
#include <kernel/hart.h>
#include <kernel/mm.h>
#include <kernel/string.h>

/* --- sets of harts, in Linux's two formats --- */

static hartmask_t all_harts(void) { return nr_harts >= NR_HARTS_MAX ? HARTMASK_ALL : HARTMASK_OF(nr_harts) - 1; }

static void show_list(struct seq_file *m, hartmask_t mask)
{
	const char *comma = "";

	for (u32 h = 0; h < NR_HARTS_MAX; h++) {
		u32 first = h;

		if (!(mask & HARTMASK_OF(h)))
			continue;
		while (h + 1 < NR_HARTS_MAX && (mask & HARTMASK_OF(h + 1)))
			h++;
		seq_printf(m, h == first ? "%s%u" : "%s%u-%u", comma, first, h);
		comma = ",";
	}
	seq_putc(m, '\n');
}

/* As many digits as all harts need. */
static void show_mask(struct seq_file *m, hartmask_t mask)
{
	seq_printf(m, "%0*x\n", (int)DIV_ROUND_UP(nr_harts, 4), mask);
}

/* --- all of them --- */

static int show_online(struct seq_file *m, const struct sysfs_node *n)
{
	show_list(m, READ_ONCE(harts_online));
	return 0;
}

static int show_all(struct seq_file *m, const struct sysfs_node *n)
{
	show_list(m, all_harts());
	return 0;
}

static int show_offline(struct seq_file *m, const struct sysfs_node *n)
{
	show_list(m, all_harts() & ~READ_ONCE(harts_online));
	return 0;
}

static int show_none(struct seq_file *m, const struct sysfs_node *n)
{
	seq_putc(m, '\n');
	return 0;
}

static int show_kernel_max(struct seq_file *m, const struct sysfs_node *n)
{
	seq_printf(m, "%u\n", NR_HARTS_MAX - 1);
	return 0;
}

/* --- topology --- */

struct place {
	s32 package, cluster, core;
};

/* The number in a name like "core3": -1 when it is not one of these. */
static s32 numbered(const char *name, const char *prefix)
{
	u64 v;

	if (!str_starts_with(name, prefix) || parse_u64(name + strlen(prefix), 10, &v) || v > 0xffff)
		return -1;
	return (s32)v;
}

static const struct dt_node *hart_node(u32 h)
{
	const struct dt_node *n = dt_by_path("/cpus");
	u64 id;

	for (n = n ? n->child : NULL; n; n = n->next) {
		int len;
		const void *reg = dt_prop(n, "reg", &len);

		if (reg && len >= 4 && len <= 8 && !fdt_read_cells(reg, (u32)len / 4, &id) && id == hart_hwid(h))
			return n;
	}
	return NULL;
}

/* The core or thread of the map that is this hart. */
static const struct dt_node *map_entry(const struct dt_node *map, const struct dt_node *hart)
{
	const struct dt_node *end = map->next ? map->next : map->parent->next;
	u32 phandle;

	for (const struct dt_node *n = map->child; n && n != end; n = dt_next(n))
		if (dt_prop_u32(n, "cpu", &phandle) == 0 && phandle == hart->phandle)
			return n;
	return NULL;
}

static struct place hart_place(u32 h)
{
	struct place p = { .package = 0, .cluster = -1, .core = (s32)h };
	const struct dt_node *map = dt_by_path("/cpus/cpu-map"), *hart = hart_node(h);
	const struct dt_node *n = map && hart && hart->phandle ? map_entry(map, hart) : NULL;

	for (; n && n != map; n = n->parent) {
		s32 core = numbered(n->name, "core"), cluster = numbered(n->name, "cluster");
		s32 package = numbered(n->name, "socket");

		p.core = core >= 0 ? core : p.core;
		p.cluster = cluster >= 0 && p.cluster < 0 ? cluster : p.cluster;
		p.package = package >= 0 ? package : p.package;
	}
	return p;
}

enum level { LEVEL_PACKAGE, LEVEL_CLUSTER, LEVEL_CORE };

/* The online harts that share h's package, cluster or core. */
static hartmask_t siblings(u32 h, enum level level)
{
	struct place mine = hart_place(h);
	hartmask_t mask = HARTMASK_OF(h);
	u32 i;

	if (level == LEVEL_CLUSTER && mine.cluster < 0)
		return mask;
	for_each_hart_in(i, READ_ONCE(harts_online)) {
		struct place p = hart_place(i);

		if (p.package == mine.package && (level < LEVEL_CLUSTER || p.cluster == mine.cluster) &&
		    (level < LEVEL_CORE || p.core == mine.core))
			mask |= HARTMASK_OF(i);
	}
	return mask;
}

static u32 hart_of(const struct sysfs_node *n) { return (u32)n->number; }

static int show_package_id(struct seq_file *m, const struct sysfs_node *n)
{
	seq_printf(m, "%d\n", hart_place(hart_of(n)).package);
	return 0;
}

static int show_cluster_id(struct seq_file *m, const struct sysfs_node *n)
{
	seq_printf(m, "%d\n", hart_place(hart_of(n)).cluster);
	return 0;
}

static int show_core_id(struct seq_file *m, const struct sysfs_node *n)
{
	seq_printf(m, "%d\n", hart_place(hart_of(n)).core);
	return 0;
}

#define SIBLING_FILES(name, level)                                                                   \
	static int show_##name(struct seq_file *m, const struct sysfs_node *n)                         \
	{                                                                                            \
		show_mask(m, siblings(hart_of(n), level));                                           \
		return 0;                                                                            \
	}                                                                                            \
	static int show_##name##_list(struct seq_file *m, const struct sysfs_node *n)                  \
	{                                                                                            \
		show_list(m, siblings(hart_of(n), level));                                           \
		return 0;                                                                            \
	}
SIBLING_FILES(package, LEVEL_PACKAGE)
SIBLING_FILES(cluster, LEVEL_CLUSTER)
SIBLING_FILES(core, LEVEL_CORE)

static const struct sysfs_entry topology_table[] = {
	SYS_FILE("cluster_cpus", show_cluster),
	SYS_FILE("cluster_cpus_list", show_cluster_list),
	SYS_FILE("cluster_id", show_cluster_id),
	SYS_FILE("core_cpus", show_core),
	SYS_FILE("core_cpus_list", show_core_list),
	SYS_FILE("core_id", show_core_id),
	SYS_FILE("core_siblings", show_package),
	SYS_FILE("core_siblings_list", show_package_list),
	SYS_FILE("package_cpus", show_package),
	SYS_FILE("package_cpus_list", show_package_list),
	SYS_FILE("physical_package_id", show_package_id),
	SYS_FILE("thread_siblings", show_core),
	SYS_FILE("thread_siblings_list", show_core_list),
	{ NULL },
};

/* --- a hart --- */

static int show_hart_online(struct seq_file *m, const struct sysfs_node *n)
{
	seq_printf(m, "%u\n", (READ_ONCE(harts_online) >> hart_of(n)) & 1);
	return 0;
}

static int show_hart_uevent(struct seq_file *m, const struct sysfs_node *n)
{
	const struct dt_node *node = hart_node(hart_of(n));

	seq_puts(m, "DRIVER=cpu\n");
	if (node)
		sysfs_show_of_uevent(m, node);
	return 0;
}

static bool has_node(const struct sysfs_node *n) { return hart_node(hart_of(n)) != NULL; }

static int link_hart_node(const struct sysfs_node *n, char *buf, size_t size)
{
	return sysfs_link_of_node(hart_node(hart_of(n)), "../../../../", buf, size);
}

static int link_cpu_bus(const struct sysfs_node *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../../../bus/cpu");
}

static const struct sysfs_entry hart_table[] = {
	{ .name = "of_node", .mode = S_IFLNK | 0777, .link = link_hart_node, .exists = has_node },
	SYS_FILE("online", show_hart_online),
	SYS_LINK("subsystem", link_cpu_bus),
	SYS_TABLE("topology", topology_table),
	SYS_FILE("uevent", show_hart_uevent),
	{ NULL },
};

static const struct sysfs_entry hart_dir = { .mode = SYS_DIR, .children = hart_table };

static bool each_hart(u32 *at, struct sysfs_child *out, const struct sysfs_entry *entry)
{
	if (*at >= nr_harts)
		return false;
	snprintf(out->buf, sizeof(out->buf), "cpu%u", *at);
	out->name = out->buf;
	out->node = (struct sysfs_node){ .entry = entry, .number = *at };
	return true;
}

bool sysfs_each_cpu(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out) { return each_hart(at, out, &hart_dir); }

const struct sysfs_entry sysfs_cpu_table[] = {
	SYS_FILE("isolated", show_none),
	SYS_FILE("kernel_max", show_kernel_max),
	SYS_FILE("offline", show_offline),
	SYS_FILE("online", show_online),
	SYS_FILE("possible", show_all),
	SYS_FILE("present", show_all),
	{ NULL },
};

/* --- /sys/bus/cpu --- */

static int link_from_bus(const struct sysfs_node *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../../devices/system/cpu/cpu%u", hart_of(n));
}

static const struct sysfs_entry hart_bus_link = { .mode = S_IFLNK | 0777, .link = link_from_bus };

static bool each_bus_link(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_hart(at, out, &hart_bus_link);
}

const struct sysfs_entry sysfs_cpu_bus_table[] = { SYS_INSTANCES("devices", each_bus_link), { NULL } };

/* --- memory node 0 --- */

static int show_zero(struct seq_file *m, const struct sysfs_node *n)
{
	seq_puts(m, "0\n");
	return 0;
}

static int show_node_mask(struct seq_file *m, const struct sysfs_node *n)
{
	show_mask(m, READ_ONCE(harts_online));
	return 0;
}

static int show_distance(struct seq_file *m, const struct sysfs_node *n)
{
	seq_puts(m, "10\n");
	return 0;
}

static int show_node_meminfo(struct seq_file *m, const struct sysfs_node *n)
{
	struct memory_info i;

	memory_info(&i);
	const struct {
		const char *name;
		u64 pages;
	} lines[] = { { "MemTotal:", i.total },
		      { "MemFree:", i.free },
		      { "MemUsed:", i.total - i.free },
		      { "Dirty:", i.dirty },
		      { "Writeback:", i.writeback },
		      { "FilePages:", i.cached },
		      { "Mapped:", i.mapped },
		      { "AnonPages:", i.anon },
		      { "Shmem:", i.shmem },
		      { "KernelStack:", i.kstacks },
		      { "PageTables:", i.page_tables },
		      { "Slab:", i.slab + i.slab_reclaimable },
		      { "SReclaimable:", i.slab_reclaimable },
		      { "SUnreclaim:", i.slab } };

	for (u32 k = 0; k < ARRAY_SIZE(lines); k++)
		seq_printf(m, "Node 0 %-15s %8llu kB\n", lines[k].name,
			   (unsigned long long)lines[k].pages * (PAGE_SIZE / 1024));
	return 0;
}

static int link_from_node(const struct sysfs_node *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "../../cpu/cpu%u", hart_of(n));
}

static const struct sysfs_entry hart_node_link = { .mode = S_IFLNK | 0777, .link = link_from_node };

static bool each_node_link(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out)
{
	return each_hart(at, out, &hart_node_link);
}

static const struct sysfs_entry node0_table[] = {
	SYS_FILE("cpulist", show_online),
	SYS_FILE("cpumap", show_node_mask),
	SYS_FILE("distance", show_distance),
	SYS_FILE("meminfo", show_node_meminfo),
	{ NULL },
};

const struct sysfs_entry sysfs_numa_table[] = {
	SYS_FILE("has_cpu", show_zero),
	SYS_FILE("has_memory", show_zero),
	SYS_FILE("has_normal_memory", show_zero),
	{ .name = "node0", .mode = SYS_DIR, .children = node0_table, .each = each_node_link },
	SYS_FILE("online", show_zero),
	SYS_FILE("possible", show_zero),
	{ NULL },
};

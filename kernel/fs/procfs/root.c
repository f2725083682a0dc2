/* SPDX-License-Identifier: MIT */
/*
 * The files of /proc that are no process's, in Linux's formats.
 */
#include "procfs.h"

#include <arch/cpu.h>
#include <kernel/chrdev.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/poll.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <kernel/tty.h>
#include <kernel/uio.h>

#include "../../init/kmsg.h"

typedef unsigned long long ull;

static int show_version(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%s version %s (%s) %s\n", uts_sysname, uts_release, "keel", uts_version);
	return 0;
}

static int show_cmdline(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%s\n", saved_cmdline);
	return 0;
}

static int show_uptime(struct seq_file *m, struct task *t)
{
	u64 up = (u64)ktime_get_boottime(), idle = 0;
	u32 h;

	for_each_hart(h)
		idle += hart_idle_ns(h);
	seq_printf(m, "%llu.%02llu %llu.%02llu\n", (ull)(up / NSEC_PER_SEC), (ull)(up % NSEC_PER_SEC / 10000000),
		   (ull)(idle / NSEC_PER_SEC), (ull)(idle % NSEC_PER_SEC / 10000000));
	return 0;
}

static int show_loadavg(struct seq_file *m, struct task *t)
{
	u64 avg[3];

	sched_loadavg(avg);
	for (u32 i = 0; i < 3; i++) {
		u64 v = avg[i] + (1 << 16) / 200; /* rounded */

		seq_printf(m, "%llu.%02llu ", (ull)(v >> 16), (ull)(((v & 0xffff) * 100) >> 16));
	}
	seq_printf(m, "%u/%u %u\n", sched_nr_running(), nr_threads(), pid_last());
	return 0;
}

static int show_meminfo(struct seq_file *m, struct task *t)
{
	struct memory_info i;

	memory_info(&i);
#define LINE(name, pages) seq_printf(m, "%-15s %8llu kB\n", name ":", (ull)(pages) * (PAGE_SIZE / 1024))
	LINE("MemTotal", i.total);
	LINE("MemFree", i.free);
	LINE("MemAvailable", i.available);
	LINE("Buffers", 0);
	LINE("Cached", i.cached);
	LINE("SwapCached", 0);
	LINE("Active", i.anon + (i.cached - i.shmem) / 2);
	LINE("Inactive", i.cached - (i.cached - i.shmem) / 2);
	LINE("Active(anon)", i.anon);
	LINE("Inactive(anon)", i.shmem);
	LINE("Active(file)", (i.cached - i.shmem) / 2);
	LINE("Inactive(file)", i.cached - i.shmem - (i.cached - i.shmem) / 2);
	LINE("Unevictable", i.mlocked);
	LINE("Mlocked", i.mlocked);
	LINE("SwapTotal", 0);
	LINE("SwapFree", 0);
	LINE("Dirty", i.dirty);
	LINE("Writeback", i.writeback);
	LINE("AnonPages", i.anon);
	LINE("Mapped", i.mapped);
	LINE("Shmem", i.shmem);
	LINE("KReclaimable", i.slab_reclaimable);
	LINE("Slab", i.slab + i.slab_reclaimable);
	LINE("SReclaimable", i.slab_reclaimable);
	LINE("SUnreclaim", i.slab);
	LINE("KernelStack", i.kstacks);
	LINE("PageTables", i.page_tables);
	LINE("SecPageTables", 0);
	LINE("NFS_Unstable", 0);
	LINE("Bounce", 0);
	LINE("WritebackTmp", 0);
	LINE("CommitLimit", i.commit_limit);
	LINE("Committed_AS", i.committed);
	LINE("VmallocTotal", VMALLOC_SIZE / PAGE_SIZE);
	LINE("VmallocUsed", i.vmalloc);
	LINE("VmallocChunk", 0);
	LINE("Percpu", 0);
#undef LINE
	return 0;
}

static int show_vmstat(struct seq_file *m, struct task *t)
{
	static const struct {
		const char *name;
		enum vm_event event;
	} events[] = { { "pgalloc_normal", VM_PGALLOC }, { "pgfree", VM_PGFREE }, { "pgfault", VM_PGFAULT },
		       { "pgmajfault", VM_PGMAJFAULT }, { "pgscan_direct", VM_PGSCAN }, { "pgsteal_direct", VM_PGSTEAL },
		       { "oom_kill", VM_OOM_KILL } };
	struct memory_info i;

	memory_info(&i);
	seq_printf(m,
		   "nr_free_pages %llu\nnr_anon_pages %llu\nnr_mapped %llu\nnr_file_pages %llu\nnr_dirty %llu\n"
		   "nr_writeback %llu\nnr_slab_reclaimable %llu\nnr_slab_unreclaimable %llu\nnr_page_table_pages %llu\n"
		   "nr_kernel_stack %llu\nnr_shmem %llu\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n",
		   (ull)i.free, (ull)i.anon, (ull)i.mapped, (ull)i.cached, (ull)i.dirty, (ull)i.writeback,
		   (ull)i.slab_reclaimable, (ull)i.slab, (ull)i.page_tables, (ull)i.kstacks * 4, (ull)i.shmem);
	for (u32 e = 0; e < ARRAY_SIZE(events); e++)
		seq_printf(m, "%s %llu\n", events[e].name, (ull)vm_event_read(events[e].event));
	return 0;
}

static void show_hart_time(struct seq_file *m, const char *name, const struct hart_time *h)
{
	const u64 tick = NSEC_PER_SEC / USER_HZ;

	seq_printf(m, "%s %llu %llu %llu %llu %llu %llu %llu 0 0 0\n", name, (ull)(h->user / tick), (ull)(h->nice / tick),
		   (ull)(h->system / tick), (ull)(h->idle / tick), (ull)(h->iowait / tick), (ull)(h->irq / tick),
		   (ull)(h->softirq / tick));
}

/* The total, then Linux's ten kinds: Keel has no IRQ_POLL. */
static void show_softirq_counts(struct seq_file *m)
{
	u64 counts[NR_SOFTIRQS] = { 0 }, total = 0;
	u32 h;

	for_each_hart(h)
		for (u32 nr = 0; nr < NR_SOFTIRQS; nr++) {
			counts[nr] += softirq_count(h, nr);
			total += softirq_count(h, nr);
		}
	seq_printf(m, "softirq %llu", (ull)total);
	for (u32 nr = 0; nr < NR_SOFTIRQS; nr++)
		seq_printf(m, "%s %llu", nr == SOFTIRQ_TASKLET ? " 0" : "", (ull)counts[nr]);
	seq_putc(m, '\n');
}

static int show_stat(struct seq_file *m, struct task *t)
{
	struct hart_time h, sum = { 0 };
	char name[12];
	u32 i, running;

	for_each_hart(i) {
		sched_hart_time(i, &h);
		sum.user += h.user;
		sum.nice += h.nice;
		sum.system += h.system;
		sum.idle += h.idle;
		sum.iowait += h.iowait;
		sum.irq += h.irq;
		sum.softirq += h.softirq;
	}
	show_hart_time(m, "cpu ", &sum);
	for_each_hart(i) {
		sched_hart_time(i, &h);
		snprintf(name, sizeof(name), "cpu%u", i);
		show_hart_time(m, name, &h);
	}
	running = sched_nr_running();
	seq_printf(m, "intr %llu\nctxt %llu\nbtime %llu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n", (ull)irq_total(),
		   (ull)sched_nr_switches(),
		   (ull)((u64)(ktime_get_real() - ktime_get_boottime()) / NSEC_PER_SEC), pid_last(), running ? running : 1);
	show_softirq_counts(m);
	return 0;
}

static int show_cpuinfo(struct seq_file *m, struct task *t)
{
	cpuinfo_show(m);
	return 0;
}

static int show_interrupts(struct seq_file *m, struct task *t)
{
	irq_show(m);
	return 0;
}

static int show_softirqs(struct seq_file *m, struct task *t)
{
	softirq_show(m);
	return 0;
}

static int show_filesystems(struct seq_file *m, struct task *t)
{
	fs_show_types(m);
	return 0;
}

static int show_devices(struct seq_file *m, struct task *t)
{
	chrdev_show(m);
	return 0;
}

static int show_tty_drivers(struct seq_file *m, struct task *t)
{
	tty_show_drivers(m);
	return 0;
}

static int show_locks(struct seq_file *m, struct task *t)
{
	locks_show(m);
	return 0;
}

static int show_slabinfo(struct seq_file *m, struct task *t)
{
	slab_show(m);
	return 0;
}

static int show_misc(struct seq_file *m, struct task *t)
{
	return 0;
}

static int show_swaps(struct seq_file *m, struct task *t)
{
	seq_puts(m, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

static int show_partitions(struct seq_file *m, struct task *t)
{
	seq_puts(m, "major minor  #blocks  name\n\n");
	return 0;
}

static int show_consoles(struct seq_file *m, struct task *t)
{
	const char *name;

	for (u32 i = 0; console_active_at(i, &name); i++)
		seq_printf(m, "%-21s-W- (EC p  )    4:64\n", name);
	return 0;
}

/* Addresses only for who may see them, as kernel.kptr_restrict=1. */
static int show_kallsyms(struct seq_file *m, struct task *t)
{
	bool show = capable(CAP_SYSLOG);
	const char *name;
	vaddr_t addr;
	char type;

	for (u32 i = 0; symbol_at(i, &addr, &type, &name); i++)
		seq_printf(m, "%016lx %c %s\n", show ? (unsigned long)addr : 0UL, type, name);
	return 0;
}

/* Banks of memory and device registers, as far as anybody has claimed them. */
static int show_iomem(struct seq_file *m, struct task *t)
{
	paddr_t start, end;
	bool show = capable(CAP_SYS_ADMIN);

	for (u32 i = 0; memory_bank(i, &start, &end); i++)
		seq_printf(m, "%08llx-%08llx : System RAM\n", show ? (ull)start : 0, show ? (ull)end - 1 : 0);
	return 0;
}

static int show_boot(struct seq_file *m, struct task *t)
{
	struct boot_milestone_entry e;

	for (u32 i = 0; boot_milestone_at(i, &e); i++)
		seq_printf(m, "%s\t%llu\t%llu\n", e.name, (ull)e.ns, (ull)e.instructions);
	return 0;
}

static int show_syscalls(struct seq_file *m, struct task *t)
{
	syscall_stats_show(m);
	return 0;
}

static int show_lock_stats(struct seq_file *m, struct task *t)
{
	lock_stats_show(m);
	return 0;
}

static ssize_t sysrq_write(struct file *f, struct uio *u, loff_t *pos)
{
	u64 n = u->left;
	u8 key;

	if (n) {
		if (copy_from_uio(&key, 1, u) != 1)
			return -EFAULT;
		sysrq_key(key);
	}
	return (ssize_t)n;
}

static const struct file_ops sysrq_fops = { .write = sysrq_write, .llseek = noop_llseek };

static int link_mounts(struct task *t, char *buf, size_t size)
{
	return scnprintf(buf, size, "self/mounts");
}

static int link_device_tree(struct task *t, char *buf, size_t size)
{
	return scnprintf(buf, size, "/sys/firmware/devicetree/base");
}

#define FILE(n, fn)  { .name = n, .mode = S_IFREG | 0444, .show = fn }
#define RFILE(n, fn) { .name = n, .mode = S_IFREG | 0400, .show = fn }

static const struct proc_entry keel_table[] = {
	FILE("boot", show_boot),
	FILE("locks", show_lock_stats),
	FILE("syscalls", show_syscalls),
	{ NULL },
};

static const struct proc_entry tty_table[] = { FILE("drivers", show_tty_drivers), { NULL } };
static const struct proc_entry empty_table[] = { { NULL } };

const struct proc_entry proc_root_table[] = {
	FILE("cmdline", show_cmdline),
	FILE("consoles", show_consoles),
	FILE("cpuinfo", show_cpuinfo),
	{ .name = "device-tree", .mode = S_IFLNK | 0777, .link = link_device_tree },
	FILE("devices", show_devices),
	FILE("diskstats", show_misc),
	{ .name = "driver", .mode = S_IFDIR | 0555, .children = empty_table },
	FILE("filesystems", show_filesystems),
	{ .name = "fs", .mode = S_IFDIR | 0555, .children = empty_table },
	FILE("interrupts", show_interrupts),
	FILE("iomem", show_iomem),
	FILE("kallsyms", show_kallsyms),
	{ .name = "keel", .mode = S_IFDIR | 0555, .children = keel_table },
	{ .name = "kmsg", .mode = S_IFREG | 0400, .ops = &kmsg_fops },
	FILE("loadavg", show_loadavg),
	FILE("locks", show_locks),
	FILE("meminfo", show_meminfo),
	FILE("misc", show_misc),
	{ .name = "mounts", .mode = S_IFLNK | 0777, .link = link_mounts },
	FILE("partitions", show_partitions),
	RFILE("slabinfo", show_slabinfo),
	FILE("softirqs", show_softirqs),
	FILE("stat", show_stat),
	FILE("swaps", show_swaps),
	{ .name = "sys", .mode = S_IFDIR | 0555, .children = proc_sys_table },
	{ .name = "sysrq-trigger", .mode = S_IFREG | 0200, .ops = &sysrq_fops },
	{ .name = "sysvipc", .mode = S_IFDIR | 0555, .children = empty_table },
	{ .name = "tty", .mode = S_IFDIR | 0555, .children = tty_table },
	FILE("uptime", show_uptime),
	FILE("version", show_version),
	FILE("vmstat", show_vmstat),
	{ NULL },
};

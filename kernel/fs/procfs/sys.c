/* SPDX-License-Identifier: MIT */
/*
 * /proc/sys: the kernel's knobs. A knob is a variable with bounds, a string, or a function.
 */
#include "procfs.h"

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/pipe.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <kernel/vm.h>

#include "../../init/kmsg.h"

struct knob {
	const char *name;
	u32 *v32;
	u64 *v64;
	u64 min, max;
	char *text; /* a string of at most text_max bytes with its NUL */
	u32 text_max;
	void (*show)(struct seq_file *m);
	const char *constant;
};

/* Values nothing in the kernel looks at: what Linux's tools expect to find, and may set. */
static u32 vm_swappiness = 60, vm_dirty_ratio = 20, vm_dirty_background_ratio = 10, kernel_sysrq = 438,
	   kernel_panic_on_oops = 1;

static void show_random_uuid(struct seq_file *m)
{
	u8 u[16];

	random_bytes(u, sizeof(u));
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
	for (u32 i = 0; i < sizeof(u); i++)
		seq_printf(m, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
	seq_putc(m, '\n');
}

static void show_boot_id(struct seq_file *m)
{
	static char id[40];
	static bool made;
	u64 at = m->count;

	if (!atomic_xchg(&made, true)) {
		show_random_uuid(m);
		if (!m->overflow)
			strscpy(id, m->buf + at, MIN(sizeof(id), m->count - at + 1));
		return;
	}
	seq_puts(m, id);
}

static void show_entropy(struct seq_file *m)
{
	seq_printf(m, "%u\n", random_entropy_bits());
}

static void show_printk(struct seq_file *m)
{
	seq_printf(m, "%u\t4\t1\t7\n", console_loglevel);
}

static void show_file_nr(struct seq_file *m)
{
	u64 open, max;

	files_count(&open, &max);
	seq_printf(m, "%llu\t0\t%llu\n", (unsigned long long)open, (unsigned long long)max);
}

static const struct knob kernel_knobs[] = {
	{ .name = "cap_last_cap", .constant = "40" },
	{ .name = "core_pattern", .text = core_pattern, .text_max = sizeof(core_pattern) },
	{ .name = "core_uses_pid", .v32 = &core_uses_pid, .max = 1 },
	{ .name = "dmesg_restrict", .v32 = &sysctl_dmesg_restrict, .max = 1 },
	{ .name = "domainname", .text = uts_domainname, .text_max = 65 },
	{ .name = "hostname", .text = uts_nodename, .text_max = 65 },
	{ .name = "kptr_restrict", .constant = "1" },
	{ .name = "ngroups_max", .constant = "65536" },
	{ .name = "osrelease", .constant = uts_release },
	{ .name = "ostype", .constant = uts_sysname },
	{ .name = "overflowgid", .constant = "65534" },
	{ .name = "overflowuid", .constant = "65534" },
	{ .name = "panic_on_oops", .v32 = &kernel_panic_on_oops, .max = 1 },
	{ .name = "pid_max", .v32 = &pid_max, .min = 301, .max = 4U << 20 },
	{ .name = "printk", .show = show_printk },
	{ .name = "randomize_va_space", .v32 = &sysctl_randomize_va_space, .max = 2 },
	{ .name = "sysrq", .v32 = &kernel_sysrq, .max = 511 },
	{ .name = "threads-max", .v32 = &max_threads, .min = 20, .max = 1U << 22 },
	{ .name = "version", .constant = uts_version },
	{ NULL },
};

static const struct knob random_knobs[] = {
	{ .name = "boot_id", .show = show_boot_id },
	{ .name = "entropy_avail", .show = show_entropy },
	{ .name = "poolsize", .constant = "256" },
	{ .name = "uuid", .show = show_random_uuid },
	{ NULL },
};

static const struct knob vm_knobs[] = {
	{ .name = "dirty_background_ratio", .v32 = &vm_dirty_background_ratio, .max = 100 },
	{ .name = "dirty_ratio", .v32 = &vm_dirty_ratio, .max = 100 },
	{ .name = "max_map_count", .v32 = &sysctl_max_map_count, .max = 0x7fffffff },
	{ .name = "mmap_min_addr", .v64 = &sysctl_mmap_min_addr, .min = 4096, .max = 1UL << 30 },
	{ .name = "overcommit_memory", .v32 = &sysctl_overcommit_memory, .max = 2 },
	{ .name = "overcommit_ratio", .v32 = &sysctl_overcommit_ratio, .max = 10000 },
	{ .name = "swappiness", .v32 = &vm_swappiness, .max = 200 },
	{ NULL },
};

static const struct knob fs_knobs[] = {
	{ .name = "file-max", .v64 = &sysctl_file_max, .max = ~0UL >> 1 },
	{ .name = "file-nr", .show = show_file_nr },
	{ .name = "mount-max", .v32 = &sysctl_mount_max, .min = 1, .max = 0x7fffffff },
	{ .name = "nr_open", .v32 = &sysctl_nr_open, .min = 64, .max = FD_MAX },
	{ .name = "pipe-max-size", .v32 = &sysctl_pipe_max_size, .min = PAGE_SIZE, .max = 1U << 31 },
	{ .name = "protected_fifos", .v32 = &sysctl_protected_fifos, .max = 2 },
	{ .name = "protected_hardlinks", .v32 = &sysctl_protected_hardlinks, .max = 1 },
	{ .name = "protected_regular", .v32 = &sysctl_protected_regular, .max = 2 },
	{ .name = "protected_symlinks", .v32 = &sysctl_protected_symlinks, .max = 1 },
	{ NULL },
};

static const struct knob inotify_knobs[] = {
	{ .name = "max_queued_events", .constant = "16384" },
	{ .name = "max_user_instances", .constant = "128" },
	{ .name = "max_user_watches", .constant = "65536" },
	{ NULL },
};

static const struct knob pty_knobs[] = { { .name = "max", .constant = "4096" }, { NULL } };

static const struct {
	const char *dir; /* as the entry below /proc/sys is called */
	const struct knob *knobs;
} knob_dirs[] = { { "kernel", kernel_knobs }, { "random", random_knobs }, { "vm", vm_knobs }, { "fs", fs_knobs },
		  { "inotify", inotify_knobs }, { "pty", pty_knobs } };

/* A file's knob: by its own name and its directory's. */
static const struct knob *knob_of(struct file *f)
{
	struct dentry *d = f->path.dentry;

	for (u32 i = 0; i < ARRAY_SIZE(knob_dirs); i++)
		if (strcmp(knob_dirs[i].dir, d->parent->name) == 0)
			for (const struct knob *k = knob_dirs[i].knobs; k->name; k++)
				if (strcmp(k->name, d->name) == 0)
					return k;
	return NULL;
}

static int knob_show(struct seq_file *m, void *v)
{
	const struct knob *k = knob_of(m->file);

	if (!k)
		return -ENOENT;
	if (k->show)
		k->show(m);
	else if (k->v32)
		seq_printf(m, "%u\n", *k->v32);
	else if (k->v64)
		seq_printf(m, "%llu\n", (unsigned long long)*k->v64);
	else
		seq_printf(m, "%s\n", k->text ? k->text : k->constant);
	return 0;
}

static int knob_open(struct inode *inode, struct file *f)
{
	/* Not even CAP_DAC_OVERRIDE makes these writable. */
	if ((f->mode & FMODE_WRITE) && !(inode->mode & 0222))
		return -EACCES;
	return single_open(f, knob_show, NULL);
}

static ssize_t knob_write(struct file *f, struct uio *u, loff_t *pos)
{
	const struct knob *k = knob_of(f);
	char text[160], *word;
	u64 n = MIN(u->left, sizeof(text) - 1), v;

	if (copy_from_uio(text, n, u) != n)
		return -EFAULT;
	text[n] = '\0';
	if (!k || k->constant)
		return -EPERM;
	word = str_trim(text);
	if (k->text) {
		strscpy(k->text, word, k->text_max);
		return (ssize_t)n;
	}
	if (k->show == show_printk) {
		if (*word >= '1' && *word <= '8')
			console_loglevel = (u32)(*word - '0');
		return (ssize_t)n;
	}
	if (k->show || parse_u64(word, 0, &v) || v < k->min || v > k->max)
		return -EINVAL;
	if (k->v32)
		WRITE_ONCE(*k->v32, (u32)v);
	else
		WRITE_ONCE(*k->v64, v);
	return (ssize_t)n;
}

static const struct file_ops knob_fops = {
	.open = knob_open, .read = seq_read, .write = knob_write, .llseek = seq_llseek, .release = seq_release,
};

#define KNOB(n)	 { .name = n, .mode = S_IFREG | 0644, .ops = &knob_fops }
#define CONST(n) { .name = n, .mode = S_IFREG | 0444, .ops = &knob_fops }
#define DIR(n, c) { .name = n, .mode = S_IFDIR | 0555, .children = c }

static const struct proc_entry random_table[] = {
	CONST("boot_id"), CONST("entropy_avail"), CONST("poolsize"), CONST("uuid"), { NULL },
};
static const struct proc_entry pty_table[] = { CONST("max"), { NULL } };
static const struct proc_entry inotify_table[] = {
	CONST("max_queued_events"), CONST("max_user_instances"), CONST("max_user_watches"), { NULL },
};

static const struct proc_entry kernel_table[] = {
	CONST("cap_last_cap"), KNOB("core_pattern"), KNOB("core_uses_pid"), KNOB("dmesg_restrict"), KNOB("domainname"),
	KNOB("hostname"), CONST("kptr_restrict"), CONST("ngroups_max"), CONST("osrelease"), CONST("ostype"),
	CONST("overflowgid"), CONST("overflowuid"), KNOB("panic_on_oops"), KNOB("pid_max"), KNOB("printk"),
	DIR("pty", pty_table), DIR("random", random_table), KNOB("randomize_va_space"), KNOB("sysrq"), KNOB("threads-max"),
	CONST("version"), { NULL },
};

static const struct proc_entry vm_table[] = {
	KNOB("dirty_background_ratio"), KNOB("dirty_ratio"), KNOB("max_map_count"), KNOB("mmap_min_addr"),
	KNOB("overcommit_memory"), KNOB("overcommit_ratio"), KNOB("swappiness"), { NULL },
};

static const struct proc_entry fs_table[] = {
	KNOB("file-max"), CONST("file-nr"), DIR("inotify", inotify_table), KNOB("mount-max"), KNOB("nr_open"),
	KNOB("pipe-max-size"), KNOB("protected_fifos"), KNOB("protected_hardlinks"), KNOB("protected_regular"),
	KNOB("protected_symlinks"), { NULL },
};

const struct proc_entry proc_sys_table[] = {
	DIR("fs", fs_table),
	DIR("kernel", kernel_table),
	DIR("vm", vm_table),
	{ NULL },
};

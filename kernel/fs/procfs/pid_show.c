/* SPDX-License-Identifier: MIT */
/*
 * What /proc/PID/ says about a process, in Linux's formats: stat, status, limits and their like. The task is referenced by
 * the caller; what belongs to it is looked at under its locks or by reference.
 */
#include "procfs.h"

#include <arch/cpu.h>
#include <arch/regs.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/tty.h>
#include <kernel/vm.h>
#include <linux/sched.h>

typedef unsigned long long ull;

/* Numbers of a task's family, taken at one moment. */
struct family {
	pid_t ppid, pgid, sid, tracer;
	u32 nr_threads;
};

static void family_of(struct task *t, struct family *f)
{
	read_lock(&tasklist_lock);
	f->ppid = t->exit_state == EXIT_DEAD ? 0 : t->real_parent ? t->real_parent->tgid : 0;
	f->tracer = t->parent != t->real_parent && t->parent ? t->parent->pid : 0;
	f->pgid = pid_nr(t->group->pids[PIDTYPE_PGID]);
	f->sid = pid_nr(t->group->pids[PIDTYPE_SID]);
	f->nr_threads = t->group->nr_threads;
	read_unlock(&tasklist_lock);
}

struct signals {
	u64 pending, shared, blocked, ignored, caught;
	u32 queued, limit;
	pid_t tpgid;
	dev_t tty;
};

static void signals_of(struct task *t, struct signals *s)
{
	struct tty *tty = NULL;
	u64 flags;

	memset(s, 0, sizeof(*s));
	s->tpgid = -1;
	s->blocked = t->blocked.sig[0];
	if (!task_lock_sighand(t, &flags))
		return;
	s->pending = t->pending.set.sig[0];
	s->shared = t->group->shared_pending.set.sig[0];
	for (u32 i = 0; i < _NSIG; i++) {
		__sighandler_t h = t->sighand->action[i].sa_handler;

		if (h == SIG_IGN)
			s->ignored |= 1UL << i;
		else if (h != SIG_DFL)
			s->caught |= 1UL << i;
	}
	tty = tty_get(t->group->tty);
	task_unlock_sighand(t, flags);
	if (tty) {
		s->tty = tty_device(tty);
		s->tpgid = tty_foreground_pgrp(tty);
		tty_put(tty);
	}
}

static void comm_of(struct task *t, char comm[TASK_COMM_LEN])
{
	spin_lock(&t->lock);
	memcpy(comm, t->comm, TASK_COMM_LEN);
	spin_unlock(&t->lock);
	comm[TASK_COMM_LEN - 1] = '\0';
}

static u32 old_dev(dev_t dev)
{
	u32 ma = dev >> 20, mi = dev & 0xfffff;

	return (mi & 0xff) | (ma << 8) | ((mi & ~0xffU) << 12);
}

static int show_stat(struct seq_file *m, struct task *t, bool whole)
{
	const u64 tick = NSEC_PER_SEC / USER_HZ;
	struct group *g = t->group;
	struct mm *mm = task_mm_get(t);
	bool inspect = may_inspect(t, 0) == 0;
	char comm[TASK_COMM_LEN];
	struct family f;
	struct signals s;
	u64 utime, stime, cutime = 0, cstime = 0, min_flt = t->min_flt, maj_flt = t->maj_flt, cmin = 0, cmaj = 0;

	family_of(t, &f);
	signals_of(t, &s);
	comm_of(t, comm);
	if (whole) {
		group_times(g, &utime, &stime);
		cutime = g->cutime;
		cstime = g->cstime;
		min_flt += g->min_flt;
		maj_flt += g->maj_flt;
		cmin = g->cmin_flt;
		cmaj = g->cmaj_flt;
	} else {
		task_cputime(t, &utime, &stime);
	}
	seq_printf(m, "%d (", t->pid);
	seq_escape(m, comm, "\n");
	seq_printf(m, ") %c %d %d %d %d %d %u %llu %llu %llu %llu %llu %llu %llu %llu", task_state_char(t), f.ppid, f.pgid, f.sid,
		   (int)old_dev(s.tty), s.tpgid, t->flags, (ull)min_flt, (ull)cmin, (ull)maj_flt, (ull)cmaj, (ull)(utime / tick),
		   (ull)(stime / tick), (ull)(cutime / tick), (ull)(cstime / tick));
	seq_printf(m, " %d %d %u 0 %llu %llu %llu %llu",
		   t->rt_priority ? -1 - (int)t->rt_priority : t->nice + 20, t->nice, f.nr_threads,
		   (ull)(t->start_boottime / tick), (ull)(mm ? mm->total_vm * PAGE_SIZE : 0), (ull)(mm ? vm_rss(mm) : 0),
		   (ull)g->rlim[RLIMIT_RSS].rlim_cur);
	seq_printf(m, " %llu %llu %llu %d %d %llu %llu %llu %llu %d 0 0 %d %u %u %u 0 0 0",
		   (ull)(mm && inspect ? mm->start_code : !!mm), (ull)(mm && inspect ? mm->end_code : !!mm),
		   (ull)(mm && inspect ? mm->start_stack : 0), 0, 0, (ull)s.pending & 0x7fffffff, (ull)s.blocked & 0x7fffffff,
		   (ull)s.ignored & 0x7fffffff, (ull)s.caught & 0x7fffffff, task_state_char(t) != 'R', t->exit_signal, t->hart,
		   t->rt_priority, t->policy);
	if (mm && inspect)
		seq_printf(m, " %llu %llu %llu %llu %llu %llu %llu", (ull)mm->start_data, (ull)mm->end_data,
			   (ull)mm->start_brk, (ull)mm->arg_start, (ull)mm->arg_end, (ull)mm->env_start, (ull)mm->env_end);
	else
		seq_puts(m, " 0 0 0 0 0 0 0");
	seq_printf(m, " %d\n", inspect ? t->exit_code : 0);
	if (mm)
		mm_put(mm);
	return 0;
}

int proc_pid_stat(struct seq_file *m, struct task *t)
{
	return show_stat(m, t, true);
}

int proc_tid_stat(struct seq_file *m, struct task *t)
{
	return show_stat(m, t, false);
}

/* --- status --- */

static const char *state_name(char c)
{
	switch (c) {
	case 'R': return "R (running)";
	case 'S': return "S (sleeping)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	case 'Z': return "Z (zombie)";
	case 'I': return "I (idle)";
	}
	return "X (dead)";
}

static void status_ids(struct seq_file *m, struct task *t)
{
	const struct cred *c = cred_of(t);
	struct fdtable *fdt;
	u32 fd_size = 0;

	spin_lock(&t->lock);
	if (t->files) {
		rcu_read_lock();
		fdt = rcu_dereference(t->files->table);
		fd_size = fdt->max;
		rcu_read_unlock();
	}
	spin_unlock(&t->lock);
	seq_printf(m, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", c->uid, c->euid, c->suid, c->fsuid,
		   c->gid, c->egid, c->sgid, c->fsgid, fd_size);
	for (u32 i = 0; c->groups && i < c->groups->n; i++)
		seq_printf(m, "%u ", c->groups->gid[i]);
	seq_puts(m, c->groups && c->groups->n ? "\n" : " \n");
	cred_put(c);
}

static void status_caps(struct seq_file *m, struct task *t)
{
	const struct cred *c = cred_of(t);

	seq_printf(m, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n",
		   (ull)c->cap_inheritable, (ull)c->cap_permitted, (ull)c->cap_effective, (ull)c->cap_bset, (ull)c->cap_ambient);
	seq_printf(m, "NoNewPrivs:\t%u\nSeccomp:\t0\nSeccomp_filters:\t0\n", c->no_new_privs);
	cred_put(c);
}

static void status_mm(struct seq_file *m, struct mm *mm)
{
	u64 rss = vm_rss(mm), text = (ALIGN_UP(mm->end_code, PAGE_SIZE) - ALIGN_DOWN(mm->start_code, PAGE_SIZE)) >> 10;
	u64 lib = mm->exec_vm * 4 > text ? mm->exec_vm * 4 - text : 0;

#define KB(name, kb) seq_printf(m, name ":\t%8llu kB\n", (ull)(kb))
	KB("VmPeak", MAX(mm->hiwater_vm, mm->total_vm) * 4);
	KB("VmSize", mm->total_vm * 4);
	KB("VmLck", mm->locked_vm * 4);
	KB("VmPin", mm->pinned_vm * 4);
	KB("VmHWM", MAX(mm->hiwater_rss, rss) * 4);
	KB("VmRSS", rss * 4);
	KB("RssAnon", MAX(mm->rss_anon, 0L) * 4);
	KB("RssFile", MAX(mm->rss_file, 0L) * 4);
	KB("RssShmem", MAX(mm->rss_shmem, 0L) * 4);
	KB("VmData", mm->data_vm * 4);
	KB("VmStk", mm->stack_vm * 4);
	KB("VmExe", text);
	KB("VmLib", lib);
	KB("VmPTE", mm->pt_bytes >> 10);
	KB("VmSwap", 0);
#undef KB
	seq_puts(m, "CoreDumping:\t0\nTHP_enabled:\t1\n");
}

int proc_pid_status(struct seq_file *m, struct task *t)
{
	struct mm *mm = task_mm_get(t);
	char comm[TASK_COMM_LEN];
	struct family f;
	struct signals s;
	u32 umask = 0;
	bool has_fs;
	hartmask_t mask = t->affinity & (nr_harts >= 32 ? HARTMASK_ALL : (1U << nr_harts) - 1);

	family_of(t, &f);
	signals_of(t, &s);
	comm_of(t, comm);
	spin_lock(&t->lock);
	has_fs = t->fs != NULL;
	if (has_fs)
		umask = t->fs->umask;
	spin_unlock(&t->lock);
	seq_puts(m, "Name:\t");
	seq_escape(m, comm, "\n\\");
	if (has_fs)
		seq_printf(m, "\nUmask:\t%#04o", umask);
	seq_printf(m, "\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n", state_name(task_state_char(t)),
		   t->tgid, t->pid, f.ppid, f.tracer);
	status_ids(m, t);
	seq_printf(m, "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nKthread:\t%d\n", t->tgid, t->pid, f.pgid, f.sid,
		   (t->flags & TF_KTHREAD) != 0);
	if (mm) {
		status_mm(m, mm);
		mm_put(mm);
	}
	seq_printf(m, "Threads:\t%u\nSigQ:\t%llu/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\n"
		      "SigCgt:\t%016llx\n",
		   f.nr_threads, (ull)MAX(t->cred->user ? t->cred->user->sigpending : 0, 0L),
		   (ull)t->group->rlim[RLIMIT_SIGPENDING].rlim_cur, (ull)s.pending, (ull)s.shared, (ull)s.blocked, (ull)s.ignored,
		   (ull)s.caught);
	status_caps(m, t);
	seq_printf(m, "Speculation_Store_Bypass:\tunknown\nSpeculationIndirectBranch:\tunknown\nCpus_allowed:\t%x\n"
		      "Cpus_allowed_list:\t",
		   mask);
	for (u32 h = 0, first = 1; h < nr_harts; h++) {
		u32 end = h;

		if (!(mask >> h & 1))
			continue;
		while (end + 1 < nr_harts && (mask >> (end + 1) & 1))
			end++;
		seq_printf(m, end > h ? "%s%u-%u" : "%s%u", first ? "" : ",", h, end);
		first = 0;
		h = end;
	}
	seq_printf(m,
		   "\nMems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t%llu\n"
		   "nonvoluntary_ctxt_switches:\t%llu\n",
		   (ull)t->se.nr_voluntary, (ull)t->se.nr_involuntary);
	return 0;
}

/* --- the small ones --- */

int proc_pid_statm(struct seq_file *m, struct task *t)
{
	struct mm *mm = task_mm_get(t);
	u64 text;

	if (!mm) {
		seq_puts(m, "0 0 0 0 0 0 0\n");
		return 0;
	}
	text = (ALIGN_UP(mm->end_code, PAGE_SIZE) - ALIGN_DOWN(mm->start_code, PAGE_SIZE)) >> PAGE_SHIFT;
	seq_printf(m, "%llu %llu %llu %llu 0 %llu 0\n", (ull)mm->total_vm, (ull)vm_rss(mm),
		   (ull)MAX(mm->rss_file + mm->rss_shmem, 0L), (ull)text, (ull)(mm->data_vm + mm->stack_vm));
	mm_put(mm);
	return 0;
}

int proc_pid_limits(struct seq_file *m, struct task *t)
{
	static const struct {
		const char *name, *unit;
	} names[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" },	      [RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" },	      [RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" },     [RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" },     [RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },   [RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" },	      [RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },  [RLIMIT_NICE] = { "Max nice priority", NULL },
		[RLIMIT_RTPRIO] = { "Max realtime priority", NULL },   [RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};

	seq_puts(m, "Limit                     Soft Limit           Hard Limit           Units     \n");
	for (u32 i = 0; i < RLIM_NLIMITS; i++) {
		const struct rlimit *r = &t->group->rlim[i];

		seq_printf(m, r->rlim_cur == RLIM_INFINITY ? "%-25s unlimited            " : "%-25s %-20llu ", names[i].name,
			   (ull)r->rlim_cur);
		seq_printf(m, r->rlim_max == RLIM_INFINITY ? "unlimited            " : "%-20llu ", (ull)r->rlim_max);
		if (names[i].unit)
			seq_printf(m, "%-10s", names[i].unit);
		seq_putc(m, '\n');
	}
	return 0;
}

/* Where a sleeping task waits: the first caller outside the scheduler. */
int proc_pid_wchan(struct seq_file *m, struct task *t)
{
	vaddr_t pc[8];
	u32 n = READ_ONCE(t->on_hart) || task_state_char(t) == 'R' ? 0 : backtrace(pc, ARRAY_SIZE(pc), t, NULL);

	for (u32 i = 0; i < n; i++) {
		const char *name = symbol_of(pc[i], NULL, NULL);

		if (!name || str_starts_with(name, "schedule") || str_starts_with(name, "context_switch") ||
		    str_starts_with(name, "wait_"))
			continue;
		seq_puts(m, name);
		return 0;
	}
	seq_putc(m, '0');
	return 0;
}

int proc_pid_stack(struct seq_file *m, struct task *t)
{
	vaddr_t pc[32];
	u32 n;

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	n = READ_ONCE(t->on_hart) && t != current ? 0 : backtrace(pc, ARRAY_SIZE(pc), t == current ? NULL : t, NULL);
	for (u32 i = 0; i < n; i++)
		seq_printf(m, "[<0>] %pS\n", (void *)pc[i]);
	return 0;
}

int proc_pid_io(struct seq_file *m, struct task *t)
{
	seq_printf(m, "rchar: %llu\nwchar: %llu\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n",
		   (ull)(t->io_read + t->group->io_read), (ull)(t->io_write + t->group->io_write));
	return 0;
}

int proc_pid_sched(struct seq_file *m, struct task *t)
{
	char comm[TASK_COMM_LEN];

	comm_of(t, comm);
	seq_printf(m, "%s (%d, #threads: %u)\n", comm, t->pid, t->group->nr_threads);
	seq_puts(m, "-------------------------------------------------------------------\n");
	seq_printf(m, "se.exec_start                                : %20llu\n", (ull)t->se.exec_start);
	seq_printf(m, "se.vruntime                                  : %20llu\n", (ull)t->se.vruntime);
	seq_printf(m, "se.sum_exec_runtime                          : %20llu\n", (ull)t->se.sum_exec);
	seq_printf(m, "se.nr_migrations                             : %20llu\n", (ull)t->se.nr_migrations);
	seq_printf(m, "nr_switches                                  : %20llu\n",
		   (ull)(t->se.nr_voluntary + t->se.nr_involuntary));
	seq_printf(m, "nr_voluntary_switches                        : %20llu\n", (ull)t->se.nr_voluntary);
	seq_printf(m, "nr_involuntary_switches                      : %20llu\n", (ull)t->se.nr_involuntary);
	seq_printf(m, "se.load.weight                               : %20u\n", t->se.weight);
	seq_printf(m, "policy                                       : %20u\n", t->policy);
	seq_printf(m, "prio                                         : %20d\n",
		   t->rt_priority ? 99 - (int)t->rt_priority : t->nice + 120);
	return 0;
}

int proc_pid_schedstat(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%llu %llu %llu\n", (ull)task_runtime(t), (ull)t->se.run_delay,
		   (ull)(t->se.nr_voluntary + t->se.nr_involuntary));
	return 0;
}

int proc_pid_cgroup(struct seq_file *m, struct task *t)
{
	seq_puts(m, "0::/\n");
	return 0;
}

int proc_pid_oom_score(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%llu\n", (ull)oom_badness(t->group));
	return 0;
}

int proc_pid_syscall(struct seq_file *m, struct task *t)
{
	const struct trap_frame *r = task_regs(t);

	if (READ_ONCE(t->on_hart) || (t->flags & TF_KTHREAD) || task_state_char(t) == 'R')
		seq_puts(m, "running\n");
	else
		seq_printf(m, "%lld 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx 0x%llx\n", (long long)(s64)r->a7,
			   (ull)r->orig_a0, (ull)r->a1, (ull)r->a2, (ull)r->a3, (ull)r->a4, (ull)r->a5, (ull)r->sp, (ull)r->pc);
	return 0;
}

int proc_pid_personality(struct seq_file *m, struct task *t)
{
	seq_printf(m, "%08x\n", t->personality);
	return 0;
}

int proc_pid_children(struct seq_file *m, struct task *t)
{
	struct task *c;

	read_lock(&tasklist_lock);
	list_for_each_entry(c, &t->children, sibling)
		seq_printf(m, "%d ", c->pid);
	read_unlock(&tasklist_lock);
	return 0;
}

int proc_pid_mountstats(struct seq_file *m, struct task *t)
{
	mount_show(m, t, 2);
	return 0;
}

/* --- magic links --- */

int proc_pid_exe(struct task *t, struct path *out)
{
	struct mm *mm = task_mm_get(t);
	struct file *f = mm ? mm_exe_file_get(mm) : NULL;

	if (f) {
		*out = f->path;
		path_get(out);
		file_put(f);
	}
	if (mm)
		mm_put(mm);
	return f ? 0 : -ENOENT;
}

static int fs_path(struct task *t, struct path *out, void (*get)(struct fs *fs, struct path *out))
{
	struct fs *fs;

	spin_lock(&t->lock);
	fs = t->fs;
	if (fs)
		get(fs, out);
	spin_unlock(&t->lock);
	return fs ? 0 : -ENOENT;
}

int proc_pid_cwd(struct task *t, struct path *out)
{
	return fs_path(t, out, fs_get_pwd);
}

int proc_pid_root(struct task *t, struct path *out)
{
	return fs_path(t, out, fs_get_root);
}

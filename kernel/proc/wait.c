/* SPDX-License-Identifier: MIT */
/*
 * wait4(2) and waitid(2): a process learns that a child ended, stopped or went on.
 *
 * One scan looks at all children that fit (or at the one that was named) under tasklist_lock. Nothing to report: sleep in
 * the group's wait_child queue, where signal_parent_exit() and the stop code wake, and scan again. A zombie is claimed by
 * turning its exit_state to EXIT_DEAD, so that of several waiters exactly one gets it.
 */
#include <kernel/process.h>

#include <arch/uaccess.h>
#include <kernel/fs.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/wait.h>
#include <linux/wait.h>

#include "proc.h"
#include "rusage.h"

#define OPTIONS_WAIT4  (WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)
#define OPTIONS_WAITID (WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)
#define STATUS_CONTINUED 0xffff

/* What is waited for, and what was found. */
struct wait_for {
	enum pid_type type;	/* PIDTYPE_MAX: any child */
	struct pid *pid;	/* referenced; NULL with PIDTYPE_MAX */
	int options;
	struct rusage *ru;	/* NULL: not wanted */
	/* found: */
	pid_t child;
	u32 uid;
	int status;		/* as wait4 gives it */
	int code;		/* CLD_* */
	int exit_status;
	bool exists;		/* some child may still become what is waited for */
};

/* --- one child: each returns true when w has been filled in; tasklist_lock is released then, and only then --- */

static bool fits(const struct wait_for *w, const struct task *p)
{
	bool clone_child = p->exit_signal != SIGCHLD;

	if (w->type != PIDTYPE_MAX && p->group->pids[w->type] != w->pid)
		return false;
	return (w->options & __WALL) || clone_child == !!(w->options & __WCLONE);
}

static void fill(struct wait_for *w, struct task *p, int code, int status, int exit_status)
{
	w->child = p->pid;
	rcu_read_lock();
	w->uid = rcu_dereference(p->cred)->uid;
	rcu_read_unlock();
	w->code = code;
	w->status = status;
	w->exit_status = exit_status;
}

static void fill_exit(struct wait_for *w, struct task *p)
{
	int status = p->group->flags & GROUP_EXIT ? p->group->exit_code : p->exit_code;

	if ((status & 0x7f) == 0)
		fill(w, p, CLD_EXITED, status, (status >> 8) & 0xff);
	else
		fill(w, p, status & 0x80 ? CLD_DUMPED : CLD_KILLED, status, status & 0x7f);
}

/* The scan is over: p is held instead of the lock, and what follows may sleep. */
static void found(struct task *p)
{
	task_get(p);
	read_unlock(&tasklist_lock);
	WRITE_ONCE(current->state, TASK_RUNNING);
}

static bool take_zombie(struct wait_for *w, struct task *p)
{
	if (!(w->options & WEXITED))
		return false;
	if (!(w->options & WNOWAIT) && !atomic_cmpxchg(&p->exit_state, EXIT_ZOMBIE, EXIT_DEAD))
		return false; /* another waiter has it */
	fill_exit(w, p);
	found(p);
	if (w->ru)
		group_rusage(p->group, RUSAGE_BOTH, w->ru);
	if (!(w->options & WNOWAIT)) {
		group_add_child(current->group, p->group);
		task_release(p);
	}
	task_put(p);
	return true;
}

/* A stop or continuation was seen: the child stays. */
static bool report(struct wait_for *w, struct task *p)
{
	found(p);
	if (w->ru)
		group_rusage(p->group, RUSAGE_BOTH, w->ru);
	task_put(p);
	return true;
}

static bool take_stopped(struct wait_for *w, struct task *p)
{
	struct group *g = p->group;
	u64 irq;
	int sig;

	if (!(w->options & WSTOPPED) || !(READ_ONCE(g->flags) & GROUP_STOPPED) || !task_lock_sighand(p, &irq))
		return false;
	sig = g->flags & GROUP_STOPPED ? g->stop_code : 0;
	if (sig && !(w->options & WNOWAIT))
		g->stop_code = 0; /* told once */
	task_unlock_sighand(p, irq);
	if (!sig)
		return false;
	fill(w, p, CLD_STOPPED, (sig << 8) | 0x7f, sig);
	return report(w, p);
}

static bool take_continued(struct wait_for *w, struct task *p)
{
	struct group *g = p->group;
	u64 irq;
	bool went_on;

	if (!(w->options & WCONTINUED) || !(READ_ONCE(g->flags) & GROUP_CONTINUED) || !task_lock_sighand(p, &irq))
		return false;
	went_on = g->flags & GROUP_CONTINUED;
	if (went_on && !(w->options & WNOWAIT))
		g->flags &= ~(u32)GROUP_CONTINUED;
	task_unlock_sighand(p, irq);
	if (!went_on)
		return false;
	fill(w, p, CLD_CONTINUED, STATUS_CONTINUED, SIGCONT);
	return report(w, p);
}

static bool consider(struct wait_for *w, struct task *p)
{
	s32 state = READ_ONCE(p->exit_state);

	if (state == EXIT_DEAD || !fits(w, p))
		return false;
	if (state == EXIT_ZOMBIE && thread_group_empty(p))
		return take_zombie(w, p); /* or another waiter does: nothing more to come from it */
	/* Alive; or its leader ended while other threads go on: it can still stop, continue or end. */
	w->exists = true;
	return take_stopped(w, p) || take_continued(w, p);
}

/* --- scanning --- */

static bool scan_thread(struct wait_for *w, struct task *parent)
{
	struct task *p;

	list_for_each_entry(p, &parent->children, sibling)
		if (consider(w, p))
			return true;
	return false;
}

/* A child named by number needs no list. */
static bool scan_one(struct wait_for *w)
{
	struct task *p = pid_task(w->pid, PIDTYPE_TGID);
	bool mine;

	if (!p)
		return false;
	mine = w->options & __WNOTHREAD ? p->real_parent == current : p->real_parent->group == current->group;
	return mine && consider(w, p);
}

/* True: found. Otherwise w->exists says whether waiting makes sense. */
static bool scan(struct wait_for *w)
{
	struct task *t;

	w->exists = false;
	read_lock(&tasklist_lock);
	if (w->type == PIDTYPE_TGID) {
		if (scan_one(w))
			return true;
	} else if (w->options & __WNOTHREAD) {
		if (scan_thread(w, current))
			return true;
	} else {
		for_each_thread(current->group, t)
			if (scan_thread(w, t))
				return true;
	}
	read_unlock(&tasklist_lock);
	return false;
}

/* The child's number, 0: none yet (WNOHANG), -ECHILD, -ERESTARTSYS. */
static long do_wait(struct wait_for *w)
{
	struct wait_queue *q = &current->group->wait_child;
	struct wait_entry entry;
	long rc;

	if (scan(w))
		return w->child;
	if (!w->exists)
		return -ECHILD;
	if (w->options & WNOHANG)
		return 0;
	wait_entry_init(&entry);
	for (;;) {
		wait_prepare(q, &entry, TASK_INTERRUPTIBLE);
		if (scan(w)) {
			rc = w->child;
			break;
		}
		rc = w->exists ? 0 : -ECHILD;
		if (!rc)
			rc = wait_may_continue(TASK_INTERRUPTIBLE, 0);
		if (rc)
			break;
		schedule();
	}
	wait_finish(q, &entry);
	return rc;
}

/* --- system calls --- */

/* The process number of a wait for one child or one group; -ECHILD when nobody has it. */
static int name_pid(struct wait_for *w, enum pid_type type, pid_t nr)
{
	w->type = type;
	w->pid = pid_find_get(nr);
	return w->pid ? 0 : -ECHILD;
}

static void name_own_pgrp(struct wait_for *w)
{
	w->type = PIDTYPE_PGID;
	rcu_read_lock();
	w->pid = pid_get(current->group->pids[PIDTYPE_PGID]);
	rcu_read_unlock();
}

long sys_wait4(pid_t upid, int __user *status, int options, struct rusage __user *uru)
{
	struct wait_for w = { .type = PIDTYPE_MAX, .options = options | WEXITED };
	struct rusage ru;
	long rc = 0;

	if (options & ~OPTIONS_WAIT4)
		return -EINVAL;
	if (upid == (pid_t)0x80000000)
		return -ESRCH;
	if (uru)
		w.ru = &ru;
	if (upid == 0)
		name_own_pgrp(&w);
	else if (upid != -1)
		rc = name_pid(&w, upid > 0 ? PIDTYPE_TGID : PIDTYPE_PGID, upid > 0 ? upid : -upid);
	if (rc == 0)
		rc = do_wait(&w);
	pid_put(w.pid);
	if (rc > 0 && status && put_user(w.status, status))
		return -EFAULT;
	if (rc > 0 && uru && copy_to_user(uru, &ru, sizeof(ru)))
		return -EFAULT;
	return rc;
}

static int name_pidfd(struct wait_for *w, int fd, bool *nonblocking)
{
	struct fd f = fd_get(fd);
	struct pid *pid;

	if (!f.file)
		return -EBADF;
	pid = pidfd_pid(f.file);
	if (!IS_ERR(pid)) {
		w->type = PIDTYPE_TGID;
		w->pid = pid_get(pid);
		*nonblocking = f.file->flags & O_NONBLOCK;
	}
	fd_put(f);
	return IS_ERR(pid) ? (int)PTR_ERR(pid) : 0;
}

static int name_waitid(struct wait_for *w, int which, pid_t id, bool *nonblocking)
{
	switch (which) {
	case P_ALL:
		return 0;
	case P_PID:
		return id > 0 ? name_pid(w, PIDTYPE_TGID, id) : -EINVAL;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		if (id > 0)
			return name_pid(w, PIDTYPE_PGID, id);
		name_own_pgrp(w);
		return 0;
	case P_PIDFD:
		return id >= 0 ? name_pidfd(w, id, nonblocking) : -EINVAL;
	}
	return -EINVAL;
}

/* The fields waitid(2) promises; the others stay as they are. */
static long put_info(struct siginfo __user *info, const struct wait_for *w, bool any)
{
	return put_user(any ? SIGCHLD : 0, &info->si_signo) ?: put_user(0, &info->si_errno) ?:
	       put_user(any ? w->code : 0, &info->si_code) ?: put_user(any ? w->child : 0, &info->si_pid) ?:
	       put_user(any ? w->uid : 0, &info->si_uid) ?: put_user(any ? w->exit_status : 0, &info->si_status);
}

long sys_waitid(int which, pid_t id, struct siginfo __user *info, int options, struct rusage __user *uru)
{
	struct wait_for w = { .type = PIDTYPE_MAX, .options = options };
	bool nonblocking = false, any;
	struct rusage ru;
	long rc;

	if ((options & ~OPTIONS_WAITID) || !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (uru)
		w.ru = &ru;
	rc = name_waitid(&w, which, id, &nonblocking);
	if (nonblocking)
		w.options |= WNOHANG;
	if (rc == 0)
		rc = do_wait(&w);
	pid_put(w.pid);
	if (rc == 0 && nonblocking && !(options & WNOHANG))
		rc = -EAGAIN;
	any = rc > 0;
	if (any && uru && copy_to_user(uru, &ru, sizeof(ru)))
		return -EFAULT;
	if (any)
		rc = 0;
	if (info && put_info(info, &w, any))
		return -EFAULT;
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Job control: stopping and continuing whole processes, and telling the parent.
 *
 * The thread that takes a stop signal starts a group stop: every live thread gets
 * JOBCTL_STOP_PENDING | CONSUME and is counted in group->stop_count; each, on its way to user mode,
 * gives up its count and sleeps in TASK_STOPPED. The last one marks the group GROUP_STOPPED and
 * reports CLD_STOPPED. SIGCONT wakes all of them when it is sent and leaves a GROUP_CLD_* flag, for
 * the first thread that runs again to report. SIGKILL wakes them for good.
 *
 * Locks: sighand->lock for all of it; tasklist_lock (read), taken without it, for the parent.
 */
#include <kernel/signal.h>

#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/timer.h>

#include "signal_internal.h"

#define GROUP_STOP_FLAGS (GROUP_STOPPED | GROUP_CONTINUED | GROUP_CLD_STOPPED | GROUP_CLD_CONTINUED)

static void set_stop_flags(struct group *g, u32 flags)
{
	g->flags = (g->flags & ~GROUP_STOP_FLAGS) | flags;
}

/* --- a thread's part --- */

void jobctl_clear_locked(struct task *t, u32 bits)
{
	if (bits & JOBCTL_STOP_PENDING)
		bits |= JOBCTL_STOP_CONSUME | JOBCTL_STOP_DEQUEUED;
	t->jobctl &= ~bits;
}

/* False: t is going away and need not stop. */
static bool ask_to_stop(struct task *t, int sig)
{
	if (signal_in(SIGKILL, t->pending.set.sig[0]) || (t->flags & TF_EXITING))
		return false;
	t->jobctl =
		(t->jobctl & ~JOBCTL_SIGNAL) | (u32)sig | JOBCTL_STOP_PENDING | JOBCTL_STOP_CONSUME;
	return true;
}

bool signal_join_stop_locked(struct task *t)
{
	struct group *g = t->group;
	bool counted = t->jobctl & JOBCTL_STOP_CONSUME;

	jobctl_clear_locked(t, JOBCTL_STOP_PENDING);
	if (!counted)
		return false;
	if (!WARN_ON(g->stop_count == 0))
		g->stop_count--;
	if (g->stop_count || (g->flags & GROUP_STOPPED))
		return false;
	set_stop_flags(g, GROUP_STOPPED);
	return true;
}

/* --- the process --- */

/* Asks every thread to stop. False: a SIGCONT or the end of the process came in between. */
static bool start_stop(int sig)
{
	struct group *g = current->group;
	struct task *t;

	if (!(current->jobctl & JOBCTL_STOP_DEQUEUED) || (g->flags & GROUP_EXIT) || g->exec_task)
		return false;
	if (!(g->flags & GROUP_STOPPED))
		g->stop_code = sig;
	g->stop_count = ask_to_stop(current, sig);
	for_each_thread (g, t) {
		if (t == current || (READ_ONCE(t->state) & TASK_STOPPED) || !ask_to_stop(t, sig))
			continue;
		g->stop_count++;
		signal_wake_locked(t, false);
	}
	return true;
}

bool signal_stop_locked(int sig)
{
	bool last;

	if (!(current->jobctl & JOBCTL_STOP_PENDING) && !start_stop(sig))
		return false;
	last = signal_join_stop_locked(current);
	/* Under the lock, so that no SIGCONT or SIGKILL can come between the look and the sleep. */
	set_current_state(TASK_STOPPED);
	spin_unlock_irq(&current->sighand->lock);
	if (last)
		signal_notify_stop(current, CLD_STOPPED);
	schedule();
	return true;
}

void signal_continue_locked(struct task *t)
{
	struct group *g = t->group;
	struct task *each;

	sigpending_discard(&g->shared_pending, SIGNALS_STOP);
	for_each_thread (g, each) {
		sigpending_discard(&each->pending, SIGNALS_STOP);
		jobctl_clear_locked(each, JOBCTL_STOP_PENDING);
		wake_up_state(each, TASK_STOPPED);
	}
	/* A stop still under way counts as done and continued: SIGCHLD does not queue, so only the
	 * stop is reported. */
	if (g->flags & GROUP_STOPPED)
		set_stop_flags(g, GROUP_CONTINUED | GROUP_CLD_CONTINUED);
	else if (g->stop_count)
		set_stop_flags(g, GROUP_CONTINUED | GROUP_CLD_STOPPED);
	else
		return;
	g->stop_count = 0;
	g->stop_code = 0;
}

/* --- the parent --- */

static u32 uid_of(struct task *t)
{
	u32 uid;

	rcu_read_lock();
	uid = rcu_dereference(t->cred)->uid;
	rcu_read_unlock();
	return uid;
}

static void child_info(siginfo_t *info, int sig, struct task *child)
{
	u64 utime, stime;

	siginfo_init(info, sig, 0);
	group_times(child->group, &utime, &stime);
	info->si_pid = child->pid;
	info->si_uid = uid_of(child);
	info->si_utime = (__kernel_clock_t)(utime / (NSEC_PER_SEC / USER_HZ));
	info->si_stime = (__kernel_clock_t)(stime / (NSEC_PER_SEC / USER_HZ));
}

void signal_notify_stop(struct task *t, int why)
{
	struct task *leader, *parent;
	siginfo_t info;
	u64 flags;

	read_lock(&tasklist_lock);
	leader = t->group->leader;
	parent = leader->real_parent;
	child_info(&info, SIGCHLD, leader);
	info.si_code = why;
	info.si_status = why == CLD_CONTINUED ? SIGCONT : t->group->stop_code & 0x7f;
	if (task_lock_sighand(parent, &flags)) {
		const struct sigaction *action = &parent->sighand->action[SIGCHLD - 1];

		if (action->sa_handler != SIG_IGN && !(action->sa_flags & SA_NOCLDSTOP))
			signal_send_locked(parent, SIGCHLD, &info, true);
		task_unlock_sighand(parent, flags);
	}
	/* wait() wants to know even where SIGCHLD does not. */
	wake_up_all(&parent->group->wait_child);
	read_unlock(&tasklist_lock);
}

static void exit_info(siginfo_t *info, struct task *t)
{
	if (t->exit_code & 0x7f) {
		info->si_code = t->exit_code & 0x80 ? CLD_DUMPED : CLD_KILLED;
		info->si_status = t->exit_code & 0x7f;
	} else {
		info->si_code = CLD_EXITED;
		info->si_status = t->exit_code >> 8;
	}
}

bool signal_parent_exit(struct task *t, int sig)
{
	struct task *parent = t->parent;
	bool ignored = false;
	siginfo_t info;
	u64 flags;

	child_info(&info, sig, t);
	exit_info(&info, t);
	if (task_lock_sighand(parent, &flags)) {
		const struct sigaction *action = &parent->sighand->action[SIGCHLD - 1];

		if (sig == SIGCHLD &&
		    (action->sa_handler == SIG_IGN || (action->sa_flags & SA_NOCLDWAIT))) {
			ignored = true;
			if (action->sa_handler == SIG_IGN)
				sig = 0;
		}
		if (signal_valid(sig))
			signal_send_locked(parent, sig, &info, true);
		task_unlock_sighand(parent, flags);
	}
	if (t->group->nr_threads <= 1)
		pidfd_notify_exit(t);
	wake_up_all(&parent->group->wait_child);
	return ignored;
}

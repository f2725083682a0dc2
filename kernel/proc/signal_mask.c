/* SPDX-License-Identifier: MIT */
/*
 * Which signals a thread blocks, and taking what is pending and not blocked.
 *
 * task->blocked is written by the task itself only, under sighand->lock because senders read it to
 * choose a thread. Whoever changes the mask or takes a signal recomputes WORK_SIGNAL; only the task
 * itself may clear that bit, so that a system call that saw it set and returns -ERESTART* surely
 * passes signal_deliver().
 */
#include <kernel/signal.h>

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/panic.h>

#include "signal_internal.h"

static bool has_work(const struct task *t)
{
	u64 pending = t->pending.set.sig[0] | t->group->shared_pending.set.sig[0];

	return (pending & ~t->blocked.sig[0]) || (t->jobctl & JOBCTL_STOP_PENDING);
}

void signal_recalc_locked(struct task *t)
{
	if (has_work(t))
		task_set_work(t, WORK_SIGNAL);
	else if (t == current && (READ_ONCE(t->work) & WORK_SIGNAL))
		task_clear_work(t, WORK_SIGNAL);
}

void signal_recalc(void)
{
	u64 flags = spin_lock_irqsave(&current->sighand->lock);

	signal_recalc_locked(current);
	spin_unlock_irqrestore(&current->sighand->lock, flags);
}

/* t will not take shared signals of `which` any more: wakes other threads that can. */
void signal_retarget_locked(struct task *t, u64 which)
{
	struct task *other;

	which &= t->group->shared_pending.set.sig[0];
	if (!which)
		return;
	for_each_thread (t->group, other) {
		u64 takes = which & ~other->blocked.sig[0];

		if (other == t || (other->flags & TF_EXITING) || !takes)
			continue;
		which &= ~takes;
		if (!(READ_ONCE(other->work) & WORK_SIGNAL))
			signal_wake_locked(other, false);
		if (!which)
			return;
	}
}

void signal_set_blocked_locked(sigset_t set)
{
	struct task *t = current;

	if ((READ_ONCE(t->work) & WORK_SIGNAL) && t->group->nr_threads > 1)
		signal_retarget_locked(t, set.sig[0] & ~t->blocked.sig[0]);
	t->blocked = set;
	signal_recalc_locked(t);
}

void signal_set_blocked(sigset_t set)
{
	set.sig[0] &= ~SIGNALS_NOBLOCK;
	if (set.sig[0] == current->blocked.sig[0])
		return;
	spin_lock_irq(&current->sighand->lock);
	signal_set_blocked_locked(set);
	spin_unlock_irq(&current->sighand->lock);
}

int signal_set_user_mask(const sigset_t __user *umask, size_t sigsetsize)
{
	sigset_t mask;

	if (!umask)
		return 0;
	if (sigsetsize != sizeof(mask))
		return -EINVAL;
	if (get_user(mask.sig[0], &umask->sig[0]))
		return -EFAULT;
	current->saved_sigmask = current->blocked;
	task_set_work(current, WORK_RESTORE_MASK);
	signal_set_blocked(mask);
	return 0;
}

void signal_restore_mask_unless(bool interrupted)
{
	if (interrupted || !(READ_ONCE(current->work) & WORK_RESTORE_MASK))
		return;
	task_clear_work(current, WORK_RESTORE_MASK);
	signal_set_blocked(current->saved_sigmask);
}

/* --- taking --- */

/* The lowest number that is pending, one of a fault first; 0: none. */
static int next_in(const struct sigpending *p, u64 blocked)
{
	u64 ready = p->set.sig[0] & ~blocked;

	if (!ready)
		return 0;
	if (ready & SIGNALS_SYNC)
		ready &= SIGNALS_SYNC;
	return __builtin_ctzl(ready) + 1;
}

int signal_take_locked(sigset_t blocked, siginfo_t *info, bool *timer)
{
	struct task *t = current;
	struct sigpending *p = &t->pending;
	int sig = next_in(p, blocked.sig[0]);

	if (!sig) {
		p = &t->group->shared_pending;
		sig = next_in(p, blocked.sig[0]);
	}
	if (!sig)
		return 0;
	sigpending_take(p, sig, info, timer);
	if (signal_in(sig, SIGNALS_STOP))
		t->jobctl |= JOBCTL_STOP_DEQUEUED;
	return sig;
}

int signal_dequeue(sigset_t mask, siginfo_t *info)
{
	bool timer = false;
	int sig;

	spin_lock_irq(&current->sighand->lock);
	sig = signal_take_locked((sigset_t) { { ~mask.sig[0] } }, info, &timer);
	signal_recalc_locked(current);
	spin_unlock_irq(&current->sighand->lock);
	if (timer)
		posix_timer_delivered(info);
	return sig;
}

/* SPDX-License-Identifier: MIT */
/*
 * System calls on a task's own signals: actions, mask, pending ones, waiting for one, the alternate
 * stack, restart.
 */
#include <kernel/signal.h>

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>

#include "signal_internal.h"

#define SA_KNOWN                                                                                 \
	((u64)(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | \
	       SA_EXPOSE_TAGBITS) |                                                              \
	 SA_RESETHAND)
static_assert(!(SA_KNOWN & SA_UNSUPPORTED), "programs probe for known flags with this one");

static int mask_from_user(sigset_t *mask, const sigset_t __user *umask, size_t size)
{
	if (size != sizeof(*mask))
		return -EINVAL;
	if (get_user(mask->sig[0], &umask->sig[0]))
		return -EFAULT;
	mask->sig[0] &= ~SIGNALS_NOBLOCK;
	return 0;
}

/* --- actions --- */

/* What is ignored from now on is not pending any more, even if it is blocked (POSIX). Lock held. */
static void discard_everywhere(int sig)
{
	struct task *t;

	sigpending_discard(&current->group->shared_pending, SIGMASK(sig));
	for_each_thread (current->group, t)
		sigpending_discard(&t->pending, SIGMASK(sig));
}

static int change_action(int sig, const struct sigaction *new, struct sigaction *old)
{
	struct sighand *s = current->sighand;
	struct sigaction *action = &s->action[sig - 1];

	spin_lock_irq(&s->lock);
	if (unlikely(action->sa_flags & SA_IMMUTABLE)) {
		spin_unlock_irq(&s->lock);
		return -EINVAL;
	}
	*old = *action;
	if (new) {
		action->sa_handler = new->sa_handler;
		action->sa_flags = new->sa_flags &SA_KNOWN;
		action->sa_mask.sig[0] = new->sa_mask.sig[0] & ~SIGNALS_NOBLOCK;
		if (handler_ignores(new->sa_handler, sig))
			discard_everywhere(sig);
	}
	spin_unlock_irq(&s->lock);
	return 0;
}

long sys_rt_sigaction(int sig, const struct sigaction __user *act, struct sigaction __user *old,
		      size_t sigsetsize)
{
	struct sigaction new __uninitialized, was __uninitialized;
	int rc;

	if (sigsetsize != sizeof(sigset_t))
		return -EINVAL;
	if (act && copy_struct_from_user_exact(&new, act))
		return -EFAULT;
	if (!signal_valid(sig) || (act && signal_in(sig, SIGNALS_NOBLOCK)))
		return -EINVAL;
	rc = change_action(sig, act ? &new : NULL, &was);
	if (rc || !old)
		return rc;
	return copy_struct_to_user_exact(old, &was);
}

/* --- the mask --- */

static int change_mask(int how, u64 set)
{
	u64 blocked = current->blocked.sig[0];

	switch (how) {
	case SIG_BLOCK:
		blocked |= set;
		break;
	case SIG_UNBLOCK:
		blocked &= ~set;
		break;
	case SIG_SETMASK:
		blocked = set;
		break;
	default:
		return -EINVAL;
	}
	signal_set_blocked((sigset_t) { { blocked } });
	return 0;
}

long sys_rt_sigprocmask(int how, sigset_t __user *set, sigset_t __user *old, size_t sigsetsize)
{
	u64 before = current->blocked.sig[0];
	sigset_t new;
	int rc;

	if (sigsetsize != sizeof(sigset_t))
		return -EINVAL;
	if (set) {
		rc = mask_from_user(&new, set, sigsetsize);
		if (rc == 0)
			rc = change_mask(how, new.sig[0]);
		if (rc)
			return rc;
	}
	return old ? put_user(before, &old->sig[0]) : 0;
}

long sys_rt_sigpending(sigset_t __user *set, size_t sigsetsize)
{
	u64 pending;

	if (sigsetsize > sizeof(sigset_t))
		return -EINVAL;
	spin_lock_irq(&current->sighand->lock);
	pending = signal_pending_set(current).sig[0] & current->blocked.sig[0];
	spin_unlock_irq(&current->sighand->lock);
	return copy_to_user(set, &pending, sigsetsize) ? -EFAULT : 0;
}

long sys_rt_sigsuspend(sigset_t __user *set, size_t sigsetsize)
{
	sigset_t mask;
	int rc = mask_from_user(&mask, set, sigsetsize);

	if (rc)
		return rc;
	current->saved_sigmask = current->blocked;
	signal_set_blocked(mask);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (signal_pending())
			break;
		schedule();
	}
	set_current_state(TASK_RUNNING);
	task_set_work(current, WORK_RESTORE_MASK);
	return -ERESTARTNOHAND;
}

/* --- waiting for one --- */

/* Sleeps until one of `these` may be there, another signal came or the time is over. Lock held,
 * released while it sleeps. */
static void sleep_for(sigset_t these, ktime_t deadline) __must_hold(&current->sighand->lock)
{
	struct sighand *s = current->sighand;

	current->sigwait = these;
	while (!(signal_pending_set(current).sig[0] & these.sig[0])) {
		bool over;

		set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock_irq(&s->lock);
		over = signal_pending() || ktime_get() >= deadline;
		if (!over)
			schedule_until(deadline == KTIME_MAX ? 0 : deadline);
		set_current_state(TASK_RUNNING);
		spin_lock_irq(&s->lock);
		if (over)
			break;
	}
	current->sigwait.sig[0] = 0;
}

/* timeout in ns, KTIME_MAX: for ever. The signal, or -EAGAIN, -EINTR. */
static int wait_for_signal(sigset_t these, siginfo_t *info, ktime_t timeout)
{
	sigset_t others = { { ~these.sig[0] } };
	ktime_t deadline = timeout == KTIME_MAX ? KTIME_MAX : ktime_add_safe(ktime_get(), timeout);
	bool timer = false;
	int sig;

	spin_lock_irq(&current->sighand->lock);
	sig = signal_take_locked(others, info, &timer);
	if (!sig && timeout) {
		sleep_for(these, deadline);
		sig = signal_take_locked(others, info, &timer);
	}
	signal_recalc_locked(current);
	spin_unlock_irq(&current->sighand->lock);
	if (timer)
		posix_timer_delivered(info);
	if (sig)
		return sig;
	return timeout && ktime_get() < deadline ? -EINTR : -EAGAIN;
}

long sys_rt_sigtimedwait(const sigset_t __user *these, struct siginfo __user *info,
			 const struct __kernel_timespec __user *timeout, size_t sigsetsize)
{
	ktime_t time = KTIME_MAX;
	siginfo_t got;
	sigset_t mask;
	int rc = mask_from_user(&mask, these, sigsetsize);

	if (rc == 0 && timeout)
		rc = timespec_from_user(&time, timeout);
	if (rc)
		return rc;
	rc = wait_for_signal(mask, &got, time);
	if (rc > 0 && info && copy_siginfo_to_user(info, &got))
		return -EFAULT;
	return rc;
}

/* --- the alternate stack --- */

int signal_set_altstack(const struct sigaltstack *new, u64 sp)
{
	u32 flags = (u32) new->ss_flags, mode = flags & ~SS_FLAG_BITS;
	u64 base = (u64) new->ss_sp, size = new->ss_size;

	if (signal_on_altstack(sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE)
		base = size = 0;
	else if (size < MINSIGSTKSZ)
		return -ENOMEM;
	current->sas_sp = base;
	current->sas_size = size;
	current->sas_flags = flags;
	return 0;
}

long sys_sigaltstack(const struct sigaltstack __user *ss, struct sigaltstack __user *old)
{
	u64 sp = regs_stack(current_regs());
	struct sigaltstack new, was = {
		.ss_sp = (void *)current->sas_sp,
		.ss_flags = (int)(current->sas_flags & SS_FLAG_BITS),
		.ss_size = current->sas_size,
	};

	was.ss_flags |= !was.ss_size ? SS_DISABLE : signal_on_altstack(sp) ? SS_ONSTACK : 0;
	if (ss) {
		int rc;

		if (copy_struct_from_user_exact(&new, ss))
			return -EFAULT;
		rc = signal_set_altstack(&new, sp);
		if (rc)
			return rc;
	}
	return old ? copy_struct_to_user_exact(old, &was) : 0;
}

/* --- restart --- */

long sys_restart_syscall(void)
{
	struct restart_block *rb = &current->restart;

	return rb->fn ? rb->fn(rb) : -EINTR;
}

/* SPDX-License-Identifier: MIT */
/*
 * Acting on signals, on the way out to user mode.
 *
 * signal_deliver() takes pending signals until one has a handler, whose frame it then builds, or
 * none is left. Default actions happen here: ignore, stop (signal_stop.c), end the process, with a
 * core dump or without.
 *
 * System calls that were interrupted return one of the -ERESTART* codes. If no handler runs the
 * call is made again, by setting the pc back to the ecall; -ERESTART_RESTARTBLOCK turns it into
 * restart_syscall(2). If one runs, the call fails with -EINTR after it, except -ERESTARTNOINTR
 * always and -ERESTARTSYS with SA_RESTART. A frame is in a system call as long as regs_in_syscall()
 * says so, and is asked once.
 *
 * The signal's mask is set in the same critical section that takes the signal, and taken back if
 * the frame cannot be built.
 */
#include <kernel/signal.h>

#include <arch/regs.h>
#include <arch/signal.h>
#include <asm/unistd.h>
#include <kernel/errno.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/syscall.h>

#include "signal_internal.h"

#define ECALL_BYTES 4

/* What a handler is to get, and the masks around it. */
struct delivery {
	struct ksignal signal;
	sigset_t before;  /* the mask until now */
	sigset_t restore; /* what sigreturn puts back: before, or what sigsuspend and the like saved
			   */
};

/* --- default actions --- */

static void __noreturn die(int sig, const siginfo_t *info)
{
	s32 code = sig;

	current->flags |= TF_SIGNALED;
	if (info && signal_in(sig, SIGNALS_CORE) && core_dump(info))
		code |= 0x80;
	do_group_exit(code);
}

/* The process ends, or another thread makes it a new program. Lock held; returns only when neither
 * is so. */
static void die_with_others(void) __must_hold(&current->sighand->lock)
{
	struct group *g = current->group;
	bool exiting = g->flags & GROUP_EXIT;
	s32 code = g->exit_code;

	if (likely(!exiting && (!g->exec_task || g->exec_task == current)))
		return;
	current->pending.set.sig[0] &= ~SIGMASK(SIGKILL);
	signal_recalc_locked(current);
	spin_unlock_irq(&current->sighand->lock);
	current->flags |= TF_SIGNALED;
	if (!exiting)
		do_exit(0);
	do_group_exit(code);
}

/* Whether the current process group has nobody who could continue it. No lock held but
 * sighand->lock, which is released. */
static bool unlock_and_ask_orphaned(void) __releases(&current->sighand->lock)
{
	struct pid *pgrp = READ_ONCE(current->group->pids[PIDTYPE_PGID]);
	bool held = refcount_get_unless_zero(&pgrp->refs), orphaned;

	spin_unlock_irq(&current->sighand->lock);
	if (!held)
		return false;
	orphaned = pgrp_is_orphaned(pgrp);
	pid_put(pgrp);
	return orphaned;
}

/* Stops for `sig`. False: not stopped, lock held as before. True: lock released, look again. */
static bool stop_by(int sig)
{
	/* The terminal's stop signals do nothing where no shell could continue the process. */
	if (sig != SIGSTOP) {
		if (unlock_and_ask_orphaned())
			return true;
		spin_lock_irq(&current->sighand->lock);
	}
	return signal_stop_locked(sig);
}

/* After a stop, the first thread to run tells the parent. Lock held; true when it was released. */
static bool report_continue(void)
{
	struct group *g = current->group;
	u32 what = g->flags & (GROUP_CLD_STOPPED | GROUP_CLD_CONTINUED);

	if (likely(!what))
		return false;
	g->flags &= ~what;
	spin_unlock_irq(&current->sighand->lock);
	signal_notify_stop(current, what & GROUP_CLD_CONTINUED ? CLD_CONTINUED : CLD_STOPPED);
	return true;
}

/* --- choosing --- */

/* A handler runs for sig: copies its action and blocks what it wants blocked. */
static void accept(struct delivery *d, int sig, struct sigaction *action)
{
	sigset_t blocked = current->blocked;

	d->signal.sig = sig;
	d->signal.action = *action;
	d->before = blocked;
	d->restore =
		READ_ONCE(current->work) & WORK_RESTORE_MASK ? current->saved_sigmask : blocked;
	if (action->sa_flags & SA_RESETHAND)
		action->sa_handler = SIG_DFL;
	blocked.sig[0] |= d->signal.action.sa_mask.sig[0];
	if (!(d->signal.action.sa_flags & SA_NODEFER))
		blocked.sig[0] |= SIGMASK(sig);
	signal_set_blocked_locked(blocked);
}

enum verdict {
	VERDICT_NONE,	 /* lock held: nothing is left */
	VERDICT_NEXT,	 /* lock held: without effect, take another one */
	VERDICT_AGAIN,	 /* lock released: things have changed, start over */
	VERDICT_HANDLER, /* lock held: a handler is to run */
};

/* sig was taken and has no handler. Lock held. */
static enum verdict act_by_default(int sig, __sighandler_t handler, const siginfo_t *info)
{
	if (handler_ignores(handler, sig))
		return VERDICT_NEXT;
	if (unlikely(current->group->flags & GROUP_UNKILLABLE) && !signal_in(sig, SIGNALS_NOBLOCK))
		return VERDICT_NEXT;
	if (signal_in(sig, SIGNALS_STOP))
		return stop_by(sig) ? VERDICT_AGAIN : VERDICT_NEXT;
	spin_unlock_irq(&current->sighand->lock);
	die(sig, info);
}

/* A timer's signal that nobody sees: the timer goes on all the same. Lock held. */
static void release_timer(siginfo_t *info) __must_hold(&current->sighand->lock)
{
	spin_unlock_irq(&current->sighand->lock);
	posix_timer_delivered(info);
	spin_lock_irq(&current->sighand->lock);
}

/* Takes one signal and decides. *timer as sigpending_take(). */
static enum verdict take_one(struct delivery *d, bool *timer)
{
	siginfo_t *info = &d->signal.info;
	int sig = sigpending_take_fault(&current->pending, current->blocked.sig[0], info);
	struct sigaction *action;
	__sighandler_t handler;

	*timer = false;
	if (!sig)
		sig = signal_take_locked(current->blocked, info, timer);
	if (!sig)
		return VERDICT_NONE;
	action = &current->sighand->action[sig - 1];
	handler = action->sa_handler;
	if (handler != SIG_DFL && handler != SIG_IGN) {
		accept(d, sig, action);
		return VERDICT_HANDLER;
	}
	if (unlikely(*timer))
		release_timer(info);
	return act_by_default(sig, handler, info);
}

/* One round. */
static enum verdict do_due(struct delivery *d, bool *timer)
{
	enum verdict v;

	spin_lock_irq(&current->sighand->lock);
	if (report_continue())
		return VERDICT_AGAIN;
	die_with_others();
	if (unlikely(current->jobctl & JOBCTL_STOP_PENDING) && signal_stop_locked(0))
		return VERDICT_AGAIN;
	do {
		v = take_one(d, timer);
	} while (v == VERDICT_NEXT);
	if (v == VERDICT_AGAIN)
		return v;
	if (v == VERDICT_NONE)
		signal_recalc_locked(current);
	spin_unlock_irq(&current->sighand->lock);
	return v;
}

/* Does what is due. True when a handler is to run. */
static bool next_handler(struct delivery *d)
{
	enum verdict v;
	bool timer;

	do {
		v = do_due(d, &timer);
	} while (v == VERDICT_AGAIN);
	if (v != VERDICT_HANDLER)
		return false;
	if (unlikely(timer))
		posix_timer_delivered(&d->signal.info);
	return true;
}

/* --- running a handler --- */

static void frame_failed(struct delivery *d)
{
	signal_set_blocked(d->before);
	if (d->signal.sig == SIGSEGV)
		force_fatal_signal(SIGSEGV);
	else
		force_signal(SIGSEGV);
}

static void run_handler(struct delivery *d, struct trap_frame *regs)
{
	if (current->rseq)
		rseq_signal(regs);
	if (unlikely(arch_signal_frame(&d->signal, d->restore, regs))) {
		frame_failed(d);
		return;
	}
	if (READ_ONCE(current->work) & WORK_RESTORE_MASK)
		task_clear_work(current, WORK_RESTORE_MASK);
	if (current->sas_flags & SS_AUTODISARM) {
		current->sas_sp = current->sas_size = 0;
		current->sas_flags = SS_DISABLE;
	}
}

/* --- system call restart --- */

/* Sets regs up to make the interrupted call again and returns its -ERESTART* code; 0: nothing to
 * restart. */
static long restart_begin(struct trap_frame *regs)
{
	long result = (long)regs_return(regs);

	if (!regs_in_syscall(regs))
		return 0;
	regs_leave_syscall(regs);
	if (result != -ERESTARTSYS && result != -ERESTARTNOINTR && result != -ERESTARTNOHAND &&
	    result != -ERESTART_RESTARTBLOCK)
		return 0;
	regs_set_return(regs, regs->orig_a0);
	regs->pc -= ECALL_BYTES;
	return result;
}

static bool handler_restarts(long code, u64 sa_flags)
{
	return code == -ERESTARTNOINTR || (code == -ERESTARTSYS && (sa_flags & SA_RESTART));
}

void signal_deliver(struct trap_frame *regs)
{
	long restart = restart_begin(regs);
	struct delivery d __uninitialized;

	if ((READ_ONCE(current->work) & WORK_SIGNAL) && next_handler(&d)) {
		if (restart && !handler_restarts(restart, d.signal.action.sa_flags)) {
			regs->pc += ECALL_BYTES;
			regs_set_return(regs, -EINTR);
		}
		run_handler(&d, regs);
		return;
	}
	if (restart == -ERESTART_RESTARTBLOCK)
		regs->a7 = __NR_restart_syscall;
	signal_restore_mask_unless(false);
}

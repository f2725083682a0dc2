/* SPDX-License-Identifier: MIT */
/*
 * Sending signals.
 *
 * A signal goes to one thread's queue or to its process's shared one, if the process does not
 * ignore it; then a thread that does not block it is told (WORK_SIGNAL) and woken to take it in
 * signal_deliver(). A signal whose default action ends the process without a core dump ends it at
 * once: every thread gets SIGKILL. SIGCONT and the stop signals cancel each other in the queues,
 * and SIGCONT wakes stopped threads, when they are sent, whatever their handlers are.
 *
 * Locks: sighand->lock, interrupts off, over all signal state of a process; group->threads may be
 * walked under it. tasklist_lock (read) for process groups and sessions. Senders may be in
 * interrupts.
 */
#include <kernel/signal.h>

#include <kernel/errno.h>
#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>

#include "signal_internal.h"

/* --- the lock --- */

struct sighand *task_lock_sighand(struct task *t, u64 *flags)
{
	struct sighand *s;

	preempt_disable();
	while ((s = rcu_dereference(t->sighand)) != NULL) {
		*flags = spin_lock_irqsave(&s->lock);
		if (likely(s == READ_ONCE(t->sighand))) {
			preempt_enable_no_resched(); /* the lock holds it off */
			return s;
		}
		spin_unlock_irqrestore(&s->lock, *flags);
	}
	preempt_enable();
	return NULL;
}

void task_unlock_sighand(struct task *t, u64 flags)
{
	spin_unlock_irqrestore(&t->sighand->lock, flags);
}

/* --- who gets it --- */

void signal_wake_locked(struct task *t, bool fatal)
{
	task_set_work(t, WORK_SIGNAL);
	if (t == current && READ_ONCE(t->state) == TASK_RUNNING)
		return;
	if (!wake_up_state(t, TASK_INTERRUPTIBLE | (fatal ? TASK_WAKEKILL | TASK_STOPPED : 0)))
		sched_kick(t);
}

static __sighandler_t handler_of(const struct task *t, int sig)
{
	return t->sighand->action[sig - 1].sa_handler;
}

/* A blocked signal is never ignored: the handler may be another one when it is unblocked. */
static bool is_ignored(const struct task *t, int sig)
{
	__sighandler_t handler = handler_of(t, sig);

	if (t->flags & TF_KTHREAD)
		return true;
	if (signal_in(sig, t->blocked.sig[0]))
		return false;
	if (unlikely(t->group->flags & GROUP_UNKILLABLE) && handler == SIG_DFL)
		return true;
	return handler_ignores(handler, sig);
}

static bool ends_process(const struct task *t, int sig)
{
	return handler_of(t, sig) == SIG_DFL &&
	       !signal_in(sig, SIGNALS_IGNORE | SIGNALS_STOP | SIGNALS_CORE);
}

/* t could take it soon. */
static bool wants(const struct task *t, int sig)
{
	if (signal_in(sig, t->blocked.sig[0] & ~t->sigwait.sig[0]) || (t->flags & TF_EXITING))
		return false;
	if (sig == SIGKILL)
		return true;
	if (READ_ONCE(t->state) & TASK_STOPPED)
		return false;
	return t->on_hart || !(READ_ONCE(t->work) & WORK_SIGNAL);
}

static struct task *choose_thread(struct task *t, int sig, bool group)
{
	struct task *other;

	if (wants(t, sig))
		return t;
	if (!group || t->group->nr_threads <= 1)
		return NULL;
	for_each_thread (t->group, other)
		if (wants(other, sig))
			return other;
	return NULL;
}

static void kill_thread(struct task *t)
{
	jobctl_clear_locked(t, JOBCTL_STOP_PENDING);
	t->pending.set.sig[0] |= SIGMASK(SIGKILL);
	signal_wake_locked(t, true);
}

static void set_group_exit(struct group *g, s32 code)
{
	g->flags = (g->flags & (GROUP_UNKILLABLE | GROUP_EXEC)) | GROUP_EXIT;
	g->exit_code = code;
	g->stop_count = 0;
}

void group_exit_locked(struct group *g, s32 code)
{
	struct task *t;

	set_group_exit(g, code);
	for_each_thread (g, t)
		if (t != current && !t->exit_state)
			kill_thread(t);
}

u32 signal_kill_others_locked(void)
{
	struct task *t;
	u32 n = 0;

	current->group->stop_count = 0;
	for_each_thread (current->group, t) {
		if (t == current)
			continue;
		n++;
		if (!t->exit_state)
			kill_thread(t);
	}
	return n;
}

/* The signal is queued: somebody has to take it. */
static void tell_thread(struct task *t, int sig, bool group)
{
	struct task *chosen = choose_thread(t, sig, group), *each;

	if (!chosen)
		return;
	if (signal_in(sig, chosen->blocked.sig[0])) {
		wake_up_state(chosen, TASK_INTERRUPTIBLE); /* in sigtimedwait */
		return;
	}
	if (ends_process(t, sig) && (!(t->group->flags & GROUP_EXIT) || t->group->core)) {
		set_group_exit(t->group, sig);
		for_each_thread (t->group, each)
			kill_thread(each);
		return;
	}
	signal_wake_locked(chosen, sig == SIGKILL);
}

/* --- sending, sighand->lock held --- */

/* What happens at once, whoever handles it. False: nothing is to be queued. */
static bool prepare(struct task *t, int sig)
{
	struct group *g = t->group;
	struct task *each;

	if (unlikely(g->flags & GROUP_EXIT))
		return g->core && sig == SIGKILL;
	if (unlikely(sig == SIGCONT)) {
		signal_continue_locked(t);
	} else if (unlikely(signal_in(sig, SIGNALS_STOP))) {
		sigpending_discard(&g->shared_pending, SIGMASK(SIGCONT));
		for_each_thread (g, each)
			sigpending_discard(&each->pending, SIGMASK(SIGCONT));
	}
	return !is_ignored(t, sig);
}

static bool is_special(const siginfo_t *info)
{
	return info == SEND_SIG_USER || info == SEND_SIG_KERNEL;
}

static void fill_info(siginfo_t *to, int sig, const siginfo_t *info)
{
	if (info == SEND_SIG_USER) {
		siginfo_init(to, sig, SI_USER);
		to->si_pid = current->tgid;
		to->si_uid = current_uid();
	} else if (info == SEND_SIG_KERNEL) {
		siginfo_init(to, sig, SI_KERNEL);
	} else {
		siginfo_copy(to, info);
		to->si_signo = sig; /* queues are searched by it */
	}
}

static void signalfd_wake(struct group *g)
{
	if (unlikely(wait_queue_active(&g->signalfd_wait)))
		wake_up_all(&g->signalfd_wait);
}

/* Allocates the entry for what is not SIGKILL. False: a real-time signal that must not lose its
 * siginfo did not fit. */
static bool enqueue(struct sigpending *p, struct task *t, int sig, const siginfo_t *info)
{
	struct sigqueue *q = NULL;

	if (sig != SIGKILL) {
		q = sigqueue_charge(t, sig < SIGRTMIN && (is_special(info) || info->si_code >= 0));
		if (q)
			fill_info(&q->info, sig, info);
		else if (sig >= SIGRTMIN && !is_special(info) && info->si_code != SI_USER)
			return false;
	}
	sigpending_add(p, q, sig);
	return true;
}

int signal_send_locked(struct task *t, int sig, const siginfo_t *info, bool group)
{
	struct sigpending *p = group ? &t->group->shared_pending : &t->pending;

	ASSERT(spin_is_held(&t->sighand->lock));
	if (!prepare(t, sig))
		return 0;
	if (sig < SIGRTMIN && signal_in(sig, p->set.sig[0]))
		return 0;
	if (!enqueue(p, t, sig, info))
		return -EAGAIN;
	signalfd_wake(t->group);
	tell_thread(t, sig, group);
	return 0;
}

int send_sigqueue(struct sigqueue *q, struct task *t, bool group)
{
	struct sigpending *p = group ? &t->group->shared_pending : &t->pending;
	int sig = q->info.si_signo, rc = 0;
	u64 flags;

	if (!task_lock_sighand(t, &flags))
		return -ESRCH;
	if (!list_empty(&q->link)) {
		rc = 1;
	} else if (!prepare(t, sig)) {
		rc = -EAGAIN;
	} else {
		sigpending_add(p, q, sig);
		signalfd_wake(t->group);
		tell_thread(t, sig, group);
	}
	task_unlock_sighand(t, flags);
	return rc;
}

/* --- sending from outside --- */

static int send(struct task *t, int sig, const siginfo_t *info, bool group)
{
	u64 flags;
	int rc;

	if (!task_lock_sighand(t, &flags))
		return -ESRCH;
	rc = signal_send_locked(t, sig, info, group);
	task_unlock_sighand(t, flags);
	return rc;
}

int send_signal_thread(struct task *t, int sig, const siginfo_t *info)
{
	return send(t, sig, info, false);
}
int send_signal_group(struct task *t, int sig, const siginfo_t *info)
{
	return send(t, sig, info, true);
}

int send_signal_pid(struct pid *pid, int sig, const siginfo_t *info)
{
	struct task *t;
	int rc;

	/* Not found in the middle of a multi-threaded exec: the number has a new task then. */
	rcu_read_lock();
	do {
		t = pid_task(pid, PIDTYPE_PID);
		rc = t ? send(t, sig, info, true) : -ESRCH;
	} while (t && rc == -ESRCH);
	rcu_read_unlock();
	return rc;
}

/* To each process of a set: 0 when one got it, else the last error. */
static int send_each(struct pid *pid, enum pid_type type, int sig, const siginfo_t *info)
{
	struct task *t;
	int rc = -ESRCH;

	if (!pid)
		return rc;
	for_each_pid_task (t, pid, type) {
		int err = send(t, sig, info, true);

		if (rc)
			rc = err;
	}
	return rc;
}

int send_signal_pgrp_locked(struct pid *pgrp, int sig, const siginfo_t *info)
{
	return send_each(pgrp, PIDTYPE_PGID, sig, info);
}

int send_signal_pgrp(struct pid *pgrp, int sig, const siginfo_t *info)
{
	int rc;

	read_lock(&tasklist_lock);
	rc = send_each(pgrp, PIDTYPE_PGID, sig, info);
	read_unlock(&tasklist_lock);
	return rc;
}

int send_signal_session(struct pid *sid, int sig, const siginfo_t *info)
{
	int rc;

	read_lock(&tasklist_lock);
	rc = send_each(sid, PIDTYPE_SID, sig, info);
	read_unlock(&tasklist_lock);
	return rc;
}

/* --- permission --- */

static bool may_by_cred(struct task *t)
{
	const struct cred *mine = current_cred(), *its = rcu_dereference(t->cred);

	return mine->euid == its->suid || mine->euid == its->uid || mine->uid == its->suid ||
	       mine->uid == its->uid || capable(CAP_KILL);
}

/* SIGCONT may be sent within a session. A task without one was reaped: the send will say so. */
static bool may_continue(struct task *t)
{
	struct pid *sid = READ_ONCE(t->group->pids[PIDTYPE_SID]);

	return !sid || sid == READ_ONCE(current->group->pids[PIDTYPE_SID]);
}

int may_signal(struct task *t, int sig)
{
	bool ok = t->group == current->group;

	if (!ok) {
		rcu_read_lock();
		ok = may_by_cred(t) || (sig == SIGCONT && may_continue(t));
		rcu_read_unlock();
	}
	return ok ? 0 : -EPERM;
}

int signal_check(struct task *t, int sig)
{
	return (u32)sig <= _NSIG ? may_signal(t, sig) : -EINVAL;
}

int signal_send_checked(struct task *t, int sig, const siginfo_t *info, bool group)
{
	int rc = signal_check(t, sig);

	return rc || !sig ? rc : send(t, sig, info, group);
}

int signal_send_pid_checked(struct pid *pid, int sig, const siginfo_t *info, bool group)
{
	struct task *t;
	int rc;

	rcu_read_lock();
	do {
		t = pid_task(pid, PIDTYPE_PID);
		rc = t ? signal_send_checked(t, sig, info, group) : -ESRCH;
	} while (t && rc == -ESRCH && group);
	rcu_read_unlock();
	return rc;
}

int signal_send_pgrp_checked(struct pid *pgrp, int sig, const siginfo_t *info)
{
	struct task *t;
	int rc = -ESRCH;

	if (!pgrp)
		return rc;
	for_each_pid_task (t, pgrp, PIDTYPE_PGID) {
		int err = signal_send_checked(t, sig, info, true);

		if (rc)
			rc = err;
	}
	return rc;
}

/* --- signals the current task cannot escape --- */

static void force(int sig, const siginfo_t *info, bool whatever_is_set)
{
	struct task *t = current;
	struct sigaction *action = &t->sighand->action[sig - 1];
	u64 flags = spin_lock_irqsave(&t->sighand->lock);
	bool blocked = signal_in(sig, t->blocked.sig[0]);

	if (blocked || whatever_is_set || action->sa_handler == SIG_IGN) {
		action->sa_handler = SIG_DFL;
		if (whatever_is_set)
			action->sa_flags |= SA_IMMUTABLE;
		t->blocked.sig[0] &= ~SIGMASK(sig);
	}
	if (action->sa_handler == SIG_DFL)
		t->group->flags &= ~GROUP_UNKILLABLE;
	signal_send_locked(t, sig, info, false);
	/* It may have been pending and blocked before. */
	signal_recalc_locked(t);
	spin_unlock_irqrestore(&t->sighand->lock, flags);
}

void force_signal_fault(int sig, int code, u64 addr)
{
	siginfo_t info;

	siginfo_init(&info, sig, code);
	info.si_addr = (void *)addr;
	force(sig, &info, false);
}

void force_signal(int sig) { force(sig, SEND_SIG_KERNEL, false); }
void force_fatal_signal(int sig) { force(sig, SEND_SIG_KERNEL, true); }

/* --- questions --- */

bool fatal_signal_pending(void)
{
	return signal_pending() && signal_in(SIGKILL, READ_ONCE(current->pending.set.sig[0]));
}

bool signal_pending_state(u32 state)
{
	if (!(state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) || !signal_pending())
		return false;
	return (state & TASK_INTERRUPTIBLE) || fatal_signal_pending();
}

sigset_t signal_pending_set(const struct task *t)
{
	return (sigset_t) { { READ_ONCE(t->pending.set.sig[0]) |
			      READ_ONCE(t->group->shared_pending.set.sig[0]) } };
}

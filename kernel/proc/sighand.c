/* SPDX-License-Identifier: MIT */
/*
 * Signal state through the life of a task: the table of handlers, fork, exec, exit.
 *
 * A struct sighand is shared by the threads of a process and by whoever else was cloned with
 * CLONE_SIGHAND; exec takes a table of its own. A task keeps it from fork until it is released. It
 * is freed after a grace period, because task_lock_sighand() locks it before it knows that it is
 * still the task's.
 */
#include <kernel/signal.h>

#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/string.h>
#include <linux/sched.h>

#include "signal_internal.h"

static struct slab_cache *sighand_cache __ro_after_init;

void signal_init(void)
{
	sigqueue_init();
	sighand_cache = slab_create("sighand", sizeof(struct sighand), 0, 0, NULL);
	if (!sighand_cache)
		panic("no memory for signal handlers");
}

/* --- tables --- */

/* Handlers to default; with keep_ignored, what is ignored stays so, as exec wants it. */
static void reset_actions(struct sighand *s, bool keep_ignored)
{
	for (u32 i = 0; i < _NSIG; i++) {
		struct sigaction *a = &s->action[i];

		if (!keep_ignored || a->sa_handler != SIG_IGN)
			a->sa_handler = SIG_DFL;
		a->sa_flags = 0;
		a->sa_mask.sig[0] = 0;
	}
}

static struct sighand *sighand_alloc(void)
{
	struct sighand *s = slab_alloc(sighand_cache, GFP_KERNEL);

	if (s) {
		refcount_set(&s->refs, 1);
		spinlock_init(&s->lock, RANK_SIGHAND);
	}
	return s;
}

struct sighand *sighand_create(void)
{
	struct sighand *s = sighand_alloc();

	if (s)
		reset_actions(s, false);
	return s;
}

static struct sighand *sighand_copy(struct sighand *from)
{
	struct sighand *s = sighand_alloc();

	if (s) {
		spin_lock_irq(&from->lock);
		memcpy(s->action, from->action, sizeof(s->action));
		spin_unlock_irq(&from->lock);
	}
	return s;
}

static void sighand_free_rcu(struct rcu_head *head)
{
	slab_free(sighand_cache, container_of(head, struct sighand, rcu));
}

void sighand_put(struct sighand *s)
{
	if (refcount_put(&s->refs))
		rcu_call(&s->rcu, sighand_free_rcu);
}

/* --- life --- */

static void altstack_off(struct task *t)
{
	t->sas_sp = t->sas_size = 0;
	t->sas_flags = SS_DISABLE;
}

int signal_fork(struct task *child, u64 clone_flags)
{
	sigpending_init(&child->pending);
	task_clear_work(child, WORK_SIGNAL | WORK_RESTORE_MASK);
	child->sigwait.sig[0] = 0;
	child->jobctl = 0;
	child->restart.fn = NULL;
	child->last_siginfo = NULL;
	child->robust_list = NULL;
	child->pi_state = NULL;
	if ((clone_flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM)
		altstack_off(child);
	if (clone_flags & CLONE_SIGHAND) {
		refcount_get(&current->sighand->refs);
		child->sighand = current->sighand;
		return 0;
	}
	child->sighand = sighand_copy(current->sighand);
	if (!child->sighand)
		return -ENOMEM;
	if (clone_flags & CLONE_CLEAR_SIGHAND)
		reset_actions(child->sighand, true);
	return 0;
}

/* A table nobody else outside the process uses; the other threads are gone already. */
static bool unshare_sighand(void)
{
	struct sighand *old = current->sighand, *own;

	if (refcount_read(&old->refs) == 1)
		return true;
	own = sighand_copy(old);
	if (!own)
		return false;
	spin_lock_irq(&old->lock);
	rcu_assign_pointer(current->sighand, own);
	spin_unlock_irq(&old->lock);
	sighand_put(old);
	return true;
}

void signal_exec(void)
{
	altstack_off(current);
	current->restart.fn = NULL;
	if (!unshare_sighand()) {
		/* Past the point of no return: the program cannot run with handlers it shares. */
		force_fatal_signal(SIGKILL);
		return;
	}
	spin_lock_irq(&current->sighand->lock);
	reset_actions(current->sighand, true);
	spin_unlock_irq(&current->sighand->lock);
}

void signal_flush(struct task *t)
{
	task_clear_work(t, WORK_SIGNAL);
	sigpending_flush(&t->pending);
	if (t == t->group->leader)
		sigpending_flush(&t->group->shared_pending);
}

void signal_exit_thread(struct task *t)
{
	bool stopped = false;

	if (t->group->nr_threads <= 1) {
		t->flags |= TF_EXITING;
		return;
	}
	spin_lock_irq(&t->sighand->lock);
	if (unlikely(t->group->core))
		core_dump_join_locked();
	t->flags |= TF_EXITING;
	if ((READ_ONCE(t->work) & WORK_SIGNAL) && !(t->group->flags & GROUP_EXIT)) {
		signal_retarget_locked(t, ~t->blocked.sig[0]);
		if (t->jobctl & JOBCTL_STOP_PENDING)
			stopped = signal_join_stop_locked(t);
	}
	spin_unlock_irq(&t->sighand->lock);
	if (stopped)
		signal_notify_stop(t, CLD_STOPPED);
}

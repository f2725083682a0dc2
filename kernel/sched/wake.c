/* SPDX-License-Identifier: MIT */
/*
 * Waking tasks, and the first time of new ones.
 *
 * Sleeping and waking cannot miss each other: the sleeper writes its state, then looks at its
 * condition; the waker makes the condition true, then looks at the state; full barriers stand
 * between. From writing the state to leaving the hart a task is still runnable, and a waker only
 * sets the state back.
 *
 * A task that is to wake up on another hart than it slept on is for a moment on no queue,
 * RUNNING: sched_attach() has it.
 */
#include <kernel/sched.h>

#include <arch/cpu.h>
#include <kernel/hart.h>
#include <kernel/panic.h>
#include <kernel/string.h>

#include "rq.h"

void sched_set_hart(struct task *t, u32 hart)
{
	if (t->hart == hart)
		return;
	t->hart_offset = hart_offset[hart];
	WRITE_ONCE(t->hart, hart);
	t->se.nr_migrations++;
}

/* No run queue's lock held; t is on no queue and either RUNNING or `moving`, so that nobody else
 * enqueues it. It goes to t->hart's queue. */
void sched_attach(struct task *t, u32 queue_flags)
{
	for (;;) {
		struct rq *rq = rq_of(t->hart);
		u64 flags = spin_lock_irqsave(&rq->lock);

		/* Its affinity may have changed on the way. */
		if (likely(sched_allowed(t) & HARTMASK_OF(rq->hart))) {
			rq_update_clock(rq);
			t->se.moving = false;
			rq_enqueue(rq, t, queue_flags);
			rq_check_preempt(rq, t);
			spin_unlock_irqrestore(&rq->lock, flags);
			return;
		}
		sched_set_hart(t, (u32)__builtin_ctz(sched_allowed(t)));
		spin_unlock_irqrestore(&rq->lock, flags);
	}
}

bool wake_up_state(struct task *t, u32 states)
{
	struct rq *rq;
	u64 flags;
	u32 hart;

	smp_mb();
	if (!(READ_ONCE(t->state) & states))
		return false;
	if (t == current) {
		/* In an interrupt, or before it went to sleep. */
		WRITE_ONCE(t->state, TASK_RUNNING);
		return true;
	}
	rq = task_rq_lock(t, &flags);
	if (unlikely(!(t->state & states))) {
		task_rq_unlock(rq, flags);
		return false;
	}
	if (unlikely(t->se.on_rq || t->se.moving)) {
		WRITE_ONCE(t->state, TASK_RUNNING);
		task_rq_unlock(rq, flags);
		return true;
	}
	if ((t->state & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) == TASK_UNINTERRUPTIBLE)
		rq->nr_uninterruptible--;
	WRITE_ONCE(t->state, TASK_RUNNING);
	hart = balance_wake_hart(t, false);
	if (likely(hart == rq->hart)) {
		rq_enqueue(rq, t, QUEUE_SLEEP);
		rq_check_preempt(rq, t);
		task_rq_unlock(rq, flags);
		return true;
	}
	sched_set_hart(t, hart);
	task_rq_unlock(rq, flags);
	sched_attach(t, QUEUE_SLEEP);
	return true;
}

void wake_up_new(struct task *t)
{
	ASSERT(t->state == TASK_NEW || t->state == TASK_IDLE);
	WRITE_ONCE(t->state, TASK_RUNNING);
	sched_set_hart(t, balance_wake_hart(t, true));
	t->se.nr_migrations = 0;
	sched_attach(t, QUEUE_INITIAL);
}

void sched_kick(struct task *t)
{
	u32 hart;

	smp_mb();
	hart = READ_ONCE(t->hart);
	if (t != current && READ_ONCE(t->on_hart) && hart != this_hart_nr())
		ipi_send(HARTMASK_OF(hart));
}

void sched_fork(struct task *child, u64 clone_flags)
{
	struct task *t = current;
	u32 idle_hart = child->hart;

	memset(&child->se, 0, sizeof(child->se));
	list_init(&child->se.rt);
	child->state = TASK_NEW;
	child->preempt_count = 1;
	child->on_hart = false;
	child->hart = t->hart;
	child->hart_offset = t->hart_offset;
	child->affinity = t->affinity;
	child->policy = t->policy;
	child->nice = t->nice;
	child->rt_priority = t->rt_priority;
	child->rt_slice_left = 0;
	child->reset_on_fork = false;
	child->ioprio = t->ioprio;
	child->utime = child->stime = 0;
	child->shown_utime = child->shown_stime = 0;
	child->acct_stamp = 0;
	child->locks_held = 0;
	memset(&child->kthread, 0, sizeof(child->kthread));
	if (unlikely(child->flags & TF_IDLE)) {
		child->hart = idle_hart;
		child->hart_offset = hart_offset[idle_hart];
		child->affinity = HARTMASK_OF(idle_hart);
	}
	if (unlikely(t->reset_on_fork)) {
		if (policy_is_rt(t->policy))
			child->nice = 0;
		child->policy = policy_is_rt(t->policy) ? SCHED_NORMAL : t->policy;
		child->rt_priority = 0;
		child->nice = MAX(child->nice, 0);
	} else if (t->se.custom_slice) {
		child->se.custom_slice = true;
		child->se.slice = t->se.slice;
	}
	fair_set_params(child);
}

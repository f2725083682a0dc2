/* SPDX-License-Identifier: MIT */
/*
 * Changing a task: nice value, policy and its parameters, affinity. Callers have checked
 * permission; t is kept alive by them.
 */
#include <kernel/sched.h>

#include <kernel/errno.h>
#include <kernel/hart.h>

#include "rq.h"

/* Takes t out of its class and puts it back after change(t, arg). A task that runs or waits is
 * judged anew. */
static void change_task(struct task *t, void (*change)(struct task *t, const void *arg),
			const void *arg)
{
	u64 flags;
	struct rq *rq = task_rq_lock(t, &flags);
	bool queued = t->se.on_rq;

	if (queued)
		rq_dequeue(rq, t, 0);
	change(t, arg);
	if (queued) {
		rq_enqueue(rq, t, 0);
		if (rq->curr == t)
			rq_resched(rq);
		else
			rq_check_preempt(rq, t);
	}
	task_rq_unlock(rq, flags);
}

static void change_nice(struct task *t, const void *arg)
{
	t->nice = *(const s32 *)arg;
	fair_set_params(t);
}

void sched_set_nice(struct task *t, s32 nice)
{
	nice = MAX(MIN(nice, 19), -20);
	if (READ_ONCE(t->nice) != nice)
		change_task(t, change_nice, &nice);
}

static void change_attr(struct task *t, const void *arg)
{
	const struct sched_attr *attr = arg;

	if (attr->sched_policy != SCHED_KEEP_POLICY) {
		t->policy = attr->sched_policy;
		t->reset_on_fork = attr->sched_flags & SCHED_FLAG_RESET_ON_FORK;
	}
	if (policy_is_rt(t->policy)) {
		t->rt_priority = attr->sched_priority;
		t->rt_slice_left = RR_SLICE;
		return;
	}
	t->rt_priority = 0;
	t->nice = attr->sched_nice;
	t->se.custom_slice = attr->sched_runtime != 0;
	if (t->se.custom_slice)
		t->se.slice = MAX(MIN(attr->sched_runtime, (u64)SLICE_MAX), (u64)SLICE_MIN);
	fair_set_params(t);
}

int sched_set_attr(struct task *t, const struct sched_attr *attr)
{
	u32 policy =
		attr->sched_policy == SCHED_KEEP_POLICY ? READ_ONCE(t->policy) : attr->sched_policy;

	if (policy != SCHED_NORMAL && policy != SCHED_BATCH && policy != SCHED_IDLE &&
	    !policy_is_rt(policy))
		return -EINVAL;
	if (attr->sched_priority > RT_PRIO_MAX ||
	    policy_is_rt(policy) != (attr->sched_priority != 0))
		return -EINVAL;
	if (!policy_is_rt(policy) && (attr->sched_nice < -20 || attr->sched_nice > 19))
		return -EINVAL;
	change_task(t, change_attr, attr);
	return 0;
}

/* t waits in rq and may not: to a hart where it may. rq->lock held; released. */
static void move_queued(struct rq *rq, struct task *t, u64 flags) __releases(&rq->lock)
{
	rq_dequeue(rq, t, 0);
	t->se.moving = true;
	sched_set_hart(t, balance_wake_hart(t, false));
	task_rq_unlock(rq, flags);
	sched_attach(t, 0);
}

int sched_set_affinity(struct task *t, hartmask_t mask)
{
	struct rq *rq;
	u64 flags;

	if (!(mask & READ_ONCE(harts_online)))
		return -EINVAL;
	rq = task_rq_lock(t, &flags);
	t->affinity = mask;
	if ((mask & HARTMASK_OF(rq->hart)) || !t->se.on_rq) {
		task_rq_unlock(rq, flags);
		return 0;
	}
	if (rq->curr != t) {
		move_queued(rq, t, flags);
		return 0;
	}
	/* It runs: __schedule() there sees that it must go. */
	rq_resched(rq);
	task_rq_unlock(rq, flags);
	if (t == current)
		cond_resched();
	return 0;
}

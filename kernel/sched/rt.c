/* SPDX-License-Identifier: MIT */
/*
 * The real-time class: SCHED_FIFO and SCHED_RR. A list for each priority and a bitmap of the
 * lists that have somebody; the head of the highest one runs, and stays in its list meanwhile.
 *
 * Real-time tasks may use at most RT_RUNTIME of each RT_PERIOD when fair tasks want to run on the
 * hart, so that one that never sleeps leaves enough to log in and kill it.
 *
 * Everything here: rq->lock held, rq->clock fresh.
 */
#include "rq.h"

#include <kernel/panic.h>

void rt_init(struct rt_rq *rt)
{
	*rt = (struct rt_rq) { 0 };
	for (u32 i = 0; i < ARRAY_SIZE(rt->queue); i++)
		list_init(&rt->queue[i]);
}

u32 rt_highest(const struct rt_rq *rt)
{
	if (rt->bitmap[1])
		return 127 - (u32)__builtin_clzl(rt->bitmap[1]);
	return rt->bitmap[0] ? 63 - (u32)__builtin_clzl(rt->bitmap[0]) : 0;
}

void rt_enqueue(struct rq *rq, struct task *t)
{
	u32 prio = t->rt_priority;

	ASSERT(prio >= 1 && prio <= RT_PRIO_MAX);
	/* Who had to leave in the middle of its turn (a change of its parameters) is next again. */
	if (rq->curr == t)
		list_add(&t->se.rt, &rq->rt.queue[prio]);
	else
		list_add_tail(&t->se.rt, &rq->rt.queue[prio]);
	set_bit(prio, rq->rt.bitmap);
	rq->rt.nr++;
	if (t->rt_slice_left == 0)
		t->rt_slice_left = RR_SLICE;
}

void rt_dequeue(struct rq *rq, struct task *t)
{
	u32 prio = t->rt_priority;

	list_del_init(&t->se.rt);
	if (list_empty(&rq->rt.queue[prio]))
		clear_bit(prio, rq->rt.bitmap);
	rq->rt.nr--;
}

static void new_period(struct rq *rq)
{
	if (rq->clock - rq->rt.period_start < RT_PERIOD)
		return;
	rq->rt.period_start = rq->clock;
	rq->rt.used = 0;
}

static bool throttled(struct rq *rq)
{
	new_period(rq);
	return rq->rt.used >= RT_RUNTIME && rq->fair.nr;
}

void rt_charge(struct rq *rq, u64 delta)
{
	new_period(rq);
	rq->rt.used += delta;
}

struct task *rt_pick(struct rq *rq)
{
	u32 prio = rt_highest(&rq->rt);

	if (prio == 0 || throttled(rq))
		return NULL;
	return list_first_entry(&rq->rt.queue[prio], struct task, se.rt);
}

void rt_yield(struct rq *rq, struct task *t)
{
	list_move_tail(&t->se.rt, &rq->rt.queue[t->rt_priority]);
}

void rt_tick(struct rq *rq, struct task *t, u64 delta)
{
	if (throttled(rq))
		rq_resched(rq);
	if (t->policy != SCHED_RR)
		return;
	if (t->rt_slice_left > delta) {
		t->rt_slice_left -= delta;
		return;
	}
	t->rt_slice_left = RR_SLICE;
	rt_yield(rq, t);
	if (list_first_entry(&rq->rt.queue[t->rt_priority], struct task, se.rt) != t)
		rq_resched(rq);
}

/* SPDX-License-Identifier: MIT */
/*
 * Which hart a task runs on.
 *
 * At a wake-up it is where it ran before, if that hart is idle; else an idle one it may use; else
 * where it was. Later, harts pull: one that runs out of work takes a waiting task at once, one
 * whose queue is shorter than another's by two takes some every BALANCE_PERIOD (SOFTIRQ_SCHED),
 * and a busy hart's tick wakes an idle one when tasks wait.
 *
 * The other run queue's lock is only tried for, so two harts may pull from each other; who fails
 * tries again soon.
 */
#include "rq.h"

#include <arch/cpu.h>
#include <kernel/irq.h>
#include <kernel/panic.h>

#define BALANCE_PERIOD (16 * NSEC_PER_MSEC)
#define PULL_MAX       8  /* tasks at a time */
#define SCAN_MAX       16 /* candidates looked at */

hartmask_t sched_idle_harts, sched_overloaded_harts;

/* Real-time: the hart whose task matters least, if it matters less than t. */
static u32 least_important_hart(const struct task *t, hartmask_t allowed, u32 stay)
{
	u32 best = stay, best_prio = READ_ONCE(rq_of(stay)->curr)->rt_priority, h;

	if (best_prio < t->rt_priority)
		return stay;
	for_each_hart_in (h, allowed) {
		u32 prio = READ_ONCE(READ_ONCE(rq_of(h)->curr)->rt_priority);

		if (prio < best_prio) {
			best = h;
			best_prio = prio;
		}
	}
	return best;
}

static u32 shortest_queue(hartmask_t allowed, u32 stay)
{
	u32 best = stay, best_nr = READ_ONCE(rq_of(stay)->nr_running), h;

	for_each_hart_in (h, allowed) {
		u32 nr = READ_ONCE(rq_of(h)->nr_running);

		if (nr + 1 < best_nr) {
			best = h;
			best_nr = nr;
		}
	}
	return best;
}

u32 balance_wake_hart(struct task *t, bool fork)
{
	hartmask_t allowed, idle;
	u32 prev = t->hart;

	if (nr_harts == 1)
		return 0;
	allowed = sched_allowed(t);
	if (!(allowed & HARTMASK_OF(prev)))
		prev = (u32)__builtin_ctz(allowed);
	idle = READ_ONCE(sched_idle_harts) & allowed;
	if (idle)
		return idle & HARTMASK_OF(prev) ? prev : (u32)__builtin_ctz(idle);
	if (unlikely(task_is_rt(t)))
		return least_important_hart(t, allowed, prev);
	return fork ? shortest_queue(allowed, prev) : prev;
}

/* --- pulling --- */

static bool may_move(const struct rq *src, const struct task *t, u32 to)
{
	return src->curr != t && (t->affinity & HARTMASK_OF(to));
}

static struct task *find_rt(const struct rq *src, u32 to)
{
	u32 scanned = 0;

	if (src->rt.nr == 0)
		return NULL;
	for (u32 prio = rt_highest(&src->rt); prio > 0; prio--) {
		struct task *t;

		list_for_each_entry (t, &src->rt.queue[prio], se.rt) {
			if (may_move(src, t, to))
				return t;
			if (++scanned == SCAN_MAX)
				return NULL;
		}
	}
	return NULL;
}

/* From the latest deadline on: who waits longest anyway, and whose cache is coldest. */
static struct task *find_fair(const struct rq *src, u32 to)
{
	u32 scanned = 0;

	for (struct rb_node *n = rb_last(&src->fair.tree); n && scanned < SCAN_MAX;
	     n = rb_prev(n), scanned++) {
		struct task *t = entity_task(rb_entry(n, struct sched_entity, rb));

		if (may_move(src, t, to))
			return t;
	}
	return NULL;
}

/* Both locks held. */
static u32 move_tasks(struct rq *dst, struct rq *src, u32 max)
{
	u32 moved = 0;

	rq_update_clock(src);
	while (moved < max && src->nr_running > 1) {
		struct task *t = find_rt(src, dst->hart) ?: find_fair(src, dst->hart);

		if (!t)
			break;
		rq_dequeue(src, t, 0);
		sched_set_hart(t, dst->hart);
		rq_enqueue(dst, t, 0);
		rq_check_preempt(dst, t);
		moved++;
	}
	return moved;
}

static struct rq *busiest(const struct rq *than)
{
	hartmask_t mask = READ_ONCE(sched_overloaded_harts) & READ_ONCE(harts_online) &
			  ~HARTMASK_OF(than->hart);
	struct rq *best = NULL;
	u32 best_nr = than->nr_running + 1, h;

	for_each_hart_in (h, mask) {
		u32 nr = READ_ONCE(rq_of(h)->nr_running);

		if (nr > best_nr) {
			best = rq_of(h);
			best_nr = nr;
		}
	}
	return best;
}

bool balance_pull(struct rq *rq, u32 max)
{
	struct rq *src = busiest(rq);
	u32 surplus, moved = 0;

	ASSERT(spin_is_held(&rq->lock));
	if (!src || !spin_trylock(&src->lock))
		return false;
	if (src->nr_running > rq->nr_running + 1) {
		surplus = (src->nr_running - rq->nr_running) / 2;
		moved = move_tasks(rq, src, MIN(surplus, max));
	}
	spin_unlock(&src->lock);
	return moved != 0;
}

/* SOFTIRQ_SCHED */
static void balance_run(void)
{
	struct rq *rq;

	irq_disable();
	rq = &this_hart(rq);
	spin_lock(&rq->lock);
	rq_update_clock(rq);
	balance_pull(rq, PULL_MAX);
	spin_unlock(&rq->lock);
	irq_enable();
}

void balance_tick(struct rq *rq)
{
	hartmask_t idle;

	if (likely(nr_harts == 1))
		return;
	if (rq->nr_running > 1) {
		idle = READ_ONCE(sched_idle_harts) & ~HARTMASK_OF(rq->hart);
		if (idle)
			ipi_send(HARTMASK_OF((u32)__builtin_ctz(idle)));
	}
	if (rq->clock < rq->next_balance)
		return;
	rq->next_balance = rq->clock + BALANCE_PERIOD;
	if (READ_ONCE(sched_overloaded_harts) & ~HARTMASK_OF(rq->hart))
		softirq_raise(SOFTIRQ_SCHED);
}

void balance_init(void) { softirq_open(SOFTIRQ_SCHED, balance_run); }

/* SPDX-License-Identifier: MIT */
/*
 * The idle loop of a hart: waits for interrupts, without a tick, until somebody is runnable.
 *
 * Interrupts are off from the last look at what there is to do until after wfi, which returns for
 * a pending interrupt all the same; they come in when they are enabled, outside the stretch that
 * RCU counts as idle.
 */
#include <kernel/sched.h>

#include <arch/cpu.h>
#include <kernel/irq.h>
#include <kernel/rcu.h>

#include "rq.h"

static bool need_resched(void) { return READ_ONCE(current->work) & WORK_RESCHED; }

/* This hart is marked idle: who makes another hart's queue longer from now on sees that. Takes
 * from those that are. */
static void pull_or_stay(struct rq *rq)
{
	if (likely(!(READ_ONCE(sched_overloaded_harts) & ~HARTMASK_OF(rq->hart))))
		return;
	spin_lock(&rq->lock);
	rq_update_clock(rq);
	if (rq->nr_running == 0 && balance_pull(rq, 1))
		rq_resched(rq);
	spin_unlock(&rq->lock);
}

static void idle_once(struct rq *rq)
{
	irq_disable();
	pull_or_stay(rq);
	if (softirq_pending())
		softirq_run();
	if (need_resched()) {
		irq_enable();
		return;
	}
	rcu_idle_enter();
	/* That may have ended a grace period. */
	if (!softirq_pending()) {
		timer_idle_enter();
		cpu_wait();
		timer_idle_exit();
	}
	rcu_idle_exit();
	irq_enable();
}

void sched_idle_loop(void)
{
	struct rq *rq = &this_hart(rq);

	preempt_disable();
	atomic_or(&sched_idle_harts, HARTMASK_OF(rq->hart));
	for (;;) {
		while (!need_resched())
			idle_once(rq);
		preempt_enable_no_resched();
		schedule();
		preempt_disable();
	}
}

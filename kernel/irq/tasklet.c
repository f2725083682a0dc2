/* SPDX-License-Identifier: MIT */
/*
 * Tasklets: functions run once for each tasklet_schedule() that finds them unscheduled, by
 * SOFTIRQ_TASKLET of the hart that scheduled them, and never on two harts at a time.
 *
 *	TASKLET_SCHEDULED	to be run: on a hart's list, or parked (TASKLET_PARKED) while
 *				disabled
 *	TASKLET_RUNNING		its function runs; who has it scheduled meanwhile has it run again
 *
 * A disabled tasklet does not keep softirqs busy: it is parked, and tasklet_enable() puts it on a
 * list again.
 */
#include <arch/cpu.h>
#include <kernel/hart.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>

#include "tasklet.h"

#define TASKLET_SCHEDULED 1U
#define TASKLET_RUNNING	  2U
#define TASKLET_PARKED	  4U

struct tasklet_list { /* [its hart, interrupts off] */
	struct tasklet *first, *last;
};
static DEFINE_PER_HART(struct tasklet_list, tasklets);

void tasklet_init(struct tasklet *t, void (*fn)(struct tasklet *t))
{
	*t = (struct tasklet)TASKLET_INIT(fn);
}

/* TASKLET_SCHEDULED is ours. */
static void enqueue(struct tasklet *t)
{
	u64 flags = irq_save();
	struct tasklet_list *list = &this_hart(tasklets);

	t->next = NULL;
	if (list->first)
		list->last->next = t;
	else
		list->first = t;
	list->last = t;
	softirq_raise(SOFTIRQ_TASKLET);
	irq_restore(flags);
}

void tasklet_schedule(struct tasklet *t)
{
	if (!(atomic_fetch_or(&t->state, TASKLET_SCHEDULED) & TASKLET_SCHEDULED))
		enqueue(t);
}

/* Takes it back from the parking place: true for the one who has to enqueue (or drop) it. */
static bool unpark(struct tasklet *t)
{
	return atomic_fetch_and(&t->state, ~TASKLET_PARKED) & TASKLET_PARKED;
}

static void park(struct tasklet *t)
{
	atomic_fetch_or(&t->state, TASKLET_PARKED);
	/* tasklet_enable() may have looked just before. */
	if (READ_ONCE(t->disabled) == 0 && unpark(t))
		enqueue(t);
}

static void run_one(struct tasklet *t)
{
	if (atomic_fetch_or(&t->state, TASKLET_RUNNING) & TASKLET_RUNNING) {
		/* On another hart: try again after that. */
		enqueue(t);
		return;
	}
	if (READ_ONCE(t->disabled)) {
		atomic_fetch_and(&t->state, ~TASKLET_RUNNING);
		park(t);
		return;
	}
	atomic_fetch_and(&t->state, ~TASKLET_SCHEDULED);
	t->fn(t);
	atomic_fetch_and(&t->state, ~TASKLET_RUNNING);
}

static void run_list(void)
{
	struct tasklet *t, *next;

	irq_disable();
	t = this_hart(tasklets).first;
	this_hart(tasklets) = (struct tasklet_list) { 0 };
	irq_enable();
	for (; t; t = next) {
		next = t->next;
		run_one(t);
	}
}

static void wait_a_little(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_until(ktime_get() + 100 * NSEC_PER_USEC);
}

void tasklet_kill(struct tasklet *t)
{
	might_sleep();
	/* Holding SCHEDULED ourselves, nobody else can. */
	while (atomic_fetch_or(&t->state, TASKLET_SCHEDULED) & TASKLET_SCHEDULED) {
		if (unpark(t))
			break;
		wait_a_little();
	}
	while (READ_ONCE(t->state) & TASKLET_RUNNING)
		wait_a_little();
	atomic_fetch_and(&t->state, ~TASKLET_SCHEDULED);
}

/* Returns when fn does not run; from fn itself it would never. */
void tasklet_disable(struct tasklet *t)
{
	atomic_fetch_add(&t->disabled, 1);
	while (READ_ONCE(t->state) & TASKLET_RUNNING)
		cpu_relax();
	smp_mb();
}

void tasklet_enable(struct tasklet *t)
{
	u32 left = atomic_sub_return(&t->disabled, 1);

	ASSERT((s32)left >= 0);
	if (left == 0 && unpark(t))
		enqueue(t);
}

void tasklet_start(void) { softirq_open(SOFTIRQ_TASKLET, run_list); }

/* SPDX-License-Identifier: MIT */
/*
 * Softirqs: work that an interrupt leaves behind, run with interrupts on, on the hart that raised
 * it.
 *
 * They run when the outermost interrupt ends, when local_bh_enable() lets them, and in the idle
 * loop; at most ROUNDS_MAX rounds or TIME_MAX at a time. What is then still pending, and what
 * process context raises, goes to the hart's ksoftirqd, which competes with other tasks for time.
 * A softirq never runs twice at a time on one hart.
 */
#include <kernel/irq.h>

#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/seq_file.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>
#include <kernel/workqueue.h>

#include "tasklet.h"
#include "workpool.h"

#define ROUNDS_MAX 10
#define TIME_MAX   (2 * NSEC_PER_MSEC)

static const char *const names[NR_SOFTIRQS] = { "HI",	   "TIMER", "NET_TX",  "NET_RX", "BLOCK",
						"TASKLET", "SCHED", "HRTIMER", "RCU" };
static void (*handlers[NR_SOFTIRQS])(void); /* [I after boot] */

struct softirq_hart { /* [its hart, interrupts off] */
	u32 pending;
	struct task *thread; /* ksoftirqd, NULL before initcalls */
	u64 count[NR_SOFTIRQS];
};
static DEFINE_PER_HART(struct softirq_hart, softirqs);

void softirq_open(enum softirq nr, void (*fn)(void))
{
	ASSERT(nr < NR_SOFTIRQS && !handlers[nr]);
	handlers[nr] = fn;
}

bool softirq_pending(void) { return this_hart(softirqs).pending != 0; }

static void wake_thread(struct softirq_hart *s)
{
	if (s->thread)
		wake_up_process(s->thread);
}

void softirq_raise_irqoff(enum softirq nr) { this_hart(softirqs).pending |= 1U << nr; }

void softirq_raise(enum softirq nr)
{
	u64 flags = irq_save();

	softirq_raise_irqoff(nr);
	if (!in_interrupt())
		wake_thread(&this_hart(softirqs));
	irq_restore(flags);
}

/* One pass over what was pending. Interrupts are on while handlers run. */
static void run_round(struct softirq_hart *s)
{
	u32 pending = s->pending;

	s->pending = 0;
	irq_enable();
	while (pending) {
		u32 nr = (u32)__builtin_ctz(pending), count = current->preempt_count;

		pending &= pending - 1;
		s->count[nr]++;
		if (handlers[nr])
			handlers[nr]();
		if (WARN_ON(current->preempt_count != count))
			current->preempt_count = count;
	}
	irq_disable();
}

void softirq_run(void)
{
	struct softirq_hart *s = &this_hart(softirqs);
	ktime_t end = 0;
	u32 rounds = 0;

	ASSERT(irqs_disabled() && !in_interrupt());
	current->preempt_count += SOFTIRQ_OFFSET;
	do {
		run_round(s);
		/* The clock is only looked at when there is more. */
		if (s->pending && !end)
			end = ktime_get() + TIME_MAX;
	} while (s->pending && ++rounds < ROUNDS_MAX && ktime_get() < end);
	current->preempt_count -= SOFTIRQ_OFFSET;
	if (s->pending)
		wake_thread(s);
}

void local_bh_enable(void)
{
	u64 flags;

	ASSERT(!in_hardirq());
	/* Preemption stays off until softirqs have run. */
	current->preempt_count -= SOFTIRQ_DISABLE - 1;
	if (unlikely(softirq_pending()) && !in_interrupt() && !irqs_disabled()) {
		flags = irq_save();
		if (softirq_pending())
			softirq_run();
		irq_restore(flags);
	}
	preempt_enable();
}

void irq_enter(void) { current->preempt_count += HARDIRQ_OFFSET; }

void irq_exit(void)
{
	current->preempt_count -= HARDIRQ_OFFSET;
	if (softirq_pending() && !in_interrupt())
		softirq_run();
}

/* --- ksoftirqd --- */

static int ksoftirqd(void *arg)
{
	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		irq_disable();
		if (softirq_pending()) {
			WRITE_ONCE(current->state, TASK_RUNNING);
			softirq_run();
			irq_enable();
			cond_resched();
			continue;
		}
		irq_enable();
		schedule();
	}
	return 0;
}

static int softirq_start_threads(void)
{
	u32 h;

	for_each_hart_in (h, READ_ONCE(harts_online)) {
		struct task *t = kthread_create(ksoftirqd, NULL, "ksoftirqd/%u", h);

		if (IS_ERR(t))
			return (int)PTR_ERR(t);
		kthread_bind(t, h);
		wake_up_process(t);
		WRITE_ONCE(hart_var(softirqs, h).thread, t);
	}
	return 0;
}
INITCALL(softirq_start_threads);

/* --- looking --- */

u64 softirq_count(u32 hart, enum softirq nr)
{
	return READ_ONCE(hart_var(softirqs, hart).count[nr]);
}

const char *softirq_name(enum softirq nr) { return names[nr]; }

/* /proc/softirqs */
void softirq_show(struct seq_file *m)
{
	u32 h;

	seq_puts(m, "                    ");
	for_each_hart (h)
		seq_printf(m, "CPU%-8u", h);
	seq_putc(m, '\n');
	for (u32 nr = 0; nr < NR_SOFTIRQS; nr++) {
		seq_printf(m, "%12s:", names[nr]);
		for_each_hart (h)
			seq_printf(m, " %10llu", (unsigned long long)softirq_count(h, nr));
		seq_putc(m, '\n');
	}
}

void softirq_init(void)
{
	tasklet_start();
	workqueue_init_early();
}

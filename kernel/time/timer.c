/* SPDX-License-Identifier: MIT */
/*
 * Timers: one queue a hart, a tree for each timer base, and the tick beside them. The hart's
 * comparator is set to the earliest of all; nothing is periodic, so that an idle hart without
 * timers sleeps for ever.
 *
 * A timer is queued on the hart that starts it. q->lock (RANK_TIMER, interrupts off) guards a
 * hart's trees, and t->state and t->hart of the timers that belong to it. While fn runs
 * (q->running) the lock is free, but the timer stays with that queue. The comparator and the tick
 * are the hart's own: touched with interrupts off, by nobody else.
 *
 * Cancelling does not move the comparator: an interrupt for nothing is rarer and cheaper than
 * reprogramming it each time a time-out did not happen. Going idle puts it right.
 */
#include <kernel/timer.h>

#include <arch/cpu.h>
#include <kernel/hart.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/sched.h>

#include "clock.h"

#define TIMERS_PER_INTERRUPT 128 /* then other interrupts get a chance */
enum { TIMER_IDLE, TIMER_QUEUED };

struct timer_queue {
	struct spinlock lock;
	u32 hart;
	bool expiring;	    /* inside timer_interrupt(): it programs at its end */
	ktime_t programmed; /* the comparator, CLOCK_MONOTONIC; KTIME_MAX: never */
	ktime_t soonest;    /* [lock; its hart reads without] no timer is due before; KTIME_MAX */
	ktime_t tick;	    /* when the tick is due; KTIME_MAX: no tick */
	struct timer *running; /* [lock] whose fn runs */
	struct {
		struct rb_root root;
		struct timer *first;
	} base[NR_TIMER_BASES]; /* [lock] */
	u64 interrupts;
};
static DEFINE_PER_HART(struct timer_queue, timer_queue) = {
	.lock = SPINLOCK_INIT(RANK_TIMER),
	.programmed = KTIME_MAX,
	.soonest = KTIME_MAX,
	.tick = KTIME_MAX,
};

/* --- the trees; q->lock held --- */

static ktime_t to_monotonic(const struct timer *t)
{
	return t->expires == KTIME_MAX ? KTIME_MAX : t->expires - clock_offset(t->base);
}

static void enqueue(struct timer_queue *q, struct timer *t)
{
	struct rb_node **link = &q->base[t->base].root.node, *parent = NULL;
	bool first = true;

	while (*link) {
		parent = *link;
		if (t->expires < rb_entry(parent, struct timer, rb)->expires) {
			link = &parent->left;
		} else {
			link = &parent->right;
			first = false;
		}
	}
	rb_insert(&t->rb, parent, link, &q->base[t->base].root, NULL);
	t->state = TIMER_QUEUED;
	if (first) {
		q->base[t->base].first = t;
		WRITE_ONCE(q->soonest, MIN(q->soonest, to_monotonic(t)));
	}
}

static void dequeue(struct timer_queue *q, struct timer *t)
{
	if (q->base[t->base].first == t)
		q->base[t->base].first = rb_entry_or_null(rb_next(&t->rb), struct timer, rb);
	rb_erase(&t->rb, &q->base[t->base].root, NULL);
	t->state = TIMER_IDLE;
}

static void find_soonest(struct timer_queue *q)
{
	ktime_t soonest = KTIME_MAX;

	for (u32 base = 0; base < NR_TIMER_BASES; base++)
		if (q->base[base].first)
			soonest = MIN(soonest, to_monotonic(q->base[base].first));
	WRITE_ONCE(q->soonest, soonest);
}

/* --- the comparator; interrupts off, this hart's queue --- */

/* `cycles` is the counter at `now` or a little later. */
static void program_at(struct timer_queue *q, ktime_t when, ktime_t now, u64 cycles)
{
	q->programmed = when;
	if (when == KTIME_MAX)
		timer_program(~0UL);
	else
		timer_program(cycles + (when > now ? clock_ns_to_cycles(when - now) : 0));
}

static void program(struct timer_queue *q, ktime_t when)
{
	ktime_t now = ktime_get();

	program_at(q, when, now, cycles_now());
}

static void program_if_sooner(struct timer_queue *q, ktime_t when)
{
	if (when < q->programmed && !q->expiring)
		program(q, when);
}

/* --- finding a timer's queue --- */

/* Gives a lock back with interrupts off: somebody will look for a wish to reschedule later. */
static void unlock_again(struct timer_queue *q) __releases(&q->lock)
{
	spin_unlock_raw(&q->lock);
	preempt_enable_no_resched();
}

/* Locks the queue t belongs to. Interrupts off. */
static struct timer_queue *lock_queue_of(const struct timer *t) __acquires(&queue->lock)
{
	for (;;) {
		u32 hart = READ_ONCE(t->hart);
		struct timer_queue *q = &hart_var(timer_queue, hart);

		spin_lock(&q->lock);
		if (likely(READ_ONCE(t->hart) == hart))
			return q;
		unlock_again(q);
	}
}

/* For starting: t is moved to this hart, unless its fn runs elsewhere just now. */
static __noinline struct timer_queue *lock_and_move(struct timer *t) __acquires(&queue->lock)
{
	u32 here = this_hart_nr();

	for (;;) {
		struct timer_queue *q = lock_queue_of(t);

		if (t->hart == here || q->running == t)
			return q;
		if (t->state == TIMER_QUEUED)
			dequeue(q, t);
		WRITE_ONCE(t->hart, here);
		unlock_again(q);
	}
}

/* --- for everyone --- */

void timer_init_base(struct timer *t, enum timer_base base,
		     ktime_t (*fn)(struct timer *t, ktime_t now))
{
	*t = (struct timer) { .fn = fn, .base = (u16)base, .hart = this_hart_nr() };
}

void timer_init(struct timer *t, ktime_t (*fn)(struct timer *t, ktime_t now))
{
	timer_init_base(t, TIMER_MONO, fn);
}

void timer_start(struct timer *t, ktime_t expires)
{
	u64 flags = irq_save();
	struct timer_queue *here = &this_hart(timer_queue), *q = here;

	spin_lock(&q->lock);
	if (unlikely(READ_ONCE(t->hart) != q->hart)) {
		unlock_again(q);
		q = lock_and_move(t);
	}
	if (t->state == TIMER_QUEUED)
		dequeue(q, t);
	t->expires = expires;
	enqueue(q, t);
	if (q == here)
		program_if_sooner(q, q->soonest);
	spin_unlock_irqrestore(&q->lock, flags);
}

/* Takes t off its queue; *running: its fn runs just now. */
static bool cancel(struct timer *t, bool *running)
{
	u64 flags = irq_save();
	struct timer_queue *q = lock_queue_of(t);
	bool queued = t->state == TIMER_QUEUED;

	if (queued)
		dequeue(q, t);
	*running = q->running == t;
	spin_unlock_irqrestore(&q->lock, flags);
	return queued;
}

bool timer_cancel(struct timer *t)
{
	bool running;

	return READ_ONCE(t->state) == TIMER_QUEUED && cancel(t, &running);
}

bool timer_cancel_sync(struct timer *t)
{
	bool queued = false, running;

	for (;;) {
		queued |= cancel(t, &running);
		if (likely(!running))
			return queued;
		cpu_relax();
	}
}

/* --- the tick; interrupts off --- */

static void run_tick(struct timer_queue *q, ktime_t now)
{
	sched_tick();
	q->tick = !sched_tick_needed()	      ? KTIME_MAX
		  : q->tick + TICK_NSEC > now ? q->tick + TICK_NSEC
					      : now + TICK_NSEC;
}

void timer_tick_update(void)
{
	struct timer_queue *q = &this_hart(timer_queue);

	if (q->tick != KTIME_MAX || !sched_tick_needed())
		return;
	q->tick = ktime_get() + TICK_NSEC;
	program_if_sooner(q, q->tick);
}

/* Sets the comparator to what really comes next. */
static void settle(struct timer_queue *q)
{
	ktime_t next;

	spin_lock(&q->lock);
	find_soonest(q);
	next = MIN(q->tick, q->soonest);
	if (next != q->programmed && !q->expiring)
		program(q, next);
	spin_unlock(&q->lock);
}

void timer_idle_enter(void)
{
	struct timer_queue *q = &this_hart(timer_queue);

	ASSERT(irqs_disabled());
	q->tick = KTIME_MAX;
	settle(q);
}

void timer_idle_exit(void) { timer_tick_update(); }

/* --- the interrupt --- */

/* Runs the fn of the first timer of a base. q->lock is held, and free while fn runs. */
static void run_first(struct timer_queue *q, u32 base, ktime_t now) __must_hold(&q->lock)
{
	struct timer *t = q->base[base].first;
	ktime_t again;

	dequeue(q, t);
	q->running = t;
	spin_unlock(&q->lock);
	again = t->fn(t, now);
	spin_lock(&q->lock);
	q->running = NULL;
	if (again && t->state == TIMER_IDLE) {
		t->expires = again;
		enqueue(q, t);
	}
}

static void run_expired(struct timer_queue *q, ktime_t now)
{
	u32 budget = TIMERS_PER_INTERRUPT;

	for (u32 base = 0; base < NR_TIMER_BASES; base++) {
		for (; budget && q->base[base].first; budget--) {
			ktime_t base_now = now + clock_offset(base);

			if (q->base[base].first->expires > base_now)
				break;
			run_first(q, base, base_now);
		}
	}
}

void timer_interrupt(void)
{
	struct timer_queue *q = &this_hart(timer_queue);
	ktime_t now = ktime_get();
	u64 cycles = cycles_now();

	q->interrupts++;
	q->expiring = true;
	if (now >= q->tick)
		run_tick(q, now);
	if (now >= READ_ONCE(q->soonest)) { /* other harts only add what runs just now */
		spin_lock(&q->lock);
		run_expired(q, now);
		find_soonest(q);
		spin_unlock(&q->lock);
	}
	q->expiring = false;
	program_at(q, MIN(q->tick, q->soonest), now, cycles);
}

u64 timer_interrupts(u32 hart) { return READ_ONCE(hart_var(timer_queue, hart).interrupts); }

/* --- start-up, and clocks being set --- */

void timers_reprogram(void *unused) { settle(&this_hart(timer_queue)); }

void time_init_hart(void)
{
	struct timer_queue *q = &this_hart(timer_queue);
	u64 flags = irq_save();

	if (this_hart_nr()) {
		*q = (struct timer_queue) { .hart = this_hart_nr(),
					    .tick = KTIME_MAX,
					    .soonest = KTIME_MAX };
		spinlock_init(&q->lock, RANK_TIMER);
	}
	timers_reprogram(NULL);
	irq_restore(flags);
}

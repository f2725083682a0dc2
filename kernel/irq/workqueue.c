/* SPDX-License-Identifier: MIT */
/*
 * Workqueues: items, queues, flushing, cancelling. Who runs them: workpool.c.
 *
 * An item's life: WORK_PENDING is set by whoever queues (or cancels) it, and only one can. It
 * then stands on its pool's list, or, over the queue's max_active, on the queue's inactive list;
 * a worker takes it off, clears PENDING and calls it. work.pool is the pool it was in last: an
 * item that runs there is queued there again, so that it cannot run twice at a time.
 *
 * work_flush() puts a barrier item right behind the item: linked to it, they go to the same
 * worker. workqueue_flush() gives later items the other color and waits until the old color's
 * count is 0.
 */
#include <kernel/workqueue.h>

#include <arch/cpu.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "workpool.h"

#define ACTIVE_DEFAULT 256

/* The system's two must take items before there is memory to allocate from. */
static struct queue_part system_parts[NR_HARTS_MAX], system_unbound_part[1];
static struct workqueue system_queue = { .name = "events" },
			system_unbound_queue = { .name = "events_unbound" };
struct workqueue *system_wq, *system_unbound_wq;

void work_init(struct work *w, work_fn fn) { *w = (struct work)WORK_INIT(*w, fn); }

static u32 color_index(u32 color) { return color ? 1 : 0; }

static struct queue_part *part_of(struct workqueue *wq, const struct work_pool *p)
{
	return &wq->parts[p->hart == POOL_UNBOUND ? 0 : p->hart];
}

/* --- lists: pool->lock held --- */

void work_move_linked(struct work *w, struct list_head *to)
{
	struct list_head *next;
	bool more;

	do {
		more = w->state & WORK_LINKED;
		next = w->link.next;
		list_move_tail(&w->link, to);
		w = list_entry(next, struct work, link);
	} while (more);
}

static void activate(struct queue_part *part, struct work_pool *p, struct work *w)
{
	atomic_and(&w->state, ~WORK_INACTIVE);
	part->nr_active++;
	work_move_linked(w, &p->worklist);
}

/* An item of wq is through, or was taken off before it ran. */
void work_finished(struct workqueue *wq, struct work_pool *p, u32 color)
{
	struct queue_part *part = part_of(wq, p);

	part->nr_active--;
	/* Not below it when an item was activated just to be taken off. */
	if (part->nr_active < wq->max_active && !list_empty(&part->inactive))
		activate(part, p, list_first_entry(&part->inactive, struct work, link));
	workpool_kick(p);
	/* workqueue_destroy() passes through every pool's lock before it frees wq. */
	if (atomic_dec_and_test(&wq->in_flight[color_index(color)]) && READ_ONCE(wq->flushers))
		wait_wake(&wq->flush_wait, TASK_NORMAL, 0, NULL);
}

/* --- queueing --- */

/* PENDING is ours. Returns with the lock of the pool that shall have w: where it runs now, if it
 * does. */
static struct work_pool *lock_pool_for(struct workqueue *wq, struct work *w, u32 hart) __acquires(&pool->lock)
{
	struct work_pool *last = w->pool, *p = workpool_of(wq, hart);

	if (unlikely(!READ_ONCE(p->ready)))
		p = workpool_of(wq, 0);
	if (last && last != p && (last->hart == POOL_UNBOUND) == (p->hart == POOL_UNBOUND)) {
		spin_lock(&last->lock);
		if (workpool_find(last, w))
			return last;
		spin_unlock(&last->lock);
	}
	spin_lock(&p->lock);
	return p;
}

/* PENDING is ours; interrupts off. */
static void insert(u32 hart, struct workqueue *wq, struct work *w)
{
	struct work_pool *p = lock_pool_for(wq, w, hart);
	struct queue_part *part = part_of(wq, p);
	u32 color = READ_ONCE(wq->color);

	w->wq = wq;
	WRITE_ONCE(w->pool, p);
	atomic_and(&w->state, ~(WORK_COLOR | WORK_LINKED | WORK_INACTIVE | WORK_DELAYED));
	atomic_add_return(&wq->in_flight[color_index(color)], 1);
	if (part->nr_active < wq->max_active) {
		part->nr_active++;
		atomic_or(&w->state, color);
		list_add_tail(&w->link, &p->worklist);
		workpool_kick(p);
	} else {
		atomic_or(&w->state, color | WORK_INACTIVE);
		list_add_tail(&w->link, &part->inactive);
	}
	spin_unlock(&p->lock);
}

/* Makes PENDING ours; false: somebody else's, or the item is being cancelled. */
static bool claim(struct work *w)
{
	u32 old = atomic_fetch_or(&w->state, WORK_PENDING);

	if (old & WORK_PENDING)
		return false;
	if (unlikely(old >= WORK_CANCEL)) {
		atomic_fetch_and(&w->state, ~WORK_PENDING);
		return false;
	}
	return true;
}

bool work_queue_on(u32 hart, struct workqueue *wq, struct work *w)
{
	u64 flags = irq_save();
	bool claimed = claim(w);

	if (claimed)
		insert(hart, wq, w);
	irq_restore(flags);
	return claimed;
}

bool work_queue(struct workqueue *wq, struct work *w)
{
	u64 flags = irq_save();
	bool claimed = claim(w);

	if (claimed)
		insert(this_hart_nr(), wq, w);
	irq_restore(flags);
	return claimed;
}

/* --- delayed items --- */

static ktime_t delay_over(struct timer *timer, ktime_t now)
{
	struct delayed_work *w = container_of(timer, struct delayed_work, timer);

	insert(this_hart_nr(), w->work.wq, &w->work);
	return 0;
}

void delayed_work_init(struct delayed_work *w, work_fn fn)
{
	work_init(&w->work, fn);
	timer_init(&w->timer, delay_over);
}

/* PENDING is ours; interrupts off. */
static void start_delay(struct workqueue *wq, struct delayed_work *w, ktime_t delay)
{
	if (delay <= 0) {
		insert(this_hart_nr(), wq, &w->work);
		return;
	}
	w->work.wq = wq;
	atomic_fetch_or(&w->work.state, WORK_DELAYED);
	timer_start(&w->timer, ktime_add_safe(ktime_get(), delay));
}

bool work_queue_delayed(struct workqueue *wq, struct delayed_work *w, ktime_t delay)
{
	u64 flags = irq_save();
	bool claimed = claim(&w->work);

	if (claimed)
		start_delay(wq, w, delay);
	irq_restore(flags);
	return claimed;
}

/* --- cancelling --- */

/* Takes w off its list. False: it is not there (any more). Interrupts off. */
static bool take_from_list(struct work *w)
{
	struct work_pool *p = READ_ONCE(w->pool);
	bool taken = false;

	if (!p)
		return false;
	spin_lock(&p->lock);
	if (w->pool == p && !list_empty(&w->link)) {
		/* Its barriers must run even so: they stay behind, on the list that is run. */
		if (w->state & WORK_INACTIVE)
			activate(part_of(w->wq, p), p, w);
		list_del_init(&w->link);
		atomic_and(&w->state, ~WORK_LINKED);
		work_finished(w->wq, p, w->state & WORK_COLOR);
		taken = true;
	}
	spin_unlock(&p->lock);
	return taken;
}

static bool take_from_timer(struct work *w)
{
	struct delayed_work *d = container_of(w, struct delayed_work, work);

	if (!(READ_ONCE(w->state) & WORK_DELAYED) || !timer_cancel(&d->timer))
		return false;
	atomic_fetch_and(&w->state, ~WORK_DELAYED);
	return true;
}

/* Makes PENDING ours whatever it takes; true if w was pending. Whoever is between claiming and
 * inserting is quick. */
static bool grab(struct work *w)
{
	for (;;) {
		u64 flags = irq_save();
		bool idle = !(atomic_fetch_or(&w->state, WORK_PENDING) & WORK_PENDING);
		bool taken = !idle && (take_from_timer(w) || take_from_list(w));

		irq_restore(flags);
		if (idle || taken)
			return taken;
		cpu_relax();
	}
}

bool work_cancel(struct work *w)
{
	bool pending = grab(w);

	atomic_fetch_and(&w->state, ~WORK_PENDING);
	return pending;
}

bool work_mod_delayed(struct workqueue *wq, struct delayed_work *w, ktime_t delay)
{
	u64 flags;
	bool pending;

	pending = grab(&w->work);
	flags = irq_save();
	if (READ_ONCE(w->work.state) >= WORK_CANCEL)
		atomic_fetch_and(&w->work.state, ~WORK_PENDING);
	else
		start_delay(wq, w, delay);
	irq_restore(flags);
	return pending;
}

/* --- flushing --- */

struct barrier {
	struct work work;
	struct completion done;
};

static void barrier_reached(struct work *w)
{
	complete(&container_of(w, struct barrier, work)->done);
}

/* Pool's lock held. Behind w, which is queued, or behind what `worker` does now. */
static void insert_barrier(struct barrier *b, struct work *w, struct worker *worker)
{
	struct list_head *after = worker ? &worker->scheduled : &w->link;
	u32 linked = 0;

	work_init(&b->work, barrier_reached);
	b->work.pool = w->pool;
	completion_init(&b->done);
	if (!worker)
		linked = atomic_fetch_or(&w->state, WORK_LINKED) & WORK_LINKED;
	b->work.state = WORK_PENDING | WORK_BARRIER | linked;
	list_add(&b->work.link, after);
}

static bool waits_for_itself(const struct worker *worker)
{
	return WARN_ON(worker && worker->task == current);
}

/* The pool w is in or was in last, locked; NULL when it was never queued. */
static struct work_pool *lock_pool_of(struct work *w)
{
	for (;;) {
		struct work_pool *p = READ_ONCE(w->pool);

		if (!p)
			return NULL;
		spin_lock_irq(&p->lock);
		if (READ_ONCE(w->pool) == p)
			return p;
		spin_unlock_irq(&p->lock);
	}
}

/* running: only for a run under way, not for one to come. */
static void wait_until_done(struct work *w, bool running)
{
	struct work_pool *p;
	struct worker *worker;
	struct barrier b;
	bool queued;

	might_sleep();
	p = lock_pool_of(w);
	if (!p)
		return;
	queued = !running && !list_empty(&w->link);
	worker = queued ? NULL : workpool_find(p, w);
	if ((!queued && !worker) || waits_for_itself(worker)) {
		spin_unlock_irq(&p->lock);
		return;
	}
	insert_barrier(&b, w, worker);
	spin_unlock_irq(&p->lock);
	wait_for_completion(&b.done);
}

void work_flush(struct work *w) { wait_until_done(w, false); }

bool work_cancel_sync(struct work *w)
{
	bool pending;

	might_sleep();
	atomic_add_return(&w->state, WORK_CANCEL);
	pending = grab(w);
	atomic_fetch_and(&w->state, ~WORK_PENDING);
	wait_until_done(w, true);
	atomic_sub_return(&w->state, WORK_CANCEL);
	return pending;
}

bool delayed_work_cancel_sync(struct delayed_work *w)
{
	bool pending = work_cancel_sync(&w->work);

	/* A timer that had fired just before: its function is through, but it may not know. */
	timer_cancel_sync(&w->timer);
	return pending;
}

void workqueue_flush(struct workqueue *wq)
{
	u32 old, i;

	mutex_lock(&wq->flush_lock);
	atomic_add_return(&wq->flushers, 1);
	old = wq->color;
	i = color_index(old);
	/* Late ones of the last flush, then all of the present color. */
	wait_event(&wq->flush_wait, READ_ONCE(wq->in_flight[!i]) == 0);
	WRITE_ONCE(wq->color, old ^ WORK_COLOR);
	wait_event(&wq->flush_wait, READ_ONCE(wq->in_flight[i]) == 0);
	atomic_sub_return(&wq->flushers, 1);
	mutex_unlock(&wq->flush_lock);
}

/* --- queues --- */

static void setup(struct workqueue *wq, u32 flags, u32 max_active, struct queue_part *parts,
		  u32 nr_parts)
{
	wq->flags = flags;
	wq->max_active = max_active ? max_active : ACTIVE_DEFAULT;
	wq->parts = parts;
	wq->nr_parts = nr_parts;
	wait_queue_init(&wq->flush_wait);
	mutex_init(&wq->flush_lock, RANK_WORKQUEUE);
	for (u32 i = 0; i < nr_parts; i++)
		list_init(&parts[i].inactive);
}

struct workqueue *workqueue_create(const char *name, u32 flags, u32 max_active)
{
	u32 n = flags & WQ_UNBOUND ? 1 : NR_HARTS_MAX;
	struct workqueue *wq = kzalloc(sizeof(*wq), GFP_KERNEL);
	struct queue_part *parts;

	if (!wq)
		return NULL;
	parts = kzalloc(n * sizeof(*parts), GFP_KERNEL);
	if (!parts) {
		kfree(wq);
		return NULL;
	}
	strscpy(wq->name, name, sizeof(wq->name));
	setup(wq, flags, max_active, parts, n);
	if (flags & WQ_HIGHPRI)
		workpool_start_highpri(flags & WQ_UNBOUND);
	return wq;
}

/* Nobody queues to it any more, but for its own items. */
void workqueue_destroy(struct workqueue *wq)
{
	do
		workqueue_flush(wq);
	while (READ_ONCE(wq->in_flight[0]) || READ_ONCE(wq->in_flight[1]));
	for (u32 h = 0; h < (wq->flags & WQ_UNBOUND ? 1 : nr_harts); h++) {
		struct work_pool *p = workpool_of(wq, h);

		spin_lock_irq(&p->lock);
		spin_unlock_irq(&p->lock);
	}
	kfree(wq->parts);
	kfree(wq);
}

void workqueue_init_early(void)
{
	workpool_init_early();
	setup(&system_queue, 0, 0, system_parts, NR_HARTS_MAX);
	setup(&system_unbound_queue, WQ_UNBOUND, 0, system_unbound_part, 1);
	system_wq = &system_queue;
	system_unbound_wq = &system_unbound_queue;
}

void workqueue_init(void) { workpool_start(); }

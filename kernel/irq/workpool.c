/* SPDX-License-Identifier: MIT */
/*
 * Pools of worker threads.
 *
 * A pool keeps as many workers awake as it has harts: one for a hart's pool, one for each hart
 * for the unbound. When a worker sleeps in the middle of an item (worker_sleeping(), from
 * schedule()) and items wait, an idle one takes its place; if none is idle, the thread kworkerd
 * makes one. A worker that is one too many, because a sleeper came back, goes idle after its
 * item. Idle workers end after IDLE_TIME, but for the last of a pool.
 *
 * A pool may be given items before it has threads: they run once workpool_start() was there.
 */
#include "workpool.h"

#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/timer.h>

#define IDLE_TIME    (300 * NSEC_PER_SEC)
#define RETRY_TIME   (100 * NSEC_PER_MSEC)
#define WORKERS_MAX  128 /* a pool */
#define HIGHPRI_NICE (-20)

struct hart_pools {
	struct work_pool pool[2]; /* normal, high priority */
};
static DEFINE_PER_HART(struct hart_pools, hart_pools);
static struct work_pool unbound_pools[2];

static struct task *creator; /* kworkerd */
static bool creator_wanted;  /* [a] some pool's want_worker is set */

static void pool_init(struct work_pool *p, u32 hart, bool highpri)
{
	if (p->ready)
		return;
	spinlock_init(&p->lock, RANK_WORK);
	p->hart = hart;
	p->highpri = highpri;
	list_init(&p->worklist);
	list_init(&p->idle);
	list_init(&p->busy);
	smp_store_release(&p->ready, true);
}

struct work_pool *workpool_of(const struct workqueue *wq, u32 hart)
{
	u32 i = wq->flags & WQ_HIGHPRI ? 1 : 0;

	return wq->flags & WQ_UNBOUND ? &unbound_pools[i] : &hart_var(hart_pools, hart).pool[i];
}

static u32 wanted_running(const struct work_pool *p)
{
	return p->hart == POOL_UNBOUND ? nr_harts : 1;
}

static void ask_for_worker(struct work_pool *p)
{
	if (p->want_worker || p->nr_workers >= WORKERS_MAX)
		return;
	p->want_worker = true;
	smp_store_release(&creator_wanted, true);
	if (creator)
		wake_up_process(creator);
}

void workpool_kick(struct work_pool *p)
{
	struct worker *worker;

	if (list_empty(&p->worklist) || p->nr_running >= wanted_running(p))
		return;
	if (list_empty(&p->idle)) {
		ask_for_worker(p);
		return;
	}
	worker = list_first_entry(&p->idle, struct worker, link);
	list_del_init(&worker->link);
	worker->idle = false;
	p->nr_running++;
	wake_up_process(worker->task);
}

struct worker *workpool_find(struct work_pool *p, const struct work *w)
{
	struct worker *worker;

	list_for_each_entry (worker, &p->busy, link)
		if (worker->current == w && worker->current_fn == w->fn)
			return worker;
	return NULL;
}

/* --- the scheduler's calls --- */

void worker_sleeping(struct task *t)
{
	struct worker *worker = t->kthread.arg;
	struct work_pool *p = worker->pool;
	u64 flags;

	/* Idle ones are not counted as running; only the worker itself gets here before it is
	 * idle, so a look will do. */
	if (!worker->current)
		return;
	flags = spin_lock_irqsave(&p->lock);
	worker->asleep = true;
	p->nr_running--;
	workpool_kick(p);
	spin_unlock_irqrestore(&p->lock, flags);
}

void worker_running(struct task *t)
{
	struct worker *worker = t->kthread.arg;
	struct work_pool *p = worker->pool;
	u64 flags;

	if (!worker->asleep)
		return;
	flags = spin_lock_irqsave(&p->lock);
	worker->asleep = false;
	p->nr_running++;
	spin_unlock_irqrestore(&p->lock, flags);
}

/* --- workers --- */

/* Lock held, released while the function runs. w is the first of worker->scheduled. */
static void run_item(struct worker *worker, struct work *w) __must_hold(&worker->pool->lock)
{
	struct work_pool *p = worker->pool;
	struct workqueue *wq = w->wq;
	work_fn fn = w->fn;
	u32 state;

	list_del_init(&w->link);
	worker->current = w;
	worker->current_fn = fn;
	list_add(&worker->link, &p->busy);
	/* From here on it can be queued again, and its function sees what was written before that
	 * failed. */
	state = atomic_fetch_and(&w->state, ~(WORK_PENDING | WORK_LINKED));
	spin_unlock_irq(&p->lock);
	fn(w);
	if (WARN_ON(current->preempt_count != 0 || irqs_disabled())) {
		pr_err("workqueue: %pS returned with preempt_count %#x", (void *)fn,
		       current->preempt_count);
		current->preempt_count = 0;
	}
	spin_lock_irq(&p->lock);
	list_del_init(&worker->link);
	worker->current = NULL;
	if (!(state & WORK_BARRIER))
		work_finished(wq, p, state & WORK_COLOR);
}

static void run_scheduled(struct worker *worker)
{
	while (!list_empty(&worker->scheduled))
		run_item(worker, list_first_entry(&worker->scheduled, struct work, link));
}

/* Lock held. */
static void run_worklist(struct worker *worker)
{
	struct work_pool *p = worker->pool;

	while (!list_empty(&p->worklist) && p->nr_running <= wanted_running(p)) {
		struct work *w = list_first_entry(&p->worklist, struct work, link);
		struct worker *other = workpool_find(p, w);

		if (other) {
			work_move_linked(w, &other->scheduled);
			continue;
		}
		work_move_linked(w, &worker->scheduled);
		/* More to do and room for another worker: unbound pools. */
		workpool_kick(p);
		run_scheduled(worker);
	}
}

/* Lock held, released and taken again. False: it was idle for so long that it is to end. */
static bool idle_until_kicked(struct worker *worker) __must_hold(&worker->pool->lock)
{
	struct work_pool *p = worker->pool;
	ktime_t end = p->nr_workers > 1 ? ktime_get() + IDLE_TIME : 0;

	p->nr_running--;
	worker->idle = true;
	list_add(&worker->link, &p->idle);
	while (worker->idle) {
		if (end && ktime_get() >= end && p->nr_workers > 1) {
			list_del_init(&worker->link);
			p->nr_workers--;
			return false;
		}
		set_current_state(TASK_IDLE);
		spin_unlock_irq(&p->lock);
		schedule_until(end);
		spin_lock_irq(&p->lock);
	}
	return true;
}

static int worker_main(void *arg)
{
	struct worker *worker = arg;
	struct work_pool *p = worker->pool;

	current->flags |= TF_WORKER;
	spin_lock_irq(&p->lock);
	p->nr_running++;
	do
		run_worklist(worker);
	while (idle_until_kicked(worker));
	spin_unlock_irq(&p->lock);
	current->flags &= ~TF_WORKER;
	kfree(worker);
	return 0;
}

static struct task *make_thread(struct worker *worker, u32 id)
{
	struct work_pool *p = worker->pool;
	const char *suffix = p->highpri ? "H" : "";
	struct task *t;

	if (p->hart == POOL_UNBOUND)
		return kthread_create(worker_main, worker, "kworker/u:%u%s", id, suffix);
	t = kthread_create(worker_main, worker, "kworker/%u:%u%s", p->hart, id, suffix);
	if (!IS_ERR(t))
		kthread_bind(t, p->hart);
	return t;
}

static int make_worker(struct work_pool *p)
{
	struct worker *worker = kzalloc(sizeof(*worker), GFP_KERNEL);
	struct task *t;

	if (!worker)
		return -ENOMEM;
	list_init(&worker->link);
	list_init(&worker->scheduled);
	worker->pool = p;
	t = make_thread(worker, p->next_id);
	if (IS_ERR(t)) {
		kfree(worker);
		return (int)PTR_ERR(t);
	}
	worker->task = t;
	if (p->highpri)
		sched_set_nice(t, HIGHPRI_NICE);
	spin_lock_irq(&p->lock);
	p->next_id++;
	p->nr_workers++;
	p->want_worker = false;
	spin_unlock_irq(&p->lock);
	wake_up_process(t);
	return 0;
}

/* --- kworkerd --- */

static int serve(struct work_pool *p)
{
	return READ_ONCE(p->ready) && READ_ONCE(p->want_worker) ? make_worker(p) : 0;
}

static int serve_all(void)
{
	int rc = 0;
	u32 h;

	for (u32 i = 0; i < 2; i++) {
		rc = serve(&unbound_pools[i]) ?: rc;
		for_each_hart_in (h, READ_ONCE(harts_online))
			rc = serve(&hart_var(hart_pools, h).pool[i]) ?: rc;
	}
	return rc;
}

static int kworkerd(void *arg)
{
	while (!kthread_should_stop()) {
		ktime_t again = 0;

		if (atomic_xchg(&creator_wanted, false) && serve_all()) {
			/* No memory: the item has to wait, we try again. */
			WRITE_ONCE(creator_wanted, true);
			again = ktime_get() + RETRY_TIME;
		}
		set_current_state(TASK_IDLE);
		if (again == 0 && READ_ONCE(creator_wanted))
			WRITE_ONCE(current->state, TASK_RUNNING);
		schedule_until(again);
	}
	return 0;
}

/* --- start --- */

static void ask_locked(struct work_pool *p)
{
	spin_lock_irq(&p->lock);
	if (p->nr_workers == 0)
		ask_for_worker(p);
	spin_unlock_irq(&p->lock);
}

void workpool_init_early(void)
{
	for (u32 i = 0; i < 2; i++) {
		pool_init(&unbound_pools[i], POOL_UNBOUND, i);
		pool_init(&this_hart(hart_pools).pool[i], this_hart_nr(), i);
	}
}

void workpool_start_highpri(bool unbound)
{
	u32 h;

	if (unbound) {
		ask_locked(&unbound_pools[1]);
		return;
	}
	for_each_hart_in (h, READ_ONCE(harts_online))
		ask_locked(&hart_var(hart_pools, h).pool[1]);
}

void workpool_start(void)
{
	struct task *t = kthread_create(kworkerd, NULL, "kworkerd");
	u32 h;

	if (IS_ERR(t))
		panic("cannot create kworkerd: error %ld", PTR_ERR(t));
	creator = t;
	ask_locked(&unbound_pools[0]);
	for_each_hart (h) {
		pool_init(&hart_var(hart_pools, h).pool[0], h, false);
		pool_init(&hart_var(hart_pools, h).pool[1], h, true);
		ask_locked(&hart_var(hart_pools, h).pool[0]);
	}
	wake_up_process(t);
}

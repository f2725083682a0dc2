/* SPDX-License-Identifier: MIT */
/*
 * Workqueues: functions run later in process context by pools of kernel threads (kernel/irq/workqueue.c).
 * A work item is queued at most once and does not run concurrently with itself.
 */
#ifndef KERNEL_WORKQUEUE_H
#define KERNEL_WORKQUEUE_H

#include <kernel/list.h>
#include <kernel/timer.h>

struct work;
typedef void (*work_fn)(struct work *w);
struct workqueue;

struct work_pool;
struct work {
	struct list_head link;
	work_fn fn;
	struct workqueue *wq;	/* valid while it is queued */
	struct work_pool *pool; /* where it was queued last */
	u32 state;		/* [a] kernel/irq/workpool.h */
};
struct delayed_work {
	struct work work;
	struct timer timer;
};
#define WORK_INIT(w, f) { LIST_HEAD_INIT((w).link), (f), NULL, NULL, 0 }
void work_init(struct work *w, work_fn fn);
void delayed_work_init(struct delayed_work *w, work_fn fn);

#define WQ_UNBOUND 1 /* workers may run anywhere; else work stays on the queueing hart */
#define WQ_HIGHPRI 2
/* max_active: how many of its items may run at a time, on each hart when bound; 0: 256. NULL: no memory. */
struct workqueue *workqueue_create(const char *name, u32 flags, u32 max_active);
void workqueue_destroy(struct workqueue *wq);
extern struct workqueue *system_wq, *system_unbound_wq;

void workqueue_init(void); /* process context, all harts up. Items may be queued from softirq_init() on */
bool work_queue(struct workqueue *wq, struct work *w); /* false: was queued already. Any context */
bool work_queue_on(u32 hart, struct workqueue *wq, struct work *w);
bool work_queue_delayed(struct workqueue *wq, struct delayed_work *w, ktime_t delay);
bool work_mod_delayed(struct workqueue *wq, struct delayed_work *w, ktime_t delay);
void work_flush(struct work *w);	  /* sleeps until it is done */
bool work_cancel(struct work *w);	  /* true: it was pending. Does not wait */
bool work_cancel_sync(struct work *w);
bool delayed_work_cancel_sync(struct delayed_work *w);
void workqueue_flush(struct workqueue *wq);
/* The scheduler: a worker (TF_WORKER) is about to sleep in the middle of its work / runs again. */
void worker_sleeping(struct task *t);
void worker_running(struct task *t);
static inline bool work_schedule(struct work *w) { return work_queue(system_wq, w); }

#endif

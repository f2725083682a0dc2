/* SPDX-License-Identifier: MIT */
/*
 * What workqueue.c (items, queues) and workpool.c (pools, worker threads) share.
 *
 * A pool has one lock (RANK_WORK, interrupts off), a list of items to run and the threads that
 * run them. Each hart has one for normal and one for high priority; two more serve unbound
 * queues.
 */
#ifndef IRQ_WORKPOOL_H
#define IRQ_WORKPOOL_H

#include <kernel/list.h>
#include <kernel/mutex.h>
#include <kernel/spinlock.h>
#include <kernel/workqueue.h>

/* work.state. Changed by atomics; PENDING is owned by who sets it, the others follow the pool's
 * lock. */
#define WORK_PENDING  0x01U /* queued, on the way to a list, or waiting for a timer */
#define WORK_LINKED   0x02U /* the next on the list is a barrier for this one: it runs right after */
#define WORK_INACTIVE 0x04U  /* on queue_part.inactive: over max_active */
#define WORK_COLOR    0x08U  /* which of workqueue.in_flight counts it */
#define WORK_BARRIER  0x10U  /* of work_flush(): counted nowhere */
#define WORK_DELAYED  0x20U  /* its timer runs */
#define WORK_CANCEL   0x100U /* times cancel_sync() is under way: it cannot be queued */

#define POOL_UNBOUND  NR_HARTS_MAX

struct work_pool {
	struct spinlock lock;
	u32 hart;	  /* [I] or POOL_UNBOUND */
	bool highpri;	  /* [I] */
	bool ready;	  /* [I] */
	bool want_worker; /* a thread is to be made */
	u32 nr_workers;
	u32 nr_running; /* those neither idle nor asleep in the middle of their work */
	u32 next_id;
	struct list_head worklist;
	struct list_head idle; /* workers, the last active first */
	struct list_head busy; /* workers with an item */
};

struct worker {
	struct list_head link; /* pool->idle, or ->busy */
	struct list_head
		scheduled;	/* items only this one may run: barriers, items it runs already */
	struct work_pool *pool; /* [I] */
	struct task *task;	/* [I] */
	struct work *current;	/* only to compare: it may be freed */
	work_fn current_fn;
	bool idle;
	bool asleep; /* in the middle of an item */
};

/* The part of a workqueue that one pool serves. [pool->lock] */
struct queue_part {
	u32 nr_active; /* on the pool's list or running */
	struct list_head inactive;
};

struct workqueue {
	char name[24];
	u32 flags, max_active;	  /* [I] */
	struct queue_part *parts; /* [I] one a hart, or a single one when unbound */
	u32 nr_parts;
	u32 color;	  /* [a] that items queued now get: 0 or WORK_COLOR */
	u32 in_flight[2]; /* [a] items queued or running, by color */
	u32 flushers;	  /* [a] */
	struct wait_queue flush_wait;
	struct mutex flush_lock; /* RANK_WORKQUEUE: one flush at a time */
};

/* workpool.c */
void workpool_init_early(void); /* this hart's and the unbound pools take items */
void workpool_start(void);	/* all pools, with threads */
void workpool_start_highpri(bool unbound);
struct work_pool *workpool_of(const struct workqueue *wq, u32 hart);
void workpool_kick(
	struct work_pool *p); /* lock held: sees to it that somebody runs what is there */
struct worker *workpool_find(struct work_pool *p,
			     const struct work *w); /* lock held: who runs w now */
/* workqueue.c */
void workqueue_init_early(void); /* the system's queues take items from here on */
/* ... called by workers with the lock held */
void work_move_linked(struct work *w, struct list_head *to); /* w and its barriers */
void work_finished(struct workqueue *wq, struct work_pool *p, u32 color);

#endif

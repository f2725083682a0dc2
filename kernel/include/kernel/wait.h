/* SPDX-License-Identifier: MIT */
/*
 * Wait queues: the one way to sleep until something happens (kernel/sched/wait.c).
 *
 *	wait_event_interruptible(&q, condition)		-- sleeper; 0 or -ERESTARTSYS
 *	make the condition true; wake_up(&q)		-- waker, any context
 *
 * The waker must make the condition true before wake_up(); both sides are ordered by the queue's lock or, on the
 * empty-queue fast path, by the full barrier in wait_queue_active().
 */
#ifndef KERNEL_WAIT_H
#define KERNEL_WAIT_H

#include <kernel/list.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>

struct wait_entry;
/* Called under the queue's lock, interrupts off. Returns true when it used up one exclusive wake-up.
 * key: what happened (poll: EPOLL* mask as (void *)), NULL when unknown. */
typedef bool (*wait_fn)(struct wait_entry *e, u32 states, void *key);

struct wait_queue {
	struct spinlock lock;
	struct list_head head;
};
struct wait_entry {
	struct list_head link;
	wait_fn fn;
	struct task *task;
	void *data;
	bool exclusive;
};

#define WAIT_QUEUE_INIT(q) { SPINLOCK_INIT(RANK_WAIT), LIST_HEAD_INIT((q).head) }
#define DEFINE_WAIT_QUEUE(q) struct wait_queue q = WAIT_QUEUE_INIT(q)
void wait_queue_init(struct wait_queue *q);

bool wait_wake_task(struct wait_entry *e, u32 states, void *key);	/* default fn: wakes e->task */
bool wait_wake_and_remove(struct wait_entry *e, u32 states, void *key); /* and unlinks e (list_del_init) */

static inline void wait_entry_init(struct wait_entry *e)
{
	list_init(&e->link);
	e->fn = wait_wake_and_remove;
	e->task = current;
	e->data = NULL;
	e->exclusive = false;
}
void wait_add(struct wait_queue *q, struct wait_entry *e); /* exclusive ones at the tail */
void wait_remove(struct wait_queue *q, struct wait_entry *e);
/* Queues e if it is not queued and sets current->state. */
void wait_prepare(struct wait_queue *q, struct wait_entry *e, u32 state);
/* Back to TASK_RUNNING and off the queue. */
void wait_finish(struct wait_queue *q, struct wait_entry *e);

/* Fully ordered look: false means nobody waits and no wake-up is needed. */
static inline bool wait_queue_active(const struct wait_queue *q)
{
	smp_mb();
	return !list_empty(&q->head);
}

/* Wakes all non-exclusive waiters and up to nr_exclusive exclusive ones (0: all). */
void wait_wake(struct wait_queue *q, u32 states, u32 nr_exclusive, void *key);
/* The same with q->lock already held. */
void wait_wake_locked(struct wait_queue *q, u32 states, u32 nr_exclusive, void *key);
#define wake_up(q)		 wait_wake(q, TASK_NORMAL, 1, NULL)
#define wake_up_all(q)		 wait_wake(q, TASK_NORMAL, 0, NULL)
#define wake_up_interruptible(q) wait_wake(q, TASK_INTERRUPTIBLE, 1, NULL)
#define wake_up_poll(q, mask)	 wait_wake(q, TASK_NORMAL, 1, (void *)(u64)(mask))

/* The general form; evaluates to 0, or -ERESTARTSYS when a signal (fatal one for TASK_KILLABLE) is pending, or
 * -ETIME when `deadline` (absolute CLOCK_MONOTONIC ns, 0: none) passed. The condition may sleep. */
int wait_may_continue(u32 state, ktime_t deadline); /* 0 or one of these errors */
void schedule(void);
void schedule_until(ktime_t deadline); /* 0: no deadline */
#define wait_event_state(q, cond, state, exclusive_, deadline)                                       \
	({                                                                                           \
		int wev_ret_ = 0;                                                                    \
		ktime_t wev_deadline_ = (deadline);                                                  \
		if (!(cond)) {                                                                       \
			struct wait_entry wev_;                                                      \
			wait_entry_init(&wev_);                                                      \
			wev_.exclusive = (exclusive_);                                               \
			for (;;) {                                                                   \
				wait_prepare(q, &wev_, state);                                       \
				if (cond)                                                            \
					break;                                                       \
				wev_ret_ = wait_may_continue(state, wev_deadline_);                  \
				if (wev_ret_) {                                                      \
					/* A wake-up for one may have come for us meanwhile. */      \
					wait_finish(q, &wev_);                                       \
					if (cond)                                                    \
						wev_ret_ = 0;                                        \
					break;                                                       \
				}                                                                    \
				schedule_until(wev_deadline_);                                       \
				if (cond) /* the usual case: off the queue and done */               \
					break;                                                       \
			}                                                                            \
			wait_finish(q, &wev_);                                                       \
		}                                                                                    \
		wev_ret_;                                                                            \
	})
#define wait_event(q, cond)		  ((void)wait_event_state(q, cond, TASK_UNINTERRUPTIBLE, false, 0))
#define wait_event_interruptible(q, cond) wait_event_state(q, cond, TASK_INTERRUPTIBLE, false, 0)
#define wait_event_killable(q, cond)	  wait_event_state(q, cond, TASK_KILLABLE, false, 0)
#define wait_event_interruptible_exclusive(q, cond) wait_event_state(q, cond, TASK_INTERRUPTIBLE, true, 0)
#define wait_event_deadline(q, cond, deadline) wait_event_state(q, cond, TASK_UNINTERRUPTIBLE, false, deadline)
#define wait_event_interruptible_deadline(q, cond, deadline)                                         \
	wait_event_state(q, cond, TASK_INTERRUPTIBLE, false, deadline)

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Wait queues. Non-exclusive entries stand at the head of the list, exclusive ones at the tail in
 * the order they came; a wake-up calls all of the first kind and as many of the second as it is
 * for.
 *
 * wait_prepare() and wait_wake() meet under q->lock. A waker that finds the queue empty before
 * taking it is safe: its full barrier (wait_queue_active()) pairs with the one in
 * set_current_state().
 */
#include <kernel/wait.h>

#include <kernel/errno.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/timer.h>

void wait_queue_init(struct wait_queue *q)
{
	spinlock_init(&q->lock, RANK_WAIT);
	list_init(&q->head);
}

bool wait_wake_task(struct wait_entry *e, u32 states, void *key)
{
	return wake_up_state(e->task, states);
}

/* Unlinks e so that wait_finish() may look without the lock: link.next changes last, and then
 * nothing of e is touched. */
static void unlink_last(struct wait_entry *e)
{
	list_unlink(&e->link);
	e->link.prev = &e->link;
	smp_store_release(&e->link.next, &e->link);
}

bool wait_wake_and_remove(struct wait_entry *e, u32 states, void *key)
{
	struct task *t = e->task;

	if (!wake_up_state(t, states))
		return false;
	unlink_last(e);
	return true;
}

static void add_locked(struct wait_queue *q, struct wait_entry *e)
{
	if (e->exclusive)
		list_add_tail(&e->link, &q->head);
	else
		list_add(&e->link, &q->head);
}

void wait_add(struct wait_queue *q, struct wait_entry *e)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	add_locked(q, e);
	spin_unlock_irqrestore(&q->lock, flags);
}

void wait_remove(struct wait_queue *q, struct wait_entry *e)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	if (!list_empty(&e->link))
		list_del_init(&e->link);
	spin_unlock_irqrestore(&q->lock, flags);
}

void wait_prepare(struct wait_queue *q, struct wait_entry *e, u32 state)
{
	u64 flags = spin_lock_irqsave(&q->lock);

	if (list_empty(&e->link))
		add_locked(q, e);
	set_current_state(state);
	spin_unlock_irqrestore(&q->lock, flags);
}

/* The usual case: wait_wake_and_remove() has taken e off. */
void wait_finish(struct wait_queue *q, struct wait_entry *e)
{
	WRITE_ONCE(current->state, TASK_RUNNING);
	if (smp_load_acquire(&e->link.next) != &e->link)
		wait_remove(q, e);
}

int wait_may_continue(u32 state, ktime_t deadline)
{
	if ((state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) && signal_pending_state(state))
		return -ERESTARTSYS;
	if (deadline && ktime_get() >= deadline)
		return -ETIME;
	return 0;
}

void wait_wake_locked(struct wait_queue *q, u32 states, u32 nr_exclusive, void *key)
{
	struct wait_entry *e, *next;

	ASSERT(spin_is_held(&q->lock));
	list_for_each_entry_safe (e, next, &q->head, link) {
		bool exclusive = e->exclusive;

		if (e->fn(e, states, key) && exclusive && --nr_exclusive == 0)
			break;
	}
}

void wait_wake(struct wait_queue *q, u32 states, u32 nr_exclusive, void *key)
{
	u64 flags;

	if (!wait_queue_active(q))
		return;
	flags = spin_lock_irqsave(&q->lock);
	wait_wake_locked(q, states, nr_exclusive, key);
	spin_unlock_irqrestore(&q->lock, flags);
}

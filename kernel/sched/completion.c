/* SPDX-License-Identifier: MIT */
/*
 * Completions: one side waits for the other to be done. They may live on the waiter's stack: done
 * is only looked at under the queue's lock, so complete() is out of it before the waiter goes on.
 */
#include <kernel/mutex.h>

#include <kernel/errno.h>
#include <kernel/sched.h>
#include <kernel/timer.h>

#define DONE_FOR_ALL (~0U)

void completion_init(struct completion *c)
{
	c->done = 0;
	wait_queue_init(&c->wait);
}

void complete(struct completion *c)
{
	u64 flags = spin_lock_irqsave(&c->wait.lock);

	if (c->done != DONE_FOR_ALL)
		c->done++;
	wait_wake_locked(&c->wait, TASK_NORMAL, 1, NULL);
	spin_unlock_irqrestore(&c->wait.lock, flags);
}

void complete_all(struct completion *c)
{
	u64 flags = spin_lock_irqsave(&c->wait.lock);

	c->done = DONE_FOR_ALL;
	wait_wake_locked(&c->wait, TASK_NORMAL, 0, NULL);
	spin_unlock_irqrestore(&c->wait.lock, flags);
}

/* Uses up one complete(). */
static bool take(struct completion *c)
{
	u64 flags = spin_lock_irqsave(&c->wait.lock);
	bool done = c->done != 0;

	if (done && c->done != DONE_FOR_ALL)
		c->done--;
	spin_unlock_irqrestore(&c->wait.lock, flags);
	return done;
}

void wait_for_completion(struct completion *c)
{
	might_sleep();
	(void)wait_event_state(&c->wait, take(c), TASK_UNINTERRUPTIBLE, true, 0);
}

int wait_for_completion_killable(struct completion *c)
{
	might_sleep();
	return wait_event_state(&c->wait, take(c), TASK_KILLABLE, true, 0) ? -EINTR : 0;
}

ktime_t wait_for_completion_timeout(struct completion *c, ktime_t timeout)
{
	ktime_t deadline = ktime_add_safe(ktime_get(), timeout);

	might_sleep();
	if (wait_event_state(&c->wait, take(c), TASK_UNINTERRUPTIBLE, true, deadline))
		return 0;
	return MAX(deadline - ktime_get(), (ktime_t)1);
}

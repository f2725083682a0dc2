/* SPDX-License-Identifier: MIT */
/* Wait queues: time-outs, wake-ups, exclusive waiters, no wake-up lost. */
#include <kernel/init.h>
#include <kernel/mutex.h>
#include <kernel/wait.h>

#include "threads.h"

static DEFINE_WAIT_QUEUE(queue);
static u32 ready, awake, go;

KERNEL_TEST(wait_times_out)
{
	ktime_t start = ktime_get(), deadline = start + 20 * NSEC_PER_MSEC;

	EXPECT(wait_event_deadline(&queue, false, deadline) == -ETIME);
	EXPECT(ktime_get() >= deadline);
	EXPECT(ktime_get() < deadline + NSEC_PER_SEC);
	EXPECT(list_empty(&queue.head));
	EXPECT(current->state == TASK_RUNNING);
	/* A deadline of the past, a condition that holds already. */
	EXPECT(wait_event_deadline(&queue, false, start) == -ETIME);
	EXPECT(wait_event_deadline(&queue, true, start) == 0);
	return NULL;
}

static int waiter(void *arg)
{
	atomic_fetch_add(&ready, 1);
	(void)wait_event_state(&queue, READ_ONCE(go), TASK_UNINTERRUPTIBLE, arg != NULL, 0);
	atomic_fetch_add(&awake, 1);
	return test_thread_end(1);
}

static const char *wake_four(bool exclusive)
{
	struct test_threads s = { 0 };

	ready = awake = go = 0;
	for (u32 i = 0; i < 4; i++)
		EXPECT(test_thread_add(&s, waiter, exclusive ? &queue : NULL, HART_ANY));
	test_threads_start(&s);
	EXPECT(test_reaches(&ready, 4));
	msleep(5);
	EXPECT(READ_ONCE(awake) == 0);
	WRITE_ONCE(go, 1);
	wake_up(&queue);
	EXPECT(test_reaches(&awake, exclusive ? 1 : 4));
	msleep(5);
	EXPECT(READ_ONCE(awake) == (exclusive ? 1 : 4));
	wake_up_all(&queue);
	EXPECT(test_reaches(&awake, 4));
	EXPECT(test_threads_stop(&s) == 4);
	EXPECT(list_empty(&queue.head));
	return NULL;
}

KERNEL_TEST(wait_wakes_all) { return wake_four(false); }

KERNEL_TEST(wait_exclusive_wakes_one) { return wake_four(true); }

#define ROUNDS 2000
static u32 turn;
static DEFINE_WAIT_QUEUE(turns);

static int take_turns(void *arg)
{
	u32 mine = (u32)(u64)arg;

	for (u32 i = 0; i < ROUNDS; i++) {
		wait_event(&turns, READ_ONCE(turn) % 2 == mine);
		WRITE_ONCE(turn, turn + 1);
		wake_up(&turns);
	}
	atomic_fetch_add(&awake, 1);
	return test_thread_end(0);
}

KERNEL_TEST(wait_ping_pong_loses_nothing)
{
	struct test_threads s = { 0 };

	turn = awake = 0;
	EXPECT(test_thread_add(&s, take_turns, (void *)0, HART_ANY));
	EXPECT(test_thread_add(&s, take_turns, (void *)1, HART_ANY));
	test_threads_start(&s);
	EXPECT(test_reaches(&awake, 2));
	test_threads_stop(&s);
	EXPECT(turn == 2 * ROUNDS);
	return NULL;
}

static int complete_later(void *arg)
{
	msleep(5);
	complete(arg);
	return test_thread_end(0);
}

KERNEL_TEST(completion_times_out_and_completes)
{
	struct test_threads s = { 0 };
	struct completion c;

	completion_init(&c);
	EXPECT(wait_for_completion_timeout(&c, 5 * NSEC_PER_MSEC) == 0);
	EXPECT(test_thread_add(&s, complete_later, &c, HART_ANY));
	test_threads_start(&s);
	EXPECT(wait_for_completion_timeout(&c, 3 * NSEC_PER_SEC) > 0);
	test_threads_stop(&s);
	complete_all(&c);
	wait_for_completion(&c);
	wait_for_completion(&c);
	return NULL;
}

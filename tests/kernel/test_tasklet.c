/* SPDX-License-Identifier: MIT */
/* Tasklets: never concurrent with themselves whichever harts schedule them, off while disabled,
 * gone when killed. */
#include <kernel/init.h>
#include <kernel/irq.h>

#include "threads.h"

#define ROUNDS 3000

static u32 inside, overlaps, runs, finished;

static void not_alone(struct tasklet *t)
{
	if (atomic_add_return(&inside, 1) != 1)
		atomic_inc(&overlaps);
	atomic_inc(&runs);
	for (volatile u32 i = 0; i < 200; i++)
		;
	atomic_sub_return(&inside, 1);
}

static struct tasklet tasklet = TASKLET_INIT(not_alone);

static int schedule_often(void *arg)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		tasklet_schedule(&tasklet);
		if (i % 64 == 0)
			msleep(1);
	}
	atomic_fetch_add(&finished, 1);
	return test_thread_end(0);
}

KERNEL_TEST(tasklet_never_with_itself)
{
	struct test_threads s = { 0 };
	u32 h, n = 0;

	inside = overlaps = runs = finished = 0;
	for_each_hart_in (h, READ_ONCE(harts_online))
		n += test_thread_add(&s, schedule_often, NULL, h) != NULL;
	EXPECT(n > 0);
	test_threads_start(&s);
	EXPECT(test_reaches(&finished, n));
	test_threads_stop(&s);
	tasklet_kill(&tasklet);
	EXPECT(overlaps == 0);
	EXPECT(runs > 0 && runs <= n * ROUNDS);
	EXPECT(tasklet.state == 0);
	return NULL;
}

KERNEL_TEST(tasklet_disabled_waits)
{
	runs = 0;
	tasklet_disable(&tasklet);
	tasklet_schedule(&tasklet);
	tasklet_schedule(&tasklet);
	msleep(10);
	EXPECT(READ_ONCE(runs) == 0);
	tasklet_enable(&tasklet);
	EXPECT(test_reaches(&runs, 1));
	msleep(5);
	EXPECT(READ_ONCE(runs) == 1);
	tasklet_disable(&tasklet);
	tasklet_schedule(&tasklet);
	tasklet_kill(&tasklet);
	tasklet_enable(&tasklet);
	msleep(5);
	EXPECT(READ_ONCE(runs) == 1);
	return NULL;
}

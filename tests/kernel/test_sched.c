/* SPDX-License-Identifier: MIT */
/* The scheduler: shares by nice value, real-time first, affinity, run time, preemption in the
 * kernel. */
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "threads.h"

#define SHARE_TIME_MS 600

static int spin_until_stopped(void *arg)
{
	volatile u64 *count = arg;

	while (!kthread_should_stop())
		(*count)++;
	return 0;
}

/* Two spinners on hart 0: a's share of b's, in percent, when both had SHARE_TIME_MS together. */
static u64 share_percent(s32 nice_a, s32 nice_b)
{
	struct test_threads s = { 0 };
	u64 count[2] = { 0 }, a, b;

	if (!test_thread_add(&s, spin_until_stopped, &count[0], 0) ||
	    !test_thread_add(&s, spin_until_stopped, &count[1], 0)) {
		test_threads_stop(&s);
		return 0;
	}
	sched_set_nice(s.task[0], nice_a);
	sched_set_nice(s.task[1], nice_b);
	test_threads_start(&s);
	msleep(SHARE_TIME_MS);
	a = task_runtime(s.task[0]);
	b = task_runtime(s.task[1]);
	test_threads_stop(&s);
	return b ? a * 100 / b : 0;
}

KERNEL_TEST(sched_equal_shares)
{
	u64 percent = share_percent(0, 0);

	EXPECT(percent > 85 && percent < 118);
	return NULL;
}

KERNEL_TEST(sched_nice_ratio)
{
	/* 1.25^5 = 3.05 */
	u64 percent = share_percent(0, 5);

	EXPECT(percent > 255 && percent < 360);
	return NULL;
}

KERNEL_TEST(sched_idle_policy_yields_to_all)
{
	static const struct sched_attr idle = { .size = sizeof(idle), .sched_policy = SCHED_IDLE };
	struct test_threads s = { 0 };
	u64 count[2] = { 0 }, a, b;

	EXPECT(test_thread_add(&s, spin_until_stopped, &count[0], 0));
	EXPECT(test_thread_add(&s, spin_until_stopped, &count[1], 0));
	EXPECT(sched_set_attr(s.task[0], &idle) == 0);
	test_threads_start(&s);
	msleep(SHARE_TIME_MS);
	a = task_runtime(s.task[0]);
	b = task_runtime(s.task[1]);
	test_threads_stop(&s);
	EXPECT(b > 10 * a);
	return NULL;
}

KERNEL_TEST(sched_realtime_first)
{
	static const struct sched_attr fifo = { .size = sizeof(fifo),
						.sched_policy = SCHED_FIFO,
						.sched_priority = 10 };
	struct test_threads s = { 0 };
	u64 count[2] = { 0 }, a, b;

	EXPECT(test_thread_add(&s, spin_until_stopped, &count[0], 0));
	EXPECT(test_thread_add(&s, spin_until_stopped, &count[1], 0));
	EXPECT(sched_set_attr(s.task[0], &fifo) == 0);
	EXPECT(sched_set_attr(s.task[1], &(struct sched_attr) { .sched_policy = SCHED_FIFO }) ==
	       -EINVAL);
	test_threads_start(&s);
	msleep(SHARE_TIME_MS);
	a = task_runtime(s.task[0]);
	b = task_runtime(s.task[1]);
	test_threads_stop(&s);
	/* Throttling leaves the other a twentieth. */
	EXPECT(a > 5 * b);
	return NULL;
}

static int report_hart(void *arg)
{
	u32 *hart = arg;

	while (!kthread_should_stop()) {
		preempt_disable();
		WRITE_ONCE(*hart, this_hart_nr() + 1);
		preempt_enable();
		msleep(1);
	}
	return 0;
}

KERNEL_TEST(sched_affinity)
{
	struct test_threads s = { 0 };
	u32 seen = 0, h;
	bool right = true;

	EXPECT(test_thread_add(&s, report_hart, &seen, HART_ANY));
	EXPECT(sched_set_affinity(s.task[0], 0) == -EINVAL);
	test_threads_start(&s);
	for (u32 round = 0; round < 3; round++)
		for_each_hart_in (h, READ_ONCE(harts_online)) {
			right &= sched_set_affinity(s.task[0], HARTMASK_OF(h)) == 0;
			for (u32 tries = 0; tries < 100 && READ_ONCE(seen) != h + 1; tries++)
				msleep(10);
			right &= READ_ONCE(seen) == h + 1;
		}
	test_threads_stop(&s); /* in any case: it writes to this stack */
	EXPECT(right);
	return NULL;
}

KERNEL_TEST(sched_affinity_of_running)
{
	struct test_threads s = { 0 };
	bool right = true;
	u64 count = 0;
	u32 h;

	EXPECT(test_thread_add(&s, spin_until_stopped, &count, HART_ANY));
	test_threads_start(&s);
	for_each_hart_in (h, READ_ONCE(harts_online)) {
		right &= sched_set_affinity(s.task[0], HARTMASK_OF(h)) == 0;
		for (u32 tries = 0; tries < 100 && READ_ONCE(s.task[0]->hart) != h; tries++)
			msleep(10);
		right &= READ_ONCE(s.task[0]->hart) == h;
	}
	test_threads_stop(&s); /* in any case: it writes to this stack */
	EXPECT(right);
	return NULL;
}

KERNEL_TEST(sched_uses_all_harts)
{
	struct test_threads s = { 0 };
	u64 count[TEST_THREADS_MAX] = { 0 };
	u32 n = (u32)__builtin_popcount(READ_ONCE(harts_online));
	bool right = true;

	n = MIN(n, (u32)TEST_THREADS_MAX);
	for (u32 i = 0; i < n; i++)
		EXPECT(test_thread_add(&s, spin_until_stopped, &count[i], HART_ANY));
	test_threads_start(&s);
	msleep(300);
	for (u32 i = 0; i < n; i++)
		right &= task_runtime(s.task[i]) > 150 * NSEC_PER_MSEC;
	test_threads_stop(&s); /* in any case: they write to this stack */
	EXPECT(right);
	return NULL;
}

KERNEL_TEST(sched_cputime_adds_up)
{
	u64 utime, stime, later_u, later_s, end = (u64)ktime_get() + 50 * NSEC_PER_MSEC,
					    before = task_runtime(current);

	task_cputime(current, &utime, &stime);
	while ((u64)ktime_get() < end)
		;
	task_cputime(current, &later_u, &later_s);
	EXPECT(later_u >= utime && later_s >= stime);
	EXPECT(later_u + later_s >= before && later_u + later_s <= task_runtime(current));
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/* Workqueues: items may sleep, flush waits, cancel stops, delays hold, limits limit. */
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/workqueue.h>

#include "threads.h"

static u32 runs, inside, most, stop;

static void enter_and_leave(u32 ms)
{
	u32 n = atomic_add_return(&inside, 1);

	if (n > READ_ONCE(most))
		WRITE_ONCE(most, n);
	msleep(ms);
	atomic_sub_return(&inside, 1);
	atomic_fetch_add(&runs, 1);
}

static void sleep_a_little(struct work *w) { enter_and_leave(10); }

static void count(struct work *w) { atomic_fetch_add(&runs, 1); }

static void reset(void) { runs = inside = most = stop = 0; }

KERNEL_TEST(work_runs_and_flushes)
{
	struct work w;

	reset();
	work_init(&w, sleep_a_little);
	EXPECT(work_schedule(&w));
	EXPECT(!work_schedule(&w) || READ_ONCE(inside) == 1);
	work_flush(&w);
	EXPECT(READ_ONCE(runs) >= 1);
	work_flush(&w);
	EXPECT(!work_cancel_sync(&w));
	return NULL;
}

/* Four that sleep on one hart do so at the same time: the pool grows. */
KERNEL_TEST(work_sleepers_do_not_block_others)
{
	struct work w[4];

	reset();
	for (u32 i = 0; i < 4; i++) {
		work_init(&w[i], sleep_a_little);
		EXPECT(work_queue_on(0, system_wq, &w[i]));
	}
	for (u32 i = 0; i < 4; i++)
		work_flush(&w[i]);
	EXPECT(runs == 4);
	EXPECT(most > 1);
	return NULL;
}

KERNEL_TEST(work_max_active)
{
	struct workqueue *wq = workqueue_create("test", WQ_UNBOUND, 1);
	struct work w[5];

	EXPECT(wq);
	reset();
	for (u32 i = 0; i < 5; i++) {
		work_init(&w[i], sleep_a_little);
		EXPECT(work_queue(wq, &w[i]));
	}
	EXPECT(work_cancel(&w[4]));
	workqueue_flush(wq);
	EXPECT(runs == 4);
	EXPECT(most == 1);
	workqueue_destroy(wq);
	return NULL;
}

KERNEL_TEST(work_highpri_and_flush_of_queue)
{
	struct workqueue *wq = workqueue_create("test_hi", WQ_HIGHPRI, 0);
	struct work w[8];

	EXPECT(wq);
	reset();
	for (u32 i = 0; i < 8; i++) {
		work_init(&w[i], count);
		EXPECT(work_queue_on(i % (u32)__builtin_popcount(READ_ONCE(harts_online)), wq,
				     &w[i]));
	}
	workqueue_flush(wq);
	EXPECT(runs == 8);
	workqueue_destroy(wq);
	return NULL;
}

static ktime_t ran_at;

static void note_time(struct work *w)
{
	ran_at = ktime_get();
	atomic_fetch_add(&runs, 1);
}

KERNEL_TEST(work_delayed)
{
	struct delayed_work w;
	ktime_t start = ktime_get();

	reset();
	delayed_work_init(&w, note_time);
	EXPECT(work_queue_delayed(system_wq, &w, 20 * NSEC_PER_MSEC));
	EXPECT(!work_queue_delayed(system_wq, &w, 0));
	EXPECT(test_reaches(&runs, 1));
	EXPECT(ran_at - start >= 20 * NSEC_PER_MSEC);
	EXPECT(work_queue_delayed(system_wq, &w, 10 * NSEC_PER_SEC));
	EXPECT(work_mod_delayed(system_wq, &w, NSEC_PER_MSEC));
	EXPECT(test_reaches(&runs, 2));
	EXPECT(work_queue_delayed(system_wq, &w, 10 * NSEC_PER_SEC));
	EXPECT(delayed_work_cancel_sync(&w));
	EXPECT(!delayed_work_cancel_sync(&w));
	msleep(5);
	EXPECT(READ_ONCE(runs) == 2);
	return NULL;
}

static void queue_itself(struct work *w)
{
	atomic_fetch_add(&runs, 1);
	msleep(1);
	if (!READ_ONCE(stop))
		work_schedule(w);
}

KERNEL_TEST(work_cancel_sync_stops_one_that_repeats)
{
	struct work w;
	u32 after;

	reset();
	work_init(&w, queue_itself);
	EXPECT(work_schedule(&w));
	EXPECT(test_reaches(&runs, 5));
	work_cancel_sync(&w);
	after = READ_ONCE(runs);
	msleep(10);
	EXPECT(READ_ONCE(runs) == after);
	EXPECT(w.state == 0 || !(w.state & 1));
	return NULL;
}

static void not_twice(struct work *w)
{
	if (atomic_add_return(&inside, 1) != 1)
		WRITE_ONCE(most, 2);
	msleep(1);
	atomic_sub_return(&inside, 1);
	atomic_fetch_add(&runs, 1);
}

/* Queued on another hart while it runs, an item still does not meet itself. */
KERNEL_TEST(work_never_with_itself)
{
	struct work w;
	u32 h;

	reset();
	work_init(&w, not_twice);
	for (u32 i = 0; i < 50; i++)
		for_each_hart_in (h, READ_ONCE(harts_online)) {
			work_queue_on(h, system_wq, &w);
			udelay(300);
		}
	work_flush(&w);
	EXPECT(work_cancel_sync(&w) == false);
	EXPECT(runs > 1);
	EXPECT(most == 0);
	return NULL;
}

static void free_itself(struct work *w)
{
	kfree(w);
	atomic_fetch_add(&runs, 1);
}

KERNEL_TEST(work_may_free_itself)
{
	reset();
	for (u32 i = 0; i < 100; i++) {
		struct work *w = kmalloc(sizeof(*w), GFP_KERNEL);

		EXPECT(w);
		work_init(w, free_itself);
		EXPECT(work_queue(i % 2 ? system_wq : system_unbound_wq, w));
	}
	EXPECT(test_reaches(&runs, 100));
	return NULL;
}

/* SPDX-License-Identifier: MIT */
/* RCU: grace periods wait for readers, callbacks run once and in order, barriers wait for them. */
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>

#include "threads.h"

#define CALLBACKS 5000

static u32 called;
static u32 reading, left, disorder;

struct item {
	struct rcu_head rcu;
	u32 nr;
};

static void count_call(struct rcu_head *head)
{
	struct item *item = container_of(head, struct item, rcu);

	/* All were queued by one task that stayed on its hart. */
	if (item->nr != READ_ONCE(called))
		disorder++;
	atomic_fetch_add(&called, 1);
	kfree(item);
}

KERNEL_TEST(rcu_barrier_waits_for_callbacks)
{
	hartmask_t before = current->affinity;

	called = disorder = 0;
	EXPECT(sched_set_affinity(current, HARTMASK_OF(this_hart_nr())) == 0);
	for (u32 i = 0; i < CALLBACKS; i++) {
		struct item *item = kmalloc(sizeof(*item), GFP_KERNEL);

		EXPECT(item);
		item->nr = i;
		rcu_call(&item->rcu, count_call);
	}
	rcu_barrier();
	EXPECT(called == CALLBACKS);
	EXPECT(disorder == 0);
	sched_set_affinity(current, before);
	return NULL;
}

static int read_for_long(void *arg)
{
	ktime_t end;

	rcu_read_lock();
	end = ktime_get() + 30 * NSEC_PER_MSEC;
	smp_store_release(&reading, 1);
	while (ktime_get() < end)
		;
	smp_store_release(&left, 1);
	rcu_read_unlock();
	return test_thread_end(0);
}

KERNEL_TEST(rcu_synchronize_waits_for_readers)
{
	struct test_threads s = { 0 };

	reading = left = 0;
	EXPECT(test_thread_add(&s, read_for_long, NULL, HART_ANY));
	test_threads_start(&s);
	EXPECT(test_reaches(&reading, 1));
	rcu_synchronize();
	EXPECT(smp_load_acquire(&left) == 1);
	test_threads_stop(&s);
	return NULL;
}

KERNEL_TEST(rcu_synchronize_is_quick)
{
	ktime_t start = ktime_get();

	for (u32 i = 0; i < 20; i++)
		rcu_synchronize();
	EXPECT(ktime_get() - start < NSEC_PER_SEC);
	return NULL;
}

/* A lookup structure of one pointer: readers never see freed memory. KASAN watches. */
struct node {
	struct rcu_head rcu;
	u64 a, b;
};
static struct node *shared;
static u32 torn;

static int chase(void *arg)
{
	while (!kthread_should_stop()) {
		struct node *n;

		rcu_read_lock();
		n = rcu_dereference(shared);
		if (n->a != ~n->b)
			atomic_inc(&torn);
		rcu_read_unlock();
	}
	return 0;
}

static void free_node(struct rcu_head *head)
{
	struct node *n = container_of(head, struct node, rcu);

	n->a = n->b = 0;
	kfree(n);
}

static struct node *make_node(u64 v)
{
	struct node *n = kmalloc(sizeof(*n), GFP_KERNEL);

	if (n)
		*n = (struct node) { .a = v, .b = ~v };
	return n;
}

KERNEL_TEST(rcu_readers_see_live_objects)
{
	struct test_threads s = { 0 };

	torn = 0;
	shared = make_node(0);
	EXPECT(shared);
	for (u32 i = 0; i < 3; i++)
		EXPECT(test_thread_add(&s, chase, NULL, HART_ANY));
	test_threads_start(&s);
	for (u64 v = 1; v < 3000; v++) {
		struct node *old = shared, *n = make_node(v);

		EXPECT(n);
		rcu_assign_pointer(shared, n);
		rcu_call(&old->rcu, free_node);
		if (v % 100 == 0)
			msleep(1);
	}
	test_threads_stop(&s);
	rcu_barrier();
	kfree(shared);
	EXPECT(torn == 0);
	return NULL;
}

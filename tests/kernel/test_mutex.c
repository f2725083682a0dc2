/* SPDX-License-Identifier: MIT */
/* Mutexes and reader-writer semaphores under contention. */
#include <kernel/init.h>
#include <kernel/mutex.h>
#include <kernel/random.h>

#include "threads.h"

#define WORKERS 6
#define ROUNDS	1500

static DEFINE_MUTEX(lock, RANK_MUTEX);
static struct rwsem sem = RWSEM_INIT(sem, RANK_MUTEX);
static u64 counter, shadow;
static u32 finished, wrong, readers, readers_most, writers;

static int count_up(void *arg)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		mutex_lock(&lock);
		u64 v = READ_ONCE(counter);

		if (i % 16 == 0)
			cond_resched();
		if (i % 100 == 0)
			schedule();
		WRITE_ONCE(counter, v + 1);
		mutex_unlock(&lock);
	}
	atomic_fetch_add(&finished, 1);
	return test_thread_end(0);
}

KERNEL_TEST(mutex_excludes)
{
	struct test_threads s = { 0 };

	counter = finished = 0;
	for (u32 i = 0; i < WORKERS; i++)
		EXPECT(test_thread_add(&s, count_up, NULL, HART_ANY));
	test_threads_start(&s);
	EXPECT(test_reaches(&finished, WORKERS));
	test_threads_stop(&s);
	EXPECT(counter == (u64)WORKERS * ROUNDS);
	EXPECT(!mutex_is_locked(&lock));
	EXPECT(lock.owner == NULL);
	return NULL;
}

static int want_mutex(void *arg)
{
	mutex_lock(&lock);
	atomic_fetch_add(&finished, 1);
	mutex_unlock(&lock);
	return test_thread_end(0);
}

/* Somebody who locks again and again does not starve a waiter. */
KERNEL_TEST(mutex_is_handed_over)
{
	struct test_threads s = { 0 };
	u32 i;

	finished = 0;
	mutex_lock(&lock);
	EXPECT(test_thread_add(&s, want_mutex, NULL, this_hart_nr()));
	test_threads_start(&s);
	msleep(5);
	for (i = 0; i < 10000 && !READ_ONCE(finished); i++) {
		mutex_unlock(&lock);
		mutex_lock(&lock);
		cond_resched();
	}
	mutex_unlock(&lock);
	EXPECT(test_reaches(&finished, 1));
	test_threads_stop(&s);
	return NULL;
}

KERNEL_TEST(mutex_trylock)
{
	EXPECT(mutex_trylock(&lock));
	EXPECT(mutex_is_locked(&lock));
	EXPECT(!mutex_trylock(&lock));
	mutex_unlock(&lock);
	return NULL;
}

static void note_readers(u32 n)
{
	if (n > READ_ONCE(readers_most))
		WRITE_ONCE(readers_most, n);
}

static int read_and_write(void *arg)
{
	for (u32 i = 0; i < ROUNDS; i++) {
		if (i % 8 == (u64)arg % 8) {
			down_write(&sem);
			if (atomic_add_return(&writers, 1) != 1 || READ_ONCE(readers))
				atomic_inc(&wrong);
			counter++;
			if (i % 64 == 0)
				schedule();
			shadow++;
			atomic_dec(&writers);
			if (i % 3 == 0) {
				downgrade_write(&sem);
				if (READ_ONCE(counter) != READ_ONCE(shadow))
					atomic_inc(&wrong);
				up_read(&sem);
			} else {
				up_write(&sem);
			}
		} else {
			down_read(&sem);
			note_readers(atomic_add_return(&readers, 1));
			if (READ_ONCE(writers) || READ_ONCE(counter) != READ_ONCE(shadow))
				atomic_inc(&wrong);
			if (i % 50 == 0)
				schedule();
			atomic_sub_return(&readers, 1);
			up_read(&sem);
		}
	}
	atomic_fetch_add(&finished, 1);
	return test_thread_end(0);
}

KERNEL_TEST(rwsem_excludes)
{
	struct test_threads s = { 0 };

	counter = shadow = 0;
	finished = wrong = readers = writers = readers_most = 0;
	for (u32 i = 0; i < WORKERS; i++)
		EXPECT(test_thread_add(&s, read_and_write, (void *)(u64)i, HART_ANY));
	test_threads_start(&s);
	EXPECT(test_reaches(&finished, WORKERS));
	test_threads_stop(&s);
	EXPECT(wrong == 0);
	EXPECT(readers_most > 1);
	EXPECT(sem.count == 0);
	EXPECT(counter == shadow && counter > 0);
	return NULL;
}

KERNEL_TEST(rwsem_trylock)
{
	EXPECT(down_read_trylock(&sem));
	EXPECT(!down_write_trylock(&sem));
	up_read(&sem);
	EXPECT(down_write_trylock(&sem));
	EXPECT(!down_read_trylock(&sem));
	up_write(&sem);
	EXPECT(sem.count == 0);
	return NULL;
}

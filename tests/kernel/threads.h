/* SPDX-License-Identifier: MIT */
/* Threads for in-kernel tests: a few kthreads that run one function, are waited for and stopped. */
#ifndef TESTS_KERNEL_THREADS_H
#define TESTS_KERNEL_THREADS_H

#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/sched.h>
#include <kernel/timer.h>

#define TEST_THREADS_MAX 8
#define HART_ANY	 (~0U)

struct test_threads {
	struct task *task[TEST_THREADS_MAX];
	u32 n;
};

/* What a thread does when it is through: kthread_stop() must find it. */
static inline int test_thread_end(int result)
{
	set_current_state(TASK_IDLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	return result;
}

/* Creates one more, not started. */
static inline struct task *test_thread_add(struct test_threads *s, int (*fn)(void *arg), void *arg,
					   u32 hart)
{
	struct task *t = s->n < TEST_THREADS_MAX ? kthread_create(fn, arg, "test/%u", s->n)
						 : ERR_PTR(-EAGAIN);

	if (IS_ERR(t))
		return NULL;
	if (hart != HART_ANY)
		kthread_bind(t, hart);
	s->task[s->n++] = t;
	return t;
}

static inline void test_threads_start(struct test_threads *s)
{
	for (u32 i = 0; i < s->n; i++)
		wake_up_process(s->task[i]);
}

/* The sum of their results. */
static inline int test_threads_stop(struct test_threads *s)
{
	int sum = 0;

	for (u32 i = 0; i < s->n; i++)
		sum += kthread_stop(s->task[i]);
	s->n = 0;
	return sum;
}

/* Waits at most a few seconds for *value to reach n. */
static inline bool test_reaches(const u32 *value, u32 n)
{
	for (u32 i = 0; i < 10000 && READ_ONCE(*value) < n; i++)
		msleep(1);
	return READ_ONCE(*value) >= n;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Kernel threads: kernel/proc/ makes the task, this file gives it a body, a way to be stopped and
 * a result.
 *
 * task->kthread.exited joins the two ends: the stopper puts its completion there, or the thread,
 * when it is through first, puts EXITED. Whoever comes second sees the other. The stopper needs a
 * reference of the task, or a thread that does not return before it is told to.
 */
#include <kernel/sched.h>

#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/string.h>

#include "rq.h"

#define EXITED ((struct completion *)1)

static int kthread_main(void *arg)
{
	struct kthread *k = &current->kthread;
	struct completion *stopper;

	k->result = READ_ONCE(k->should_stop) ? -EINTR : k->fn(k->arg);
	stopper = atomic_xchg(&k->exited, EXITED);
	if (stopper)
		complete(stopper);
	do_exit(0);
}

struct task *kthread_create(int (*fn)(void *arg), void *arg, const char *fmt, ...)
{
	static const struct sched_attr normal = { .size = sizeof(normal),
						  .sched_policy = SCHED_NORMAL };
	char name[TASK_COMM_LEN];
	struct task *t;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	t = task_create_kthread(kthread_main, NULL, name);
	if (IS_ERR(t))
		return t;
	t->kthread = (struct kthread) { .fn = fn, .arg = arg };
	t->affinity = HARTMASK_ALL;
	(void)sched_set_attr(t, &normal);
	/* Any wake-up starts it. */
	WRITE_ONCE(t->state, TASK_IDLE);
	return t;
}

struct task *kthread_run(int (*fn)(void *arg), void *arg, const char *fmt, ...)
{
	char name[TASK_COMM_LEN];
	struct task *t;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	t = kthread_create(fn, arg, "%s", name);
	if (!IS_ERR(t))
		wake_up_process(t);
	return t;
}

void kthread_bind(struct task *t, u32 hart)
{
	ASSERT(t->state == TASK_IDLE && !t->se.on_rq);
	t->affinity = HARTMASK_OF(hart);
	t->flags |= TF_BOUND;
}

bool kthread_should_stop(void) { return READ_ONCE(current->kthread.should_stop); }

int kthread_stop(struct task *t)
{
	struct completion done;
	int result;

	might_sleep();
	task_get(t);
	completion_init(&done);
	WRITE_ONCE(t->kthread.should_stop, true);
	if (atomic_cmpxchg(&t->kthread.exited, NULL, &done)) {
		wake_up_process(t);
		wait_for_completion(&done);
	}
	result = t->kthread.result;
	task_put(t);
	return result;
}

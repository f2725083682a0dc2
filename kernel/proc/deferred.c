/* SPDX-License-Identifier: MIT */
/*
 * Work a task does before it returns to user mode, queued by itself or by others (the last reference of a file dropped in
 * a system call, a membarrier). A lock-free stack in task->deferred; WORK_NOTIFY says that something is on it. An exiting
 * task runs what is there and leaves `closed` in its place.
 */
#include <kernel/process.h>

#include <kernel/sched.h>

#include "deferred.h"

static struct task_work closed;

bool task_defer(struct task *t, struct task_work *w, void (*fn)(struct task_work *w))
{
	struct task_work *first = READ_ONCE(t->deferred);

	w->fn = fn;
	do {
		if (first == &closed)
			return false;
		w->next = first;
	} while (!__atomic_compare_exchange_n(&t->deferred, &first, w, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	task_set_work(t, WORK_NOTIFY);
	if (t != current)
		sched_kick(t);
	return true;
}

/* Runs a stack of work in the order it was queued. */
static void run_all(struct task_work *top)
{
	struct task_work *first = NULL;

	while (top) {
		struct task_work *next = top->next;

		top->next = first;
		first = top;
		top = next;
	}
	while (first) {
		struct task_work *next = first->next;

		first->fn(first);
		first = next;
		cond_resched();
	}
}

void task_run_deferred(void)
{
	task_clear_work(current, WORK_NOTIFY);
	while (READ_ONCE(current->deferred))
		run_all(atomic_xchg(&current->deferred, NULL));
}

void task_exit_deferred(struct task *t)
{
	do {
		task_run_deferred();
	} while (!atomic_cmpxchg(&t->deferred, NULL, &closed));
}

/* SPDX-License-Identifier: MIT */
/* What fork.c offers those who make tasks of other kinds (kernel_task.c). */
#ifndef PROC_FORK_H
#define PROC_FORK_H

#include <kernel/process.h>

struct clone_args;

/* What a task is made from. */
struct new_task {
	const struct clone_args *args; /* user tasks */
	u64 flags;		       /* CLONE_* */
	int (*fn)(void *arg);	       /* kernel threads: what they run */
	void *arg;
	pid_t want;		       /* number it must get, 0: any */
	struct files *files;	       /* whose to share or copy; NULL: none */
	struct fs *fs;
	bool ignore_signals;
};

/* A task with all parts, counted, invisible. ERR_PTR. */
struct task *task_build(const struct new_task *n);
void task_unbuild(struct task *t);
void task_set_times(struct task *t);
/* Makes t visible: family, lists, numbers. 0, or -ERESTARTNOINTR when `interruptible` and a signal came. */
int task_publish(struct task *t, struct pid *pid, u64 clone_flags, bool interruptible);

#endif

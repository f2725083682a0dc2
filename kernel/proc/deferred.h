/* SPDX-License-Identifier: MIT */
/* Deferred work of a task that ends (deferred.c). */
#ifndef PROC_DEFERRED_H
#define PROC_DEFERRED_H

struct task;
/* Runs what is queued and closes the queue: task_defer() fails from then on. The current task only. */
void task_exit_deferred(struct task *t);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Process numbers as objects: a struct pid outlives the task it names as long as somebody holds it (pidfd, tty, file
 * owner) and links the tasks that use the number as pid, thread group, process group or session (kernel/proc/pid.c).
 */
#ifndef KERNEL_PID_H
#define KERNEL_PID_H

#include <kernel/task.h>
#include <kernel/wait.h>

struct pid {
	struct refcount refs;
	pid_t nr;
	struct hlist_node hash;		     /* RCU */
	struct hlist_head tasks[PIDTYPE_MAX]; /* [tasklist_lock; RCU readers] through task->pid_links */
	struct wait_queue wait;		     /* pidfd poll: the process exited */
	struct rcu_head rcu;
};
extern struct rwlock tasklist_lock; /* RANK_TASKLIST. Readers may be in softirq: writers use write_lock_irq */
#define PID_MAX 32768 /* kernel.pid_max, may be raised to 4 M */
extern u32 pid_max;
struct pid *pid_alloc(pid_t want); /* want 0: next free. ERR_PTR(-EAGAIN, -EEXIST, -ENOMEM); refs 1 */
static inline struct pid *pid_get(struct pid *p) { if (p) refcount_get(&p->refs); return p; }
void pid_put(struct pid *p); /* NULL is fine */
void pid_free_number(struct pid *p); /* not findable any more */
struct pid *pid_find(pid_t nr);	   /* under rcu_read_lock; NULL */
struct pid *pid_find_get(pid_t nr); /* referenced */
void pid_attach(struct task *t, enum pid_type type, struct pid *p); /* tasklist_lock write */
void pid_detach(struct task *t, enum pid_type type);
struct task *pid_task(struct pid *p, enum pid_type type); /* the first; under RCU or tasklist_lock; NULL */
struct task *task_find(pid_t tid);     /* under RCU: any thread */
struct task *task_find_get(pid_t tid); /* referenced */
pid_t pid_nr(struct pid *p);	       /* 0 for NULL */
u32 pid_last(void);		       /* last number given, for /proc/loadavg */
/* Each task that has p as its process group / session; under tasklist_lock. */
#define for_each_pid_task(t, p, type)                                                                \
	for (struct hlist_node *fpt_ = (p)->tasks[type].first;                                       \
	     fpt_ && ((t) = container_of(fpt_, struct task, pid_links[type]), 1); fpt_ = fpt_->next)
struct file;
struct pid *pidfd_pid(struct file *f); /* ERR_PTR(-EBADF); not referenced */
/* t got its exit_state: wakes who polls its pidfds. signal_parent_exit() does it for the last thread of a process. */
void pidfd_notify_exit(struct task *t);
int pidfd_create(struct pid *p, u32 flags, struct file **out); /* fd reserved, not installed */

#endif

/* SPDX-License-Identifier: MIT */
/* What the files of kernel/proc/ share among themselves about tasks, groups and numbers. */
#ifndef PROC_PROC_H
#define PROC_PROC_H

#include <kernel/process.h>

/* pid.c */
#define PID_INIT	1
#define PID_KTHREADD	2
#define PID_FIRST_FREE	3 /* where automatic numbers start */
void pid_init(void);
/* tasklist_lock held for writing. */
void pid_change(struct task *t, enum pid_type type, struct pid *p);
void pid_transfer(struct task *leader, struct task *t, enum pid_type type);
void pid_exchange(struct task *leader, struct task *t);

/* cred.c, user.c */
void cred_init(void);
void user_init(void);
extern struct user root_user;

/* group.c */
extern struct group init_group;
void group_init(void);
/* A process of its own for `leader`: limits and terminal from `parent`. NULL: no memory. */
struct group *group_create(struct task *leader, struct group *parent);
void group_put(struct group *g);

/* task.c: making and freeing struct task. */
void task_init(void);
/* A copy of the current task with a stack of its own, owning nothing yet; NULL: no memory. */
struct task *task_duplicate(void);
void task_free_unstarted(struct task *t);
extern u32 thread_count; /* [a] */
extern u32 process_count; /* [t] */
extern struct task *init_process; /* [t] process 1, who inherits orphans; NULL during boot */
extern struct task *kthreadd_task;
static inline struct group *init_process_group(void) { return init_process ? init_process->group : NULL; }

/* kernel_task.c */
void kthreadd_create(void);

/* exit.c */
/* The current task leaves its address space by exit or exec: robust futexes, clear_child_tid, the vforking parent. */
void task_leave_mm(void);

extern bool subreapers_exist; /* [t] some process has ever been one: reparent.c */
/* reparent.c: tasklist_lock held for writing. Tasks to be released are put on `dead` by their sibling link. */
void reparent_children(struct task *father, struct list_head *dead);
void orphaned_pgrp_kill(struct task *t, struct task *parent);
/* Tells the parent that t is a zombie; true when nobody will wait for it. */
bool exit_notify_parent(struct task *t);

/* Threads other than t have been released; no lock needed for a hint, tasklist_lock or sighand->lock for a fact. */
static inline bool thread_group_empty(const struct task *t) { return READ_ONCE(t->group->nr_threads) <= 1; }

#endif

/* SPDX-License-Identifier: MIT */
/*
 * System calls on the priority of one task, a process group or all of a user's: setpriority,
 * getpriority, ioprio_set, ioprio_get. All four walk the same sets, under tasklist_lock.
 */
#include <kernel/cred.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <linux/ioprio.h>
#include <linux/resource.h>
#include <linux/sched.h>

#include "prio.h"

/* A visitor gathers its answer in *result, which starts as -ESRCH. */
typedef void (*visit_fn)(struct task *t, s32 value, long *result);

static void visit_threads(struct group *g, visit_fn fn, s32 value, long *result)
{
	struct task *t;

	for_each_thread (g, t)
		fn(t, value, result);
}

static void visit_one(pid_t nr, visit_fn fn, s32 value, long *result)
{
	struct task *t = nr ? task_find(nr) : current;

	if (t)
		fn(t, value, result);
}

static void visit_pgrp(pid_t nr, visit_fn fn, s32 value, long *result)
{
	struct pid *pgrp = nr ? pid_find(nr) : current->group->pids[PIDTYPE_PGID];
	struct task *leader;

	if (!pgrp)
		return;
	for_each_pid_task (leader, pgrp, PIDTYPE_PGID)
		visit_threads(leader->group, fn, value, result);
}

static void visit_user(u32 uid, visit_fn fn, s32 value, long *result)
{
	struct task *leader, *t;

	if (uid == 0)
		uid = current_uid();
	for_each_process (leader)
		for_each_thread (leader->group, t)
			if (rcu_dereference(t->cred)->uid == uid)
				fn(t, value, result);
}

/* which: 0 a task, 1 a process group, 2 a user. */
static long visit(int which, int who, visit_fn fn, s32 value)
{
	long result = -ESRCH;

	rcu_read_lock();
	read_lock(&tasklist_lock);
	if (which == 0)
		visit_one(who, fn, value, &result);
	else if (which == 1)
		visit_pgrp(who, fn, value, &result);
	else
		visit_user((u32)who, fn, value, &result);
	read_unlock(&tasklist_lock);
	rcu_read_unlock();
	return result;
}

/* --- nice --- */

static void set_nice(struct task *t, s32 nice, long *result)
{
	const struct cred *c = rcu_dereference(t->cred);
	u32 me = current_euid();

	if (c->uid != me && c->euid != me && !capable(CAP_SYS_NICE)) {
		*result = -EPERM;
	} else if (nice < t->nice && !sched_may_renice(t, nice)) {
		*result = -EACCES;
	} else {
		if (*result == -ESRCH)
			*result = 0;
		sched_set_nice(t, nice);
	}
}

/* 1..40, the highest of all: libc turns it around. */
static void get_nice(struct task *t, s32 unused, long *result)
{
	*result = MAX(*result, (long)(20 - READ_ONCE(t->nice)));
}

long sys_setpriority(int which, int who, int niceval)
{
	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	return visit(which - PRIO_PROCESS, who, set_nice, MAX(MIN(niceval, 19), -20));
}

long sys_getpriority(int which, int who)
{
	if (which < PRIO_PROCESS || which > PRIO_USER)
		return -EINVAL;
	return visit(which - PRIO_PROCESS, who, get_nice, 0);
}

/* --- I/O priority --- */

static int check_ioprio(int ioprio)
{
	switch (IOPRIO_PRIO_CLASS(ioprio)) {
	case IOPRIO_CLASS_RT:
		return capable(CAP_SYS_ADMIN) || capable(CAP_SYS_NICE) ? 0 : -EPERM;
	case IOPRIO_CLASS_BE:
	case IOPRIO_CLASS_IDLE:
		return 0;
	case IOPRIO_CLASS_NONE:
		return IOPRIO_PRIO_LEVEL(ioprio) ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

static void set_ioprio(struct task *t, s32 ioprio, long *result)
{
	u32 uid = rcu_dereference(t->cred)->uid;

	/* The first refusal ends it. */
	if (*result < 0 && *result != -ESRCH)
		return;
	if (uid != current_euid() && uid != current_uid() && !capable(CAP_SYS_NICE)) {
		*result = -EPERM;
		return;
	}
	WRITE_ONCE(t->ioprio, (u16)ioprio);
	*result = 0;
}

/* What was set, 0 when nothing was. */
static void get_ioprio_raw(struct task *t, s32 unused, long *result)
{
	*result = READ_ONCE(t->ioprio);
}

static s32 effective_ioprio(const struct task *t)
{
	u16 ioprio = READ_ONCE(t->ioprio);
	u32 class = t->policy == SCHED_IDLE ? IOPRIO_CLASS_IDLE
		    : t->rt_priority	    ? IOPRIO_CLASS_RT
					    : IOPRIO_CLASS_BE;

	if (IOPRIO_PRIO_CLASS(ioprio) != IOPRIO_CLASS_NONE)
		return ioprio;
	return (s32)(class << IOPRIO_CLASS_SHIFT) | (t->nice + 20) / 5;
}

/* The best: the smallest number. */
static void get_ioprio_best(struct task *t, s32 unused, long *result)
{
	s32 ioprio = effective_ioprio(t);

	if (*result < 0 || ioprio < *result)
		*result = ioprio;
}

long sys_ioprio_set(int which, int who, int ioprio)
{
	int rc = check_ioprio(ioprio);

	if (rc)
		return rc;
	if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
		return -EINVAL;
	return visit(which - IOPRIO_WHO_PROCESS, who, set_ioprio, ioprio);
}

long sys_ioprio_get(int which, int who)
{
	if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER)
		return -EINVAL;
	return visit(which - IOPRIO_WHO_PROCESS, who,
		     which == IOPRIO_WHO_PROCESS ? get_ioprio_raw : get_ioprio_best, 0);
}

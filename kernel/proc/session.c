/* SPDX-License-Identifier: MIT */
/* Sessions and process groups: setsid, setpgid, getsid, getpgid, getpgrp's kin. Changes under tasklist_lock. */
#include <kernel/process.h>

#include <kernel/rcu.h>
#include <kernel/syscall.h>
#include <kernel/tty.h>

#include "proc.h"

bool session_leader(struct task *t)
{
	return READ_ONCE(t->group->leader_of_session);
}

long sys_setsid(void)
{
	struct task *leader;
	struct group *g = current->group;
	struct pid *pid;
	long rc = -EPERM;

	write_lock_irq(&tasklist_lock);
	leader = g->leader;
	pid = leader->pids[PIDTYPE_PID];
	if (g->leader_of_session || pid_task(pid, PIDTYPE_PGID))
		goto out; /* leads a session, or a group of its number exists */
	g->leader_of_session = true;
	pid_change(leader, PIDTYPE_SID, pid);
	pid_change(leader, PIDTYPE_PGID, pid);
	rc = pid->nr;
out:
	write_unlock_irq(&tasklist_lock);
	if (rc > 0)
		tty_setsid(g);
	return rc;
}

/* May p, whose number was given, be moved by the current process? */
static int may_move(const struct task *p)
{
	const struct group *me = current->group;

	if (!thread_group_leader(p))
		return -EINVAL;
	if (p->real_parent->group == me) {
		if (p->group->pids[PIDTYPE_SID] != me->pids[PIDTYPE_SID])
			return -EPERM;
		if (!(p->flags & TF_FORKNOEXEC))
			return -EACCES;
	} else if (p->group != me) {
		return -ESRCH;
	}
	return p->group->leader_of_session ? -EPERM : 0;
}

/* The group named by pgid: p's own number, or one that exists in this session. NULL: neither. */
static struct pid *find_pgrp(struct task *p, pid_t pgid)
{
	struct pid *pgrp;
	struct task *member;

	if (pgid == p->pid)
		return p->pids[PIDTYPE_PID];
	pgrp = pid_find(pgid);
	member = pid_task(pgrp, PIDTYPE_PGID);
	return member && member->group->pids[PIDTYPE_SID] == current->group->pids[PIDTYPE_SID] ? pgrp : NULL;
}

long sys_setpgid(pid_t pid, pid_t pgid)
{
	struct task *p;
	struct pid *pgrp;
	long rc;

	if (pid == 0)
		pid = current->tgid;
	if (pgid == 0)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	write_lock_irq(&tasklist_lock);
	p = task_find(pid);
	rc = p ? may_move(p) : -ESRCH;
	if (rc)
		goto out;
	pgrp = find_pgrp(p, pgid);
	if (!pgrp)
		rc = -EPERM;
	else if (p->group->pids[PIDTYPE_PGID] != pgrp)
		pid_change(p, PIDTYPE_PGID, pgrp);
out:
	write_unlock_irq(&tasklist_lock);
	return rc;
}

static long number_of(pid_t pid, enum pid_type type)
{
	struct task *t;
	long rc = -ESRCH;

	rcu_read_lock();
	t = pid ? task_find(pid) : current;
	if (t)
		rc = pid_nr(rcu_dereference(t->group->pids[type]));
	rcu_read_unlock();
	return rc;
}

long sys_getpgid(pid_t pid)
{
	return number_of(pid, PIDTYPE_PGID);
}

long sys_getsid(pid_t pid)
{
	return number_of(pid, PIDTYPE_SID);
}

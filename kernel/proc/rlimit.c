/* SPDX-License-Identifier: MIT */
/*
 * Resource limits of processes: getrlimit, setrlimit, prlimit64. The limits stand in struct group, changed under its leader's
 * task->lock and read word by word without.
 */
#include <kernel/process.h>

#include <arch/uaccess.h>
#include <kernel/fs.h>
#include <kernel/rcu.h>
#include <kernel/syscall.h>

#include "proc.h"

/* Takes what is asked for new, gives what was. Either may be NULL. */
static int limit_exchange(struct group *g, u32 which, const struct rlimit *new, struct rlimit *old)
{
	struct rlimit *r;
	struct task *leader;
	int rc = 0;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if (new && new->rlim_cur > new->rlim_max)
		return -EINVAL;
	if (new && which == RLIMIT_NOFILE && new->rlim_max > FD_MAX)
		return -EPERM;
	r = &g->rlim[which];
	rcu_read_lock();
	if (!READ_ONCE(g->nr_threads)) { /* released: so is the leader, who has the lock */
		rcu_read_unlock();
		return -ESRCH;
	}
	leader = READ_ONCE(g->leader);
	spin_lock(&leader->lock);
	if (old)
		*old = *r;
	if (new && new->rlim_max > r->rlim_max && !capable(CAP_SYS_RESOURCE))
		rc = -EPERM;
	else if (new)
		*r = *new;
	spin_unlock(&leader->lock);
	rcu_read_unlock();
	if (rc == 0 && new && which == RLIMIT_CPU)
		group_timers_limit(g);
	return rc;
}

long sys_getrlimit(unsigned int resource, struct rlimit __user *rlim)
{
	struct rlimit r;
	int rc = limit_exchange(current->group, resource, NULL, &r);

	return rc ?: copy_struct_to_user_exact(rlim, &r);
}

long sys_setrlimit(unsigned int resource, struct rlimit __user *rlim)
{
	struct rlimit r;

	if (copy_from_user(&r, rlim, sizeof(r)))
		return -EFAULT;
	return limit_exchange(current->group, resource, &r, NULL);
}

/* All of the target's identities are mine, or I am privileged. */
static bool may_limit(struct task *t)
{
	const struct cred *me = current_cred(), *c;
	bool same;

	if (t->group == current->group || capable(CAP_SYS_RESOURCE))
		return true;
	c = cred_of(t);
	same = me->uid == c->euid && me->uid == c->suid && me->uid == c->uid && me->gid == c->egid &&
	       me->gid == c->sgid && me->gid == c->gid;
	cred_put(c);
	return same;
}

static int limit_exchange_of(pid_t pid, u32 which, const struct rlimit *new, struct rlimit *old)
{
	struct task *t = pid ? task_find_get(pid) : task_get(current);
	int rc = -ESRCH;

	if (!t)
		return rc;
	rc = may_limit(t) ? limit_exchange(t->group, which, new, old) : -EPERM;
	task_put(t);
	return rc;
}

long sys_prlimit64(pid_t pid, unsigned int resource, const struct rlimit64 __user *unew, struct rlimit64 __user *uold)
{
	struct rlimit new, old;
	int rc;

	static_assert(sizeof(struct rlimit64) == sizeof(struct rlimit) && RLIM_INFINITY == RLIM64_INFINITY,
		      "one is the other on 64-bit machines");
	if (unew && copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	rc = limit_exchange_of(pid, resource, unew ? &new : NULL, uold ? &old : NULL);
	if (rc == 0 && uold && copy_to_user(uold, &old, sizeof(old)))
		rc = -EFAULT;
	return rc;
}

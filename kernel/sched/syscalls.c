/* SPDX-License-Identifier: MIT */
/*
 * System calls of scheduling: policy and parameters, affinity, yield, getcpu. Nice values and I/O
 * priorities of groups of tasks: priority.c.
 *
 * SCHED_DEADLINE is not there: asking for it is -EINVAL, as for any unknown policy.
 */
#include <kernel/bitmap.h>
#include <kernel/cred.h>
#include <kernel/hart.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>

#include "prio.h"
#include "rq.h"

#define ATTR_SIZE_MIN 48U /* first version of struct sched_attr: up to sched_period */

struct sched_param { /* <linux/sched/types.h> leaves it to libc */
	int sched_priority;
};

/* Referenced; pid 0 is the caller. */
static struct task *find_task(pid_t pid) { return pid ? task_find_get(pid) : task_get(current); }

bool sched_may_renice(struct task *t, s32 nice)
{
	s64 limit = (s64)READ_ONCE(t->group->rlim[RLIMIT_NICE].rlim_cur);

	/* RLIMIT_NICE counts from 1 (nice 19) to 40 (nice -20). */
	return 20 - nice <= limit || limit < 0 || capable(CAP_SYS_NICE);
}

static bool same_owner(struct task *t)
{
	u32 uid, euid, me = current_euid();

	rcu_read_lock();
	uid = rcu_dereference(t->cred)->uid;
	euid = rcu_dereference(t->cred)->euid;
	rcu_read_unlock();
	return me == uid || me == euid;
}

/* --- policy and parameters --- */

static bool policy_known(u32 policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE ||
	       policy_is_rt(policy);
}

static bool may_be_realtime(struct task *t, const struct sched_attr *attr, u32 policy)
{
	u64 limit = READ_ONCE(t->group->rlim[RLIMIT_RTPRIO].rlim_cur);

	if (policy != t->policy && limit == 0)
		return false;
	return attr->sched_priority <= t->rt_priority || attr->sched_priority <= limit;
}

/* What an unprivileged caller may ask for: 0 or -EPERM. */
static int check_permission(struct task *t, const struct sched_attr *attr, u32 policy)
{
	if (capable(CAP_SYS_NICE))
		return 0;
	if (policy_is_rt(policy)) {
		if (!may_be_realtime(t, attr, policy))
			return -EPERM;
	} else if (attr->sched_nice < t->nice && !sched_may_renice(t, attr->sched_nice)) {
		return -EPERM;
	}
	if (t->policy == SCHED_IDLE && policy != SCHED_IDLE && !sched_may_renice(t, t->nice))
		return -EPERM;
	if (!same_owner(t))
		return -EPERM;
	if (t->reset_on_fork && !(attr->sched_flags & SCHED_FLAG_RESET_ON_FORK))
		return -EPERM;
	return 0;
}

static int set_attr(struct task *t, struct sched_attr *attr)
{
	u32 policy = attr->sched_policy;
	int rc;

	if (policy == SCHED_KEEP_POLICY) {
		policy = t->policy;
		if (t->reset_on_fork)
			attr->sched_flags |= SCHED_FLAG_RESET_ON_FORK;
	}
	if (!policy_known(policy))
		return -EINVAL;
	if (attr->sched_flags & ~(u64)SCHED_FLAG_ALL)
		return -EINVAL;
	if (attr->sched_priority > RT_PRIO_MAX ||
	    policy_is_rt(policy) != (attr->sched_priority != 0))
		return -EINVAL;
	rc = check_permission(t, attr, policy);
	if (rc)
		return rc;
	if (attr->sched_flags & SCHED_FLAG_UTIL_CLAMP)
		return -EOPNOTSUPP;
	return sched_set_attr(t, attr);
}

static void get_params(const struct task *t, struct sched_attr *attr)
{
	if (task_is_rt(t)) {
		attr->sched_priority = t->rt_priority;
	} else {
		attr->sched_nice = t->nice;
		attr->sched_runtime = t->se.slice;
	}
}

static long set_scheduler(pid_t pid, u32 policy, struct sched_param __user *uparam)
{
	struct sched_attr attr = { .size = sizeof(attr), .sched_policy = policy };
	struct sched_param param;
	struct task *t;
	long rc;

	if (!uparam || pid < 0)
		return -EINVAL;
	if (copy_from_user(&param, uparam, sizeof(param)))
		return -EFAULT;
	if (policy != SCHED_KEEP_POLICY && (policy & SCHED_RESET_ON_FORK)) {
		attr.sched_flags = SCHED_FLAG_RESET_ON_FORK;
		attr.sched_policy &= ~(u32)SCHED_RESET_ON_FORK;
	}
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	attr.sched_priority = (u32)param.sched_priority;
	attr.sched_nice = t->nice;
	attr.sched_runtime = t->se.custom_slice ? t->se.slice : 0;
	rc = set_attr(t, &attr);
	task_put(t);
	return rc;
}

long sys_sched_setscheduler(pid_t pid, int policy, struct sched_param __user *param)
{
	return policy < 0 ? -EINVAL : set_scheduler(pid, (u32)policy, param);
}

long sys_sched_setparam(pid_t pid, struct sched_param __user *param)
{
	return set_scheduler(pid, SCHED_KEEP_POLICY, param);
}

long sys_sched_getscheduler(pid_t pid)
{
	struct task *t;
	long policy;

	if (pid < 0)
		return -EINVAL;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	policy = (long)(t->policy | (t->reset_on_fork ? SCHED_RESET_ON_FORK : 0));
	task_put(t);
	return policy;
}

long sys_sched_getparam(pid_t pid, struct sched_param __user *uparam)
{
	struct sched_param param;
	struct task *t;

	if (!uparam || pid < 0)
		return -EINVAL;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	param.sched_priority = (int)t->rt_priority;
	task_put(t);
	return copy_to_user(uparam, &param, sizeof(param)) ? -EFAULT : 0;
}

/* On -E2BIG tells the caller what we know. */
static long copy_attr(struct sched_attr *attr, struct sched_attr __user *uattr)
{
	u32 size;
	long rc;

	if (get_user(size, &uattr->size))
		return -EFAULT;
	if (size == 0)
		size = ATTR_SIZE_MIN;
	if (size < ATTR_SIZE_MIN || size > PAGE_SIZE)
		rc = -E2BIG;
	else
		rc = copy_struct_from_user(attr, sizeof(*attr), uattr, size);
	if (rc == -E2BIG && put_user((u32)sizeof(*attr), &uattr->size))
		return -EFAULT;
	if (rc)
		return rc;
	if ((attr->sched_flags & SCHED_FLAG_UTIL_CLAMP) && size < sizeof(*attr))
		return -EINVAL;
	attr->sched_nice = MAX(MIN(attr->sched_nice, 19), -20);
	return 0;
}

long sys_sched_setattr(pid_t pid, struct sched_attr __user *uattr, unsigned int flags)
{
	struct sched_attr attr = { 0 };
	struct task *t;
	long rc;

	if (!uattr || pid < 0 || flags)
		return -EINVAL;
	rc = copy_attr(&attr, uattr);
	if (rc)
		return rc;
	if ((s32)attr.sched_policy < 0)
		return -EINVAL;
	if (attr.sched_flags & SCHED_FLAG_KEEP_POLICY)
		attr.sched_policy = SCHED_KEEP_POLICY;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	if (attr.sched_flags & SCHED_FLAG_KEEP_PARAMS) {
		get_params(t, &attr);
		if (!t->se.custom_slice)
			attr.sched_runtime = 0;
	}
	rc = set_attr(t, &attr);
	task_put(t);
	return rc;
}

long sys_sched_getattr(pid_t pid, struct sched_attr __user *uattr, unsigned int size,
		       unsigned int flags)
{
	struct sched_attr attr = { 0 };
	struct task *t;

	if (!uattr || pid < 0 || size > PAGE_SIZE || size < ATTR_SIZE_MIN || flags)
		return -EINVAL;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	attr.sched_policy = t->policy;
	if (t->reset_on_fork)
		attr.sched_flags = SCHED_FLAG_RESET_ON_FORK;
	get_params(t, &attr);
	task_put(t);
	attr.size = MIN(size, (u32)sizeof(attr));
	return copy_to_user(uattr, &attr, attr.size) ? -EFAULT : 0;
}

long sys_sched_get_priority_max(int policy)
{
	if (policy < 0 || !policy_known((u32)policy))
		return -EINVAL;
	return policy_is_rt((u32)policy) ? RT_PRIO_MAX : 0;
}

long sys_sched_get_priority_min(int policy)
{
	if (policy < 0 || !policy_known((u32)policy))
		return -EINVAL;
	return policy_is_rt((u32)policy) ? 1 : 0;
}

long sys_sched_rr_get_interval(pid_t pid, struct __kernel_timespec __user *interval)
{
	struct task *t;
	u64 ns;

	if (pid < 0)
		return -EINVAL;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	ns = t->policy == SCHED_FIFO ? 0 : t->policy == SCHED_RR ? (u64)RR_SLICE : t->se.slice;
	task_put(t);
	return timespec_to_user((ktime_t)ns, interval);
}

long sys_sched_yield(void)
{
	sched_yield_current();
	return 0;
}

/* --- affinity --- */

static_assert(NR_HARTS_MAX <= 64, "a hart mask is one word to user space");

long sys_sched_setaffinity(pid_t pid, unsigned int len, unsigned long __user *umask)
{
	unsigned long mask = 0;
	struct task *t;
	long rc;

	if (copy_from_user(&mask, umask, MIN((u64)len, sizeof(mask))))
		return -EFAULT;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	if (t->flags & (TF_BOUND | TF_IDLE))
		rc = -EINVAL;
	else if (!same_owner(t) && !capable(CAP_SYS_NICE))
		rc = -EPERM;
	else
		rc = sched_set_affinity(t, (hartmask_t)mask);
	task_put(t);
	return rc;
}

/* Returns the bytes written. */
long sys_sched_getaffinity(pid_t pid, unsigned int len, unsigned long __user *umask)
{
	unsigned long mask;
	struct task *t;

	if ((u64)len * 8 < nr_harts || len & (sizeof(mask) - 1))
		return -EINVAL;
	t = find_task(pid);
	if (!t)
		return -ESRCH;
	mask = READ_ONCE(t->affinity) & READ_ONCE(harts_online);
	task_put(t);
	return copy_to_user(umask, &mask, sizeof(mask)) ? -EFAULT : (long)sizeof(mask);
}

long sys_getcpu(unsigned int __user *cpu, unsigned int __user *node, void __user *cache)
{
	u32 hart = READ_ONCE(current->hart);

	if (cpu && put_user(hart, cpu))
		return -EFAULT;
	if (node && put_user(0U, node))
		return -EFAULT;
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* capget(2) and capset(2), in the three versions of their structures. */
#include <kernel/cred.h>

#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/syscall.h>

/* Words of 32 capabilities in the version of *header; an unknown one is answered with ours. 0 words: *rc is what to return. */
static u32 words_of_version(struct __user_cap_header_struct __user *header, bool has_data, long *rc)
{
	u32 version;

	*rc = -EFAULT;
	if (get_user(version, &header->version))
		return 0;
	switch (version) {
	case _LINUX_CAPABILITY_VERSION_1:
		return _LINUX_CAPABILITY_U32S_1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		return _LINUX_CAPABILITY_U32S_3;
	}
	if (put_user((u32)_LINUX_CAPABILITY_VERSION_3, &header->version) == 0)
		*rc = has_data ? -EINVAL : 0;
	return 0;
}

static long get_sets(pid_t pid, u64 sets[3])
{
	const struct cred *c;
	struct task *t;
	long rc = -ESRCH;

	rcu_read_lock();
	t = pid ? task_find(pid) : current;
	if (t) {
		c = rcu_dereference(t->cred);
		sets[0] = c->cap_effective;
		sets[1] = c->cap_permitted;
		sets[2] = c->cap_inheritable;
		rc = 0;
	}
	rcu_read_unlock();
	return rc;
}

long sys_capget(struct __user_cap_header_struct __user *header, struct __user_cap_data_struct __user *data)
{
	struct __user_cap_data_struct out[2];
	u64 sets[3];
	pid_t pid;
	long rc;
	u32 words = words_of_version(header, data != NULL, &rc);

	if (!words)
		return rc;
	if (get_user(pid, &header->pid))
		return -EFAULT;
	if (pid < 0)
		return -EINVAL;
	rc = get_sets(pid, sets);
	if (rc || !data)
		return rc;
	for (u32 i = 0; i < words; i++)
		out[i] = (struct __user_cap_data_struct){ (u32)(sets[0] >> (32 * i)), (u32)(sets[1] >> (32 * i)),
							  (u32)(sets[2] >> (32 * i)) };
	return copy_to_user(data, out, words * sizeof(out[0])) ? -EFAULT : 0;
}

/* The rules of capset(2): permitted may only shrink, effective stays within it, inheritable within what one has. */
static bool may_set(const struct cred *old, u64 effective, u64 permitted, u64 inheritable)
{
	if (!capable(CAP_SETPCAP) && (inheritable & ~(old->cap_inheritable | old->cap_permitted)))
		return false;
	if (inheritable & ~(old->cap_inheritable | old->cap_bset))
		return false;
	return !(permitted & ~old->cap_permitted) && !(effective & ~permitted);
}

long sys_capset(struct __user_cap_header_struct __user *header, const struct __user_cap_data_struct __user *data)
{
	struct __user_cap_data_struct in[2] = { 0 };
	u64 effective, permitted, inheritable;
	struct cred *new;
	pid_t pid;
	long rc;
	u32 words = words_of_version(header, true, &rc);

	if (!words)
		return rc;
	if (get_user(pid, &header->pid))
		return -EFAULT;
	if (pid != 0 && pid != current->pid)
		return -EPERM;
	if (copy_from_user(in, data, words * sizeof(in[0])))
		return -EFAULT;
	effective = (in[0].effective | (u64)in[1].effective << 32) & CAP_ALL;
	permitted = (in[0].permitted | (u64)in[1].permitted << 32) & CAP_ALL;
	inheritable = (in[0].inheritable | (u64)in[1].inheritable << 32) & CAP_ALL;
	if (!may_set(current_cred(), effective, permitted, inheritable))
		return -EPERM;
	new = cred_prepare();
	if (!new)
		return -ENOMEM;
	new->cap_effective = effective;
	new->cap_permitted = permitted;
	new->cap_inheritable = inheritable;
	new->cap_ambient &= permitted & inheritable;
	return cred_commit(new);
}

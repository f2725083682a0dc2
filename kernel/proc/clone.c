/* SPDX-License-Identifier: MIT */
/*
 * clone(2), clone3(2), unshare(2), setns(2): what combinations of CLONE_* flags mean something. Namespaces are not built in: they
 * are answered as by a Linux without them.
 */
#include <kernel/process.h>

#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/vm.h>
#include <linux/sched.h>

#include "proc.h"

#define CLONE_NAMESPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)
#define CLONE_FLAGS_3	 (0xffffffffUL | CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP)
#define SET_TID_MAX	 32 /* levels of pid namespaces Linux knows */

static int namespaces_valid(u64 flags)
{
	if (flags & CLONE_NEWUSER)
		return -EINVAL;
	if (!(flags & CLONE_NAMESPACES))
		return 0;
	return capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
}

/* Rules for every kind of clone: 0 or -errno. */
static int flags_valid(u64 flags)
{
	if ((flags & CLONE_FS) && (flags & (CLONE_NEWNS | CLONE_NEWUSER)))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_PARENT) && (current->group->flags & GROUP_UNKILLABLE))
		return -EINVAL;
	if ((flags & CLONE_THREAD) && (flags & (CLONE_NEWUSER | CLONE_NEWPID)))
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & CLONE_DETACHED))
		return -EINVAL;
	return namespaces_valid(flags);
}

static long clone_checked(const struct clone_args *a)
{
	int rc = flags_valid(a->flags);

	return rc ? rc : do_clone(a);
}

long sys_clone(unsigned long flags, unsigned long newsp, int __user *parent_tid, unsigned long tls, int __user *child_tid)
{
	const struct clone_args a = {
		.flags = (u32)flags & ~(u64)CSIGNAL,
		.pidfd = (u64)parent_tid,
		.child_tid = (u64)child_tid,
		.parent_tid = (u64)parent_tid,
		.exit_signal = flags & CSIGNAL,
		.stack = newsp,
		.tls = tls,
	};

	if ((a.flags & CLONE_PIDFD) && (a.flags & CLONE_PARENT_SETTID))
		return -EINVAL; /* both would be stored in one place */
	return clone_checked(&a);
}

/* --- clone3 --- */

static bool stack_valid(const struct clone_args *a)
{
	if (a->stack == 0)
		return a->stack_size == 0;
	return a->stack_size != 0 && access_ok((void __user *)a->stack, a->stack_size);
}

/* Permission and shape of a wish for a certain number, which takes the place of the pointer to it. */
static int take_set_tid(struct clone_args *a)
{
	pid_t want;

	if (a->set_tid_size > SET_TID_MAX || (!a->set_tid && a->set_tid_size > 0) || (a->set_tid && a->set_tid_size == 0))
		return -EINVAL;
	if (a->set_tid_size == 0)
		return 0;
	if (a->set_tid_size > 1) /* one level of numbers is all there is */
		return -EINVAL;
	if (get_user(want, (pid_t __user *)a->set_tid))
		return -EFAULT;
	if (want < 1 || (u32)want >= READ_ONCE(pid_max))
		return -EINVAL;
	a->set_tid = (u64)want;
	return capable(CAP_CHECKPOINT_RESTORE) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static int args3_valid(const struct clone_args *a, size_t size)
{
	if ((a->exit_signal & ~(u64)CSIGNAL) || a->exit_signal > _NSIG)
		return -EINVAL;
	if ((a->flags & CLONE_INTO_CGROUP) && (a->cgroup > 0x7fffffff || size < CLONE_ARGS_SIZE_VER2))
		return -EINVAL;
	if (a->flags & ~CLONE_FLAGS_3)
		return -EINVAL;
	if (a->flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME)))
		return -EINVAL;
	if ((a->flags & CLONE_SIGHAND) && (a->flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((a->flags & (CLONE_THREAD | CLONE_PARENT)) && a->exit_signal)
		return -EINVAL;
	if (!stack_valid(a))
		return -EINVAL;
	if ((a->flags & CLONE_PIDFD) && (a->flags & CLONE_PARENT_SETTID) && a->pidfd == a->parent_tid)
		return -EINVAL;
	return 0;
}

long sys_clone3(struct clone_args __user *uargs, size_t size)
{
	struct clone_args a = { 0 };
	int rc;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	rc = copy_struct_from_user(&a, sizeof(a), uargs, size);
	if (rc == 0)
		rc = args3_valid(&a, size);
	if (rc == 0)
		rc = take_set_tid(&a);
	if (rc == 0)
		rc = flags_valid(a.flags);
	if (rc == 0 && (a.flags & CLONE_INTO_CGROUP))
		rc = -EBADF; /* no descriptor can be a cgroup's */
	return rc ? rc : do_clone(&a);
}

/* --- unshare --- */

static int fs_unshare(void)
{
	struct fs *old = current->fs, *new;

	if (refcount_read(&old->users) == 1)
		return 0;
	new = fs_fork(old);
	if (!new)
		return -ENOMEM;
	spin_lock(&current->lock);
	current->fs = new;
	spin_unlock(&current->lock);
	fs_put(old);
	return 0;
}

/* Parts that cannot be taken apart once shared. */
static int unshare_valid(u64 flags)
{
	if (flags & ~(u64)(CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM | CLONE_NEWUSER |
			   CLONE_NAMESPACES))
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && !thread_group_empty(current))
		return -EINVAL;
	if ((flags & (CLONE_SIGHAND | CLONE_VM)) && refcount_read(&current->sighand->refs) > 1)
		return -EINVAL;
	if ((flags & CLONE_VM) && refcount_read(&current->mm->users) > 1)
		return -EINVAL;
	return namespaces_valid(flags);
}

long sys_unshare(unsigned long flags)
{
	int rc = unshare_valid(flags);

	if (rc == 0 && (flags & (CLONE_FS | CLONE_NEWNS)))
		rc = fs_unshare();
	if (rc == 0 && (flags & CLONE_FILES))
		rc = files_unshare();
	return rc;
}

/* No descriptor stands for a namespace. */
long sys_setns(int fd, int flags)
{
	struct fd f = fd_get(fd);

	if (!f.file)
		return -EBADF;
	fd_put(f);
	return -EINVAL;
}

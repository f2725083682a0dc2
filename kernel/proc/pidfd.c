/* SPDX-License-Identifier: MIT */
/*
 * pidfds: descriptors that name a process, or with PIDFD_THREAD a thread, and stay its own when the
 * number is given again.
 *
 * The file holds a reference on the struct pid; it names nobody any more once the task was reaped.
 * Poll reports EPOLLIN when the process (thread) exited and EPOLLHUP when it was reaped, too;
 * pidfd_notify_exit() wakes pollers.
 */
#include <kernel/pid.h>

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/poll.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/seq_file.h>
#include <kernel/syscall.h>
#include <linux/pidfd.h>

void pidfd_notify_exit(struct task *t)
{
	struct pid *pid = t->pids[PIDTYPE_PID];

	if (unlikely(wait_queue_active(&pid->wait)))
		wait_wake(&pid->wait, TASK_NORMAL, 0, (void *)(u64)(EPOLLIN | EPOLLRDNORM));
}

static u32 pidfd_poll(struct file *file, struct poll_table *pt)
{
	struct pid *pid = file->data;
	struct task *t;
	u32 mask = 0;

	poll_wait(file, &pid->wait, pt);
	rcu_read_lock();
	t = pid_task(pid, PIDTYPE_PID);
	if (!t)
		mask = EPOLLIN | EPOLLRDNORM | EPOLLHUP;
	else if (READ_ONCE(t->exit_state) &&
		 ((file->flags & PIDFD_THREAD) || t->group->nr_threads <= 1))
		mask = EPOLLIN | EPOLLRDNORM;
	rcu_read_unlock();
	return mask;
}

static void pidfd_release(struct inode *inode, struct file *file) { pid_put(file->data); }

/* Only the initial pid namespace exists. A number that may have been given again is not told. */
static void pidfd_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct pid *pid = file->data;
	pid_t nr;

	rcu_read_lock();
	nr = pid_task(pid, PIDTYPE_PID) ? pid->nr : -1;
	rcu_read_unlock();
	seq_printf(m, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_show_fdinfo,
};

struct pid *pidfd_pid(struct file *f) { return f->ops == &pidfd_ops ? f->data : ERR_PTR(-EBADF); }

int pidfd_create(struct pid *p, u32 flags, struct file **out)
{
	int fd = fd_alloc(0, O_CLOEXEC);
	struct file *f;

	if (fd < 0)
		return fd;
	f = anon_file("[pidfd]", &pidfd_ops, p, O_RDWR | (flags & PIDFD_NONBLOCK));
	if (IS_ERR(f)) {
		fd_release(fd);
		return (int)PTR_ERR(f);
	}
	pid_get(p);
	f->flags |= flags & PIDFD_THREAD;
	*out = f;
	return fd;
}

static bool pid_names(struct pid *pid, enum pid_type type)
{
	bool names;

	rcu_read_lock();
	names = pid_task(pid, type) != NULL;
	rcu_read_unlock();
	return names;
}

long sys_pidfd_open(pid_t nr, unsigned int flags)
{
	struct pid *pid;
	struct file *f;
	int fd;

	if (flags & ~(u32)(PIDFD_NONBLOCK | PIDFD_THREAD) || nr <= 0)
		return -EINVAL;
	pid = pid_find_get(nr);
	if (!pid)
		return -ESRCH;
	fd = pid_names(pid, flags & PIDFD_THREAD ? PIDTYPE_PID : PIDTYPE_TGID)
		     ? pidfd_create(pid, flags, &f)
		     : -EINVAL;
	if (fd >= 0)
		fd_install(fd, f);
	pid_put(pid);
	return fd;
}

/* --- pidfd_getfd --- */

static struct task *pid_task_get(struct pid *pid)
{
	struct task *t;

	rcu_read_lock();
	t = pid_task(pid, PIDTYPE_PID);
	if (t && !refcount_get_unless_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

/* A file of another task; ERR_PTR. */
static struct file *take_file(struct pid *pid, u32 fd)
{
	struct task *t = pid_task_get(pid);
	struct file *f;

	if (!t)
		return ERR_PTR(-ESRCH);
	if (may_inspect(t, 1))
		f = ERR_PTR(-EPERM);
	else
		f = file_get_task_fd(t, fd, NULL)
			    ?: ERR_PTR(t->flags & TF_EXITING ? -ESRCH : -EBADF);
	task_put(t);
	return f;
}

static int install_file(struct file *f)
{
	int fd = fd_alloc(0, O_CLOEXEC);

	if (fd < 0)
		file_put(f);
	else
		fd_install(fd, f);
	return fd;
}

long sys_pidfd_getfd(int pidfd, int fd, unsigned int flags)
{
	struct pid *pid;
	struct file *f;
	struct fd p;

	if (flags)
		return -EINVAL;
	p = fd_get(pidfd);
	if (!p.file)
		return -EBADF;
	pid = pidfd_pid(p.file);
	f = IS_ERR(pid) ? ERR_CAST(pid) : take_file(pid, (u32)fd);
	fd_put(p);
	return IS_ERR(f) ? PTR_ERR(f) : install_file(f);
}

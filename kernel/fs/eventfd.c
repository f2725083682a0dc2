/* SPDX-License-Identifier: MIT */
/*
 * eventfd: a 64-bit counter that readers take and writers add to, never past 2^64 - 2.
 *
 * Locks: the counter under wait.lock, so that one lock covers change and wake-up.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/poll.h>
#include <kernel/seq_file.h>
#include <kernel/syscall.h>
#include <kernel/uio.h>
#include <linux/eventfd.h>

#define COUNT_MAX (~0UL - 1)

struct eventfd {
	struct wait_queue wait;
	u64 count; /* [wait.lock] */
	bool semaphore;
};

/* Takes the counter (or one of it): 0 when there was nothing. */
static u64 take(struct eventfd *e)
{
	u64 v;

	spin_lock_irq(&e->wait.lock);
	v = e->count;
	if (v) {
		v = e->semaphore ? 1 : v;
		e->count -= v;
		if (!list_empty(&e->wait.head))
			wait_wake_locked(&e->wait, TASK_NORMAL, 1, (void *)(u64)EPOLLOUT);
	}
	spin_unlock_irq(&e->wait.lock);
	return v;
}

static bool add(struct eventfd *e, u64 v)
{
	bool fits;

	spin_lock_irq(&e->wait.lock);
	fits = COUNT_MAX - e->count >= v;
	if (fits) {
		e->count += v;
		if (!list_empty(&e->wait.head))
			wait_wake_locked(&e->wait, TASK_NORMAL, 1, (void *)(u64)EPOLLIN);
	}
	spin_unlock_irq(&e->wait.lock);
	return fits;
}

static __noinline int wait_readable(struct eventfd *e, bool nonblock)
{
	return nonblock ? -EAGAIN : wait_event_interruptible_exclusive(&e->wait, READ_ONCE(e->count));
}

static __noinline int wait_room(struct eventfd *e, u64 v, bool nonblock)
{
	return nonblock ? -EAGAIN : wait_event_interruptible(&e->wait, COUNT_MAX - READ_ONCE(e->count) >= v);
}

static ssize_t __no_canary eventfd_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct eventfd *e = f->data;
	u64 v;
	int rc;

	if (u->left < sizeof(v))
		return -EINVAL;
	while (unlikely(!(v = take(e)))) {
		rc = wait_readable(e, (f->flags & O_NONBLOCK) || u->nowait);
		if (rc)
			return rc;
	}
	return copy_to_uio(&v, sizeof(v), u) == sizeof(v) ? (ssize_t)sizeof(v) : -EFAULT;
}

static ssize_t __no_canary eventfd_write(struct file *f, struct uio *u, loff_t *pos)
{
	struct eventfd *e = f->data;
	u64 v;
	int rc;

	if (u->left < sizeof(v))
		return -EINVAL;
	if (copy_from_uio(&v, sizeof(v), u) != sizeof(v))
		return -EFAULT;
	if (v == ~0UL)
		return -EINVAL;
	while (unlikely(!add(e, v))) {
		rc = wait_room(e, v, f->flags & O_NONBLOCK);
		if (rc)
			return rc;
	}
	return sizeof(v);
}

static u32 eventfd_poll(struct file *f, struct poll_table *pt)
{
	struct eventfd *e = f->data;
	u64 count;

	poll_wait(f, &e->wait, pt);
	count = READ_ONCE(e->count);
	return (count ? EPOLLIN | EPOLLRDNORM : 0) | (count < COUNT_MAX ? EPOLLOUT | EPOLLWRNORM : 0) |
	       (count == ~0UL ? EPOLLERR : 0);
}

static void eventfd_release(struct inode *inode, struct file *f)
{
	kfree(f->data);
}

static void eventfd_show(struct seq_file *m, struct file *f)
{
	struct eventfd *e = f->data;

	seq_printf(m, "eventfd-count: %16llx\neventfd-semaphore: %d\n", (unsigned long long)e->count, e->semaphore);
}

static const struct file_ops eventfd_fops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
	.show_fdinfo = eventfd_show,
	.llseek = noop_llseek,
};

long sys_eventfd2(unsigned int count, int flags)
{
	struct eventfd *e;
	int fd;

	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	wait_queue_init(&e->wait);
	e->count = count;
	e->semaphore = flags & EFD_SEMAPHORE;
	fd = anon_fd("[eventfd]", &eventfd_fops, e, O_RDWR | ((u32)flags & (O_CLOEXEC | O_NONBLOCK)));
	if (fd < 0)
		kfree(e);
	return fd;
}

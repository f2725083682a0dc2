/* SPDX-License-Identifier: MIT */
/*
 * Pipes and FIFOs.
 *
 * A pipe belongs to an inode: an anonymous one for pipe2(), the FIFO's own while it is open. Writes append to the last
 * page when it is the pipe's own and has room for the whole rest, else take new slots; so up to PIPE_BUF bytes go in at
 * once or wait. Readers and writers are woken when the ring stops being empty or full, pollers on every change.
 */
#include <kernel/pipe.h>

#include <kernel/errno.h>
#include <kernel/poll.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uio.h>
#include <asm/ioctls.h>
#include <linux/limits.h>
#include <linux/stat.h>

u32 sysctl_pipe_max_size = PIPE_MAX_SIZE;

struct pipe *pipe_of(struct file *f)
{
	return S_ISFIFO(f->inode->mode) && !(f->mode & FMODE_PATH) ? f->inode->pipe : NULL;
}

/* --- life --- */

static struct pipe *pipe_alloc(void)
{
	struct pipe *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->bufs = kzalloc(PIPE_DEF_BUFFERS * sizeof(*p->bufs), GFP_KERNEL);
	if (!p->bufs) {
		kfree(p);
		return NULL;
	}
	p->ring_size = PIPE_DEF_BUFFERS;
	mutex_init(&p->lock, RANK_PIPE);
	wait_queue_init(&p->read_wait);
	wait_queue_init(&p->write_wait);
	return p;
}

static void pipe_destroy(struct pipe *p)
{
	while (p->tail != p->head)
		page_put(pipe_slot(p, p->tail++)->page);
	if (p->spare)
		page_put(p->spare);
	kfree(p->bufs);
	kfree(p);
}

void pipe_lock_two(struct pipe *a, struct pipe *b)
{
	mutex_lock(a < b ? &a->lock : &b->lock);
	mutex_lock_nested(a < b ? &b->lock : &a->lock);
}

void pipe_unlock_two(struct pipe *a, struct pipe *b)
{
	mutex_unlock(&a->lock);
	mutex_unlock(&b->lock);
}

void pipe_wake_readers(struct pipe *p)
{
	if (wait_queue_active(&p->read_wait))
		wake_up_poll(&p->read_wait, EPOLLIN | EPOLLRDNORM);
}

void pipe_wake_writers(struct pipe *p)
{
	if (wait_queue_active(&p->write_wait))
		wake_up_poll(&p->write_wait, EPOLLOUT | EPOLLWRNORM);
}

void pipe_drop_slot(struct pipe *p)
{
	struct pipe_buffer *b = pipe_slot(p, p->tail);

	/* An unshared page of our own is kept for the next write. */
	if (!p->spare && b->mergeable && refcount_read(&b->page->refs) == 1)
		p->spare = b->page;
	else
		page_put(b->page);
	b->page = NULL;
	WRITE_ONCE(p->tail, p->tail + 1);
}

int pipe_wait_readable(struct pipe *p, bool nonblock)
{
	int rc;

	if (nonblock)
		return -EAGAIN;
	mutex_unlock(&p->lock);
	rc = wait_event_interruptible_exclusive(&p->read_wait, !pipe_empty(p) || !READ_ONCE(p->writers));
	mutex_lock(&p->lock);
	return rc;
}

int pipe_wait_writable(struct pipe *p, bool nonblock)
{
	int rc;

	if (!p->readers) {
		send_signal_thread(current, SIGPIPE, SEND_SIG_USER);
		return -EPIPE;
	}
	if (nonblock)
		return -EAGAIN;
	mutex_unlock(&p->lock);
	rc = wait_event_interruptible_exclusive(&p->write_wait, !pipe_full(p) || !READ_ONCE(p->readers));
	mutex_lock(&p->lock);
	return rc;
}

/* --- read and write --- */

static ssize_t __no_canary pipe_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct pipe *p = f->inode->pipe;
	bool nonblock = (f->flags & O_NONBLOCK) || u->nowait, wake = false;
	ssize_t done = 0;
	int rc = 0;

	if (!u->left)
		return 0;
	mutex_lock(&p->lock);
	while (u->left) {
		struct pipe_buffer *b;
		u64 n, copied;
		bool packet;

		if (p->head == p->tail) {
			if (!p->writers || done)
				break;
			rc = pipe_wait_readable(p, nonblock);
			if (rc)
				break;
			continue;
		}
		b = pipe_slot(p, p->tail);
		packet = b->packet;
		n = MIN((u64)b->len, u->left);
		copied = copy_to_uio((u8 *)page_to_virt(b->page) + b->offset, n, u);
		done += (ssize_t)copied;
		b->offset += (u32)copied;
		b->len -= (u32)copied;
		if (copied < n) {
			rc = -EFAULT;
			break;
		}
		if (b->len == 0 || packet) {
			wake |= p->head - p->tail >= p->ring_size || p->poll_used;
			pipe_drop_slot(p);
		}
		if (packet)
			break;
	}
	/* More to read: the next exclusive reader may go on. */
	if (p->head != p->tail && !list_empty(&p->read_wait.head))
		pipe_wake_readers(p);
	mutex_unlock(&p->lock);
	if (wake)
		pipe_wake_writers(p);
	if (done)
		file_accessed(f);
	return done ? done : rc;
}

/* Appends to the last page when all of n fits. Bytes copied; -EFAULT. */
static ssize_t merge(struct pipe *p, struct uio *u, u64 n)
{
	struct pipe_buffer *b;
	u64 copied;

	if (p->head == p->tail)
		return 0;
	b = pipe_slot(p, p->head - 1);
	if (!b->mergeable || b->packet || b->offset + b->len + n > PAGE_SIZE)
		return 0;
	copied = copy_from_uio((u8 *)page_to_virt(b->page) + b->offset + b->len, n, u);
	b->len += (u32)copied;
	return copied < n ? -EFAULT : (ssize_t)copied;
}

/* A page of its own for up to PAGE_SIZE bytes. */
static ssize_t append(struct pipe *p, struct uio *u, bool packet)
{
	struct page *page = p->spare ? p->spare : page_alloc(GFP_USER, 0);
	u64 n = MIN(u->left, PAGE_SIZE), copied;

	if (!page)
		return -ENOMEM;
	p->spare = page; /* kept when the copy fails */
	copied = copy_from_uio(page_to_virt(page), n, u);
	if (!copied)
		return -EFAULT;
	p->spare = NULL;
	*pipe_slot(p, p->head) = (struct pipe_buffer){ .page = page, .len = (u32)copied, .mergeable = true, .packet = packet };
	WRITE_ONCE(p->head, p->head + 1);
	return (ssize_t)copied;
}

static ssize_t __no_canary pipe_write(struct file *f, struct uio *u, loff_t *pos)
{
	struct pipe *p = f->inode->pipe;
	bool nonblock = (f->flags & O_NONBLOCK) || u->nowait, packet = f->flags & O_DIRECT, wake = false;
	ssize_t done = 0, n;
	u64 tail_bytes;
	int rc = 0;

	if (!u->left)
		return 0;
	mutex_lock(&p->lock);
	if (!p->readers) {
		rc = pipe_wait_writable(p, true);
		goto out;
	}
	/* What does not fill a page goes behind what is there, so that small writes share pages. */
	tail_bytes = u->left & (PAGE_SIZE - 1);
	if (tail_bytes && !packet) {
		bool was_empty = p->head == p->tail;

		n = merge(p, u, tail_bytes);
		if (n < 0) {
			rc = (int)n;
			goto out;
		}
		done += n;
		wake |= n && (was_empty || p->poll_used);
	}
	while (u->left) {
		if (!p->readers || p->head - p->tail >= p->ring_size) {
			if (wake && p->readers) {
				pipe_wake_readers(p);
				wake = false;
			}
			rc = pipe_wait_writable(p, nonblock);
			if (rc)
				break;
			continue;
		}
		wake |= p->head == p->tail || p->poll_used;
		n = append(p, u, packet);
		if (n < 0) {
			rc = (int)n;
			break;
		}
		done += n;
	}
	if (p->head - p->tail < p->ring_size && !list_empty(&p->write_wait.head))
		pipe_wake_writers(p);
out:
	mutex_unlock(&p->lock);
	if (wake)
		pipe_wake_readers(p);
	if (done > 0 && !(f->inode->flags & S_PRIVATE_FLAG))
		file_update_mtime(f);
	return done ? done : rc;
}

static void poll_add(struct file *f, struct pipe *p, struct poll_table *pt)
{
	WRITE_ONCE(p->poll_used, true);
	if (f->mode & FMODE_READ)
		poll_wait(f, &p->read_wait, pt);
	if (f->mode & FMODE_WRITE)
		poll_wait(f, &p->write_wait, pt);
}

static __always_inline u32 poll_mask(const struct file *f, struct pipe *p)
{
	u32 mask = 0;

	if (f->mode & FMODE_READ) {
		if (!pipe_empty(p))
			mask |= EPOLLIN | EPOLLRDNORM;
		/* A FIFO nobody has opened for writing since this reader came is not at its end. */
		if (!READ_ONCE(p->writers) && (u64)f->data != READ_ONCE(p->writer_opens))
			mask |= EPOLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (!pipe_full(p))
			mask |= EPOLLOUT | EPOLLWRNORM;
		if (!READ_ONCE(p->readers))
			mask |= EPOLLERR;
	}
	return mask;
}

static __noinline u32 poll_and_add(struct file *f, struct poll_table *pt)
{
	poll_add(f, f->inode->pipe, pt);
	return poll_mask(f, f->inode->pipe);
}

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	if (unlikely(pt && pt->add))
		return poll_and_add(f, pt);
	return poll_mask(f, f->inode->pipe);
}

static u64 pipe_bytes(struct pipe *p)
{
	u64 n = 0;

	mutex_lock(&p->lock);
	for (u32 i = p->tail; i != p->head; i++)
		n += pipe_slot(p, i)->len;
	mutex_unlock(&p->lock);
	return n;
}

static long pipe_ioctl(struct file *f, u32 cmd, unsigned long arg)
{
	if (cmd == FIONREAD)
		return put_user((int)pipe_bytes(f->inode->pipe), (int __user *)arg);
	return -ENOIOCTLCMD;
}

static int pipe_fasync(struct file *f, bool on)
{
	return 0;
}

/* Drops one file's share; frees the pipe with the last. */
static void pipe_put(struct inode *inode, struct pipe *p)
{
	bool last;

	spin_lock(&inode->lock);
	last = --p->files == 0;
	if (last)
		inode->pipe = NULL;
	spin_unlock(&inode->lock);
	if (last)
		pipe_destroy(p);
}

static void pipe_release(struct inode *inode, struct file *f)
{
	struct pipe *p = inode->pipe;

	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ)
		p->readers--;
	if (f->mode & FMODE_WRITE)
		p->writers--;
	/* The other side learns that it is alone, or that a FIFO's partner left. */
	if (!p->readers != !p->writers) {
		wait_wake(&p->read_wait, TASK_NORMAL, 0, (void *)(u64)(EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP));
		wait_wake(&p->write_wait, TASK_NORMAL, 0, (void *)(u64)(EPOLLOUT | EPOLLWRNORM | EPOLLERR | EPOLLHUP));
	}
	mutex_unlock(&p->lock);
	pipe_put(inode, p);
}

static const struct file_ops pipe_fops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fasync = pipe_fasync,
	.release = pipe_release,
};

/* --- FIFOs --- */

/* The FIFO's pipe with one more file; made by the first opener. */
static struct pipe *fifo_pipe(struct inode *inode)
{
	struct pipe *fresh = NULL, *p;

	for (;;) {
		spin_lock(&inode->lock);
		p = inode->pipe;
		if (!p && fresh) {
			p = inode->pipe = fresh;
			fresh = NULL;
		}
		if (p)
			p->files++;
		spin_unlock(&inode->lock);
		if (p)
			break;
		fresh = pipe_alloc();
		if (!fresh)
			return NULL;
	}
	if (fresh)
		pipe_destroy(fresh);
	return p;
}

/* Until a partner has opened since `seen` was read. lock held on entry and return. */
static int wait_partner(struct pipe *p, const u32 *opens)
{
	u32 seen = *opens;
	int rc;

	mutex_unlock(&p->lock);
	rc = wait_event_interruptible(&p->read_wait, READ_ONCE(*opens) != seen);
	mutex_lock(&p->lock);
	return rc;
}

static int fifo_open(struct inode *inode, struct file *f)
{
	struct pipe *p = fifo_pipe(inode);
	u32 mode = f->mode & (FMODE_READ | FMODE_WRITE);
	int rc = 0;

	if (!p)
		return -ENOMEM;
	f->ops = &pipe_fops;
	f->data = NULL;
	f->mode |= FMODE_STREAM;
	f->mode &= ~(u32)(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
	mutex_lock(&p->lock);
	if (mode == FMODE_WRITE && (f->flags & O_NONBLOCK) && !p->readers) {
		rc = -ENXIO;
		goto fail;
	}
	if (mode & FMODE_READ) {
		p->readers++;
		WRITE_ONCE(p->reader_opens, p->reader_opens + 1);
	}
	if (mode & FMODE_WRITE) {
		p->writers++;
		WRITE_ONCE(p->writer_opens, p->writer_opens + 1);
	}
	wake_up_all(&p->read_wait);
	wake_up_all(&p->write_wait);
	if (mode == FMODE_READ && !p->writers) {
		if (f->flags & O_NONBLOCK)
			f->data = (void *)(u64)p->writer_opens; /* no hang-up until a writer came and went */
		else
			rc = wait_partner(p, &p->writer_opens);
	} else if (mode == FMODE_WRITE && !p->readers) {
		rc = wait_partner(p, &p->reader_opens);
	}
	if (rc == 0) {
		mutex_unlock(&p->lock);
		return 0;
	}
	if (mode & FMODE_READ)
		p->readers--;
	if (mode & FMODE_WRITE)
		p->writers--;
	wake_up_all(&p->read_wait);
	wake_up_all(&p->write_wait);
fail:
	mutex_unlock(&p->lock);
	pipe_put(inode, p);
	return rc;
}

const struct file_ops fifo_fops = { .open = fifo_open };

/* --- pipe2 and sizes --- */

static struct file *pipe_end(struct inode *inode, u32 flags)
{
	struct file *f;

	inode_get(inode);
	f = inode_file(inode, "pipe", &pipe_fops, flags);
	if (IS_ERR(f))
		inode_put(inode);
	else
		f->mode |= FMODE_STREAM;
	return f;
}

static int pipe_files(u32 flags, struct file **ends)
{
	struct inode *inode = anon_inode_new(S_IFIFO | 0600);
	struct pipe *p = pipe_alloc();
	int rc = -ENFILE;

	if (!inode || !p) {
		rc = -ENOMEM;
		goto fail;
	}
	p->readers = p->writers = 1;
	p->reader_opens = p->writer_opens = 1;
	p->files = 2;
	inode->pipe = p;
	ends[0] = pipe_end(inode, O_RDONLY | (flags & O_NONBLOCK));
	if (IS_ERR(ends[0])) {
		rc = (int)PTR_ERR(ends[0]);
		goto fail_pipe;
	}
	ends[1] = pipe_end(inode, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
	if (IS_ERR(ends[1])) {
		rc = (int)PTR_ERR(ends[1]);
		p->files = 1;
		p->writers = 0;
		file_put(ends[0]); /* frees the pipe */
		inode_put(inode);
		return rc;
	}
	inode_put(inode);
	return 0;
fail_pipe:
	inode->pipe = NULL;
fail:
	if (p)
		pipe_destroy(p);
	if (inode)
		inode_put(inode);
	return rc;
}

long sys_pipe2(int __user *ufds, int flags)
{
	struct file *ends[2] = { NULL, NULL };
	int fds[2], rc;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL))
		return -EINVAL;
	if (flags & O_EXCL) /* notification pipes: a kernel without watch queues */
		return -ENOPKG;
	rc = pipe_files((u32)flags, ends);
	if (rc)
		return rc;
	fds[0] = rc = fd_alloc(0, (u32)flags & O_CLOEXEC);
	if (rc < 0)
		goto put_files;
	fds[1] = rc = fd_alloc(0, (u32)flags & O_CLOEXEC);
	if (rc < 0)
		goto release_first;
	rc = -EFAULT;
	if (copy_to_user(ufds, fds, sizeof(fds)))
		goto release_both;
	fd_install(fds[0], ends[0]);
	fd_install(fds[1], ends[1]);
	return 0;
release_both:
	fd_release(fds[1]);
release_first:
	fd_release(fds[0]);
put_files:
	file_put(ends[0]);
	file_put(ends[1]);
	return rc;
}

/* Slots for at least `size` bytes; -EBUSY when more is in the pipe now. */
static long pipe_resize(struct pipe *p, u64 size)
{
	u32 slots = 1, used;
	struct pipe_buffer *bufs;

	if (size == 0 || size > 1UL << 31)
		return -EINVAL;
	while ((u64)slots * PAGE_SIZE < size)
		slots *= 2;
	if (slots > p->ring_size && (u64)slots * PAGE_SIZE > sysctl_pipe_max_size && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if ((u64)slots * sizeof(*bufs) > KMALLOC_MAX)
		return -ENOMEM;
	bufs = kzalloc(slots * sizeof(*bufs), GFP_KERNEL);
	if (!bufs)
		return -ENOMEM;
	mutex_lock(&p->lock);
	used = p->head - p->tail;
	if (used > slots) {
		mutex_unlock(&p->lock);
		kfree(bufs);
		return -EBUSY;
	}
	for (u32 i = 0; i < used; i++)
		bufs[i] = *pipe_slot(p, p->tail + i);
	kfree(p->bufs);
	p->bufs = bufs;
	p->ring_size = slots;
	p->tail = 0;
	p->head = used;
	mutex_unlock(&p->lock);
	pipe_wake_writers(p);
	return (long)slots * (long)PAGE_SIZE;
}

long pipe_fcntl(struct file *f, u32 cmd, unsigned long arg)
{
	struct pipe *p = pipe_of(f);

	if (!p)
		return -EBADF;
	if (cmd == F_GETPIPE_SZ)
		return (long)p->ring_size * (long)PAGE_SIZE;
	return pipe_resize(p, arg);
}

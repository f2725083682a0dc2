/* SPDX-License-Identifier: MIT */
/*
 * splice, tee, vmsplice, sendfile and copy_file_range: data from file to file without passing user space.
 *
 * From a cached file into a pipe pages are referenced, not copied; from a pipe into a file they are written from where
 * they lie. Everything else goes through one page of the kernel's.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/pagecache.h>
#include <kernel/pipe.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/uio.h>
#include <linux/fs.h>

/* The interface's numbers, which no UAPI header gives. */
#define SPLICE_F_MOVE	   1
#define SPLICE_F_NONBLOCK  2
#define SPLICE_F_MORE	   4
#define SPLICE_F_GIFT	   8
#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)
#define LEN_MAX	     0x7ffff000UL /* as read and write: MAX_RW_COUNT */

/* Pages of the file's cache can be handed out as they are. */
static bool cached(const struct file *f)
{
	return S_ISREG(f->inode->mode) && f->mapping && f->ops->read == pagecache_file_read;
}

/* One page's worth of `in` at *pos: a referenced page, *offset and *len of the data in it (0: end of file). ERR_PTR. */
static struct page *read_page(struct file *in, loff_t *pos, size_t want, u32 *offset, u32 *len)
{
	struct page *page;
	ssize_t n;

	if (cached(in)) {
		loff_t left = READ_ONCE(in->inode->size) - *pos;

		*offset = (u32)(*pos & (loff_t)(PAGE_SIZE - 1));
		*len = left <= 0 ? 0 : (u32)MIN(MIN((u64)left, PAGE_SIZE - *offset), (u64)want);
		if (*len == 0)
			return NULL;
		page = pagecache_read(in->mapping, in, (u64)*pos >> PAGE_SHIFT);
		if (!IS_ERR(page)) {
			*pos += *len;
			file_accessed(in);
		}
		return page;
	}
	page = page_alloc(GFP_USER, 0);
	if (!page)
		return ERR_PTR(-ENOMEM);
	n = kernel_read(in, page_to_virt(page), MIN(want, PAGE_SIZE), pos);
	if (n <= 0) {
		page_put(page);
		return n ? ERR_PTR(n) : NULL;
	}
	*offset = 0;
	*len = (u32)n;
	return page;
}

/* --- file to pipe, pipe to file, pipe to pipe --- */

static ssize_t file_to_pipe(struct file *in, loff_t *pos, struct pipe *p, size_t len, bool nonblock)
{
	ssize_t done = 0;
	int rc = 0;

	while (len) {
		struct page *page;
		u32 offset, n;
		bool full;

		mutex_lock(&p->lock);
		full = p->readers && p->head - p->tail >= p->ring_size;
		if (full && done) {
			mutex_unlock(&p->lock);
			break;
		}
		rc = !p->readers || full ? pipe_wait_writable(p, nonblock) : 0;
		mutex_unlock(&p->lock);
		if (rc)
			break;
		page = read_page(in, pos, len, &offset, &n);
		if (IS_ERR_OR_NULL(page)) {
			rc = page ? (int)PTR_ERR(page) : 0;
			break;
		}
		mutex_lock(&p->lock);
		/* Another writer may have filled it meanwhile: wait again, the data is in hand. */
		while (rc == 0 && (!p->readers || p->head - p->tail >= p->ring_size))
			rc = pipe_wait_writable(p, false);
		if (rc == 0) {
			*pipe_slot(p, p->head) = (struct pipe_buffer){ .page = page, .offset = offset, .len = n };
			WRITE_ONCE(p->head, p->head + 1);
		}
		mutex_unlock(&p->lock);
		if (rc) {
			page_put(page);
			*pos -= n;
			break;
		}
		pipe_wake_readers(p);
		done += n;
		len -= n;
	}
	return done ? done : rc;
}

static ssize_t pipe_to_file(struct pipe *p, struct file *out, loff_t *pos, size_t len, bool nonblock)
{
	ssize_t done = 0, n;
	int rc = 0;

	mutex_lock(&p->lock);
	while (len) {
		struct pipe_buffer b;

		if (p->head == p->tail) {
			if (!p->writers || done)
				break;
			rc = pipe_wait_readable(p, nonblock);
			if (rc)
				break;
			continue;
		}
		b = *pipe_slot(p, p->tail);
		page_get(b.page);
		/* The write may sleep long and take inode locks, which come before the pipe's: without it. */
		mutex_unlock(&p->lock);
		n = kernel_write(out, (u8 *)page_to_virt(b.page) + b.offset, MIN((size_t)b.len, len), pos);
		page_put(b.page);
		mutex_lock(&p->lock);
		if (n <= 0) {
			rc = (int)n;
			break;
		}
		done += n;
		len -= (size_t)n;
		/* Unless another reader was faster, the bytes written leave the pipe. */
		if (p->head != p->tail && pipe_slot(p, p->tail)->page == b.page) {
			struct pipe_buffer *slot = pipe_slot(p, p->tail);
			u32 gone = MIN((u32)n, slot->len);

			slot->offset += gone;
			slot->len -= gone;
			if (slot->len == 0) {
				pipe_drop_slot(p);
				pipe_wake_writers(p);
			}
		}
	}
	mutex_unlock(&p->lock);
	return done ? done : rc;
}

/* Waits until `in` has data and `out` has room. No lock held. */
static int wait_both(struct pipe *in, struct pipe *out, bool nonblock)
{
	int rc = 0;

	mutex_lock(&in->lock);
	while (rc == 0 && in->head == in->tail && in->writers)
		rc = pipe_wait_readable(in, nonblock);
	mutex_unlock(&in->lock);
	if (rc)
		return rc;
	mutex_lock(&out->lock);
	while (rc == 0 && (!out->readers || out->head - out->tail >= out->ring_size))
		rc = pipe_wait_writable(out, nonblock);
	mutex_unlock(&out->lock);
	return rc;
}

/* Moves (or with `copy` duplicates) slots from one pipe to another, splitting the last. */
static ssize_t pipe_to_pipe(struct pipe *in, struct pipe *out, size_t len, bool nonblock, bool copy)
{
	ssize_t done = 0;
	u32 i;
	int rc;

	do {
		rc = wait_both(in, out, nonblock);
		if (rc)
			return rc;
		pipe_lock_two(in, out);
		for (i = in->tail; i != in->head && len && out->head - out->tail < out->ring_size;) {
			struct pipe_buffer *from = pipe_slot(in, i), *to = pipe_slot(out, out->head);
			u32 n = (u32)MIN((size_t)from->len, len);

			page_get(from->page);
			*to = *from;
			to->len = n;
			to->mergeable = false;
			WRITE_ONCE(out->head, out->head + 1);
			done += n;
			len -= n;
			if (!copy) {
				from->offset += n;
				from->len -= n;
				if (from->len == 0)
					pipe_drop_slot(in);
				i = in->tail;
				if (from->len)
					break;
			} else {
				i++;
			}
		}
		/* Shared pages may no longer be appended to. */
		for (u32 j = in->tail; copy && j != i; j++)
			pipe_slot(in, j)->mergeable = false;
		rc = done || !in->writers;
		pipe_unlock_two(in, out);
	} while (!rc && len);
	pipe_wake_readers(out);
	if (!copy)
		pipe_wake_writers(in);
	return done;
}

/* --- the calls --- */

/* The position a call works at: the caller's own, or the file's. 0, -EFAULT, -EINVAL. */
static int get_offset(struct file *f, const loff_t __user *uoff, loff_t *pos)
{
	if (!uoff) {
		*pos = f->pos;
		return 0;
	}
	if (copy_from_user(pos, uoff, sizeof(*pos)))
		return -EFAULT;
	return *pos < 0 ? -EINVAL : 0;
}

static int put_offset(struct file *f, loff_t __user *uoff, loff_t pos)
{
	if (!uoff) {
		f->pos = pos;
		return 0;
	}
	return copy_to_user(uoff, &pos, sizeof(pos)) ? -EFAULT : 0;
}

static ssize_t do_splice(struct file *in, loff_t __user *off_in, struct file *out, loff_t __user *off_out, size_t len, u32 flags)
{
	struct pipe *pin = pipe_of(in), *pout = pipe_of(out);
	bool nonblock = flags & SPLICE_F_NONBLOCK;
	loff_t pos;
	ssize_t n;
	int rc;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (pin && pout) {
		if (off_in || off_out)
			return -ESPIPE;
		if (pin == pout)
			return -EINVAL;
		nonblock |= ((in->flags | out->flags) & O_NONBLOCK) != 0;
		return pipe_to_pipe(pin, pout, len, nonblock, false);
	}
	if (pin) {
		if (off_in)
			return -ESPIPE;
		if (off_out && !(out->mode & FMODE_PWRITE))
			return -EINVAL;
		if (out->flags & O_APPEND)
			return -EINVAL;
		if (!out->ops->write)
			return -EINVAL;
		rc = get_offset(out, off_out, &pos);
		if (rc)
			return rc;
		n = pipe_to_file(pin, out, &pos, len, nonblock || (in->flags & O_NONBLOCK));
		return n > 0 && put_offset(out, off_out, pos) ? -EFAULT : n;
	}
	if (!pout)
		return -EINVAL;
	if (off_out)
		return -ESPIPE;
	if (off_in && !(in->mode & FMODE_PREAD))
		return -EINVAL;
	if (!in->ops->read || S_ISDIR(in->inode->mode))
		return -EINVAL;
	rc = get_offset(in, off_in, &pos);
	if (rc)
		return rc;
	n = file_to_pipe(in, &pos, pout, len, nonblock || (out->flags & O_NONBLOCK));
	return n > 0 && put_offset(in, off_in, pos) ? -EFAULT : n;
}

long sys_splice(int fd_in, loff_t __user *off_in, int fd_out, loff_t __user *off_out, size_t len, unsigned int flags)
{
	struct fd in, out;
	long rc = -EBADF;

	if (len == 0)
		return 0;
	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	in = fd_get(fd_in);
	out = fd_get(fd_out);
	if (in.file && out.file)
		rc = do_splice(in.file, off_in, out.file, off_out, MIN(len, LEN_MAX), flags);
	fd_put(out);
	fd_put(in);
	return rc;
}

long sys_tee(int fd_in, int fd_out, size_t len, unsigned int flags)
{
	struct fd in, out;
	struct pipe *pin, *pout;
	long rc = -EBADF;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	if (len == 0)
		return 0;
	in = fd_get(fd_in);
	out = fd_get(fd_out);
	if (in.file && out.file && (in.file->mode & FMODE_READ) && (out.file->mode & FMODE_WRITE)) {
		pin = pipe_of(in.file);
		pout = pipe_of(out.file);
		rc = -EINVAL;
		if (pin && pout && pin != pout)
			rc = pipe_to_pipe(pin, pout, MIN(len, LEN_MAX),
					  (flags & SPLICE_F_NONBLOCK) || ((in.file->flags | out.file->flags) & O_NONBLOCK), true);
	}
	fd_put(out);
	fd_put(in);
	return rc;
}

/* User pages into or out of a pipe: copied, which the interface allows. */
long sys_vmsplice(int fd, const struct iovec __user *uiov, unsigned long nr, unsigned int flags)
{
	struct iovec fast[8], *iov = fast;
	struct uio u;
	struct fd f;
	loff_t pos = 0;
	long rc;

	if (flags & ~SPLICE_FLAGS)
		return -EINVAL;
	f = fd_get(fd);
	if (!f.file)
		return -EBADF;
	rc = -EBADF;
	if (!pipe_of(f.file))
		goto out;
	rc = uio_import(&u, uiov, nr, fast, &iov);
	if (rc <= 0)
		goto out;
	u.nowait = flags & SPLICE_F_NONBLOCK;
	if (f.file->mode & FMODE_WRITE)
		rc = f.file->ops->write(f.file, &u, &pos);
	else
		rc = f.file->ops->read(f.file, &u, &pos);
	if (iov != fast)
		kfree(iov);
out:
	fd_put(f);
	return rc;
}

/* Copies len bytes by pages; stops early at the end of `in`, on an error, or a signal. */
static ssize_t copy_pages(struct file *in, loff_t *in_pos, struct file *out, loff_t *out_pos, size_t len)
{
	ssize_t done = 0, n = 0;

	while (len) {
		u32 offset, got;
		struct page *page = read_page(in, in_pos, len, &offset, &got);

		if (IS_ERR_OR_NULL(page)) {
			n = page ? PTR_ERR(page) : 0;
			break;
		}
		n = kernel_write(out, (u8 *)page_to_virt(page) + offset, got, out_pos);
		page_put(page);
		if (n < (ssize_t)got)
			*in_pos -= (loff_t)got - MAX(n, 0L);
		if (n <= 0)
			break;
		done += n;
		len -= (size_t)n;
		if (n < (ssize_t)got)
			break;
		if (signal_pending()) {
			n = -ERESTARTSYS;
			break;
		}
		cond_resched();
	}
	return done ? done : n;
}

static ssize_t do_sendfile(struct file *out, struct file *in, loff_t __user *uoff, size_t count)
{
	loff_t pos, out_pos;
	ssize_t n;
	int rc;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (uoff && !(in->mode & FMODE_PREAD))
		return -ESPIPE;
	/* What was read and could not be written would be lost: only what can be read again. */
	if (!in->ops->read || !out->ops->write || S_ISDIR(in->inode->mode) || !(in->mode & FMODE_LSEEK))
		return -EINVAL;
	if (out->flags & O_APPEND)
		return -EINVAL;
	rc = get_offset(in, uoff, &pos);
	if (rc)
		return rc;
	count = MIN(count, LEN_MAX);
	if (pipe_of(out)) {
		n = file_to_pipe(in, &pos, pipe_of(out), count, out->flags & O_NONBLOCK);
	} else {
		out_pos = out->pos;
		n = copy_pages(in, &pos, out, &out_pos, count);
		if (n > 0 && !(out->mode & FMODE_STREAM))
			out->pos = out_pos;
	}
	return n > 0 && put_offset(in, uoff, pos) ? -EFAULT : n;
}

long sys_sendfile(int out_fd, int in_fd, loff_t __user *offset, size_t count)
{
	struct fd in = fd_get(in_fd), out = fd_get(out_fd);
	long rc = -EBADF;

	if (in.file && out.file)
		rc = do_sendfile(out.file, in.file, offset, count);
	fd_put(out);
	fd_put(in);
	return rc;
}

static ssize_t do_copy_range(struct file *in, loff_t __user *off_in, struct file *out, loff_t __user *off_out, size_t len)
{
	loff_t in_pos, out_pos, in_size;
	ssize_t n;
	int rc;

	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		return -EBADF;
	rc = get_offset(in, off_in, &in_pos);
	if (rc == 0)
		rc = get_offset(out, off_out, &out_pos);
	if (rc)
		return rc;
	if (in->inode->sb->type != out->inode->sb->type || !in->ops->read || !out->ops->write)
		return -EXDEV;
	if ((u64)in_pos + len > 0x7fffffffffffffffUL || (u64)out_pos + len > 0x7fffffffffffffffUL)
		return -EOVERFLOW;
	in_size = READ_ONCE(in->inode->size);
	len = in_pos >= in_size ? 0 : MIN(len, (size_t)(in_size - in_pos));
	if (in->inode == out->inode && out_pos + (loff_t)len > in_pos && out_pos < in_pos + (loff_t)len)
		return -EINVAL;
	n = copy_pages(in, &in_pos, out, &out_pos, MIN(len, LEN_MAX));
	if (n > 0 && (put_offset(in, off_in, in_pos) || put_offset(out, off_out, out_pos)))
		return -EFAULT;
	return n;
}

long sys_copy_file_range(int fd_in, loff_t __user *off_in, int fd_out, loff_t __user *off_out, size_t len, unsigned int flags)
{
	struct fd in = fd_get(fd_in), out = fd_get(fd_out);
	long rc = -EBADF;

	if (in.file && out.file)
		rc = flags ? -EINVAL : do_copy_range(in.file, off_in, out.file, off_out, len);
	fd_put(out);
	fd_put(in);
	return rc;
}

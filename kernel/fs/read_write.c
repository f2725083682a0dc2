/* SPDX-License-Identifier: MIT */
/*
 * read, write and their kin: descriptor, permission of the file, position, then the driver's or filesystem's method.
 *
 * The position is locked only where somebody else can be at it (fd_get_pos). Files without one (FMODE_STREAM) get a
 * scratch position.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <linux/fs.h>
#include <linux/inotify.h>

#define RWF_KNOWN (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND)

/* --- one operation --- */

static int check_area(const struct file *f, loff_t pos, u64 n)
{
	if (likely(f->mode & FMODE_STREAM))
		return 0;
	/* /dev/mem and such have no size; their positions are still not negative here. */
	return pos < 0 || (loff_t)((u64)pos + n) < 0 ? -EINVAL : 0;
}

static __always_inline ssize_t file_read(struct file *f, struct uio *u, loff_t *pos)
{
	ssize_t n;

	if (unlikely(!f->ops->read))
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	n = check_area(f, *pos, u->left);
	if (unlikely(n))
		return n;
	n = f->ops->read(f, u, pos);
	if (likely(n > 0)) {
		notify_file(f, IN_ACCESS);
		current->io_read += (u64)n;
	}
	return n;
}

static __always_inline ssize_t file_write(struct file *f, struct uio *u, loff_t *pos)
{
	ssize_t n;

	if (unlikely(!f->ops->write))
		return -EINVAL;
	n = check_area(f, *pos, u->left);
	if (unlikely(n))
		return n;
	n = f->ops->write(f, u, pos);
	if (likely(n > 0)) {
		notify_file(f, IN_MODIFY);
		current->io_write += (u64)n;
	}
	return n;
}

/* From the file's own position. */
static __always_inline ssize_t file_read_here(struct file *f, struct uio *u)
{
	loff_t pos = 0;
	ssize_t n;

	if (f->mode & FMODE_STREAM)
		return file_read(f, u, &pos);
	pos = f->pos;
	n = file_read(f, u, &pos);
	if (n >= 0)
		f->pos = pos;
	return n;
}

static __always_inline ssize_t file_write_here(struct file *f, struct uio *u)
{
	loff_t pos = 0;
	ssize_t n;

	if (f->mode & FMODE_STREAM)
		return file_write(f, u, &pos);
	pos = f->pos;
	n = file_write(f, u, &pos);
	if (n >= 0)
		f->pos = pos;
	return n;
}

static int uio_buffer(struct uio *u, const void __user *buf, size_t n)
{
	if (unlikely(!access_ok(buf, n)))
		return (ssize_t)n < 0 ? -EINVAL : -EFAULT;
	uio_init_user(u, buf, MIN(n, MAX_RW_COUNT));
	return 0;
}

/* --- from kernel memory --- */

ssize_t kernel_read(struct file *f, void *buf, size_t n, loff_t *pos)
{
	struct uio u;

	if (!(f->mode & FMODE_READ))
		return -EBADF;
	uio_init_kernel(&u, buf, MIN(n, MAX_RW_COUNT));
	return file_read(f, &u, pos);
}

ssize_t kernel_write(struct file *f, const void *buf, size_t n, loff_t *pos)
{
	struct uio u;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	uio_init_kernel(&u, buf, MIN(n, MAX_RW_COUNT));
	return file_write(f, &u, pos);
}

/* --- seeking --- */

static loff_t seek_set(struct file *f, loff_t pos, u64 max)
{
	if (pos < 0 || (u64)pos > max)
		return -EINVAL;
	f->pos = pos;
	return pos;
}

loff_t fixed_llseek(struct file *f, loff_t off, int whence, loff_t size)
{
	u64 max = f->inode->sb->max_file_size;

	switch (whence) {
	case SEEK_END:
		off = (loff_t)((u64)off + (u64)size);
		break;
	case SEEK_CUR:
		off = (loff_t)((u64)off + (u64)f->pos);
		break;
	case SEEK_DATA:
		if ((u64)off >= (u64)size)
			return -ENXIO;
		break;
	case SEEK_HOLE:
		if ((u64)off >= (u64)size)
			return -ENXIO;
		off = size;
		break;
	case SEEK_SET:
		break;
	default:
		return -EINVAL;
	}
	return seek_set(f, off, max);
}

loff_t generic_llseek(struct file *f, loff_t off, int whence) { return fixed_llseek(f, off, whence, f->inode->size); }

loff_t noop_llseek(struct file *f, loff_t off, int whence)
{
	(void)off;
	(void)whence;
	return f->pos;
}

int nonseekable_open(struct inode *inode, struct file *f)
{
	(void)inode;
	f->mode &= ~(u32)(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE);
	return 0;
}

int stream_open(struct inode *inode, struct file *f)
{
	(void)inode;
	f->mode &= ~(u32)(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS);
	f->mode |= FMODE_STREAM;
	return 0;
}

long sys_lseek(int fd, loff_t offset, unsigned int whence)
{
	struct fd f = fd_get_pos(fd);
	loff_t rc = -ESPIPE;

	if (!f.file)
		return -EBADF;
	if (whence > SEEK_MAX)
		rc = -EINVAL;
	else if (f.file->mode & FMODE_LSEEK)
		rc = f.file->ops->llseek(f.file, offset, (int)whence);
	fd_put(f);
	return rc;
}

/* --- read, write --- */

long __no_canary sys_read(int fd, char __user *buf, size_t count)
{
	struct fd f = fd_get_pos(fd);
	struct uio u __uninitialized;
	ssize_t n = -EBADF;

	if (unlikely(!f.file))
		return -EBADF;
	if (likely(f.file->mode & FMODE_READ)) {
		n = uio_buffer(&u, buf, count);
		if (likely(!n))
			n = file_read_here(f.file, &u);
	}
	fd_put(f);
	return n;
}

long __no_canary sys_write(int fd, const char __user *buf, size_t count)
{
	struct fd f = fd_get_pos(fd);
	struct uio u __uninitialized;
	ssize_t n = -EBADF;

	if (unlikely(!f.file))
		return -EBADF;
	if (likely(f.file->mode & FMODE_WRITE)) {
		n = uio_buffer(&u, buf, count);
		if (likely(!n))
			n = file_write_here(f.file, &u);
	}
	fd_put(f);
	return n;
}

/* A file for an operation at a given place; *rc says why there is none. */
static __always_inline struct fd fd_get_at(int fd, loff_t pos, u32 mode, u32 at_mode, ssize_t *rc)
{
	struct fd f = { 0 };

	*rc = -EINVAL;
	if (pos < 0)
		return f;
	f = fd_get(fd);
	*rc = -EBADF;
	if (!f.file)
		return f;
	if (unlikely((f.file->mode & (at_mode | mode)) != (at_mode | mode))) {
		*rc = f.file->mode & at_mode ? -EBADF : -ESPIPE;
		fd_put(f);
		f.file = NULL;
	}
	return f;
}

long __no_canary sys_pread64(int fd, char __user *buf, size_t count, loff_t pos)
{
	struct uio u __uninitialized;
	ssize_t n;
	struct fd f = fd_get_at(fd, pos, FMODE_READ, FMODE_PREAD, &n);

	if (unlikely(!f.file))
		return n;
	n = uio_buffer(&u, buf, count);
	if (likely(!n))
		n = file_read(f.file, &u, &pos);
	fd_put(f);
	return n;
}

long __no_canary sys_pwrite64(int fd, const char __user *buf, size_t count, loff_t pos)
{
	struct uio u __uninitialized;
	ssize_t n;
	struct fd f = fd_get_at(fd, pos, FMODE_WRITE, FMODE_PWRITE, &n);

	if (unlikely(!f.file))
		return n;
	n = uio_buffer(&u, buf, count);
	if (likely(!n))
		n = file_write(f.file, &u, &pos);
	fd_put(f);
	return n;
}

/* --- vectors --- */

static int set_rwf(const struct file *f, struct uio *u, int flags, bool write)
{
	if (likely(!flags))
		return 0;
	if (flags & ~RWF_KNOWN)
		return -EOPNOTSUPP;
	if ((flags & RWF_APPEND) && (flags & RWF_NOAPPEND))
		return -EINVAL;
	if ((flags & RWF_NOWAIT) && !(f->mode & FMODE_NOWAIT))
		return -EOPNOTSUPP;
	if (!write && (flags & (RWF_APPEND | RWF_NOAPPEND)))
		return -EOPNOTSUPP;
	u->rwf = (u32)flags;
	u->nowait = flags & RWF_NOWAIT;
	return 0;
}

/* pos NULL: at the file's own position */
static ssize_t file_vector(struct file *f, const struct iovec __user *vec, u64 vlen, loff_t *pos, int flags, bool write)
{
	struct iovec fast[8], *iov;
	struct uio u;
	ssize_t n = uio_import(&u, vec, vlen, fast, &iov);

	if (unlikely(n < 0))
		return n;
	n = set_rwf(f, &u, flags, write);
	if (likely(!n)) {
		if (write)
			n = pos ? file_write(f, &u, pos) : file_write_here(f, &u);
		else
			n = pos ? file_read(f, &u, pos) : file_read_here(f, &u);
	}
	if (iov != fast)
		kfree(iov);
	return n;
}

static long vector_here(int fd, const struct iovec __user *vec, u64 vlen, int flags, bool write)
{
	struct fd f = fd_get_pos(fd);
	ssize_t n = -EBADF;

	if (!f.file)
		return -EBADF;
	if (f.file->mode & (write ? FMODE_WRITE : FMODE_READ))
		n = file_vector(f.file, vec, vlen, NULL, flags, write);
	fd_put(f);
	return n;
}

static long vector_at(int fd, const struct iovec __user *vec, u64 vlen, loff_t pos, int flags, bool write)
{
	ssize_t n;
	struct fd f = write ? fd_get_at(fd, pos, FMODE_WRITE, FMODE_PWRITE, &n)
			    : fd_get_at(fd, pos, FMODE_READ, FMODE_PREAD, &n);

	if (!f.file)
		return n;
	n = file_vector(f.file, vec, vlen, &pos, flags, write);
	fd_put(f);
	return n;
}

long sys_readv(int fd, const struct iovec __user *vec, unsigned long vlen) { return vector_here(fd, vec, vlen, 0, false); }
long sys_writev(int fd, const struct iovec __user *vec, unsigned long vlen) { return vector_here(fd, vec, vlen, 0, true); }

/* A long holds the whole position; pos_h is for 32-bit programs. */
long sys_preadv(int fd, const struct iovec __user *vec, unsigned long vlen, unsigned long pos_l, unsigned long pos_h)
{
	(void)pos_h;
	return vector_at(fd, vec, vlen, (loff_t)pos_l, 0, false);
}

long sys_pwritev(int fd, const struct iovec __user *vec, unsigned long vlen, unsigned long pos_l, unsigned long pos_h)
{
	(void)pos_h;
	return vector_at(fd, vec, vlen, (loff_t)pos_l, 0, true);
}

long sys_preadv2(int fd, const struct iovec __user *vec, unsigned long vlen, unsigned long pos_l,
		 unsigned long pos_h, int flags)
{
	(void)pos_h;
	if ((loff_t)pos_l == -1)
		return vector_here(fd, vec, vlen, flags, false);
	return vector_at(fd, vec, vlen, (loff_t)pos_l, flags, false);
}

long sys_pwritev2(int fd, const struct iovec __user *vec, unsigned long vlen, unsigned long pos_l,
		  unsigned long pos_h, int flags)
{
	(void)pos_h;
	if ((loff_t)pos_l == -1)
		return vector_here(fd, vec, vlen, flags, true);
	return vector_at(fd, vec, vlen, (loff_t)pos_l, flags, true);
}

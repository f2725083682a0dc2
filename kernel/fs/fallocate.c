/* SPDX-License-Identifier: MIT */
/*
 * fallocate, and advice on reading: posix_fadvise, readahead.
 */
#include "internal.h"

#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <linux/fadvise.h>
#include <linux/falloc.h>
#include <linux/inotify.h>

#define FALLOC_KNOWN                                                                                 \
	(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |    \
	 FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

static int mode_check(u32 mode)
{
	u32 kind = mode & ~(u32)FALLOC_FL_KEEP_SIZE;

	if (mode & ~(u32)FALLOC_KNOWN)
		return -EOPNOTSUPP;
	/* One kind at a time; a hole never changes the size. */
	if (kind & (kind - 1))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if ((mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) && (mode & FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	return 0;
}

static int target_check(const struct file *f, u32 mode)
{
	const struct inode *i = f->inode;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if ((mode & ~(u32)FALLOC_FL_KEEP_SIZE) && (i->flags & S_APPEND_FLAG))
		return -EPERM;
	if (i->flags & S_IMMUTABLE_FLAG)
		return -EPERM;
	if (S_ISFIFO(i->mode))
		return -ESPIPE;
	if (S_ISDIR(i->mode))
		return -EISDIR;
	if (!S_ISREG(i->mode) && !S_ISBLK(i->mode))
		return -ENODEV;
	return 0;
}

static long fallocate(struct file *f, u32 mode, loff_t offset, loff_t len)
{
	long rc;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	rc = mode_check(mode);
	if (!rc)
		rc = target_check(f, mode);
	if (rc)
		return rc;
	if (offset + len < 0 || (u64)(offset + len) > f->inode->sb->max_file_size)
		return -EFBIG;
	if (!f->ops->fallocate)
		return -EOPNOTSUPP;
	rc = f->ops->fallocate(f, (int)mode, offset, len);
	if (!rc)
		notify_file(f, IN_MODIFY);
	return rc;
}

long sys_fallocate(int fd, int mode, loff_t offset, loff_t len)
{
	struct fd f = fd_get(fd);
	long rc;

	if (!f.file)
		return -EBADF;
	rc = fallocate(f.file, (u32)mode, offset, len);
	fd_put(f);
	return rc;
}

/* --- advice: checked, and taken where there is something to gain --- */

static long fadvise(struct file *f, loff_t len, int advice)
{
	if (S_ISFIFO(f->inode->mode))
		return -ESPIPE;
	if (!f->mapping || len < 0)
		return -EINVAL;
	switch (advice) {
	case POSIX_FADV_NORMAL:
	case POSIX_FADV_RANDOM:
	case POSIX_FADV_SEQUENTIAL:
	case POSIX_FADV_WILLNEED:
	case POSIX_FADV_DONTNEED:
	case POSIX_FADV_NOREUSE:
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_fadvise64(int fd, loff_t offset, loff_t len, int advice)
{
	struct fd f = fd_get(fd);
	long rc;

	(void)offset;
	if (!f.file)
		return -EBADF;
	rc = fadvise(f.file, len, advice);
	fd_put(f);
	return rc;
}

/* Reads ahead by reading: at most 2 MiB a call, which is what a device would have in flight. */
static void read_ahead(struct file *f, u64 first, u64 pages)
{
	pages = MIN(pages, 512UL);
	for (u64 i = first; i < first + pages && i << PAGE_SHIFT < (u64)f->inode->size; i++) {
		struct page *p = pagecache_read(f->mapping, f, i);

		if (IS_ERR(p))
			return;
		page_put(p);
	}
}

long sys_readahead(int fd, loff_t offset, size_t count)
{
	struct fd f = fd_get(fd);
	long rc = 0;

	if (!f.file)
		return -EBADF;
	if (!(f.file->mode & FMODE_READ))
		rc = -EBADF;
	else if (!S_ISREG(f.file->inode->mode) && !S_ISBLK(f.file->inode->mode))
		rc = -EINVAL;
	else if (offset >= 0 && f.file->mapping->ops && f.file->mapping->ops->read_page)
		read_ahead(f.file, (u64)offset >> PAGE_SHIFT, DIV_ROUND_UP(count, PAGE_SIZE));
	fd_put(f);
	return rc;
}

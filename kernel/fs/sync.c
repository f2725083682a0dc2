/* SPDX-License-Identifier: MIT */
/*
 * sync, fsync and their kin. A filesystem without storage has nothing to write, and that succeeds.
 *
 * Write-back errors are reported once per open file: mapping->error counts them, file->wb_err is what this file saw last.
 */
#include "internal.h"

#include <kernel/syscall.h>
#include <linux/fs.h>

#define LOFF_MAX 0x7fffffffffffffffL

static int report_wb_error(struct file *f)
{
	u32 now = READ_ONCE(f->mapping->error);

	if (likely(now == READ_ONCE(f->wb_err)))
		return 0;
	WRITE_ONCE(f->wb_err, now);
	return -(int)(now & 0xffff);
}

int vfs_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	int rc, rc_wb;

	if (!f->ops->fsync)
		return -EINVAL;
	rc = f->ops->fsync(f, start, end, datasync);
	rc_wb = report_wb_error(f);
	return rc ? rc : rc_wb;
}

int noop_fsync(struct file *f, loff_t start, loff_t end, bool datasync)
{
	(void)f;
	(void)start;
	(void)end;
	(void)datasync;
	return 0;
}

static long fsync_fd(int fd, bool datasync)
{
	struct fd f = fd_get(fd);
	int rc;

	if (!f.file)
		return -EBADF;
	rc = vfs_fsync(f.file, 0, LOFF_MAX, datasync);
	fd_put(f);
	return rc;
}

long sys_fsync(int fd) { return fsync_fd(fd, false); }
long sys_fdatasync(int fd) { return fsync_fd(fd, true); }

long sys_sync(void)
{
	sync_all();
	return 0;
}

long sys_syncfs(int fd)
{
	struct fd f = fd_get(fd);
	struct super *sb;
	int rc = 0;

	if (!f.file)
		return -EBADF;
	sb = f.file->path.dentry->sb;
	if (sb->ops->sync && !(sb->flags & MS_RDONLY))
		rc = sb->ops->sync(sb, true);
	if (!rc)
		rc = report_wb_error(f.file);
	fd_put(f);
	return rc;
}

static int sync_range(struct file *f, loff_t offset, loff_t nbytes, u32 flags)
{
	u32 mode = f->inode->mode;
	loff_t end = nbytes ? offset + nbytes - 1 : LOFF_MAX;

	if (!S_ISREG(mode) && !S_ISBLK(mode) && !S_ISDIR(mode) && !S_ISLNK(mode))
		return -ESPIPE;
	if (!(flags & (SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER)) ||
	    !f->mapping->ops || !f->mapping->ops->write_page)
		return 0;
	return pagecache_writeback(f->mapping, offset, end, flags & SYNC_FILE_RANGE_WAIT_AFTER);
}

long sys_sync_file_range(int fd, loff_t offset, loff_t nbytes, unsigned int flags)
{
	const u32 known = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	struct fd f = fd_get(fd);
	int rc;

	if (!f.file)
		return -EBADF;
	if ((flags & ~known) || offset < 0 || nbytes < 0 || offset + nbytes < 0)
		rc = -EINVAL;
	else
		rc = sync_range(f.file, offset, nbytes, flags);
	fd_put(f);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Changing what an inode says about itself: mode, owner, times, size.
 *
 * vfs_setattr() takes the inode's rwsem, checks who may, adds what follows from the change (ctime, set-id bits that go)
 * and hands it to the filesystem. The calls below it find the place and hold write access to its mount.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <linux/inotify.h>

#define UTIME_NOW  ((1L << 30) - 1)
#define UTIME_OMIT ((1L << 30) - 2)
#define ATTR_TOUCH 0x100 /* times become now: the right to write is enough, and was checked */

/* --- rules --- */

static int chown_check(const struct inode *i, const struct iattr *attr)
{
	bool owner = current_fsuid() == i->uid;

	if ((attr->valid & ATTR_UID) && !(owner && attr->uid == i->uid) && !capable(CAP_CHOWN))
		return -EPERM;
	if ((attr->valid & ATTR_GID) && !(owner && (attr->gid == i->gid || in_group(attr->gid))) &&
	    !capable(CAP_CHOWN))
		return -EPERM;
	return 0;
}

static int size_check(const struct inode *i, u64 size)
{
	if (size <= (u64)i->size)
		return 0;
	if (size > rlimit(RLIMIT_FSIZE)) {
		send_signal_thread(current, SIGXFSZ, SEND_SIG_USER);
		return -EFBIG;
	}
	return size > i->sb->max_file_size ? -EFBIG : 0;
}

int setattr_check(struct dentry *d, struct iattr *attr)
{
	struct inode *i = d->inode;
	int rc;

	if (attr->valid & ATTR_SIZE) {
		rc = size_check(i, attr->size);
		if (rc)
			return rc;
	}
	rc = chown_check(i, attr);
	if (rc)
		return rc;
	if (attr->valid & ATTR_MODE) {
		u32 gid = attr->valid & ATTR_GID ? attr->gid : i->gid;

		if (!inode_owner_or_capable(i))
			return -EPERM;
		if (!in_group(gid) && !capable(CAP_FSETID))
			attr->mode &= ~(u32)S_ISGID;
	}
	if ((attr->valid & (ATTR_ATIME | ATTR_MTIME)) && !(attr->valid & (ATTR_TOUCH | ATTR_SIZE)) &&
	    !inode_owner_or_capable(i))
		return -EPERM;
	return 0;
}

void setattr_copy(struct inode *i, const struct iattr *attr)
{
	if (attr->valid & ATTR_UID)
		i->uid = attr->uid;
	if (attr->valid & ATTR_GID)
		i->gid = attr->gid;
	if (attr->valid & ATTR_ATIME)
		i->atime = attr->atime;
	if (attr->valid & ATTR_MTIME)
		i->mtime = attr->mtime;
	if (attr->valid & ATTR_CTIME)
		i->ctime = attr->ctime;
	if (attr->valid & ATTR_MODE) {
		WRITE_ONCE(i->mode, attr->mode);
		i->flags &= ~(u32)S_NOSEC_FLAG;
	}
}

/* A change of owner (or a write) takes the set-id bits away. */
static void add_privs_drop(const struct inode *i, struct iattr *attr)
{
	u32 mode = attr->valid & ATTR_MODE ? attr->mode : i->mode, drop = 0;

	if (mode & S_ISUID)
		drop |= S_ISUID;
	if ((mode & S_ISGID) && ((mode & S_IXGRP) || (!in_group(i->gid) && !capable(CAP_FSETID))))
		drop |= S_ISGID;
	if (drop) {
		attr->mode = mode & ~drop;
		attr->valid |= ATTR_MODE;
	}
}

static int setattr_locked(struct dentry *d, struct iattr *attr)
{
	struct inode *i = d->inode;
	int rc;

	if ((i->flags & (S_IMMUTABLE_FLAG | S_APPEND_FLAG)) &&
	    (attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID)))
		return -EPERM;
	rc = setattr_check(d, attr);
	if (rc)
		return rc;
	if (attr->valid & ATTR_KILL_PRIV) {
		add_privs_drop(i, attr);
		if (i->ops->removexattr)
			(void)i->ops->removexattr(i, "security.capability");
	}
	if (!(attr->valid & ATTR_CTIME)) {
		attr->ctime = ktime_get_coarse_real();
		attr->valid |= ATTR_CTIME;
	}
	if (i->ops->setattr)
		return i->ops->setattr(d, attr);
	setattr_copy(i, attr);
	return 0;
}

static u32 event_of(u32 valid)
{
	if (valid & ATTR_SIZE)
		return IN_MODIFY;
	if ((valid & (ATTR_ATIME | ATTR_MTIME)) == ATTR_ATIME)
		return IN_ACCESS;
	if ((valid & (ATTR_ATIME | ATTR_MTIME)) == ATTR_MTIME)
		return IN_MODIFY;
	return IN_ATTRIB;
}

int vfs_setattr(struct dentry *d, struct iattr *attr)
{
	u32 valid = attr->valid;
	int rc;

	down_write(&d->inode->rwsem);
	rc = setattr_locked(d, attr);
	up_write(&d->inode->rwsem);
	if (!rc && READ_ONCE(notify_watches))
		notify_dentry(d, event_of(valid));
	return rc;
}

int vfs_truncate(struct dentry *d, loff_t size, struct file *file)
{
	struct inode *i = d->inode;
	struct iattr attr = { .valid = ATTR_SIZE, .size = (u64)size, .file = file };
	int rc;

	down_write(&i->rwsem);
	rc = inode_remove_privs(d);
	if (!rc) {
		if (file || size != i->size) {
			attr.valid |= ATTR_MTIME | ATTR_CTIME;
			attr.mtime = attr.ctime = ktime_get_coarse_real();
		}
		rc = setattr_locked(d, &attr);
	}
	up_write(&i->rwsem);
	if (!rc && READ_ONCE(notify_watches))
		notify_dentry(d, IN_MODIFY);
	return rc;
}

/* --- a change at a path or descriptor --- */

static int setattr_at(const struct path *p, struct iattr *attr)
{
	int rc = mount_want_write(p->mnt);

	if (rc)
		return rc;
	rc = vfs_setattr(p->dentry, attr);
	mount_drop_write(p->mnt);
	return rc;
}

static int chmod_place(const struct path *p, umode_t mode)
{
	const struct inode *i = p->dentry->inode;
	struct iattr attr = { .valid = ATTR_MODE, .mode = (mode & S_IALLUGO) | (i->mode & ~(u32)S_IALLUGO) };

	if (S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	return setattr_at(p, &attr);
}

static int chown_place(const struct path *p, uid_t uid, gid_t gid)
{
	struct iattr attr = { .uid = uid, .gid = gid };

	if (uid != (uid_t)-1)
		attr.valid |= ATTR_UID;
	if (gid != (gid_t)-1)
		attr.valid |= ATTR_GID;
	if (!S_ISDIR(p->dentry->inode->mode))
		attr.valid |= ATTR_KILL_PRIV;
	return setattr_at(p, &attr);
}

static u32 lookup_of(int at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (at_flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

static long chmod_at(int dfd, const char __user *path, umode_t mode, u32 lookup)
{
	struct path p;
	int rc = user_path_at(dfd, path, lookup, &p);

	if (rc)
		return rc;
	rc = chmod_place(&p, mode);
	path_put(&p);
	return rc;
}

long sys_fchmodat(int dfd, const char __user *path, umode_t mode) { return chmod_at(dfd, path, mode, LOOKUP_FOLLOW); }

long sys_fchmodat2(int dfd, const char __user *path, umode_t mode, unsigned int flags)
{
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chmod_at(dfd, path, mode, lookup_of((int)flags));
}

long sys_fchmod(int fd, umode_t mode)
{
	struct fd f = fd_get(fd);
	int rc;

	if (!f.file)
		return -EBADF;
	rc = chmod_place(&f.file->path, mode);
	fd_put(f);
	return rc;
}

long sys_fchownat(int dfd, const char __user *path, uid_t user, gid_t group, int flags)
{
	struct path p;
	int rc;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	rc = user_path_at(dfd, path, lookup_of(flags), &p);
	if (rc)
		return rc;
	rc = chown_place(&p, user, group);
	path_put(&p);
	return rc;
}

long sys_fchown(int fd, uid_t user, gid_t group)
{
	struct fd f = fd_get(fd);
	int rc;

	if (!f.file)
		return -EBADF;
	rc = chown_place(&f.file->path, user, group);
	fd_put(f);
	return rc;
}

/* --- times --- */

static bool nsec_valid(long nsec) { return nsec == UTIME_NOW || nsec == UTIME_OMIT || (nsec >= 0 && nsec < NSEC_PER_SEC); }

static ktime_t file_time(const struct __kernel_timespec *ts, ktime_t now)
{
	const s64 max = KTIME_MAX / NSEC_PER_SEC - 1;
	s64 sec = MIN(MAX((s64)ts->tv_sec, -max), max);

	return ts->tv_nsec == UTIME_NOW ? now : sec * NSEC_PER_SEC + ts->tv_nsec;
}

/* ts: two times, or NULL for now. */
static void times_to_attr(const struct __kernel_timespec *ts, struct iattr *attr)
{
	ktime_t now = ktime_get_coarse_real();

	if (!ts || (ts[0].tv_nsec == UTIME_NOW && ts[1].tv_nsec == UTIME_NOW)) {
		attr->valid = ATTR_ATIME | ATTR_MTIME | ATTR_TOUCH;
		attr->atime = attr->mtime = now;
		return;
	}
	if (ts[0].tv_nsec != UTIME_OMIT) {
		attr->valid |= ATTR_ATIME;
		attr->atime = file_time(&ts[0], now);
	}
	if (ts[1].tv_nsec != UTIME_OMIT) {
		attr->valid |= ATTR_MTIME;
		attr->mtime = file_time(&ts[1], now);
	}
}

static int utimes_place(const struct path *p, const struct __kernel_timespec *ts)
{
	struct inode *i = p->dentry->inode;
	struct iattr attr = { 0 };
	int rc;

	times_to_attr(ts, &attr);
	if (i->flags & S_IMMUTABLE_FLAG)
		return -EPERM;
	if (attr.valid & ATTR_TOUCH) {
		if (!inode_owner_or_capable(i)) {
			rc = inode_permission(i, MAY_WRITE);
			if (rc)
				return rc;
		}
	} else if (i->flags & S_APPEND_FLAG) {
		return -EPERM;
	}
	return setattr_at(p, &attr);
}

static long utimes_fd(int fd, const struct __kernel_timespec *ts)
{
	struct fd f = fd_get(fd);
	int rc;

	if (!f.file)
		return -EBADF;
	rc = utimes_place(&f.file->path, ts);
	fd_put(f);
	return rc;
}

long sys_utimensat(int dfd, const char __user *path, struct __kernel_timespec __user *times, int flags)
{
	struct __kernel_timespec two[2], *ts = NULL;
	struct path p;
	int rc;

	if (times) {
		if (copy_from_user(two, times, sizeof(two)))
			return -EFAULT;
		/* Nothing to do: not even the path is looked at. */
		if (two[0].tv_nsec == UTIME_OMIT && two[1].tv_nsec == UTIME_OMIT)
			return 0;
		if (!nsec_valid(two[0].tv_nsec) || !nsec_valid(two[1].tv_nsec))
			return -EINVAL;
		ts = two;
	}
	if (!path && dfd != AT_FDCWD)
		return flags ? -EINVAL : utimes_fd(dfd, ts);
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	rc = user_path_at(dfd, path, lookup_of(flags), &p);
	if (rc)
		return rc;
	rc = utimes_place(&p, ts);
	path_put(&p);
	return rc;
}

/* --- size --- */

static int truncate_writable(const struct path *p, loff_t length)
{
	struct inode *i = p->dentry->inode;
	int rc = inode_permission(i, MAY_WRITE);

	if (rc)
		return rc;
	if (i->flags & S_APPEND_FLAG)
		return -EPERM;
	rc = inode_get_write(i);
	if (rc)
		return rc;
	rc = vfs_truncate(p->dentry, length, NULL);
	inode_put_write(i);
	return rc;
}

long sys_truncate(const char __user *path, loff_t length)
{
	struct path p;
	umode_t mode;
	int rc;

	if (length < 0)
		return -EINVAL;
	rc = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW, &p);
	if (rc)
		return rc;
	mode = p.dentry->inode->mode;
	if (!S_ISREG(mode)) {
		rc = S_ISDIR(mode) ? -EISDIR : -EINVAL;
	} else {
		rc = mount_want_write(p.mnt);
		if (!rc) {
			rc = truncate_writable(&p, length);
			mount_drop_write(p.mnt);
		}
	}
	path_put(&p);
	return rc;
}

long sys_ftruncate(int fd, loff_t length)
{
	struct fd f;
	int rc;

	if (length < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f.file)
		return -EBADF;
	if (!S_ISREG(f.file->inode->mode) || !(f.file->mode & FMODE_WRITE))
		rc = -EINVAL;
	else if (f.file->inode->flags & S_APPEND_FLAG)
		rc = -EPERM;
	else
		rc = vfs_truncate(f.file->path.dentry, length, f.file);
	fd_put(f);
	return rc;
}

/* --- in-kernel forms --- */

int vfs_chmod_path(const char *path, umode_t mode)
{
	struct path p;
	int rc = kern_path(path, LOOKUP_FOLLOW, &p);

	if (rc)
		return rc;
	rc = chmod_place(&p, mode);
	path_put(&p);
	return rc;
}

int vfs_chown_path(const char *path, u32 uid, u32 gid, bool follow)
{
	struct path p;
	int rc = kern_path(path, follow ? LOOKUP_FOLLOW : 0, &p);

	if (rc)
		return rc;
	rc = chown_place(&p, uid, gid);
	path_put(&p);
	return rc;
}

int vfs_utimes_path(const char *path, ktime_t atime, ktime_t mtime)
{
	struct iattr attr = { .valid = ATTR_ATIME | ATTR_MTIME, .atime = atime, .mtime = mtime };
	struct path p;
	int rc = kern_path(path, 0, &p);

	if (rc)
		return rc;
	rc = setattr_at(&p, &attr);
	path_put(&p);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * stat and its kin.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <asm/stat.h>
#include <kernel/chrdev.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <linux/stat.h>

#define ATTRIBUTES_KNOWN                                                                             \
	(STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE | STATX_ATTR_NODUMP | STATX_ATTR_AUTOMOUNT | STATX_ATTR_DAX |    \
	 STATX_ATTR_MOUNT_ROOT)

static void fill_from_inode(const struct inode *i, struct kstat *st)
{
	st->ino = i->ino;
	st->size = (u64)i->size;
	st->blocks = i->blocks;
	st->dev = i->sb->dev;
	st->rdev = i->rdev;
	st->mode = i->mode;
	st->nlink = i->nlink;
	st->uid = i->uid;
	st->gid = i->gid;
	st->blksize = 1U << i->blkbits;
	st->atime = i->atime;
	st->mtime = i->mtime;
	st->ctime = i->ctime;
	st->btime = i->btime;
	st->attributes = (i->flags & S_IMMUTABLE_FLAG ? STATX_ATTR_IMMUTABLE : 0) |
			 (i->flags & S_APPEND_FLAG ? STATX_ATTR_APPEND : 0);
	st->result_mask = STATX_BASIC_STATS;
}

/* generic attributes, then what the filesystem knows better. mask: STATX_* wanted */
int vfs_getattr(const struct path *p, struct kstat *st, u32 mask, u32 flags)
{
	const struct inode *i = p->dentry->inode;

	(void)flags;
	fill_from_inode(i, st);
	if (unlikely(i->ops->getattr))
		return i->ops->getattr(p, st, mask);
	return 0;
}

static s64 seconds(ktime_t t) { return t / NSEC_PER_SEC - (t % NSEC_PER_SEC < 0); }
static u32 nanoseconds(ktime_t t) { return (u32)(t % NSEC_PER_SEC + (t % NSEC_PER_SEC < 0 ? NSEC_PER_SEC : 0)); }

static int stat_to_user(const struct kstat *st, struct stat __user *ubuf)
{
	struct stat s;

	s.st_dev = dev_encode(st->dev);
	s.st_ino = st->ino;
	s.st_mode = st->mode;
	s.st_nlink = st->nlink;
	s.st_uid = st->uid;
	s.st_gid = st->gid;
	s.st_rdev = dev_encode(st->rdev);
	s.__pad1 = 0;
	s.st_size = (long)st->size;
	s.st_blksize = (int)st->blksize;
	s.__pad2 = 0;
	s.st_blocks = (long)st->blocks;
	s.st_atime = seconds(st->atime);
	s.st_atime_nsec = nanoseconds(st->atime);
	s.st_mtime = seconds(st->mtime);
	s.st_mtime_nsec = nanoseconds(st->mtime);
	s.st_ctime = seconds(st->ctime);
	s.st_ctime_nsec = nanoseconds(st->ctime);
	s.__unused4 = s.__unused5 = 0;
	return copy_struct_to_user_exact(ubuf, &s);
}

/* What statx says about the mount. */
struct where {
	u32 mnt_id;
	bool mount_root;
};

static void where_of(const struct path *p, struct where *at)
{
	at->mnt_id = p->mnt->id;
	at->mount_root = p->dentry == p->mnt->root;
}

static int stat_fd(int fd, struct kstat *st, u32 mask, struct where *at)
{
	struct fd f = fd_get_any(fd);
	int rc;

	if (unlikely(!f.file))
		return -EBADF;
	rc = vfs_getattr(&f.file->path, st, mask, 0);
	where_of(&f.file->path, at);
	fd_put(f);
	return rc;
}

static int stat_path(int dfd, const char *name, u32 lookup, struct kstat *st, u32 mask, struct where *at)
{
	struct path p;
	int rc = path_lookup_at(dfd, name, lookup, &p);

	if (unlikely(rc))
		return rc;
	rc = vfs_getattr(&p, st, mask, 0);
	where_of(&p, at);
	path_put(&p);
	return rc;
}

/* flags: AT_*; an empty path with AT_EMPTY_PATH is the descriptor itself. */
static int stat_at(int dfd, const char __user *path, u32 flags, struct kstat *st, u32 mask, struct where *at)
{
	bool empty_ok = flags & AT_EMPTY_PATH;
	struct name_buf nb;
	int rc;

	if (empty_ok && dfd >= 0) {
		u8 first = 0;

		if (path && get_user(first, (const u8 __user *)path))
			return -EFAULT;
		if (!first)
			return stat_fd(dfd, st, mask, at);
	}
	if (empty_ok && !path)
		return stat_path(dfd, "", LOOKUP_EMPTY, st, mask, at);
	rc = name_get(&nb, path, empty_ok);
	if (unlikely(rc))
		return rc;
	rc = stat_path(dfd, nb.name, flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW, st, mask, at);
	name_put(&nb);
	return rc;
}

long sys_newfstatat(int dfd, const char __user *path, struct stat __user *ubuf, int flags)
{
	struct kstat st;
	struct where at;
	int rc;

	if (unlikely(flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH)))
		return -EINVAL;
	rc = stat_at(dfd, path, (u32)flags, &st, STATX_BASIC_STATS, &at);
	return likely(!rc) ? stat_to_user(&st, ubuf) : rc;
}

long sys_fstat(int fd, struct stat __user *ubuf)
{
	struct kstat st;
	struct where at;
	int rc = stat_fd(fd, &st, STATX_BASIC_STATS, &at);

	return likely(!rc) ? stat_to_user(&st, ubuf) : rc;
}

static struct statx_timestamp statx_time(ktime_t t)
{
	return (struct statx_timestamp){ .tv_sec = seconds(t), .tv_nsec = nanoseconds(t) };
}

static int statx_to_user(const struct kstat *st, u32 mask, const struct where *at, struct statx __user *ubuf)
{
	struct statx s;

	memset(&s, 0, sizeof(s));
	s.stx_mask = st->result_mask | (mask & STATX_BTIME) |
		     (mask & STATX_MNT_ID_UNIQUE ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID);
	s.stx_blksize = st->blksize;
	s.stx_attributes = st->attributes | (at->mount_root ? STATX_ATTR_MOUNT_ROOT : 0);
	s.stx_attributes_mask = ATTRIBUTES_KNOWN;
	s.stx_nlink = st->nlink;
	s.stx_uid = st->uid;
	s.stx_gid = st->gid;
	s.stx_mode = (u16)st->mode;
	s.stx_ino = st->ino;
	s.stx_size = st->size;
	s.stx_blocks = st->blocks;
	s.stx_atime = statx_time(st->atime);
	s.stx_mtime = statx_time(st->mtime);
	s.stx_ctime = statx_time(st->ctime);
	if (mask & STATX_BTIME)
		s.stx_btime = statx_time(st->btime);
	s.stx_rdev_major = DEV_MAJOR(st->rdev);
	s.stx_rdev_minor = DEV_MINOR(st->rdev);
	s.stx_dev_major = DEV_MAJOR(st->dev);
	s.stx_dev_minor = DEV_MINOR(st->dev);
	s.stx_mnt_id = at->mnt_id;
	return copy_struct_to_user_exact(ubuf, &s);
}

long sys_statx(int dfd, const char __user *path, unsigned int flags, unsigned int mask, struct statx __user *ubuf)
{
	struct kstat st;
	struct where at;
	int rc;

	if (mask & STATX__RESERVED)
		return -EINVAL;
	if (flags & ~(u32)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	rc = stat_at(dfd, path, flags, &st, mask, &at);
	return rc ? rc : statx_to_user(&st, mask, &at, ubuf);
}

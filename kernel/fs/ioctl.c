/* SPDX-License-Identifier: MIT */
/*
 * ioctl(2): the commands every file knows, then the driver's.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <asm/ioctls.h>
#include <kernel/syscall.h>
#include <linux/fs.h>

#define FLAGS_KEPT (FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL)

static const struct {
	u32 inode, user;
} flag_map[] = {
	{ S_IMMUTABLE_FLAG, FS_IMMUTABLE_FL },
	{ S_APPEND_FLAG, FS_APPEND_FL },
	{ S_NODUMP_FLAG, FS_NODUMP_FL },
	{ S_NOATIME_FLAG, FS_NOATIME_FL },
};

/* --- flags of inodes --- */

static u32 flags_to_user(u32 inode_flags)
{
	u32 f = 0;

	for (u32 i = 0; i < ARRAY_SIZE(flag_map); i++)
		if (inode_flags & flag_map[i].inode)
			f |= flag_map[i].user;
	return f;
}

static int flags_set_locked(struct inode *inode, u32 want)
{
	u32 now = flags_to_user(inode->flags);

	if (!inode_owner_or_capable(inode))
		return -EACCES;
	if (((want ^ now) & (FS_APPEND_FL | FS_IMMUTABLE_FL)) && !capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	for (u32 i = 0; i < ARRAY_SIZE(flag_map); i++) {
		if (want & flag_map[i].user)
			inode->flags |= flag_map[i].inode;
		else
			inode->flags &= ~flag_map[i].inode;
	}
	inode_touch_ctime(inode);
	return 0;
}

static long flags_set(struct file *f, const u32 __user *uflags)
{
	u32 want;
	int rc;

	if (get_user(want, uflags))
		return -EFAULT;
	if (want & ~(u32)FLAGS_KEPT)
		return -EOPNOTSUPP;
	rc = mount_want_write(f->path.mnt);
	if (rc)
		return rc;
	down_write(&f->inode->rwsem);
	rc = flags_set_locked(f->inode, want);
	up_write(&f->inode->rwsem);
	mount_drop_write(f->path.mnt);
	return rc;
}

long inode_flags_ioctl(struct file *f, u32 cmd, unsigned long arg)
{
	if (cmd == FS_IOC_GETFLAGS)
		return put_user(flags_to_user(f->inode->flags), (u32 __user *)arg);
	if (cmd == FS_IOC_SETFLAGS)
		return flags_set(f, (const u32 __user *)arg);
	return -ENOIOCTLCMD;
}

/* --- what every file knows --- */

static long set_status(int fd, struct file *f, const int __user *uon, u32 flag)
{
	int on;

	if (get_user(on, uon))
		return -EFAULT;
	if (flag == FASYNC && !f->ops->fasync)
		return on ? -ENOTTY : 0;
	return file_set_flags(fd, f, on ? f->flags | flag : f->flags & ~flag);
}

static long file_size_ioctl(const struct inode *i, s64 __user *usize)
{
	if (!S_ISDIR(i->mode) && !S_ISREG(i->mode) && !S_ISLNK(i->mode))
		return -ENOTTY;
	return put_user((s64)i->size, usize);
}

static long generic_ioctl(int fd, struct file *f, u32 cmd, unsigned long arg)
{
	struct inode *i = f->inode;

	switch (cmd) {
	case FIOCLEX:
		fd_set_cloexec((u32)fd, true);
		return 0;
	case FIONCLEX:
		fd_set_cloexec((u32)fd, false);
		return 0;
	case FIONBIO:
		return set_status(fd, f, (const int __user *)arg, O_NONBLOCK);
	case FIOASYNC:
		return set_status(fd, f, (const int __user *)arg, FASYNC);
	case FIOQSIZE:
		return file_size_ioctl(i, (s64 __user *)arg);
	case FIGETBSZ:
		return put_user((int)i->sb->block_size, (int __user *)arg);
	case FIFREEZE:
	case FITHAW:
		return capable(CAP_SYS_ADMIN) ? -EOPNOTSUPP : -EPERM;
	case FICLONE:
	case FICLONERANGE:
	case FIDEDUPERANGE:
		return -EOPNOTSUPP;
	case FIONREAD:
		return S_ISREG(i->mode) ? put_user((int)(i->size - f->pos), (int __user *)arg) : -ENOIOCTLCMD;
	default:
		return -ENOIOCTLCMD;
	}
}

long sys_ioctl(int fd, unsigned int cmd, unsigned long arg)
{
	struct fd f = fd_get(fd);
	long rc;

	if (!f.file)
		return -EBADF;
	rc = generic_ioctl(fd, f.file, cmd, arg);
	if (rc == -ENOIOCTLCMD && f.file->ops->ioctl)
		rc = f.file->ops->ioctl(f.file, cmd, arg);
	fd_put(f);
	return rc == -ENOIOCTLCMD ? -ENOTTY : rc;
}

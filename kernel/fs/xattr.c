/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes: who may name what, and the calls. Values are kept by the filesystem.
 *
 * Namespaces: user. on regular files and directories, by their mode; trusted. for CAP_SYS_ADMIN; security. readable by
 * all, written by the privileged. system. (POSIX ACLs) is not supported.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <linux/inotify.h>
#include <linux/limits.h>
#include <linux/xattr.h>

struct xattr_name {
	char s[XATTR_NAME_MAX + 1];
};

/* --- rules --- */

static int security_check(const char *name)
{
	if (strcmp(name, XATTR_NAME_CAPS) == 0)
		return capable(CAP_SETFCAP) ? 0 : -EPERM;
	return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

static int user_check(struct inode *i, int mask)
{
	if (!S_ISREG(i->mode) && !S_ISDIR(i->mode))
		return mask & MAY_WRITE ? -EPERM : -ENODATA;
	if (S_ISDIR(i->mode) && (i->mode & S_ISVTX) && (mask & MAY_WRITE) && !inode_owner_or_capable(i))
		return -EPERM;
	return inode_permission(i, mask);
}

static int xattr_check(struct inode *i, const char *name, int mask)
{
	bool write = mask & MAY_WRITE;

	if (write && (i->flags & (S_IMMUTABLE_FLAG | S_APPEND_FLAG)))
		return -EPERM;
	if (str_starts_with(name, XATTR_SECURITY_PREFIX))
		return write ? security_check(name) : 0;
	if (str_starts_with(name, XATTR_TRUSTED_PREFIX)) {
		if (!capable(CAP_SYS_ADMIN))
			return write ? -EPERM : -ENODATA;
		return inode_permission(i, mask);
	}
	if (str_starts_with(name, XATTR_USER_PREFIX))
		return user_check(i, mask);
	return -EOPNOTSUPP;
}

/* A name needs something after its prefix. */
static int name_check(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && !dot[1] ? -EINVAL : 0;
}

/* --- on dentries --- */

static int vfs_setxattr(struct dentry *d, const char *name, const void *value, size_t size, int flags)
{
	struct inode *i = d->inode;
	int rc = xattr_check(i, name, MAY_WRITE);

	if (!rc)
		rc = name_check(name);
	if (rc)
		return rc;
	if (!i->ops->setxattr)
		return -EOPNOTSUPP;
	down_write(&i->rwsem);
	rc = i->ops->setxattr(i, name, value, size, flags);
	if (!rc && strcmp(name, XATTR_NAME_CAPS) == 0)
		i->flags &= ~(u32)S_NOSEC_FLAG;
	up_write(&i->rwsem);
	if (!rc)
		notify_inode(i, IN_ATTRIB, NULL, 0);
	return rc;
}

ssize_t vfs_getxattr(struct dentry *d, const char *name, void *buf, size_t size)
{
	struct inode *i = d->inode;
	int rc = xattr_check(i, name, MAY_READ);
	ssize_t n;

	if (rc)
		return rc;
	if (!i->ops->getxattr)
		return -EOPNOTSUPP;
	down_read(&i->rwsem);
	n = i->ops->getxattr(i, name, buf, size);
	up_read(&i->rwsem);
	return n;
}

static ssize_t vfs_listxattr(struct dentry *d, char *buf, size_t size)
{
	struct inode *i = d->inode;
	ssize_t n;

	if (!i->ops->listxattr)
		return -EOPNOTSUPP;
	down_read(&i->rwsem);
	n = i->ops->listxattr(d, buf, size);
	up_read(&i->rwsem);
	return n;
}

static int vfs_removexattr(struct dentry *d, const char *name)
{
	struct inode *i = d->inode;
	int rc = xattr_check(i, name, MAY_WRITE);

	if (rc)
		return rc;
	if (!i->ops->removexattr)
		return -EOPNOTSUPP;
	down_write(&i->rwsem);
	rc = i->ops->removexattr(i, name);
	up_write(&i->rwsem);
	if (!rc)
		notify_inode(i, IN_ATTRIB, NULL, 0);
	return rc;
}

/* --- user memory --- */

static int name_from_user(struct xattr_name *name, const char __user *uname)
{
	s64 n = strncpy_from_user(name->s, uname, sizeof(name->s));

	if (n < 0)
		return (int)n;
	return n == 0 || n == sizeof(name->s) ? -ERANGE : 0;
}

static int do_set(const struct path *p, const char __user *uname, const void __user *uvalue, size_t size, int flags)
{
	struct xattr_name name;
	void *value = NULL;
	int rc;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	rc = name_from_user(&name, uname);
	if (rc)
		return rc;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (size) {
		value = kvmalloc(size, GFP_KERNEL);
		if (!value)
			return -ENOMEM;
		if (copy_from_user(value, uvalue, size)) {
			kvfree(value);
			return -EFAULT;
		}
	}
	rc = mount_want_write(p->mnt);
	if (!rc) {
		rc = vfs_setxattr(p->dentry, name.s, value, size, flags);
		mount_drop_write(p->mnt);
	}
	kvfree(value);
	return rc;
}

static ssize_t do_get(const struct path *p, const char __user *uname, void __user *uvalue, size_t size)
{
	struct xattr_name name;
	void *value = NULL;
	ssize_t n = name_from_user(&name, uname);

	if (n)
		return n;
	if (size) {
		size = MIN(size, (size_t)XATTR_SIZE_MAX);
		value = kvzalloc(size, GFP_KERNEL);
		if (!value)
			return -ENOMEM;
	}
	n = vfs_getxattr(p->dentry, name.s, value, size);
	if (n > 0 && size && copy_to_user(uvalue, value, (u64)n))
		n = -EFAULT;
	else if (n == -ERANGE && size >= XATTR_SIZE_MAX)
		n = -E2BIG;
	kvfree(value);
	return n;
}

static ssize_t do_list(const struct path *p, char __user *ulist, size_t size)
{
	char *list = NULL;
	ssize_t n;

	if (size) {
		size = MIN(size, (size_t)XATTR_LIST_MAX);
		list = kvzalloc(size, GFP_KERNEL);
		if (!list)
			return -ENOMEM;
	}
	n = vfs_listxattr(p->dentry, list, size);
	if (n > 0 && size && copy_to_user(ulist, list, (u64)n))
		n = -EFAULT;
	else if (n == -ERANGE && size >= XATTR_LIST_MAX)
		n = -E2BIG;
	kvfree(list);
	return n;
}

static int do_remove(const struct path *p, const char __user *uname)
{
	struct xattr_name name;
	int rc = name_from_user(&name, uname);

	if (!rc)
		rc = mount_want_write(p->mnt);
	if (!rc) {
		rc = vfs_removexattr(p->dentry, name.s);
		mount_drop_write(p->mnt);
	}
	return rc;
}

/* --- the calls: by path, by path without following, by descriptor --- */

#define ON_PATH(lookup, expr)                                                                        \
	({                                                                                           \
		struct path p;                                                                       \
		long rc_ = user_path_at(AT_FDCWD, path, lookup, &p);                                 \
		if (!rc_) {                                                                          \
			rc_ = expr;                                                                  \
			path_put(&p);                                                                \
		}                                                                                    \
		rc_;                                                                                 \
	})
#define ON_FD(expr)                                                                                  \
	({                                                                                           \
		struct fd f = fd_get(fd);                                                            \
		long rc_ = -EBADF;                                                                   \
		if (f.file) {                                                                        \
			struct path p = f.file->path;                                                \
			rc_ = expr;                                                                  \
			fd_put(f);                                                                   \
		}                                                                                    \
		rc_;                                                                                 \
	})

long sys_setxattr(const char __user *path, const char __user *name, const void __user *value, size_t size, int flags)
{
	return ON_PATH(LOOKUP_FOLLOW, do_set(&p, name, value, size, flags));
}

long sys_lsetxattr(const char __user *path, const char __user *name, const void __user *value, size_t size, int flags)
{
	return ON_PATH(0, do_set(&p, name, value, size, flags));
}

long sys_fsetxattr(int fd, const char __user *name, const void __user *value, size_t size, int flags)
{
	return ON_FD(do_set(&p, name, value, size, flags));
}

long sys_getxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
	return ON_PATH(LOOKUP_FOLLOW, do_get(&p, name, value, size));
}

long sys_lgetxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
	return ON_PATH(0, do_get(&p, name, value, size));
}

long sys_fgetxattr(int fd, const char __user *name, void __user *value, size_t size)
{
	return ON_FD(do_get(&p, name, value, size));
}

long sys_listxattr(const char __user *path, char __user *list, size_t size)
{
	return ON_PATH(LOOKUP_FOLLOW, do_list(&p, list, size));
}

long sys_llistxattr(const char __user *path, char __user *list, size_t size) { return ON_PATH(0, do_list(&p, list, size)); }
long sys_flistxattr(int fd, char __user *list, size_t size) { return ON_FD(do_list(&p, list, size)); }

long sys_removexattr(const char __user *path, const char __user *name)
{
	return ON_PATH(LOOKUP_FOLLOW, do_remove(&p, name));
}

long sys_lremovexattr(const char __user *path, const char __user *name) { return ON_PATH(0, do_remove(&p, name)); }
long sys_fremovexattr(int fd, const char __user *name) { return ON_FD(do_remove(&p, name)); }

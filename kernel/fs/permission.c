/* SPDX-License-Identifier: MIT */
/*
 * Who may do what to an inode: mode bits, capabilities, read-only supers, sticky directories.
 */
#include "internal.h"

#include <kernel/panic.h>

int generic_permission(struct inode *inode, int mask)
{
	const struct cred *cred = current_cred();
	u32 mode = inode->mode;
	u32 bits = mode;

	mask &= MAY_READ | MAY_WRITE | MAY_EXEC;
	if (cred->fsuid == inode->uid)
		bits >>= 6;
	else if (((bits >> 3) ^ bits) & (u32)mask && in_group(inode->gid))
		bits >>= 3;
	if (likely(!((u32)mask & ~bits)))
		return 0;

	if (S_ISDIR(mode)) {
		if (!(mask & MAY_WRITE) && cred_capable(cred, CAP_DAC_READ_SEARCH))
			return 0;
		return cred_capable(cred, CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (mask == MAY_READ && cred_capable(cred, CAP_DAC_READ_SEARCH))
		return 0;
	if ((!(mask & MAY_EXEC) || (mode & S_IXUGO)) && cred_capable(cred, CAP_DAC_OVERRIDE))
		return 0;
	return -EACCES;
}

int inode_permission(struct inode *inode, int mask)
{
	if (mask & MAY_WRITE) {
		if ((inode->sb->flags & MS_RDONLY) &&
		    (S_ISREG(inode->mode) || S_ISDIR(inode->mode) || S_ISLNK(inode->mode)))
			return -EROFS;
		if (inode->flags & S_IMMUTABLE_FLAG)
			return -EPERM;
	}
	if (inode->ops->permission)
		return inode->ops->permission(inode, mask);
	return generic_permission(inode, mask);
}

bool inode_owner_or_capable(const struct inode *inode)
{
	return current_fsuid() == inode->uid || capable(CAP_FOWNER);
}

bool sticky_forbids(const struct inode *dir, const struct inode *inode)
{
	u32 uid = current_fsuid();

	if (!(dir->mode & S_ISVTX))
		return false;
	return inode->uid != uid && dir->uid != uid && !capable(CAP_FOWNER);
}

int may_create(struct inode *dir)
{
	if (dir->flags & S_DEAD_FLAG)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_delete(struct inode *dir, struct dentry *victim, bool want_dir)
{
	struct inode *inode = victim->inode;
	int rc;

	ASSERT(inode);
	rc = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (rc)
		return rc;
	if (dir->flags & S_APPEND_FLAG)
		return -EPERM;
	if (sticky_forbids(dir, inode) || (inode->flags & (S_APPEND_FLAG | S_IMMUTABLE_FLAG)))
		return -EPERM;
	if (want_dir) {
		if (!S_ISDIR(inode->mode))
			return -ENOTDIR;
		if (dentry_is_root(victim))
			return -EBUSY;
	} else if (S_ISDIR(inode->mode)) {
		return -EISDIR;
	}
	if (dir->flags & S_DEAD_FLAG)
		return -ENOENT;
	return 0;
}

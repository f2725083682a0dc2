/* SPDX-License-Identifier: MIT */
/*
 * access(2) and its kin: what could the real user (not the effective one) do here?
 */
#include "internal.h"

#include <kernel/syscall.h>

/* Credentials as if the real ids were the effective ones. NULL: no memory. */
static const struct cred *access_cred(void)
{
	struct cred *c = cred_prepare();

	if (!c)
		return NULL;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	if (!(c->securebits & SECBIT_NO_SETUID_FIXUP))
		c->cap_effective = c->uid == 0 ? c->cap_permitted : 0;
	return c;
}

static bool ids_match(void)
{
	const struct cred *c = current_cred();
	u64 caps = c->uid == 0 ? c->cap_permitted : 0;

	return c->fsuid == c->uid && c->fsgid == c->gid &&
	       ((c->securebits & SECBIT_NO_SETUID_FIXUP) || c->cap_effective == caps);
}

static int access_place(const struct path *p, int mode)
{
	struct inode *i = p->dentry->inode;
	int rc;

	if ((mode & MAY_EXEC) && S_ISREG(i->mode) && (p->mnt->flags & MS_NOEXEC))
		return -EACCES;
	rc = inode_permission(i, mode);
	if (rc || !(mode & MAY_WRITE) || S_ISCHR(i->mode) || S_ISBLK(i->mode) || S_ISFIFO(i->mode) || S_ISSOCK(i->mode))
		return rc;
	return p->mnt->flags & MS_RDONLY ? -EROFS : 0;
}

static long access_path(int dfd, const char __user *path, int mode, u32 lookup)
{
	struct path p;
	int rc = user_path_at(dfd, path, lookup, &p);

	if (rc)
		return rc;
	rc = access_place(&p, mode);
	path_put(&p);
	return rc;
}

long sys_faccessat2(int dfd, const char __user *path, int mode, int flags)
{
	const struct cred *mine = NULL, *old = NULL;
	u32 lookup = LOOKUP_FOLLOW;
	long rc;

	if ((mode & ~(MAY_READ | MAY_WRITE | MAY_EXEC)) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (flags & AT_SYMLINK_NOFOLLOW)
		lookup = 0;
	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	if (!(flags & AT_EACCESS) && !ids_match()) {
		mine = access_cred();
		if (!mine)
			return -ENOMEM;
		old = cred_override(mine);
	}
	rc = access_path(dfd, path, mode, lookup);
	if (mine) {
		cred_restore(old);
		cred_put(mine);
	}
	return rc;
}

long sys_faccessat(int dfd, const char __user *path, int mode) { return sys_faccessat2(dfd, path, mode, 0); }

/* SPDX-License-Identifier: MIT */
/*
 * What executing a file makes of credentials: set-user-ID and set-group-ID bits, file capabilities, the rules of
 * capabilities(7) under "Transformation of capabilities during execve()".
 */
#include <kernel/cred.h>

#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/process.h>
#include <linux/mount.h>
#include <linux/xattr.h>

#include "exec.h"


struct file_caps {
	u64 permitted, inheritable;
	bool effective, present;
};

/* Identity bits of a file count only on a mount that allows them, for a task that may still gain something. */
static bool may_gain(struct file *exe)
{
	return !(exe->path.mnt->flags & MS_NOSUID) && !current_cred()->no_new_privs;
}

static void take_id_bits(struct cred *new, const struct inode *inode)
{
	umode_t mode = READ_ONCE(inode->mode);

	if (mode & S_ISUID)
		new->euid = inode->uid;
	if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		new->egid = inode->gid;
}

static u64 caps_word(const struct vfs_cap_data *d, u32 words, bool inheritable)
{
	u64 v = inheritable ? d->data[0].inheritable : d->data[0].permitted;

	if (words > 1)
		v |= (u64)(inheritable ? d->data[1].inheritable : d->data[1].permitted) << 32;
	return v & CAP_ALL;
}

/* security.capability of the file. 0, or -EINVAL when it has one that makes no sense. */
static int file_caps_read(struct inode *inode, struct file_caps *fc)
{
	union {
		struct vfs_cap_data v2;
		struct vfs_ns_cap_data v3;
	} raw = { 0 };
	ssize_t n;
	u32 words;

	*fc = (struct file_caps){ 0 };
	if (!inode->ops || !inode->ops->getxattr || (inode->flags & S_NOSEC_FLAG))
		return 0;
	n = inode->ops->getxattr(inode, XATTR_NAME_CAPS, &raw, sizeof(raw));
	if (n == -ENODATA || n == -EOPNOTSUPP)
		return 0;
	if (n < (ssize_t)sizeof(u32))
		return n < 0 ? (int)n : -EINVAL;
	switch (raw.v2.magic_etc & VFS_CAP_REVISION_MASK) {
	case VFS_CAP_REVISION_1:
		words = n == XATTR_CAPS_SZ_1 ? VFS_CAP_U32_1 : 0;
		break;
	case VFS_CAP_REVISION_2:
		words = n == XATTR_CAPS_SZ_2 ? VFS_CAP_U32_2 : 0;
		break;
	case VFS_CAP_REVISION_3:
		words = n == XATTR_CAPS_SZ_3 ? VFS_CAP_U32_3 : 0;
		if (words && raw.v3.rootid != 0)
			return 0; /* for another user namespace's root */
		break;
	default:
		words = 0;
	}
	if (!words)
		return -EINVAL;
	fc->permitted = caps_word(&raw.v2, words, false);
	fc->inheritable = caps_word(&raw.v2, words, true);
	fc->effective = raw.v2.magic_etc & VFS_CAP_FLAGS_EFFECTIVE;
	fc->present = true;
	return 0;
}

/* P'(permitted) of the file's capabilities; -EPERM when a program that cannot know of them would miss some. */
static int apply_file_caps(struct cred *new, const struct file_caps *fc)
{
	new->cap_permitted = (fc->permitted & new->cap_bset) | (fc->inheritable & new->cap_inheritable);
	return fc->effective && (fc->permitted & ~new->cap_permitted) ? -EPERM : 0;
}

/* Root gets all, unless SECBIT_NOROOT or a set-user-ID root program brings capabilities of its own. */
static void apply_root(struct cred *new, const struct file_caps *fc, bool *effective)
{
	if ((new->securebits & SECBIT_NOROOT) || (fc->present && new->uid != 0 && new->euid == 0))
		return;
	if (new->euid == 0 || new->uid == 0)
		new->cap_permitted = new->cap_bset | new->cap_inheritable;
	if (new->euid == 0)
		*effective = true;
}

int cred_exec(struct cred *new, struct file *exe, bool *secure)
{
	const struct cred *old = current_cred();
	struct file_caps fc = { 0 };
	bool effective, changed_id;
	int rc;

	new->cap_permitted = 0;
	if (may_gain(exe)) {
		take_id_bits(new, exe->inode);
		rc = file_caps_read(exe->inode, &fc);
		if (rc == 0 && fc.present)
			rc = apply_file_caps(new, &fc);
		if (rc)
			return rc;
	}
	effective = fc.effective;
	apply_root(new, &fc, &effective);

	changed_id = new->euid != old->uid || new->egid != old->gid;
	if ((changed_id || (new->cap_permitted & ~old->cap_permitted)) &&
	    (old->no_new_privs || exec_fs_is_shared())) {
		if (!capable(CAP_SETUID) || old->no_new_privs) {
			new->euid = new->uid;
			new->egid = new->gid;
		}
		new->cap_permitted &= old->cap_permitted;
	}
	new->suid = new->fsuid = new->euid;
	new->sgid = new->fsgid = new->egid;
	if (fc.present || changed_id)
		new->cap_ambient = 0;
	new->cap_permitted |= new->cap_ambient;
	new->cap_effective = effective ? new->cap_permitted : new->cap_ambient;
	new->securebits &= ~(u32)SECBIT_KEEP_CAPS;
	*secure = changed_id ||
		  (new->uid != 0 && (effective || (new->cap_permitted & ~new->cap_ambient)));
	return 0;
}

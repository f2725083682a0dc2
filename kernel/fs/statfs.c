/* SPDX-License-Identifier: MIT */
/*
 * statfs, fstatfs: what is left on a filesystem.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <asm/statfs.h>
#include <kernel/chrdev.h>
#include <kernel/string.h>
#include <kernel/syscall.h>

/* f_flags as <sys/statvfs.h> names them; mostly, but not all, the MS_ bits. */
#define ST_VALID    0x0020
#define ST_MANDLOCK 0x0040
#define ST_RELATIME 0x1000
#define ST_NOSYMFOLLOW 0x2000

int generic_statfs(struct dentry *d, struct kstatfs *st)
{
	st->type = d->sb->magic;
	st->bsize = st->frsize = PAGE_SIZE;
	st->namelen = NAME_MAX_LEN;
	return 0;
}

static u64 statfs_flags(const struct mount *m)
{
	const u64 same = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_NOATIME | MS_NODIRATIME;
	u64 both = m->flags | (m->sb->flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK));
	u64 f = (both & same) | ST_VALID;

	if (both & MS_MANDLOCK)
		f |= ST_MANDLOCK;
	if (both & MS_RELATIME)
		f |= ST_RELATIME;
	if (both & MS_NOSYMFOLLOW)
		f |= ST_NOSYMFOLLOW;
	return f;
}

static int statfs_to_user(const struct path *p, struct statfs __user *ubuf)
{
	struct super *sb = p->mnt->sb;
	struct kstatfs k;
	struct statfs s;
	int rc;

	memset(&k, 0, sizeof(k));
	k.fsid = dev_encode(sb->dev);
	rc = sb->ops->statfs ? sb->ops->statfs(p->dentry, &k) : generic_statfs(p->dentry, &k);
	if (rc)
		return rc;
	memset(&s, 0, sizeof(s));
	s.f_type = (long)k.type;
	s.f_bsize = (long)k.bsize;
	s.f_blocks = (long)k.blocks;
	s.f_bfree = (long)k.bfree;
	s.f_bavail = (long)k.bavail;
	s.f_files = (long)k.files;
	s.f_ffree = (long)k.ffree;
	s.f_fsid.val[0] = (int)k.fsid;
	s.f_fsid.val[1] = (int)(k.fsid >> 32);
	s.f_namelen = (long)k.namelen;
	s.f_frsize = (long)(k.frsize ? k.frsize : k.bsize);
	s.f_flags = (long)statfs_flags(p->mnt);
	return copy_struct_to_user_exact(ubuf, &s);
}

long sys_statfs(const char __user *path, struct statfs __user *buf)
{
	struct path p;
	int rc = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW, &p);

	if (rc)
		return rc;
	rc = statfs_to_user(&p, buf);
	path_put(&p);
	return rc;
}

long sys_fstatfs(int fd, struct statfs __user *buf)
{
	struct fd f = fd_get_any(fd);
	int rc;

	if (!f.file)
		return -EBADF;
	rc = statfs_to_user(&f.file->path, buf);
	fd_put(f);
	return rc;
}

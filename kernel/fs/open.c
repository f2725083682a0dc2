/* SPDX-License-Identifier: MIT */
/*
 * open(2) and its kin: from flags and a path to an open file.
 *
 * An open of what exists is one lockless walk. With O_CREAT the walk stops at the parent; the last name is looked up in
 * the cache first and only made, or searched on the medium, with the directory locked. Links met there are followed here.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <linux/inotify.h>
#include <linux/openat2.h>

#define O_PATH_FLAGS (O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)
#define VALID_OPEN_FLAGS                                                                             \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NDELAY | O_NONBLOCK | __O_SYNC |  \
	 O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC |     \
	 O_PATH | __O_TMPFILE)
#define VALID_RESOLVE_FLAGS                                                                          \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | \
	 RESOLVE_CACHED)
#define OPEN_HOW_SIZE_VER0 24

/* What to open, digested. */
struct open_request {
	u32 flags;  /* O_* */
	u32 mode;   /* of a new file, umask applied */
	u32 lookup; /* LOOKUP_* */
	int acc;    /* MAY_* */
};

static int acc_of(u32 flags)
{
	static const u8 acc[4] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };

	return acc[flags & O_ACCMODE];
}

/* --- permission --- */

static int may_open_type(const struct path *path, int acc)
{
	const struct inode *inode = path->dentry->inode;

	switch (inode->mode & S_IFMT) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		return acc & MAY_WRITE ? -EISDIR : acc & MAY_EXEC ? -EACCES : 0;
	case S_IFBLK:
	case S_IFCHR:
		if (path->mnt->flags & MS_NODEV)
			return -EACCES;
		return acc & MAY_EXEC ? -EACCES : 0;
	case S_IFIFO:
	case S_IFSOCK:
		return acc & MAY_EXEC ? -EACCES : 0;
	case S_IFREG:
		return (acc & MAY_EXEC) && (path->mnt->flags & MS_NOEXEC) ? -EACCES : 0;
	default:
		return 0;
	}
}

int may_open(const struct path *path, int acc, u32 flags)
{
	struct inode *inode = path->dentry->inode;
	int rc = may_open_type(path, acc);

	if (!rc && acc)
		rc = inode_permission(inode, acc);
	if (unlikely(rc))
		return rc;
	if (unlikely(inode->flags & S_APPEND_FLAG)) {
		if ((flags & O_ACCMODE) != O_RDONLY && !(flags & O_APPEND))
			return -EPERM;
		if (flags & O_TRUNC)
			return -EPERM;
	}
	if (unlikely(flags & O_NOATIME) && !inode_owner_or_capable(inode))
		return -EPERM;
	return 0;
}

/* --- struct file on a place --- */

static long path_only_ioctl(struct file *f, u32 cmd, unsigned long arg)
{
	(void)f;
	(void)cmd;
	(void)arg;
	return -EBADF;
}
static const struct file_ops path_only_fops = { .ioctl = path_only_ioctl };

static int file_claim_write(struct file *f)
{
	int rc = inode_get_write(f->inode);

	if (rc)
		return rc;
	rc = mount_want_write(f->path.mnt);
	if (rc)
		inode_put_write(f->inode);
	else
		f->mode |= FMODE_WRITER;
	return rc;
}

/* O_DIRECT means something for FIFOs (packets) and is granted where there is a page cache to go around. */
static bool can_direct(const struct file *f)
{
	u32 mode = f->inode->mode;

	return S_ISFIFO(mode) || ((S_ISREG(mode) || S_ISBLK(mode)) && f->mapping->ops);
}

static int file_open_ops(struct file *f)
{
	int rc;

	if (f->ops->open) {
		rc = f->ops->open(f->inode, f);
		if (rc)
			return rc;
	}
	if (!f->ops->llseek)
		f->mode &= ~(u32)FMODE_LSEEK;
	if (unlikely(f->flags & O_DIRECT) && !can_direct(f)) {
		if (f->ops->release)
			f->ops->release(f->inode, f);
		return -EINVAL;
	}
	f->flags &= ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
	return 0;
}

int file_open_at(struct file *f, const struct path *path)
{
	struct inode *inode = path->dentry->inode;
	int rc = 0;

	f->path = *path;
	path_get(path);
	f->inode = inode;
	f->mapping = inode->mapping;
	if (unlikely(f->flags & O_PATH)) {
		f->mode = FMODE_PATH;
		f->ops = &path_only_fops;
		return 0;
	}
	f->mode = ((f->flags + 1) & O_ACCMODE) | FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	f->ops = inode->fops;
	if (S_ISREG(inode->mode) || S_ISDIR(inode->mode))
		f->mode |= FMODE_ATOMIC_POS;
	f->wb_err = f->mapping->error;
	if ((f->mode & FMODE_WRITE) && (S_ISREG(inode->mode) || S_ISDIR(inode->mode)))
		rc = file_claim_write(f);
	if (likely(!rc))
		rc = file_open_ops(f);
	if (likely(!rc))
		return 0;
	if (f->mode & FMODE_WRITER) {
		inode_put_write(inode);
		mount_drop_write(path->mnt);
	}
	f->path = (struct path){ NULL, NULL };
	path_put(path);
	return rc;
}

static int truncate_on_open(struct file *f)
{
	int rc = inode_get_write(f->inode);

	if (rc)
		return rc;
	rc = vfs_truncate(f->path.dentry, 0, f);
	inode_put_write(f->inode);
	return rc;
}

/* Permission, the driver's open, O_TRUNC. rq->acc 0: just created, everything is allowed. */
static int open_place(struct file *f, const struct path *path, const struct open_request *rq)
{
	bool trunc = (f->flags & O_TRUNC) && S_ISREG(path->dentry->inode->mode);
	int rc;

	if (unlikely(f->flags & O_PATH))
		return file_open_at(f, path);
	rc = may_open(path, rq->acc, f->flags);
	if (unlikely(rc))
		return rc;
	if (unlikely(trunc)) {
		rc = mount_want_write(path->mnt);
		if (rc)
			return rc;
	}
	rc = file_open_at(f, path);
	if (unlikely(trunc)) {
		if (!rc)
			rc = truncate_on_open(f);
		mount_drop_write(path->mnt);
	}
	return rc;
}

static int open_existing(struct file *f, int dfd, const char *name, const struct open_request *rq)
{
	struct walk w;
	int rc = walk_path(&w, dfd, name, rq->lookup);

	if (unlikely(rc))
		return rc;
	rc = open_place(f, &w.path, rq);
	walk_end(&w);
	return rc;
}

/* --- O_CREAT --- */

/* fs.protected_regular, fs.protected_fifos: no O_CREAT open of somebody else's file in a sticky directory. */
static int may_open_sticky(const struct inode *dir, const struct inode *inode)
{
	u32 level = S_ISFIFO(inode->mode)  ? sysctl_protected_fifos
		    : S_ISREG(inode->mode) ? sysctl_protected_regular
					   : 0;

	if (!level || !(dir->mode & S_ISVTX) || inode->uid == dir->uid || inode->uid == current_fsuid())
		return 0;
	if ((dir->mode & S_IWOTH) || (level >= 2 && (dir->mode & S_IWGRP)))
		return -EACCES;
	return 0;
}

/*
 * The last name of w as a dentry with an inode, made when it was not there (*created). The common case, that it is
 * cached and there, takes no lock. ERR_PTR.
 */
static struct dentry *open_last(struct walk *w, const struct open_request *rq, bool *created)
{
	struct inode *dir = w->inode;
	struct dentry *d = dcache_get(w->path.dentry, w->last, w->last_len, w->last_hash);
	int rc, rc_write;

	if (d && d->inode && !(d->flags & DCACHE_REVALIDATE))
		return d;
	if (d)
		dentry_put(d);
	rc_write = mount_want_write(w->path.mnt);
	down_write(&dir->rwsem);
	d = lookup_locked(w->path.dentry, w->last, w->last_len, w->last_hash, LOOKUP_CREATE);
	if (!IS_ERR(d) && !d->inode) {
		rc = rc_write;
		if (!rc)
			rc = vfs_create(dir, d, S_IFREG | rq->mode, rq->flags & O_EXCL);
		if (rc) {
			dentry_put(d);
			d = ERR_PTR(rc);
		} else {
			*created = true;
		}
	}
	up_write(&dir->rwsem);
	if (!rc_write)
		mount_drop_write(w->path.mnt);
	return d;
}

/* d (consumed) stands in the directory of w and was not just made. */
static int open_found(struct file *f, struct walk *w, struct dentry *d, const struct open_request *rq)
{
	struct path p = { w->path.mnt, d };
	int rc = 0;

	mount_get(p.mnt);
	path_cross_mounts(&p);
	if (rq->flags & O_EXCL)
		rc = -EEXIST;
	else if (S_ISDIR(p.dentry->inode->mode))
		rc = -EISDIR;
	else
		rc = may_open_sticky(w->inode, p.dentry->inode);
	if (!rc)
		rc = open_place(f, &p, rq);
	path_put(&p);
	return rc;
}

static int open_made(struct file *f, struct walk *w, struct dentry *d, const struct open_request *rq)
{
	struct open_request made = *rq;
	struct path p = { w->path.mnt, d };
	int rc;

	/* Its mode may forbid what the creator may do this once. */
	made.acc = 0;
	f->flags &= ~(u32)O_TRUNC;
	rc = open_place(f, &p, &made);
	if (!rc)
		f->mode |= FMODE_CREATED;
	dentry_put(d);
	return rc;
}

static int open_create_at(struct file *f, struct walk *w, const struct open_request *rq)
{
	for (;;) {
		bool created = false;
		struct dentry *d;
		int rc;

		if (w->last_type != LAST_NORM)
			return rq->flags & O_EXCL ? -EEXIST : -EISDIR;
		if (w->slash)
			return -EISDIR;
		d = open_last(w, rq, &created);
		if (IS_ERR(d))
			return (int)PTR_ERR(d);
		if (created)
			return open_made(f, w, d, rq);
		if (!S_ISLNK(d->inode->mode) || !(w->flags & LOOKUP_FOLLOW))
			return open_found(f, w, d, rq);
		rc = walk_follow(w, d);
		if (rc)
			return rc;
		/* A magic link leads to a place rather than to a name. */
		if (w->last_type == LAST_ROOT && !*w->rest)
			return S_ISDIR(w->inode->mode) ? -EISDIR : open_place(f, &w->path, rq);
		rc = walk_rest(w);
		if (rc)
			return rc;
	}
}

static int open_create(struct file *f, int dfd, const char *name, const struct open_request *rq)
{
	struct walk w;
	u32 lookup = rq->lookup | LOOKUP_PARENT;
	int rc;

	if (rq->flags & O_EXCL)
		lookup &= ~(u32)LOOKUP_FOLLOW;
	rc = walk_path(&w, dfd, name, lookup);
	if (rc)
		return rc;
	rc = open_create_at(f, &w, rq);
	walk_end(&w);
	return rc;
}

/* --- O_TMPFILE --- */

static int tmpfile_in(struct file *f, const struct path *dir, const struct open_request *rq)
{
	struct inode *inode = dir->dentry->inode;
	struct open_request made = *rq;
	struct dentry *d;
	struct path p;
	int rc = inode_permission(inode, MAY_WRITE | MAY_EXEC);

	if (rc)
		return rc;
	if (!inode->ops->tmpfile)
		return -EOPNOTSUPP;
	d = dentry_alloc(dir->dentry, "#tmpfile", 8);
	if (!d)
		return -ENOMEM;
	rc = inode->ops->tmpfile(inode, d, S_IFREG | rq->mode);
	if (!rc) {
		p = (struct path){ dir->mnt, d };
		made.acc = 0;
		rc = open_place(f, &p, &made);
	}
	/* O_EXCL: linkat() may not give it a name later. */
	if (!rc && !(rq->flags & O_EXCL)) {
		spin_lock(&d->inode->lock);
		d->inode->state |= I_LINKABLE;
		spin_unlock(&d->inode->lock);
	}
	dentry_put(d);
	return rc;
}

static int open_tmpfile(struct file *f, int dfd, const char *name, const struct open_request *rq)
{
	struct path dir;
	int rc = path_lookup_at(dfd, name, rq->lookup | LOOKUP_DIRECTORY, &dir);

	if (rc)
		return rc;
	rc = mount_want_write(dir.mnt);
	if (!rc) {
		rc = tmpfile_in(f, &dir, rq);
		mount_drop_write(dir.mnt);
	}
	path_put(&dir);
	return rc;
}

/* --- requests --- */

/* flags and mode checked by the caller as its system call does. */
static int request_make(struct open_request *rq, u32 flags, umode_t mode, u32 lookup)
{
	if (flags & __O_SYNC)
		flags |= O_DSYNC;
	if (unlikely(flags & __O_TMPFILE)) {
		if (!(flags & O_DIRECTORY) || !(acc_of(flags) & MAY_WRITE))
			return -EINVAL;
	} else if (unlikely((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))) {
		return -EINVAL;
	}
	if (unlikely(flags & O_PATH))
		flags &= O_PATH_FLAGS;
	rq->flags = flags;
	rq->acc = acc_of(flags);
	if (flags & O_TRUNC)
		rq->acc |= MAY_WRITE;
	rq->lookup = lookup;
	if (!(flags & O_NOFOLLOW))
		rq->lookup |= LOOKUP_FOLLOW;
	if (flags & O_DIRECTORY)
		rq->lookup |= LOOKUP_DIRECTORY;
	rq->mode = flags & (O_CREAT | __O_TMPFILE) ? mode & S_IALLUGO & ~current->fs->umask : 0;
	return 0;
}

static struct file *open_request(int dfd, const char *name, const struct open_request *rq)
{
	struct file *f = file_alloc(rq->flags & ~(u32)O_CLOEXEC, current_cred());
	int rc;

	if (IS_ERR(f))
		return f;
	if (unlikely(rq->flags & __O_TMPFILE))
		rc = open_tmpfile(f, dfd, name, rq);
	else if (rq->flags & O_CREAT)
		rc = open_create(f, dfd, name, rq);
	else
		rc = open_existing(f, dfd, name, rq);
	if (likely(!rc)) {
		if (likely(!(f->mode & FMODE_PATH)))
			notify_file(f, IN_OPEN);
		return f;
	}
	if (f->path.mnt)
		file_put_sync(f); /* open, but then the truncation failed */
	else
		file_free(f);
	return ERR_PTR(rc);
}

struct file *do_open_at(int dfd, const char *path, u32 flags, umode_t mode, u32 lookup)
{
	struct open_request rq;
	int rc = request_make(&rq, flags, mode, lookup);

	return rc ? ERR_PTR(rc) : open_request(dfd, path, &rq);
}

struct file *file_open(const char *path, u32 flags, umode_t mode)
{
	return do_open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode, 0);
}

struct file *file_open_path(const struct path *path, u32 flags, const struct cred *cred)
{
	struct file *f = file_alloc(flags & ~(u32)O_CLOEXEC, cred);
	int rc;

	if (IS_ERR(f))
		return f;
	rc = file_open_at(f, path);
	if (!rc)
		return f;
	file_free(f);
	return ERR_PTR(rc);
}

struct file *open_exec(int dfd, const char *path, u32 lookup)
{
	struct open_request rq = { .flags = O_RDONLY | O_LARGEFILE, .lookup = lookup, .acc = MAY_EXEC };
	struct file *f;
	int rc;

	f = open_request(dfd, path, &rq);
	if (IS_ERR(f))
		return f;
	f->mode |= FMODE_EXEC;
	rc = S_ISREG(f->inode->mode) && !(f->path.mnt->flags & MS_NOEXEC) ? inode_deny_write(f->inode) : -EACCES;
	if (!rc)
		return f;
	file_put_sync(f);
	return ERR_PTR(rc);
}

/* --- system calls --- */

static long open_user(int dfd, const char __user *path, const struct open_request *rq)
{
	struct name_buf nb;
	struct file *f;
	int fd = name_get(&nb, path, false);

	if (unlikely(fd < 0))
		return fd;
	fd = fd_alloc(0, rq->flags);
	if (likely(fd >= 0)) {
		f = open_request(dfd, nb.name, rq);
		if (likely(!IS_ERR(f))) {
			fd_install(fd, f);
		} else {
			fd_release(fd);
			fd = (int)PTR_ERR(f);
		}
	}
	name_put(&nb);
	return fd;
}

long sys_openat(int dfd, const char __user *path, int flags, umode_t mode)
{
	struct open_request rq;
	int rc = request_make(&rq, ((u32)flags | O_LARGEFILE) & VALID_OPEN_FLAGS, mode, 0);

	return unlikely(rc) ? rc : open_user(dfd, path, &rq);
}

static u32 resolve_to_lookup(u64 resolve)
{
	u32 lookup = 0;

	if (resolve & RESOLVE_NO_XDEV)
		lookup |= LOOKUP_NO_XDEV;
	if (resolve & RESOLVE_NO_MAGICLINKS)
		lookup |= LOOKUP_NO_MAGICLINKS;
	if (resolve & RESOLVE_NO_SYMLINKS)
		lookup |= LOOKUP_NO_SYMLINKS;
	if (resolve & RESOLVE_BENEATH)
		lookup |= LOOKUP_BENEATH;
	if (resolve & RESOLVE_IN_ROOT)
		lookup |= LOOKUP_IN_ROOT;
	if (resolve & RESOLVE_CACHED)
		lookup |= LOOKUP_CACHED;
	return lookup;
}

/* openat2() refuses what openat() ignores. */
static int how_check(const struct open_how *how)
{
	bool makes = how->flags & (O_CREAT | __O_TMPFILE);

	if ((how->flags & ~(u64)VALID_OPEN_FLAGS) || (how->resolve & ~(u64)VALID_RESOLVE_FLAGS))
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (makes ? how->mode & ~(u64)S_IALLUGO : how->mode)
		return -EINVAL;
	if ((how->flags & O_PATH) && (how->flags & ~(u64)O_PATH_FLAGS))
		return -EINVAL;
	if ((how->resolve & RESOLVE_CACHED) && (how->flags & (O_TRUNC | O_CREAT | __O_TMPFILE)))
		return -EAGAIN;
	return 0;
}

long sys_openat2(int dfd, const char __user *path, struct open_how __user *uhow, size_t size)
{
	struct open_request rq;
	struct open_how how;
	u32 flags;
	int rc;

	if (size < OPEN_HOW_SIZE_VER0)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	rc = copy_struct_from_user(&how, sizeof(how), uhow, size);
	if (!rc)
		rc = how_check(&how);
	if (rc)
		return rc;
	flags = (u32)how.flags;
	if (!(flags & O_PATH))
		flags |= O_LARGEFILE;
	rc = request_make(&rq, flags, (umode_t)how.mode, resolve_to_lookup(how.resolve));
	return rc ? rc : open_user(dfd, path, &rq);
}

/* SPDX-License-Identifier: MIT */
/*
 * Names in directories: reading them, making files, directories and nodes, removing them. Links and renames: rename.c.
 *
 * vfs_*() work on a dentry whose directory is locked for writing, check permission, call the filesystem, keep the dentry
 * cache right and tell inotify. The system calls find and lock the place.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <kernel/chrdev.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <linux/inotify.h>

/* --- making --- */

int vfs_create(struct inode *dir, struct dentry *d, umode_t mode, bool excl)
{
	int rc = may_create(dir);

	if (rc)
		return rc;
	if (!dir->ops->create)
		return -EACCES;
	rc = dir->ops->create(dir, d, (mode & S_IALLUGO) | S_IFREG, excl);
	if (!rc)
		notify_inode(dir, IN_CREATE, d->name, 0);
	return rc;
}

int vfs_mkdir(struct inode *dir, struct dentry *d, umode_t mode)
{
	int rc = may_create(dir);

	if (rc)
		return rc;
	if (!dir->ops->mkdir)
		return -EPERM;
	rc = dir->ops->mkdir(dir, d, (mode & (S_IRWXUGO | S_ISVTX)) | S_IFDIR);
	if (!rc)
		notify_inode(dir, IN_CREATE | IN_ISDIR, d->name, 0);
	return rc;
}

int vfs_mknod(struct inode *dir, struct dentry *d, umode_t mode, dev_t dev)
{
	bool whiteout = S_ISCHR(mode) && dev == 0;
	int rc = may_create(dir);

	if (rc)
		return rc;
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && !whiteout && !capable(CAP_MKNOD))
		return -EPERM;
	if (!dir->ops->mknod)
		return -EPERM;
	rc = dir->ops->mknod(dir, d, mode, dev);
	if (!rc)
		notify_inode(dir, IN_CREATE, d->name, 0);
	return rc;
}

static u32 umask_of(void) { return READ_ONCE(current->fs->umask); }

static int mkdir_at(int dfd, const char *name, umode_t mode)
{
	struct path parent;
	struct dentry *d = name_create_begin(dfd, name, LOOKUP_DIRECTORY, &parent);
	int rc;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	rc = vfs_mkdir(parent.dentry->inode, d, mode & ~umask_of());
	name_create_end(&parent, d);
	return rc;
}

long sys_mkdirat(int dfd, const char __user *path, umode_t mode)
{
	struct name_buf nb;
	int rc = name_get(&nb, path, false);

	if (rc)
		return rc;
	rc = mkdir_at(dfd, nb.name, mode);
	name_put(&nb);
	return rc;
}

int vfs_mkdir_path(const char *path, umode_t mode) { return mkdir_at(AT_FDCWD, path, mode); }

static int mknod_at(int dfd, const char *name, umode_t mode, dev_t dev)
{
	struct path parent;
	struct dentry *d;
	struct inode *dir;
	int rc;

	if (S_ISDIR(mode))
		return -EPERM;
	if ((mode & S_IFMT) && !S_ISREG(mode) && !S_ISCHR(mode) && !S_ISBLK(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	d = name_create_begin(dfd, name, 0, &parent);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	dir = parent.dentry->inode;
	mode = (mode & (S_IFMT | S_IALLUGO)) & ~umask_of();
	if (!(mode & S_IFMT) || S_ISREG(mode))
		rc = vfs_create(dir, d, mode | S_IFREG, true);
	else
		rc = vfs_mknod(dir, d, mode, S_ISCHR(mode) || S_ISBLK(mode) ? dev : 0);
	name_create_end(&parent, d);
	return rc;
}

long sys_mknodat(int dfd, const char __user *path, umode_t mode, unsigned int dev)
{
	struct name_buf nb;
	int rc = name_get(&nb, path, false);

	if (rc)
		return rc;
	rc = mknod_at(dfd, nb.name, mode, dev_decode(dev));
	name_put(&nb);
	return rc;
}

int vfs_mknod_path(const char *path, umode_t mode, dev_t dev) { return mknod_at(AT_FDCWD, path, mode, dev); }

/* --- removing --- */

static int unlink_locked(struct inode *dir, struct dentry *d)
{
	if (READ_ONCE(d->flags) & DCACHE_MOUNTED)
		return -EBUSY;
	return dir->ops->unlink(dir, d);
}

int vfs_unlink(struct inode *dir, struct dentry *d)
{
	struct inode *inode = d->inode;
	int rc = may_delete(dir, d, false);

	if (rc)
		return rc;
	if (!dir->ops->unlink)
		return -EPERM;
	down_write_nested(&inode->rwsem);
	rc = unlink_locked(dir, d);
	up_write(&inode->rwsem);
	if (rc)
		return rc;
	notify_inode(inode, IN_ATTRIB, NULL, 0);
	dentry_delete(d);
	notify_inode(dir, IN_DELETE, d->name, 0);
	return 0;
}

static int rmdir_locked(struct inode *dir, struct dentry *d)
{
	int rc;

	if (READ_ONCE(d->flags) & DCACHE_MOUNTED)
		return -EBUSY;
	rc = dir->ops->rmdir(dir, d);
	if (rc)
		return rc;
	d->inode->flags |= S_DEAD_FLAG;
	dentry_prune_children(d);
	return 0;
}

int vfs_rmdir(struct inode *dir, struct dentry *d)
{
	struct inode *inode = d->inode;
	int rc = may_delete(dir, d, true);

	if (rc)
		return rc;
	if (!dir->ops->rmdir)
		return -EPERM;
	down_write_nested(&inode->rwsem);
	rc = rmdir_locked(dir, d);
	up_write(&inode->rwsem);
	if (rc)
		return rc;
	dentry_delete(d);
	notify_inode(dir, IN_DELETE | IN_ISDIR, d->name, 0);
	return 0;
}

static int remove_check_last(const struct walk *w, bool is_dir)
{
	if (likely(w->last_type == LAST_NORM))
		return 0;
	if (!is_dir)
		return -EISDIR;
	return w->last_type == LAST_DOTDOT ? -ENOTEMPTY : w->last_type == LAST_DOT ? -EINVAL : -EBUSY;
}

/* The directory of w locked. *inode: what to put once it is not: the last reference may free much. */
static int remove_locked(struct walk *w, bool is_dir, struct inode **inode)
{
	struct dentry *d = lookup_locked(w->path.dentry, w->last, w->last_len, w->last_hash, 0);
	int rc;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	if (!d->inode) {
		rc = -ENOENT;
	} else if (!is_dir && w->slash) {
		rc = S_ISDIR(d->inode->mode) ? -EISDIR : -ENOTDIR;
	} else {
		*inode = d->inode;
		inode_get(*inode);
		rc = is_dir ? vfs_rmdir(w->inode, d) : vfs_unlink(w->inode, d);
	}
	dentry_put(d);
	return rc;
}

static int remove_at(int dfd, const char *name, bool is_dir)
{
	struct inode *inode = NULL;
	struct walk w;
	int rc = walk_path(&w, dfd, name, LOOKUP_PARENT);

	if (rc)
		return rc;
	rc = remove_check_last(&w, is_dir);
	if (!rc)
		rc = mount_want_write(w.path.mnt);
	if (!rc) {
		down_write(&w.inode->rwsem);
		rc = remove_locked(&w, is_dir, &inode);
		up_write(&w.inode->rwsem);
		if (inode)
			inode_put(inode);
		mount_drop_write(w.path.mnt);
	}
	walk_end(&w);
	return rc;
}

long sys_unlinkat(int dfd, const char __user *path, int flags)
{
	struct name_buf nb;
	int rc;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	rc = name_get(&nb, path, false);
	if (rc)
		return rc;
	rc = remove_at(dfd, nb.name, flags & AT_REMOVEDIR);
	name_put(&nb);
	return rc;
}

int vfs_unlink_path(const char *path) { return remove_at(AT_FDCWD, path, false); }

/* --- reading a directory --- */

/* What getdents64() fills its buffer with; not in the UAPI headers. */
struct linux_dirent64 {
	u64 d_ino;
	s64 d_off; /* position of the next entry */
	u16 d_reclen;
	u8 d_type;
	char d_name[];
};
#define DIRENT_HEAD offsetof(struct linux_dirent64, d_name)

struct getdents {
	struct dir_context ctx;
	char __user *at;
	u32 left;
	struct linux_dirent64 __user *last; /* its d_off is still to be filled in */
	int error;
	union {
		struct linux_dirent64 head;
		char bytes[DIRENT_HEAD + NAME_MAX_LEN + 9];
	} rec;
};

static bool getdents_emit(struct dir_context *ctx, const char *name, u32 len, u64 ino, u32 type)
{
	struct getdents *g = container_of(ctx, struct getdents, ctx);
	u32 size = (u32)ALIGN_UP(DIRENT_HEAD + len + 1, sizeof(u64));
	struct linux_dirent64 *e = &g->rec.head;

	if (len > NAME_MAX_LEN) {
		g->error = -EIO; /* the medium is broken */
		return false;
	}
	if (size > g->left) {
		g->error = -EINVAL; /* counts only when nothing fitted */
		return false;
	}
	if (g->last && signal_pending()) {
		g->error = -EINTR;
		return false;
	}
	memset(g->rec.bytes + size - sizeof(u64), 0, sizeof(u64)); /* the padding */
	e->d_ino = ino;
	e->d_off = 0;
	e->d_reclen = (u16)size;
	e->d_type = (u8)type;
	memcpy(e->d_name, name, len);
	if ((g->last && put_user(ctx->pos, &g->last->d_off)) || copy_to_user(g->at, e, size)) {
		g->error = -EFAULT;
		return false;
	}
	g->last = (struct linux_dirent64 __user *)g->at;
	g->at += size;
	g->left -= size;
	return true;
}

bool dir_emit_dots(struct file *file, struct dir_context *ctx)
{
	struct dentry *d = file->path.dentry;

	if (ctx->pos == 0) {
		if (!ctx->emit(ctx, ".", 1, d->inode->ino, S_IFDIR >> 12))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		struct dentry *up = dentry_parent(d);
		bool ok = ctx->emit(ctx, "..", 2, up->inode->ino, S_IFDIR >> 12);

		dentry_put(up);
		if (!ok)
			return false;
		ctx->pos = 2;
	}
	return true;
}

static int iterate_dir(struct file *f, struct dir_context *ctx)
{
	struct inode *dir = f->inode;
	int rc = -ENOENT;

	if (!f->ops->iterate)
		return -ENOTDIR;
	down_read(&dir->rwsem);
	if (!(dir->flags & S_DEAD_FLAG)) {
		ctx->pos = f->pos;
		rc = f->ops->iterate(f, ctx);
		f->pos = ctx->pos;
		notify_file(f, IN_ACCESS);
		file_accessed(f);
	}
	up_read(&dir->rwsem);
	return rc;
}

long sys_getdents64(int fd, struct linux_dirent64 __user *dirent, unsigned int count)
{
	struct getdents g = { .ctx.emit = getdents_emit, .at = (char __user *)dirent, .left = count };
	struct fd f = fd_get_pos(fd);
	long rc;

	if (!f.file)
		return -EBADF;
	rc = iterate_dir(f.file, &g.ctx);
	if (rc >= 0)
		rc = g.error;
	if (g.last)
		rc = put_user(g.ctx.pos, &g.last->d_off) ? -EFAULT : (long)(count - g.left);
	fd_put(f);
	return rc;
}

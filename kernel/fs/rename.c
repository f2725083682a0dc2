/* SPDX-License-Identifier: MIT */
/*
 * Names for what exists already: hard links, symlinks and reading them, renames.
 *
 * A rename between two directories takes the super's rename_lock first, so that no directory moves while it finds out
 * which of the two is above the other; then both directories, the upper one first, then what is renamed.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <linux/fs.h>
#include <linux/inotify.h>

/* --- links --- */

/* fs.protected_hardlinks: only to what one owns, or could have made. */
static int may_link(struct inode *inode)
{
	u32 mode = inode->mode;

	if (!sysctl_protected_hardlinks || inode_owner_or_capable(inode))
		return 0;
	if (!S_ISREG(mode) || (mode & S_ISUID) || (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return -EPERM;
	return inode_permission(inode, MAY_READ | MAY_WRITE) ? -EPERM : 0;
}

static int link_locked(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *inode = old->inode;
	int rc;

	if (inode->nlink == 0 && !(inode->state & I_LINKABLE))
		return -ENOENT;
	if (inode->nlink == ~0U)
		return -EMLINK;
	rc = dir->ops->link(old, dir, d);
	if (!rc && (inode->state & I_LINKABLE)) {
		spin_lock(&inode->lock);
		inode->state &= ~(u32)I_LINKABLE;
		spin_unlock(&inode->lock);
	}
	return rc;
}

static int vfs_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *inode = old->inode;
	int rc = may_create(dir);

	if (rc)
		return rc;
	if (inode->flags & (S_APPEND_FLAG | S_IMMUTABLE_FLAG))
		return -EPERM;
	if (!dir->ops->link || S_ISDIR(inode->mode))
		return -EPERM;
	down_write_nested(&inode->rwsem);
	rc = link_locked(old, dir, d);
	up_write(&inode->rwsem);
	if (!rc) {
		notify_inode(inode, IN_ATTRIB, NULL, 0);
		notify_inode(dir, IN_CREATE, d->name, 0);
	}
	return rc;
}

static int link_at(const struct path *old, int dfd, const char *name)
{
	struct path parent;
	struct dentry *d = name_create_begin(dfd, name, 0, &parent);
	int rc;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	rc = old->mnt == parent.mnt ? may_link(old->dentry->inode) : -EXDEV;
	if (!rc)
		rc = vfs_link(old->dentry, parent.dentry->inode, d);
	name_create_end(&parent, d);
	return rc;
}

long sys_linkat(int olddfd, const char __user *oldpath, int newdfd, const char __user *newpath, int flags)
{
	struct name_buf nb;
	struct path old;
	u32 lookup = 0;
	int rc;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (flags & AT_SYMLINK_FOLLOW)
		lookup |= LOOKUP_FOLLOW;
	/* A descriptor of somebody else's must not become a name: as if the path were just empty. */
	if ((flags & AT_EMPTY_PATH) && capable(CAP_DAC_READ_SEARCH))
		lookup |= LOOKUP_EMPTY;
	rc = user_path_at(olddfd, oldpath, lookup, &old);
	if (rc)
		return rc;
	rc = name_get(&nb, newpath, false);
	if (!rc) {
		rc = link_at(&old, newdfd, nb.name);
		name_put(&nb);
	}
	path_put(&old);
	return rc;
}

int vfs_link_path(const char *old, const char *path)
{
	struct path p;
	int rc = kern_path(old, 0, &p);

	if (rc)
		return rc;
	rc = link_at(&p, AT_FDCWD, path);
	path_put(&p);
	return rc;
}

/* --- symlinks --- */

static int symlink_at(const char *target, int dfd, const char *name)
{
	struct path parent;
	struct dentry *d = name_create_begin(dfd, name, 0, &parent);
	struct inode *dir;
	int rc;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	dir = parent.dentry->inode;
	rc = may_create(dir);
	if (!rc)
		rc = dir->ops->symlink ? dir->ops->symlink(dir, d, target) : -EPERM;
	if (!rc)
		notify_inode(dir, IN_CREATE, d->name, 0);
	name_create_end(&parent, d);
	return rc;
}

long sys_symlinkat(const char __user *target, int newdfd, const char __user *linkpath)
{
	struct name_buf from, to;
	int rc = name_get(&from, target, false);

	if (rc)
		return rc;
	rc = name_get(&to, linkpath, false);
	if (!rc) {
		rc = symlink_at(from.name, newdfd, to.name);
		name_put(&to);
	}
	name_put(&from);
	return rc;
}

int vfs_symlink_path(const char *target, const char *path) { return symlink_at(target, AT_FDCWD, path); }

static int readlink_place(const struct path *p, char __user *buf, u32 size)
{
	struct inode *i = p->dentry->inode;
	void *cookie = NULL;
	const char *s;
	size_t len;
	int rc;

	if (!i->ops->get_link)
		return -EINVAL;
	touch_atime(p);
	s = i->ops->get_link(i, &cookie);
	if (IS_ERR_OR_NULL(s))
		return s ? (int)PTR_ERR(s) : -EINVAL;
	len = MIN(strlen(s), (size_t)size);
	rc = copy_to_user(buf, s, len) ? -EFAULT : (int)len;
	if (i->ops->put_link)
		i->ops->put_link(i, cookie);
	return rc;
}

long sys_readlinkat(int dfd, const char __user *path, char __user *buf, int bufsiz)
{
	struct name_buf nb;
	struct path p;
	int rc;

	if (bufsiz <= 0)
		return -EINVAL;
	rc = name_get(&nb, path, true);
	if (rc)
		return rc;
	rc = path_lookup_at(dfd, nb.name, LOOKUP_EMPTY, &p);
	if (!rc) {
		if (!nb.len && !S_ISLNK(p.dentry->inode->mode))
			rc = -ENOENT;
		else
			rc = S_ISLNK(p.dentry->inode->mode) ? readlink_place(&p, buf, (u32)bufsiz) : -EINVAL;
		path_put(&p);
	}
	name_put(&nb);
	return rc;
}

/* --- rename: locks --- */

/* The ancestor of d (or d) that stands right below top; NULL when d is not below top. rename_lock held. */
static struct dentry *child_towards(struct dentry *top, struct dentry *d)
{
	for (; d->parent != d; d = d->parent)
		if (d->parent == top)
			return d;
	return NULL;
}

/*
 * Locks both directories. Returns what must be neither source nor target: the way from the upper to the lower directory
 * (*trap_old: it is the source that may not be it).
 */
static struct dentry *lock_dirs(struct dentry *a, struct dentry *b)
{
	struct inode *first = a->inode, *second = b->inode;
	struct dentry *trap;

	if (a == b) {
		down_write(&first->rwsem);
		return NULL;
	}
	mutex_lock(&a->sb->rename_lock);
	trap = child_towards(a, b);
	if (!trap) {
		trap = child_towards(b, a);
		if (trap || second < first) {
			first = b->inode;
			second = a->inode;
		}
	}
	down_write(&first->rwsem);
	down_write_nested(&second->rwsem);
	return trap;
}

static void unlock_dirs(struct dentry *a, struct dentry *b)
{
	up_write(&a->inode->rwsem);
	if (a == b)
		return;
	up_write(&b->inode->rwsem);
	mutex_unlock(&a->sb->rename_lock);
}

static void lock_victims(struct inode *a, struct inode *b)
{
	if (!b || a == b) {
		down_write_nested(&a->rwsem);
		return;
	}
	down_write_nested(a < b ? &a->rwsem : &b->rwsem);
	down_write_nested(a < b ? &b->rwsem : &a->rwsem);
}

static void unlock_victims(struct inode *a, struct inode *b)
{
	up_write(&a->rwsem);
	if (b && b != a)
		up_write(&b->rwsem);
}

/* --- rename: rules --- */

static int rename_check(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new, u32 flags)
{
	bool is_dir = S_ISDIR(old->inode->mode);
	int rc = may_delete(old_dir, old, is_dir);

	if (rc)
		return rc;
	if (!new->inode)
		rc = may_create(new_dir);
	else
		rc = may_delete(new_dir, new, flags & RENAME_EXCHANGE ? S_ISDIR(new->inode->mode) : is_dir);
	if (rc)
		return rc;
	if (!old_dir->ops->rename)
		return -EPERM;
	/* A directory that gets another parent is written: its "..". */
	if (old_dir == new_dir)
		return 0;
	if (is_dir)
		rc = inode_permission(old->inode, MAY_WRITE);
	if (!rc && (flags & RENAME_EXCHANGE) && S_ISDIR(new->inode->mode))
		rc = inode_permission(new->inode, MAY_WRITE);
	return rc;
}

static int rename_locked(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new, u32 flags)
{
	struct inode *target = new->inode;
	int rc;

	if ((READ_ONCE(old->flags) | READ_ONCE(new->flags)) & DCACHE_MOUNTED)
		return -EBUSY;
	rc = old_dir->ops->rename(old_dir, old, new_dir, new, flags);
	if (rc)
		return rc;
	if (target && !(flags & RENAME_EXCHANGE) && S_ISDIR(target->mode)) {
		target->flags |= S_DEAD_FLAG;
		dentry_prune_children(new);
	}
	dentry_move(old, new, flags & RENAME_EXCHANGE);
	return 0;
}

/* After the move; was: the name `old` had. */
static void notify_move(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new,
			const char *was, bool exchange)
{
	static u32 last_cookie;
	u32 cookie = atomic_add_return(&last_cookie, 1U), dir = S_ISDIR(old->inode->mode) ? IN_ISDIR : 0;

	notify_inode(old_dir, IN_MOVED_FROM | dir, was, cookie);
	notify_inode(new_dir, IN_MOVED_TO | dir, old->name, cookie);
	if (!exchange && new->inode)
		notify_inode(new->inode, IN_ATTRIB, NULL, 0);
	notify_inode(old->inode, IN_MOVE_SELF | dir, NULL, 0);
	if (!exchange)
		return;
	dir = S_ISDIR(new->inode->mode) ? IN_ISDIR : 0;
	cookie = atomic_add_return(&last_cookie, 1U);
	notify_inode(new_dir, IN_MOVED_FROM | dir, old->name, cookie);
	notify_inode(old_dir, IN_MOVED_TO | dir, new->name, cookie);
	notify_inode(new->inode, IN_MOVE_SELF | dir, NULL, 0);
}

static int vfs_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new, u32 flags)
{
	struct inode *source = old->inode, *target = new->inode;
	char *was = NULL;
	int rc;

	if (source == target) /* two names of one file: both stay */
		return 0;
	rc = rename_check(old_dir, old, new_dir, new, flags);
	if (rc)
		return rc;
	if (unlikely(READ_ONCE(notify_watches))) {
		was = kstrdup(old->name);
		if (!was)
			return -ENOMEM;
	}
	lock_victims(source, target);
	rc = rename_locked(old_dir, old, new_dir, new, flags);
	unlock_victims(source, target);
	if (!rc && was)
		notify_move(old_dir, old, new_dir, new, was, flags & RENAME_EXCHANGE);
	kfree(was);
	return rc;
}

/* What can be said once both names are known. */
static int rename_names_check(const struct walk *ow, struct dentry *old, const struct walk *nw, struct dentry *new,
			      struct dentry *trap, u32 flags)
{
	if (!old->inode)
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) && new->inode)
		return -EEXIST;
	if (flags & RENAME_EXCHANGE) {
		if (!new->inode)
			return -ENOENT;
		if (!S_ISDIR(new->inode->mode) && nw->slash)
			return -ENOTDIR;
	}
	if (!S_ISDIR(old->inode->mode) && (ow->slash || (!(flags & RENAME_EXCHANGE) && nw->slash)))
		return -ENOTDIR;
	/* Not into itself; not over a directory it is in. */
	if (old == trap)
		return -EINVAL;
	if (new == trap)
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static struct dentry *last_of(struct walk *w, u32 flags)
{
	return lookup_locked(w->path.dentry, w->last, w->last_len, w->last_hash, flags);
}

/* *victim: an inode to put when no lock is held any more. */
static int rename_in(struct walk *ow, struct walk *nw, struct dentry *trap, u32 flags, struct inode **victim)
{
	struct dentry *old = last_of(ow, 0), *new;
	int rc;

	if (IS_ERR(old))
		return (int)PTR_ERR(old);
	if (!old->inode) {
		dentry_put(old);
		return -ENOENT;
	}
	new = last_of(nw, LOOKUP_RENAME);
	if (IS_ERR(new)) {
		dentry_put(old);
		return (int)PTR_ERR(new);
	}
	rc = rename_names_check(ow, old, nw, new, trap, flags);
	if (!rc) {
		*victim = new->inode;
		if (*victim)
			inode_get(*victim);
		rc = vfs_rename(ow->inode, old, nw->inode, new, flags);
	}
	dentry_put(new);
	dentry_put(old);
	return rc;
}

static int rename_walks(struct walk *ow, struct walk *nw, u32 flags)
{
	struct inode *victim = NULL;
	struct dentry *trap;
	int rc;

	if (ow->path.mnt != nw->path.mnt)
		return -EXDEV;
	if (ow->last_type != LAST_NORM)
		return -EBUSY;
	if (nw->last_type != LAST_NORM)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	rc = mount_want_write(ow->path.mnt);
	if (rc)
		return rc;
	trap = lock_dirs(ow->path.dentry, nw->path.dentry);
	rc = rename_in(ow, nw, trap, flags, &victim);
	unlock_dirs(ow->path.dentry, nw->path.dentry);
	if (victim)
		inode_put(victim);
	mount_drop_write(ow->path.mnt);
	return rc;
}

static int rename_at(int olddfd, const char *oldname, int newdfd, const char *newname, u32 flags)
{
	struct walk ow, nw;
	int rc = walk_path(&ow, olddfd, oldname, LOOKUP_PARENT);

	if (rc)
		return rc;
	rc = walk_path(&nw, newdfd, newname, LOOKUP_PARENT);
	if (!rc) {
		rc = rename_walks(&ow, &nw, flags);
		walk_end(&nw);
	}
	walk_end(&ow);
	return rc;
}

long sys_renameat2(int olddfd, const char __user *oldpath, int newdfd, const char __user *newpath, unsigned int flags)
{
	struct name_buf from, to;
	int rc;

	if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	rc = name_get(&from, oldpath, false);
	if (rc)
		return rc;
	rc = name_get(&to, newpath, false);
	if (!rc) {
		rc = rename_at(olddfd, from.name, newdfd, to.name, flags);
		name_put(&to);
	}
	name_put(&from);
	return rc;
}

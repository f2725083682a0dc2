/* SPDX-License-Identifier: MIT */
/*
 * Resolving a path, component by component.
 *
 * Every walk is tried under RCU first: no locks, no reference counts, only cached names; the place it ends at is
 * referenced last and believed only when neither a rename nor a mount happened meanwhile. Anything out of the ordinary
 * (a name not cached, a filesystem that wants to be asked, a magic link, a dying dentry) answers -ECHILD, and the walk
 * is done again holding references all the way.
 *
 * Symlinks do not recurse: w->stack holds what is left of each path a link interrupted. At most MAX_SYMLINKS links in
 * one walk bound everything.
 *
 * Locks: a name not cached is looked up with the directory's rwsem held for writing, so that a name is in the cache once.
 */
#include "internal.h"

#include <kernel/mm.h>
#include <kernel/panic.h>

/* --- the stack of links --- */

static int link_push(struct walk *w, struct inode *inode, void *cookie)
{
	struct walk_link *l;

	if (w->depth >= WALK_LINKS_INLINE && w->stack == w->stack_inline) {
		struct walk_link *big = kmalloc(MAX_SYMLINKS * sizeof(*big), GFP_KERNEL);

		if (!big)
			return -ENOMEM;
		for (u32 i = 0; i < w->depth; i++)
			big[i] = w->stack[i];
		w->stack = big;
	}
	l = &w->stack[w->depth++];
	l->inode = inode;
	l->cookie = cookie;
	l->rest = w->rest;
	w->pending += *w->rest != '\0';
	return 0;
}

/* The top link's target is done: back to what follows it. */
static const char *link_pop(struct walk *w)
{
	struct walk_link *l = &w->stack[--w->depth];

	w->pending -= *l->rest != '\0';
	if (l->inode) {
		if (l->inode->ops->put_link)
			l->inode->ops->put_link(l->inode, l->cookie);
		inode_put(l->inode);
	}
	return l->rest;
}

/* --- where the walk stands --- */

static bool walk_disturbed(const struct walk *w)
{
	return seq_retry(&rename_seq, w->rename_seq) || seq_retry(&mount_seq, w->mount_seq);
}

static void walk_set_root(struct walk *w)
{
	if (w->root_set)
		return;
	if (w->rcu)
		fs_peek(current->fs, &current->fs->root, &w->root);
	else
		fs_get_root(current->fs, &w->root);
	w->root_set = true;
}

/* Moves to p, whose references (if any are held) pass to the walk. Unreferenced, a dentry may have lost its inode. */
static int walk_move(struct walk *w, const struct path *p)
{
	if (!w->rcu)
		path_put(&w->path);
	w->path = *p;
	w->inode = READ_ONCE(p->dentry->inode);
	return likely(w->inode) ? 0 : -ECHILD;
}

static int walk_jump_root(struct walk *w)
{
	struct path root;

	if (w->flags & LOOKUP_BENEATH)
		return -EXDEV;
	walk_set_root(w);
	root = w->root;
	if ((w->flags & LOOKUP_NO_XDEV) && root.mnt != w->path.mnt)
		return -EXDEV;
	if (!w->rcu)
		path_get(&root);
	return walk_move(w, &root);
}

/* Ends the part under RCU: references for the place reached, if nothing moved since the start. */
static int walk_leave_rcu(struct walk *w)
{
	struct mount *m = w->path.mnt;
	struct dentry *d = w->path.dentry;
	bool got_mount, got_dentry = false, good = false;

	got_mount = refcount_get_unless_zero(&m->refs);
	if (got_mount)
		got_dentry = dentry_tryget(d);
	if (got_dentry)
		good = !(READ_ONCE(d->flags) & DCACHE_UNHASHED) && READ_ONCE(d->inode) == w->inode &&
		       !walk_disturbed(w);
	rcu_read_unlock();
	w->rcu = false;
	w->root_set = false; /* not referenced: a later step asks again */
	if (likely(good))
		return 0;
	if (got_dentry)
		dentry_put(d);
	if (got_mount)
		mount_put(m);
	w->path.mnt = NULL;
	return -ECHILD;
}

void walk_end(struct walk *w)
{
	if (w->rcu) {
		rcu_read_unlock();
	} else {
		if (w->path.mnt)
			path_put(&w->path);
		if (w->root_set)
			path_put(&w->root);
	}
	while (w->depth)
		link_pop(w);
	if (unlikely(w->stack != w->stack_inline))
		kfree(w->stack);
}

/* --- names --- */

/* Cuts the next component off the path. 1, or 0 when nothing is left. */
static int walk_next(struct walk *w)
{
	const char *p = w->rest, *start;
	u32 h;
	char c;

	for (;;) {
		while (*p == '/')
			p++;
		if (likely(*p))
			break;
		w->rest = p;
		if (!w->depth)
			return 0;
		p = link_pop(w);
	}
	start = p;
	h = dname_hash_begin(w->path.dentry);
	while ((c = *p) && c != '/') {
		h = dname_hash_add(h, (u8)c);
		p++;
	}
	w->last = start;
	w->last_len = (u32)(p - start);
	w->last_hash = dname_hash_end(h);
	w->last_type = LAST_NORM;
	if (unlikely(*start == '.')) {
		if (w->last_len == 1)
			w->last_type = LAST_DOT;
		else if (w->last_len == 2 && start[1] == '.')
			w->last_type = LAST_DOTDOT;
	}
	w->slash = c == '/';
	while (*p == '/')
		p++;
	w->rest = p;
	w->is_last = !*p && !w->pending;
	if (w->is_last && w->slash)
		w->flags |= LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
	return 1;
}

static int walk_may_search(struct walk *w)
{
	struct inode *i = w->inode;

	if (unlikely(!S_ISDIR(i->mode)))
		return -ENOTDIR;
	if (likely((i->mode & S_IXUGO) == S_IXUGO && !i->ops->permission))
		return 0;
	if (w->rcu && i->ops->permission)
		return -ECHILD;
	return inode_permission(i, MAY_EXEC);
}

/* --- links --- */

/* fs.protected_symlinks: in a sticky world-writable directory only the owner's (of link or directory) are followed. */
static int may_follow_link(const struct walk *w, const struct inode *link)
{
	const struct inode *dir = w->inode;

	if (!w->is_last || !sysctl_protected_symlinks || link->uid == current_fsuid())
		return 0;
	if ((dir->mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) || dir->uid == link->uid)
		return 0;
	return -EACCES;
}

static int link_check(struct walk *w, const struct inode *inode)
{
	if (++w->total_links > MAX_SYMLINKS)
		return -ELOOP;
	if ((w->flags & LOOKUP_NO_SYMLINKS) || (w->path.mnt->flags & MS_NOSYMFOLLOW))
		return -ELOOP;
	return may_follow_link(w, inode);
}

static int link_enter(struct walk *w, const char *target)
{
	if (!*target)
		return -ENOENT;
	w->rest = target;
	w->last_type = LAST_ROOT;
	return *target == '/' ? walk_jump_root(w) : 0;
}

static int link_follow_rcu(struct walk *w, struct inode *inode)
{
	int rc;

	if (inode->ops->get_link != simple_get_link || w->depth >= WALK_LINKS_INLINE ||
	    atime_needs_update(w->path.mnt, inode))
		return -ECHILD;
	rc = link_check(w, inode);
	if (!rc)
		rc = link_push(w, NULL, NULL);
	return rc ? rc : link_enter(w, READ_ONCE(inode->link));
}

/* A link that is a place rather than a text. */
static int link_follow_magic(struct walk *w, struct inode *inode)
{
	struct path p;
	int rc;

	if (w->flags & LOOKUP_NO_MAGICLINKS)
		return -ELOOP;
	rc = inode->ops->follow_link(inode, &p);
	if (rc)
		return rc;
	if ((w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)) ||
	    ((w->flags & LOOKUP_NO_XDEV) && p.mnt != w->path.mnt)) {
		path_put(&p);
		return -EXDEV;
	}
	w->last_type = LAST_ROOT;
	return walk_move(w, &p);
}

static int link_follow_text(struct walk *w, struct inode *inode)
{
	void *cookie = NULL;
	const char *target;
	int rc;

	if (!inode->ops->get_link)
		return -EINVAL;
	target = inode->ops->get_link(inode, &cookie);
	if (IS_ERR_OR_NULL(target))
		return target ? (int)PTR_ERR(target) : -EINVAL;
	rc = link_push(w, inode, cookie);
	if (rc) {
		if (inode->ops->put_link)
			inode->ops->put_link(inode, cookie);
		return rc;
	}
	inode_get(inode);
	return link_enter(w, target);
}

int walk_follow(struct walk *w, struct dentry *d)
{
	struct inode *inode = d->inode;
	struct path link = { w->path.mnt, d };
	int rc = link_check(w, inode);

	if (!rc) {
		touch_atime(&link);
		rc = inode->ops->follow_link ? link_follow_magic(w, inode) : link_follow_text(w, inode);
	}
	dentry_put(d);
	return rc;
}

/* --- up --- */

/* From a mount's root to where it is mounted. False at the top. References held, unless under RCU. */
static bool mount_step_up(struct walk *w, struct path *p)
{
	struct mount *m = p->mnt;
	struct path up;
	u32 seq;

	if (w->rcu) {
		up = (struct path){ READ_ONCE(m->parent), READ_ONCE(m->mountpoint) };
		if (!up.mnt || !up.dentry)
			return false;
		*p = up;
		return true;
	}
	for (;;) {
		rcu_read_lock();
		seq = seq_begin(&mount_seq);
		up = (struct path){ READ_ONCE(m->parent), READ_ONCE(m->mountpoint) };
		if (!up.mnt || seq_retry(&mount_seq, seq) || !refcount_get_unless_zero(&up.mnt->refs)) {
			rcu_read_unlock();
			if (!up.mnt)
				return false;
			continue;
		}
		/* The mountpoint is held by the mount as long as it is mounted there. */
		if (dentry_tryget(up.dentry)) {
			rcu_read_unlock();
			if (!seq_retry(&mount_seq, seq))
				break;
			dentry_put(up.dentry);
		} else {
			rcu_read_unlock();
		}
		mount_put(up.mnt);
	}
	path_put(p);
	*p = up;
	return true;
}

static int cross_down(struct walk *w, struct path *p)
{
	if (likely(!(READ_ONCE(p->dentry->flags) & DCACHE_MOUNTED)))
		return 0;
	if (w->rcu) {
		struct mount *m;

		while ((READ_ONCE(p->dentry->flags) & DCACHE_MOUNTED) && (m = mount_at(p->mnt, p->dentry))) {
			if (w->flags & LOOKUP_NO_XDEV)
				return -ECHILD;
			*p = (struct path){ m, m->root };
		}
		return 0;
	}
	if (w->flags & LOOKUP_NO_XDEV) {
		struct mount *m = mount_get_at(p->mnt, p->dentry);

		if (m)
			mount_put(m);
		return m ? -EXDEV : 0;
	}
	path_cross_mounts(p);
	return 0;
}

/* The directory above p within its mount, or p itself at the root of the walk or of everything. */
static int find_parent(struct walk *w, struct path *p)
{
	for (;;) {
		if (p->dentry == w->root.dentry && p->mnt == w->root.mnt)
			return w->flags & LOOKUP_BENEATH ? -EXDEV : 0;
		if (p->dentry != p->mnt->root)
			break;
		if (!READ_ONCE(p->mnt->parent))
			return 0;
		if (w->flags & LOOKUP_NO_XDEV)
			return -EXDEV;
		if (!mount_step_up(w, p))
			return 0;
	}
	if (w->rcu) {
		p->dentry = READ_ONCE(p->dentry->parent);
	} else {
		struct dentry *up = dentry_parent(p->dentry);

		dentry_put(p->dentry);
		p->dentry = up;
	}
	return 0;
}

static int walk_up(struct walk *w)
{
	struct path p = w->path;
	int rc;

	walk_set_root(w);
	if (!w->rcu)
		path_get(&p);
	rc = find_parent(w, &p);
	if (!rc)
		rc = cross_down(w, &p);
	/* A directory moved out of the scope could lead above it. */
	if (!rc && (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT)) && walk_disturbed(w))
		rc = -EAGAIN;
	if (rc) {
		if (!w->rcu)
			path_put(&p);
		return rc;
	}
	return walk_move(w, &p);
}

/* --- down --- */

static int step_rcu(struct walk *w)
{
	struct dentry *d = dcache_find(w->path.dentry, w->last, w->last_len, w->last_hash);
	struct path p;
	struct inode *inode;
	int rc;

	if (unlikely(!d || (READ_ONCE(d->flags) & DCACHE_REVALIDATE)))
		return -ECHILD;
	p = (struct path){ w->path.mnt, d };
	rc = cross_down(w, &p);
	if (unlikely(rc))
		return rc;
	inode = rcu_dereference(p.dentry->inode);
	if (unlikely(!inode))
		return -ENOENT;
	if (unlikely(S_ISLNK(inode->mode)) && (!w->is_last || (w->flags & LOOKUP_FOLLOW)))
		return link_follow_rcu(w, inode);
	w->path = p;
	w->inode = inode;
	return 0;
}

/* Asks the filesystem whether a cached dentry still stands. Consumes d; NULL: forgotten. */
static struct dentry *dentry_revalidate(struct dentry *d)
{
	int (*fn)(struct dentry *d) = d->ops && d->ops->revalidate ? d->ops->revalidate
								   : d->parent->inode->ops->revalidate;
	int rc = fn ? fn(d) : 1;

	if (rc > 0)
		return d;
	if (rc == 0)
		dentry_drop(d);
	dentry_put(d);
	return rc < 0 ? ERR_PTR(rc) : NULL;
}

struct dentry *lookup_locked(struct dentry *parent, const char *name, u32 len, u32 hash, u32 flags)
{
	struct inode *dir = parent->inode;
	struct dentry *d = dcache_get(parent, name, len, hash);
	int rc;

	if (d && unlikely(d->flags & DCACHE_REVALIDATE))
		d = dentry_revalidate(d);
	if (d)
		return d;
	if (len > NAME_MAX_LEN)
		return ERR_PTR(-ENAMETOOLONG);
	if (dir->flags & S_DEAD_FLAG)
		return ERR_PTR(-ENOENT);
	if (!dir->ops->lookup)
		return ERR_PTR(-ENOTDIR);
	d = dentry_alloc(parent, name, len);
	if (!d)
		return ERR_PTR(-ENOMEM);
	rc = dir->ops->lookup(dir, d, flags);
	if (rc) {
		dentry_put(d);
		return ERR_PTR(rc);
	}
	return d;
}

static struct dentry *lookup_ref(struct walk *w)
{
	struct dentry *parent = w->path.dentry;
	struct dentry *d = dcache_get(parent, w->last, w->last_len, w->last_hash);

	if (d && unlikely(d->flags & DCACHE_REVALIDATE))
		d = dentry_revalidate(d);
	if (d)
		return d;
	down_write(&w->inode->rwsem);
	d = lookup_locked(parent, w->last, w->last_len, w->last_hash, w->flags);
	up_write(&w->inode->rwsem);
	return d;
}

static int step_ref(struct walk *w)
{
	struct dentry *d = lookup_ref(w);
	struct path p;
	int rc;

	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	if (!d->inode) {
		dentry_put(d);
		return -ENOENT;
	}
	if (S_ISLNK(d->inode->mode) && (!w->is_last || (w->flags & LOOKUP_FOLLOW)))
		return walk_follow(w, d);
	mount_get(w->path.mnt);
	p = (struct path){ w->path.mnt, d };
	rc = cross_down(w, &p);
	if (rc) {
		path_put(&p);
		return rc;
	}
	return walk_move(w, &p);
}

static int walk_step(struct walk *w)
{
	if (unlikely(w->last_type == LAST_DOT))
		return 0;
	if (unlikely(w->last_type == LAST_DOTDOT))
		return walk_up(w);
	return w->rcu ? step_rcu(w) : step_ref(w);
}

int walk_rest(struct walk *w)
{
	int rc;

	while (walk_next(w)) {
		rc = walk_may_search(w);
		if (unlikely(rc))
			return rc;
		if (unlikely(w->last_len > NAME_MAX_LEN))
			return -ENAMETOOLONG;
		if (w->is_last && (w->flags & LOOKUP_PARENT))
			return 0;
		rc = walk_step(w);
		if (unlikely(rc))
			return rc;
	}
	if (unlikely((w->flags & LOOKUP_DIRECTORY) && !S_ISDIR(w->inode->mode)) && !(w->flags & LOOKUP_PARENT))
		return -ENOTDIR;
	return 0;
}

/* --- from the start --- */

static int start_at_fd(struct walk *w, int dfd)
{
	struct fd f = fd_get_any(dfd);

	if (!f.file)
		return -EBADF;
	w->path = f.file->path;
	if (!w->rcu)
		path_get(&w->path);
	fd_put(f);
	return 0;
}

static int walk_start(struct walk *w, int dfd, const char *name)
{
	struct fs *fs = current->fs;
	bool absolute = *name == '/';
	int rc = 0;

	if (absolute && (w->flags & LOOKUP_BENEATH))
		return -EXDEV;
	if (absolute && !(w->flags & LOOKUP_IN_ROOT)) {
		walk_set_root(w);
		w->path = w->root;
		if (!w->rcu)
			path_get(&w->path);
	} else if (dfd == AT_FDCWD) {
		if (w->rcu)
			fs_peek(fs, &fs->pwd, &w->path);
		else
			fs_get_pwd(fs, &w->path);
	} else {
		rc = start_at_fd(w, dfd);
	}
	if (rc)
		return rc;
	w->inode = READ_ONCE(w->path.dentry->inode);
	if (unlikely(!w->inode))
		return -ECHILD;
	if (unlikely(w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))) {
		w->root = w->path;
		w->root_set = true;
		if (!w->rcu)
			path_get(&w->root);
	}
	return 0;
}

static int walk_try(struct walk *w, int dfd, const char *name, u32 flags, bool rcu)
{
	int rc;

	w->flags = flags;
	w->rcu = rcu;
	w->root_set = false;
	w->is_last = w->slash = false;
	w->last_type = LAST_ROOT;
	w->depth = w->pending = w->total_links = 0;
	w->stack = w->stack_inline;
	w->rest = name;
	w->path.mnt = NULL;
	if (rcu)
		rcu_read_lock();
	w->rename_seq = seq_begin(&rename_seq);
	w->mount_seq = seq_begin(&mount_seq);
	rc = walk_start(w, dfd, name);
	if (likely(!rc))
		rc = walk_rest(w);
	if (rcu) {
		if (likely(!rc))
			rc = walk_leave_rcu(w);
		else if (walk_disturbed(w))
			rc = -ECHILD;
	}
	if (unlikely(rc))
		walk_end(w);
	return rc;
}

int walk_path(struct walk *w, int dfd, const char *name, u32 flags)
{
	/* A scope must hold its root; that is no case for the lockless way. */
	bool scoped = flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT);
	int rc = scoped ? -ECHILD : walk_try(w, dfd, name, flags, true);

	if (unlikely(rc == -ECHILD)) {
		if (flags & LOOKUP_CACHED)
			return -EAGAIN;
		rc = walk_try(w, dfd, name, flags, false);
	}
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * Paths as the rest of the kernel names them: strings from user space, lookups that end in a struct path, and the
 * beginning of every call that makes a name. The walk itself is in walk.c.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>

/* As Debian sets them: fs.protected_* */
u32 sysctl_protected_symlinks = 1, sysctl_protected_hardlinks = 1, sysctl_protected_fifos = 1,
	sysctl_protected_regular = 2;

static struct slab_cache *name_cache __ro_after_init; /* PATH_MAX_LEN bytes: long paths, and struct filename */

/* --- strings --- */

static int name_get_long(struct name_buf *nb, const char __user *path)
{
	s64 n;

	nb->heap = slab_alloc(name_cache, GFP_KERNEL);
	if (!nb->heap)
		return -ENOMEM;
	n = strncpy_from_user(nb->heap, path, PATH_MAX_LEN);
	if (n < 0 || n >= PATH_MAX_LEN) {
		name_free(nb);
		return n < 0 ? (int)n : -ENAMETOOLONG;
	}
	nb->name = nb->heap;
	nb->len = (u32)n;
	return 0;
}

int name_get(struct name_buf *nb, const char __user *path, bool empty_ok)
{
	s64 n = strncpy_from_user(nb->small, path, sizeof(nb->small));

	nb->heap = NULL;
	if (unlikely(n < 0))
		return (int)n;
	if (unlikely(n == sizeof(nb->small)))
		return name_get_long(nb, path);
	if (unlikely(n == 0 && !empty_ok))
		return -ENOENT;
	nb->name = nb->small;
	nb->len = (u32)n;
	return 0;
}

void name_free(struct name_buf *nb)
{
	slab_free(name_cache, nb->heap);
	nb->heap = NULL;
}

static_assert(sizeof(struct filename) <= PATH_MAX_LEN, "a struct filename comes from the names' cache");

static struct filename *filename_alloc(void)
{
	struct filename *fn = slab_alloc(name_cache, GFP_KERNEL);

	if (fn)
		fn->name = fn->inline_buf;
	return fn;
}

struct filename *getname(const char __user *path, bool empty_ok)
{
	struct filename *fn = filename_alloc();
	s64 n;

	if (!fn)
		return ERR_PTR(-ENOMEM);
	n = strncpy_from_user(fn->name, path, sizeof(fn->inline_buf));
	if (n == sizeof(fn->inline_buf)) {
		fn->name = slab_alloc(name_cache, GFP_KERNEL);
		if (!fn->name) {
			fn->name = fn->inline_buf;
			n = -ENOMEM;
		} else {
			n = strncpy_from_user(fn->name, path, PATH_MAX_LEN);
			if (n == PATH_MAX_LEN)
				n = -ENAMETOOLONG;
		}
	}
	if (n == 0 && !empty_ok)
		n = -ENOENT;
	if (n < 0) {
		putname(fn);
		return ERR_PTR(n);
	}
	fn->len = (u32)n;
	return fn;
}

struct filename *getname_kernel(const char *path)
{
	size_t len = strnlen(path, PATH_MAX_LEN);
	struct filename *fn;

	if (len >= sizeof(fn->inline_buf))
		return ERR_PTR(-ENAMETOOLONG);
	fn = filename_alloc();
	if (!fn)
		return ERR_PTR(-ENOMEM);
	memcpy(fn->name, path, len + 1);
	fn->len = (u32)len;
	return fn;
}

void putname(struct filename *fn)
{
	if (IS_ERR_OR_NULL(fn))
		return;
	if (fn->name != fn->inline_buf)
		slab_free(name_cache, fn->name);
	slab_free(name_cache, fn);
}

/* --- lookups --- */

void path_put(const struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
}

int path_lookup_at(int dfd, const char *path, u32 lookup, struct path *out)
{
	struct walk w;
	int rc = walk_path(&w, dfd, path, lookup);

	if (unlikely(rc))
		return rc;
	*out = w.path;
	w.path.mnt = NULL;
	walk_end(&w);
	return 0;
}

int user_path_at(int dfd, const char __user *path, u32 lookup, struct path *out)
{
	struct name_buf nb;
	int rc = name_get(&nb, path, lookup & LOOKUP_EMPTY);

	if (unlikely(rc))
		return rc;
	rc = path_lookup_at(dfd, nb.name, lookup, out);
	name_put(&nb);
	return rc;
}

int kern_path(const char *path, u32 lookup, struct path *out) { return path_lookup_at(AT_FDCWD, path, lookup, out); }

/* --- making a name --- */

static struct dentry *create_locked(struct walk *w, u32 flags)
{
	struct dentry *d = lookup_locked(w->path.dentry, w->last, w->last_len, w->last_hash,
					 LOOKUP_CREATE | LOOKUP_EXCL);

	if (IS_ERR(d))
		return d;
	if (d->inode) {
		dentry_put(d);
		return ERR_PTR(-EEXIST);
	}
	/* Only a directory may be made with a slash after its name. */
	if (w->slash && !(flags & LOOKUP_DIRECTORY)) {
		dentry_put(d);
		return ERR_PTR(-ENOENT);
	}
	return d;
}

struct dentry *name_create_begin(int dfd, const char *name, u32 flags, struct path *parent)
{
	struct walk w;
	struct dentry *d;
	int rc = walk_path(&w, dfd, name, LOOKUP_PARENT), rc_write;

	if (rc)
		return ERR_PTR(rc);
	if (w.last_type != LAST_NORM) {
		walk_end(&w);
		return ERR_PTR(-EEXIST);
	}
	/* That the name is there already comes before a read-only mount. */
	rc_write = mount_want_write(w.path.mnt);
	down_write(&w.inode->rwsem);
	d = create_locked(&w, flags);
	if (!IS_ERR(d) && rc_write) {
		dentry_put(d);
		d = ERR_PTR(rc_write);
	}
	if (IS_ERR(d)) {
		up_write(&w.inode->rwsem);
		if (!rc_write)
			mount_drop_write(w.path.mnt);
		walk_end(&w);
		return d;
	}
	*parent = w.path;
	w.path.mnt = NULL;
	walk_end(&w);
	return d;
}

void name_create_end(struct path *parent, struct dentry *d)
{
	up_write(&parent->dentry->inode->rwsem);
	dentry_put(d);
	mount_drop_write(parent->mnt);
	path_put(parent);
}

void names_init(void)
{
	name_cache = slab_create("names", PATH_MAX_LEN, 64, 0, NULL);
	if (!name_cache)
		panic("namei: no memory for the cache");
}

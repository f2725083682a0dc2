/* SPDX-License-Identifier: MIT */
/*
 * devtmpfs: the one tmpfs in which the kernel makes its device nodes.
 *
 * Life: the first mount makes the tmpfs and it stays for ever, whoever unmounts it; all mounts show the same tree. Nodes
 * come from the table in kernel/dev/devnode.c: devfs_update() compares what the table wants with what was made, at the
 * first mount and after each change. Users may add files and remove nodes; what they removed is not made again, and the
 * kernel removes only nodes that still are the device it made.
 *
 * Locks: devfs_lock (RANK_DEVFS) the super, the made_* fields of the table, one update at a time; inside it the
 * directories' rwsem.
 */
#include "../internal.h"

#include <kernel/printk.h>
#include <kernel/string.h>

#include "../../dev/devnode.h"
#include "../tmpfs/tmpfs.h"

static DEFINE_MUTEX(devfs_lock, RANK_DEVFS);
static struct super *devfs_super; /* [devfs_lock] NULL: never mounted so far */

/* --- directories on the way to a node; all with devfs_lock held, as the kernel (init_cred) --- */

/* dir->inode->rwsem held for writing. Referenced; ERR_PTR. */
static struct dentry *look_up(struct dentry *dir, const char *name, u32 len)
{
	return lookup_locked(dir, name, len, dentry_hash_name(dir, name, len), 0);
}

static int want_dir(struct inode *dir, struct dentry *d, bool make)
{
	if (d->inode)
		return S_ISDIR(d->inode->mode) ? 0 : -ENOTDIR;
	return make ? vfs_mkdir(dir, d, 0755) : -ENOENT;
}

/* The directory `name` in dir, made when it is missing and `make` says so. Consumes dir; referenced, ERR_PTR. */
static struct dentry *step_down(struct dentry *dir, const char *name, u32 len, bool make)
{
	struct dentry *d;
	int rc;

	down_write(&dir->inode->rwsem);
	d = look_up(dir, name, len);
	rc = IS_ERR(d) ? (int)PTR_ERR(d) : want_dir(dir->inode, d, make);
	up_write(&dir->inode->rwsem);
	dentry_put(dir);
	if (!rc)
		return d;
	if (!IS_ERR(d))
		dentry_put(d);
	return ERR_PTR(rc);
}

/* The directory that holds the node; *last is set to its name in there. */
static struct dentry *node_dir(const char *name, const char **last, bool make)
{
	struct dentry *dir = devfs_super->root;
	const char *slash;

	dentry_get(dir);
	while ((slash = strchr(name, '/')) && !IS_ERR(dir)) {
		dir = step_down(dir, name, (u32)(slash - name), make);
		name = slash + 1;
	}
	*last = name;
	return dir;
}

/* --- nodes --- */

static int make_node(const struct devnode *n)
{
	const char *name;
	struct dentry *dir = node_dir(n->name, &name, true), *d;
	int rc;

	if (IS_ERR(dir))
		return (int)PTR_ERR(dir);
	down_write(&dir->inode->rwsem);
	d = look_up(dir, name, (u32)strlen(name));
	rc = IS_ERR(d) ? (int)PTR_ERR(d) : d->inode ? -EEXIST : vfs_mknod(dir->inode, d, n->mode, n->dev);
	up_write(&dir->inode->rwsem);
	if (!IS_ERR(d))
		dentry_put(d);
	dentry_put(dir);
	return rc;
}

/* d's directory locked. *gone: to be put when it is not, for the last reference may free much. */
static void unlink_node(const struct devnode *n, struct inode *dir, struct dentry *d, struct inode **gone)
{
	struct inode *inode = d->inode;

	if (!inode || (inode->mode & S_IFMT) != (n->made_mode & S_IFMT) || inode->rdev != n->made_dev)
		return;
	inode_get(inode);
	*gone = inode;
	(void)vfs_unlink(dir, d); /* -EBUSY: something is mounted there, and it stays */
}

/* Removes dir and the directories above it as far as nothing is left in them. Consumes dir. */
static void prune_dirs(struct dentry *dir)
{
	while (!dentry_is_root(dir)) {
		struct dentry *up = dentry_parent(dir);
		int rc = -ENOENT;

		down_write(&up->inode->rwsem);
		if (dir->parent == up && !dentry_unlinked(dir))
			rc = vfs_rmdir(up->inode, dir);
		up_write(&up->inode->rwsem);
		dentry_put(dir);
		dir = up;
		if (rc)
			break;
	}
	dentry_put(dir);
}

static void remove_node(const struct devnode *n)
{
	const char *name;
	struct dentry *dir = node_dir(n->name, &name, false), *d;
	struct inode *gone = NULL;

	if (IS_ERR(dir))
		return;
	down_write(&dir->inode->rwsem);
	d = look_up(dir, name, (u32)strlen(name));
	if (!IS_ERR(d))
		unlink_node(n, dir->inode, d, &gone);
	up_write(&dir->inode->rwsem);
	if (!IS_ERR(d))
		dentry_put(d);
	if (gone)
		inode_put(gone);
	prune_dirs(dir);
}

static void update_node(struct devnode *n)
{
	bool want = devnode_present(n);
	int rc;

	if (n->made && (!want || n->made_dev != n->dev || n->made_mode != n->mode)) {
		remove_node(n);
		n->made = false;
	}
	if (!want || n->made)
		return;
	rc = make_node(n);
	if (rc && rc != -EEXIST) {
		pr_warn("devfs: cannot make %s: error %d", n->name, rc);
		return;
	}
	n->made = true;
	n->made_mode = n->mode;
	n->made_dev = n->dev;
}

/* devfs_lock held. */
static void update_locked(void)
{
	const struct cred *old = cred_override(&init_cred);

	for (struct devnode *n = devnode_first(); n; n = devnode_next(n))
		update_node(n);
	cred_restore(old);
}

void devfs_update(void)
{
	mutex_lock(&devfs_lock);
	if (devfs_super)
		update_locked();
	mutex_unlock(&devfs_lock);
}

/* --- the filesystem --- */

/* devfs_lock held. The reference made here is the kernel's own and stays. */
static int make_super(struct fs_type *type)
{
	int rc = tmpfs_type.mount(type, 0, type->name, "mode=0755,uid=0,gid=0", &devfs_super);

	if (rc) {
		devfs_super = NULL;
		return rc;
	}
	strscpy(devfs_super->source, type->name, sizeof(devfs_super->source));
	update_locked();
	return 0;
}

/* Options of later mounts change the one tree, as a remount would. */
static int devfs_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	u32 sb_flags = (u32)flags;
	int rc;

	(void)source;
	mutex_lock(&devfs_lock);
	rc = devfs_super ? 0 : make_super(type);
	if (!rc && data && *data)
		rc = devfs_super->ops->remount(devfs_super, &sb_flags, data);
	if (!rc) {
		refcount_get(&devfs_super->refs);
		*out = devfs_super;
	}
	mutex_unlock(&devfs_lock);
	return rc;
}

static struct fs_type devtmpfs_type = { .name = "devtmpfs", .flags = FS_NODEV, .mount = devfs_mount };
FS_REGISTER(devtmpfs_type);

/* SPDX-License-Identifier: MIT */
/*
 * tmpfs directories.
 *
 * Names are dentries; the directory's array gives each a position that stays its own for life, so that a reader may stop
 * anywhere, and names may come and go, without any other being skipped or seen twice. All changes are made with the
 * directory's rwsem held for writing; dentry->data is the position.
 */
#include "tmpfs.h"

#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <linux/fs.h>

static u64 pos_of(const struct dentry *d) { return (u64)d->data; }

static void touch_dir(struct inode *dir)
{
	dir->mtime = dir->ctime = ktime_get_coarse_real();
	dir->version++;
}

/* --- entries --- */

/* A position for d in dir. 0, -ENOMEM. */
static int entry_add(struct inode *dir, struct dentry *d)
{
	struct tmpfs_inode *ti = tmpfs_of(dir);
	void *old = xa_store(&ti->entries, ti->next_pos, d, GFP_KERNEL);

	if (IS_ERR(old))
		return (int)PTR_ERR(old);
	d->data = (void *)ti->next_pos++;
	dir->size += TMPFS_DIRENT_SIZE;
	return 0;
}

static void entry_remove(struct inode *dir, struct dentry *d)
{
	xa_erase(&tmpfs_of(dir)->entries, pos_of(d));
	d->data = NULL;
	dir->size -= TMPFS_DIRENT_SIZE;
}

/* d takes the place of what stands at position pos. */
static void entry_replace(struct inode *dir, u64 pos, struct dentry *d)
{
	void *old = xa_store(&tmpfs_of(dir)->entries, pos, d, GFP_ATOMIC);

	WARN_ON(IS_ERR_OR_NULL(old)); /* a slot in use needs no memory */
	d->data = (void *)pos;
}

static bool dir_is_empty(struct inode *dir)
{
	u64 pos = 0;

	return !xa_find(&tmpfs_of(dir)->entries, &pos, ~0UL);
}

/* Gives the negative dentry its new inode (consumed) and keeps it while the name exists. */
static int add_name(struct inode *dir, struct dentry *d, struct inode *inode)
{
	int rc = entry_add(dir, d);

	if (rc) {
		inode->nlink = 0;
		inode_put(inode);
		return rc;
	}
	touch_dir(dir);
	dentry_attach(d, inode);
	dentry_get(d);
	return 0;
}

/* --- looking --- */

static int tmpfs_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	/* What exists is in the dentry cache: this does not. */
	(void)dir;
	(void)flags;
	dentry_attach(d, NULL);
	return 0;
}

static int tmpfs_iterate(struct file *f, struct dir_context *ctx)
{
	struct tmpfs_inode *ti = tmpfs_of(f->inode);
	struct dentry *d;
	u64 pos;

	if (!dir_emit_dots(f, ctx))
		return 0;
	for (pos = (u64)ctx->pos; (d = xa_find(&ti->entries, &pos, 0x7fffffffffffffffUL)); pos = (u64)ctx->pos) {
		if (!ctx->emit(ctx, d->name, d->name_len, d->inode->ino, (d->inode->mode & S_IFMT) >> 12))
			return 0;
		ctx->pos = (loff_t)pos + 1;
	}
	return 0;
}

static loff_t tmpfs_dir_llseek(struct file *f, loff_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

/* --- making --- */

static int tmpfs_mknod(struct inode *dir, struct dentry *d, umode_t mode, dev_t dev)
{
	struct inode *inode = tmpfs_inode_new(dir->sb, dir, mode, dev);

	return IS_ERR(inode) ? (int)PTR_ERR(inode) : add_name(dir, d, inode);
}

static int tmpfs_create(struct inode *dir, struct dentry *d, umode_t mode, bool excl)
{
	(void)excl;
	return tmpfs_mknod(dir, d, mode | S_IFREG, 0);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *d, umode_t mode)
{
	int rc = tmpfs_mknod(dir, d, mode | S_IFDIR, 0);

	if (!rc)
		dir->nlink++;
	return rc;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *d, const char *target)
{
	struct inode *inode = tmpfs_inode_new(dir->sb, dir, S_IFLNK | 0777, 0);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode->size = (loff_t)strlen(target);
	inode->link = kstrdup(target);
	if (!inode->link) {
		inode->nlink = 0;
		inode_put(inode);
		return -ENOMEM;
	}
	return add_name(dir, d, inode);
}

static int tmpfs_tmpfile(struct inode *dir, struct dentry *d, umode_t mode)
{
	struct inode *inode = tmpfs_inode_new(dir->sb, dir, mode | S_IFREG, 0);

	if (IS_ERR(inode))
		return (int)PTR_ERR(inode);
	inode->nlink = 0;
	dentry_attach_unhashed(d, inode);
	return 0;
}

/* The first name is paid for with the inode, each further one by itself. */
static int tmpfs_link(struct dentry *old, struct inode *dir, struct dentry *d)
{
	struct inode *inode = old->inode;
	bool further = inode->nlink > 0;
	int rc = further ? tmpfs_charge_inode(dir->sb) : 0;

	if (rc)
		return rc;
	rc = entry_add(dir, d);
	if (rc) {
		if (further)
			tmpfs_uncharge_inode(dir->sb);
		return rc;
	}
	inode->nlink++;
	inode_touch_ctime(inode);
	touch_dir(dir);
	inode_get(inode);
	dentry_attach(d, inode);
	dentry_get(d);
	return 0;
}

/* --- removing --- */

/* The inode behind d has a name less. */
static void drop_link(struct inode *inode)
{
	if (inode->nlink > 1 && !S_ISDIR(inode->mode))
		tmpfs_uncharge_inode(inode->sb);
	inode->nlink = S_ISDIR(inode->mode) ? 0 : inode->nlink - 1;
	inode_touch_ctime(inode);
}

static int tmpfs_unlink(struct inode *dir, struct dentry *d)
{
	entry_remove(dir, d);
	drop_link(d->inode);
	touch_dir(dir);
	dentry_put(d);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *d)
{
	if (!dir_is_empty(d->inode))
		return -ENOTEMPTY;
	dir->nlink--;
	return tmpfs_unlink(dir, d);
}

/* --- renaming --- */

static void exchange(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new)
{
	u64 old_pos = pos_of(old), new_pos = pos_of(new);
	bool old_is_dir = S_ISDIR(old->inode->mode), new_is_dir = S_ISDIR(new->inode->mode);

	entry_replace(old_dir, old_pos, new);
	entry_replace(new_dir, new_pos, old);
	if (old_dir != new_dir && old_is_dir != new_is_dir) {
		old_dir->nlink += old_is_dir ? -1U : 1U;
		new_dir->nlink += old_is_dir ? 1U : -1U;
	}
	inode_touch_ctime(new->inode);
}

/* A character device 0:0 under the name that goes: what overlayfs takes for "deleted". */
static int make_whiteout(struct inode *dir, struct dentry *old)
{
	struct dentry *w = dentry_alloc(old->parent, old->name, old->name_len);
	int rc;

	if (!w)
		return -ENOMEM;
	rc = tmpfs_mknod(dir, w, S_IFCHR, 0);
	dentry_put(w);
	return rc;
}

/* Onto an existing name: old takes its place. */
static void replace(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new)
{
	u64 pos = pos_of(new);

	entry_remove(old_dir, old);
	entry_replace(new_dir, pos, old);
	new->data = NULL;
	if (S_ISDIR(new->inode->mode))
		new_dir->nlink--;
	drop_link(new->inode);
	dentry_put(new);
}

static int move(struct inode *old_dir, struct dentry *old, struct inode *new_dir)
{
	u64 old_pos = pos_of(old);
	int rc = entry_add(new_dir, old);

	if (rc)
		return rc;
	xa_erase(&tmpfs_of(old_dir)->entries, old_pos);
	old_dir->size -= TMPFS_DIRENT_SIZE;
	return 0;
}

static int tmpfs_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new, u32 flags)
{
	struct inode *inode = old->inode;
	int rc = 0;

	if (flags & RENAME_EXCHANGE) {
		exchange(old_dir, old, new_dir, new);
	} else {
		if (new->inode && S_ISDIR(new->inode->mode) && !dir_is_empty(new->inode))
			return -ENOTEMPTY;
		if (flags & RENAME_WHITEOUT)
			rc = make_whiteout(old_dir, old);
		if (rc)
			return rc;
		if (new->inode)
			replace(old_dir, old, new_dir, new);
		else
			rc = move(old_dir, old, new_dir);
		if (rc)
			return rc;
		if (S_ISDIR(inode->mode)) {
			old_dir->nlink--;
			new_dir->nlink++;
		}
	}
	touch_dir(old_dir);
	touch_dir(new_dir);
	inode_touch_ctime(inode);
	return 0;
}

const struct inode_ops tmpfs_dir_iops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.symlink = tmpfs_symlink,
	.mkdir = tmpfs_mkdir,
	.rmdir = tmpfs_rmdir,
	.mknod = tmpfs_mknod,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	.setattr = tmpfs_setattr,
	.listxattr = tmpfs_listxattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.removexattr = tmpfs_removexattr,
};

const struct file_ops tmpfs_dir_fops = {
	.llseek = tmpfs_dir_llseek,
	.iterate = tmpfs_iterate,
	.fsync = noop_fsync,
	.ioctl = inode_flags_ioctl,
};

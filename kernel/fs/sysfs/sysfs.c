/* SPDX-License-Identifier: MIT */
/*
 * sysfs: directories, files and links of /sys, driven by tables; what they say stands beside.
 *
 * All is read-only and belongs to root. Inodes are made on lookup and go with their dentries; names that are not there
 * are not kept. Objects never go away, so an inode needs no reference on its object; what the object stands for
 * may go, and then exists() says so at the next use of the name.
 */
#include "sysfs.h"

#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <linux/magic.h>

#define LINK_MAX 512

/* First position of instances in a directory: after any table. */
#define FIRST_INSTANCE_POS 1024

static const struct sysfs_node *node_of(const struct inode *inode) { return inode->private; }

static bool node_exists(const struct sysfs_node *n) { return !n->entry->exists || n->entry->exists(n); }

/* Stable as long as the object is, and unlike for unlike places. */
static u64 node_ino(const struct sysfs_node *n)
{
	u64 h = (u64)n->entry * 0x9e3779b97f4a7c15UL;

	h = (h ^ (h >> 29) ^ (u64)n->object) * 0xbf58476d1ce4e5b9UL;
	h = (h ^ (h >> 32) ^ n->number) * 0x94d049bb133111ebUL;
	return (h >> 16) | (1UL << 48);
}

/* --- files --- */

/* As Linux: also root may open for writing only what can be written to. */
static int open_read_only(const struct inode *inode, const struct file *f)
{
	if (f->mode & FMODE_WRITE)
		return -EACCES;
	return node_exists(node_of(inode)) ? 0 : -ENODEV;
}

static int text_show(struct seq_file *m, void *v)
{
	const struct sysfs_node *n = node_of(m->data);

	(void)v;
	return node_exists(n) ? n->entry->show(m, n) : -ENODEV;
}

static int text_open(struct inode *inode, struct file *f)
{
	int rc = open_read_only(inode, f);

	return rc ? rc : single_open(f, text_show, inode);
}

static const struct file_ops text_fops = {
	.open = text_open,
	.read = seq_read,
	.llseek = seq_llseek,
	.release = seq_release,
};

static int bytes_open(struct inode *inode, struct file *f)
{
	return open_read_only(inode, f);
}

static ssize_t bytes_read(struct file *f, struct uio *u, loff_t *pos)
{
	const struct sysfs_node *n = node_of(f->inode);
	const void *data;
	size_t len = n->entry->bytes(n, &data);
	u64 want, done;

	if (*pos < 0 || (u64)*pos >= len)
		return 0;
	want = MIN(u->left, len - (u64)*pos);
	done = copy_to_uio((const char *)data + *pos, want, u);
	if (!done && want)
		return -EFAULT;
	*pos += (loff_t)done;
	return (ssize_t)done;
}

static const struct file_ops bytes_fops = { .open = bytes_open, .read = bytes_read, .llseek = generic_llseek };

static loff_t file_size(const struct sysfs_node *n)
{
	const void *data;

	if (n->entry->size)
		return (loff_t)n->entry->size(n);
	return n->entry->bytes ? (loff_t)n->entry->bytes(n, &data) : (loff_t)PAGE_SIZE;
}

/* --- links --- */

static const char *link_get(struct inode *inode, void **cookie)
{
	const struct sysfs_node *n = node_of(inode);
	char *buf = kmalloc(LINK_MAX, GFP_KERNEL);

	if (!buf)
		return ERR_PTR(-ENOMEM);
	n->entry->link(n, buf, LINK_MAX);
	*cookie = buf;
	return buf;
}

static void link_put(struct inode *inode, void *cookie)
{
	(void)inode;
	kfree(cookie);
}

/* --- directories --- */

static struct sysfs_node table_node(const struct sysfs_node *dir, const struct sysfs_entry *e)
{
	return (struct sysfs_node){ .entry = e, .object = dir->object, .number = dir->number };
}

/* What `name` stands for in dir. */
static bool dir_find(const struct sysfs_node *dir, const char *name, struct sysfs_node *out)
{
	struct sysfs_child child;

	for (const struct sysfs_entry *e = dir->entry->children; e && e->name; e++)
		if (strcmp(e->name, name) == 0) {
			*out = table_node(dir, e);
			return node_exists(out);
		}
	for (u32 at = 0; dir->entry->each && dir->entry->each(dir, &at, &child); at++)
		if (strcmp(child.name, name) == 0) {
			*out = child.node;
			return true;
		}
	return false;
}

static int revalidate(struct dentry *d)
{
	return d->inode && node_exists(node_of(d->inode));
}

/* For names that may go, and for those that are not there but may come: only these leave the lockless walk. */
static const struct dentry_ops vanishing_ops = { .revalidate = revalidate };
static const struct dentry_ops missing_ops = { .revalidate = revalidate, .delete_unused = true };

static struct inode *sysfs_inode_new(struct super *sb, const struct sysfs_node *n);

static int dir_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct inode *inode = NULL;
	struct sysfs_node n;

	(void)flags;
	if (!dir_find(node_of(dir), d->name, &n)) {
		d->ops = &missing_ops;
	} else {
		inode = sysfs_inode_new(dir->sb, &n);
		if (!inode)
			return -ENOMEM;
		d->ops = n.entry->exists ? &vanishing_ops : NULL;
	}
	dentry_attach(d, inode);
	return 0;
}

static bool emit_table(struct dir_context *ctx, const struct sysfs_node *dir)
{
	loff_t pos = 2;

	for (const struct sysfs_entry *e = dir->entry->children; e && e->name; e++, pos++) {
		struct sysfs_node n = table_node(dir, e);

		if (pos < ctx->pos || !node_exists(&n))
			continue;
		if (!ctx->emit(ctx, e->name, (u32)strlen(e->name), node_ino(&n), e->mode >> 12))
			return false;
		ctx->pos = pos + 1;
	}
	return true;
}

static void emit_instances(struct dir_context *ctx, const struct sysfs_node *dir)
{
	u32 at = (u32)(ctx->pos - FIRST_INSTANCE_POS);
	struct sysfs_child child;

	for (; dir->entry->each(dir, &at, &child); at++) {
		ctx->pos = FIRST_INSTANCE_POS + (loff_t)at;
		if (!ctx->emit(ctx, child.name, (u32)strlen(child.name), node_ino(&child.node),
			       child.node.entry->mode >> 12))
			return;
		ctx->pos++;
	}
}

static int dir_iterate(struct file *f, struct dir_context *ctx)
{
	const struct sysfs_node *dir = node_of(f->inode);

	if (ctx->pos > (loff_t)FIRST_INSTANCE_POS + 0x7fffffff)
		return 0;
	if (!dir_emit_dots(f, ctx))
		return 0;
	if (ctx->pos < FIRST_INSTANCE_POS) {
		if (!emit_table(ctx, dir))
			return 0;
		ctx->pos = FIRST_INSTANCE_POS;
	}
	if (dir->entry->each)
		emit_instances(ctx, dir);
	return 0;
}

/* Directories inside, for the link count. */
static u32 count_dirs(const struct sysfs_node *dir)
{
	struct sysfs_child child;
	u32 n = 0;

	for (const struct sysfs_entry *e = dir->entry->children; e && e->name; e++)
		n += S_ISDIR(e->mode);
	for (u32 at = 0; dir->entry->each && dir->entry->each(dir, &at, &child); at++)
		n += S_ISDIR(child.node.entry->mode);
	return n;
}

static int dir_getattr(const struct path *path, struct kstat *st, u32 mask)
{
	(void)mask;
	st->nlink = 2 + count_dirs(node_of(path->dentry->inode));
	return 0;
}

/* --- inodes --- */

/* Nothing would remember other owners and modes. */
static int sysfs_setattr(struct dentry *d, struct iattr *attr)
{
	if (attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID))
		return -EPERM;
	setattr_copy(d->inode, attr);
	return 0;
}

static const struct inode_ops dir_ops = {
	.lookup = dir_lookup,
	.getattr = dir_getattr,
	.setattr = sysfs_setattr,
};
static const struct inode_ops link_ops = { .get_link = link_get, .put_link = link_put, .setattr = sysfs_setattr };
static const struct inode_ops file_inode_ops = { .setattr = sysfs_setattr };
static const struct file_ops dir_fops = { .iterate = dir_iterate, .llseek = generic_llseek };

static struct inode *sysfs_inode_new(struct super *sb, const struct sysfs_node *n)
{
	struct sysfs_node *copy = kmalloc(sizeof(*copy), GFP_KERNEL);
	struct inode *inode = copy ? inode_new(sb) : NULL;

	if (!inode) {
		kfree(copy);
		return NULL;
	}
	*copy = *n;
	inode->private = copy;
	inode->ino = node_ino(n);
	inode->mode = n->entry->mode;
	if (S_ISDIR(inode->mode)) {
		inode->nlink = 2;
		inode->ops = &dir_ops;
		inode->fops = &dir_fops;
	} else if (S_ISLNK(inode->mode)) {
		inode->ops = &link_ops;
	} else {
		inode->ops = &file_inode_ops;
		inode->fops = n->entry->bytes ? &bytes_fops : &text_fops;
		inode->size = file_size(n);
	}
	return inode;
}

/* --- the filesystem --- */

static void sysfs_evict(struct inode *inode)
{
	kfree(inode->private);
	inode->private = NULL;
}

static const struct super_ops sysfs_super_ops = { .evict_inode = sysfs_evict, .statfs = generic_statfs };

/* Called once (FS_SINGLE), as long as the super is there. */
static int sysfs_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	struct super *sb = super_alloc(type, flags);
	struct inode *root;

	(void)source;
	(void)data;
	if (!sb)
		return -ENOMEM;
	sb->ops = &sysfs_super_ops;
	sb->magic = SYSFS_MAGIC;
	root = sysfs_inode_new(sb, &(struct sysfs_node){ .entry = &sysfs_root });
	if (root) {
		root->ino = 1;
		sb->root = dentry_root(root);
	}
	if (!sb->root) {
		super_put(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}

static struct fs_type sysfs_type = { .name = "sysfs", .flags = FS_NODEV | FS_SINGLE, .mount = sysfs_mount };
FS_REGISTER(sysfs_type);

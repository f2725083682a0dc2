/* SPDX-License-Identifier: MIT */
/*
 * Files that stand in no directory: pipes, sockets, eventfds. They live in one internal filesystem; their dentries have
 * no parent and only say what /proc/PID/fd shows.
 *
 * anon_file() files share one inode (all their state is in file->data); inode_file() ones have their own.
 */
#include "internal.h"

#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <linux/magic.h>

static struct mount *anon_mnt __ro_after_init;
static struct inode *shared_inode __ro_after_init;

/* "anon_inode:[eventfd]" */
static char *anon_dname(struct dentry *d, char *buf, size_t size)
{
	int n = scnprintf(buf, size, "anon_inode:%s", d->name);

	return (size_t)n + 1 < size ? buf : ERR_PTR(-ENAMETOOLONG);
}

/* "pipe:[1234]" */
static char *inode_dname(struct dentry *d, char *buf, size_t size)
{
	int n = scnprintf(buf, size, "%s:[%llu]", d->name, d->inode->ino);

	return (size_t)n + 1 < size ? buf : ERR_PTR(-ENAMETOOLONG);
}

static const struct dentry_ops anon_dentry_ops = { .dname = anon_dname, .delete_unused = true };
static const struct dentry_ops inode_dentry_ops = { .dname = inode_dname, .delete_unused = true };

/* Consumes the inode reference on success. */
static struct file *file_make(struct inode *inode, const char *name, const struct dentry_ops *dops,
			      const struct file_ops *ops, u32 flags)
{
	struct dentry *d = dentry_pseudo(anon_mnt->sb, name, dops);
	struct file *f;

	if (!d)
		return ERR_PTR(-ENOMEM);
	f = file_alloc(flags & ~(u32)O_CLOEXEC, current_cred());
	if (IS_ERR(f)) {
		dentry_put(d);
		return f;
	}
	dentry_attach_unhashed(d, inode);
	mount_get(anon_mnt);
	f->path = (struct path){ anon_mnt, d };
	f->inode = inode;
	f->mapping = inode->mapping;
	f->ops = ops;
	f->mode = (flags + 1) & O_ACCMODE;
	if (ops->llseek)
		f->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	return f;
}

struct file *anon_file(const char *name, const struct file_ops *ops, void *data, u32 flags)
{
	struct file *f;

	inode_get(shared_inode);
	f = file_make(shared_inode, name, &anon_dentry_ops, ops, flags);
	if (IS_ERR(f))
		inode_put(shared_inode);
	else
		f->data = data;
	return f;
}

int anon_fd(const char *name, const struct file_ops *ops, void *data, u32 flags)
{
	int fd = fd_alloc(0, flags);
	struct file *f;

	if (fd < 0)
		return fd;
	f = anon_file(name, ops, data, flags);
	if (IS_ERR(f)) {
		fd_release(fd);
		return (int)PTR_ERR(f);
	}
	fd_install(fd, f);
	return fd;
}

struct inode *anon_inode_new(umode_t mode)
{
	struct inode *i = inode_new(anon_mnt->sb);

	if (!i)
		return NULL;
	i->mode = mode;
	i->uid = current_fsuid();
	i->gid = current_fsgid();
	i->flags = S_PRIVATE_FLAG | S_NOATIME_FLAG;
	return i;
}

struct file *inode_file(struct inode *inode, const char *prefix, const struct file_ops *ops, u32 flags)
{
	return file_make(inode, prefix, &inode_dentry_ops, ops, flags);
}

/* --- the filesystem --- */

static const struct super_ops anon_super_ops = { .statfs = generic_statfs };

static int anon_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	struct super *sb = super_alloc(type, flags);
	struct inode *root;

	(void)source;
	(void)data;
	if (!sb)
		return -ENOMEM;
	sb->ops = &anon_super_ops;
	sb->magic = ANON_INODE_FS_MAGIC;
	root = inode_new(sb);
	if (root) {
		root->mode = S_IFDIR | 0500;
		sb->root = dentry_root(root);
	}
	if (!sb->root) {
		super_put(sb);
		return -ENOMEM;
	}
	*out = sb;
	return 0;
}

static struct fs_type anon_type = { .name = "anon_inodefs", .flags = FS_NODEV, .mount = anon_mount };

void anon_init(void)
{
	anon_mnt = mount_kernel(&anon_type, NULL);
	if (IS_ERR(anon_mnt))
		panic("vfs: no memory for anonymous files");
	shared_inode = inode_new(anon_mnt->sb);
	if (!shared_inode)
		panic("vfs: no memory for anonymous files");
	shared_inode->mode = S_IRUSR | S_IWUSR;
	shared_inode->flags = S_PRIVATE_FLAG | S_NOATIME_FLAG;
}

/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes of tmpfs: a list on the inode, charged to the filesystem's size in pages. The VFS has checked names
 * and permission; inode->rwsem is held (for writing where something changes).
 */
#include "tmpfs.h"

#include <kernel/cred.h>
#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <linux/xattr.h>

#define XATTRS_MAX (256UL << 10) /* bytes on one inode */

struct tmpfs_xattr {
	struct list_head link;
	size_t size;	  /* of the value */
	size_t name_size; /* with its NUL */
	char data[];	  /* name, then value */
};

static const void *value_of(const struct tmpfs_xattr *x) { return x->data + x->name_size; }
static u64 cost_of(size_t name_size, size_t size) { return sizeof(struct tmpfs_xattr) + name_size + size; }

static struct tmpfs_xattr *xattr_find(const struct inode *i, const char *name)
{
	struct tmpfs_xattr *x;

	list_for_each_entry(x, &tmpfs_of(i)->xattrs, link)
		if (strcmp(x->data, name) == 0)
			return x;
	return NULL;
}

/* The inode's attributes will take `bytes` in all. */
static int xattr_charge(struct inode *i, u64 bytes)
{
	struct tmpfs_inode *ti = tmpfs_of(i);
	s64 pages = (s64)DIV_ROUND_UP(bytes, PAGE_SIZE) - (s64)DIV_ROUND_UP(ti->xattr_bytes, PAGE_SIZE);
	int rc = 0;

	if (bytes > XATTRS_MAX && bytes > ti->xattr_bytes)
		return -ENOSPC;
	if (pages)
		rc = tmpfs_charge_pages(i->sb, pages);
	if (!rc)
		ti->xattr_bytes = bytes;
	return rc;
}

static void xattr_drop(struct inode *i, struct tmpfs_xattr *x)
{
	list_del(&x->link);
	kvfree(x);
	inode_touch_ctime(i);
}

ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size)
{
	const struct tmpfs_xattr *x = xattr_find(i, name);

	if (!x)
		return -ENODATA;
	if (size) {
		if (size < x->size)
			return -ERANGE;
		memcpy(buf, value_of(x), x->size);
	}
	return (ssize_t)x->size;
}

ssize_t tmpfs_listxattr(struct dentry *d, char *buf, size_t size)
{
	bool trusted = capable(CAP_SYS_ADMIN);
	const struct tmpfs_xattr *x;
	size_t used = 0;

	list_for_each_entry(x, &tmpfs_of(d->inode)->xattrs, link) {
		if (!trusted && str_starts_with(x->data, XATTR_TRUSTED_PREFIX))
			continue;
		if (size) {
			if (used + x->name_size > size)
				return -ERANGE;
			memcpy(buf + used, x->data, x->name_size);
		}
		used += x->name_size;
	}
	return (ssize_t)used;
}

int tmpfs_setxattr(struct inode *i, const char *name, const void *value, size_t size, int flags)
{
	struct tmpfs_xattr *old = xattr_find(i, name), *x;
	size_t name_size = strlen(name) + 1;
	u64 old_cost = old ? cost_of(old->name_size, old->size) : 0;
	int rc;

	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	x = kvmalloc(cost_of(name_size, size), GFP_KERNEL);
	if (!x)
		return -ENOMEM;
	rc = xattr_charge(i, tmpfs_of(i)->xattr_bytes - old_cost + cost_of(name_size, size));
	if (rc) {
		kvfree(x);
		return rc;
	}
	x->size = size;
	x->name_size = name_size;
	memcpy(x->data, name, name_size);
	memcpy(x->data + name_size, value, size);
	list_add_tail(&x->link, &tmpfs_of(i)->xattrs);
	if (old)
		xattr_drop(i, old);
	inode_touch_ctime(i);
	return 0;
}

int tmpfs_removexattr(struct inode *i, const char *name)
{
	struct tmpfs_xattr *x = xattr_find(i, name);
	int rc;

	if (!x)
		return -ENODATA;
	rc = xattr_charge(i, tmpfs_of(i)->xattr_bytes - cost_of(x->name_size, x->size));
	ASSERT(rc == 0); /* it only gives back */
	(void)rc;
	xattr_drop(i, x);
	return 0;
}

void tmpfs_xattrs_free(struct inode *i)
{
	struct tmpfs_xattr *x, *next;

	list_for_each_entry_safe(x, next, &tmpfs_of(i)->xattrs, link)
		kvfree(x);
	list_init(&tmpfs_of(i)->xattrs);
	(void)xattr_charge(i, 0);
}

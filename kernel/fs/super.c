/* SPDX-License-Identifier: MIT */
/*
 * Filesystem types and supers (mounted instances of them).
 *
 * Life of a super: its type's mount() makes it with super_alloc() and gives it a root dentry -> each struct mount holds a
 * reference -> the last super_put() forgets its cached names, syncs, lets the type free its own, and frees it after all
 * inodes' grace periods.
 *
 * Locks: supers_lock (RANK_SUPER_SPIN) the list of supers and their device numbers. The list of types is fixed at boot.
 */
#include "internal.h"

#include <kernel/chrdev.h>
#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/seq_file.h>
#include <kernel/string.h>
#include <kernel/xarray.h>
#include <linux/stat.h>

static struct fs_type *fs_types __ro_after_init;
static DEFINE_SPINLOCK(supers_lock, RANK_SUPER_SPIN);
static LIST_HEAD(supers);			     /* [supers_lock] */
static DEFINE_MUTEX(single_lock, RANK_MOUNT);	     /* one maker of a FS_SINGLE super at a time */
static DEFINE_MUTEX(anon_dev_lock, RANK_MUTEX);
static struct xarray anon_devs = XARRAY_INIT;	     /* [anon_dev_lock] minor numbers of major 0 in use */

/* --- types --- */

int fs_register(struct fs_type *type)
{
	struct fs_type **at = &fs_types;

	for (; *at; at = &(*at)->next)
		if (strcmp((*at)->name, type->name) == 0)
			return -EBUSY;
	type->next = NULL;
	*at = type;
	return 0;
}

struct fs_type *fs_type_find(const char *name)
{
	struct fs_type *t = fs_types;

	while (t && strcmp(t->name, name) != 0)
		t = t->next;
	return t;
}

void fs_show_types(struct seq_file *m)
{
	for (struct fs_type *t = fs_types; t; t = t->next)
		seq_printf(m, "%s\t%s\n", t->flags & FS_NODEV ? "nodev" : "", t->name);
}

void fs_types_init(void)
{
	extern struct fs_type *const __init_fs_start[], *const __init_fs_end[];

	for (struct fs_type *const *t = __init_fs_start; t < __init_fs_end; t++)
		if (fs_register(*t))
			pr_err("vfs: two filesystems are called %s", (*t)->name);
}

/* --- supers --- */

static int anon_dev_alloc(dev_t *dev)
{
	u64 minor = 1;
	int rc;

	mutex_lock(&anon_dev_lock);
	rc = xa_alloc(&anon_devs, &minor, 0xfffff, xa_mk_value(1), GFP_KERNEL);
	mutex_unlock(&anon_dev_lock);
	*dev = MAKE_DEV(0, (u32)minor);
	return rc;
}

static void anon_dev_free(dev_t dev)
{
	mutex_lock(&anon_dev_lock);
	xa_erase(&anon_devs, DEV_MINOR(dev));
	mutex_unlock(&anon_dev_lock);
}

struct super *super_alloc(struct fs_type *type, u64 flags)
{
	struct super *sb = kzalloc(sizeof(*sb), GFP_KERNEL);

	if (!sb)
		return NULL;
	if (anon_dev_alloc(&sb->dev)) {
		kfree(sb);
		return NULL;
	}
	sb->type = type;
	sb->flags = flags & ~(u64)(MS_KERNMOUNT | MS_SILENT);
	sb->max_file_size = 0x7fffffffffffffffUL;
	sb->block_size = PAGE_SIZE;
	sb->time_gran = 1;
	refcount_set(&sb->refs, 1);
	mutex_init(&sb->rename_lock, RANK_RENAME);
	spinlock_init(&sb->lock, RANK_SUPER_SPIN);
	list_init(&sb->inodes);
	spin_lock(&supers_lock);
	list_add_tail(&sb->link, &supers);
	spin_unlock(&supers_lock);
	return sb;
}

static void super_free(struct super *sb)
{
	struct fs_type *type = sb->type;

	if (sb->root) {
		dcache_shrink_super(sb);
		if (sb->ops->sync)
			(void)sb->ops->sync(sb, true);
	}
	if (sb->ops && sb->ops->put_super)
		sb->ops->put_super(sb);
	if (sb->root)
		dentry_put(sb->root);
	spin_lock(&supers_lock);
	list_del(&sb->link);
	spin_unlock(&supers_lock);
	anon_dev_free(sb->dev);
	rcu_barrier(); /* inodes on their way out still look at sb->ops */
	if (type->kill)
		type->kill(sb);
	kfree(sb);
}

void super_put(struct super *sb)
{
	if (refcount_put(&sb->refs))
		super_free(sb);
}

static struct super *super_find_single(struct fs_type *type)
{
	struct super *sb, *found = NULL;

	spin_lock(&supers_lock);
	list_for_each_entry(sb, &supers, link)
		if (sb->type == type && sb->root && refcount_get_unless_zero(&sb->refs)) {
			found = sb;
			break;
		}
	spin_unlock(&supers_lock);
	return found;
}

static int super_make(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	int rc = type->mount(type, flags, source, data, out);

	if (!rc && !(*out)->source[0])
		strscpy((*out)->source, source, sizeof((*out)->source));
	return rc;
}

int super_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	int rc = 0;

	if (!(type->flags & FS_SINGLE))
		return super_make(type, flags, source, data, out);
	mutex_lock(&single_lock);
	*out = super_find_single(type);
	if (!*out)
		rc = super_make(type, flags, source, data, out);
	mutex_unlock(&single_lock);
	return rc;
}

/* --- for all --- */

/* The super after prev (NULL: the first), referenced; drops prev. */
static struct super *super_next(struct super *prev)
{
	struct list_head *at;
	struct super *next = NULL;

	spin_lock(&supers_lock);
	for (at = prev ? prev->link.next : supers.next; at != &supers; at = at->next) {
		struct super *sb = list_entry(at, struct super, link);

		if (sb->root && refcount_get_unless_zero(&sb->refs)) {
			next = sb;
			break;
		}
	}
	spin_unlock(&supers_lock);
	if (prev)
		super_put(prev);
	return next;
}

void sync_all(void)
{
	for (struct super *sb = super_next(NULL); sb; sb = super_next(sb))
		if (sb->ops->sync && !(sb->flags & MS_RDONLY))
			(void)sb->ops->sync(sb, true);
}

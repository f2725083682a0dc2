/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: a filesystem whose only storage is the page cache (data) and the dentry cache (names). Also mounted as "ramfs",
 * without limits, and as "rootfs", what the initramfs is unpacked into.
 *
 * Limits: pages (size=, nr_blocks=) are charged as they enter the page cache; inodes (nr_inodes=) one for each name.
 * Extended attributes count as pages, so nothing a user stores here is free.
 *
 * Locks: those of the VFS. Counters are atomic: charge() may run under mapping->lock.
 */
#include "tmpfs.h"

#include <kernel/chrdev.h>
#include <kernel/cred.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/pagecache.h>
#include <kernel/sched.h>
#include <kernel/seq_file.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mount.h>

static struct slab_cache *tmpfs_inode_cache;

/* --- limits --- */

int tmpfs_charge_pages(struct super *sb, s64 pages)
{
	struct tmpfs_super *ts = tmpfs_super_of(sb);
	u64 max = READ_ONCE(ts->max_pages), used = atomic_add_return(&ts->used_pages, (u64)pages);

	if (likely(pages <= 0 || !max || used <= max))
		return 0;
	atomic_sub(&ts->used_pages, (u64)pages);
	return -ENOSPC;
}

int tmpfs_charge_inode(struct super *sb)
{
	struct tmpfs_super *ts = tmpfs_super_of(sb);
	u64 max = READ_ONCE(ts->max_inodes), used = atomic_add_return(&ts->used_inodes, 1UL);

	if (likely(!max || used <= max))
		return 0;
	atomic_dec(&ts->used_inodes);
	return -ENOSPC;
}

void tmpfs_uncharge_inode(struct super *sb) { atomic_dec(&tmpfs_super_of(sb)->used_inodes); }

static int tmpfs_charge(struct mapping *m, s64 pages)
{
	struct inode *i = m->host;
	int rc = tmpfs_charge_pages(i->sb, pages);

	if (likely(!rc))
		atomic_add(&i->blocks, (u64)(pages * (s64)(PAGE_SIZE / 512)));
	return rc;
}

static const struct mapping_ops tmpfs_mapping_ops = { .charge = tmpfs_charge, .kept = true };

/* --- files --- */

int tmpfs_open(struct inode *inode, struct file *f)
{
	(void)inode;
	f->mode |= FMODE_NOWAIT;
	return 0;
}

loff_t tmpfs_llseek(struct file *f, loff_t off, int whence)
{
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return generic_llseek(f, off, whence);
	off = pagecache_seek(f->mapping, off, f->inode->size, whence);
	if (off >= 0)
		f->pos = off;
	return off;
}

/* Pages of [first, last] that are holes become zeroes. inode->rwsem held for writing. */
static int fill_range(struct mapping *m, u64 first, u64 last)
{
	for (u64 index = first; index <= last; index++) {
		struct page *p;

		if (signal_pending())
			return -EINTR;
		p = pagecache_read(m, NULL, index);
		if (IS_ERR(p))
			return (int)PTR_ERR(p);
		page_set_dirty(p);
		page_put(p);
		cond_resched();
	}
	return 0;
}

static int allocate_range(struct inode *i, loff_t offset, loff_t len)
{
	const struct tmpfs_super *ts = tmpfs_super_of(i->sb);
	u64 first = (u64)offset >> PAGE_SHIFT, last = ((u64)(offset + len) - 1) >> PAGE_SHIFT;

	if (ts->max_pages && last - first >= ts->max_pages)
		return -ENOSPC;
	return fill_range(i->mapping, first, last);
}

static long fallocate_locked(struct inode *i, u32 mode, loff_t offset, loff_t len)
{
	u32 seals = tmpfs_of(i)->seals;
	int rc;

	if (mode & FALLOC_FL_PUNCH_HOLE) {
		if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
			return -EPERM;
		if (offset < i->size)
			pagecache_punch(i->mapping, offset, offset + len);
		i->mtime = i->ctime = ktime_get_coarse_real();
		return 0;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && offset + len > i->size && (seals & F_SEAL_GROW))
		return -EPERM;
	rc = allocate_range(i, offset, len);
	if (rc)
		return rc;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && offset + len > i->size)
		i->size = offset + len;
	i->ctime = ktime_get_coarse_real();
	return 0;
}

long tmpfs_fallocate(struct file *f, int mode, loff_t offset, loff_t len)
{
	struct inode *i = f->inode;
	long rc;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	down_write(&i->rwsem);
	rc = fallocate_locked(i, (u32)mode, offset, len);
	up_write(&i->rwsem);
	return rc;
}

static int size_change(struct inode *i, loff_t size)
{
	u32 seals = tmpfs_of(i)->seals;
	loff_t old = i->size;

	if ((size < old && (seals & F_SEAL_SHRINK)) || (size > old && (seals & F_SEAL_GROW)))
		return -EPERM;
	/* A mapping may have written behind the end within the last page: that must not show. */
	if (size > old)
		pagecache_truncate(i->mapping, old);
	WRITE_ONCE(i->size, size);
	if (size < old)
		pagecache_truncate(i->mapping, size);
	return 0;
}

int tmpfs_setattr(struct dentry *d, struct iattr *attr)
{
	struct inode *i = d->inode;
	int rc;

	if ((attr->valid & ATTR_MODE) && (tmpfs_of(i)->seals & F_SEAL_EXEC) && ((attr->mode ^ i->mode) & 0111))
		return -EPERM;
	if (attr->valid & ATTR_SIZE) {
		rc = size_change(i, (loff_t)attr->size);
		if (rc)
			return rc;
	}
	setattr_copy(i, attr);
	return 0;
}

const struct inode_ops tmpfs_file_iops = {
	.setattr = tmpfs_setattr,
	.listxattr = tmpfs_listxattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.removexattr = tmpfs_removexattr,
};

const struct inode_ops tmpfs_special_iops = {
	.setattr = tmpfs_setattr,
	.listxattr = tmpfs_listxattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.removexattr = tmpfs_removexattr,
};

const struct inode_ops tmpfs_symlink_iops = {
	.get_link = simple_get_link,
	.setattr = tmpfs_setattr,
	.listxattr = tmpfs_listxattr,
	.getxattr = tmpfs_getxattr,
	.setxattr = tmpfs_setxattr,
	.removexattr = tmpfs_removexattr,
};

const struct file_ops tmpfs_file_fops = {
	.open = tmpfs_open,
	.read = pagecache_file_read,
	.write = pagecache_file_write,
	.llseek = tmpfs_llseek,
	.mmap = pagecache_file_mmap,
	.fsync = noop_fsync,
	.fallocate = tmpfs_fallocate,
	.ioctl = inode_flags_ioctl,
};

/* --- inodes --- */

static void set_type(struct inode *i, umode_t mode, dev_t dev)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		i->ops = &tmpfs_file_iops;
		i->fops = &tmpfs_file_fops;
		i->data.ops = &tmpfs_mapping_ops;
		break;
	case S_IFDIR:
		i->ops = &tmpfs_dir_iops;
		i->fops = &tmpfs_dir_fops;
		i->nlink = 2;
		i->size = 2 * TMPFS_DIRENT_SIZE;
		break;
	case S_IFLNK:
		i->ops = &tmpfs_symlink_iops;
		break;
	default:
		i->ops = &tmpfs_special_iops;
		inode_init_special(i, mode, dev);
	}
}

struct inode *tmpfs_inode_new(struct super *sb, const struct inode *dir, umode_t mode, dev_t dev)
{
	struct inode *i;
	int rc = tmpfs_charge_inode(sb);

	if (rc)
		return ERR_PTR(rc);
	i = inode_new(sb);
	if (!i) {
		tmpfs_uncharge_inode(sb);
		return ERR_PTR(-ENOMEM);
	}
	inode_init_owner(i, dir, mode);
	set_type(i, mode, dev);
	return i;
}

static struct inode *tmpfs_alloc_inode(struct super *sb)
{
	struct tmpfs_inode *ti = slab_alloc(tmpfs_inode_cache, GFP_KERNEL);

	(void)sb;
	if (!ti)
		return NULL;
	ti->entries = (struct xarray)XARRAY_INIT;
	ti->next_pos = 2;
	list_init(&ti->xattrs);
	ti->xattr_bytes = 0;
	ti->seals = F_SEAL_SEAL;
	rwsem_init(&ti->seal_sem, RANK_SEALS);
	return &ti->inode;
}

static void tmpfs_free_inode(struct inode *i)
{
	if (S_ISLNK(i->mode))
		kfree(i->link);
	slab_free(tmpfs_inode_cache, tmpfs_of(i));
}

static void tmpfs_evict_inode(struct inode *i)
{
	tmpfs_xattrs_free(i);
	xa_destroy(&tmpfs_of(i)->entries);
	tmpfs_uncharge_inode(i->sb);
}

/* --- supers --- */

static int tmpfs_statfs(struct dentry *d, struct kstatfs *st)
{
	const struct tmpfs_super *ts = tmpfs_super_of(d->sb);
	u64 pages = READ_ONCE(ts->used_pages), inodes = READ_ONCE(ts->used_inodes);

	generic_statfs(d, st);
	if (ts->max_pages) {
		st->blocks = ts->max_pages;
		st->bfree = st->bavail = ts->max_pages - MIN(pages, ts->max_pages);
	}
	if (ts->max_inodes) {
		st->files = ts->max_inodes;
		st->ffree = ts->max_inodes - MIN(inodes, ts->max_inodes);
	}
	return 0;
}

static u64 total_pages(void)
{
	struct memory_info info;

	memory_info(&info);
	return info.total;
}

static void tmpfs_show_options(struct seq_file *m, struct dentry *root)
{
	const struct tmpfs_super *ts = tmpfs_super_of(root->sb);

	if (root->sb->magic != TMPFS_MAGIC)
		return;
	if (ts->max_pages && ts->max_pages != total_pages() / 2)
		seq_printf(m, ",size=%lluk", ts->max_pages << (PAGE_SHIFT - 10));
	if (ts->max_inodes && ts->max_inodes != total_pages() / 2)
		seq_printf(m, ",nr_inodes=%llu", ts->max_inodes);
	if (ts->mode != (S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX))
		seq_printf(m, ",mode=%03o", ts->mode);
	if (ts->uid)
		seq_printf(m, ",uid=%u", ts->uid);
	if (ts->gid)
		seq_printf(m, ",gid=%u", ts->gid);
	seq_puts(m, ",inode64");
}

static void tmpfs_put_super(struct super *sb)
{
	if (sb->root)
		dentry_unpin_tree(sb->root);
}

static void tmpfs_kill(struct super *sb) { kfree(sb->data); }

/* --- options --- */

static int parse_limit(const char *v, u64 unit, u64 *out)
{
	const char *end;
	u64 n = parse_size(v, &end);

	if (end == v)
		return -EINVAL;
	if (*end == '%' && unit > 1) {
		if (n > 1000)
			return -EINVAL;
		n = n * total_pages() / 100;
		end++;
	} else {
		n = DIV_ROUND_UP(n, unit);
	}
	if (*end)
		return -EINVAL;
	*out = n;
	return 0;
}

static int parse_number(const char *v, u32 base, u32 *out)
{
	u64 n;
	int rc = parse_u64(v, base, &n);

	if (rc || n > 0xffffffffUL)
		return -EINVAL;
	*out = (u32)n;
	return 0;
}

static bool known_flag(const char *name)
{
	static const char *const flags[] = { "inode32", "inode64", "noswap", "huge", "mpol" };

	for (u32 i = 0; i < ARRAY_SIZE(flags); i++)
		if (strcmp(name, flags[i]) == 0)
			return true;
	return false;
}

static int parse_option(struct tmpfs_super *ts, char *opt)
{
	char *value = strchr(opt, '=');
	int rc;

	if (value)
		*value++ = '\0';
	if (known_flag(opt))
		return 0;
	if (!value)
		return -EINVAL;
	if (strcmp(opt, "size") == 0)
		return parse_limit(value, PAGE_SIZE, &ts->max_pages);
	if (strcmp(opt, "nr_blocks") == 0)
		return parse_limit(value, 1, &ts->max_pages);
	if (strcmp(opt, "nr_inodes") == 0)
		return parse_limit(value, 1, &ts->max_inodes);
	if (strcmp(opt, "mode") == 0) {
		rc = parse_number(value, 8, &ts->mode);
		ts->mode &= 07777;
		return rc;
	}
	if (strcmp(opt, "uid") == 0)
		return parse_number(value, 10, &ts->uid);
	if (strcmp(opt, "gid") == 0)
		return parse_number(value, 10, &ts->gid);
	return -EINVAL;
}

/* Changes ts as the comma-separated options say. */
static int parse_options(struct tmpfs_super *ts, const char *data)
{
	char *copy, *opt, *next;
	int rc = 0;

	if (!data || !*data)
		return 0;
	copy = kstrdup(data);
	if (!copy)
		return -ENOMEM;
	for (opt = copy; opt && !rc; opt = next) {
		next = strchr(opt, ',');
		if (next)
			*next++ = '\0';
		if (*opt)
			rc = parse_option(ts, opt);
	}
	kfree(copy);
	return rc;
}

static int tmpfs_remount(struct super *sb, u32 *flags, const char *data)
{
	struct tmpfs_super *ts = tmpfs_super_of(sb), want = *ts;
	int rc = parse_options(&want, data);

	(void)flags;
	if (rc)
		return rc;
	if (sb->magic != TMPFS_MAGIC)
		return 0;
	if ((want.max_pages && READ_ONCE(ts->used_pages) > want.max_pages) ||
	    (want.max_inodes && READ_ONCE(ts->used_inodes) > want.max_inodes))
		return -EINVAL;
	WRITE_ONCE(ts->max_pages, want.max_pages);
	WRITE_ONCE(ts->max_inodes, want.max_inodes);
	return 0;
}

static const struct super_ops tmpfs_super_ops = {
	.alloc_inode = tmpfs_alloc_inode,
	.free_inode = tmpfs_free_inode,
	.evict_inode = tmpfs_evict_inode,
	.statfs = tmpfs_statfs,
	.remount = tmpfs_remount,
	.put_super = tmpfs_put_super,
	.show_options = tmpfs_show_options,
};

/* --- types --- */

static int make_root(struct super *sb, const struct tmpfs_super *ts)
{
	struct inode *root = tmpfs_inode_new(sb, NULL, S_IFDIR | ts->mode, 0);

	if (IS_ERR(root))
		return (int)PTR_ERR(root);
	root->uid = ts->uid;
	root->gid = ts->gid;
	sb->root = dentry_root(root);
	return sb->root ? 0 : -ENOMEM;
}

static int cache_make(void)
{
	if (!tmpfs_inode_cache)
		tmpfs_inode_cache = slab_create("tmpfs_inode", sizeof(struct tmpfs_inode), 64, SLAB_RECLAIMABLE, NULL);
	return tmpfs_inode_cache ? 0 : -ENOMEM;
}

static int mount_common(struct fs_type *type, u64 flags, struct tmpfs_super *limits, u64 magic, struct super **out)
{
	struct tmpfs_super *ts;
	struct super *sb;
	int rc = cache_make();

	if (rc)
		return rc;
	ts = kmalloc(sizeof(*ts), GFP_KERNEL);
	if (!ts)
		return -ENOMEM;
	*ts = *limits;
	sb = super_alloc(type, flags);
	if (!sb) {
		kfree(ts);
		return -ENOMEM;
	}
	sb->ops = &tmpfs_super_ops;
	sb->magic = (u32)magic;
	sb->data = ts;
	rc = make_root(sb, ts);
	if (rc) {
		super_put(sb);
		return rc;
	}
	*out = sb;
	return 0;
}

static int tmpfs_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	struct tmpfs_super ts = { .mode = S_IRWXU | S_IRWXG | S_IRWXO | S_ISVTX, .uid = current_fsuid(), .gid = current_fsgid() };
	int rc;

	(void)source;
	if (!(flags & MS_KERNMOUNT))
		ts.max_pages = ts.max_inodes = total_pages() / 2;
	rc = parse_options(&ts, data);
	return rc ? rc : mount_common(type, flags, &ts, TMPFS_MAGIC, out);
}

/* ramfs knows no limits and takes any option. */
static int ramfs_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	struct tmpfs_super ts = { .mode = 0755 };
	int rc;

	(void)source;
	rc = parse_options(&ts, data);
	if (rc == -ENOMEM)
		return rc;
	ts.max_pages = ts.max_inodes = 0;
	return mount_common(type, flags, &ts, RAMFS_MAGIC, out);
}

/* The root: a tmpfs that anybody but root may only read. */
static int rootfs_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	struct tmpfs_super ts = { .mode = 0755 };

	(void)source;
	(void)data;
	ts.max_pages = ts.max_inodes = total_pages() / 2;
	return mount_common(type, flags, &ts, TMPFS_MAGIC, out);
}

struct fs_type tmpfs_type = { .name = "tmpfs", .flags = FS_NODEV, .mount = tmpfs_mount, .kill = tmpfs_kill };
static struct fs_type ramfs_type = { .name = "ramfs", .flags = FS_NODEV, .mount = ramfs_mount, .kill = tmpfs_kill };
struct fs_type rootfs_type = { .name = "rootfs", .flags = FS_NODEV, .mount = rootfs_mount, .kill = tmpfs_kill };
FS_REGISTER(tmpfs_type);
FS_REGISTER(ramfs_type);

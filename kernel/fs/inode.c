/* SPDX-License-Identifier: MIT */
/*
 * Inodes: files themselves, apart from their names.
 *
 * Life: inode_new() (1 reference, its super's next number) or inode_find() (shared by number, I_NEW until
 * inode_unlock_new()) -> referenced by dentries and open users -> the last inode_put() evicts it: the filesystem frees what
 * is on its side, its pages go, and after a grace period the memory. Unused inodes live on only through cached dentries.
 *
 * Only supers that write back keep a list of their inodes (super->inodes); pipes and tmpfs files would only pay for it.
 *
 * Locks: inode_hash_lock (RANK_INODE_HASH) the number hash; super->lock its list; inode->lock aliases and state.
 */
#include "internal.h"

#include <kernel/chrdev.h>
#include <kernel/clock_read.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#define INODE_HASH_BITS 10
#define ATIME_MAX_AGE (24L * 3600 * NSEC_PER_SEC) /* relatime: older ones are refreshed */

s32 notify_watches;
static struct slab_cache *inode_cache __ro_after_init;
static struct hlist_head inode_hash[1 << INODE_HASH_BITS];
static DEFINE_SPINLOCK(inode_hash_lock, RANK_INODE_HASH);
static DEFINE_WAIT_QUEUE(inode_new_wait); /* I_NEW or I_FREEING ended somewhere */
static u64 last_ino;			  /* [a] */

u64 next_ino(void) { return atomic_add_return(&last_ino, 1UL); }

/* --- making --- */

static int open_nothing(struct inode *inode, struct file *file)
{
	(void)inode;
	(void)file;
	return -ENXIO;
}

/* Sockets in the file system are for connect(), block devices for mount(): neither opens by name (yet). */
static const struct file_ops unopenable_fops = { .open = open_nothing };
static const struct inode_ops no_inode_ops;

static bool super_lists_inodes(const struct super *sb) { return sb->ops->write_inode != NULL; }

static struct inode *inode_alloc(struct super *sb)
{
	struct inode *i = sb->ops->alloc_inode ? sb->ops->alloc_inode(sb) : slab_alloc(inode_cache, GFP_KERNEL);

	if (!i)
		return NULL;
	memset(i, 0, sizeof(*i));
	i->nlink = 1;
	i->sb = sb;
	i->blkbits = PAGE_SHIFT;
	i->atime = i->mtime = i->ctime = i->btime = ktime_get_coarse_real();
	i->ops = &no_inode_ops;
	i->fops = &unopenable_fops;
	i->mapping = &i->data;
	mapping_init(&i->data, i, NULL);
	rwsem_init(&i->rwsem, RANK_INODE);
	spinlock_init(&i->lock, RANK_INODE_SPIN);
	refcount_set(&i->refs, 1);
	list_init(&i->dentries);
	return i;
}

static void inode_list(struct inode *i)
{
	struct super *sb = i->sb;

	if (!super_lists_inodes(sb))
		return;
	spin_lock(&sb->lock);
	list_add_tail(&i->sb_link, &sb->inodes);
	sb->nr_inodes++;
	spin_unlock(&sb->lock);
}

struct inode *inode_new(struct super *sb)
{
	struct inode *i = inode_alloc(sb);

	if (!i)
		return NULL;
	i->ino = next_ino();
	inode_list(i);
	return i;
}

void inode_init_owner(struct inode *i, const struct inode *dir, umode_t mode)
{
	i->uid = current_fsuid();
	i->gid = current_fsgid();
	if (dir && (dir->mode & S_ISGID)) {
		i->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !in_group(i->gid) &&
			 !capable(CAP_FSETID))
			mode &= ~S_ISGID;
	}
	i->mode = mode;
}

/* --- by number --- */

static struct hlist_head *inode_chain(const struct super *sb, u64 ino)
{
	return &inode_hash[hash_u64((u64)sb ^ ino * 31, INODE_HASH_BITS)];
}

/* inode_hash_lock held. True with *out NULL: it is there, but on its way out. */
static bool inode_search(struct super *sb, u64 ino, struct inode **out)
{
	struct inode *i;

	*out = NULL;
	hlist_for_each_entry(i, inode_chain(sb, ino), hash) {
		if (i->ino != ino || i->sb != sb)
			continue;
		if (refcount_get_unless_zero(&i->refs))
			*out = i;
		return true;
	}
	return false;
}

static bool inode_is_gone(struct super *sb, u64 ino)
{
	struct inode *i;
	bool gone = true;

	spin_lock(&inode_hash_lock);
	hlist_for_each_entry(i, inode_chain(sb, ino), hash)
		if (i->ino == ino && i->sb == sb && refcount_read(&i->refs) == 0)
			gone = false;
	spin_unlock(&inode_hash_lock);
	return gone;
}

struct inode *inode_find(struct super *sb, u64 ino, bool create)
{
	struct inode *fresh = NULL, *i;
	bool there;

	for (;;) {
		spin_lock(&inode_hash_lock);
		there = inode_search(sb, ino, &i);
		if (!there && fresh) {
			i = fresh;
			fresh = NULL;
			i->state = I_NEW | I_HASHED;
			hlist_add_head(&i->hash, inode_chain(sb, ino));
			spin_unlock(&inode_hash_lock);
			inode_list(i);
			return i;
		}
		spin_unlock(&inode_hash_lock);
		if (i || (!there && !create))
			break;
		if (there) {
			wait_event(&inode_new_wait, inode_is_gone(sb, ino));
			continue;
		}
		fresh = inode_alloc(sb);
		if (!fresh)
			return NULL;
		fresh->ino = ino;
	}
	if (fresh) {
		fresh->nlink = 0;
		inode_put(fresh);
	}
	if (i)
		wait_event(&inode_new_wait, !(READ_ONCE(i->state) & I_NEW));
	return i;
}

void inode_unlock_new(struct inode *i)
{
	spin_lock(&i->lock);
	i->state &= ~(u32)I_NEW;
	spin_unlock(&i->lock);
	wake_up_all(&inode_new_wait);
}

/* --- references --- */

void inode_get(struct inode *i) { refcount_get(&i->refs); }

static void inode_free_rcu(struct rcu_head *head)
{
	struct inode *i = container_of(head, struct inode, rcu);
	void (*free_inode)(struct inode *inode) = i->sb ? i->sb->ops->free_inode : NULL;

	if (free_inode)
		free_inode(i);
	else
		slab_free(inode_cache, i);
}

static void inode_unlist(struct inode *i)
{
	struct super *sb = i->sb;

	if (i->sb_link.next) {
		spin_lock(&sb->lock);
		list_del(&i->sb_link);
		sb->nr_inodes--;
		spin_unlock(&sb->lock);
	}
	if (i->state & I_HASHED) {
		spin_lock(&inode_hash_lock);
		hlist_del_init(&i->hash);
		spin_unlock(&inode_hash_lock);
		wake_up_all(&inode_new_wait);
	}
}

static void inode_evict(struct inode *i)
{
	const struct super_ops *ops = i->sb->ops;

	ASSERT(list_empty(&i->dentries));
	if (i->nlink && (i->state & I_DIRTY) && ops->write_inode)
		(void)ops->write_inode(i, true);
	if (ops->evict_inode)
		ops->evict_inode(i);
	mapping_destroy(&i->data);
	inode_unlist(i);
	kfree(i->locks);
	rcu_call(&i->rcu, inode_free_rcu);
}

void inode_put(struct inode *i)
{
	if (refcount_put(&i->refs))
		inode_evict(i);
}

/* --- times --- */

static __always_inline bool needs_update(const struct mount *m, const struct inode *inode)
{
	u64 flags = m->flags | (inode->sb->flags & (MS_RDONLY | MS_NOATIME | MS_NODIRATIME));

	if ((flags & (MS_RDONLY | MS_NOATIME)) || (inode->flags & S_NOATIME_FLAG))
		return false;
	if ((flags & MS_NODIRATIME) && S_ISDIR(inode->mode))
		return false;
	if (!(flags & MS_RELATIME))
		return true;
	return inode->atime <= inode->mtime || inode->atime <= inode->ctime ||
	       clock_read_inline(CLOCK_REALTIME) - inode->atime >= ATIME_MAX_AGE;
}

bool atime_needs_update(const struct mount *m, const struct inode *inode) { return needs_update(m, inode); }

static void inode_mark_dirty(struct inode *i)
{
	if (i->sb->ops->dirty_inode)
		i->sb->ops->dirty_inode(i, I_DIRTY);
}

static __noinline void set_atime(struct inode *inode)
{
	ktime_t now = ktime_get_coarse_real();

	if (inode->atime == now)
		return;
	inode->atime = now;
	inode_mark_dirty(inode);
}

void touch_atime(const struct path *p)
{
	if (needs_update(p->mnt, p->dentry->inode))
		set_atime(p->dentry->inode);
}

void file_accessed(struct file *f)
{
	if (!(f->flags & O_NOATIME) && needs_update(f->path.mnt, f->path.dentry->inode))
		set_atime(f->path.dentry->inode);
}

int file_update_mtime(struct file *f)
{
	struct inode *inode = f->inode;
	ktime_t now = ktime_get_coarse_real();
	int rc;

	if (unlikely(!(inode->flags & S_NOSEC_FLAG))) {
		rc = inode_remove_privs(f->path.dentry);
		if (rc)
			return rc;
	}
	if (inode->mtime == now && inode->ctime == now)
		return 0;
	inode->mtime = inode->ctime = now;
	inode->version++;
	inode_mark_dirty(inode);
	return 0;
}

/* What a write takes away from a program with set-id bits; the rest of the mode stays. */
static u32 privs_to_drop(const struct inode *inode)
{
	u32 mode = inode->mode, drop = 0;

	if (!S_ISREG(mode) || capable(CAP_FSETID))
		return 0;
	if (mode & S_ISUID)
		drop |= S_ISUID;
	if ((mode & S_ISGID) && (mode & S_IXGRP))
		drop |= S_ISGID;
	return drop;
}

int inode_remove_privs(struct dentry *d)
{
	struct inode *inode = d->inode;
	u32 drop = privs_to_drop(inode);
	struct iattr attr = { .valid = ATTR_MODE, .mode = inode->mode & ~drop };

	if (S_ISREG(inode->mode) && inode->ops->removexattr) {
		int rc = inode->ops->removexattr(inode, "security.capability");

		if (rc && rc != -ENODATA && rc != -EOPNOTSUPP)
			return rc;
	}
	if (drop) {
		if (inode->ops->setattr)
			return inode->ops->setattr(d, &attr);
		setattr_copy(inode, &attr);
	}
	if (!(inode->mode & (S_ISUID | S_ISGID)))
		inode->flags |= S_NOSEC_FLAG;
	return 0;
}

/* --- who writes, who executes --- */

int inode_get_write(struct inode *i)
{
	s32 n = READ_ONCE(i->writers);

	do {
		if (n < 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->writers, &n, n + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return 0;
}

void inode_put_write(struct inode *i) { atomic_dec(&i->writers); }

int inode_deny_write(struct inode *i)
{
	s32 n = READ_ONCE(i->writers);

	do {
		if (n > 0)
			return -ETXTBSY;
	} while (!__atomic_compare_exchange_n(&i->writers, &n, n - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return 0;
}

void inode_allow_write(struct inode *i) { atomic_inc(&i->writers); }

/* --- special files, symlinks --- */

void inode_init_special(struct inode *i, umode_t mode, dev_t rdev)
{
	i->mode = (i->mode & ~(u32)S_IFMT) | (mode & S_IFMT);
	switch (mode & S_IFMT) {
	case S_IFCHR:
		i->fops = &chrdev_fops;
		i->rdev = rdev;
		break;
	case S_IFIFO:
		i->fops = &fifo_fops;
		break;
	case S_IFBLK:
		i->rdev = rdev;
		i->fops = &unopenable_fops;
		break;
	default:
		i->fops = &unopenable_fops;
	}
}

const char *simple_get_link(struct inode *inode, void **cookie)
{
	(void)cookie;
	return inode->link;
}

const struct inode_ops simple_symlink_ops = { .get_link = simple_get_link };

void inode_cache_init(void)
{
	inode_cache = slab_create("inode", sizeof(struct inode), 64, SLAB_RECLAIMABLE, NULL);
	if (!inode_cache)
		panic("inode: no memory for the cache");
}

/* SPDX-License-Identifier: MIT */
/*
 * The dentry cache: names already looked up, also those that are not there ("negative", inode NULL).
 *
 * Life: dentry_alloc() (1 reference, in no hash chain) -> dentry_attach() (hashed: lookups find it) -> references come
 * and go; without any it stays, on the LRU list, until the shrinker or its filesystem takes it -> dentry_kill().
 * An unhashed dentry dies with its last reference. Each dentry holds a reference on its parent and on its inode.
 *
 * References: refs counts users, 0 is a cached dentry anybody may take again, a negative number one that is being freed
 * (DENTRY_DEAD) or being turned negative (DENTRY_FROZEN): dentry_tryget() refuses both.
 *
 * RCU readers walk the chains and read parent, name, inode, flags without a lock. A moved dentry changes rename_seq; the
 * inode pointer of a dying dentry stays as it was, so that nobody takes it for a negative one; dentries, their long names
 * and inodes are freed after a grace period. All changes of flags are atomic.
 *
 * Locks: move_lock (RANK_DENTRY_MOVE) > dentry->lock (children) > hash chain and LRU locks (RANK_DCACHE).
 */
#include "internal.h"

#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#define DENTRY_DEAD   (-0x40000000)
#define DENTRY_FROZEN (-1)
#define NR_CHAIN_LOCKS 64

/* A name that does not fit into its dentry; a renamed dentry may share it with the one it replaced. */
struct long_name {
	struct rcu_head rcu;
	struct refcount refs;
	char name[];
};

struct seqcount rename_seq;
u32 dcache_seed __ro_after_init;
static struct hlist_head *chains __ro_after_init;
static u32 chain_mask __ro_after_init;
static struct spinlock chain_locks[NR_CHAIN_LOCKS];
static struct slab_cache *dentry_cache __ro_after_init;
static DEFINE_SPINLOCK(move_lock, RANK_DENTRY_MOVE);
static DEFINE_SPINLOCK(lru_lock, RANK_DCACHE);
static LIST_HEAD(lru_list); /* [lru_lock] oldest first */
static s64 nr_unused;	    /* [lru_lock] */
static s64 nr_dentries;	    /* [a] */

static struct hlist_head *chain_of(u32 hash) { return &chains[hash & chain_mask]; }
static struct spinlock *chain_lock(u32 hash) { return &chain_locks[hash & (NR_CHAIN_LOCKS - 1)]; }

u32 dentry_hash_name(const struct dentry *parent, const char *name, u32 len)
{
	u32 h = dname_hash_begin(parent);

	for (u32 i = 0; i < len; i++)
		h = dname_hash_add(h, (u8)name[i]);
	return dname_hash_end(h);
}

/* --- names --- */

static void long_name_free(struct rcu_head *head) { kfree(container_of(head, struct long_name, rcu)); }

static struct long_name *long_name_of(const struct dentry *d)
{
	return d->name == d->inline_name ? NULL : container_of(d->name, struct long_name, name[0]);
}

static void long_name_put(struct long_name *ln)
{
	if (ln && refcount_put(&ln->refs))
		rcu_call(&ln->rcu, long_name_free);
}

static bool name_set(struct dentry *d, const char *name, u32 len)
{
	struct long_name *ln;

	d->name_len = len;
	memset(d->inline_name, 0, sizeof(d->inline_name));
	if (len < DNAME_INLINE) {
		memcpy(d->inline_name, name, len);
		d->name = d->inline_name;
		return true;
	}
	ln = kmalloc(sizeof(*ln) + len + 1, GFP_KERNEL);
	if (!ln)
		return false;
	refcount_set(&ln->refs, 1);
	memcpy(ln->name, name, len);
	ln->name[len] = '\0';
	d->name = ln->name;
	return true;
}

/* rename_seq is odd for these two. Readers may see a mixture, but always one that ends with a NUL. */

static void name_copy(struct dentry *to, const struct dentry *from)
{
	struct long_name *old = long_name_of(to), *ln = long_name_of(from);

	if (ln)
		refcount_get(&ln->refs);
	memcpy(to->inline_name, from->inline_name, sizeof(to->inline_name));
	WRITE_ONCE(to->name, ln ? ln->name : to->inline_name);
	WRITE_ONCE(to->name_len, from->name_len);
	long_name_put(old);
}

static void name_swap(struct dentry *a, struct dentry *b)
{
	struct long_name *la = long_name_of(a), *lb = long_name_of(b);
	char tmp[DNAME_INLINE];
	u32 len = a->name_len;

	memcpy(tmp, a->inline_name, sizeof(tmp));
	memcpy(a->inline_name, b->inline_name, sizeof(tmp));
	memcpy(b->inline_name, tmp, sizeof(tmp));
	WRITE_ONCE(a->name, lb ? lb->name : a->inline_name);
	WRITE_ONCE(b->name, la ? la->name : b->inline_name);
	WRITE_ONCE(a->name_len, b->name_len);
	WRITE_ONCE(b->name_len, len);
}

/* --- making and freeing --- */

static void dentry_ctor(void *obj)
{
	struct dentry *d = obj;

	memset(d, 0, sizeof(*d));
	spinlock_init(&d->lock, RANK_DENTRY);
	list_init(&d->children);
}

static struct dentry *dentry_new(struct super *sb, const char *name, u32 len)
{
	struct dentry *d = slab_alloc(dentry_cache, GFP_KERNEL);

	if (!d)
		return NULL;
	if (!name_set(d, name, len)) {
		slab_free(dentry_cache, d);
		return NULL;
	}
	d->parent = d;
	d->inode = NULL;
	d->flags = DCACHE_UNHASHED;
	d->ops = NULL;
	d->sb = sb;
	d->data = NULL;
	d->hash_link.pprev = NULL;
	refcount_set(&d->refs, 1);
	atomic_inc(&nr_dentries);
	return d;
}

static void dentry_free_rcu(struct rcu_head *head) { slab_free(dentry_cache, container_of(head, struct dentry, rcu)); }

static void dentry_free(struct dentry *d)
{
	long_name_put(long_name_of(d));
	atomic_dec(&nr_dentries);
	rcu_call(&d->rcu, dentry_free_rcu);
}

struct dentry *dentry_alloc(struct dentry *parent, const char *name, u32 len)
{
	struct dentry *d = dentry_new(parent->sb, name, len);

	if (!d)
		return NULL;
	dentry_get(parent);
	d->parent = parent;
	d->hash = dentry_hash_name(parent, d->name, len);
	spin_lock(&parent->lock);
	list_add(&d->child_link, &parent->children);
	spin_unlock(&parent->lock);
	return d;
}

struct dentry *dentry_root(struct inode *inode)
{
	struct dentry *d = dentry_new(inode->sb, "/", 1);

	if (!d) {
		inode_put(inode);
		return NULL;
	}
	d->flags = 0;
	dentry_attach(d, inode);
	return d;
}

struct dentry *dentry_pseudo(struct super *sb, const char *name, const struct dentry_ops *ops)
{
	struct dentry *d = dentry_new(sb, name, (u32)strnlen(name, NAME_MAX_LEN));

	if (!d)
		return NULL;
	d->flags = DCACHE_DISCONNECTED;
	d->ops = ops;
	return d;
}

/* --- the hash --- */

static void dentry_hash(struct dentry *d)
{
	struct spinlock *lock = chain_lock(d->hash);

	if ((d->ops && d->ops->revalidate) || d->parent->inode->ops->revalidate)
		atomic_or(&d->flags, DCACHE_REVALIDATE);
	spin_lock(lock);
	atomic_and(&d->flags, ~(u32)DCACHE_UNHASHED);
	hlist_add_head(&d->hash_link, chain_of(d->hash));
	spin_unlock(lock);
}

static void dentry_unhash(struct dentry *d)
{
	for (;;) {
		u32 hash = READ_ONCE(d->hash);
		struct spinlock *lock = chain_lock(hash);

		spin_lock(lock);
		if (likely(d->hash == hash)) {
			hlist_del_init(&d->hash_link);
			atomic_or(&d->flags, DCACHE_UNHASHED);
			spin_unlock(lock);
			return;
		}
		spin_unlock(lock);
	}
}

void dentry_attach_unhashed(struct dentry *d, struct inode *inode)
{
	ASSERT(!d->inode);
	spin_lock(&inode->lock);
	list_add(&d->alias_link, &inode->dentries);
	spin_unlock(&inode->lock);
	smp_store_release(&d->inode, inode);
}

void dentry_attach(struct dentry *d, struct inode *inode)
{
	if (inode)
		dentry_attach_unhashed(d, inode);
	if ((d->flags & DCACHE_UNHASHED) && d->parent != d)
		dentry_hash(d);
}

void dentry_drop(struct dentry *d)
{
	if (!dentry_is_root(d))
		dentry_unhash(d);
}

struct dentry *dcache_find(const struct dentry *parent, const char *name, u32 len, u32 hash)
{
	struct dentry *d;

	hlist_for_each_entry(d, chain_of(hash), hash_link) {
		const char *n;
		u32 i = 0;

		if (d->hash != hash || READ_ONCE(d->parent) != parent || READ_ONCE(d->name_len) != len)
			continue;
		/* Stops at the first difference, a NUL at the latest: safe beside a rename. */
		for (n = READ_ONCE(d->name); i < len && n[i] == name[i]; i++)
			;
		if (i == len)
			return d;
	}
	return NULL;
}

struct dentry *dcache_get(struct dentry *parent, const char *name, u32 len, u32 hash)
{
	struct dentry *d;
	u32 seq;

	rcu_read_lock();
	do {
		seq = seq_begin(&rename_seq);
		d = dcache_find(parent, name, len, hash);
		if (d && !dentry_tryget(d))
			d = NULL;
		if (d && ((READ_ONCE(d->flags) & DCACHE_UNHASHED) || seq_retry(&rename_seq, seq))) {
			rcu_read_unlock();
			dentry_put(d);
			d = NULL;
			rcu_read_lock();
		}
	} while (!d && seq_retry(&rename_seq, seq));
	rcu_read_unlock();
	return d;
}

struct dentry *dentry_lookup(struct dentry *parent, const char *name, u32 len)
{
	return dcache_get(parent, name, len, dentry_hash_name(parent, name, len));
}

/* --- references --- */

void dentry_get(struct dentry *d)
{
	s32 old = __atomic_fetch_add(&d->refs.n, 1, __ATOMIC_RELAXED);

	ASSERT(old > 0);
	if (unlikely(old >= REFCOUNT_MAX))
		refcount_warn(&d->refs, "saturated");
}

bool dentry_tryget(struct dentry *d)
{
	s32 old = refcount_read(&d->refs);

	do {
		if (unlikely(old < 0))
			return false;
	} while (!__atomic_compare_exchange_n(&d->refs.n, &old, old + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

struct dentry *dentry_parent(struct dentry *d)
{
	struct dentry *p;

	rcu_read_lock();
	for (;;) {
		p = READ_ONCE(d->parent);
		if (dentry_tryget(p)) {
			if (likely(p == READ_ONCE(d->parent)))
				break;
			rcu_read_unlock();
			dentry_put(p);
			rcu_read_lock();
		}
	}
	rcu_read_unlock();
	return p;
}

/* Nobody holds d: it is ours to free. */
static bool dentry_claim(struct dentry *d) { return atomic_cmpxchg(&d->refs.n, 0, DENTRY_DEAD); }

static void inode_unalias(struct dentry *d, struct inode *inode)
{
	spin_lock(&inode->lock);
	list_del(&d->alias_link);
	spin_unlock(&inode->lock);
	if (!inode->nlink)
		notify_inode_gone(inode);
	inode_put(inode);
}

static void lru_add(struct dentry *d)
{
	spin_lock(&lru_lock);
	if (!(d->flags & DCACHE_LRU)) {
		list_add_tail(&d->lru, &lru_list);
		atomic_fetch_or(&d->flags, DCACHE_LRU);
		nr_unused++;
	}
	spin_unlock(&lru_lock);
}

/* lru_lock held */
static void lru_del_locked(struct dentry *d)
{
	list_del(&d->lru);
	atomic_fetch_and(&d->flags, ~(u32)DCACHE_LRU);
	nr_unused--;
}

static void lru_del(struct dentry *d)
{
	spin_lock(&lru_lock);
	if (d->flags & DCACHE_LRU)
		lru_del_locked(d);
	spin_unlock(&lru_lock);
}

/* Frees a claimed dentry. Returns its parent, whose reference the caller drops; NULL for a root. May sleep. */
static struct dentry *dentry_kill(struct dentry *d)
{
	struct dentry *parent = d->parent;
	struct inode *inode = d->inode;

	ASSERT(list_empty(&d->children));
	if (!hlist_unhashed(&d->hash_link))
		dentry_unhash(d);
	if (d->flags & DCACHE_LRU)
		lru_del(d);
	if (parent != d) {
		spin_lock(&parent->lock);
		list_del(&d->child_link);
		spin_unlock(&parent->lock);
	}
	if (d->ops && d->ops->release)
		d->ops->release(d);
	if (inode)
		inode_unalias(d, inode);
	dentry_free(d);
	return parent == d ? NULL : parent;
}

/* A dentry nobody holds: into the LRU list, or claimed (true) when it may not be cached. Under RCU. */
static bool dentry_unused(struct dentry *d)
{
	u32 flags = READ_ONCE(d->flags);

	if ((flags & (DCACHE_UNHASHED | DCACHE_NOCACHE | DCACHE_DISCONNECTED)) || d->parent == d ||
	    (d->ops && d->ops->delete_unused))
		return dentry_claim(d);
	lru_add(d);
	/* It may have been dropped, or freed by the shrinker, meanwhile. */
	if (READ_ONCE(d->flags) & DCACHE_UNHASHED)
		return dentry_claim(d);
	return false;
}

void dentry_put(struct dentry *d)
{
	while (d) {
		bool claimed = false;
		u32 flags;

		rcu_read_lock();
		if (likely(atomic_fetch_add(&d->refs.n, -1) > 1)) {
			rcu_read_unlock();
			return;
		}
		flags = READ_ONCE(d->flags);
		if (likely((flags & (DCACHE_LRU | DCACHE_UNHASHED | DCACHE_NOCACHE)) == DCACHE_LRU)) {
			if (!(flags & DCACHE_REFERENCED))
				atomic_or(&d->flags, DCACHE_REFERENCED);
		} else {
			claimed = dentry_unused(d);
		}
		rcu_read_unlock();
		d = claimed ? dentry_kill(d) : NULL;
	}
}

/* --- changes by create, unlink, rename --- */

void dentry_delete(struct dentry *d)
{
	struct inode *inode = d->inode;

	/* A lookup that finds it now must see either the file or, once we are done, that it is gone. */
	if (!(d->flags & DCACHE_UNHASHED) && atomic_cmpxchg(&d->refs.n, 1, DENTRY_FROZEN)) {
		WRITE_ONCE(d->inode, NULL);
		__atomic_store_n(&d->refs.n, 1, __ATOMIC_RELEASE);
		inode_unalias(d, inode);
		return;
	}
	dentry_drop(d);
}

static void child_move(struct dentry *d, struct dentry *to)
{
	struct dentry *from = d->parent;

	spin_lock(&from->lock);
	list_del(&d->child_link);
	spin_unlock(&from->lock);
	spin_lock(&to->lock);
	list_add(&d->child_link, &to->children);
	spin_unlock(&to->lock);
	WRITE_ONCE(d->parent, to);
}

/* d gets the place of `to`. In an exchange `to` gets d's; else it keeps its own, where nobody will find it any more. */
void dentry_move(struct dentry *d, struct dentry *to, bool exchange)
{
	struct dentry *from_dir = d->parent, *to_dir = to->parent;
	u32 hash;

	ASSERT(d != to && from_dir != d && to_dir != to);
	if (!exchange)
		dentry_get(to_dir);
	spin_lock(&move_lock);
	seq_write_begin(&rename_seq);
	dentry_unhash(d);
	dentry_unhash(to);
	if (from_dir != to_dir)
		child_move(d, to_dir);
	hash = d->hash;
	WRITE_ONCE(d->hash, to->hash);
	if (exchange) {
		if (from_dir != to_dir)
			child_move(to, from_dir);
		name_swap(d, to);
		WRITE_ONCE(to->hash, hash);
		dentry_hash(to);
	} else {
		name_copy(d, to);
	}
	dentry_hash(d);
	seq_write_end(&rename_seq);
	spin_unlock(&move_lock);
	if (!exchange)
		dentry_put(from_dir);
}

bool dentry_has_children(struct dentry *d)
{
	struct dentry *c;
	bool any = false;

	spin_lock(&d->lock);
	list_for_each_entry(c, &d->children, child_link)
		if (c->inode && !(c->flags & DCACHE_UNHASHED)) {
			any = true;
			break;
		}
	spin_unlock(&d->lock);
	return any;
}

/* --- giving memory back --- */

void dentry_prune_children(struct dentry *d)
{
	LIST_HEAD(dead);
	struct dentry *c, *next;

	spin_lock(&d->lock);
	list_for_each_entry_safe(c, next, &d->children, child_link)
		if (dentry_claim(c))
			list_move(&c->child_link, &dead);
	spin_unlock(&d->lock);
	while (!list_empty(&dead)) {
		c = list_first_entry(&dead, struct dentry, child_link);
		/* dentry_kill() takes it off this list. */
		dentry_put(dentry_kill(c));
		cond_resched();
	}
}

void dentry_unpin_tree(struct dentry *root)
{
	struct dentry *d = root;

	for (;;) {
		struct dentry *child;

		spin_lock(&d->lock);
		child = list_first_entry_or_null(&d->children, struct dentry, child_link);
		spin_unlock(&d->lock);
		if (child) {
			d = child;
			continue;
		}
		if (d == root)
			return;
		/* 1: pinned; 0: merely cached; else the shrinker has it and will be done soon. */
		if (atomic_cmpxchg(&d->refs.n, 1, DENTRY_DEAD) || dentry_claim(d))
			dentry_put(dentry_kill(d));
		d = root;
		cond_resched();
	}
}

static void kill_list(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct dentry *d = list_first_entry(dead, struct dentry, lru);

		list_del(&d->lru);
		dentry_put(dentry_kill(d));
		cond_resched();
	}
}

/* Takes d off the LRU list: onto dead when it is unused. lru_lock held. */
static void lru_isolate(struct dentry *d, struct list_head *dead)
{
	lru_del_locked(d);
	if (dentry_claim(d)) {
		list_add_tail(&d->lru, dead);
	} else if (refcount_read(&d->refs) == 0) {
		/* Its last user left without listing it, having seen it listed. */
		list_add_tail(&d->lru, &lru_list);
		atomic_fetch_or(&d->flags, DCACHE_LRU);
		nr_unused++;
	}
}

static u64 dcache_count(void) { return (u64)READ_ONCE(nr_unused); }

static u64 dcache_scan(u64 nr)
{
	LIST_HEAD(dead);
	s64 before = READ_ONCE(nr_dentries);

	spin_lock(&lru_lock);
	for (u64 i = 0; i < nr && i < 1024 && !list_empty(&lru_list); i++) {
		struct dentry *d = list_first_entry(&lru_list, struct dentry, lru);

		if (d->flags & DCACHE_REFERENCED) {
			atomic_and(&d->flags, ~(u32)DCACHE_REFERENCED);
			list_move_tail(&d->lru, &lru_list);
		} else {
			lru_isolate(d, &dead);
		}
	}
	spin_unlock(&lru_lock);
	kill_list(&dead);
	return (u64)MAX(before - READ_ONCE(nr_dentries), 0L);
}

/* Takes sb's unused dentries among the first n of the LRU list; the others go to its end. */
static void lru_take_super(struct super *sb, s64 n, struct list_head *dead)
{
	spin_lock(&lru_lock);
	for (s64 i = 0; i < n && !list_empty(&lru_list); i++) {
		struct dentry *d = list_first_entry(&lru_list, struct dentry, lru);

		if (d->sb == sb)
			lru_isolate(d, dead);
		else
			list_move_tail(&d->lru, &lru_list);
	}
	spin_unlock(&lru_lock);
}

void dcache_shrink_super(struct super *sb)
{
	LIST_HEAD(dead);
	bool any;

	/* Each pass may leave parents that nothing holds any more. */
	do {
		any = false;
		for (s64 left = READ_ONCE(nr_unused); left > 0; left -= 256) {
			lru_take_super(sb, MIN(left, 256L), &dead);
			any |= !list_empty(&dead);
			kill_list(&dead);
			cond_resched();
		}
	} while (any);
}

void dcache_stat(s64 *dentries, s64 *unused, s64 *negative)
{
	*dentries = READ_ONCE(nr_dentries);
	*unused = READ_ONCE(nr_unused);
	*negative = 0;
}

static struct shrinker dcache_shrinker = { .name = "dentry", .count = dcache_count, .scan = dcache_scan };

void dcache_init(void)
{
	struct memory_info info;
	u64 n = 512;

	memory_info(&info);
	while (n < info.total / 32 && n < (1UL << 16))
		n <<= 1;
	chains = kvzalloc(n * sizeof(*chains), GFP_KERNEL);
	dentry_cache = slab_create("dentry", sizeof(struct dentry), 64, SLAB_RECLAIMABLE, dentry_ctor);
	if (!chains || !dentry_cache)
		panic("dcache: no memory for the hash");
	chain_mask = (u32)n - 1;
	for (u32 i = 0; i < NR_CHAIN_LOCKS; i++)
		spinlock_init(&chain_locks[i], RANK_DCACHE);
	dcache_seed = (u32)random_u64();
	shrinker_register(&dcache_shrinker);
}

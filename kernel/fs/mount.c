/* SPDX-License-Identifier: MIT */
/*
 * Mounts: which filesystem (or part of one) stands where.
 *
 * Life: mount_new() (1 reference, in no tree) -> mount_attach() (that reference is the tree's; it also holds its parent
 * mount and its mountpoint) -> mount_detach_tree() -> the last mount_put() frees it and drops its super.
 *
 * Lookups cross from a mountpoint to what is mounted there through a hash of (mount, dentry), under RCU, checked with
 * mount_seq. DCACHE_MOUNTED on a dentry says that looking is worth it.
 *
 * Locks: namespace_sem (RANK_MOUNT) the tree: parent, mountpoint, children, ns_link, for those who sleep; mount_lock
 * (RANK_MOUNT_HASH, with mount_seq) the hash and the same pointers for those who do not. Changes hold both.
 */
#include "mount.h"

#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>

#define MOUNT_HASH_BITS 8

struct seqcount mount_seq;
struct rwsem namespace_sem = RWSEM_INIT(namespace_sem, RANK_MOUNT);
struct path root_path;
u32 sysctl_mount_max = 100000;
struct mount_ns init_mount_ns = {
	.refs = REFCOUNT_INIT(1),
	.mounts = LIST_HEAD_INIT(init_mount_ns.mounts),
	.wait = WAIT_QUEUE_INIT(init_mount_ns.wait),
};
static DEFINE_SPINLOCK(mount_lock, RANK_MOUNT_HASH);
static struct hlist_head mount_hash[1 << MOUNT_HASH_BITS]; /* [mount_lock, RCU] */
static struct slab_cache *mount_cache __ro_after_init;
static u32 last_mount_id, last_peer_group; /* [a] */

static struct hlist_head *mount_chain(const struct mount *mnt, const struct dentry *d)
{
	return &mount_hash[hash_u64((u64)mnt + (u64)d * 5, MOUNT_HASH_BITS)];
}

/* --- looking --- */

struct mount *mount_at(const struct mount *mnt, const struct dentry *d)
{
	struct mount *m;

	hlist_for_each_entry(m, mount_chain(mnt, d), hash)
		if (READ_ONCE(m->parent) == mnt && READ_ONCE(m->mountpoint) == d)
			return m;
	return NULL;
}

struct mount *mount_get_at(const struct mount *mnt, const struct dentry *d)
{
	struct mount *m;
	u32 seq;

	do {
		rcu_read_lock();
		seq = seq_begin(&mount_seq);
		m = mount_at(mnt, d);
		if (m && !refcount_get_unless_zero(&m->refs))
			m = NULL;
		rcu_read_unlock();
		if (m && seq_retry(&mount_seq, seq)) {
			mount_put(m);
			m = NULL;
		}
	} while (!m && seq_retry(&mount_seq, seq));
	return m;
}

void path_cross_mounts(struct path *p)
{
	while (READ_ONCE(p->dentry->flags) & DCACHE_MOUNTED) {
		struct mount *m = mount_get_at(p->mnt, p->dentry);

		if (!m)
			return;
		dentry_get(m->root);
		path_put(p);
		*p = (struct path){ m, m->root };
	}
}

struct mount *mount_next(struct mount *m, struct mount *top)
{
	if (!list_empty(&m->children))
		return list_first_entry(&m->children, struct mount, child_link);
	for (; m != top; m = m->parent)
		if (m->child_link.next != &m->parent->children)
			return list_next_entry(m, child_link);
	return NULL;
}

/* --- life --- */

struct mount *mount_new(struct super *sb, struct dentry *root, u32 flags, const char *source)
{
	struct mount *m = slab_alloc(mount_cache, GFP_KERNEL | GFP_ZERO);
	char *name = kstrdup(source);

	if (!m || !name) {
		if (m)
			slab_free(mount_cache, m);
		kfree(name);
		super_put(sb);
		return ERR_PTR(-ENOMEM);
	}
	dentry_get(root);
	m->root = root;
	m->sb = sb;
	m->flags = flags;
	m->source = name;
	m->id = atomic_add_return(&last_mount_id, 1U);
	m->propagation = MS_PRIVATE;
	refcount_set(&m->refs, 1);
	list_init(&m->children);
	list_init(&m->child_link);
	list_init(&m->ns_link);
	return m;
}

static void mount_free_rcu(struct rcu_head *head) { slab_free(mount_cache, container_of(head, struct mount, rcu)); }

static void mount_free(struct mount *m)
{
	struct super *sb = m->sb;

	ASSERT(!m->parent && list_empty(&m->children));
	dentry_put(m->root);
	kfree(m->source);
	rcu_call(&m->rcu, mount_free_rcu);
	super_put(sb);
}

void mount_put_unused(struct mount *m)
{
	if (unlikely(refcount_put(&m->refs)))
		mount_free(m);
}

void mount_put(struct mount *m)
{
	if (unlikely(READ_ONCE(m->expiry_mark)))
		WRITE_ONCE(m->expiry_mark, 0);
	mount_put_unused(m);
}

u32 peer_group_new(void) { return atomic_add_return(&last_peer_group, 1U); }

struct mount *mount_kernel(struct fs_type *type, const char *data)
{
	struct super *sb;
	int rc = super_mount(type, MS_KERNMOUNT, type->name, data, &sb);

	return rc ? ERR_PTR(rc) : mount_new(sb, sb->root, MS_NOSUID | MS_NODEV | MS_NOEXEC, type->name);
}

/* --- writers --- */

int mount_want_write(struct mount *m)
{
	atomic_fetch_add(&m->writers, 1);
	if (likely(!((READ_ONCE(m->flags) | READ_ONCE(m->sb->flags)) & MS_RDONLY)))
		return 0;
	atomic_dec(&m->writers);
	return -EROFS;
}

void mount_drop_write(struct mount *m) { atomic_dec(&m->writers); }

/* --- the tree --- */

/* mount_lock held, mount_seq odd */
static void link_at(struct mount *m, const struct path *at)
{
	WRITE_ONCE(m->parent, at->mnt);
	WRITE_ONCE(m->mountpoint, at->dentry);
	atomic_or(&at->dentry->flags, DCACHE_MOUNTED);
	hlist_add_head(&m->hash, mount_chain(at->mnt, at->dentry));
	list_add_tail(&m->child_link, &at->mnt->children);
}

static bool still_mounted_on(const struct dentry *d)
{
	const struct mount *m;

	list_for_each_entry(m, &init_mount_ns.mounts, ns_link)
		if (m->mountpoint == d)
			return true;
	return false;
}

/* The references on parent and mountpoint pass to *was. mount_lock held, mount_seq odd. */
static void unlink_from(struct mount *m, struct path *was)
{
	*was = (struct path){ m->parent, m->mountpoint };
	hlist_del_init(&m->hash);
	list_del_init(&m->child_link);
	WRITE_ONCE(m->parent, NULL);
	WRITE_ONCE(m->mountpoint, NULL);
}

static void tree_change_begin(void) __acquires(&mount_lock)
{
	spin_lock(&mount_lock);
	seq_write_begin(&mount_seq);
}

static void tree_change_end(void) __releases(&mount_lock)
{
	seq_write_end(&mount_seq);
	spin_unlock(&mount_lock);
}

void mount_changed(struct mount_ns *ns)
{
	atomic_inc(&ns->events);
	wake_up_all(&ns->wait);
}

void mount_link(struct mount *m, const struct path *at)
{
	path_get(at);
	tree_change_begin();
	link_at(m, at);
	tree_change_end();
}

int mount_attach(struct mount *m, const struct path *at, struct mount_ns *ns)
{
	struct mount *c;
	u32 n = 0;

	for (c = m; c; c = mount_next(c, m))
		n++;
	if (ns->nr_mounts + n > sysctl_mount_max)
		return -ENOSPC;
	mount_link(m, at);
	for (c = m; c; c = mount_next(c, m)) {
		c->ns = ns;
		list_add_tail(&c->ns_link, &ns->mounts);
	}
	ns->nr_mounts += n;
	mount_changed(ns);
	return 0;
}

void mount_relocate(struct mount *m, const struct path *at)
{
	struct path was;

	path_get(at);
	tree_change_begin();
	unlink_from(m, &was);
	link_at(m, at);
	tree_change_end();
	if (!still_mounted_on(was.dentry))
		atomic_and(&was.dentry->flags, ~(u32)DCACHE_MOUNTED);
	path_put(&was);
	mount_changed(m->ns);
}

/* A mount out of the tree waits on `dead` with its old parent and mountpoint, whose references are dropped later. */
static void to_grave(struct mount *m, const struct path *was, struct list_head *dead)
{
	if (m->ns) {
		m->ns->nr_mounts--;
		list_del_init(&m->ns_link);
	}
	list_add_tail(&m->ns_link, dead);
	m->ns = NULL;
	/* Not followed by any walk: it is in no hash chain. */
	m->copy = was->mnt;
	WRITE_ONCE(m->mountpoint, was->dentry);
	if (was->dentry && !still_mounted_on(was->dentry))
		atomic_and(&was->dentry->flags, ~(u32)DCACHE_MOUNTED);
}

static struct mount *deepest_first(struct mount *m)
{
	while (!list_empty(&m->children))
		m = list_first_entry(&m->children, struct mount, child_link);
	return m;
}

void mount_detach_tree(struct mount *top, struct list_head *dead)
{
	struct mount_ns *ns = top->ns;
	struct mount *m;
	struct path was;

	do {
		m = deepest_first(top);
		tree_change_begin();
		unlink_from(m, &was);
		tree_change_end();
		to_grave(m, &was, dead);
	} while (m != top);
	if (ns)
		mount_changed(ns);
}

bool mount_unused(struct mount *m, s32 refs, struct list_head *dead)
{
	struct mount_ns *ns = m->ns;
	struct path was;

	/* Lockless walks that take a reference after this look see that mount_seq changed, and give it back. */
	tree_change_begin();
	smp_mb();
	if (!list_empty(&m->children) || refcount_read(&m->refs) > refs) {
		tree_change_end();
		return false;
	}
	unlink_from(m, &was);
	tree_change_end();
	to_grave(m, &was, dead);
	mount_changed(ns);
	return true;
}

void mount_bury(struct list_head *dead)
{
	struct mount *m, *next;

	list_for_each_entry_safe(m, next, dead, ns_link) {
		struct path was = { m->copy, m->mountpoint };

		list_del_init(&m->ns_link);
		m->copy = NULL;
		m->mountpoint = NULL;
		if (was.mnt)
			path_put(&was);
		mount_put(m);
	}
}

u32 mount_events(void) { return READ_ONCE(init_mount_ns.events); }
struct wait_queue *mount_wait(void) { return &init_mount_ns.wait; }

void mount_root(struct fs_type *type)
{
	struct super *sb;
	struct mount *m;
	int rc = super_mount(type, 0, "none", NULL, &sb);

	if (rc)
		panic("vfs: cannot mount the root: error %d", rc);
	m = mount_new(sb, sb->root, MS_RELATIME, "none");
	if (IS_ERR(m))
		panic("vfs: no memory for the root mount");
	m->ns = &init_mount_ns;
	list_add_tail(&m->ns_link, &init_mount_ns.mounts);
	init_mount_ns.nr_mounts = 1;
	init_mount_ns.root = m;
	root_path = (struct path){ m, m->root };
}

void mount_init(void)
{
	mount_cache = slab_create("mount", sizeof(struct mount), 64, 0, NULL);
	if (!mount_cache)
		panic("vfs: no memory for the mount cache");
}

/* SPDX-License-Identifier: MIT */
/*
 * What one user (uid) uses across all of its processes: struct user, one for each uid somebody runs as or is charged for.
 * Found in a small hash; freed with the last reference. user_lock is taken with interrupts off: credentials, and with
 * them users, are dropped from softirqs.
 */
#include <kernel/cred.h>

#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/spinlock.h>

#include "proc.h"

#define USER_HASH_SIZE 64

struct user root_user = { .uid = 0, .refs = REFCOUNT_INIT(1) };

static DEFINE_SPINLOCK(user_lock, RANK_USER);
static struct hlist_head user_hash[USER_HASH_SIZE]; /* [user_lock] */
static struct slab_cache *user_cache;

static struct hlist_head *hash_bucket(u32 uid)
{
	return &user_hash[uid % USER_HASH_SIZE];
}

/* user_lock held. One whose last reference is just going does not count. */
static struct user *find_referenced(u32 uid)
{
	struct user *u;

	hlist_for_each_entry(u, hash_bucket(uid), hash)
		if (u->uid == uid && refcount_get_unless_zero(&u->refs))
			return u;
	return NULL;
}

static struct user *user_lookup(u32 uid)
{
	u64 flags = spin_lock_irqsave(&user_lock);
	struct user *u = find_referenced(uid);

	spin_unlock_irqrestore(&user_lock, flags);
	return u;
}

struct user *user_find(u32 uid)
{
	struct user *u = user_lookup(uid), *new;
	u64 flags;

	if (u)
		return u;
	new = slab_alloc(user_cache, GFP_KERNEL | GFP_ZERO);
	if (!new)
		return NULL;
	new->uid = uid;
	refcount_set(&new->refs, 1);
	flags = spin_lock_irqsave(&user_lock);
	u = find_referenced(uid);
	if (!u)
		hlist_add_head(&new->hash, hash_bucket(uid));
	spin_unlock_irqrestore(&user_lock, flags);
	if (!u)
		return new;
	slab_free(user_cache, new);
	return u;
}

void user_put(struct user *u)
{
	u64 flags;

	if (!refcount_put(&u->refs))
		return;
	flags = spin_lock_irqsave(&user_lock);
	hlist_del_init(&u->hash);
	spin_unlock_irqrestore(&user_lock, flags);
	slab_free(user_cache, u);
}

void user_init(void)
{
	user_cache = slab_create("user", sizeof(struct user), 0, 0, NULL);
	if (!user_cache)
		panic("no memory for users");
	hlist_add_head(&root_user.hash, hash_bucket(0));
}

/* SPDX-License-Identifier: MIT */
/* What pagecache.c (the cache) and pagecache_file.c (read and write of regular files) share. */
#ifndef MM_PAGECACHE_INTERNAL_H
#define MM_PAGECACHE_INTERNAL_H

#include <kernel/pagecache.h>
#include <kernel/rcu.h>

/* pagecache_add() that takes over the caller's reference (when it succeeds). */
int pagecache_insert(struct mapping *m, struct page *p, u64 index);

/* A reference to the page found in a slot, if it is still what we look for: false when it is on its
 * way out (gone from the array in a moment) or became something else. RCU held. */
static __always_inline bool page_get_if_cached(struct page *p, const struct mapping *m, u64 index)
{
	if (unlikely(!refcount_get_unless_zero(&p->refs)))
		return false;
	if (likely(READ_ONCE(p->mapping) == m && p->index == index))
		return true;
	page_put(p);
	return false;
}

struct page *pagecache_find_again(struct mapping *m, u64 index);

/* pagecache_find() without the call. */
static __always_inline struct page *pagecache_lookup(struct mapping *m, u64 index)
{
	struct page *p;

	rcu_read_lock();
	p = xa_lookup(&m->pages, index);
	if (!p || unlikely(!page_get_if_cached(p, m, index))) {
		rcu_read_unlock();
		return p ? pagecache_find_again(m, index) : NULL;
	}
	rcu_read_unlock();
	if (unlikely((READ_ONCE(p->flags) & (PG_LRU | PG_REFERENCED)) == PG_LRU))
		atomic_or(&p->flags, PG_REFERENCED);
	return p;
}

/* The kernel wrote into a page that user space may execute: instruction caches must be told when it
 * is mapped next. */
static inline void page_written(struct page *p)
{
	if (unlikely(READ_ONCE(p->flags) & PG_ICLEAN))
		atomic_and(&p->flags, ~(u32)PG_ICLEAN);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The page cache: which pages of a file are in memory, for every filesystem.
 *
 * Life of a cached page: allocated -> filled or known to be filled soon (PG_LOCKED) -> in
 * mapping->pages, which holds one reference (p->mapping, p->index say where) -> out again by
 * truncation, eviction of the inode, or reclaim: p->mapping is NULL from then on, the page lives as
 * long as others hold it.
 *
 * Locks: a page leaves its mapping only with PG_LOCKED held and m->lock taken inside; so a locked
 * page whose mapping is not NULL keeps that mapping (and its inode) alive. PG_UPTODATE, once set,
 * stays while the page is in the cache. Lookups take no lock: under RCU a pointer is loaded, a
 * reference taken unless it is 0, and p->mapping and p->index compared; a page that was freed and
 * became something else in between fails that test.
 *
 * Pages of a `kept` mapping (tmpfs) are PG_KEPT and never dropped; others are PG_LRU, and reclaim's
 * clock hand takes those nobody used since it last passed (PG_REFERENCED).
 */
#include <kernel/pagecache.h>

#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/panic.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <kernel/wait.h>
#include <linux/fs.h>

#include "page_internal.h"
#include "pagecache_internal.h"

#define WAIT_BITS   5
#define BATCH	    16
#define ADD_RETRIES 8

static struct wait_queue
	page_waits[1 << WAIT_BITS]; /* who waits for a bit of a page, by its address */

/* --- bits of a page one can wait for --- */

static struct wait_queue *wait_queue_of(const struct page *p)
{
	return &page_waits[hash_u64((u64)p, WAIT_BITS)];
}

bool page_trylock(struct page *p) { return !(atomic_fetch_or(&p->flags, PG_LOCKED) & PG_LOCKED); }

/* Sleeps until the lock is ours (bit PG_LOCKED) or the bit is clear (others). 0, or -EINTR for
 * TASK_KILLABLE. */
static int page_sleep_on(struct page *p, u32 bit, u32 state)
{
	struct wait_queue *q = wait_queue_of(p);
	struct wait_entry e;
	int ret;

	might_sleep();
	wait_entry_init(&e);
	for (;;) {
		wait_prepare(q, &e, state);
		(void)atomic_fetch_or(&p->flags,
				      PG_WAITERS); /* ordered before the look at the bit */
		ret = 0;
		if (bit == PG_LOCKED ? page_trylock(p) : !(READ_ONCE(p->flags) & bit))
			break;
		ret = wait_may_continue(state, 0) ? -EINTR : 0;
		if (ret)
			break;
		schedule();
	}
	wait_finish(q, &e);
	return ret;
}

static void clear_and_wake(struct page *p, u32 bit)
{
	if (likely(!(atomic_fetch_and(&p->flags, ~bit) & PG_WAITERS)))
		return;
	atomic_and(&p->flags, ~(u32)PG_WAITERS); /* who still has to wait sets it again */
	wake_up_all(wait_queue_of(p));
}

void page_lock(struct page *p)
{
	if (unlikely(!page_trylock(p)))
		(void)page_sleep_on(p, PG_LOCKED, TASK_UNINTERRUPTIBLE);
}

int page_lock_killable(struct page *p)
{
	return likely(page_trylock(p)) ? 0 : page_sleep_on(p, PG_LOCKED, TASK_KILLABLE);
}

void page_unlock(struct page *p)
{
	ASSERT(p->flags & PG_LOCKED);
	clear_and_wake(p, PG_LOCKED);
}

void page_wait_writeback(struct page *p)
{
	if (READ_ONCE(p->flags) & PG_WRITEBACK)
		(void)page_sleep_on(p, PG_WRITEBACK, TASK_UNINTERRUPTIBLE);
}

/* --- in and out --- */

static enum memory_counter extra_counter(const struct mapping *m)
{
	return m->ops->kept ? MEM_SHMEM : MEM_CACHED;
}

/* n pages enter or leave. Interrupts off. */
static void count_cached(const struct mapping *m, s64 n)
{
	memory_count_here(MEM_CACHED, n);
	if (extra_counter(m) == MEM_SHMEM)
		memory_count_here(MEM_SHMEM, n);
}

int pagecache_insert(struct mapping *m, struct page *p, u64 index)
{
	int ret = m->ops->charge ? m->ops->charge(m, 1) : 0;

	if (unlikely(ret))
		return ret;
	p->mapping = m;
	p->index = index;
	p->flags |= m->ops->kept ? PG_KEPT : PG_LRU;
	for (u32 retries = 0;; retries++) {
		u64 flags = spin_lock_irqsave(&m->lock);

		ret = xa_insert(&m->pages, index, p, GFP_ATOMIC | GFP_NOWARN);
		if (likely(ret == 0)) {
			m->nr_pages++;
			count_cached(m, 1);
		}
		spin_unlock_irqrestore(&m->lock, flags);
		if (likely(ret == 0))
			return 0;
		if (ret != -ENOMEM || retries == ADD_RETRIES ||
		    xa_preload(m->gfp & ~(u32)GFP_USERPAGE))
			break;
	}
	p->mapping = NULL;
	p->index = 0;
	p->flags &= ~(u32)(PG_KEPT | PG_LRU);
	if (m->ops->charge)
		(void)m->ops->charge(m, -1);
	return ret;
}

int pagecache_add(struct mapping *m, struct page *p, u64 index)
{
	int ret;

	page_get(p);
	ret = pagecache_insert(m, p, index);
	if (ret)
		page_put(p);
	return ret;
}

/* m->lock held, page locked. The cache's reference is the caller's to drop. */
static void detach(struct mapping *m, struct page *p)
{
	(void)xa_erase(&m->pages, p->index);
	if (p->flags & PG_DIRTY && !m->ops->kept) {
		atomic_and(&p->flags, ~(u32)PG_DIRTY);
		memory_count_here(MEM_DIRTY, -1);
	}
	WRITE_ONCE(p->mapping, NULL);
	m->nr_pages--;
	count_cached(m, -1);
	if (m->ops->charge)
		(void)m->ops->charge(m, -1);
}

/* Takes a locked page out of the cache. */
static void remove_page(struct mapping *m, struct page *p)
{
	u64 flags;

	page_wait_writeback(p);
	if (m->ops->invalidate)
		m->ops->invalidate(p);
	flags = spin_lock_irqsave(&m->lock);
	detach(m, p);
	spin_unlock_irqrestore(&m->lock, flags);
	page_put(p);
}

/* --- lookup --- */

__noinline struct page *pagecache_find_again(struct mapping *m, u64 index)
{
	struct page *p;

	rcu_read_lock();
	while ((p = xa_load(&m->pages, index)) && !page_get_if_cached(p, m, index))
		;
	rcu_read_unlock();
	return p;
}

struct page *pagecache_find(struct mapping *m, u64 index) { return pagecache_lookup(m, index); }

static struct page *get_ready(struct mapping *m, struct page *p, u64 index)
{
	u32 flags;

	if (!p || !page_get_if_cached(p, m, index))
		return NULL;
	flags = READ_ONCE(p->flags);
	if (unlikely(!(flags & PG_UPTODATE))) {
		page_put(p);
		return NULL;
	}
	if (unlikely((flags & (PG_LRU | PG_REFERENCED)) == PG_LRU))
		atomic_or(&p->flags, PG_REFERENCED);
	return p;
}

void pagecache_find_ready(struct mapping *m, u64 first, struct page **page, u32 n)
{
	void *const *slots = NULL;

	rcu_read_lock();
	for (u32 i = 0; i < n; i++) {
		u64 index = first + i;

		if (i == 0 || index % XA_SLOTS == 0)
			slots = xa_leaf_slots(&m->pages, index);
		if (page[i])
			page[i] = get_ready(m, slots ? rcu_dereference(slots[index % XA_SLOTS]) : xa_lookup(&m->pages, index),
					    index);
	}
	rcu_read_unlock();
}

/* Up to n referenced pages of [*index, last]; *index is where to go on. */
static u32 gather(struct mapping *m, u64 *index, u64 last, int mark, struct page **out, u32 max)
{
	u64 at = *index;
	u32 n = 0;

	rcu_read_lock();
	while (n < max && at <= last) {
		struct page *p = mark < 0 ? xa_find(&m->pages, &at, last)
					  : xa_find_marked(&m->pages, &at, last, (u32)mark);

		if (!p)
			break;
		if (!page_get_if_cached(p, m, at))
			continue;
		out[n++] = p;
		if (at++ == ~0UL)
			break;
	}
	rcu_read_unlock();
	*index = at;
	return n;
}

/* A new page in the cache; zeroed and up to date, or locked for the caller to fill.
 * ERR_PTR(-EEXIST, -ENOMEM, ...) */
static struct page *new_page(struct mapping *m, u64 index, gfp_t gfp, bool zeroed)
{
	struct page *p = page_alloc(zeroed ? gfp | GFP_ZERO : gfp, 0);
	int ret;

	if (!p)
		return ERR_PTR(-ENOMEM);
	p->flags |= zeroed ? PG_UPTODATE : PG_LOCKED;
	ret = pagecache_add(m, p, index);
	if (ret) {
		p->flags &= ~(u32)PG_LOCKED;
		page_put(p);
		return ERR_PTR(ret);
	}
	return p;
}

/* Makes a locked page that is not up to date so. Unlocks it; consumes the reference when it fails.
 */
static struct page *fill_page(struct mapping *m, struct file *file, struct page *p)
{
	int ret;

	if (!m->ops->read_page) {
		page_zero(page_to_virt(p));
		atomic_or(&p->flags, PG_UPTODATE);
		page_unlock(p);
		return p;
	}
	ret = m->ops->read_page(file, p);
	if (ret == 0 && !(READ_ONCE(p->flags) & PG_UPTODATE)) {
		ret = page_lock_killable(
			p); /* read_page unlocks when it is done, which may be later */
		if (ret == 0) {
			ret = p->flags & PG_UPTODATE ? 0 : -EIO;
			page_unlock(p);
		}
	}
	if (ret == 0)
		return p;
	page_put(p);
	return ERR_PTR(ret);
}

struct page *pagecache_read(struct mapping *m, struct file *file, u64 index)
{
	bool fills = m->ops->read_page;
	struct page *p;

	for (;;) {
		p = pagecache_find(m, index);
		if (p && likely(p->flags & PG_UPTODATE))
			return p;
		if (!p) {
			p = new_page(m, index, m->gfp, !fills);
			if (IS_ERR(p) && PTR_ERR(p) == -EEXIST)
				continue;
			return IS_ERR(p) || !fills ? p : fill_page(m, file, p);
		}
		if (page_lock_killable(p)) {
			page_put(p);
			return ERR_PTR(-EINTR);
		}
		if (p->mapping == m && !(p->flags & PG_UPTODATE))
			return fill_page(m, file, p);
		page_unlock(p);
		page_put(p); /* filled meanwhile, or cut off: look again */
	}
}

struct page *pagecache_grab(struct mapping *m, u64 index, gfp_t gfp)
{
	struct page *p;

	for (;;) {
		p = pagecache_find(m, index);
		if (!p) {
			p = new_page(m, index, gfp, false);
			if (IS_ERR(p) && PTR_ERR(p) == -EEXIST)
				continue;
			return p;
		}
		if (page_lock_killable(p)) {
			page_put(p);
			return ERR_PTR(-EINTR);
		}
		if (likely(p->mapping == m))
			return p;
		page_unlock(p);
		page_put(p);
	}
}

/* --- dirty pages and write-back --- */

void page_set_dirty(struct page *p)
{
	struct mapping *m = READ_ONCE(p->mapping);
	u64 flags;

	if ((READ_ONCE(p->flags) & PG_DIRTY) || !m ||
	    (atomic_fetch_or(&p->flags, PG_DIRTY) & PG_DIRTY) || m->ops->kept)
		return;
	flags = spin_lock_irqsave(&m->lock);
	if (p->mapping == m) {
		xa_set_mark(&m->pages, p->index, MARK_DIRTY);
		memory_count_here(MEM_DIRTY, 1);
	} else {
		atomic_and(&p->flags, ~(u32)PG_DIRTY);
	}
	spin_unlock_irqrestore(&m->lock, flags);
}

/* A locked dirty page turns into one under write-back. */
static void start_writeback(struct mapping *m, struct page *p)
{
	u64 flags = spin_lock_irqsave(&m->lock);

	atomic_and(&p->flags, ~(u32)PG_DIRTY);
	atomic_or(&p->flags, PG_WRITEBACK);
	xa_clear_mark(&m->pages, p->index, MARK_DIRTY);
	xa_set_mark(&m->pages, p->index, MARK_WRITEBACK);
	memory_count_here(MEM_DIRTY, -1);
	memory_count_here(MEM_WRITEBACK, 1);
	spin_unlock_irqrestore(&m->lock, flags);
}

/* The error is remembered with a new sequence number, so that each open file reports it once. */
static void record_error(struct mapping *m, int error)
{
	u32 old = READ_ONCE(m->error);

	while (!atomic_cmpxchg(&m->error, old, ((old >> 16) + 1) << 16 | (u32)-error))
		old = READ_ONCE(m->error);
}

void page_end_writeback(struct page *p, int error)
{
	struct mapping *m = p->mapping; /* a page under write-back stays in its mapping */
	u64 flags;

	if (error) {
		atomic_or(&p->flags, PG_ERROR);
		record_error(m, error);
	}
	flags = spin_lock_irqsave(&m->lock);
	xa_clear_mark(&m->pages, p->index, MARK_WRITEBACK);
	memory_count_here(MEM_WRITEBACK, -1);
	clear_and_wake(p, PG_WRITEBACK); /* inside: after it, who waited may free the mapping */
	spin_unlock_irqrestore(&m->lock, flags);
}

static int write_one(struct mapping *m, struct page *p, bool sync)
{
	int ret = 0;

	page_lock(p);
	if (sync)
		page_wait_writeback(p);
	if (p->mapping != m || !(p->flags & PG_DIRTY) || (p->flags & PG_WRITEBACK)) {
		page_unlock(p);
		return 0;
	}
	(void)mapping_clean_page(
		m, p); /* the next store through a mapping faults and marks it dirty again */
	start_writeback(m, p);
	ret = m->ops->write_page(p, sync);
	return ret;
}

int pagecache_writeback(struct mapping *m, loff_t start, loff_t end, bool sync)
{
	u64 index = (u64)start >> PAGE_SHIFT, last = (u64)end >> PAGE_SHIFT;
	struct page *p[BATCH];
	int ret = 0;
	u32 n;

	if (!m->ops->write_page)
		return 0;
	while ((n = gather(m, &index, last, MARK_DIRTY, p, BATCH))) {
		for (u32 i = 0; i < n; i++) {
			int err = write_one(m, p[i], sync);

			ret = ret ? ret : err;
			page_put(p[i]);
		}
		cond_resched();
	}
	index = (u64)start >> PAGE_SHIFT;
	while (sync && (n = gather(m, &index, last, MARK_WRITEBACK, p, BATCH))) {
		for (u32 i = 0; i < n; i++) {
			page_wait_writeback(p[i]);
			page_put(p[i]);
		}
	}
	return ret;
}

/* --- cutting --- */

static void drop_range(struct mapping *m, u64 first, u64 last)
{
	struct page *p[BATCH];
	u32 n;

	while ((n = gather(m, &first, last, -1, p, BATCH))) {
		for (u32 i = 0; i < n; i++) {
			page_lock(p[i]);
			if (p[i]->mapping == m)
				remove_page(m, p[i]);
			page_unlock(p[i]);
		}
		page_put_many(p, n);
		cond_resched();
	}
}

/* Zeroes [from, to) of a cached page; what is not cached is the filesystem's to zero. */
static void zero_part(struct mapping *m, u64 index, u32 from, u32 to)
{
	struct page *p = from < to ? pagecache_find(m, index) : NULL;

	if (!p)
		return;
	page_lock(p);
	if (p->mapping == m && (p->flags & PG_UPTODATE)) {
		memset((char *)page_to_virt(p) + from, 0, to - from);
		page_written(p);
		page_set_dirty(p);
	}
	page_unlock(p);
	page_put(p);
}

void pagecache_truncate(struct mapping *m, loff_t size)
{
	u64 first = DIV_ROUND_UP((u64)size, PAGE_SIZE);
	u32 tail = (u32)((u64)size & ~PAGE_MASK);

	if (m->nr_pages) {
		drop_range(m, first, ~0UL);
		if (tail)
			zero_part(m, first - 1, tail, PAGE_SIZE);
	}
	if (m->vmas.node) /* after the pages left: see rmap.c */
		mapping_unmap_range(m, first, ~0UL, true);
}

void pagecache_punch(struct mapping *m, loff_t start, loff_t end)
{
	u64 first = DIV_ROUND_UP((u64)start, PAGE_SIZE), past = (u64)end >> PAGE_SHIFT;
	u32 head = (u32)((u64)start & ~PAGE_MASK), tail = (u32)((u64)end & ~PAGE_MASK);

	if (first > past) { /* inside one page */
		zero_part(m, past, head, tail);
		return;
	}
	if (head)
		zero_part(m, first - 1, head, PAGE_SIZE);
	zero_part(m, past, 0, tail);
	if (first == past)
		return;
	drop_range(m, first, past - 1);
	if (m->vmas.node)
		mapping_unmap_range(m, first, past - 1, false);
}

loff_t pagecache_seek(struct mapping *m, loff_t from, loff_t size, int whence)
{
	u64 index = (u64)from >> PAGE_SHIFT, past = DIV_ROUND_UP((u64)size, PAGE_SIZE);
	bool found;

	if (from < 0 || from >= size)
		return -ENXIO;
	if (whence == SEEK_DATA) {
		rcu_read_lock();
		found = xa_find(&m->pages, &index, past - 1);
		rcu_read_unlock();
		return found ? MAX(from, (loff_t)(index << PAGE_SHIFT)) : -ENXIO;
	}
	for (; index < past; index++) {
		rcu_read_lock();
		found = xa_load(&m->pages, index);
		rcu_read_unlock();
		if (!found)
			break;
		if (index % 256 == 0)
			cond_resched();
	}
	return MIN(size, MAX(from, (loff_t)(index << PAGE_SHIFT)));
}

/* --- mappings --- */

void mapping_init(struct mapping *m, struct inode *host, const struct mapping_ops *ops)
{
	m->host = host;
	m->ops = ops;
	m->pages = (struct xarray)XARRAY_INIT;
	spinlock_init(&m->lock, RANK_XARRAY);
	m->nr_pages = 0;
	m->vmas.node = NULL;
	rwsem_init(&m->vma_lock, RANK_MAPPING);
	m->writable_shared = 0;
	m->error = 0;
	m->gfp = GFP_USER;
}

/* The whole of a `kept` mapping at once: nobody can find it any more, and reclaim leaves it alone.
 */
static void destroy_kept(struct mapping *m)
{
	struct page *p[2 * BATCH];
	u64 index = 0, flags, total = 0;
	u32 n;

	do {
		n = xa_find_many(&m->pages, &index, ~0UL, (void **)p, ARRAY_SIZE(p));
		for (u32 i = 0; i < n; i++) {
			page_lock(p[i]);
			WRITE_ONCE(p[i]->mapping, NULL);
			page_unlock(p[i]);
		}
		page_put_many(p, n);
		total += n;
		cond_resched();
	} while (n == ARRAY_SIZE(p));
	xa_destroy(&m->pages);
	m->nr_pages -= total;
	flags = spin_lock_irqsave(&m->lock);
	count_cached(m, -(s64)total);
	spin_unlock_irqrestore(&m->lock, flags);
	if (m->ops->charge)
		(void)m->ops->charge(m, -(s64)total);
}

void mapping_destroy(struct mapping *m)
{
	u64 flags;

	if (m->nr_pages) {
		if (m->ops->kept && !m->ops->invalidate)
			destroy_kept(m);
		else
			drop_range(m, 0, ~0UL);
	}
	flags = spin_lock_irqsave(&m->lock); /* reclaim may still be leaving with the last page */
	WARN_ON(m->nr_pages);
	spin_unlock_irqrestore(&m->lock, flags);
}

void pagecache_init(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(page_waits); i++)
		wait_queue_init(&page_waits[i]);
}

/* --- reclaim --- */

/* Drops one page if it is a clean, unused one of a file that can be read again. It may be anything
 * when we come. */
static bool try_to_drop(struct page *p)
{
	u32 have = READ_ONCE(p->flags);
	struct mapping *m;
	bool dropped = false;
	u64 flags;

	if ((have & (PG_LRU | PG_LOCKED | PG_DIRTY | PG_WRITEBACK | PG_MLOCKED)) != PG_LRU ||
	    READ_ONCE(p->mapcount))
		return false;
	if (have & PG_REFERENCED) {
		atomic_and(&p->flags, ~(u32)PG_REFERENCED);
		return false;
	}
	if (!refcount_get_unless_zero(&p->refs))
		return false;
	/* Ours for now: with PG_LRU it is, or just was, in the cache, and cannot become anything
	 * else. */
	if (!(READ_ONCE(p->flags) & PG_LRU) || !page_trylock(p)) {
		page_put(p);
		return false;
	}
	m = p->mapping;
	if (m && !(p->flags & (PG_DIRTY | PG_WRITEBACK)) && p->mapcount == 0) {
		flags = spin_lock_irqsave(&m->lock);
		dropped = !(p->flags & PG_DIRTY) &&
			  atomic_cmpxchg(&p->refs.n, 2, 0); /* the cache's and mine */
		if (dropped && m->ops->invalidate)
			m->ops->invalidate(p);
		if (dropped)
			detach(m, p);
		spin_unlock_irqrestore(&m->lock, flags);
	}
	page_unlock(p);
	if (dropped)
		page_put_slow(p);
	else
		page_put(p);
	return dropped;
}

u64 pagecache_reclaim(u64 want, u64 scan)
{
	static u64 hand; /* page number; races between reclaiming tasks only move it oddly */
	u64 first = phys_base >> PAGE_SHIFT, past = memory_highest() >> PAGE_SHIFT, at, freed = 0;

	if (memory_count_read(MEM_CACHED) <= memory_count_read(MEM_SHMEM))
		return 0;
	at = READ_ONCE(hand);
	while (freed < want && scan) {
		if (at < first || at >= past)
			at = first;
		if (!pfn_valid(at)) {
			u64 next = ALIGN_DOWN(at, SECTION_PAGES) + SECTION_PAGES;

			scan -= MIN(scan, next - at);
			at = next;
			continue;
		}
		if (try_to_drop(pfn_to_page(at)))
			freed++;
		at++;
		scan--;
	}
	WRITE_ONCE(hand, at);
	return freed;
}

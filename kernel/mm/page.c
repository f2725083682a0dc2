/* SPDX-License-Identifier: MIT */
/*
 * The page allocator: blocks of 2^0..2^10 pages by the buddy system, and in front of it a stack of
 * single pages for each hart, which serves nearly all requests with interrupts off for a dozen
 * instructions and no lock.
 *
 * Life of a page: made with its section (section.c) -> free (refs 0; PG_BUDDY on the first page of
 * a block, with the order in `private`, or on a hart's stack) -> allocated (refs 1, all else zero)
 * -> free with the last reference.
 *
 * References: page-cache lookups take one speculatively, unless it is 0, on a page that may just
 * have been freed and handed out for something else. So freeing always drops a reference and the
 * page goes back with the last, whoever holds it; the order of a block is left in the descriptor
 * (PG_HEAD, private) for that.
 *
 * Reserve: requests that may sleep leave `zone.min` pages alone; GFP_ATOMIC takes half of them,
 * tasks that free memory (TF_MEMALLOC, OOM victims, exiting tasks) all.
 */
#include <kernel/mm.h>

#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#include "page_internal.h"

#define HART_LIST_MAX	  64 /* more than this: half goes back */
#define HART_REFILL_ORDER 4  /* at most so large a block at once */
#define COSTLY_ORDER	  3  /* above: fails rather than kill for it */
#define RECLAIM_ROUNDS	  16
#define PG_POISONED	  BIT(31) /* DEBUG: filled when freed, and not since onlining handed it out */
#define POISON		  0xa5a5a5a5a5a5a5a5UL

struct hart_pages {
	u32 count, max;
	u64 allocated, freed; /* events */
	struct page *pages[HART_LIST_MAX + (1U << HART_REFILL_ORDER)];
};
/* Interrupts off; other harts never touch it. max is 0 until a hart first needs it. */
static DEFINE_PER_HART(struct hart_pages, pages);

struct zone zone = { .lock = SPINLOCK_INIT(RANK_ZONE) };

/* --- DEBUG: who uses freed pages --- */

static void debug_poison(struct page *p, u32 order)
{
	for (u64 i = 0; i < BIT(order); i++) {
		u64 *word = page_to_virt(&p[i]);

		for (u32 w = 0; w < PAGE_SIZE / 8; w++)
			word[w] = POISON;
		p[i].flags |= PG_POISONED;
	}
	kasan_poison(page_to_virt(p), PAGE_SIZE << order, KASAN_PAGE_FREE);
}

static void debug_check_poison(struct page *p, u32 order)
{
	kasan_unpoison(page_to_virt(p), PAGE_SIZE << order);
	for (u64 i = 0; i < BIT(order); i++) {
		const u64 *word = page_to_virt(&p[i]);

		if (!(p[i].flags & PG_POISONED))
			continue;
		for (u32 w = 0; w < PAGE_SIZE / 8; w++)
			if (word[w] != POISON)
				panic("page: %#lx was written after it was freed: offset %u is "
				      "%#lx",
				      (unsigned long)page_to_phys(&p[i]), w * 8,
				      (unsigned long)word[w]);
		p[i].flags = 0;
	}
}

static void debug_check_free(struct page *p, u32 order)
{
	if (p->flags & (PG_BUDDY | PG_POISONED))
		panic("page: %#lx freed twice", (unsigned long)page_to_phys(p));
	if (p->flags & (PG_RESERVED | PG_SLAB | PG_LOCKED | PG_WRITEBACK) || p->mapcount)
		panic("page: %#lx freed in use: flags %#x, mapped %d times",
		      (unsigned long)page_to_phys(p), p->flags, p->mapcount);
	if (order > MAX_ORDER || (page_to_pfn(p) & (BIT(order) - 1)))
		panic("page: %#lx freed with order %u", (unsigned long)page_to_phys(p), order);
}

/* --- buddy system; zone.lock held --- */

static void free_list_add(struct page *p, u32 order)
{
	p->flags |= PG_BUDDY;
	p->private = order;
	list_add(&p->link, &zone.free[order].list);
	zone.free[order].nr++;
}

static void free_list_del(struct page *p, u32 order)
{
	list_del(&p->link);
	p->flags &= ~(u32)PG_BUDDY;
	zone.free[order].nr--;
}

/* A block comes back and merges with its free neighbours. */
static void buddy_free(struct page *p, u32 order)
{
	u64 pfn = page_to_pfn(p);

	zone.nr_free += BIT(order);
	while (order < MAX_ORDER) {
		struct page *buddy = pfn_to_page(pfn ^ BIT(order));

		if (!(buddy->flags & PG_BUDDY) || buddy->private != order)
			break;
		free_list_del(buddy, order);
		pfn &= ~BIT(order);
		order++;
	}
	free_list_add(pfn_to_page(pfn), order);
}

void buddy_free_range(paddr_t start, paddr_t end)
{
	while (start < end) {
		u32 order = MAX_ORDER;

		while ((start & ((PAGE_SIZE << order) - 1)) || start + (PAGE_SIZE << order) > end)
			order--;
		buddy_free(phys_to_page(start), order);
		start += PAGE_SIZE << order;
	}
}

/* The first half of a block until it has the order wanted; the other halves stay free. */
static struct page *buddy_split(struct page *p, u32 have, u32 want)
{
	free_list_del(p, have);
	while (have > want) {
		have--;
		free_list_add(p + BIT(have), have);
	}
	zone.nr_free -= BIT(want);
	return p;
}

/* A block of 2^order pages, flags as freed; NULL. */
struct page *buddy_take(u32 order)
{
	for (u32 o = order; o <= MAX_ORDER; o++)
		if (!list_empty(&zone.free[o].list))
			return buddy_split(list_first_entry(&zone.free[o].list, struct page, link),
					   o, order);
	return NULL;
}

/* The smallest free block, cut to at most 2^max pages; *order is what it has. */
static struct page *buddy_take_upto(u32 max, u32 *order)
{
	for (u32 o = 0; o <= MAX_ORDER; o++) {
		if (list_empty(&zone.free[o].list))
			continue;
		*order = MIN(o, max);
		return buddy_split(list_first_entry(&zone.free[o].list, struct page, link), o,
				   *order);
	}
	return NULL;
}

static u64 free_pages(void) { return zone.nr_free + zone.nr_offline; }

/* Pages that must be left after this request. */
static u64 watermark(gfp_t gfp)
{
	if (current->flags & (TF_MEMALLOC | TF_EXITING))
		return 0;
	if (!(gfp & GFP_SLEEP))
		return zone.min / 2;
	if (gfp & GFP_USERPAGE)
		return zone.min + zone.min / 4;
	return zone.min;
}

/* --- per-hart stacks; interrupts off --- */

/* Gives the n oldest pages back. */
static __noinline void hart_pages_drain(struct hart_pages *hp, u32 n)
{
	spin_lock(&zone.lock);
	for (u32 i = 0; i < n; i++)
		buddy_free(hp->pages[i], 0);
	spin_unlock(&zone.lock);
	hp->count -= n;
	memmove(hp->pages, hp->pages + n, hp->count * sizeof(hp->pages[0]));
}

static __noinline void hart_pages_refill(struct hart_pages *hp, u64 mark)
{
	if (!hp->max) /* small machines keep little where other harts cannot get at it */
		hp->max = (u32)MIN(MAX(zone.total >> 8, 8UL), (u64)HART_LIST_MAX);
	spin_lock(&zone.lock);
	while (hp->count < hp->max / 2 && free_pages() > mark) {
		u32 order, max = hp->max < HART_LIST_MAX ? 2 : HART_REFILL_ORDER;
		struct page *p = buddy_take_upto(max, &order);

		if (!p) {
			if (!section_online_next(false))
				break;
			continue;
		}
		for (u32 i = 1U << order; i-- > 0;)
			hp->pages[hp->count++] = p + i;
	}
	spin_unlock(&zone.lock);
}

static __always_inline void hart_pages_push(struct page *p)
{
	struct hart_pages *hp = &this_hart(pages);

	hp->freed++;
	hp->pages[hp->count++] = p;
	if (unlikely(hp->count > hp->max))
		hart_pages_drain(hp, hp->max ? hp->max / 2 : hp->count);
}

u64 page_drain_this_hart(void)
{
	u64 flags = irq_save();
	struct hart_pages *hp = &this_hart(pages);
	u64 n = hp->count;

	if (n)
		hart_pages_drain(hp, hp->count);
	irq_restore(flags);
	return n;
}

/* --- allocation --- */

/* One page, or one block; NULL when the watermark or fragmentation says no. */
static struct page *take_page(gfp_t gfp)
{
	u64 flags = irq_save();
	struct hart_pages *hp = &this_hart(pages);
	struct page *p = NULL;

	if (hp->count == 0)
		hart_pages_refill(hp, watermark(gfp));
	if (hp->count) {
		p = hp->pages[--hp->count];
		hp->allocated++;
	}
	irq_restore(flags);
	return p;
}

static struct page *take_block(gfp_t gfp, u32 order)
{
	struct page *p = NULL;
	u64 flags = spin_lock_irqsave(&zone.lock);

	if (free_pages() >= watermark(gfp) + BIT(order))
		while (!(p = buddy_take(order)) && section_online_next(order == MAX_ORDER))
			;
	if (p)
		this_hart(pages).allocated += BIT(order);
	spin_unlock_irqrestore(&zone.lock, flags);
	return p;
}

static struct page *take(gfp_t gfp, u32 order)
{
	return order ? take_block(gfp, order) : take_page(gfp);
}

/* refs 1, all else zero. Nobody else looks at the descriptor of a free page but to see that refs is
 * 0. */
static __always_inline struct page *hand_out(struct page *p, gfp_t gfp, u32 order)
{
	if (DEBUG)
		debug_check_poison(p, order);
	*p = (struct page) { .refs = REFCOUNT_INIT(1) };
	if (gfp & GFP_ZERO)
		for (u64 i = 0; i < BIT(order); i++)
			page_zero((char *)page_to_virt(p) + i * PAGE_SIZE);
	return p;
}

static __cold void report_failure(gfp_t gfp, u32 order)
{
	if (!(gfp & GFP_NOWARN))
		printk_ratelimited(
			LOG_WARNING,
			"%s: page allocation failure: order:%u, mode:%#x, %lu pages free",
			current->comm, order, gfp, (unsigned long)free_pages());
}

static bool may_reclaim(gfp_t gfp)
{
	return (gfp & GFP_SLEEP) && zone.ready && !in_atomic() && !irqs_disabled() &&
	       !(current->flags & (TF_MEMALLOC | TF_IDLE | TF_EXITING));
}

/* Nothing could be reclaimed: somebody has to go. True: try again, after giving the victim time. */
static bool make_room_by_force(gfp_t gfp, u32 order)
{
	if ((gfp & GFP_NORETRY) || order > COSTLY_ORDER || !oom_kill(gfp, order))
		return false;
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_until(ktime_get() + 10 * NSEC_PER_MSEC);
	return true;
}

static __noinline struct page *page_alloc_slow(gfp_t gfp, u32 order)
{
	struct page *p = take(gfp, order);

	if (p || !zone.ready)
		return p ? hand_out(p, gfp, order) : NULL;
	for (u32 rounds = 0; !p && may_reclaim(gfp); rounds++) {
		u64 freed = memory_reclaim_for(gfp, MAX(32UL, BIT(order)));

		p = take(gfp, order);
		if (p)
			break;
		if (fatal_signal_pending()) { /* dying frees memory: the reserve, or go without */
			current->flags |= TF_MEMALLOC;
			p = take(gfp, order);
			current->flags &= ~(u32)TF_MEMALLOC;
			break;
		}
		if ((!freed || rounds >= RECLAIM_ROUNDS) && !make_room_by_force(gfp, order))
			break;
	}
	if (p)
		return hand_out(p, gfp, order);
	report_failure(gfp, order);
	return NULL;
}

struct page *page_alloc(gfp_t gfp, u32 order)
{
	if (DEBUG) {
		if ((gfp & GFP_SLEEP) && zone.ready && !(current->flags & TF_IDLE))
			might_sleep();
		if (fail_allocation())
			return NULL;
	}
	if (likely(order == 0)) {
		u64 flags = irq_save();
		struct hart_pages *hp = &this_hart(pages);

		if (likely(hp->count)) {
			struct page *p = hp->pages[--hp->count];

			hp->allocated++;
			irq_restore(flags);
			return hand_out(p, gfp, 0);
		}
		irq_restore(flags);
	}
	return order <= MAX_ORDER ? page_alloc_slow(gfp, order) : NULL;
}

/* --- freeing --- */

static void block_free(struct page *p, u32 order)
{
	u64 flags = irq_save();

	this_hart(pages).freed += BIT(order);
	spin_lock(&zone.lock);
	buddy_free(p, order);
	spin_unlock(&zone.lock);
	irq_restore(flags);
}

/* The last reference is gone. */
static __always_inline void free_page_or_block(struct page *p)
{
	u32 order = unlikely(p->flags & PG_HEAD) ? p->private : 0;
	u64 flags;

	if (DEBUG) {
		debug_check_free(p, order);
		debug_poison(p, order);
	}
	p->flags &= PG_POISONED;
	if (unlikely(order)) {
		block_free(p, order);
		return;
	}
	flags = irq_save();
	hart_pages_push(p);
	irq_restore(flags);
}

void page_put_slow(struct page *p) { free_page_or_block(p); }

void page_free(struct page *p, u32 order)
{
	if (DEBUG && refcount_read(&p->refs) <= 0)
		panic("page: %#lx freed twice", (unsigned long)page_to_phys(p));
	if (order) {
		p->private = order;
		p->flags |= PG_HEAD;
	}
	if (refcount_put(&p->refs))
		free_page_or_block(p);
}

void page_put_many(struct page **p, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (p[i] && refcount_put(&p[i]->refs))
			free_page_or_block(p[i]);
}

void memory_release(paddr_t start, paddr_t end)
{
	paddr_t from, to, at;
	u64 flags;

	start = ALIGN_UP(start, PAGE_SIZE);
	end = ALIGN_DOWN(end, PAGE_SIZE);
	flags = spin_lock_irqsave(&zone.lock);
	if (start < end)
		memory_unreserve(start, end);
	for (at = start; zone.ready && at < end && memory_next_free(at, end, &from, &to); at = to) {
		to = MIN(to, ALIGN_DOWN(from, SECTION_SIZE) + SECTION_SIZE);
		zone.total += (to - from) >> PAGE_SHIFT;
		if (!section_online(from)) {
			zone.nr_offline += (to - from) >> PAGE_SHIFT;
			continue;
		}
		for (paddr_t pa = from; pa < to; pa += PAGE_SIZE)
			phys_to_page(pa)->flags = 0;
		if (DEBUG)
			kasan_poison(phys_to_virt(from), to - from, KASAN_PAGE_FREE);
		buddy_free_range(from, to);
	}
	spin_unlock_irqrestore(&zone.lock, flags);
}

/* --- figures --- */

u64 page_free_blocks(u32 order) { return order <= MAX_ORDER ? READ_ONCE(zone.free[order].nr) : 0; }

u64 page_total(void) { return READ_ONCE(zone.total); }

u64 page_reserve(void) { return zone.min; }

u64 page_free_count(void)
{
	u64 n = READ_ONCE(zone.nr_free) + READ_ONCE(zone.nr_offline);
	u32 h;

	for_each_hart (h)
		n += READ_ONCE(hart_var(pages, h).count);
	return n;
}

void page_events(u64 *allocated, u64 *freed)
{
	u32 h;

	*allocated = *freed = 0;
	for_each_hart (h) {
		*allocated += READ_ONCE(hart_var(pages, h).allocated);
		*freed += READ_ONCE(hart_var(pages, h).freed);
	}
}

static u64 square_root(u64 n)
{
	u64 r = 0;

	for (u64 bit = 1UL << 31; bit; bit >>= 1)
		if ((r | bit) * (r | bit) <= n)
			r |= bit;
	return r;
}

void __init page_init(void)
{
	for (u32 i = 0; i <= MAX_ORDER; i++)
		list_init(&zone.free[i].list);
	sections_init();
	zone.total = zone.nr_offline;
	/* As Linux: 4 * sqrt(KiB) KiB, 128 KiB to 64 MiB. */
	zone.min = MIN(MAX(square_root(16 * (zone.total * 4)), 128UL), 65536UL) / 4;
	zone.ready = true;
	if (zone.total < 256)
		panic("memory: %lu KiB free, too little to start", (unsigned long)zone.total * 4);
	pr_info("Memory: %luK available", (unsigned long)zone.total * 4);
}

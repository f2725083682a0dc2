/* SPDX-License-Identifier: MIT */
/*
 * What memory.c (boot: banks and reservations), section.c (descriptors, made 4 MiB at a time),
 * page.c (buddy allocator and per-hart lists) and kasan.c share.
 */
#ifndef MM_PAGE_INTERNAL_H
#define MM_PAGE_INTERNAL_H

#include <kernel/bitmap.h>
#include <kernel/hart.h>
#include <kernel/mm.h>
#include <kernel/spinlock.h>

#define MAX_ORDER     10
#define SECTION_SHIFT 22
#define SECTION_SIZE  (1UL << SECTION_SHIFT)
#define SECTION_PAGES (SECTION_SIZE >> PAGE_SHIFT)
#define NR_SECTIONS   (DIRECT_SIZE >> SECTION_SHIFT)
static_assert(SECTION_PAGES == 1UL << MAX_ORDER, "a block never reaches into another section");

/* The buddy allocator. Everything under lock, with interrupts off. */
struct zone {
	struct spinlock lock; /* RANK_ZONE */
	struct {
		struct list_head list;
		u64 nr;
	} free[MAX_ORDER + 1];
	u64 nr_free;	/* pages in free[] */
	u64 nr_offline; /* free pages of sections that have no descriptors yet */
	u64 total;	/* pages handed to the allocator so far, offline ones included */
	u64 min;	/* the reserve: what GFP_ATOMIC may take half of, TF_MEMALLOC all */
	bool ready;
};
extern struct zone zone;

/* The next range of RAM at or after *at, below end, that nothing is reserved in. False: none. */
bool memory_next_free(paddr_t at, paddr_t end, paddr_t *from, paddr_t *to);
/* Drops [start, end) from the reservations. */
void memory_unreserve(paddr_t start, paddr_t end);

/* Free RAM without descriptors, to begin with. Makes the page-table pages for all descriptors there
 * may be. */
void sections_init(void);
/* Makes the descriptors of one more section and frees its pages; want_whole: of one that is wholly
 * free, with its descriptors elsewhere, so that a block of the highest order comes of it. False: no
 * section left (for now). zone.lock held. */
bool section_online_next(bool want_whole);
extern unsigned long section_online_map[];
static inline u64 section_of(paddr_t pa) { return (pa - phys_base) >> SECTION_SHIFT; }
static inline bool section_online(paddr_t pa)
{
	return pa >= phys_base && section_of(pa) < NR_SECTIONS &&
	       test_bit(section_of(pa), section_online_map);
}

/* counters.c. [this hart, interrupts off] */
struct memory_counts {
	s64 pages[NR_MEM_COUNTERS];
	u64 events[NR_VM_EVENTS];
};
DECLARE_PER_HART(struct memory_counts, memory_counts);
/* memory_count() for who has interrupts off already. */
static inline void memory_count_here(enum memory_counter c, s64 pages)
{
	this_hart(memory_counts).pages[c] += pages;
}

/* page.c for section.c; zone.lock held. */
void buddy_free_range(paddr_t start, paddr_t end);
struct page *buddy_take(u32 order);
u64 page_drain_this_hart(void);

/* Reclaim on behalf of an allocation: reclaim.c. */
u64 memory_reclaim_for(gfp_t gfp, u64 pages);
u64 slab_reclaim(void); /* empties of every cache to the page allocator: pages */
/* Clean page-cache pages: freed of at most `scan` looked at. */
u64 pagecache_reclaim(u64 want, u64 scan);
/* Why a byte of shadow is poisoned (kasan.c). */
#define KASAN_PAGE_FREE	      0xff
#define KASAN_SLAB_FREE	      0xfb
#define KASAN_SLAB_REDZONE    0xfc
#define KASAN_KMALLOC_REDZONE 0xfa
#if DEBUG
void kasan_section_online(paddr_t start);
/* Takes a freed object into quarantine; true: done for now, false: free it really. */
bool kasan_quarantine(struct slab_cache *c, void *obj);
#else
static inline void kasan_section_online(paddr_t start) { (void)start; }
static inline bool kasan_quarantine(struct slab_cache *c, void *obj)
{
	(void)c;
	(void)obj;
	return false;
}
#endif
/* slab.c for kasan.c and oom reports. */
void slab_free_now(struct slab_cache *c, void *obj);
size_t slab_object_size(const struct slab_cache *c);
/* The object p points into: its cache's name, start and size; false when p is in no slab. */
bool slab_describe(const void *p, const char **name, void **obj, size_t *size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Kernel memory: pages (buddy allocator with per-hart lists), slab objects, vmalloc, device mappings.
 * kernel/mm/page.c, slab.c, vmalloc.c. User address spaces: <kernel/vm.h>. Page cache: <kernel/pagecache.h>.
 *
 * Allocation flags: GFP_KERNEL may sleep, reclaim and end in the OOM killer; GFP_ATOMIC never sleeps. Both can fail:
 * every caller handles NULL. Sizes given by users are bounded before they come here.
 */
#ifndef KERNEL_MM_H
#define KERNEL_MM_H

#include <arch/page.h>
#include <kernel/atomic.h>
#include <kernel/list.h>
#include <kernel/types.h>

#define GFP_ATOMIC 0x0U
#define GFP_SLEEP  0x1U
#define GFP_ZERO   0x2U
#define GFP_NOWARN 0x4U
#define GFP_NORETRY 0x8U  /* fail rather than kill for it */
#define GFP_USERPAGE 0x10U /* for user space: leaves the reserve alone */
#define GFP_NOFS   0x20U  /* caller holds filesystem locks: no write-back */
#define GFP_KERNEL GFP_SLEEP
#define GFP_USER   (GFP_SLEEP | GFP_USERPAGE)

/*
 * One for each page of RAM, in an array indexed by physical page number (arch/page.h: vmemmap), filled in section
 * by section when memory is first handed out. Fields by use:
 *	free (buddy head)	link, order
 *	anonymous		refs, mapcount
 *	page cache		refs, mapcount, mapping, index, flags
 *	slab			link (of its cache's lists) or rcu, slab_id, slab_free, slab_inuse; flags and slab_id also in
 *				the tail pages of a slab of several
 *	vmalloc, kernel stacks	link while being freed
 */
struct page {
	u32 flags;		/* [a] PG_* */
	struct refcount refs;	/* 0: free */
	union {
		struct list_head link;	/* free lists, LRU-less lists of owners */
		struct {
			struct mapping *mapping; /* page cache: the file's; NULL once truncated */
			u64 index;	       /* page number in the file */
		};
		struct rcu_head rcu;
	};
	union {
		s32 mapcount;	/* [a] user page-table entries that point here */
		struct {
			u16 slab_id;   /* number of its cache */
			u16 slab_free; /* first free object: offset / 8, or SLAB_FULL */
		};
	};
	union {
		u32 private;	/* order of a free block, and of an allocated one with PG_HEAD */
		u32 slab_inuse; /* objects handed out, those on harts' lists included */
	};
};
static_assert(sizeof(struct page) == 32, "struct page is what a machine pays for each of its pages");

#define PG_LOCKED     BIT(0)
#define PG_UPTODATE   BIT(1)
#define PG_DIRTY      BIT(2)
#define PG_WRITEBACK  BIT(3)
#define PG_ERROR      BIT(4)
#define PG_REFERENCED BIT(5)
#define PG_SLAB	      BIT(6)
#define PG_RESERVED   BIT(7) /* never handed out: firmware, kernel image */
#define PG_BUDDY      BIT(8)
#define PG_ANON	      BIT(9)
#define PG_WAITERS    BIT(10)
#define PG_TABLE      BIT(11)
#define PG_LRU	      BIT(12)
#define PG_KEPT	      BIT(13) /* page cache that cannot be read again (tmpfs): not reclaimable */
#define PG_MLOCKED    BIT(14)
#define PG_HEAD	      BIT(15)
#define PG_ICLEAN     BIT(16) /* instruction caches know its content; cleared by whoever writes it for user space */

static inline u64 page_to_pfn(const struct page *p) { return (u64)(p - vmemmap); }
static inline struct page *pfn_to_page(u64 pfn) { return vmemmap + pfn; }
static inline paddr_t page_to_phys(const struct page *p) { return page_to_pfn(p) << PAGE_SHIFT; }
static inline struct page *phys_to_page(paddr_t pa) { return pfn_to_page(pa >> PAGE_SHIFT); }
static inline void *page_to_virt(const struct page *p) { return phys_to_virt(page_to_phys(p)); }
static inline struct page *virt_to_page(const void *v) { return phys_to_page(virt_to_phys(v)); }
bool pfn_valid(u64 pfn); /* RAM with an initialised descriptor */

/* Boot: memory banks and reservations, by arch/riscv from the device tree, before anything allocates. */
void memory_add(paddr_t start, paddr_t end);
void memory_reserve(paddr_t start, paddr_t end, const char *why); /* never handed out */
void memory_reserve_temporary(paddr_t start, paddr_t end, const char *why); /* until memory_release() */
/* Page-aligned zeroed memory before (or without) the buddy; panics when there is none. */
void *memory_boot_alloc(size_t size);
void page_init(void);			   /* the buddy takes over */
void memory_release(paddr_t start, paddr_t end); /* initrd, .init sections: to the allocator, descriptors made */
void memory_limit(u64 bytes);		   /* mem= */
bool memory_bank(u32 i, paddr_t *start, paddr_t *end);
u64 memory_highest(void);		   /* end of the highest bank */

struct page *page_alloc(gfp_t gfp, u32 order); /* refs = 1; 2^order pages */
void page_free(struct page *p, u32 order);
/* Drops a reference of an order-0 page (page cache, anonymous); frees it with the last. */
void page_put_slow(struct page *p);
static inline void page_get(struct page *p) { refcount_get(&p->refs); }
static inline void page_put(struct page *p)
{
	if (refcount_put(&p->refs))
		page_put_slow(p);
}
/* A whole batch; p[i] may be NULL. */
void page_put_many(struct page **p, u32 n);
static inline void *page_alloc_virt(gfp_t gfp) { struct page *p = page_alloc(gfp, 0); return p ? page_to_virt(p) : NULL; }
static inline void page_free_virt(void *v) { page_free(virt_to_page(v), 0); }
void page_lock(struct page *p);	  /* sleeps */
bool page_trylock(struct page *p);
void page_unlock(struct page *p);
void page_wait_writeback(struct page *p);
void page_zero(void *page);	  /* arch/riscv: 4 KiB, aligned */
void page_copy(void *dst, const void *src);

struct memory_info { /* pages */
	u64 total, free, available, cached, shmem, slab, slab_reclaimable, anon, page_tables, kstacks, mlocked,
	    dirty, writeback, mapped, committed, commit_limit, vmalloc;
};
void memory_info(struct memory_info *out);
/* Counters others keep (per hart, summed by memory_info). */
enum memory_counter { MEM_FREE, MEM_CACHED, MEM_SHMEM, MEM_SLAB, MEM_SLAB_RECLAIMABLE, MEM_ANON, MEM_PAGE_TABLES,
		      MEM_KSTACKS, MEM_MLOCKED, MEM_DIRTY, MEM_WRITEBACK, MEM_MAPPED, MEM_VMALLOC, NR_MEM_COUNTERS };
void memory_count(enum memory_counter c, s64 pages);
s64 memory_count_read(enum memory_counter c); /* not MEM_FREE */
/* The page allocator's own figures, in pages. page_free_blocks: free blocks of 2^order, order 0..10 (/proc/buddyinfo). */
u64 page_total(void);
u64 page_free_count(void);
u64 page_free_blocks(u32 order);
u64 page_reserve(void); /* the lowest watermark */
u64 page_overhead(void); /* page descriptors (and KASAN shadow) made so far: grows as memory is first used */
void page_events(u64 *allocated, u64 *freed);
/* VM event counts for /proc/vmstat. */
enum vm_event { VM_PGALLOC, VM_PGFREE, VM_PGFAULT, VM_PGMAJFAULT, VM_OOM_KILL, VM_PGSCAN, VM_PGSTEAL, NR_VM_EVENTS };
void vm_event(enum vm_event e);
u64 vm_event_read(enum vm_event e);

/* Overcommit (vm.overcommit_memory): 0, or -ENOMEM. pages may be negative (always succeeds). */
int __must_check memory_commit(s64 pages);
extern u32 sysctl_overcommit_memory, sysctl_overcommit_ratio;
/* Caches that can shrink under pressure: returns objects freed. */
struct shrinker {
	struct list_head link;
	const char *name;
	u64 (*count)(void);
	u64 (*scan)(u64 nr);
};
void shrinker_register(struct shrinker *s);
u64 memory_reclaim(u64 pages); /* tries to free that many; returns how many it did */

/* Slab. */
struct slab_cache;
/* Objects of one type. ctor runs once when an object's memory is first made, objects keep that state over free.
 * flags: SLAB_RCU: memory is not given back to pages before a grace period. */
#define SLAB_RCU	 1
#define SLAB_ACCOUNT	 2
#define SLAB_RECLAIMABLE 4
struct slab_cache *slab_create(const char *name, size_t size, size_t align, u32 flags, void (*ctor)(void *obj));
void slab_destroy(struct slab_cache *c); /* all objects freed before */
void *slab_alloc(struct slab_cache *c, gfp_t gfp); /* GFP_ZERO: zeroed (not with ctor) */
void slab_free(struct slab_cache *c, void *obj);
void slab_init(void);
struct seq_file;
void slab_show(struct seq_file *m); /* /proc/slabinfo */
#define KMALLOC_MAX (4UL << 20)
#define KMALLOC_CLASSES 12 /* 16 32 64 96 128 192 256 512 1k 2k 4k 8k */
#define KMALLOC_CLASS_MAX 8192UL
extern struct slab_cache *kmalloc_cache[KMALLOC_CLASSES];
static __always_inline u32 kmalloc_class(size_t size)
{
	return size <= 64   ? (size <= 32 ? (size <= 16 ? 0 : 1) : 2)
	       : size <= 192 ? (size <= 96 ? 3 : size <= 128 ? 4 : 5)
	       : size <= 512 ? (size <= 256 ? 6 : 7)
	       : size <= 2048 ? (size <= 1024 ? 8 : 9)
			      : (size <= 4096 ? 10 : 11);
}
void *kmalloc_any(size_t size, gfp_t gfp);
/* <= KMALLOC_MAX, 16-byte aligned (size >= 16: natural for powers of two) */
static __always_inline void *kmalloc(size_t size, gfp_t gfp)
{
	if (!DEBUG && __builtin_constant_p(size) && size <= KMALLOC_CLASS_MAX)
		return slab_alloc(kmalloc_cache[kmalloc_class(size)], gfp);
	return kmalloc_any(size, gfp);
}
static inline void *kzalloc(size_t size, gfp_t gfp) { return kmalloc(size, gfp | GFP_ZERO); }
void *kmalloc_array(size_t n, size_t size, gfp_t gfp); /* checks n * size */
void *krealloc(void *p, size_t size, gfp_t gfp);
void kfree(const void *p); /* NULL is fine */
size_t ksize(const void *p);
/* kmalloc when small, vmalloc when large; kvfree frees either. */
void *kvmalloc(size_t size, gfp_t gfp);
static inline void *kvzalloc(size_t size, gfp_t gfp) { return kvmalloc(size, gfp | GFP_ZERO); }
void kvfree(const void *p);

/* Virtually contiguous kernel memory with a guard page behind it. May sleep. */
void vmalloc_init(void);
void *vmalloc(size_t size);
void *vzalloc(size_t size);
void vfree(const void *p);
struct page *vmalloc_to_page(const void *p);
/* Each area, lowest first (/proc/vmallocinfo); fn runs under a spinlock. */
void vmalloc_for_each(void (*fn)(vaddr_t start, u64 size, bool device, void *arg), void *arg);
/* Device registers, uncached as the platform's PMAs say. NULL: out of address space. Never unmapped by most. */
void *ioremap(paddr_t pa, size_t size);
void iounmap(void *va);
/* Kernel stacks: KSTACK_SIZE bytes, the upper half of a slot aligned to 2 * KSTACK_SIZE whose lower half is never mapped;
 * cached per hart, not zeroed. kstack_alloc returns the lowest usable address, may sleep; kstack_free: any context. */
#define KSTACK_SIZE (16UL << 10)
void *kstack_alloc(void);
void kstack_free(void *stack);

/* Out of memory: picks and kills a task by badness (kernel/mm/oom.c). True when someone was (or is being) killed. */
bool oom_kill(gfp_t gfp, u32 order);
struct group;
u64 oom_badness(struct group *g); /* 0..2000 as /proc/PID/oom_score */

#if DEBUG
void kasan_init(void);
void kasan_poison(const void *p, size_t n, u8 why);
void kasan_unpoison(const void *p, size_t n);
/* An allocation made to fail: task->fail_nth or keel.fail=. */
bool fail_allocation(void);
#else
static inline void kasan_init(void) {}
static inline void kasan_poison(const void *p, size_t n, u8 why) { (void)p; (void)n; (void)why; }
static inline void kasan_unpoison(const void *p, size_t n) { (void)p; (void)n; }
static inline bool fail_allocation(void) { return false; }
#endif

#endif

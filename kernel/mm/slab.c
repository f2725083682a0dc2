/* SPDX-License-Identifier: MIT */
/*
 * Slab caches: objects of one size, cut from blocks of pages ("slabs").
 *
 * Each hart has, for each cache, a list of free objects; allocation pops from it and freeing pushes
 * to it, with interrupts off and no lock. An empty list is refilled from the cache's partial slabs
 * (or a new one), an overlong one gives its oldest half back to their slabs, both under
 * cache->lock. A slab none of whose objects is out goes back to the page allocator, but for one a
 * cache.
 *
 * A free object holds the link to the next, scrambled with the cache's secret and its own address,
 * so that neither an overflow nor a stale write can choose what is handed out next. The link stands
 * in the middle of the object, or behind it when the object keeps its state over free (ctor) or may
 * still be read (SLAB_RCU).
 *
 * The descriptor of a slab's first page: `link` in cache->partial (while it has free objects),
 * slab_id the cache's number, slab_free the first free object, slab_inuse how many are not in its
 * own free list.
 */
#include <kernel/mm.h>

#include <kernel/hart.h>
#include <kernel/panic.h>
#include <kernel/random.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/seq_file.h>
#include <kernel/string.h>
#include <kernel/xarray.h>

#include "page_internal.h"
#include "slab_internal.h"

#define NR_CACHES_MAX  192
#define SLAB_FULL      0xffff /* slab_free: no free object */
#define SLAB_ORDER_MAX 3
#define LOCAL_BYTES    16384 /* of free objects a hart may keep */
#define DEBUG_REDZONE  (DEBUG ? 16U : 0U)

/* A hart's free objects of one cache. Interrupts off. */
struct slab_local {
	void *head;
	u64 count;
};
struct slab_locals {
	struct slab_local of[NR_CACHES_MAX];
};
static DEFINE_PER_HART(struct slab_locals, slab_locals);

struct slab_cache {
	/* The fast paths. [I] */
	u32 local_offset; /* into slab_locals */
	u32 link;	  /* offset of the link word in a free object */
	u64 secret;
	u64 limit; /* a local list may have so many */
	u32 size;  /* as asked for */
	/* The rest. [I] */
	u32 stride, objects, order, batch, flags;
	u16 id;
	const char *name;
	void (*ctor)(void *obj);
	/* [lock] */
	struct spinlock lock;	  /* RANK_SLAB; interrupts off */
	struct list_head partial; /* slabs with free objects; those with none out last */
	u64 nr_slabs, nr_empty;
	u64 nr_free; /* objects in the slabs' own free lists */
};

static struct slab_cache first_cache;		 /* of struct slab_cache */
static struct slab_cache *caches[NR_CACHES_MAX]; /* [caches_lock for changes] by id */
static DEFINE_SPINLOCK(caches_lock, RANK_SLAB_CACHES);

static struct slab_local *local_of(const struct slab_cache *c)
{
	return (struct slab_local *)((char *)&this_hart(slab_locals) + c->local_offset);
}

/* --- links --- */

static __always_inline u64 *link_word(const struct slab_cache *c, void *obj)
{
	return (u64 *)((char *)obj + c->link);
}

static __always_inline void *link_get(const struct slab_cache *c, void *obj)
{
	return (void *)(*link_word(c, obj) ^ c->secret ^ (u64)obj);
}

static __always_inline void link_set(const struct slab_cache *c, void *obj, void *next)
{
	*link_word(c, obj) = (u64)next ^ c->secret ^ (u64)obj;
}

static __noinline __cold void __noreturn corrupt(const struct slab_cache *c, const void *obj,
						 const char *what)
{
	panic("slab: %s: %s: object %#lx", c->name, what, (unsigned long)obj);
}

/* Takes the first of a local list that is not empty. */
static __always_inline void *local_pop(const struct slab_cache *c, struct slab_local *l)
{
	void *obj = l->head, *next = link_get(c, obj);

	if (unlikely((u64)next & 7))
		corrupt(c, obj, "written after it was freed");
	l->head = next;
	l->count--;
	return obj;
}

/* --- slabs; cache->lock held --- */

static char *slab_base(const struct slab_cache *c, void *obj)
{
	return (char *)((u64)obj & ~((PAGE_SIZE << c->order) - 1));
}

static void *slab_pop(struct slab_cache *c, struct page *slab)
{
	void *obj = (char *)page_to_virt(slab) + slab->slab_free * 8UL;
	void *next = link_get(c, obj);

	if (next && slab_base(c, next) != slab_base(c, obj))
		corrupt(c, obj, "written after it was freed");
	if (slab->slab_inuse == 0)
		c->nr_empty--;
	slab->slab_free = next ? (u16)(((char *)next - (char *)page_to_virt(slab)) / 8) : SLAB_FULL;
	slab->slab_inuse++;
	c->nr_free--;
	if (!next)
		list_del(&slab->link);
	return obj;
}

/* Puts an object back; true when its slab is to be freed by the caller (it is off all lists then).
 */
static bool slab_push(struct slab_cache *c, struct page *slab, void *obj)
{
	char *base = page_to_virt(slab);

	if (!(slab->flags & PG_SLAB) || slab->slab_id != c->id || slab->slab_inuse == 0)
		corrupt(c, obj, "freed twice or to the wrong cache");
	link_set(c, obj, slab->slab_free == SLAB_FULL ? NULL : base + slab->slab_free * 8UL);
	if (slab->slab_free == SLAB_FULL)
		list_add(&slab->link, &c->partial);
	slab->slab_free = (u16)(((char *)obj - base) / 8);
	c->nr_free++;
	if (--slab->slab_inuse)
		return false;
	if (c->nr_empty >= 1) {
		list_del(&slab->link);
		c->nr_free -= c->objects;
		c->nr_slabs--;
		return true;
	}
	c->nr_empty++;
	list_move_tail(&slab->link, &c->partial);
	return false;
}

/* --- slabs and pages --- */

static void slab_pages_free(struct page *slab, u32 order, u32 flags)
{
	for (u64 i = 0; i < BIT(order); i++) {
		slab[i].flags &= ~(u32)PG_SLAB;
		slab[i].mapcount = 0;
	}
	slab->private = 0;
	memory_count(flags & SLAB_RECLAIMABLE ? MEM_SLAB_RECLAIMABLE : MEM_SLAB, -(s64)BIT(order));
	page_free(slab, order);
}

static void slab_pages_free_rcu(struct rcu_head *head)
{
	struct page *slab = container_of(head, struct page, rcu);

	slab_pages_free(slab, slab->private >> 8, slab->private & 0xff);
}

static void slab_release(struct slab_cache *c, struct page *slab)
{
	if (c->flags & SLAB_RCU) {
		slab->private = c->order << 8 | c->flags;
		rcu_call(&slab->rcu, slab_pages_free_rcu);
	} else {
		slab_pages_free(slab, c->order, c->flags);
	}
}

/* A new slab, all objects free. */
static struct page *slab_grow(struct slab_cache *c, gfp_t gfp)
{
	struct page *slab = page_alloc(gfp & ~(u32)(GFP_ZERO | GFP_USERPAGE), c->order);
	char *base, *next = NULL;

	if (!slab)
		return NULL;
	base = page_to_virt(slab);
	for (u64 i = 0; i < BIT(c->order); i++) {
		slab[i].flags |= PG_SLAB;
		slab[i].slab_id = c->id;
	}
	for (u32 i = c->objects; i-- > 0;) {
		char *obj = base + (u64)i * c->stride;

		if (c->ctor)
			c->ctor(obj);
		link_set(c, obj, next);
		next = obj;
	}
	slab->slab_free = 0;
	slab->slab_inuse = 0;
	if (!(c->flags & SLAB_RCU))
		kasan_poison(base, PAGE_SIZE << c->order, KASAN_SLAB_REDZONE);
	memory_count(c->flags & SLAB_RECLAIMABLE ? MEM_SLAB_RECLAIMABLE : MEM_SLAB,
		     (s64)BIT(c->order));
	return slab;
}

/* --- local lists --- */

/* Fills an empty local list from partial slabs, and takes one object; NULL when there is none.
 * Interrupts off. */
static void *refill_from_partial(struct slab_cache *c)
{
	struct slab_local *l = local_of(c);

	spin_lock(&c->lock);
	while (l->count < c->batch && !list_empty(&c->partial)) {
		void *obj = slab_pop(c, list_first_entry(&c->partial, struct page, link));

		link_set(c, obj, l->head);
		l->head = obj;
		l->count++;
	}
	spin_unlock(&c->lock);
	return l->head ? local_pop(c, l) : NULL;
}

static __noinline void *slab_alloc_slow(struct slab_cache *c, gfp_t gfp)
{
	for (;;) { /* another task may be quicker to take what we add */
		u64 flags = irq_save();
		void *obj = refill_from_partial(c);
		struct page *slab;

		irq_restore(flags);
		if (obj) {
			kasan_unpoison(obj, c->size);
			return gfp & GFP_ZERO ? memset(obj, 0, c->size) : obj;
		}
		slab = slab_grow(c, gfp);
		if (!slab)
			return NULL;
		flags = spin_lock_irqsave(&c->lock);
		list_add(&slab->link, &c->partial);
		c->nr_slabs++;
		c->nr_empty++;
		c->nr_free += c->objects;
		spin_unlock_irqrestore(&c->lock, flags);
	}
}

/* Cuts a local list behind its first `keep` objects and gives the rest back to their slabs.
 * Interrupts off. */
static __noinline u64 local_flush(struct slab_cache *c, struct slab_local *l, u64 keep)
{
	LIST_HEAD(empty);
	void *obj = l->head, *last = NULL;
	u64 pages = 0;

	for (u64 i = 0; i < keep; i++) {
		last = obj;
		obj = link_get(c, obj);
	}
	if (last)
		link_set(c, last, NULL);
	else
		l->head = NULL;
	l->count = keep;
	spin_lock(&c->lock);
	while (obj) {
		void *next = link_get(c, obj);
		struct page *slab = virt_to_page(slab_base(c, obj));

		if (slab_push(c, slab, obj))
			list_add(&slab->link, &empty);
		obj = next;
	}
	spin_unlock(&c->lock);
	while (!list_empty(&empty)) {
		struct page *slab = list_first_entry(&empty, struct page, link);

		list_del(&slab->link);
		slab_release(c, slab);
		pages += BIT(c->order);
	}
	return pages;
}

/* --- objects --- */

void *slab_alloc(struct slab_cache *c, gfp_t gfp)
{
	struct slab_local *l;
	void *obj;
	u64 flags;

	if (DEBUG) {
		if ((gfp & GFP_SLEEP) && zone.ready && !(current->flags & TF_IDLE))
			might_sleep();
		if (fail_allocation())
			return NULL;
	}
	flags = irq_save();
	l = local_of(c);
	if (unlikely(!l->head)) {
		irq_restore(flags);
		return slab_alloc_slow(c, gfp);
	}
	obj = local_pop(c, l);
	irq_restore(flags);
	kasan_unpoison(obj, c->size);
	return gfp & GFP_ZERO ? memset(obj, 0, c->size) : obj;
}

static __always_inline void free_object(struct slab_cache *c, void *obj)
{
	u64 flags = irq_save();
	struct slab_local *l = local_of(c);

	if (unlikely(l->head == obj))
		corrupt(c, obj, "freed twice");
	link_set(c, obj, l->head);
	l->head = obj;
	if (unlikely(++l->count > c->limit))
		local_flush(c, l, c->limit / 2);
	irq_restore(flags);
}

void slab_free_now(struct slab_cache *c, void *obj) { free_object(c, obj); }

void slab_free(struct slab_cache *c, void *obj)
{
	if (DEBUG) {
		struct page *slab = virt_to_page(slab_base(c, obj));

		if (!(slab->flags & PG_SLAB) || slab->slab_id != c->id ||
		    ((char *)obj - slab_base(c, obj)) % c->stride)
			corrupt(c, obj, "freed to the wrong cache");
		if (!(c->flags & SLAB_RCU) && kasan_quarantine(c, obj))
			return;
	}
	free_object(c, obj);
}

size_t slab_object_size(const struct slab_cache *c) { return c->size; }

struct slab_cache *slab_cache_of(const void *p)
{
	struct page *page = virt_to_page(p);

	return page->flags & PG_SLAB ? caches[page->slab_id] : NULL;
}

bool slab_describe(const void *p, const char **name, void **obj, size_t *size)
{
	struct slab_cache *c =
		is_direct(p) && pfn_valid(virt_to_phys(p) >> PAGE_SHIFT) ? slab_cache_of(p) : NULL;
	char *base;

	if (!c)
		return false;
	base = slab_base(c, (void *)p);
	*name = c->name;
	*obj = base + ((char *)p - base) / c->stride * c->stride;
	*size = c->size;
	return true;
}

/* --- reclaim --- */

/* Gives this hart's lists and the cache's empty slabs to the page allocator. Interrupts off. */
static u64 cache_shrink(struct slab_cache *c)
{
	LIST_HEAD(empty);
	u64 pages = local_flush(c, local_of(c), 0);

	spin_lock(&c->lock);
	while (c->nr_empty) {
		struct page *slab = list_last_entry(&c->partial, struct page, link);

		if (slab->slab_inuse) /* an empty one that is not last: rare, it stays */
			break;
		list_move(&slab->link, &empty);
		c->nr_empty--;
		c->nr_slabs--;
		c->nr_free -= c->objects;
	}
	spin_unlock(&c->lock);
	while (!list_empty(&empty)) {
		struct page *slab = list_first_entry(&empty, struct page, link);

		list_del(&slab->link);
		slab_release(c, slab);
		pages += BIT(c->order);
	}
	return pages;
}

u64 slab_reclaim(void)
{
	u64 pages = 0, flags;

	for (u32 i = 0; i < NR_CACHES_MAX; i++) {
		flags = spin_lock_irqsave(&caches_lock); /* keeps the cache from being destroyed */
		if (caches[i])
			pages += cache_shrink(caches[i]);
		spin_unlock_irqrestore(&caches_lock, flags);
	}
	return pages;
}

/* --- caches --- */

/* The smallest block that wastes at most an eighth of itself. */
static u32 best_order(u32 stride)
{
	u32 order = 0;

	while ((PAGE_SIZE << order) < stride)
		order++;
	while (order < SLAB_ORDER_MAX && (PAGE_SIZE << order) % stride > (PAGE_SIZE << order) / 8)
		order++;
	return order;
}

static void cache_setup(struct slab_cache *c, const char *name, size_t size, size_t align,
			u32 flags, void (*ctor)(void *obj))
{
	bool outside = ctor || (flags & SLAB_RCU);
	u32 body = ALIGN_UP((u32)MAX(size, 8UL), 8U);

	align = MAX(align, 8UL);
	c->link = outside ? body : ALIGN_DOWN(body / 2, 8U);
	c->stride =
		ALIGN_UP(body + (outside ? 8U : 0U) + (flags & SLAB_KMALLOC ? 0U : DEBUG_REDZONE),
			 (u32)align);
	c->order = best_order(c->stride);
	c->objects = (u32)((PAGE_SIZE << c->order) / c->stride);
	c->limit = MIN(MAX(LOCAL_BYTES / c->stride, 4U), 64U);
	c->batch = (u32)c->limit / 2;
	c->size = (u32)size;
	c->flags = flags;
	c->name = name;
	c->ctor = ctor;
	c->secret = random_u64() & ~7UL;
	spinlock_init(&c->lock, RANK_SLAB);
	list_init(&c->partial);
}

static bool cache_publish(struct slab_cache *c)
{
	u64 flags = spin_lock_irqsave(&caches_lock);
	u32 id = 0;

	while (id < NR_CACHES_MAX && caches[id])
		id++;
	if (id < NR_CACHES_MAX) {
		c->id = (u16)id;
		c->local_offset = id * (u32)sizeof(struct slab_local);
		caches[id] = c;
	}
	spin_unlock_irqrestore(&caches_lock, flags);
	return id < NR_CACHES_MAX;
}

struct slab_cache *slab_create(const char *name, size_t size, size_t align, u32 flags,
			       void (*ctor)(void *obj))
{
	struct slab_cache *c;

	if (size == 0 || size > 4 * PAGE_SIZE || (align & (align - 1)) || align > PAGE_SIZE)
		return NULL;
	c = slab_alloc(&first_cache, GFP_ATOMIC | GFP_ZERO);
	if (!c)
		return NULL;
	cache_setup(c, name, size, align, flags, ctor);
	if (cache_publish(c))
		return c;
	slab_free(&first_cache, c);
	return NULL;
}

static void flush_hart(void *arg)
{
	struct slab_cache *c = arg;

	cache_shrink(c);
}

void slab_destroy(struct slab_cache *c)
{
	u64 flags;

	if (!c)
		return;
	if (c->flags & SLAB_RCU)
		rcu_barrier();
	kasan_quarantine_drain(c);
	hart_call(harts_online, flush_hart, c);
	flags = spin_lock_irqsave(&caches_lock);
	if (WARN_ON(c->nr_slabs)) { /* objects still out: better leak the cache than let them dangle
				     */
		spin_unlock_irqrestore(&caches_lock, flags);
		return;
	}
	caches[c->id] = NULL;
	spin_unlock_irqrestore(&caches_lock, flags);
	slab_free(&first_cache, c);
}

void slab_init(void)
{
	cache_setup(&first_cache, "slab_cache", sizeof(struct slab_cache), 64, 0, NULL);
	cache_publish(&first_cache);
	kmalloc_init();
	xarray_init();
}

/* --- /proc/slabinfo --- */

struct slab_figures {
	char name[32];
	u64 active, total, size, objects, pages, limit, batch, slabs;
};

static bool figures_of(u32 id, struct slab_figures *out)
{
	u64 flags = spin_lock_irqsave(&caches_lock), out_of_slabs, local = 0;
	struct slab_cache *c = caches[id];
	u32 h;

	if (c) {
		for_each_hart (h)
			local += READ_ONCE(hart_var(slab_locals, h).of[id].count);
		spin_lock(&c->lock);
		out_of_slabs = c->nr_slabs * c->objects - c->nr_free;
		*out = (struct slab_figures) { .active = out_of_slabs - MIN(local, out_of_slabs),
					       .total = c->nr_slabs * c->objects,
					       .size = c->stride,
					       .objects = c->objects,
					       .pages = BIT(c->order),
					       .limit = c->limit,
					       .batch = c->batch,
					       .slabs = c->nr_slabs };
		spin_unlock(&c->lock);
		strscpy(out->name, c->name, sizeof(out->name));
	}
	spin_unlock_irqrestore(&caches_lock, flags);
	return c;
}

void slab_show(struct seq_file *m)
{
	struct slab_figures f;

	seq_puts(m, "slabinfo - version: 2.1\n"
		    "# name            <active_objs> <num_objs> <objsize> <objperslab> "
		    "<pagesperslab> : tunables <limit> "
		    "<batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> "
		    "<sharedavail>\n");
	for (u32 id = 0; id < NR_CACHES_MAX; id++)
		if (figures_of(id, &f))
			seq_printf(m,
				   "%-17s %6lu %6lu %6lu %4lu %4lu : tunables %4lu %4lu %4u : "
				   "slabdata %6lu %6lu %6u\n",
				   f.name, (unsigned long)f.active, (unsigned long)f.total,
				   (unsigned long)f.size, (unsigned long)f.objects,
				   (unsigned long)f.pages, (unsigned long)f.limit,
				   (unsigned long)f.batch, 0U, (unsigned long)f.slabs,
				   (unsigned long)f.slabs, 0U);
}

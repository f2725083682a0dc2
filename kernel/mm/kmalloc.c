/* SPDX-License-Identifier: MIT */
/*
 * Memory of any size: slab caches of fixed sizes up to 8 KiB, blocks of pages up to 4 MiB, vmalloc
 * beyond.
 *
 * DEBUG kernels ask for 16 bytes more than the caller, so that there is always a poisoned tail, and
 * keep the size asked for in the last word of it.
 */
#include <kernel/mm.h>

#include <kernel/panic.h>
#include <kernel/string.h>

#include "page_internal.h"
#include "slab_internal.h"

#define NR_CLASSES	    KMALLOC_CLASSES
#define CLASS_MAX	    KMALLOC_CLASS_MAX
#define TAIL		    (DEBUG ? 16UL : 0UL)
#define KVMALLOC_CONTIGUOUS (8 * PAGE_SIZE) /* try for adjacent pages up to this */

static const struct {
	u32 size;
	const char *name;
} classes[NR_CLASSES] = {
	{ 16, "kmalloc-16" },	{ 32, "kmalloc-32" },	{ 64, "kmalloc-64" },
	{ 96, "kmalloc-96" },	{ 128, "kmalloc-128" }, { 192, "kmalloc-192" },
	{ 256, "kmalloc-256" }, { 512, "kmalloc-512" }, { 1024, "kmalloc-1k" },
	{ 2048, "kmalloc-2k" }, { 4096, "kmalloc-4k" }, { 8192, "kmalloc-8k" },
};
struct slab_cache *kmalloc_cache[NR_CLASSES] __ro_after_init;

static u32 order_of(size_t size)
{
	u32 order = 0;

	while ((PAGE_SIZE << order) < size)
		order++;
	return order;
}

static void *kmalloc_pages(size_t size, gfp_t gfp)
{
	u32 order = order_of(size);
	struct page *p = page_alloc(gfp, order);

	if (!p)
		return NULL;
	p->flags |= PG_HEAD;
	p->private = order;
	return page_to_virt(p);
}

/* Where a DEBUG kernel keeps the size asked for. */
static size_t *size_word(struct slab_cache *c, void *obj)
{
	return (size_t *)((char *)obj + slab_object_size(c) - sizeof(size_t));
}

static void debug_set_size(struct slab_cache *c, char *obj, size_t size)
{
	size_t whole = slab_object_size(c), first = ALIGN_UP(size, 8UL);

	*size_word(c, obj) = size;
	kasan_poison(obj + first, whole - first, KASAN_KMALLOC_REDZONE);
	kasan_unpoison(obj, size);
}

/* Room for the tail without losing the alignment that powers of two have. */
static size_t with_tail(size_t size)
{
	if (!DEBUG)
		return size;
	return size >= 16 && (size & (size - 1)) == 0 ? 2 * size : size + TAIL;
}

void *kmalloc_any(size_t size, gfp_t gfp)
{
	struct slab_cache *c;
	void *obj;

	if (unlikely(size == 0))
		size = 1;
	if (unlikely(size > CLASS_MAX - TAIL)) {
		if (size > KMALLOC_MAX) {
			WARN_ON(!(gfp & GFP_NOWARN));
			return NULL;
		}
		return kmalloc_pages(size, gfp);
	}
	c = kmalloc_cache[kmalloc_class(with_tail(size))];
	obj = slab_alloc(c, gfp);
	if (DEBUG && obj)
		debug_set_size(c, obj, size);
	return obj;
}

void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > KMALLOC_MAX)
		return NULL;
	return kmalloc(bytes, gfp);
}

void kfree(const void *p)
{
	struct page *page;

	if (!p)
		return;
	ASSERT(is_direct(p));
	page = virt_to_page(p);
	if (likely(page->flags & PG_SLAB)) {
		slab_free(slab_cache_of(p), (void *)p);
		return;
	}
	if (unlikely(!(page->flags & PG_HEAD) || ((u64)p & ~PAGE_MASK)))
		panic("kfree: %#lx is no allocation", (unsigned long)p);
	page_free(page, page->private);
}

size_t ksize(const void *p)
{
	struct page *page = virt_to_page(p);
	struct slab_cache *c = slab_cache_of(p);

	if (!c)
		return PAGE_SIZE << page->private;
	return DEBUG ? *size_word(c, (void *)p) : slab_object_size(c);
}

void *krealloc(void *p, size_t size, gfp_t gfp)
{
	size_t old = p ? ksize(p) : 0;
	void *new;

	if (p && size <= old && size >= old / 2)
		return p;
	new = kmalloc(size, gfp);
	if (!new)
		return NULL;
	if (p) {
		memcpy(new, p, MIN(old, size));
		if ((gfp & GFP_ZERO) && size > old)
			memset((char *)new + old, 0, size - old);
		kfree(p);
	}
	return new;
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	void *p = NULL;

	if (size <= CLASS_MAX - TAIL)
		return kmalloc(size, gfp);
	if (size <= KVMALLOC_CONTIGUOUS || !(gfp & GFP_SLEEP))
		p = kmalloc(size, gfp | GFP_NORETRY | GFP_NOWARN);
	if (!p && (gfp & GFP_SLEEP))
		p = gfp & GFP_ZERO ? vzalloc(size) : vmalloc(size);
	return p;
}

void kvfree(const void *p)
{
	if (is_vmalloc(p))
		vfree(p);
	else
		kfree(p);
}

void kmalloc_init(void)
{
	for (u32 i = 0; i < NR_CLASSES; i++) {
		u32 size = classes[i].size;
		u32 align = size & (size - 1) ? 32 : MIN(size, (u32)PAGE_SIZE);

		kmalloc_cache[i] = slab_create(classes[i].name, size, align, SLAB_KMALLOC, NULL);
		if (!kmalloc_cache[i])
			panic("slab: no memory for %s", classes[i].name);
	}
}

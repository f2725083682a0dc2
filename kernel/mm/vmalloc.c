/* SPDX-License-Identifier: MIT */
/*
 * Kernel addresses that are not the direct map's: vmalloc (adjacent addresses of scattered pages)
 * and ioremap (device registers). An unmapped guard page stands behind each area.
 *
 * Areas stand in a tree by address; each node also knows the largest hole in front of an area of
 * its subtree, so that the lowest hole of a size is found in one walk down. The last quarter of the
 * address space is kstack.c's.
 */
#include <arch/pgtable.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/rbtree.h>
#include <kernel/spinlock.h>

#include "vmalloc_internal.h"

#define AREAS_START VMALLOC_BASE
#define AREAS_END   KSTACKS_START

struct area {
	struct rb_node rb;
	vaddr_t start, end; /* guard page included */
	u64 hole;	    /* bytes between the area before and this one */
	u64 hole_max;	    /* of the subtree */
	bool device;
};

/* [areas_lock] */
static DEFINE_SPINLOCK(areas_lock, RANK_VMALLOC);
static struct rb_root areas;

static struct area *area_of(struct rb_node *n) { return rb_entry_or_null(n, struct area, rb); }

static bool update_hole_max(struct rb_node *n)
{
	struct area *a = area_of(n);
	u64 max = a->hole;

	if (n->left)
		max = MAX(max, area_of(n->left)->hole_max);
	if (n->right)
		max = MAX(max, area_of(n->right)->hole_max);
	if (max == a->hole_max)
		return false;
	a->hole_max = max;
	return true;
}

/* The lowest area with a hole of `size` in front of it; NULL: none, the room behind the last is
 * left. */
static struct area *find_hole(u64 size)
{
	struct rb_node *n = areas.node;

	if (!n || area_of(n)->hole_max < size)
		return NULL;
	for (;;) {
		if (n->left && area_of(n->left)->hole_max >= size)
			n = n->left;
		else if (area_of(n)->hole >= size)
			return area_of(n);
		else
			n = n->right;
	}
}

static void area_link(struct area *new)
{
	struct rb_node **link = &areas.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = new->start < area_of(parent)->start ? &parent->left : &parent->right;
	}
	rb_insert(&new->rb, parent, link, &areas, update_hole_max);
}

/* Gives a->start and a->end; false when address space is out. */
static bool area_place(struct area *a, u64 size)
{
	u64 flags = spin_lock_irqsave(&areas_lock);
	struct area *next = find_hole(size), *last = area_of(rb_last(&areas));
	bool ok = true;

	if (next) {
		a->start = next->start - next->hole;
		next->hole -= size;
		rb_propagate(&next->rb, update_hole_max);
	} else {
		a->start = last ? last->end : AREAS_START;
		ok = AREAS_END - a->start >= size;
	}
	a->end = a->start + size;
	a->hole = a->hole_max = 0;
	if (ok)
		area_link(a);
	spin_unlock_irqrestore(&areas_lock, flags);
	return ok;
}

static void area_remove(struct area *a)
{
	u64 flags = spin_lock_irqsave(&areas_lock);
	struct area *next = area_of(rb_next(&a->rb));

	if (next) {
		next->hole += a->hole + (a->end - a->start);
		rb_propagate(&next->rb, update_hole_max);
	}
	rb_erase(&a->rb, &areas, update_hole_max);
	spin_unlock_irqrestore(&areas_lock, flags);
	kfree(a);
}

static struct area *area_find(vaddr_t start)
{
	u64 flags = spin_lock_irqsave(&areas_lock);
	struct rb_node *n = areas.node;

	while (n && area_of(n)->start != start)
		n = start < area_of(n)->start ? n->left : n->right;
	spin_unlock_irqrestore(&areas_lock, flags);
	return area_of(n);
}

static struct area *area_alloc(u64 size, bool device)
{
	struct area *a = kmalloc(sizeof(*a), GFP_KERNEL);

	if (!a)
		return NULL;
	a->device = device;
	if (area_place(a, size + PAGE_SIZE))
		return a;
	kfree(a);
	printk_ratelimited(LOG_WARNING, "vmalloc: no address space for %lu bytes",
			   (unsigned long)size);
	return NULL;
}

/* --- pages mapped one by one --- */

int kernel_map_pages(vaddr_t va, u64 size, gfp_t gfp)
{
	for (u64 at = 0; at < size; at += PAGE_SIZE) {
		struct page *p = page_alloc(gfp, 0);

		if (!p || kernel_map(va + at, page_to_phys(p), PAGE_SIZE, KERNEL_RW)) {
			if (p)
				page_free(p, 0);
			kernel_unmap_pages(va, at);
			return -ENOMEM;
		}
	}
	kernel_map_flush(va, size);
	return 0;
}

void kernel_unmap_pages(vaddr_t va, u64 size)
{
	LIST_HEAD(pages);

	if (!size)
		return;
	for (u64 at = 0; at < size; at += PAGE_SIZE)
		list_add(&phys_to_page(kernel_lookup(va + at))->link, &pages);
	kernel_unmap(va, size);
	while (!list_empty(&pages)) {
		struct page *p = list_first_entry(&pages, struct page, link);

		list_del(&p->link);
		page_free(p, 0);
	}
}

static void *vmalloc_flags(size_t size, gfp_t gfp)
{
	struct area *a;

	if (size == 0 || size > AREAS_END - AREAS_START)
		return NULL;
	size = ALIGN_UP(size, PAGE_SIZE);
	if (size >> PAGE_SHIFT > page_total())
		return NULL;
	a = area_alloc(size, false);
	if (!a)
		return NULL;
	if (kernel_map_pages(a->start, size, gfp)) {
		area_remove(a);
		return NULL;
	}
	memory_count(MEM_VMALLOC, (s64)(size >> PAGE_SHIFT));
	return (void *)a->start;
}

void *vmalloc(size_t size) { return vmalloc_flags(size, GFP_KERNEL); }

void *vzalloc(size_t size) { return vmalloc_flags(size, GFP_KERNEL | GFP_ZERO); }

void vfree(const void *p)
{
	struct area *a = p ? area_find((vaddr_t)p) : NULL;
	u64 size;

	if (!a) {
		WARN_ON(p != NULL);
		return;
	}
	size = a->end - a->start - PAGE_SIZE;
	kernel_unmap_pages(a->start, size);
	memory_count(MEM_VMALLOC, -(s64)(size >> PAGE_SHIFT));
	area_remove(a);
}

struct page *vmalloc_to_page(const void *p)
{
	paddr_t pa = is_vmalloc(p) ? kernel_lookup((vaddr_t)p) : ~0UL;

	return pa != ~0UL && pfn_valid(pa >> PAGE_SHIFT) ? phys_to_page(pa) : NULL;
}

/* --- devices --- */

void *ioremap(paddr_t pa, size_t size)
{
	u64 offset = pa & ~PAGE_MASK, bytes;
	struct area *a;

	if (size == 0 || size > AREAS_END - AREAS_START || pa + size < pa)
		return NULL;
	bytes = ALIGN_UP(size + offset, PAGE_SIZE);
	a = area_alloc(bytes, true);
	if (!a)
		return NULL;
	if (kernel_map(a->start, pa - offset, bytes, KERNEL_RW)) {
		area_remove(a);
		return NULL;
	}
	kernel_map_flush(a->start, bytes);
	return (void *)(a->start + offset);
}

void iounmap(void *va)
{
	struct area *a = va ? area_find((vaddr_t)va & PAGE_MASK) : NULL;

	if (!a || WARN_ON(!a->device))
		return;
	kernel_unmap(a->start, a->end - a->start - PAGE_SIZE);
	area_remove(a);
}

void vmalloc_for_each(void (*fn)(vaddr_t start, u64 size, bool device, void *arg), void *arg)
{
	u64 flags = spin_lock_irqsave(&areas_lock);

	for (struct rb_node *n = rb_first(&areas); n; n = rb_next(n))
		fn(area_of(n)->start, area_of(n)->end - area_of(n)->start, area_of(n)->device, arg);
	spin_unlock_irqrestore(&areas_lock, flags);
}

void __init vmalloc_init(void) { kstack_init(); }

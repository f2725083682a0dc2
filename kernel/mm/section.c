/* SPDX-License-Identifier: MIT */
/*
 * Sections: RAM gets its page descriptors 4 MiB at a time, when the allocator first runs out of
 * what it has. So boot does not write the descriptors of memory nobody wants yet.
 *
 * A section's 1,024 descriptors fill 8 pages, which are its own first free pages (or, if it has too
 * few, or all of it is wanted as one block, pages of other sections). They are mapped at their
 * place in vmemmap; the page-table pages for all of vmemmap that can ever be used are made at boot,
 * so that nothing is allocated here. DEBUG kernels add the section's KASAN shadow, 128 pages, in
 * the same way.
 *
 * Other harts may still remember that a descriptor's address was not mapped: they fault once, and
 * the trap code finds a valid entry and tries again.
 *
 * Everything under zone.lock. A section, once online, stays so.
 */
#include <arch/pgtable.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/string.h>

#include "page_internal.h"

#define DESCRIPTOR_PAGES (SECTION_PAGES * sizeof(struct page) / PAGE_SIZE)
#define SHADOW_SHIFT	 3
#define SHADOW_PAGES	 (DEBUG ? SECTION_PAGES >> SHADOW_SHIFT : 0)
#define HOST_PAGES	 (DESCRIPTOR_PAGES + SHADOW_PAGES)

unsigned long section_online_map[BITMAP_LONGS(NR_SECTIONS)];
static u64 next_section; /* where to look for one first */
static u64 nr_online;

bool pfn_valid(u64 pfn) { return pfn < (1UL << 44) && section_online(pfn << PAGE_SHIFT); }

static paddr_t section_start(u64 s) { return phys_base + (s << SECTION_SHIFT); }

static u64 section_free_pages(u64 s)
{
	paddr_t start = section_start(s), end = start + SECTION_SIZE, from, to;
	u64 pages = 0;

	for (; memory_next_free(start, end, &from, &to); start = to)
		pages += (to - from) >> PAGE_SHIFT;
	return pages;
}

/* --- page tables --- */

/* The entry for a kernel page; NULL when a table on the way is missing. */
static pte_t *kernel_pte(vaddr_t va)
{
	pte_t *table = kernel_pgd;

	for (u32 level = 2; level > 0; level--) {
		pte_t e = pte_read(&table[pte_index(va, level)]);

		if (!pte_present(e) || pte_leaf(e))
			return NULL;
		table = phys_to_virt(pte_pfn(e) << PAGE_SHIFT);
	}
	return &table[pte_index(va, 0)];
}

/* Page tables for [start, end) without any page in them. */
static void __init make_tables(vaddr_t start, vaddr_t end)
{
	for (vaddr_t va = ALIGN_DOWN(start, PMD_SIZE); va < end; va += PMD_SIZE) {
		if (kernel_pte(va))
			continue;
		if (kernel_map(va, phys_base, PAGE_SIZE, KERNEL_RO))
			panic("memory: no page tables for page descriptors");
		kernel_unmap(va, PAGE_SIZE);
		if (!kernel_pte(va))
			panic("memory: kernel_unmap() gave the tables at %#lx back",
			      (unsigned long)va);
	}
}

static void map_page(vaddr_t va, paddr_t pa)
{
	pte_set(kernel_pte(va),
		pte_make(pa >> PAGE_SHIFT, PTE_V | PTE_R | PTE_W | PTE_G | PTE_A | PTE_D));
	tlb_flush_local(va);
}

static vaddr_t shadow_of(paddr_t pa) { return KASAN_SHADOW + ((pa - phys_base) >> SHADOW_SHIFT); }

/* --- one section --- */

/* Descriptors of pages that are not handed out: holes, reservations, the section's own hosts. */
static void mark_reserved(paddr_t start, paddr_t end)
{
	for (struct page *p = phys_to_page(start), *last = phys_to_page(end); p < last; p++)
		p->flags = PG_RESERVED;
}

/* Maps HOST_PAGES pages for the section: its own, from its first free page on, or the allocator's.
 * Returns where the section's free pages begin after that. */
static paddr_t map_hosts(u64 s, bool own)
{
	paddr_t start = section_start(s), end = start + SECTION_SIZE, at = start, from, to, pa;
	vaddr_t descriptors = (vaddr_t)phys_to_page(start);

	for (u64 i = 0; i < HOST_PAGES; i++) {
		if (own) {
			memory_next_free(at, end, &from, &to);
			pa = from;
			at = from + PAGE_SIZE;
		} else {
			struct page *p = buddy_take(0);

			p->flags = PG_RESERVED;
			pa = page_to_phys(p);
		}
		page_zero(phys_to_virt(pa));
		map_page(i < DESCRIPTOR_PAGES
				 ? descriptors + i * PAGE_SIZE
				 : shadow_of(start) + (i - DESCRIPTOR_PAGES) * PAGE_SIZE,
			 pa);
	}
	return at;
}

static bool section_bring_online(u64 s, bool own)
{
	paddr_t start = section_start(s), end = start + SECTION_SIZE, at, from, to;
	u64 free = section_free_pages(s);

	if (free == 0 || (own && free < HOST_PAGES + 1))
		own = false;
	if (free == 0 || (!own && zone.nr_free < HOST_PAGES))
		return false;
	at = map_hosts(s, own);
	set_bit(s, section_online_map);
	nr_online++;
	kasan_section_online(start);
	zone.nr_offline -= free;
	mark_reserved(start, at);
	for (; memory_next_free(at, end, &from, &to); at = to) {
		mark_reserved(at, from);
		buddy_free_range(from, to);
	}
	mark_reserved(at, end);
	return true;
}

u64 page_overhead(void) { return READ_ONCE(nr_online) * HOST_PAGES; }

static u64 nr_sections(void) { return DIV_ROUND_UP(memory_highest() - phys_base, SECTION_SIZE); }

bool section_online_next(bool want_whole)
{
	u64 n = nr_sections();

	if (zone.nr_offline == 0)
		return false;
	for (u64 i = 0; i < n; i++) {
		u64 s = next_section + i < n ? next_section + i : next_section + i - n;

		if (test_bit(s, section_online_map) ||
		    (want_whole && section_free_pages(s) < SECTION_PAGES))
			continue;
		if (section_bring_online(s, !want_whole)) {
			if (!want_whole)
				next_section = s + 1 < n ? s + 1 : 0;
			return true;
		}
	}
	return false;
}

void __init sections_init(void)
{
	paddr_t start, end;

	for (u32 i = 0; memory_bank(i, &start, &end); i++) {
		start = ALIGN_DOWN(start, SECTION_SIZE);
		end = ALIGN_UP(end, SECTION_SIZE);
		make_tables((vaddr_t)phys_to_page(start), (vaddr_t)phys_to_page(end));
		if (DEBUG)
			make_tables(shadow_of(start), shadow_of(end));
	}
	for (u64 s = 0; s < nr_sections(); s++)
		zone.nr_offline += section_free_pages(s);
	next_section = section_of(kernel_phys);
}

/* SPDX-License-Identifier: MIT */
/*
 * The kernel's half of every address space: the direct map of RAM and the ranges vmalloc, page
 * descriptors and the KASAN shadow live in.
 *
 * Every root entry the kernel half will ever use is made by arch_paging_init(), before the first
 * process table copies them; below the root all tables share the same pages. So no process table
 * needs to follow later mappings. Tables of the kernel half are never freed.
 *
 * Locks: none. An entry that points to a table is only ever set once, by compare-and-swap; leaves
 * belong to whoever owns the range (vmalloc's allocator, boot).
 */
#include <arch/pgtable.h>

#include <arch/boot.h>
#include <arch/irqflags.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#include "machine.h"

#define ROOT	  2 /* level of the root table */
#define LEAF_BITS (PTE_V | PTE_G | PTE_A | PTE_D)

static bool roots_frozen
	__ro_after_init; /* process tables may exist: no new root entries; page_alloc() works */

static u64 level_size(u32 level) { return PAGE_SIZE << (9 * level); }

/* The table an entry points to. The first ones are in the image and in use before there is a direct
 * map. */
static pte_t *table_of(pte_t e)
{
	paddr_t pa = pte_pfn(e) << PAGE_SHIFT;

	/* Tables of the image itself are used before there is a direct map. */
	if (pa - kernel_phys < (u64)(__stack_guard_start - __kernel_start))
		return (pte_t *)(pa - kernel_phys + KERNEL_BASE);
	return phys_to_virt(pa);
}

static pte_t table_entry(const pte_t *table)
{
	return pte_make(virt_to_phys(table) >> PAGE_SHIFT, PTE_V);
}

static pte_t *table_alloc(void)
{
	pte_t *table;

	if (!roots_frozen)
		return memory_boot_alloc(PAGE_SIZE);
	table = page_alloc_virt(GFP_KERNEL | GFP_ZERO);
	if (table)
		memory_count(MEM_PAGE_TABLES, 1);
	return table;
}

/* The table below *entry, made when there is none; NULL when out of memory. */
static pte_t *table_below(pte_t *entry)
{
	pte_t e = pte_read(entry);
	pte_t *table;

	if (pte_present(e))
		return table_of(e);
	table = table_alloc();
	if (!table)
		return NULL;
	if (!atomic_cmpxchg(entry, 0, table_entry(table))) { /* somebody else made it meanwhile */
		page_free_virt(table);
		memory_count(MEM_PAGE_TABLES, -1);
		return table_of(pte_read(entry));
	}
	return table;
}

/* The entry that maps va: at level 0, or a larger leaf above. NULL: a table on the way is missing.
 */
static pte_t *find_entry(vaddr_t va, u32 *level)
{
	pte_t *table = kernel_pgd;

	for (*level = ROOT;; (*level)--) {
		pte_t *entry = &table[pte_index(va, *level)];
		pte_t e = pte_read(entry);

		if (*level == 0 || pte_leaf(e))
			return entry;
		if (!pte_present(e))
			return NULL;
		table = table_of(e);
	}
}

bool kernel_entry(vaddr_t va, pte_t *e)
{
	u32 level;
	pte_t *entry = find_entry(va, &level);

	*e = entry ? pte_read(entry) : 0;
	return entry;
}

paddr_t kernel_lookup(vaddr_t va)
{
	u32 level;
	pte_t *entry = find_entry(va, &level);
	pte_t e = entry ? pte_read(entry) : 0;

	if (!pte_present(e))
		return ~0UL;
	return (pte_pfn(e) << PAGE_SHIFT) + (va & (level_size(level) - 1));
}

/* A 2 MiB leaf fits here, and no table has been put in its place. */
static bool fits_large(const pte_t *pmd, vaddr_t va, paddr_t pa, u64 size)
{
	return size >= PMD_SIZE && IS_ALIGNED(va | pa, PMD_SIZE) && pte_none(pte_read(pmd));
}

int kernel_map(vaddr_t va, paddr_t pa, u64 size, u64 bits)
{
	ASSERT(IS_ALIGNED(va | pa | size, PAGE_SIZE) && (s64)va < 0);
	while (size) {
		pte_t *root = &kernel_pgd[pte_index(va, ROOT)], *pmd, *table;
		u64 step = PAGE_SIZE;

		if (roots_frozen && WARN_ON(pte_none(pte_read(root))))
			return -ENOMEM;
		table = table_below(root);
		if (!table)
			return -ENOMEM;
		pmd = &table[pte_index(va, 1)];
		if (fits_large(pmd, va, pa, size)) {
			pte_set(pmd, pte_make(pa >> PAGE_SHIFT, LEAF_BITS | bits));
			step = PMD_SIZE;
		} else {
			table = table_below(pmd);
			if (!table)
				return -ENOMEM;
			pte_set(&table[pte_index(va, 0)],
				pte_make(pa >> PAGE_SHIFT, LEAF_BITS | bits));
		}
		va += step;
		pa += step;
		size -= step;
	}
	return 0;
}

void kernel_map_flush(vaddr_t va, u64 size) { tlb_flush_kernel(va, size); }

void kernel_unmap(vaddr_t va, u64 size)
{
	vaddr_t end = va + size, start = va;

	while (va < end) {
		u32 level;
		pte_t *entry = find_entry(va, &level);
		u64 covers = level_size(level);

		if (entry && !WARN_ON(level && (!IS_ALIGNED(va, covers) || end - va < covers)))
			pte_set(entry, 0);
		va = ALIGN_DOWN(va, covers) + covers;
		if (va < start) /* wrapped: the last page of the address space */
			break;
	}
	tlb_flush_kernel(start, size);
}

/* --- the direct map --- */

static pte_t *root_of_phys(paddr_t pa)
{
	return &kernel_pgd[pte_index((vaddr_t)phys_to_virt(pa), ROOT)];
}

void __init paging_map_banks_whole(void)
{
	for (u32 i = 0; i < nr_memory_banks; i++)
		for (paddr_t pa = ALIGN_DOWN(memory_banks[i].start, PUD_SIZE);
		     pa < memory_banks[i].end; pa += PUD_SIZE)
			pte_set(root_of_phys(pa),
				pte_make(pa >> PAGE_SHIFT, LEAF_BITS | KERNEL_RW));
	__asm__ volatile("sfence.vma" ::: "memory");
}

static bool __init meets(paddr_t start, paddr_t end, paddr_t start2, paddr_t end2)
{
	return start < end2 && start2 < end;
}

/* Leaf bits when all of [start, end) has the same, 0 when none of it is to be mapped, ~0 when it
 * differs. */
static u64 __init direct_bits(paddr_t start, paddr_t end)
{
	struct memory_range fixed[] = {
		{ kernel_phys, kernel_to_phys(__text_end) },
		{ kernel_to_phys(__rodata_start), kernel_to_phys(__rodata_end) },
	};
	u64 bits = 0;

	for (u32 i = 0; i < nr_memory_banks; i++)
		if (meets(start, end, memory_banks[i].start, memory_banks[i].end)) {
			if (start < memory_banks[i].start || end > memory_banks[i].end)
				return ~0UL;
			bits = KERNEL_RW;
		}
	for (u32 i = 0; i < nr_nomap_ranges; i++)
		if (meets(start, end, nomap_ranges[i].start, nomap_ranges[i].end)) {
			if (start < nomap_ranges[i].start || end > nomap_ranges[i].end)
				return ~0UL;
			return 0;
		}
	for (u32 i = 0; i < ARRAY_SIZE(fixed); i++)
		if (meets(start, end, fixed[i].start, fixed[i].end)) {
			if (start < fixed[i].start || end > fixed[i].end)
				return ~0UL;
			bits = KERNEL_RO;
		}
	return bits;
}

/* Fills a table of `level` for physical memory from `pa` on, descending where a leaf cannot tell
 * the truth. */
static void __init fill_direct(pte_t *table, paddr_t pa, u32 level)
{
	u64 size = level_size(level);

	for (u32 i = 0; i < PTES_PER_TABLE; i++, pa += size) {
		u64 bits = direct_bits(pa, pa + size);

		if (bits == ~0UL) { /* pages never differ within: level is 1 here */
			pte_t *below = memory_boot_alloc(PAGE_SIZE);

			fill_direct(below, pa, level - 1);
			table[i] = table_entry(below);
		} else if (bits) {
			table[i] = pte_make(pa >> PAGE_SHIFT, LEAF_BITS | bits);
		}
	}
}

/* The gigabytes whose content differs get tables in place of their leaf, whole before they go live.
 */
static void __init refine_direct_map(void)
{
	paddr_t end = memory_banks[nr_memory_banks - 1].end;

	for (paddr_t pa = phys_base; pa < end; pa += PUD_SIZE) {
		pte_t *table;

		if (pte_none(*root_of_phys(pa)) || direct_bits(pa, pa + PUD_SIZE) != ~0UL)
			continue;
		table = memory_boot_alloc(PAGE_SIZE);
		fill_direct(table, pa, 1);
		smp_wmb();
		pte_set(root_of_phys(pa), table_entry(table));
	}
	__asm__ volatile("sfence.vma" ::: "memory");
}

static void __init make_roots(vaddr_t start, u64 size)
{
	for (vaddr_t va = ALIGN_DOWN(start, PUD_SIZE); va < start + size; va += PUD_SIZE)
		table_below(&kernel_pgd[pte_index(va, ROOT)]);
}

void __init arch_paging_init(void)
{
	paddr_t end = memory_banks[nr_memory_banks - 1].end;

	refine_direct_map();
	make_roots(VMALLOC_BASE, VMALLOC_SIZE);
	make_roots((vaddr_t)phys_to_page(phys_base),
		   (end - phys_base) / PAGE_SIZE * sizeof(struct page));
	if (DEBUG)
		make_roots(KASAN_SHADOW, (end - phys_base) / 8);
	/* While the per-hart variables are still as linked: the other harts' start as copies. */
	hart_areas_init(harts_possible());
}

/* --- sealing --- */

static void protect_image(const char *start, const char *end, u64 bits)
{
	for (u64 i = (u64)(start - __kernel_start) >> PAGE_SHIFT;
	     i < (u64)(end - __kernel_start) >> PAGE_SHIFT; i++) {
		pte_t e = pte_read(&image_pte[i]);

		pte_set(&image_pte[i], bits ? (e & ~(PTE_LEAF | PTE_D)) | bits : 0);
	}
}

void arch_seal_kernel(void)
{
	extern char __ro_after_init_start[], __ro_after_init_end[];

	protect_image(__ro_after_init_start, __ro_after_init_end, PTE_R);
	protect_image(__init_start, __init_end, 0);
	tlb_flush_kernel(KERNEL_BASE, (u64)(__kernel_end - __kernel_start));
}

/* --- root tables of processes --- */

/*
 * Freed root tables with their kernel half in place and the user half empty. Each hart keeps a few;
 * with interrupts off, as the last reference to an address space may go in one.
 */
#define PGD_CACHE 8
struct pgd_cache {
	u32 n;
	pte_t *pgd[PGD_CACHE];
};
static DEFINE_PER_HART(struct pgd_cache, pgd_cache);

pte_t *pgd_alloc(void)
{
	pte_t *pgd = NULL;
	u64 flags = irq_save();

	if (this_hart(pgd_cache).n)
		pgd = this_hart(pgd_cache).pgd[--this_hart(pgd_cache).n];
	irq_restore(flags);
	if (pgd)
		return pgd;
	pgd = page_alloc_virt(GFP_KERNEL | GFP_ZERO);
	if (!pgd)
		return NULL;
	memory_count(MEM_PAGE_TABLES, 1);
	memcpy(pgd + PTES_PER_TABLE / 2, kernel_pgd + PTES_PER_TABLE / 2, PAGE_SIZE / 2);
	return pgd;
}

void pgd_free(pte_t *pgd)
{
	u64 flags = irq_save();

	if (this_hart(pgd_cache).n < PGD_CACHE) {
		this_hart(pgd_cache).pgd[this_hart(pgd_cache).n++] = pgd;
		pgd = NULL;
	}
	irq_restore(flags);
	if (pgd) {
		memory_count(MEM_PAGE_TABLES, -1);
		page_free_virt(pgd);
	}
}

pte_t pte_user_bits(u64 vm_flags, bool write)
{
	pte_t bits = PTE_V | PTE_U | PTE_A;

	if (vm_flags & (VM_READ | VM_WRITE))
		bits |= PTE_R;
	if (vm_flags & VM_EXEC)
		bits |= PTE_X;
	if (!(bits & PTE_LEAF))
		return 0;
	if (write)
		bits |= PTE_R | PTE_W | PTE_D;
	return bits;
}

void __init paging_freeze_roots(void) { roots_frozen = true; }

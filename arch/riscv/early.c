/* SPDX-License-Identifier: MIT */
/*
 * The first page tables, built before paging at whatever address the image runs: the image itself
 * with its final permissions, and the device tree. All addresses of symbols here are physical
 * (PC-relative code); nothing may follow a pointer stored by the linker.
 */
#include <arch/boot.h>
#include <arch/page.h>
#include <arch/pgtable.h>

#include "csr.h"
#include "image.h"
#include "machine.h"

pte_t kernel_pgd[PTES_PER_TABLE] __aligned(PAGE_SIZE);
static pte_t image_pmd[PTES_PER_TABLE] __aligned(PAGE_SIZE);
pte_t image_pte[IMAGE_TABLES * PTES_PER_TABLE] __aligned(PAGE_SIZE);
static pte_t fixmap_pmd[PTES_PER_TABLE] __aligned(PAGE_SIZE);

/* Where a task goes on whose kernel stack is full (entry.S). */
char emergency_stack[EMERGENCY_STACK_SIZE] __aligned(PAGE_SIZE);

/* Set before .bss is anyone else's; after that constants. */
paddr_t phys_base, kernel_phys;
u64 direct_offset;
u64 boot_time, boot_instret, boot_hartid, boot_satp;

#define EARLY	   __init __no_sanitize
#define TABLE_BITS PTE_V
#define LEAF_BITS  (PTE_V | PTE_G | PTE_A)

static EARLY pte_t table_entry(const pte_t *table)
{
	return pte_make((u64)table >> PAGE_SHIFT, TABLE_BITS);
}

static EARLY void map_image(const char *start, const char *end, u64 bits)
{
	u64 base = (u64)__kernel_start;

	for (u64 pa = (u64)start; pa < (u64)end; pa += PAGE_SIZE)
		image_pte[(pa - base) >> PAGE_SHIFT] = pte_make(pa >> PAGE_SHIFT, LEAF_BITS | bits);
}

/* fdt: physical; the tree appears at FIXMAP_BASE + its offset in 2 MiB, read-only. Returns what
 * satp must hold. */
EARLY u64 early_map(paddr_t fdt)
{
	extern char __init_data_start[];
	u64 base = (u64)__kernel_start;
	u64 fdt_block = fdt & ~(PMD_SIZE - 1);

	map_image(__text_start, __text_end, PTE_R | PTE_X);
	map_image(__init_start, __init_data_start, PTE_R | PTE_X);
	map_image(__init_data_start, __init_end, PTE_R | PTE_W | PTE_D);
	map_image(__rodata_start, __rodata_end, PTE_R);
	map_image(__data_start, __stack_guard_start, PTE_R | PTE_W | PTE_D);
	map_image(__stack_guard_end, __kernel_end, PTE_R | PTE_W | PTE_D);

	for (u32 i = 0; i < IMAGE_TABLES; i++)
		image_pmd[i] = table_entry(&image_pte[i * PTES_PER_TABLE]);
	for (u32 i = 0; i < FDT_MAP_SIZE / PMD_SIZE; i++)
		fixmap_pmd[i] =
			pte_make((fdt_block + i * PMD_SIZE) >> PAGE_SHIFT, LEAF_BITS | PTE_R);
	kernel_pgd[pte_index(KERNEL_BASE, 2)] = table_entry(image_pmd);
	kernel_pgd[pte_index(FIXMAP_BASE, 2)] = table_entry(fixmap_pmd);

	kernel_phys = base;
	phys_base = ALIGN_DOWN(base, PUD_SIZE);
	direct_offset = DIRECT_BASE - phys_base;
	boot_satp = (u64)SATP_MODE_SV39 << SATP_MODE_SHIFT | (u64)kernel_pgd >> PAGE_SHIFT;
	return boot_satp;
}

/* SPDX-License-Identifier: MIT */
/*
 * The kernel's address map (Sv39). docs/memory-map.md draws it.
 *
 *	0x0000000000000000	user, 256 GiB
 *	0xffffffc000000000	vmemmap: struct page of every physical page below 512 GiB
 *	0xffffffc400000000	KASAN shadow of the direct map (DEBUG)
 *	0xffffffc800000000	vmalloc, device registers, kernel stacks: 4 GiB
 *	0xffffffd000000000	direct map of RAM, 128 GiB from PHYS_BASE
 *	0xffffffff00000000	fixed mappings: the device tree during boot
 *	0xffffffff80000000	the kernel image (top 2 GiB)
 */
#ifndef ARCH_PAGE_H
#define ARCH_PAGE_H

#include <kernel/types.h>

#define VMEMMAP_BASE 0xffffffc000000000UL
#define KASAN_SHADOW 0xffffffc400000000UL
#define VMALLOC_BASE 0xffffffc800000000UL
#define VMALLOC_SIZE (4UL << 30)
#define DIRECT_BASE  0xffffffd000000000UL
#define DIRECT_SIZE  (128UL << 30)
#define FIXMAP_BASE  0xffffffff00000000UL
#define KERNEL_BASE  0xffffffff80000000UL

struct page;
#define vmemmap ((struct page *)VMEMMAP_BASE)

/* Physical address of the start of the direct map (1 GiB aligned) and of the kernel image; set by head.S. */
extern paddr_t phys_base, kernel_phys;
extern u64 direct_offset; /* DIRECT_BASE - phys_base */

static inline void *phys_to_virt(paddr_t pa) { return (void *)(pa + direct_offset); }
/* Direct map only; kernel image addresses too by kernel_to_phys(). */
static inline paddr_t virt_to_phys(const void *v) { return (u64)v - direct_offset; }
static inline paddr_t kernel_to_phys(const void *v) { return (u64)v - KERNEL_BASE + kernel_phys; }
static inline bool is_direct(const void *v) { return (u64)v - DIRECT_BASE < DIRECT_SIZE; }
static inline bool is_vmalloc(const void *v) { return (u64)v - VMALLOC_BASE < VMALLOC_SIZE; }

/* Image sections (kernel.lds). */
extern char __kernel_start[], __text_start[], __text_end[], __rodata_start[], __rodata_end[], __init_start[], __init_end[],
	__data_start[], __data_end[], __bss_start[], __bss_end[], __kernel_end[];

#endif

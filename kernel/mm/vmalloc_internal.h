/* SPDX-License-Identifier: MIT */
/* What vmalloc.c (areas) and kstack.c (kernel stacks) share: the address space and pages mapped one
 * by one. */
#ifndef MM_VMALLOC_INTERNAL_H
#define MM_VMALLOC_INTERNAL_H

#include <arch/page.h>
#include <kernel/errno.h>
#include <kernel/mm.h>

/* The last quarter of the vmalloc range is slots for kernel stacks. */
#define KSTACKS_SIZE  (VMALLOC_SIZE / 4)
#define KSTACKS_START (VMALLOC_BASE + VMALLOC_SIZE - KSTACKS_SIZE)

/* Fresh pages at [va, va + size). 0, or -ENOMEM with nothing mapped. */
int __must_check kernel_map_pages(vaddr_t va, u64 size, gfp_t gfp);
void kernel_unmap_pages(vaddr_t va, u64 size);
void kstack_init(void);

#endif

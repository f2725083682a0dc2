/* SPDX-License-Identifier: MIT */
/* The steps of boot that only the architecture can do; kernel/init/main.c calls them in this order.
 */
#ifndef ARCH_BOOT_H
#define ARCH_BOOT_H

#include <kernel/types.h>

/* What head.S recorded at hand-off: rdtime and rdinstret (0 when the firmware hides it). */
extern u64 boot_time, boot_instret;
extern u64 boot_hartid;

/* Finds out what the firmware can do: messages reach its console from here on. */
void arch_early_console(void);
/* Checks the device tree, then ISA, timebase and the usable harts from /cpus. Panics in words when
 * there is none. */
void arch_cpu_init(const void *fdt);
/* Memory banks and reservations to kernel/mm/; the direct map reaches all of RAM afterwards. */
void arch_memory_init(const void *fdt);
/* The final kernel page tables: exact direct map, all root entries a process table will copy.
 * memory_boot_alloc() works. */
void arch_paging_init(void);
/* After the last initcall: .data.ro_after_init read-only, .init unmapped from the image.
 * memory_release() it then. */
void arch_seal_kernel(void);

/* /chosen. Strings stand in the device tree, which stays mapped; "" when there is none. */
const char *boot_bootargs(const void *fdt);
bool boot_initrd(paddr_t *start, paddr_t *end); /* after arch_memory_init() */

#endif

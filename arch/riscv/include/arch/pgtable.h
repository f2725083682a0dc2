/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries (Sv39, 3 levels of 512) as kernel/mm/ sees them. Dirty and accessed are preset or kept by software
 * on harts that fault for them (Svade); harts that update them do so atomically, so entries that may be live are
 * changed with atomics.
 */
#ifndef ARCH_PGTABLE_H
#define ARCH_PGTABLE_H

#include <kernel/bitmap.h>
#include <kernel/types.h>

typedef u64 pte_t;

#define PTE_V 0x001UL
#define PTE_R 0x002UL
#define PTE_W 0x004UL
#define PTE_X 0x008UL
#define PTE_U 0x010UL
#define PTE_G 0x020UL
#define PTE_A 0x040UL
#define PTE_D 0x080UL
#define PTE_SPECIAL 0x100UL /* RSW: no struct page behind it */
#define PTE_SOFT1 0x200UL   /* RSW */
#define PTE_PFN_SHIFT 10
#define PTE_LEAF (PTE_R | PTE_W | PTE_X)

#define PTES_PER_TABLE 512
#define PMD_SIZE (2UL << 20) /* a leaf one level up */
#define PUD_SIZE (1UL << 30)
static inline u32 pte_index(u64 va, u32 level) { return (va >> (PAGE_SHIFT + 9 * level)) & 511; } /* level 0 = 4 KiB */
static inline bool pte_none(pte_t p) { return p == 0; }
static inline bool pte_present(pte_t p) { return p & PTE_V; }
static inline bool pte_leaf(pte_t p) { return p & PTE_LEAF; }
static inline bool pte_write(pte_t p) { return p & PTE_W; }
static inline bool pte_dirty(pte_t p) { return p & PTE_D; }
static inline u64 pte_pfn(pte_t p) { return (p >> PTE_PFN_SHIFT) & ((1UL << 44) - 1); }
static inline pte_t pte_make(u64 pfn, u64 bits) { return (pfn << PTE_PFN_SHIFT) | bits; }
static inline pte_t pte_read(const pte_t *p) { return READ_ONCE(*p); }
static inline void pte_set(pte_t *p, pte_t v) { WRITE_ONCE(*p, v); }
static inline pte_t pte_exchange(pte_t *p, pte_t v) { return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); }
/* User leaf bits for VM_READ|VM_WRITE|VM_EXEC flags; write: also make it writable and dirty now. W implies R. */
pte_t pte_user_bits(u64 vm_flags, bool write);

/* Page-table pages: zeroed, counted in MEM_PAGE_TABLES. kernel/mm/fault.c walks and fills; these are arch's: */
pte_t *pgd_alloc(void);		 /* with the kernel half; from a cache. NULL */
void pgd_free(pte_t *pgd);	 /* user half empty */
extern pte_t kernel_pgd[];
/* Maps kernel pages (vmalloc): 4 KiB leaves with G|A|D set. 0, -ENOMEM. Fences are the caller's (kernel_map_flush). */
#define KERNEL_RW (PTE_R | PTE_W)
#define KERNEL_RO (PTE_R)
#define KERNEL_RX (PTE_R | PTE_X)
int kernel_map(vaddr_t va, paddr_t pa, u64 size, u64 bits);
void kernel_unmap(vaddr_t va, u64 size); /* flushes every hart */
paddr_t kernel_lookup(vaddr_t va);	 /* physical address, or ~0 */
void kernel_map_flush(vaddr_t va, u64 size); /* after mapping, before others may touch it */

/* --- TLB --- */
struct mm;
/* Makes mm's tables this hart's; allocates an ASID when there are any. Interrupts off. */
void mm_switch(struct mm *prev, struct mm *next);
void tlb_flush_page(struct mm *mm, u64 va);	       /* on all harts that ran mm */
void tlb_flush_range(struct mm *mm, u64 start, u64 end); /* everything when long */
void tlb_flush_mm(struct mm *mm);
void tlb_flush_local(u64 va);			       /* this hart, this address: a fault that made it valid */
void tlb_flush_icache(struct mm *mm);		       /* new code: fence.i on harts of mm now, others at their next switch */
void asid_init(void);
void mm_context_free(struct mm *mm);

#endif

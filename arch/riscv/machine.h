/* SPDX-License-Identifier: MIT */
/* What the files of arch/riscv share among themselves. */
#ifndef RISCV_MACHINE_H
#define RISCV_MACHINE_H

#include <arch/boot.h>
#include <arch/cpu.h>
#include <arch/pgtable.h>
#include <kernel/types.h>

struct trap_frame;

/* early.c: filled before paging. */
#define FDT_MAP_SIZE (4UL << 20)
extern u64 boot_satp;
extern pte_t image_pte[];
u64 early_map(paddr_t fdt); /* -> satp */

/* boot.c: physical memory as the direct map shows it. */
#define MEMORY_BANKS_MAX 16
struct memory_range {
	paddr_t start, end;
};
extern struct memory_range memory_banks[MEMORY_BANKS_MAX];
extern u32 nr_memory_banks;
#define NOMAP_RANGES_MAX 32
extern struct memory_range nomap_ranges[NOMAP_RANGES_MAX];
extern u32 nr_nomap_ranges;
void __noreturn arch_boot(paddr_t fdt);

/* mmu.c */
void paging_map_banks_whole(void); /* 1 GiB leaves over every bank, until arch_paging_init() */
bool kernel_entry(
	vaddr_t va,
	pte_t *e); /* the leaf (or empty entry) for a kernel address; false: tables missing */
void paging_freeze_roots(void); /* process tables may exist from here on */

/* tlb.c */
void tlb_init_hart(void);
void tlb_flush_kernel(vaddr_t va, u64 size); /* every online hart */
u64 satp_of(const pte_t *pgd, u64 asid);

/* isa.c */
void isa_init(const void *fdt);
u32 harts_possible(void);
u64 hart_possible_hwid(u32 i);
void hart_csr_init(void); /* scounteren, senvcfg, sie: on each hart */
extern u32 cboz_block;	  /* bytes cbo.zero clears; 0: not used */

/* smp.c */
void __noreturn secondary_start(void);
bool hart_stop_wanted(void);
void __noreturn hart_stop_here(void);
extern char secondary_entry[];

/* entry.S, fpu_regs.S */
extern char trap_entry[], __entry_start[], __entry_end[], __stack_guard_start[],
	__stack_guard_end[];
extern char emergency_stack[];
void task_start_asm(void);
void ret_from_fork(void);
void fpu_save_regs(u64 *f, u32 *fcsr);
void fpu_load_regs(const u64 *f, const u32 *fcsr);

/* trap.c: from entry.S. Interrupts off on entry and, but for exit_to_user_work's and panics', on
 * return. */
void trap_user(struct trap_frame *regs);
void trap_kernel(struct trap_frame *regs);
void exit_to_user_work(struct trap_frame *regs);
void __noreturn trap_stack_overflow(struct trap_frame *regs);
void __noreturn trap_bad_task(struct trap_frame *regs);

/* usercopy.c: the exception table, offsets from KERNEL_BASE, ascending. */
struct fixup_entry {
	u32 insn;
	u32 fixup; /* bit 0: also for faults at kernel addresses (probes) */
};
/* Where to go on after a fault at pc; 0: nowhere. */
vaddr_t fixup_find(vaddr_t pc, bool *any_address);

#endif

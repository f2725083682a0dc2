/* SPDX-License-Identifier: MIT */
/* Interrupts of this hart: sstatus.SIE. */
#ifndef ARCH_IRQFLAGS_H
#define ARCH_IRQFLAGS_H

#include <kernel/types.h>

#define SSTATUS_SIE 2UL
#define SSTATUS_SPP 0x100UL
static inline void irq_enable(void) { __asm__ volatile("csrsi sstatus, 2" ::: "memory"); }
static inline void irq_disable(void) { __asm__ volatile("csrci sstatus, 2" ::: "memory"); }
static inline u64 irq_save(void)
{
	u64 flags;

	__asm__ volatile("csrrci %0, sstatus, 2" : "=r"(flags)::"memory");
	return flags & SSTATUS_SIE;
}
static inline void irq_restore(u64 flags) { __asm__ volatile("csrs sstatus, %0" ::"r"(flags) : "memory"); }
static inline bool irqs_disabled(void)
{
	u64 v;

	__asm__ volatile("csrr %0, sstatus" : "=r"(v));
	return !(v & SSTATUS_SIE);
}
/* In a hard interrupt handler, before interrupts are on again: it interrupted user mode. */
static inline bool irq_from_user(void)
{
	u64 v;

	__asm__ volatile("csrr %0, sstatus" : "=r"(v));
	return !(v & SSTATUS_SPP);
}

#endif

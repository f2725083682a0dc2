/* SPDX-License-Identifier: MIT */
/*
 * Harts by logical number (0 is the boot hart, then as they came up), and variables each hart has of its own.
 *
 *	DEFINE_PER_HART(u64, ticks);	this_hart(ticks)++;	hart_var(ticks, h)
 *
 * A task may move to another hart whenever preemption is on: hold preempt_disable() or a spinlock, or have
 * interrupts off, around this_hart().
 */
#ifndef KERNEL_HART_H
#define KERNEL_HART_H

#include <kernel/bitmap.h>
#include <kernel/task.h>
#include <kernel/types.h>

#define DEFINE_PER_HART(type, name)  __section(".data.perhart") type perhart_##name
#define DECLARE_PER_HART(type, name) extern type perhart_##name
/* Added to the address of a per-hart variable; 0 for the boot hart, which uses the linked-in copy. */
extern u64 hart_offset[NR_HARTS_MAX];
#define this_hart(name)	   (*(typeof(perhart_##name) *)((char *)&perhart_##name + current->hart_offset))
#define hart_var(name, h)  (*(typeof(perhart_##name) *)((char *)&perhart_##name + hart_offset[h]))

extern u32 nr_harts;		/* [I after smp_boot] logical harts 0..nr_harts-1 exist */
extern hartmask_t harts_online; /* bit per logical hart that runs the scheduler */
u64 hart_hwid(u32 hart);	/* hart id of the device tree and SBI */
int hart_of_hwid(u64 hwid);	/* logical number or -ENOENT */
void hart_set_hwid(u32 hart, u64 hwid); /* arch, when it learns who the harts are */
static inline u32 this_hart_nr(void) { return current->hart; }
#define for_each_hart(h) for ((h) = 0; (h) < nr_harts; (h)++)

/* Runs fn(arg) on every hart of mask, this one too when in it, with interrupts off; returns when all are done.
 * Interrupts on, no spinlock held. */
void hart_call(hartmask_t mask, void (*fn)(void *arg), void *arg);
/* Allocates per-hart areas and sets hart_offset for harts 0..n-1 (kernel/sched/hart.c). They start as copies of the
 * boot hart's, which must still be as linked: after the memory banks are known, before page_init(). For harts that
 * have one it does nothing. The linker script gives __perhart_start and __perhart_end. */
void hart_areas_init(u32 n);

#endif

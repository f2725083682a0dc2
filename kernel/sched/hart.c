/* SPDX-License-Identifier: MIT */
/*
 * Harts: their numbers, their per-hart variables, and calls from one to the others.
 *
 * A per-hart variable is linked once, in .data.perhart; that copy is the boot hart's.
 * hart_areas_init() makes a copy of the section, as linked, for each other hart; hart_offset[h]
 * is the distance from the linked copy to hart h's.
 *
 * hart_call() has one slot for the whole machine, taken by call_busy. It is a flag and no
 * spinlock because it is held with interrupts on, over whatever they do: two harts that call each
 * other answer meanwhile. The slot's function is published by the bits in call_pending.
 */
#include <kernel/hart.h>

#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <kernel/errno.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

extern char __perhart_start[], __perhart_end[];

u64 hart_offset[NR_HARTS_MAX];
u32 nr_harts = 1;
hartmask_t harts_online = HARTMASK_OF(0);

static u64 hwids[NR_HARTS_MAX]; /* [I after boot] */

static bool call_busy;		   /* [a] somebody owns the slot */
static void (*call_fn)(void *arg); /* [call_busy] */
static void *call_arg;		   /* [call_busy] */
static hartmask_t call_pending;	   /* [a] harts that have not run call_fn yet */

u64 hart_hwid(u32 hart)
{
	ASSERT(hart < NR_HARTS_MAX);
	return hwids[hart];
}

int hart_of_hwid(u64 hwid)
{
	u32 h;

	for_each_hart (h)
		if (hwids[h] == hwid)
			return (int)h;
	return -ENOENT;
}

void hart_set_hwid(u32 hart, u64 hwid)
{
	ASSERT(hart < NR_HARTS_MAX);
	hwids[hart] = hwid;
}

void hart_areas_init(u32 n)
{
	size_t size = (size_t)(__perhart_end - __perhart_start);

	ASSERT(n <= NR_HARTS_MAX);
	for (u32 h = 1; h < n; h++) {
		char *area;

		if (hart_offset[h])
			continue;
		area = memory_boot_alloc(size);
		memcpy(area, __perhart_start, size);
		hart_offset[h] = (u64)area - (u64)__perhart_start;
	}
}

void hart_call(hartmask_t mask, void (*fn)(void *arg), void *arg)
{
	hartmask_t others;
	u64 flags;
	bool self;

	ASSERT(!irqs_disabled());
	preempt_disable();
	self = mask & HARTMASK_OF(this_hart_nr());
	others = mask & READ_ONCE(harts_online) & ~HARTMASK_OF(this_hart_nr());
	if (others) {
		while (atomic_xchg(&call_busy, true))
			cpu_relax();
		call_fn = fn;
		call_arg = arg;
		smp_store_release(&call_pending, others);
		ipi_send(others);
		while (smp_load_acquire(&call_pending))
			cpu_relax();
		smp_store_release(&call_busy, false);
	}
	if (self) {
		flags = irq_save();
		fn(arg);
		irq_restore(flags);
	}
	preempt_enable();
}

/* Every inter-hart interrupt: whoever sent it left its reason in memory. A wish to reschedule is
 * seen on the way out. */
void ipi_interrupt(void)
{
	hartmask_t me = HARTMASK_OF(this_hart_nr());

	smp_mb();
	if (smp_load_acquire(&call_pending) & me) {
		call_fn(call_arg);
		__atomic_fetch_and(&call_pending, ~me, __ATOMIC_RELEASE);
	}
	rcu_ipi();
}

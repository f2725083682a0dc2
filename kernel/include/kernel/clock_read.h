/* SPDX-License-Identifier: MIT */
/* Reading a clock without a call, where a path is hot enough for it: see kernel/time/clock.c. */
#ifndef KERNEL_CLOCK_READ_H
#define KERNEL_CLOCK_READ_H

#include <arch/cpu.h>
#include <arch/vdso.h>
#include <kernel/atomic.h>
#include <kernel/types.h>

/* id: a clock of the vDSO's page, CLOCK_MONOTONIC or CLOCK_REALTIME mostly */
static __always_inline ktime_t clock_read_inline(int id)
{
	const struct vdso_data *vd = READ_ONCE(vdso_data);
	s64 seq;
	s64 now;

	do {
		seq = READ_ONCE(vd->seq_end);
		smp_rmb();
		now = vd->clock[id].base_ns +
		      vdso_cycles_to_ns((s64)(cycles_now() - vd->cycle_last), vd->clock[id].mult);
		smp_rmb();
	} while (unlikely(READ_ONCE(vd->seq_begin) != seq));
	return now;
}

#endif

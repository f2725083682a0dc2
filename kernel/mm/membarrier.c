/* SPDX-License-Identifier: MIT */
/*
 * membarrier and riscv_flush_icache: order between harts that one thread asks for on behalf of the
 * others.
 *
 * The expedited forms interrupt every online hart: each then has executed a full fence (and, for
 * SYNC_CORE, fence.i) between the caller's earlier and later accesses. A hart that is not running
 * the process just now passes a fence when it switches to it.
 */
#include "vma.h"

#include <arch/cpu.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/rcu.h>
#include <kernel/syscall.h>
#include <linux/membarrier.h>

/* mm->membarrier_state: the registrations, by the number of the command that made them. */
#define REGISTRATIONS                                                                           \
	(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | \
	 MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)
#define COMMANDS                                                                         \
	(REGISTRATIONS | MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |       \
	 MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | \
	 MEMBARRIER_CMD_GET_REGISTRATIONS)

static void fence_here(void *unused) { smp_mb(); }

static long fence_everywhere(void)
{
	smp_mb();
	if (READ_ONCE(nr_harts) > 1)
		hart_call(READ_ONCE(harts_online), fence_here, NULL);
	smp_mb();
	return 0;
}

static long registered_fence(u32 registration, bool sync_core)
{
	if (!(READ_ONCE(current->mm->membarrier_state) & registration))
		return -EPERM;
	if (sync_core)
		fence_i_all();
	return fence_everywhere();
}

long sys_membarrier(int cmd, unsigned int flags, int cpu_id)
{
	if (flags) /* MEMBARRIER_CMD_FLAG_CPU belongs to restartable sequences */
		return -EINVAL;
	switch (cmd) {
	case MEMBARRIER_CMD_QUERY:
		return COMMANDS;
	case MEMBARRIER_CMD_GLOBAL:
		if (READ_ONCE(nr_harts) > 1)
			rcu_synchronize();
		return 0;
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
		return fence_everywhere();
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return registered_fence(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, false);
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
		return registered_fence(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, true);
	case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
	case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
		atomic_or(&current->mm->membarrier_state, (u32)cmd);
		return 0;
	case MEMBARRIER_CMD_GET_REGISTRATIONS:
		return READ_ONCE(current->mm->membarrier_state) & REGISTRATIONS;
	default:
		return -EINVAL;
	}
}

#define ICACHE_LOCAL 1UL /* SYS_RISCV_FLUSH_ICACHE_LOCAL: this thread only */

long sys_riscv_flush_icache(uintptr_t start, uintptr_t end, uintptr_t flags)
{
	if (flags & ~ICACHE_LOCAL)
		return -EINVAL;
	/* The thread may move to another hart: the others learn it at their next switch either way.
	 */
	tlb_flush_icache(current->mm);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Allocations made to fail (DEBUG kernels): the n-th one of a task (/proc/PID/fail-nth sets
 * task->fail_nth), or with keel.fail=N every N-th one any user task causes. What follows must be an
 * error return, never a crash.
 */
#include <kernel/mm.h>

#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/string.h>
#include <kernel/task.h>

#if DEBUG

static u64 interval; /* keel.fail=; 0: off */
static u64 count;    /* [a] */

bool fail_allocation(void)
{
	u32 nth = current->fail_nth;

	if (likely(!nth && !interval))
		return false;
	if (in_atomic() || (current->flags & (TF_KTHREAD | TF_IDLE | TF_MEMALLOC)))
		return false;
	if (nth) {
		current->fail_nth = nth - 1;
		if (nth == 1)
			return true;
	}
	return interval && current->mm && atomic_add_return(&count, 1) % interval == 0;
}

static int set_fail(const char *value) { return parse_u64(value, 10, &interval); }
CMDLINE("keel.fail", set_fail);

#endif

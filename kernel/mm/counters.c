/* SPDX-License-Identifier: MIT */
/*
 * What memory is used for: counters kept per hart and summed when read, events for /proc/vmstat,
 * and the account of memory promised to processes (overcommit).
 *
 * A hart's own counter may be negative: a page counted on one hart may be uncounted on another.
 * Only sums mean something.
 */
#include <kernel/mm.h>

#include <arch/irqflags.h>
#include <kernel/errno.h>
#include <kernel/hart.h>

#include "page_internal.h"

DEFINE_PER_HART(struct memory_counts, memory_counts);

u32 sysctl_overcommit_memory = 0; /* OVERCOMMIT_GUESS */
u32 sysctl_overcommit_ratio = 50; /* percent of RAM, mode 2 */
static s64 committed;		  /* [a] pages */

#define OVERCOMMIT_ALWAYS 1
#define OVERCOMMIT_NEVER  2

void memory_count(enum memory_counter c, s64 pages)
{
	u64 flags = irq_save();

	this_hart(memory_counts).pages[c] += pages;
	irq_restore(flags);
}

void vm_event(enum vm_event e)
{
	u64 flags = irq_save();

	this_hart(memory_counts).events[e]++;
	irq_restore(flags);
}

s64 memory_count_read(enum memory_counter c)
{
	s64 n = 0;
	u32 h;

	for_each_hart (h)
		n += READ_ONCE(hart_var(memory_counts, h).pages[c]);
	return MAX(n, 0L);
}

u64 vm_event_read(enum vm_event e)
{
	u64 n = 0, allocated, freed;
	u32 h;

	page_events(&allocated, &freed);
	if (e == VM_PGALLOC || e == VM_PGFREE)
		return e == VM_PGALLOC ? allocated : freed;
	for_each_hart (h)
		n += READ_ONCE(hart_var(memory_counts, h).events[e]);
	return n;
}

static u64 commit_limit(void) { return page_total() * READ_ONCE(sysctl_overcommit_ratio) / 100; }

int memory_commit(s64 pages)
{
	s64 now = __atomic_add_fetch(&committed, pages, __ATOMIC_RELAXED);
	u32 mode = READ_ONCE(sysctl_overcommit_memory);

	if (pages <= 0 || mode == OVERCOMMIT_ALWAYS)
		return 0;
	if (mode == OVERCOMMIT_NEVER ? (u64)now <= commit_limit() : (u64)pages <= page_total())
		return 0;
	atomic_sub(&committed, pages);
	return -ENOMEM;
}

void memory_info(struct memory_info *out)
{
	u64 low = page_reserve() + page_reserve() / 4, cache;
	s64 available;

	*out = (struct memory_info) {
		.total = page_total(),
		.free = page_free_count(),
		.cached = (u64)memory_count_read(MEM_CACHED),
		.shmem = (u64)memory_count_read(MEM_SHMEM),
		.slab = (u64)memory_count_read(MEM_SLAB),
		.slab_reclaimable = (u64)memory_count_read(MEM_SLAB_RECLAIMABLE),
		.anon = (u64)memory_count_read(MEM_ANON),
		.page_tables = (u64)memory_count_read(MEM_PAGE_TABLES),
		.kstacks = (u64)memory_count_read(MEM_KSTACKS),
		.mlocked = (u64)memory_count_read(MEM_MLOCKED),
		.dirty = (u64)memory_count_read(MEM_DIRTY),
		.writeback = (u64)memory_count_read(MEM_WRITEBACK),
		.mapped = (u64)memory_count_read(MEM_MAPPED),
		.vmalloc = (u64)memory_count_read(MEM_VMALLOC),
		.committed = (u64)MAX(READ_ONCE(committed), 0L),
		.commit_limit = commit_limit(),
	};
	/* Linux's estimate of what a new program could get: free memory and half of what is cached,
	 * less the reserve. */
	cache = out->cached - MIN(out->shmem, out->cached);
	available = (s64)(out->free + cache - MIN(cache / 2, low) + out->slab_reclaimable -
			  MIN(out->slab_reclaimable / 2, low)) -
		    (s64)page_reserve();
	out->available = (u64)MAX(available, 0L);
}

/* SPDX-License-Identifier: MIT */
/*
 * Getting memory back before anybody is killed for it, cheapest first: clean pages of files, caches
 * that can shrink (dentries, inodes, kernel stacks), empty slabs, and the free pages harts keep for
 * themselves.
 *
 * Runs in the task that wants memory, which may hold sleeping locks but no spinlock. TF_MEMALLOC
 * keeps it from coming back here, and lets what it calls take from the reserve.
 */
#include <kernel/mm.h>

#include <arch/irqflags.h>
#include <kernel/hart.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/task.h>

#include "page_internal.h"

#define SCAN_PER_PAGE 32 /* descriptors looked at for each page wanted, a round */
#define SCAN_MIN      4096

static LIST_HEAD(shrinkers); /* [shrinkers_lock] never removed: walked without */
static DEFINE_SPINLOCK(shrinkers_lock, RANK_VMALLOC);

void shrinker_register(struct shrinker *s)
{
	u64 flags = spin_lock_irqsave(&shrinkers_lock);

	list_add_tail(&s->link, &shrinkers);
	spin_unlock_irqrestore(&shrinkers_lock, flags);
}

/* Each gives up objects in proportion to what it has: a quarter, and at least `pages`. */
static void shrink_caches(u64 pages)
{
	struct shrinker *s;

	list_for_each_entry_rcu (s, &shrinkers, link) {
		u64 n = s->count();

		if (n)
			(void)s->scan(MIN(n, MAX(n / 4, pages)));
	}
}

/* What a hart can give without anybody's help. Interrupts off. */
static void drain_hart(void *arg)
{
	(void)slab_reclaim();
	(void)page_drain_this_hart();
}

u64 memory_reclaim_for(gfp_t gfp, u64 pages)
{
	bool nested = current->flags & TF_MEMALLOC;
	u64 before = page_free_count(), after, dropped;

	current->flags |= TF_MEMALLOC;
	vm_event(VM_PGSCAN);
	dropped = pagecache_reclaim(pages, MAX(pages * SCAN_PER_PAGE, (u64)SCAN_MIN));
	if (dropped < pages) {
		if (!(gfp & GFP_NOFS))
			shrink_caches(pages);
		dropped += pagecache_reclaim(pages - dropped, page_total());
		hart_call(harts_online, drain_hart, NULL);
	}
	if (!nested)
		current->flags &= ~(u32)TF_MEMALLOC;
	if (dropped)
		vm_event(VM_PGSTEAL);
	after = page_free_count();
	return after > before ? after - before : 0;
}

u64 memory_reclaim(u64 pages) { return memory_reclaim_for(GFP_KERNEL, pages); }

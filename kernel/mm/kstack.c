/* SPDX-License-Identifier: MIT */
/*
 * Kernel stacks: KSTACK_SIZE bytes in the upper half of a slot twice that size, whose lower half is
 * never mapped. So an overflow faults, and the trap entry can tell by one bit of sp.
 *
 * Stacks stay mapped when freed: a few per hart, for the next fork to take without touching page
 * tables. What is too much goes to a list that a work item unmaps, since freeing may happen where
 * unmapping (which asks other harts to flush) must not. Free stacks are linked through their own
 * first word. Memory pressure empties both.
 */
#include <arch/irqflags.h>
#include <kernel/bitmap.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/spinlock.h>
#include <kernel/workqueue.h>

#include "vmalloc_internal.h"

#define SLOT_SIZE   (2 * KSTACK_SIZE)
#define NR_SLOTS    (KSTACKS_SIZE / SLOT_SIZE)
#define STACK_PAGES (KSTACK_SIZE >> PAGE_SHIFT)
#define HART_STACKS 6

struct stack_cache {
	u32 count;
	void *stack[HART_STACKS];
};
static DEFINE_PER_HART(struct stack_cache, stack_cache); /* [this hart, interrupts off] */

static DEFINE_SPINLOCK(slots_lock, RANK_VMALLOC);   /* interrupts off */
static unsigned long slots[BITMAP_LONGS(NR_SLOTS)]; /* [slots_lock] in use */
static u64 first_free;				    /* [slots_lock] none below */
static void *surplus;				    /* [slots_lock] stacks to unmap, or use again */
static u64 nr_surplus;				    /* [slots_lock] */

static void unmap_surplus(struct work *w);
static struct work unmap_work = WORK_INIT(unmap_work, unmap_surplus);

static void *slot_stack(u64 slot)
{
	return (void *)(KSTACKS_START + slot * SLOT_SIZE + KSTACK_SIZE);
}

/* A free stack that is still mapped; NULL. */
static void *take_surplus(void)
{
	u64 flags = spin_lock_irqsave(&slots_lock);
	void *stack = surplus;

	if (stack) {
		surplus = *(void **)stack;
		nr_surplus--;
	}
	spin_unlock_irqrestore(&slots_lock, flags);
	return stack;
}

static void slot_free(void *stack)
{
	u64 slot = ((u64)stack - KSTACKS_START) / SLOT_SIZE;
	u64 flags = spin_lock_irqsave(&slots_lock);

	clear_bit(slot, slots);
	first_free = MIN(first_free, slot);
	spin_unlock_irqrestore(&slots_lock, flags);
}

static void *stack_map(void)
{
	u64 flags = spin_lock_irqsave(&slots_lock);
	u64 slot = bitmap_find_next_zero(slots, NR_SLOTS, first_free);
	void *stack;

	if (slot < NR_SLOTS)
		set_bit(slot, slots);
	first_free = MIN(slot + 1, (u64)NR_SLOTS);
	spin_unlock_irqrestore(&slots_lock, flags);
	if (slot >= NR_SLOTS)
		return NULL;
	stack = slot_stack(slot);
	if (kernel_map_pages((vaddr_t)stack, KSTACK_SIZE, GFP_KERNEL)) {
		slot_free(stack);
		return NULL;
	}
	memory_count(MEM_KSTACKS, STACK_PAGES);
	return stack;
}

static void stack_unmap(void *stack)
{
	kernel_unmap_pages((vaddr_t)stack, KSTACK_SIZE);
	memory_count(MEM_KSTACKS, -(s64)STACK_PAGES);
	slot_free(stack);
}

static u64 unmap_up_to(u64 n)
{
	u64 done = 0;
	void *stack;

	while (done < n && (stack = take_surplus())) {
		stack_unmap(stack);
		done++;
	}
	return done;
}

static void unmap_surplus(struct work *w) { unmap_up_to(~0UL); }

/* Any context. */
static void give_surplus(void *stack)
{
	u64 flags = spin_lock_irqsave(&slots_lock);

	*(void **)stack = surplus;
	surplus = stack;
	nr_surplus++;
	spin_unlock_irqrestore(&slots_lock, flags);
	if (system_wq)
		work_schedule(&unmap_work);
}

void *kstack_alloc(void)
{
	u64 flags = irq_save();
	struct stack_cache *c = &this_hart(stack_cache);
	void *stack = c->count ? c->stack[--c->count] : NULL;

	irq_restore(flags);
	if (!stack)
		stack = take_surplus();
	return stack ? stack : stack_map();
}

void kstack_free(void *stack)
{
	u64 flags = irq_save();
	struct stack_cache *c = &this_hart(stack_cache);
	bool kept = c->count < HART_STACKS;

	ASSERT(IS_ALIGNED((u64)stack - KSTACK_SIZE, SLOT_SIZE));
	if (kept)
		c->stack[c->count++] = stack;
	irq_restore(flags);
	if (!kept)
		give_surplus(stack);
}

/* Under pressure: what this hart keeps, and the surplus. In pages. */
static u64 kstack_count(void) { return READ_ONCE(nr_surplus) * STACK_PAGES; }

static u64 kstack_scan(u64 nr)
{
	u64 flags = irq_save();
	struct stack_cache *c = &this_hart(stack_cache);
	void *mine[HART_STACKS];
	u32 n = 0;

	while (c->count)
		mine[n++] = c->stack[--c->count];
	irq_restore(flags);
	for (u32 i = 0; i < n; i++)
		stack_unmap(mine[i]);
	return (n + unmap_up_to(DIV_ROUND_UP(nr, STACK_PAGES))) * STACK_PAGES;
}

static struct shrinker kstack_shrinker = { .name = "kstack",
					   .count = kstack_count,
					   .scan = kstack_scan };

void __init kstack_init(void) { shrinker_register(&kstack_shrinker); }

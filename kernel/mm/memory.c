/* SPDX-License-Identifier: MIT */
/*
 * The machine's memory as the device tree describes it: banks of RAM, and ranges in them nobody may
 * use.
 *
 * Life: arch/riscv adds banks and reservations; then memory_boot_alloc() carves what boot needs,
 * page by page, out of what is free; then page_init() hands the rest to the page allocator section
 * by section (section.c). After that the reservations only shrink, by memory_release(), under
 * zone.lock.
 *
 * Both tables are short (a machine has a few banks and a dozen reservations), sorted by address and
 * without overlap among banks; reservations may overlap.
 */
#include <kernel/mm.h>

#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/string.h>

#include "page_internal.h"

#define BANKS_MAX	 32
#define RESERVATIONS_MAX 128

struct range {
	paddr_t start, end;
};
static struct range banks[BANKS_MAX];
static u32 nr_banks;
static struct range reserved[RESERVATIONS_MAX];
static u32 nr_reserved;
static u64 limit; /* mem=; 0: none, or applied */

static void range_insert(struct range *table, u32 *n, u32 max, struct range r)
{
	u32 i;

	if (*n == max)
		panic("memory: more than %u ranges", max);
	for (i = *n; i > 0 && table[i - 1].start > r.start; i--)
		table[i] = table[i - 1];
	table[i] = r;
	(*n)++;
}

static void range_remove(struct range *table, u32 *n, u32 i)
{
	for ((*n)--; i < *n; i++)
		table[i] = table[i + 1];
}

/* mem=: keeps the lowest `limit` bytes. Done when the banks are first asked for, since the command
 * line comes before them. */
static void apply_limit(void)
{
	u64 left = limit & PAGE_MASK;

	if (likely(!limit))
		return;
	limit = 0;
	for (u32 i = 0; i < nr_banks; i++) {
		u64 size = banks[i].end - banks[i].start;

		banks[i].end = banks[i].start + MIN(size, left);
		left -= MIN(size, left);
	}
	while (nr_banks && banks[nr_banks - 1].start == banks[nr_banks - 1].end)
		nr_banks--;
}

void __init memory_limit(u64 bytes) { limit = bytes; }

void __init memory_add(paddr_t start, paddr_t end)
{
	paddr_t low = phys_base, high = phys_base + DIRECT_SIZE;

	if (start < low || end > high)
		pr_warn("memory: only %#lx-%#lx can be used", (unsigned long)low,
			(unsigned long)high);
	start = ALIGN_UP(MAX(start, low), PAGE_SIZE);
	end = ALIGN_DOWN(MIN(end, high), PAGE_SIZE);
	for (u32 i = 0; start < end && i < nr_banks;) { /* swallow what overlaps or touches */
		if (banks[i].start <= end && banks[i].end >= start) {
			start = MIN(start, banks[i].start);
			end = MAX(end, banks[i].end);
			range_remove(banks, &nr_banks, i);
		} else {
			i++;
		}
	}
	if (start < end)
		range_insert(banks, &nr_banks, BANKS_MAX, (struct range) { start, end });
}

void __init memory_reserve(paddr_t start, paddr_t end, const char *why)
{
	ASSERT(!zone.ready);
	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	if (start >= end)
		return;
	pr_debug("memory: %#lx-%#lx reserved: %s", (unsigned long)start, (unsigned long)end, why);
	range_insert(reserved, &nr_reserved, RESERVATIONS_MAX, (struct range) { start, end });
}

void __init memory_reserve_temporary(paddr_t start, paddr_t end, const char *why)
{
	memory_reserve(start, end, why);
}

void memory_unreserve(paddr_t start, paddr_t end)
{
	for (u32 i = 0; i < nr_reserved;) {
		struct range r = reserved[i];

		if (r.end <= start || r.start >= end) {
			i++;
			continue;
		}
		range_remove(reserved, &nr_reserved, i);
		if (r.start < start) {
			range_insert(reserved, &nr_reserved, RESERVATIONS_MAX,
				     (struct range) { r.start, start });
			i++; /* stands at or before i */
		}
		if (r.end > end)
			range_insert(reserved, &nr_reserved, RESERVATIONS_MAX,
				     (struct range) { end, r.end });
	}
}

bool memory_bank(u32 i, paddr_t *start, paddr_t *end)
{
	apply_limit();
	if (i >= nr_banks)
		return false;
	*start = banks[i].start;
	*end = banks[i].end;
	return true;
}

u64 memory_highest(void)
{
	apply_limit();
	return nr_banks ? banks[nr_banks - 1].end : 0;
}

/* The first address >= at outside all reservations. */
static paddr_t skip_reserved(paddr_t at)
{
	for (u32 i = 0; i < nr_reserved && reserved[i].start <= at; i++)
		at = MAX(at, reserved[i].end);
	return at;
}

static paddr_t next_reserved(paddr_t at)
{
	for (u32 i = 0; i < nr_reserved; i++)
		if (reserved[i].start > at)
			return reserved[i].start;
	return ~0UL;
}

bool memory_next_free(paddr_t at, paddr_t end, paddr_t *from, paddr_t *to)
{
	paddr_t bank_start, bank_end;

	for (u32 i = 0; memory_bank(i, &bank_start, &bank_end) && bank_start < end; i++) {
		paddr_t start = skip_reserved(MAX(at, bank_start));

		if (start >= MIN(end, bank_end))
			continue;
		*from = start;
		*to = MIN(next_reserved(start), MIN(end, bank_end));
		return true;
	}
	return false;
}

/* First fit from the kernel image upwards, so that early memory is close together and mapped from
 * the start; then anywhere. */
static paddr_t boot_find(size_t size)
{
	paddr_t starts[] = { kernel_phys, 0 }, from, to;

	for (u32 i = 0; i < ARRAY_SIZE(starts); i++)
		for (paddr_t at = starts[i]; memory_next_free(at, ~0UL, &from, &to); at = to)
			if (to - from >= size)
				return from;
	return ~0UL;
}

void *memory_boot_alloc(size_t size)
{
	paddr_t pa;
	u32 order = 0;
	struct page *p;

	size = ALIGN_UP(size, PAGE_SIZE);
	if (zone.ready) {
		while ((PAGE_SIZE << order) < size)
			order++;
		p = order <= MAX_ORDER ? page_alloc(GFP_ATOMIC | GFP_ZERO, order) : NULL;
		if (!p)
			panic("memory: no %zu bytes for boot", size);
		return page_to_virt(p);
	}
	pa = boot_find(size);
	if (pa == ~0UL)
		panic("memory: no %zu bytes for boot", size);
	range_insert(reserved, &nr_reserved, RESERVATIONS_MAX, (struct range) { pa, pa + size });
	for (u32 i = 0; i + 1 < nr_reserved;) { /* allocations in a row are one reservation */
		if (reserved[i].end == reserved[i + 1].start) {
			reserved[i].end = reserved[i + 1].end;
			range_remove(reserved, &nr_reserved, i + 1);
		} else {
			i++;
		}
	}
	return memset(phys_to_virt(pa), 0, size);
}

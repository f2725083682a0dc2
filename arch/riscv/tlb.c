/* SPDX-License-Identifier: MIT */
/*
 * Translation buffers: address-space numbers (ASIDs), switching, and flushing what other harts
 * remember.
 *
 * mm->harts names the harts whose TLB may hold entries of mm. A hart sets its bit before it loads
 * the tables and, where there are ASIDs, never clears it; without them it drops everything at a
 * switch and clears the bit. A flush writes the page table first, then reads mm->harts: either it
 * sees the bit, or that hart loads the tables after the change.
 *
 * ASIDs are numbers of a generation, mm->asid = generation | number. When the numbers run out the
 * generation goes up: the numbers in use on some hart at that moment stay with their owners, all
 * others are free again, and each hart flushes once before it takes one of the new generation.
 *
 * Locks: asid_lock (RANK_TLB, interrupts off) for handing out numbers. The switch itself takes none
 * when mm has a number of this generation: it exchanges asid_active against zero-or-old, and a
 * rollover that comes in between has zeroed it.
 */
#include <arch/pgtable.h>

#include <kernel/bitmap.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/spinlock.h>
#include <kernel/vm.h>

#include "csr.h"
#include "machine.h"
#include "sbi.h"

#define ASID_MAX_BITS	 16
#define ASID_NUMBERS	 (1UL << ASID_MAX_BITS)
#define ASID_NUMBER(ctx) ((ctx) & (ASID_NUMBERS - 1))
#define FLUSH_ALL	 ~0UL
/* A flush of more pages drops everything of the address space. */
#define FLUSH_PAGES_MAX 64

static DEFINE_SPINLOCK(asid_lock, RANK_TLB);
static u32 asid_bits;				  /* [asid_lock] of the poorest hart */
static bool use_asids;				  /* [asid_lock; read without] */
static u64 asid_generation = ASID_NUMBERS;	  /* [a] */
static unsigned long asid_map[ASID_NUMBERS / 64]; /* [asid_lock] taken numbers of this generation */
static u64 asid_next = 1;			  /* [asid_lock] */
static hartmask_t asid_flush_pending;		  /* [asid_lock] */
static DEFINE_PER_HART(u64, asid_active);	  /* [a] what runs there; 0: ask under the lock */
static DEFINE_PER_HART(u64, asid_reserved);	  /* [asid_lock] kept over the last rollover */
/* SiFive erratum CIP-1200: sfence.vma with an address may leave entries. */
static bool flush_whole __ro_after_init;

/* --- this hart --- */

static void local_flush_all(void) { __asm__ volatile("sfence.vma" ::: "memory"); }

static void local_flush_asid(u64 asid)
{
	__asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
}

static void local_flush_page(u64 va)
{
	if (unlikely(flush_whole))
		local_flush_all();
	else
		__asm__ volatile("sfence.vma %0" ::"r"(va) : "memory");
}

static void local_flush_range(u64 start, u64 size, u64 asid)
{
	if (size > FLUSH_PAGES_MAX * PAGE_SIZE || flush_whole) {
		local_flush_asid(asid);
		return;
	}
	for (u64 va = start; va < start + size; va += PAGE_SIZE)
		__asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
}

static void fence_i(void) { __asm__ volatile("fence.i" ::: "memory"); }

u64 satp_of(const pte_t *pgd, u64 asid)
{
	paddr_t pa = is_direct(pgd) ? virt_to_phys(pgd) : kernel_to_phys(pgd);

	return (u64)SATP_MODE_SV39 << SATP_MODE_SHIFT | asid << SATP_ASID_SHIFT | pa >> PAGE_SHIFT;
}

/* --- ASIDs --- */

/* Starts a generation. Returns with only the numbers in use right now taken. */
static void asid_rollover(void)
{
	u32 h;

	for (u32 i = 0; i < ARRAY_SIZE(asid_map); i++)
		asid_map[i] = 0;
	asid_map[0] = 1; /* number 0 is the kernel's own */
	atomic_add_return(&asid_generation, ASID_NUMBERS);
	for_each_hart (h) {
		u64 ctx = atomic_xchg(&hart_var(asid_active, h), 0);

		if (ctx)
			hart_var(asid_reserved, h) = ctx;
		set_bit(ASID_NUMBER(hart_var(asid_reserved, h)), asid_map);
	}
	asid_flush_pending = HARTMASK_ALL;
}

/* ctx kept its number over the rollover: renames it wherever it is reserved. */
static bool asid_was_reserved(u64 ctx, u64 renamed)
{
	bool hit = false;
	u32 h;

	for_each_hart (h)
		if (hart_var(asid_reserved, h) == ctx) {
			hart_var(asid_reserved, h) = renamed;
			hit = true;
		}
	return hit;
}

static u64 asid_take(u64 ctx)
{
	u64 limit = 1UL << asid_bits, generation = READ_ONCE(asid_generation), n;

	if (ctx && ASID_NUMBER(ctx) < limit) {
		u64 same = generation | ASID_NUMBER(ctx);

		if (asid_was_reserved(ctx, same))
			return same;
		if (!test_bit(ASID_NUMBER(ctx), asid_map)) {
			set_bit(ASID_NUMBER(ctx), asid_map);
			return same;
		}
	}
	n = bitmap_find_next_zero(asid_map, limit, asid_next);
	if (n == limit) {
		asid_rollover();
		n = bitmap_find_next_zero(asid_map, limit, 1);
	}
	set_bit(n, asid_map);
	asid_next = n + 1 < limit ? n + 1 : 1;
	return READ_ONCE(asid_generation) | n;
}

static bool asid_current(u64 ctx) { return (ctx ^ READ_ONCE(asid_generation)) < ASID_NUMBERS; }

static u64 asid_get_slow(struct mm *mm)
{
	u64 flags = spin_lock_irqsave(&asid_lock), ctx = mm->asid;
	hartmask_t me = HARTMASK_OF(this_hart_nr());

	if (!asid_current(ctx)) {
		ctx = asid_take(ctx);
		WRITE_ONCE(mm->asid, ctx);
	}
	if (asid_flush_pending & me) {
		asid_flush_pending &= ~me;
		local_flush_all();
	}
	WRITE_ONCE(this_hart(asid_active), ctx);
	spin_unlock_irqrestore(&asid_lock, flags);
	return ctx;
}

/* mm's number, made current here. */
static u64 asid_get(struct mm *mm)
{
	u64 ctx = READ_ONCE(mm->asid), old = READ_ONCE(this_hart(asid_active));

	if (likely(old && asid_current(ctx) && atomic_cmpxchg(&this_hart(asid_active), old, ctx)))
		return ASID_NUMBER(ctx);
	return ASID_NUMBER(asid_get_slow(mm));
}

/* Writes ones to satp.ASID and sees how many stay. */
static u32 asid_width(void)
{
	u64 old = csr_read(satp), got;

	csr_write(satp, old | (ASID_NUMBERS - 1) << SATP_ASID_SHIFT);
	got = csr_read(satp) >> SATP_ASID_SHIFT & (ASID_NUMBERS - 1);
	csr_write(satp, old);
	local_flush_all();
	return 64 - (got ? (u32)__builtin_clzl(got) : 64);
}

/* A hart with fewer numbers than those before it makes all use fewer. */
void tlb_init_hart(void)
{
	u64 flags = spin_lock_irqsave(&asid_lock);
	u32 width = asid_width();

	if (width < asid_bits) {
		asid_bits = width;
		use_asids = 1UL << width > 2 * NR_HARTS_MAX;
		asid_next = 1;
		asid_rollover();
	}
	spin_unlock_irqrestore(&asid_lock, flags);
}

void __init asid_init(void)
{
	u64 core = sbi.marchid & ~(1UL << 63), version = sbi.mimpid & 0xffffff;

	paging_freeze_roots();
	asid_bits = asid_width();
	use_asids = 1UL << asid_bits > 2 * NR_HARTS_MAX;
	asid_map[0] = 1;
	flush_whole = sbi.mvendorid == 0x489 && (core == 7 || core == 1) && version <= 0x200630 &&
		      sbi.mimpid != 0x1200626;
}

void mm_context_free(struct mm *mm)
{
	/* Its number comes back with the next generation, when every hart has flushed. */
}

/* --- switching --- */

void mm_switch(struct mm *prev, struct mm *next)
{
	hartmask_t me = HARTMASK_OF(this_hart_nr());

	if (!(READ_ONCE(next->harts) & me))
		atomic_fetch_or(&next->harts, me);
	if (likely(READ_ONCE(use_asids))) {
		csr_write(satp, satp_of(next->pgd, asid_get(next)));
	} else {
		csr_write(satp, satp_of(next->pgd, 0));
		local_flush_asid(0);
		if (prev && prev != next)
			atomic_fetch_and(&prev->harts, ~me);
	}
	if (unlikely(READ_ONCE(next->icache_stale) & me)) {
		atomic_fetch_and(&next->icache_stale, ~me);
		fence_i();
	}
}

/* --- flushing --- */

static void flush_mm(struct mm *mm, u64 start, u64 size)
{
	hartmask_t harts, me;
	u64 asid;

	preempt_disable();
	smp_mb(); /* the page table was written before; see the top */
	harts = READ_ONCE(mm->harts);
	me = HARTMASK_OF(this_hart_nr());
	asid = READ_ONCE(use_asids) ? ASID_NUMBER(READ_ONCE(mm->asid)) : 0;
	if (harts & me)
		local_flush_range(start, size, asid);
	if (unlikely(harts & ~me)) {
		if (size > FLUSH_PAGES_MAX * PAGE_SIZE)
			size = FLUSH_ALL;
		if (READ_ONCE(use_asids))
			sbi_sfence_asid(harts & ~me, start, size, asid);
		else
			sbi_sfence(harts & ~me, start, size);
	}
	preempt_enable();
}

void tlb_flush_page(struct mm *mm, u64 va) { flush_mm(mm, va & PAGE_MASK, PAGE_SIZE); }

void tlb_flush_range(struct mm *mm, u64 start, u64 end)
{
	if (start < end)
		flush_mm(mm, start & PAGE_MASK, ALIGN_UP(end, PAGE_SIZE) - (start & PAGE_MASK));
}

void tlb_flush_mm(struct mm *mm) { flush_mm(mm, 0, FLUSH_ALL); }

void tlb_flush_local(u64 va) { local_flush_page(va); }

void tlb_flush_kernel(vaddr_t va, u64 size)
{
	bool whole = size > FLUSH_PAGES_MAX * PAGE_SIZE;

	preempt_disable();
	smp_mb();
	if (whole)
		local_flush_all();
	else
		for (u64 done = 0; done < size; done += PAGE_SIZE)
			local_flush_page(va + done);
	sbi_sfence(READ_ONCE(harts_online) & ~HARTMASK_OF(this_hart_nr()), va,
		   whole ? FLUSH_ALL : size);
	preempt_enable();
}

void fence_i_all(void)
{
	preempt_disable();
	smp_mb();
	fence_i();
	sbi_fence_i(READ_ONCE(harts_online) & ~HARTMASK_OF(this_hart_nr()));
	preempt_enable();
}

void tlb_flush_icache(struct mm *mm)
{
	hartmask_t me;

	preempt_disable();
	me = HARTMASK_OF(this_hart_nr());
	WRITE_ONCE(mm->icache_stale, HARTMASK_ALL & ~me);
	smp_mb(); /* a hart that sets its bit in mm->harts later sees that it is stale */
	fence_i();
	sbi_fence_i(READ_ONCE(mm->harts) & ~me);
	preempt_enable();
}

/* SPDX-License-Identifier: MIT */
/*
 * User page tables: walking, filling, emptying, copying, moving. Three levels (Sv39); level 2 is
 * the root.
 *
 * An entry is empty (0), a page (PTE_V, or PTE_NONE_BITS when the VMA allows no access), or
 * special: PTE_SPECIAL with no counted page behind it (the zero page, device memory). A page's
 * entry holds one reference and one mapcount, and counts in one of the mm's rss counters.
 *
 * Locks: entries change under mm->page_table_lock. Tables appear under mm->lock held for reading
 * (the slot is filled under page_table_lock) and go only under mm->lock held for writing, after the
 * VMAs they served left their file's tree: so who holds mm->lock, or the vma_lock of the file
 * mapped there, may walk down without page_table_lock. Pages are freed only after the TLB entries
 * for them are gone; a dead mm has no user left who could use such entries.
 */
#include "vma.h"

#include <arch/cpu.h>
#include <kernel/errno.h>
#include <kernel/pagecache.h>
#include <kernel/sched.h>

struct page *zero_page;

enum rss_kind { RSS_ANON, RSS_FILE, RSS_SHMEM };

static inline enum rss_kind page_rss_kind(const struct page *p)
{
	u32 flags = READ_ONCE(p->flags);

	if (flags & PG_ANON)
		return RSS_ANON;
	return flags & PG_KEPT ? RSS_SHMEM : RSS_FILE;
}

s64 *mm_rss_counter(struct mm *mm, const struct page *p)
{
	switch (page_rss_kind(p)) {
	case RSS_ANON:
		return &mm->rss_anon;
	case RSS_FILE:
		return &mm->rss_file;
	default:
		return &mm->rss_shmem;
	}
}

bool page_mark_icache(struct page *p)
{
	if (READ_ONCE(p->flags) & PG_ICLEAN)
		return false;
	return !(atomic_fetch_or(&p->flags, PG_ICLEAN) & PG_ICLEAN);
}

/* --- walking --- */

static inline pte_t *table_of(pte_t entry) { return phys_to_virt(pte_pfn(entry) << PAGE_SHIFT); }

pte_t *pt_find(struct mm *mm, u64 addr)
{
	pte_t e = pte_read(&mm->pgd[pte_index(addr, 2)]);

	if (!e)
		return NULL;
	e = pte_read(&table_of(e)[pte_index(addr, 1)]);
	return e ? &table_of(e)[pte_index(addr, 0)] : NULL;
}

pte_t *pt_walk(struct mm *mm, u64 addr, u64 end, u64 *next)
{
	pte_t e = pte_read(&mm->pgd[pte_index(addr, 2)]);

	if (!e) {
		*next = MIN(end, (addr | (PUD_SIZE - 1)) + 1);
		return NULL;
	}
	*next = MIN(end, (addr | (PMD_SIZE - 1)) + 1);
	e = pte_read(&table_of(e)[pte_index(addr, 1)]);
	return e ? &table_of(e)[pte_index(addr, 0)] : NULL;
}

/* Fills an empty slot with a fresh table, or finds that somebody did. */
static bool table_make(struct mm *mm, pte_t *slot)
{
	struct page *p = page_alloc(GFP_KERNEL | GFP_ZERO, 0);
	bool raced;

	if (!p)
		return false;
	p->flags |= PG_TABLE;
	spin_lock(&mm->page_table_lock);
	raced = pte_read(slot) != 0;
	if (!raced) {
		smp_wmb(); /* zeroes before the way to them */
		pte_set(slot, pte_make(page_to_pfn(p), PTE_V));
		mm->pt_bytes += PAGE_SIZE;
	}
	spin_unlock(&mm->page_table_lock);
	if (raced) {
		p->flags &= ~PG_TABLE;
		page_free(p, 0);
	} else {
		memory_count(MEM_PAGE_TABLES, 1);
	}
	return true;
}

pte_t *pt_alloc(struct mm *mm, u64 addr)
{
	pte_t *slot = &mm->pgd[pte_index(addr, 2)];

	if (unlikely(!pte_read(slot)) && !table_make(mm, slot))
		return NULL;
	slot = &table_of(pte_read(slot))[pte_index(addr, 1)];
	if (unlikely(!pte_read(slot)) && !table_make(mm, slot))
		return NULL;
	return &table_of(pte_read(slot))[pte_index(addr, 0)];
}

/* --- emptying --- */

#define ZAP_BATCH 128

struct zap {
	struct mm *mm;
	enum zap_mode mode;
	u32 n;
	u64 from, to;		    /* touched since the last flush */
	s64 rss[3];		    /* entries gone, by kind, not yet taken off mm's counters */
	s64 last_anon, last_mapped; /* pages that nobody maps any more */
	struct page *page[ZAP_BATCH];
};

#define EMPTY_RUN 8

static __always_inline bool run_empty(const pte_t *pte)
{
	if (pte_read(&pte[0]) | pte_read(&pte[1]) | pte_read(&pte[2]) | pte_read(&pte[3]))
		return false;
	return !(pte_read(&pte[4]) | pte_read(&pte[5]) | pte_read(&pte[6]) | pte_read(&pte[7]));
}

/* Up to the end, or until the batch is full; returns where it stopped. page_table_lock held. */
static u64 zap_entries(struct zap *z, pte_t *pte, u64 addr, u64 end)
{
	for (; addr < end && z->n < ZAP_BATCH; addr += PAGE_SIZE, pte++) {
		pte_t e = pte_read(pte);
		struct page *p;
		enum rss_kind kind;

		if (!e) { /* rarely alone */
			while (end - addr > EMPTY_RUN * PAGE_SIZE && run_empty(pte + 1)) {
				addr += EMPTY_RUN * PAGE_SIZE;
				pte += EMPTY_RUN;
			}
			continue;
		}
		if (e & PTE_SPECIAL) {
			pte_set(pte, 0);
			z->to = addr + PAGE_SIZE;
			z->from = MIN(z->from, addr);
			continue;
		}
		p = pfn_to_page(pte_pfn(e));
		kind = page_rss_kind(p);
		if (kind == RSS_ANON && z->mode == ZAP_FILE_ONLY)
			continue;
		pte_set(pte, 0);
		z->to = addr + PAGE_SIZE;
		z->from = MIN(z->from, addr);
		z->rss[kind]++;
		if (atomic_sub_return(&p->mapcount, 1) == 0) {
			if (kind == RSS_ANON)
				z->last_anon++;
			else
				z->last_mapped++;
		}
		z->page[z->n++] = p;
	}
	return addr;
}

/* Takes what was counted off the mm. page_table_lock held. */
static void zap_account(struct zap *z)
{
	struct mm *mm = z->mm;
	u64 rss = vm_rss(mm);

	if (rss > mm->hiwater_rss)
		mm->hiwater_rss = rss;
	mm->rss_anon -= z->rss[RSS_ANON];
	mm->rss_file -= z->rss[RSS_FILE];
	mm->rss_shmem -= z->rss[RSS_SHMEM];
	z->rss[RSS_ANON] = z->rss[RSS_FILE] = z->rss[RSS_SHMEM] = 0;
}

static void zap_flush(struct zap *z)
{
	if (z->to && z->mode != ZAP_DEAD)
		tlb_flush_range(z->mm, z->from, z->to);
	z->from = ~0UL;
	z->to = 0;
	if (z->n)
		page_put_many(z->page, z->n);
	z->n = 0;
}

void pt_zap(struct mm *mm, u64 start, u64 end, enum zap_mode mode)
{
	struct zap z;
	u64 addr = start, next;
	pte_t *pte;

	z.mm = mm;
	z.mode = mode;
	z.n = 0;
	z.from = ~0UL;
	z.to = 0;
	z.rss[RSS_ANON] = z.rss[RSS_FILE] = z.rss[RSS_SHMEM] = 0;
	z.last_anon = z.last_mapped = 0;
	while (addr < end) {
		pte = pt_walk(mm, addr, end, &next);
		if (!pte) {
			addr = next;
			continue;
		}
		spin_lock(&mm->page_table_lock);
		addr = zap_entries(&z, pte, addr, next);
		zap_account(&z);
		spin_unlock(&mm->page_table_lock);
		if (z.n == ZAP_BATCH)
			zap_flush(&z);
		cond_resched();
	}
	zap_flush(&z);
	if (z.last_anon)
		memory_count(MEM_ANON, -z.last_anon);
	if (z.last_mapped)
		memory_count(MEM_MAPPED, -z.last_mapped);
}

static void table_take(struct mm *mm, pte_t *slot, struct list_head *tables)
{
	struct page *p = pfn_to_page(pte_pfn(pte_read(slot)));

	pte_set(slot, 0);
	list_add_tail(&p->link, tables);
	mm->pt_bytes -= PAGE_SIZE;
}

/* Takes lower tables out of one table of level 1. */
static void collect_leaves(struct mm *mm, pte_t *middle, u64 first, u64 last,
			   struct list_head *tables)
{
	for (; first < last; first += PMD_SIZE)
		if (pte_read(&middle[pte_index(first, 1)]))
			table_take(mm, &middle[pte_index(first, 1)], tables);
}

void pt_collect(struct mm *mm, u64 start, u64 end, u64 floor, u64 ceiling, struct list_head *tables)
{
	u64 first = MAX(ALIGN_UP(floor, PMD_SIZE), ALIGN_DOWN(start, PMD_SIZE));
	u64 last = MIN(ALIGN_DOWN(ceiling, PMD_SIZE), ALIGN_UP(end, PMD_SIZE));
	u64 part, base;

	for (; first < last; first = part) {
		pte_t *slot = &mm->pgd[pte_index(first, 2)];

		part = MIN(last, (first | (PUD_SIZE - 1)) + 1);
		if (!pte_read(slot))
			continue;
		collect_leaves(mm, table_of(pte_read(slot)), first, part, tables);
		base = ALIGN_DOWN(first, PUD_SIZE);
		if (base >= floor && base + PUD_SIZE <= ceiling)
			table_take(mm, slot, tables);
	}
}

void pt_release(struct mm *mm, struct list_head *tables)
{
	struct page *p, *n;
	s64 count = 0;

	if (list_empty(tables))
		return;
	tlb_flush_mm(mm); /* harts also cache the upper levels */
	list_for_each_entry_safe (p, n, tables, link) {
		list_del(&p->link);
		p->flags &= ~PG_TABLE;
		page_free(p, 0);
		count++;
	}
	memory_count(MEM_PAGE_TABLES, -count);
}

/* --- fork --- */

/* Something of its own is in [addr, end) of this table: its place, or NULL. */
static pte_t *first_private(pte_t *pte, u64 *addr, u64 end, bool device)
{
	for (; *addr < end; *addr += PAGE_SIZE, pte++) {
		pte_t e = pte_read(pte);

		if (!e)
			continue;
		if (e & PTE_SPECIAL ? device
				    : (READ_ONCE(pfn_to_page(pte_pfn(e))->flags) & PG_ANON) != 0)
			return pte;
	}
	return NULL;
}

/* Both page_table_locks held. Returns pages copied. */
static s64 copy_entries(pte_t *to, pte_t *from, u64 n, bool device, bool *changed)
{
	s64 copied = 0;

	for (; n; n--, from++, to++) {
		pte_t e = pte_read(from);
		struct page *p;

		if (!e)
			continue;
		if (e & PTE_SPECIAL) {
			if (device)
				pte_set(to, e);
			continue;
		}
		p = pfn_to_page(pte_pfn(e));
		if (!(READ_ONCE(p->flags) & PG_ANON))
			continue;
		if (e & PTE_W) {
			e &= ~PTE_W;
			__atomic_fetch_and(from, ~PTE_W, __ATOMIC_RELAXED);
			*changed = true;
		}
		page_get(p);
		atomic_inc(&p->mapcount);
		pte_set(to, e);
		copied++;
	}
	return copied;
}

int pt_copy(struct mm *dst, struct vma *vma, bool *changed)
{
	struct mm *src = vma->mm;
	bool device = vma->flags & VM_IO;
	u64 addr, next;

	for (addr = vma->start; addr < vma->end; addr = next) {
		pte_t *from = pt_walk(src, addr, vma->end, &next), *to;

		if (from)
			from = first_private(from, &addr, next, device);
		if (!from)
			continue;
		to = pt_alloc(dst, addr);
		if (!to)
			return -ENOMEM;
		spin_lock(&src->page_table_lock);
		spin_lock_nested(&dst->page_table_lock); /* parent first */
		dst->rss_anon +=
			copy_entries(to, from, (next - addr) >> PAGE_SHIFT, device, changed);
		spin_unlock(&dst->page_table_lock);
		spin_unlock(&src->page_table_lock);
		cond_resched();
	}
	return 0;
}

/* --- changing rights --- */

/* The entry a page gets under new rights: writable at once where no write fault has anything left
 * to do. */
static pte_t entry_with_rights(const struct vma *vma, pte_t e, u64 flags, bool *icache)
{
	struct page *p = e & PTE_SPECIAL ? NULL : pfn_to_page(pte_pfn(e));
	bool write = flags & VM_WRITE;

	if (!p)
		write = write && (vma->flags & VM_IO) && (vma->flags & VM_SHARED);
	else if (p->flags & PG_ANON)
		write = write && refcount_read(&p->refs) == 1;
	else
		write = write && (vma->flags & VM_SHARED) && ((e & PTE_W) || (p->flags & PG_KEPT));
	if ((flags & VM_EXEC) && p && page_mark_icache(p))
		*icache = true;
	return (e & ~((1UL << PTE_PFN_SHIFT) - 1)) | (e & PTE_SPECIAL) | vma_pte_bits(flags, write);
}

void pt_protect(struct vma *vma, u64 start, u64 end, u64 flags)
{
	struct mm *mm = vma->mm;
	bool changed = false, icache = false;
	u64 addr, next;

	for (addr = start; addr < end; addr = next) {
		pte_t *pte = pt_walk(mm, addr, end, &next);

		if (!pte)
			continue;
		spin_lock(&mm->page_table_lock);
		for (; addr < next; addr += PAGE_SIZE, pte++) {
			pte_t e = pte_read(pte), n;

			if (!e)
				continue;
			n = entry_with_rights(vma, e, flags, &icache);
			if (n == e)
				continue;
			pte_set(pte, n);
			changed = true;
		}
		spin_unlock(&mm->page_table_lock);
		cond_resched();
	}
	if (changed)
		tlb_flush_range(mm, start, end);
	if (icache)
		fence_i_all();
}

/* --- moving (mremap) --- */

static u64 move_step(u64 from, u64 to, u64 left)
{
	u64 a = PMD_SIZE - (from & (PMD_SIZE - 1)), b = PMD_SIZE - (to & (PMD_SIZE - 1));

	return MIN(left, MIN(a, b));
}

static bool any_entry(const pte_t *pte, u64 n)
{
	while (n--)
		if (pte_read(pte++))
			return true;
	return false;
}

u64 pt_move(struct mm *mm, u64 from, u64 to, u64 len, struct mapping *file)
{
	u64 done, step, i, next;

	for (done = 0; done < len; done += step) {
		pte_t *src = pt_walk(mm, from + done, from + len, &next), *dst;

		step = move_step(from + done, to + done, len - done);
		if (!src) {
			step = MIN(next - (from + done), len - done);
			continue;
		}
		if (!any_entry(src, step >> PAGE_SHIFT))
			continue;
		dst = pt_alloc(mm, to + done);
		if (!dst)
			break;
		if (file) /* or a truncation would look at `to` before and at `from` after the move
			   */
			down_write(&file->vma_lock);
		spin_lock(&mm->page_table_lock);
		for (i = 0; i < step >> PAGE_SHIFT; i++) {
			pte_t e = pte_read(&src[i]);

			if (!e)
				continue;
			pte_set(&src[i], 0);
			pte_set(&dst[i], e);
		}
		spin_unlock(&mm->page_table_lock);
		tlb_flush_range(mm, from + done, from + done + step);
		if (file)
			up_write(&file->vma_lock);
		cond_resched();
	}
	return done;
}

/* SPDX-License-Identifier: MIT */
/*
 * Page faults: what a first touch, a write to a shared page, or a stale TLB entry asks for.
 *
 *	nothing there, anonymous	read: the zero page; write: a zeroed page
 *	nothing there, file		cached neighbours too, up to 16 (fault-around); private write: a copy
 *	nothing there, ops->fault	whatever it gives
 *	there, read-only, write		private: the page itself when nobody else has it, else a copy;
 *					shared: writable
 *	there, and allowed		another hart was faster, or the TLB is stale: nothing to do
 *
 * mm->lock is held for reading, for all of it; memory is allocated and filled before
 * page_table_lock is taken. Each path looks at the entry again under that lock and, when it is no
 * longer what it was, changes nothing: the access faults again.
 *
 * Shared file pages are marked dirty after the entry became writable: write-back that cleans in
 * between sees the writable entry (rmap.c); what it cleans later faults again.
 */
#include "vma.h"

#include <arch/cpu.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/pagecache.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/timer.h>

#define AROUND_PAGES 16UL
#define AROUND_SIZE  (AROUND_PAGES << PAGE_SHIFT)

static enum vm_fault no_memory(void)
{
	return fatal_signal_pending() ? VM_FAULT_KILLED : VM_FAULT_OOM;
}

static enum vm_fault fault_of_error(long error)
{
	switch (error) {
	case 0:
		return VM_FAULT_OK;
	case -ENOMEM:
		return no_memory();
	case -EINTR:
	case -ERESTARTSYS:
		return VM_FAULT_KILLED;
	default:
		return VM_FAULT_BUS;
	}
}

/* Before a page is mapped executable. */
static void sync_icache(const struct vma *vma, struct page *p)
{
	if (unlikely(vma->flags & VM_EXEC) && page_mark_icache(p))
		fence_i_all();
}

/* A page nobody else knows, at an address where nothing is: consumes the reference. */
static enum vm_fault map_new_anon(struct vma *vma, u64 addr, pte_t *pte, struct page *p)
{
	struct mm *mm = vma->mm;
	pte_t e = pte_make(page_to_pfn(p), vma_pte_bits(vma->flags, vma->flags & VM_WRITE));

	p->flags |= PG_ANON;
	p->mapcount = 1;
	sync_icache(vma, p);
	vma->has_anon = true;
	spin_lock(&mm->page_table_lock);
	if (unlikely(pte_read(pte) != 0)) {
		spin_unlock(&mm->page_table_lock);
		p->mapcount = 0;
		page_put(p);
		return VM_FAULT_OK;
	}
	smp_wmb(); /* content before entry */
	pte_set(pte, e);
	mm->rss_anon++;
	spin_unlock(&mm->page_table_lock);
	memory_count(MEM_ANON, 1);
	tlb_flush_local(addr);
	return VM_FAULT_OK;
}

static enum vm_fault fault_anon(struct vma *vma, u64 addr, pte_t *pte, bool write)
{
	struct mm *mm = vma->mm;
	struct page *p;

	if (!write) {
		spin_lock(&mm->page_table_lock);
		if (likely(pte_read(pte) == 0))
			pte_set(pte, pte_make(page_to_pfn(zero_page),
					      vma_pte_bits(vma->flags, false) | PTE_SPECIAL));
		spin_unlock(&mm->page_table_lock);
		tlb_flush_local(addr);
		return VM_FAULT_OK;
	}
	p = page_alloc(GFP_USER, 0);
	if (unlikely(!p))
		return no_memory();
	page_zero(page_to_virt(p));
	return map_new_anon(vma, addr, pte, p);
}

/* Puts a private copy where `e` (a page we hold a reference to, or the zero page) still is.
 * Consumes the reference to p. */
static enum vm_fault replace_by_copy(struct vma *vma, u64 addr, pte_t *pte, pte_t e,
				     struct page *old, struct page *p)
{
	struct mm *mm = vma->mm;
	s64 anon = 1, mapped = 0;
	bool gone = false;

	p->flags |= PG_ANON;
	p->mapcount = 1;
	sync_icache(vma, p);
	vma->has_anon = true;
	spin_lock(&mm->page_table_lock);
	if (unlikely(pte_read(pte) != e)) {
		spin_unlock(&mm->page_table_lock);
		p->mapcount = 0;
		page_put(p);
		return VM_FAULT_OK;
	}
	/* No hart may read the old page once another can write the new one: empty, flushed, then
	 * filled. */
	pte_set(pte, 0);
	tlb_flush_page(mm, addr);
	pte_set(pte, pte_make(page_to_pfn(p), vma_pte_bits(vma->flags, vma->flags & VM_WRITE)));
	if (old) {
		--*mm_rss_counter(mm, old);
		gone = atomic_sub_return(&old->mapcount, 1) == 0;
	}
	mm->rss_anon++;
	spin_unlock(&mm->page_table_lock);
	if (gone) {
		if (old->flags & PG_ANON)
			anon--;
		else
			mapped--;
	}
	if (anon)
		memory_count(MEM_ANON, anon);
	if (mapped)
		memory_count(MEM_MAPPED, mapped);
	if (old)
		page_put(old); /* the entry's; the caller still holds its own */
	tlb_flush_local(addr);
	return VM_FAULT_OK;
}

/* A write to a read-only entry of a private mapping. */
static __noinline enum vm_fault fault_cow(struct vma *vma, u64 addr, pte_t *pte, pte_t e)
{
	struct mm *mm = vma->mm;
	struct page *old = NULL, *p;
	enum vm_fault ret;

	if (e & PTE_SPECIAL) {
		if (pte_pfn(e) != page_to_pfn(zero_page))
			return VM_FAULT_BUS; /* private device memory is not copied */
	} else {
		spin_lock(&mm->page_table_lock);
		if (unlikely(pte_read(pte) != e)) {
			spin_unlock(&mm->page_table_lock);
			return VM_FAULT_OK;
		}
		old = pfn_to_page(pte_pfn(e));
		/* The one reference is this entry's, and new ones come only through it. */
		if ((old->flags & PG_ANON) && refcount_read(&old->refs) == 1) {
			pte_set(pte, pte_make(pte_pfn(e),
					      vma_pte_bits(vma->flags, vma->flags & VM_WRITE)));
			spin_unlock(&mm->page_table_lock);
			tlb_flush_local(addr);
			return VM_FAULT_OK;
		}
		page_get(old);
		spin_unlock(&mm->page_table_lock);
	}
	p = page_alloc(GFP_USER, 0);
	if (unlikely(!p)) {
		ret = no_memory();
		goto out;
	}
	if (old)
		page_copy(page_to_virt(p), page_to_virt(old));
	else
		page_zero(page_to_virt(p));
	ret = replace_by_copy(vma, addr, pte, e, old, p);
out:
	if (old)
		page_put(old);
	return ret;
}

/* --- files --- */

static u64 file_pages(const struct mapping *m)
{
	return DIV_ROUND_UP((u64)READ_ONCE(m->host->size), PAGE_SIZE);
}

/* Writing through a shared mapping needs nothing of us: pages that live nowhere else cannot be
 * lost. */
static bool write_untracked(const struct vma *vma, const struct mapping *m)
{
	return m->ops->kept && !(vma->ops && vma->ops->page_mkwrite);
}

/* Enters referenced cache pages into consecutive entries, as far as those are empty and the pages
 * still the file's; page[i] is NULL afterwards when the entry took the reference. `want`: the one
 * that was asked for; true if it is in. */
static bool map_cached(struct vma *vma, pte_t *pte, struct page **page, u32 n, u32 want,
		       struct mapping *m, bool write)
{
	struct mm *mm = vma->mm;
	pte_t bits = vma_pte_bits(vma->flags, write);
	s64 files = 0, shmem = 0, mapped = 0;
	bool icache = false, got;
	u32 i;

	if (vma->flags & VM_EXEC) {
		for (i = 0; i < n; i++)
			if (page[i] && page_mark_icache(page[i]))
				icache = true;
		if (icache)
			fence_i_all();
	}
	spin_lock(&mm->page_table_lock);
	for (i = 0; i < n; i++) {
		struct page *p = page[i];

		if (!p || pte_read(&pte[i]) != 0 || READ_ONCE(p->mapping) != m)
			continue;
		if (atomic_add_return(&p->mapcount, 1) == 1)
			mapped++;
		if (p->flags & PG_KEPT)
			shmem++;
		else
			files++;
		pte_set(&pte[i], pte_make(page_to_pfn(p), bits));
		page[i] = NULL;
	}
	mm->rss_file += files;
	mm->rss_shmem += shmem;
	got = pte_read(&pte[want]) != 0;
	spin_unlock(&mm->page_table_lock);
	if (mapped)
		memory_count(MEM_MAPPED, mapped);
	return got;
}

/* Maps what is cached around addr; true when addr itself was. */
static bool fault_around(struct vma *vma, u64 addr, pte_t *pte, struct mapping *m, u64 eof)
{
	struct page *page[AROUND_PAGES] __uninitialized;
	u64 window = ALIGN_DOWN(addr, AROUND_SIZE);
	u64 start = MAX(window, vma->start), end = MIN(window + AROUND_SIZE, vma->end);
	u64 index = vma_pgoff(vma, start);
	u32 n, i, want = (u32)((addr - start) >> PAGE_SHIFT);
	bool got;

	n = (u32)MIN((end - start) >> PAGE_SHIFT, eof - index);
	pte -= want;
	for (i = 0; i < n; i++)
		page[i] = pte_read(&pte[i]) == 0 ? PAGE_WANTED : NULL;
	if (!page[want])
		return true; /* somebody was faster */
	pagecache_find_ready(m, index, page, n);
	got = page[want] && map_cached(vma, pte, page, n, want, m,
				       (vma->flags & VM_SHARED) && (vma->flags & VM_WRITE) &&
					       write_untracked(vma, m));
	for (i = 0; i < n; i++)
		if (page[i])
			page_put(page[i]);
	if (got)
		tlb_flush_local(addr);
	return got;
}

static void touch_mtime(struct file *file)
{
	struct inode *inode = file->inode;

	inode->mtime = inode->ctime = ktime_get_coarse_real();
	if (inode->sb && inode->sb->ops && inode->sb->ops->dirty_inode)
		inode->sb->ops->dirty_inode(inode, I_DIRTY);
}

/* A shared file page is to become writable: the filesystem may object. p is referenced. */
static int prepare_write(struct vma *vma, struct mapping *m, struct page *p)
{
	if (vma->ops && vma->ops->page_mkwrite) {
		int ret = vma->ops->page_mkwrite(vma, p);

		if (ret)
			return ret;
	}
	if (m && !write_untracked(vma, m))
		touch_mtime(vma->file);
	return 0;
}

/* A private write to a page that is not ours: starts with a copy of it. Consumes the reference to
 * `from`. */
static enum vm_fault fault_copy_of(struct vma *vma, u64 addr, pte_t *pte, struct page *from)
{
	struct page *p = page_alloc(GFP_USER, 0);

	if (unlikely(!p)) {
		page_put(from);
		return no_memory();
	}
	page_copy(page_to_virt(p), page_to_virt(from));
	page_put(from);
	return map_new_anon(vma, addr, pte, p);
}

/* A write to a shared mapping where the page is there already, read-only. */
static __noinline enum vm_fault fault_shared_write(struct vma *vma, u64 addr, pte_t *pte, pte_t e)
{
	struct mapping *m = vma->file ? vma->file->mapping : NULL;
	struct mm *mm = vma->mm;
	struct page *p;
	bool same;
	int ret;

	if (e & PTE_SPECIAL) {
		atomic_or(pte, vma_pte_bits(vma->flags, true));
		tlb_flush_local(addr);
		return VM_FAULT_OK;
	}
	spin_lock(&mm->page_table_lock);
	same = pte_read(pte) == e;
	p = pfn_to_page(pte_pfn(e));
	if (same)
		page_get(p);
	spin_unlock(&mm->page_table_lock);
	if (!same)
		return VM_FAULT_OK;
	ret = prepare_write(vma, m, p);
	if (ret == 0) {
		spin_lock(&mm->page_table_lock);
		same = pte_read(pte) == e;
		if (same)
			pte_set(pte, pte_make(pte_pfn(e), vma_pte_bits(vma->flags, true)));
		spin_unlock(&mm->page_table_lock);
		tlb_flush_local(addr);
		if (same && m && READ_ONCE(p->mapping) == m)
			page_set_dirty(p);
	}
	page_put(p);
	return fault_of_error(ret);
}

static __noinline enum vm_fault fault_file(struct vma *vma, u64 addr, pte_t *pte, bool write)
{
	struct mapping *m = vma->file->mapping;
	u64 index = vma_pgoff(vma, addr), eof;
	bool shared = vma->flags & VM_SHARED, got;
	struct page *p, *one[1];
	int ret = 0;

	if (unlikely(!m || index >= (eof = file_pages(m))))
		return VM_FAULT_BUS;
	if ((!write || (shared && write_untracked(vma, m))) && fault_around(vma, addr, pte, m, eof))
		return VM_FAULT_OK;
	p = pagecache_find(m, index);
	if (!p || !(READ_ONCE(p->flags) & PG_UPTODATE)) {
		if (p)
			page_put(p);
		if (m->ops->read_page) {
			vm_event(VM_PGMAJFAULT);
			current->maj_flt++;
			current->min_flt--;
		}
		p = pagecache_read(m, vma->file, index);
		if (IS_ERR(p))
			return fault_of_error(PTR_ERR(p));
	}
	if (unlikely(index >= file_pages(m))) { /* cut off meanwhile */
		page_put(p);
		return VM_FAULT_BUS;
	}
	if (write && !shared)
		return fault_copy_of(vma, addr, pte, p);
	if (write) {
		ret = prepare_write(vma, m, p);
		if (ret) {
			page_put(p);
			return fault_of_error(ret);
		}
	}
	page_get(p); /* one for the entry, one to mark it dirty */
	one[0] = p;
	got = map_cached(vma, pte, one, 1, 0, m,
			 shared && (vma->flags & VM_WRITE) && (write || write_untracked(vma, m)));
	if (one[0])
		page_put(one[0]);
	else if (write)
		page_set_dirty(p);
	page_put(p);
	if (got)
		tlb_flush_local(addr);
	return VM_FAULT_OK;
}

/* ops->fault: device-like mappings, the vDSO. */
static __noinline enum vm_fault fault_special(struct vma *vma, u64 addr, pte_t *pte, bool write)
{
	struct mm *mm = vma->mm;
	struct page *p = NULL;
	bool taken, first = false;
	int ret;

	ret = vma->ops->fault(vma, vma_pgoff(vma, addr), write, &p);
	if (ret)
		return ret == -EFAULT ? VM_FAULT_BUS : fault_of_error(ret);
	if (write && !(vma->flags & VM_SHARED))
		return fault_copy_of(vma, addr, pte, p);
	if (write && vma->ops->page_mkwrite) {
		ret = vma->ops->page_mkwrite(vma, p);
		if (ret) {
			page_put(p);
			return fault_of_error(ret);
		}
	}
	sync_icache(vma, p);
	spin_lock(&mm->page_table_lock);
	taken = pte_read(pte) != 0;
	if (!taken) {
		first = atomic_add_return(&p->mapcount, 1) == 1;
		++*mm_rss_counter(mm, p);
		pte_set(pte, pte_make(page_to_pfn(p), vma_pte_bits(vma->flags, write)));
	}
	spin_unlock(&mm->page_table_lock);
	if (taken)
		page_put(p);
	if (first)
		memory_count(MEM_MAPPED, 1);
	tlb_flush_local(addr);
	return VM_FAULT_OK;
}

enum vm_fault vm_fault_page(struct vma *vma, u64 addr, bool write)
{
	pte_t *pte = pt_alloc(vma->mm, addr), e, need;

	if (unlikely(!pte))
		return no_memory();
	e = pte_read(pte);
	if (e == 0) {
		if (vma->anon)
			return fault_anon(vma, addr, pte, write);
		if (vma->ops && vma->ops->fault)
			return fault_special(vma, addr, pte, write);
		return fault_file(vma, addr, pte, write);
	}
	if (write && !pte_write(e))
		return vma->flags & VM_SHARED ? fault_shared_write(vma, addr, pte, e)
					      : fault_cow(vma, addr, pte, e);
	need = write ? PTE_A | PTE_D : PTE_A; /* harts that leave these to us */
	if (unlikely((e & need) != need)) {
		spin_lock(&vma->mm->page_table_lock);
		if (pte_read(pte) == e)
			pte_set(pte, e | need);
		spin_unlock(&vma->mm->page_table_lock);
	}
	tlb_flush_local(addr);
	return VM_FAULT_OK;
}

/* --- stacks --- */

/* A stack may come no closer than the guard gap to something that is mapped and can be accessed. */
static bool guard_gap_free(struct vma *vma, u64 start)
{
	struct vma *prev = vma_prev(vma);

	if (!prev || (prev->flags & VM_GROWSDOWN) || !(prev->flags & VM_ACCESS))
		return !prev || prev->end <= start;
	return prev->end <= start && start - prev->end >= (u64)READ_ONCE(sysctl_stack_guard_gap)
								  << PAGE_SHIFT;
}

int vma_expand_down(struct vma *vma, u64 addr)
{
	struct mm *mm = vma->mm;
	u64 start = ALIGN_DOWN(addr, PAGE_SIZE), grow;

	if (start >= vma->start)
		return 0;
	grow = (vma->start - start) >> PAGE_SHIFT;
	if (start < READ_ONCE(sysctl_mmap_min_addr) || grow > vma->pgoff ||
	    !guard_gap_free(vma, start))
		return -ENOMEM;
	if (vma->end - start > rlimit(RLIMIT_STACK) || !mm_may_expand(mm, vma->flags, grow))
		return -ENOMEM;
	if ((vma->flags & VM_LOCKED) && !mm_lock_within_limit(mm, grow))
		return -ENOMEM;
	if ((vma->flags & VM_ACCOUNT) && memory_commit((s64)grow))
		return -ENOMEM;
	vma_set_bounds(vma, start, vma->end);
	mm_account(mm, vma->flags, (s64)grow);
	if (vma->flags & VM_LOCKED)
		mm_account_locked(mm, (s64)grow);
	return 0;
}

/* With mm->lock held for reading: takes it for writing to grow the stack above addr, and back.
 * NULL: no such stack. */
static struct vma *grow_stack(struct mm *mm, u64 addr)
{
	struct vma *vma;

	up_read(&mm->lock);
	down_write(&mm->lock);
	vma = vma_find(mm, addr);
	if (vma && addr < vma->start &&
	    (!(vma->flags & VM_GROWSDOWN) || vma_expand_down(vma, addr)))
		vma = NULL;
	downgrade_write(&mm->lock);
	return vma;
}

enum vm_fault vm_handle_fault(struct mm *mm, u64 addr, u64 access, bool user)
{
	u64 allowed = access == VM_READ ? VM_READ | VM_WRITE : access; /* W implies R in Sv39 */
	enum vm_fault ret = VM_FAULT_SEGV_MAPERR;
	struct vma *vma;

	(void)user;
	vm_event(VM_PGFAULT);
	current->min_flt++;
	if (unlikely(addr >= TASK_SIZE))
		return ret;
	down_read(&mm->lock);
	vma = vma_find(mm, addr);
	if (vma && unlikely(addr < vma->start))
		vma = vma->flags & VM_GROWSDOWN ? grow_stack(mm, addr) : NULL;
	if (likely(vma))
		ret = likely(vma->flags & allowed)
			      ? vm_fault_page(vma, addr & PAGE_MASK, access == VM_WRITE)
			      : VM_FAULT_SEGV_ACCERR;
	up_read(&mm->lock);
	return ret;
}

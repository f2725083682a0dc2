/* SPDX-License-Identifier: MIT */
/*
 * The heap that grows by brk(2), kernel-made anonymous ranges, and mappings the kernel itself
 * installs (vDSO, device memory).
 */
#include "vma.h"

#include <arch/cpu.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/process.h>
#include <kernel/syscall.h>

/* Private writable memory in a range that is free. 0, -ENOMEM, -EAGAIN (locked memory limit). */
static int map_anon(struct mm *mm, u64 start, u64 end, u64 extra)
{
	u64 flags = VM_READ | VM_WRITE | VM_MAYALL | VM_ACCOUNT | mm->def_flags | extra,
	    pages = (end - start) >> PAGE_SHIFT;
	struct vma *v;

	if ((flags & VM_LOCKED) && !mm_lock_within_limit(mm, pages))
		return -EAGAIN;
	if (!mm_may_expand(mm, flags, pages) || mm->nr_vmas > READ_ONCE(sysctl_max_map_count))
		return -ENOMEM;
	if (memory_commit((s64)pages))
		return -ENOMEM;
	if (!vma_merge_new(mm, start, end, flags, NULL, start >> PAGE_SHIFT)) {
		v = vma_alloc(mm, start, end, flags, start >> PAGE_SHIFT);
		if (!v) {
			memory_uncommit(pages);
			return -ENOMEM;
		}
		v->anon = true;
		vma_insert(mm, v);
	}
	mm_account(mm, flags, (s64)pages);
	if (flags & VM_LOCKED)
		mm_account_locked(mm, (s64)pages);
	return 0;
}

int vm_brk(u64 addr, u64 len, bool exec)
{
	struct mm *mm = current->mm;
	u64 end;
	int ret;

	if (!IS_ALIGNED(addr, PAGE_SIZE) || addr > TASK_SIZE || len > TASK_SIZE - addr)
		return -EINVAL;
	end = addr + ALIGN_UP(len, PAGE_SIZE);
	if (end == addr)
		return 0;
	ret = down_write_killable(&mm->lock);
	if (ret)
		return ret;
	ret = vm_unmap_range(mm, addr, end);
	if (ret == 0)
		ret = map_anon(mm, addr, end, exec ? VM_EXEC : 0);
	up_write(&mm->lock);
	if (ret == 0 && (mm->def_flags & VM_LOCKED))
		vm_populate_quiet(mm, addr, end);
	return ret;
}

/* The break moves up over free pages; false when it may not. */
static bool brk_grow(struct mm *mm, u64 old, u64 new)
{
	struct vma *next = vma_find(mm, old);

	if (next && new + PAGE_SIZE > vma_guard_start(next))
		return false;
	return map_anon(mm, old, new, 0) == 0;
}

static bool brk_shrink(struct mm *mm, u64 new, u64 old)
{
	struct vma *v = vma_find(mm, new);

	return v && v->start < old && vm_unmap_range(mm, new, old) == 0;
}

static bool brk_within_limit(const struct mm *mm, u64 brk)
{
	u64 limit = rlimit(RLIMIT_DATA);

	return limit == RLIM_INFINITY ||
	       (brk - mm->start_brk) + (mm->end_data - mm->start_data) <= limit;
}

long sys_brk(unsigned long brk)
{
	struct mm *mm = current->mm;
	u64 result, old, new = ALIGN_UP(brk, PAGE_SIZE);
	bool ok, populate = false;

	if (down_write_killable(&mm->lock))
		return -EINTR;
	old = ALIGN_UP(mm->brk, PAGE_SIZE);
	if (brk < mm->start_brk || brk > TASK_SIZE || !brk_within_limit(mm, brk))
		ok = false;
	else if (new == old)
		ok = true;
	else if (new < old)
		ok = brk_shrink(mm, new, old);
	else
		ok = populate = brk_grow(mm, old, new);
	if (ok)
		mm->brk = brk;
	result = mm->brk;
	populate = populate && (mm->def_flags & VM_LOCKED);
	up_write(&mm->lock);
	if (populate)
		vm_populate_quiet(mm, old, new);
	return (long)result;
}

/* --- mappings of the kernel's making --- */

static int no_fault(struct vma *vma, u64 pgoff, bool write, struct page **page) { return -EFAULT; }

static const struct vm_ops preset_ops = { .fault = no_fault };

struct vma *vm_install_special(struct mm *mm, u64 addr, u64 len, u64 flags,
			       const struct vm_ops *ops, void *data)
{
	struct vma *v;

	ASSERT(IS_ALIGNED(addr | len, PAGE_SIZE) && len && len <= TASK_SIZE &&
	       addr <= TASK_SIZE - len);
	v = vma_alloc(mm, addr, addr + len, flags | mm->def_flags | VM_DONTEXPAND, 0);
	if (!v)
		return ERR_PTR(-ENOMEM);
	v->flags &= ~(u64)VM_LOCK_MASK;
	v->ops = ops ? ops : &preset_ops;
	v->data = data;
	vma_insert(mm, v);
	mm_account(mm, v->flags, (s64)(len >> PAGE_SHIFT));
	return v;
}

int vm_insert_page(struct vma *vma, u64 addr, struct page *page)
{
	struct mm *mm = vma->mm;
	pte_t *pte = pt_alloc(mm, addr);
	bool taken, first = false;

	ASSERT(addr >= vma->start && addr < vma->end && IS_ALIGNED(addr, PAGE_SIZE));
	if (!pte) {
		page_put(page);
		return -ENOMEM;
	}
	if (vma->anon) {
		atomic_or(&page->flags, PG_ANON);
		vma->has_anon = true;
	}
	if ((vma->flags & VM_EXEC) && page_mark_icache(page))
		fence_i_all();
	spin_lock(&mm->page_table_lock);
	taken = pte_read(pte) != 0;
	if (!taken) {
		first = atomic_add_return(&page->mapcount, 1) == 1;
		++*mm_rss_counter(mm, page);
		smp_wmb();
		pte_set(pte, pte_make(page_to_pfn(page),
				      vma_pte_bits(vma->flags, vma->flags & VM_WRITE)));
	}
	spin_unlock(&mm->page_table_lock);
	if (taken) {
		page_put(page);
		return -EBUSY;
	}
	if (first)
		memory_count(vma->anon ? MEM_ANON : MEM_MAPPED, 1);
	return 0;
}

int vm_remap_pfn(struct vma *vma, u64 addr, u64 pfn, u64 len)
{
	struct mm *mm = vma->mm;
	pte_t bits, *pte;
	u64 done;

	ASSERT(IS_ALIGNED(addr | len, PAGE_SIZE) && addr >= vma->start && len <= vma->end - addr);
	vma->flags |= VM_IO | VM_DONTEXPAND | VM_DONTDUMP;
	bits = vma_pte_bits(vma->flags,
			    (vma->flags & (VM_WRITE | VM_SHARED)) == (VM_WRITE | VM_SHARED)) |
	       PTE_SPECIAL;
	for (done = 0; done < len; done += PAGE_SIZE) {
		pte = pt_alloc(mm, addr + done);
		if (!pte) {
			pt_zap(mm, addr, addr + done, ZAP_LIVE);
			return -ENOMEM;
		}
		spin_lock(&mm->page_table_lock);
		pte_set(pte, pte_make(pfn + (done >> PAGE_SHIFT), bits));
		spin_unlock(&mm->page_table_lock);
	}
	return 0;
}

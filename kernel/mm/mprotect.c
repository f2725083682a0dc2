/* SPDX-License-Identifier: MIT */
/*
 * mprotect and mseal. There are no protection keys on this machine: their calls do not exist.
 */
#include "vma.h"

#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <linux/mman.h>
#include <linux/personality.h>

/* Private memory becomes writable, or stops being before anything was written: its commitment
 * follows. */
static int protect_commit(struct mm *mm, const struct vma *v, u64 pages, u64 *flags)
{
	if (*flags & VM_WRITE) {
		if (!mm_may_expand(mm, *flags, pages) && mm_may_expand(mm, v->flags, pages))
			return -ENOMEM;
		if (!(v->flags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE))) {
			if (memory_commit((s64)pages))
				return -ENOMEM;
			*flags |= VM_ACCOUNT;
		}
	} else if ((v->flags & VM_ACCOUNT) && v->anon && !v->has_anon) {
		*flags &= ~(u64)VM_ACCOUNT;
	}
	return 0;
}

static int protect_vma(struct mm *mm, struct vma **pv, u64 start, u64 end, u64 flags)
{
	u64 old = (*pv)->flags, pages = (end - start) >> PAGE_SHIFT;
	struct vma *v;
	int ret;

	if ((*pv)->flags & VM_SEALED)
		return -EPERM;
	if (flags == old)
		return 0;
	ret = protect_commit(mm, *pv, pages, &flags);
	if (ret)
		return ret;
	v = vma_modify(*pv, start, end, flags, (*pv)->name);
	if (IS_ERR(v)) {
		if ((flags & ~old) & VM_ACCOUNT)
			memory_uncommit(pages);
		return (int)PTR_ERR(v);
	}
	if ((old & ~flags) & VM_ACCOUNT)
		memory_uncommit(pages);
	*pv = v;
	pt_protect(v, start, end, flags);
	mm_account(mm, old, -(s64)pages);
	mm_account(mm, flags, (s64)pages);
	return 0;
}

static u64 rights_for(const struct vma *v, u64 prot)
{
	if ((prot & PROT_READ) && (current->personality & READ_IMPLIES_EXEC) &&
	    (v->flags & VM_MAYEXEC))
		prot |= PROT_EXEC;
	return (v->flags & ~(u64)VM_ACCESS) | (prot & VM_ACCESS);
}

static int protect_range(struct mm *mm, u64 start, u64 end, u64 prot)
{
	struct vma *v = vma_find(mm, start);
	u64 flags, stop;
	int ret;

	for (; start < end; start = stop, v = vma_find(mm, start)) {
		if (!v || v->start > start)
			return -ENOMEM;
		flags = rights_for(v, prot);
		if (flags & VM_ACCESS & ~(flags >> 4)) /* VM_MAY* stand four bits above */
			return -EACCES;
		stop = MIN(end, v->end);
		ret = protect_vma(mm, &v, start, stop, flags);
		if (ret)
			return ret;
	}
	return 0;
}

long sys_mprotect(unsigned long start, size_t len, unsigned long prot)
{
	u64 grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP), end;
	struct mm *mm = current->mm;
	struct vma *v;
	int ret;

	prot &= ~grows;
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || !IS_ALIGNED(start, PAGE_SIZE))
		return -EINVAL;
	if (!len)
		return 0;
	end = start + ALIGN_UP(len, PAGE_SIZE);
	if (end <= start)
		return -ENOMEM;
	if (prot & ~(u64)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	ret = -ENOMEM;
	v = vma_find(mm, start);
	if (!v)
		goto out;
	if (grows & PROT_GROWSDOWN) {
		if (v->start >= end)
			goto out;
		start = v->start;
		ret = -EINVAL;
		if (!(v->flags & VM_GROWSDOWN))
			goto out;
	} else if (v->start > start) {
		goto out;
	} else if (grows & PROT_GROWSUP) {
		ret = -EINVAL;
		goto out;
	}
	ret = protect_range(mm, start, end, prot);
out:
	up_write(&mm->lock);
	return ret;
}

/* --- sealing: what is sealed is never unmapped, moved or given other rights --- */

long sys_mseal(unsigned long start, size_t len, unsigned long flags)
{
	struct mm *mm = current->mm;
	u64 end, stop;
	struct vma *v;
	int ret = 0;

	if (flags || !IS_ALIGNED(start, PAGE_SIZE))
		return -EINVAL;
	if (len && !ALIGN_UP(len, PAGE_SIZE))
		return -EINVAL;
	end = start + ALIGN_UP(len, PAGE_SIZE);
	if (end < start)
		return -EINVAL;
	if (end == start)
		return 0;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	if (!vma_range_full(mm, start, end))
		ret = -ENOMEM;
	for (; ret == 0 && start < end; start = stop) {
		v = vma_find(mm, start);
		stop = MIN(end, v->end);
		v = vma_modify(v, start, stop, v->flags | VM_SEALED, v->name);
		if (IS_ERR(v))
			ret = (int)PTR_ERR(v);
	}
	up_write(&mm->lock);
	return ret;
}

/* --- protection keys --- */

long sys_pkey_mprotect(unsigned long start, size_t len, unsigned long prot, int pkey)
{
	return -ENOSYS;
}

long sys_pkey_alloc(unsigned long flags, unsigned long init_val) { return -ENOSYS; }

long sys_pkey_free(int pkey) { return -ENOSYS; }

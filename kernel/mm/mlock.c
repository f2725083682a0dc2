/* SPDX-License-Identifier: MIT */
/*
 * Locked memory, and faulting ranges in. There is no swap: a page that is present stays, so locking
 * means counting against RLIMIT_MEMLOCK and having the pages present (at once, or as they are
 * touched: MLOCK_ONFAULT).
 */
#include "vma.h"

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <linux/mman.h>

#define POPULATE_STEP 32 /* pages between two chances for others to take mm->lock */

static int error_of_fault(enum vm_fault f)
{
	switch (f) {
	case VM_FAULT_OK:
		return 0;
	case VM_FAULT_OOM:
		return -ENOMEM;
	case VM_FAULT_KILLED:
		return -EINTR;
	default:
		return -EFAULT;
	}
}

/* One page of v, unless it is there already. Private writable memory gets pages of its own. */
static int populate_page(struct vma *v, u64 addr)
{
	bool write = (v->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;
	pte_t *pte = pt_find(v->mm, addr), e = pte ? pte_read(pte) : 0;

	if (e && (!write || pte_write(e)))
		return 0;
	return error_of_fault(vm_fault_page(v, addr, write));
}

/* A few pages from *addr on. 0 or error; *addr is where to go on. mm->lock held for reading. */
static int populate_some(struct mm *mm, u64 *addr, u64 end, bool quiet)
{
	struct vma *v = NULL;
	u32 n;
	int ret;

	for (n = 0; n < POPULATE_STEP && *addr < end; n++) {
		if (!v || *addr >= v->end) {
			v = vma_find(mm, *addr);
			if (!v || v->start >= end) {
				*addr = end;
				return 0;
			}
			*addr = MAX(*addr, v->start);
		}
		if ((v->flags & VM_SPECIAL) || (v->flags & VM_LOCK_MASK) == VM_LOCK_MASK) {
			*addr = v->end;
			continue;
		}
		ret = v->flags & VM_ACCESS ? populate_page(v, *addr) : -EFAULT;
		if (ret == -EINTR || (ret && !quiet))
			return ret;
		*addr = ret ? v->end : *addr + PAGE_SIZE;
	}
	return 0;
}

static int populate(struct mm *mm, u64 addr, u64 end, bool quiet)
{
	int ret = 0;

	while (ret == 0 && addr < end) {
		if (fatal_signal_pending())
			return -EINTR;
		down_read(&mm->lock);
		ret = populate_some(mm, &addr, end, quiet);
		up_read(&mm->lock);
		cond_resched();
	}
	return ret;
}

int vm_populate(struct mm *mm, u64 start, u64 end)
{
	return populate(mm, ALIGN_DOWN(start, PAGE_SIZE), end, false);
}

void vm_populate_quiet(struct mm *mm, u64 start, u64 end) { populate(mm, start, end, true); }

/* One VMA's part of a range. lock: VM_LOCKED bits to have, 0: none. */
static int lock_vma(struct mm *mm, struct vma *v, u64 start, u64 end, u64 lock)
{
	u64 flags = (v->flags & ~(u64)VM_LOCK_MASK) | lock, old = v->flags;
	s64 pages = (s64)((end - start) >> PAGE_SHIFT);

	if (flags == old || (v->flags & VM_SPECIAL))
		return 0;
	v = vma_modify(v, start, end, flags, v->name);
	if (IS_ERR(v))
		return (int)PTR_ERR(v);
	if (!(old & VM_LOCKED) && lock)
		mm_account_locked(mm, pages);
	else if ((old & VM_LOCKED) && !lock)
		mm_account_locked(mm, -pages);
	return 0;
}

/* 0, or -ENOMEM: a hole (what comes before it is done), too many VMAs. */
static int lock_range(struct mm *mm, u64 start, u64 end, u64 lock)
{
	u64 stop;
	int ret;

	for (; start < end; start = stop) {
		struct vma *v = vma_find_exact(mm, start);

		if (!v)
			return -ENOMEM;
		stop = MIN(end, v->end);
		ret = lock_vma(mm, v, start, stop, lock);
		if (ret)
			return ret;
	}
	return 0;
}

static u64 pages_locked_in(struct mm *mm, u64 start, u64 end)
{
	struct vma *v;
	u64 n = 0;

	for (v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		if (v->flags & VM_LOCKED)
			n += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	return n;
}

static long do_mlock(u64 start, u64 len, u64 lock)
{
	u64 first = ALIGN_DOWN(start, PAGE_SIZE), pages,
	    limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT, end;
	struct mm *mm = current->mm;
	int ret;

	if (!mm_may_lock())
		return -EPERM;
	len = ALIGN_UP(len + (start & ~PAGE_MASK), PAGE_SIZE);
	pages = len >> PAGE_SHIFT;
	end = first + len;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	if (end < first)
		ret = -EINVAL;
	else if (pages + mm->locked_vm > limit && !capable(CAP_IPC_LOCK) &&
		 pages + mm->locked_vm - pages_locked_in(mm, first, end) > limit)
		ret = -ENOMEM;
	else
		ret = lock_range(mm, first, end, lock);
	up_write(&mm->lock);
	if (ret)
		return ret;
	ret = vm_populate(mm, first, end);
	return ret == -EFAULT ? -ENOMEM : ret == -ENOMEM ? -EAGAIN : ret;
}

long sys_mlock(unsigned long start, size_t len) { return do_mlock(start, len, VM_LOCKED); }

long sys_mlock2(unsigned long start, size_t len, int flags)
{
	if (flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return do_mlock(start, len, flags & MLOCK_ONFAULT ? VM_LOCK_MASK : VM_LOCKED);
}

long sys_munlock(unsigned long start, size_t len)
{
	u64 first = ALIGN_DOWN(start, PAGE_SIZE), end;
	struct mm *mm = current->mm;
	int ret;

	end = first + ALIGN_UP(len + (start & ~PAGE_MASK), PAGE_SIZE);
	if (down_write_killable(&mm->lock))
		return -EINTR;
	ret = end < first ? -EINVAL : lock_range(mm, first, end, 0);
	up_write(&mm->lock);
	return ret;
}

/* Every VMA there is; those that cannot be split or joined just now are left as they are. */
static void lock_all(struct mm *mm, u64 lock)
{
	u64 next;
	struct vma *v;

	for (v = vma_first(mm); v; v = vma_find(mm, next)) {
		next = v->end;
		(void)lock_vma(mm, v, v->start, v->end, lock);
	}
}

static u64 lock_flags(int flags) { return flags & MCL_ONFAULT ? VM_LOCK_MASK : VM_LOCKED; }

long sys_mlockall(int flags)
{
	struct mm *mm = current->mm;
	int ret = 0;

	if (!flags || (flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!mm_may_lock())
		return -EPERM;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	if ((flags & MCL_CURRENT) && mm->total_vm > rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT &&
	    !capable(CAP_IPC_LOCK)) {
		ret = -ENOMEM;
	} else {
		mm->def_flags &= ~(u64)VM_LOCK_MASK;
		if (flags & MCL_FUTURE)
			mm->def_flags |= lock_flags(flags);
		if (flags & MCL_CURRENT)
			lock_all(mm, lock_flags(flags));
	}
	up_write(&mm->lock);
	if (ret == 0 && (flags & MCL_CURRENT))
		vm_populate_quiet(mm, 0, TASK_SIZE);
	return ret;
}

long sys_munlockall(void)
{
	struct mm *mm = current->mm;

	if (down_write_killable(&mm->lock))
		return -EINTR;
	mm->def_flags &= ~(u64)VM_LOCK_MASK;
	lock_all(mm, 0);
	up_write(&mm->lock);
	return 0;
}

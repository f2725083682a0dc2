/* SPDX-License-Identifier: MIT */
/*
 * mremap: mappings that grow, shrink or move. A move makes a second VMA, moves the entries of the
 * page tables (not the pages), then unmaps the old range; if it runs out of memory half-way the
 * entries go back.
 */
#include "vma.h"

#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/syscall.h>
#include <linux/mman.h>

struct remap {
	struct mm *mm;
	u64 addr, old_len, new_len, new_addr;
	u64 flags;
	u64 populate; /* bytes beyond old_len to fault in at the new place */
};

/* May the mapping at addr become new_len long? Its VMA, or an error. */
static struct vma *remap_check(const struct remap *r)
{
	struct vma *v = vma_find_exact(r->mm, r->addr);
	u64 pgoff, grow;

	if (!v)
		return ERR_PTR(-EFAULT);
	if (v->flags & VM_SEALED)
		return ERR_PTR(-EPERM);
	if (!r->old_len && !(v->flags & (VM_SHARED | VM_MAYSHARE)))
		return ERR_PTR(-EINVAL);
	if ((r->flags & MREMAP_DONTUNMAP) && (v->flags & VM_SPECIAL))
		return ERR_PTR(-EINVAL);
	if (r->old_len > v->end - r->addr)
		return ERR_PTR(-EFAULT);
	if (r->new_len == r->old_len)
		return v;
	pgoff = vma_pgoff(v, r->addr);
	if (pgoff + (r->new_len >> PAGE_SHIFT) < pgoff)
		return ERR_PTR(-EINVAL);
	if (v->flags & VM_SPECIAL)
		return ERR_PTR(-EFAULT);
	if (r->new_len < r->old_len)
		return v;
	grow = (r->new_len - r->old_len) >> PAGE_SHIFT;
	if ((v->flags & VM_LOCKED) && !mm_lock_within_limit(r->mm, grow))
		return ERR_PTR(-EAGAIN);
	return mm_may_expand(r->mm, v->flags, grow) ? v : ERR_PTR(-ENOMEM);
}

static void remap_follow_vdso(const struct remap *r)
{
	if (r->mm->vdso - r->addr < r->old_len)
		r->mm->vdso += r->new_addr - r->addr;
}

/* The VMA at the new place. ERR_PTR(-ENOMEM) */
static struct vma *remap_make(const struct remap *r, struct vma *old)
{
	struct vma *v = vma_dup(r->mm, old);

	if (!v)
		return ERR_PTR(-ENOMEM);
	v->start = r->new_addr;
	v->end = r->new_addr + r->new_len;
	v->pgoff = v->anon && !v->file ? r->new_addr >> PAGE_SHIFT : vma_pgoff(old, r->addr);
	if (v->ops && v->ops->open)
		v->ops->open(v);
	vma_insert(r->mm, v);
	mm_account(r->mm, v->flags, (s64)vma_pages(v));
	if (v->flags & VM_LOCKED)
		mm_account_locked(r->mm, (s64)vma_pages(v));
	return v;
}

/* To new_addr, where nothing is mapped. Address or error. */
static s64 remap_move(struct remap *r, struct vma *old)
{
	u64 pages = r->new_len >> PAGE_SHIFT, moved;
	bool accounted = old->flags & VM_ACCOUNT;
	struct mapping *file = old->file ? old->file->mapping : NULL;
	struct vma *v;

	if (r->mm->nr_vmas + 3 >= READ_ONCE(sysctl_max_map_count))
		return -ENOMEM;
	if (accounted && memory_commit((s64)pages))
		return -ENOMEM;
	v = remap_make(r, old);
	if (IS_ERR(v)) {
		if (accounted)
			memory_uncommit(pages);
		return PTR_ERR(v);
	}
	moved = pt_move(r->mm, r->addr, r->new_addr, MIN(r->old_len, r->new_len), file);
	if (moved < MIN(r->old_len, r->new_len)) {
		pt_move(r->mm, r->new_addr, r->addr, moved,
			file); /* tables are there: cannot fail */
		WARN_ON(vm_unmap_range(r->mm, r->new_addr, r->new_addr + r->new_len) != 0);
		return -ENOMEM;
	}
	remap_follow_vdso(r);
	if (v->flags & VM_LOCKED)
		r->populate = r->new_len - MIN(r->old_len, r->new_len);
	if (!(r->flags & MREMAP_DONTUNMAP)) {
		/* It is empty already; cutting it out may fail for want of memory, then it stays as
		 * it is. */
		if (r->old_len)
			vm_unmap_range(r->mm, r->addr, r->addr + r->old_len);
		return (s64)r->new_addr;
	}
	if (old->flags & VM_LOCKED) {
		u64 unlocked = r->old_len >> PAGE_SHIFT;

		old = vma_modify(old, r->addr, r->addr + r->old_len,
				 old->flags & ~(u64)VM_LOCK_MASK, old->name);
		if (!IS_ERR(old))
			mm_account_locked(r->mm, -(s64)unlocked);
	}
	return (s64)r->new_addr;
}

/* MREMAP_FIXED, MREMAP_DONTUNMAP: to a given place, or one of our choice. */
static s64 remap_to(struct remap *r)
{
	struct vma *v;
	s64 at;
	int ret;

	if (!IS_ALIGNED(r->new_addr, PAGE_SIZE) || r->new_len > TASK_SIZE ||
	    r->new_addr > TASK_SIZE - r->new_len)
		return -EINVAL;
	if (r->addr + r->old_len > r->new_addr && r->new_addr + r->new_len > r->addr)
		return -EINVAL;
	if (r->mm->nr_vmas + 2 >= READ_ONCE(sysctl_max_map_count) - 3)
		return -ENOMEM;
	if (r->flags & MREMAP_FIXED) {
		ret = vm_munmap_locked(r->mm, r->new_addr, r->new_len);
		if (ret)
			return ret;
	}
	if (r->old_len > r->new_len) {
		ret = vm_munmap_locked(r->mm, r->addr + r->new_len, r->old_len - r->new_len);
		if (ret)
			return ret;
		r->old_len = r->new_len;
	}
	v = remap_check(r);
	if (IS_ERR(v))
		return PTR_ERR(v);
	if ((r->flags & MREMAP_DONTUNMAP) &&
	    !mm_may_expand(r->mm, v->flags, r->old_len >> PAGE_SHIFT))
		return -ENOMEM;
	at = vm_pick_area(r->mm, v->file, r->new_addr, r->new_len, vma_pgoff(v, r->addr),
			  (r->flags & MREMAP_FIXED ? MAP_FIXED : 0) |
				  (v->flags & VM_MAYSHARE ? MAP_SHARED : 0));
	if (at < 0)
		return at;
	r->new_addr = (u64)at;
	return remap_move(r, v);
}

/* Grows in place when the mapping ends with its VMA and there is room behind it. 1: done, 0: no
 * room, or an error. */
static int remap_expand(struct remap *r, struct vma *v)
{
	u64 end = r->addr + r->new_len, pages = (r->new_len - r->old_len) >> PAGE_SHIFT;
	struct vma *next = vma_next(v);

	if (r->addr + r->old_len != v->end || end < v->end || end > TASK_SIZE ||
	    (next && end > next->start))
		return 0;
	if ((v->flags & VM_ACCOUNT) && memory_commit((s64)pages))
		return -ENOMEM;
	vma_set_bounds(v, v->start, end);
	mm_account(r->mm, v->flags, (s64)pages);
	if (v->flags & VM_LOCKED) {
		mm_account_locked(r->mm, (s64)pages);
		r->populate = r->new_len - r->old_len;
	}
	r->new_addr = r->addr;
	return 1;
}

static s64 remap_locked(struct remap *r)
{
	struct vma *v = vma_find_exact(r->mm, r->addr);
	s64 ret;

	if (!v)
		return -EFAULT;
	if (v->flags & VM_SEALED)
		return -EPERM;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))
		return remap_to(r);
	if (r->old_len >= r->new_len) {
		if (r->old_len > r->new_len) {
			ret = vm_munmap_locked(r->mm, r->addr + r->new_len,
					       r->old_len - r->new_len);
			if (ret)
				return ret;
		}
		return (s64)r->addr;
	}
	v = remap_check(r);
	if (IS_ERR(v))
		return PTR_ERR(v);
	ret = remap_expand(r, v);
	if (ret)
		return ret < 0 ? ret : (s64)r->addr;
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	ret = vm_pick_area(r->mm, v->file, 0, r->new_len, vma_pgoff(v, r->addr),
			   v->flags & VM_MAYSHARE ? MAP_SHARED : 0);
	if (ret < 0)
		return ret;
	r->new_addr = (u64)ret;
	return remap_move(r, v);
}

long sys_mremap(unsigned long addr, unsigned long old_len, unsigned long new_len,
		unsigned long flags, unsigned long new_addr)
{
	struct remap r = { current->mm,
			   addr,
			   ALIGN_UP(old_len, PAGE_SIZE),
			   ALIGN_UP(new_len, PAGE_SIZE),
			   new_addr,
			   flags,
			   0 };
	s64 ret;

	if (flags & ~(u64)(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP))
		return -EINVAL;
	if ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if ((flags & MREMAP_DONTUNMAP) && (!(flags & MREMAP_MAYMOVE) || old_len != new_len))
		return -EINVAL;
	if (!IS_ALIGNED(addr, PAGE_SIZE) || !r.new_len)
		return -EINVAL;
	if (down_write_killable(&r.mm->lock))
		return -EINTR;
	ret = remap_locked(&r);
	up_write(&r.mm->lock);
	if (ret > 0 && r.populate)
		vm_populate_quiet(r.mm, r.new_addr + r.new_len - r.populate,
				  r.new_addr + r.new_len);
	return ret;
}

/* SPDX-License-Identifier: MIT */
/*
 * msync, mincore, and remap_file_pages (which, as in Linux, simply maps again).
 */
#include "vma.h"

#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/pagecache.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <linux/mman.h>

/* Writes one VMA's part out; mm->lock (held for reading) is let go meanwhile. */
static int sync_vma(struct vma *v, u64 start, u64 end)
{
	loff_t from = (loff_t)(vma_pgoff(v, start) << PAGE_SHIFT),
	       to = from + (loff_t)(end - start) - 1;
	struct file *f = file_get(v->file);
	struct mm *mm = v->mm;
	int ret;

	up_read(&mm->lock);
	ret = vfs_fsync(f, from, to, true);
	file_put(f);
	down_read(&mm->lock);
	return ret;
}

static int sync_range(struct mm *mm, u64 start, u64 end, int flags)
{
	int ret, holes = 0;
	u64 stop;

	for (; start < end; start = stop) {
		struct vma *v = vma_find(mm, start);

		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > start) {
			if (flags == MS_ASYNC)
				return -ENOMEM;
			holes = -ENOMEM;
			start = v->start;
		}
		stop = MIN(end, v->end);
		if ((flags & MS_INVALIDATE) && (v->flags & VM_LOCKED))
			return -EBUSY;
		if ((flags & MS_SYNC) && v->file && (v->flags & VM_SHARED)) {
			ret = sync_vma(v, start, stop);
			if (ret)
				return ret;
		}
	}
	return holes;
}

long sys_msync(unsigned long start, size_t len, int flags)
{
	struct mm *mm = current->mm;
	u64 end;
	int ret;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC))
		return -EINVAL;
	if (!IS_ALIGNED(start, PAGE_SIZE) || ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	end = start + ALIGN_UP(len, PAGE_SIZE);
	if (end < start)
		return -ENOMEM;
	if (end == start)
		return 0;
	down_read(&mm->lock);
	ret = sync_range(mm, start, end, flags);
	up_read(&mm->lock);
	return ret;
}

/* --- mincore --- */

static bool cached(struct mapping *m, u64 index)
{
	struct page *p = pagecache_find(m, index);
	bool there;

	if (!p)
		return false;
	there = READ_ONCE(p->flags) & PG_UPTODATE;
	page_put(p);
	return there;
}

/* Others' reading must not be observable: only who could write or owns the file learns what is
 * cached. */
static bool may_see_cache(struct vma *v)
{
	return inode_owner_or_capable(v->file->inode) ||
	       inode_permission(v->file->inode, MAY_WRITE) == 0;
}

/* Up to a page of answers; returns how many, or -ENOMEM at a hole. mm->lock held for reading. */
static s64 mincore_some(struct mm *mm, u64 addr, u64 pages, u8 *out)
{
	struct vma *v = vma_find_exact(mm, addr);
	u64 end, i;
	bool file, hidden;

	if (!v)
		return -ENOMEM;
	end = MIN(v->end, addr + (pages << PAGE_SHIFT));
	file = v->file && !v->anon && v->file->mapping;
	hidden = file && !may_see_cache(v);
	for (i = 0; addr < end; addr += PAGE_SIZE, i++) {
		pte_t *pte = pt_find(mm, addr);

		out[i] = hidden || (pte && pte_read(pte) != 0) ||
			 (file && cached(v->file->mapping, vma_pgoff(v, addr)));
	}
	return (s64)i;
}

long sys_mincore(unsigned long start, size_t len, unsigned char __user *vec)
{
	u64 pages = DIV_ROUND_UP(len, PAGE_SIZE);
	struct mm *mm = current->mm;
	s64 n = 0;
	u8 *out;

	if (!IS_ALIGNED(start, PAGE_SIZE))
		return -EINVAL;
	if (!access_ok((void __user *)start, len))
		return -ENOMEM;
	if (!access_ok(vec, pages))
		return -EFAULT;
	out = page_alloc_virt(GFP_KERNEL);
	if (!out)
		return -EAGAIN;
	while (pages) {
		down_read(&mm->lock);
		n = mincore_some(mm, start, MIN(pages, PAGE_SIZE), out);
		up_read(&mm->lock);
		if (n <= 0)
			break;
		if (copy_to_user(vec, out, (u64)n)) {
			n = -EFAULT;
			break;
		}
		pages -= (u64)n;
		vec += n;
		start += (u64)n << PAGE_SHIFT;
		n = 0;
		cond_resched();
	}
	page_free_virt(out);
	return n;
}

/* --- remap_file_pages --- */

/* The shared mapping that covers all of [start, end); -EINVAL. */
static struct vma *remap_source(struct mm *mm, u64 start, u64 end)
{
	struct vma *first = vma_find_exact(mm, start), *v;

	if (!first || !(first->flags & VM_SHARED) || !first->file)
		return NULL;
	for (v = first; v->end < end; v = vma_next(v)) {
		struct vma *next = vma_next(v);

		if (!next || next->start != v->end || next->file != first->file ||
		    next->flags != first->flags)
			return NULL;
	}
	return first;
}

long sys_remap_file_pages(unsigned long start, unsigned long size, unsigned long prot,
			  unsigned long pgoff, unsigned long flags)
{
	struct mm *mm = current->mm;
	u64 populate = 0;
	struct vma *v;
	struct file *f;
	s64 ret;

	if (prot)
		return -EINVAL;
	start &= PAGE_MASK;
	size &= PAGE_MASK;
	if (start + size <= start || pgoff + (size >> PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	ret = -EINVAL;
	v = remap_source(mm, start, start + size);
	if (v) {
		flags = (flags & MAP_NONBLOCK) | MAP_SHARED | MAP_FIXED | MAP_POPULATE |
			(v->flags & VM_LOCKED ? MAP_LOCKED : 0);
		f = file_get(v->file);
		ret = vm_map(f, start, size, v->flags & VM_ACCESS, flags, pgoff, &populate);
		file_put(f);
	}
	up_write(&mm->lock);
	if (populate)
		vm_populate_quiet(mm, start, start + populate);
	return ret < 0 ? ret : 0;
}

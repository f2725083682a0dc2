/* SPDX-License-Identifier: MIT */
/*
 * mmap and munmap: new mappings, and their end.
 *
 * A mapping is made in this order: what the caller may (rights, limits, sealed ranges), old
 * mappings out of the way (MAP_FIXED), memory committed, then either a neighbour grows or a VMA is
 * made and the file's mmap operation sees it. No page is touched; MAP_POPULATE and locked mappings
 * are faulted in after mm->lock is free.
 *
 * munmap empties the entries and flushes, then takes the VMAs out of all trees, then frees the
 * tables no neighbour needs.
 */
#include "vma.h"

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/pagecache.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/personality.h>

u64 sysctl_mmap_min_addr = MMAP_MIN_ADDR;

/* Flags every kernel knew; MAP_SHARED_VALIDATE refuses all others. */
#define MAP_LEGACY_FLAGS                                                               \
	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_UNINITIALIZED |    \
	 MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | \
	 MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | (0x3fU << MAP_HUGE_SHIFT))

/* --- unmapping --- */

static void unmap_account(struct mm *mm, const struct vma *v, u64 pages)
{
	mm_account(mm, v->flags, -(s64)pages);
	if (v->flags & VM_LOCKED)
		mm_account_locked(mm, -(s64)pages);
	if (v->flags & VM_ACCOUNT)
		memory_uncommit(pages);
}

/* The range is one end of v: no VMA comes or goes. */
static void unmap_trim(struct mm *mm, struct vma *v, u64 start, u64 end)
{
	struct vma *prev = vma_prev(v), *next = vma_next(v);
	bool head = start == v->start;
	LIST_HEAD(tables);

	pt_zap(mm, start, end, ZAP_LIVE);
	unmap_account(mm, v, (end - start) >> PAGE_SHIFT);
	if (head)
		vma_set_bounds(v, end, v->end);
	else
		vma_set_bounds(v, v->start, start);
	pt_collect(mm, start, end, head ? (prev ? prev->end : 0) : start,
		   head	  ? end
		   : next ? next->start
			  : TASK_SIZE,
		   &tables);
	pt_release(mm, &tables);
}

static bool may_trim(const struct vma *v, u64 start, u64 end)
{
	return v->start <= start && end <= v->end && (v->start == start) != (v->end == end) &&
	       !(v->ops && (v->ops->open || v->ops->close));
}

/* Makes VMA borders at both ends of the range. 0, -ENOMEM; *first: the first VMA within. */
static int unmap_cut(struct mm *mm, u64 start, u64 end, struct vma **first)
{
	struct vma *v = *first, *last;

	if (start > v->start) {
		if (end < v->end && mm->nr_vmas >= READ_ONCE(sysctl_max_map_count))
			return -ENOMEM;
		v = vma_split(v, start);
		if (IS_ERR(v))
			return (int)PTR_ERR(v);
		*first = v;
	}
	last = vma_find_exact(mm, end);
	if (last && last->start < end) {
		last = vma_split(last, end);
		if (IS_ERR(last))
			return (int)PTR_ERR(last);
	}
	return 0;
}

int vm_unmap_range(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_find(mm, start), *prev, *next;
	LIST_HEAD(tables);
	u64 floor;
	int ret;

	if (!v || v->start >= end)
		return 0;
	if (!vma_range_unsealed(mm, start, end))
		return -EPERM;
	if (may_trim(v, start, end)) {
		unmap_trim(mm, v, start, end);
		return 0;
	}
	ret = unmap_cut(mm, start, end, &v);
	if (ret)
		return ret;
	pt_zap(mm, start, end, ZAP_LIVE);
	prev = vma_prev(v);
	floor = prev ? prev->end : 0;
	for (; v && v->start < end; v = next) {
		next = vma_next(v);
		unmap_account(mm, v, vma_pages(v));
		vma_remove(mm, v);
		vma_close(v);
	}
	pt_collect(mm, start, end, floor, v ? v->start : TASK_SIZE, &tables);
	pt_release(mm, &tables);
	return 0;
}

int vm_munmap_locked(struct mm *mm, u64 addr, u64 len)
{
	if (!IS_ALIGNED(addr, PAGE_SIZE) || addr > TASK_SIZE || len > TASK_SIZE - addr || len == 0)
		return -EINVAL;
	return vm_unmap_range(mm, addr, addr + ALIGN_UP(len, PAGE_SIZE));
}

int vm_munmap(u64 addr, u64 len)
{
	struct mm *mm = current->mm;
	int ret = down_write_killable(&mm->lock);

	if (ret)
		return ret;
	ret = vm_munmap_locked(mm, addr, len);
	up_write(&mm->lock);
	return ret;
}

/* --- mapping --- */

s64 vm_pick_area(struct mm *mm, struct file *file, u64 addr, u64 len, u64 pgoff, u64 map_flags)
{
	s64 ret = (s64)addr;

	if (len > TASK_SIZE - READ_ONCE(sysctl_mmap_min_addr))
		return -ENOMEM;
	if (file && file->ops->unmapped_area)
		ret = (s64)file->ops->unmapped_area(file, addr, len, pgoff, map_flags);
	else if (!(map_flags & MAP_FIXED))
		ret = vm_unmapped_area(mm, len, ALIGN_UP(addr, PAGE_SIZE), 0);
	if (ret < 0)
		return ret < -MAX_ERRNO ? -ENOMEM : ret;
	if ((u64)ret > TASK_SIZE - len)
		return -ENOMEM;
	if (!IS_ALIGNED(ret, PAGE_SIZE))
		return -EINVAL;
	if ((u64)ret < READ_ONCE(sysctl_mmap_min_addr) && !capable(CAP_SYS_RAWIO))
		return -EPERM;
	return ret;
}

static u64 prot_to_flags(u64 prot)
{
	static_assert(PROT_READ == VM_READ && PROT_WRITE == VM_WRITE && PROT_EXEC == VM_EXEC,
		      "prot_to_flags");
	return prot & VM_ACCESS;
}

/* What the opener of a file may do with a mapping of it. 0 or error. */
static int map_file_rights(struct file *file, u64 prot, u64 map_flags, u64 *flags)
{
	u64 type = map_flags & MAP_TYPE;

	switch (type) {
	case MAP_SHARED_VALIDATE:
		if (map_flags & ~(u64)(MAP_LEGACY_FLAGS | MAP_TYPE))
			return -EOPNOTSUPP;
		fallthrough;
	case MAP_SHARED:
		if ((prot & PROT_WRITE) && !(file->mode & FMODE_WRITE))
			return -EACCES;
		if ((file->inode->flags & S_APPEND_FLAG) && (file->mode & FMODE_WRITE))
			return -EACCES;
		*flags |= VM_SHARED | VM_MAYSHARE;
		if (!(file->mode & FMODE_WRITE))
			*flags &= ~(u64)(VM_MAYWRITE | VM_SHARED);
		break;
	case MAP_PRIVATE:
		break;
	default:
		return -EINVAL;
	}
	if (!(file->mode & FMODE_READ))
		return -EACCES;
	if (file->path.mnt && (file->path.mnt->flags & MS_NOEXEC)) {
		if (*flags & VM_EXEC)
			return -EPERM;
		*flags &= ~(u64)VM_MAYEXEC;
	}
	if (!file->ops->mmap)
		return -ENODEV;
	return *flags & VM_GROWSDOWN ? -EINVAL : 0;
}

static int map_anon_rights(u64 map_flags, u64 *flags)
{
	switch (map_flags & MAP_TYPE) {
	case MAP_SHARED:
		if (*flags & VM_GROWSDOWN)
			return -EINVAL;
		*flags |= VM_SHARED | VM_MAYSHARE;
		return 0;
	case MAP_DROPPABLE:
		if ((map_flags & (MAP_LOCKED | MAP_HUGETLB)) || (*flags & VM_GROWSDOWN))
			return -EINVAL;
		*flags |= VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
		return 0;
	case MAP_PRIVATE:
		return 0;
	default:
		return -EINVAL;
	}
}

static u64 pages_mapped(struct mm *mm, u64 start, u64 end)
{
	struct vma *v;
	u64 n = 0;

	for (v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		n += (MIN(v->end, end) - MAX(v->start, start)) >> PAGE_SHIFT;
	return n;
}

/* One more shared writable mapping, unless a seal forbids it. */
static int mapping_allow_writer(struct mapping *m)
{
	s32 n = READ_ONCE(m->writable_shared);

	for (;;) {
		if (n < 0)
			return -EPERM;
		if (__atomic_compare_exchange_n(&m->writable_shared, &n, n + 1, false,
						__ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			return 0;
	}
}

/* Gives a VMA its file and enters it into the trees. On error it is as if nothing had happened to
 * the file. */
static int region_attach(struct mm *mm, struct vma *v, struct file *file)
{
	bool claimed = false;
	int ret;

	if (file) {
		v->file = file_get(file);
	} else if (v->flags & VM_SHARED) {
		file = shmem_file_create("dev/zero", (loff_t)(v->end - v->start), v->flags);
		if (IS_ERR(file))
			return (int)PTR_ERR(file);
		v->file = file;
	} else {
		v->anon = true;
	}
	if (v->file) {
		ret = v->file->ops->mmap(v->file, v);
		if (ret)
			return ret;
	}
	if (v->file && v->file->mapping &&
	    (v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE)) {
		ret = mapping_allow_writer(v->file->mapping);
		if (ret) {
			if (v->ops && v->ops->close)
				v->ops->close(v);
			return ret;
		}
		claimed = true;
	}
	vma_insert(mm, v);
	if (claimed) /* counted again by the insertion */
		atomic_dec(&v->file->mapping->writable_shared);
	return 0;
}

/* Whether a file's mmap operation must see each mapping: if not, neighbours may simply grow. */
static bool region_mergeable(const struct file *file, u64 flags)
{
	return !(flags & VM_SPECIAL) &&
	       (file ? file->ops->mmap == pagecache_file_mmap : !(flags & VM_SHARED));
}

/* An mmap operation failed after it may have entered pages: nothing of that may stay, tables
 * neither. */
static void region_clear(struct mm *mm, u64 start, u64 end)
{
	struct vma *next = vma_find(mm, start), *prev = next ? vma_prev(next) : vma_last(mm);
	LIST_HEAD(tables);

	pt_zap(mm, start, end, ZAP_LIVE);
	pt_collect(mm, start, end, prev ? prev->end : 0, next ? next->start : TASK_SIZE, &tables);
	pt_release(mm, &tables);
}

/* Maps a range whose rights are settled. 0 or error. */
static int map_region(struct mm *mm, struct file *file, u64 start, u64 len, u64 flags, u64 pgoff)
{
	u64 end = start + len, pages = len >> PAGE_SHIFT;
	struct vma *v;
	int ret;

	if (!mm_may_expand(mm, flags, pages) &&
	    !mm_may_expand(mm, flags, pages - pages_mapped(mm, start, end)))
		return -ENOMEM;
	ret = vm_unmap_range(mm, start, end);
	if (ret)
		return ret;
	if (vma_accountable(flags)) {
		if (memory_commit((s64)pages))
			return -ENOMEM;
		flags |= VM_ACCOUNT;
	}
	v = region_mergeable(file, flags) ? vma_merge_new(mm, start, end, flags, file, pgoff)
					  : NULL;
	if (!v) {
		ret = -ENOMEM;
		v = vma_alloc(mm, start, end, flags, pgoff);
		if (!v)
			goto uncommit;
		ret = region_attach(mm, v, file);
		if (ret) {
			region_clear(mm, start, end);
			vma_free(v);
			goto uncommit;
		}
		flags = v->flags;
		if ((flags & VM_LOCKED) && (flags & VM_SPECIAL))
			flags = v->flags &= ~(u64)VM_LOCK_MASK;
	}
	mm_account(mm, flags, (s64)pages);
	if (flags & VM_LOCKED)
		mm_account_locked(mm, (s64)pages);
	return 0;
uncommit:
	if (flags & VM_ACCOUNT)
		memory_uncommit(pages);
	return ret;
}

static u64 map_flags_to_vm(u64 f)
{
	return (f & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) | (f & MAP_LOCKED ? VM_LOCKED : 0) |
	       (f & MAP_STACK ? VM_NOHUGEPAGE : 0);
}

static u64 hint_above_min(u64 hint)
{
	u64 min = READ_ONCE(sysctl_mmap_min_addr);

	hint &= PAGE_MASK;
	return hint && hint < min ? ALIGN_UP(min, PAGE_SIZE) : hint;
}

s64 vm_map(struct file *file, u64 addr, u64 len, u64 prot, u64 map_flags, u64 pgoff, u64 *populate)
{
	struct mm *mm = current->mm;
	u64 flags;
	s64 at;
	int ret;

	*populate = 0;
	if (!len)
		return -EINVAL;
	if ((prot & PROT_READ) && (current->personality & READ_IMPLIES_EXEC) &&
	    !(file && file->path.mnt && (file->path.mnt->flags & MS_NOEXEC)))
		prot |= PROT_EXEC;
	if (map_flags & MAP_FIXED_NOREPLACE)
		map_flags |= MAP_FIXED;
	if (!(map_flags & MAP_FIXED))
		addr = hint_above_min(addr);
	if (len > TASK_SIZE)
		return -ENOMEM;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (pgoff + (len >> PAGE_SHIFT) < pgoff)
		return -EOVERFLOW;
	if (mm->nr_vmas > READ_ONCE(sysctl_max_map_count))
		return -ENOMEM;
	at = vm_pick_area(mm, file, addr, len, pgoff, map_flags);
	if (at < 0)
		return at;
	addr = (u64)at;
	if (map_flags & MAP_FIXED_NOREPLACE) {
		struct vma *v = vma_find(mm, addr);

		if (v && v->start < addr + len)
			return -EEXIST;
	}
	flags = prot_to_flags(prot) | map_flags_to_vm(map_flags) | mm->def_flags | VM_MAYALL;
	if ((map_flags & MAP_LOCKED) && !mm_may_lock())
		return -EPERM;
	if ((flags & VM_LOCKED) && !mm_lock_within_limit(mm, len >> PAGE_SHIFT))
		return -EAGAIN;
	if (file && (pgoff + (len >> PAGE_SHIFT)) > (~0UL >> (PAGE_SHIFT + 1)))
		return -EOVERFLOW;
	ret = file ? map_file_rights(file, prot, map_flags, &flags)
		   : map_anon_rights(map_flags, &flags);
	if (ret)
		return ret;
	if (!file)
		pgoff = flags & VM_SHARED ? 0 : addr >> PAGE_SHIFT;
	if ((map_flags & MAP_NORESERVE) && READ_ONCE(sysctl_overcommit_memory) != OVERCOMMIT_NEVER)
		flags |= VM_NORESERVE;
	ret = map_region(mm, file, addr, len, flags, pgoff);
	if (ret)
		return ret;
	if ((flags & VM_LOCKED) || (map_flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		*populate = len;
	return at;
}

s64 vm_mmap_locked(struct file *file, u64 addr, u64 len, u32 prot, u32 flags, u64 pgoff)
{
	u64 populate;

	return vm_map(file, addr, len, prot, flags, pgoff, &populate);
}

static s64 mmap_pgoff(struct file *file, u64 addr, u64 len, u64 prot, u64 flags, u64 pgoff)
{
	struct mm *mm = current->mm;
	u64 populate;
	s64 ret;

	ret = down_write_killable(&mm->lock);
	if (ret)
		return ret;
	ret = vm_map(file, addr, len, prot, flags, pgoff, &populate);
	up_write(&mm->lock);
	if (populate)
		vm_populate_quiet(mm, (u64)ret, (u64)ret + populate);
	return ret;
}

s64 vm_mmap(struct file *file, u64 addr, u64 len, u32 prot, u32 flags, u64 offset)
{
	if (offset + ALIGN_UP(len, PAGE_SIZE) < offset || !IS_ALIGNED(offset, PAGE_SIZE))
		return -EINVAL;
	return mmap_pgoff(file, addr, len, prot, flags, offset >> PAGE_SHIFT);
}

/* --- mmap operations of files --- */

int pagecache_file_mmap(struct file *file, struct vma *vma)
{
	if (!file->mapping || !file->mapping->ops)
		return -ENODEV;
	file_accessed(file);
	return 0;
}

int vm_mmap_zero(struct file *file, struct vma *vma)
{
	struct file *shmem;

	if (!(vma->flags & VM_SHARED)) {
		vma->anon = true;
		return 0;
	}
	shmem = shmem_file_create("dev/zero", (loff_t)(vma->end - vma->start), vma->flags);
	if (IS_ERR(shmem))
		return (int)PTR_ERR(shmem);
	file_put(file); /* the VMA's */
	vma->file = shmem;
	vma->pgoff = 0;
	return shmem->ops->mmap(shmem, vma);
}

/* --- system calls --- */

/* No huge pages are ever set aside: sizes the machine has are exhausted, others unknown. */
static long mmap_hugetlb(u64 flags)
{
	u64 log = (flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;

	return log == 0 || log == 21 || log == 30 ? -ENOMEM : -EINVAL;
}

long sys_mmap(unsigned long addr, unsigned long len, unsigned long prot, unsigned long flags,
	      unsigned long fd, unsigned long off)
{
	struct fd f;
	s64 ret;

	if (off & ~PAGE_MASK)
		return -EINVAL;
	if (flags & MAP_ANONYMOUS) {
		if (unlikely(flags & MAP_HUGETLB))
			return mmap_hugetlb(flags);
		return mmap_pgoff(NULL, addr, len, prot, flags, off >> PAGE_SHIFT);
	}
	f = fd_get((int)fd);
	if (!f.file)
		return -EBADF;
	ret = flags & MAP_HUGETLB ? -EINVAL
				  : mmap_pgoff(f.file, addr, len, prot, flags, off >> PAGE_SHIFT);
	fd_put(f);
	return ret;
}

long sys_munmap(unsigned long addr, size_t len) { return vm_munmap(addr, len); }

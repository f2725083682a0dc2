/* SPDX-License-Identifier: MIT */
/*
 * What the files that make up user address spaces share among themselves: VMA surgery (vma.c), page
 * tables (pagetable.c), the file side (rmap.c), limits (mm.c). Everything here wants mm->lock held
 * for writing unless said otherwise.
 */
#ifndef MM_VMA_H
#define MM_VMA_H

#include <kernel/panic.h>
#include <kernel/vm.h>

#define VM_ACCESS    (VM_READ | VM_WRITE | VM_EXEC)
#define VM_MAYALL    (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)
#define VM_SPECIAL   (VM_IO | VM_DONTEXPAND) /* never merged, locked or grown */
#define VM_LOCK_MASK (VM_LOCKED | VM_LOCKONFAULT)

/* --- vma.c: the tree --- */
struct vma *vma_alloc(struct mm *mm, u64 start, u64 end, u64 flags,
		      u64 pgoff); /* not in the tree; NULL */
/* A copy with references of its own; not in any tree, ops->open not called. NULL */
struct vma *vma_dup(struct mm *mm, const struct vma *old);
void vma_free(struct vma *vma);	 /* out of all trees; drops its file. Does not call ops->close */
void vma_close(struct vma *vma); /* ops->close, then vma_free */
void vma_insert(struct mm *mm, struct vma *vma); /* into the mm's tree and its file's */
void vma_remove(struct mm *mm, struct vma *vma);
/* For fork: appends behind every other; gaps stay unknown until vma_tree_finish(). */
void vma_append(struct mm *mm, struct vma *vma, struct vma *last);
void vma_tree_finish(struct mm *mm);
void vma_free_all(struct mm *mm); /* the whole tree; they are out of their files' trees already */
/* New bounds that do not change the order of VMAs; pgoff follows start. */
void vma_set_bounds(struct vma *vma, u64 start, u64 end);
struct vma *vma_prev(struct vma *vma);
struct vma *vma_last(struct mm *mm);
/* Cuts at addr: vma keeps the lower part, the upper one is returned. ERR_PTR(-ENOMEM). The caller
 * minds max_map_count. */
struct vma *vma_split(struct vma *vma, u64 addr);
/* [start, end) of vma gets these flags and name, splitting or joining neighbours. Returns what
 * covers it. ERR_PTR(-ENOMEM) */
struct vma *vma_modify(struct vma *vma, u64 start, u64 end, u64 flags, struct vma_name *name);
/* A neighbour grown over the free range [start, end), or NULL when none is alike. */
struct vma *vma_merge_new(struct mm *mm, u64 start, u64 end, u64 flags, struct file *file,
			  u64 pgoff);
u64 vma_guard_start(const struct vma *vma); /* start, less the guard gap of a stack */
/* Every byte of [start, end) is mapped. mm->lock held. */
bool vma_range_full(struct mm *mm, u64 start, u64 end);
/* None of the VMAs in the range is sealed. */
bool vma_range_unsealed(struct mm *mm, u64 start, u64 end);
struct vma_name *vma_name_get(struct vma_name *n);
void vma_name_put(struct vma_name *n);
void vma_cache_init(void);

static inline u64 vma_pages(const struct vma *v) { return (v->end - v->start) >> PAGE_SHIFT; }
static inline u64 vma_pgoff(const struct vma *v, u64 addr)
{
	return v->pgoff + ((addr - v->start) >> PAGE_SHIFT);
}
/* A private writable mapping, or one that may become it: its pages are copied on write. */
static inline bool vma_is_cow(const struct vma *v)
{
	return (v->flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE;
}

/* --- rmap.c: a file's VMAs; take mapping->vma_lock themselves --- */
void vma_link_file(struct vma *vma);
void vma_unlink_file(struct vma *vma);
/* A linked VMA's place in the file changes. */
void vma_move_file(struct vma *vma, u64 start, u64 end, u64 pgoff);

/* --- pagetable.c --- */
#define PTE_NONE_BITS \
	(PTE_SOFT1 | PTE_U | PTE_A) /* a page stays behind PROT_NONE: not valid, but not empty */
extern struct page *zero_page; /* shared by read faults of untouched anonymous memory; mapped with
				  PTE_SPECIAL */

static inline pte_t vma_pte_bits(u64 flags, bool write)
{
	return flags & VM_ACCESS ? pte_user_bits(flags, write) : PTE_NONE_BITS;
}
/* Entry of addr; NULL: no table there. *next: end of the stretch (within one table, or without
 * any), at most `end`. */
pte_t *pt_walk(struct mm *mm, u64 addr, u64 end, u64 *next);
pte_t *pt_find(struct mm *mm, u64 addr);
pte_t *pt_alloc(struct mm *mm,
		u64 addr); /* makes the tables; NULL: no memory. mm->lock held for reading */
enum zap_mode {
	ZAP_LIVE,      /* flush, then free */
	ZAP_DEAD,      /* nobody runs in mm any more: no flush */
	ZAP_FILE_ONLY, /* as LIVE, but private copies stay */
};
/* Empties the entries of a range. mm->lock, or the vma_lock of the file that is mapped there. */
void pt_zap(struct mm *mm, u64 start, u64 end, enum zap_mode mode);
/* Takes out tables that serve [start, end) and nothing below floor or from ceiling on; pt_release()
 * frees them. */
void pt_collect(struct mm *mm, u64 start, u64 end, u64 floor, u64 ceiling,
		struct list_head *tables);
void pt_release(struct mm *mm, struct list_head *tables);
/* Private pages of vma into the same place of dst, both sides read-only. 0, -ENOMEM. Sets *changed
 * when src needs a flush. */
int pt_copy(struct mm *dst, struct vma *vma, bool *changed);
/* Entries of [start, end) get the rights of `flags`. */
void pt_protect(struct vma *vma, u64 start, u64 end, u64 flags);
/* Moves entries; returns bytes done (short: no memory). `file`: its VMAs may be walked meanwhile.
 */
u64 pt_move(struct mm *mm, u64 from, u64 to, u64 len, struct mapping *file);
/* The rss counter a page belongs to. */
s64 *mm_rss_counter(struct mm *mm, const struct page *p);
/* True when instruction caches may not know the page's content: fence_i_all() before it is mapped
 * executable. The mark is the page's, so all harts must know, not just those of one mm. */
bool page_mark_icache(struct page *p);

/* --- fault.c --- */
/* One page as if touched; mm->lock held for reading, rights checked by the caller. addr page
 * aligned. A write to a private VMA that is not writable (debuggers) makes the copy, but its entry
 * stays read-only. */
enum vm_fault vm_fault_page(struct vma *vma, u64 addr, bool write);
/* Grows a stack so that it covers addr; -ENOMEM when it may not. */
int vma_expand_down(struct vma *vma, u64 addr);

/* --- mm.c: limits and counts --- */
bool mm_may_expand(struct mm *mm, u64 flags, u64 pages); /* RLIMIT_AS, RLIMIT_DATA */
void mm_account(struct mm *mm, u64 flags, s64 pages);	 /* total_vm and its parts */
void mm_account_locked(struct mm *mm, s64 pages);
bool mm_may_lock(void);				     /* any locked memory at all */
bool mm_lock_within_limit(struct mm *mm, u64 pages); /* so many more */
void memory_uncommit(u64 pages);
static inline bool vma_accountable(u64 flags)
{
	return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

/* --- mmap.c --- */
/* Unmaps whole pages; the range is checked. 0, -ENOMEM, -EPERM (sealed). */
int vm_unmap_range(struct mm *mm, u64 start, u64 end);
/* A free range as mmap would choose it, or addr checked. Error or address. */
s64 vm_pick_area(struct mm *mm, struct file *file, u64 addr, u64 len, u64 pgoff, u64 map_flags);
/* As vm_mmap_locked(); *populate: bytes the caller is to fault in once the lock is free. */
s64 vm_map(struct file *file, u64 addr, u64 len, u64 prot, u64 flags, u64 pgoff, u64 *populate);

/* --- mlock.c --- */
void vm_populate_quiet(struct mm *mm, u64 start,
		       u64 end); /* what cannot be faulted in is left out */

#endif

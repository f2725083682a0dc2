/* SPDX-License-Identifier: MIT */
/*
 * struct mm: making, copying (fork), tearing down, and what its limits allow.
 *
 *	mm_create / mm_fork	users = refs = 1
 *	mm_put (last user)	mm_exit_all: every VMA, page and table goes, in one pass; drops one of refs
 *	mm_drop (last ref)	the root table and the struct go
 *
 * `users` are tasks and whoever looks into the address space; `refs` also harts that still have its
 * root loaded while they run kernel threads. After mm_exit_all() only the kernel half of the root is
 * left, so such harts may go on.
 *
 * fork copies VMAs one by one and the entries of private pages only; both sides become read-only
 * and pages are copied on the next write. Shared and untouched file pages fault back in.
 */
#include "vma.h"

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>

static struct slab_cache *mm_cache;

struct mm init_mm = {
	.pgd = kernel_pgd,
	.users = REFCOUNT_INIT(2),
	.refs = REFCOUNT_INIT(2),
	.lock = RWSEM_INIT(init_mm.lock, RANK_MMAP),
	.page_table_lock = SPINLOCK_INIT(RANK_PAGE_TABLE),
	.harts = HARTMASK_ALL,
};

/* --- limits --- */

static bool is_data(u64 flags) { return (flags & (VM_WRITE | VM_SHARED | VM_STACK)) == VM_WRITE; }

bool mm_may_expand(struct mm *mm, u64 flags, u64 pages)
{
	if (mm->total_vm + pages > rlimit(RLIMIT_AS) >> PAGE_SHIFT)
		return false;
	return !is_data(flags) || mm->data_vm + pages <= rlimit(RLIMIT_DATA) >> PAGE_SHIFT;
}

void mm_account(struct mm *mm, u64 flags, s64 pages)
{
	mm->total_vm += pages;
	if (mm->total_vm > mm->hiwater_vm)
		mm->hiwater_vm = mm->total_vm;
	if ((flags & (VM_EXEC | VM_WRITE | VM_STACK)) == VM_EXEC)
		mm->exec_vm += pages;
	else if (flags & VM_STACK)
		mm->stack_vm += pages;
	else if (is_data(flags))
		mm->data_vm += pages;
}

void mm_account_locked(struct mm *mm, s64 pages)
{
	mm->locked_vm += pages;
	memory_count(MEM_MLOCKED, pages);
}

bool mm_may_lock(void) { return rlimit(RLIMIT_MEMLOCK) != 0 || capable(CAP_IPC_LOCK); }

bool mm_lock_within_limit(struct mm *mm, u64 pages)
{
	return mm->locked_vm + pages <= rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT ||
	       capable(CAP_IPC_LOCK);
}

void memory_uncommit(u64 pages)
{
	if (pages)
		WARN_ON(memory_commit(-(s64)pages) != 0);
}

u64 vm_rss(struct mm *mm)
{
	s64 n = READ_ONCE(mm->rss_anon) + READ_ONCE(mm->rss_file) + READ_ONCE(mm->rss_shmem);

	return n > 0 ? (u64)n : 0;
}

/* --- life --- */

struct mm *mm_create(void)
{
	struct mm *mm = slab_alloc(mm_cache, GFP_KERNEL | GFP_ZERO);

	if (!mm)
		return NULL;
	mm->pgd = pgd_alloc();
	if (!mm->pgd) {
		slab_free(mm_cache, mm);
		return NULL;
	}
	refcount_set(&mm->users, 1);
	refcount_set(&mm->refs, 1);
	rwsem_init(&mm->lock, RANK_MMAP);
	spinlock_init(&mm->page_table_lock, RANK_PAGE_TABLE);
	mm->mmap_base = ALIGN_DOWN(STACK_TOP - (128UL << 20), PAGE_SIZE);
	return mm;
}

static void release_exe_file(struct file *file)
{
	if (!file)
		return;
	inode_allow_write(file->inode);
	file_put(file);
}

void mm_set_exe_file(struct mm *mm, struct file *file)
{
	release_exe_file(atomic_xchg(&mm->exe_file, file));
}

struct file *mm_exe_file_get(struct mm *mm)
{
	struct file *f;

	rcu_read_lock();
	f = rcu_dereference(mm->exe_file);
	if (f && !refcount_get_unless_zero(&f->refs))
		f = NULL;
	rcu_read_unlock();
	return f;
}

struct mm *task_mm_get(struct task *t)
{
	struct mm *mm;

	spin_lock(&t->lock);
	mm = t->flags & TF_KTHREAD ? NULL : t->mm;
	if (mm && !refcount_get_unless_zero(&mm->users))
		mm = NULL;
	spin_unlock(&t->lock);
	return mm;
}

static void mm_check_empty(const struct mm *mm)
{
	if (likely(!mm->rss_anon && !mm->rss_file && !mm->rss_shmem && !mm->pt_bytes &&
		   !mm->nr_vmas))
		return;
	pr_err("vm: address space not empty: anon %ld file %ld shmem %ld pages, %lu bytes of "
	       "tables, %u mappings",
	       (long)mm->rss_anon, (long)mm->rss_file, (long)mm->rss_shmem,
	       (unsigned long)mm->pt_bytes, mm->nr_vmas);
	ASSERT(false);
}

void mm_drop(struct mm *mm)
{
	if (!refcount_put(&mm->refs))
		return;
	mm_check_empty(mm);
	mm_context_free(mm);
	pgd_free(mm->pgd);
	slab_free(mm_cache, mm);
}

/* All tables. VMAs that share a table of the middle level go together: it is taken after all its leaves. */
static void collect_tables(struct mm *mm, struct list_head *tables)
{
	struct vma *v = vma_first(mm);

	while (v) {
		u64 start = v->start, end = v->end;

		while ((v = vma_next(v)) && v->start < ALIGN_UP(end, PUD_SIZE))
			end = v->end;
		pt_collect(mm, start, end, 0, TASK_SIZE, tables);
	}
}

void mm_exit_all(struct mm *mm)
{
	u64 committed = 0;
	struct vma *v;
	LIST_HEAD(tables);

	for_each_vma (mm, v) {
		pt_zap(mm, v->start, v->end, ZAP_DEAD);
		if (v->file)
			vma_unlink_file(v);
		if (v->flags & VM_ACCOUNT)
			committed += vma_pages(v);
	}
	collect_tables(mm, &tables);
	pt_release(mm, &tables);
	vma_free_all(mm);
	memory_uncommit(committed);
	mm_account_locked(mm, -(s64)mm->locked_vm);
	mm->total_vm = mm->data_vm = mm->exec_vm = mm->stack_vm = 0;
}

void mm_put(struct mm *mm)
{
	might_sleep();
	if (!refcount_put(&mm->users))
		return;
	mm_exit_all(mm);
	mm_set_exe_file(mm, NULL);
	mm_drop(mm);
}

/* --- fork --- */

static void copy_layout(struct mm *mm, struct mm *old)
{
	mm->mmap_base = old->mmap_base;
	mm->start_code = old->start_code;
	mm->end_code = old->end_code;
	mm->start_data = old->start_data;
	mm->end_data = old->end_data;
	mm->start_brk = old->start_brk;
	mm->brk = old->brk;
	mm->start_stack = old->start_stack;
	mm->arg_start = old->arg_start;
	mm->arg_end = old->arg_end;
	mm->env_start = old->env_start;
	mm->env_end = old->env_end;
	mm->vdso = old->vdso;
	memcpy(mm->auxv, old->auxv, sizeof(mm->auxv));
	mm->dumpable = old->dumpable;
	mm->membarrier_state = old->membarrier_state;
	mm->icache_stale = READ_ONCE(old->icache_stale);
	mm->def_flags = old->def_flags & (VM_HUGEPAGE | VM_NOHUGEPAGE);
	mm->exe_file = mm_exe_file_get(old);
	if (mm->exe_file)
		WARN_ON(inode_deny_write(mm->exe_file->inode) !=
			0); /* denied already: the count only grows */
}

/* One VMA and its private pages. The new one is in both trees even when this fails. */
static int fork_vma(struct mm *mm, struct vma *from, struct vma **last, bool *changed)
{
	u64 pages = vma_pages(from);
	struct vma *v;

	if ((from->flags & VM_ACCOUNT) && memory_commit((s64)pages))
		return -ENOMEM;
	v = vma_dup(mm, from);
	if (!v) {
		if (from->flags & VM_ACCOUNT)
			memory_uncommit(pages);
		return -ENOMEM;
	}
	v->flags &= ~VM_LOCK_MASK;
	if (v->flags & VM_WIPEONFORK)
		v->has_anon = false;
	vma_append(mm, v, *last);
	*last = v;
	mm_account(mm, v->flags, (s64)pages);
	if (v->ops && v->ops->open)
		v->ops->open(v);
	if (!v->has_anon && !(v->flags & VM_IO))
		return 0;
	return pt_copy(mm, from, changed);
}

struct mm *mm_fork(struct mm *old)
{
	struct mm *mm = mm_create();
	struct vma *v, *last = NULL;
	bool changed = false;
	int ret;

	if (!mm)
		return ERR_PTR(-ENOMEM);
	ret = down_write_killable(&old->lock);
	if (ret)
		goto fail;
	copy_layout(mm, old);
	for_each_vma (old, v) {
		if (v->flags & VM_DONTCOPY)
			continue;
		ret = fork_vma(mm, v, &last, &changed);
		if (ret)
			break;
	}
	vma_tree_finish(mm);
	mm->hiwater_rss = vm_rss(mm);
	if (changed)
		tlb_flush_mm(old);
	up_write(&old->lock);
	if (ret == 0)
		return mm;
fail:
	mm_put(mm);
	return ERR_PTR(ret);
}

/* --- layout for exec --- */

#define MMAP_RANDOM_PAGES  (1UL << 18)
#define STACK_RANDOM_PAGES (1UL << 18)
#define BRK_RANDOM_PAGES   (1UL << 18)

void mm_layout_random(struct mm *mm, bool randomize, u64 stack_rlimit)
{
	u64 pad = (u64)sysctl_stack_guard_gap << PAGE_SHIFT, gap = stack_rlimit, shift = 0;

	if (randomize) {
		pad += STACK_RANDOM_PAGES << PAGE_SHIFT;
		shift = random_below(MMAP_RANDOM_PAGES) << PAGE_SHIFT;
	}
	if (gap + pad > gap)
		gap += pad;
	gap = MIN(MAX(gap, 128UL << 20), STACK_TOP / 6 * 5);
	mm->mmap_base = ALIGN_DOWN(STACK_TOP - gap - shift, PAGE_SIZE);
}

u64 vm_random_stack_top(bool randomize)
{
	return randomize ? STACK_TOP - (random_below(STACK_RANDOM_PAGES) << PAGE_SHIFT) : STACK_TOP;
}

u64 vm_random_brk_offset(void) { return random_below(BRK_RANDOM_PAGES) << PAGE_SHIFT; }

int vm_setup_stack(struct mm *mm, u64 top, u64 size, bool exec)
{
	u64 flags = VM_READ | VM_WRITE | VM_GROWSDOWN | VM_MAYALL | VM_ACCOUNT |
		    (exec ? VM_EXEC : 0) | mm->def_flags;
	u64 pages = size >> PAGE_SHIFT;
	struct vma *v;

	ASSERT(IS_ALIGNED(top | size, PAGE_SIZE) && size && size < top);
	if (!mm_may_expand(mm, flags, pages) || memory_commit((s64)pages))
		return -ENOMEM;
	v = vma_alloc(mm, top - size, top, flags, (top - size) >> PAGE_SHIFT);
	if (!v) {
		memory_uncommit(pages);
		return -ENOMEM;
	}
	v->anon = true;
	vma_insert(mm, v);
	mm_account(mm, flags, (s64)pages);
	return 0;
}

void vm_init(void)
{
	mm_cache = slab_create("mm_struct", sizeof(struct mm), 0, SLAB_ACCOUNT, NULL);
	zero_page = page_alloc(GFP_KERNEL | GFP_ZERO, 0);
	if (!mm_cache || !zero_page)
		panic("vm: no memory to start with");
	zero_page->flags |= PG_RESERVED | PG_UPTODATE;
	vma_cache_init();
}

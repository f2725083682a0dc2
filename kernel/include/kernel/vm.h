/* SPDX-License-Identifier: MIT */
/*
 * User address spaces (kernel/mm/): struct mm, its VMAs, faults, mmap and its kin.
 *
 * Locks: mm->lock (rwsem) guards the VMA tree and everything marked [m]; faults take it for reading.
 * mm->page_table_lock guards entries below; page-table pages are only freed with mm->lock held for writing or when
 * the last user is gone.
 */
#ifndef KERNEL_VM_H
#define KERNEL_VM_H

#include <arch/pgtable.h>
#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/rbtree.h>

struct file;
struct mapping;
struct seq_file;
struct vma;

/* vma->flags */
#define VM_READ	     0x00000001
#define VM_WRITE     0x00000002
#define VM_EXEC	     0x00000004
#define VM_SHARED    0x00000008
#define VM_MAYREAD   0x00000010
#define VM_MAYWRITE  0x00000020
#define VM_MAYEXEC   0x00000040
#define VM_MAYSHARE  0x00000080
#define VM_GROWSDOWN 0x00000100
#define VM_LOCKED    0x00002000
#define VM_IO	     0x00004000 /* device memory: no struct page behind it */
#define VM_DONTCOPY  0x00020000
#define VM_DONTEXPAND 0x00040000
#define VM_LOCKONFAULT 0x00080000
#define VM_ACCOUNT   0x00100000 /* charged to overcommit */
#define VM_NORESERVE 0x00200000
#define VM_WIPEONFORK 0x02000000
#define VM_DONTDUMP  0x04000000
#define VM_STACK     VM_GROWSDOWN
#define VM_HUGEPAGE  0x20000000
#define VM_NOHUGEPAGE 0x40000000
#define VM_MERGEABLE 0x80000000
#define VM_SEQ_READ  0x00008000
#define VM_RAND_READ 0x00010000
#define VM_SEALED    0x100000000UL

/* fault(): what a special mapping does on first touch. Returns 0 with *page referenced, -EFAULT (SIGBUS), -ENOMEM. */
struct vm_ops {
	int (*fault)(struct vma *vma, u64 pgoff, bool write, struct page **page);
	void (*open)(struct vma *vma);	/* the VMA was copied or split */
	void (*close)(struct vma *vma);
	int (*page_mkwrite)(struct vma *vma, struct page *page); /* a shared file page becomes writable */
	const char *(*name)(struct vma *vma); /* "[vdso]" */
};

struct vma {
	u64 start, end;		  /* [m] page aligned, end exclusive */
	struct rb_node rb;	  /* [m] mm->vmas */
	u64 gap, gap_max;	  /* [m] the hole before it (stack guard taken off); the largest in its subtree (augmented) */
	struct mm *mm;
	u64 flags;		  /* [m] VM_* */
	struct file *file;	  /* referenced; NULL: anonymous */
	u64 pgoff;		  /* file page of start (anonymous: start >> PAGE_SHIFT) */
	const struct vm_ops *ops; /* NULL: anonymous, or a file through its page cache */
	void *data;
	struct rb_node shared;	  /* mapping->vma_lock: in mapping->vmas, by pgoff */
	u64 shared_max;
	struct vma_name *name;	  /* [m] PR_SET_VMA_ANON_NAME; referenced */
	bool anon;		  /* private memory with no file pages behind it (file may still name /dev/zero) */
	bool has_anon;		  /* [a] may hold pages of its own: fork must look. Only ever becomes true */
};
struct vma_name {
	struct refcount refs;
	char text[80];
};

struct mm {
	pte_t *pgd;		  /* [I] root page table */
	u64 asid;		  /* [a] generation | number; arch/riscv/tlb.c */
	hartmask_t harts;	  /* [a] harts whose TLB may hold entries */
	hartmask_t icache_stale;  /* [a] harts that must fence.i before they run it; arch/riscv/tlb.c */
	struct refcount users;	  /* tasks that use it: the last mm_put() unmaps all */
	struct refcount refs;	  /* plus lazy references; the last mm_drop() frees the tables */
	struct rwsem lock;	  /* RANK_MMAP */
	struct spinlock page_table_lock;
	struct rb_root vmas;	  /* [m] */
	struct vma *last_hit;	  /* [a] a hint */
	u32 nr_vmas;		  /* [m] */
	u32 seq;		  /* [m] counts changes of the VMA tree */
	u64 mmap_base;		  /* top-down search starts here */
	u64 start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
	u64 arg_start, arg_end, env_start, env_end;
	u64 vdso;		  /* address of the vDSO image */
	u64 auxv[64];		  /* as put on the stack: /proc/PID/auxv */
	u64 total_vm, locked_vm, data_vm, exec_vm, stack_vm, pinned_vm; /* [m] pages */
	s64 rss_anon, rss_file, rss_shmem;  /* [a] pages */
	u64 hiwater_rss, hiwater_vm;
	u64 pt_bytes;		  /* [a] */
	u64 def_flags;		  /* mlockall(MCL_FUTURE) */
	struct file *exe_file;	  /* RCU; referenced: mm_exe_file_get() */
	u32 dumpable;
	bool oom_reaped;
	u32 membarrier_state;
	struct rcu_head rcu;
};

void vm_init(void);
extern struct mm init_mm; /* kernel page tables */

struct mm *mm_create(void);		    /* users = refs = 1; NULL */
struct mm *mm_fork(struct mm *old);	    /* COW copy; ERR_PTR(-ENOMEM) ... */
static inline void mm_get(struct mm *mm) { refcount_get(&mm->users); }
void mm_put(struct mm *mm);		    /* may sleep */
static inline void mm_grab(struct mm *mm) { refcount_get(&mm->refs); }
void mm_drop(struct mm *mm);		    /* any context */
/* A task's mm with a reference, NULL when it has none (any more). */
struct task;
struct mm *task_mm_get(struct task *t);

/* With mm->lock held. vma_find: the first VMA with end > addr. */
struct vma *vma_find(struct mm *mm, u64 addr);
struct vma *vma_find_exact(struct mm *mm, u64 addr); /* NULL unless it covers addr */
struct vma *vma_next(struct vma *vma);
struct vma *vma_first(struct mm *mm);
#define for_each_vma(mm, v) for ((v) = vma_first(mm); (v); (v) = vma_next(v))
/* Address or -errno. Takes mm->lock itself. flags: MAP_*; prot: PROT_*. */
s64 vm_mmap(struct file *file, u64 addr, u64 len, u32 prot, u32 flags, u64 offset);
/* With mm->lock held for writing. */
s64 vm_mmap_locked(struct file *file, u64 addr, u64 len, u32 prot, u32 flags, u64 pgoff);
int vm_munmap(u64 addr, u64 len); /* current->mm; takes its lock */
int vm_munmap_locked(struct mm *mm, u64 addr, u64 len);
/* current->mm; takes its lock. Anonymous private memory at addr, page aligned: ELF bss. */
int vm_brk(u64 addr, u64 len, bool exec);
/* Kernel-made mapping (vDSO, its data): pages come from ops->fault or, with ops NULL, from vm_insert_page(). mm->lock held
 * for writing. ERR_PTR(-ENOMEM). */
struct vma *vm_install_special(struct mm *mm, u64 addr, u64 len, u64 flags, const struct vm_ops *ops, void *data);
/* Free range for a mapping of len bytes; -ENOMEM. mm->lock held. */
s64 vm_unmapped_area(struct mm *mm, u64 len, u64 hint, u64 align);
/* New stack for exec in a fresh mm: maps [top - size, top), which grows down to RLIMIT_STACK. 0 or -errno. top: from
 * vm_random_stack_top(). Its pages are filled through vm_get_page() or vm_access(). mm->lock held for writing. */
u64 vm_random_stack_top(bool randomize);
int vm_setup_stack(struct mm *mm, u64 top, u64 size, bool exec);
void mm_exit_all(struct mm *mm);	    /* unmap everything: last user gone */
void mm_layout_random(struct mm *mm, bool randomize, u64 stack_rlimit); /* mmap_base etc. for exec */
u64 vm_random_brk_offset(void);

/* A page fault from user mode or a user copy. access: VM_READ, VM_WRITE or VM_EXEC.
 * 0: handled. Else a signal: VM_FAULT_SEGV_MAPERR, _ACCERR, VM_FAULT_BUS, VM_FAULT_OOM, or none: VM_FAULT_KILLED (one is
 * pending that kills). Takes mm->lock. user: not used yet to tell the two apart. */
enum vm_fault { VM_FAULT_OK, VM_FAULT_SEGV_MAPERR, VM_FAULT_SEGV_ACCERR, VM_FAULT_BUS, VM_FAULT_OOM, VM_FAULT_KILLED };
enum vm_fault vm_handle_fault(struct mm *mm, u64 addr, u64 access, bool user);
/* The page behind a user address of any mm, made present (and private, writable when write): referenced. ERR_PTR.
 * mm->lock must be held for reading. */
struct page *vm_get_page(struct mm *mm, u64 addr, bool write, bool force);
/* As vm_get_page for reading, but only what has been touched: NULL for holes (core dumps). mm->lock held for reading. */
struct page *vm_peek_page(struct mm *mm, u64 addr);
/* Reads or writes another address space (ptrace, /proc/PID/mem, cmdline); returns bytes done. */
ssize_t vm_access(struct mm *mm, u64 addr, void *buf, size_t len, bool write, bool force);

/* The file side: all VMAs that map these pages of a mapping lose them (truncate, hole punch). even_cows: private copies too. */
void mapping_unmap_range(struct mapping *m, u64 first, u64 last, bool even_cows);
/* Makes pages of the range read-only again for write-back; returns true when one was dirty. */
bool mapping_clean_page(struct mapping *m, struct page *p);

/* For file->ops->mmap. /dev/zero: private is plain anonymous memory, shared a fresh shmem file. */
int vm_mmap_zero(struct file *file, struct vma *vma);
/* Device memory: maps it all now, shared, uncounted. Sets VM_IO. 0, -ENOMEM. */
int vm_remap_pfn(struct vma *vma, u64 addr, u64 pfn, u64 len);
/* Puts a page at addr (nothing mapped there yet) with the VMA's rights; consumes the reference. 0, -ENOMEM, -EBUSY. */
int vm_insert_page(struct vma *vma, u64 addr, struct page *page);
/* kernel/fs/tmpfs/: an unlinked tmpfs file of that size, shown as "/name (deleted)"; VM_NORESERVE in vm_flags: pages
 * are charged one by one, not now. Open for reading and writing. ERR_PTR. */
struct file *shmem_file_create(const char *name, loff_t size, u64 vm_flags);

/* The executable, referenced; NULL. */
struct file *mm_exe_file_get(struct mm *mm);
/* exec, PR_SET_MM_EXE_FILE: takes over the reference to file and its inode_deny_write(), as open_exec() gives them; both
 * go when the mm does. NULL: none. */
void mm_set_exe_file(struct mm *mm, struct file *file);
/* prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME): name NULL takes it away. current->mm; takes its lock. */
int vm_set_anon_name(u64 addr, u64 len, const char *name);
/* Faults pages in as if touched (mlock, MAP_POPULATE); takes mm->lock. 0, -EFAULT, -ENOMEM, -EINTR. */
int vm_populate(struct mm *mm, u64 start, u64 end);

extern u32 sysctl_max_map_count, sysctl_stack_guard_gap /* pages */;
extern u64 sysctl_mmap_min_addr;

void vm_show_maps(struct seq_file *s, struct mm *mm, struct vma *vma);  /* a line of /proc/PID/maps */
/* rollup: one entry for the whole mm, vma is not looked at. Both with mm->lock held for reading. */
void vm_show_smaps(struct seq_file *s, struct mm *mm, struct vma *vma, bool rollup);
/* The entry of /proc/PID/pagemap for the page at addr; with_pfn: the reader may know it. mm->lock held for reading. */
u64 vm_pagemap_entry(struct mm *mm, u64 addr, bool with_pfn);
u64 vm_rss(struct mm *mm); /* pages */

#define TASK_SIZE     (1UL << 38) /* Sv39: the lower half */
#define MMAP_MIN_ADDR 0x10000UL
#define STACK_TOP     (TASK_SIZE - PAGE_SIZE)

#endif

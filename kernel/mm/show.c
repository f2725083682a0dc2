/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/maps, smaps and smaps_rollup, byte for byte as Linux 6.12 prints them. mm->lock is held
 * for reading.
 */
#include "vma.h"

#include <kernel/chrdev.h>
#include <kernel/fs.h>
#include <kernel/pagecache.h>
#include <kernel/sched.h>
#include <kernel/seq_file.h>
#include <kernel/string.h>

#define NAME_COLUMN 73

/* --- maps --- */

static void show_path(struct seq_file *s, struct file *f)
{
	struct path root;

	if (!current->fs) {
		seq_puts(s, "?");
		return;
	}
	fs_get_root(current->fs, &root);
	seq_path(s, &f->path, &root, "\n");
	path_put(&root);
}

/* "[heap]" and its like; NULL. Lives in buf or for ever. */
static const char *special_name(struct mm *mm, struct vma *v, char *buf, size_t size)
{
	const char *name = v->ops && v->ops->name ? v->ops->name(v) : NULL;

	if (name)
		return name;
	if (mm->vdso && v->start == mm->vdso)
		return "[vdso]";
	if (v->start < mm->brk && v->end > mm->start_brk)
		return "[heap]";
	if (v->start <= mm->start_stack && v->end >= mm->start_stack)
		return "[stack]";
	if (!v->name)
		return NULL;
	snprintf(buf, size, "[anon:%s]", v->name->text);
	return buf;
}

static void show_head(struct seq_file *s, u64 start, u64 end, u64 flags, u64 offset, dev_t dev,
		      u64 ino, bool named)
{
	char line[128];
	int n = scnprintf(line, sizeof(line), "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ",
			  (unsigned long)start, (unsigned long)end, flags & VM_READ ? 'r' : '-',
			  flags & VM_WRITE ? 'w' : '-', flags & VM_EXEC ? 'x' : '-',
			  flags & VM_MAYSHARE ? 's' : 'p', (unsigned long)offset, DEV_MAJOR(dev),
			  DEV_MINOR(dev), (unsigned long)ino);

	while (named && n < NAME_COLUMN)
		line[n++] = ' ';
	seq_write(s, line, (size_t)n);
}

void vm_show_maps(struct seq_file *s, struct mm *mm, struct vma *v)
{
	struct inode *inode = v->file ? v->file->inode : NULL;
	char buf[sizeof(v->name->text) + 8];
	const char *name = v->file ? NULL : special_name(mm, v, buf, sizeof(buf));

	show_head(s, v->start, v->end, v->flags, v->file ? v->pgoff << PAGE_SHIFT : 0,
		  inode && inode->sb ? inode->sb->dev : 0, inode ? inode->ino : 0, v->file || name);
	if (v->file)
		show_path(s, v->file);
	else if (name)
		seq_puts(s, name);
	seq_putc(s, '\n');
}

/* --- smaps --- */

#define PSS_SHIFT 12

struct usage { /* bytes; pss with PSS_SHIFT fraction bits */
	u64 resident, shared_clean, shared_dirty, private_clean, private_dirty, referenced,
		anonymous;
	u64 pss, pss_dirty, pss_anon, pss_file, pss_shmem, pss_locked;
};

static void usage_add_page(struct usage *u, const struct vma *v, pte_t e, const struct page *p)
{
	u32 flags = READ_ONCE(p->flags);
	s32 mapped = READ_ONCE(p->mapcount);
	u64 pss = (PAGE_SIZE << PSS_SHIFT) / (mapped > 0 ? (u64)mapped : 1);
	bool dirty = (flags & PG_ANON) || (flags & PG_DIRTY) || ((e & PTE_W) && (e & PTE_D));

	u->resident += PAGE_SIZE;
	u->pss += pss;
	if (flags & PG_ANON) {
		u->anonymous += PAGE_SIZE;
		u->pss_anon += pss;
	} else if (flags & PG_KEPT) {
		u->pss_shmem += pss;
	} else {
		u->pss_file += pss;
	}
	if (e & PTE_A)
		u->referenced += PAGE_SIZE;
	if (v->flags & VM_LOCKED)
		u->pss_locked += pss;
	if (dirty)
		u->pss_dirty += pss;
	if (mapped >= 2)
		*(dirty ? &u->shared_dirty : &u->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &u->private_dirty : &u->private_clean) += PAGE_SIZE;
}

/* Bits of Linux's Documentation/admin-guide/mm/pagemap.rst. */
#define PAGEMAP_PRESENT   BIT(63)
#define PAGEMAP_FILE	  BIT(61)
#define PAGEMAP_EXCLUSIVE BIT(56)

u64 vm_pagemap_entry(struct mm *mm, u64 addr, bool with_pfn)
{
	u64 entry = 0;
	pte_t *pte = pt_find(mm, addr), e;
	const struct page *p;

	if (!pte)
		return 0;
	spin_lock(&mm->page_table_lock);
	e = pte_read(pte);
	if (e) {
		entry = PAGEMAP_PRESENT | (with_pfn ? pte_pfn(e) : 0);
		p = pfn_to_page(pte_pfn(e));
		if (!(e & PTE_SPECIAL))
			entry |= (READ_ONCE(p->flags) & PG_ANON ? 0 : PAGEMAP_FILE) |
				 (READ_ONCE(p->mapcount) == 1 ? PAGEMAP_EXCLUSIVE : 0);
	}
	spin_unlock(&mm->page_table_lock);
	return entry;
}

static void usage_add_vma(struct usage *u, struct mm *mm, const struct vma *v)
{
	u64 addr, next;

	for (addr = v->start; addr < v->end; addr = next) {
		pte_t *pte = pt_walk(mm, addr, v->end, &next);

		if (!pte)
			continue;
		spin_lock(&mm->page_table_lock);
		for (; addr < next; addr += PAGE_SIZE, pte++) {
			pte_t e = pte_read(pte);

			if (e && !(e & PTE_SPECIAL))
				usage_add_page(u, v, e, pfn_to_page(pte_pfn(e)));
		}
		spin_unlock(&mm->page_table_lock);
		cond_resched();
	}
}

static void show_kb(struct seq_file *s, const char *label, u64 bytes)
{
	seq_printf(s, "%-16s%8lu kB\n", label, (unsigned long)(bytes >> 10));
}

static void show_usage(struct seq_file *s, const struct usage *u, bool rollup)
{
	show_kb(s, "Rss:", u->resident);
	show_kb(s, "Pss:", u->pss >> PSS_SHIFT);
	show_kb(s, "Pss_Dirty:", u->pss_dirty >> PSS_SHIFT);
	if (rollup) {
		show_kb(s, "Pss_Anon:", u->pss_anon >> PSS_SHIFT);
		show_kb(s, "Pss_File:", u->pss_file >> PSS_SHIFT);
		show_kb(s, "Pss_Shmem:", u->pss_shmem >> PSS_SHIFT);
	}
	show_kb(s, "Shared_Clean:", u->shared_clean);
	show_kb(s, "Shared_Dirty:", u->shared_dirty);
	show_kb(s, "Private_Clean:", u->private_clean);
	show_kb(s, "Private_Dirty:", u->private_dirty);
	show_kb(s, "Referenced:", u->referenced);
	show_kb(s, "Anonymous:", u->anonymous);
	show_kb(s, "KSM:", 0);
	show_kb(s, "LazyFree:", 0);
	show_kb(s, "AnonHugePages:", 0);
	show_kb(s, "ShmemPmdMapped:", 0);
	show_kb(s, "FilePmdMapped:", 0);
	show_kb(s, "Shared_Hugetlb:", 0);
	seq_printf(s, "Private_Hugetlb: %7u kB\n", 0);
	show_kb(s, "Swap:", 0);
	show_kb(s, "SwapPss:", 0);
	show_kb(s, "Locked:", u->pss_locked >> PSS_SHIFT);
}

static const struct {
	u64 flag;
	char name[3];
} flag_names[] = {
	{ VM_READ, "rd" },	  { VM_WRITE, "wr" },	  { VM_EXEC, "ex" },
	{ VM_SHARED, "sh" },	  { VM_MAYREAD, "mr" },	  { VM_MAYWRITE, "mw" },
	{ VM_MAYEXEC, "me" },	  { VM_MAYSHARE, "ms" },  { VM_GROWSDOWN, "gd" },
	{ VM_LOCKED, "lo" },	  { VM_IO, "io" },	  { VM_SEQ_READ, "sr" },
	{ VM_RAND_READ, "rr" },	  { VM_DONTCOPY, "dc" },  { VM_DONTEXPAND, "de" },
	{ VM_LOCKONFAULT, "lf" }, { VM_ACCOUNT, "ac" },	  { VM_NORESERVE, "nr" },
	{ VM_WIPEONFORK, "wf" },  { VM_DONTDUMP, "dd" },  { VM_HUGEPAGE, "hg" },
	{ VM_NOHUGEPAGE, "nh" },  { VM_MERGEABLE, "mg" }, { VM_SEALED, "sl" },
};

static void show_flags(struct seq_file *s, u64 flags)
{
	seq_puts(s, "VmFlags: ");
	for (u32 i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (flags & flag_names[i].flag) {
			seq_puts(s, flag_names[i].name);
			seq_putc(s, ' ');
		}
	seq_putc(s, '\n');
}

void vm_show_smaps(struct seq_file *s, struct mm *mm, struct vma *vma, bool rollup)
{
	struct vma *first = vma_first(mm), *last = vma_last(mm), *v;
	struct usage u = { 0 };

	if (rollup) {
		for_each_vma (mm, v)
			usage_add_vma(&u, mm, v);
		show_head(s, first ? first->start : 0, last ? last->end : 0, 0, 0, 0, 0, true);
		seq_puts(s, "[rollup]\n");
		show_usage(s, &u, true);
		return;
	}
	usage_add_vma(&u, mm, vma);
	vm_show_maps(s, mm, vma);
	show_kb(s, "Size:", vma->end - vma->start);
	show_kb(s, "KernelPageSize:", PAGE_SIZE);
	show_kb(s, "MMUPageSize:", PAGE_SIZE);
	show_usage(s, &u, false);
	seq_printf(s, "THPeligible:    %8u\n", 0);
	show_flags(s, vma->flags);
}

/* SPDX-License-Identifier: MIT */
/*
 * Address spaces without user code: the search for free ranges against a plain scan, splitting and
 * joining of VMAs, copy on write after fork, moving of page-table entries. No mm here is ever
 * loaded on a hart.
 */
#include "../../kernel/mm/vma.h"

#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/random.h>
#include <kernel/string.h>

#define RW	 (VM_READ | VM_WRITE | VM_MAYALL)
#define BASE	 0x100000000UL
#define PAGES(n) ((u64)(n) << PAGE_SHIFT)

static struct vma *map(struct mm *mm, u64 start, u64 pages, u64 flags)
{
	struct vma *v = vma_alloc(mm, start, start + PAGES(pages), flags, start >> PAGE_SHIFT);

	if (!v)
		return NULL;
	v->anon = true;
	vma_insert(mm, v);
	return v;
}

/* Order, gaps, their maxima and the count, seen from outside. */
static bool tree_sound(struct mm *mm)
{
	struct vma *v, *prev = NULL;
	u64 max = 0, n = 0;

	for_each_vma (mm, v) {
		u64 from = prev ? prev->end : 0, guard = vma_guard_start(v);

		if (v->start >= v->end || v->start < from ||
		    v->gap != (guard > from ? guard - from : 0))
			return false;
		max = MAX(max, v->gap);
		prev = v;
		n++;
	}
	return n == mm->nr_vmas && (!n || rb_entry(mm->vmas.node, struct vma, rb)->gap_max == max);
}

/* The answer vm_unmapped_area() should give, by walking all VMAs. */
static s64 scan_unmapped(struct mm *mm, u64 len)
{
	u64 from = MMAP_MIN_ADDR;
	s64 best = -ENOMEM;
	struct vma *v;

	for_each_vma (mm, v) {
		u64 end = MIN(vma_guard_start(v), mm->mmap_base);

		if (end > from && end - from >= len)
			best = (s64)(end - len);
		from = MAX(from, v->end);
	}
	if (mm->mmap_base > from && mm->mmap_base - from >= len)
		best = (s64)(mm->mmap_base - len);
	return best;
}

static const char *fill_at_random(struct mm *mm)
{
	for (u32 i = 0; i < 400; i++) {
		u64 at = BASE + PAGES(random_below(4096)), pages = 1 + random_below(6);
		struct vma *v = vma_find(mm, at);

		if (v && v->start < at + PAGES(pages)) {
			vma_remove(mm, v);
			vma_close(v);
		} else {
			EXPECT(map(mm, at, pages, random_below(8) ? RW : RW | VM_GROWSDOWN));
		}
		EXPECT(tree_sound(mm));
	}
	return NULL;
}

KERNEL_TEST(vm_unmapped_area)
{
	struct mm *mm = mm_create();
	const char *error;

	EXPECT(mm);
	mm->mmap_base = BASE + PAGES(3900);
	EXPECT(vm_unmapped_area(mm, PAGES(1), 0, 0) == (s64)(mm->mmap_base - PAGES(1)));
	error = fill_at_random(mm);
	for (u64 pages = 1; pages < 300 && !error; pages += 1 + pages / 8)
		if (vm_unmapped_area(mm, PAGES(pages), 0, 0) != scan_unmapped(mm, PAGES(pages)))
			error = "vm_unmapped_area differs from a scan";
	if (!error && vm_unmapped_area(mm, TASK_SIZE, 0, 0) != -ENOMEM)
		error = "the whole address space found free";
	if (!error &&
	    vm_unmapped_area(mm, PAGES(1), BASE - PAGES(1024), 0) != (s64)(BASE - PAGES(1024)))
		error = "a free hint not taken";
	mm_put(mm);
	return error;
}

KERNEL_TEST(vm_split_and_join)
{
	struct mm *mm = mm_create();
	struct vma *v;

	EXPECT(mm);
	v = map(mm, BASE, 16, RW);
	EXPECT(v);
	v = vma_modify(v, BASE + PAGES(4), BASE + PAGES(8), RW & ~VM_WRITE,
		       NULL); /* a hole of other rights */
	EXPECT(!IS_ERR(v) && mm->nr_vmas == 3 && tree_sound(mm));
	v = vma_modify(vma_find(mm, BASE + PAGES(8)), BASE + PAGES(8), BASE + PAGES(10),
		       RW & ~VM_WRITE, NULL);
	EXPECT(!IS_ERR(v) && mm->nr_vmas == 3 && v->start == BASE + PAGES(4) &&
	       v->end == BASE + PAGES(10) && tree_sound(mm));
	v = vma_modify(vma_find(mm, BASE), BASE + PAGES(2), BASE + PAGES(4), RW & ~VM_WRITE, NULL);
	EXPECT(!IS_ERR(v) && mm->nr_vmas == 3 && v->start == BASE + PAGES(2) && tree_sound(mm));
	v = vma_modify(v, v->start, v->end, RW, NULL); /* as at first: one again */
	EXPECT(!IS_ERR(v) && mm->nr_vmas == 1 && v->start == BASE && v->end == BASE + PAGES(16) &&
	       tree_sound(mm));
	EXPECT(vm_unmap_range(mm, BASE + PAGES(6), BASE + PAGES(7)) == 0 && mm->nr_vmas == 2 &&
	       tree_sound(mm));
	v = vma_merge_new(mm, BASE + PAGES(6), BASE + PAGES(7), RW, NULL, (BASE >> PAGE_SHIFT) + 6);
	EXPECT(v && mm->nr_vmas == 1 && tree_sound(mm));
	EXPECT(vm_unmap_range(mm, BASE, BASE + PAGES(3)) == 0 && mm->nr_vmas == 1 &&
	       vma_first(mm)->start == BASE + PAGES(3));
	EXPECT(vm_unmap_range(mm, BASE, BASE + PAGES(32)) == 0 && mm->nr_vmas == 0 &&
	       tree_sound(mm));
	mm->total_vm = mm->data_vm = 0;
	mm_put(mm);
	return NULL;
}

static bool holds(struct mm *mm, u64 addr, u64 value)
{
	u64 got = 0;

	return vm_access(mm, addr, &got, sizeof(got), false, false) == sizeof(got) && got == value;
}

static bool put(struct mm *mm, u64 addr, u64 value)
{
	return vm_access(mm, addr, &value, sizeof(value), true, false) == sizeof(value);
}

KERNEL_TEST(vm_copy_on_write)
{
	struct mm *mm = mm_create(), *child;

	EXPECT(mm && map(mm, BASE, 1024, RW));
	EXPECT(holds(mm, BASE, 0) && mm->rss_anon == 0); /* the zero page counts for nothing */
	EXPECT(put(mm, BASE, 1) && put(mm, BASE + PAGES(600), 2) && mm->rss_anon == 2);
	child = mm_fork(mm);
	EXPECT(!IS_ERR(child) && tree_sound(child) && child->rss_anon == 2);
	EXPECT(put(child, BASE, 3) && holds(mm, BASE, 1) && holds(child, BASE, 3));
	EXPECT(put(mm, BASE + PAGES(600), 4) && holds(child, BASE + PAGES(600), 2));
	mm_put(child);
	EXPECT(put(mm, BASE, 5) && holds(mm, BASE, 5) && mm->rss_anon == 2);
	EXPECT(vm_unmap_range(mm, BASE, BASE + PAGES(1024)) == 0 && mm->rss_anon == 0 &&
	       mm->pt_bytes == 0);
	mm_put(mm);
	return NULL;
}

KERNEL_TEST(vm_move_entries)
{
	struct mm *mm = mm_create();
	u64 to = BASE + (3UL << 30) + PAGES(7);

	EXPECT(mm && map(mm, BASE, 1024, RW) && map(mm, to, 1024, RW));
	for (u64 i = 0; i < 1024; i += 100)
		EXPECT(put(mm, BASE + PAGES(i), i + 1));
	vma_find(mm, to)->has_anon = true;
	EXPECT(pt_move(mm, BASE, to, PAGES(1024), NULL) == PAGES(1024));
	for (u64 i = 0; i < 1024; i += 100)
		EXPECT(holds(mm, to + PAGES(i), i + 1) && holds(mm, BASE + PAGES(i), 0));
	mm_put(mm);
	return NULL;
}

KERNEL_TEST(vm_protect)
{
	struct mm *mm = mm_create();
	struct vma *v;

	EXPECT(mm);
	v = map(mm, BASE, 4, RW);
	EXPECT(v && put(mm, BASE, 7));
	v = vma_modify(v, BASE, BASE + PAGES(2), VM_MAYALL, NULL);
	EXPECT(!IS_ERR(v));
	pt_protect(v, BASE, BASE + PAGES(2), VM_MAYALL);
	EXPECT(!pte_present(pte_read(pt_find(mm, BASE))) && !put(mm, BASE, 8) && mm->rss_anon == 1);
	v = vma_modify(v, BASE, BASE + PAGES(2), RW, NULL);
	EXPECT(!IS_ERR(v) && mm->nr_vmas == 1);
	pt_protect(v, BASE, BASE + PAGES(2), RW);
	EXPECT(pte_write(pte_read(pt_find(mm, BASE))) && holds(mm, BASE, 7));
	mm_put(mm);
	return NULL;
}

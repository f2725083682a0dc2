/* SPDX-License-Identifier: MIT */
/*
 * The core file itself: ELF header, a program header for the notes and one for each mapping, the
 * notes, then the mappings' pages. Which mappings are in it follows Linux's default coredump_filter
 * (0x33): private memory that was written to, shared anonymous memory, and of other files the first
 * page if that is an ELF header.
 *
 * Pages nobody has touched are holes. The list of mappings is a snapshot: the memory may still
 * change, by processes that share it, and what is not there any more is a hole as well.
 */
#include "coredump_internal.h"

#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <linux/elf.h>

static const u8 zeroes[PAGE_SIZE];

/* --- output --- */

bool core_emit(struct core_file *c, const void *data, size_t n)
{
	if (n > c->left || fatal_signal_pending())
		return false;
	while (n) {
		ssize_t done = kernel_write(c->file, data, n, &c->pos);

		if (done <= 0)
			return false;
		data = (const u8 *)data + done;
		n -= (size_t)done;
		c->left -= (u64)done;
	}
	return true;
}

bool core_align(struct core_file *c, u64 to)
{
	return core_emit(c, zeroes, ALIGN_UP((u64)c->pos, to) - (u64)c->pos);
}

/* --- the mappings --- */

/* The first page of a mapped file says what it was; mm->lock held. */
static bool starts_with_elf_header(const struct vma *v)
{
	struct page *p;
	bool is;

	if (v->pgoff || !(v->flags & VM_READ))
		return false;
	p = vm_get_page(v->mm, v->start, false, true);
	if (IS_ERR(p))
		return false;
	is = !memcmp(page_to_virt(p), ELFMAG, SELFMAG);
	page_put(p);
	return is;
}

static u64 bytes_to_dump(const struct vma *v)
{
	u64 all = v->end - v->start;

	if (v->ops && v->ops->name)
		return all; /* the vDSO */
	if (v->flags & (VM_DONTDUMP | VM_IO))
		return 0;
	if (v->flags & VM_SHARED)
		return v->file && v->file->inode->nlink == 0 ? all : 0;
	if (v->anon || v->has_anon)
		return all;
	return v->file && starts_with_elf_header(v) ? PAGE_SIZE : 0;
}

static void take_region(struct core_region *r, const struct vma *v)
{
	*r = (struct core_region) {
		.start = v->start,
		.end = v->end,
		.flags = v->flags,
		.pgoff = v->pgoff,
		.dump = bytes_to_dump(v),
		.file = v->file ? file_get(v->file) : NULL,
	};
}

static int take_regions(struct core_image *image)
{
	struct mm *mm = current->mm;
	struct vma *v;

	down_read(&mm->lock);
	image->regions = kvmalloc((u64)MAX(mm->nr_vmas, 1U) * sizeof(*image->regions), GFP_KERNEL);
	if (image->regions)
		for_each_vma (mm, v)
			take_region(&image->regions[image->nr_regions++], v);
	up_read(&mm->lock);
	return image->regions ? 0 : -ENOMEM;
}

static void release_regions(struct core_image *image)
{
	for (u32 i = 0; i < image->nr_regions; i++)
		if (image->regions[i].file)
			file_put(image->regions[i].file);
	kvfree(image->regions);
}

/* --- headers --- */

static u64 headers_size(const struct core_image *image)
{
	return sizeof(Elf64_Ehdr) + (image->nr_regions + 1UL) * sizeof(Elf64_Phdr);
}

static bool write_header(struct core_file *c, const struct core_image *image)
{
	Elf64_Ehdr h = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT, ELFOSABI_NONE },
		.e_type = ET_CORE,
		.e_machine = EM_RISCV,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(h),
		.e_ehsize = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (u16)(image->nr_regions + 1),
	};

	return core_emit(c, &h, sizeof(h));
}

static bool write_segments(struct core_file *c, const struct core_image *image, u64 notes,
			   u64 offset)
{
	Elf64_Phdr note = {
		.p_type = PT_NOTE, .p_offset = headers_size(image), .p_filesz = notes, .p_align = 4
	};

	if (!core_emit(c, &note, sizeof(note)))
		return false;
	for (u32 i = 0; i < image->nr_regions; i++) {
		const struct core_region *r = &image->regions[i];
		Elf64_Phdr load = {
			.p_type = PT_LOAD,
			.p_flags = (r->flags & VM_READ ? PF_R : 0) |
				   (r->flags & VM_WRITE ? PF_W : 0) |
				   (r->flags & VM_EXEC ? PF_X : 0),
			.p_offset = offset,
			.p_vaddr = r->start,
			.p_filesz = r->dump,
			.p_memsz = r->end - r->start,
			.p_align = PAGE_SIZE,
		};

		if (!core_emit(c, &load, sizeof(load)))
			return false;
		offset += r->dump;
	}
	return true;
}

/* --- memory --- */

/* A page to write, referenced; NULL: a hole. Untouched private memory is not made present for this.
 */
static struct page *page_at(const struct core_region *r, u64 addr)
{
	struct mm *mm = current->mm;
	struct page *p;

	down_read(&mm->lock);
	p = vm_peek_page(mm, addr);
	if (!p && r->file) {
		p = vm_get_page(mm, addr, false, true);
		if (IS_ERR(p))
			p = NULL;
	}
	up_read(&mm->lock);
	return p;
}

static bool write_region(struct core_file *c, const struct core_region *r)
{
	for (u64 addr = r->start; addr < r->start + r->dump; addr += PAGE_SIZE) {
		struct page *p = page_at(r, addr);
		bool ok = true;

		if (p) {
			ok = core_emit(c, page_to_virt(p), PAGE_SIZE);
			page_put(p);
		} else {
			c->pos += (loff_t)PAGE_SIZE;
		}
		if (!ok || fatal_signal_pending())
			return false;
		cond_resched();
	}
	return true;
}

static bool write_all(struct core_file *c, const struct core_image *image)
{
	u64 notes = core_notes_size(image);
	u64 data = ALIGN_UP(headers_size(image) + notes, PAGE_SIZE);

	if (!write_header(c, image) || !write_segments(c, image, notes, data) ||
	    !core_notes_write(c, image) || !core_align(c, PAGE_SIZE))
		return false;
	for (u32 i = 0; i < image->nr_regions; i++)
		if (!write_region(c, &image->regions[i]))
			return false;
	return true;
}

void core_elf_write(struct core_file *c, const siginfo_t *info, struct core_state *state)
{
	struct core_image image = { .info = info, .state = state };

	if (take_regions(&image) == 0 && image.nr_regions < PN_XNUM - 1 &&
	    core_notes_prepare(&image) == 0 && write_all(c, &image) &&
	    c->pos > c->file->inode->size)
		vfs_truncate(c->file->path.dentry, c->pos, c->file); /* it ends with a hole */
	core_notes_release(&image);
	release_regions(&image);
}

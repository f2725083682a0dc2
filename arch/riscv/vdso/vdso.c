/* SPDX-License-Identifier: MIT */
/*
 * The kernel's side of the vDSO: two pages shared by all processes, made at boot. [vvar] holds the
 * clocks' state, [vdso] the code right behind it. exec maps both; the pages come on first touch,
 * each mapping holding a reference, so that a fork copies nothing.
 */
#include <arch/vdso.h>

#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/string.h>
/* A field of struct ucontext is called __unused. */
#pragma push_macro("__unused")
#undef __unused
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#pragma pop_macro("__unused")

#define VVAR_SIZE PAGE_SIZE
#define VDSO_SIZE PAGE_SIZE

/* calls.S describes the signal frame to unwinders. */
static_assert(offsetof(struct ucontext, uc_mcontext) == 176, "UC_MCONTEXT of calls.S");
static_assert(offsetof(struct sigcontext, sc_fpregs) == 256, "FP_REGS of calls.S");

extern const char vdso_image[], vdso_image_end[];
static struct page *data_page, *code_page;

static int vdso_fault(struct vma *vma, u64 pgoff, bool write, struct page **page)
{
	page_get(vma->data);
	*page = vma->data;
	return 0;
}

static const char *vvar_name(struct vma *vma) { return "[vvar]"; }

static const char *vdso_name(struct vma *vma) { return "[vdso]"; }

static const struct vm_ops vvar_ops = { .fault = vdso_fault, .name = vvar_name };
static const struct vm_ops vdso_ops = { .fault = vdso_fault, .name = vdso_name };

int vdso_map(struct mm *mm)
{
	s64 addr = vm_unmapped_area(mm, VVAR_SIZE + VDSO_SIZE, 0, PAGE_SIZE);
	struct vma *v;

	if (addr < 0)
		return (int)addr;
	v = vm_install_special(mm, (u64)addr, VVAR_SIZE, VM_READ | VM_MAYREAD | VM_IO | VM_DONTDUMP,
			       &vvar_ops, data_page);
	if (IS_ERR(v))
		return (int)PTR_ERR(v);
	/* Debuggers may write break points: into a copy. */
	v = vm_install_special(mm, (u64)addr + VVAR_SIZE, VDSO_SIZE,
			       VM_READ | VM_EXEC | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC, &vdso_ops,
			       code_page);
	if (IS_ERR(v))
		return (int)PTR_ERR(v);
	mm->vdso = (u64)addr + VVAR_SIZE;
	return 0;
}

static int vdso_init(void)
{
	size_t size = (size_t)(vdso_image_end - vdso_image);

	if (WARN_ON(size > VDSO_SIZE))
		return -E2BIG;
	data_page = page_alloc(GFP_KERNEL | GFP_ZERO, 0);
	code_page = page_alloc(GFP_KERNEL | GFP_ZERO, 0);
	if (!data_page || !code_page)
		panic("vdso: no memory");
	memcpy(page_to_virt(code_page), vdso_image, size);
	vdso_data_place(page_to_virt(data_page));
	return 0;
}
INITCALL(vdso_init);

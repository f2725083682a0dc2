/* SPDX-License-Identifier: MIT */
/*
 * The ELF loader: 64-bit RISC-V programs, at fixed addresses or position-independent, alone or with a dynamic linker.
 *
 * Every number in a file may be hostile. Headers are checked before the point of no return; what can only be found out
 * while mapping ends the process there. Where things go: programs with a linker at two thirds of the address space (plus a
 * random offset), linkers and static position-independent programs where mmap would put them, the heap behind the program,
 * for static position-independent ones at the place of the others.
 */
#include "exec.h"

#include <arch/page.h>
#include <arch/regs.h>
#include <arch/task.h>
#include <arch/uaccess.h>
#include <arch/vdso.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/vm.h>
#include <linux/elf.h>
#include <linux/limits.h>
#include <linux/mman.h>
#include <linux/personality.h>

#define PHDRS_MAX     (65536 / sizeof(struct elf64_phdr))
#define PIE_BASE      (TASK_SIZE / 3 * 2)
#define PIE_RANDOM    (1UL << 18) /* pages */
#define FILE_OFFSET_MAX (~0UL >> 1)

u32 sysctl_randomize_va_space = 2;

/* A file with its headers. */
struct elf_file {
	struct file *file;
	struct elf64_hdr hdr;
	const struct elf64_phdr *phdr; /* hdr.e_phnum of them */
	struct elf64_phdr *allocated;  /* the same when kmalloc'd */
};

/* The program and, if it wants one, its dynamic linker. */
struct elf_program {
	struct elf_file main, linker;
	bool exec_stack;
};

/* Where segments of a file went. */
struct elf_extent {
	u64 start_code, end_code, start_data, end_data, end; /* end: last byte of memory, bss included, plus one */
};

/* --- headers --- */

static bool header_valid(const struct elf64_hdr *h)
{
	return memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 && h->e_machine == EM_RISCV &&
	       h->e_ident[EI_CLASS] == ELFCLASS64 && (h->e_type == ET_EXEC || h->e_type == ET_DYN);
}

/* A segment's addresses stay in user space and do not wrap. */
static bool segment_valid(const struct elf64_phdr *p)
{
	return p->p_filesz <= p->p_memsz && p->p_memsz <= TASK_SIZE && p->p_vaddr <= TASK_SIZE - p->p_memsz;
}

/* The program headers: in `head` when they are there, else read. -ENOEXEC when their count or size makes no sense. */
static int read_phdrs(struct elf_file *f, const char *head, u64 head_len)
{
	u64 size = (u64)f->hdr.e_phnum * sizeof(struct elf64_phdr);
	int rc;

	if (f->hdr.e_phentsize != sizeof(struct elf64_phdr) || f->hdr.e_phnum == 0 || f->hdr.e_phnum > PHDRS_MAX)
		return -ENOEXEC;
	if (head && size <= head_len && f->hdr.e_phoff <= head_len - size &&
	    IS_ALIGNED(f->hdr.e_phoff, _Alignof(struct elf64_phdr))) {
		f->phdr = (const struct elf64_phdr *)(head + f->hdr.e_phoff);
		return 0;
	}
	if (f->hdr.e_phoff > FILE_OFFSET_MAX - size)
		return -ENOEXEC;
	f->allocated = kmalloc(size, GFP_KERNEL);
	if (!f->allocated)
		return -ENOMEM;
	f->phdr = f->allocated;
	rc = exec_read(f->file, f->allocated, size, f->hdr.e_phoff);
	return rc == -EIO ? -ENOEXEC : rc;
}

static const struct elf64_phdr *find_phdr(const struct elf_file *f, u32 type)
{
	for (u32 i = 0; i < f->hdr.e_phnum; i++)
		if (f->phdr[i].p_type == type)
			return &f->phdr[i];
	return NULL;
}

/* Path of the dynamic linker, kmalloc'd. ERR_PTR. */
static char *read_linker_path(const struct elf_file *f, const struct elf64_phdr *p)
{
	char *path;
	int rc;

	if (p->p_filesz > PATH_MAX || p->p_filesz < 2)
		return ERR_PTR(-ENOEXEC);
	path = kmalloc(p->p_filesz, GFP_KERNEL);
	if (!path)
		return ERR_PTR(-ENOMEM);
	rc = exec_read(f->file, path, p->p_filesz, p->p_offset);
	if (rc == 0 && path[p->p_filesz - 1] != 0)
		rc = -ENOEXEC;
	if (rc) {
		kfree(path);
		return ERR_PTR(rc);
	}
	return path;
}

static void linker_close(struct elf_file *l)
{
	kfree(l->allocated);
	if (!l->file)
		return;
	inode_allow_write(l->file->inode);
	file_put(l->file);
}

/* Opens the linker and reads its headers. What open_exec says, or -ELIBBAD. */
static int linker_open(struct exec *e, struct elf_file *l, const struct elf_file *main, const struct elf64_phdr *p)
{
	char *path = read_linker_path(main, p);
	struct file *file;
	int rc;

	if (IS_ERR(path))
		return (int)PTR_ERR(path);
	file = open_exec(AT_FDCWD, path, LOOKUP_FOLLOW);
	kfree(path);
	if (IS_ERR(file))
		return (int)PTR_ERR(file);
	l->file = file;
	exec_check_readable(e, file);
	rc = exec_read(file, &l->hdr, sizeof(l->hdr), 0);
	if (rc)
		return rc;
	if (!header_valid(&l->hdr))
		return -ELIBBAD;
	rc = read_phdrs(l, NULL, 0);
	return rc == -ENOEXEC ? -ELIBBAD : rc;
}

static int read_headers(struct exec *e, struct elf_program *p)
{
	struct elf_file *m = &p->main;
	const struct elf64_phdr *interp, *stack;
	int rc;

	m->file = e->file;
	memcpy(&m->hdr, e->head, sizeof(m->hdr));
	if (e->head_len < sizeof(m->hdr) || !header_valid(&m->hdr) || !e->file->ops->mmap)
		return -ENOEXEC;
	rc = read_phdrs(m, e->head, e->head_len);
	if (rc)
		return rc;
	stack = find_phdr(m, PT_GNU_STACK);
	p->exec_stack = stack && (stack->p_flags & PF_X);
	interp = find_phdr(m, PT_INTERP);
	return interp ? linker_open(e, &p->linker, m, interp) : 0;
}

/* --- where to --- */

/* Bytes from the first segment's page to the last one's end; 0 when there is none. */
static u64 span_of(const struct elf_file *f, u64 *first)
{
	u64 low = ~0UL, high = 0;

	for (u32 i = 0; i < f->hdr.e_phnum; i++) {
		const struct elf64_phdr *p = &f->phdr[i];

		if (p->p_type != PT_LOAD)
			continue;
		low = MIN(low, p->p_vaddr & PAGE_MASK);
		high = MAX(high, p->p_vaddr + p->p_memsz);
	}
	*first = low;
	return high > low ? ALIGN_UP(high - low, PAGE_SIZE) : 0;
}

/* The largest power-of-two alignment a segment asks for, at least a page. */
static u64 alignment_of(const struct elf_file *f)
{
	u64 align = PAGE_SIZE;

	for (u32 i = 0; i < f->hdr.e_phnum; i++) {
		u64 a = f->phdr[i].p_align;

		if (f->phdr[i].p_type == PT_LOAD && a > align && (a & (a - 1)) == 0)
			align = a;
	}
	return align;
}

static s64 free_area(u64 size, u64 align)
{
	struct mm *mm = current->mm;
	s64 at;

	down_read(&mm->lock);
	at = vm_unmapped_area(mm, size, 0, align);
	up_read(&mm->lock);
	return at;
}

/* What is added to the file's addresses. `high`: at the programs' place, not at mmap's. 0 or -errno. */
static int choose_bias(const struct elf_file *f, bool high, u64 *bias)
{
	u64 first, align = alignment_of(f), size = span_of(f, &first), base = PIE_BASE;
	s64 at;

	*bias = 0;
	if (size == 0 || size > TASK_SIZE || align > TASK_SIZE)
		return -EINVAL;
	if (f->hdr.e_type == ET_EXEC)
		return 0;
	if (high) {
		if (current->flags & TF_RANDOMIZE)
			base += random_below(PIE_RANDOM) << PAGE_SHIFT;
		base = ALIGN_DOWN(base, align);
	} else {
		at = free_area(size, align);
		if (at < 0)
			return (int)at;
		base = (u64)at;
	}
	*bias = ALIGN_DOWN(base - first, PAGE_SIZE);
	return 0;
}

/* --- mapping --- */

static u32 prot_of(const struct elf64_phdr *p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
	       (p->p_flags & PF_X ? PROT_EXEC : 0);
}

/* The part of a segment that is in the file, and zeroes to the end of its last page. */
static int map_file_part(const struct elf_file *f, const struct elf64_phdr *p, u64 addr, bool first)
{
	u64 skew = addr & ~PAGE_MASK, end = addr + p->p_filesz, tail = -end & ~PAGE_MASK;
	s64 at;

	if (p->p_offset < skew)
		return -EINVAL;
	at = vm_mmap(f->file, addr - skew, ALIGN_UP(p->p_filesz + skew, PAGE_SIZE), prot_of(p),
		     MAP_PRIVATE | (first ? MAP_FIXED_NOREPLACE : MAP_FIXED), p->p_offset - skew);
	if (at < 0)
		return (int)at;
	if (p->p_memsz > p->p_filesz && tail && clear_user((void __user *)end, tail) && (p->p_flags & PF_W))
		return -EFAULT;
	return 0;
}

static int map_segment(const struct elf_file *f, const struct elf64_phdr *p, u64 bias, bool first)
{
	u64 addr = p->p_vaddr + bias, zero = addr & PAGE_MASK, end = ALIGN_UP(addr + p->p_memsz, PAGE_SIZE);
	int rc;

	if (p->p_filesz) {
		rc = map_file_part(f, p, addr, first);
		if (rc)
			return rc;
		zero = ALIGN_UP(addr + p->p_filesz, PAGE_SIZE);
	}
	return p->p_memsz > p->p_filesz && end > zero ? vm_brk(zero, end - zero, p->p_flags & PF_X) : 0;
}

static void extend(struct elf_extent *x, const struct elf64_phdr *p, u64 bias)
{
	u64 start = p->p_vaddr + bias, file_end = start + p->p_filesz;

	if (p->p_flags & PF_X) {
		x->start_code = MIN(x->start_code, start);
		x->end_code = MAX(x->end_code, file_end);
	}
	x->start_data = MAX(x->start_data, start);
	x->end_data = MAX(x->end_data, file_end);
	x->end = MAX(x->end, start + p->p_memsz);
}

static int map_segments(const struct elf_file *f, u64 bias, struct elf_extent *x)
{
	bool first = f->hdr.e_type == ET_EXEC; /* must not hit the stack; the others have a place of their own */

	*x = (struct elf_extent){ .start_code = ~0UL };
	for (u32 i = 0; i < f->hdr.e_phnum; i++) {
		const struct elf64_phdr *p = &f->phdr[i];
		int rc;

		if (p->p_type != PT_LOAD || p->p_memsz == 0)
			continue;
		if (!segment_valid(p) || p->p_vaddr + bias > TASK_SIZE - p->p_memsz)
			return -EINVAL;
		rc = map_segment(f, p, bias, first);
		if (rc)
			return rc;
		first = false;
		extend(x, p, bias);
	}
	return 0;
}

/* --- the new process's numbers --- */

static void place_heap(const struct elf_program *p, const struct elf_extent *x)
{
	struct mm *mm = current->mm;
	u64 at = ALIGN_UP(x->end, PAGE_SIZE);

	if ((current->flags & TF_RANDOMIZE) && sysctl_randomize_va_space > 1) {
		if (p->main.hdr.e_type == ET_DYN && !p->linker.file)
			at = PIE_BASE;
		at += vm_random_brk_offset();
	}
	mm->start_brk = mm->brk = at;
}

/* Where the program finds its own headers: in the segment that maps them. */
static u64 address_of_phdrs(const struct elf_file *f, u64 bias)
{
	for (u32 i = 0; i < f->hdr.e_phnum; i++) {
		const struct elf64_phdr *p = &f->phdr[i];

		if (p->p_type == PT_LOAD && p->p_offset <= f->hdr.e_phoff && f->hdr.e_phoff - p->p_offset < p->p_filesz)
			return f->hdr.e_phoff - p->p_offset + p->p_vaddr + bias;
	}
	return 0;
}

static int map_vdso(struct mm *mm)
{
	int rc = down_write_killable(&mm->lock);

	if (rc)
		return rc;
	rc = vdso_map(mm);
	up_write(&mm->lock);
	return rc;
}

/* PT_GNU_STACK asks for it: the whole stack, also what grows later. */
static int make_stack_executable(u64 top)
{
	return (int)sys_mprotect(top - PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN);
}

/* Segments of both files, heap, vDSO. `pc`: where to start. */
static int map_program(struct exec *e, struct elf_program *p, struct elf_layout *l, u64 *pc)
{
	struct mm *mm = current->mm;
	struct elf_extent x, ignored;
	u64 linker_bias = 0;
	int rc = choose_bias(&p->main, p->linker.file != NULL, &l->load_bias);

	if (rc == 0)
		rc = map_segments(&p->main, l->load_bias, &x);
	if (rc)
		return rc;
	mm->start_code = x.start_code;
	mm->end_code = x.end_code;
	mm->start_data = x.start_data;
	mm->end_data = x.end_data;
	place_heap(p, &x);
	l->phdr = address_of_phdrs(&p->main, l->load_bias);
	l->phnum = p->main.hdr.e_phnum;
	l->entry = *pc = p->main.hdr.e_entry + l->load_bias;
	if (p->linker.file) {
		rc = choose_bias(&p->linker, false, &linker_bias);
		if (rc == 0)
			rc = map_segments(&p->linker, linker_bias, &ignored);
		if (rc)
			return rc;
		l->interp_base = linker_bias;
		*pc = p->linker.hdr.e_entry + linker_bias;
	}
	if (*pc >= TASK_SIZE)
		return -EINVAL;
	return map_vdso(mm);
}

static int start_program(struct exec *e, struct elf_program *p)
{
	struct elf_layout l = { 0 };
	u64 pc, sp;
	int rc = exec_begin_new(e);

	if (rc == 0 && p->exec_stack)
		rc = make_stack_executable(e->stack_top);
	if (rc == 0)
		rc = map_program(e, p, &l, &pc);
	if (rc == 0)
		rc = elf_stack_build(e, &l, &sp);
	if (rc)
		return rc;
	arch_task_exec(current_regs(), pc, sp);
	return 0;
}

int elf_load(struct exec *e)
{
	struct elf_program *p = kzalloc(sizeof(*p), GFP_KERNEL);
	int rc;

	if (!p)
		return -ENOMEM;
	rc = read_headers(e, p);
	if (rc == 0)
		rc = start_program(e, p);
	linker_close(&p->linker);
	kfree(p->main.allocated);
	kfree(p);
	return rc;
}

static int set_norandmaps(const char *value)
{
	sysctl_randomize_va_space = 0;
	return 0;
}
CMDLINE("norandmaps", set_norandmaps);

/* SPDX-License-Identifier: MIT */
/*
 * The strings of execve(): copied once, from the old program's memory (or the kernel's) straight into pages of the new
 * stack, downwards from its top: path, environment, arguments. All of them together may fill a quarter of RLIMIT_STACK,
 * but never more than 6 MiB and always 128 KiB; one string 128 KiB.
 *
 *	stack_top  0, path, envp[n-1] ... envp[0], argv[n-1] ... argv[0]  <- p
 */
#include "exec.h"

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <linux/binfmts.h>
#include <linux/limits.h>

#define STACK_START_PAGES 33 /* mapped at once; grows as any stack */
#define STRINGS_MAX	  (6UL << 20)

/* --- pages of the new stack --- */

void exec_stack_end(struct exec *e)
{
	if (e->page)
		page_put(e->page);
	e->page = NULL;
}

/* A stack address below what is mapped yet. */
static int grow_stack(struct exec *e, u64 addr)
{
	return vm_handle_fault(e->mm, addr, VM_WRITE, true) == VM_FAULT_OK ? 0 : -E2BIG;
}

static struct page *get_page(struct exec *e, u64 addr)
{
	struct page *page;

	down_read(&e->mm->lock);
	page = vm_get_page(e->mm, addr, true, false);
	up_read(&e->mm->lock);
	return page;
}

/* Where addr of the new stack is in the kernel's map. ERR_PTR. */
static char *stack_byte(struct exec *e, u64 addr)
{
	u64 base = addr & PAGE_MASK;
	struct page *page;

	if (!e->page || e->page_addr != base) {
		exec_stack_end(e);
		page = get_page(e, base);
		if (IS_ERR(page) && grow_stack(e, base) == 0)
			page = get_page(e, base);
		if (IS_ERR(page))
			return PTR_ERR(page) == -ENOMEM ? ERR_PTR(-ENOMEM) : ERR_PTR(-E2BIG);
		e->page = page;
		e->page_addr = base;
	}
	return (char *)page_to_virt(e->page) + (addr - base);
}

int exec_stack_begin(struct exec *e)
{
	struct mm *mm = mm_create();
	int rc;

	if (!mm)
		return -ENOMEM;
	e->mm = mm;
	e->stack_top = vm_random_stack_top(e->randomize);
	mm_layout_random(mm, e->randomize, rlimit(RLIMIT_STACK));
	down_write(&mm->lock);
	rc = vm_setup_stack(mm, e->stack_top, STACK_START_PAGES * PAGE_SIZE, false);
	up_write(&mm->lock);
	e->p = e->stack_top - sizeof(u64);
	return rc;
}

/* --- one string --- */

/* Copies len bytes below p. */
static int push(struct exec *e, const char *from, u64 len, bool user)
{
	u64 to;

	if (len > e->p || e->p - len < e->floor)
		return -E2BIG;
	e->p -= len;
	to = e->p;
	while (len) {
		u64 n = MIN(len, PAGE_SIZE - (to & ~PAGE_MASK));
		char *dst = stack_byte(e, to);

		if (IS_ERR(dst))
			return (int)PTR_ERR(dst);
		if (!user)
			memcpy(dst, from, n);
		else if (copy_from_user(dst, (const char __user *)from, n))
			return -EFAULT;
		to += n;
		from += n;
		len -= n;
	}
	return 0;
}

int exec_push_string(struct exec *e, const char *s)
{
	return push(e, s, strlen(s) + 1, false);
}

static int push_user_string(struct exec *e, const char __user *s)
{
	s64 len = strnlen_user(s, MAX_ARG_STRLEN);

	if (len == 0)
		return -EFAULT;
	if (len > (s64)MAX_ARG_STRLEN)
		return -E2BIG;
	return push(e, (__force const char *)s, (u64)len, true);
}

/* For a script: its argv[0] gives way to the interpreter's. */
int exec_drop_first_string(struct exec *e)
{
	if (e->argc == 0)
		return 0;
	for (;;) {
		char *at = stack_byte(e, e->p);
		char *end;
		u64 n = PAGE_SIZE - (e->p & ~PAGE_MASK);

		if (IS_ERR(at))
			return (int)PTR_ERR(at);
		end = memchr(at, 0, n);
		e->p += end ? (u64)(end - at) + 1 : n;
		if (end)
			break;
	}
	e->argc--;
	return 0;
}

/* --- vectors --- */

/* The i-th pointer of a vector: 0 with *s, -EFAULT. */
static int string_at(const struct exec_strings *v, u32 i, const char **s)
{
	if (v->kernel) {
		*s = v->kernel[i];
		return 0;
	}
	return (int)get_user(*(const char __user **)s, v->user + i);
}

/* Pointers before the NULL; -E2BIG past `max`. A vector that is NULL is empty. */
static int count(const struct exec_strings *v, u32 max, u32 *n)
{
	const char *s;
	int rc;

	*n = 0;
	if (!v->user && !v->kernel)
		return 0;
	for (;;) {
		rc = string_at(v, *n, &s);
		if (rc || !s)
			return rc;
		if (++*n >= max)
			return -E2BIG;
		if (*n % 1024 == 0) {
			if (fatal_signal_pending())
				return -ERESTARTNOHAND;
			cond_resched();
		}
	}
}

static int push_vector(struct exec *e, const struct exec_strings *v, u32 n)
{
	const char *s;
	int rc;

	while (n-- > 0) {
		rc = string_at(v, n, &s);
		if (rc)
			return rc;
		rc = v->kernel ? exec_push_string(e, s) : push_user_string(e, (const char __user *)s);
		if (rc)
			return rc;
		if (fatal_signal_pending())
			return -ERESTARTNOHAND;
	}
	return 0;
}

/* Room for strings once the pointers to them are paid for. */
static int set_floor(struct exec *e, u64 limit)
{
	u64 pointers = (MAX(e->argc, 1U) + e->envc) * sizeof(u64);

	if (limit <= pointers)
		return -E2BIG;
	e->floor = e->p - (limit - pointers);
	return 0;
}

int exec_copy_strings(struct exec *e, const struct exec_strings *argv, const struct exec_strings *envp)
{
	u64 limit = MAX(MIN(STRINGS_MAX, rlimit(RLIMIT_STACK) / 4), (u64)ARG_MAX);
	u32 max = (u32)(limit / sizeof(u64)) + 1;
	int rc = count(argv, max, &e->argc);

	if (rc == 0)
		rc = count(envp, max, &e->envc);
	if (rc == 0)
		rc = set_floor(e, limit);
	if (rc == 0)
		rc = exec_push_string(e, e->path);
	e->execfn = e->p;
	if (rc == 0)
		rc = push_vector(e, envp, e->envc);
	if (rc == 0)
		rc = push_vector(e, argv, e->argc);
	if (rc == 0 && e->argc == 0) { /* a program without argv[0] gets an empty one */
		printk_ratelimited(LOG_WARNING, "process '%s' launched '%s' with NULL argv: empty string added",
				   current->comm, e->path);
		rc = exec_push_string(e, "");
		e->argc = 1;
	}
	return rc;
}

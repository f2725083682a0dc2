/* SPDX-License-Identifier: MIT */
/* The slow side of <kernel/atomic.h> and <kernel/list.h>: what happens when a count or a list is wrong. */
#include <kernel/atomic.h>
#include <kernel/list.h>
#include <kernel/panic.h>

void refcount_warn(struct refcount *r, const char *what)
{
	static bool said;

	/* Far from both zero and the limit: the object leaks, nothing is freed twice. */
	refcount_set(r, REFCOUNT_MAX + (REFCOUNT_MAX >> 1));
	if (atomic_xchg(&said, true) && !DEBUG)
		return;
	pr_err("refcount: %s at %pS", what, __builtin_return_address(0));
	warn(__FILE__, __LINE__, what);
}

void list_corrupt(const struct list_head *at, const char *what)
{
	panic("list corruption: %s of %p (next %p, prev %p)", what, (void *)at, (void *)at->next, (void *)at->prev);
}

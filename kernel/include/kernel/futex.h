/* SPDX-License-Identifier: MIT */
/* Futexes (kernel/proc/futex.c): what others need of them. */
#ifndef KERNEL_FUTEX_H
#define KERNEL_FUTEX_H

#include <kernel/types.h>

struct task;
void futex_init(void);
/* The current task leaves its mm, by exit or exec: walks the robust list, passes on PI futexes it owns. Before the mm goes. */
void futex_exit(struct task *t);
/* Wakes up to n waiters at a user address of the current mm: clear_child_tid. */
int futex_wake_addr(u32 __user *uaddr, u32 n);

#endif

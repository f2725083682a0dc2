/* SPDX-License-Identifier: MIT */
/*
 * What a spinlock is made of, apart from <kernel/spinlock.h> so that struct task can hold one.
 */
#ifndef KERNEL_SPINLOCK_TYPES_H
#define KERNEL_SPINLOCK_TYPES_H

#include <kernel/lockrank.h>
#include <kernel/types.h>

struct task;

struct lock_debug { /* kernel/sched/lockdebug.c */
	const char *name;
	enum lock_rank rank;
	u32 usage;	     /* in which contexts it was taken so far: LOCK_USED_* */
	struct task *holder; /* of the exclusive form */
	vaddr_t where;
	u64 acquired, contended;
};

struct spinlock {
	u32 locked; /* [a] 1 while held */
#if DEBUG
	struct lock_debug debug;
#endif
};
struct rwlock {
	s32 state; /* -1 a writer, n > 0 readers; writers wait for readers, readers do not overtake waiting writers */
	u32 waiting_writers;
#if DEBUG
	struct lock_debug debug;
#endif
};

#endif

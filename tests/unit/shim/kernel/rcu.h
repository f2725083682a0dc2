/* SPDX-License-Identifier: MIT */
/* Host stand-in for <kernel/rcu.h>: one thread, so callbacks run at once. */
#ifndef KERNEL_RCU_H
#define KERNEL_RCU_H

#include <kernel/atomic.h>

static inline void rcu_read_lock(void) {}
static inline void rcu_read_unlock(void) {}
#define rcu_dereference(p)	 __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign_pointer(p, v) smp_store_release(&(p), v)
static inline void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head)) { fn(head); }

#endif

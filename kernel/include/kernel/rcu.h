/* SPDX-License-Identifier: MIT */
/*
 * Read-copy-update, for the few lookups that must not write shared memory: pids, dentries, descriptor tables,
 * page cache. A read side is a section without preemption; a grace period has passed when every online hart
 * has been in user mode, idle, or scheduled (kernel/sched/rcu.c).
 */
#ifndef KERNEL_RCU_H
#define KERNEL_RCU_H

#include <kernel/spinlock.h>

static inline void rcu_read_lock(void) { preempt_disable(); }
static inline void rcu_read_unlock(void) { preempt_enable(); }
#define rcu_dereference(p)	  __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign_pointer(p, v) smp_store_release(&(p), v)

void rcu_init(void); /* opens the softirq; rcu_call() works before, too */
/* Calls fn(head) in softirq context after a grace period. Any context. */
void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head));
/* Sleeps for a grace period / until all callbacks queued so far have run. */
void rcu_synchronize(void);
void rcu_barrier(void);
/* Scheduler and tick: this hart is in a quiescent state. Interrupts off. */
void rcu_quiescent(void);
void rcu_tick(bool user); /* from the tick; user: it interrupted user mode */
void rcu_ipi(void);	  /* from every inter-hart interrupt */
void rcu_idle_enter(void);
void rcu_idle_exit(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks and reader-writer spinlocks.
 *
 * spin_lock() turns preemption off; use the _irq forms for a lock that an interrupt handler also takes, the _bh
 * forms for one that only softirqs also take. Every lock has a rank (<kernel/lockrank.h>); DEBUG kernels check
 * that ranks only grow, that a lock taken in an interrupt is never held with interrupts on, and that nothing
 * sleeps with one held; they also know the holder and where it took the lock.
 */
#ifndef KERNEL_SPINLOCK_H
#define KERNEL_SPINLOCK_H

#include <arch/irqflags.h>
#include <kernel/atomic.h>
#include <kernel/spinlock_types.h>
#include <kernel/task.h>
#include <kernel/types.h>

/* How a lock is taken, for the checks. */
#define LOCK_NESTED 1 /* a second one of the same rank is fine */
#define LOCK_SHARED 2
#define LOCK_SLEEPS 4
#define LOCK_TRY    8 /* not waited for: any order is fine */

/* kernel/sched/lockdebug.c. where: 0 for the place of the call. */
#if DEBUG
#define SPINLOCK_INIT(rank_) { .debug = { .name = #rank_, .rank = rank_ } }
#define RWLOCK_INIT(rank_)   { .debug = { .name = #rank_, .rank = rank_ } }
#define lock_debug_of(l)     (&(l)->debug)
void lock_check_acquire(struct lock_debug *d, u32 how, vaddr_t where); /* before waiting */
void lock_check_acquired(struct lock_debug *d, u32 how, vaddr_t where);
void lock_check_contended(struct lock_debug *d);
void lock_check_release(struct lock_debug *d);
void lock_check_handover(struct lock_debug *d, struct task *from, struct task *to); /* run-queue lock over a switch */
bool lock_held(const struct lock_debug *d); /* by the current task */
static inline void lock_debug_name(struct lock_debug *d, const char *name) { d->name = name; }
#define spin_is_held(l) lock_held(&(l)->debug)
#else
#define SPINLOCK_INIT(rank) { 0 }
#define RWLOCK_INIT(rank)   { 0 }
#define lock_debug_of(l)    ((void)(l), (struct lock_debug *)0)
static inline void lock_check_acquire(struct lock_debug *d, u32 how, vaddr_t where) {}
static inline void lock_check_acquired(struct lock_debug *d, u32 how, vaddr_t where) {}
static inline void lock_check_contended(struct lock_debug *d) {}
static inline void lock_check_release(struct lock_debug *d) {}
static inline void lock_check_handover(struct lock_debug *d, struct task *from, struct task *to) {}
static inline void lock_debug_name(struct lock_debug *d, const char *name) {}
#define spin_is_held(l) true
#endif
struct seq_file;
void lock_stats_show(struct seq_file *m); /* /proc/keel/locks: taken and contended, by rank */
/* Tests: the current task's next report is counted, not fatal. lockdebug_reported(): was there one? Ends the wait for it. */
void lockdebug_expect_report(void);
bool lockdebug_reported(void);
#define DEFINE_SPINLOCK(name, rank) struct spinlock name = SPINLOCK_INIT(rank)
#define DEFINE_RWLOCK(name, rank)   struct rwlock name = RWLOCK_INIT(rank)
#define spinlock_init(l, rank) (*(l) = (struct spinlock)SPINLOCK_INIT(rank))
#define rwlock_init(l, rank)   (*(l) = (struct rwlock)RWLOCK_INIT(rank))

void spin_lock_slow(struct spinlock *l); /* waits until it is free, and takes it */

static inline void preempt_disable(void)
{
	current->preempt_count++;
	barrier();
}
void preempt_schedule(void); /* sched/core.c: called when the count reaches 0 and WORK_RESCHED is set */
static inline void preempt_enable_no_resched(void)
{
	barrier();
	current->preempt_count--;
}
static inline void preempt_enable(void)
{
	preempt_enable_no_resched();
	if (unlikely(READ_ONCE(current->work) & WORK_RESCHED) && current->preempt_count == 0)
		preempt_schedule();
}
/* Softirqs off on this hart. local_bh_enable() runs what became pending; not with interrupts off. */
void local_bh_enable(void);
static inline void local_bh_disable(void)
{
	current->preempt_count += SOFTIRQ_DISABLE;
	barrier();
}

static inline void spin_lock_raw(struct spinlock *l, bool nested)
{
	u32 how = nested ? LOCK_NESTED : 0;

	lock_check_acquire(lock_debug_of(l), how, 0);
	if (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
		spin_lock_slow(l);
	lock_check_acquired(lock_debug_of(l), how, 0);
	__acquire(l);
}
static inline void spin_unlock_raw(struct spinlock *l)
{
	lock_check_release(lock_debug_of(l));
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
	__release(l);
}

static inline void spin_lock(struct spinlock *l) __acquires(l)
{
	preempt_disable();
	spin_lock_raw(l, false);
}
/* A second lock of the same rank; the caller has a rule of order (parent first, lower address first). */
static inline void spin_lock_nested(struct spinlock *l) __acquires(l)
{
	preempt_disable();
	spin_lock_raw(l, true);
}
bool __must_check spin_trylock(struct spinlock *l);
static inline void spin_unlock(struct spinlock *l) __releases(l)
{
	spin_unlock_raw(l);
	preempt_enable();
}
static inline void spin_lock_irq(struct spinlock *l) __acquires(l)
{
	irq_disable();
	spin_lock(l);
}
static inline void spin_unlock_irq(struct spinlock *l) __releases(l)
{
	spin_unlock_raw(l);
	irq_enable();
	preempt_enable();
}
static inline u64 __must_check spin_lock_irqsave(struct spinlock *l) __acquires(l)
{
	u64 flags = irq_save();

	spin_lock(l);
	return flags;
}
static inline void spin_unlock_irqrestore(struct spinlock *l, u64 flags) __releases(l)
{
	spin_unlock_raw(l);
	irq_restore(flags);
	preempt_enable();
}
static inline void spin_lock_bh(struct spinlock *l) __acquires(l)
{
	local_bh_disable();
	spin_lock(l);
}
static inline void spin_unlock_bh(struct spinlock *l) __releases(l)
{
	spin_unlock(l);
	local_bh_enable();
}

void read_lock(struct rwlock *l) __acquires(l);
void read_unlock(struct rwlock *l) __releases(l);
void write_lock(struct rwlock *l) __acquires(l);
void write_unlock(struct rwlock *l) __releases(l);
void write_unlock_raw(struct rwlock *l) __releases(l); /* leaves preemption off */
static inline void write_lock_irq(struct rwlock *l) __acquires(l)
{
	irq_disable();
	write_lock(l);
}
static inline void write_unlock_irq(struct rwlock *l) __releases(l)
{
	write_unlock_raw(l);
	irq_enable();
	preempt_enable();
}

/* Sequence counters: writers hold their own lock; readers retry. */
struct seqcount {
	u32 seq;
};
static inline u32 seq_begin(const struct seqcount *s)
{
	u32 v;

	while (unlikely((v = smp_load_acquire(&s->seq)) & 1))
		;
	return v;
}
static inline bool seq_retry(const struct seqcount *s, u32 v)
{
	smp_rmb();
	return unlikely(READ_ONCE(s->seq) != v);
}
static inline void seq_write_begin(struct seqcount *s)
{
	WRITE_ONCE(s->seq, s->seq + 1);
	smp_wmb();
}
static inline void seq_write_end(struct seqcount *s)
{
	smp_wmb();
	WRITE_ONCE(s->seq, s->seq + 1);
}

#endif

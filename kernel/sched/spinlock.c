/* SPDX-License-Identifier: MIT */
/*
 * The slow sides of spinlocks.
 *
 * A spinlock is one word, 1 while held: the amoswap in spin_lock_raw() takes it or comes here to
 * wait, reading until it looks free and trying again. It is not a queue on purpose: where harts are
 * threads of an emulator or a hypervisor, the next in a queue is often not running, and everybody
 * behind it would wait for a time slice of the host's. Hold times are short; nobody starves.
 *
 * A reader-writer lock is a signed count: n readers, or -1 for a writer. Readers let waiting
 * writers pass, except in interrupts and softirqs: there the reader may have interrupted a reader
 * that a writer on another hart waits for.
 */
#include <kernel/spinlock.h>

#include <arch/cpu.h>
#include <kernel/panic.h>

void spin_lock_slow(struct spinlock *l)
{
	lock_check_contended(lock_debug_of(l));
	do {
		while (READ_ONCE(l->locked))
			cpu_relax();
	} while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE));
}

bool spin_trylock(struct spinlock *l)
{
	preempt_disable();
	if (READ_ONCE(l->locked) || __atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)) {
		preempt_enable();
		return false;
	}
	lock_check_acquired(lock_debug_of(l), LOCK_TRY, (vaddr_t)__builtin_return_address(0));
	return true;
}

static bool read_may_enter(struct rwlock *l, s32 state)
{
	return state >= 0 && (READ_ONCE(l->waiting_writers) == 0 || in_interrupt());
}

static bool read_try(struct rwlock *l)
{
	s32 state = READ_ONCE(l->state);

	while (read_may_enter(l, state))
		if (__atomic_compare_exchange_n(&l->state, &state, state + 1, true,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

void read_lock(struct rwlock *l) __acquires(l)
{
	vaddr_t where = (vaddr_t)__builtin_return_address(0);

	preempt_disable();
	lock_check_acquire(lock_debug_of(l), LOCK_SHARED, where);
	if (unlikely(!read_try(l))) {
		lock_check_contended(lock_debug_of(l));
		while (!read_try(l))
			cpu_relax();
	}
	lock_check_acquired(lock_debug_of(l), LOCK_SHARED, where);
	__acquire(l);
}

void read_unlock(struct rwlock *l) __releases(l)
{
	lock_check_release(lock_debug_of(l));
	__atomic_fetch_sub(&l->state, 1, __ATOMIC_RELEASE);
	__release(l);
	preempt_enable();
}

static bool write_try(struct rwlock *l)
{
	s32 free = 0;

	return READ_ONCE(l->state) == 0 &&
	       __atomic_compare_exchange_n(&l->state, &free, -1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

void write_lock(struct rwlock *l) __acquires(l)
{
	vaddr_t where = (vaddr_t)__builtin_return_address(0);

	preempt_disable();
	lock_check_acquire(lock_debug_of(l), 0, where);
	if (unlikely(!write_try(l))) {
		lock_check_contended(lock_debug_of(l));
		atomic_inc(&l->waiting_writers);
		while (!write_try(l))
			cpu_relax();
		atomic_dec(&l->waiting_writers);
	}
	lock_check_acquired(lock_debug_of(l), 0, where);
	__acquire(l);
}

void write_unlock_raw(struct rwlock *l) __releases(l)
{
	lock_check_release(lock_debug_of(l));
	smp_store_release(&l->state, 0);
	__release(l);
}

void write_unlock(struct rwlock *l) __releases(l)
{
	write_unlock_raw(l);
	preempt_enable();
}

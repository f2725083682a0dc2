/* SPDX-License-Identifier: MIT */
/*
 * Mutexes.
 *
 * The owner word is the owning task, with MUTEX_WAITERS in bit 0 when somebody waits; 0 is free
 * and unwanted, and then locking and unlocking are one atomic each. Else both go through the
 * queue under wait.lock. Who comes along while the mutex is free may take it before the first
 * waiter, who was only just woken, does; but a waiter that lost such a race asks for a hand-over,
 * and then the unlocker makes it the owner. So running tasks do not wait for switches, and nobody
 * starves.
 */
#include <kernel/mutex.h>

#include <kernel/errno.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/signal.h>

#define MUTEX_WAITERS 1UL

/* entry.data: the waiter was woken and lost the race. */
#define HANDOVER ((void *)1)

static struct task *make_owner(struct task *t, u64 flags)
{
	return (struct task *)((u64)t | flags);
}

static struct task *owner_of(struct task *word)
{
	return (struct task *)((u64)word & ~MUTEX_WAITERS);
}

static bool take_free(struct mutex *m)
{
	struct task *none = NULL;

	return __atomic_compare_exchange_n(&m->owner, &none, current, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

/* wait.lock held: takes it although others wait. */
static bool take_locked(struct mutex *m)
{
	struct task *word = READ_ONCE(m->owner);

	while (!owner_of(word))
		if (__atomic_compare_exchange_n(&m->owner, &word,
						make_owner(current, (u64)word & MUTEX_WAITERS),
						false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

static void set_waiters(struct mutex *m)
{
	__atomic_fetch_or((u64 *)&m->owner, MUTEX_WAITERS, __ATOMIC_RELAXED);
}

/* wait.lock held: the waiter is through, one way or the other. */
static void leave_queue(struct mutex *m, struct wait_entry *e)
{
	list_del_init(&e->link);
	if (list_empty(&m->wait.head))
		__atomic_fetch_and((u64 *)&m->owner, ~MUTEX_WAITERS, __ATOMIC_RELAXED);
	WRITE_ONCE(current->state, TASK_RUNNING);
}

static int __noinline lock_slow(struct mutex *m, u32 state)
{
	struct wait_entry e;
	int rc = 0;

	wait_entry_init(&e);
	spin_lock(&m->wait.lock);
	list_add_tail(&e.link, &m->wait.head);
	set_waiters(m);
	for (;;) {
		set_current_state(state);
		if (owner_of(READ_ONCE(m->owner)) == current || take_locked(m))
			break;
		if ((state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) && signal_pending_state(state)) {
			rc = -EINTR;
			break;
		}
		spin_unlock(&m->wait.lock);
		schedule();
		spin_lock(&m->wait.lock);
		e.data = HANDOVER;
	}
	leave_queue(m, &e);
	/* The wake-up that a waiter who gives up may have got belongs to the next. */
	if (rc && !owner_of(READ_ONCE(m->owner)) && !list_empty(&m->wait.head))
		wake_up_process(list_first_entry(&m->wait.head, struct wait_entry, link)->task);
	spin_unlock(&m->wait.lock);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return rc;
}

static __always_inline int lock_common(struct mutex *m, u32 state, u32 how)
{
	int rc = 0;

	might_sleep();
	lock_check_acquire(lock_debug_of(m), how | LOCK_SLEEPS,
			   (vaddr_t)__builtin_return_address(0));
	if (unlikely(!take_free(m))) {
		lock_check_contended(lock_debug_of(m));
		rc = lock_slow(m, state);
	}
	if (rc == 0)
		lock_check_acquired(lock_debug_of(m), how | LOCK_SLEEPS,
				    (vaddr_t)__builtin_return_address(0));
	return rc;
}

void mutex_init_named(struct mutex *m, enum lock_rank rank, const char *name)
{
	*m = (struct mutex)MUTEX_INIT(*m, rank);
	wait_queue_init(&m->wait);
	lock_debug_name(lock_debug_of(m), name);
}

void mutex_lock(struct mutex *m) { (void)lock_common(m, TASK_UNINTERRUPTIBLE, 0); }

void mutex_lock_nested(struct mutex *m) { (void)lock_common(m, TASK_UNINTERRUPTIBLE, LOCK_NESTED); }

int mutex_lock_interruptible(struct mutex *m) { return lock_common(m, TASK_INTERRUPTIBLE, 0); }

int mutex_lock_killable(struct mutex *m) { return lock_common(m, TASK_KILLABLE, 0); }

bool mutex_trylock(struct mutex *m)
{
	if (!take_free(m))
		return false;
	lock_check_acquired(lock_debug_of(m), LOCK_TRY | LOCK_SLEEPS,
			    (vaddr_t)__builtin_return_address(0));
	return true;
}

static void __noinline unlock_slow(struct mutex *m)
{
	struct wait_entry *first;

	spin_lock(&m->wait.lock);
	if (list_empty(&m->wait.head)) {
		smp_store_release(&m->owner, NULL);
	} else {
		first = list_first_entry(&m->wait.head, struct wait_entry, link);
		smp_store_release(
			&m->owner,
			make_owner(first->data == HANDOVER ? first->task : NULL, MUTEX_WAITERS));
		wake_up_process(first->task);
	}
	spin_unlock(&m->wait.lock);
}

void mutex_unlock(struct mutex *m)
{
	struct task *me = current;

	ASSERT(owner_of(READ_ONCE(m->owner)) == current);
	lock_check_release(lock_debug_of(m));
	if (unlikely(!__atomic_compare_exchange_n(&m->owner, &me, NULL, false, __ATOMIC_RELEASE,
						  __ATOMIC_RELAXED)))
		unlock_slow(m);
}

bool mutex_is_locked(const struct mutex *m) { return owner_of(READ_ONCE(m->owner)) != NULL; }

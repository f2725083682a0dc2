/* SPDX-License-Identifier: MIT */
/*
 * Reader-writer semaphores.
 *
 * count: RWSEM_WRITER while a writer has it, RWSEM_WAITERS while somebody queues, and
 * RWSEM_READER for each reader. A reader adds its share and is in when neither bit was set; else
 * it takes it back and queues. Whoever makes the semaphore free of holders while somebody queues
 * hands it on, under wait.lock, in the order of arrival: to a writer, or to all readers up to the
 * next writer. New readers do not pass a queue, so writers do not starve.
 *
 * entry.data: WANTS_* while it waits, GRANTED once it has the semaphore.
 */
#include <kernel/mutex.h>

#include <kernel/errno.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/signal.h>

#define RWSEM_WRITER  1L
#define RWSEM_WAITERS 2L
#define RWSEM_READER  256L

#define WANTS_READ    ((void *)1)
#define WANTS_WRITE   ((void *)2)
#define GRANTED	      ((void *)3)

static s64 count_add(struct rwsem *s, s64 n)
{
	return __atomic_add_fetch(&s->count, n, __ATOMIC_ACQ_REL);
}

static bool has_holder(s64 count) { return (count & RWSEM_WRITER) || count >= RWSEM_READER; }

static struct wait_entry *first_waiter(struct rwsem *s)
{
	return list_empty(&s->wait.head) ? NULL
					 : list_first_entry(&s->wait.head, struct wait_entry, link);
}

/* The entry lives on its task's stack, which is safe: that one looks at it under wait.lock only. */
static void grant(struct rwsem *s, struct wait_entry *e)
{
	list_del_init(&e->link);
	e->data = GRANTED;
	wake_up_process(e->task);
}

static s64 waiters_gone(struct rwsem *s) { return list_empty(&s->wait.head) ? -RWSEM_WAITERS : 0; }

/* wait.lock held, somebody queues, RWSEM_WAITERS set: nobody but us can take the semaphore now. */
static void grant_writer(struct rwsem *s, struct wait_entry *e)
{
	s64 count = READ_ONCE(s->count);

	do {
		/* The last one who leaves comes here, too: also a reader that was only trying. */
		if (has_holder(count))
			return;
	} while (!__atomic_compare_exchange_n(&s->count, &count, count | RWSEM_WRITER, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	s->writer = e->task;
	grant(s, e);
	count_add(s, waiters_gone(s));
}

static void grant_readers(struct rwsem *s)
{
	struct wait_entry *e;

	if (READ_ONCE(s->count) & RWSEM_WRITER)
		return;
	while ((e = first_waiter(s)) && e->data == WANTS_READ) {
		count_add(s, RWSEM_READER);
		grant(s, e);
	}
	count_add(s, waiters_gone(s));
}

/* wait.lock held: hands on what can be. */
static void hand_on(struct rwsem *s)
{
	struct wait_entry *e = first_waiter(s);

	if (!e)
		return;
	if (e->data == WANTS_WRITE)
		grant_writer(s, e);
	else
		grant_readers(s);
}

static void __noinline release_slow(struct rwsem *s)
{
	spin_lock(&s->wait.lock);
	hand_on(s);
	spin_unlock(&s->wait.lock);
}

/* wait.lock held: e, already in the queue, gives up. */
static void give_up(struct rwsem *s, struct wait_entry *e)
{
	list_del_init(&e->link);
	if (list_empty(&s->wait.head))
		count_add(s, -RWSEM_WAITERS);
	else
		hand_on(s);
}

/* `undo` is what the fast path added to the count. */
static int __noinline acquire_slow(struct rwsem *s, void *wants, s64 undo, u32 state)
{
	struct wait_entry e;
	int rc = 0;

	lock_check_contended(lock_debug_of(s));
	wait_entry_init(&e);
	e.data = wants;
	spin_lock(&s->wait.lock);
	count_add(s, (list_empty(&s->wait.head) ? RWSEM_WAITERS : 0) - undo);
	list_add_tail(&e.link, &s->wait.head);
	hand_on(s);
	while (e.data != GRANTED) {
		set_current_state(state);
		if ((state & TASK_WAKEKILL) && signal_pending_state(state)) {
			give_up(s, &e);
			rc = -EINTR;
			break;
		}
		spin_unlock(&s->wait.lock);
		schedule();
		spin_lock(&s->wait.lock);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	spin_unlock(&s->wait.lock);
	return rc;
}

static __always_inline int read_common(struct rwsem *s, u32 state)
{
	s64 old;
	int rc = 0;

	might_sleep();
	lock_check_acquire(lock_debug_of(s), LOCK_SHARED | LOCK_SLEEPS,
			   (vaddr_t)__builtin_return_address(0));
	old = __atomic_fetch_add(&s->count, RWSEM_READER, __ATOMIC_ACQUIRE);
	if (unlikely(old & (RWSEM_WRITER | RWSEM_WAITERS)))
		rc = acquire_slow(s, WANTS_READ, RWSEM_READER, state);
	if (rc == 0)
		lock_check_acquired(lock_debug_of(s), LOCK_SHARED | LOCK_SLEEPS,
				    (vaddr_t)__builtin_return_address(0));
	return rc;
}

static bool write_take(struct rwsem *s)
{
	s64 free = 0;

	if (!__atomic_compare_exchange_n(&s->count, &free, RWSEM_WRITER, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	s->writer = current;
	return true;
}

static __always_inline int write_common(struct rwsem *s, u32 state, u32 how)
{
	int rc = 0;

	might_sleep();
	lock_check_acquire(lock_debug_of(s), how | LOCK_SLEEPS,
			   (vaddr_t)__builtin_return_address(0));
	if (unlikely(!write_take(s)))
		rc = acquire_slow(s, WANTS_WRITE, 0, state);
	if (rc == 0)
		lock_check_acquired(lock_debug_of(s), how | LOCK_SLEEPS,
				    (vaddr_t)__builtin_return_address(0));
	return rc;
}

void rwsem_init_named(struct rwsem *s, enum lock_rank rank, const char *name)
{
	*s = (struct rwsem)RWSEM_INIT(*s, rank);
	wait_queue_init(&s->wait);
	lock_debug_name(lock_debug_of(s), name);
}

void down_read(struct rwsem *s) { (void)read_common(s, TASK_UNINTERRUPTIBLE); }

int down_read_killable(struct rwsem *s) { return read_common(s, TASK_KILLABLE); }

bool down_read_trylock(struct rwsem *s)
{
	s64 count = READ_ONCE(s->count);

	do {
		if (count & (RWSEM_WRITER | RWSEM_WAITERS))
			return false;
	} while (!__atomic_compare_exchange_n(&s->count, &count, count + RWSEM_READER, true,
					      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	lock_check_acquired(lock_debug_of(s), LOCK_SHARED | LOCK_TRY | LOCK_SLEEPS,
			    (vaddr_t)__builtin_return_address(0));
	return true;
}

void up_read(struct rwsem *s)
{
	s64 count;

	lock_check_release(lock_debug_of(s));
	count = __atomic_sub_fetch(&s->count, RWSEM_READER, __ATOMIC_RELEASE);
	ASSERT(count >= 0);
	if (unlikely((count & RWSEM_WAITERS) && !has_holder(count)))
		release_slow(s);
}

void down_write(struct rwsem *s) { (void)write_common(s, TASK_UNINTERRUPTIBLE, 0); }

void down_write_nested(struct rwsem *s)
{
	(void)write_common(s, TASK_UNINTERRUPTIBLE, LOCK_NESTED);
}

int down_write_killable(struct rwsem *s) { return write_common(s, TASK_KILLABLE, 0); }

bool down_write_trylock(struct rwsem *s)
{
	if (!write_take(s))
		return false;
	lock_check_acquired(lock_debug_of(s), LOCK_TRY | LOCK_SLEEPS,
			    (vaddr_t)__builtin_return_address(0));
	return true;
}

void up_write(struct rwsem *s)
{
	ASSERT(s->writer == current);
	lock_check_release(lock_debug_of(s));
	s->writer = NULL;
	if (unlikely(__atomic_sub_fetch(&s->count, RWSEM_WRITER, __ATOMIC_RELEASE) & RWSEM_WAITERS))
		release_slow(s);
}

void downgrade_write(struct rwsem *s)
{
	ASSERT(s->writer == current);
	s->writer = NULL;
	if (count_add(s, RWSEM_READER - RWSEM_WRITER) & RWSEM_WAITERS)
		release_slow(s);
}

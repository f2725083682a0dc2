/* SPDX-License-Identifier: MIT */
/*
 * Sleeping locks (kernel/sched/mutex.c): mutexes, reader-writer semaphores, completions.
 * Process context, no spinlock held. The uncontended paths are one atomic operation, inline.
 * The _interruptible and _killable forms return 0 or -EINTR.
 */
#ifndef KERNEL_MUTEX_H
#define KERNEL_MUTEX_H

#include <kernel/spinlock.h>
#include <kernel/wait.h>

struct mutex {
	struct task *owner; /* [a] low bit: somebody waits */
	struct wait_queue wait;
#if DEBUG
	struct lock_debug debug;
#endif
};
#if DEBUG
#define MUTEX_INIT(m, rank_) { NULL, WAIT_QUEUE_INIT((m).wait), { .name = #m, .rank = rank_ } }
#else
#define MUTEX_INIT(m, rank_) { NULL, WAIT_QUEUE_INIT((m).wait) }
#endif
#define DEFINE_MUTEX(m, rank) struct mutex m = MUTEX_INIT(m, rank)
void mutex_init_named(struct mutex *m, enum lock_rank rank, const char *name);
#define mutex_init(m, rank) mutex_init_named(m, rank, #rank)
void mutex_lock(struct mutex *m);
void mutex_lock_nested(struct mutex *m);
int __must_check mutex_lock_interruptible(struct mutex *m);
int __must_check mutex_lock_killable(struct mutex *m);
bool __must_check mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);
bool mutex_is_locked(const struct mutex *m);

struct rwsem {
	s64 count; /* [a] see mutex.c */
	struct wait_queue wait;
	struct task *writer;
#if DEBUG
	struct lock_debug debug;
#endif
};
#if DEBUG
#define RWSEM_INIT(s, rank_) { 0, WAIT_QUEUE_INIT((s).wait), NULL, { .name = #s, .rank = rank_ } }
#else
#define RWSEM_INIT(s, rank_) { 0, WAIT_QUEUE_INIT((s).wait), NULL }
#endif
void rwsem_init_named(struct rwsem *s, enum lock_rank rank, const char *name);
#define rwsem_init(s, rank) rwsem_init_named(s, rank, #rank)
void down_read(struct rwsem *s);
int __must_check down_read_killable(struct rwsem *s);
bool __must_check down_read_trylock(struct rwsem *s);
void up_read(struct rwsem *s);
void down_write(struct rwsem *s);
void down_write_nested(struct rwsem *s);
int __must_check down_write_killable(struct rwsem *s);
bool __must_check down_write_trylock(struct rwsem *s);
void up_write(struct rwsem *s);
void downgrade_write(struct rwsem *s);

struct completion {
	u32 done;
	struct wait_queue wait;
};
#define COMPLETION_INIT(c) { 0, WAIT_QUEUE_INIT((c).wait) }
void completion_init(struct completion *c);
void complete(struct completion *c);
void complete_all(struct completion *c);
void wait_for_completion(struct completion *c);
int __must_check wait_for_completion_killable(struct completion *c);
/* Remaining time, or 0 on time-out. */
ktime_t wait_for_completion_timeout(struct completion *c, ktime_t timeout);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of the futex code share: keys, buckets, waiters.
 *
 * A waiter stands on its task's stack. Its bucket's lock guards it while it is WAITER_QUEUED.
 * Whoever wakes it takes it off the chain under the lock (WAITER_WAKING: it is on the waker's
 * list), and after unlocking says WAITER_WOKEN, which gives the memory back to the waiter, and
 * wakes the task. A waiter of a PI futex that is woken owns the futex.
 */
#ifndef PROC_FUTEX_INTERNAL_H
#define PROC_FUTEX_INTERNAL_H

#include <kernel/futex.h>
#include <kernel/list.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>
#include <linux/futex.h>

/* How a futex is named and a wait timed: the `flags` of all functions. */
#define FUTEX_F_SHARED	 1 /* may lie in memory shared between address spaces */
#define FUTEX_F_REALTIME 2 /* time-outs count on CLOCK_REALTIME */
#define FUTEX_F_STRICT	 4 /* futex2: waking none wakes none */

/* Private or anonymous memory: the mm and the address. Shared file pages: the inode's futex_id and
 * the place in the file. */
struct futex_key {
	u64 object; /* odd: an inode's */
	u64 offset;
};
static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

struct futex_bucket {
	u32 waiters;		/* [a] queued or about to be: wakers look at it without the lock */
	struct spinlock lock;	/* RANK_FUTEX; two by address */
	struct list_head chain; /* [lock] struct futex_waiter: real-time tasks by priority, then the
				   others as they came */
} __aligned(32);

enum waiter_state { WAITER_QUEUED, WAITER_WAKING, WAITER_WOKEN };

struct futex_pi;
struct futex_waiter {
	struct list_head link;
	struct futex_bucket *bucket; /* [its lock, both when it is requeued] */
	struct futex_key key;
	struct task *task;
	u32 bitset;
	u32 state;	     /* enum waiter_state */
	struct futex_pi *pi; /* queued on a PI futex; holds a reference */
	bool claim;	     /* PI: the owner died, this one is next to take the futex */
	bool requeue_pi;     /* FUTEX_WAIT_REQUEUE_PI: may only go to pi_key */
	struct futex_key pi_key;
};
static inline void futex_waiter_init(struct futex_waiter *w, u32 bitset)
{
	*w = (struct futex_waiter) { .task = current, .bitset = bitset, .state = WAITER_WOKEN };
}

/* at: absolute on its clock, KTIME_MAX: never. */
struct futex_timeout {
	ktime_t at;
	bool realtime;
};
static inline bool futex_timeout_over(const struct futex_timeout *t)
{
	return t->at != KTIME_MAX && (t->realtime ? ktime_get_real() : ktime_get()) >= t->at;
}
/* Sleeps with the state set, until woken or the time is over. */
void futex_schedule(const struct futex_timeout *t);

/* --- futex.c --- */
/* write: the kernel will write the word. 0, -EINVAL, -EFAULT, -EINTR. */
int futex_get_key(u32 __user *uaddr, u32 flags, bool write, struct futex_key *key);
struct futex_bucket *futex_bucket_of(const struct futex_key *key);
/* Fault in a word that a locked access found missing: 0 try again, -EFAULT, -EINTR (fatal signal).
 */
int futex_fault_in(u32 __user *uaddr, bool write);
/* For queueing w by w->key: counts it as a waiter of the bucket and locks. Undo with
 * futex_queue_unlock. */
struct futex_bucket *futex_queue_lock(struct futex_waiter *w) __acquires(&bucket->lock);
void futex_queue_unlock(struct futex_bucket *b) __releases(&b->lock);
void futex_enqueue_locked(struct futex_waiter *w, struct futex_bucket *b);
struct futex_waiter *futex_top_waiter(struct futex_bucket *b, const struct futex_key *key);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);
struct futex_bucket *futex_lock_waiter(struct futex_waiter *w) __acquires(&bucket->lock);
/* Takes w off its bucket (locked) for futex_wake_list(). */
void futex_take_locked(struct futex_waiter *w, struct list_head *woken);
void futex_wake_list(struct list_head *woken); /* no lock held */
/* Queues w if the word still holds val, with the task's state set to sleep. 0, -EWOULDBLOCK,
 * -EFAULT ... */
int futex_wait_setup(u32 __user *uaddr, u32 val, u32 flags, struct futex_waiter *w);
/* False: it was woken. */
bool futex_unqueue(struct futex_waiter *w);
void futex_await_woken(struct futex_waiter *w); /* being woken right now */

/* Takes up to nr waiters (at least one) of `key` off; how many, or -EINVAL when one cannot be woken
 * so. */
int futex_wake_locked(struct futex_bucket *b, const struct futex_key *key, int nr, u32 bitset,
		      struct list_head *woken);

int futex_wait(u32 __user *uaddr, u32 flags, u32 val, const struct futex_timeout *t, u32 bitset);
int futex_wake(u32 __user *uaddr, u32 flags, int nr, u32 bitset);
/* --- futex_requeue.c --- */
int futex_wake_op(u32 __user *uaddr1, u32 flags, u32 __user *uaddr2, int nr1, int nr2, u32 op);
int futex_requeue(u32 __user *uaddr1, u32 flags1, u32 __user *uaddr2, u32 flags2, int nr_wake,
		  int nr_requeue, const u32 *cmpval, bool requeue_pi);
/* --- futex_pi.c --- */
struct futex_pi *futex_pi_alloc(void);
/* The kernel's side of locking for `task`, bucket locked. 1: it owns the futex now (with
 * set_waiters *pi is made for those to come); 0: *pi is what to wait on. Either way *pi comes with
 * a reference. -EFAULT, -EAGAIN: unlock and try again. *spare is used for a new one. Else -EDEADLK,
 * -ESRCH, -EPERM, -EINVAL. */
int futex_pi_attach(u32 __user *uaddr, const struct futex_key *key, struct futex_bucket *b,
		    struct task *task, bool set_waiters, struct futex_pi **pi,
		    struct futex_pi **spare);
void futex_pi_put(struct futex_pi *pi); /* NULL is fine */
void futex_pi_join(struct futex_pi *pi,
		   struct futex_waiter *w); /* w waits on it: a reference; bucket locked */
int futex_lock_pi(u32 __user *uaddr, u32 flags, const struct futex_timeout *t, bool try);
int futex_unlock_pi(u32 __user *uaddr, u32 flags);
int futex_wait_requeue_pi(u32 __user *uaddr, u32 flags, u32 val, const struct futex_timeout *t,
			  u32 bitset, u32 __user *uaddr2);
void futex_pi_exit(void);
/* --- robust.c --- */
void futex_robust_exit(void);

#endif

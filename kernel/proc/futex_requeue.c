/* SPDX-License-Identifier: MIT */
/*
 * Futex calls on two words: FUTEX_WAKE_OP, FUTEX_(CMP_)REQUEUE(_PI).
 *
 * Both buckets are locked, by address. Waiters move from one chain to the other without being
 * woken; those that go to a PI futex join the queue for its ownership (futex_pi.c).
 */
#include "futex_internal.h"

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/signal.h>

/* --- FUTEX_WAKE_OP --- */

static s32 sign_extend12(u32 v) { return (s32)(v << 20) >> 20; }

static bool compare(u32 cmp, s32 old, s32 arg, int *result)
{
	switch (cmp) {
	case FUTEX_OP_CMP_EQ:
		*result = old == arg;
		return true;
	case FUTEX_OP_CMP_NE:
		*result = old != arg;
		return true;
	case FUTEX_OP_CMP_LT:
		*result = old < arg;
		return true;
	case FUTEX_OP_CMP_GE:
		*result = old >= arg;
		return true;
	case FUTEX_OP_CMP_LE:
		*result = old <= arg;
		return true;
	case FUTEX_OP_CMP_GT:
		*result = old > arg;
		return true;
	default:
		return false;
	}
}

/* Changes the word as `encoded` says: whether the old value fits its condition, -EFAULT, -ENOSYS.
 */
static int change_word(u32 encoded, u32 __user *uaddr)
{
	static const enum user_atomic ops[] = {
		[FUTEX_OP_SET] = USER_SWAP,  [FUTEX_OP_ADD] = USER_ADD, [FUTEX_OP_OR] = USER_OR,
		[FUTEX_OP_ANDN] = USER_ANDN, [FUTEX_OP_XOR] = USER_XOR,
	};
	u32 op = (encoded >> 28) & 7, old;
	s32 oparg = sign_extend12(encoded >> 12 & 0xfff);
	int rc, result;

	if (encoded & (u32)FUTEX_OP_OPARG_SHIFT << 28)
		oparg = (s32)(1U << (oparg & 31));
	if (op >= ARRAY_SIZE(ops))
		return -ENOSYS;
	rc = user_atomic32(ops[op], uaddr, (u32)oparg, &old);
	if (rc)
		return rc;
	return compare(encoded >> 24 & 0xf, (s32)old, sign_extend12(encoded & 0xfff), &result)
		       ? result
		       : -ENOSYS;
}

/* Both buckets locked, the word changed. */
static int wake_both(struct futex_bucket *b1, const struct futex_key *key1, int nr1,
		     struct futex_bucket *b2, const struct futex_key *key2, int nr2,
		     struct list_head *woken)
{
	int first = futex_wake_locked(b1, key1, nr1, FUTEX_BITSET_MATCH_ANY, woken), second;

	if (first < 0 || nr2 < 0)
		return first;
	second = futex_wake_locked(b2, key2, nr2, FUTEX_BITSET_MATCH_ANY, woken);
	return second < 0 ? second : first + second;
}

int futex_wake_op(u32 __user *uaddr1, u32 flags, u32 __user *uaddr2, int nr1, int nr2, u32 op)
{
	struct futex_key key1, key2;
	struct futex_bucket *b1, *b2;
	LIST_HEAD(woken);
	int rc;

	for (;;) {
		rc = futex_get_key(uaddr1, flags, false, &key1);
		if (rc == 0)
			rc = futex_get_key(uaddr2, flags, true, &key2);
		if (rc)
			return rc;
		b1 = futex_bucket_of(&key1);
		b2 = futex_bucket_of(&key2);
		futex_lock_two(b1, b2);
		rc = change_word(op, uaddr2);
		if (rc != -EFAULT)
			break;
		futex_unlock_two(b1, b2);
		rc = futex_fault_in(uaddr2, true);
		if (rc)
			return rc;
	}
	if (rc >= 0)
		rc = wake_both(b1, &key1, nr1, b2, &key2, rc ? MAX(nr2, 0) : -1, &woken);
	futex_unlock_two(b1, b2);
	futex_wake_list(&woken);
	return rc;
}

/* --- requeue --- */

struct requeue {
	u32 __user *uaddr1, *uaddr2;
	u32 flags1, flags2;
	int nr_wake, nr_requeue;
	const u32 *cmpval; /* NULL: whatever it is */
	bool to_pi;
	struct futex_key key1, key2;
	struct futex_bucket *b1, *b2;
	struct futex_pi *pi, *spare;
	struct list_head woken;
	u32 __user *fault; /* after -EFAULT under the locks: where */
};

/* w leaves for the second futex; both buckets locked. */
static void move_waiter(struct requeue *r, struct futex_waiter *w)
{
	w->key = r->key2;
	if (r->b1 == r->b2 && !r->to_pi)
		return;
	list_del(&w->link);
	atomic_dec(&r->b1->waiters);
	atomic_inc(&r->b2->waiters);
	futex_enqueue_locked(w, r->b2);
}

/* Only FUTEX_WAIT_REQUEUE_PI waiters go to a PI futex, only to the one they named, and nowhere
 * else. */
static bool may_move(const struct requeue *r, const struct futex_waiter *w)
{
	if (w->pi || w->requeue_pi != r->to_pi)
		return false;
	return !r->to_pi || futex_key_equal(&w->pi_key, &r->key2);
}

static int move_all(struct requeue *r, int n)
{
	struct futex_waiter *w, *next;

	list_for_each_entry_safe (w, next, &r->b1->chain, link) {
		if (n - r->nr_wake >= r->nr_requeue)
			break;
		if (!futex_key_equal(&w->key, &r->key1))
			continue;
		if (!may_move(r, w))
			return -EINVAL;
		n++;
		if (!r->to_pi && n <= r->nr_wake) {
			futex_take_locked(w, &r->woken);
			continue;
		}
		move_waiter(r, w);
		if (r->to_pi)
			futex_pi_join(r->pi, w);
	}
	return n;
}

/* The first waiter gets the PI futex if it is free, and only then is woken: how many were. Finds
 * r->pi for the others. */
static int give_to_first(struct requeue *r)
{
	struct futex_waiter *top = futex_top_waiter(r->b1, &r->key1);
	int rc;

	if (!top)
		return 0;
	if (!may_move(r, top))
		return -EINVAL;
	r->fault = r->uaddr2;
	rc = futex_pi_attach(r->uaddr2, &r->key2, r->b2, top->task, r->nr_requeue > 0, &r->pi,
			     &r->spare);
	if (rc == 1)
		futex_take_locked(top, &r->woken);
	return rc;
}

/* Both buckets locked. The number woken or moved; -EFAULT with r->fault, -EAGAIN (the word
 * differs), ... */
static int requeue_locked(struct requeue *r)
{
	u64 now;
	int n = 0;

	if (r->cmpval) {
		r->fault = r->uaddr1;
		if (user_load32(&now, r->uaddr1))
			return -EFAULT;
		if (now != *r->cmpval)
			return -EAGAIN;
	}
	if (r->to_pi) {
		n = give_to_first(r);
		if (n < 0)
			return n == -EAGAIN ? -EBUSY : n;
		if (!r->pi)
			return n;
	}
	return move_all(r, n);
}

static int requeue_once(struct requeue *r)
{
	int rc = futex_get_key(r->uaddr1, r->flags1, false, &r->key1);

	if (rc == 0)
		rc = futex_get_key(r->uaddr2, r->flags2, r->to_pi, &r->key2);
	if (rc)
		return rc;
	if (r->to_pi && futex_key_equal(&r->key1, &r->key2))
		return -EINVAL;
	r->b1 = futex_bucket_of(&r->key1);
	r->b2 = futex_bucket_of(&r->key2);
	atomic_inc(&r->b2->waiters); /* wakers of the second futex have to wait for what comes */
	futex_lock_two(r->b1, r->b2);
	r->fault = NULL;
	rc = requeue_locked(r);
	futex_pi_put(r->pi);
	r->pi = NULL;
	futex_unlock_two(r->b1, r->b2);
	atomic_dec(&r->b2->waiters);
	futex_wake_list(&r->woken);
	return rc;
}

int futex_requeue(u32 __user *uaddr1, u32 flags1, u32 __user *uaddr2, u32 flags2, int nr_wake,
		  int nr_requeue, const u32 *cmpval, bool requeue_pi)
{
	struct requeue r = {
		.uaddr1 = uaddr1,
		.uaddr2 = uaddr2,
		.flags1 = flags1,
		.flags2 = flags2,
		.nr_wake = nr_wake,
		.nr_requeue = nr_requeue,
		.cmpval = cmpval,
		.to_pi = requeue_pi,
		.woken = LIST_HEAD_INIT(r.woken),
	};
	int rc;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	if (requeue_pi && (uaddr1 == uaddr2 || nr_wake != 1))
		return -EINVAL;
	do {
		if (requeue_pi && !r.spare) {
			r.spare = futex_pi_alloc();
			if (!r.spare)
				return -ENOMEM;
		}
		rc = requeue_once(&r);
		if (rc == -EFAULT && r.fault)
			rc = futex_fault_in(r.fault, r.fault == uaddr2) ?: -EBUSY;
		else if (rc == -EBUSY)
			cond_resched();
	} while (rc == -EBUSY && !fatal_signal_pending());
	kfree(r.spare);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * PI futexes: the word holds the owner's thread number, and the kernel hands ownership on.
 *
 * Word: 0 free; TID owned; FUTEX_WAITERS the owner has to enter the kernel to unlock;
 * FUTEX_OWNER_DIED the owner ended with it.
 *
 * While somebody waits there is a struct futex_pi, which all the waiters share; it knows the owner
 * and stands in the circle of what that task owns (task->pi_state). Unlocking writes the first
 * waiter's number into the word and wakes it: ownership goes by priority, then by who came first,
 * and cannot be stolen. When the owner exits, its futexes have no owner for a moment: the first
 * waiter is told to claim the word, which only it can reach (the address is another one in each
 * mm).
 *
 * The owner's scheduling priority is not raised while others wait.
 *
 * Locks: the bucket's lock for the word's transitions and the waiters; futex_pi_lock inside it for
 * owners, circles and references. A futex_pi is freed with its last reference: of waiters, and of
 * who works on it for a moment.
 */
#include "futex_internal.h"

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>

struct futex_pi {
	struct list_head owned; /* [futex_pi_lock] circle, entered at owner->pi_state */
	struct task *owner;	/* [bucket's lock and futex_pi_lock to write] NULL: it died */
	struct futex_key key;	/* [I] */
	u32 refs;		/* [futex_pi_lock] */
};
#define PI_EXITED ((struct futex_pi *)1UL) /* task->pi_state: will not pass anything on any more \
					    */

static DEFINE_SPINLOCK(futex_pi_lock, RANK_TASK_PI);

struct futex_pi *futex_pi_alloc(void) { return kzalloc(sizeof(struct futex_pi), GFP_KERNEL); }

/* --- owners; futex_pi_lock held --- */

static void circle_leave(struct futex_pi *pi)
{
	struct task *t = pi->owner;

	if (!t)
		return;
	if (t->pi_state == pi)
		t->pi_state = list_empty(&pi->owned)
				      ? NULL
				      : list_first_entry(&pi->owned, struct futex_pi, owned);
	list_del_init(&pi->owned);
	pi->owner = NULL;
}

static void circle_enter(struct futex_pi *pi, struct task *t)
{
	struct futex_pi *first = t->pi_state;

	pi->owner = t;
	if (first) {
		list_add_tail(&pi->owned, &first->owned);
	} else {
		list_init(&pi->owned);
		t->pi_state = pi;
	}
}

static void set_owner(struct futex_pi *pi, struct task *t)
{
	spin_lock(&futex_pi_lock);
	circle_leave(pi);
	circle_enter(pi, t);
	spin_unlock(&futex_pi_lock);
}

/* --- references --- */

static void pi_get(struct futex_pi *pi)
{
	spin_lock(&futex_pi_lock);
	pi->refs++;
	spin_unlock(&futex_pi_lock);
}

void futex_pi_put(struct futex_pi *pi)
{
	bool last;

	if (!pi)
		return;
	spin_lock(&futex_pi_lock);
	last = --pi->refs == 0;
	if (last)
		circle_leave(pi);
	spin_unlock(&futex_pi_lock);
	if (last)
		kfree(pi);
}

/* --- the word; bucket locked --- */

static u32 tid_of(const struct task *t) { return (u32)t->pid; }

/* 0, -EFAULT, -EAGAIN: it changed. */
static int word_change(u32 __user *uaddr, u32 from, u32 to)
{
	u32 old;

	if (user_cmpxchg32(uaddr, &old, from, to))
		return -EFAULT;
	return old == from ? 0 : -EAGAIN;
}

static int word_differs(u32 __user *uaddr, u32 from)
{
	u64 now;

	if (user_load32(&now, uaddr))
		return -EFAULT;
	return now == from ? 0 : -EAGAIN;
}

/* The first waiter of an ownerless futex is to claim it. */
static void tell_to_claim(struct futex_bucket *b, const struct futex_pi *pi)
{
	struct futex_waiter *top = futex_top_waiter(b, &pi->key);

	if (!top || top->claim)
		return;
	WRITE_ONCE(top->claim, true);
	wake_up_state(top->task, TASK_NORMAL);
}

/* --- becoming a waiter, or the owner --- */

/* Others wait already: what the word says must agree with what the kernel knows. */
static int attach_to_waiters(u32 word, struct futex_pi *pi)
{
	u32 tid = word & FUTEX_TID_MASK;

	if (!pi)
		return -EINVAL;
	if (word & FUTEX_OWNER_DIED) {
		/* The claim of the first waiter is on its way. */
		if (!pi->owner)
			return tid ? -EINVAL : 0;
		if (!tid)
			return 0;
	}
	if (!pi->owner || tid != tid_of(pi->owner))
		return -EINVAL;
	return 0;
}

/* The first to wait: finds the owner by the word's number. */
static int attach_to_owner(u32 __user *uaddr, u32 word, const struct futex_key *key,
			   struct futex_pi **spare)
{
	struct futex_pi *pi = *spare;
	struct task *t = task_find(
		(pid_t)(word & FUTEX_TID_MASK)); /* the bucket's lock holds off the grace period */
	bool gone;

	if (t && (t->flags & TF_KTHREAD))
		return -EPERM;
	spin_lock(&futex_pi_lock);
	gone = !t || t->pi_state == PI_EXITED;
	if (!gone) {
		pi->key = *key;
		pi->refs = 0;
		circle_enter(pi, t);
	}
	spin_unlock(&futex_pi_lock);
	/* It may have released the word while it exited; else the number is bogus. */
	return gone ? word_differs(uaddr, word) ?: -ESRCH : 0;
}

/* A word nobody owns, and nobody waits: it is task's. */
static int take_word(u32 __user *uaddr, u32 word, const struct futex_key *key, struct task *task,
		     bool set_waiters, struct futex_pi **pi, struct futex_pi **spare)
{
	u32 new = (word & FUTEX_OWNER_DIED) | tid_of(task) | (set_waiters ? FUTEX_WAITERS : 0);
	int rc = word_change(uaddr, word, new);

	if (rc || !set_waiters)
		return rc ? rc : 1;
	rc = attach_to_owner(uaddr, new, key, spare);
	if (rc)
		return rc;
	*pi = *spare;
	*spare = NULL;
	pi_get(*pi);
	return 1;
}

int futex_pi_attach(u32 __user *uaddr, const struct futex_key *key, struct futex_bucket *b,
		    struct task *task, bool set_waiters, struct futex_pi **pi,
		    struct futex_pi **spare)
{
	struct futex_waiter *top;
	u64 v;
	u32 word;
	int rc;

	if (user_load32(&v, uaddr))
		return -EFAULT;
	word = (u32)v;
	if ((word & FUTEX_TID_MASK) == tid_of(task))
		return -EDEADLK;
	top = futex_top_waiter(b, key);
	if (top) {
		rc = attach_to_waiters(word, top->pi);
		if (rc)
			return rc;
		*pi = top->pi;
		pi_get(*pi);
		return 0;
	}
	if (!(word & FUTEX_TID_MASK))
		return take_word(uaddr, word, key, task, set_waiters, pi, spare);
	/* The owner must come into the kernel to unlock, and then finds the bucket locked. */
	rc = word & FUTEX_WAITERS ? word_differs(uaddr, word)
				  : word_change(uaddr, word, word | FUTEX_WAITERS);
	if (rc == 0)
		rc = attach_to_owner(uaddr, word | FUTEX_WAITERS, key, spare);
	if (rc)
		return rc;
	*pi = *spare;
	*spare = NULL;
	pi_get(*pi);
	return 0;
}

void futex_pi_join(struct futex_pi *pi, struct futex_waiter *w)
{
	pi_get(pi);
	w->pi = pi;
	if (!pi->owner)
		tell_to_claim(w->bucket, pi);
}

/* --- waiting for ownership --- */

/* Off the queue; if the futex has no owner, the next one is to claim it. Bucket locked. */
static void leave_queue(struct futex_waiter *w, struct futex_bucket *b)
{
	list_del(&w->link);
	w->state = WAITER_WOKEN;
	atomic_dec(&b->waiters);
	if (w->pi && !w->pi->owner)
		tell_to_claim(b, w->pi);
	futex_pi_put(w->pi);
}

/* The owner died and w was told to take the word. 0: owner now; 1: another was quicker; -EFAULT,
 * -EAGAIN. */
static int claim(u32 __user *uaddr, struct futex_waiter *w)
{
	struct futex_bucket *b = futex_lock_waiter(w);
	int rc = 1;
	u64 word;

	if (w->state != WAITER_QUEUED || w->pi->owner) {
		w->claim = false;
		goto unlock;
	}
	rc = user_load32(&word, uaddr) ? -EFAULT : 0;
	if (rc == 0)
		rc = word_change(uaddr, (u32)word,
				 FUTEX_OWNER_DIED | FUTEX_WAITERS | tid_of(current));
	if (rc == 0) {
		set_owner(w->pi, current);
		leave_queue(w, b);
	}
unlock:
	spin_unlock(&b->lock);
	return rc;
}

/* w is done waiting, for `why`. 0: it got the futex all the same. */
static int give_up(struct futex_waiter *w, int why)
{
	struct futex_bucket *b;

	if (smp_load_acquire(&w->state) == WAITER_WOKEN)
		return 0;
	b = futex_lock_waiter(w);
	if (w->state == WAITER_QUEUED) {
		leave_queue(w, b);
		spin_unlock(&b->lock);
		return why;
	}
	spin_unlock(&b->lock);
	futex_await_woken(w);
	return 0;
}

/* Sleeps until w owns the futex at uaddr. 0, -ETIMEDOUT, -EINTR, -EFAULT. */
static int await_ownership(u32 __user *uaddr, struct futex_waiter *w, const struct futex_timeout *t)
{
	int rc;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (smp_load_acquire(&w->state) == WAITER_WOKEN) {
			rc = 0;
			break;
		}
		if (READ_ONCE(w->claim)) {
			set_current_state(TASK_RUNNING);
			rc = claim(uaddr, w);
			if (rc == 0)
				break;
			if (rc == -EFAULT && futex_fault_in(uaddr, true))
				return give_up(w, -EFAULT);
			continue;
		}
		if (futex_timeout_over(t) || signal_pending()) {
			set_current_state(TASK_RUNNING);
			return give_up(w, futex_timeout_over(t) ? -ETIMEDOUT : -EINTR);
		}
		futex_schedule(t);
	}
	set_current_state(TASK_RUNNING);
	return rc;
}

/* --- lock --- */

/* One try: 0 got it, 1 queued (w), or an error; -EBUSY: again. */
static int lock_or_queue(u32 __user *uaddr, u32 flags, bool try, struct futex_waiter *w,
			 struct futex_pi **spare)
{
	struct futex_pi *pi = NULL;
	struct futex_bucket *b;
	int rc = futex_get_key(uaddr, flags, true, &w->key);

	if (rc)
		return rc;
	b = futex_queue_lock(w);
	rc = futex_pi_attach(uaddr, &w->key, b, current, false, &pi, spare);
	if (rc == 0 && !try) {
		w->pi = pi; /* with its reference */
		futex_enqueue_locked(w, b);
		if (!pi->owner)
			tell_to_claim(b, pi);
		spin_unlock(&b->lock);
		return 1;
	}
	futex_pi_put(pi);
	futex_queue_unlock(b);
	if (rc == -EFAULT)
		return futex_fault_in(uaddr, true) ?: -EBUSY;
	if (rc == -EAGAIN) {
		cond_resched();
		return fatal_signal_pending() ? -EINTR : -EBUSY;
	}
	return rc == 1 ? 0 : rc == 0 ? -EWOULDBLOCK : rc;
}

int futex_lock_pi(u32 __user *uaddr, u32 flags, const struct futex_timeout *t, bool try)
{
	struct futex_pi *spare = futex_pi_alloc();
	struct futex_waiter w;
	int rc;

	if (!spare)
		return -ENOMEM;
	futex_waiter_init(&w, FUTEX_BITSET_MATCH_ANY);
	do {
		rc = lock_or_queue(uaddr, flags, try, &w, &spare);
	} while (rc == -EBUSY);
	if (rc == 1)
		rc = await_ownership(uaddr, &w, t);
	kfree(spare);
	return rc == -EINTR ? -ERESTARTNOINTR : rc;
}

/* --- unlock --- */

/* Bucket locked, word read: to the first waiter. */
static int hand_over(u32 __user *uaddr, u32 word, struct futex_waiter *top, struct list_head *woken)
{
	struct futex_pi *pi = top->pi;
	u32 old;

	if (!pi || pi->owner != current)
		return -EINVAL;
	if (user_cmpxchg32(uaddr, &old, word, FUTEX_WAITERS | tid_of(top->task)))
		return -EFAULT;
	/* A waiter may just have set FUTEX_WAITERS; anything else was not the kernel's doing. */
	if (old != word)
		return (old & FUTEX_TID_MASK) == word ? -EAGAIN : -EINVAL;
	set_owner(pi, top->task);
	top->pi = NULL;
	futex_take_locked(top, woken);
	futex_pi_put(pi);
	return 0;
}

static int unlock_once(u32 __user *uaddr, u32 flags, bool *again)
{
	struct futex_bucket *b;
	struct futex_waiter *top;
	struct futex_key key;
	LIST_HEAD(woken);
	u32 word;
	int rc;

	*again = false;
	if (get_user(word, uaddr))
		return -EFAULT;
	if ((word & FUTEX_TID_MASK) != tid_of(current))
		return -EPERM;
	rc = futex_get_key(uaddr, flags, true, &key);
	if (rc)
		return rc;
	b = futex_bucket_of(&key);
	spin_lock(&b->lock);
	top = futex_top_waiter(b, &key);
	rc = top ? hand_over(uaddr, word, top, &woken) : word_change(uaddr, word, 0);
	spin_unlock(&b->lock);
	futex_wake_list(&woken);
	if (rc == -EFAULT) {
		rc = futex_fault_in(uaddr, true);
		*again = rc == 0;
	} else if (rc == -EAGAIN && top) {
		*again = !fatal_signal_pending();
	}
	return rc;
}

int futex_unlock_pi(u32 __user *uaddr, u32 flags)
{
	bool again;
	int rc;

	do {
		rc = unlock_once(uaddr, flags, &again);
	} while (again);
	return rc;
}

/* --- a condition variable's wait: on uaddr, then for the PI futex at uaddr2 --- */

int futex_wait_requeue_pi(u32 __user *uaddr, u32 flags, u32 val, const struct futex_timeout *t,
			  u32 bitset, u32 __user *uaddr2)
{
	struct futex_waiter w;
	struct futex_key key;
	bool moved;
	int rc;

	if (uaddr == uaddr2 || !bitset)
		return -EINVAL;
	futex_waiter_init(&w, bitset);
	w.requeue_pi = true;
	rc = futex_get_key(uaddr2, flags, true, &w.pi_key);
	if (rc == 0)
		rc = futex_get_key(uaddr, flags, false, &key);
	if (rc == 0)
		rc = futex_key_equal(&key, &w.pi_key) ? -EINVAL
						      : futex_wait_setup(uaddr, val, flags, &w);
	if (rc)
		return rc;
	rc = await_ownership(uaddr2, &w, t);
	moved = w.pi != NULL;
	if (rc != -EINTR)
		return rc;
	/* The word has changed if it was moved: starting over would find that. */
	return moved ? -EWOULDBLOCK : -ERESTARTNOINTR;
}

/* --- the owner's end --- */

/* pi is referenced. Leaves it without owner if it still is t's. */
static void orphan(struct futex_pi *pi, struct task *t)
{
	struct futex_bucket *b = futex_bucket_of(&pi->key);

	spin_lock(&b->lock);
	spin_lock(&futex_pi_lock);
	if (pi->owner == t)
		circle_leave(pi);
	spin_unlock(&futex_pi_lock);
	if (!pi->owner)
		tell_to_claim(b, pi);
	spin_unlock(&b->lock);
	futex_pi_put(pi);
}

void futex_pi_exit(void)
{
	struct task *t = current;
	LIST_HEAD(mine);

	spin_lock(&futex_pi_lock);
	if (t->pi_state)
		list_add_tail(&mine, &((struct futex_pi *)t->pi_state)->owned);
	/* From here on nobody attaches to an exiting task: the circle only shrinks. */
	t->pi_state = t->flags & TF_EXITING ? PI_EXITED : NULL;
	while (!list_empty(&mine)) {
		struct futex_pi *pi = list_first_entry(&mine, struct futex_pi, owned);

		pi->refs++;
		spin_unlock(&futex_pi_lock);
		orphan(pi, t);
		spin_lock(&futex_pi_lock);
	}
	spin_unlock(&futex_pi_lock);
}

/* SPDX-License-Identifier: MIT */
/*
 * Futexes: words in user memory that tasks wait on; the kernel keeps the waiters only.
 *
 * A futex is named by a key (futex_internal.h), the key's hash names a bucket with the waiters'
 * chain. A waiter counts itself in bucket->waiters, locks the bucket and only then reads the word;
 * a waker changes the word and then looks at the count. With a full barrier on both sides one of
 * them sees the other, so waking where nobody waits takes no lock.
 *
 * User words are read and changed under the bucket's lock with faults off; on a fault everything is
 * unlocked, the page made present, and it starts over.
 */
#include "futex_internal.h"

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#define BUCKETS_MIN_BITS 6
#define BUCKETS_MAX_BITS 11

static struct futex_bucket *buckets __ro_after_init;
static u32 bucket_bits __ro_after_init;
static u64 last_inode_id; /* [a] */

/* --- keys --- */

static u64 inode_identity(struct inode *i)
{
	u64 id = READ_ONCE(i->futex_id);

	if (!id) {
		id = atomic_add_return(&last_inode_id, 1UL);
		if (!atomic_cmpxchg(&i->futex_id, 0, id))
			id = READ_ONCE(i->futex_id);
	}
	return id;
}

/* Pages other address spaces may have, too: shared, or private of a file and never written. */
static bool is_file_memory(const struct vma *vma)
{
	return vma->file && !vma->anon && ((vma->flags & VM_SHARED) || !(vma->flags & VM_WRITE));
}

static int key_in_vma(const struct vma *vma, u64 addr, bool write, struct futex_key *key)
{
	if (!is_file_memory(vma))
		return vma->flags & VM_WRITE ? 0
					     : -EFAULT; /* a word that cannot change is no futex */
	if (!(vma->flags & (write ? VM_WRITE : VM_READ)))
		return -EFAULT;
	key->object =
		inode_identity(vma->file->mapping ? vma->file->mapping->host : vma->file->inode)
			<< 1 |
		1;
	key->offset = (vma->pgoff << PAGE_SHIFT) + (addr - vma->start);
	return 0;
}

static int shared_key(u64 addr, bool write, struct futex_key *key)
{
	struct mm *mm = current->mm;
	const struct vma *vma;
	int rc = -EFAULT;

	down_read(&mm->lock);
	vma = vma_find_exact(mm, addr);
	if (vma)
		rc = key_in_vma(vma, addr, write, key);
	up_read(&mm->lock);
	return rc;
}

int futex_get_key(u32 __user *uaddr, u32 flags, bool write, struct futex_key *key)
{
	if ((u64)uaddr % sizeof(*uaddr))
		return -EINVAL;
	if (!access_ok(uaddr, sizeof(*uaddr)))
		return -EFAULT;
	key->object = (u64)current->mm;
	key->offset = (u64)uaddr;
	return flags & FUTEX_F_SHARED ? shared_key((u64)uaddr, write, key) : 0;
}

static struct futex_bucket *bucket_at(u64 object, u64 offset)
{
	return &buckets[hash_u64(object * 31 + offset, bucket_bits)];
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
	return bucket_at(key->object, key->offset);
}

int futex_fault_in(u32 __user *uaddr, bool write)
{
	u32 old;

	if (fatal_signal_pending())
		return -EINTR;
	cond_resched();
	if (write)
		return user_atomic32(USER_OR, uaddr, 0, &old);
	return (int)get_user(old, uaddr);
}

/* --- buckets and waiters --- */

struct futex_bucket *futex_queue_lock(struct futex_waiter *w) __acquires(&bucket->lock)
{
	struct futex_bucket *b = futex_bucket_of(&w->key);

	(void)atomic_fetch_add(&b->waiters, 1); /* a full barrier, against futex_wake() */
	spin_lock(&b->lock);
	return b;
}

void futex_queue_unlock(struct futex_bucket *b) __releases(&b->lock)
{
	spin_unlock(&b->lock);
	atomic_dec(&b->waiters);
}

static u32 priority_of(const struct futex_waiter *w) { return w->task->rt_priority; }

void futex_enqueue_locked(struct futex_waiter *w, struct futex_bucket *b)
{
	struct list_head *before = &b->chain;
	struct futex_waiter *other;

	if (unlikely(priority_of(w)))
		list_for_each_entry (other, &b->chain, link)
			if (priority_of(other) < priority_of(w)) {
				before = &other->link;
				break;
			}
	list_add_tail(&w->link, before);
	w->bucket = b;
	w->state = WAITER_QUEUED;
}

struct futex_waiter *futex_top_waiter(struct futex_bucket *b, const struct futex_key *key)
{
	struct futex_waiter *w;

	list_for_each_entry (w, &b->chain, link)
		if (futex_key_equal(&w->key, key))
			return w;
	return NULL;
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_lock(a <= b ? &a->lock : &b->lock);
	if (a != b)
		spin_lock_nested(a < b ? &b->lock : &a->lock);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

struct futex_bucket *futex_lock_waiter(struct futex_waiter *w) __acquires(&bucket->lock)
{
	for (;;) {
		struct futex_bucket *b = READ_ONCE(w->bucket);

		spin_lock(&b->lock);
		if (likely(b == w->bucket))
			return b;
		spin_unlock(&b->lock);
	}
}

void futex_take_locked(struct futex_waiter *w, struct list_head *woken)
{
	list_move_tail(&w->link, woken);
	w->state = WAITER_WAKING;
	atomic_dec(&w->bucket->waiters);
}

void futex_wake_list(struct list_head *woken)
{
	while (!list_empty(woken)) {
		struct futex_waiter *w = list_first_entry(woken, struct futex_waiter, link);
		struct task *t = w->task;

		list_del(&w->link);
		/* From WOKEN on w is gone, and t may be: it stays until the end of this grace
		 * period. */
		rcu_read_lock();
		smp_store_release(&w->state, WAITER_WOKEN);
		wake_up_state(t, TASK_NORMAL);
		rcu_read_unlock();
	}
}

void futex_await_woken(struct futex_waiter *w)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (smp_load_acquire(&w->state) == WAITER_WOKEN)
			break;
		schedule();
	}
	set_current_state(TASK_RUNNING);
}

bool futex_unqueue(struct futex_waiter *w)
{
	struct futex_bucket *b;

	if (smp_load_acquire(&w->state) == WAITER_WOKEN)
		return false;
	b = futex_lock_waiter(w);
	if (w->state == WAITER_QUEUED) {
		list_del(&w->link);
		w->state = WAITER_WOKEN;
		futex_queue_unlock(b);
		return true;
	}
	spin_unlock(&b->lock);
	futex_await_woken(w);
	return false;
}

/* --- waiting --- */

void futex_schedule(const struct futex_timeout *t)
{
	ktime_t deadline = t->at;

	if (deadline == KTIME_MAX) {
		schedule();
		return;
	}
	if (t->realtime)
		deadline = deadline - ktime_get_real() + ktime_get();
	schedule_until(MAX(deadline, (ktime_t)1));
}

int futex_wait_setup(u32 __user *uaddr, u32 val, u32 flags, struct futex_waiter *w)
{
	struct futex_bucket *b;
	u64 now;
	int rc;

	for (;;) {
		rc = futex_get_key(uaddr, flags, false, &w->key);
		if (rc)
			return rc;
		b = futex_queue_lock(w);
		if (likely(user_load32(&now, uaddr) == 0))
			break;
		futex_queue_unlock(b);
		rc = futex_fault_in(uaddr, false);
		if (rc)
			return rc;
	}
	if (now != val) {
		futex_queue_unlock(b);
		return -EWOULDBLOCK;
	}
	futex_enqueue_locked(w, b);
	set_current_state(TASK_INTERRUPTIBLE);
	spin_unlock(&b->lock);
	return 0;
}

static int wait_once(u32 __user *uaddr, u32 flags, u32 val, const struct futex_timeout *t,
		     u32 bitset)
{
	struct futex_waiter w;
	int rc;

	futex_waiter_init(&w, bitset);
	for (;;) {
		rc = futex_wait_setup(uaddr, val, flags, &w);
		if (rc)
			return rc;
		if (READ_ONCE(w.state) == WAITER_QUEUED && !signal_pending())
			futex_schedule(t);
		set_current_state(TASK_RUNNING);
		if (!futex_unqueue(&w))
			return 0;
		if (futex_timeout_over(t))
			return -ETIMEDOUT;
		if (signal_pending())
			return -ERESTARTSYS;
	}
}

static long wait_restart(struct restart_block *rb)
{
	struct futex_timeout t = { (ktime_t)rb->arg[3], rb->arg[1] & FUTEX_F_REALTIME };

	return futex_wait((u32 __user *)rb->arg[0], (u32)rb->arg[1], (u32)rb->arg[2], &t,
			  (u32)rb->arg[4]);
}

int futex_wait(u32 __user *uaddr, u32 flags, u32 val, const struct futex_timeout *t, u32 bitset)
{
	int rc = bitset ? wait_once(uaddr, flags, val, t, bitset) : -EINVAL;

	if (rc == -ERESTARTSYS && t->at != KTIME_MAX) {
		current->restart = (struct restart_block) {
			.fn = wait_restart,
			.arg = { (u64)uaddr, flags, val, (u64)t->at, bitset },
		};
		return -ERESTART_RESTARTBLOCK;
	}
	return rc;
}

/* --- waking --- */

int futex_wake_locked(struct futex_bucket *b, const struct futex_key *key, int nr, u32 bitset,
		      struct list_head *woken)
{
	struct futex_waiter *w, *next;
	int n = 0;

	list_for_each_entry_safe (w, next, &b->chain, link) {
		if (!futex_key_equal(&w->key, key))
			continue;
		if (w->pi || w->requeue_pi)
			return -EINVAL;
		if (!(w->bitset & bitset))
			continue;
		futex_take_locked(w, woken);
		if (++n >= nr)
			break;
	}
	return n;
}

static __noinline int wake_waiters(u32 __user *uaddr, u32 flags, int nr, u32 bitset)
{
	struct futex_bucket *b;
	struct futex_key key;
	LIST_HEAD(woken);
	int rc = futex_get_key(uaddr, flags, false, &key);

	if (rc || ((flags & FUTEX_F_STRICT) && nr == 0))
		return rc;
	b = futex_bucket_of(&key);
	smp_mb();
	if (!READ_ONCE(b->waiters))
		return 0;
	spin_lock(&b->lock);
	rc = futex_wake_locked(b, &key, nr, bitset, &woken);
	spin_unlock(&b->lock);
	futex_wake_list(&woken);
	return rc;
}

int futex_wake(u32 __user *uaddr, u32 flags, int nr, u32 bitset)
{
	u64 addr = (u64)uaddr;

	if (!bitset)
		return -EINVAL;
	/* The usual call: a private futex nobody waits for. */
	if (!(flags & FUTEX_F_SHARED) && addr % sizeof(*uaddr) == 0 &&
	    access_ok(uaddr, sizeof(*uaddr))) {
		smp_mb();
		if (!READ_ONCE(bucket_at((u64)current->mm, addr)->waiters))
			return 0;
	}
	return wake_waiters(uaddr, flags, nr, bitset);
}

int futex_wake_addr(u32 __user *uaddr, u32 n)
{
	return futex_wake(uaddr, FUTEX_F_SHARED, (int)n, FUTEX_BITSET_MATCH_ANY);
}

/* --- life --- */

void futex_exit(struct task *t)
{
	ASSERT(t == current);
	if (unlikely(t->robust_list))
		futex_robust_exit();
	futex_pi_exit();
}

/* A bucket for each 2 MiB of memory, within reason. */
static u32 choose_bits(void)
{
	struct memory_info m;
	u32 bits = BUCKETS_MIN_BITS;

	memory_info(&m);
	while (bits < BUCKETS_MAX_BITS && (1UL << bits) < m.total >> 9)
		bits++;
	return bits;
}

void futex_init(void)
{
	bucket_bits = choose_bits();
	buckets = kmalloc_array(1UL << bucket_bits, sizeof(*buckets), GFP_KERNEL);
	if (!buckets)
		panic("no memory for futexes");
	for (u32 i = 0; i < 1U << bucket_bits; i++) {
		buckets[i].waiters = 0;
		spinlock_init(&buckets[i].lock, RANK_FUTEX);
		list_init(&buckets[i].chain);
	}
}

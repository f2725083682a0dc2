/* SPDX-License-Identifier: MIT */
/*
 * The futex system calls: futex(2) with its operations, and futex2: futex_wake, futex_wait,
 * futex_requeue, futex_waitv.
 */
#include "futex_internal.h"

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <linux/time.h>

/* --- futex --- */

static bool has_timeout(int cmd)
{
	return cmd == FUTEX_WAIT || cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2 ||
	       cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAIT_REQUEUE_PI;
}

static int read_timeout(struct futex_timeout *t, int cmd,
			const struct __kernel_timespec __user *utime)
{
	t->at = KTIME_MAX;
	if (!utime || !has_timeout(cmd))
		return 0;
	return timespec_from_user(&t->at, utime);
}

/* Relative time-outs become absolute. */
static void start_timeout(struct futex_timeout *t, int cmd)
{
	if (cmd == FUTEX_WAIT && t->at != KTIME_MAX)
		t->at = ktime_add_safe(ktime_get(), t->at);
}

static __noinline long futex_operation(u32 __user *uaddr, int op, u32 val,
				       const struct __kernel_timespec __user *utime,
				       u32 __user *uaddr2, u32 val3)
{
	int cmd = op & FUTEX_CMD_MASK, val2 = (int)(u64)utime, rc;
	u32 flags = op & FUTEX_PRIVATE_FLAG ? 0 : FUTEX_F_SHARED;
	struct futex_timeout t;

	rc = read_timeout(&t, cmd, utime);
	if (rc)
		return rc;
	start_timeout(&t, cmd);
	if (op & FUTEX_CLOCK_REALTIME) {
		if (cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI &&
		    cmd != FUTEX_LOCK_PI2)
			return -ENOSYS;
		flags |= FUTEX_F_REALTIME;
	}
	t.realtime = (flags & FUTEX_F_REALTIME) || cmd == FUTEX_LOCK_PI;
	switch (cmd) {
	case FUTEX_WAIT:
		return futex_wait(uaddr, flags, val, &t, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET:
		return futex_wait(uaddr, flags, val, &t, val3);
	case FUTEX_WAKE_BITSET:
		return futex_wake(uaddr, flags, (int)val, val3);
	case FUTEX_REQUEUE:
		return futex_requeue(uaddr, flags, uaddr2, flags, (int)val, val2, NULL, false);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(uaddr, flags, uaddr2, flags, (int)val, val2, &val3, false);
	case FUTEX_WAKE_OP:
		return futex_wake_op(uaddr, flags, uaddr2, (int)val, val2, val3);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return futex_lock_pi(uaddr, flags, &t, false);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(uaddr, flags);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(uaddr, flags, &t, true);
	case FUTEX_WAIT_REQUEUE_PI:
		return futex_wait_requeue_pi(uaddr, flags, val, &t, FUTEX_BITSET_MATCH_ANY, uaddr2);
	case FUTEX_CMP_REQUEUE_PI:
		return futex_requeue(uaddr, flags, uaddr2, flags, (int)val, val2, &val3, true);
	default:
		return -ENOSYS;
	}
}

long sys_futex(u32 __user *uaddr, int op, u32 val, const struct __kernel_timespec __user *utime,
	       u32 __user *uaddr2, u32 val3)
{
	if ((op & ~FUTEX_PRIVATE_FLAG) == FUTEX_WAKE)
		return futex_wake(uaddr, op & FUTEX_PRIVATE_FLAG ? 0 : FUTEX_F_SHARED, (int)val,
				  FUTEX_BITSET_MATCH_ANY);
	return futex_operation(uaddr, op, val, utime, uaddr2, val3);
}

/* --- futex2 --- */

#define FUTEX2_VALID (FUTEX2_SIZE_MASK | FUTEX2_PRIVATE)

/* Only 32-bit words, as in Linux so far. */
static int flags_from_futex2(u32 flags2, u32 *flags)
{
	if ((flags2 & ~(u32)FUTEX2_VALID) || (flags2 & FUTEX2_SIZE_MASK) != FUTEX2_SIZE_U32)
		return -EINVAL;
	*flags = flags2 & FUTEX2_PRIVATE ? 0 : FUTEX_F_SHARED;
	return 0;
}

static bool fits_word(u64 v) { return v >> 32 == 0; }

static int timeout_from_futex2(struct futex_timeout *t,
			       const struct __kernel_timespec __user *utime, int clock)
{
	*t = (struct futex_timeout) { KTIME_MAX, clock == CLOCK_REALTIME };
	if (!utime)
		return 0;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	return timespec_from_user(&t->at, utime);
}

long sys_futex_wake(void __user *uaddr, unsigned long mask, int nr, unsigned int flags2)
{
	u32 flags;
	int rc = flags_from_futex2(flags2, &flags);

	if (rc || !fits_word(mask))
		return rc ? rc : -EINVAL;
	return futex_wake(uaddr, flags | FUTEX_F_STRICT, nr, (u32)mask);
}

long sys_futex_wait(void __user *uaddr, unsigned long val, unsigned long mask, unsigned int flags2,
		    struct __kernel_timespec __user *utime, int clock)
{
	struct futex_timeout t;
	u32 flags;
	int rc = flags_from_futex2(flags2, &flags);

	if (rc || !fits_word(val) || !fits_word(mask))
		return rc ? rc : -EINVAL;
	rc = timeout_from_futex2(&t, utime, clock);
	if (rc)
		return rc;
	if (t.realtime)
		flags |= FUTEX_F_REALTIME;
	return futex_wait(uaddr, flags, (u32)val, &t, (u32)mask);
}

/* One element of a user array, checked. */
struct target {
	u32 __user *uaddr;
	u32 val, flags;
};

static int read_targets(struct target *targets, const struct futex_waitv __user *uwaiters, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		struct futex_waitv v;

		if (copy_struct_from_user_exact(&v, &uwaiters[i]))
			return -EFAULT;
		if (v.__reserved || flags_from_futex2(v.flags, &targets[i].flags) ||
		    !fits_word(v.val))
			return -EINVAL;
		targets[i].uaddr = (u32 __user *)v.uaddr;
		targets[i].val = (u32)v.val;
	}
	return 0;
}

long sys_futex_requeue(struct futex_waitv __user *uwaiters, unsigned int flags, int nr_wake,
		       int nr_requeue)
{
	struct target two[2];
	int rc;

	if (flags || !uwaiters)
		return -EINVAL;
	rc = read_targets(two, uwaiters, 2);
	if (rc)
		return rc;
	return futex_requeue(two[0].uaddr, two[0].flags, two[1].uaddr,
			     two[1].flags | FUTEX_F_STRICT, nr_wake, nr_requeue, &two[0].val,
			     false);
}

/* --- futex_waitv --- */

struct waitv {
	u32 n;
	struct target target[FUTEX_WAITV_MAX];
	struct futex_waiter waiter[FUTEX_WAITV_MAX];
};

/* Unqueues the first n; the last one that was woken, or -1. */
static int unqueue_all(struct waitv *v, u32 n)
{
	int woken = -1;

	for (u32 i = 0; i < n; i++)
		if (!futex_unqueue(&v->waiter[i]))
			woken = (int)i;
	return woken;
}

static bool all_queued(struct waitv *v)
{
	for (u32 i = 0; i < v->n; i++)
		if (READ_ONCE(v->waiter[i].state) != WAITER_QUEUED)
			return false;
	return true;
}

/* Queues on every word: 0. If that fails at one, but another was woken already: that one's index
 * + 1. */
static int queue_all(struct waitv *v)
{
	for (u32 i = 0; i < v->n; i++) {
		struct target *t = &v->target[i];
		int rc, woken;

		futex_waiter_init(&v->waiter[i], FUTEX_BITSET_MATCH_ANY);
		rc = futex_wait_setup(t->uaddr, t->val, t->flags, &v->waiter[i]);
		set_current_state(
			TASK_RUNNING); /* the next setup may sleep for reasons of its own */
		if (rc == 0)
			continue;
		woken = unqueue_all(v, i);
		return woken >= 0 ? woken + 1 : rc;
	}
	return 0;
}

static int wait_for_any(struct waitv *v, const struct futex_timeout *t)
{
	for (;;) {
		int rc = queue_all(v);

		if (rc)
			return rc > 0 ? rc - 1 : rc;
		set_current_state(TASK_INTERRUPTIBLE);
		if (all_queued(v) && !signal_pending())
			futex_schedule(t);
		set_current_state(TASK_RUNNING);
		rc = unqueue_all(v, v->n);
		if (rc >= 0)
			return rc;
		if (futex_timeout_over(t))
			return -ETIMEDOUT;
		if (signal_pending())
			return -ERESTARTSYS;
	}
}

long sys_futex_waitv(struct futex_waitv __user *uwaiters, unsigned int nr, unsigned int flags,
		     struct __kernel_timespec __user *utime, int clock)
{
	struct futex_timeout t;
	struct waitv *v;
	int rc;

	if (flags || !nr || nr > FUTEX_WAITV_MAX || !uwaiters)
		return -EINVAL;
	rc = timeout_from_futex2(&t, utime, clock);
	if (rc)
		return rc;
	v = kmalloc(sizeof(*v), GFP_KERNEL);
	if (!v)
		return -ENOMEM;
	v->n = nr;
	rc = read_targets(v->target, uwaiters, nr);
	if (rc == 0)
		rc = wait_for_any(v, &t);
	kfree(v);
	return rc;
}

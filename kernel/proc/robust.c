/* SPDX-License-Identifier: MIT */
/*
 * Robust futexes: a thread registers a list, in its own memory, of the futexes it holds; when it
 * ends the kernel walks the list, marks each word that has its number with FUTEX_OWNER_DIED and
 * wakes a waiter. The list is user memory: any of it may be wrong, so the walk is bounded and stops
 * at the first thing that cannot be read.
 */
#include "futex_internal.h"

#include <arch/uaccess.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>

/* An entry's address with its low bit, which says that the futex is a PI one. */
struct entry {
	u64 at;
	bool pi;
};

static int read_entry(struct entry *e, const void __user *from)
{
	u64 v;

	if (user_load64(&v, from))
		return -EFAULT;
	e->at = v & ~1UL;
	e->pi = v & 1;
	return 0;
}

static void wake_one(u32 __user *uaddr) { futex_wake_addr(uaddr, 1); }

/* Marks the word at uaddr if it is the current task's. pending: the list_op_pending entry. 0;
 * -EFAULT: stop the walk. */
static int futex_died(u32 __user *uaddr, bool pi, bool pending)
{
	u32 word, old;

	if ((u64)uaddr % sizeof(*uaddr) || get_user(word, uaddr))
		return -EFAULT;
	for (;;) {
		u32 owner = word & FUTEX_TID_MASK;

		/* It died between unlocking and waking: another waiter has to be woken in its
		 * place. */
		if (pending && !pi && !owner) {
			wake_one(uaddr);
			return 0;
		}
		if (owner != (u32)current->pid)
			return 0;
		if (user_cmpxchg32(uaddr, &old, word, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
			return -EFAULT;
		if (old == word)
			break;
		word = old;
		cond_resched();
	}
	/* Waiters of PI futexes are told by futex_pi_exit(). */
	if (!pi && (word & FUTEX_WAITERS))
		wake_one(uaddr);
	return 0;
}

static u32 __user *futex_of(struct entry e, s64 offset)
{
	return (u32 __user *)(e.at + (u64)offset);
}

/* Every futex on the list but the pending one. False: the list is broken. */
static bool walk(struct robust_list_head __user *head, struct entry e, struct entry pending,
		 s64 offset)
{
	for (u32 n = 0; n < ROBUST_LIST_LIMIT && e.at != (u64)&head->list; n++) {
		struct entry next;
		int rc = read_entry(&next, &((struct robust_list __user *)e.at)->next);

		if (e.at != pending.at && futex_died(futex_of(e, offset), e.pi, false))
			return false;
		if (rc)
			return false;
		e = next;
		cond_resched();
	}
	return true;
}

void futex_robust_exit(void)
{
	struct robust_list_head __user *head = current->robust_list;
	struct entry first, pending;
	u64 offset;

	current->robust_list = NULL;
	if (read_entry(&first, &head->list.next) || user_load64(&offset, &head->futex_offset) ||
	    read_entry(&pending, &head->list_op_pending))
		return;
	if (walk(head, first, pending, (s64)offset) && pending.at)
		futex_died(futex_of(pending, (s64)offset), pending.pi, true);
}

/* --- system calls --- */

long sys_set_robust_list(struct robust_list_head __user *head, size_t len)
{
	if (len != sizeof(*head))
		return -EINVAL;
	current->robust_list = head;
	return 0;
}

long sys_get_robust_list(int pid, struct robust_list_head __user *__user *head, size_t __user *len)
{
	struct task *t = pid ? task_find_get(pid) : task_get(current);
	void __user *list;
	int rc;

	if (!t)
		return -ESRCH;
	rc = may_inspect(t, 0) ? -EPERM : 0;
	list = t->robust_list;
	task_put(t);
	if (rc)
		return rc;
	if (put_user(sizeof(struct robust_list_head), len))
		return -EFAULT;
	return user_store64((u64)list, head);
}

/* SPDX-License-Identifier: MIT */
/*
 * Queues of pending signals.
 *
 * A struct sigpending is a set of signal numbers and a list of entries with their siginfo, oldest
 * first. The set decides what is pending; an entry may be missing (no memory, SIGKILL), then the
 * siginfo is made up. Signals below SIGRTMIN are queued at most once, by the senders' rule in
 * signal.c. Entries count against the receiving user's RLIMIT_SIGPENDING.
 *
 * A POSIX timer owns one entry for its whole life and queues it again and again.
 *
 * Locks: everything under the sighand->lock of the process. Any context.
 */
#include "signal_internal.h"

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/rcu.h>

static struct slab_cache *sigqueue_cache __ro_after_init;

void sigqueue_init(void)
{
	sigqueue_cache = slab_create("sigqueue", sizeof(struct sigqueue), 0, 0, NULL);
	if (!sigqueue_cache)
		panic("no memory for signal queues");
}

/* --- entries --- */

/* The user is kept by t's credentials for as long as this runs: no preemption. */
static struct user *charge_user(struct task *t, bool over_limit)
{
	struct user *user = rcu_dereference(t->cred)->user;
	u64 limit = READ_ONCE(t->group->rlim[RLIMIT_SIGPENDING].rlim_cur);

	if ((u64)atomic_add_return(&user->sigpending, 1) > limit && !over_limit) {
		atomic_dec(&user->sigpending);
		return NULL;
	}
	refcount_get(&user->refs);
	return user;
}

static void uncharge_user(struct user *user)
{
	atomic_dec(&user->sigpending);
	user_put(user);
}

struct sigqueue *sigqueue_charge(struct task *t, bool over_limit)
{
	struct sigqueue *q;
	struct user *user;

	rcu_read_lock();
	user = charge_user(t, over_limit);
	rcu_read_unlock();
	if (!user)
		return NULL;
	q = slab_alloc(sigqueue_cache, GFP_ATOMIC);
	if (!q) {
		uncharge_user(user);
		return NULL;
	}
	list_init(&q->link);
	q->user = user;
	q->owned = false;
	return q;
}

static void sigqueue_release(struct sigqueue *q)
{
	uncharge_user(q->user);
	slab_free(sigqueue_cache, q);
}

/* Off its queue: an owned one stays with its timer. */
static void sigqueue_unlink(struct sigqueue *q)
{
	list_del_init(&q->link);
	if (!q->owned)
		sigqueue_release(q);
}

struct sigqueue *sigqueue_alloc(void)
{
	struct sigqueue *q = sigqueue_charge(current, false);

	if (q) {
		q->owned = true;
		siginfo_init(&q->info, 0, SI_TIMER);
	}
	return q;
}

void sigqueue_free(struct sigqueue *q)
{
	u64 flags;
	bool queued;

	if (!task_lock_sighand(current, &flags)) {
		sigqueue_release(q);
		return;
	}
	q->owned = false;
	queued = !list_empty(&q->link);
	task_unlock_sighand(current, flags);
	if (!queued)
		sigqueue_release(q);
}

siginfo_t *sigqueue_info(struct sigqueue *q) { return &q->info; }

/* --- queues --- */

void sigpending_init(struct sigpending *p)
{
	list_init(&p->queue);
	p->set.sig[0] = 0;
}

void sigpending_flush(struct sigpending *p)
{
	struct sigqueue *q, *next;

	p->set.sig[0] = 0;
	list_for_each_entry_safe (q, next, &p->queue, link)
		sigqueue_unlink(q);
}

void sigpending_discard(struct sigpending *p, u64 mask)
{
	struct sigqueue *q, *next;

	if (!(p->set.sig[0] & mask))
		return;
	p->set.sig[0] &= ~mask;
	list_for_each_entry_safe (q, next, &p->queue, link)
		if (signal_in(q->info.si_signo, mask))
			sigqueue_unlink(q);
}

void sigpending_add(struct sigpending *p, struct sigqueue *q, int sig)
{
	if (q)
		list_add_tail(&q->link, &p->queue);
	p->set.sig[0] |= SIGMASK(sig);
}

/* The first entry of sig and whether more follow. */
static struct sigqueue *find_entry(struct sigpending *p, int sig, bool *more)
{
	struct sigqueue *q, *found = NULL;

	*more = false;
	list_for_each_entry (q, &p->queue, link) {
		if (q->info.si_signo != sig)
			continue;
		if (found) {
			*more = true;
			break;
		}
		found = q;
	}
	return found;
}

void sigpending_take(struct sigpending *p, int sig, siginfo_t *info, bool *timer)
{
	bool more;
	struct sigqueue *q = find_entry(p, sig, &more);

	if (!more)
		p->set.sig[0] &= ~SIGMASK(sig);
	*timer = q && q->owned;
	if (!q) {
		siginfo_init(info, sig, SI_USER);
		return;
	}
	siginfo_copy(info, &q->info);
	sigqueue_unlink(q);
}

static struct sigqueue *find_fault(struct sigpending *p, u64 wanted)
{
	struct sigqueue *q;

	list_for_each_entry (q, &p->queue, link)
		if (q->info.si_code > SI_USER && signal_in(q->info.si_signo, wanted))
			return q;
	return NULL;
}

int sigpending_take_fault(struct sigpending *p, u64 blocked, siginfo_t *info)
{
	u64 wanted = p->set.sig[0] & ~blocked & SIGNALS_SYNC;
	struct sigqueue *q = wanted ? find_fault(p, wanted) : NULL;
	bool timer;

	if (!q)
		return 0;
	/* Legacy signals stand in the queue once, so q is what this takes. */
	sigpending_take(p, q->info.si_signo, info, &timer);
	return info->si_signo;
}

/* --- to and from user space --- */

int copy_siginfo_to_user(siginfo_t __user *to, const siginfo_t *from)
{
	siginfo_t whole;

	siginfo_copy(&whole, from);
	for (u32 i = SIGINFO_WORDS; i < sizeof(whole) / 8; i++)
		((u64 *)&whole)[i] = 0;
	return copy_struct_to_user_exact(to, &whole);
}

/* Codes whose fields the kernel knows to lie in the head. */
static bool code_known(int sig, int code)
{
	static const u8 codes[_NSIG + 1] = {
		[SIGILL] = NSIGILL,   [SIGFPE] = NSIGFPE,   [SIGSEGV] = NSIGSEGV,
		[SIGBUS] = NSIGBUS,   [SIGTRAP] = NSIGTRAP, [SIGCHLD] = NSIGCHLD,
		[SIGPOLL] = NSIGPOLL, [SIGSYS] = NSIGSYS,
	};

	if (code == SI_KERNEL || code == SI_ASYNCNL)
		return true;
	if (code <= SI_USER)
		return code >= SI_DETHREAD;
	return code <= (signal_valid(sig) && codes[sig] ? codes[sig] : NSIGPOLL);
}

int copy_siginfo_from_user(siginfo_t *to, const siginfo_t __user *from)
{
	siginfo_t whole;

	if (copy_struct_from_user_exact(&whole, from))
		return -EFAULT;
	if (!code_known(whole.si_signo, whole.si_code))
		for (u32 i = SIGINFO_WORDS; i < sizeof(whole) / 8; i++)
			if (((u64 *)&whole)[i])
				return -E2BIG;
	siginfo_copy(to, &whole);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Futexes: wait, wake, bitsets, requeue, wake-op, time-outs, sharing, PI, robust lists, futex2. */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

/* Newer than some C libraries; the same numbers everywhere. */
#define NR_futex_waitv	 449
#define NR_futex_wake	 454
#define NR_futex_wait	 455
#define NR_futex_requeue 456
#define SIZE_U32	 0x02
#define FUTEX2_PRIVATE_	 128
#define ALL_BITS	 0xffffffffL /* a long: an unsigned int in a register is sign-extended */
#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
struct waitv {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

typedef volatile uint32_t word;
#define PRIVATE FUTEX_PRIVATE_FLAG

static long futex(word *u, int op, uint32_t val, const struct timespec *t, word *u2, uint32_t val3)
{
	return syscall(SYS_futex, u, op, val, t, u2, val3);
}
static long futex2(word *u, int op, uint32_t val, long val2, word *u2, uint32_t val3)
{
	return syscall(SYS_futex, u, op, val, val2, u2, val3);
}
static uint32_t my_tid(void) { return (uint32_t)syscall(SYS_gettid); }

/* How many wait on u: moving them to where they are counts them. */
static long waiters(word *u, int flags)
{
	return futex2(u, FUTEX_REQUEUE | flags, 0, INT_MAX, u, 0);
}
static bool until_waiters(word *u, int flags, long n)
{
	for (int ms = 0; ms < 3000; ms++) {
		if (waiters(u, flags) == n)
			return true;
		usleep(1000);
	}
	return false;
}

static struct timespec in_ms(clockid_t clock, long ms)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* --- simple calls --- */

static void test_errors(void)
{
	struct timespec ms = { 0, 20000000 }, bad = { 0, 1000000000 }, negative = { -1, 0 };
	word w[2] = { 5, 0 };

	tap_fails(futex(w, FUTEX_WAIT | PRIVATE, 4, NULL, NULL, 0), EAGAIN, "wait: another value");
	tap_fails(futex((word *)((char *)w + 1), FUTEX_WAIT, 5, NULL, NULL, 0), EINVAL,
		  "an address that is not aligned");
	tap_fails(futex((word *)16, FUTEX_WAIT, 5, NULL, NULL, 0), EFAULT,
		  "nothing is mapped there");
	tap_fails(futex((word *)16, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT, "neither for wake");
	tap_returns(futex((word *)16, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), 0,
		    "a private wake does not look");
	tap_fails(futex((word *)(LONG_MIN + 16), FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), EFAULT,
		  "but not at the kernel's");
	tap_returns(futex(w, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), 0, "wake: nobody");
	tap_fails(futex(w, FUTEX_WAIT | PRIVATE, 5, &ms, NULL, 0), ETIMEDOUT, "wait: time-out");
	tap_fails(futex(w, FUTEX_WAIT | PRIVATE, 5, &bad, NULL, 0), EINVAL, "wait: a bad time");
	tap_fails(futex(w, FUTEX_WAIT | PRIVATE, 5, &negative, NULL, 0), EINVAL,
		  "wait: a negative time");
	tap_fails(futex(w, FUTEX_WAIT | PRIVATE, 5, (void *)8, NULL, 0), EFAULT, "wait: no time");
	tap_fails(futex(w, FUTEX_WAIT_BITSET | PRIVATE, 5, &ms, NULL, 0), EINVAL,
		  "an empty bitset to wait for");
	tap_fails(futex(w, FUTEX_WAKE_BITSET | PRIVATE, 1, NULL, NULL, 0), EINVAL, "or to wake");
	tap_fails(futex(w, 99, 1, NULL, NULL, 0), ENOSYS, "an unknown operation");
	tap_fails(futex(w, FUTEX_FD, 1, NULL, NULL, 0), ENOSYS, "FUTEX_FD is gone");
	tap_fails(futex(w, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 5, &ms, NULL, 0), ENOSYS,
		  "FUTEX_WAIT knows no other clock");
	tap_fails(futex2(w, FUTEX_REQUEUE | PRIVATE, -1, 1, w + 1, 0), EINVAL,
		  "requeue: wake a negative number");
	tap_fails(futex2(w, FUTEX_REQUEUE | PRIVATE, 1, -1, w + 1, 0), EINVAL,
		  "requeue: move a negative number");
	tap_fails(futex2(w, FUTEX_CMP_REQUEUE | PRIVATE, 1, 1, w + 1, 6), EAGAIN,
		  "requeue: another value");
}

static void test_timeouts(void)
{
	struct timespec t, past = { 1, 0 }, now;
	word w = 5;

	t = in_ms(CLOCK_MONOTONIC, 20);
	tap_fails(futex(&w, FUTEX_WAIT_BITSET | PRIVATE, 5, &t, NULL, 1), ETIMEDOUT,
		  "an absolute time-out");
	clock_gettime(CLOCK_MONOTONIC, &now);
	tap_ok(now.tv_sec > t.tv_sec || (now.tv_sec == t.tv_sec && now.tv_nsec >= t.tv_nsec),
	       "not before its time");
	t = in_ms(CLOCK_REALTIME, 20);
	tap_fails(futex(&w, FUTEX_WAIT_BITSET | PRIVATE | FUTEX_CLOCK_REALTIME, 5, &t, NULL, 1),
		  ETIMEDOUT, "by the real clock");
	clock_gettime(CLOCK_REALTIME, &now);
	tap_ok(now.tv_sec > t.tv_sec || (now.tv_sec == t.tv_sec && now.tv_nsec >= t.tv_nsec),
	       "not before its time");
	tap_fails(futex(&w, FUTEX_WAIT_BITSET | PRIVATE | FUTEX_CLOCK_REALTIME, 5, &past, NULL, 1),
		  ETIMEDOUT, "long past");
}

/* --- waiters --- */

struct waiter {
	pthread_t thread;
	word *w;
	int op;
	uint32_t bits;
	volatile long result; /* -errno, or what it returned */
	volatile bool done;
};

static void *wait_thread(void *arg)
{
	struct waiter *me = arg;
	long r = futex(me->w, me->op, 0, NULL, NULL, me->bits);

	me->result = r < 0 ? -errno : r;
	me->done = true;
	return NULL;
}

static void start(struct waiter *x, int n, word *w, int op)
{
	for (int i = 0; i < n; i++) {
		x[i].w = w;
		x[i].op = op;
		x[i].done = false;
		x[i].bits = x[i].bits ? x[i].bits : FUTEX_BITSET_MATCH_ANY;
		pthread_create(&x[i].thread, NULL, wait_thread, &x[i]);
	}
	until_waiters(w, op & PRIVATE, n);
}

static int finished(struct waiter *x, int n, int want)
{
	int k = 0;

	for (int ms = 0; ms < 3000; ms++, usleep(1000)) {
		k = 0;
		for (int i = 0; i < n; i++)
			k += x[i].done;
		if (k >= want)
			break;
	}
	return k;
}

static void join(struct waiter *x, int n)
{
	for (int i = 0; i < n; i++)
		pthread_join(x[i].thread, NULL);
}

static void test_wake(void)
{
	struct waiter x[4] = { 0 };
	word w = 0;

	start(x, 4, &w, FUTEX_WAIT | PRIVATE);
	tap_returns(waiters(&w, PRIVATE), 4, "four wait");
	tap_returns(futex(&w, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), 1, "wake one");
	tap_returns(finished(x, 4, 1), 1, "one goes on");
	tap_returns(futex(&w, FUTEX_WAKE | PRIVATE, INT_MAX, NULL, NULL, 0), 3, "wake all");
	join(x, 4);
	tap_ok(x[0].result == 0 && x[1].result == 0 && x[2].result == 0 && x[3].result == 0,
	       "all were woken");

	x[0].bits = 1;
	x[1].bits = 2;
	x[2].bits = 6;
	start(x, 3, &w, FUTEX_WAIT_BITSET | PRIVATE);
	tap_returns(futex(&w, FUTEX_WAKE_BITSET | PRIVATE, 9, NULL, NULL, 8), 0,
		    "wake a bit nobody waits for");
	tap_returns(futex(&w, FUTEX_WAKE_BITSET | PRIVATE, 9, NULL, NULL, 2), 2,
		    "wake those who wait for a bit");
	tap_ok(finished(x, 3, 2) == 2 && !x[0].done, "and no others");
	futex(&w, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0);
	join(x, 3);
}

static void test_requeue(void)
{
	struct waiter x[4] = { 0 };
	word w[2] = { 0, 0 };

	start(x, 4, w, FUTEX_WAIT | PRIVATE);
	tap_returns(futex2(w, FUTEX_CMP_REQUEUE | PRIVATE, 1, 2, w + 1, 0), 3,
		    "requeue: wakes one, moves two");
	tap_returns(finished(x, 4, 1), 1, "one goes on");
	tap_ok(waiters(w, PRIVATE) == 1 && waiters(w + 1, PRIVATE) == 2,
	       "one stays, two are there");
	tap_returns(futex(w + 1, FUTEX_WAKE | PRIVATE, 9, NULL, NULL, 0), 2, "and are woken there");
	tap_returns(futex(w, FUTEX_WAKE | PRIVATE, 9, NULL, NULL, 0), 1, "and the other here");
	join(x, 4);
}

static void test_wake_op(void)
{
	struct waiter x[2] = { 0 }, y[2] = { 0 };
	word w[2] = { 0, 0 };

	start(x, 1, w, FUTEX_WAIT | PRIVATE);
	start(y, 1, w + 1, FUTEX_WAIT | PRIVATE);
	tap_returns(futex2(w, FUTEX_WAKE_OP | PRIVATE, 1, 1, w + 1,
			   FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 1)),
		    1, "wake-op: a condition that fails wakes the first only");
	tap_ok(w[1] == 3, "the word was changed");
	join(x, 1);
	tap_returns(futex2(w, FUTEX_WAKE_OP | PRIVATE, 1, 1, w + 1,
			   FUTEX_OP(FUTEX_OP_SET, 7, FUTEX_OP_CMP_GT, 2)),
		    1, "one that holds wakes the second");
	tap_ok(w[1] == 7, "set");
	join(y, 1);
	futex2(w, FUTEX_WAKE_OP | PRIVATE, 1, 1, w + 1,
	       FUTEX_OP(FUTEX_OP_OR, 8, FUTEX_OP_CMP_EQ, 0));
	tap_ok(w[1] == 15, "or");
	futex2(w, FUTEX_WAKE_OP | PRIVATE, 1, 1, w + 1,
	       FUTEX_OP(FUTEX_OP_ANDN, 5, FUTEX_OP_CMP_EQ, 0));
	tap_ok(w[1] == 10, "and not");
	futex2(w, FUTEX_WAKE_OP | PRIVATE, 1, 1, w + 1,
	       FUTEX_OP(FUTEX_OP_XOR, 3, FUTEX_OP_CMP_EQ, 0));
	tap_ok(w[1] == 9, "xor");
	futex2(w, FUTEX_WAKE_OP | PRIVATE, 1, 1, w + 1,
	       FUTEX_OP((FUTEX_OP_ADD | FUTEX_OP_OPARG_SHIFT), 4, FUTEX_OP_CMP_EQ, 0));
	tap_ok(w[1] == 25, "a shifted operand");
	futex2(w, FUTEX_WAKE_OP | PRIVATE, 1, 1, w + 1,
	       FUTEX_OP(FUTEX_OP_ADD, (uint32_t)-1 & 0xfff, FUTEX_OP_CMP_EQ, 0));
	tap_ok(w[1] == 24, "a negative operand");
	tap_fails(futex2(w, FUTEX_WAKE_OP | PRIVATE, 1, 1, w + 1, FUTEX_OP(6, 0, 0, 0)), ENOSYS,
		  "an unknown operation");
}

static volatile sig_atomic_t alarms;
static void on_alarm(int sig) { alarms++; }
static word *wake_in_handler;
static void wake_on_alarm(int sig)
{
	alarms++;
	*wake_in_handler = 1;
}

static void test_signals(void)
{
	struct itimerval t = { .it_value = { 0, 20000 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct timespec limit = { 0, 100000000 };
	word w = 0;

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	tap_fails(futex(&w, FUTEX_WAIT | PRIVATE, 0, NULL, NULL, 0), EINTR,
		  "a handler interrupts a wait");
	setitimer(ITIMER_REAL, &t, NULL);
	tap_fails(futex(&w, FUTEX_WAIT | PRIVATE, 0, &limit, NULL, 0), EINTR,
		  "with a time-out, too");
	sa.sa_flags = SA_RESTART;
	sa.sa_handler = wake_on_alarm;
	wake_in_handler = &w;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
	tap_fails(futex(&w, FUTEX_WAIT | PRIVATE, 0, NULL, NULL, 0), EAGAIN,
		  "SA_RESTART: it starts over, and looks again");
}

/* --- memory of several kinds --- */

static int in_child(void (*fn)(void *), void *arg)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void wake_until_one(void *w)
{
	for (int ms = 0; ms < 3000; ms++, usleep(1000))
		if (futex(w, FUTEX_WAKE, 1, NULL, NULL, 0) == 1)
			_exit(0);
	_exit(1);
}

static void test_sharing(void)
{
	struct waiter x[1] = { 0 };
	int fd = memfd_create("futex", 0);
	word *a, *b, *shared;
	char *ro;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	start(x, 1, shared, FUTEX_WAIT);
	tap_returns(in_child(wake_until_one, (void *)shared), 0,
		    "shared memory: another process wakes");
	join(x, 1);
	ftruncate(fd, 8192);
	a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	start(x, 1, a + 1024 + 3, FUTEX_WAIT);
	tap_returns(futex(b + 2, FUTEX_WAKE, 1, NULL, NULL, 0), 0,
		    "a file mapped twice: another word of it");
	tap_returns(futex(b + 3, FUTEX_WAKE, 1, NULL, NULL, 0), 1,
		    "the same word at another address");
	join(x, 1);
	start(x, 1, a, FUTEX_WAIT | PRIVATE);
	tap_returns(futex(a, FUTEX_WAKE, 1, NULL, NULL, 0), 0,
		    "a private wait in a shared file is another futex");
	tap_returns(futex(a, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), 1,
		    "that a private wake finds");
	join(x, 1);
	ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	tap_fails(futex((word *)ro, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT,
		  "private read-only memory can hold no shared futex");
	munmap(ro, 4096);
	munmap((void *)shared, 4096);
	munmap((void *)a, 8192);
	munmap((void *)b, 4096);
	close(fd);
}

/* --- PI --- */

struct locker {
	pthread_t thread;
	word *w;
	volatile uint32_t tid;
	volatile long result;
	volatile bool done, unlock, left;
	bool exit_with_it;
};

static void *lock_thread(void *arg)
{
	struct locker *me = arg;
	long r;

	me->tid = my_tid();
	r = futex(me->w, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	me->result = r < 0 ? -errno : r;
	me->done = true;
	if (me->exit_with_it)
		return NULL;
	while (!me->unlock)
		usleep(1000);
	me->result = futex(me->w, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	me->left = true;
	return NULL;
}

static bool soon(volatile bool *b)
{
	for (int ms = 0; ms < 3000 && !*b; ms++)
		usleep(1000);
	return *b;
}

static bool until_bits(word *w, uint32_t bits)
{
	for (int ms = 0; ms < 3000 && (*w & bits) != bits; ms++)
		usleep(1000);
	return (*w & bits) == bits;
}

static void test_pi(void)
{
	struct locker l = { 0 };
	struct timespec t;
	word w = 0;

	tap_returns(futex(&w, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0, "PI: lock a free one");
	tap_ok(w == my_tid(), "the word is my number");
	tap_fails(futex(&w, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), EDEADLK, "lock it again");
	tap_fails(futex(&w, FUTEX_TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0), EDEADLK, "trylock, too");
	tap_returns(futex(&w, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0, "unlock");
	tap_ok(w == 0, "it is free");
	tap_fails(futex(&w, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), EPERM,
		  "unlock what is not mine");
	tap_returns(futex(&w, FUTEX_TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0,
		    "trylock a free one");

	l.w = &w;
	pthread_create(&l.thread, NULL, lock_thread, &l);
	tap_ok(until_bits(&w, FUTEX_WAITERS) && w == (my_tid() | FUTEX_WAITERS),
	       "who waits sets FUTEX_WAITERS");
	usleep(5000);
	tap_fails(futex(&w, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), EINVAL,
		  "wake does not wake PI waiters");
	tap_returns(futex(&w, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0,
		    "unlock with a waiter");
	tap_ok((w & FUTEX_TID_MASK) == l.tid, "hands the word over");
	tap_ok(soon(&l.done) && l.result == 0, "to the waiter");
	tap_fails(futex(&w, FUTEX_TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0), EAGAIN,
		  "trylock what another owns");
	tap_fails(futex(&w, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), EPERM,
		  "unlock what another owns");
	t = in_ms(CLOCK_REALTIME, 20);
	tap_fails(futex(&w, FUTEX_LOCK_PI | PRIVATE, 0, &t, NULL, 0), ETIMEDOUT,
		  "lock with a time-out");
	t = in_ms(CLOCK_MONOTONIC, 20);
	tap_fails(futex(&w, FUTEX_LOCK_PI2 | PRIVATE, 0, &t, NULL, 0), ETIMEDOUT,
		  "FUTEX_LOCK_PI2 by the monotonic clock");
	l.unlock = true;
	tap_ok(soon(&l.left) && l.result == 0 && w == 0,
	       "the other unlocks it, nobody waits any more");
	pthread_join(l.thread, NULL);
	w = 0x3ffffffe;
	tap_fails(futex(&w, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), ESRCH,
		  "owned by nobody there is");
	w = FUTEX_OWNER_DIED;
	tap_returns(futex(&w, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0, "the owner died");
	tap_ok(w == (my_tid() | FUTEX_OWNER_DIED), "which the new one sees");
	futex(&w, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
}

static void test_pi_owner_exits(void)
{
	struct locker owner = { .exit_with_it = true }, next = { 0 };
	word w;

	/* The owner ends while another waits. PI waiters cannot be counted: time has to do. */
	w = my_tid();
	owner.w = next.w = &w;
	pthread_create(&owner.thread, NULL, lock_thread, &owner);
	until_bits(&w, FUTEX_WAITERS);
	usleep(50000);
	pthread_create(&next.thread, NULL, lock_thread, &next);
	while (!next.tid)
		usleep(1000);
	usleep(100000);
	futex(&w, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	tap_ok(soon(&owner.done) && owner.result == 0, "PI: a thread takes it and exits");
	pthread_join(owner.thread, NULL);
	tap_ok(soon(&next.done) && next.result == 0, "the next waiter gets it");
	tap_ok((w & FUTEX_TID_MASK) == next.tid && (w & FUTEX_OWNER_DIED), "with FUTEX_OWNER_DIED");
	next.unlock = true;
	pthread_join(next.thread, NULL);
	tap_ok(w == 0 || w == FUTEX_OWNER_DIED, "and unlocks it");
}

/* --- requeue to a PI futex: a condition variable's way --- */

struct cond_waiter {
	pthread_t thread;
	word *cond, *lock;
	volatile uint32_t tid;
	volatile long result;
	volatile bool done;
};

static void *cond_thread(void *arg)
{
	struct cond_waiter *me = arg;
	long r;

	me->tid = my_tid();
	r = futex(me->cond, FUTEX_WAIT_REQUEUE_PI | PRIVATE, 0, NULL, me->lock, 0);
	me->result = r < 0 ? -errno : r;
	if (r == 0 && (*me->lock & FUTEX_TID_MASK) != me->tid)
		me->result = 1000;
	me->done = true;
	if (r == 0)
		futex(me->lock, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

/* Requeue-PI waiters cannot be counted from outside: time has to do. */
static void start_cond(struct cond_waiter *x, int n, word *cond, word *lock)
{
	for (int i = 0; i < n; i++) {
		x[i] = (struct cond_waiter) { .cond = cond, .lock = lock };
		pthread_create(&x[i].thread, NULL, cond_thread, &x[i]);
		while (!x[i].tid)
			usleep(1000);
		usleep(50000);
	}
}

static void test_requeue_pi(void)
{
	struct cond_waiter x[2];
	struct timespec t;
	word cond = 0, lock = 0;

	tap_fails(futex(&cond, FUTEX_WAIT_REQUEUE_PI | PRIVATE, 0, NULL, &cond, 0), EINVAL,
		  "requeue PI: wait for the same word");
	tap_fails(futex2(&cond, FUTEX_CMP_REQUEUE_PI | PRIVATE, 1, 1, &cond, 0), EINVAL,
		  "requeue to the same word");
	tap_fails(futex2(&cond, FUTEX_CMP_REQUEUE_PI | PRIVATE, 2, 1, &lock, 0), EINVAL,
		  "wake two");
	tap_fails(futex2(&cond, FUTEX_CMP_REQUEUE_PI | PRIVATE, 1, 1, &lock, 1), EAGAIN,
		  "another value");
	t = in_ms(CLOCK_MONOTONIC, 20);
	tap_fails(futex(&cond, FUTEX_WAIT_REQUEUE_PI | PRIVATE, 0, &t, &lock, 0), ETIMEDOUT,
		  "wait with a time-out");

	start_cond(x, 1, &cond, &lock);
	tap_fails(futex(&cond, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), EINVAL,
		  "they cannot be woken");
	tap_returns(futex2(&cond, FUTEX_CMP_REQUEUE_PI | PRIVATE, 1, 0, &lock, 0), 1,
		    "requeue to a free lock");
	tap_ok(soon(&x[0].done) && x[0].result == 0, "gives it to the waiter");
	pthread_join(x[0].thread, NULL);
	tap_ok(lock == 0, "who unlocked it");

	futex(&lock, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0);
	start_cond(x, 2, &cond, &lock);
	tap_returns(futex2(&cond, FUTEX_CMP_REQUEUE_PI | PRIVATE, 1, INT_MAX, &lock, 0), 2,
		    "requeue two to a lock I own");
	usleep(5000);
	tap_ok(!x[0].done && !x[1].done && lock == (my_tid() | FUTEX_WAITERS), "they wait for it");
	tap_returns(futex(&lock, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0, "unlock");
	tap_ok(soon(&x[0].done) && soon(&x[1].done) && x[0].result == 0 && x[1].result == 0,
	       "one after the other gets it");
	pthread_join(x[0].thread, NULL);
	pthread_join(x[1].thread, NULL);
	tap_ok(lock == 0, "and it is free again");
}

/* --- robust lists --- */

struct robust_lock {
	struct robust_list list;
	word w;
};
static struct robust_lock held, not_mine, pending;
static struct robust_list_head head;
#define ENTRY(l) (&(l)->list)

static void *die_holding(void *arg)
{
	uint32_t tid = my_tid();

	head.futex_offset = offsetof(struct robust_lock, w) - offsetof(struct robust_lock, list);
	head.list.next = ENTRY(&held);
	held.list.next = ENTRY(&not_mine);
	not_mine.list.next = &head.list;
	head.list_op_pending = ENTRY(&pending);
	held.w = tid | FUTEX_WAITERS;
	not_mine.w = tid + 1;
	pending.w = tid;
	syscall(SYS_set_robust_list, &head, sizeof(head));
	return NULL;
}

static void *die_with_endless_list(void *arg)
{
	head.list.next = ENTRY(&held);
	held.list.next = ENTRY(&held);
	held.w = my_tid();
	head.list_op_pending = NULL;
	syscall(SYS_set_robust_list, &head, sizeof(head));
	return NULL;
}

static void test_robust(void)
{
	struct robust_list_head *got = NULL;
	pthread_mutexattr_t attr;
	pthread_mutex_t m;
	struct timespec t;
	pthread_t thread;
	size_t len = 0;

	tap_fails(syscall(SYS_set_robust_list, &head, 1), EINVAL, "robust list: bad size");
	tap_returns(syscall(SYS_get_robust_list, 0, &got, &len), 0, "get_robust_list");
	tap_ok(len == sizeof(head) && got != NULL, "the C library has one");
	tap_fails(syscall(SYS_get_robust_list, 0x3ffffff, &got, &len), ESRCH, "of nobody");
	tap_fails(syscall(SYS_get_robust_list, 0, (void *)8, &len), EFAULT, "to nowhere");
	pthread_create(&thread, NULL, die_holding, NULL);
	pthread_join(thread, NULL);
	for (int ms = 0; ms < 3000 && !(held.w & FUTEX_OWNER_DIED); ms++)
		usleep(1000);
	tap_ok(held.w == (FUTEX_OWNER_DIED | FUTEX_WAITERS),
	       "a thread that ends with one: FUTEX_OWNER_DIED");
	tap_ok(!(not_mine.w & FUTEX_OWNER_DIED), "not with another's");
	tap_ok(pending.w == FUTEX_OWNER_DIED, "the pending one, too");
	pthread_create(&thread, NULL, die_with_endless_list, NULL);
	pthread_join(thread, NULL);
	tap_ok(held.w == FUTEX_OWNER_DIED, "an endless list has an end");

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&m, &attr);
	pthread_create(&thread, NULL, (void *(*)(void *))(void (*)(void))pthread_mutex_lock, &m);
	pthread_join(thread, NULL);
	t = in_ms(CLOCK_REALTIME, 3000);
	tap_returns(pthread_mutex_timedlock(&m, &t), EOWNERDEAD,
		    "a robust mutex tells its next owner");
	pthread_mutex_unlock(&m);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&m, &attr);
	pthread_create(&thread, NULL, (void *(*)(void *))(void (*)(void))pthread_mutex_lock, &m);
	pthread_join(thread, NULL);
	t = in_ms(CLOCK_REALTIME, 3000);
	tap_returns(pthread_mutex_timedlock(&m, &t), EOWNERDEAD, "so does a robust PI mutex");
	pthread_mutex_unlock(&m);
}

/* --- futex2 --- */

static struct waitv vec[3];
static volatile long waitv_result;
static volatile bool waitv_done;
static void *waitv_thread(void *arg)
{
	long r = syscall(NR_futex_waitv, vec, 3, 0, NULL, 0);

	waitv_result = r < 0 ? -errno : r;
	waitv_done = true;
	return NULL;
}

static void test_futex2(void)
{
	struct waiter x[3] = { 0 };
	struct timespec t;
	pthread_t thread;
	word w[3] = { 0, 0, 0 };
	const uint32_t f = SIZE_U32 | FUTEX2_PRIVATE_;

	tap_fails(syscall(NR_futex_wait, w, 1, 1, f, NULL, CLOCK_MONOTONIC), EAGAIN,
		  "futex_wait: another value");
	tap_fails(syscall(NR_futex_wait, w, 0, 0, f, NULL, CLOCK_MONOTONIC), EINVAL, "no bits");
	tap_fails(syscall(NR_futex_wait, w, 0, 1, FUTEX2_PRIVATE_, NULL, CLOCK_MONOTONIC), EINVAL,
		  "8-bit words are not there");
	tap_fails(syscall(NR_futex_wait, w, 1L << 32, 1, f, NULL, CLOCK_MONOTONIC), EINVAL,
		  "a value too wide");
	t = in_ms(CLOCK_MONOTONIC, 20);
	tap_fails(syscall(NR_futex_wait, w, 0, 1, f, &t, CLOCK_MONOTONIC), ETIMEDOUT, "time-out");
	tap_fails(syscall(NR_futex_wait, w, 0, 1, f, &t, CLOCK_BOOTTIME), EINVAL, "another clock");
	start(x, 3, w, FUTEX_WAIT | PRIVATE);
	tap_returns(syscall(NR_futex_wake, w, ALL_BITS, 0, f), 0, "futex_wake: none means none");
	tap_returns(syscall(NR_futex_wake, w, ALL_BITS, 1, f), 1, "one");
	vec[0] = (struct waitv) { 0, (uintptr_t)&w[0], f, 0 };
	vec[1] = (struct waitv) { 0, (uintptr_t)&w[1], f, 0 };
	tap_returns(syscall(NR_futex_requeue, vec, 0, 0, 5), 2, "futex_requeue moves the others");
	tap_fails(syscall(NR_futex_requeue, vec, 1, 0, 5), EINVAL, "it has no flags");
	tap_returns(syscall(NR_futex_wake, w + 1, ALL_BITS, 5, f), 2, "they are woken there");
	join(x, 3);

	for (int i = 0; i < 3; i++)
		vec[i] = (struct waitv) { 0, (uintptr_t)&w[i], f, 0 };
	tap_fails(syscall(NR_futex_waitv, vec, 0, 0, NULL, 0), EINVAL, "futex_waitv: none");
	tap_fails(syscall(NR_futex_waitv, vec, 129, 0, NULL, 0), EINVAL, "too many");
	tap_fails(syscall(NR_futex_waitv, vec, 3, 1, NULL, 0), EINVAL, "flags");
	tap_fails(syscall(NR_futex_waitv, (void *)8, 3, 0, NULL, 0), EFAULT, "nowhere");
	t = in_ms(CLOCK_MONOTONIC, 20);
	tap_fails(syscall(NR_futex_waitv, vec, 3, 0, &t, CLOCK_MONOTONIC), ETIMEDOUT, "time-out");
	w[1] = 1;
	tap_fails(syscall(NR_futex_waitv, vec, 3, 0, NULL, 0), EAGAIN, "one has another value");
	w[1] = 0;
	vec[2].reserved = 1;
	tap_fails(syscall(NR_futex_waitv, vec, 3, 0, NULL, 0), EINVAL, "a reserved field is set");
	vec[2].reserved = 0;
	pthread_create(&thread, NULL, waitv_thread, NULL);
	tap_ok(until_waiters(w + 2, PRIVATE, 1), "waits on three");
	tap_returns(futex(w + 1, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), 1, "the second is woken");
	tap_ok(soon(&waitv_done) && waitv_result == 1, "and told");
	pthread_join(thread, NULL);
	tap_ok(waiters(w, PRIVATE) == 0 && waiters(w + 2, PRIVATE) == 0,
	       "nobody waits on the others any more");
}

int main(void)
{
	test_errors();
	test_timeouts();
	test_wake();
	test_requeue();
	test_wake_op();
	test_signals();
	test_sharing();
	test_pi();
	test_pi_owner_exits();
	test_requeue_pi();
	test_robust();
	test_futex2();
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
/* What the files of the signal code share: queue entries, kinds of signals, job control. */
#ifndef PROC_SIGNAL_INTERNAL_H
#define PROC_SIGNAL_INTERNAL_H

#include <kernel/process.h>
#include <kernel/signal.h>

/* Default actions, by mask; what is in none of them terminates. */
#define SIGNALS_IGNORE (SIGMASK(SIGCONT) | SIGMASK(SIGCHLD) | SIGMASK(SIGWINCH) | SIGMASK(SIGURG))
#define SIGNALS_CORE                                                                \
	(SIGMASK(SIGQUIT) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGABRT) | \
	 SIGMASK(SIGFPE) | SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGSYS) |   \
	 SIGMASK(SIGXCPU) | SIGMASK(SIGXFSZ))
/* sigaction.sa_flags inside the kernel: the action may not be changed any more (a forced fatal
 * signal is on its way). */
#define SA_IMMUTABLE 0x00800000UL

static inline bool signal_in(int sig, u64 mask) { return (mask >> (sig - 1)) & 1; }
static inline bool signal_valid(int sig) { return sig >= 1 && sig <= _NSIG; }
static inline bool handler_ignores(__sighandler_t handler, int sig)
{
	return handler == SIG_IGN || (handler == SIG_DFL && signal_in(sig, SIGNALS_IGNORE));
}

/* The kernel fills only the head of a siginfo; the rest of its 128 bytes is zero on the way to user
 * space. */
#define SIGINFO_WORDS 6
#define SIGINFO_BYTES (SIGINFO_WORDS * 8)
static_assert(offsetof(siginfo_t, _sifields) + sizeof(union __sifields) == SIGINFO_BYTES,
	      "all fields are in the head");

static inline void siginfo_copy(siginfo_t *to, const siginfo_t *from)
{
	for (u32 i = 0; i < SIGINFO_WORDS; i++)
		((u64 *)to)[i] = ((const u64 *)from)[i];
}
static inline void siginfo_init(siginfo_t *info, int sig, int code)
{
	for (u32 i = 0; i < SIGINFO_WORDS; i++)
		((u64 *)info)[i] = 0;
	info->si_signo = sig;
	info->si_code = code;
}

/* --- sigqueue.c --- */
struct sigqueue {
	struct list_head link; /* [s] in a sigpending's queue, or empty */
	struct user *user;     /* charged for it; referenced */
	bool owned;	       /* [s] by a timer: not freed when taken off the queue */
	siginfo_t info;
};
void sigqueue_init(void);
/* Charged to t's user; over_limit: even beyond RLIMIT_SIGPENDING. NULL: no memory or too many. Any
 * context. */
struct sigqueue *sigqueue_charge(struct task *t, bool over_limit);
void sigpending_add(struct sigpending *p, struct sigqueue *q, int sig); /* q NULL: only the bit */
void sigpending_discard(struct sigpending *p, u64 mask);
/* Takes the first entry of `sig`, whose bit is set; *timer: it belongs to a timer, see
 * posix_timer_delivered(). */
void sigpending_take(struct sigpending *p, int sig, siginfo_t *info, bool *timer);
/* Takes a signal a faulting instruction raised: first in line, so that the frame shows that
 * instruction. 0: none. */
int sigpending_take_fault(struct sigpending *p, u64 blocked, siginfo_t *info);

/* --- signal.c: _locked with sighand->lock held --- */
void signal_wake_locked(struct task *t, bool fatal);
int signal_send_locked(struct task *t, int sig, const siginfo_t *info, bool group);
int signal_check(struct task *t, int sig); /* may_signal(), or -EINVAL; sig may be 0 */
/* With that check; sig 0 only checks. 0, -EINVAL, -EPERM, -ESRCH, -EAGAIN. */
int signal_send_checked(struct task *t, int sig, const siginfo_t *info, bool group);
int signal_send_pid_checked(struct pid *pid, int sig, const siginfo_t *info, bool group);
int signal_send_pgrp_checked(struct pid *pgrp, int sig,
			     const siginfo_t *info); /* tasklist_lock held, not sighand's */

/* --- signal_mask.c --- */
void signal_retarget_locked(struct task *t, u64 which);
void signal_set_blocked_locked(sigset_t set);
/* The next signal of the current task outside `blocked`; sets *timer as sigpending_take(). */
int signal_take_locked(sigset_t blocked, siginfo_t *info, bool *timer);

/* --- signal_stop.c --- */
void jobctl_clear_locked(struct task *t, u32 bits);
void signal_continue_locked(struct task *t);  /* SIGCONT arrives for t's process */
bool signal_stop_locked(int sig);	      /* true: stopped, runs again, lock released */
bool signal_join_stop_locked(struct task *t); /* t counts as stopped; true: it was the last */
void signal_notify_stop(struct task *t,
			int why); /* CLD_STOPPED, CLD_CONTINUED to the parent of t's process */

/* --- coredump.c: the other threads' side --- */
/* The current thread is about to exit while another dumps core: waits till that is done.
 * sighand->lock held, released between. */
void core_dump_join_locked(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Signals (kernel/proc/signal.c): queues, delivery, stop and continue.
 */
#ifndef KERNEL_SIGNAL_H
#define KERNEL_SIGNAL_H

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <kernel/bitmap.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <kernel/wait.h>
#include <linux/signal.h>

struct sighand {
	struct refcount refs;
	struct spinlock lock; /* RANK_SIGHAND; irqs off (timers send signals) */
	struct sigaction action[_NSIG];
	struct rcu_head rcu;
};

/* task->jobctl [s]: a group stop the thread has to take part in. */
#define JOBCTL_SIGNAL	     0x0ffff /* the stop's signal, kept for retries */
#define JOBCTL_STOP_DEQUEUED 0x10000 /* a stop signal was taken off the queue; a SIGCONT since clears it */
#define JOBCTL_STOP_PENDING  0x20000 /* must stop */
#define JOBCTL_STOP_CONSUME  0x40000 /* and is counted in group->stop_count */

#define SIGMASK(n) (1UL << ((n)-1))
#define SIGNALS_STOP	(SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))
#define SIGNALS_NOBLOCK (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define SIGNALS_SYNC                                                                                 \
	(SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) | SIGMASK(SIGSYS))

/* Special senders in place of a siginfo. */
#define SEND_SIG_USER	((siginfo_t *)0) /* kill(): si_code SI_USER, my pid and uid */
#define SEND_SIG_KERNEL ((siginfo_t *)1) /* SI_KERNEL; not stopped by ignoring when forced */

/* To one thread / its process / every member of a group. 0, -ESRCH, -EAGAIN (queue full). No permission check; any context
 * (hard irq too) for send_signal* on tasks the caller keeps alive. */
int send_signal_thread(struct task *t, int sig, const siginfo_t *info);
int send_signal_group(struct task *t, int sig, const siginfo_t *info);
int send_signal_pgrp(struct pid *pgrp, int sig, const siginfo_t *info);
int send_signal_pgrp_locked(struct pid *pgrp, int sig, const siginfo_t *info); /* tasklist_lock held */
int send_signal_session(struct pid *sid, int sig, const siginfo_t *info);
int send_signal_pid(struct pid *pid, int sig, const siginfo_t *info);
/* A fault of the current task: cannot be ignored or blocked (then it kills). */
void force_signal_fault(int sig, int code, u64 addr);
void force_signal(int sig);
void force_fatal_signal(int sig);	       /* with the default action, whatever is set */
int may_signal(struct task *t, int sig);       /* kill(2)'s permission: 0, -EPERM */
static inline bool signal_pending(void) { return READ_ONCE(current->work) & WORK_SIGNAL; }
bool fatal_signal_pending(void);
bool signal_pending_state(u32 state);
/* Recomputes WORK_SIGNAL of current after a mask change. sighand->lock held for _locked. */
void signal_recalc(void);
void signal_recalc_locked(struct task *t);
/* Current's mask; old may be NULL. Removes SIGKILL, SIGSTOP from set. */
void signal_set_blocked(sigset_t set);
/* A mask for the length of one call (ppoll ...): 0, -EFAULT, -EINVAL. Put back by signal delivery or, when nothing was
 * delivered, by signal_restore_mask_unless(interrupted). */
int signal_set_user_mask(const sigset_t __user *umask, size_t sigsetsize);
void signal_restore_mask_unless(bool interrupted);
/* Takes a pending signal of the current task that is in `mask` off the queues: its number, or 0. */
int signal_dequeue(sigset_t mask, siginfo_t *info);
/* Signals pending for t, its own and its process's, blocked or not. A snapshot without lock. */
sigset_t signal_pending_set(const struct task *t);

/* From the exit path to user mode (exit_to_user_work): delivers what is due, handles restarts. */
struct trap_frame;
void signal_deliver(struct trap_frame *regs);
struct sighand *sighand_create(void);	       /* default actions; NULL */
void sighand_put(struct sighand *s);
/* The child's signal state: child->sighand (shared with CLONE_SIGHAND, else a copy of the current task's; CLONE_CLEAR_SIGHAND:
 * handlers default), empty queue, alternate stack kept unless the address space is shared. Sets child->sighand itself;
 * the caller undoes with sighand_put(child->sighand). Futex state of the child starts empty too. 0, -ENOMEM. */
int signal_fork(struct task *child, u64 clone_flags);
void signal_exec(void);			       /* a table of its own, handlers back to default, altstack off */
void signal_flush(struct task *t);	       /* frees t's own queue and, for the group's leader, the shared one */
void sigpending_init(struct sigpending *p);
void sigpending_flush(struct sigpending *p);
/* First thing in do_exit: sets TF_EXITING, settles a group stop, hands shared signals to other threads, waits for a core dump. */
void signal_exit_thread(struct task *t);
/* t is a zombie: SIGCHLD (or sig, 0: none) with CLD_* to t->parent, wakes its waiters and pollers of t's pidfds. True when the
 * parent ignores SIGCHLD (SIG_IGN, SA_NOCLDWAIT): nobody will wait, t is to be released. tasklist_lock held. */
bool signal_parent_exit(struct task *t, int sig);
/* Kills every thread of the group but the current one, which goes on to exit itself; sighand->lock held. */
void group_exit_locked(struct group *g, s32 code);
/* exec: SIGKILL to the other threads of the current group; how many. sighand->lock held. */
u32 signal_kill_others_locked(void);
void signal_init(void);			       /* caches; before the first sighand_create */
/* Locks t->sighand if it still has one; NULL when it exited. flags for unlock. */
struct sighand *task_lock_sighand(struct task *t, u64 *flags);
void task_unlock_sighand(struct task *t, u64 flags);
int copy_siginfo_to_user(siginfo_t __user *to, const siginfo_t *from);
int copy_siginfo_from_user(siginfo_t *to, const siginfo_t __user *from);
/* Preallocated queue entries for POSIX timers. */
struct sigqueue;
struct sigqueue *sigqueue_alloc(void);
void sigqueue_free(struct sigqueue *q);
/* 0 queued; 1 was pending already (overrun); -EAGAIN t's process ignores it, nothing is queued; -ESRCH t is gone. */
int send_sigqueue(struct sigqueue *q, struct task *t, bool group);
siginfo_t *sigqueue_info(struct sigqueue *q);
/* A preallocated entry was taken off its queue: its owner fills in the overrun count and rearms. No lock held. Kernel/time's. */
void posix_timer_delivered(siginfo_t *info);

/* sigaltstack: the alternate stack's use when the stack pointer is sp. */
static inline bool signal_on_altstack(u64 sp)
{
	return !(current->sas_flags & SS_AUTODISARM) && sp > current->sas_sp && sp - current->sas_sp <= current->sas_size;
}
/* As sigaltstack(2) with the stack pointer at sp: 0, -EPERM, -EINVAL, -ENOMEM. */
int signal_set_altstack(const struct sigaltstack *new, u64 sp);

/* Core dump (kernel/proc/coredump.c): writes it if limits and core_pattern say so; true when written. */
bool core_dump(const siginfo_t *info);
#define CORE_PATTERN_MAX 128
extern char core_pattern[CORE_PATTERN_MAX];    /* kernel.core_pattern */
extern u32 core_uses_pid;		       /* kernel.core_uses_pid */

/* arch: the frame on the user stack. 0, or -EFAULT (SIGSEGV follows). */
struct ksignal {
	int sig;
	struct sigaction action;
	siginfo_t info;
};

#endif

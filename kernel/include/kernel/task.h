/* SPDX-License-Identifier: MIT */
/*
 * struct task: one thread of control, kernel or user; what threads of a process share stands in struct group,
 * struct sighand, struct mm, struct files, struct fs, as CLONE_* flags decide.
 *
 * Life: task_alloc (fork) -> task_publish (visible by pid) -> wake_up_new -> runs -> do_exit -> zombie ->
 * released by wait or, for threads, by itself -> last task_put frees it after an RCU grace period.
 *
 * Lock letters: I immutable after creation, c only the task itself, s sighand->lock, t tasklist_lock (write),
 * r its run queue's lock, l task->lock, a atomic, m its own rule given there.
 */
#ifndef KERNEL_TASK_H
#define KERNEL_TASK_H

#include <arch/task.h>
#include <asm/signal.h>
#include <kernel/atomic.h>
#include <kernel/list.h>
#include <kernel/bitmap.h>
#include <kernel/rbtree.h>
#include <kernel/spinlock_types.h>
#include <kernel/types.h>

struct completion;
struct cred;
struct files;
struct fs;
struct group;
struct mm;
struct pid;
struct sighand;
struct task;
struct wait_queue;

/* The task that runs here; entry code keeps it in tp. */
register struct task *current __asm__("tp");

/* task->work: looked at on every way out to user mode. */
#define WORK_SIGNAL	  0x01 /* a signal may be deliverable */
#define WORK_RESCHED	  0x02
#define WORK_NOTIFY	  0x04 /* task->deferred callbacks to run */
#define WORK_RESTORE_MASK 0x08 /* saved_sigmask to be put back (ppoll, sigsuspend) */
#define WORK_TRACE	  0x10 /* syscall entry and exit are traced (keel.trace=, ptrace, seccomp) */
#define WORK_RSEQ	  0x20 /* was switched away from with task->rseq set: rseq_handle() */
#define WORK_REGS	  0x40 /* the user trap frame was replaced: restore the whole of it; see regs_replaced() */
#define WORK_EXIT_MASK	  0xff
#define WORK_SYSCALL_MASK WORK_TRACE

/* task->preempt_count: bits 0-7 preemption, 8-15 softirq, 16-19 hard irq. */
#define SOFTIRQ_OFFSET 0x100 /* one is being served ... */
#define SOFTIRQ_DISABLE 0x200 /* ... or they are only off */
#define HARDIRQ_OFFSET 0x10000
#define SOFTIRQ_MASK   0xff00
#define HARDIRQ_MASK   0xf0000
#define in_hardirq()   ((current->preempt_count & HARDIRQ_MASK) != 0)
#define in_softirq()   ((current->preempt_count & SOFTIRQ_OFFSET) != 0)
#define in_interrupt() ((current->preempt_count & (HARDIRQ_MASK | SOFTIRQ_MASK)) != 0)
#define in_atomic()    (current->preempt_count != 0)

/* task->state */
#define TASK_RUNNING	     0x0
#define TASK_INTERRUPTIBLE   0x1
#define TASK_UNINTERRUPTIBLE 0x2
#define TASK_STOPPED	     0x4
#define TASK_TRACED	     0x8
#define TASK_WAKEKILL	     0x10 /* fatal signals wake it */
#define TASK_DEAD	     0x20 /* never runs again */
#define TASK_NEW	     0x40
#define TASK_NOLOAD	     0x80 /* uninterruptible, but not counted as load (idle kernel threads) */
#define TASK_KILLABLE	     (TASK_UNINTERRUPTIBLE | TASK_WAKEKILL)
#define TASK_IDLE	     (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)
#define TASK_NORMAL	     (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)

/* task->flags [c, readable by all] */
#define TF_KTHREAD	0x0001
#define TF_EXITING	0x0002
#define TF_IDLE		0x0004 /* a hart's idle task */
#define TF_FORKNOEXEC	0x0008
#define TF_SIGNALED	0x0010 /* killed by a signal */
#define TF_DUMPCORE	0x0020
#define TF_VFORK	0x0040 /* parent waits in task->vfork_done */
#define TF_MEMALLOC	0x0080 /* may use the last pages (OOM victim, reclaim) */
#define TF_WORKER	0x0100
#define TF_BOUND	0x1000 /* kernel thread of one hart: users may not change its affinity */
#define TF_RANDOMIZE	0x0200 /* personality without ADDR_NO_RANDOMIZE */
#define TF_NPROC_EXCEEDED 0x0400 /* set*uid went over RLIMIT_NPROC: the next exec says so */
#define TF_IO_FLUSHER	0x0800 /* prctl(PR_SET_IO_FLUSHER) */

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };

#define TASK_COMM_LEN 16

/* Scheduling state; kernel/sched/ only. [r] unless said otherwise */
struct sched_entity {
	struct rb_node rb;	/* fair: in the run queue's tree, by virtual deadline */
	struct list_head rt;	/* FIFO/RR: in its priority's list */
	u64 vruntime, deadline, min_vruntime, slice;
	s64 vlag;
	u32 weight;
	u64 protect;		/* deadline when picked: it keeps the hart until that one is met */
	bool on_rq, queued;	/* runnable; in the tree (fair) */
	bool moving;		/* runnable, between two queues: a waker only sets the state */
	bool rel_deadline;	/* deadline is relative to vruntime: it moves between queues */
	bool custom_slice;	/* from sched_setattr() */
	u64 exec_start, sum_exec, prev_sum_exec; /* ns */
	u64 nr_voluntary, nr_involuntary, nr_migrations;
	u64 wait_start, run_delay; /* ns */
};

struct task {
	/* Touched by every trap; offsets known to assembly. */
	u32 work;		/* [a] WORK_* */
	u32 preempt_count;	/* [c] */
	u64 kernel_sp;		/* [I] top of the kernel stack below the user trap frame */
	u64 user_sp;		/* [c] scratch of the entry path */
	u64 canary;		/* [I] stack protector's */
	u64 hart_offset;	/* [r] of per-hart variables */
	u32 hart;		/* [r] logical number */
	u32 state;		/* [m] TASK_*: the task itself, or a waker under its run queue's lock */
	struct mm *mm;		/* [l, c] NULL for kernel threads */
	struct mm *active_mm;	/* [c] whose page tables are loaded */
	struct files *files;	/* [l, c] */
	struct fs *fs;		/* [l, c] */
	const struct cred *cred; /* [c] what it acts with; others read under RCU */
	struct arch_task arch;	/* saved registers, FPU state; arch only */
	u32 flags;		/* TF_* */

	struct sched_entity se;
	u32 policy;		/* [r] SCHED_* */
	s32 nice;		/* [r] -20..19 */
	u32 rt_priority;	/* [r] 1..99, 0 when not real-time */
	bool reset_on_fork;	/* [r] */
	bool on_hart;		/* [m] runs right now: set and cleared by the switch */
	hartmask_t affinity;	/* [r] harts it may use */
	u64 rt_slice_left;	/* [r] */
	u64 timer_slack, timer_slack_default; /* [c] ns */

	void *stack;		/* [I] kernel stack, KSTACK_SIZE bytes */
	struct refcount refs;
	struct spinlock lock;	/* RANK_TASK */
	struct group *group;	/* [I] process: shared by its threads */
	struct sighand *sighand; /* [s] NULL once exited */
	char comm[TASK_COMM_LEN]; /* [l] */

	/* Family. Group-wide parts stand in struct group. */
	pid_t pid, tgid;	/* [I] numbers */
	struct pid *pids[PIDTYPE_MAX]; /* [t] PID here; the others are valid in the leader only through group */
	struct hlist_node pid_links[PIDTYPE_MAX]; /* [t] */
	struct task *real_parent; /* [t] */
	struct task *parent;	/* [t] real_parent or the tracer */
	struct list_head children, sibling; /* [t] of real_parent */
	struct list_head thread_link; /* [t, RCU] group->threads */
	struct list_head all_link; /* [t, RCU] every thread group leader: init_task.all_link */
	s32 exit_state;		/* [t] 0, EXIT_ZOMBIE, EXIT_DEAD */
	s32 exit_code;		/* [t] wait status */
	s32 exit_signal;	/* [t] to the parent; -1 for threads */
	s32 pdeath_signal;	/* [c] */
	struct completion *vfork_done; /* [l] the vforking parent waits here */
	u32 self_exec_id, parent_exec_id; /* [t] a parent that ran another program since gets SIGCHLD only */
	u64 start_time, start_boottime; /* [I] ns */

	/* Signals. */
	sigset_t blocked;	/* [s] written by the task only */
	sigset_t saved_sigmask;	/* [c] */
	sigset_t sigwait;	/* [s] what rt_sigtimedwait sleeps for, blocked as it is */
	struct sigpending {
		struct list_head queue;
		sigset_t set;
	} pending;		/* [s] for this thread alone */
	u64 sas_sp, sas_size;	/* [c] sigaltstack */
	u32 sas_flags;		/* [c] */
	u32 jobctl;		/* [s] JOBCTL_* */
	struct restart_block {
		long (*fn)(struct restart_block *rb);
		u64 arg[6];
	} restart;		/* [c] */
	void *last_siginfo;	/* [s] */

	/* User-space pointers registered by the thread. [c] */
	int __user *set_child_tid, *clear_child_tid;
	void __user *robust_list;
	void __user *rseq;
	u32 rseq_len, rseq_sig;
	u32 rseq_hart;		/* the hart number last stored there */

	/* Deferred work before returning to user mode: task_defer(). */
	struct task_work {
		struct task_work *next;
		void (*fn)(struct task_work *w);
	} *deferred;		/* [a] */

	u64 utime, stime;	/* [c] ns, by ticks: task_cputime() scales them to se.sum_exec */
	u64 shown_utime, shown_stime; /* [r] what task_cputime() last said: it never goes back */
	u64 min_flt, maj_flt;	/* [c] */
	u64 io_read, io_write;	/* [c] bytes */
	u64 acct_stamp;		/* [c] when utime/stime were last advanced */
	u16 ioprio;		/* [c] IOPRIO_PRIO_VALUE(); others write single words */
	struct kthread {	/* kernel/sched/kthread.c */
		int (*fn)(void *arg);
		void *arg;
		struct completion *exited; /* [a] kthread_stop() waits there */
		int result;
		bool should_stop;
	} kthread;
	u32 personality;	/* [c] */
	u32 nr_syscall;		/* [c] current system call, -1 outside one */
	void *journal;		/* [c] filesystem transaction */
	void *plug;		/* [c] */
	void *pi_state;		/* [futex_pi_lock] PI futexes it owns; kernel/proc/futex_pi.c */
	u32 link_count;		/* [c] symlinks followed in this lookup */
	u32 fail_nth;		/* [c] DEBUG: fail the n-th allocation */
	u32 locks_held;		/* [c] DEBUG: number in held[] */
	struct lock_debug *held[16];
	u8 held_level[16];	/* [c] DEBUG: task, softirq or interrupt took it */
	struct rcu_head rcu;	/* freed after a grace period */
};

static inline void task_set_work(struct task *t, u32 bit) { atomic_or(&t->work, bit); }
static inline void task_clear_work(struct task *t, u32 bit) { atomic_and(&t->work, ~bit); }

#endif

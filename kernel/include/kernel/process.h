/* SPDX-License-Identifier: MIT */
/*
 * Processes (kernel/proc/): struct group is what the threads of one process share; fork, exec, exit, wait.
 */
#ifndef KERNEL_PROCESS_H
#define KERNEL_PROCESS_H

#include <asm/resource.h>
#include <kernel/cred.h>
#include <kernel/mutex.h>
#include <kernel/pid.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <linux/resource.h>

struct tty;

/* Letters as in <kernel/task.h>; s = sighand->lock of the group. */
struct group {
	struct refcount refs;
	u32 nr_threads;		     /* [s, t] */
	u32 live;		     /* [a] threads not yet in do_exit */
	struct list_head threads;    /* [t, RCU] task->thread_link */
	struct task *leader;	     /* [t] */
	struct pid *pids[PIDTYPE_MAX]; /* [t] TGID, PGID, SID of the process */
	struct sigpending shared_pending; /* [s] */
	struct wait_queue wait_child; /* parent waits here */
	s32 exit_code;		     /* [s] of exit_group */
	u32 flags;		     /* [s] GROUP_* */
	struct task *exec_task;	     /* [s] waits for the other threads to go */
	s32 notify_count;	     /* [s] */
	s32 stop_code;		     /* [s] signal that stopped it */
	s32 stop_count;		     /* [s] threads still to stop */
	struct core_state *core;     /* [s] a core dump is under way: kernel/proc/coredump.c */
	struct tty *tty;	     /* [s] controlling terminal, referenced */
	bool leader_of_session;	     /* [t] */
	bool child_subreaper;	     /* [t] inherits the orphans among its descendants */
	struct rlimit rlim[RLIM_NLIMITS]; /* [leader->lock]; single words read without */
	s16 oom_score_adj, oom_score_adj_min; /* [a] */
	struct mutex exec_lock;	     /* RANK_EXEC */
	/* Of threads already gone. [s] */
	u64 utime, stime, cutime, cstime, sum_exec;
	u64 min_flt, maj_flt, cmin_flt, cmaj_flt, nvcsw, nivcsw, cnvcsw, cnivcsw, maxrss, cmaxrss;
	u64 io_read, io_write;
	/* kernel/time/: setitimer, timer_create. T: timer_lock, C: the lock of all CPU-time timers (cpu_timers.c) */
	struct spinlock timer_lock;  /* RANK_POSIX_TIMER, interrupts off */
	struct timer real_timer;     /* [T] */
	ktime_t real_interval;	     /* [T] */
	struct cpu_itimer { u64 expires, interval; } cpu_itimer[2]; /* [C] VIRTUAL, PROF: ns of CPU time; 0 off */
	struct rb_root posix_timers; /* [T] by id */
	s32 next_timer_id;	     /* [T] */
	struct rb_root cpu_timers, thread_cpu_timers; /* [C] on the clocks of the process, of its threads */
	ktime_t cpu_check_at;	     /* [C, read without] nothing process-wide can expire before */
	bool cpu_timers_active;	     /* [C, read without] the tick must look */
	struct pid *tty_old_pgrp;
	struct wait_queue signalfd_wait; /* woken when a signal is queued */
	struct rcu_head rcu;
};
#define GROUP_STOPPED	  1
#define GROUP_CONTINUED	  2
#define GROUP_EXIT	  4 /* exit_group under way */
#define GROUP_EXEC	  8
#define GROUP_CLD_STOPPED 16
#define GROUP_CLD_CONTINUED 32
#define GROUP_UNKILLABLE  64 /* init */

#define EXIT_ZOMBIE 1
#define EXIT_DEAD   2

static inline u64 rlimit(u32 which) { return READ_ONCE(current->group->rlim[which].rlim_cur); }
#define for_each_thread(g, t) list_for_each_entry_rcu(t, &(g)->threads, thread_link)
#define for_each_process(p) list_for_each_entry_rcu(p, &init_task.all_link, all_link) /* leaders; under RCU or tasklist_lock */
static inline bool thread_group_leader(const struct task *t) { return t->pid == t->tgid; }

static inline struct task *task_get(struct task *t) { refcount_get(&t->refs); return t; }
void task_put(struct task *t);
void proc_init(void); /* caches; init_task's group, sighand, cred */

/* refs: one belongs to the number (task_release drops it), one to the scheduler, which drops it with task_put() when it
 * has switched away from the dead task for the last time. */
struct clone_args;
/* args are checked already (clone.c) and set_tid holds the number itself. pid or -errno. */
pid_t do_clone(const struct clone_args *args);
/* Process 1: a kernel thread with files and a place in the tree of its own that will kernel_execve(). Not woken. */
struct task *task_create_init(int (*fn)(void *), void *arg);
/* Kernel thread body for kthread_create; not woken. ERR_PTR. */
struct task *task_create_kthread(int (*fn)(void *), void *arg, const char *name);
struct task *task_create_idle(u32 hart);
/* Runs `path` as the current task; argv/envp are kernel strings. Returns only on error. */
int kernel_execve(const char *path, const char *const *argv, const char *const *envp);
extern u32 sysctl_randomize_va_space; /* 0 none, 1 stack, mmap and vDSO, 2 also brk */
void __noreturn do_exit(s32 code);	 /* wait status */
void __noreturn do_group_exit(s32 code);
void task_release(struct task *t);	 /* reaped: unlinks and drops */
/* Runs w->fn in t before it returns to user mode; false (not queued) when t is exiting. */
bool task_defer(struct task *t, struct task_work *w, void (*fn)(struct task_work *w));
void task_run_deferred(void);
void task_set_comm(struct task *t, const char *name);
/* utime, stime, children's: one process. tasklist_lock not needed. */
void group_times(struct group *g, u64 *utime, u64 *stime);
struct rusage;
void group_rusage(struct group *g, int who, struct rusage *ru);
/* Orphaned process groups and such (POSIX job control). */
bool pgrp_is_orphaned(struct pid *pgrp);
bool session_leader(struct task *t);
u32 nr_processes(void);
u32 nr_threads(void);
extern u32 max_threads;

/* Power: reboot(2), panic=, SysRq. */
void __noreturn system_poweroff(void);
void __noreturn system_reboot(void);
void __noreturn system_halt(void);

/* Names of the kernel. */
extern struct mutex uts_lock; /* RANK_MUTEX */
extern char uts_nodename[65], uts_domainname[65]; /* [uts_lock] */
extern const char uts_sysname[], uts_release[], uts_version[], uts_machine[];

#endif

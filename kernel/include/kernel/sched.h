/* SPDX-License-Identifier: MIT */
/*
 * The scheduler as others see it (kernel/sched/): EEVDF for SCHED_OTHER/BATCH/IDLE, bitmap queues for
 * FIFO/RR, one run queue a hart.
 */
#ifndef KERNEL_SCHED_H
#define KERNEL_SCHED_H

#include <kernel/task.h>

void sched_init(void);		   /* boot hart's run queue; current becomes its idle task */
void sched_init_hart(u32 hart);	   /* on a secondary hart, before it goes online */
void __noreturn sched_idle_loop(void); /* what a hart does once it is up */

/* Gives up the hart. With state RUNNING the task stays runnable. Preemption on (count 0), no spinlock held. */
void schedule(void);
/* As schedule(), woken at `deadline` (absolute CLOCK_MONOTONIC ns; 0: never). */
void schedule_until(ktime_t deadline);
/* A point where a long kernel loop lets others run. */
void cond_resched(void);
#define might_sleep()                                                                                \
	do {                                                                                         \
		if (DEBUG)                                                                           \
			might_sleep_check(__FILE__, __LINE__);                                       \
	} while (0)
void might_sleep_check(const char *file, int line);

/* Makes t runnable if its state is in `states`; true if it did. Any context. A full barrier before the look. */
bool wake_up_state(struct task *t, u32 states);
static inline bool wake_up_process(struct task *t) { return wake_up_state(t, TASK_NORMAL); }
/* First run of a forked task. */
void wake_up_new(struct task *t);
/* Interrupts a running task so that it looks at task->work soon (IPI when it runs on another hart). */
void sched_kick(struct task *t);
/* Sets the state with the barrier a following test of the condition needs. */
static inline void set_current_state(u32 state)
{
	WRITE_ONCE(current->state, state);
	smp_mb();
}

/*
 * Fork: the child's scheduling fields from the parent's. A child starts in TASK_NEW, with preempt_count 1, and belongs
 * to the current hart until it is woken; an idle task (TF_IDLE) to child->hart.
 * Exit: last call of a task, never returns. A task holds a reference of itself; the hart drops it with task_put()
 * once it runs on another stack. What t->active_mm still borrows then goes by mm_drop().
 */
void sched_fork(struct task *child, u64 clone_flags);
void __noreturn sched_exit(void);
/* Waits until t has left its hart for good (state DEAD). */
void sched_wait_inactive(struct task *t);

/* arch: the first thing a new task does, on its own stack. Leaves with interrupts and preemption on. */
void sched_finish_switch(struct task *prev);
/* arch: on the way out of an interrupt to kernel code with preempt_count 0 and WORK_RESCHED set. Interrupts off
 * before and after. On the way to user mode schedule() is the call. */
void sched_preempt_irq(void);

/* From the timer interrupt, interrupts off. Calls group_timers_tick() for the interrupted task. */
void sched_tick(void);
/* A tick is needed on this hart (more than one runnable, RT round robin, RCU, accounting). */
bool sched_tick_needed(void);

u64 task_runtime(struct task *t);	     /* ns on a hart so far, the current stretch included */
void task_cputime(struct task *t, u64 *utime, u64 *stime);
/* Entry paths do not account; the tick and switches do: charges since acct_stamp to user or system. */
void sched_account(bool user);
void sched_loadavg(u64 avg[3]);	     /* fixed point, 16 fraction bits, as /proc/loadavg and sysinfo */
u32 sched_nr_running(void);
u64 sched_nr_switches(void);
u64 hart_idle_ns(u32 hart);
struct hart_time { u64 user, nice, system, idle, iowait, irq, softirq; }; /* ns */
void sched_hart_time(u32 hart, struct hart_time *out);

/* Used by set/getpriority, sched_set*, cgroups; callers have checked permission. Errors as the calls give. */
void sched_set_nice(struct task *t, s32 nice);
#define SCHED_KEEP_POLICY (~0U) /* sched_attr.sched_policy: as it is */
struct sched_attr;
int sched_set_attr(struct task *t, const struct sched_attr *attr);
int sched_set_affinity(struct task *t, hartmask_t mask);
/* The state letter ps shows: R S D T t Z X I */
char task_state_char(struct task *t);

/* Kernel threads. The name is printf-formatted; ERR_PTR(-ENOMEM). The thread starts when woken. */
struct task *__printf(3, 4) kthread_create(int (*fn)(void *arg), void *arg, const char *fmt, ...);
struct task *__printf(3, 4) kthread_run(int (*fn)(void *arg), void *arg, const char *fmt, ...);
void kthread_bind(struct task *t, u32 hart); /* before its first wake-up */
bool kthread_should_stop(void);
int kthread_stop(struct task *t);	     /* asks, wakes, waits; returns fn's result */
struct task *idle_task(u32 hart);
extern struct task init_task;		     /* pid 0, the boot hart's idle task: heads the task list */

#endif

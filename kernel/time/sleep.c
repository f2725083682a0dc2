/* SPDX-License-Identifier: MIT */
/*
 * Sleeping for a time: nanosleep, clock_nanosleep, and the kernel's own msleep and udelay.
 *
 * A relative sleep that a signal interrupts goes on to the same deadline through the restart block,
 * unless a handler ran; an absolute one is simply called again.
 */
#include <arch/cpu.h>
#include <arch/uaccess.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <linux/time.h>

#include "clock.h"
#include "posix_timers.h"

/* current->restart.arg[] of an interrupted sleep. */
enum { SLEEP_CLOCK, SLEEP_DEADLINE, SLEEP_REST };

/* --- on the clocks of the timer queue --- */

struct sleeper {
	struct timer timer;
	struct task *task; /* NULL: woken by the timer */
};

static ktime_t sleeper_wake(struct timer *t, ktime_t now)
{
	struct sleeper *s = container_of(t, struct sleeper, timer);
	struct task *task = s->task;

	WRITE_ONCE(s->task, NULL);
	wake_up_process(task);
	return 0;
}

/* Until `deadline` of a timer base: true when it came, false when a signal did. */
static bool sleep_until(enum timer_base base, ktime_t deadline)
{
	struct sleeper s = { .task = current };

	timer_init_base(&s.timer, base, sleeper_wake);
	set_current_state(TASK_INTERRUPTIBLE);
	timer_start(&s.timer, deadline);
	while (READ_ONCE(s.task) && !signal_pending()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	set_current_state(TASK_RUNNING);
	timer_cancel_sync(&s.timer);
	return !s.task;
}

/* --- on CPU-time clocks --- */

struct cpu_sleeper {
	struct cpu_timer timer;
	struct task *task;
};

static void cpu_sleeper_wake(struct cpu_timer *ct)
{
	struct cpu_sleeper *s = container_of(ct, struct cpu_sleeper, timer);
	struct task *task = s->task;

	WRITE_ONCE(s->task, NULL);
	wake_up_process(task);
}

/* 1 when the deadline came, 0 when a signal did, -EINVAL. Until `deadline`, or with `relative` for
 * *deadline, made absolute. */
static int sleep_until_cpu(int clock, ktime_t *deadline, bool relative)
{
	struct cpu_sleeper s = { .task = current };
	int rc = cpu_timer_init(&s.timer, clock, cpu_sleeper_wake);
	u64 now = 0;

	if (rc)
		return rc;
	if (relative) {
		cpu_clock_read(&s.timer.clock, &now);
		*deadline = ktime_add_safe((ktime_t)now, *deadline);
	}
	cpu_timer_arm(&s.timer, (u64)*deadline);
	cpu_timer_poll(&s.timer);
	set_current_state(TASK_INTERRUPTIBLE);
	while (READ_ONCE(s.task) && !signal_pending()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	set_current_state(TASK_RUNNING);
	cpu_timer_exit(&s.timer);
	return !s.task;
}

/* --- the calls --- */

/* What an interrupted relative sleep returns: with its restart prepared and the rest of the time
 * told. */
static long sleep_interrupted(long (*restart)(struct restart_block *rb), int clock,
			      ktime_t deadline, ktime_t now, struct __kernel_timespec __user *rest)
{
	ktime_t left = deadline - now;

	if (left <= 0)
		return 0;
	if (rest && timespec_to_user(left, rest))
		return -EFAULT;
	current->restart.fn = restart;
	current->restart.arg[SLEEP_CLOCK] = (u64)clock;
	current->restart.arg[SLEEP_DEADLINE] = (u64)deadline;
	current->restart.arg[SLEEP_REST] = (u64)rest;
	return -ERESTART_RESTARTBLOCK;
}

static struct __kernel_timespec __user *restart_rest(const struct restart_block *rb)
{
	return (struct __kernel_timespec __user *)rb->arg[SLEEP_REST];
}

static long sleep_restart(struct restart_block *rb)
{
	ktime_t deadline = (ktime_t)rb->arg[SLEEP_DEADLINE];

	if (sleep_until(TIMER_MONO, deadline))
		return 0;
	return sleep_interrupted(sleep_restart, CLOCK_MONOTONIC, deadline, ktime_get(),
				 restart_rest(rb));
}

/* `time`: absolute on the clock, or relative (then measured on CLOCK_MONOTONIC). */
static long sleep_on(int clock, ktime_t time, bool absolute, struct __kernel_timespec __user *rest)
{
	ktime_t deadline = absolute ? time : ktime_add_safe(ktime_get(), time);

	if (sleep_until(clock_timer_base(clock, absolute), deadline))
		return 0;
	if (absolute)
		return -ERESTARTNOHAND;
	return sleep_interrupted(sleep_restart, clock, deadline, ktime_get(), rest);
}

static ktime_t cpu_clock_now(int clock)
{
	struct cpu_clock c;
	u64 ns = 0;

	if (cpu_clock_open(&c, clock, false))
		return 0;
	cpu_clock_read(&c, &ns);
	cpu_clock_close(&c);
	return (ktime_t)ns;
}

static long cpu_sleep_restart(struct restart_block *rb)
{
	int clock = (int)rb->arg[SLEEP_CLOCK];
	ktime_t deadline = (ktime_t)rb->arg[SLEEP_DEADLINE];
	int rc = sleep_until_cpu(clock, &deadline, false);

	if (rc)
		return rc < 0 ? rc : 0;
	return sleep_interrupted(cpu_sleep_restart, clock, deadline, cpu_clock_now(clock),
				 restart_rest(rb));
}

static long sleep_on_cpu(int clock, ktime_t time, bool absolute,
			 struct __kernel_timespec __user *rest)
{
	int rc = sleep_until_cpu(clock, &time, !absolute);

	if (rc)
		return rc < 0 ? rc : 0;
	if (absolute)
		return -ERESTARTNOHAND;
	return sleep_interrupted(cpu_sleep_restart, clock, time, cpu_clock_now(clock), rest);
}

/* A thread cannot sleep on its own time. */
static bool own_thread_clock(int clock)
{
	pid_t pid = ~(clock >> 3);

	return clock < 0 && (clock & 4) && (pid == 0 || pid == current->pid);
}

/* May one sleep on this clock? */
static int check_clock(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
	case CLOCK_PROCESS_CPUTIME_ID:
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		return -EOPNOTSUPP;
	}
	if (clock < 0 && clock_is_cpu(clock))
		return 0;
	return clock_has_base(clock) ? -EOPNOTSUPP : -EINVAL;
}

static bool is_alarm(int clock)
{
	return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

long sys_nanosleep(struct __kernel_timespec __user *rqtp, struct __kernel_timespec __user *rmtp)
{
	ktime_t time;
	int rc = timespec_from_user(&time, rqtp);

	return rc ? rc : sleep_on(CLOCK_MONOTONIC, time, false, rmtp);
}

long sys_clock_nanosleep(int which, int flags, const struct __kernel_timespec __user *rqtp,
			 struct __kernel_timespec __user *rmtp)
{
	bool absolute = flags & TIMER_ABSTIME;
	ktime_t time;
	int rc = check_clock(which);

	if (rc == 0)
		rc = timespec_from_user(&time, rqtp);
	if (rc)
		return rc;
	if (is_alarm(which) && (flags & ~TIMER_ABSTIME))
		return -EINVAL;
	if (is_alarm(which) && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	if (!clock_is_cpu(which))
		return sleep_on(which, time, absolute, rmtp);
	return own_thread_clock(which) ? -EINVAL : sleep_on_cpu(which, time, absolute, rmtp);
}

/* --- the kernel's own --- */

void msleep(u32 ms)
{
	ktime_t deadline = ktime_get() + ms * NSEC_PER_MSEC;

	while (ktime_get() < deadline) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_until(deadline);
	}
}

void udelay(u32 us)
{
	u64 start = cycles_now(), cycles = clock_ns_to_cycles(us * NSEC_PER_USEC);

	while (cycles_now() - start < cycles)
		cpu_relax();
}

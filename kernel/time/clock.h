/* SPDX-License-Identifier: MIT */
/*
 * What the files of kernel/time/ share: the clocks' state and how it is changed.
 */
#ifndef TIME_CLOCK_H
#define TIME_CLOCK_H

#include <arch/vdso.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>
#include <linux/time.h>

struct __kernel_timex;

/* Guards every change of the clocks, and NTP's state (ntp.c). */
extern struct spinlock clock_lock;

/* A clock that has a base (VDSO_CLOCKS). */
static inline bool clock_has_base(int id)
{
	return id >= 0 && id < VDSO_NR_CLOCKS && (VDSO_CLOCKS >> id & 1);
}
ktime_t clock_read(int id);
/* What a timer base is ahead of CLOCK_MONOTONIC. */
extern s64 clock_base_offset[NR_TIMER_BASES];
static inline s64 clock_offset(u32 base) { return READ_ONCE(clock_base_offset[base]); }
/* Ticks of the counter that surely cover ns > 0. */
u64 clock_ns_to_cycles(s64 ns);
/* The timer base user timers on a clock use; `absolute` ones on CLOCK_REALTIME follow its steps,
 * relative ones do not. */
enum timer_base clock_timer_base(int id, bool absolute);

/* All with clock_lock held. */
void clock_set_rate_locked(s64 adjust); /* faster than the counter by adjust / 2^32 */
void clock_step_real_locked(s64 delta);
void clock_leap_locked(s32 seconds);
void clock_set_tai_locked(s32 seconds);
s32 clock_tai_locked(void);
/* After CLOCK_REALTIME was stepped, without clock_lock: timers that depend on it. Process context,
 * interrupts on; or the second form from anywhere. */
void clock_was_set(void);
void clock_was_set_deferred(void);

/* ntp.c */
void ntp_clear_locked(void);		     /* the clock was set: forget corrections under way */
int ntp_adjtimex(struct __kernel_timex *tx); /* clock state TIME_*, or -EPERM, -EINVAL */

/* timer.c: on each hart, after clock_base_offset changed. */
void timers_reprogram(void *unused);

/* timerfd.c: cancels those that asked for it. Process context. */
void timerfd_clock_was_set(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Time (kernel/time/): one clocksource in nanoseconds since boot, clocks on top of it, and one timer queue a
 * hart, high resolution, tickless.
 */
#ifndef KERNEL_TIMER_H
#define KERNEL_TIMER_H

#include <kernel/rbtree.h>
#include <kernel/types.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define NSEC_PER_SEC  1000000000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_USEC 1000L
#define USER_HZ	      100 /* clock_t of times(), /proc/stat */
#define KTIME_MAX     ((ktime_t)0x7fffffffffffffffL)
#define TICK_NSEC     4000000L /* 250 a second, while a hart needs any */

void time_init(u64 timebase_hz);	    /* clocksource; from then ktime_get() works */
void time_init_hart(void);
ktime_t ktime_get(void);		    /* CLOCK_MONOTONIC */
ktime_t ktime_get_boottime(void);
ktime_t ktime_get_real(void);		    /* ns since 1970 */
ktime_t ktime_get_raw(void);		    /* CLOCK_MONOTONIC_RAW */
/* What file times use. Reading the counter is as cheap as any cache of it would be, so these are not coarse at all. */
ktime_t ktime_get_coarse(void);
ktime_t ktime_get_coarse_real(void);
/* settimeofday, clock_settime: sets CLOCK_REALTIME and cancels timers that asked for it. Process context, interrupts on. */
void time_set_real(ktime_t real);
void time_set_boot_real(ktime_t real);	    /* from an RTC driver at boot */
/*
 * Timers: fn runs in the timer interrupt (hard irq context) of the hart that armed it, with interrupts off. Returns a new
 * absolute expiry to run again, 0 to stop; after 0 the timer may be gone. Expiries are in the timer's base: CLOCK_MONOTONIC
 * ns, or CLOCK_REALTIME / CLOCK_TAI for absolute user timers, which then follow when the clock is set; so is `now`.
 */
enum timer_base { TIMER_MONO, TIMER_REAL, TIMER_TAI, NR_TIMER_BASES };
struct timer {
	struct rb_node rb;
	ktime_t expires;    /* absolute, in its base */
	ktime_t (*fn)(struct timer *t, ktime_t now);
	u32 hart;	    /* whose queue; changes only while idle, under that queue's lock */
	u16 state;	    /* 0 idle (or running), 1 queued */
	u16 base;	    /* enum timer_base */
};
void timer_init(struct timer *t, ktime_t (*fn)(struct timer *t, ktime_t now));
void timer_init_base(struct timer *t, enum timer_base base, ktime_t (*fn)(struct timer *t, ktime_t now));
void timer_start(struct timer *t, ktime_t expires); /* on this hart; moves it if queued */
bool timer_cancel(struct timer *t);	    /* true: it was queued. Does not wait */
bool timer_cancel_sync(struct timer *t);    /* and waits for a running fn; not from fn itself */
static inline bool timer_pending(const struct timer *t) { return READ_ONCE(t->state) == 1; }
/* The idle loop asks when it must wake; programs the hart's comparator. */
void timer_idle_enter(void);
void timer_idle_exit(void);
void timer_tick_update(void);		    /* the scheduler's need for a tick changed. Interrupts off */

static inline ktime_t timespec_to_ktime(const struct __kernel_timespec *ts)
{
	if (ts->tv_sec >= KTIME_MAX / NSEC_PER_SEC)
		return KTIME_MAX;
	return ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}
static inline struct __kernel_timespec ktime_to_timespec(ktime_t t)
{
	return (struct __kernel_timespec){ t / NSEC_PER_SEC, t % NSEC_PER_SEC };
}
static inline bool timespec_valid(const struct __kernel_timespec *ts)
{
	return ts->tv_sec >= 0 && (u64)ts->tv_nsec < NSEC_PER_SEC;
}
/* a + b without overflow, a deadline from now; KTIME_MAX is for ever. */
static inline ktime_t ktime_add_safe(ktime_t a, ktime_t b) { return a > KTIME_MAX - b ? KTIME_MAX : a + b; }
/* From user space: 0, -EFAULT, -EINVAL. */
int timespec_from_user(ktime_t *out, const struct __kernel_timespec __user *uts);
int timespec_to_user(ktime_t t, struct __kernel_timespec __user *uts);

/* Sleeps in the kernel. */
void msleep(u32 ms);
void udelay(u32 us); /* spins */

/* Per-process timers: setitimer, timer_create (kernel/time/itimer.c, posix_timers.c, cpu_timers.c) */
struct group;
struct task;
void group_timers_init(struct group *g);
void group_timers_exec(struct group *g);      /* timer_create()'s go; setitimer()'s stay. Process context, no lock held */
void group_timers_exit(struct group *g);      /* the last thread is going: all go. The same */
void group_timers_limit(struct group *g);     /* RLIMIT_CPU was set (fork, prlimit) */
/* CPU-time limits and ITIMER_VIRTUAL/PROF, CLOCK_*_CPUTIME timers: from the tick, interrupts off, no lock held. */
void group_timers_tick(struct task *t, bool user);
#endif

/* SPDX-License-Identifier: MIT */
/*
 * CPU-time clocks and timers, as posix_timers.c, itimer.c, sleep.c and syscalls.c share them.
 */
#ifndef TIME_POSIX_TIMERS_H
#define TIME_POSIX_TIMERS_H

#include <kernel/process.h>
#include <kernel/rbtree.h>
#include <kernel/timer.h>

/* What a CPU-time clock counts: user + system time as accounted, user time, or time on a hart
 * exactly. */
enum cpu_clock_kind { CPU_CLOCK_PROF, CPU_CLOCK_VIRT, CPU_CLOCK_SCHED, NR_CPU_CLOCK_KINDS };

/* A clock id taken apart: whose time, and which. */
struct cpu_clock {
	struct pid *pid; /* referenced */
	bool thread;
	enum cpu_clock_kind kind;
};
bool clock_is_cpu(int id); /* CLOCK_*_CPUTIME_ID, or negative and well-formed */
/* 0 or -EINVAL. reading: own threads may name their process by their own number. */
int cpu_clock_open(struct cpu_clock *c, int id, bool reading);
void cpu_clock_close(struct cpu_clock *c);
int cpu_clock_read(const struct cpu_clock *c, u64 *ns); /* 0, -EINVAL: gone */
int cpu_clock_check(int id);				/* 0, -EINVAL */
static inline enum cpu_clock_kind cpu_clock_kind_of(int id)
{
	return id >= 0 ? CPU_CLOCK_SCHED : (enum cpu_clock_kind)(id & 3);
}
/* All kinds at once. */
void cpu_sample_thread(struct task *t, u64 sample[NR_CPU_CLOCK_KINDS]);
void cpu_sample_group(struct group *g, u64 sample[NR_CPU_CLOCK_KINDS]); /* under RCU */
u64 cpu_group_runtime(struct group *g); /* CPU_CLOCK_SCHED alone; under RCU */

/*
 * A timer on a CPU-time clock. fire() runs with interrupts off and no lock held, in the tick of a
 * thread whose time it is, or in cpu_timer_poll(). Fields under cpu_timer_lock.
 */
struct cpu_timer {
	struct rb_node rb;
	struct cpu_clock clock;
	u64 expires;
	void (*fire)(struct cpu_timer *ct);
	struct rb_root *queue; /* the tree it is in; NULL: none */
	bool firing;
};
int cpu_timer_init(struct cpu_timer *ct, int clock_id,
		   void (*fire)(struct cpu_timer *ct)); /* 0, -EINVAL */
void cpu_timer_arm(struct cpu_timer *ct, u64 expires); /* any context; replaces an earlier expiry */
void cpu_timer_disarm(struct cpu_timer *ct);	       /* does not wait for fire() */
void cpu_timer_exit(struct cpu_timer *ct); /* and waits; process context, no lock held */
/* After arming, in process context with no lock held: fires at once what is due. */
void cpu_timer_poll(struct cpu_timer *ct);

extern struct spinlock cpu_timer_lock;
/* A timer of g was set or changed: the tick must look. cpu_timer_lock held. */
void cpu_timers_activate(struct group *g);
/* setitimer's share of the tick's look: what expired (bit 0 SIGVTALRM, bit 1 SIGPROF) goes into
 * *fired; returns ns of CPU time until the next one, or ~0. cpu_timer_lock held. */
u64 itimer_check_cpu(struct group *g, const u64 sample[NR_CPU_CLOCK_KINDS], u32 *fired);
void itimer_init(struct group *g);
void itimer_exit(struct group *g);
void cpu_timers_exit(struct group *g); /* the group dies: its trees are emptied */

#endif

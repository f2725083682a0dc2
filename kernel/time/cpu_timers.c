/* SPDX-License-Identifier: MIT */
/*
 * Timers on CPU-time clocks, and RLIMIT_CPU: looked at by the tick of the threads whose time they
 * count (a hart that runs anything has a tick).
 *
 * A group has two trees, of timers on the clock of the process and on those of its threads, ordered
 * by (clock, expiry). The clock of a process is the sum over its threads, too dear for each tick:
 * cpu_check_at says until when nothing process-wide can expire even if all its threads run all the
 * time.
 *
 * One lock for all groups guards the trees and setitimer's CPU-time part: such timers are rare. It
 * is never held while a timer fires: `firing` keeps the timer from being freed meanwhile.
 */
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>

#include "posix_timers.h"

#define FIRE_BATCH 16 /* a tick; the rest waits for the next one */

DEFINE_SPINLOCK(cpu_timer_lock, RANK_CPU_TIMER);

/* What a look at a group found due. */
struct due {
	struct cpu_timer *timer[FIRE_BATCH];
	u32 nr_timers;
	u32 itimers;	  /* bit 0 VIRTUAL, bit 1 PROF */
	int limit_signal; /* of RLIMIT_CPU */
};

/* --- the trees; cpu_timer_lock held --- */

/* Whether a stands before (clock, expires). */
static bool before(const struct cpu_timer *a, const struct pid *pid, enum cpu_clock_kind kind,
		   u64 expires)
{
	if (a->clock.pid != pid)
		return a->clock.pid < pid;
	if (a->clock.kind != kind)
		return a->clock.kind < kind;
	return a->expires < expires;
}

static void enqueue(struct cpu_timer *ct, struct rb_root *root)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = before(rb_entry(parent, struct cpu_timer, rb), ct->clock.pid, ct->clock.kind,
			      ct->expires)
			       ? &parent->right
			       : &parent->left;
	}
	rb_insert(&ct->rb, parent, link, root, NULL);
	ct->queue = root;
}

static void dequeue(struct cpu_timer *ct)
{
	if (!ct->queue)
		return;
	rb_erase(&ct->rb, ct->queue, NULL);
	ct->queue = NULL;
}

/* The earliest timer on one clock. */
static struct cpu_timer *first_on(const struct rb_root *root, const struct pid *pid,
				  enum cpu_clock_kind kind)
{
	struct cpu_timer *found = NULL;

	for (struct rb_node *n = root->node; n;) {
		struct cpu_timer *ct = rb_entry(n, struct cpu_timer, rb);

		if (before(ct, pid, kind, 0)) {
			n = n->right;
		} else {
			found = ct;
			n = n->left;
		}
	}
	return found && found->clock.pid == pid && found->clock.kind == kind ? found : NULL;
}

/* Takes off what is due on one thread's or process's clocks; returns the least time to go until the
 * next, ~0 none. */
static u64 collect(struct rb_root *root, const struct pid *pid,
		   const u64 sample[NR_CPU_CLOCK_KINDS], struct due *due)
{
	u64 left = ~0UL;

	for (u32 kind = 0; root->node && kind < NR_CPU_CLOCK_KINDS; kind++) {
		struct cpu_timer *ct;

		while ((ct = first_on(root, pid, kind)) && ct->expires <= sample[kind] &&
		       due->nr_timers < FIRE_BATCH) {
			dequeue(ct);
			ct->firing = true;
			due->timer[due->nr_timers++] = ct;
		}
		if (ct)
			left = MIN(left,
				   ct->expires > sample[kind] ? ct->expires - sample[kind] : 0);
	}
	return left;
}

/* --- RLIMIT_CPU --- */

static bool limit_set(const struct group *g)
{
	return READ_ONCE(g->rlim[RLIMIT_CPU].rlim_cur) != RLIM_INFINITY;
}

/* The soft limit sends SIGXCPU each second from then on, by moving itself; the hard one kills. */
static u64 check_limit(struct group *g, u64 used, int *signal)
{
	struct rlimit *r = &g->rlim[RLIMIT_CPU];
	u64 seconds = used / NSEC_PER_SEC, soft = READ_ONCE(r->rlim_cur),
	    hard = READ_ONCE(r->rlim_max);

	if (soft == RLIM_INFINITY)
		return ~0UL;
	if (seconds >= hard) {
		*signal = SIGKILL;
	} else if (seconds >= soft) {
		*signal = SIGXCPU;
		soft = seconds + 1;
		WRITE_ONCE(r->rlim_cur, soft);
	}
	return soft >= (u64)KTIME_MAX / NSEC_PER_SEC || soft <= seconds
		       ? NSEC_PER_SEC
		       : soft * NSEC_PER_SEC - used;
}

/* --- looking --- */

static void look_at_group(struct group *g, const u64 sample[NR_CPU_CLOCK_KINDS], ktime_t now,
			  struct due *due)
{
	u64 left = collect(&g->cpu_timers, g->pids[PIDTYPE_TGID], sample, due);

	left = MIN(left, itimer_check_cpu(g, sample, &due->itimers));
	left = MIN(left, check_limit(g, sample[CPU_CLOCK_PROF], &due->limit_signal));
	left /= MAX(MIN(READ_ONCE(g->nr_threads), nr_harts), 1U);
	WRITE_ONCE(g->cpu_check_at, ktime_add_safe(now, (ktime_t)MIN(left, (u64)KTIME_MAX)));
	WRITE_ONCE(g->cpu_timers_active, g->cpu_timers.node || g->thread_cpu_timers.node ||
						 g->cpu_itimer[0].expires ||
						 g->cpu_itimer[1].expires || limit_set(g));
}

static void fire(struct task *t, struct due *due)
{
	for (u32 i = 0; i < due->nr_timers; i++) {
		struct cpu_timer *ct = due->timer[i];

		ct->fire(ct);
		spin_lock(&cpu_timer_lock);
		ct->firing = false;
		spin_unlock(&cpu_timer_lock);
	}
	if (due->itimers & 1)
		send_signal_group(t, SIGVTALRM, SEND_SIG_KERNEL);
	if (due->itimers & 2)
		send_signal_group(t, SIGPROF, SEND_SIG_KERNEL);
	if (due->limit_signal)
		send_signal_group(t, due->limit_signal, SEND_SIG_KERNEL);
}

/* Fires what is due for t and its process. Interrupts off, no lock held, under RCU. */
static void look(struct task *t)
{
	struct group *g = t->group;
	ktime_t now = ktime_get();
	bool whole = now >= READ_ONCE(g->cpu_check_at);
	u64 own[NR_CPU_CLOCK_KINDS], all[NR_CPU_CLOCK_KINDS];
	struct due due = { .nr_timers = 0 };

	if (!whole && !READ_ONCE(g->thread_cpu_timers.node))
		return;
	cpu_sample_thread(t, own);
	if (whole)
		cpu_sample_group(g, all);
	spin_lock(&cpu_timer_lock);
	collect(&g->thread_cpu_timers, t->pids[PIDTYPE_PID], own, &due);
	if (whole)
		look_at_group(g, all, now, &due);
	spin_unlock(&cpu_timer_lock);
	fire(t, &due);
}

void group_timers_tick(struct task *t, bool user)
{
	struct group *g = t->group;

	if (g && unlikely(READ_ONCE(g->cpu_timers_active)))
		look(t);
}

/* --- switching the looking on --- */

void cpu_timers_activate(struct group *g)
{
	WRITE_ONCE(g->cpu_check_at, 0);
	WRITE_ONCE(g->cpu_timers_active, true);
}

void group_timers_limit(struct group *g)
{
	u64 flags;

	if (!limit_set(g))
		return;
	flags = spin_lock_irqsave(&cpu_timer_lock);
	cpu_timers_activate(g);
	spin_unlock_irqrestore(&cpu_timer_lock, flags);
}

/* --- for timer_create and clock_nanosleep --- */

int cpu_timer_init(struct cpu_timer *ct, int clock_id, void (*fire)(struct cpu_timer *ct))
{
	*ct = (struct cpu_timer) { .fire = fire };
	return cpu_clock_open(&ct->clock, clock_id, false);
}

void cpu_timer_arm(struct cpu_timer *ct, u64 expires)
{
	u64 flags = spin_lock_irqsave(&cpu_timer_lock);
	struct task *t;

	dequeue(ct);
	ct->expires = expires;
	rcu_read_lock();
	t = pid_task(ct->clock.pid, ct->clock.thread ? PIDTYPE_PID : PIDTYPE_TGID);
	if (t && READ_ONCE(t->group->live)) {
		enqueue(ct,
			ct->clock.thread ? &t->group->thread_cpu_timers : &t->group->cpu_timers);
		cpu_timers_activate(t->group);
	}
	rcu_read_unlock();
	spin_unlock_irqrestore(&cpu_timer_lock, flags);
}

void cpu_timer_disarm(struct cpu_timer *ct)
{
	u64 flags = spin_lock_irqsave(&cpu_timer_lock);

	dequeue(ct);
	spin_unlock_irqrestore(&cpu_timer_lock, flags);
}

void cpu_timer_exit(struct cpu_timer *ct)
{
	bool firing;

	do {
		u64 flags = spin_lock_irqsave(&cpu_timer_lock);

		dequeue(ct);
		firing = ct->firing;
		spin_unlock_irqrestore(&cpu_timer_lock, flags);
	} while (unlikely(firing));
	cpu_clock_close(&ct->clock);
}

void cpu_timer_poll(struct cpu_timer *ct)
{
	struct task *t;
	u64 flags;

	rcu_read_lock();
	t = pid_task(ct->clock.pid, ct->clock.thread ? PIDTYPE_PID : PIDTYPE_TGID);
	if (t) {
		flags = irq_save();
		look(t);
		irq_restore(flags);
	}
	rcu_read_unlock();
}

void cpu_timers_exit(struct group *g)
{
	u64 flags = spin_lock_irqsave(&cpu_timer_lock);

	while (g->cpu_timers.node)
		dequeue(rb_entry(g->cpu_timers.node, struct cpu_timer, rb));
	while (g->thread_cpu_timers.node)
		dequeue(rb_entry(g->thread_cpu_timers.node, struct cpu_timer, rb));
	WRITE_ONCE(g->cpu_timers_active, false);
	spin_unlock_irqrestore(&cpu_timer_lock, flags);
}

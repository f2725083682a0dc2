/* SPDX-License-Identifier: MIT */
/*
 * setitimer, getitimer: three timers a process. REAL counts time and sends SIGALRM from a timer of
 * the queue; VIRTUAL and PROF count CPU time and are looked at by the tick (cpu_timers.c). They
 * survive exec and are not inherited by fork.
 */
#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/rcu.h>
#include <kernel/syscall.h>
#include <linux/time.h>

#include "posix_timers.h"

#define USEC_PER_SEC 1000000L
/* ITIMER_REAL runs again from its own interrupt: a program that asks for more signals than it could
 * take gets these. */
#define REAL_INTERVAL_MIN (20 * NSEC_PER_USEC)

struct setting {
	ktime_t value, interval; /* ns, relative; 0 off */
};

/* --- REAL --- */

/* When the alarm after `expires` is due: a multiple of the interval away, in the future. */
static ktime_t next_alarm(ktime_t expires, ktime_t interval, ktime_t now)
{
	ktime_t earliest = now + REAL_INTERVAL_MIN;

	if (expires + interval >= earliest)
		return expires + interval;
	return expires + (earliest - expires + interval - 1) / interval * interval;
}

static ktime_t real_expired(struct timer *timer, ktime_t now)
{
	struct group *g = container_of(timer, struct group, real_timer);
	u64 flags = spin_lock_irqsave(&g->timer_lock);
	bool stale = timer_pending(timer); /* set anew while this run waited for the lock */

	if (!stale && g->real_interval)
		timer_start(timer, next_alarm(timer->expires, g->real_interval, now));
	spin_unlock_irqrestore(&g->timer_lock, flags);
	if (!stale) {
		rcu_read_lock();
		send_signal_group(READ_ONCE(g->leader), SIGALRM, SEND_SIG_KERNEL);
		rcu_read_unlock();
	}
	return 0;
}

static void get_real(struct group *g, struct setting *out)
{
	out->interval = g->real_interval;
	out->value = 0;
	if (timer_pending(&g->real_timer))
		out->value = MAX(g->real_timer.expires - ktime_get(), NSEC_PER_USEC);
}

static void set_real(struct group *g, const struct setting *new)
{
	timer_cancel(&g->real_timer);
	g->real_interval = new->value ? new->interval : 0;
	if (new->value)
		timer_start(&g->real_timer, ktime_add_safe(ktime_get(), new->value));
}

static void exchange_real(struct group *g, const struct setting *new, struct setting *old)
{
	u64 flags = spin_lock_irqsave(&g->timer_lock);

	get_real(g, old);
	if (new)
		set_real(g, new);
	spin_unlock_irqrestore(&g->timer_lock, flags);
}

/* --- VIRTUAL, PROF --- */

static const enum cpu_clock_kind itimer_kind[] = { CPU_CLOCK_VIRT, CPU_CLOCK_PROF };

u64 itimer_check_cpu(struct group *g, const u64 sample[NR_CPU_CLOCK_KINDS], u32 *fired)
{
	u64 left = ~0UL;

	for (u32 i = 0; i < ARRAY_SIZE(itimer_kind); i++) {
		struct cpu_itimer *it = &g->cpu_itimer[i];
		u64 now = sample[itimer_kind[i]];

		if (!it->expires)
			continue;
		if (it->expires <= now) {
			*fired |= 1U << i;
			it->expires = it->interval
					      ? it->expires + ((now - it->expires) / it->interval +
							       1) * it->interval
					      : 0;
		}
		if (it->expires)
			left = MIN(left, it->expires - now);
	}
	return left;
}

static void exchange_cpu(struct group *g, u32 i, const struct setting *new, struct setting *old)
{
	struct cpu_itimer *it = &g->cpu_itimer[i];
	u64 sample[NR_CPU_CLOCK_KINDS], now, flags;

	rcu_read_lock();
	cpu_sample_group(g, sample);
	rcu_read_unlock();
	now = sample[itimer_kind[i]];
	flags = spin_lock_irqsave(&cpu_timer_lock);
	old->interval = (ktime_t)it->interval;
	old->value = !it->expires	 ? 0
		     : it->expires > now ? (ktime_t)(it->expires - now)
					 : TICK_NSEC;
	if (new) {
		it->interval = (u64) new->interval;
		it->expires = new->value ? (u64)ktime_add_safe((ktime_t)now, new->value) : 0;
		if (it->expires)
			cpu_timers_activate(g);
	}
	spin_unlock_irqrestore(&cpu_timer_lock, flags);
}

/* --- the calls --- */

static void exchange(int which, const struct setting *new, struct setting *old)
{
	struct group *g = current->group;

	if (which == ITIMER_REAL)
		exchange_real(g, new, old);
	else
		exchange_cpu(g, (u32)which - ITIMER_VIRTUAL, new, old);
}

static ktime_t from_timeval(const struct __kernel_old_timeval *tv)
{
	struct __kernel_timespec ts = { tv->tv_sec, tv->tv_usec * NSEC_PER_USEC };

	return timespec_to_ktime(&ts);
}

static struct __kernel_old_timeval to_timeval(ktime_t t)
{
	return (struct __kernel_old_timeval) { t / NSEC_PER_SEC, t % NSEC_PER_SEC / NSEC_PER_USEC };
}

static bool timeval_valid(const struct __kernel_old_timeval *tv)
{
	return tv->tv_sec >= 0 && (u64)tv->tv_usec < USEC_PER_SEC;
}

static int put_setting(const struct setting *s, struct __kernel_old_itimerval __user *uit)
{
	struct __kernel_old_itimerval it = { .it_interval = to_timeval(s->interval),
					     .it_value = to_timeval(s->value) };

	return copy_struct_to_user_exact(uit, &it);
}

static int get_setting(struct setting *s, const struct __kernel_old_itimerval __user *uit)
{
	struct __kernel_old_itimerval it;

	*s = (struct setting) { 0, 0 };
	if (!uit) /* Linux: a missing new value disarms */
		return 0;
	if (copy_struct_from_user_exact(&it, uit))
		return -EFAULT;
	if (!timeval_valid(&it.it_value) || !timeval_valid(&it.it_interval))
		return -EINVAL;
	s->value = from_timeval(&it.it_value);
	s->interval = from_timeval(&it.it_interval);
	return 0;
}

long sys_getitimer(int which, struct __kernel_old_itimerval __user *value)
{
	struct setting now;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	exchange(which, NULL, &now);
	return put_setting(&now, value);
}

long sys_setitimer(int which, struct __kernel_old_itimerval __user *value,
		   struct __kernel_old_itimerval __user *ovalue)
{
	struct setting new, old;
	int rc = get_setting(&new, value);

	if (rc)
		return rc;
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	exchange(which, &new, &old);
	return ovalue ? put_setting(&old, ovalue) : 0;
}

void itimer_init(struct group *g) { timer_init(&g->real_timer, real_expired); }

void itimer_exit(struct group *g) { timer_cancel_sync(&g->real_timer); }

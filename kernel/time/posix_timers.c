/* SPDX-License-Identifier: MIT */
/*
 * timer_create and its kin.
 *
 * A timer belongs to a process and is found by its id in group->posix_timers. It is driven either
 * by the timer queue or, on a CPU-time clock, by the tick (struct cpu_timer). When it expires it
 * queues its own preallocated signal entry. A periodic one is armed again only when that signal is
 * taken (posix_timer_delivered); expiries passed meanwhile are its overrun count, so that no
 * interval, however short, can flood the machine.
 *
 * group->timer_lock guards everything. Signals are sent without it (sighand->lock comes first in
 * the order), so an expiry may lose a race against timer_settime(): `armed` and the queued state
 * tell, under the lock, whether it is stale. Freeing waits until no expiry runs. Only the owner's
 * threads delete, so nobody else's lookup can be under way at group exit.
 */
#include <arch/uaccess.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/syscall.h>
#include <linux/time.h>

#include "clock.h"
#include "posix_timers.h"

#define OVERRUN_MAX 0x7fffffff /* DELAYTIMER_MAX */

struct posix_timer {
	struct rb_node rb;   /* group->posix_timers */
	struct group *group; /* owner */
	s32 id;
	int clock;
	bool cpu;	 /* driven by .on_cpu, else by .timer */
	bool armed;	 /* will expire, or waits for its signal to be taken */
	bool requeue;	 /* periodic, expired: armed again on delivery */
	int notify;	 /* SIGEV_* */
	int sequence;	 /* of expiries: tells whose signal was delivered */
	ktime_t expires; /* on its clock (absolute CLOCK_REALTIME: on that; relative:
			    CLOCK_MONOTONIC) */
	ktime_t interval;
	u64 overrun, last_overrun;
	struct pid *target; /* thread or process that gets the signal */
	struct sigqueue *signal;
	struct timer timer;
	struct cpu_timer on_cpu;
};

/* --- driving: timer_lock held --- */

static bool queued(const struct posix_timer *it)
{
	return it->cpu ? READ_ONCE(it->on_cpu.queue) != NULL : timer_pending(&it->timer);
}

static void start(struct posix_timer *it, ktime_t expires)
{
	it->expires = expires;
	if (it->notify == SIGEV_NONE)
		return;
	if (it->cpu)
		cpu_timer_arm(&it->on_cpu, (u64)expires);
	else
		timer_start(&it->timer, expires);
}

static void stop(struct posix_timer *it)
{
	it->armed = it->requeue = false;
	if (it->cpu)
		cpu_timer_disarm(&it->on_cpu);
	else
		timer_cancel(&it->timer);
}

/* Now, on what `expires` is measured on. */
static ktime_t now_of(const struct posix_timer *it)
{
	u64 ns = 0;

	if (!it->cpu)
		return ktime_get() + clock_offset(it->timer.base);
	cpu_clock_read(&it->on_cpu.clock, &ns);
	return (ktime_t)ns;
}

/* Moves the expiry past `now` by whole intervals; how many. */
static u64 forward(struct posix_timer *it, ktime_t now)
{
	u64 n;

	if (it->expires > now)
		return 0;
	n = (u64)(now - it->expires) / (u64)it->interval + 1;
	it->expires =
		ktime_add_safe(it->expires, (ktime_t)MIN(n * (u64)it->interval, (u64)KTIME_MAX));
	return n;
}

/* --- expiry --- */

/* Takes note under the lock; false: stale, nothing is to be sent. */
static bool note_expiry(struct posix_timer *it)
{
	u64 flags = spin_lock_irqsave(&it->group->timer_lock);
	bool valid = it->armed && !it->requeue && !queued(it);

	if (valid) {
		it->sequence++;
		it->requeue = it->interval != 0;
		it->armed = it->requeue;
		sigqueue_info(it->signal)->si_sys_private = it->requeue ? it->sequence : 0;
		sigqueue_info(it->signal)->si_overrun = 0;
	}
	spin_unlock_irqrestore(&it->group->timer_lock, flags);
	return valid;
}

/* The signal is ignored or still queued: a periodic timer goes on by itself, at tick speed at most.
 */
static void expire_unheard(struct posix_timer *it)
{
	u64 flags = spin_lock_irqsave(&it->group->timer_lock);

	if (it->armed && it->requeue && !queued(it)) {
		it->requeue = false;
		it->overrun += forward(
			it, ktime_add_safe(now_of(it), it->interval < TICK_NSEC ? TICK_NSEC : 0));
		start(it, it->expires);
	}
	spin_unlock_irqrestore(&it->group->timer_lock, flags);
}

static void expire(struct posix_timer *it)
{
	bool thread = it->notify & SIGEV_THREAD_ID;
	struct task *t;
	int rc = -ESRCH;

	if (!note_expiry(it))
		return;
	rcu_read_lock();
	t = pid_task(it->target, thread ? PIDTYPE_PID : PIDTYPE_TGID);
	if (t)
		rc = send_sigqueue(it->signal, t, !thread);
	rcu_read_unlock();
	if (rc && rc != -ESRCH) /* with nobody left to tell, the timer stops */
		expire_unheard(it);
}

static ktime_t timer_expired(struct timer *t, ktime_t now)
{
	expire(container_of(t, struct posix_timer, timer));
	return 0;
}

static void cpu_timer_expired(struct cpu_timer *ct)
{
	expire(container_of(ct, struct posix_timer, on_cpu));
}

/* --- the process's timers by id: timer_lock held --- */

static struct posix_timer *find(struct group *g, s32 id)
{
	struct rb_node *n = g->posix_timers.node;

	while (n) {
		struct posix_timer *it = rb_entry(n, struct posix_timer, rb);

		if (it->id == id)
			return it;
		n = id < it->id ? n->left : n->right;
	}
	return NULL;
}

static void insert(struct group *g, struct posix_timer *it)
{
	struct rb_node **link = &g->posix_timers.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = it->id < rb_entry(parent, struct posix_timer, rb)->id ? &parent->left
									     : &parent->right;
	}
	rb_insert(&it->rb, parent, link, &g->posix_timers, NULL);
}

static s32 new_id(struct group *g)
{
	s32 id;

	do {
		id = g->next_timer_id;
		g->next_timer_id = (id + 1) & 0x7fffffff;
	} while (find(g, id));
	return id;
}

static struct posix_timer *lock_timer(s32 id, u64 *flags)
{
	struct group *g = current->group;
	struct posix_timer *it;

	*flags = spin_lock_irqsave(&g->timer_lock);
	it = find(g, id);
	if (!it)
		spin_unlock_irqrestore(&g->timer_lock, *flags);
	return it;
}

static void unlock_timer(struct posix_timer *it, u64 flags)
{
	spin_unlock_irqrestore(&it->group->timer_lock, flags);
}

/* --- making and ending --- */

static void free_timer(struct posix_timer *it)
{
	if (it->signal)
		sigqueue_free(it->signal);
	pid_put(it->target);
	kfree(it);
}

/* `it` is off the tree: nobody can arm it any more. */
static void retire(struct posix_timer *it)
{
	if (it->cpu)
		cpu_timer_exit(&it->on_cpu);
	else
		timer_cancel_sync(&it->timer);
	free_timer(it);
}

/* May a timer run on this clock? 0, -EINVAL, -EOPNOTSUPP, -EPERM. */
static int check_clock(int id)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return capable(CAP_WAKE_ALARM) ? 0 : -EPERM;
	}
	if (clock_is_cpu(id))
		return 0;
	return clock_has_base(id) ? -EOPNOTSUPP : -EINVAL;
}

/* Who gets the signal: referenced. NULL: the event is malformed, or names a thread of somebody
 * else. */
static struct pid *event_target(const struct sigevent *ev)
{
	struct pid *pid = current->group->pids[PIDTYPE_TGID];
	struct task *t;

	if ((ev->sigev_notify & ~SIGEV_THREAD_ID) > SIGEV_THREAD || ev->sigev_notify < 0)
		return NULL;
	if (ev->sigev_notify & SIGEV_THREAD_ID && ev->sigev_notify != SIGEV_THREAD_ID)
		return NULL;
	if (ev->sigev_notify != SIGEV_NONE && (ev->sigev_signo <= 0 || ev->sigev_signo > _NSIG))
		return NULL;
	rcu_read_lock();
	if (ev->sigev_notify == SIGEV_THREAD_ID) {
		pid = pid_find(ev->_sigev_un._tid);
		t = pid ? pid_task(pid, PIDTYPE_PID) : NULL;
		if (!t || t->group != current->group)
			pid = NULL;
	}
	if (pid && !refcount_get_unless_zero(&pid->refs))
		pid = NULL;
	rcu_read_unlock();
	return pid;
}

static struct posix_timer *make_timer(int clock)
{
	struct posix_timer *it = kzalloc(sizeof(*it), GFP_KERNEL);
	int rc = 0;

	if (!it)
		return ERR_PTR(-EAGAIN);
	it->group = current->group;
	it->clock = clock;
	it->cpu = clock_is_cpu(clock);
	timer_init(&it->timer, timer_expired);
	if (it->cpu)
		rc = cpu_timer_init(&it->on_cpu, clock, cpu_timer_expired);
	if (rc) {
		kfree(it);
		return ERR_PTR(rc);
	}
	it->signal = sigqueue_alloc();
	if (!it->signal) {
		retire(it);
		return ERR_PTR(-EAGAIN);
	}
	return it;
}

static void fill_signal(struct posix_timer *it, const struct sigevent *ev)
{
	siginfo_t *info = sigqueue_info(it->signal);

	info->si_signo = ev->sigev_signo;
	info->si_code = SI_TIMER;
	info->si_tid = it->id;
	info->si_value = ev->sigev_value;
}

/* Takes the timer off the tree and ends it; -EINVAL when there is none of this id (any more). */
static int delete (s32 id)
{
	u64 flags;
	struct posix_timer *it = lock_timer(id, &flags);

	if (!it)
		return -EINVAL;
	stop(it);
	rb_erase(&it->rb, &it->group->posix_timers, NULL);
	unlock_timer(it, flags);
	retire(it);
	return 0;
}

long sys_timer_create(int which, struct sigevent __user *event, int __user *timerid)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct group *g = current->group;
	struct posix_timer *it;
	u64 flags;
	s32 id;
	int rc = check_clock(which);

	if (rc)
		return rc;
	if (event && copy_struct_from_user_exact(&ev, event))
		return -EFAULT;
	it = make_timer(which);
	if (IS_ERR(it))
		return PTR_ERR(it);
	it->target = event_target(&ev);
	if (!it->target) {
		retire(it);
		return -EINVAL;
	}
	it->notify = ev.sigev_notify;
	flags = spin_lock_irqsave(&g->timer_lock);
	it->id = id = new_id(g);
	if (!event)
		ev.sigev_value.sival_int = id;
	fill_signal(it, &ev);
	insert(g, it);
	spin_unlock_irqrestore(&g->timer_lock, flags);
	if (put_user(id, timerid)) {
		delete (id);
		return -EFAULT;
	}
	return 0;
}

long sys_timer_delete(int timerid) { return delete (timerid); }

/* --- setting and reading --- */

static struct __kernel_itimerspec setting_of(struct posix_timer *it)
{
	struct __kernel_itimerspec s = { .it_interval = ktime_to_timespec(it->interval) };
	bool none = it->notify == SIGEV_NONE;
	ktime_t now, left;

	if (!it->armed)
		return s;
	now = now_of(it);
	if (it->interval && (it->requeue || none))
		it->overrun += forward(it, now);
	left = it->expires - now;
	if (left <= 0) /* expired this moment: a timer that runs does not read as stopped */
		left = none ? 0 : 1;
	s.it_value = ktime_to_timespec(left);
	return s;
}

static void apply_setting(struct posix_timer *it, const struct __kernel_itimerspec *new,
			  bool absolute)
{
	ktime_t value = timespec_to_ktime(&new->it_value);

	stop(it);
	it->overrun = it->last_overrun = 0;
	it->interval = 0;
	if (!value)
		return;
	it->interval = timespec_to_ktime(&new->it_interval);
	it->timer.base = clock_timer_base(it->clock, absolute);
	it->armed = true;
	start(it, absolute ? value : ktime_add_safe(now_of(it), value));
}

long sys_timer_gettime(int timerid, struct __kernel_itimerspec __user *setting)
{
	struct __kernel_itimerspec now;
	u64 flags;
	struct posix_timer *it = lock_timer(timerid, &flags);

	if (!it)
		return -EINVAL;
	now = setting_of(it);
	unlock_timer(it, flags);
	return copy_struct_to_user_exact(setting, &now);
}

/* What a CPU-time timer set to the past is owed. The timer may be deleted meanwhile: looks by
 * clock, not by timer. */
static void poll_cpu_clock(int clock)
{
	struct cpu_timer probe;

	if (cpu_timer_init(&probe, clock, NULL))
		return;
	cpu_timer_poll(&probe);
	cpu_timer_exit(&probe);
}

long sys_timer_settime(int timerid, int flags, const struct __kernel_itimerspec __user *new,
		       struct __kernel_itimerspec __user *old)
{
	struct __kernel_itimerspec set, was;
	struct posix_timer *it;
	u64 irq;
	int cpu_clock = 0;

	if (!new)
		return -EINVAL;
	if (copy_struct_from_user_exact(&set, new))
		return -EFAULT;
	if (!timespec_valid(&set.it_interval) || !timespec_valid(&set.it_value))
		return -EINVAL;
	it = lock_timer(timerid, &irq);
	if (!it)
		return -EINVAL;
	was = setting_of(it);
	apply_setting(it, &set, flags & TIMER_ABSTIME);
	if (it->cpu)
		cpu_clock = it->clock;
	unlock_timer(it, irq);
	if (cpu_clock)
		poll_cpu_clock(cpu_clock);
	return old ? copy_struct_to_user_exact(old, &was) : 0;
}

long sys_timer_getoverrun(int timerid)
{
	u64 flags;
	struct posix_timer *it = lock_timer(timerid, &flags);
	long n;

	if (!it)
		return -EINVAL;
	n = (long)MIN(it->last_overrun, (u64)OVERRUN_MAX);
	unlock_timer(it, flags);
	return n;
}

/* --- what signals ask --- */

void posix_timer_delivered(siginfo_t *info)
{
	u64 flags;
	struct posix_timer *it = lock_timer(info->si_tid, &flags);

	if (it && info->si_sys_private == it->sequence && it->armed) {
		if (it->requeue) {
			it->requeue = false;
			it->overrun += MAX(forward(it, now_of(it)), 1UL) - 1;
			start(it, it->expires);
		}
		it->last_overrun = it->overrun;
		it->overrun = 0;
		info->si_overrun = (int)MIN(it->last_overrun, (u64)OVERRUN_MAX);
	}
	if (it)
		unlock_timer(it, flags);
	info->si_sys_private = 0;
}

/* --- the life of a process --- */

void group_timers_init(struct group *g)
{
	spinlock_init(&g->timer_lock, RANK_POSIX_TIMER);
	itimer_init(g);
}

void group_timers_exec(struct group *g)
{
	for (;;) {
		u64 flags = spin_lock_irqsave(&g->timer_lock);
		struct rb_node *n = g->posix_timers.node;
		s32 id = n ? rb_entry(n, struct posix_timer, rb)->id : 0;

		spin_unlock_irqrestore(&g->timer_lock, flags);
		if (!n)
			return;
		delete (id);
	}
}

void group_timers_exit(struct group *g)
{
	itimer_exit(g);
	group_timers_exec(g);
	cpu_timers_exit(g);
}

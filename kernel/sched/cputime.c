/* SPDX-License-Identifier: MIT */
/*
 * Where the time goes.
 *
 * How long a task ran is known to the nanosecond (se.sum_exec, charged at switches and ticks).
 * How that splits into user and system is sampled: entering and leaving the kernel costs nothing,
 * the tick charges what passed since the last one to the mode it interrupts. task_cputime()
 * scales the samples to the precise sum. A hart's idle time is precise, too; of its busy time,
 * what no tick saw goes where most of the task's sampled time went.
 */
#include <kernel/sched.h>

#include <arch/irqflags.h>
#include <kernel/hart.h>

#include "rq.h"

static u64 *busy_bucket(struct rq *rq, const struct task *t, bool user)
{
	if (!user)
		return &rq->time.system;
	return t->nice > 0 ? &rq->time.nice : &rq->time.user;
}

static u64 since_stamp(struct rq *rq)
{
	u64 delta = rq->clock > rq->account_stamp ? rq->clock - rq->account_stamp : 0;

	rq->account_stamp = rq->clock;
	return delta;
}

/* rq->lock held: prev leaves the hart. */
void account_switch(struct rq *rq, struct task *prev)
{
	u64 delta = since_stamp(rq);

	if (prev == rq->idle)
		rq->time.idle += delta;
	else
		*busy_bucket(rq, prev, prev->mm && prev->utime >= prev->stime) += delta;
}

/* rq->lock held, in the timer interrupt. */
void account_tick(struct rq *rq, bool user)
{
	u64 delta = since_stamp(rq);

	if (in_softirq())
		rq->time.softirq += delta;
	else if (rq->curr == rq->idle)
		rq->time.idle += delta;
	else
		*busy_bucket(rq, rq->curr, user) += delta;
}

/* Interrupts off. What a softirq used of the task's time is not the task's. */
void sched_account(bool user)
{
	struct task *t = current;
	u64 now = this_hart(rq).clock, delta = now > t->acct_stamp ? now - t->acct_stamp : 0;

	t->acct_stamp = now;
	if (user)
		t->utime += delta;
	else if (!in_softirq())
		t->stime += delta;
}

/* total * part / whole for part <= whole, without overflow; exact to 2^-31. */
static u64 share_of(u64 total, u64 part, u64 whole)
{
	u64 share;

	while (whole >> 32) {
		whole >>= 1;
		part >>= 1;
	}
	if (whole == 0)
		return 0;
	share = (part << 31) / whole;
	return (total >> 31) * share + (((total & 0x7fffffff) * share) >> 31);
}

static u64 scaled_stime(const struct task *t, u64 runtime)
{
	if (t->utime == 0)
		return t->stime || !t->mm ? runtime : 0;
	return share_of(runtime, t->stime, t->stime + t->utime);
}

/* Neither part ever goes back, and they add up to the run time whenever it has grown past what
 * was shown. */
void task_cputime(struct task *t, u64 *utime, u64 *stime)
{
	u64 flags, runtime, scaled;
	struct rq *rq = task_rq_lock(t, &flags);

	runtime = t->se.sum_exec;
	if (rq->curr == t && rq->clock > t->se.exec_start)
		runtime += rq->clock - t->se.exec_start;
	if (runtime > t->shown_utime + t->shown_stime) {
		scaled = MAX(scaled_stime(t, runtime), t->shown_stime);
		scaled = MIN(scaled, runtime - t->shown_utime);
		t->shown_stime = scaled;
		t->shown_utime = runtime - scaled;
	}
	*utime = t->shown_utime;
	*stime = t->shown_stime;
	task_rq_unlock(rq, flags);
}

void sched_hart_time(u32 hart, struct hart_time *out)
{
	struct rq *rq = rq_of(hart);
	u64 flags, delta;

	*out = (struct hart_time) { 0 };
	if (!(READ_ONCE(harts_online) & HARTMASK_OF(hart)))
		return;
	flags = spin_lock_irqsave(&rq->lock);
	rq_update_clock(rq);
	delta = rq->clock > rq->account_stamp ? rq->clock - rq->account_stamp : 0;
	*out = rq->time;
	if (rq->curr == rq->idle)
		out->idle += delta;
	spin_unlock_irqrestore(&rq->lock, flags);
}

u64 hart_idle_ns(u32 hart)
{
	struct hart_time time;

	sched_hart_time(hart, &time);
	return time.idle;
}

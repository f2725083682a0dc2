/* SPDX-License-Identifier: MIT */
/*
 * Load averages: how many tasks run or wait uninterruptibly, averaged over 1, 5 and 15 minutes.
 *
 * A sample is due every 5 s. Any busy hart's tick takes it, and so does whoever asks. Samples
 * that are overdue were slept through by every hart: nobody ran then, so they count only the
 * uninterruptible.
 */
#include <kernel/sched.h>

#include <kernel/hart.h>

#include "rq.h"

#define PERIOD	   (5 * NSEC_PER_SEC)
#define ONE	   (1UL << 16)
#define MISSED_MAX 1440 /* after two hours of sleep nothing of the past is left */

/* exp(-5 s / 1, 5, 15 min), in 1/65536 */
static const u64 decay[3] = { 60296, 64453, 65173 };

static DEFINE_SPINLOCK(load_lock, RANK_TASK_PI); /* interrupts off */
static u64 load[3];				 /* [load_lock] */
static u64 next_sample;				 /* [load_lock]; read without for a first look */

static u64 uninterruptible(void)
{
	s64 n = 0;
	u32 h;

	for_each_hart_in (h, READ_ONCE(harts_online))
		n += READ_ONCE(rq_of(h)->nr_uninterruptible);
	return n > 0 ? (u64)n : 0;
}

static void sample(u64 active)
{
	for (u32 i = 0; i < 3; i++) {
		u64 v = load[i] * decay[i] + active * ONE * (ONE - decay[i]);

		if (active * ONE >= load[i])
			v += ONE - 1;
		load[i] = v / ONE;
	}
}

static void catch_up(u64 now)
{
	u64 due;

	if (next_sample == 0)
		next_sample = now + PERIOD;
	if (now < next_sample)
		return;
	due = (now - next_sample) / PERIOD + 1;
	next_sample += due * PERIOD;
	for (u64 missed = MIN(due - 1, (u64)MISSED_MAX); missed > 0; missed--)
		sample(uninterruptible());
	sample(sched_nr_running() + uninterruptible());
}

void loadavg_tick(u64 now)
{
	if (likely(now < READ_ONCE(next_sample)))
		return;
	if (!spin_trylock(&load_lock))
		return;
	catch_up(now);
	spin_unlock(&load_lock);
}

void sched_loadavg(u64 avg[3])
{
	u64 flags = spin_lock_irqsave(&load_lock);

	catch_up((u64)ktime_get());
	for (u32 i = 0; i < 3; i++)
		avg[i] = load[i];
	spin_unlock_irqrestore(&load_lock, flags);
}

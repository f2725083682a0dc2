/* SPDX-License-Identifier: MIT */
/* Softirqs: on the hart that raised them, with interrupts on, held off by local_bh_disable(),
 * continued by ksoftirqd. */
#include <kernel/init.h>
#include <kernel/irq.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#include "threads.h"

#define AGAIN 200

static u32 runs[NR_HARTS_MAX]; /* [hart] */
static u32 wrong, again, by_thread;

/* SOFTIRQ_HI has no other user. */
static void handler(void)
{
	if (irqs_disabled() || !in_softirq() || in_hardirq())
		atomic_inc(&wrong);
	runs[this_hart_nr()]++;
	if (strncmp(current->comm, "ksoftirqd/", 10) == 0)
		atomic_inc(&by_thread);
	if (READ_ONCE(again)) {
		again--;
		softirq_raise(SOFTIRQ_HI);
	}
}

static void open_once(void)
{
	static bool opened;

	if (!opened)
		softirq_open(SOFTIRQ_HI, handler);
	opened = true;
	memset(runs, 0, sizeof(runs));
	wrong = again = by_thread = 0;
}

static void raise_here(void *arg) { softirq_raise(SOFTIRQ_HI); }

KERNEL_TEST(softirq_runs_on_its_hart)
{
	u32 h;

	open_once();
	hart_call(READ_ONCE(harts_online), raise_here, NULL);
	for_each_hart_in (h, READ_ONCE(harts_online))
		EXPECT(test_reaches(&runs[h], 1));
	EXPECT(wrong == 0);
	return NULL;
}

KERNEL_TEST(softirq_waits_for_bh_enable)
{
	u32 hart;

	open_once();
	local_bh_disable();
	hart = this_hart_nr();
	softirq_raise(SOFTIRQ_HI);
	udelay(10000);
	EXPECT(READ_ONCE(runs[hart]) == 0);
	local_bh_enable();
	EXPECT(READ_ONCE(runs[hart]) == 1);
	return NULL;
}

KERNEL_TEST(softirq_goes_to_ksoftirqd_under_load)
{
	u32 hart;

	open_once();
	again = AGAIN;
	local_bh_disable();
	hart = this_hart_nr();
	softirq_raise(SOFTIRQ_HI);
	local_bh_enable();
	EXPECT(test_reaches(&runs[hart], AGAIN + 1));
	EXPECT(by_thread > 0);
	EXPECT(wrong == 0);
	return NULL;
}

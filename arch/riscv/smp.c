/* SPDX-License-Identifier: MIT */
/*
 * The other harts: starting them one after the other through SBI HSM, and stopping them at the end.
 *
 * A start is a conversation with a time limit, as firmware may say yes and nothing comes: the hart
 * says ALIVE, is told GO once its logical number counts, says ONLINE when its scheduler runs. One
 * that comes after its time finds itself ABANDONED and parks; its stack and its idle task stay its
 * own.
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/timer.h>
#include <kernel/vm.h>

#include "csr.h"
#include "machine.h"
#include "sbi.h"

#define START_SECONDS	5
#define STOP_PER_SECOND 10 /* a tenth of a second */

enum start_state { START_WAITING, START_ALIVE, START_GO, START_ONLINE, START_ABANDONED };

struct start {
	struct task *idle;
	u32 state; /* [a] enum start_state */
};
static struct start starts[NR_HARTS_MAX]; /* by attempt */
static u32 nr_starts;

static bool stopping;		 /* [a] the machine ends: every hart but one stops */
static hartmask_t stopped_harts; /* [a] */

/* Waits until the state is no longer `from`; false when the time is over. */
static bool state_left(struct start *s, u32 from)
{
	u64 end = cycles_now() + START_SECONDS * isa.timebase_hz;

	while (smp_load_acquire(&s->state) == from) {
		if (cycles_now() > end)
			return !atomic_cmpxchg(&s->state, from, START_ABANDONED);
		cpu_relax();
	}
	return true;
}

static struct start *__must_check prepare(u32 hart, u64 hwid)
{
	struct start *s = &starts[nr_starts];
	struct task *idle = task_create_idle(hart);

	if (IS_ERR(idle)) {
		pr_err("smp: no memory for hart %lu", (unsigned long)hwid);
		return NULL;
	}
	nr_starts++;
	hart_areas_init(hart + 1);
	hart_set_hwid(hart, hwid);
	idle->hart = hart;
	idle->hart_offset = hart_offset[hart];
	idle->mm = NULL;
	idle->active_mm = &init_mm;
	idle->affinity = HARTMASK_OF(hart);
	idle->on_hart = true;
	s->idle = idle;
	smp_store_release(&s->state, START_WAITING);
	return s;
}

static void start_hart(u64 hwid)
{
	struct start *s = prepare(nr_harts, hwid);
	struct sbi_ret r;

	if (!s)
		return;
	r = sbi_hart_start(hwid, kernel_to_phys(secondary_entry), (u64)s->idle);
	if (r.error) {
		pr_err("smp: the firmware does not start hart %lu: error %ld", (unsigned long)hwid,
		       r.error);
		return;
	}
	if (!state_left(s, START_WAITING)) {
		pr_err("smp: hart %lu did not come within %d s: left out", (unsigned long)hwid,
		       START_SECONDS);
		return;
	}
	nr_harts++;
	smp_store_release(&s->state, START_GO);
	while (smp_load_acquire(&s->state) != START_ONLINE) /* our own code from here on */
		cpu_relax();
}

void smp_boot(u32 max)
{
	u32 n = MIN(max, harts_possible());

	if (n > 1 && !sbi.hsm) {
		pr_warn("smp: the firmware cannot start harts (no HSM): one hart of %u", n);
		return;
	}
	for (u32 i = 0; i < harts_possible() && nr_harts < n && nr_starts < NR_HARTS_MAX; i++)
		if (hart_possible_hwid(i) != boot_hartid)
			start_hart(hart_possible_hwid(i));
	pr_info("smp: %u of %u harts online", nr_harts, harts_possible());
}

/* From head.S on the idle task's stack, with the kernel's page tables loaded and interrupts off. */
void secondary_start(void)
{
	u32 hart = current->hart;
	struct start *s = starts;

	while (s->idle != current)
		s++;
	if (!atomic_cmpxchg(&s->state, START_WAITING, START_ALIVE))
		hart_park();
	while (smp_load_acquire(&s->state) != START_GO)
		cpu_relax();
	hart_csr_init();
	tlb_init_hart();
	sched_init_hart(hart);
	time_init_hart();
	atomic_fetch_or(&harts_online, HARTMASK_OF(hart));
	smp_store_release(&s->state, START_ONLINE);
	irq_enable();
	sched_idle_loop();
}

/* --- the end --- */

bool hart_stop_wanted(void) { return READ_ONCE(stopping); }

void hart_stop_here(void)
{
	irq_disable();
	atomic_fetch_or(&stopped_harts, HARTMASK_OF(this_hart_nr()));
	sbi_hart_stop();
	hart_park();
}

void hart_shutdown_others(void)
{
	hartmask_t others = READ_ONCE(harts_online) & ~HARTMASK_OF(this_hart_nr());
	u64 end;

	if (others == 0)
		return;
	WRITE_ONCE(stopping, true);
	ipi_send(others);
	end = cycles_now() + isa.timebase_hz / STOP_PER_SECOND;
	while ((READ_ONCE(stopped_harts) & others) != others && cycles_now() < end)
		cpu_relax();
	atomic_fetch_and(&harts_online, ~others);
}

void hart_park(void)
{
	csr_write(sie, 0);
	for (;;)
		cpu_wait();
}

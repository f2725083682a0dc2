/* SPDX-License-Identifier: MIT */
/*
 * The clocksource and the clocks on top of it.
 *
 * All clocks but the CPU-time ones are a base plus `(counter - cycle_last) * mult / 2^48` with the
 * same counter reading: the time CSR. Bases and rates stand in one page that user programs read too
 * (*vdso_data). It changes only when a clock is set, its rate is adjusted, or a leap second passes;
 * and every 2^45 counts (40 days at 10 MHz), so that the product does not overflow.
 *
 * Writers hold clock_lock with interrupts off, and count in seq_begin before and in seq_end after
 * each change; readers retry. A reader in an interrupt that hits the writer is impossible
 * (interrupts are off); on another hart it waits a few instructions.
 */
#include "clock.h"

#include <arch/cpu.h>
#include <kernel/clock_read.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/workqueue.h>

#define INVERSE_SHIFT 56
#define ADJUST_SHIFT  32
#define REBASE_CYCLES (1L << 45)

static struct vdso_data boot_data = {
	.nsec_per_sec = VDSO_NSEC_PER_SEC,
	.div_nsec_per_sec = VDSO_DIV_NSEC_PER_SEC,
};
struct vdso_data *vdso_data = &boot_data;

DEFINE_SPINLOCK(clock_lock, RANK_CLOCK);
s64 clock_base_offset[NR_TIMER_BASES];
static s64 rate_adjust;	 /* [clock_lock] mult = raw mult * (1 + rate_adjust / 2^ADJUST_SHIFT) */
static s32 tai_seconds;	 /* [clock_lock] CLOCK_TAI - CLOCK_REALTIME */
static u64 inverse_mult; /* cycles = ns * inverse_mult >> INVERSE_SHIFT */

/* Which base of vdso_data a clock's value goes with. */
static const u8 real_clocks[] = { CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_REALTIME_ALARM };

/* --- reading --- */

static __always_inline ktime_t read_clock(int id) { return clock_read_inline(id); }

ktime_t ktime_get(void) { return read_clock(CLOCK_MONOTONIC); }

ktime_t ktime_get_coarse(void) { return read_clock(CLOCK_MONOTONIC); }

ktime_t ktime_get_boottime(void) { return read_clock(CLOCK_BOOTTIME); }

ktime_t ktime_get_real(void) { return read_clock(CLOCK_REALTIME); }

ktime_t ktime_get_coarse_real(void) { return read_clock(CLOCK_REALTIME); }

ktime_t ktime_get_raw(void) { return read_clock(CLOCK_MONOTONIC_RAW); }

ktime_t clock_read(int id) { return read_clock(id); }

u64 clock_ns_to_cycles(s64 ns)
{
	return (u64)(((unsigned __int128)(u64)ns * READ_ONCE(inverse_mult)) >> INVERSE_SHIFT) + 1;
}

enum timer_base clock_timer_base(int id, bool absolute)
{
	if (absolute && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_ALARM))
		return TIMER_REAL;
	return absolute && id == CLOCK_TAI ? TIMER_TAI : TIMER_MONO;
}

/* --- changing; clock_lock held --- */

static s64 base_of(int id) { return vdso_data->clock[id].base_ns; }

static void write_begin(void)
{
	WRITE_ONCE(vdso_data->seq_begin, vdso_data->seq_begin + 1);
	smp_wmb();
}

static void write_end(void)
{
	WRITE_ONCE(clock_base_offset[TIMER_REAL],
		   base_of(CLOCK_REALTIME) - base_of(CLOCK_MONOTONIC));
	WRITE_ONCE(clock_base_offset[TIMER_TAI], base_of(CLOCK_TAI) - base_of(CLOCK_MONOTONIC));
	smp_wmb();
	WRITE_ONCE(vdso_data->seq_end, vdso_data->seq_begin);
}

/* Moves all bases to now. */
static void forward(void)
{
	u64 cycles = cycles_now();
	s64 elapsed = (s64)(cycles - vdso_data->cycle_last);

	for (u32 id = 0; id < VDSO_NR_CLOCKS; id++)
		vdso_data->clock[id].base_ns +=
			vdso_cycles_to_ns(elapsed, vdso_data->clock[id].mult);
	vdso_data->cycle_last = cycles;
}

/* 2^(VDSO_MULT_SHIFT + INVERSE_SHIFT) / mult, by long division. */
static u64 invert_mult(u64 mult)
{
	u64 quotient = 0, rest = 0;

	for (s32 bit = VDSO_MULT_SHIFT + INVERSE_SHIFT; bit >= 0; bit--) {
		rest = rest << 1 | (bit == VDSO_MULT_SHIFT + INVERSE_SHIFT);
		quotient <<= 1;
		if (rest >= mult) {
			rest -= mult;
			quotient |= 1;
		}
	}
	return quotient;
}

static void set_mult(u64 raw, u64 adjusted)
{
	for (u32 id = 0; id < VDSO_NR_CLOCKS; id++)
		if (VDSO_CLOCKS >> id & 1)
			WRITE_ONCE(vdso_data->clock[id].mult,
				   id == CLOCK_MONOTONIC_RAW ? raw : adjusted);
}

void clock_set_rate_locked(s64 adjust)
{
	u64 raw = vdso_data->clock[CLOCK_MONOTONIC_RAW].mult;
	u64 adjusted = raw + (u64)(((__int128)adjust * (s64)raw) >> ADJUST_SHIFT);

	if (adjust == rate_adjust)
		return;
	rate_adjust = adjust;
	WRITE_ONCE(inverse_mult, invert_mult(adjusted));
	write_begin();
	forward();
	set_mult(raw, adjusted);
	write_end();
}

static void step_real(s64 delta)
{
	for (u32 i = 0; i < ARRAY_SIZE(real_clocks); i++)
		vdso_data->clock[real_clocks[i]].base_ns += delta;
}

void clock_step_real_locked(s64 delta)
{
	write_begin();
	step_real(delta);
	vdso_data->clock[CLOCK_TAI].base_ns += delta;
	write_end();
}

/* A leap second: CLOCK_REALTIME jumps, CLOCK_TAI does not. */
void clock_leap_locked(s32 seconds)
{
	write_begin();
	step_real(seconds * NSEC_PER_SEC);
	tai_seconds -= seconds;
	write_end();
}

s32 clock_tai_locked(void) { return tai_seconds; }

void clock_set_tai_locked(s32 seconds)
{
	write_begin();
	vdso_data->clock[CLOCK_TAI].base_ns += (seconds - tai_seconds) * NSEC_PER_SEC;
	tai_seconds = seconds;
	write_end();
}

/* --- setting --- */

void clock_was_set(void)
{
	hart_call(harts_online, timers_reprogram, NULL);
	timerfd_clock_was_set();
}

static void was_set_work(struct work *w) { clock_was_set(); }

void clock_was_set_deferred(void)
{
	static struct work work = WORK_INIT(work, was_set_work);

	work_schedule(&work);
}

static void set_real(ktime_t real)
{
	u64 flags = spin_lock_irqsave(&clock_lock);

	clock_step_real_locked(real - ktime_get_real());
	ntp_clear_locked();
	spin_unlock_irqrestore(&clock_lock, flags);
}

void time_set_real(ktime_t real)
{
	set_real(real);
	clock_was_set();
}

void time_set_boot_real(ktime_t real) { set_real(real); }

/* 10^9 / hz with VDSO_MULT_SHIFT fraction bits, in steps that do not overflow. */
static u64 mult_of(u64 hz)
{
	u64 whole = NSEC_PER_SEC / hz, rest = (NSEC_PER_SEC % hz) << (VDSO_MULT_SHIFT / 2);
	u64 high = rest / hz, low = ((rest % hz) << (VDSO_MULT_SHIFT / 2)) / hz;

	return (whole << VDSO_MULT_SHIFT) + (high << (VDSO_MULT_SHIFT / 2)) + low;
}

void time_init(u64 timebase_hz)
{
	u64 mult;

	/* mult, and a tenth more of it, must stay below 2^63. */
	if (timebase_hz < 40000 || timebase_hz > 4000000000UL)
		panic("time: impossible timebase-frequency %llu", timebase_hz);
	vdso_data->cycle_last = cycles_now();
	mult = mult_of(timebase_hz);
	inverse_mult = invert_mult(mult);
	set_mult(mult, mult);
}

void vdso_data_place(struct vdso_data *page)
{
	u64 flags = spin_lock_irqsave(&clock_lock);

	*page = *vdso_data;
	smp_store_release(&vdso_data, page);
	spin_unlock_irqrestore(&clock_lock, flags);
}

/* --- moving the base on --- */

static ktime_t rebase(struct timer *t, ktime_t now)
{
	u64 flags = spin_lock_irqsave(&clock_lock);

	write_begin();
	forward();
	write_end();
	spin_unlock_irqrestore(&clock_lock, flags);
	return now + vdso_cycles_to_ns(REBASE_CYCLES, vdso_data->clock[CLOCK_MONOTONIC_RAW].mult);
}

static int rebase_start(void)
{
	static struct timer timer;

	timer_init(&timer, rebase);
	timer_start(&timer, rebase(&timer, ktime_get()));
	return 0;
}
INITCALL(rebase_start);

/* SPDX-License-Identifier: MIT */
/*
 * adjtimex: how a time daemon disciplines the clocks (RFC 5905's kernel model, with Linux's
 * constants).
 *
 * Three things bend the rate of all clocks but MONOTONIC_RAW: the frequency correction, the tick
 * length, and the correction of an offset: either a second-order loop (STA_PLL, STA_FLL) that gives
 * back a fraction of the offset each second, or adjtime()'s straight 500 us a second. Only while an
 * offset is being worked off does a timer run, once a second. Leap seconds are two events of a
 * CLOCK_REALTIME timer.
 *
 * Everything here is guarded by clock_lock.
 */
#include "clock.h"

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <linux/timex.h>

#define SHIFT_PLL	  2 /* loop bandwidth */
#define SHIFT_FLL	  2
#define TIME_CONSTANT_MAX 10
#define MAX_PHASE_NS	  500000000L   /* offsets are cut to half a second */
#define MAX_FREQ	  (500L << 16) /* ppm, 16 fraction bits */
#define MIN_FLL_SECONDS	  256
#define MAX_PLL_SECONDS	  2048
#define PHASE_LIMIT_US	  16000000L /* error estimates end here: not synchronised */
#define ERROR_GROWTH_US	  500	    /* a second */
#define SLEW_MAX_US	  500	    /* a second, of adjtime() */
#define TICK_NOMINAL_US	  (1000000 / USER_HZ)
#define MAX_TAI_OFFSET	  100000
#define SECONDS_PER_DAY	  86400L

static struct {
	int status, state; /* STA_*, TIME_* */
	s64 freq;	   /* ppm, 16 fraction bits */
	s64 offset_ns;	   /* left to be worked off by the loop */
	s64 slew_us;	   /* left of adjtime() */
	s64 constant, max_error, est_error, tick_us;
	s64 reftime;	     /* s: last offset sample */
	ktime_t error_stamp; /* when max_error was right */
	s64 correction_ns;   /* bent into the current second */
} ntp = {
	.status = STA_UNSYNC,
	.constant = 2,
	.max_error = PHASE_LIMIT_US,
	.est_error = PHASE_LIMIT_US,
	.tick_us = TICK_NOMINAL_US,
};
static struct timer second_timer, leap_timer;

static s64 clamp(s64 v, s64 low, s64 high) { return v < low ? low : v > high ? high : v; }

/* Toward zero whatever the sign. */
static s64 shift_right(s64 v, u32 bits) { return v < 0 ? -(-v >> bits) : v >> bits; }

/* --- the rate --- */

static void apply_rate(void)
{
	s64 freq = (ntp.freq * 65536) / 1000000;
	s64 tick = ((ntp.tick_us - TICK_NOMINAL_US) << 32) / TICK_NOMINAL_US;
	s64 correction = (ntp.correction_ns * 4096) / 1000000000 * 1048576 +
			 ((ntp.correction_ns * 4096) % 1000000000) * 1048576 / 1000000000;

	clock_set_rate_locked(freq + tick + correction);
}

/* What the coming second corrects of the offset; takes it off what is left. */
static s64 next_correction(void)
{
	s64 part = shift_right(ntp.offset_ns, SHIFT_PLL + (u32)ntp.constant);
	s64 slew = clamp(ntp.slew_us, -SLEW_MAX_US, SLEW_MAX_US);

	ntp.offset_ns -= part;
	ntp.slew_us -= slew;
	return part + slew * NSEC_PER_USEC;
}

static ktime_t second_passed(struct timer *t, ktime_t now)
{
	u64 flags = spin_lock_irqsave(&clock_lock);
	bool more = false;

	if (!timer_pending(t)) { /* else started anew while this run waited for the lock */
		ntp.correction_ns = next_correction();
		apply_rate();
		more = ntp.correction_ns != 0;
	}
	spin_unlock_irqrestore(&clock_lock, flags);
	return more ? now + NSEC_PER_SEC : 0;
}

/* Starts the corrections of an offset just given; ones under way go on at their next second. */
static void start_correcting(void)
{
	if (timer_pending(&second_timer))
		return;
	ntp.correction_ns = next_correction();
	if (ntp.correction_ns)
		timer_start(&second_timer, ktime_get() + NSEC_PER_SEC);
}

/* --- leap seconds --- */

static ktime_t leap_event(struct timer *t, ktime_t now)
{
	u64 flags = spin_lock_irqsave(&clock_lock);
	ktime_t again = 0;

	switch (timer_pending(t) ? TIME_OK : ntp.state) { /* pending: planned anew meanwhile */
	case TIME_INS: /* 00:00:00 has come: it is 23:59:60, shown as 23:59:59 once more */
		clock_leap_locked(-1);
		ntp.state = TIME_OOP;
		again = t->expires;
		break;
	case TIME_DEL:
		clock_leap_locked(1);
		ntp.state = TIME_WAIT;
		break;
	case TIME_OOP:
		ntp.state = TIME_WAIT;
		break;
	}
	spin_unlock_irqrestore(&clock_lock, flags);
	clock_was_set_deferred();
	return again;
}

static void plan_leap(void)
{
	s64 second = ktime_get_real() / NSEC_PER_SEC,
	    midnight = (second / SECONDS_PER_DAY + 1) * SECONDS_PER_DAY;

	if (ntp.state == TIME_OOP)
		return;
	if (!(ntp.status & (STA_INS | STA_DEL))) {
		timer_cancel(&leap_timer);
		ntp.state = TIME_OK;
	} else if (ntp.state != TIME_WAIT) {
		ntp.state = ntp.status & STA_INS ? TIME_INS : TIME_DEL;
		timer_start(&leap_timer, (midnight - (ntp.state == TIME_DEL)) * NSEC_PER_SEC);
	}
}

/* --- adjtimex --- */

static s64 max_error_now(void)
{
	s64 grown = (ktime_get() - ntp.error_stamp) / NSEC_PER_SEC * ERROR_GROWTH_US;

	if (ntp.max_error + grown < PHASE_LIMIT_US)
		return ntp.max_error + grown;
	ntp.status |= STA_UNSYNC;
	return PHASE_LIMIT_US;
}

static void set_max_error(s64 us)
{
	ntp.max_error = clamp(us, 0, PHASE_LIMIT_US);
	ntp.error_stamp = ktime_get();
}

void ntp_clear_locked(void)
{
	ntp.slew_us = 0;
	ntp.offset_ns = 0;
	ntp.correction_ns = 0;
	ntp.status |= STA_UNSYNC;
	ntp.est_error = PHASE_LIMIT_US;
	set_max_error(PHASE_LIMIT_US);
	if (second_timer.fn)
		timer_cancel(&second_timer);
	apply_rate();
	if (leap_timer.fn)
		plan_leap();
}

static void set_status(int status)
{
	if ((ntp.status & STA_PLL) && !(status & STA_PLL)) {
		ntp.state = TIME_OK;
		ntp.status = STA_UNSYNC;
	}
	if (!(ntp.status & STA_PLL) && (status & STA_PLL))
		ntp.reftime = ktime_get_real() / NSEC_PER_SEC;
	ntp.status = (ntp.status & STA_RONLY) | (status & ~STA_RONLY);
	plan_leap();
}

/* The frequency-lock part: used for long gaps between samples. */
static s64 fll_frequency(s64 offset_ns, s64 seconds)
{
	ntp.status &= ~STA_MODE;
	if (seconds < MIN_FLL_SECONDS || (!(ntp.status & STA_FLL) && seconds <= MAX_PLL_SECONDS))
		return 0;
	ntp.status |= STA_MODE;
	return ((offset_ns << 16) / 1000 >> SHIFT_FLL) / seconds;
}

/* A new sample of what this clock is off by. */
static void set_offset(s64 offset)
{
	u32 damping = SHIFT_PLL + 2 + (u32)ntp.constant;
	s64 now = ktime_get_real() / NSEC_PER_SEC, seconds, freq;

	if (!(ntp.status & STA_PLL))
		return;
	if (!(ntp.status & STA_NANO))
		offset = clamp(offset, -1000000, 1000000) * NSEC_PER_USEC;
	offset = clamp(offset, -MAX_PHASE_NS, MAX_PHASE_NS);
	if (ntp.status & STA_FREQHOLD)
		ntp.reftime = now;
	seconds = clamp(now - ntp.reftime, 0, 1L << 31);
	ntp.reftime = now;
	freq = fll_frequency(offset, seconds);
	seconds = MIN(seconds, 1L << (SHIFT_PLL + 1 + ntp.constant));
	freq += shift_right((offset << 16) / 1000 * seconds, 2 * damping);
	ntp.freq = clamp(ntp.freq + freq, -MAX_FREQ, MAX_FREQ);
	ntp.offset_ns = offset;
	start_correcting();
}

static void set_constant(s64 constant)
{
	ntp.constant = clamp(constant, 0, TIME_CONSTANT_MAX);
	if (!(ntp.status & STA_NANO))
		ntp.constant = MIN(ntp.constant + 4, TIME_CONSTANT_MAX);
}

static void apply_modes(const struct __kernel_timex *tx)
{
	u32 modes = tx->modes;

	if (modes & ADJ_STATUS)
		set_status(tx->status);
	if (modes & ADJ_NANO)
		ntp.status |= STA_NANO;
	if (modes & ADJ_MICRO)
		ntp.status &= ~STA_NANO;
	if (modes & ADJ_FREQUENCY)
		ntp.freq = clamp(tx->freq, -MAX_FREQ, MAX_FREQ);
	if (modes & ADJ_MAXERROR)
		set_max_error(tx->maxerror);
	if (modes & ADJ_ESTERROR)
		ntp.est_error = clamp(tx->esterror, 0, PHASE_LIMIT_US);
	if (modes & ADJ_TIMECONST)
		set_constant(tx->constant);
	if ((modes & ADJ_TAI) && tx->constant >= 0 && tx->constant <= MAX_TAI_OFFSET)
		clock_set_tai_locked((s32)tx->constant);
	if (modes & ADJ_OFFSET)
		set_offset(tx->offset);
	if (modes & ADJ_TICK)
		ntp.tick_us = tx->tick;
	if (modes & (ADJ_TICK | ADJ_FREQUENCY | ADJ_OFFSET))
		apply_rate();
}

static bool is_adjtime(u32 modes) { return (modes & 0x8000) != 0; }

static int validate(const struct __kernel_timex *tx)
{
	u32 modes = tx->modes;
	s64 unit = modes & ADJ_NANO ? NSEC_PER_SEC : 1000000;

	if (is_adjtime(modes)) {
		if (!(modes & ADJ_OFFSET))
			return -EINVAL;
		if (!(modes & (ADJ_OFFSET_SS_READ & ~ADJ_OFFSET_SINGLESHOT)) &&
		    !capable(CAP_SYS_TIME))
			return -EPERM;
	} else {
		if (modes && !capable(CAP_SYS_TIME))
			return -EPERM;
		if ((modes & ADJ_TICK) &&
		    (tx->tick < 900000 / USER_HZ || tx->tick > 1100000 / USER_HZ))
			return -EINVAL;
	}
	if (!(modes & ADJ_SETOFFSET))
		return 0;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	return tx->time.tv_usec < 0 || tx->time.tv_usec >= unit ? -EINVAL : 0;
}

/* ADJ_SETOFFSET: jumps. false: the result would be before the epoch of CLOCK_MONOTONIC, or beyond
 * what fits. */
static bool jump(const struct __kernel_timex *tx)
{
	s64 sub = tx->modes & ADJ_NANO ? tx->time.tv_usec : tx->time.tv_usec * NSEC_PER_USEC;
	s64 limit = KTIME_MAX / NSEC_PER_SEC / 2, delta;

	if (tx->time.tv_sec > limit || tx->time.tv_sec < -limit)
		return false;
	delta = tx->time.tv_sec * NSEC_PER_SEC + sub;
	if (clock_offset(TIMER_REAL) + delta < 0 || ktime_get_real() > KTIME_MAX / 2)
		return false;
	clock_step_real_locked(delta);
	return true;
}

static void fill(struct __kernel_timex *tx)
{
	bool nano = ntp.status & STA_NANO;
	ktime_t now = ktime_get_real();

	tx->freq = ntp.freq;
	tx->maxerror = max_error_now();
	tx->esterror = ntp.est_error;
	tx->status = ntp.status;
	tx->constant = ntp.constant;
	tx->precision = 1;
	tx->tolerance = MAX_FREQ;
	tx->tick = ntp.tick_us;
	tx->tai = clock_tai_locked();
	tx->ppsfreq = tx->jitter = tx->stabil = tx->jitcnt = tx->calcnt = tx->errcnt = tx->stbcnt =
		0;
	tx->shift = 0;
	tx->time.tv_sec = now / NSEC_PER_SEC;
	tx->time.tv_usec = nano ? now % NSEC_PER_SEC : now % NSEC_PER_SEC / NSEC_PER_USEC;
}

/* adjtime(): the old-fashioned slew. */
static void adjtime(struct __kernel_timex *tx)
{
	s64 old = ntp.slew_us;

	if (tx->modes == ADJ_OFFSET_SINGLESHOT) {
		ntp.slew_us = clamp(tx->offset, -0x7fffffffL, 0x7fffffffL);
		start_correcting();
		apply_rate();
	}
	tx->offset = old;
}

static int adjtimex_locked(struct __kernel_timex *tx, bool *stepped)
{
	if (!second_timer.fn) {
		timer_init(&second_timer, second_passed);
		timer_init_base(&leap_timer, TIMER_REAL, leap_event);
	}
	if (tx->modes & ADJ_SETOFFSET) {
		if (!jump(tx))
			return -EINVAL;
		*stepped = true;
	}
	if (is_adjtime(tx->modes)) {
		adjtime(tx);
	} else {
		apply_modes(tx);
		tx->offset = ntp.status & STA_NANO ? ntp.offset_ns : ntp.offset_ns / NSEC_PER_USEC;
	}
	fill(tx);
	return ntp.status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : ntp.state;
}

int ntp_adjtimex(struct __kernel_timex *tx)
{
	bool stepped = false;
	int rc = validate(tx);
	u64 flags;

	if (rc)
		return rc;
	flags = spin_lock_irqsave(&clock_lock);
	rc = adjtimex_locked(tx, &stepped);
	spin_unlock_irqrestore(&clock_lock, flags);
	if (stepped)
		clock_was_set();
	return rc;
}

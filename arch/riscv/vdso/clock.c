/* SPDX-License-Identifier: MIT */
/*
 * The vDSO's clocks: user code, mapped read-only into every process. What kernel/time/clock.c keeps
 * in the data page is read here under its sequence count; clocks that have no base there are the
 * system call's business.
 *
 * No relocation, no writable data, no call out: scripts/vdso.py refuses an image that has any.
 */
#include <arch/vdso.h>
#include <asm/unistd.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORT __attribute__((visibility("default")))

/* n / 1000 is n * this >> 38 for every n below 10^9. */
#define DIV_1000 274877907UL

/* The page before the image (vdso.lds). Not const: it changes while it is read. */
extern struct vdso_data vdso_page HIDDEN;

/* The ABI passes a clock id sign-extended: taken as a long it needs no narrowing. */
long EXPORT __vdso_clock_gettime(long id, struct __kernel_timespec *ts);
long EXPORT __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz);
long EXPORT __vdso_clock_getres(long id, struct __kernel_timespec *res);

static inline long syscall2(long nr, long arg0, long arg1)
{
	register long a7 __asm__("a7") = nr;
	register long a0 __asm__("a0") = arg0;
	register long a1 __asm__("a1") = arg1;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1) : "memory");
	return a0;
}

/* The clock's value; *known false when there is no such clock. */
static __always_inline u64 read_clock(u64 id, bool *known)
{
	const struct vdso_clock *clock = &vdso_page.clock[id];
	u64 cycles, mult;
	s64 seq;
	s64 ns;

	do {
		seq = READ_ONCE(vdso_page.seq_end);
		__asm__ volatile("fence r, r" ::: "memory");
		__asm__ volatile("rdtime %0" : "=r"(cycles)::"memory");
		cycles -= READ_ONCE(vdso_page.cycle_last);
		mult = READ_ONCE(clock->mult);
		ns = READ_ONCE(clock->base_ns);
		__asm__ volatile("fence r, r" ::: "memory");
	} while (unlikely(seq != READ_ONCE(vdso_page.seq_begin)));
	*known = mult != 0;
	return (u64)(ns + vdso_cycles_to_ns((s64)cycles, mult));
}

long __vdso_clock_gettime(long id, struct __kernel_timespec *ts)
{
	if (likely((u64)id < VDSO_NR_CLOCKS)) {
		bool known;
		u64 ns = read_clock((u64)id, &known);
		u64 seconds = vdso_seconds(ns, READ_ONCE(vdso_page.div_nsec_per_sec));

		if (likely(known)) {
			ts->tv_sec = (s64)seconds;
			ts->tv_nsec = (s64)(ns - seconds * READ_ONCE(vdso_page.nsec_per_sec));
			return 0;
		}
	}
	return syscall2(__NR_clock_gettime, id, (long)ts);
}

long __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)
{
	if (likely(tv)) {
		bool known;
		u64 ns = read_clock(CLOCK_REALTIME, &known);
		u64 seconds = vdso_seconds(ns, READ_ONCE(vdso_page.div_nsec_per_sec));

		tv->tv_sec = (long)seconds;
		tv->tv_usec =
			(long)((ns - seconds * READ_ONCE(vdso_page.nsec_per_sec)) * DIV_1000 >> 38);
	}
	if (unlikely(tz)) {
		tz->tz_minuteswest = READ_ONCE(vdso_page.tz_minuteswest);
		tz->tz_dsttime = READ_ONCE(vdso_page.tz_dsttime);
	}
	return 0;
}

long __vdso_clock_getres(long id, struct __kernel_timespec *res)
{
	if ((u64)id >= VDSO_NR_CLOCKS || !(VDSO_CLOCKS >> id & 1))
		return syscall2(__NR_clock_getres, id, (long)res);
	if (res)
		*res = (struct __kernel_timespec) { 0, VDSO_COARSE >> id & 1 ? VDSO_COARSE_NS : 1 };
	return 0;
}

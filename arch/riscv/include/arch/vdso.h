/* SPDX-License-Identifier: MIT */
/*
 * The vDSO: an ELF image mapped into every process with a data page before it (arch/riscv/vdso/). struct vdso_data is what
 * both sides share: the state of the clocks itself, not a copy; kernel/time/clock.c writes it under its sequence count, the
 * kernel and user programs read it alike.
 */
#ifndef ARCH_VDSO_H
#define ARCH_VDSO_H

#include <kernel/types.h>

#define VDSO_NR_CLOCKS 12	/* ids below: CLOCK_REALTIME .. CLOCK_TAI */
#define VDSO_CLOCKS    0xbf3U	/* bit per id that is there: all but the CPU-time clocks and 10 */
#define VDSO_COARSE    0x060U	/* those of them with the resolution of ticks */
#define VDSO_COARSE_NS 4000000U

/* Readers take seq_end, then the rest, then seq_begin, and do it again when they differ. */
struct vdso_data {
	struct vdso_clock {
		s64 base_ns; /* its value at cycle_last */
		u64 mult;    /* see vdso_cycles_to_ns(); 0: no such clock */
	} clock[VDSO_NR_CLOCKS];
	u64 cycle_last;		    /* rdtime at the base */
	s64 seq_begin, seq_end;	    /* counted before and after each change */
	u64 nsec_per_sec;	    /* 10^9 and ... */
	u64 div_nsec_per_sec;	    /* ... ceil(2^93 / 10^9): a load is shorter than making them */
	s32 tz_minuteswest, tz_dsttime;
};
#define VDSO_NSEC_PER_SEC     1000000000UL
#define VDSO_DIV_NSEC_PER_SEC 0x89705f4136b4a598UL

/*
 * ns for a number of cycles: cycles * mult / 2^48, in one multiplication. Good for 2^47 cycles; the base moves on before
 * (kernel/time/clock.c). Negative for a hart that reads its counter just before the base was taken elsewhere.
 */
#define VDSO_MULT_SHIFT 48
static inline s64 vdso_cycles_to_ns(s64 cycles, u64 mult)
{
	return (s64)(((__int128)(s64)((u64)cycles << (64 - VDSO_MULT_SHIFT)) * (s64)mult) >> 64);
}
/* ns / 10^9 for 0 <= ns < 2^63. */
static inline u64 vdso_seconds(u64 ns, u64 div_nsec_per_sec)
{
	return (u64)(((unsigned __int128)ns * div_nsec_per_sec) >> 64) >> 29;
}

#ifndef __VDSO__
#include <kernel/vm.h>
/* Maps vDSO and data at a random place; sets mm->vdso. mm->lock held for writing. 0 or -errno. */
int vdso_map(struct mm *mm);
extern const u64 vdso_sigreturn_offset; /* of __vdso_rt_sigreturn in the image */
/* kernel/time/clock.c owns it: a page of its own once vdso_data_place() said where. */
extern struct vdso_data *vdso_data;
void vdso_data_place(struct vdso_data *page);
#endif

#endif

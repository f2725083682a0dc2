/* SPDX-License-Identifier: MIT */
/*
 * demo-vdso: asks for the time through the vDSO and by a system call, shows what each costs and checks that they agree.
 * Exit status 0 when the vDSO is there, never runs backwards and agrees with the kernel.
 */
#include "user.h"

#include <stdio.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 20000

static long long ns_of(const struct timespec *ts)
{
	return ts->tv_sec * 1000000000LL + ts->tv_nsec;
}

static long long now_vdso(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ns_of(&ts);
}

static long long now_trap(void)
{
	struct timespec ts;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return ns_of(&ts);
}

static double cost(long long (*now)(void))
{
	long long start = now_trap();

	for (int i = 0; i < ROUNDS; i++)
		now();
	return (double)(now_trap() - start) / ROUNDS;
}

int demo_vdso_main(int argc, char **argv)
{
	double vdso = cost(now_vdso), trap = cost(now_trap);
	int bad = 0;

	for (int i = 0; i < ROUNDS; i++) {
		long long a = now_trap(), b = now_vdso(), c = now_trap();

		bad += b < a || c < b;
	}
	printf("vDSO at %#lx\n", getauxval(AT_SYSINFO_EHDR));
	printf("clock_gettime through the vDSO  %8.1f ns\n", vdso);
	printf("clock_gettime by ecall          %8.1f ns  (%.1f times as long)\n", trap, trap / vdso);
	printf("%d of %d readings out of order\n", bad, ROUNDS);
	return getauxval(AT_SYSINFO_EHDR) == 0 || bad != 0;
}

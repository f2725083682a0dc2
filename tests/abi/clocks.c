/* SPDX-License-Identifier: MIT */
/*
 * Clocks: reading them by system call and by the vDSO, setting, adjusting, sleeping on them;
 * CPU-time clocks; the vDSO as a shared object; unwinding from a signal handler.
 */
#define _GNU_SOURCE
#include "tap.h"

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL

static long long read_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	return clock_gettime(id, &ts) ? -1 : ts.tv_sec * NS + ts.tv_nsec;
}

static long long sys_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	return syscall(SYS_clock_gettime, id, &ts) ? -1 : ts.tv_sec * NS + ts.tv_nsec;
}

static void burn(long long ns)
{
	long long end = read_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (read_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

/* --- reading --- */

static void test_read(void)
{
	static const clockid_t ids[] = { CLOCK_REALTIME,
					 CLOCK_MONOTONIC,
					 CLOCK_MONOTONIC_RAW,
					 CLOCK_REALTIME_COARSE,
					 CLOCK_MONOTONIC_COARSE,
					 CLOCK_BOOTTIME,
					 CLOCK_TAI,
					 CLOCK_PROCESS_CPUTIME_ID,
					 CLOCK_THREAD_CPUTIME_ID };
	struct timespec ts;
	struct timeval tv;
	long long before;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		long long a = sys_ns(ids[i]), b = read_ns(ids[i]), c = sys_ns(ids[i]);

		tap_ok(a >= 0 && a <= b + 8000000 && b <= c + 8000000 && c - a < NS,
		       "clock %d by call and vDSO agree", ids[i]);
	}
	before = read_ns(CLOCK_REALTIME);
	gettimeofday(&tv, NULL);
	tap_ok(tv.tv_sec * NS + tv.tv_usec * 1000LL >= before - 1000 &&
		       tv.tv_sec * NS + tv.tv_usec * 1000LL - before < NS / 10,
	       "gettimeofday");
	tap_ok(before / NS > 1500000000LL, "the year is plausible");
	tap_fails(syscall(SYS_clock_gettime, 10, &ts), EINVAL, "clock 10");
	tap_fails(syscall(SYS_clock_gettime, 12, &ts), EINVAL, "clock 12");
	tap_fails(syscall(SYS_clock_gettime, 99, &ts), EINVAL, "clock 99");
	tap_fails(clock_gettime(10, &ts), EINVAL, "clock 10 through the vDSO");
	tap_fails(syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)8), EFAULT, "a bad pointer");
	tap_fails(syscall(SYS_clock_gettime, ~(5 << 3), &ts), EINVAL,
		  "the clock of a file that is none");
}

static void test_monotonic(void)
{
	long long last = read_ns(CLOCK_MONOTONIC);
	bool ok = true;

	for (int i = 0; i < 100000; i++) {
		long long now = i & 1 ? read_ns(CLOCK_MONOTONIC) : sys_ns(CLOCK_MONOTONIC);

		ok &= now >= last;
		last = now;
	}
	tap_ok(ok, "CLOCK_MONOTONIC never goes back");
}

static void test_resolution(void)
{
	struct timespec ts;

	tap_ok(clock_getres(CLOCK_MONOTONIC, &ts) == 0 && ts.tv_sec == 0 && ts.tv_nsec == 1,
	       "resolution is 1 ns");
	tap_ok(syscall(SYS_clock_getres, CLOCK_REALTIME, &ts) == 0 && ts.tv_nsec == 1,
	       "also by call");
	tap_ok(clock_getres(CLOCK_REALTIME_COARSE, &ts) == 0 && ts.tv_nsec == 4000000,
	       "coarse: a tick");
	tap_ok(clock_getres(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0 && ts.tv_nsec == 1, "CPU time");
	tap_returns(syscall(SYS_clock_getres, CLOCK_MONOTONIC, NULL), 0, "no place for it is fine");
	tap_fails(syscall(SYS_clock_getres, 77, &ts), EINVAL, "no such clock");
}

/* --- CPU time --- */

static volatile bool stop_thread;
static pthread_barrier_t barrier;
static clockid_t thread_clock;

static void *burner(void *arg)
{
	pthread_getcpuclockid(pthread_self(), &thread_clock);
	burn(30000000);
	pthread_barrier_wait(&barrier);
	while (!stop_thread)
		usleep(1000);
	return NULL;
}

static void test_cpu_clocks(void)
{
	long long own, all;
	struct timespec ts;
	struct tms tms;
	clockid_t id;
	pthread_t t;

	own = read_ns(CLOCK_THREAD_CPUTIME_ID);
	burn(20000000);
	own = read_ns(CLOCK_THREAD_CPUTIME_ID) - own;
	tap_ok(own >= 20000000 && own < NS, "a thread's CPU time runs while it does");
	own = read_ns(CLOCK_PROCESS_CPUTIME_ID);
	usleep(50000);
	tap_ok(read_ns(CLOCK_PROCESS_CPUTIME_ID) - own < 30000000, "but not in its sleep");
	pthread_barrier_init(&barrier, NULL, 2);
	all = read_ns(CLOCK_PROCESS_CPUTIME_ID);
	pthread_create(&t, NULL, burner, NULL);
	pthread_barrier_wait(&barrier);
	tap_ok(read_ns(CLOCK_PROCESS_CPUTIME_ID) - all >= 30000000, "a process's is its threads'");
	tap_ok(read_ns(thread_clock) >= 30000000, "another thread's clock can be read");
	stop_thread = true;
	pthread_join(t, NULL);
	tap_ok(read_ns(CLOCK_PROCESS_CPUTIME_ID) - all >= 30000000,
	       "what a thread used stays when it ends");
	/* It may still be on its way out: join waits for a word it clears early. */
	for (int ms = 0; ms < 1000 && clock_gettime(thread_clock, &ts) == 0; ms++)
		usleep(1000);
	tap_fails(clock_gettime(thread_clock, &ts), EINVAL, "its own clock is gone");
	tap_ok(clock_getcpuclockid(0, &id) == 0 && read_ns(id) >= 0,
	       "clock_getcpuclockid of oneself");
	tap_ok(clock_getcpuclockid(getppid(), &id) == 0 && read_ns(id) >= 0, "and of the parent");
	tap_fails(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &(struct timespec) { 1, 0 }), EINVAL,
		  "it cannot be set");
	clock_getcpuclockid(getppid(), &id);
	tap_fails(clock_settime(id, &(struct timespec) { 1, 0 }), EPERM, "nor can a process's");
	tap_ok(times(&tms) > 0 && tms.tms_utime + tms.tms_stime > 0, "times");
}

/* --- sleeping --- */

static void on_signal(int sig) {}

static void test_sleep(void)
{
	struct timespec ts = { 0, 20000000 }, left = { 9, 9 };
	struct sigaction sa = { .sa_handler = on_signal };
	struct itimerval it = { .it_value = { 0, 20000 } };
	long long t = read_ns(CLOCK_MONOTONIC), end;

	tap_ok(nanosleep(&ts, &left) == 0 && read_ns(CLOCK_MONOTONIC) - t >= 20000000, "nanosleep");
	tap_ok(left.tv_sec == 9, "the rest is not touched");
	end = read_ns(CLOCK_MONOTONIC) + 20000000;
	ts = (struct timespec) { end / NS, end % NS };
	tap_ok(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0 &&
		       read_ns(CLOCK_MONOTONIC) >= end,
	       "until a time of CLOCK_MONOTONIC");
	end = read_ns(CLOCK_REALTIME) + 20000000;
	ts = (struct timespec) { end / NS, end % NS };
	tap_ok(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL) == 0 &&
		       read_ns(CLOCK_REALTIME) >= end,
	       "until a time of CLOCK_REALTIME");
	end = read_ns(CLOCK_TAI) + 20000000;
	ts = (struct timespec) { end / NS, end % NS };
	tap_ok(clock_nanosleep(CLOCK_TAI, TIMER_ABSTIME, &ts, NULL) == 0 &&
		       read_ns(CLOCK_TAI) >= end,
	       "until a time of CLOCK_TAI");
	ts = (struct timespec) { 1, 0 };
	tap_ok(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == 0,
	       "a time in the past");
	sigaction(SIGALRM, &sa, NULL);
	ts = (struct timespec) { 5, 0 };
	setitimer(ITIMER_REAL, &it, NULL);
	tap_fails(nanosleep(&ts, &left), EINTR, "a handler ends it");
	tap_ok(left.tv_sec == 4 && left.tv_nsec > 500000000, "the rest of the time is told");
	sa.sa_flags = SA_RESTART;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	tap_fails(nanosleep(&ts, NULL), EINTR, "SA_RESTART does not matter");
	ts = (struct timespec) { 0, NS };
	tap_fails(nanosleep(&ts, NULL), EINVAL, "10^9 nanoseconds");
	ts = (struct timespec) { -1, 0 };
	tap_fails(nanosleep(&ts, NULL), EINVAL, "negative seconds");
	tap_fails(syscall(SYS_nanosleep, (void *)8, NULL), EFAULT, "a bad pointer");
	ts = (struct timespec) { 0, 1 };
	tap_fails(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &ts, NULL), EOPNOTSUPP,
		  "on CLOCK_MONOTONIC_RAW");
	tap_fails(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EOPNOTSUPP,
		  "on the thread's own time");
	tap_fails(syscall(SYS_clock_nanosleep, 55, 0, &ts, NULL), EINVAL, "on no clock");
}

/* A stop and a continue in the middle: the sleep goes on to its old end. */
static void test_sleep_restart(void)
{
	struct timespec ts = { 0, 300000000 };
	int status, child = fork();
	long long t;

	if (child == 0) {
		t = read_ns(CLOCK_MONOTONIC);
		if (nanosleep(&ts, NULL))
			_exit(1);
		t = read_ns(CLOCK_MONOTONIC) - t;
		_exit(t >= 300000000 && t < 600000000 ? 0 : 2);
	}
	usleep(100000);
	kill(child, SIGSTOP);
	waitpid(child, &status, WUNTRACED);
	usleep(50000);
	kill(child, SIGCONT);
	waitpid(child, &status, 0);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a stopped sleep goes on to its end");
}

static void *burn_while(void *arg)
{
	while (!stop_thread)
		;
	return NULL;
}

static void test_cpu_sleep(void)
{
	struct timespec ts = { 0, 40000000 };
	long long t = read_ns(CLOCK_PROCESS_CPUTIME_ID);
	pthread_t thread;

	stop_thread = false;
	pthread_create(&thread, NULL, burn_while, NULL);
	tap_returns(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &ts, NULL), 0,
		    "a sleep on the process's CPU time");
	tap_ok(read_ns(CLOCK_PROCESS_CPUTIME_ID) - t >= 40000000, "ends when so much was used");
	stop_thread = true;
	pthread_join(thread, NULL);
}

/* --- setting and adjusting --- */

static void test_set(void)
{
	struct timespec ts;
	struct timeval tv;
	long long mono = read_ns(CLOCK_MONOTONIC), real = read_ns(CLOCK_REALTIME);

	ts = (struct timespec) { real / NS + 3600, 0 };
	tap_returns(clock_settime(CLOCK_REALTIME, &ts), 0, "an hour ahead");
	tap_ok(read_ns(CLOCK_REALTIME) / NS - real / NS >= 3600, "which all see");
	tap_ok(read_ns(CLOCK_MONOTONIC) - mono < 2 * NS, "CLOCK_MONOTONIC does not move");
	real = read_ns(CLOCK_REALTIME) - 3600 * NS;
	tv = (struct timeval) { real / NS, real % NS / 1000 };
	tap_returns(settimeofday(&tv, NULL), 0, "and back");
	tap_fails(clock_settime(CLOCK_MONOTONIC, &ts), EINVAL, "CLOCK_MONOTONIC cannot be set");
	ts = (struct timespec) { 0, 0 };
	tap_fails(clock_settime(CLOCK_REALTIME, &ts), EINVAL,
		  "nor the start of the machine before 1970");
	ts = (struct timespec) { 100, -1 };
	tap_fails(clock_settime(CLOCK_REALTIME, &ts), EINVAL, "negative nanoseconds");
	tv = (struct timeval) { 1700000000, 1000001 };
	tap_fails(syscall(SYS_settimeofday, &tv, NULL), EINVAL, "too many microseconds");
	if (fork() == 0) {
		int ok =
			setuid(65534) == 0 &&
			clock_settime(CLOCK_REALTIME, &(struct timespec) { 1700000000, 0 }) == -1 &&
			errno == EPERM;
		_exit(!ok);
	}
	int status;

	wait(&status);
	tap_ok(status == 0, "only root may");
}

static void test_adjust(void)
{
	struct timex tx = { 0 }, other;
	long long t, raw;

	tap_ok(adjtimex(&tx) >= 0 && tx.tick == 10000 && tx.precision == 1 &&
		       tx.tolerance == 32768000,
	       "adjtimex reads");
	tap_ok(tx.status & STA_UNSYNC, "the clock is not synchronised");
	tx = (struct timex) { .modes = ADJ_TICK, .tick = 10500 };
	tap_ok(clock_adjtime(CLOCK_REALTIME, &tx) >= 0 && tx.tick == 10500, "ticks 5 %% longer");
	t = read_ns(CLOCK_MONOTONIC), raw = read_ns(CLOCK_MONOTONIC_RAW);
	usleep(200000);
	t = read_ns(CLOCK_MONOTONIC) - t, raw = read_ns(CLOCK_MONOTONIC_RAW) - raw;
	tap_ok(t > raw + raw / 25 && t < raw + raw / 16, "make CLOCK_MONOTONIC 5 %% faster");
	tx = (struct timex) { .modes = ADJ_TICK, .tick = 10000 };
	tap_ok(adjtimex(&tx) >= 0, "back");
	tx = (struct timex) { .modes = ADJ_FREQUENCY, .freq = 100 << 16 };
	tap_ok(adjtimex(&tx) >= 0 && tx.freq == 100 << 16, "frequency");
	tx = (struct timex) { .modes = ADJ_FREQUENCY };
	adjtimex(&tx);
	tx = (struct timex) { .modes = ADJ_OFFSET_SINGLESHOT, .offset = 1000 };
	tap_ok(adjtimex(&tx) >= 0, "adjtime of a millisecond");
	tx = (struct timex) { .modes = ADJ_OFFSET_SS_READ };
	tap_ok(adjtimex(&tx) >= 0 && tx.offset > 0 && tx.offset <= 1000, "under way");
	tx = (struct timex) { .modes = ADJ_OFFSET_SINGLESHOT, .offset = 0 };
	adjtimex(&tx);
	tx = (struct timex) { .modes = ADJ_TAI, .constant = 37 };
	tap_ok(adjtimex(&tx) >= 0 && tx.tai == 37, "TAI offset");
	t = read_ns(CLOCK_TAI) - read_ns(CLOCK_REALTIME);
	tap_ok(t > 36 * NS + NS / 2 && t < 37 * NS + NS / 2, "shows in CLOCK_TAI");
	tx = (struct timex) { .modes = ADJ_TAI, .constant = 0 };
	adjtimex(&tx);
	t = read_ns(CLOCK_REALTIME);
	tx = (struct timex) { .modes = ADJ_SETOFFSET | ADJ_NANO, .time = { 100, 0 } };
	tap_ok(adjtimex(&tx) >= 0 && read_ns(CLOCK_REALTIME) - t >= 100 * NS, "a jump of 100 s");
	tx = (struct timex) { .modes = ADJ_SETOFFSET | ADJ_NANO, .time = { -100, 0 } };
	tap_ok(adjtimex(&tx) >= 0 && read_ns(CLOCK_REALTIME) - t < 50 * NS, "and back");
	tx = (struct timex) { .modes = ADJ_TICK, .tick = 5 };
	tap_fails(adjtimex(&tx), EINVAL, "an impossible tick");
	tx = (struct timex) { .modes = ADJ_SETOFFSET | ADJ_NANO, .time = { 0, 1000000000 } };
	tap_fails(adjtimex(&tx), EINVAL, "an impossible jump");
	other = (struct timex) { 0 };
	tap_fails(clock_adjtime(CLOCK_MONOTONIC, &other), EOPNOTSUPP,
		  "CLOCK_MONOTONIC is not adjusted");
	tap_fails(clock_adjtime(77, &other), EINVAL, "nor a clock that is none");
}

/* --- the vDSO as an object --- */

static const ElfW(Dyn) * dynamic_of(const ElfW(Ehdr) * e)
{
	const ElfW(Phdr) *p = (const void *)((const char *)e + e->e_phoff);

	for (int i = 0; i < e->e_phnum; i++)
		if (p[i].p_type == PT_DYNAMIC)
			return (const void *)((const char *)e + p[i].p_offset);
	return NULL;
}

static void test_vdso(void)
{
	static const char *const names[] = { "__vdso_rt_sigreturn", "__vdso_clock_gettime",
					     "__vdso_gettimeofday", "__vdso_clock_getres",
					     "__vdso_getcpu",	    "__vdso_flush_icache" };
	const ElfW(Ehdr) *e = (const void *)getauxval(AT_SYSINFO_EHDR);
	const char *base = (const char *)e, *strings = NULL;
	const ElfW(Sym) *symbols = NULL;
	const ElfW(Word) *hash = NULL;

	if (!tap_ok(e && !memcmp(e->e_ident, ELFMAG, SELFMAG) && e->e_type == ET_DYN,
		    "there is a vDSO"))
		return;
	for (const ElfW(Dyn) *d = dynamic_of(e); d && d->d_tag; d++) {
		if (d->d_tag == DT_STRTAB)
			strings = base + d->d_un.d_ptr;
		else if (d->d_tag == DT_SYMTAB)
			symbols = (const void *)(base + d->d_un.d_ptr);
		else if (d->d_tag == DT_HASH)
			hash = (const void *)(base + d->d_un.d_ptr);
	}
	if (!tap_ok(strings && symbols && hash, "with tables"))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool found = false;

		for (unsigned s = 1; s < hash[1]; s++)
			found |= !strcmp(strings + symbols[s].st_name, names[i]) &&
				 symbols[s].st_shndx;
		tap_ok(found, "it has %s", names[i]);
	}
}

/* --- CPU limits --- */

static volatile int xcpu;

static void on_xcpu(int sig) { xcpu++; }

static void test_cpu_limit(void)
{
	int status, child = fork();

	if (child == 0) {
		struct rlimit r = { 1, 3 };

		signal(SIGXCPU, on_xcpu);
		setrlimit(RLIMIT_CPU, &r);
		for (int last = 0;;)
			if (xcpu != last && (last = xcpu) > 2)
				_exit(9);
	}
	waitpid(child, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the hard CPU limit kills");
	child = fork();
	if (child == 0) {
		struct rlimit r = { 1, 5 };

		setrlimit(RLIMIT_CPU, &r);
		for (;;)
			;
	}
	waitpid(child, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU, "the soft one sends SIGXCPU");
}

int main(void)
{
	test_read();
	test_monotonic();
	test_resolution();
	test_cpu_clocks();
	test_sleep();
	test_sleep_restart();
	test_cpu_sleep();
	test_set();
	test_adjust();
	test_vdso();
	test_cpu_limit();
	return tap_done();
}

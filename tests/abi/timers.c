/* SPDX-License-Identifier: MIT */
/* Timers: setitimer, timer_create, timerfd. */
#define _GNU_SOURCE
#include "tap.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS 1000000000LL
#define MS 1000000LL

static long long now_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	clock_gettime(id, &ts);
	return ts.tv_sec * NS + ts.tv_nsec;
}

static struct itimerspec spec(long long value, long long interval)
{
	return (struct itimerspec) { { interval / NS, interval % NS }, { value / NS, value % NS } };
}

static long long spec_ns(struct timespec ts) { return ts.tv_sec * NS + ts.tv_nsec; }

static volatile int hits, last_overrun, last_code, last_value, last_tid;
static void on_timer(int sig, siginfo_t *info, void *context)
{
	hits++;
	last_code = info->si_code;
	last_overrun = info->si_overrun;
	last_value = info->si_value.sival_int;
	last_tid = (int)syscall(SYS_gettid);
}

static void catch (int sig)
{
	struct sigaction sa = { .sa_sigaction = on_timer, .sa_flags = SA_SIGINFO | SA_RESTART };

	hits = 0;
	sigaction(sig, &sa, NULL);
}

static bool wait_hits(int n, int ms)
{
	long long end = now_ns(CLOCK_MONOTONIC) + ms * MS;

	while (hits < n && now_ns(CLOCK_MONOTONIC) < end)
		usleep(1000);
	return hits >= n;
}

static bool burn_hits(int n, int ms)
{
	long long end = now_ns(CLOCK_MONOTONIC) + ms * MS;

	while (hits < n && now_ns(CLOCK_MONOTONIC) < end)
		;
	return hits >= n;
}

/* --- setitimer --- */

static void test_itimer_real(void)
{
	struct itimerval it = { { 0, 10000 }, { 0, 20000 } }, old;
	long long t = now_ns(CLOCK_MONOTONIC);

	catch (SIGALRM);
	tap_returns(setitimer(ITIMER_REAL, &it, NULL), 0, "ITIMER_REAL, periodic");
	tap_ok(wait_hits(1, 2000) && now_ns(CLOCK_MONOTONIC) - t >= 20 * MS, "not before its time");
	tap_ok(wait_hits(5, 2000) && now_ns(CLOCK_MONOTONIC) - t >= 60 * MS, "again and again");
	tap_ok(last_code == SI_KERNEL, "from the kernel");
	tap_ok(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 10000 &&
		       old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 10000,
	       "getitimer");
	it = (struct itimerval) { { 0, 0 }, { 0, 0 } };
	tap_ok(setitimer(ITIMER_REAL, &it, &old) == 0 && old.it_interval.tv_usec == 10000, "off");
	hits = 0;
	usleep(30000);
	tap_ok(hits == 0, "is off");
	it.it_value.tv_usec = 1000000;
	tap_fails(setitimer(ITIMER_REAL, &it, NULL), EINVAL, "too many microseconds");
	tap_fails(setitimer(9, &it, NULL), EINVAL, "no such timer");
	it.it_value = (struct timeval) { 100, 0 };
	setitimer(ITIMER_REAL, &it, NULL);
	if (fork() == 0) {
		getitimer(ITIMER_REAL, &old);
		_exit(old.it_value.tv_sec != 0);
	}
	int status;

	wait(&status);
	tap_ok(status == 0, "a child does not inherit it");
	tap_ok(alarm(0) > 90, "alarm is the same timer");
}

static void test_itimer_cpu(void)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, off = { { 0, 0 }, { 0, 0 } };

	catch (SIGVTALRM);
	tap_returns(setitimer(ITIMER_VIRTUAL, &it, NULL), 0, "ITIMER_VIRTUAL");
	tap_ok(burn_hits(3, 3000), "counts user time");
	setitimer(ITIMER_VIRTUAL, &off, NULL);
	catch (SIGPROF);
	tap_returns(setitimer(ITIMER_PROF, &it, NULL), 0, "ITIMER_PROF");
	tap_ok(burn_hits(3, 3000), "counts all its time");
	hits = 0;
	usleep(100000);
	tap_ok(hits <= 1, "but not sleep");
	setitimer(ITIMER_PROF, &off, NULL);
}

/* --- timer_create --- */

static void test_posix_basic(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGRTMIN,
			       .sigev_value.sival_int = 42 };
	struct itimerspec s = spec(20 * MS, 0), cur;
	timer_t id;

	catch (SIGRTMIN);
	tap_returns(timer_create(CLOCK_MONOTONIC, &ev, &id), 0, "timer_create");
	tap_ok(timer_gettime(id, &cur) == 0 && spec_ns(cur.it_value) == 0, "is off at first");
	tap_returns(timer_settime(id, 0, &s, NULL), 0, "set");
	tap_ok(timer_gettime(id, &cur) == 0 && spec_ns(cur.it_value) > 0 &&
		       spec_ns(cur.it_value) <= 20 * MS,
	       "runs");
	tap_ok(wait_hits(1, 2000), "sends its signal");
	tap_ok(last_code == SI_TIMER && last_value == 42 && last_overrun == 0, "with its value");
	tap_ok(timer_gettime(id, &cur) == 0 && spec_ns(cur.it_value) == 0, "once");
	s = spec(5 * MS, 5 * MS);
	hits = 0;
	tap_returns(timer_settime(id, 0, &s, NULL), 0, "periodic");
	tap_ok(wait_hits(5, 2000), "many times");
	s = spec(0, 0);
	tap_ok(timer_settime(id, 0, &s, &cur) == 0 && spec_ns(cur.it_interval) == 5 * MS,
	       "off, and what was");
	s = spec(now_ns(CLOCK_MONOTONIC) + 10 * MS, 0);
	hits = 0;
	tap_ok(timer_settime(id, TIMER_ABSTIME, &s, NULL) == 0 && wait_hits(1, 2000), "at a time");
	s = spec(1, 0);
	hits = 0;
	tap_ok(timer_settime(id, TIMER_ABSTIME, &s, NULL) == 0 && wait_hits(1, 2000),
	       "in the past: now");
	tap_returns(timer_delete(id), 0, "timer_delete");
	tap_fails(syscall(SYS_timer_delete, 12345), EINVAL, "no such timer");
	tap_fails(syscall(SYS_timer_gettime, 12345, &cur), EINVAL, "none to read");
	tap_fails(syscall(SYS_timer_settime, 12345, 0, &s, NULL), EINVAL, "none to set");
	tap_fails(syscall(SYS_timer_getoverrun, 12345), EINVAL, "none to ask");
}

static void test_posix_errors(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	int kid;

	tap_fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &kid), EINVAL, "signal 65");
	ev.sigev_signo = SIGUSR1;
	ev.sigev_notify = 77;
	tap_fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &kid), EINVAL,
		  "an unknown way to notify");
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev._sigev_un._tid = 1;
	tap_fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, &kid), EINVAL,
		  "a thread of somebody else");
	ev.sigev_notify = SIGEV_SIGNAL;
	tap_fails(syscall(SYS_timer_create, 77, &ev, &kid), EINVAL, "no such clock");
	tap_fails(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, &ev, &kid), EOPNOTSUPP,
		  "a clock without timers");
	tap_fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, &ev, (void *)8), EFAULT,
		  "nowhere to put the id");
	tap_fails(syscall(SYS_timer_create, CLOCK_MONOTONIC, (void *)8, &kid), EFAULT,
		  "a bad event");
}

static void test_posix_overrun(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec s = spec(MS, MS);
	sigset_t set;
	timer_t id;

	catch (SIGRTMIN);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	timer_create(CLOCK_REALTIME, &ev, &id);
	sigprocmask(SIG_BLOCK, &set, NULL);
	timer_settime(id, 0, &s, NULL);
	usleep(50000);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	tap_ok(hits >= 1 && timer_getoverrun(id) >= 0, "a blocked signal is there once");
	usleep(3000);
	sigprocmask(SIG_BLOCK, &set, NULL);
	usleep(50000);
	hits = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	tap_ok(last_overrun >= 0 && hits >= 1, "with its overruns");
	timer_delete(id);
	ev.sigev_signo = SIGUSR2;
	signal(SIGUSR2, SIG_IGN);
	timer_create(CLOCK_MONOTONIC, &ev, &id);
	s = spec(1000, 1000);
	timer_settime(id, 0, &s, NULL);
	usleep(20000);
	catch (SIGUSR2);
	tap_ok(wait_hits(3, 2000), "one that was ignored goes on when it is not any more");
	timer_delete(id);
}

static volatile int thread_tid;
static volatile bool thread_stop;
static void *sleeper(void *arg)
{
	thread_tid = (int)syscall(SYS_gettid);
	while (!thread_stop)
		usleep(1000);
	return NULL;
}

static void test_posix_thread(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGRTMIN + 1 };
	struct itimerspec s = spec(10 * MS, 0), cur;
	pthread_t t;
	timer_t id;

	catch (SIGRTMIN + 1);
	pthread_create(&t, NULL, sleeper, NULL);
	while (!thread_tid)
		usleep(1000);
	ev._sigev_un._tid = thread_tid;
	tap_returns(timer_create(CLOCK_BOOTTIME, &ev, &id), 0, "SIGEV_THREAD_ID");
	timer_settime(id, 0, &s, NULL);
	tap_ok(wait_hits(1, 2000) && last_tid == thread_tid, "that thread gets it");
	timer_delete(id);
	thread_stop = true;
	pthread_join(t, NULL);
	ev.sigev_notify = SIGEV_NONE;
	tap_returns(timer_create(CLOCK_MONOTONIC, &ev, &id), 0, "SIGEV_NONE");
	s = spec(MS, 10 * MS);
	timer_settime(id, 0, &s, NULL);
	usleep(15000);
	tap_ok(timer_gettime(id, &cur) == 0 && spec_ns(cur.it_value) > 0 &&
		       spec_ns(cur.it_value) <= 10 * MS,
	       "only counts");
	timer_delete(id);
}

static void test_posix_cpu(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
	struct itimerspec s = spec(20 * MS, 10 * MS), cur;
	timer_t id;

	catch (SIGRTMIN);
	tap_returns(timer_create(CLOCK_PROCESS_CPUTIME_ID, &ev, &id), 0,
		    "on the process's CPU time");
	timer_settime(id, 0, &s, NULL);
	tap_ok(burn_hits(3, 3000), "expires as it burns");
	tap_ok(timer_gettime(id, &cur) == 0 && spec_ns(cur.it_interval) == 10 * MS, "reads");
	usleep(30000);
	hits = 0;
	usleep(100000);
	tap_ok(hits <= 1, "not in its sleep");
	timer_delete(id);
	tap_returns(timer_create(CLOCK_THREAD_CPUTIME_ID, &ev, &id), 0, "on the thread's");
	hits = 0;
	timer_settime(id, 0, &s, NULL);
	tap_ok(burn_hits(2, 3000), "as well");
	s = spec(1, 0);
	hits = 0;
	timer_settime(id, TIMER_ABSTIME, &s, NULL);
	tap_ok(burn_hits(1, 1000), "a time in the past: now");
	timer_delete(id);
}

/* --- timerfd --- */

static uint64_t read_ticks(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void test_timerfd(void)
{
	struct pollfd p = { .events = POLLIN };
	struct itimerspec s = spec(20 * MS, 0), cur;
	long long t = now_ns(CLOCK_MONOTONIC);
	uint64_t n;
	char small[4];
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	tap_ok(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "timerfd_create");
	p.fd = fd;
	tap_returns(poll(&p, 1, 0), 0, "not ready");
	tap_returns(timerfd_settime(fd, 0, &s, NULL), 0, "set");
	tap_ok(read_ticks(fd) == 1 && now_ns(CLOCK_MONOTONIC) - t >= 20 * MS, "read waits for it");
	s = spec(10 * MS, 10 * MS);
	timerfd_settime(fd, 0, &s, NULL);
	tap_ok(poll(&p, 1, 2000) == 1 && p.revents == POLLIN, "poll");
	usleep(45000);
	n = read_ticks(fd);
	tap_ok(n >= 4 && n < 100, "expiries are counted");
	tap_ok(timerfd_gettime(fd, &cur) == 0 && spec_ns(cur.it_interval) == 10 * MS &&
		       spec_ns(cur.it_value) > 0 && spec_ns(cur.it_value) <= 10 * MS,
	       "timerfd_gettime");
	s = spec(0, 0);
	tap_ok(timerfd_settime(fd, 0, &s, &cur) == 0 && spec_ns(cur.it_interval) == 10 * MS,
	       "off, and what was");
	fcntl(fd, F_SETFL, O_NONBLOCK);
	tap_fails(read(fd, &n, sizeof(n)), EAGAIN, "nothing to read, not to wait");
	tap_fails(read(fd, small, sizeof(small)), EINVAL, "a small buffer");
	tap_fails(write(fd, &n, sizeof(n)), EINVAL, "nothing to write");
	s = spec(now_ns(CLOCK_MONOTONIC) - MS, 0);
	tap_ok(timerfd_settime(fd, TFD_TIMER_ABSTIME, &s, NULL) == 0 && poll(&p, 1, 1000) == 1,
	       "in the past: now");
	close(fd);
	tap_fails(timerfd_create(CLOCK_TAI, 0), EINVAL, "a clock it does not know");
	tap_fails(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL, "an unknown flag");
	tap_fails(timerfd_gettime(0, &cur), EINVAL, "a file that is none");
	tap_fails(timerfd_gettime(999, &cur), EBADF, "no file");
	s.it_value.tv_nsec = -1;
	fd = timerfd_create(CLOCK_REALTIME, 0);
	tap_fails(timerfd_settime(fd, 0, &s, NULL), EINVAL, "negative nanoseconds");
	close(fd);
}

static void test_timerfd_cancel(void)
{
	long long real = now_ns(CLOCK_REALTIME);
	struct itimerspec s = spec(real + 1000 * NS, 0);
	struct timespec ts = { real / NS + 2000, 0 };
	int fd = timerfd_create(CLOCK_REALTIME, 0), plain = timerfd_create(CLOCK_REALTIME, 0),
	    relative = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK);
	uint64_t n;

	timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &s, NULL);
	timerfd_settime(plain, TFD_TIMER_ABSTIME, &s, NULL);
	s = spec(1000 * NS, 0);
	timerfd_settime(relative, 0, &s, NULL);
	tap_returns(clock_settime(CLOCK_REALTIME, &ts), 0, "the clock jumps ahead");
	tap_fails(read(fd, &n, sizeof(n)), ECANCELED, "one that asked is cancelled");
	tap_ok(read_ticks(plain) == 1, "one for an absolute time expires");
	tap_fails(read(relative, &n, sizeof(n)), EAGAIN, "a relative one does not");
	ts.tv_sec -= 2000;
	clock_settime(CLOCK_REALTIME, &ts);
	close(fd);
	close(plain);
	close(relative);
}

int main(void)
{
	test_itimer_real();
	test_itimer_cpu();
	test_posix_basic();
	test_posix_errors();
	test_posix_overrun();
	test_posix_thread();
	test_posix_cpu();
	test_timerfd();
	test_timerfd_cancel();
	return tap_done();
}

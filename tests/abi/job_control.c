/* SPDX-License-Identifier: MIT */
/* Stopping and continuing processes, what parents hear of it, orphaned process groups. No terminal.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static int up[2], down[2]; /* from and to a child */

static pid_t start(void (*fn)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn();
		_exit(0);
	}
	return pid;
}

static void say(char c) { write(up[1], &c, 1); }

/* The next character a child said; 0 when none came in a while. */
static char hear(void)
{
	struct pollfd p = { .fd = up[0], .events = POLLIN };
	char c = 0;

	if (poll(&p, 1, 3000) == 1)
		read(up[0], &c, 1);
	return c;
}

static bool silent(int ms)
{
	struct pollfd p = { .fd = up[0], .events = POLLIN };

	return poll(&p, 1, ms) == 0;
}

static void sleep_for_ever(void)
{
	say('r');
	for (;;)
		pause();
}

static void on_cont(int sig) { say('c'); }
static void on_hup(int sig) { say('h'); }
static void handle_cont(void)
{
	signal(SIGCONT, on_cont);
	sleep_for_ever();
}

static int next_sigchld(siginfo_t *info, int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	return sigtimedwait(&s, info, &t);
}

static void finish(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	siginfo_t info;
	while (next_sigchld(&info, 0) > 0)
		;
}

static void test_stop(void)
{
	siginfo_t info;
	int status;
	pid_t pid = start(handle_cont);

	hear();
	tap_returns(waitpid(pid, &status, WUNTRACED | WCONTINUED | WNOHANG), 0,
		    "a running child: nothing to wait for");
	kill(pid, SIGSTOP);
	tap_ok(next_sigchld(&info, 3000) == SIGCHLD && info.si_code == CLD_STOPPED,
	       "SIGSTOP: the parent gets SIGCHLD, CLD_STOPPED");
	tap_ok(info.si_pid == pid && info.si_status == SIGSTOP && info.si_uid == getuid(),
	       "the child, the signal");
	memset(&info, 0, sizeof(info));
	tap_returns(waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT), 0, "waitid WSTOPPED");
	tap_ok(info.si_code == CLD_STOPPED && info.si_status == SIGSTOP && info.si_pid == pid,
	       "says the same");
	tap_ok(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
		       WSTOPSIG(status) == SIGSTOP,
	       "after WNOWAIT waitpid still sees it");
	tap_returns(waitpid(pid, &status, WUNTRACED | WNOHANG), 0, "and then no more");
	kill(pid, SIGSTOP);
	tap_ok(next_sigchld(&info, 50) == -1, "a second SIGSTOP changes nothing");
	kill(pid, SIGCONT);
	tap_ok(next_sigchld(&info, 3000) == SIGCHLD && info.si_code == CLD_CONTINUED &&
		       info.si_status == SIGCONT,
	       "SIGCONT: CLD_CONTINUED");
	tap_ok(hear() == 'c', "its handler in the child runs");
	tap_ok(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status),
	       "waitpid WCONTINUED");
	tap_returns(waitpid(pid, &status, WCONTINUED | WNOHANG), 0, "once");
	kill(pid, SIGCONT);
	tap_ok(hear() == 'c' && next_sigchld(&info, 50) == -1,
	       "SIGCONT to a running one runs the handler only");
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	next_sigchld(&info, 3000);
	kill(pid, SIGTERM);
	tap_returns(waitpid(pid, &status, WNOHANG), 0, "a stopped process does not act on SIGTERM");
	kill(pid, SIGCONT);
	tap_ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		       WTERMSIG(status) == SIGTERM,
	       "until it is continued");
	pid = start(sleep_for_ever);
	while (hear() != 'r')
		;
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	tap_ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
		       WTERMSIG(status) == SIGKILL,
	       "SIGKILL needs no SIGCONT");
	while (next_sigchld(&info, 0) > 0)
		;
}

static void test_nocldstop(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };
	siginfo_t info;
	int status;
	pid_t pid;

	sigaction(SIGCHLD, &sa, NULL);
	pid = start(sleep_for_ever);
	hear();
	kill(pid, SIGSTOP);
	tap_ok(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status),
	       "SA_NOCLDSTOP: waitpid sees a stop");
	tap_ok(next_sigchld(&info, 50) == -1, "but no SIGCHLD comes");
	finish(pid);
	sa.sa_flags = 0;
	sigaction(SIGCHLD, &sa, NULL);
}

static void block_tstp(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGTSTP);
	sigaddset(&s, SIGCONT);
	sigprocmask(SIG_BLOCK, &s, NULL);
	raise(SIGTSTP);
	raise(SIGCONT);
	sigpending(&s);
	say(!sigismember(&s, SIGTSTP) && sigismember(&s, SIGCONT) ? 'y' : 'n');
	raise(SIGTSTP);
	sigpending(&s);
	say(sigismember(&s, SIGTSTP) && !sigismember(&s, SIGCONT) ? 'y' : 'n');
}

static void catch_tstp(void)
{
	signal(SIGTSTP, on_hup);
	raise(SIGTSTP);
	say('e');
}

static void own_group(void)
{
	setpgid(0, 0);
	sleep_for_ever();
}

static void own_session(void)
{
	setsid();
	sleep_for_ever();
}

static void test_terminal_signals(void)
{
	static const int signals[] = { SIGTSTP, SIGTTIN, SIGTTOU };
	siginfo_t info;
	int status;
	pid_t pid = start(block_tstp);

	tap_ok(hear() == 'y', "SIGCONT removes a pending stop signal");
	tap_ok(hear() == 'y', "a stop signal removes a pending SIGCONT");
	finish(pid);
	pid = start(catch_tstp);
	tap_ok(hear() == 'h' && hear() == 'e', "SIGTSTP can be handled");
	finish(pid);
	for (unsigned i = 0; i < 3; i++) {
		pid = start(own_group);
		hear();
		kill(pid, signals[i]);
		tap_ok(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) &&
			       WSTOPSIG(status) == signals[i],
		       "%s stops a process whose parent is in the session", strsignal(signals[i]));
		finish(pid);
	}
	pid = start(own_session);
	hear();
	kill(pid, SIGTSTP);
	tap_ok(next_sigchld(&info, 50) == -1,
	       "SIGTSTP does not stop one in an orphaned process group");
	kill(pid, SIGSTOP);
	tap_ok(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status), "SIGSTOP does");
	finish(pid);
}

/* --- threads --- */

static volatile unsigned long *counters; /* shared with the child */
static void *spin(void *n)
{
	for (;;) {
		counters[(long)n]++;
		usleep(500);
	}
	return NULL;
}
static void many_threads(void)
{
	pthread_t t;

	for (long i = 0; i < 3; i++)
		pthread_create(&t, NULL, spin, (void *)i);
	say('r');
	spin((void *)3);
}

static unsigned long total(void) { return counters[0] + counters[1] + counters[2] + counters[3]; }
static bool all_run(void)
{
	unsigned long before[4];

	for (int i = 0; i < 4; i++)
		before[i] = counters[i];
	for (int ms = 0; ms < 3000; ms++) {
		if (counters[0] != before[0] && counters[1] != before[1] &&
		    counters[2] != before[2] && counters[3] != before[3])
			return true;
		usleep(1000);
	}
	return false;
}

static void test_thread_groups(void)
{
	siginfo_t info;
	unsigned long then;
	int status;
	pid_t pid;

	counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = start(many_threads);
	hear();
	tap_ok(all_run(), "four threads run");
	kill(pid, SIGSTOP);
	tap_ok(next_sigchld(&info, 3000) == SIGCHLD && info.si_code == CLD_STOPPED,
	       "SIGSTOP stops the process");
	then = total();
	usleep(30000);
	tap_ok(total() == then, "all of its threads");
	tap_ok(waitpid(pid, &status, WUNTRACED) == pid && next_sigchld(&info, 0) == -1,
	       "with one report");
	kill(pid, SIGCONT);
	tap_ok(all_run(), "SIGCONT continues them all");
	tap_ok(next_sigchld(&info, 3000) == SIGCHLD && info.si_code == CLD_CONTINUED &&
		       next_sigchld(&info, 20) == -1,
	       "with one report");
	finish(pid);
}

/* --- what a stop does to a sleeping system call --- */

static void sleep_100ms(void)
{
	struct timespec t = { 0, 100000000 }, before, after;

	say('r');
	clock_gettime(CLOCK_MONOTONIC, &before);
	int r = nanosleep(&t, NULL);
	clock_gettime(CLOCK_MONOTONIC, &after);
	long ms =
		(after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	say(r == 0 && ms >= 99 ? 'y' : 'n');
}

static void read_one(void)
{
	char c;

	say('r');
	say(read(down[0], &c, 1) == 1 ? c : 'n');
}

static void test_system_calls(void)
{
	int status;
	pid_t pid = start(sleep_100ms);

	hear();
	usleep(10000);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGCONT);
	tap_ok(hear() == 'y', "a sleep goes on after stop and continue, to its time");
	finish(pid);
	pid = start(read_one);
	hear();
	usleep(10000);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	write(down[1], "z", 1);
	tap_ok(silent(30), "a stopped process does not read");
	kill(pid, SIGCONT);
	tap_ok(hear() == 'z', "a continued one goes on with it");
	finish(pid);
}

/* --- orphaned process groups --- */

static void stopped_grandchild(void)
{
	signal(SIGHUP, on_hup);
	signal(SIGCONT, on_cont);
	say('r');
	raise(SIGSTOP);
	usleep(100000);
}

/* A child with a group of its own and a stopped child in it: when it exits nobody can continue that
 * one. */
static void leave_orphan(void)
{
	int status;
	pid_t pid;

	setpgid(0, 0);
	pid = fork();
	if (pid == 0) {
		stopped_grandchild();
		_exit(0);
	}
	waitpid(pid, &status, WUNTRACED);
}

static void test_orphans(void)
{
	pid_t pid = start(leave_orphan);
	char a, b;

	tap_ok(hear() == 'r', "a process stops in a group that is about to be orphaned");
	waitpid(pid, NULL, 0);
	a = hear();
	b = hear();
	tap_ok((a == 'h' && b == 'c') || (a == 'c' && b == 'h'), "it gets SIGHUP and SIGCONT");
}

int main(void)
{
	sigset_t s;

	pipe(up);
	pipe(down);
	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s, NULL);
	test_stop();
	test_nocldstop();
	test_terminal_signals();
	test_thread_groups();
	test_system_calls();
	test_orphans();
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
/* pidfds: opening, polling, waiting, signals, descriptors of another process, threads. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef PIDFD_NONBLOCK
#define PIDFD_NONBLOCK O_NONBLOCK
#endif
#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#define SIGNAL_THREAD	     1
#define SIGNAL_THREAD_GROUP  2
#define SIGNAL_PROCESS_GROUP 4

static int pidfd_open_(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}
static int pidfd_send(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}
static int pidfd_getfd_(int fd, int target, unsigned flags)
{
	return (int)syscall(SYS_pidfd_getfd, fd, target, flags);
}

static short ready(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0 ? p.revents : 0;
}

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

static void sleep_for_ever(void)
{
	for (;;)
		pause();
}
static void exit_soon(void)
{
	usleep(20000);
	_exit(5);
}

static void test_open(void)
{
	int fd = pidfd_open_(getpid(), 0);

	tap_ok(fd >= 0, "pidfd_open of myself");
	tap_ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "it closes on exec");
	tap_ok((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR, "its mode is read and write");
	tap_ok(ready(fd, 0) == 0, "it is not ready while the process lives");
	char c;
	tap_fails(read(fd, &c, 1), EINVAL, "it cannot be read");
	close(fd);
	tap_fails(pidfd_open_(0, 0), EINVAL, "number 0");
	tap_fails(pidfd_open_(-1, 0), EINVAL, "a negative number");
	tap_fails(pidfd_open_(getpid(), 1), EINVAL, "unknown flags");
	tap_fails(pidfd_open_(0x3ffffff, 0), ESRCH, "a number nobody has");
	fd = pidfd_open_(getpid(), PIDFD_NONBLOCK);
	tap_ok(fcntl(fd, F_GETFL) & O_NONBLOCK, "PIDFD_NONBLOCK");
	close(fd);
}

static void test_exit(void)
{
	siginfo_t info = { 0 };
	pid_t pid = start(exit_soon);
	int fd = pidfd_open_(pid, 0), nb = pidfd_open_(pid, PIDFD_NONBLOCK);

	tap_fails(waitid(P_PIDFD, (id_t)nb, &info, WEXITED), EAGAIN,
		  "waitid does not wait on a non-blocking one");
	tap_ok(ready(fd, 3000) == POLLIN, "it is ready when the process exits");
	tap_returns(pidfd_send(fd, 0, NULL, 0), 0, "a zombie is there to be sent signals");
	tap_returns(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), 0, "waitid by pidfd");
	tap_ok(info.si_pid == pid && info.si_code == CLD_EXITED && info.si_status == 5,
	       "finds the child and its status");
	tap_ok(ready(fd, 0) == (POLLIN | POLLHUP), "afterwards it is ready and hung up");
	tap_fails(pidfd_send(fd, 0, NULL, 0), ESRCH, "and there is nobody to signal");
	tap_fails(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD, "nor to wait for");
	tap_fails(waitid(P_PIDFD, STDOUT_FILENO, &info, WEXITED), EBADF, "waitid: another file");
	close(fd);
	close(nb);
}

static volatile sig_atomic_t runs;
static volatile siginfo_t last_info;
static void keep_info(int sig, siginfo_t *info, void *uc)
{
	runs++;
	last_info = *info;
}

static void test_signals(void)
{
	struct sigaction sa = { .sa_sigaction = keep_info, .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	pid_t pid = start(sleep_for_ever);
	int fd = pidfd_open_(pid, 0), self = pidfd_open_(getpid(), 0), status;

	sigaction(SIGUSR1, &sa, NULL);
	tap_returns(pidfd_send(self, SIGUSR1, NULL, 0), 0, "a signal to myself");
	tap_ok(runs == 1 && last_info.si_code == SI_USER && last_info.si_pid == getpid(),
	       "looks like kill's");
	tap_returns(pidfd_send(self, SIGUSR1, NULL, SIGNAL_THREAD), 0, "to the thread only");
	tap_ok(runs == 2 && last_info.si_code == SI_TKILL, "looks like tgkill's");
	info.si_value.sival_int = 17;
	tap_returns(pidfd_send(self, SIGUSR1, &info, 0), 0, "with a siginfo");
	tap_ok(runs == 3 && last_info.si_code == SI_QUEUE && last_info.si_value.sival_int == 17,
	       "which arrives");
	tap_fails(pidfd_send(self, SIGUSR2, &info, 0), EINVAL, "whose number has to be the same");
	info.si_code = SI_USER;
	tap_fails(pidfd_send(fd, SIGUSR1, &info, 0), EPERM, "another process: no pretended kill");
	tap_fails(pidfd_send(self, SIGUSR1, NULL, 8), EINVAL, "unknown flags");
	tap_fails(pidfd_send(self, SIGUSR1, NULL, SIGNAL_THREAD | SIGNAL_THREAD_GROUP), EINVAL,
		  "two scopes");
	tap_fails(pidfd_send(self, 65, NULL, 0), EINVAL, "no such signal");
	tap_fails(pidfd_send(STDOUT_FILENO, 0, NULL, 0), EBADF, "another file");
	tap_fails(pidfd_send(0x7ffffff, 0, NULL, 0), EBADF, "no file");
	tap_fails(pidfd_send(fd, 0, NULL, SIGNAL_PROCESS_GROUP), ESRCH,
		  "a process that leads no group");
	tap_returns(pidfd_send(fd, SIGKILL, NULL, SIGNAL_THREAD_GROUP), 0, "SIGKILL to a child");
	waitpid(pid, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "which dies");
	close(fd);
	close(self);
}

static int shared_pipe[2];
static void hold_pipe(void)
{
	dup2(shared_pipe[1], 100);
	close(shared_pipe[0]);
	write(100, "r", 1);
	sleep_for_ever();
}

static void test_getfd(void)
{
	char c = 0;

	pipe(shared_pipe);
	pid_t pid = start(hold_pipe);
	int fd = pidfd_open_(pid, 0), got;

	close(shared_pipe[1]);
	read(shared_pipe[0], &c, 1);
	got = pidfd_getfd_(fd, 100, 0);
	tap_ok(got >= 0 && fcntl(got, F_GETFD) == FD_CLOEXEC,
	       "pidfd_getfd: a descriptor of a child");
	write(got, "y", 1);
	tap_ok(read(shared_pipe[0], &c, 1) == 1 && c == 'y', "is the same file");
	tap_fails(pidfd_getfd_(fd, 101, 0), EBADF, "one it does not have");
	tap_fails(pidfd_getfd_(fd, 100, 1), EINVAL, "unknown flags");
	tap_fails(pidfd_getfd_(got, 100, 0), EBADF, "another file");
	close(got);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	tap_fails(pidfd_getfd_(fd, 100, 0), ESRCH, "a process that is gone");
	tap_ok(read(shared_pipe[0], &c, 1) == 0, "the pipe's other end is closed with it");
	close(fd);
	close(shared_pipe[0]);
}

static void test_clone(void)
{
	struct clone_args a = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	int fd = -1;

	a.pidfd = (uint64_t)(uintptr_t)&fd;
	pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof(a));
	if (pid == 0)
		_exit(3);
	tap_ok(pid > 0 && fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC,
	       "clone3 with CLONE_PIDFD gives one");
	siginfo_t info = { 0 };
	tap_ok(ready(fd, 3000) == POLLIN && waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 &&
		       info.si_pid == pid,
	       "of the child");
	close(fd);
}

static volatile pid_t tid;
static volatile bool stop;
static void *thread(void *arg)
{
	tid = (pid_t)syscall(SYS_gettid);
	while (!stop)
		usleep(1000);
	return NULL;
}

static void test_threads(void)
{
	pthread_t t;
	int fd, whole = pidfd_open_(getpid(), 0);

	pthread_create(&t, NULL, thread, NULL);
	while (!tid)
		usleep(1000);
	tap_ok(pidfd_open_(tid, 0) == -1, "a thread's number names no process");
	fd = pidfd_open_(tid, PIDFD_THREAD);
	tap_ok(fd >= 0, "but a thread, with PIDFD_THREAD");
	tap_ok(ready(fd, 0) == 0, "which lives");
	runs = 0;
	tap_ok(pidfd_send(fd, SIGUSR1, NULL, 0) == 0, "it can be signalled");
	for (int i = 0; i < 2000 && !runs; i++)
		usleep(1000);
	tap_ok(runs == 1 && last_info.si_code == SI_TKILL, "by default the thread alone");
	stop = true;
	tap_ok(ready(fd, 3000) != 0, "it is ready when the thread exits");
	pthread_join(t, NULL);
	tap_ok(ready(whole, 0) == 0, "the process's is not");
	close(fd);
	close(whole);
}

int main(void)
{
	test_open();
	test_exit();
	test_signals();
	test_getfd();
	test_clone();
	test_threads();
	return tap_done();
}

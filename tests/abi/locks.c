/* SPDX-License-Identifier: MIT */
/* Advisory locks: POSIX records, open file descriptions, flock; waiting, deadlock, what ends them. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/file.h>

#include "scratch.h"

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#endif

static struct flock last;

static int lock(int fd, int cmd, short type, off_t start, off_t len)
{
	last = (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
	return fcntl(fd, cmd, &last);
}

/* What another process says about [start, start + len): 0 free, else the lock's type + 1. */
static int seen_by_other(off_t start, off_t len)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int fd = open("f", O_RDWR);

		if (fd < 0 || lock(fd, F_GETLK, F_WRLCK, start, len))
			_exit(99);
		_exit(last.l_type == F_UNLCK ? 0 : last.l_type + 1);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void flocks(int a, int b)
{
	OK(flock(a, LOCK_EX | LOCK_NB), 0);
	ERR(flock(b, LOCK_SH | LOCK_NB), EAGAIN);
	OK(flock(a, LOCK_SH | LOCK_NB), 0);
	OK(flock(b, LOCK_SH | LOCK_NB), 0);
	ERR(flock(a, LOCK_EX | LOCK_NB), EAGAIN);
	OK(flock(b, LOCK_EX | LOCK_NB), 0); /* the failed conversion gave a's up */
	OK(flock(b, LOCK_UN), 0);
	ERR(flock(a, LOCK_SH | LOCK_EX), EINVAL);
	ERR(flock(-1, LOCK_SH), EBADF);
}

static void records(int a)
{
	OK(lock(a, F_SETLK, F_WRLCK, 0, 100), 0);
	OK(lock(a, F_SETLK, F_RDLCK, 50, 10), 0);
	OK(lock(a, F_SETLK, F_UNLCK, 20, 10), 0);
	OK(seen_by_other(0, 20), F_WRLCK + 1);
	OK(seen_by_other(20, 10), 0);
	OK(seen_by_other(50, 10), F_RDLCK + 1);
	OK(seen_by_other(60, 40), F_WRLCK + 1);
	OK(seen_by_other(100, 0), 0);
	OK(lock(a, F_GETLK, F_WRLCK, 0, 0), 0);
	IS(last.l_type == F_UNLCK);
	ERR(lock(a, F_SETLK, F_RDLCK, -5, 1), EINVAL);
	ERR(lock(a, F_SETLK, 9, 0, 1), EINVAL);
	OK(lock(a, F_SETLK, F_WRLCK, 300, -100), 0);
	OK(seen_by_other(200, 100), F_WRLCK + 1);
	OK(seen_by_other(300, 1), 0);
}

static void descriptions(int a, int b)
{
	OK(lock(b, F_OFD_SETLK, F_WRLCK, 20, 10), 0);
	ERR(lock(b, F_OFD_SETLK, F_WRLCK, 15, 10), EAGAIN);
	OK(lock(b, F_OFD_SETLK, F_RDLCK, 52, 3), 0);
	OK(lock(a, F_GETLK, F_WRLCK, 20, 1), 0);
	IS(last.l_type == F_WRLCK && last.l_pid == -1 && last.l_start == 20 && last.l_len == 10);
	last = (struct flock){ .l_type = F_RDLCK, .l_pid = 1 };
	ERR(fcntl(b, F_OFD_SETLK, &last), EINVAL);
}

/* Child locks byte 1 and then waits for byte 0; we hold byte 0 and ask for byte 1. */
static void deadlock(int a)
{
	int to_child[2], to_parent[2], status;
	pid_t pid;
	char c = 0;

	if (pipe(to_child) || pipe(to_parent))
		exit(2);
	OK(lock(a, F_SETLK, F_UNLCK, 0, 0), 0);
	OK(lock(a, F_SETLK, F_WRLCK, 0, 1), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open("f", O_RDWR);

		lock(fd, F_SETLK, F_WRLCK, 1, 1);
		write(to_parent[1], &c, 1);
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 1) != 0);
	}
	read(to_parent[0], &c, 1);
	usleep(100000);
	ERR(lock(a, F_SETLK, F_WRLCK, 1, 1), EAGAIN);
	ERR(lock(a, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	OK(lock(a, F_SETLK, F_UNLCK, 0, 1), 0);
	waitpid(pid, &status, 0);
	OK(status, 0);
	OK(lock(a, F_SETLKW, F_WRLCK, 0, 2), 0); /* its locks went with it */
}

static void on_alarm(int sig) { (void)sig; }

static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	int ready[2], status;
	pid_t pid;
	char c = 0;

	if (pipe(ready))
		exit(2);
	pid = fork();
	if (pid == 0) {
		int fd = open("f", O_RDWR);

		flock(fd, LOCK_EX);
		write(ready[1], &c, 1);
		pause();
	}
	read(ready[0], &c, 1);
	sigaction(SIGALRM, &sa, NULL);
	int fd = open("f", O_RDWR);
	ualarm(100000, 0);
	ERR(flock(fd, LOCK_EX), EINTR);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	OK(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
}

int main(void)
{
	int a, b, r;

	scratch_enter("locks");
	a = open("f", O_RDWR | O_CREAT, 0644);
	b = open("f", O_RDWR);
	r = open("f", O_RDONLY);
	flocks(a, b);
	ERR(lock(r, F_SETLK, F_WRLCK, 0, 1), EBADF);
	close(r);
	records(a);
	descriptions(a, b);
	deadlock(a);
	OK(seen_by_other(0, 2), F_WRLCK + 1);
	close(b); /* any descriptor of the file: all of the process's records go */
	OK(seen_by_other(0, 2), 0);
	interrupted();
	return tap_done();
}

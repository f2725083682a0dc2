/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors: poll, ppoll, select, pselect, epoll, eventfd, and inotify. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static volatile sig_atomic_t signals;

static void on_signal(int sig) { signals++; }

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void *write_later(void *arg)
{
	usleep(30000);
	write(*(int *)arg, "12345678", 8);
	return NULL;
}

static void test_poll(void)
{
	struct pollfd f[3];
	struct timespec bad = { 0, 1000000000 }, ms20 = { 0, 20000000 };
	struct rlimit rl;
	pthread_t thread;
	sigset_t none;
	long long t;
	int p[2];

	pipe(p);
	f[0] = (struct pollfd) { p[0], POLLIN, 77 };
	f[1] = (struct pollfd) { p[1], POLLOUT, 77 };
	f[2] = (struct pollfd) { -1, POLLIN, 77 };
	tap_returns(poll(f, 3, 0), 1, "one is ready");
	tap_ok(f[0].revents == 0 && f[1].revents == POLLOUT && f[2].revents == 0,
	       "the pipe can be written");
	f[2].fd = 999;
	tap_returns(poll(f, 3, -1), 2, "one is not open");
	tap_ok(f[2].revents == POLLNVAL, "POLLNVAL");
	t = now_ms();
	tap_returns(poll(f, 1, 30), 0, "time-out");
	tap_ok(now_ms() - t >= 29 && now_ms() - t < 1000, "after that time");
	tap_returns(poll(NULL, 0, 1), 0, "none");
	tap_fails(poll((void *)8, 1, 0), EFAULT, "nowhere");
	getrlimit(RLIMIT_NOFILE, &rl);
	tap_fails(poll(f, rl.rlim_cur + 1, 0), EINVAL, "more than RLIMIT_NOFILE");
	tap_fails(ppoll(f, 1, &bad, NULL), EINVAL, "ppoll: a bad time");
	tap_returns(ppoll(f, 1, &ms20, NULL), 0, "ppoll: time-out");
	tap_ok(ms20.tv_nsec == 20000000, "the C library keeps the time");
	pthread_create(&thread, NULL, write_later, &p[1]);
	tap_returns(poll(f, 1, 3000), 1, "woken by a write");
	tap_ok(f[0].revents == POLLIN, "POLLIN");
	pthread_join(thread, NULL);
	int file = open("/tmp/polled", O_RDWR | O_CREAT, 0600);
	f[0] = (struct pollfd) { file, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLPRI, 0 };
	tap_ok(poll(f, 1, 0) == 1 && f[0].revents == (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM),
	       "a file is always ready");
	close(file);
	unlink("/tmp/polled");

	sigset_t usr1;
	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	raise(SIGUSR1);
	signals = 0;
	f[0] = (struct pollfd) { p[1], POLLIN, 0 };
	tap_fails(ppoll(f, 1, NULL, &none), EINTR, "ppoll: a signal its mask lets through");
	tap_returns(signals, 1, "the handler ran");
	sigprocmask(SIG_BLOCK, NULL, &none);
	tap_ok(sigismember(&none, SIGUSR1), "the old mask is back");
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	close(p[0]);
	close(p[1]);
}

static void test_select(void)
{
	struct timeval tv = { 0, 20000 }, bad = { 0, -1 };
	struct timespec ts = { 0, 20000000 };
	fd_set r, w, e;
	int p[2];

	pipe(p);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&e);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	tap_returns(select(p[1] + 1, &r, &w, &e, NULL), 1, "select: one is ready");
	tap_ok(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w), "the right one");
	FD_SET(p[0], &r);
	tap_returns(select(p[1] + 1, &r, NULL, NULL, &tv), 0, "select: time-out");
	tap_ok(!FD_ISSET(p[0], &r) && tv.tv_sec == 0 && tv.tv_usec == 0, "no time is left");
	write(p[1], "x", 1);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	tap_returns(select(p[1] + 1, &r, &w, NULL, NULL), 2, "select: both");
	tap_returns(select(0, NULL, NULL, NULL, &(struct timeval) { 0, 1000 }), 0, "select: none");
	tap_fails(select(p[1] + 1, &r, NULL, NULL, &bad), EINVAL, "select: a bad time");
	tap_fails(select(-1, &r, NULL, NULL, NULL), EINVAL, "select: a negative number");
	close(p[0]);
	FD_SET(p[0], &r);
	tap_fails(select(p[1] + 1, &r, NULL, NULL, NULL), EBADF, "select: not open");
	tap_fails(syscall(SYS_pselect6, 8, (void *)8, NULL, NULL, NULL, NULL), EFAULT,
		  "select: nowhere");
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[1], &w);
	tap_ok(pselect(p[1] + 1, NULL, &w, NULL, &ts, NULL) == 1 && FD_ISSET(p[1], &w),
	       "pselect: no reader is writable");
	close(p[1]);
}

static void test_eventfd(void)
{
	uint64_t v = 0;
	int fd = eventfd(3, EFD_NONBLOCK);
	struct pollfd f = { fd, POLLIN | POLLOUT, 0 };

	tap_ok(fd >= 0, "eventfd");
	tap_ok(read(fd, &v, 8) == 8 && v == 3, "its first value");
	tap_fails(read(fd, &v, 8), EAGAIN, "then none");
	tap_ok(poll(&f, 1, 0) == 1 && f.revents == POLLOUT, "poll: writable");
	v = 5;
	write(fd, &v, 8);
	write(fd, &v, 8);
	tap_ok(poll(&f, 1, 0) == 1 && f.revents == (POLLIN | POLLOUT), "poll: both");
	tap_ok(read(fd, &v, 64) == 8 && v == 10, "values add up");
	tap_fails(read(fd, &v, 4), EINVAL, "a short read");
	tap_fails(write(fd, &v, 4), EINVAL, "a short write");
	v = UINT64_MAX;
	tap_fails(write(fd, &v, 8), EINVAL, "the largest number cannot be added");
	v = UINT64_MAX - 1;
	tap_returns(write(fd, &v, 8), 8, "the next one can");
	v = 1;
	tap_fails(write(fd, &v, 8), EAGAIN, "but no more then");
	tap_ok(poll(&f, 1, 0) == 1 && f.revents == POLLIN, "poll: full");
	tap_returns(lseek(fd, 5, SEEK_SET), 0, "lseek does nothing");
	close(fd);
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	tap_ok(read(fd, &v, 8) == 8 && v == 1 && read(fd, &v, 8) == 8 && v == 1,
	       "a semaphore gives one at a time");
	tap_fails(read(fd, &v, 8), EAGAIN, "as often as it can");
	close(fd);
	tap_fails(eventfd(0, 0x100), EINVAL, "unknown flags");
}

static void test_epoll(void)
{
	struct epoll_event ev = { EPOLLIN, { .u64 = 0x1122334455667788 } }, out[4];
	int e, p[2], file, nested;
	uint64_t v = 1;
	long long t;
	pthread_t thread;

	tap_fails(epoll_create(0), EINVAL, "epoll_create: no size");
	tap_fails(epoll_create1(1), EINVAL, "epoll_create1: unknown flags");
	e = epoll_create1(EPOLL_CLOEXEC);
	tap_ok(e >= 0 && fcntl(e, F_GETFD) == FD_CLOEXEC, "epoll_create1");
	pipe2(p, O_NONBLOCK);
	tap_returns(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev), 0, "add");
	tap_fails(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &ev), EEXIST, "add again");
	tap_fails(epoll_ctl(e, EPOLL_CTL_MOD, p[1], &ev), ENOENT, "change what is not there");
	tap_fails(epoll_ctl(e, EPOLL_CTL_DEL, p[1], NULL), ENOENT, "take away what is not there");
	tap_fails(epoll_ctl(e, EPOLL_CTL_ADD, 999, &ev), EBADF, "not open");
	tap_fails(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &ev), EINVAL, "not an epoll");
	tap_fails(epoll_ctl(e, EPOLL_CTL_ADD, e, &ev), EINVAL, "not itself");
	tap_fails(epoll_ctl(e, 9, p[0], &ev), EINVAL, "unknown operation");
	tap_fails(epoll_ctl(e, EPOLL_CTL_ADD, p[1], (void *)8), EFAULT, "no event");
	file = open("/tmp/epolled", O_RDWR | O_CREAT, 0600);
	tap_fails(epoll_ctl(e, EPOLL_CTL_ADD, file, &ev), EPERM, "files are always ready");
	close(file);
	unlink("/tmp/epolled");
	tap_returns(epoll_wait(e, out, 4, 0), 0, "nothing yet");
	tap_fails(epoll_wait(e, out, 0, 0), EINVAL, "room for none");
	tap_fails(epoll_wait(p[0], out, 1, 0), EINVAL, "waiting on what is no epoll");
	t = now_ms();
	tap_returns(epoll_wait(e, out, 4, 25), 0, "time-out");
	tap_ok(now_ms() - t >= 24, "after that time");
	write(p[1], "x", 1);
	tap_ok(epoll_wait(e, out, 4, -1) == 1 && out[0].events == EPOLLIN &&
		       out[0].data.u64 == ev.data.u64,
	       "readable");
	tap_returns(epoll_wait(e, out, 4, 0), 1, "and again: level-triggered");
	tap_fails(epoll_wait(e, (void *)8, 1, 0), EFAULT, "nowhere to tell");
	ev.events = EPOLLIN | EPOLLET;
	tap_returns(epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev), 0, "edge-triggered");
	tap_returns(epoll_wait(e, out, 4, 0), 1, "told once");
	tap_returns(epoll_wait(e, out, 4, 0), 0, "not again");
	write(p[1], "x", 1);
	tap_returns(epoll_wait(e, out, 4, 0), 1, "another byte is another edge");
	ev.events = EPOLLIN | EPOLLONESHOT;
	epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev);
	tap_returns(epoll_wait(e, out, 4, 0), 1, "one shot");
	write(p[1], "x", 1);
	tap_returns(epoll_wait(e, out, 4, 0), 0, "is one");
	epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev);
	tap_returns(epoll_wait(e, out, 4, 0), 1, "until it is armed again");
	char c[8];
	while (read(p[0], c, 8) > 0)
		;
	ev.events = EPOLLIN;
	epoll_ctl(e, EPOLL_CTL_MOD, p[0], &ev);
	nested = epoll_create1(0);
	tap_returns(epoll_ctl(nested, EPOLL_CTL_ADD, e, &ev), 0, "an epoll in an epoll");
	tap_fails(epoll_ctl(e, EPOLL_CTL_ADD, nested, &ev), ELOOP, "but no circle");
	tap_returns(epoll_wait(nested, out, 4, 0), 0, "nothing there");
	pthread_create(&thread, NULL, write_later, &p[1]);
	tap_returns(epoll_wait(nested, out, 4, 3000), 1, "woken through both");
	pthread_join(thread, NULL);
	struct pollfd f = { e, POLLIN, 0 };
	tap_ok(poll(&f, 1, 0) == 1 && f.revents == POLLIN, "poll of an epoll");
	close(nested);
	int copy = dup(p[0]);
	close(p[0]);
	tap_returns(epoll_wait(e, out, 4, 0), 1, "it watches the open file, not the number");
	close(copy);
	tap_returns(epoll_wait(e, out, 4, 0), 0, "until that is closed");

	int a = eventfd(1, 0), b = eventfd(1, 0);
	ev = (struct epoll_event) { EPOLLIN, { .u32 = 1 } };
	epoll_ctl(e, EPOLL_CTL_ADD, a, &ev);
	ev.data.u32 = 2;
	epoll_ctl(e, EPOLL_CTL_ADD, b, &ev);
	tap_ok(epoll_wait(e, out, 1, 0) == 1 && out[0].data.u32 == 1, "one at a time: the first");
	tap_ok(epoll_wait(e, out, 1, 0) == 1 && out[0].data.u32 == 2, "then the other");
	tap_ok(epoll_wait(e, out, 1, 0) == 1 && out[0].data.u32 == 1, "and the first again");
	read(a, &v, 8);
	tap_ok(epoll_wait(e, out, 4, 0) == 1 && out[0].data.u32 == 2, "only one is left");
	ev.events = EPOLLEXCLUSIVE | EPOLLIN;
	tap_fails(epoll_ctl(e, EPOLL_CTL_MOD, a, &ev), EINVAL, "EPOLLEXCLUSIVE: only for add");
	epoll_ctl(e, EPOLL_CTL_DEL, a, NULL);
	tap_returns(epoll_ctl(e, EPOLL_CTL_ADD, a, &ev), 0, "there it is allowed");
	tap_fails(epoll_ctl(e, EPOLL_CTL_MOD, a, &ev), EINVAL, "and not to be changed");
	struct timespec ts = { 0, 1000000 };
	epoll_ctl(e, EPOLL_CTL_DEL, b, NULL);
	tap_returns(epoll_pwait2(e, out, 4, &ts, NULL), 0, "epoll_pwait2");
	close(p[1]);
	close(a);
	close(b);
	close(e);
}

static int events_from(int fd, char *text, size_t size)
{
	char buf[4096] __attribute__((aligned(8)));
	long n = read(fd, buf, sizeof(buf));
	int count = 0;

	text[0] = '\0';
	for (long at = 0; at < n; count++) {
		struct inotify_event *e = (struct inotify_event *)(buf + at);

		snprintf(text + strlen(text), size - strlen(text), "%s%x%s%s", at ? " " : "",
			 e->mask, e->len ? ":" : "", e->len ? e->name : "");
		at += sizeof(*e) + e->len;
	}
	return n < 0 ? -1 : count;
}

static void expect_events(int fd, const char *want, const char *what)
{
	char got[512];

	events_from(fd, got, sizeof(got));
	if (!tap_ok(!strcmp(got, want), "inotify: %s", what))
		tap_note("got %s, wanted %s", got, want);
}

static void test_inotify(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), wd, wf, f, n;
	char c[16];

	tap_ok(fd >= 0, "inotify_init1");
	tap_fails(inotify_init1(1), EINVAL, "inotify_init1: unknown flags");
	mkdir("/tmp/watched", 0755);
	wd = inotify_add_watch(fd, "/tmp/watched", IN_ALL_EVENTS);
	tap_returns(wd, 1, "the first watch is 1");
	tap_returns(inotify_add_watch(fd, "/tmp/watched", IN_ALL_EVENTS), 1,
		    "the same directory is the same watch");
	tap_fails(inotify_add_watch(fd, "/tmp/watched", IN_ALL_EVENTS | IN_MASK_CREATE), EEXIST,
		  "IN_MASK_CREATE");
	tap_fails(inotify_add_watch(fd, "/tmp/none", IN_ALL_EVENTS), ENOENT, "no such file");
	tap_fails(inotify_add_watch(fd, "/tmp/watched", 0), EINVAL, "no events");
	tap_fails(inotify_add_watch(0, "/tmp/watched", IN_OPEN), EINVAL, "no inotify");
	tap_fails(inotify_add_watch(fd, "/dev/null", IN_OPEN | IN_ONLYDIR), ENOTDIR, "IN_ONLYDIR");
	tap_fails(inotify_rm_watch(fd, 99), EINVAL, "no such watch");
	tap_fails(read(fd, c, 16), EAGAIN, "nothing happened");
	f = open("/tmp/watched/a", O_RDWR | O_CREAT, 0600);
	expect_events(fd, "100:a 20:a", "create, open");
	write(f, "hello", 5);
	write(f, "hello", 5);
	expect_events(fd, "2:a", "two writes are one event");
	tap_returns(ioctl(fd, FIONREAD, &n), 0, "FIONREAD");
	tap_returns(n, 0, "none is left");
	pread(f, c, 5, 0);
	ftruncate(f, 1);
	fchmod(f, 0644);
	expect_events(fd, "1:a 2:a 4:a", "read, truncate, mode");
	close(f);
	expect_events(fd, "8:a", "closed after writing");
	close(open("/tmp/watched/a", O_RDONLY));
	expect_events(fd, "20:a 10:a", "opened and closed for reading");
	rename("/tmp/watched/a", "/tmp/watched/b");
	expect_events(fd, "40:a 80:b", "rename");
	wf = inotify_add_watch(fd, "/tmp/watched/b",
			       IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_MODIFY);
	tap_returns(wf, 2, "a file's watch");
	f = open("/tmp/watched/b", O_WRONLY);
	write(f, "x", 1);
	expect_events(fd, "20:b 2:b 2", "both tell");
	rename("/tmp/watched/b", "/tmp/b-moved");
	expect_events(fd, "40:b 800", "moved away");
	close(f);
	link("/tmp/b-moved", "/tmp/watched/c");
	expect_events(fd, "4 100:c", "a link");
	unlink("/tmp/b-moved");
	expect_events(fd, "4", "its other name is gone");
	unlink("/tmp/watched/c");
	expect_events(fd, "4 400 8000 200:c", "and the last one");
	mkdir("/tmp/watched/dir", 0755);
	rmdir("/tmp/watched/dir");
	expect_events(fd, "40000100:dir 40000200:dir", "directories");
	symlink("nowhere", "/tmp/watched/link");
	unlink("/tmp/watched/link");
	expect_events(fd, "100:link 200:link", "a symbolic link");
	close(open("/tmp/watched/x", O_CREAT | O_WRONLY, 0600));
	unlink("/tmp/watched/x");
	tap_fails(read(fd, c, 16), EINVAL, "room for no event");
	expect_events(fd, "100:x 20:x 8:x 200:x", "they wait");
	struct pollfd p = { fd, POLLIN, 0 };
	tap_returns(poll(&p, 1, 0), 0, "poll: nothing");
	rmdir("/tmp/watched");
	tap_returns(poll(&p, 1, 0), 1, "poll: something");
	expect_events(fd, "400 8000", "the directory itself");
	mkdir("/tmp/watched", 0755);
	wd = inotify_add_watch(fd, "/tmp/watched", IN_CREATE | IN_ONESHOT);
	tap_returns(wd, 3, "numbers are not used again");
	mkdir("/tmp/watched/1", 0755);
	mkdir("/tmp/watched/2", 0755);
	expect_events(fd, "40000100:1 8000", "one shot");
	wd = inotify_add_watch(fd, "/tmp/watched", IN_CREATE);
	tap_returns(inotify_rm_watch(fd, wd), 0, "taking a watch away");
	expect_events(fd, "8000", "is told");
	rmdir("/tmp/watched/1");
	rmdir("/tmp/watched/2");
	rmdir("/tmp/watched");
	close(fd);
}

int main(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &sa, NULL);
	test_poll();
	test_select();
	test_eventfd();
	test_epoll();
	test_inotify();
	return tap_done();
}

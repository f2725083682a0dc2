/* SPDX-License-Identifier: MIT */
/*
 * What operations cost. Under QEMU's -icount shift=0 a nanosecond of guest time is one instruction, so each row prints
 * instructions per operation (MB/s rows: bytes per 10^9 instructions), the best of three loops. The same static binary
 * runs on Linux and on Keel. Arguments: names of rows, all when none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <linux/futex.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
	struct timespec ts;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static char page[65536] __attribute__((aligned(4096)));
static const char *self;
static int fd, fds[2], back[2];
static char *area;

/* --- rows: setup (may be NULL), one operation, teardown --- */

static void null_syscall(void) { syscall(SYS_getppid); }
static void vdso_clock_gettime(void) { struct timespec ts; clock_gettime(CLOCK_MONOTONIC, &ts); }
static void vdso_gettimeofday(void) { struct timeval tv; gettimeofday(&tv, NULL); }
static void sys_clock_gettime(void) { struct timespec ts; syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts); }
static void open_zero(void) { fd = open("/dev/zero", O_RDONLY); }
static void open_null(void) { fd = open("/dev/null", O_WRONLY); }
static void close_fd(void) { close(fd); }
static void read_1(void) { if (read(fd, page, 1) != 1) abort(); }
static void write_1(void) { if (write(fd, page, 1) != 1) abort(); }
static void read_64k(void) { if (read(fd, page, 65536) != 65536) abort(); }
static void do_stat(void) { struct stat st; if (stat("/bin/busybox", &st)) abort(); }
static void open_close(void) { close(open("/bin/busybox", O_RDONLY)); }
static void do_fstat(void) { struct stat st; fstat(fd, &st); }
static void dup_close(void) { close(dup(fd)); }
static void yield(void) { sched_yield(); }
static void handler(int sig) { (void)sig; }
static void do_sigaction(void) { struct sigaction sa = { .sa_handler = handler }; sigaction(SIGUSR1, &sa, NULL); }
static void signal_self(void) { kill(getpid(), SIGUSR1); }
static void mmap_munmap(void) { munmap(mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 65536); }

#define FAULT_PAGES 1024
static size_t fault_at;
static void map_anon(void)
{
	area = mmap(NULL, FAULT_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(area, FAULT_PAGES * 4096, MADV_NOHUGEPAGE);
	area[0] = 1;
	fault_at = 1;
}
static void unmap_area(void) { munmap(area, FAULT_PAGES * 4096); }
static void touch(void) { area[fault_at++ * 4096] = 1; }
static void map_file(void)
{
	fd = open("/tmp/bench.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (int i = 0; i < FAULT_PAGES / 16; i++)
		if (write(fd, page, 65536) != 65536)
			abort();
	area = mmap(NULL, FAULT_PAGES * 4096, PROT_READ, MAP_SHARED, fd, 0);
	fault_at = 0;
}
static void unmap_file(void) { unmap_area(); close(fd); unlink("/tmp/bench.file"); }
static void touch_read(void) { (void)*(volatile char *)&area[fault_at++ * 4096]; }

static void fork_exit(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
}
static void run_child(pid_t pid)
{
	if (pid == 0) {
		execl(self, self, "--exit", (char *)NULL);
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}
static void vfork_exec(void) { run_child(vfork()); }
static void fork_exec(void) { run_child(fork()); }
static void sh_c_true(void) { if (system("true")) abort(); }
static void *thread_fn(void *arg) { return arg; }
static void thread_create_join(void) { pthread_t t; pthread_create(&t, NULL, thread_fn, NULL); pthread_join(t, NULL); }

static pid_t peer;
static void start_peer(void)
{
	char c;

	if (pipe(fds) || pipe(back))
		abort();
	peer = fork();
	if (peer == 0) {
		close(fds[1]);
		while (read(fds[0], &c, 1) == 1)
			if (write(back[1], &c, 1) != 1)
				break;
		_exit(0);
	}
	close(fds[0]);
	close(back[1]);
}
static void stop_peer(void) { close(fds[1]); close(back[0]); waitpid(peer, NULL, 0); }
static void pingpong(void) { char c; if (write(fds[1], "x", 1) != 1 || read(back[0], &c, 1) != 1) abort(); }
static void make_pipe(void) { if (pipe(fds)) abort(); }
static void close_pipe(void) { close(fds[0]); close(fds[1]); }
static void pipe_write_read_1(void) { char c; if (write(fds[1], "x", 1) != 1 || read(fds[0], &c, 1) != 1) abort(); }
static void start_drain(void)
{
	make_pipe();
	peer = fork();
	if (peer == 0) {
		close(fds[1]);
		while (read(fds[0], page, 65536) > 0)
			;
		_exit(0);
	}
	close(fds[0]);
}
static void stop_drain(void) { close(fds[1]); waitpid(peer, NULL, 0); }
static void write_64k(void) { if (write(fds[1], page, 65536) != 65536) abort(); }
static void make_eventfd(void) { fd = eventfd(0, 0); }
static void do_eventfd(void) { unsigned long long v = 1; if (write(fd, &v, 8) != 8 || read(fd, &v, 8) != 8) abort(); }

static int many[100][2];
static struct pollfd pfds[100];
static void make_many(void)
{
	fd = epoll_create1(0);
	for (int i = 0; i < 100; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.u32 = (unsigned)i };

		if (pipe(many[i]))
			abort();
		epoll_ctl(fd, EPOLL_CTL_ADD, many[i][0], &ev);
		pfds[i] = (struct pollfd){ .fd = many[i][0], .events = POLLIN };
	}
	if (write(many[50][1], "x", 1) != 1)
		abort();
}
static void make_idle(void) { char c; make_many(); if (read(many[50][0], &c, 1) != 1) abort(); }
static void close_many(void)
{
	for (int i = 0; i < 100; i++) {
		close(many[i][0]);
		close(many[i][1]);
	}
	close(fd);
}
static void do_epoll(void) { struct epoll_event ev; if (epoll_wait(fd, &ev, 1, 0) != 1) abort(); }
static void do_poll(void) { if (poll(pfds, 100, 0) != 0) abort(); }
static int word;
static void futex_wake_none(void) { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }
static void create_unlink(void) { close(open("/tmp/bench.new", O_CREAT | O_WRONLY, 0600)); unlink("/tmp/bench.new"); }
static void open_append(void) { fd = open("/tmp/bench.file", O_CREAT | O_RDWR | O_TRUNC, 0600); }
static void close_unlink(void) { close(fd); unlink("/tmp/bench.file"); }
static void write_4k(void) { if (write(fd, page, 4096) != 4096) abort(); }
static void open_megabyte(void)
{
	open_append();
	for (int i = 0; i < 16; i++)
		if (write(fd, page, 65536) != 65536)
			abort();
}
static unsigned long offset;
static void read_4k(void) { if (pread(fd, page, 4096, (long)(offset++ % 256) * 4096) != 4096) abort(); }
static void pread_random(void)
{
	offset = offset * 6364136223846793005UL + 1442695040888963407UL;
	if (pread(fd, page, 512, (long)((offset >> 33) % 2000 * 512)) != 512)
		abort();
}

static const struct row {
	const char *name;
	void (*setup)(void), (*run)(void), (*teardown)(void);
	int count;
	int bytes; /* an operation moves: the row is MB/s */
} rows[] = {
	{ "null_syscall", NULL, null_syscall, NULL, 10000, 0 },
	{ "vdso_clock_gettime", NULL, vdso_clock_gettime, NULL, 10000, 0 },
	{ "vdso_gettimeofday", NULL, vdso_gettimeofday, NULL, 10000, 0 },
	{ "sys_clock_gettime", NULL, sys_clock_gettime, NULL, 10000, 0 },
	{ "read_zero_1", open_zero, read_1, close_fd, 10000, 0 },
	{ "write_null_1", open_null, write_1, close_fd, 10000, 0 },
	{ "read_zero_64k", open_zero, read_64k, close_fd, 500, 0 },
	{ "stat", NULL, do_stat, NULL, 5000, 0 },
	{ "open_close", NULL, open_close, NULL, 5000, 0 },
	{ "fstat", open_zero, do_fstat, close_fd, 5000, 0 },
	{ "dup_close", open_zero, dup_close, close_fd, 5000, 0 },
	{ "sched_yield", NULL, yield, NULL, 5000, 0 },
	{ "sigaction", NULL, do_sigaction, NULL, 5000, 0 },
	{ "signal_self", do_sigaction, signal_self, NULL, 3000, 0 },
	{ "mmap_munmap_64k", NULL, mmap_munmap, NULL, 2000, 0 },
	{ "page_fault_anon", map_anon, touch, unmap_area, FAULT_PAGES - 1, 0 },
	{ "page_fault_file", map_file, touch_read, unmap_file, FAULT_PAGES, 0 },
	{ "fork_exit", NULL, fork_exit, NULL, 100, 0 },
	{ "vfork_exec", NULL, vfork_exec, NULL, 50, 0 },
	{ "fork_exec", NULL, fork_exec, NULL, 50, 0 },
	{ "sh_c_true", NULL, sh_c_true, NULL, 20, 0 },
	{ "thread_create_join", NULL, thread_create_join, NULL, 300, 0 },
	{ "pipe_pingpong", start_peer, pingpong, stop_peer, 2000, 0 },
	{ "pipe_write_read_1", make_pipe, pipe_write_read_1, close_pipe, 5000, 0 },
	{ "pipe_bw", start_drain, write_64k, stop_drain, 500, 65536 },
	{ "eventfd", make_eventfd, do_eventfd, close_fd, 5000, 0 },
	{ "epoll_wait_100", make_many, do_epoll, close_many, 5000, 0 },
	{ "poll_100", make_idle, do_poll, close_many, 1000, 0 },
	{ "futex_wake_none", NULL, futex_wake_none, NULL, 10000, 0 },
	{ "create_unlink", NULL, create_unlink, NULL, 2000, 0 },
	{ "file_write_4k", open_append, write_4k, close_unlink, 500, 0 },
	{ "file_read_4k", open_megabyte, read_4k, close_unlink, 2000, 0 },
	{ "file_pread_random", open_megabyte, pread_random, close_unlink, 3000, 0 },
};

/* Writes to pages a forked child shares: what one write costs, measured in the child. */
static void cow_fault(void)
{
	long long best = 0;
	int result[2];

	if (pipe(result))
		abort();
	for (int round = 0; round < 3; round++) {
		map_anon();
		for (int i = 0; i < FAULT_PAGES; i++)
			area[i * 4096] = 1;
		pid_t pid = fork();

		if (pid == 0) {
			long long start = now(), cost;

			for (int i = 0; i < FAULT_PAGES; i++)
				area[i * 4096] = 2;
			cost = (now() - start) / FAULT_PAGES;
			if (write(result[1], &cost, sizeof(cost)) != sizeof(cost))
				abort();
			_exit(0);
		}
		long long cost = 0;

		if (read(result[0], &cost, sizeof(cost)) != sizeof(cost))
			abort();
		waitpid(pid, NULL, 0);
		unmap_area();
		if (!best || cost < best)
			best = cost;
	}
	printf("%-20s %10lld\n", "cow_fault", best);
}

static void measure(const struct row *r)
{
	long long best = 0;

	for (int round = 0; round < 3; round++) {
		if (r->setup)
			r->setup();
		r->run == touch || r->run == touch_read ? (void)0 : r->run();
		long long start = now();

		for (int i = 0; i < r->count; i++)
			r->run();
		long long spent = now() - start;

		if (r->teardown)
			r->teardown();
		if (!best || spent < best)
			best = spent;
	}
	if (r->bytes)
		printf("%-20s %10lld MB/s\n", r->name, (long long)r->bytes * r->count * 1000 / best);
	else
		printf("%-20s %10lld\n", r->name, best / r->count);
	fflush(stdout);
}

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc < 2;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--exit") == 0)
		_exit(0);
	self = argv[0];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (wanted(rows[i].name, argc, argv))
			measure(&rows[i]);
	if (wanted("cow_fault", argc, argv))
		cow_fault();
	return 0;
}

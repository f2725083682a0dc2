/* SPDX-License-Identifier: MIT */
/*
 * Hard use of the kernel where many meet: address spaces changed by one thread while others fault
 * in them and fork, signals from everywhere, threads that execute, exit and stop, resources that
 * run out. Each test runs in a process of its own; what it does is random, the end is not: it must
 * come, and the system must still work.
 *
 *     stress [-s SECONDS a test] [TEST...]
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AREA	(1 << 20)
#define THREADS 4

static unsigned seconds = 2;
static volatile bool stop;
static char *area;

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static unsigned rnd(uint64_t *state, unsigned n)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(*state >> 33) % n;
}

static void run_threads(void *(*fn)(void *), unsigned n)
{
	pthread_t t[16];
	unsigned made = 0;

	for (uint64_t i = 0; i < n; i++)
		made += pthread_create(&t[made], NULL, fn, (void *)i) == 0;
	usleep(seconds * 1000000);
	stop = true;
	for (unsigned i = 0; i < made; i++)
		pthread_join(t[i], NULL);
}

/* --- memory
 * ----------------------------------------------------------------------------------------------------
 */
static void skip_access(int sig, siginfo_t *info, void *context)
{
#ifdef __riscv
	((ucontext_t *)context)->uc_mcontext.__gregs[0] += 4; /* over the store */
#else
	_exit(0);
#endif
}

static void poke(volatile char *p)
{
#ifdef __riscv
	asm volatile(".option push\n.option norvc\nsb zero, 0(%0)\n.option pop"
		     :
		     : "r"(p)
		     : "memory");
#else
	*p = 0;
#endif
}

static void *storm(void *arg)
{
	uint64_t state = (uintptr_t)arg + 1;

	while (!stop) {
		char *at = area + rnd(&state, AREA / 4096) * 4096;
		size_t n = (1 + rnd(&state, 16)) * 4096;

		if (at + n > area + AREA)
			n = area + AREA - at;
		switch (rnd(&state, 10)) {
		case 0:
			mmap(at, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			     -1, 0);
			break;
		case 1:
			mmap(at, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
			     -1, 0);
			break;
		case 2:
			munmap(at, n);
			break;
		case 3:
			mprotect(at, n, rnd(&state, 8));
			break;
		case 4:
			mremap(at, n, n + 4096, MREMAP_MAYMOVE | MREMAP_FIXED,
			       area + rnd(&state, AREA / 8192) * 4096);
			break;
		case 5:
			madvise(at, n, rnd(&state, 2) ? MADV_DONTNEED : MADV_FREE);
			break;
		case 6: {
			pid_t pid = rnd(&state, 8) ? -1 : fork();

			if (pid == 0) {
				for (int i = 0; i < 16; i++)
					poke(area + rnd(&state, AREA));
				_exit(0);
			}
			if (pid > 0)
				waitpid(pid, NULL, 0);
			break;
		}
		default:
			for (int i = 0; i < 32; i++)
				poke(area + rnd(&state, AREA));
		}
	}
	return NULL;
}

static void test_vm(void)
{
	struct sigaction sa = { .sa_sigaction = skip_access, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	area = mmap((void *)0x1000000000, AREA, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	run_threads(storm, THREADS);
}

/* A file mapped by several processes, while it is cut, punched, written and grown. */
static void *file_storm(void *arg)
{
	uint64_t state = (uintptr_t)arg + 1;
	int fd = open("/tmp/stress.file", O_RDWR | O_CREAT, 0600);
	static char buf[65536];

	while (!stop) {
		off_t at = rnd(&state, AREA);

		switch (rnd(&state, 6)) {
		case 0:
			ftruncate(fd, at);
			break;
		case 1:
			fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
				  rnd(&state, 65536) + 1);
			break;
		case 2:
			pwrite(fd, buf, rnd(&state, sizeof(buf)), at);
			break;
		case 3:
			pread(fd, buf, rnd(&state, sizeof(buf)), at);
			break;
		case 4:
			mmap(area, AREA, PROT_READ | PROT_WRITE,
			     MAP_FIXED | (rnd(&state, 2) ? MAP_SHARED : MAP_PRIVATE), fd, 0);
			break;
		default:
			for (int i = 0; i < 32; i++)
				poke(area + rnd(&state, AREA));
		}
	}
	close(fd);
	return NULL;
}

static void test_file(void)
{
	struct sigaction sa = { .sa_sigaction = skip_access, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	area = mmap((void *)0x1000000000, AREA, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	fork();
	run_threads(file_storm, THREADS);
	unlink("/tmp/stress.file");
}

/* The one that eats is killed, the small one goes on. */
static void test_oom(void)
{
	for (int round = 0; round < 3; round++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				memset(mmap(NULL, AREA, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
				       1, AREA);
		waitpid(pid, &status, 0);
		if (!WIFSIGNALED(status) ||
		    (WTERMSIG(status) != SIGKILL && WTERMSIG(status) != SIGSEGV))
			printf("stress: oom: status %x\n", status), exit(1);
	}
}

/* tmpfs to its brim, then empty again. */
static void test_tmpfs(void)
{
	static char buf[65536];
	int fd = open("/tmp/stress.full", O_RDWR | O_CREAT, 0600);
	ssize_t n;

	prctl(PR_SET_NAME, "filler");
	while ((n = write(fd, buf, sizeof(buf))) > 0)
		;
	if (errno != ENOSPC && errno != ENOMEM)
		printf("stress: tmpfs: %s\n", strerror(errno)), exit(1);
	unlink("/tmp/stress.full");
	close(fd);
	for (int i = 0; i < 3000; i++) {
		char name[40];

		snprintf(name, sizeof(name), "/tmp/stress.%d", i);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		write(fd, name, sizeof(name));
		close(fd);
		unlink(name);
	}
}

static volatile int deeper = 1;

static void overflow(int n)
{
	volatile char frame[4096] __attribute__((unused));

	frame[n % 4096] = 1;
	if (deeper)
		overflow(n + 1);
	frame[0] = 2;
}

static void test_stack(void)
{
	for (int i = 0; i < 3; i++) {
		int status = 0;
		pid_t pid = fork();

		if (pid == 0)
			overflow(0);
		waitpid(pid, &status, 0);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
			printf("stress: stack: status %x\n", status), exit(1);
	}
}

/* --- processes
 * --------------------------------------------------------------------------------------------------
 */
static void bomb(void)
{
	for (;;) {
		fork();
		if (getppid() == 1)
			_exit(0);
	}
}

static void test_forkbomb(void)
{
	struct rlimit rl = { 60, 60 };
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_NPROC, &rl);
		setresuid(1234, 1234, 1234);
		signal(SIGCHLD, SIG_IGN);
		bomb();
	}
	usleep(seconds * 1000000);
	for (int i = 0; i < 3; i++) {
		kill(-pid, SIGSTOP);
		kill(-pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	while (kill(-pid, SIGKILL) == 0)
		usleep(1000);
}

static void test_fds(void)
{
	int n = 0, p[2];
	struct rlimit rl = { 20000, 20000 };

	setrlimit(RLIMIT_NOFILE, &rl);
	while (pipe(p) == 0)
		n += 2;
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM)
		printf("stress: fds: %s after %d\n", strerror(errno), n), exit(1);
	if (fork() == 0)
		_exit(0);
	wait(NULL);
}

static void on_signal(int sig) {}

static pid_t targets[4];

static void *signal_storm(void *arg)
{
	uint64_t state = (uintptr_t)arg + getpid();
	union sigval v = { .sival_int = 1 };

	while (!stop) {
		pid_t to = targets[rnd(&state, 4)];
		static const int sigs[] = { SIGUSR1,  SIGUSR2, SIGALRM, SIGCHLD, SIGCONT,
					    SIGWINCH, 40,      41,	SIGTSTP, SIGSTOP };

		if (to <= 1)
			continue;
		switch (rnd(&state, 4)) {
		case 0:
			sigqueue(to, 34 + rnd(&state, 20), v);
			break;
		case 1:
			usleep(rnd(&state, 300));
			break;
		default:
			kill(to, sigs[rnd(&state, 10)]);
			kill(to, SIGCONT);
		}
	}
	return NULL;
}

static void test_signals(void)
{
	pid_t driver;
	int status;

	for (int sig = 1; sig < 65; sig++)
		signal(sig, on_signal);
	for (int i = 0; i < 4; i++) {
		targets[i] = fork();
		if (targets[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			setpgid(0, 0);
			run_threads(signal_storm, 3);
			_exit(0);
		}
	}
	driver = fork();
	if (driver == 0) {
		run_threads(signal_storm, 2);
		_exit(0);
	}
	for (uint64_t end = now_ms() + seconds * 1000 + 500; now_ms() < end;)
		usleep(10000);
	for (int i = 0; i < 4; i++) {
		kill(targets[i], SIGCONT);
		kill(targets[i], SIGKILL);
	}
	kill(driver, SIGKILL);
	while (wait(&status) > 0 || errno == EINTR)
		;
}

static void *spin(void *arg)
{
	while (!stop)
		syscall(SYS_getppid);
	return NULL;
}

static void *ender(void *arg)
{
	uint64_t state = (uintptr_t)arg * 77 + getpid() * 13 + now_ms();
	char *argv[] = { "true", NULL };

	usleep(rnd(&state, 3000));
	switch ((uintptr_t)arg % 4) {
	case 0:
		execv("/proc/self/exe", (char *[]) { "stress", "-x", NULL });
		execv("/bin/true", argv);
		break;
	case 1:
		syscall(SYS_exit_group, 0);
		break;
	case 2:
		kill(getpid(), SIGKILL);
		break;
	default:
		syscall(SYS_exit, 0);
	}
	return NULL;
}

/* Exec, exit of all, exit of one and death by signal, all in one process at a time. */
static void test_endings(void)
{
	pthread_t t;

	for (uint64_t end = now_ms() + seconds * 1000; now_ms() < end;) {
		pid_t pid = fork();

		if (pid == 0) {
			uint64_t state = getpid();

			for (uint64_t i = 0; i < 6; i++)
				pthread_create(&t, NULL, rnd(&state, 2) ? ender : spin,
					       (void *)(i + rnd(&state, 4)));
			if (rnd(&state, 2))
				pthread_exit(NULL);
			ender((void *)(uint64_t)rnd(&state, 3));
			_exit(0);
		}
		usleep(1000);
		if (pid % 3 == 0)
			kill(pid, SIGSTOP);
		if (pid % 3 == 0)
			kill(pid, SIGCONT);
		usleep(3000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static const struct {
	const char *name;
	void (*fn)(void);
} tests[] = {
	{ "vm", test_vm },	 { "file", test_file },	      { "oom", test_oom },
	{ "tmpfs", test_tmpfs }, { "stack", test_stack },     { "fork", test_forkbomb },
	{ "fds", test_fds },	 { "signals", test_signals }, { "endings", test_endings },
};
#define TESTS (sizeof(tests) / sizeof(tests[0]))

static void oom_score_adj(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	write(fd, value, strlen(value));
	close(fd);
}

static bool chosen(const char *name, int argc, char **argv)
{
	bool any = false, this = false;

	for (int i = 1; i < argc; i++) {
		any |= argv[i][0] >= 'a';
		this |= !strcmp(argv[i], name);
	}
	return !any || this;
}

int main(int argc, char **argv)
{
	int status, failed = 0;

	if (argc > 1 && !strcmp(argv[1], "-x"))
		return 0;
	if (argc > 1 && argv[1][0] == '-' && argv[1][1] == 's')
		seconds = atoi(argv[1] + 2);
	oom_score_adj("-500");
	for (unsigned i = 0; i < TESTS; i++) {
		if (!chosen(tests[i].name, argc, argv))
			continue;
		fflush(stdout);
		pid_t pid = fork();

		if (pid == 0) {
			oom_score_adj("0");
			tests[i].fn();
			_exit(0);
		}
		waitpid(pid, &status, 0);
		/* The small machine's OOM killer may have taken the test itself. */
		printf("stress: %s: %s\n", tests[i].name,
		       status == 0	   ? "ok"
		       : status == SIGKILL ? "killed"
					   : "FAILED");
		failed += status != 0 && status != SIGKILL;
	}
	return failed != 0;
}

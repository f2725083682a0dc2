/* SPDX-License-Identifier: MIT */
/*
 * A system call fuzzer: calls every system call of the table with arguments of about the right
 * kind, some of them wrong, from several processes with several threads each. The kernel must
 * survive; what the calls answer does not matter.
 *
 *     fuzz [-s SEED] [-n CALLS] [-p PROCESSES] [-t THREADS] [-c CALL] [-v]
 *
 * A supervisor keeps PROCESSES workers until CALLS calls are made, kills a worker that no longer
 * gets on, and says which calls were under way when even SIGKILL does not end it: that is a bug of
 * the kernel. Each worker's calls depend on the seed, its place and its generation, not on time;
 * threads and processes still meet in any order. -c CALL makes every second call that one; -v says
 * each call before it is made.
 *
 * Left alone: what ends the machine, signals to processes outside, devices with memory behind them.
 * Half of the workers are root, the others nobody.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_MAX 16
#define THREADS_MAX 8
#define ARENA_SIZE  (256 * 1024)
#define ARENA_AT    0x1000000000ul /* far from everything else */
#define REFRESH	    400 /* calls between two fillings of the descriptor table and the arena */
#define STUCK_MS    500
#define HANG_MS	    60000
#define NOBODY	    65534

static const struct call {
	unsigned nr;
	const char *name, *args;
} calls[] = {
#include "table.h"
};
#define CALLS ((unsigned)(sizeof(calls) / sizeof(calls[0])))

/* What workers tell the supervisor. They may damage it, so it is for messages and statistics only.
 */
struct slot {
	volatile unsigned call;
	volatile unsigned long args[6];
	volatile unsigned long done;
};
struct shared {
	struct slot slot[WORKERS_MAX][THREADS_MAX];
	volatile pid_t pid[WORKERS_MAX];
	volatile unsigned made[CALLS], good[CALLS], missing[CALLS];
};

static struct shared *shared;
static unsigned n_processes = 4, n_threads = 3, favourite = -1u;
static unsigned long n_calls = 20000;
static uint64_t seed = 1;
static bool verbose;

static char *arena;
static unsigned my_worker, my_generation;
static __thread uint64_t state;

/* xorshift64* */
static uint64_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545F4914F6CDD1DULL;
}

static unsigned below(unsigned n) { return (rnd() >> 33) % n; }

static bool chance(unsigned percent) { return below(100) < percent; }

/*
 * A raw call. A copy made by clone, clone3 or fork ends at once, without touching the stack it may
 * share. The call's result; errors negative.
 */
static long raw(unsigned nr, const unsigned long *a)
{
#ifdef __riscv
	register long a0 asm("a0") = a[0];
	register long a1 asm("a1") = a[1];
	register long a2 asm("a2") = a[2];
	register long a3 asm("a3") = a[3];
	register long a4 asm("a4") = a[4];
	register long a5 asm("a5") = a[5];
	register long a7 asm("a7") = nr;

	if (nr == SYS_clone || nr == SYS_clone3)
		asm volatile("ecall\n"
			     "bnez a0, 1f\n"
			     "li a7, 93\n"
			     "ecall\n"
			     "1:\n"
			     : "+r"(a0), "+r"(a7)
			     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
			     : "memory");
	else
		asm volatile("ecall"
			     : "+r"(a0)
			     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
			     : "memory");
	return a0;
#else
	if (nr == SYS_clone || nr == SYS_clone3)
		return -ENOSYS;
	long r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	return r < 0 ? -errno : r;
#endif
}

/* --- values
 * ----------------------------------------------------------------------------------------------------
 */
static const char *const paths[] = {
	"f0",
	"f1",
	"f2",
	"d0",
	"d0/f",
	"d0/g",
	"d1",
	"d1/x",
	"link",
	"loop",
	"fifo",
	"",
	".",
	"..",
	"/",
	"/tmp",
	"/proc/self/maps",
	"/proc/self/fd/3",
	"/proc/self/mem",
	"/proc/self/status",
	"/proc/self/environ",
	"/proc/self/oom_score_adj",
	"/proc/self/comm",
	"/proc/self/task",
	"/proc/meminfo",
	"/proc/slabinfo",
	"/proc/stat",
	"/proc/mounts",
	"/proc/1/status",
	"/sys",
	"/sys/class",
	"/dev/null",
	"/dev/zero",
	"/dev/full",
	"/dev/urandom",
	"/dev/ptmx",
	"/dev/tty",
	"/dev/pts/0",
	"/dev/fd/4",
	"tmpfs",
	"proc",
	"sysfs",
	"devtmpfs",
	"devpts",
	"ramfs",
	"user.a",
	"trusted.b",
	"security.capability",
	"system.posix_acl_access",
	"a/b/c/d/e/f/g/h",
	"f0/",
	"mode=700,size=1m",
};

static unsigned long some_length(void)
{
	static const unsigned long sizes[] = {
		0,	    1,		2,	 3,	4,	   8,	      16,
		24,	    32,		56,	 64,	88,	   100,	      128,
		255,	    256,	512,	 1000,	1024,	   4095,      4096,
		4097,	    8192,	16384,	 65536, 131072,	   1048576,   0x7fffffff,
		0x80000000, 0xffffffff, -4096ul, -1ul,	1ul << 62, 1ul << 38, 1ul << 30
	};

	return chance(85) ? sizes[below(27)] : sizes[below(sizeof(sizes) / sizeof(sizes[0]))];
}

static unsigned long some_number(void)
{
	switch (below(10)) {
	case 0:
		return rnd();
	case 1:
		return -1ul;
	case 2:
		return 1ul << below(64);
	case 3:
		return -(unsigned long)below(200);
	case 4:
		return (uint32_t)rnd();
	case 5:
		return 0x7fffffff + (unsigned long)below(3);
	default:
		return below(40);
	}
}

static unsigned long some_flags(void)
{
	switch (below(8)) {
	case 0:
	case 1:
		return 0;
	case 2:
	case 3:
		return 1ul << below(32);
	case 4:
		return 1ul << below(32) | 1ul << below(32);
	case 5:
		return (uint32_t)(rnd() & rnd() & rnd());
	default:
		return below(24);
	}
}

static unsigned long some_fd(void)
{
	if (chance(90))
		return 3 + below(32);
	return chance(50) ? (unsigned long)AT_FDCWD : some_number();
}

static unsigned long some_address(void)
{
	switch (below(20)) {
	case 0:
		return 0;
	case 1:
		return some_number() << 12;
	case 2:
		return -(unsigned long)below(1 << 20);
	case 3:
		return 0xffffffff80000000ul + below(1 << 20);
	case 4:
		return (1ul << 38) - below(3) * 4096ul;
	case 5:
		return rnd();
	default:
		return (unsigned long)arena + below(ARENA_SIZE / 4096 + 4) * 4096ul +
		       (chance(10) ? below(4096) : 0);
	}
}

/* Never process 1, the supervisor, nor everybody. */
static unsigned long some_process(void)
{
	switch (below(6)) {
	case 0:
		return getpid();
	case 1:
		return syscall(SYS_gettid);
	case 2:
	case 3: {
		pid_t pid = shared->pid[below(n_processes)];

		return pid > 2 && pid != getppid() ? pid : 0;
	}
	case 4:
		return 99999 + below(10);
	default:
		return 0;
	}
}

/* Room for size bytes inside the arena, sometimes right before its end. */
static char *room(unsigned size)
{
	if (size > 4096 || chance(8))
		return arena + ARENA_SIZE - MIN(size, ARENA_SIZE);
	return arena + (below(ARENA_SIZE - 8192) & ~(chance(95) ? 7u : 0u));
}

static unsigned long some_pointer(unsigned size);

static uint64_t some_word(void)
{
	switch (below(8)) {
	case 0:
		return (unsigned long)(arena + below(ARENA_SIZE));
	case 1:
		return some_fd();
	case 2:
		return some_length();
	case 3:
		return some_flags();
	case 4:
		return some_number();
	case 5:
		return 0;
	default:
		return below(10) | (uint64_t)below(10) << 32;
	}
}

static bool wrong_pointer(unsigned long *p)
{
	unsigned k = below(100);

	if (k >= 12)
		return false;
	*p = k < 6 ? 0 : some_address();
	return true;
}

static unsigned long some_pointer(unsigned size)
{
	unsigned long wrong;
	uint64_t *p;

	if (wrong_pointer(&wrong))
		return wrong;
	p = (uint64_t *)room(size);
	for (unsigned i = 0; i < size / 8; i++)
		if (chance(50))
			p[i] = some_word();
	return (unsigned long)p;
}

static unsigned long some_path(void)
{
	unsigned long wrong;
	char *p;

	if (wrong_pointer(&wrong))
		return wrong;
	if (chance(2)) { /* a name too long, or one that runs into nothing */
		p = room(5000);
		memset(p, 'x', 5000);
		if (chance(50))
			p[below(5000)] = '\0';
		return (unsigned long)p;
	}
	p = room(64);
	strcpy(p, paths[below(sizeof(paths) / sizeof(paths[0]))]);
	return (unsigned long)p;
}

static unsigned long some_iovec(void)
{
	unsigned long wrong;
	struct iovec *v;

	if (wrong_pointer(&wrong))
		return wrong;
	v = (struct iovec *)room(8 * sizeof(*v));
	for (int i = 0; i < 8; i++)
		v[i] = (struct iovec) { (void *)some_pointer(8),
					chance(90) ? below(6000) : some_length() };
	return (unsigned long)v;
}

/* Mostly short: up to 4 ms. Two of them, for the interval timers. */
static unsigned long some_time(void)
{
	unsigned long wrong;
	long *t;

	if (wrong_pointer(&wrong))
		return wrong;
	t = (long *)room(64);
	for (int i = 0; i < 4; i++)
		t[i] = chance(95) ? (i % 2 ? below(4000000) : 0) : (long)some_number();
	return (unsigned long)t;
}

static unsigned long some_mask(void)
{
	unsigned long wrong;
	uint64_t *m;

	if (wrong_pointer(&wrong))
		return wrong;
	m = (uint64_t *)room(8);
	*m = chance(50) ? rnd() & rnd() : 0;
	return (unsigned long)m;
}

static unsigned long some_list(void)
{
	unsigned long wrong, *list;

	if (wrong_pointer(&wrong))
		return wrong;
	list = (unsigned long *)room(64);
	for (int i = 0; i < 7; i++)
		list[i] = chance(70) ? some_path() : some_pointer(16);
	list[below(8)] = 0;
	return (unsigned long)list;
}

static unsigned long value(char kind)
{
	switch (kind) {
	case 'f':
		return some_fd();
	case 's':
		return some_path();
	case 'p':
		return some_pointer(chance(90) ? 128 : 4096);
	case 'v':
		return some_iovec();
	case 't':
		return some_time();
	case 'm':
		return some_mask();
	case 'h':
		return some_list();
	case 'P':
		return some_process();
	case 'S':
		return chance(95) ? below(66) : some_number();
	case 'n':
		return some_length();
	case 'z':
		return chance(95) ? 8 : some_length();
	case 'a':
		return some_address();
	case 'o':
		return chance(85) ? below(20000) : some_number();
	case 'g':
		return some_flags();
	default:
		return some_number();
	}
}

/* Where random flags would hardly ever be right. */
static void improve(unsigned nr, unsigned long *a)
{
	static const unsigned ioctls[] = { TCGETS,     0x5402,	  0x5403,     0x5404,	TIOCSCTTY,
					   TIOCGPGRP,  TIOCSPGRP, TIOCOUTQ,   TIOCSTI,	TIOCGWINSZ,
					   TIOCSWINSZ, TIOCMGET,  FIONREAD,   TIOCPKT,	FIONBIO,
					   TIOCNOTTY,  TIOCSETD,  TIOCGETD,   TCSBRK,	TCXONC,
					   TCFLSH,     TIOCGPTN,  TIOCSPTLCK, FIONCLEX, FIOCLEX,
					   FIOASYNC,   TIOCEXCL,  TIOCNXCL,   TIOCGSID, 0x5441,
					   0x802c542a, 0x6600 };

	switch (nr) {
	case SYS_mmap:
		if (chance(90)) {
			a[2] = below(8);
			a[3] = (chance(50) ? MAP_PRIVATE : MAP_SHARED) |
			       (chance(70) ? MAP_ANONYMOUS : 0) | (chance(40) ? MAP_FIXED : 0) |
			       (chance(10) ? MAP_POPULATE : 0) | (chance(5) ? MAP_GROWSDOWN : 0) |
			       (chance(5) ? MAP_LOCKED : 0);
			a[5] &= ~4095ul;
		}
		break;
	case SYS_mprotect:
		if (chance(90))
			a[2] = below(8);
		break;
	case SYS_mremap:
		if (chance(80))
			a[3] = below(8);
		break;
	case SYS_madvise:
		if (chance(90))
			a[2] = below(26);
		break;
	case SYS_futex:
		a[1] = below(14) | (chance(50) ? 128 : 0) | (chance(5) ? some_flags() : 0);
		break;
	case SYS_fcntl:
		a[1] = chance(60) ? below(42) : 1024 + below(20);
		if (a[1] == F_SETOWN || a[1] == F_SETOWN_EX) /* signals to anybody */
			a[1] = F_GETFL;
		if (chance(50))
			a[2] = some_pointer(32);
		break;
	case SYS_ioctl:
		a[1] = ioctls[below(sizeof(ioctls) / sizeof(ioctls[0]))];
		if (chance(70))
			a[2] = some_pointer(64);
		break;
	case SYS_prctl:
		a[0] = chance(95) ? below(80) : some_number();
		if (chance(40))
			a[1 + below(4)] = some_pointer(64);
		break;
	case SYS_clone:
		if (chance(60))
			a[0] = SIGCHLD | (chance(50) ? CLONE_VM | CLONE_SIGHAND | CLONE_THREAD
						     : some_flags() << 8);
		if (chance(70))
			a[1] = 0;
		break;
	case SYS_epoll_ctl:
		a[1] = below(5);
		if (chance(50))
			a[0] = 11; /* where fill_descriptors() puts one */
		break;
	case SYS_read:
	case SYS_write:
	case SYS_getdents64:
		if (chance(50))
			a[2] = below(ARENA_SIZE / 2);
		break;
	case SYS_timer_gettime:
	case SYS_timer_getoverrun:
	case SYS_timer_settime:
	case SYS_timer_delete:
		a[0] = below(8);
		break;
	case SYS_setrlimit: /* or nothing works any longer */
	case SYS_prlimit64:
		if (chance(90))
			a[nr == SYS_prlimit64 ? 2 : 1] = 0;
		break;
	case SYS_openat:
		if (chance(80))
			a[2] = below(4) | (chance(50) ? O_CREAT : 0) |
			       (chance(20) ? O_NONBLOCK : 0);
		break;
	}
}

/* Calls that take more than themselves away: a root worker could starve or silence the machine. */
static bool forbidden(unsigned nr)
{
	if (geteuid() == 0 && (nr == SYS_sched_setscheduler || nr == SYS_sched_setattr ||
			       nr == SYS_syslog || nr == SYS_acct || nr == SYS_setpriority))
		return true;
	return nr == SYS_rt_sigreturn && !chance(2);
}

static void one_call(struct slot *s)
{
	unsigned long a[6];
	unsigned i = favourite != -1u && chance(50) ? favourite : below(CALLS);
	const struct call *c = &calls[i];
	long r;

	if ((shared->missing[i] > 3 && !chance(1)) || forbidden(c->nr))
		return;
	for (int k = 0; k < 6; k++)
		a[k] = value(c->args[k < (int)strlen(c->args) ? k : (int)strlen(c->args)]);
	improve(c->nr, a);
	s->call = i;
	for (int k = 0; k < 6; k++)
		s->args[k] = a[k];
	if (verbose)
		fprintf(stderr, "%d: %s(%lx, %lx, %lx, %lx, %lx, %lx)\n", (int)getpid(), c->name,
			a[0], a[1], a[2], a[3], a[4], a[5]);
	r = raw(c->nr, a);
	shared->made[i]++;
	if (r == -ENOSYS)
		shared->missing[i]++;
	else if (r >= 0 || r < -4095)
		shared->good[i]++;
	s->done++;
}

/* --- a worker
 * ---------------------------------------------------------------------------------------------------
 */
static void on_signal(int sig) {}

static void fill_arena(void)
{
	mmap(arena, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	     0);
	/* What lies before the end is read-only, what lies behind is not there. */
	munmap(arena + ARENA_SIZE, 4 * 4096);
	if (chance(50))
		mprotect(arena + (below(ARENA_SIZE / 4096) & ~1ul) * 4096, 4096, PROT_READ);
}

static void fill_descriptors(void)
{
	int p[2];
	sigset_t set;

	close_range(0, ~0u, 0);
	for (int i = 0; i < 3; i++)
		open("/dev/null", O_RDWR);
	mkdir("d0", 0777);
	open("f0", O_RDWR | O_CREAT, 0666);
	open("f1", O_RDWR | O_CREAT | O_APPEND, 0666);
	open("d0", O_RDONLY | O_DIRECTORY);
	if (pipe2(p, O_NONBLOCK) == 0)
		write(p[1], "hello", 5);
	pipe(p);
	open("d0/f", O_RDWR | O_CREAT, 0666);
	eventfd(1, EFD_NONBLOCK);
	epoll_create1(0);
	timerfd_create(CLOCK_MONOTONIC, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signalfd(-1, &set, SFD_NONBLOCK);
	inotify_init1(IN_NONBLOCK);
	ftruncate(memfd_create("m", MFD_ALLOW_SEALING), 8192);
	open("/dev/zero", O_RDWR);
	open("/proc/self/maps", O_RDONLY);
	open("/proc/self", O_RDONLY | O_DIRECTORY);
	if (symlink("f0", "link") == 0) {
		symlink("loop", "loop");
		mkfifo("fifo", 0666);
	}
	p[0] = posix_openpt(O_RDWR | O_NOCTTY);
	if (p[0] >= 0 && grantpt(p[0]) == 0 && unlockpt(p[0]) == 0)
		open(ptsname(p[0]), O_RDWR | O_NOCTTY | O_NONBLOCK);
	open("f0", O_PATH);
	syscall(SYS_pidfd_open, getpid(), 0);
	open("/sys/kernel", O_RDONLY);
	open("/dev/urandom", O_RDONLY);
	open("fifo", O_RDWR | O_NONBLOCK);
}

static void *worker_thread(void *arg)
{
	unsigned long t = (unsigned long)arg;
	struct slot *s = &shared->slot[my_worker][t];

	state = (seed + my_worker * 1000003ul + my_generation * 7919ul + t * 104729ul) *
			0x9E3779B97F4A7C15ULL |
		1;
	for (unsigned i = 0;; i++) {
		if (t == 0 && i % REFRESH == REFRESH - 1) {
			fill_descriptors();
			fill_arena();
		}
		one_call(s);
	}
	return NULL;
}

static void limit(int what, rlim_t n)
{
	struct rlimit rl = { n, n };

	setrlimit(what, &rl);
}

static void worker(void)
{
	struct itimerval every = { { 0, 20000 }, { 0, 20000 } };
	char directory[32];
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	snprintf(directory, sizeof(directory), "w%u", my_worker);
	mkdir(directory, 0777);
	chmod(directory, 0777);
	chdir(directory);
	limit(RLIMIT_FSIZE, 4 << 20);
	limit(RLIMIT_AS, 512 << 20);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_NPROC, 200);
	limit(RLIMIT_MEMLOCK, 1 << 20);
	setpriority(PRIO_PROCESS, 0, 5);
	int adj = open("/proc/self/oom_score_adj", O_WRONLY);
	write(adj, "500", 3);
	for (int sig = 1; sig < 65; sig++)
		if (sig != SIGSEGV && sig != SIGBUS && sig != SIGILL && sig != SIGTRAP &&
		    sig != SIGTERM)
			signal(sig, on_signal);
	setitimer(ITIMER_REAL, &every, NULL);
	arena = (char *)ARENA_AT;
	if (my_worker % 2) {
		setresgid(NOBODY, NOBODY, NOBODY);
		setresuid(NOBODY, NOBODY, NOBODY);
	}
	state = seed + my_worker;
	fill_descriptors();
	fill_arena();
	for (unsigned long t = 1; t < n_threads; t++)
		pthread_create(&thread, NULL, worker_thread, (void *)t);
	worker_thread(NULL);
}

/* --- the supervisor
 * --------------------------------------------------------------------------------------------- */
static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static unsigned long calls_of(unsigned w)
{
	unsigned long n = 0;

	for (unsigned t = 0; t < n_threads; t++)
		n += MIN(shared->slot[w][t].done, n_calls);
	return n;
}

static void say_calls_under_way(unsigned w)
{
	for (unsigned t = 0; t < n_threads; t++) {
		struct slot *s = &shared->slot[w][t];

		printf("fuzz:   thread %u: %s(%lx, %lx, %lx, %lx, %lx, %lx)\n", t,
		       calls[s->call % CALLS].name, s->args[0], s->args[1], s->args[2], s->args[3],
		       s->args[4], s->args[5]);
	}
	fflush(stdout);
}

struct watch {
	pid_t pid;
	unsigned long calls; /* when we last saw it get on */
	long since, killed;  /* ms */
};

static void start(struct watch *w, unsigned number)
{
	my_worker = number;
	my_generation++;
	w->calls = calls_of(number);
	w->since = now_ms();
	w->killed = 0;
	w->pid = fork();
	if (w->pid == 0) {
		worker();
		_exit(0);
	}
	shared->pid[number] = w->pid;
}

/* True: it is there and gets on, or is about to end. */
static bool watch_one(struct watch *w, unsigned number)
{
	unsigned long done = calls_of(number);
	long now = now_ms();

	if (w->killed) {
		if (now - w->killed > HANG_MS)
			return false;
	} else if (done != w->calls) {
		w->calls = done;
		w->since = now;
	} else if (now - w->since > STUCK_MS) {
		kill(-w->pid, SIGKILL);
		kill(w->pid, SIGKILL);
		w->killed = now;
	}
	return true;
}

/* Ends all; false when one does not. */
static bool end_all(struct watch *w)
{
	for (unsigned i = 0; i < n_processes; i++)
		if (w[i].pid > 0) {
			kill(-w[i].pid, SIGKILL);
			kill(w[i].pid, SIGKILL);
		}
	for (long begin = now_ms(); now_ms() - begin < HANG_MS; usleep(10000)) {
		unsigned left = 0;

		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
		for (unsigned i = 0; i < n_processes; i++)
			left += w[i].pid > 0 && kill(w[i].pid, 0) == 0;
		if (!left)
			return true;
	}
	return false;
}

static int supervise(void)
{
	static struct watch w[WORKERS_MAX];
	unsigned long total = 0, deaths = 0;
	long begin = now_ms();

	for (unsigned i = 0; i < n_processes; i++)
		start(&w[i], i);
	while (total < n_calls) {
		pid_t pid;

		usleep(10000);
		total = 0;
		while ((pid = waitpid(-1, NULL, WNOHANG | __WALL)) > 0)
			for (unsigned i = 0; i < n_processes; i++)
				if (w[i].pid == pid) {
					deaths++;
					start(&w[i], i);
				}
		for (unsigned i = 0; i < n_processes; i++) {
			total += calls_of(i);
			if (w[i].pid < 0)
				start(&w[i], i);
			else if (!watch_one(&w[i], i)) {
				printf("fuzz: HANG: worker %u (process %d) does not die\n", i,
				       (int)w[i].pid);
				say_calls_under_way(i);
				return 1;
			}
		}
	}
	if (!end_all(w)) {
		printf("fuzz: HANG: at the end\n");
		for (unsigned i = 0; i < n_processes; i++)
			if (kill(w[i].pid, 0) == 0)
				say_calls_under_way(i);
		return 1;
	}
	printf("fuzz: %lu calls, %lu workers ended, %ld s\n", total, deaths,
	       (now_ms() - begin) / 1000);
	return 0;
}

static void report(void)
{
	unsigned tried = 0, good = 0, missing = 0;

	for (unsigned i = 0; i < CALLS; i++) {
		tried += shared->made[i] != 0;
		good += shared->good[i] != 0;
		missing += shared->missing[i] != 0;
	}
	printf("fuzz: %u system calls tried, %u succeeded at least once, %u not there\n", tried,
	       good, missing);
	printf("fuzz: never succeeded:");
	for (unsigned i = 0; i < CALLS; i++)
		if (!shared->good[i] && !shared->missing[i])
			printf(" %s", calls[i].name);
	printf("\n");
}

int main(int argc, char **argv)
{
	int opt, status;

	while ((opt = getopt(argc, argv, "s:n:p:t:c:v")) != -1)
		switch (opt) {
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			n_calls = strtoul(optarg, NULL, 0);
			break;
		case 'p':
			n_processes = MIN(MAX(strtoul(optarg, NULL, 0), 1), WORKERS_MAX);
			break;
		case 't':
			n_threads = MIN(MAX(strtoul(optarg, NULL, 0), 1), THREADS_MAX);
			break;
		case 'c':
			for (unsigned i = 0; i < CALLS; i++)
				if (!strcmp(calls[i].name, optarg))
					favourite = i;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			fprintf(stderr, "usage: fuzz [-s seed] [-n calls] [-p processes] [-t "
					"threads] [-c call] [-v]\n");
			return 2;
		}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	mkdir("/tmp/fuzz", 0777);
	if (shared == MAP_FAILED || chdir("/tmp/fuzz")) {
		perror("fuzz");
		return 2;
	}
	int adj = open("/proc/self/oom_score_adj", O_WRONLY);
	write(adj, "-1000", 5);
	close(adj);
	printf("fuzz: seed %llu, %lu calls, %u processes of %u threads\n", (unsigned long long)seed,
	       n_calls, n_processes, n_threads);
	fflush(stdout);
	status = supervise();
	report();
	return status;
}

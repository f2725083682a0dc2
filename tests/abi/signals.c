/* SPDX-License-Identifier: MIT */
/* Signals: actions, masks, queues, delivery, restart of system calls, faults, waiting, signalfd,
 * permission. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"

/* The kernel's own layout, for the calls the C library wraps. */
struct ksigaction {
	void (*handler)(int);
	unsigned long flags;
#ifndef __riscv
	void (*restorer)(void);
#endif
	unsigned long mask;
};
#define KSIGSETSIZE	    8
#define K_SA_UNSUPPORTED    0x400UL
#define K_SA_EXPOSE_TAGBITS 0x800UL

static volatile sig_atomic_t runs, last_signal, order[16], nr_order;
static volatile siginfo_t last_info;
static sigset_t mask_inside;
static int pipe_fd[2];

static void count(int sig)
{
	runs++;
	last_signal = sig;
	if (nr_order < 16)
		order[nr_order++] = sig;
}

static void keep_info(int sig, siginfo_t *info, void *uc)
{
	count(sig);
	last_info = *info;
	sigprocmask(SIG_BLOCK, NULL, &mask_inside);
}

static void write_pipe(int sig)
{
	count(sig);
	write(pipe_fd[1], "x", 1);
}

static void set(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	sigaction(sig, &sa, NULL);
}

static void set_info(int sig, int flags, int also_block)
{
	struct sigaction sa = { .sa_sigaction = keep_info, .sa_flags = SA_SIGINFO | flags };

	if (also_block)
		sigaddset(&sa.sa_mask, also_block);
	sigaction(sig, &sa, NULL);
}

static void block(int how, int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	sigprocmask(how, &s, NULL);
}

static bool is_blocked(int sig)
{
	sigset_t s;

	sigprocmask(SIG_BLOCK, NULL, &s);
	return sigismember(&s, sig);
}

static bool is_pending(int sig)
{
	sigset_t s;

	sigpending(&s);
	return sigismember(&s, sig);
}

static void reset(void) { runs = nr_order = last_signal = 0; }

static void alarm_in(int ms)
{
	struct itimerval t = { .it_value = { ms / 1000, ms % 1000 * 1000 } };

	setitimer(ITIMER_REAL, &t, NULL);
}

/* Runs fn in a child; its wait status. */
static int in_child(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void test_actions(void)
{
	struct ksigaction k = { .handler = count, .flags = 0xffffffffUL & ~0x04000000UL }, old;
	long r;

	r = syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, KSIGSETSIZE);
	tap_ok(r == 0 && old.handler == SIG_DFL && (old.flags & ~0x04000000UL) == 0 &&
		       old.mask == 0,
	       "an action is the default at first");
	k.mask = ~0UL;
#ifndef __riscv
	k.flags &= ~0x04000000UL;
#endif
	tap_returns(syscall(SYS_rt_sigaction, SIGUSR1, &k, NULL, KSIGSETSIZE), 0,
		    "rt_sigaction sets any flags");
	syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, KSIGSETSIZE);
	tap_ok(old.handler == count, "and gives the handler back");
	tap_ok(!(old.flags & K_SA_UNSUPPORTED), "SA_UNSUPPORTED is cleared");
	tap_ok(old.flags & K_SA_EXPOSE_TAGBITS, "SA_EXPOSE_TAGBITS is kept");
	tap_ok((old.flags & 0xf8000007UL) == 0xd8000007UL,
	       "the known flags are kept, the others cleared");
	tap_ok(!(old.mask & (1UL << (SIGKILL - 1))) && !(old.mask & (1UL << (SIGSTOP - 1))),
	       "sa_mask does not keep SIGKILL and SIGSTOP");
	k = (struct ksigaction) { .handler = SIG_IGN };
	tap_fails(syscall(SYS_rt_sigaction, SIGKILL, &k, NULL, KSIGSETSIZE), EINVAL,
		  "SIGKILL cannot be ignored");
	tap_fails(syscall(SYS_rt_sigaction, SIGSTOP, &k, NULL, KSIGSETSIZE), EINVAL,
		  "SIGSTOP cannot be ignored");
	tap_returns(syscall(SYS_rt_sigaction, SIGKILL, NULL, &old, KSIGSETSIZE), 0,
		    "but they can be asked for");
	tap_fails(syscall(SYS_rt_sigaction, 0, &k, NULL, KSIGSETSIZE), EINVAL,
		  "there is no signal 0");
	tap_fails(syscall(SYS_rt_sigaction, 65, &k, NULL, KSIGSETSIZE), EINVAL, "nor signal 65");
	tap_returns(syscall(SYS_rt_sigaction, 64, NULL, &old, KSIGSETSIZE), 0, "64 is the last");
	tap_fails(syscall(SYS_rt_sigaction, SIGUSR1, &k, NULL, 4), EINVAL,
		  "the set's size has to be right");
	tap_fails(syscall(SYS_rt_sigaction, SIGUSR1, (void *)8, NULL, KSIGSETSIZE), EFAULT,
		  "a bad new action");
	tap_fails(syscall(SYS_rt_sigaction, SIGUSR1, NULL, (void *)8, KSIGSETSIZE), EFAULT,
		  "a bad place for the old one");
	set(SIGUSR1, SIG_DFL, 0);
}

static void test_mask(void)
{
	unsigned long all = ~0UL, was, now;

	tap_returns(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &was, KSIGSETSIZE), 0,
		    "everything can be asked to be blocked");
	tap_ok(was == 0, "nothing was");
	all = 0;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &now, KSIGSETSIZE);
	tap_ok(now == ~(1UL << (SIGKILL - 1) | 1UL << (SIGSTOP - 1)),
	       "all but SIGKILL and SIGSTOP were");
	tap_fails(syscall(SYS_rt_sigprocmask, 3, &all, NULL, KSIGSETSIZE), EINVAL,
		  "sigprocmask: bad how");
	tap_returns(syscall(SYS_rt_sigprocmask, 3, NULL, &now, KSIGSETSIZE), 0,
		    "how does not matter without a set");
	tap_fails(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, 16), EINVAL,
		  "sigprocmask: bad size");
	tap_fails(syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void *)8, NULL, KSIGSETSIZE), EFAULT,
		  "sigprocmask: bad set");
	tap_fails(syscall(SYS_rt_sigpending, &now, 9), EINVAL, "sigpending: bad size");
	tap_returns(syscall(SYS_rt_sigpending, &now, 4), 0, "sigpending: half a set");
}

static void test_delivery(void)
{
	set_info(SIGUSR1, 0, SIGUSR2);
	reset();
	tap_returns(kill(getpid(), SIGUSR1), 0, "kill myself");
	tap_ok(runs == 1 && last_signal == SIGUSR1, "the handler ran before kill returned");
	tap_ok(last_info.si_signo == SIGUSR1 && last_info.si_code == SI_USER &&
		       last_info.si_errno == 0,
	       "siginfo of kill");
	tap_ok(last_info.si_pid == getpid() && last_info.si_uid == getuid(), "its sender");
	tap_ok(sigismember(&mask_inside, SIGUSR1) && sigismember(&mask_inside, SIGUSR2),
	       "the signal and sa_mask were blocked");
	tap_ok(!is_blocked(SIGUSR1) && !is_blocked(SIGUSR2), "and are not any more");
	set_info(SIGUSR1, SA_NODEFER, 0);
	raise(SIGUSR1);
	tap_ok(!sigismember(&mask_inside, SIGUSR1), "SA_NODEFER: not blocked in its handler");
	tap_ok(last_info.si_code == SI_TKILL && last_info.si_pid == getpid(), "siginfo of tgkill");
	set_info(SIGUSR1, SA_RESETHAND, 0);
	raise(SIGUSR1);
	struct sigaction sa;
	sigaction(SIGUSR1, NULL, &sa);
	tap_ok(sa.sa_handler == SIG_DFL, "SA_RESETHAND: the default again");
	set(SIGUSR1, SIG_IGN, 0);
	reset();
	raise(SIGUSR1);
	tap_ok(runs == 0, "an ignored signal does nothing");
	raise(SIGCHLD);
	raise(SIGURG);
	raise(SIGWINCH);
	raise(SIGCONT);
	tap_ok(true, "SIGCHLD, SIGURG, SIGWINCH and SIGCONT are ignored by default");
}

static void test_queue(void)
{
	int rt = SIGRTMIN;
	siginfo_t info = { 0 };

	set(SIGUSR1, count, 0);
	reset();
	block(SIG_BLOCK, SIGUSR1);
	for (int i = 0; i < 3; i++)
		kill(getpid(), SIGUSR1);
	tap_ok(is_pending(SIGUSR1) && runs == 0, "a blocked signal is pending");
	block(SIG_UNBLOCK, SIGUSR1);
	tap_ok(runs == 1 && !is_pending(SIGUSR1), "three of the same are one");

	block(SIG_BLOCK, rt);
	block(SIG_BLOCK, rt + 1);
	set(rt, count, 0);
	set(rt + 1, count, 0);
	reset();
	sigqueue(getpid(), rt + 1, (union sigval) { .sival_int = 1 });
	sigqueue(getpid(), rt + 1, (union sigval) { .sival_int = 2 });
	sigqueue(getpid(), rt, (union sigval) { .sival_int = 3 });
	sigset_t both;
	sigemptyset(&both);
	sigaddset(&both, rt);
	sigaddset(&both, rt + 1);
	tap_ok(sigwaitinfo(&both, &info) == rt && info.si_int == 3,
	       "real-time signals: the lowest number first");
	tap_ok(info.si_code == SI_QUEUE && info.si_pid == getpid() && info.si_uid == getuid(),
	       "siginfo of sigqueue");
	tap_ok(sigwaitinfo(&both, &info) == rt + 1 && info.si_int == 1,
	       "then in the order they were sent");
	tap_ok(sigwaitinfo(&both, &info) == rt + 1 && info.si_int == 2, "each of them");
	tap_ok(!is_pending(rt + 1), "and then none");
	for (int i = 0; i < 3; i++)
		kill(getpid(), rt);
	block(SIG_UNBLOCK, rt);
	tap_ok(runs == 3, "real-time signals queue with kill, too");

	block(SIG_BLOCK, SIGUSR1);
	kill(getpid(), SIGUSR1);
	set(SIGUSR1, SIG_IGN, 0);
	tap_ok(!is_pending(SIGUSR1), "ignoring a signal drops a pending one");
	kill(getpid(), SIGUSR1);
	tap_ok(is_pending(SIGUSR1), "but a blocked one is queued even when ignored");
	block(SIG_UNBLOCK, SIGUSR1);
	block(SIG_UNBLOCK, rt + 1);
	tap_ok(!is_pending(SIGUSR1), "and dropped when unblocked");
}

static void test_queue_limit(void)
{
	struct rlimit old, none = { 0, 0 };
	siginfo_t info = { .si_code = SI_QUEUE };
	int rt = SIGRTMIN + 2;

	getrlimit(RLIMIT_SIGPENDING, &old);
	none.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_SIGPENDING, &none);
	block(SIG_BLOCK, rt);
	set(SIGUSR1, count, 0);
	tap_fails(sigqueue(getpid(), rt, (union sigval) { .sival_int = 1 }), EAGAIN,
		  "RLIMIT_SIGPENDING 0: sigqueue has no room");
	tap_returns(kill(getpid(), rt), 0, "kill sends a real-time signal without siginfo");
	sigset_t s;
	sigemptyset(&s);
	sigaddset(&s, rt);
	tap_ok(sigwaitinfo(&s, &info) == rt && info.si_code == SI_USER && info.si_pid == 0,
	       "which arrives");
	reset();
	raise(SIGUSR1);
	tap_ok(runs == 1, "others need no room");
	setrlimit(RLIMIT_SIGPENDING, &old);
	block(SIG_UNBLOCK, rt);
}

static void test_sigqueueinfo(void)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	memset(&info, 0, sizeof(info));
	info.si_code = SI_USER;
	tap_fails(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM,
		  "nobody can pretend a kill");
	info.si_code = SI_KERNEL;
	tap_fails(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, &info), EPERM, "nor to be the kernel");
	info.si_code = SI_TKILL;
	tap_fails(syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGUSR1, &info), EPERM, "nor a tgkill");
	set_info(SIGUSR1, 0, 0);
	info.si_code = 77;
	info.si_pid = 1234;
	info.si_value.sival_int = 99;
	tap_returns(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info), 0,
		    "but to itself anything");
	tap_ok(last_info.si_code == 77 && last_info.si_pid == 1234 &&
		       last_info.si_value.sival_int == 99,
	       "which arrives as it is");
	info.si_code = SI_QUEUE;
	tap_fails(syscall(SYS_rt_sigqueueinfo, 0, SIGUSR1, &info), ESRCH,
		  "rt_sigqueueinfo to no process");
	tap_fails(syscall(SYS_rt_tgsigqueueinfo, 0, pid, SIGUSR1, &info), EINVAL,
		  "rt_tgsigqueueinfo to no group");
	tap_fails(syscall(SYS_rt_sigqueueinfo, pid, SIGUSR1, (void *)8), EFAULT, "a bad siginfo");
	tap_returns(syscall(SYS_rt_tgsigqueueinfo, pid, pid, SIGTERM, &info), 0,
		    "rt_tgsigqueueinfo to a child");
	int status;
	waitpid(pid, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "which dies of it");
}

static void test_wait(void)
{
	struct timespec zero = { 0, 0 }, some = { 0, 30000000 }, longer = { 5, 0 },
			bad = { 0, 1000000000 };
	siginfo_t info;
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	block(SIG_BLOCK, SIGUSR2);
	set(SIGUSR2, count, 0);
	set(SIGALRM, count, SA_RESTART);
	reset();
	tap_fails(sigtimedwait(&s, &info, &zero), EAGAIN, "sigtimedwait: nothing there");
	tap_fails(sigtimedwait(&s, &info, &some), EAGAIN, "nothing came in time");
	tap_fails(sigtimedwait(&s, &info, &bad), EINVAL, "a bad time");
	kill(getpid(), SIGUSR2);
	tap_returns(sigtimedwait(&s, &info, &zero), SIGUSR2, "it takes what is pending");
	tap_ok(runs == 0 && info.si_signo == SIGUSR2 && info.si_code == SI_USER,
	       "without the handler");
	alarm_in(20);
	tap_fails(sigtimedwait(&s, &info, &longer), EINTR,
		  "another signal's handler interrupts it, SA_RESTART or not");
	pid_t me = getpid(), pid = fork();
	if (pid == 0) {
		usleep(20000);
		kill(me, SIGUSR2);
		_exit(0);
	}
	tap_returns(sigtimedwait(&s, &info, &longer), SIGUSR2, "it wakes for a blocked signal");
	tap_ok(info.si_pid == pid && runs == 1, "from a child, and no handler ran but the alarm's");
	waitpid(pid, NULL, 0);
	tap_fails(syscall(SYS_rt_sigtimedwait, &s, NULL, &zero, 4), EINVAL,
		  "sigtimedwait: bad size");
	tap_fails(syscall(SYS_rt_sigtimedwait, (void *)8, NULL, &zero, KSIGSETSIZE), EFAULT,
		  "sigtimedwait: bad set");
	kill(getpid(), SIGUSR2);
	tap_returns(syscall(SYS_rt_sigtimedwait, &s, NULL, NULL, KSIGSETSIZE), SIGUSR2,
		    "no siginfo wanted, no time given");

	reset();
	kill(getpid(), SIGUSR2);
	sigemptyset(&s);
	tap_fails(sigsuspend(&s), EINTR, "sigsuspend returns when a handler ran");
	tap_ok(runs == 1 && is_blocked(SIGUSR2), "and puts the mask back");
	block(SIG_UNBLOCK, SIGUSR2);
	alarm_in(10);
	tap_fails(pause(), EINTR, "pause, too, even with SA_RESTART");
}

static void test_restart(void)
{
	struct timespec sleep_ = { 5, 0 }, left;
	struct pollfd p = { .fd = -1 };
	char c;

	pipe(pipe_fd);
	reset();
	set(SIGALRM, write_pipe, SA_RESTART);
	alarm_in(20);
	tap_returns(read(pipe_fd[0], &c, 1), 1, "SA_RESTART: read goes on after the handler");
	tap_ok(runs == 1, "which ran");
	set(SIGALRM, count, 0);
	alarm_in(20);
	tap_fails(read(pipe_fd[0], &c, 1), EINTR, "without it the read fails");
	set(SIGALRM, count, SA_RESTART);
	alarm_in(20);
	tap_fails(poll(&p, 1, 5000), EINTR, "poll is never restarted after a handler");
	alarm_in(20);
	tap_ok(nanosleep(&sleep_, &left) == -1 && errno == EINTR && left.tv_sec == 4,
	       "nor nanosleep, which tells what is left");
	set(SIGALRM, count, 0);
	pid_t pid = fork();
	if (pid == 0) {
		usleep(60000);
		_exit(3);
	}
	int status;
	alarm_in(20);
	tap_fails(waitpid(pid, &status, 0), EINTR, "waitpid is interrupted");
	set(SIGALRM, count, SA_RESTART);
	alarm_in(10);
	tap_ok(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 3, "or restarted");
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* --- faults --- */

static sigjmp_buf jump;
static volatile int fault_signal, fault_code;
static void *volatile fault_addr;

static void on_fault(int sig, siginfo_t *info, void *uc)
{
	fault_signal = sig;
	fault_code = info->si_code;
	fault_addr = info->si_addr;
	siglongjmp(jump, 1);
}

static bool faults(volatile char *p, bool write, int sig, int code)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, old;
	bool ok = false;

	sigaction(sig, &sa, &old);
	if (sigsetjmp(jump, 1) == 0) {
		if (write)
			*p = 1;
		else
			(void)*p;
	} else {
		ok = fault_signal == sig && fault_code == code && fault_addr == p;
	}
	sigaction(sig, &old, NULL);
	return ok;
}

static void touch_null(void) { *(volatile int *)8 = 0; }
static void touch_null_blocked(void)
{
	block(SIG_BLOCK, SIGSEGV);
	touch_null();
}
static void touch_null_ignored(void)
{
	set(SIGSEGV, SIG_IGN, 0);
	touch_null();
}

#ifdef __riscv
static void skip_instruction(int sig, siginfo_t *info, void *ucv)
{
	ucontext_t *uc = ucv;

	fault_signal = sig;
	fault_code = info->si_code;
	fault_addr = info->si_addr;
	uc->uc_mcontext.__gregs[REG_PC] += 4;
}
static bool instruction_traps(int sig, int code, void (*fn)(void))
{
	struct sigaction sa = { .sa_sigaction = skip_instruction, .sa_flags = SA_SIGINFO };

	fault_signal = 0;
	sigaction(sig, &sa, NULL);
	fn();
	set(sig, SIG_DFL, 0);
	return fault_signal == sig && fault_code == code;
}
static void illegal(void)
{
	__asm__ volatile(".option push; .option norvc; csrr t0, sstatus; .option pop" ::: "t0");
}
static void breakpoint(void)
{
	__asm__ volatile(".option push; .option norvc; ebreak; .option pop");
}

static void clobber(int sig)
{
	count(sig);
	__asm__ volatile("fmv.d.x ft0, zero; fmv.d.x fs0, zero; fscsr zero; li t0, -1; li t3, -1; "
			 "li a5, -1" ::
				 : "ft0", "fs0", "t0", "t3", "a5");
}

/* Registers a system call must not change, over one that a handler interrupts on its way out. */
static bool registers_survive(void)
{
	unsigned long ft0, fs0, t0, t3, a5, fcsr;
	long self = getpid();

	set(SIGUSR1, clobber, 0);
	/* From here to the asm no call, which may use the registers. */
	register long a0 __asm__("a0") = self, a1 __asm__("a1") = SIGUSR1,
			 a7 __asm__("a7") = SYS_kill;

	__asm__ volatile("li %[x], 0x4045000000000000; fmv.d.x ft0, %[x]; fmv.d.x fs0, %[x]; li "
			 "%[x], 0x21; fscsr %[x];"
			 "li t0, 11; li t3, 22; li a5, 33; ecall;"
			 "mv %[t0], t0; mv %[t3], t3; mv %[a5], a5; fmv.x.d %[ft0], ft0; fmv.x.d "
			 "%[fs0], fs0; frcsr %[x]"
			 : [x] "=&r"(fcsr), [ft0] "=&r"(ft0), [fs0] "=&r"(fs0), [t0] "=&r"(t0),
			   [t3] "=&r"(t3), [a5] "=&r"(a5), "+r"(a0)
			 : "r"(a1), "r"(a7)
			 : "t0", "t3", "a5", "ft0", "fs0", "memory");
	__asm__ volatile("fscsr zero");
	return a0 == 0 && t0 == 11 && t3 == 22 && a5 == 33 && ft0 == 0x4045000000000000 &&
	       fs0 == ft0 && fcsr == 0x21;
}
#endif

static void test_faults(void)
{
	char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *ro = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status;

	tap_ok(faults((char *)16, false, SIGSEGV, SEGV_MAPERR),
	       "reading what is not mapped: SIGSEGV, SEGV_MAPERR, the address");
	tap_ok(faults(none + 5, false, SIGSEGV, SEGV_ACCERR), "reading PROT_NONE: SEGV_ACCERR");
	tap_ok(faults(ro + 9, true, SIGSEGV, SEGV_ACCERR), "writing a read-only page: SEGV_ACCERR");
	int fd = memfd_create("signals", 0);
	char *past = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	tap_ok(faults(past + 3, false, SIGBUS, BUS_ADRERR),
	       "reading past the end of a mapped file: SIGBUS, BUS_ADRERR");
	close(fd);
#ifdef __riscv
	bool trap_ok = instruction_traps(SIGTRAP, TRAP_BRKPT, breakpoint),
	     ill_ok = instruction_traps(SIGILL, ILL_ILLOPC, illegal);
	bool regs_ok = (reset(), registers_survive()) && runs == 1;
#else
	bool trap_ok = true, ill_ok = true, regs_ok = true;
#endif
	tap_ok(trap_ok, "a breakpoint: SIGTRAP, TRAP_BRKPT; the handler can move the pc");
	tap_ok(ill_ok, "a privileged instruction: SIGILL, ILL_ILLOPC");
	tap_ok(regs_ok, "integer and floating-point registers survive a handler");
	signal(SIGSEGV, SIG_DFL);
	status = in_child(touch_null);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "a fault without handler kills");
	status = in_child(touch_null_blocked);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "even when blocked");
	status = in_child(touch_null_ignored);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "even when ignored");
	munmap(none, 4096);
	munmap(ro, 4096);
	munmap(past, 4096);
}

/* --- children --- */

static void exit_7(void) { _exit(7); }
static void die_by_term(void)
{
	kill(getpid(), SIGTERM);
	pause();
}
static void die_by_kill(void)
{
	kill(getpid(), SIGKILL);
	pause();
}

static void test_children(void)
{
	sigset_t s;
	siginfo_t info;
	int status;
	pid_t pid;

	status = in_child(die_by_term);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "SIGTERM ends a process");
	status = in_child(die_by_kill);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "SIGKILL, too");

	block(SIG_BLOCK, SIGCHLD);
	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	pid = fork();
	if (pid == 0)
		exit_7();
	tap_returns(sigwaitinfo(&s, &info), SIGCHLD, "SIGCHLD when a child exits");
	tap_ok(info.si_code == CLD_EXITED && info.si_status == 7 && info.si_pid == pid &&
		       info.si_uid == getuid(),
	       "CLD_EXITED, its status, its number");
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0)
		die_by_kill();
	sigwaitinfo(&s, &info);
	tap_ok(info.si_code == CLD_KILLED && info.si_status == SIGKILL,
	       "CLD_KILLED and the signal");
	waitpid(pid, NULL, 0);
	block(SIG_UNBLOCK, SIGCHLD);

	set(SIGCHLD, SIG_IGN, 0);
	pid = fork();
	if (pid == 0)
		exit_7();
	tap_fails(waitpid(pid, &status, 0), ECHILD, "SIGCHLD ignored: children leave no zombie");
	reset();
	set(SIGCHLD, count, SA_NOCLDWAIT);
	pid = fork();
	if (pid == 0)
		exit_7();
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	tap_ok(errno == ECHILD && runs == 1, "SA_NOCLDWAIT: neither, but a SIGCHLD");
	set(SIGCHLD, SIG_DFL, 0);
}

static void check_inherited(void)
{
	struct sigaction sa;

	sigaction(SIGUSR1, NULL, &sa);
	_exit(sa.sa_handler == count && is_blocked(SIGUSR2) && !is_pending(SIGUSR2) ? 0 : 1);
}

/* Run as "signals exec-check": what exec leaves. */
static int exec_check(void)
{
	struct sigaction usr1, usr2;

	sigaction(SIGUSR1, NULL, &usr1);
	sigaction(SIGHUP, NULL, &usr2);
	return usr1.sa_handler == SIG_DFL && usr2.sa_handler == SIG_IGN && is_blocked(SIGUSR2) &&
			       is_pending(SIGUSR2)
		       ? 0
		       : 1;
}

static const char *program;
static void exec_self(void)
{
	set(SIGHUP, SIG_IGN, 0);
	kill(getpid(), SIGUSR2);
	execl(program, program, "exec-check", NULL);
	_exit(9);
}

static void test_inheritance(void)
{
	int status;

	set(SIGUSR1, count, 0);
	set(SIGUSR2, SIG_DFL, 0);
	block(SIG_BLOCK, SIGUSR2);
	kill(getpid(), SIGUSR2);
	status = in_child(check_inherited);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	       "fork: handlers and mask stay, pending signals do not");
	status = in_child(exec_self);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	       "exec: handlers go, what is ignored, blocked and pending stays");
	set(SIGUSR2, SIG_IGN, 0);
	block(SIG_UNBLOCK, SIGUSR2);
}

/* --- permission and targets --- */

static void kill_parent_as_nobody(void)
{
	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		_exit(2);
	if (kill(getppid(), 0) != -1 || errno != EPERM)
		_exit(1);
	_exit(kill(getpid(), 0) == 0 && kill(getppid(), SIGCONT) == 0 ? 0 : 3);
}

static void signal_my_group(void)
{
	setpgid(0, 0);
	set(SIGUSR1, count, 0);
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(5);
	}
	set(SIGUSR1, count, 0);
	reset();
	usleep(20000);
	kill(0, SIGUSR1);
	int status;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	_exit(runs == 1 && WIFEXITED(status) && WEXITSTATUS(status) == 5 ? 0 : 1);
}

static void test_targets(void)
{
	pid_t dead = fork();
	int status;

	if (dead == 0)
		_exit(0);
	waitid(P_PID, dead, NULL, WEXITED | WNOWAIT);
	tap_returns(kill(dead, SIGTERM), 0, "a zombie can be sent a signal");
	waitpid(dead, NULL, 0);
	tap_fails(kill(dead, 0), ESRCH, "one that was waited for cannot");
	tap_fails(kill(getpid(), 65), EINVAL, "kill: bad signal");
	tap_fails(kill(getpid(), -1), EINVAL, "kill: negative signal");
	tap_fails(kill(-0x7fffffff - 1, 0), ESRCH, "kill: the smallest number is no group");
	tap_fails(syscall(SYS_tgkill, getpid(), 0, 0), EINVAL, "tgkill: thread 0");
	tap_fails(syscall(SYS_tgkill, 0, getpid(), 0), EINVAL, "tgkill: group 0");
	tap_fails(syscall(SYS_tgkill, getppid(), getpid(), 0), ESRCH,
		  "tgkill: a thread of another group");
	tap_fails(syscall(SYS_tkill, -1, 0), EINVAL, "tkill: negative number");
	tap_returns(syscall(SYS_tkill, getpid(), 0), 0, "tkill: myself");
	status = in_child(signal_my_group);
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "kill(0): my process group");
	status = getuid() == 0 ? in_child(kill_parent_as_nobody) : 0;
	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	       "another user's process: EPERM; SIGCONT in the session may");
}

/* --- threads --- */

static volatile pid_t handled_by;
static volatile bool thread_ready, thread_stop;

static void keep_tid(int sig)
{
	runs++;
	handled_by = (pid_t)syscall(SYS_gettid);
}

static void *waiting_thread(void *tid)
{
	*(volatile pid_t *)tid = (pid_t)syscall(SYS_gettid);
	thread_ready = true;
	while (!thread_stop)
		usleep(1000);
	return NULL;
}

static bool soon(volatile sig_atomic_t *value, int want)
{
	for (int i = 0; i < 2000 && *value != want; i++)
		usleep(1000);
	return *value == want;
}

static void test_threads(void)
{
	volatile pid_t tid = 0;
	pthread_t t;

	set(SIGUSR1, keep_tid, 0);
	reset();
	pthread_create(&t, NULL, waiting_thread, (void *)&tid);
	while (!thread_ready)
		usleep(1000);
	pthread_kill(t, SIGUSR1);
	tap_ok(soon(&runs, 1) && handled_by == tid, "a signal to a thread is handled by it");
	block(SIG_BLOCK, SIGUSR1);
	kill(getpid(), SIGUSR1);
	tap_ok(soon(&runs, 2) && handled_by == tid,
	       "one to the process by a thread that does not block it");
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1);
	tap_ok(is_pending(SIGUSR1) && runs == 2, "one to a thread that blocks it waits there");
	block(SIG_UNBLOCK, SIGUSR1);
	tap_ok(runs == 3 && handled_by == getpid(), "until it is unblocked");
	thread_stop = true;
	pthread_join(t, NULL);
}

/* --- signalfd --- */

static void test_signalfd(void)
{
	struct signalfd_siginfo r[2];
	struct pollfd p = { .events = POLLIN };
	sigset_t s;
	int fd, rt = SIGRTMIN + 3;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR2);
	sigaddset(&s, rt);
	sigprocmask(SIG_BLOCK, &s, NULL);
	set(SIGUSR2, SIG_DFL, 0);
	tap_fails(syscall(SYS_signalfd4, -1, &s, 4, 0), EINVAL, "signalfd: bad size");
	tap_fails(syscall(SYS_signalfd4, -1, &s, KSIGSETSIZE, 1), EINVAL, "signalfd: bad flags");
	tap_fails(syscall(SYS_signalfd4, -1, (void *)8, KSIGSETSIZE, 0), EFAULT,
		  "signalfd: bad set");
	tap_fails(signalfd(0x7ffffff, &s, 0), EBADF, "signalfd: bad descriptor");
	tap_fails(signalfd(STDOUT_FILENO, &s, 0), EINVAL, "signalfd: another file");
	fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC);
	tap_ok(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC && (fcntl(fd, F_GETFL) & O_NONBLOCK),
	       "signalfd");
	tap_fails(read(fd, r, sizeof(r)), EAGAIN, "it has nothing to read");
	p.fd = fd;
	tap_returns(poll(&p, 1, 0), 0, "nor to poll");
	tap_fails(read(fd, r, 100), EINVAL, "a buffer has to hold a record");
	kill(getpid(), SIGUSR2);
	sigqueue(getpid(), rt, (union sigval) { .sival_int = 42 });
	tap_ok(poll(&p, 1, 0) == 1 && p.revents == POLLIN, "a blocked signal makes it readable");
	memset(r, 0xff, sizeof(r));
	tap_returns(read(fd, r, sizeof(r)), sizeof(r), "two records at once");
	tap_ok(r[0].ssi_signo == SIGUSR2 && r[0].ssi_code == SI_USER &&
		       r[0].ssi_pid == (uint32_t)getpid() && r[0].ssi_uid == getuid() &&
		       r[0].ssi_int == 0,
	       "the fields of kill");
	tap_ok(r[1].ssi_signo == (uint32_t)rt && r[1].ssi_code == SI_QUEUE && r[1].ssi_int == 42,
	       "the fields of sigqueue");
	tap_ok(!is_pending(SIGUSR2) && !is_pending(rt), "what was read is not pending");
	sigdelset(&s, SIGUSR2);
	tap_returns(signalfd(fd, &s, 0), fd, "its mask can be changed");
	kill(getpid(), SIGUSR2);
	tap_fails(read(fd, r, sizeof(r)), EAGAIN, "and what is not in it is not read");
	fcntl(fd, F_SETFL, 0);
	pid_t me = getpid(), pid = fork();
	if (pid == 0) {
		usleep(20000);
		sigqueue(me, rt, (union sigval) { .sival_int = 43 });
		_exit(0);
	}
	tap_ok(read(fd, r, sizeof(r)) == sizeof(r[0]) && r[0].ssi_int == 43 &&
		       r[0].ssi_pid == (uint32_t)pid,
	       "a blocking read waits for a signal");
	waitpid(pid, NULL, 0);
	close(fd);
	set(SIGUSR2, SIG_IGN, 0);
	sigaddset(&s, SIGUSR2);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exec-check"))
		return exec_check();
	program = argv[0];
	test_actions();
	test_mask();
	test_delivery();
	test_queue();
	test_queue_limit();
	test_sigqueueinfo();
	test_wait();
	test_restart();
	test_faults();
	test_children();
	test_inheritance();
	test_targets();
	test_threads();
	test_signalfd();
	return tap_done();
}

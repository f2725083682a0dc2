/* SPDX-License-Identifier: MIT */
/* The alternate signal stack: setting, use, nesting, SS_AUTODISARM, overflow, inheritance. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "tap.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif
#define STACK_SIZE    65536
#define K_MINSIGSTKSZ 2048

static char *stack, *second_stack;
static volatile int runs;
static volatile bool on_stack;
static stack_t inside, in_frame;
static volatile int change_errno;

static bool within(const void *p)
{
	return (const char *)p >= stack && (const char *)p < stack + STACK_SIZE;
}

static void look(int sig, siginfo_t *info, void *uc)
{
	stack_t other = { .ss_sp = second_stack, .ss_size = STACK_SIZE };
	char here;

	runs++;
	on_stack = within(&here) && within(info) && within(uc);
	in_frame = ((ucontext_t *)uc)->uc_stack;
	sigaltstack(NULL, &inside);
	change_errno = sigaltstack(&other, NULL) ? errno : 0;
}

static void handle(int sig, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &sa, NULL);
}

static int use(size_t size, int flags)
{
	stack_t ss = { .ss_sp = stack, .ss_size = size, .ss_flags = flags };

	return sigaltstack(&ss, NULL);
}

static void test_setting(void)
{
	stack_t old, ss = { .ss_flags = SS_DISABLE, .ss_sp = (void *)4096, .ss_size = 5 };

	memset(&old, 0xff, sizeof(old));
	tap_returns(sigaltstack(NULL, &old), 0, "asking");
	tap_ok(old.ss_flags == SS_DISABLE && old.ss_sp == NULL && old.ss_size == 0,
	       "there is none at first");
	tap_fails(use(K_MINSIGSTKSZ - 1, 0), ENOMEM, "one too small");
	tap_fails(use(STACK_SIZE, 4), EINVAL, "flags nobody knows");
	tap_fails(sigaltstack((void *)8, NULL), EFAULT, "a bad new one");
	tap_returns(use(STACK_SIZE, SS_ONSTACK), 0, "SS_ONSTACK is accepted");
	tap_fails(sigaltstack(NULL, (void *)8), EFAULT, "a bad place for the old one");
	sigaltstack(&ss, &old);
	tap_ok(old.ss_flags == 0 && old.ss_sp == stack && old.ss_size == STACK_SIZE,
	       "the old one is told");
	sigaltstack(NULL, &old);
	tap_ok(old.ss_flags == SS_DISABLE && old.ss_sp == NULL && old.ss_size == 0,
	       "SS_DISABLE forgets place and size");
}

static void test_use(void)
{
	use(STACK_SIZE, 0);
	handle(SIGUSR1, look, 0);
	raise(SIGUSR1);
	tap_ok(runs == 1 && !on_stack && inside.ss_flags == 0,
	       "a handler without SA_ONSTACK runs on the usual stack");
	stack_t now;
	sigaltstack(NULL, &now);
	tap_ok(change_errno == 0 && now.ss_sp == stack,
	       "it may change the alternate one, which the return takes back");
	handle(SIGUSR1, look, SA_ONSTACK);
	raise(SIGUSR1);
	tap_ok(runs == 2 && on_stack, "one with SA_ONSTACK on the alternate one");
	tap_ok(inside.ss_flags == SS_ONSTACK && inside.ss_sp == stack &&
		       inside.ss_size == STACK_SIZE,
	       "which asking there says");
	tap_ok(change_errno == EPERM, "it cannot be changed there");
	tap_ok(in_frame.ss_sp == stack && in_frame.ss_size == STACK_SIZE && in_frame.ss_flags == 0,
	       "uc_stack describes it");
	sigaltstack(NULL, &now);
	tap_ok(now.ss_flags == 0 && now.ss_sp == stack, "afterwards it is as before");
}

static volatile uintptr_t outer_sp, inner_sp;
static void inner(int sig, siginfo_t *info, void *uc)
{
	char here;

	inner_sp = (uintptr_t)&here;
}
static void outer(int sig, siginfo_t *info, void *uc)
{
	char here;

	outer_sp = (uintptr_t)&here;
	raise(SIGUSR2);
}

static void test_nesting(void)
{
	handle(SIGUSR1, outer, SA_ONSTACK);
	handle(SIGUSR2, inner, SA_ONSTACK);
	raise(SIGUSR1);
	tap_ok(within((void *)outer_sp) && within((void *)inner_sp) && inner_sp < outer_sp,
	       "a second handler goes on below the first on the same stack");
}

static void test_autodisarm(void)
{
	stack_t now;

	tap_returns(use(STACK_SIZE, SS_AUTODISARM), 0, "SS_AUTODISARM");
	sigaltstack(NULL, &now);
	tap_ok(now.ss_flags == (int)SS_AUTODISARM, "is told");
	handle(SIGUSR1, look, SA_ONSTACK);
	raise(SIGUSR1);
	tap_ok(on_stack && inside.ss_flags == SS_DISABLE, "a handler on it finds it disabled");
	tap_ok(change_errno == 0, "and may set another");
	tap_ok((unsigned)in_frame.ss_flags == SS_AUTODISARM && in_frame.ss_sp == stack,
	       "uc_stack has it");
	sigaltstack(NULL, &now);
	tap_ok((unsigned)now.ss_flags == SS_AUTODISARM && now.ss_sp == stack,
	       "the return from the handler arms it again");
}

/* --- overflow --- */

static int in_child(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct rlimit small = { 1 << 20, 1 << 20 };

		setrlimit(RLIMIT_STACK, &small);
		fn();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static volatile int sink, never;
static int __attribute__((noinline)) recurse(int n)
{
	volatile char frame[1024];

	frame[n & 1023] = (char)n;
	sink = n;
	return never ? 0 : recurse(n + 1) + frame[n & 1023];
}

static void leave(int sig, siginfo_t *info, void *uc)
{
	char here;

	_exit(within(&here) && info->si_code == SEGV_MAPERR ? 42 : 43);
}

static void overflow_with_stack(void)
{
	use(STACK_SIZE, 0);
	handle(SIGSEGV, leave, SA_ONSTACK);
	recurse(0);
}

static void overflow_without_stack(void)
{
	use(0, SS_DISABLE);
	handle(SIGSEGV, leave, SA_ONSTACK);
	recurse(0);
}

static void overflow_it(int sig, siginfo_t *info, void *uc) { raise(SIGUSR1); }
static void overflow_alternate(void)
{
	use(8192, 0);
	handle(SIGUSR1, overflow_it, SA_ONSTACK | SA_NODEFER);
	handle(SIGSEGV, leave, SA_ONSTACK);
	raise(SIGUSR1);
}

static void test_overflow(void)
{
	int status = in_child(overflow_with_stack);

	tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 42,
	       "a stack overflow is handled on the alternate stack");
	status = in_child(overflow_without_stack);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "without one it kills");
	status = in_child(overflow_alternate);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	       "so does a frame that does not fit the alternate stack");
}

/* --- who has it --- */

static void fork_has_it(void)
{
	stack_t now;

	sigaltstack(NULL, &now);
	_exit(now.ss_sp == stack && now.ss_size == STACK_SIZE ? 0 : 1);
}

static const char *program;
static void exec_self(void)
{
	execl(program, program, "exec-check", NULL);
	_exit(9);
}

static void *thread_has_none(void *result)
{
	stack_t now;

	sigaltstack(NULL, &now);
	*(bool *)result = now.ss_flags == SS_DISABLE && now.ss_size == 0;
	return NULL;
}

static void test_inheritance(void)
{
	bool none = false;
	pthread_t t;

	use(STACK_SIZE, 0);
	tap_returns(in_child(fork_has_it), 0, "fork keeps it");
	tap_returns(in_child(exec_self), 0, "exec forgets it");
	pthread_create(&t, NULL, thread_has_none, &none);
	pthread_join(t, NULL);
	tap_ok(none, "a new thread has none");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		stack_t now;

		sigaltstack(NULL, &now);
		return now.ss_flags == SS_DISABLE && now.ss_sp == NULL ? 0 : 1;
	}
	program = argv[0];
	stack = mmap(NULL, 2 * STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	second_stack = stack + STACK_SIZE;
	test_setting();
	test_use();
	test_nesting();
	test_autodisarm();
	test_overflow();
	test_inheritance();
	return tap_done();
}

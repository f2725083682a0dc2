/* SPDX-License-Identifier: MIT */
/*
 * demo-crash: children that break a rule each, and what became of them. Exit status 0 when each died of the signal it
 * must die of and everybody else lives.
 */
#define _GNU_SOURCE
#include "user.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void read_null(void)
{
	volatile int *volatile nowhere = NULL;

	(void)*nowhere;
}

static void write_kernel(void)
{
	*(volatile int *)0xffffffff80000000UL = 1;
}

static void write_text(void)
{
	*(volatile int *)(uintptr_t)read_null = 0;
}

static void run_stack(void)
{
	uint32_t code[4] = { 0x00008067, 0x00008067, 0x00008067, 0x00008067 }; /* ret */

	((void (*)(void))(uintptr_t)code)();
}

static void jump_kernel(void)
{
	((void (*)(void))0xffffffff80000040UL)();
}

static void illegal_instruction(void)
{
	__asm__ volatile(".word 0xffffffff");
}

static void read_supervisor_csr(void)
{
	unsigned long v;

	__asm__ volatile("csrr %0, sstatus" : "=r"(v));
}

static void return_from_supervisor(void)
{
	__asm__ volatile("sret");
}

static void flush_tlb(void)
{
	__asm__ volatile("sfence.vma");
}

static void breakpoint(void)
{
	__asm__ volatile("ebreak");
}

static void beyond_file(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memfd_create("short", 0), 0);

	p[4096] = 1;
}

static volatile int deeper = 1;

static int overflow(volatile char *below)
{
	volatile char here[4096];

	here[0] = below ? below[0] : 0;
	return deeper ? overflow(here) + here[0] : 0;
}

static void overflow_stack(void)
{
	overflow(NULL);
}

static void exceed_cpu_limit(void)
{
	struct rlimit one = { 1, 1 };

	setrlimit(RLIMIT_CPU, &one);
	for (;;)
		;
}

static const struct {
	const char *what;
	void (*run)(void);
	int signal;
} crimes[] = {
	{ "reads through a null pointer", read_null, SIGSEGV },
	{ "writes to the kernel", write_kernel, SIGSEGV },
	{ "writes to its own code", write_text, SIGSEGV },
	{ "runs code on its stack", run_stack, SIGSEGV },
	{ "jumps into the kernel", jump_kernel, SIGSEGV },
	{ "runs an illegal instruction", illegal_instruction, SIGILL },
	{ "reads a supervisor register", read_supervisor_csr, SIGILL },
	{ "returns from supervisor mode", return_from_supervisor, SIGILL },
	{ "flushes the TLB", flush_tlb, SIGILL },
	{ "hits a breakpoint", breakpoint, SIGTRAP },
	{ "touches a page beyond its file", beyond_file, SIGBUS },
	{ "recurses for ever", overflow_stack, SIGSEGV },
	{ "uses more CPU time than it may", exceed_cpu_limit, SIGKILL },
};

int demo_crash_main(int argc, char **argv)
{
	int wrong = 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < sizeof(crimes) / sizeof(crimes[0]); i++) {
		int status = 0, got;
		pid_t pid = fork();

		if (pid == 0) {
			crimes[i].run();
			_exit(0);
		}
		waitpid(pid, &status, 0);
		got = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		wrong += got != crimes[i].signal;
		printf("%-34s %s%s\n", crimes[i].what, got ? strsignal(got) : "got away with it",
		       got == crimes[i].signal ? "" : "  <- WRONG");
	}
	printf("%s\n", wrong ? "somebody did not die as they must" : "all dead, and nobody else was hurt");
	return wrong != 0;
}

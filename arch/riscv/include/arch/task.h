/* SPDX-License-Identifier: MIT */
/* What of a task only the architecture knows. */
#ifndef ARCH_TASK_H
#define ARCH_TASK_H

#include <kernel/types.h>

struct fpu_state { /* as struct __riscv_d_ext_state */
	u64 f[32];
	u32 fcsr;
};
struct arch_task {
	u64 ra, sp, s[12];	/* callee-saved, where context_switch() left it */
	/*
	 * [c] Valid unless the hart's registers are newer: sstatus.FS of the user trap frame is dirty. FS is off while the
	 * registers are not this task's; the first use then traps and loads them. All zero until used.
	 */
	struct fpu_state fpu;
	u32 fpu_hart;		/* logical hart whose registers were last this task's, if that hart's fpu_owner says so too */
	bool fpu_used;		/* since exec */
	u64 bad_cause;
};
#define FPU_HART_NONE 0xffffffffU

struct task;
struct trap_frame;
/* Switches stacks; returns `prev` as the task that ran before on this hart. Interrupts off, run-queue lock held. */
struct task *context_switch(struct task *prev, struct task *next);
/* A new task's first context: fn(arg) on its kernel stack via task_start_asm, which first calls sched_finish_switch(prev). */
void arch_task_init_kernel(struct task *t, int (*fn)(void *), void *arg);
/* A forked user task: returns 0 from the system call with `regs` copied, sp and tp replaced when nonzero. */
void arch_task_init_user(struct task *child, const struct trap_frame *regs, u64 sp, u64 tls, bool set_tls);
/* exec: registers for a fresh program. */
void arch_task_exec(struct trap_frame *regs, u64 pc, u64 sp);
/* Copies the FPU registers to t->arch.fpu when dirty (t is current). */
void arch_fpu_save(void);
void arch_fpu_load(void); /* t->arch.fpu to the registers: current, after a change */
/* The boot hart's kernel stack: init_task's. KSTACK_SIZE bytes. */
extern char init_stack[];
/* Called by a task's first code on its stack, with what context_switch() returned (kernel/sched/). */
void sched_finish_switch(struct task *prev);
/* A kernel thread that called kernel_execve() leaves to user mode through here; never returns. */
void arch_enter_user(void) __attribute__((noreturn));

#endif

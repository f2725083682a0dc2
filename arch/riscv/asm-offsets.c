/* SPDX-License-Identifier: MIT */
/* Compiled to assembly only: scripts in the Makefile turn its markers into <generated/asm-offsets.h>. */
#include <arch/page.h>
#include <arch/regs.h>
#include <kernel/mm.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define DEFINE(name, value) __asm__ volatile("\n#define " #name " %0" ::"i"(value))
#define FRAME(reg)	    DEFINE(FRAME_##reg, offsetof(struct trap_frame, reg))

void asm_offsets(void);
void asm_offsets(void)
{
	FRAME(pc); FRAME(ra); FRAME(sp); FRAME(gp); FRAME(tp); FRAME(t0); FRAME(t1); FRAME(t2);
	FRAME(s0); FRAME(s1); FRAME(a0); FRAME(a1); FRAME(a2); FRAME(a3); FRAME(a4); FRAME(a5);
	FRAME(a6); FRAME(a7); FRAME(s2); FRAME(s3); FRAME(s4); FRAME(s5); FRAME(s6); FRAME(s7);
	FRAME(s8); FRAME(s9); FRAME(s10); FRAME(s11); FRAME(t3); FRAME(t4); FRAME(t5); FRAME(t6);
	FRAME(status); FRAME(badaddr); FRAME(cause); FRAME(orig_a0);
	DEFINE(FRAME_SIZE, sizeof(struct trap_frame));
	DEFINE(TASK_WORK, offsetof(struct task, work));
	DEFINE(TASK_KERNEL_SP, offsetof(struct task, kernel_sp));
	DEFINE(TASK_USER_SP, offsetof(struct task, user_sp));
	DEFINE(TASK_HART_OFFSET, offsetof(struct task, hart_offset));
	DEFINE(TASK_HART, offsetof(struct task, hart));
	DEFINE(TASK_RA, offsetof(struct task, arch.ra));
	DEFINE(TASK_SP, offsetof(struct task, arch.sp));
	DEFINE(TASK_S, offsetof(struct task, arch.s));
	DEFINE(TASK_FPU, offsetof(struct task, arch.fpu));
	DEFINE(TASK_FCSR, offsetof(struct task, arch.fpu.fcsr));
	DEFINE(TASK_FPU_HART, offsetof(struct task, arch.fpu_hart));
	DEFINE(WORK_EXIT, WORK_EXIT_MASK);
	DEFINE(WORK_SYSCALL, WORK_SYSCALL_MASK);
	DEFINE(NR_SYSCALLS_BOUND, NR_SYSCALLS);
	DEFINE(KSTACK_BYTES, KSTACK_SIZE);
	DEFINE(KSTACK_SHIFT, __builtin_ctzl(KSTACK_SIZE));
	DEFINE(PAGE_BYTES, PAGE_SIZE);
	DEFINE(KERNEL_VIRT, KERNEL_BASE);
}

/* SPDX-License-Identifier: MIT */
/* First register sets: of kernel threads, forked children and freshly executed programs. */
#include <arch/task.h>

#include <arch/regs.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/task.h>

#include "csr.h"
#include "fpu.h"
#include "machine.h"

#define SSTATUS_UXL_64 (2UL << 32)

/* Where context_switch() finds the task for the first time: at `entry`, with an empty stack below
 * the user frame. */
static void set_first_context(struct task *t, void (*entry)(void))
{
	memset(t->arch.s, 0, sizeof(t->arch.s));
	t->arch.ra = (u64)entry;
	t->arch.sp = t->kernel_sp;
}

void arch_task_init_kernel(struct task *t, int (*fn)(void *), void *arg)
{
	memset(task_regs(t), 0, sizeof(struct trap_frame));
	memset(&t->arch.fpu, 0, sizeof(t->arch.fpu));
	t->arch.fpu_used = false;
	t->arch.fpu_hart = FPU_HART_NONE;
	set_first_context(t, task_start_asm);
	t->arch.s[1] = (u64)fn;
	t->arch.s[2] = (u64)arg;
}

void arch_task_init_user(struct task *child, const struct trap_frame *regs, u64 sp, u64 tls,
			 bool set_tls)
{
	struct trap_frame *r = task_regs(child);

	arch_fpu_save();
	*r = *regs;
	r->a0 = 0;
	if (sp)
		r->sp = sp;
	if (set_tls)
		r->tp = tls;
	r->status &= ~(u64)SSTATUS_FS;
	if (current->arch.fpu_used)
		child->arch.fpu = current->arch.fpu;
	else
		memset(&child->arch.fpu, 0, sizeof(child->arch.fpu));
	child->arch.fpu_used = current->arch.fpu_used;
	child->arch.fpu_hart = FPU_HART_NONE;
	set_first_context(child, ret_from_fork);
}

void arch_task_exec(struct trap_frame *regs, u64 pc, u64 sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->pc = pc;
	regs->sp = sp;
	regs->status = SSTATUS_SPIE | SSTATUS_UXL_64;
	fpu_forget(current, regs);
	regs_replaced(regs);
}

/* SPDX-License-Identifier: MIT */
/*
 * Floating point: the hart's registers belong to the task in fpu_owner, if that task agrees
 * (arch.fpu_hart).
 *
 * sstatus.FS of a task's user frame: off - the registers are somebody else's or the task never used
 * them, its values are in arch.fpu; clean - the hart's registers and arch.fpu are alike; dirty -
 * the registers are newer. A task that is switched away from dirty gets saved; loading waits for
 * its first use after it came back to other registers, which traps. The kernel itself computes
 * nothing in floating point.
 */
#include <arch/regs.h>
#include <arch/task.h>

#include <kernel/hart.h>
#include <kernel/process.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

#include "csr.h"
#include "fpu.h"
#include "machine.h"

DEFINE_PER_HART(struct task *, fpu_owner);

static void set_fs(struct trap_frame *regs, u64 fs)
{
	regs->status = (regs->status & ~(u64)SSTATUS_FS) | fs;
}

static bool fpu_dirty(const struct trap_frame *regs)
{
	return (regs->status & SSTATUS_FS) == SSTATUS_FS_DIRTY;
}

static void take_ownership(struct task *t)
{
	set_fs(task_regs(t), SSTATUS_FS_CLEAN);
	t->arch.fpu_used = true;
	t->arch.fpu_hart = this_hart_nr();
	this_hart(fpu_owner) = t;
}

/* From context_switch(): prev's registers are dirty. */
void fpu_switch_out(struct task *prev)
{
	csr_set(sstatus, SSTATUS_FS);
	fpu_save_regs(prev->arch.fpu.f, &prev->arch.fpu.fcsr);
	take_ownership(prev);
}

/* An illegal instruction in user mode with FS off may be the first use: true when it is to be tried
 * again. */
bool fpu_first_use(struct trap_frame *regs)
{
	if (!isa.f || (regs->status & SSTATUS_FS) != SSTATUS_FS_OFF)
		return false;
	preempt_disable();
	csr_set(sstatus, SSTATUS_FS);
	fpu_load_regs(current->arch.fpu.f, &current->arch.fpu.fcsr);
	take_ownership(current);
	preempt_enable();
	return true;
}

void arch_fpu_save(void)
{
	preempt_disable();
	if (fpu_dirty(current_regs()))
		fpu_switch_out(current);
	preempt_enable();
}

void arch_fpu_load(void)
{
	preempt_disable();
	current->arch.fpu_used = true;
	current->arch.fpu_hart = FPU_HART_NONE;
	set_fs(current_regs(), SSTATUS_FS_OFF);
	preempt_enable();
}

void fpu_forget(struct task *t, struct trap_frame *regs)
{
	if (t->arch.fpu_used)
		memset(&t->arch.fpu, 0, sizeof(t->arch.fpu));
	t->arch.fpu_used = false;
	t->arch.fpu_hart = FPU_HART_NONE;
	set_fs(regs, SSTATUS_FS_OFF);
}

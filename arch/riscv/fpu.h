/* SPDX-License-Identifier: MIT */
/* Floating point, inside arch/riscv. */
#ifndef RISCV_FPU_H
#define RISCV_FPU_H

#include <kernel/hart.h>
#include <kernel/types.h>

struct task;
struct trap_frame;
DECLARE_PER_HART(struct task *,
		 fpu_owner); /* entry.S looks at it in every switch to a task that used it */
void fpu_switch_out(struct task *prev);
bool fpu_first_use(struct trap_frame *regs);
void fpu_forget(struct task *t, struct trap_frame *regs); /* exec: registers are zero again */

#endif

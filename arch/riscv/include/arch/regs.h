/* SPDX-License-Identifier: MIT */
/*
 * The registers a trap saves on the kernel stack. The first 32 words are in the order of Linux's
 * struct user_regs_struct (asm/ptrace.h), so that signals and ptrace copy them as they are.
 */
#ifndef ARCH_REGS_H
#define ARCH_REGS_H

#include <kernel/types.h>

struct trap_frame {
	u64 pc;
	u64 ra, sp, gp, tp, t0, t1, t2, s0, s1;
	u64 a0, a1, a2, a3, a4, a5, a6, a7;
	u64 s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
	u64 t3, t4, t5, t6;
	u64 status, badaddr, cause; /* badaddr: exceptions only */
	u64 orig_a0;	/* first argument of a system call, for restarts */
};
static_assert(sizeof(struct trap_frame) == 36 * 8, "entry.S lays it out so; a multiple of 16");

#define regs_user_mode(r)	((((r)->status) & (1UL << 8)) == 0) /* SPP */
#define regs_return(r)		((r)->a0)
#define regs_syscall_nr(r)	((r)->a7)
#define regs_stack(r)		((r)->sp)
#define regs_set_return(r, v)	((r)->a0 = (u64)(v))
/* A trap frame of a system call not yet restarted or replaced: a0 is its result, orig_a0 and a7 what it was asked. */
#define CAUSE_SYSCALL		8
#define regs_in_syscall(r)	((r)->cause == CAUSE_SYSCALL)
#define regs_leave_syscall(r)	((r)->cause = ~0UL)
/* Whoever sets s0-s11 of the current user frame inside a system call (sigreturn) says so: its fast way out leaves them alone. */
#define regs_replaced(r)	(regs_leave_syscall(r), task_set_work(current, WORK_REGS))
/* The user registers of a task, at the top of its kernel stack. */
#define task_regs(t)		((struct trap_frame *)(t)->kernel_sp)
#define current_regs()		task_regs(current)

#endif

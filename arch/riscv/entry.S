/* SPDX-License-Identifier: MIT */
/*
 * The one way into the kernel and the ways out of it; task switches.
 *
 * sscratch holds the current task while user mode runs, 0 while the kernel does. tp is the current task in the kernel. A trap
 * saves every register in a struct trap_frame: from user mode at the top of the task's kernel stack, from the kernel below
 * what it interrupted. Interrupts are off until the C code or, for system calls, the dispatch turns them on.
 *
 * System calls return by a short way that leaves gp's and the scratch registers' frame copies alone where the C code
 * preserved the register itself (s0-s11): whoever replaces the frame sets WORK_REGS and comes out the long way.
 *
 * The labels between __entry_start and __entry_end tell a backtrace that a trap frame lies where the frame pointer points.
 */
#include <generated/asm-offsets.h>
#include "csr.h"
#include "image.h"

	.section .entry.text, "ax"

	/* All but sp, tp, and t0, which the two entries treat in their own way. */
	.macro	save_registers
	sd	ra, FRAME_ra(sp)
	sd	gp, FRAME_gp(sp)
	sd	t1, FRAME_t1(sp)
	sd	t2, FRAME_t2(sp)
	sd	s0, FRAME_s0(sp)
	sd	s1, FRAME_s1(sp)
	sd	a0, FRAME_a0(sp)
	sd	a1, FRAME_a1(sp)
	sd	a2, FRAME_a2(sp)
	sd	a3, FRAME_a3(sp)
	sd	a4, FRAME_a4(sp)
	sd	a5, FRAME_a5(sp)
	sd	a6, FRAME_a6(sp)
	sd	a7, FRAME_a7(sp)
	sd	s2, FRAME_s2(sp)
	sd	s3, FRAME_s3(sp)
	sd	s4, FRAME_s4(sp)
	sd	s5, FRAME_s5(sp)
	sd	s6, FRAME_s6(sp)
	sd	s7, FRAME_s7(sp)
	sd	s8, FRAME_s8(sp)
	sd	s9, FRAME_s9(sp)
	sd	s10, FRAME_s10(sp)
	sd	s11, FRAME_s11(sp)
	sd	t3, FRAME_t3(sp)
	sd	t4, FRAME_t4(sp)
	sd	t5, FRAME_t5(sp)
	sd	t6, FRAME_t6(sp)
	.endm

	.macro	load_scratch /* what C code does not preserve, but a0, t0, t1 */
	ld	ra, FRAME_ra(sp)
	ld	gp, FRAME_gp(sp)
	ld	t2, FRAME_t2(sp)
	ld	a1, FRAME_a1(sp)
	ld	a2, FRAME_a2(sp)
	ld	a3, FRAME_a3(sp)
	ld	a4, FRAME_a4(sp)
	ld	a5, FRAME_a5(sp)
	ld	a6, FRAME_a6(sp)
	ld	a7, FRAME_a7(sp)
	ld	t3, FRAME_t3(sp)
	ld	t4, FRAME_t4(sp)
	ld	t5, FRAME_t5(sp)
	ld	t6, FRAME_t6(sp)
	.endm

	.macro	load_saved
	ld	s0, FRAME_s0(sp)
	ld	s1, FRAME_s1(sp)
	ld	s2, FRAME_s2(sp)
	ld	s3, FRAME_s3(sp)
	ld	s4, FRAME_s4(sp)
	ld	s5, FRAME_s5(sp)
	ld	s6, FRAME_s6(sp)
	ld	s7, FRAME_s7(sp)
	ld	s8, FRAME_s8(sp)
	ld	s9, FRAME_s9(sp)
	ld	s10, FRAME_s10(sp)
	ld	s11, FRAME_s11(sp)
	.endm

	/* sepc, sstatus from the frame; a reservation of the kernel's is not left to the program's next SC. */
	.macro	load_state
	ld	t0, FRAME_status(sp)
	ld	t1, FRAME_pc(sp)
	csrw	sstatus, t0
	csrw	sepc, t1
	sc.d	zero, zero, (sp)
	.endm

	.balign	64
	.globl	trap_entry
trap_entry:
	csrrw	tp, sscratch, tp
	beqz	tp, trap_from_kernel
	sd	sp, TASK_USER_SP(tp)
	ld	sp, TASK_KERNEL_SP(tp)
	sd	t0, FRAME_t0(sp)
	ld	t0, TASK_USER_SP(tp)
	save_registers
	sd	t0, FRAME_sp(sp)
	csrrw	t0, sscratch, zero
	sd	t0, FRAME_tp(sp)
	csrr	t0, scause
	csrr	t1, sstatus
	csrr	t2, sepc
	sd	t0, FRAME_cause(sp)
	sd	t1, FRAME_status(sp)
	addi	t0, t0, -CAUSE_USER_ECALL
	bnez	t0, trap_from_user

	/* A system call: a0-a5 and a7 are as the program set them. */
	addi	t2, t2, 4
	sd	t2, FRAME_pc(sp)
	sd	a0, FRAME_orig_a0(sp)
	csrsi	sstatus, SSTATUS_SIE_BIT
	lw	t0, TASK_WORK(tp)
	li	t1, NR_SYSCALLS_BOUND
	andi	t0, t0, WORK_SYSCALL
	bnez	t0, syscall_slow
	bgeu	a7, t1, syscall_slow
	la	t0, sys_call_table
	slli	t1, a7, 3
	add	t0, t0, t1
	ld	t0, (t0)
	jalr	t0
	csrci	sstatus, SSTATUS_SIE_BIT
	lw	t0, TASK_WORK(tp)
	andi	t0, t0, WORK_EXIT
	bnez	t0, syscall_work
	load_state
	load_scratch
	ld	t0, FRAME_t0(sp)
	ld	t1, FRAME_t1(sp)
	csrw	sscratch, tp
	ld	tp, FRAME_tp(sp)
	ld	sp, FRAME_sp(sp)
	sret

syscall_slow:
	mv	a0, sp
	call	syscall_traced
	j	return_to_user
syscall_work:
	sd	a0, FRAME_a0(sp)
	j	return_to_user

trap_from_user:
	csrr	t0, stval
	sd	t2, FRAME_pc(sp)
	sd	t0, FRAME_badaddr(sp)
	mv	a0, sp
	call	trap_user

	/* The long way out: sp at the user trap frame. */
return_to_user:
	csrci	sstatus, SSTATUS_SIE_BIT
	lw	t0, TASK_WORK(tp)
	andi	t0, t0, WORK_EXIT
	beqz	t0, 1f
	mv	a0, sp
	call	exit_to_user_work
1:	load_state
	load_scratch
	load_saved
	ld	a0, FRAME_a0(sp)
	ld	t0, FRAME_t0(sp)
	ld	t1, FRAME_t1(sp)
	csrw	sscratch, tp
	ld	tp, FRAME_tp(sp)
	ld	sp, FRAME_sp(sp)
	sret

trap_from_kernel:
	csrrw	tp, sscratch, tp
	bgez	tp, bad_task			/* kernel pointers are negative */
	addi	sp, sp, -FRAME_SIZE
	sd	t0, TASK_USER_SP(tp)
	srli	t0, sp, KSTACK_SHIFT		/* stacks are the upper halves of aligned blocks */
	andi	t0, t0, 1
	beqz	t0, stack_overflow
save_kernel:
	ld	t0, TASK_USER_SP(tp)
	sd	t0, FRAME_t0(sp)
	save_registers
	addi	t0, sp, FRAME_SIZE
	sd	t0, FRAME_sp(sp)
	sd	tp, FRAME_tp(sp)
	li	t0, SSTATUS_SUM
	csrrc	t0, sstatus, t0			/* a fault in a user copy: what handles it has no such right */
	csrr	t1, scause
	csrr	t2, sepc
	csrr	t3, stval
	sd	t0, FRAME_status(sp)
	sd	t1, FRAME_cause(sp)
	sd	t2, FRAME_pc(sp)
	sd	t3, FRAME_badaddr(sp)
	mv	a0, sp
	call	trap_kernel
	load_state
	load_scratch
	load_saved
	ld	a0, FRAME_a0(sp)
	ld	t0, FRAME_t0(sp)
	ld	t1, FRAME_t1(sp)
	addi	sp, sp, FRAME_SIZE
	sret

	/*
	 * The stack is at its end (or was never one): go on on the emergency stack, which one hart gets; t0 of the interrupted
	 * code is in the task. Another hart's overflow, or one of the emergency stack, stops that hart.
	 */
stack_overflow:
	la	t0, emergency_taken
	lw	t0, (t0)
	beqz	t0, 1f
	la	t0, emergency_stack		/* the emergency itself traps: fine while there is room */
	sub	t0, sp, t0
	srli	t0, t0, 11
	beqz	t0, halt
	sltiu	t0, t0, EMERGENCY_STACK_SIZE >> 11
	bnez	t0, save_kernel
	j	halt
1:	la	t0, emergency_taken
	amoor.w	t0, tp, (t0)			/* tp is not 0 */
	bnez	t0, halt
	addi	sp, sp, FRAME_SIZE		/* as it was */
	la	t0, emergency_stack + EMERGENCY_STACK_SIZE - FRAME_SIZE
	sd	sp, FRAME_sp(t0)
	mv	sp, t0
	ld	t0, TASK_USER_SP(tp)
	sd	t0, FRAME_t0(sp)
	save_registers
	sd	tp, FRAME_tp(sp)
	csrr	t0, sstatus
	csrr	t1, scause
	csrr	t2, sepc
	csrr	t3, stval
	sd	t0, FRAME_status(sp)
	sd	t1, FRAME_cause(sp)
	sd	t2, FRAME_pc(sp)
	sd	t3, FRAME_badaddr(sp)
	mv	a0, sp
	call	trap_stack_overflow

	/* tp is no task: nothing of the kernel can be trusted. */
bad_task:
	la	tp, emergency_taken
	amoswap.w tp, sp, (tp)
	bnez	tp, halt
	la	tp, init_task
	la	sp, emergency_stack + EMERGENCY_STACK_SIZE - FRAME_SIZE
	csrw	sscratch, zero
	sd	t0, FRAME_t0(sp)
	save_registers
	csrr	t0, sstatus
	csrr	t1, scause
	csrr	t2, sepc
	csrr	t3, stval
	sd	t0, FRAME_status(sp)
	sd	t1, FRAME_cause(sp)
	sd	t2, FRAME_pc(sp)
	sd	t3, FRAME_badaddr(sp)
	mv	a0, sp
	call	trap_bad_task
halt:
	csrw	sie, zero
	wfi
	j	halt

/* --- first steps of tasks; context_switch() left the task before in a0 --- */

	.globl	ret_from_fork
ret_from_fork:
	call	sched_finish_switch
	j	return_to_user

/* s1(s2) */
	.globl	task_start_asm
task_start_asm:
	call	sched_finish_switch
	mv	a0, s2
	jalr	s1
	slli	a0, a0, 8
	li	t0, 0xff00			/* its result as a wait status */
	and	a0, a0, t0
	call	do_exit

	.globl	arch_enter_user
arch_enter_user:
	ld	sp, TASK_KERNEL_SP(tp)
	j	return_to_user
	.globl	__entry_last
__entry_last:
	nop

	.section .data, "aw"
	.balign	4
emergency_taken:
	.word	0

/* --- the switch --- */

	.text
/*
 * struct task *context_switch(struct task *prev, struct task *next): interrupts off. The FPU registers of prev are saved
 * when its user frame says they changed; next's frame gets the FPU turned off unless this hart still has its registers.
 */
	.globl	context_switch
	.balign	4
context_switch:
	sd	ra, TASK_RA(a0)
	sd	sp, TASK_SP(a0)
	sd	s0, (TASK_S + 0)(a0)
	sd	s1, (TASK_S + 8)(a0)
	sd	s2, (TASK_S + 16)(a0)
	sd	s3, (TASK_S + 24)(a0)
	sd	s4, (TASK_S + 32)(a0)
	sd	s5, (TASK_S + 40)(a0)
	sd	s6, (TASK_S + 48)(a0)
	sd	s7, (TASK_S + 56)(a0)
	sd	s8, (TASK_S + 64)(a0)
	sd	s9, (TASK_S + 72)(a0)
	sd	s10, (TASK_S + 80)(a0)
	sd	s11, (TASK_S + 88)(a0)
	ld	t0, TASK_KERNEL_SP(a0)
	ld	t1, FRAME_status(t0)
	li	t2, SSTATUS_FS
	and	t1, t1, t2
	beq	t1, t2, switch_save_fpu		/* dirty */
1:	ld	t0, TASK_KERNEL_SP(a1)
	ld	t1, FRAME_status(t0)
	and	t3, t1, t2
	bnez	t3, switch_check_fpu		/* on */
2:	ld	ra, TASK_RA(a1)
	ld	sp, TASK_SP(a1)
	ld	s0, (TASK_S + 0)(a1)
	ld	s1, (TASK_S + 8)(a1)
	ld	s2, (TASK_S + 16)(a1)
	ld	s3, (TASK_S + 24)(a1)
	ld	s4, (TASK_S + 32)(a1)
	ld	s5, (TASK_S + 40)(a1)
	ld	s6, (TASK_S + 48)(a1)
	ld	s7, (TASK_S + 56)(a1)
	ld	s8, (TASK_S + 64)(a1)
	ld	s9, (TASK_S + 72)(a1)
	ld	s10, (TASK_S + 80)(a1)
	ld	s11, (TASK_S + 88)(a1)
	mv	tp, a1
	ret

switch_save_fpu: /* s registers are saved: free to use */
	mv	s0, a0
	mv	s1, a1
	call	fpu_switch_out
	mv	a0, s0
	mv	a1, s1
	li	t2, SSTATUS_FS
	j	1b

switch_check_fpu: /* t0: next's user frame, t1: its status */
	la	t3, perhart_fpu_owner
	ld	t4, TASK_HART_OFFSET(a0)
	add	t3, t3, t4
	ld	t3, (t3)
	bne	t3, a1, 3f
	lw	t3, TASK_FPU_HART(a1)
	lw	t4, TASK_HART(a0)
	beq	t3, t4, 2b
3:	not	t2, t2
	and	t1, t1, t2
	sd	t1, FRAME_status(t0)
	j	2b

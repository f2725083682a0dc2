/* SPDX-License-Identifier: MIT */
/*
 * What of the vDSO is only a system call, and where signal handlers return to.
 *
 * __vdso_rt_sigreturn's call frame information lets debuggers and exceptions pass through a handler's frame: it says that
 * the interrupted registers lie in the ucontext on the stack (struct rt_sigframe: siginfo, ucontext), as DWARF expressions
 * relative to sp. Unwinders look up the address before a return address, so the description begins one instruction early.
 */
#include <asm/unistd.h>

#define SIGINFO_SIZE	 128
#define UC_MCONTEXT	 176 /* offsetof(struct ucontext, uc_mcontext); vdso.c checks */
#define REGS		 (SIGINFO_SIZE + UC_MCONTEXT)
#define FP_REGS		 (REGS + 32 * 8)
#define DWARF_PC	 64 /* the column GCC's unwinder has for the pc of a signal frame */
#define DW_CFA_EXPRESSION 0x10
#define DW_CFA_DEF_EXPRESSION 0x0f
#define DW_OP_BREG_SP	 0x72
#define DW_OP_DEREF	 0x06

/* An offset of 128 to 8191 as two bytes of signed LEB128. */
#define SLEB2(n) ((n) & 0x7f) | 0x80, (n) >> 7

.macro saved column, offset
	.cfi_escape DW_CFA_EXPRESSION, \column, 3, DW_OP_BREG_SP, SLEB2(\offset)
.endm

.macro function name
	.balign 4
	.globl \name
	.type \name, @function
\name:
.endm

.macro system_call name, number
	function \name
	.cfi_startproc
	li a7, \number
	ecall
	ret
	.cfi_endproc
	.size \name, . - \name
.endm

	.text
	.balign 4
	.cfi_startproc
	.cfi_signal_frame
	.cfi_return_column DWARF_PC
	.cfi_escape DW_CFA_DEF_EXPRESSION, 4, DW_OP_BREG_SP, SLEB2(REGS + 2 * 8), DW_OP_DEREF
	saved DWARF_PC, REGS
	.irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	saved \n, (REGS + \n * 8)
	.endr
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	saved (32 + \n), (FP_REGS + \n * 8)
	.endr
	nop
	function __vdso_rt_sigreturn
	li a7, __NR_rt_sigreturn
	ecall
	.cfi_endproc
	.size __vdso_rt_sigreturn, . - __vdso_rt_sigreturn

	system_call __vdso_getcpu, __NR_getcpu
	system_call __vdso_flush_icache, __NR_riscv_flush_icache
	system_call __vdso_riscv_hwprobe, __NR_riscv_hwprobe

	.section .note.GNU-stack, "", @progbits

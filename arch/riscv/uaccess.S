/* SPDX-License-Identifier: MIT */
/*
 * Every instruction of the kernel that may touch memory which is not there, or a register which does not exist. Each has
 * an entry in the exception table: its address and where to go on after a fault, both from the start of the image. The
 * table is searched by bisection, so all of it comes from this file and this one section, in order.
 *
 * sstatus.SUM is set from just before the first to just after the last user access. A trap in between clears it and its
 * return sets it again.
 */
#include <generated/asm-offsets.h>
#include "copy.h"
#include "csr.h"

#define EFAULT 14
#define USER_TOP_SHIFT 38

	.section .text.uaccess, "ax"

	/* An instruction whose fault goes on at \fix; any=1: for kernel addresses too. */
	.macro	may_fault fix, any, insn:vararg
.Linsn\@:
	\insn
	.pushsection __ex_table, "a"
	.balign	4
	.word	.Linsn\@ - __kernel_start
	.word	\fix - __kernel_start + \any
	.popsection
	.endm

	.macro	user_open tmp
	li	\tmp, SSTATUS_SUM
	csrs	sstatus, \tmp
	.endm
	.macro	user_close tmp
	li	\tmp, SSTATUS_SUM
	csrc	sstatus, \tmp
	.endm

	/* In checking kernels C wrappers have the callers' name. */
	.macro	function name
	.balign	4
	.globl	\name
	.type	\name, @function
\name:
	.endm
	.macro	checked_function name
#if !DEBUG
	.globl	\name
	.type	\name, @function
\name:
#endif
	.endm

	/* [\addr, \addr + \n) must lie in user space. Uses t0, t1. */
	.macro	check_range addr, n, bad
	add	t0, \addr, \n
	bltu	t0, \addr, \bad
	li	t1, 1 << USER_TOP_SHIFT
	bltu	t1, t0, \bad
	.endm

/* --- blocks: return the number of bytes not copied --- */

	.macro	user insn:vararg
	may_fault copy_retry, 0, \insn
	.endm
	.macro	user_shifted insn:vararg
	may_fault copy_retry_shifted, 0, \insn
	.endm

	function __copy_to_user
	checked_function copy_to_user
	check_range a0, a2, copy_refused
	j	1f
	function __copy_from_user
	checked_function copy_from_user
	check_range a1, a2, copy_refused
1:	user_open t0
	add	a2, a0, a2
	copy_forward user, user_shifted
	user_close t0
	li	a0, 0
	ret
copy_refused:
	mv	a0, a2
	ret
copy_retry_shifted:
	add	a1, a1, a3
copy_retry:
	beq	a0, a2, copy_end
	may_fault copy_end, 0, lbu t1, (a1)
	may_fault copy_end, 0, sb t1, (a0)
	addi	a0, a0, 1
	addi	a1, a1, 1
	j	copy_retry
copy_end:
	user_close t0
	sub	a0, a2, a0
	ret

	.macro	user_fill insn:vararg
	may_fault clear_retry, 0, \insn
	.endm

	function clear_user
	mv	a2, a1
	check_range a0, a2, copy_refused
	user_open t0
	add	a2, a0, a2
	li	a1, 0
	fill_forward user_fill
	user_close t0
	li	a0, 0
	ret
clear_retry:
	beq	a0, a2, copy_end
	may_fault copy_end, 0, sb zero, (a0)
	addi	a0, a0, 1
	j	clear_retry

/* --- strings --- */

	/* \flag: does the 8-byte word in \w hold a NUL? a4, a5 hold the two patterns. */
	.macro	has_nul flag, w, tmp
	sub	\flag, \w, a4
	not	\tmp, \w
	and	\flag, \flag, \tmp
	and	\flag, \flag, a5
	.endm

	/* Cuts \n to what is left of user space at \addr; a6 = 1 when it did. \bad: not in user space at all. */
	.macro	limit_string addr, n, bad
	li	t0, 1 << USER_TOP_SHIFT
	bgeu	\addr, t0, \bad
	sub	t0, t0, \addr
	li	a6, 0
	bgeu	t0, \n, 8f
	mv	\n, t0
	li	a6, 1
8:	li	a4, 0x0101010101010101
	slli	a5, a4, 7
	.endm

	/* a0: to, a1: from, a2: most bytes. The length without NUL; a2 when there was none; -EFAULT. */
	function __strncpy_from_user
	checked_function strncpy_from_user
	limit_string a1, a2, string_refused
	mv	a3, a0
	add	a2, a0, a2			/* end of the buffer */
	user_open t0
1:	andi	t0, a1, 7			/* to a word boundary of the source */
	beqz	t0, 2f
	beq	a0, a2, 6f
	may_fault string_fault, 0, lbu t1, (a1)
	sb	t1, (a0)
	beqz	t1, 7f
	addi	a0, a0, 1
	addi	a1, a1, 1
	j	1b
2:	addi	t0, a0, 8
	bltu	a2, t0, 5f
	may_fault string_fault, 0, ld t1, (a1)
	has_nul	t2, t1, t3
	bnez	t2, 5f
	andi	t2, a0, 7
	bnez	t2, 3f
	sd	t1, (a0)
	j	4f
3:	sb	t1, 0(a0)
	.irp	i, 1, 2, 3, 4, 5, 6, 7
	srli	t1, t1, 8
	sb	t1, \i(a0)
	.endr
4:	mv	a0, t0
	addi	a1, a1, 8
	j	2b
5:	beq	a0, a2, 6f			/* the last bytes */
	may_fault string_fault, 0, lbu t1, (a1)
	sb	t1, (a0)
	beqz	t1, 7f
	addi	a0, a0, 1
	addi	a1, a1, 1
	j	5b
6:	bnez	a6, string_fault		/* no NUL before the end of user space */
7:	user_close t0
	sub	a0, a0, a3
	ret
string_fault:
	user_close t0
string_refused:
	li	a0, -EFAULT
	ret

	/* a0: string, a1: most bytes. Length with NUL; a1 + 1 when there was none; 0 after a fault. */
	function strnlen_user
	limit_string a0, a1, length_refused
	mv	a3, a0
	add	a2, a0, a1
	user_open t0
1:	andi	t0, a0, 7
	beqz	t0, 2f
	beq	a0, a2, 5f
	may_fault length_fault, 0, lbu t1, (a0)
	beqz	t1, 6f
	addi	a0, a0, 1
	j	1b
2:	addi	t0, a0, 8
	bltu	a2, t0, 4f
	may_fault length_fault, 0, ld t1, (a0)
	has_nul	t2, t1, t3
	bnez	t2, 4f
	mv	a0, t0
	j	2b
4:	beq	a0, a2, 5f
	may_fault length_fault, 0, lbu t1, (a0)
	beqz	t1, 6f
	addi	a0, a0, 1
	j	4b
5:	bnez	a6, length_fault
6:	user_close t0
	sub	a0, a0, a3
	addi	a0, a0, 1
	ret
length_fault:
	user_close t0
length_refused:
	li	a0, 0
	ret

/* --- scalars: (u64 *v or u64 v, p), aligned ones here, others by bytes in usercopy.c --- */

	.macro	user_scalar bits, load, store
	function user_load\bits
	srli	t0, a1, USER_TOP_SHIFT
	bnez	t0, load_refused
	.if	\bits > 8
	andi	t0, a1, \bits / 8 - 1
	bnez	t0, 1f
	.endif
	user_open t0
	may_fault load_fault, 0, \load t1, (a1)
	user_close t0
	sd	t1, (a0)
	li	a0, 0
	ret
	.if	\bits > 8
1:	li	a2, \bits / 8
	tail	user_load_bytes
	.endif

	function user_store\bits
	srli	t0, a1, USER_TOP_SHIFT
	bnez	t0, string_refused
	.if	\bits > 8
	andi	t0, a1, \bits / 8 - 1
	bnez	t0, 1f
	.endif
	user_open t0
	may_fault string_fault, 0, \store a0, (a1)
	user_close t0
	li	a0, 0
	ret
	.if	\bits > 8
1:	li	a2, \bits / 8
	tail	user_store_bytes
	.endif
	.endm

	user_scalar 8, lbu, sb
	user_scalar 16, lhu, sh
	user_scalar 32, lwu, sw
	user_scalar 64, ld, sd
load_fault:
	user_close t0
load_refused:
	sd	zero, (a0)
	li	a0, -EFAULT
	ret

	/* (const void *p, const void *up, u64 n): 1 alike, 0 not, -EFAULT. Aligned words, n a multiple of 32 and not 0. */
	function user_same
	check_range a1, a2, string_refused
	add	a2, a0, a2
	user_open t0
1:	may_fault string_fault, 0, ld t1, (a1)
	may_fault string_fault, 0, ld t2, 8(a1)
	may_fault string_fault, 0, ld t3, 16(a1)
	may_fault string_fault, 0, ld t4, 24(a1)
	ld	t5, (a0)
	ld	t6, 8(a0)
	ld	a3, 16(a0)
	ld	a4, 24(a0)
	bne	t1, t5, 2f
	bne	t2, t6, 2f
	bne	t3, a3, 2f
	bne	t4, a4, 2f
	addi	a0, a0, 32
	addi	a1, a1, 32
	bne	a0, a2, 1b
	user_close t0
	li	a0, 1
	ret
2:	user_close t0
	li	a0, 0
	ret

	/* (void *to, const void *from, u64 n, u64 stride) */
	function user_store16_strided
	mul	a2, a2, a3
	check_range a0, a2, string_refused
	add	a2, a1, a2			/* end */
	andi	t1, a0, 1
	user_open t0
	beq	a1, a2, 3f
	bnez	t1, 2f
1:	lhu	t1, (a1)
	add	a1, a1, a3
	may_fault string_fault, 0, sh t1, (a0)
	add	a0, a0, a3
	bne	a1, a2, 1b
	j	3f
2:	lhu	t1, (a1)
	srli	t2, t1, 8
	may_fault string_fault, 0, sb t1, (a0)
	may_fault string_fault, 0, sb t2, 1(a0)
	add	a1, a1, a3
	add	a0, a0, a3
	bne	a1, a2, 2b
3:	user_close t0
	li	a0, 0
	ret

/* --- futex words --- */

	.macro	check_word addr
	srli	t0, \addr, USER_TOP_SHIFT
	bnez	t0, string_refused
	andi	t0, \addr, 3
	bnez	t0, string_refused
	.endm

	/* (u32 *p, u32 *old, u32 expected, u32 new) */
	function user_cmpxchg32
	check_word a0
	sext.w	a2, a2
	user_open t0
1:	may_fault string_fault, 0, lr.w.aqrl t1, (a0)
	bne	t1, a2, 2f
	may_fault string_fault, 0, sc.w.aqrl t2, a3, (a0)
	bnez	t2, 1b
2:	user_close t0
	sw	t1, (a1)
	li	a0, 0
	ret

	/* (enum user_atomic op, u32 *p, u32 operand, u32 *old) */
	function user_atomic32
	check_word a1
	user_open t0
	beqz	a0, 1f
	addi	a0, a0, -1
	beqz	a0, 2f
	addi	a0, a0, -1
	beqz	a0, 3f
	addi	a0, a0, -1
	beqz	a0, 4f
	may_fault string_fault, 0, amoxor.w.aqrl t1, a2, (a1)
	j	5f
1:	may_fault string_fault, 0, amoswap.w.aqrl t1, a2, (a1)
	j	5f
2:	may_fault string_fault, 0, amoadd.w.aqrl t1, a2, (a1)
	j	5f
3:	may_fault string_fault, 0, amoor.w.aqrl t1, a2, (a1)
	j	5f
4:	not	a2, a2
	may_fault string_fault, 0, amoand.w.aqrl t1, a2, (a1)
5:	user_close t0
	sw	t1, (a3)
	li	a0, 0
	ret

/* --- the kernel's own: memory and registers that may not be there --- */

	/* (const void *p, u64 *v) */
	function kernel_probe_read64
	andi	t0, a0, 7
	bnez	t0, string_refused
	may_fault string_refused, 1, ld t0, (a0)
	sd	t0, (a1)
	li	a0, 0
	ret

	function csr_probe_instret
	may_fault probe_failed, 1, rdinstret t0
	li	a0, 1
	ret

	function csr_probe_stimecmp
	may_fault probe_failed, 1, csrr t0, CSR_STIMECMP
	li	a0, 1
	ret

	function csr_probe_write_senvcfg
	may_fault probe_failed, 1, csrw CSR_SENVCFG, a0
	li	a0, 1
	ret
	function csr_probe_cboz
	la	a0, emergency_stack		/* memory nobody misses */
	may_fault probe_failed, 1, .insn i 0x0f, 2, x0, a0, 4
	li	a0, 1
	ret
probe_failed:
	li	a0, 0
	ret

/* SPDX-License-Identifier: MIT */
/*
 * memcpy, memmove, memset, memcmp, and whole pages. In checking kernels these are __memcpy and so on, and
 * kernel/mm/kasan.c has the callers' names. No misaligned access anywhere.
 */
#include "copy.h"

	.macro	function name
	.section .text.\name, "ax"
	.balign	4
	.globl	__\name
	.type	__\name, @function
__\name:
#if !DEBUG
	.globl	\name
	.type	\name, @function
\name:
#endif
	.endm

	.macro	plain insn:vararg
	\insn
	.endm

	function memcpy
	mv	a6, a0
	add	a2, a0, a2
	copy_forward plain
	mv	a0, a6
	ret

	/* Forward copying is right whenever dst is below src; backwards only when it starts inside. */
	function memmove
	sub	t0, a0, a1
	bltu	t0, a2, 1f
	j	__memcpy
1:	add	a3, a0, a2			/* ends; a0 stays */
	add	a1, a1, a2
	or	t0, a3, a1
	andi	t0, t0, 7
	bnez	t0, 4f
	andi	t1, a2, 31			/* both ends aligned: words, from the top */
	sub	t1, a2, t1
	sub	t1, a3, t1			/* down to here by 32 bytes */
2:	beq	a3, t1, 3f
	ld	t2, -8(a1)
	ld	t3, -16(a1)
	ld	t4, -24(a1)
	ld	t5, -32(a1)
	sd	t2, -8(a3)
	sd	t3, -16(a3)
	sd	t4, -24(a3)
	sd	t5, -32(a3)
	addi	a1, a1, -32
	addi	a3, a3, -32
	j	2b
3:	addi	t0, a0, 8
	bltu	a3, t0, 4f
	ld	t2, -8(a1)
	sd	t2, -8(a3)
	addi	a1, a1, -8
	addi	a3, a3, -8
	j	3b
4:	xor	t0, a3, a1
	andi	t0, t0, 7
	bnez	t0, 6f				/* never aligned together */
	beq	a3, a0, 7f
5:	lbu	t2, -1(a1)			/* down to a word boundary, or the start */
	sb	t2, -1(a3)
	addi	a1, a1, -1
	addi	a3, a3, -1
	beq	a3, a0, 7f
	andi	t0, a3, 7
	bnez	t0, 5b
	sub	a2, a3, a0
	andi	t1, a2, 31
	sub	t1, a2, t1
	sub	t1, a3, t1
	sltiu	t0, a2, 8
	beqz	t0, 2b
	j	5b
6:	beq	a3, a0, 7f
	lbu	t2, -1(a1)
	sb	t2, -1(a3)
	addi	a1, a1, -1
	addi	a3, a3, -1
	j	6b
7:	ret

	function memset
	mv	a6, a0
	add	a2, a0, a2			/* end */
	andi	a1, a1, 255
	fill_forward plain
	mv	a0, a6
	ret

	function memcmp
	or	t0, a0, a1
	andi	t0, t0, 7
	add	a2, a0, a2			/* end */
	bnez	t0, 2f
	addi	a3, a2, -8
1:	bgtu	a0, a3, 2f			/* also when there are less than 8 at address 0 */
	ld	t0, (a0)
	ld	t1, (a1)
	bne	t0, t1, 2f			/* the bytes tell which is less */
	addi	a0, a0, 8
	addi	a1, a1, 8
	j	1b
2:	beq	a0, a2, 3f
	lbu	t0, (a0)
	lbu	t1, (a1)
	addi	a0, a0, 1
	addi	a1, a1, 1
	beq	t0, t1, 2b
	sub	a0, t0, t1
	ret
3:	li	a0, 0
	ret

	.section .text.page_zero, "ax"
	.balign	4
	.globl	page_zero
page_zero:
	li	t1, 4096
	lwu	t0, cboz_block
	add	t1, a0, t1
	bnez	t0, 2f
1:	.set	i, 0
	.rept	64
	sd	zero, i(a0)
	.set	i, i + 8
	.endr
	addi	a0, a0, 512
	bne	a0, t1, 1b
	ret
2:	.insn	i 0x0f, 2, x0, a0, 4		/* cbo.zero (a0) */
	add	a0, a0, t0
	bne	a0, t1, 2b
	ret

	.section .text.page_copy, "ax"
	.balign	4
	.globl	page_copy
page_copy:
	li	a2, 4096
	add	a2, a0, a2
1:	copy_block_1024 plain
	bne	a0, a2, 1b
	ret

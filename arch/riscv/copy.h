/* SPDX-License-Identifier: MIT */
/*
 * The loops of memcpy, memset and the user copies, as assembler macros. `at` is put before every load and store of either
 * side: `plain`, or a macro that enters the instruction in the exception table.
 *
 * Pointers move on only after a whole block, so a fault inside one can be retried byte by byte from where they stand.
 */
#ifndef RISCV_COPY_H
#define RISCV_COPY_H

	/* 8 words at offset o */
	.macro	copy_words_8 at, o
	\at	ld t0, (\o + 0)(a1)
	\at	ld t1, (\o + 8)(a1)
	\at	ld t2, (\o + 16)(a1)
	\at	ld t3, (\o + 24)(a1)
	\at	ld t4, (\o + 32)(a1)
	\at	ld t5, (\o + 40)(a1)
	\at	ld t6, (\o + 48)(a1)
	\at	ld a7, (\o + 56)(a1)
	\at	sd t0, (\o + 0)(a0)
	\at	sd t1, (\o + 8)(a0)
	\at	sd t2, (\o + 16)(a0)
	\at	sd t3, (\o + 24)(a0)
	\at	sd t4, (\o + 32)(a0)
	\at	sd t5, (\o + 40)(a0)
	\at	sd t6, (\o + 48)(a0)
	\at	sd a7, (\o + 56)(a0)
	.endm

	.macro	copy_block_256 at
	copy_words_8 \at, 0
	copy_words_8 \at, 64
	copy_words_8 \at, 128
	copy_words_8 \at, 192
	addi	a0, a0, 256
	addi	a1, a1, 256
	.endm

	.macro	copy_block_1024 at
	.irp	o, 0, 64, 128, 192, 256, 320, 384, 448, 512, 576, 640, 704, 768, 832, 896, 960
	copy_words_8 \at, \o
	.endr
	addi	a0, a0, 1024
	addi	a1, a1, 1024
	.endm

	/*
	 * Copies from a1 to a0, ascending, until a0 = a2. Uses t0-t6, a3-a5, a7. Right for overlapping ranges when a0 < a1.
	 * Faults: at `shifted_fault` a1 is aligned down and a3 says by how much; elsewhere a0, a1 are exact.
	 */
	.macro	copy_forward at, shifted=plain
	or	t0, a0, a1
	andi	t0, t0, 7
	sub	a5, a2, a0			/* bytes */
	beqz	t0, 20f
	sltiu	t0, a5, 16
	bnez	t0, 60f
	/* Up to a word boundary of the destination. */
10:	andi	t0, a0, 7
	beqz	t0, 11f
	\at	lbu t1, (a1)
	\at	sb t1, (a0)
	addi	a1, a1, 1
	addi	a0, a0, 1
	j	10b
11:	andi	a3, a1, 7
	sub	a5, a2, a0
	bnez	a3, 40f
	/* Both aligned. */
20:	sltiu	t0, a5, 32
	bnez	t0, 24f
	andi	a4, a5, -1024
	add	a4, a0, a4
	beq	a0, a4, 18f
17:	copy_block_1024 \at
	bne	a0, a4, 17b
	andi	a5, a5, 1023
18:	andi	a4, a5, -256
	add	a4, a0, a4
	beq	a0, a4, 22f
21:	copy_block_256 \at
	bne	a0, a4, 21b
	andi	a5, a5, 255
22:	andi	a4, a5, -32
	add	a4, a0, a4
	beq	a0, a4, 24f
23:	\at	ld t0, (a1)
	\at	ld t1, 8(a1)
	\at	ld t2, 16(a1)
	\at	ld t3, 24(a1)
	\at	sd t0, (a0)
	\at	sd t1, 8(a0)
	\at	sd t2, 16(a0)
	\at	sd t3, 24(a0)
	addi	a0, a0, 32
	addi	a1, a1, 32
	bne	a0, a4, 23b
24:	andi	a4, a5, 24
	add	a4, a0, a4
	beq	a0, a4, 60f
25:	\at	ld t0, (a1)
	\at	sd t0, (a0)
	addi	a0, a0, 8
	addi	a1, a1, 8
	bne	a0, a4, 25b
	j	60f
	/*
	 * The source is off by a3 bytes: aligned words of it, shifted together. A word is read only if a byte of it is wanted.
	 */
40:	andi	a4, a5, -8
	beqz	a4, 60f
	add	a4, a0, a4
	sub	a1, a1, a3
	slli	t0, a3, 3
	neg	t1, t0				/* shifts count modulo 64 */
	\shifted ld t2, (a1)
	andi	a5, a5, 24
	beqz	a5, 42f
	add	a5, a0, a5
41:	\shifted ld t3, 8(a1)
	srl	t2, t2, t0
	sll	t4, t3, t1
	or	t2, t2, t4
	\shifted sd t2, (a0)
	mv	t2, t3
	addi	a1, a1, 8
	addi	a0, a0, 8
	bne	a0, a5, 41b
42:	beq	a0, a4, 44f
43:	\shifted ld t3, 8(a1)
	\shifted ld t4, 16(a1)
	\shifted ld t5, 24(a1)
	\shifted ld t6, 32(a1)
	srl	t2, t2, t0
	sll	a5, t3, t1
	srl	t3, t3, t0
	or	t2, t2, a5
	sll	a5, t4, t1
	srl	t4, t4, t0
	or	t3, t3, a5
	sll	a5, t5, t1
	srl	t5, t5, t0
	or	t4, t4, a5
	sll	a5, t6, t1
	or	t5, t5, a5
	\shifted sd t2, (a0)
	\shifted sd t3, 8(a0)
	\shifted sd t4, 16(a0)
	\shifted sd t5, 24(a0)
	mv	t2, t6
	addi	a1, a1, 32
	addi	a0, a0, 32
	bne	a0, a4, 43b
44:	add	a1, a1, a3
	/* What is left. */
60:	beq	a0, a2, 69f
61:	\at	lbu t1, (a1)
	\at	sb t1, (a0)
	addi	a0, a0, 1
	addi	a1, a1, 1
	bne	a0, a2, 61b
69:
	.endm

	/* Fills from a0 until a0 = a2 with the byte in a1 (0-255). Uses t0-t2, a3. */
	.macro	fill_forward at
	slli	t0, a1, 8
	or	a1, a1, t0
	slli	t0, a1, 16
	or	a1, a1, t0
	slli	t0, a1, 32
	or	a1, a1, t0
	sub	t2, a2, a0
	sltiu	t0, t2, 16
	bnez	t0, 60f
10:	andi	t0, a0, 7
	beqz	t0, 11f
	\at	sb a1, (a0)
	addi	a0, a0, 1
	j	10b
11:	sub	t2, a2, a0
	andi	a3, t2, -256
	add	a3, a0, a3
	beq	a0, a3, 22f
21:	.set	i, 0
	.rept	32
	\at	sd a1, i(a0)
	.set	i, i + 8
	.endr
	addi	a0, a0, 256
	bne	a0, a3, 21b
22:	andi	a3, t2, 248
	add	a3, a0, a3
	beq	a0, a3, 60f
23:	\at	sd a1, (a0)
	addi	a0, a0, 8
	bne	a0, a3, 23b
60:	beq	a0, a2, 69f
61:	\at	sb a1, (a0)
	addi	a0, a0, 1
	bne	a0, a2, 61b
69:
	.endm

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The first instructions: from the boot loader's hand-off (MMU off, a0 = hart id, a1 = device tree) to arch_boot() at the
 * kernel's own addresses. Runs wherever it was put: everything is PC-relative until satp is set.
 *
 * Turning paging on: the page tables map only the high addresses, so the fetch after the write to satp faults, and stvec,
 * already the high address of what comes next, takes us there.
 */
#include <generated/asm-offsets.h>
#include "csr.h"
#include "image.h"

	.section .head.text, "ax"
	.option	push
	.option	norvc
	.globl	_start
_start: /* Linux's Image header, version 0.2; 64 bytes */
	j	boot_start
	.word	0
	.dword	0x200000			/* wanted: this far above the start of RAM */
	.dword	__kernel_end - __kernel_start
	.dword	0				/* little-endian */
	.word	2
	.word	0
	.dword	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.word	0
	.option	pop

boot_start:
	fence.i
	csrw	sie, zero
	la	t0, 1f
	csrw	stvec, t0
	li	s2, 0
	rdinstret s2				/* where it may not be read: a trap to the next line */
	.balign	4
1:	rdtime	s3
	la	t0, early_fault
	csrw	stvec, t0

	/* Firmware without HSM starts all harts here: one goes on. */
	la	t0, boot_taken
	li	t1, 1
	amoswap.w.aq t1, t1, (t0)
	bnez	t1, park

	la	t0, __bss_start
	la	t1, __bss_end
2:	sd	zero, 0(t0)
	sd	zero, 8(t0)
	sd	zero, 16(t0)
	sd	zero, 24(t0)
	sd	zero, 32(t0)
	sd	zero, 40(t0)
	sd	zero, 48(t0)
	sd	zero, 56(t0)
	addi	t0, t0, 64
	bltu	t0, t1, 2b

	la	t0, boot_instret
	sd	s2, (t0)
	la	t0, boot_time
	sd	s3, (t0)
	la	t0, boot_hartid
	sd	a0, (t0)
	mv	s1, a1
	la	sp, init_stack + KSTACK_BYTES
	mv	a0, a1
	call	early_map			/* a0 = satp */
	ld	t0, high_address
	csrw	stvec, t0
	sfence.vma
	csrw	satp, a0
	.balign	4
boot_high:
	la	t0, trap_entry
	csrw	stvec, t0
	csrw	sscratch, zero
	la	tp, init_task
	la	sp, init_stack + KSTACK_BYTES - FRAME_SIZE
	li	s0, 0
	mv	a0, s1
	call	arch_boot

/*
 * A secondary hart: SBI HSM starts it here with a1 = its idle task (virtual). Physical addresses until satp.
 */
	.globl	secondary_entry
secondary_entry:
	fence.i
	csrw	sie, zero
	la	t0, early_fault
	csrw	stvec, t0
	la	t0, boot_satp
	ld	t1, (t0)
	ld	t0, secondary_high_address
	csrw	stvec, t0
	sfence.vma
	csrw	satp, t1
	.balign	4
secondary_high:
	la	t0, trap_entry
	csrw	stvec, t0
	csrw	sscratch, zero
	mv	tp, a1
	ld	sp, TASK_KERNEL_SP(tp)
	li	s0, 0
	call	secondary_start

	.balign	4
park:	csrw	sie, zero
	wfi
	j	park

/* A fault before paging: says where through the firmware's oldest console call, and stops. */
	.balign	4
early_fault:
	la	s0, early_text
	jal	s2, early_puts
	csrr	s1, scause
	jal	s2, early_hex
	csrr	s1, sepc
	jal	s2, early_hex
	csrr	s1, stval
	jal	s2, early_hex
	j	park

early_puts:
	lbu	a0, (s0)
	beqz	a0, 3f
	li	a7, 1
	ecall
	addi	s0, s0, 1
	j	early_puts
3:	jr	s2

early_hex:
	li	s3, 60
4:	srl	a0, s1, s3
	andi	a0, a0, 15
	addi	a0, a0, '0'
	li	t0, '9'
	ble	a0, t0, 5f
	addi	a0, a0, 'a' - '9' - 1
5:	li	a7, 1
	ecall
	addi	s3, s3, -4
	bgez	s3, 4b
	li	a0, ' '
	li	a7, 1
	ecall
	jr	s2

early_text:
	.asciz	"\r\nKeel: fault before paging: scause, sepc, stval = "
	.balign	8
high_address:
	.dword	boot_high
secondary_high_address:
	.dword	secondary_high

	.section .data, "aw"
	.balign	4
boot_taken:
	.word	0

	.section .bss..stack, "aw", @nobits
	.globl	init_stack
init_stack:
	.zero	KSTACK_BYTES

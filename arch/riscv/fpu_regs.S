/* SPDX-License-Identifier: MIT */
/* All floating-point registers to and from memory. a0: u64[32], a1: u32 fcsr. sstatus.FS is on. */
	.option	arch, +f, +d
	.text
	.macro	each_register op
	.set	i, 0
	.irp	r, f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19, f20, f21, f22, f23, \
		f24, f25, f26, f27, f28, f29, f30, f31
	\op	\r, i(a0)
	.set	i, i + 8
	.endr
	.endm

	.globl	fpu_save_regs
fpu_save_regs:
	each_register fsd
	frcsr	t0
	sw	t0, (a1)
	ret

	.globl	fpu_load_regs
fpu_load_regs:
	each_register fld
	lw	t0, (a1)
	fscsr	t0
	ret

/* SPDX-License-Identifier: MIT */
/* The finished vDSO; vdso.c copies it to a page of its own at boot. */
#include <generated/vdso.S>

	.section .init.rodata, "a"
	.balign 8
	.globl vdso_image
vdso_image:
	.incbin VDSO_IMAGE
	.globl vdso_image_end
vdso_image_end:

	.section .note.GNU-stack, "", @progbits

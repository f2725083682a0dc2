/* SPDX-License-Identifier: MIT */
/* Limits of the kernel image that C, assembly and the linker script share. */
#ifndef RISCV_IMAGE_H
#define RISCV_IMAGE_H

/* Page tables set aside to map the image in 4 KiB leaves: 2 MiB each. */
#if DEBUG
#define IMAGE_TABLES 8
#else
#define IMAGE_TABLES 2
#endif
#define EMERGENCY_STACK_SIZE 8192

#endif

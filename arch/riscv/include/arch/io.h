/* SPDX-License-Identifier: MIT */
/* Device registers: explicit width, ordered against each other and against memory (as Linux's readl/writel). */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <kernel/types.h>

#define IO_ACCESSORS(bits)                                                                           \
	static inline u##bits io_read##bits(const volatile void *p)                                  \
	{                                                                                            \
		u##bits v = *(const volatile u##bits *)p;                                            \
		__asm__ volatile("fence i, ir" ::: "memory");                                        \
		return v;                                                                            \
	}                                                                                            \
	static inline void io_write##bits(volatile void *p, u##bits v)                               \
	{                                                                                            \
		__asm__ volatile("fence w, o" ::: "memory");                                         \
		*(volatile u##bits *)p = v;                                                          \
	}
IO_ACCESSORS(8)
IO_ACCESSORS(16)
IO_ACCESSORS(32)
IO_ACCESSORS(64)

#endif

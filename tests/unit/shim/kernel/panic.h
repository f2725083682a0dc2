/* SPDX-License-Identifier: MIT */
/* Host stand-in for <kernel/panic.h>: prints and aborts. */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <kernel/printk.h>
#include <kernel/types.h>

int printf(const char *fmt, ...);
void abort(void);

#define panic(...) (printf(__VA_ARGS__), printf("\n"), abort())
#define BUG()	   panic("BUG at %s:%d", __FILE__, __LINE__)
#define ASSERT(c)  ((c) ? (void)0 : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #c))
#define WARN_ON(c)                                                              \
	({                                                                      \
		bool warn_c_ = (c);                                             \
		if (warn_c_)                                                    \
			printf("%s:%d: warning: %s\n", __FILE__, __LINE__, #c); \
		warn_c_;                                                        \
	})

#endif

/* SPDX-License-Identifier: MIT */
/*
 * When the kernel itself is wrong (kernel/init/panic.c).
 *
 * panic() takes no lock, allocates nothing and may be entered twice. User input must never reach ASSERT:
 * return an error instead. WARN_ON reports once with a backtrace and goes on (panics when DEBUG).
 */
#ifndef KERNEL_PANIC_H
#define KERNEL_PANIC_H

#include <kernel/printk.h>
#include <kernel/types.h>

struct trap_frame;

void __noreturn __cold __printf(1, 2) panic(const char *fmt, ...);
/* A fault in the kernel: registers and the cause in words first. */
void __noreturn __cold panic_trap(const struct trap_frame *regs, const char *cause);
void __cold warn(const char *file, int line, const char *cond);
void __noreturn __cold assert_failed(const char *file, int line, const char *cond);
bool panicking(void);
/* Backtrace of a task (NULL: this one from here) to the log. */
struct task;
void backtrace_print(enum log_level level, struct task *task, const struct trap_frame *regs);

#define BUG() panic("BUG at %s:%d", __FILE__, __LINE__)
#define WARN_ON(c)                                                                                   \
	({                                                                                           \
		bool warn_c_ = (c);                                                                  \
		static bool warned_;                                                                 \
		if (unlikely(warn_c_) && !warned_) {                                                 \
			warned_ = true;                                                              \
			warn(__FILE__, __LINE__, #c);                                                \
		}                                                                                    \
		unlikely(warn_c_);                                                                   \
	})
/* Contracts at function tops: checked in DEBUG kernels, nothing otherwise. */
#define ASSERT(c)                                                                                    \
	do {                                                                                         \
		if (DEBUG && unlikely(!(c)))                                                         \
			assert_failed(__FILE__, __LINE__, #c);                                       \
	} while (0)

/* Symbols of the kernel image (kernel/init/symbols.c). NULL when the address is no kernel text. */
const char *symbol_of(vaddr_t addr, u64 *offset, u64 *size);
/* Address of a symbol, 0 when unknown. */
vaddr_t symbol_find(const char *name);
/* The i-th symbol in address order; false past the end. type as nm's letter. */
bool symbol_at(u32 i, vaddr_t *addr, char *type, const char **name);

#endif

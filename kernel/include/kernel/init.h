/* SPDX-License-Identifier: MIT */
/*
 * Boot (kernel/init/): the list in main.c, the command line, the tables leaves register in.
 */
#ifndef KERNEL_INIT_H
#define KERNEL_INIT_H

#include <kernel/types.h>

/* arch/riscv/head.S jumps to arch_boot, which ends here with paging on, a stack, an early console. */
void __noreturn kernel_main(const void *fdt);

/* Command-line words: CMDLINE("loglevel", fn) calls fn("7") for loglevel=7, fn("") for a bare word. Names ending in '='
 * are not needed. Unknown words go to init: name=value to its environment, the rest to its arguments. */
struct cmdline_param {
	const char *name;
	int (*set)(const char *value); /* 0, or -EINVAL: reported */
};
#define CMDLINE(name_, fn)                                                                           \
	static const struct cmdline_param cmdline_##fn __used __section(".init.cmdline") = { name_, fn }
extern char saved_cmdline[]; /* as given: /proc/cmdline */

/* Leaves: run once, after the core is up, in link order, in process context of the init thread. */
typedef int (*initcall_fn)(void);
#define INITCALL(fn) static const initcall_fn initcall_##fn __used __section(".init.calls") = (fn)

/* In-kernel tests (tests/kernel/), linked into DEBUG kernels and run by keel.test=. Return NULL or what failed. */
struct kernel_test {
	const char *name;
	const char *(*fn)(void);
};
#define KERNEL_TEST(name_)                                                                           \
	static const char *test_##name_(void);                                                       \
	static const struct kernel_test ktest_##name_ __used __section(".init.tests") = { #name_, test_##name_ }; \
	static const char *test_##name_(void)
#define EXPECT(c)                                                                                    \
	do {                                                                                         \
		if (!(c))                                                                            \
			return "expected " #c;                                                       \
	} while (0)

/* Milestones for `about` and /proc/keel/boot: name, time, instructions retired since hand-off. */
struct boot_milestone_entry {
	const char *name;
	u64 ns;
	u64 instructions; /* 0 when the firmware hides the counter */
};
void boot_milestone(const char *name);
bool boot_milestone_at(u32 i, struct boot_milestone_entry *out); /* false past the end */

#endif

/* SPDX-License-Identifier: MIT */
/* In-kernel tests: runs those keel.test= names (kernel/init/ktest.c). */
#ifndef KERNEL_INIT_KTEST_H
#define KERNEL_INIT_KTEST_H

/* Init thread, root unpacked. With keel.test= given it prints TAP lines and powers off; else it returns at once. */
void kernel_tests_run(void);

#endif

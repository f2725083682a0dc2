/* SPDX-License-Identifier: MIT */
/* Signal frames in Linux's riscv64 layout (arch/riscv/signal.c). */
#ifndef ARCH_SIGNAL_H
#define ARCH_SIGNAL_H

#include <kernel/signal.h>

#define SIGNAL_FRAME_SIZE 1088 /* bytes arch_signal_frame() pushes, struct rt_sigframe: AT_MINSIGSTKSZ */

/* Pushes the frame and points regs at the handler; mask is what sigreturn restores. 0 or -EFAULT. */
int arch_signal_frame(struct ksignal *ks, sigset_t mask, struct trap_frame *regs);
long sys_rt_sigreturn(void);

#endif

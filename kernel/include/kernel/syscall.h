/* SPDX-License-Identifier: MIT */
/*
 * System calls. kernel/sys/syscalls.tbl lists number, name and typed arguments once; scripts/syscalls.py makes
 * <generated/syscalls.h> (prototypes of sys_*) and the dispatch table with its argument wrappers from it.
 */
#ifndef KERNEL_SYSCALL_H
#define KERNEL_SYSCALL_H

#include <arch/regs.h>
#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/task.h>
#include <kernel/types.h>
#include <generated/syscalls.h>

typedef long (*syscall_fn)(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
extern const syscall_fn sys_call_table[NR_SYSCALLS]; /* every entry callable: sys_ni where nobody implements the call */
long sys_ni(void);

/* Slow path of the entry code when WORK_TRACE is set, or for unknown numbers. */
void syscall_traced(struct trap_frame *regs); /* does the call and sets regs->a0 */
long syscall_unknown(u64 nr); /* -ENOSYS, said once a number */
struct syscall_info { const char *name; const char *args; }; /* args: a letter an argument, see syscalls.py */
extern const struct syscall_info syscall_info[];
extern const u32 nr_syscalls;

/* keel.trace=: which tasks are traced, and whether calls are counted, is decided when a task is made and at exec. */
void syscall_trace_update(struct task *t);
struct seq_file;
void syscall_stats_show(struct seq_file *m); /* /proc/keel/syscalls */

/*
 * Restartable sequences (kernel/sys/rseq.c). The scheduler sets WORK_RSEQ in a task it switches away from when task->rseq
 * is set; the way out to user mode then calls rseq_handle(), and signal delivery calls rseq_signal() before it builds a frame.
 */
void rseq_handle(struct trap_frame *regs);
void rseq_signal(struct trap_frame *regs);

#endif

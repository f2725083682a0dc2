/* SPDX-License-Identifier: MIT */
/* Permission shared by syscalls.c and priority.c. */
#ifndef SCHED_PRIO_H
#define SCHED_PRIO_H

#include <kernel/task.h>

/* May the caller set t's nice value so low? By RLIMIT_NICE or privilege. */
bool sched_may_renice(struct task *t, s32 nice);

#endif

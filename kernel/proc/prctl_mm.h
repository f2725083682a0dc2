/* SPDX-License-Identifier: MIT */
/* prctl(PR_SET_MM, ...) (prctl_mm.c). */
#ifndef PROC_PRCTL_MM_H
#define PROC_PRCTL_MM_H

long prctl_set_mm(unsigned long what, unsigned long addr, unsigned long arg4, unsigned long arg5);

#endif

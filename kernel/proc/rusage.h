/* SPDX-License-Identifier: MIT */
/* Resource usage inside kernel/proc/ (rusage.c). */
#ifndef PROC_RUSAGE_H
#define PROC_RUSAGE_H

#include <kernel/process.h>

/* A child that was waited for: what it and its own children used becomes its parent's children's. */
void group_add_child(struct group *parent, struct group *child);

#endif

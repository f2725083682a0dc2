/* SPDX-License-Identifier: MIT */
/*
 * Error numbers (Linux's, always returned negative) and error pointers.
 */
#ifndef KERNEL_ERRNO_H
#define KERNEL_ERRNO_H

#include <asm/errno.h>
#include <kernel/types.h>

/* Never seen by user space: how an interrupted system call restarts (see kernel/proc/signal.c). */
#define ERESTARTSYS	      512 /* restart if the handler has SA_RESTART, else -EINTR */
#define ERESTARTNOINTR	      513 /* always restart */
#define ERESTARTNOHAND	      514 /* restart if no handler ran, else -EINTR */
#define ENOIOCTLCMD	      515 /* ioctl not known at this layer; becomes -ENOTTY */
#define ERESTART_RESTARTBLOCK 516 /* restart through current->restart (relative sleeps) */
#define EPROBE_DEFER	      517 /* driver: a supplier is not there yet, try again */

#define MAX_ERRNO 4095

static inline void *ERR_PTR(long error) { return (void *)error; }
static inline long PTR_ERR(const void *ptr) { return (long)ptr; }
static inline bool IS_ERR(const void *ptr) { return (unsigned long)ptr >= (unsigned long)-MAX_ERRNO; }
static inline bool IS_ERR_OR_NULL(const void *ptr) { return !ptr || IS_ERR(ptr); }
static inline void *ERR_CAST(const void *ptr) { return (void *)ptr; }

#endif

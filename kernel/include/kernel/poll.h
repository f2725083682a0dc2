/* SPDX-License-Identifier: MIT */
/*
 * poll: how poll, select and epoll ask a file what it is ready for and get told when that changes
 * (kernel/fs/poll.c, epoll.c).
 */
#ifndef KERNEL_POLL_H
#define KERNEL_POLL_H

#include <kernel/wait.h>
#include <linux/eventpoll.h>

struct file;

/* Passed to file_ops.poll; NULL, or add NULL: only look, do not queue. */
struct poll_table {
	void (*add)(struct file *file, struct wait_queue *q, struct poll_table *pt);
	u32 key; /* events of interest */
};
/* A driver's poll calls this for each queue that wakes on a change, before it looks at its state. */
static inline void poll_wait(struct file *file, struct wait_queue *q, struct poll_table *pt)
{
	if (pt && pt->add)
		pt->add(file, q, pt);
}
void epoll_file_release(struct file *f); /* file goes away: leaves every epoll set */
/* A wait queue goes away before the files that poll it (a signalfd's process): its waiters let go of it. The memory must
 * live on for a grace period. */
#define POLL_FREE 0x4000 /* in a wake-up's key; no EPOLL* bit */
void poll_free(struct wait_queue *q);

#endif

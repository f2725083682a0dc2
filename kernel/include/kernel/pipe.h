/* SPDX-License-Identifier: MIT */
/*
 * Pipes (kernel/fs/pipe.c): a ring of page references, which splice moves without copying.
 *
 * Everything is guarded by pipe->lock (RANK_PIPE; two pipes by address) but what poll reads without it.
 */
#ifndef KERNEL_PIPE_H
#define KERNEL_PIPE_H

#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/wait.h>

#define PIPE_DEF_BUFFERS 16
#define PIPE_MAX_SIZE	 (1U << 20) /* fs.pipe-max-size */

struct pipe_buffer {
	struct page *page; /* referenced */
	u32 offset, len;
	bool mergeable; /* the page is this pipe's own: appending is allowed */
	bool packet;	/* O_DIRECT: a read takes this buffer and no more */
};

struct pipe {
	struct mutex lock;
	u32 head, tail, ring_size; /* [lock] free running; a power of two */
	u32 readers, writers;	   /* [lock] open files */
	u32 files;		   /* [lock] files and FIFO openers in all */
	u32 reader_opens, writer_opens; /* [lock] ever: FIFO open waits for a change */
	bool poll_used;		   /* somebody polls: wake on every change */
	struct page *spare;	   /* [lock] the last page emptied, for the next write */
	struct pipe_buffer *bufs;
	struct wait_queue read_wait, write_wait;
};

struct pipe *pipe_of(struct file *f); /* NULL: no pipe */
static inline bool pipe_empty(const struct pipe *p) { return READ_ONCE(p->head) == READ_ONCE(p->tail); }
static inline bool pipe_full(const struct pipe *p) { return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->ring_size); }
static inline struct pipe_buffer *pipe_slot(struct pipe *p, u32 i) { return &p->bufs[i & (p->ring_size - 1)]; }
void pipe_lock_two(struct pipe *a, struct pipe *b);
void pipe_unlock_two(struct pipe *a, struct pipe *b);
/* Waits with pipe->lock held on entry and return; 0, -EAGAIN, -ERESTARTSYS. */
int pipe_wait_readable(struct pipe *p, bool nonblock); /* 0 also when no writer is left: look again */
int pipe_wait_writable(struct pipe *p, bool nonblock); /* -EPIPE (SIGPIPE sent) when no reader is left */
void pipe_drop_slot(struct pipe *p);	     /* releases the buffer at tail */
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
long pipe_fcntl(struct file *f, u32 cmd, unsigned long arg); /* F_GETPIPE_SZ, F_SETPIPE_SZ */
extern const struct file_ops fifo_fops;
extern u32 sysctl_pipe_max_size;

#endif

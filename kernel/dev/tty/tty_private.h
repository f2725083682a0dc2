/* SPDX-License-Identifier: MIT */
/*
 * Inside kernel/dev/tty/: struct tty and what its files share.
 *
 * Locks, outermost first:
 *	tty_mutex	ports' tty pointers, open counts, pty numbers
 *	termios_lock	termios and window size (changes; words may be read without)
 *	read_lock	one reader at a time
 *	write_lock	one write() call at a time
 *	ldisc_lock	[d] the line discipline's input state
 *	output_lock	[o] output state and every call of ops->write()
 *	ctrl_lock	[c] spin: session, pgrp, packet status, flow
 *	buf_lock	[b] spin, irqs off: the ring between driver and line discipline
 */
#ifndef KERNEL_DEV_TTY_PRIVATE_H
#define KERNEL_DEV_TTY_PRIVATE_H

#include <kernel/chrdev.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/tty.h>

#define TTY_BUF_SIZE	16384 /* characters (and flags) between driver and line discipline */
#define TTY_BUF_HIGH	(TTY_BUF_SIZE / 4 * 3)
#define TTY_BUF_LOW	(TTY_BUF_SIZE / 4)
#define N_TTY_BUF_SIZE	4096
#define WAKEUP_CHARS	256

/* tty->flags [a] */
#define TTY_HUPPED	  BIT(0)
#define TTY_THROTTLED	  BIT(1)
#define TTY_EXCLUSIVE	  BIT(2)
#define TTY_OTHER_CLOSED  BIT(3) /* pty: the other side is gone */
#define TTY_PTY_LOCKED	  BIT(4)
#define TTY_IO_ERROR	  BIT(5)
#define TTY_PTY_MASTER	  BIT(6)
#define TTY_PTY_SLAVE	  BIT(7)
#define TTY_INITIALISED	  BIT(8) /* ops->open succeeded */

struct tty_file { /* file->data */
	struct tty *tty;
	struct file *file;
	struct list_head link; /* [ctrl_lock] tty->files */
	bool hung;
};

struct tty {
	struct refcount refs;
	u64 flags;		  /* [a] TTY_* */
	struct tty_port *port;	  /* [I] */
	const struct tty_ops *ops; /* [I] */
	u32 index;		  /* [I] pty number */
	u32 count;		  /* [tty_mutex] open files */
	struct mutex termios_lock, read_lock, write_lock, ldisc_lock, output_lock;
	struct ktermios termios;
	struct winsize winsize;
	struct wait_queue read_wait, write_wait;

	struct spinlock ctrl_lock;
	struct pid *session, *pgrp; /* [c] referenced */
	struct list_head files;	  /* [c] */
	bool stopped;		  /* [c] by ^S or TCOOFF */
	bool packet;		  /* [c] pty master: packet mode */
	u8 packet_status;	  /* [c] TIOCPKT_* to tell */
	struct tty *link;	  /* [tty_mutex] pty: the other side */

	struct spinlock buf_lock;
	u8 *buf, *buf_flags;	  /* [b] rings of TTY_BUF_SIZE */
	u32 buf_head, buf_tail;	  /* [b] free running */
	struct work receive_work;

	/* Line discipline: n_tty.c. [d] */
	u8 read_buf[N_TTY_BUF_SIZE];
	unsigned long read_flags[N_TTY_BUF_SIZE / 64]; /* the character ends a line */
	u32 read_head, canon_head, read_tail; /* free running */
	u8 echo_buf[N_TTY_BUF_SIZE];
	u32 echo_head, echo_tail;
	u32 column, canon_column; /* [o] */
	bool lnext, erasing, raw, icanon, lost_line_end, push;

	struct inode *devpts_inode; /* pty slave */
	struct rcu_head rcu;
};

#define L(tty, f) ((tty)->termios.c_lflag & (f))
#define I(tty, f) ((tty)->termios.c_iflag & (f))
#define O(tty, f) ((tty)->termios.c_oflag & (f))
#define C(tty, f) ((tty)->termios.c_cflag & (f))
#define CC(tty, i) ((tty)->termios.c_cc[i])

extern struct mutex tty_mutex;
extern const struct ktermios tty_std_termios;

/* tty_core.c */
struct tty *tty_alloc(struct tty_port *port, const struct tty_ops *ops, const struct ktermios *termios);
int tty_file_attach(struct file *f, struct tty *tty); /* after the count was raised */
struct tty *file_tty(struct file *f);
u32 tty_buffer_room(struct tty *tty);
bool tty_file_hung(struct file *f);
void tty_session_clear(struct tty *tty);
/* n_tty.c */
void n_tty_set_termios(struct tty *tty, const struct ktermios *old); /* ldisc_lock held */
void n_tty_receive_work(struct work *w);
ssize_t n_tty_read(struct tty *tty, struct file *f, struct uio *u);
ssize_t n_tty_write(struct tty *tty, struct file *f, struct uio *u);
u32 n_tty_poll(struct tty *tty, struct file *f, struct poll_table *pt);
u32 n_tty_inq(struct tty *tty);
void n_tty_flush_input(struct tty *tty);
void tty_flush_output(struct tty *tty);
void tty_send_signal(struct tty *tty, int sig); /* to the foreground group */
/* flow.c part of tty_ioctl.c */
void tty_packet_event(struct tty *tty, u8 set, u8 clear); /* for the master in packet mode: TIOCPKT_* */
void tty_stop(struct tty *tty);
void tty_start(struct tty *tty);
long tty_ioctl(struct file *f, u32 cmd, unsigned long arg);
int tty_set_winsize(struct tty *tty, const struct winsize *ws);
void tty_wait_sent(struct tty *tty);
/* job_control.c */
int tty_check_change(struct tty *tty, int sig); /* 0, -ERESTARTSYS, -EIO */
void tty_open_ctty(struct tty *tty, u32 open_flags);
long tty_job_ioctl(struct file *f, struct tty *tty, u32 cmd, unsigned long arg);
/* pty.c */
int ptmx_open(struct inode *inode, struct file *f);
long pty_ioctl(struct tty *tty, u32 cmd, unsigned long arg);
struct tty *pty_slave_open(dev_t dev); /* referenced; ERR_PTR */
void pty_last_close(struct tty *tty);
void pty_init(void);
/* console.c */
struct tty_port *console_port(void);
#define DEV_TTY	    MAKE_DEV(5, 0)
#define DEV_CONSOLE MAKE_DEV(5, 1)
#define DEV_PTMX    MAKE_DEV(5, 2)
#define PTS_MAJOR   136

#endif

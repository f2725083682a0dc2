/* SPDX-License-Identifier: MIT */
/*
 * Terminals (kernel/dev/tty/): struct tty between a driver (UART, pty) and user space, with the N_TTY line
 * discipline; job control; consoles.
 */
#ifndef KERNEL_TTY_H
#define KERNEL_TTY_H

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <asm/termios.h>
#include <kernel/fs.h>
#include <kernel/mutex.h>
#include <kernel/wait.h>
#include <kernel/workqueue.h>

struct serial_icounter_struct;
struct group;
struct ktermios;
struct tty;
/* What a driver does. Process context unless noted. */
struct tty_ops {
	int (*open)(struct tty *tty);	 /* first open */
	void (*close)(struct tty *tty);	 /* last close */
	/* Takes up to n bytes to send; returns how many it took. Any context. */
	u32 (*write)(struct tty *tty, const u8 *buf, u32 n);
	u32 (*write_room)(struct tty *tty);
	u32 (*chars_in_buffer)(struct tty *tty);
	void (*set_termios)(struct tty *tty, const struct ktermios *old);
	void (*throttle)(struct tty *tty);   /* input buffer is filling: RTS / stop reading */
	void (*unthrottle)(struct tty *tty);
	void (*stop)(struct tty *tty);	     /* ^S */
	void (*start)(struct tty *tty);
	void (*hangup)(struct tty *tty);
	void (*flush_buffer)(struct tty *tty);
	void (*wait_until_sent)(struct tty *tty, ktime_t timeout);
	int (*break_ctl)(struct tty *tty, int state);
	int (*get_modem)(struct tty *tty);
	int (*set_modem)(struct tty *tty, u32 set, u32 clear);
	long (*ioctl)(struct tty *tty, u32 cmd, unsigned long arg);
	int (*get_icount)(struct tty *tty, struct serial_icounter_struct *ic);
};
/* A driver registers a port; its tty is made at the first open. name "ttyS0". */
struct tty_port {
	const char *name;
	dev_t dev;
	const struct tty_ops *ops;
	void *data;
	struct tty *tty; /* [tty_mutex] */
	struct ktermios termios; /* kept between opens */
	struct console *console; /* when it can be /dev/console */
};
int tty_port_register(struct tty_port *port);
/* Offers the port's console to be a kernel console; node is the port's. Returns the options of a console= that names it
 * ("115200n8"), NULL when there are none. */
struct dt_node;
const char *console_offer(struct tty_port *port, struct dt_node *node);
/* Names of active consoles, /dev/console's last: false past the end. */
bool console_active_at(u32 i, const char **name);
/* From the driver, any context: received characters with their flags; then push. Returns how many fitted. */
enum tty_flag { TTY_NORMAL, TTY_BREAK, TTY_FRAME, TTY_PARITY, TTY_OVERRUN };
u32 tty_receive(struct tty *tty, const u8 *buf, const u8 *flags, u32 n);
void tty_receive_push(struct tty *tty); /* hands them to the line discipline (workqueue) */
void tty_wakeup(struct tty *tty);	/* room to write again */
void tty_hangup(struct tty *tty);	/* carrier lost; from a workqueue or process context */
void *tty_driver_data(struct tty *tty); /* port->data */
void tty_get_termios(struct tty *tty, struct ktermios *out);
struct tty *tty_get(struct tty *tty);
void tty_put(struct tty *tty);
struct tty *current_tty(void);		/* controlling terminal, referenced; NULL */
dev_t tty_device(struct tty *tty);
void tty_name(struct tty *tty, char *buf, size_t size);
pid_t tty_foreground_pgrp(struct tty *tty); /* -1: none */
void tty_session_leader_exit(struct task *t); /* SIGHUP to the foreground, frees the session's terminal */
void tty_setsid(struct group *g);	/* a new session has no terminal */
void tty_init(void);
void tty_show_drivers(struct seq_file *m);
void sysrq_key(u8 key); /* any context */

#endif

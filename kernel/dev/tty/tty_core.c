/* SPDX-License-Identifier: MIT */
/*
 * Terminals as files: ports and their ttys, open and close, the ring between driver and line discipline, hang-up.
 *
 * A port (UART line) gets its tty at the first open and keeps it; a pty's two ttys live from ptmx's open to the last
 * close of both. Every open file has a struct tty_file, so that a hang-up can cut all of them off: their reads then end
 * the file and their writes fail, while a new open gets a working terminal.
 */
#include "tty_private.h"

#include <arch/uaccess.h>
#include <kernel/chrdev.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/poll.h>
#include <kernel/printk.h>
#include <kernel/rcu.h>
#include <kernel/seq_file.h>
#include <kernel/string.h>
#include <kernel/uio.h>

#define PORTS_MAX 64

DEFINE_MUTEX(tty_mutex, RANK_CONSOLE_TTY);
static struct tty_port *ports[PORTS_MAX]; /* [tty_mutex] */

const struct ktermios tty_std_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD | HUPCL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = { [VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VSTART] = 17, [VSTOP] = 19,
		  [VSUSP] = 26, [VREPRINT] = 18, [VDISCARD] = 15, [VWERASE] = 23, [VLNEXT] = 22, [VMIN] = 1 },
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

/* --- life --- */

static void tty_free(struct rcu_head *head)
{
	struct tty *tty = container_of(head, struct tty, rcu);

	kvfree(tty->buf);
	kfree(tty);
}

struct tty *tty_alloc(struct tty_port *port, const struct tty_ops *ops, const struct ktermios *termios)
{
	struct tty *tty = kzalloc(sizeof(*tty), GFP_KERNEL);

	if (!tty)
		return NULL;
	tty->buf = kvmalloc(2 * TTY_BUF_SIZE, GFP_KERNEL);
	if (!tty->buf) {
		kfree(tty);
		return NULL;
	}
	tty->buf_flags = tty->buf + TTY_BUF_SIZE;
	refcount_set(&tty->refs, 1);
	tty->port = port;
	tty->ops = ops;
	tty->termios = *termios;
	mutex_init(&tty->termios_lock, RANK_TTY);
	mutex_init(&tty->read_lock, RANK_TTY_READ);
	mutex_init(&tty->write_lock, RANK_TTY_WRITE);
	mutex_init(&tty->ldisc_lock, RANK_TTY_LDISC);
	mutex_init(&tty->output_lock, RANK_TTY_OUTPUT);
	wait_queue_init(&tty->read_wait);
	wait_queue_init(&tty->write_wait);
	spinlock_init(&tty->ctrl_lock, RANK_TTY_CTRL);
	spinlock_init(&tty->buf_lock, RANK_TTY_BUFFER);
	list_init(&tty->files);
	work_init(&tty->receive_work, n_tty_receive_work);
	n_tty_set_termios(tty, NULL);
	return tty;
}

struct tty *tty_get(struct tty *tty)
{
	if (tty)
		refcount_get(&tty->refs);
	return tty;
}

void tty_put(struct tty *tty)
{
	if (!tty || !refcount_put(&tty->refs))
		return;
	work_cancel_sync(&tty->receive_work);
	pid_put(tty->session);
	pid_put(tty->pgrp);
	rcu_call(&tty->rcu, tty_free);
}

void *tty_driver_data(struct tty *tty)
{
	return tty->port->data;
}

void tty_get_termios(struct tty *tty, struct ktermios *out)
{
	*out = tty->termios;
}

dev_t tty_device(struct tty *tty)
{
	if (tty->flags & TTY_PTY_MASTER)
		return DEV_PTMX;
	if (tty->flags & TTY_PTY_SLAVE)
		return MAKE_DEV(PTS_MAJOR, tty->index);
	return tty->port->dev;
}

void tty_name(struct tty *tty, char *buf, size_t size)
{
	if (tty->flags & TTY_PTY_MASTER)
		strscpy(buf, "ptm", size);
	else if (tty->flags & TTY_PTY_SLAVE)
		snprintf(buf, size, "pts/%u", tty->index);
	else
		strscpy(buf, tty->port->name, size);
}

/* --- from the driver --- */

u32 tty_buffer_room(struct tty *tty)
{
	return TTY_BUF_SIZE - (READ_ONCE(tty->buf_head) - READ_ONCE(tty->buf_tail));
}

u32 tty_receive(struct tty *tty, const u8 *buf, const u8 *flags, u32 n)
{
	u64 irq = spin_lock_irqsave(&tty->buf_lock);
	u32 used;

	n = MIN(n, TTY_BUF_SIZE - (tty->buf_head - tty->buf_tail));
	for (u32 i = 0; i < n; i++) {
		u32 at = (tty->buf_head + i) % TTY_BUF_SIZE;

		tty->buf[at] = buf[i];
		tty->buf_flags[at] = flags ? flags[i] : TTY_NORMAL;
	}
	tty->buf_head += n;
	used = tty->buf_head - tty->buf_tail;
	spin_unlock_irqrestore(&tty->buf_lock, irq);
	if (used > TTY_BUF_HIGH && !(atomic_fetch_or(&tty->flags, TTY_THROTTLED) & TTY_THROTTLED) && tty->ops->throttle)
		tty->ops->throttle(tty);
	return n;
}

void tty_receive_push(struct tty *tty)
{
	work_queue(system_unbound_wq, &tty->receive_work);
}

void tty_wakeup(struct tty *tty)
{
	if (wait_queue_active(&tty->write_wait))
		wake_up_poll(&tty->write_wait, EPOLLOUT | EPOLLWRNORM);
	/* Echo that did not fit goes out now. */
	if (READ_ONCE(tty->echo_head) != READ_ONCE(tty->echo_tail))
		work_queue(system_unbound_wq, &tty->receive_work);
}

/* --- ports --- */

static struct tty_port *port_find(dev_t dev)
{
	for (u32 i = 0; i < PORTS_MAX; i++)
		if (ports[i] && ports[i]->dev == dev)
			return ports[i];
	return NULL;
}

int tty_port_register(struct tty_port *port)
{
	int rc = -ENOSPC;

	if (!port->termios.c_cflag)
		port->termios = tty_std_termios;
	mutex_lock(&tty_mutex);
	for (u32 i = 0; i < PORTS_MAX; i++)
		if (!ports[i]) {
			ports[i] = port;
			rc = 0;
			break;
		}
	mutex_unlock(&tty_mutex);
	return rc ? rc : devnode_add(port->name, 0620, port->dev, "tty");
}

void tty_show_drivers(struct seq_file *m)
{
	seq_puts(m, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
		    "/dev/console         /dev/console    5       1 system:console\n"
		    "/dev/ptmx            /dev/ptmx       5       2 system\n"
		    "serial               /dev/ttyS       4 64-95 serial\n"
		    "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
		    "pty_master           /dev/ptm      128 0-1048575 pty:master\n");
}

/* --- open files --- */

struct tty *file_tty(struct file *f)
{
	return ((struct tty_file *)f->data)->tty;
}

bool tty_file_hung(struct file *f)
{
	return READ_ONCE(((struct tty_file *)f->data)->hung);
}

int tty_file_attach(struct file *f, struct tty *tty)
{
	struct tty_file *tf = kzalloc(sizeof(*tf), GFP_KERNEL);
	u64 flags;

	if (!tf)
		return -ENOMEM;
	tf->tty = tty_get(tty);
	tf->file = f;
	f->data = tf;
	stream_open(f->inode, f);
	flags = spin_lock_irqsave(&tty->ctrl_lock);
	list_add(&tf->link, &tty->files);
	spin_unlock_irqrestore(&tty->ctrl_lock, flags);
	return 0;
}

static int port_first_open(struct tty *tty)
{
	int rc = 0;

	if (tty->count == 0) {
		tty->termios = tty->port->termios;
		mutex_lock(&tty->ldisc_lock);
		n_tty_set_termios(tty, NULL);
		mutex_unlock(&tty->ldisc_lock);
		atomic_and(&tty->flags, ~TTY_HUPPED);
		rc = tty->ops->open ? tty->ops->open(tty) : 0;
		if (rc == 0)
			atomic_or(&tty->flags, TTY_INITIALISED);
	}
	return rc;
}

/* The tty behind a port, made when needed. tty_mutex held. */
static struct tty *port_tty(struct tty_port *port)
{
	if (!port)
		return ERR_PTR(-ENXIO);
	if (!port->tty) {
		struct tty *tty = tty_alloc(port, port->ops, &port->termios);

		if (!tty)
			return ERR_PTR(-ENOMEM);
		WRITE_ONCE(port->tty, tty);
	}
	return tty_get(port->tty);
}

static struct tty *tty_lookup(dev_t dev)
{
	struct tty *tty;

	if (dev == DEV_TTY) {
		tty = current_tty();
		return tty ? tty : ERR_PTR(-ENXIO);
	}
	if (dev == DEV_CONSOLE) {
		struct tty_port *port = console_port();

		return port ? port_tty(port) : ERR_PTR(-ENODEV);
	}
	if (DEV_MAJOR(dev) == PTS_MAJOR)
		return pty_slave_open(dev);
	return port_tty(port_find(dev));
}

static int tty_open(struct inode *inode, struct file *f)
{
	struct tty *tty;
	dev_t dev = inode->rdev;
	int rc;

	if (dev == DEV_PTMX)
		return ptmx_open(inode, f);
	mutex_lock(&tty_mutex);
	tty = tty_lookup(dev);
	rc = IS_ERR(tty) ? (int)PTR_ERR(tty) : 0;
	if (rc)
		goto out;
	rc = -EIO;
	if (tty->flags & TTY_PTY_MASTER)
		goto out_put;
	rc = -EBUSY;
	if ((tty->flags & TTY_EXCLUSIVE) && !capable(CAP_SYS_ADMIN))
		goto out_put;
	rc = tty->flags & TTY_PTY_SLAVE ? 0 : port_first_open(tty);
	if (rc)
		goto out_put;
	rc = tty_file_attach(f, tty);
	if (rc)
		goto out_put;
	tty->count++;
	if (tty->flags & TTY_PTY_SLAVE && tty->link)
		atomic_and(&tty->link->flags, ~TTY_OTHER_CLOSED);
	mutex_unlock(&tty_mutex);
	if (dev != DEV_TTY && dev != DEV_CONSOLE)
		tty_open_ctty(tty, f->flags);
	tty_put(tty);
	return 0;
out_put:
	tty_put(tty);
out:
	mutex_unlock(&tty_mutex);
	return rc;
}

static void port_last_close(struct tty *tty)
{
	tty->port->termios = tty->termios;
	if (tty->flags & TTY_INITIALISED) {
		if (!(tty->flags & TTY_HUPPED))
			tty_wait_sent(tty);
		if (tty->ops->close)
			tty->ops->close(tty);
		atomic_and(&tty->flags, ~(TTY_INITIALISED | TTY_EXCLUSIVE | TTY_THROTTLED));
	}
	n_tty_flush_input(tty);
}

static void tty_release(struct inode *inode, struct file *f)
{
	struct tty_file *tf = f->data;
	struct tty *tty = tf->tty;
	u64 flags;

	mutex_lock(&tty_mutex);
	flags = spin_lock_irqsave(&tty->ctrl_lock);
	list_del(&tf->link);
	spin_unlock_irqrestore(&tty->ctrl_lock, flags);
	if (--tty->count == 0) {
		if (tty->flags & (TTY_PTY_MASTER | TTY_PTY_SLAVE))
			pty_last_close(tty);
		else
			port_last_close(tty);
	}
	mutex_unlock(&tty_mutex);
	kfree(tf);
	tty_put(tty);
}

static ssize_t tty_read(struct file *f, struct uio *u, loff_t *pos)
{
	if (tty_file_hung(f))
		return 0;
	return n_tty_read(file_tty(f), f, u);
}

static ssize_t tty_write(struct file *f, struct uio *u, loff_t *pos)
{
	if (tty_file_hung(f) || (file_tty(f)->flags & TTY_IO_ERROR))
		return -EIO;
	return n_tty_write(file_tty(f), f, u);
}

static u32 tty_poll(struct file *f, struct poll_table *pt)
{
	return n_tty_poll(file_tty(f), f, pt);
}

static void tty_show_fdinfo(struct seq_file *m, struct file *f)
{
	struct tty *tty = file_tty(f);

	if (tty->flags & TTY_PTY_MASTER)
		seq_printf(m, "tty-index:\t%u\n", tty->index);
}

static const struct file_ops tty_fops = {
	.open = tty_open,
	.release = tty_release,
	.read = tty_read,
	.write = tty_write,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.show_fdinfo = tty_show_fdinfo,
};

/* --- hang-up --- */

void tty_hangup(struct tty *tty)
{
	struct tty_file *tf;
	struct pid *session, *pgrp;
	u64 flags;

	atomic_or(&tty->flags, TTY_HUPPED);
	flags = spin_lock_irqsave(&tty->ctrl_lock);
	/* /dev/console's openers stay: init writes there whatever happens to the line. */
	list_for_each_entry(tf, &tty->files, link)
		if (tf->file->inode->rdev != DEV_CONSOLE)
			WRITE_ONCE(tf->hung, true);
	session = pid_get(tty->session);
	pgrp = pid_get(tty->pgrp);
	spin_unlock_irqrestore(&tty->ctrl_lock, flags);
	if (session) {
		send_signal_session(session, SIGHUP, SEND_SIG_KERNEL);
		send_signal_session(session, SIGCONT, SEND_SIG_KERNEL);
		tty_session_clear(tty);
	}
	if (pgrp) {
		send_signal_pgrp(pgrp, SIGHUP, SEND_SIG_KERNEL);
		send_signal_pgrp(pgrp, SIGCONT, SEND_SIG_KERNEL);
	}
	pid_put(session);
	pid_put(pgrp);
	if (tty->ops->hangup)
		tty->ops->hangup(tty);
	wake_up_all(&tty->read_wait);
	wake_up_all(&tty->write_wait);
}

static struct chrdev tty_devices[] = {
	{ .first = MAKE_DEV(4, 64), .count = 64, .name = "ttyS", .ops = &tty_fops },
	{ .first = DEV_TTY, .count = 1, .name = "/dev/tty", .ops = &tty_fops },
	{ .first = DEV_CONSOLE, .count = 1, .name = "/dev/console", .ops = &tty_fops },
	{ .first = DEV_PTMX, .count = 1, .name = "/dev/ptmx", .ops = &tty_fops },
	{ .first = MAKE_DEV(PTS_MAJOR, 0), .count = 1U << 20, .name = "pts", .ops = &tty_fops },
};

void tty_init(void)
{
	static const struct {
		const char *name;
		umode_t mode;
		dev_t dev;
	} nodes[] = { { "tty", 0666, DEV_TTY }, { "console", 0600, DEV_CONSOLE }, { "ptmx", 0666, DEV_PTMX } };

	for (u32 i = 0; i < ARRAY_SIZE(tty_devices); i++)
		if (chrdev_register(&tty_devices[i]))
			pr_err("tty: cannot register %s", tty_devices[i].name);
	for (u32 i = 0; i < ARRAY_SIZE(nodes); i++)
		if (devnode_add(nodes[i].name, nodes[i].mode, nodes[i].dev, "tty"))
			pr_err("tty: cannot make /dev/%s", nodes[i].name);
	pty_init();
}

/* SPDX-License-Identifier: MIT */
/*
 * Terminal ioctls: line settings, flow control, window size, modem lines, counts.
 */
#include "tty_private.h"

#include <arch/uaccess.h>
#include <kernel/chrdev.h>
#include <kernel/errno.h>
#include <kernel/poll.h>
#include <kernel/string.h>
#include <linux/tty.h>

/* --- flow --- */

void tty_packet_event(struct tty *tty, u8 set, u8 clear)
{
	u64 flags;

	if (!(tty->flags & TTY_PTY_SLAVE) || !tty->link || !tty->link->packet)
		return;
	flags = spin_lock_irqsave(&tty->ctrl_lock);
	tty->packet_status = (u8)((tty->packet_status & ~clear) | set);
	spin_unlock_irqrestore(&tty->ctrl_lock, flags);
	wake_up_poll(&tty->link->read_wait, EPOLLPRI | EPOLLIN);
}

void tty_stop(struct tty *tty)
{
	if (tty->stopped)
		return;
	WRITE_ONCE(tty->stopped, true);
	tty_packet_event(tty, TIOCPKT_STOP, TIOCPKT_START);
	if (tty->ops->stop)
		tty->ops->stop(tty);
}

void tty_start(struct tty *tty)
{
	if (!tty->stopped)
		return;
	WRITE_ONCE(tty->stopped, false);
	tty_packet_event(tty, TIOCPKT_START, TIOCPKT_STOP);
	if (tty->ops->start)
		tty->ops->start(tty);
	tty_wakeup(tty);
}

void tty_flush_output(struct tty *tty)
{
	if (tty->ops->flush_buffer)
		tty->ops->flush_buffer(tty);
	tty_packet_event(tty, TIOCPKT_FLUSHWRITE, 0);
	tty_wakeup(tty);
}

/* Until the driver has sent all, or a signal comes. */
static int wait_drained(struct tty *tty)
{
	int rc = wait_event_interruptible(&tty->write_wait,
					  !tty->ops->chars_in_buffer(tty) || (tty->flags & TTY_HUPPED));

	if (rc == 0 && tty->ops->wait_until_sent)
		tty->ops->wait_until_sent(tty, 0);
	return rc;
}

void tty_wait_sent(struct tty *tty)
{
	ktime_t deadline = ktime_get() + 30 * NSEC_PER_SEC;

	wait_event_interruptible_deadline(&tty->write_wait, !tty->ops->chars_in_buffer(tty), deadline);
}

/* --- termios --- */

static int set_termios(struct tty *tty, struct ktermios *new, u32 cmd_kind)
{
	struct ktermios old;
	int rc;

	rc = tty_check_change(tty, SIGTTOU);
	if (rc)
		return rc;
	if (cmd_kind == 2)
		n_tty_flush_input(tty);
	if (cmd_kind >= 1) {
		rc = wait_drained(tty);
		if (rc)
			return rc;
	}
	mutex_lock(&tty->termios_lock);
	mutex_lock(&tty->ldisc_lock);
	old = tty->termios;
	new->c_line = 0;
	tty->termios = *new;
	if (tty->flags & TTY_PTY_SLAVE)
		tty->termios.c_cflag = (new->c_cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
	n_tty_set_termios(tty, &old);
	mutex_unlock(&tty->ldisc_lock);
	if (tty->ops->set_termios)
		tty->ops->set_termios(tty, &old);
	if (tty->link && tty->link->packet) {
		bool was = (old.c_iflag & IXON) && old.c_cc[VSTOP] == 19 && old.c_cc[VSTART] == 17;
		bool is = I(tty, IXON) && CC(tty, VSTOP) == 19 && CC(tty, VSTART) == 17;

		if (was != is)
			tty_packet_event(tty, is ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP, is ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
	}
	mutex_unlock(&tty->termios_lock);
	if (!tty->stopped && !I(tty, IXON))
		return 0;
	if ((old.c_iflag & IXON) && !I(tty, IXON))
		tty_start(tty);
	return 0;
}

static const struct {
	u32 code, rate;
} speeds[] = {
	{ B50, 50 }, { B75, 75 }, { B110, 110 }, { B134, 134 }, { B150, 150 }, { B200, 200 }, { B300, 300 }, { B600, 600 },
	{ B1200, 1200 }, { B1800, 1800 }, { B2400, 2400 }, { B4800, 4800 }, { B9600, 9600 }, { B19200, 19200 },
	{ B38400, 38400 }, { B57600, 57600 }, { B115200, 115200 }, { B230400, 230400 }, { B460800, 460800 },
	{ B500000, 500000 }, { B576000, 576000 }, { B921600, 921600 }, { B1000000, 1000000 }, { B1152000, 1152000 },
	{ B1500000, 1500000 }, { B2000000, 2000000 }, { B2500000, 2500000 }, { B3000000, 3000000 },
	{ B3500000, 3500000 }, { B4000000, 4000000 },
};

static u32 speed_of(u32 code)
{
	for (u32 i = 0; i < ARRAY_SIZE(speeds); i++)
		if (speeds[i].code == code)
			return speeds[i].rate;
	return 0;
}

static void speeds_from_cflag(struct ktermios *t)
{
	u32 in = (t->c_cflag >> IBSHIFT) & CBAUD;

	if ((t->c_cflag & CBAUD) != BOTHER)
		t->c_ospeed = speed_of(t->c_cflag & CBAUD);
	if (in != BOTHER)
		t->c_ispeed = in == B0 ? t->c_ospeed : speed_of(in);
}

/* TCSETS and TCSETS2 differ in the two speeds at the end. */
static long ioctl_set_termios(struct tty *tty, u32 kind, void __user *arg, bool two)
{
	struct ktermios new = tty->termios;

	if (copy_from_user(&new, arg, two ? sizeof(struct termios2) : sizeof(struct termios)))
		return -EFAULT;
	speeds_from_cflag(&new);
	return set_termios(tty, &new, kind);
}

static long ioctl_get_termios(struct tty *tty, void __user *arg, bool two)
{
	struct ktermios now;

	mutex_lock(&tty->termios_lock);
	now = tty->termios;
	mutex_unlock(&tty->termios_lock);
	return copy_to_user(arg, &now, two ? sizeof(struct termios2) : sizeof(struct termios)) ? -EFAULT : 0;
}

static long ioctl_get_termio(struct tty *tty, void __user *arg)
{
	struct termio old = { .c_iflag = (u16)tty->termios.c_iflag, .c_oflag = (u16)tty->termios.c_oflag,
			      .c_cflag = (u16)tty->termios.c_cflag, .c_lflag = (u16)tty->termios.c_lflag };

	memcpy(old.c_cc, tty->termios.c_cc, NCC);
	return copy_to_user(arg, &old, sizeof(old)) ? -EFAULT : 0;
}

static long ioctl_set_termio(struct tty *tty, u32 kind, void __user *arg)
{
	struct ktermios new = tty->termios;
	struct termio old;

	if (copy_from_user(&old, arg, sizeof(old)))
		return -EFAULT;
	new.c_iflag = (new.c_iflag & 0xffff0000) | old.c_iflag;
	new.c_oflag = (new.c_oflag & 0xffff0000) | old.c_oflag;
	new.c_cflag = (new.c_cflag & 0xffff0000) | old.c_cflag;
	new.c_lflag = (new.c_lflag & 0xffff0000) | old.c_lflag;
	memcpy(new.c_cc, old.c_cc, NCC);
	speeds_from_cflag(&new);
	return set_termios(tty, &new, kind);
}

/* --- the rest --- */

static long ioctl_flush(struct tty *tty, unsigned long which)
{
	int rc = tty_check_change(tty, SIGTTOU);

	if (rc)
		return rc;
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (which == TCIFLUSH || which == TCIOFLUSH)
		n_tty_flush_input(tty);
	if (which == TCOFLUSH || which == TCIOFLUSH)
		tty_flush_output(tty);
	return 0;
}

static void send_char(struct tty *tty, u8 c)
{
	if (c == 0)
		return;
	mutex_lock(&tty->output_lock);
	tty->ops->write(tty, &c, 1);
	mutex_unlock(&tty->output_lock);
}

static long ioctl_flow(struct tty *tty, unsigned long action)
{
	int rc = tty_check_change(tty, SIGTTOU);

	if (rc)
		return rc;
	switch (action) {
	case TCOOFF:
		tty_stop(tty);
		return 0;
	case TCOON:
		tty_start(tty);
		return 0;
	case TCIOFF:
		send_char(tty, CC(tty, VSTOP));
		return 0;
	case TCION:
		send_char(tty, CC(tty, VSTART));
		return 0;
	}
	return -EINVAL;
}

static long send_break(struct tty *tty, u32 ms)
{
	if (!tty->ops->break_ctl)
		return 0;
	tty->ops->break_ctl(tty, 1);
	msleep(ms);
	tty->ops->break_ctl(tty, 0);
	return 0;
}

static long ioctl_break(struct tty *tty, u32 cmd, unsigned long arg)
{
	int rc = tty_check_change(tty, SIGTTOU);

	if (rc)
		return rc;
	if (cmd == TIOCSBRK || cmd == TIOCCBRK)
		return tty->ops->break_ctl ? tty->ops->break_ctl(tty, cmd == TIOCSBRK) : 0;
	rc = wait_drained(tty);
	if (rc)
		return rc;
	if (cmd == TCSBRK && arg)
		return 0; /* tcdrain() */
	return send_break(tty, cmd == TCSBRKP && arg ? (u32)MIN(arg, 100UL) * 100 : 250);
}

int tty_set_winsize(struct tty *tty, const struct winsize *ws)
{
	bool changed;

	mutex_lock(&tty->termios_lock);
	changed = memcmp(&tty->winsize, ws, sizeof(*ws)) != 0;
	tty->winsize = *ws;
	if (tty->link)
		tty->link->winsize = *ws;
	mutex_unlock(&tty->termios_lock);
	if (changed) {
		tty_send_signal(tty, SIGWINCH);
		if (tty->link)
			tty_send_signal(tty->link, SIGWINCH);
	}
	return 0;
}

static long ioctl_winsize(struct tty *tty, u32 cmd, void __user *arg)
{
	struct winsize ws;

	if (cmd == TIOCGWINSZ) {
		mutex_lock(&tty->termios_lock);
		ws = tty->winsize;
		mutex_unlock(&tty->termios_lock);
		return copy_to_user(arg, &ws, sizeof(ws)) ? -EFAULT : 0;
	}
	if (copy_from_user(&ws, arg, sizeof(ws)))
		return -EFAULT;
	return tty_set_winsize(tty, &ws);
}

static long ioctl_modem(struct tty *tty, u32 cmd, u32 __user *arg)
{
	u32 bits = 0, settable = TIOCM_DTR | TIOCM_RTS | TIOCM_OUT1 | TIOCM_OUT2 | TIOCM_LOOP;

	if (cmd == TIOCMGET) {
		int now = tty->ops->get_modem ? tty->ops->get_modem(tty) : -ENOTTY;

		return now < 0 ? now : put_user((u32)now, arg);
	}
	if (!tty->ops->set_modem)
		return -ENOTTY;
	if (get_user(bits, arg))
		return -EFAULT;
	bits &= settable;
	if (cmd == TIOCMBIS)
		return tty->ops->set_modem(tty, bits, 0);
	if (cmd == TIOCMBIC)
		return tty->ops->set_modem(tty, 0, bits);
	return tty->ops->set_modem(tty, bits, ~bits & settable);
}

static long ioctl_soft_carrier(struct tty *tty, u32 cmd, u32 __user *arg)
{
	u32 on;

	if (cmd == TIOCGSOFTCAR)
		return put_user(C(tty, CLOCAL) ? 1U : 0U, arg);
	if (get_user(on, arg))
		return -EFAULT;
	mutex_lock(&tty->termios_lock);
	tty->termios.c_cflag = (tty->termios.c_cflag & ~CLOCAL) | (on ? CLOCAL : 0);
	mutex_unlock(&tty->termios_lock);
	return 0;
}

/* As if typed: off by default since Linux 6.2, root may. */
static long ioctl_sti(struct tty *tty, u8 __user *arg)
{
	u8 c;

	if (!capable(CAP_SYS_ADMIN))
		return -EIO;
	if (get_user(c, arg))
		return -EFAULT;
	tty_receive(tty, &c, NULL, 1);
	tty_receive_push(tty);
	return 0;
}

static long ioctl_misc(struct file *f, struct tty *tty, u32 cmd, void __user *arg)
{
	u32 v;

	switch (cmd) {
	case TIOCEXCL:
		atomic_or(&tty->flags, TTY_EXCLUSIVE);
		return 0;
	case TIOCNXCL:
		atomic_and(&tty->flags, ~TTY_EXCLUSIVE);
		return 0;
	case TIOCGEXCL:
		return put_user(tty->flags & TTY_EXCLUSIVE ? 1 : 0, (int __user *)arg);
	case TIOCGDEV:
		return put_user((u32)dev_encode(tty_device(tty)), (u32 __user *)arg);
	case TIOCGETD:
		return put_user(N_TTY, (int __user *)arg);
	case TIOCSETD:
		if (get_user(v, (u32 __user *)arg))
			return -EFAULT;
		return v == N_TTY ? 0 : -EINVAL;
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(tty);
		return 0;
	case TIOCOUTQ:
		return put_user((int)tty->ops->chars_in_buffer(tty), (int __user *)arg);
	case TIOCINQ:
		return put_user((int)n_tty_inq(tty), (int __user *)arg);
	}
	return -ENOIOCTLCMD;
}

static long line_ioctl(struct tty *tty, u32 cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;
	struct tty *real = tty->flags & TTY_PTY_MASTER && tty->link ? tty->link : tty;

	switch (cmd) {
	case TCGETS:
	case TCGETS2:
		return ioctl_get_termios(real, p, cmd == TCGETS2);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return ioctl_set_termios(real, cmd - TCSETS, p, false);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return ioctl_set_termios(real, cmd - TCSETS2, p, true);
	case TCGETA:
		return ioctl_get_termio(real, p);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return ioctl_set_termio(real, cmd - TCSETA, p);
	case TCFLSH:
		return ioctl_flush(tty, arg);
	case TCXONC:
		return ioctl_flow(tty, arg);
	case TCSBRK:
	case TCSBRKP:
	case TIOCSBRK:
	case TIOCCBRK:
		return ioctl_break(tty, cmd, arg);
	case TIOCGWINSZ:
	case TIOCSWINSZ:
		return ioctl_winsize(tty, cmd, p);
	case TIOCMGET:
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC:
		return ioctl_modem(tty, cmd, p);
	case TIOCGSOFTCAR:
	case TIOCSSOFTCAR:
		return ioctl_soft_carrier(real, cmd, p);
	case TIOCSTI:
		return ioctl_sti(tty, p);
	}
	return -ENOIOCTLCMD;
}

long tty_ioctl(struct file *f, u32 cmd, unsigned long arg)
{
	struct tty *tty = file_tty(f);
	long rc;

	if (tty_file_hung(f))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	rc = line_ioctl(tty, cmd, arg);
	if (rc == -ENOIOCTLCMD)
		rc = tty_job_ioctl(f, tty, cmd, arg);
	if (rc == -ENOIOCTLCMD && (tty->flags & (TTY_PTY_MASTER | TTY_PTY_SLAVE)))
		rc = pty_ioctl(tty, cmd, arg);
	if (rc == -ENOIOCTLCMD && tty->ops->ioctl)
		rc = tty->ops->ioctl(tty, cmd, arg);
	if (rc == -ENOIOCTLCMD)
		rc = ioctl_misc(f, tty, cmd, (void __user *)arg);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/*
 * N_TTY, the line discipline: what happens to a character between the wire and a program.
 *
 * Input: a work item takes characters from the tty's ring, edits lines, echoes, turns ^C into signals, and puts the rest
 * into read_buf, a ring with free-running indices: read_tail..canon_head are finished lines (canonical mode),
 * canon_head..read_head the line being edited. read_flags marks the last character of each line; an end-of-file is a
 * marked EOF_CHAR that readers swallow. When read_buf is nearly full the work leaves characters in the ring, the ring
 * fills, the driver is throttled: nothing is lost.
 *
 * Output: write() and echo both pass through output_char(), which knows the column for tabs and erasing.
 */
#include "tty_private.h"

#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/poll.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/uio.h>

#define EOF_CHAR      0	 /* in read_buf, with its read_flags bit: end of file */
#define MASK(i)	      ((i) & (N_TTY_BUF_SIZE - 1))
#define ECHO_CTRL(c)  ((c) < 32 && (c) != '\t' && (c) != '\n')

/* --- output --- */

/* Room the driver has now. output_lock held. */
static u32 room(struct tty *tty)
{
	return READ_ONCE(tty->stopped) ? 0 : tty->ops->write_room(tty);
}

static void emit(struct tty *tty, const char *s, u32 n)
{
	tty->ops->write(tty, (const u8 *)s, n);
}

/* One character with output processing. False: no room, nothing was done. output_lock held. */
static bool output_char(struct tty *tty, u8 c)
{
	u32 space = room(tty), width;

	if (!O(tty, OPOST)) {
		if (space < 1)
			return false;
		emit(tty, (char *)&c, 1);
		return true;
	}
	if (space < 2 || (c == '\t' && space < 8))
		return space >= 1 && c != '\n' && c != '\t' ? (emit(tty, (char *)&c, 1), true) : false;
	switch (c) {
	case '\n':
		if (O(tty, ONLRET))
			tty->column = 0;
		if (O(tty, ONLCR)) {
			tty->canon_column = tty->column = 0;
			emit(tty, "\r\n", 2);
			return true;
		}
		tty->canon_column = tty->column;
		break;
	case '\r':
		if (O(tty, ONOCR) && tty->column == 0)
			return true;
		if (O(tty, OCRNL)) {
			c = '\n';
			if (O(tty, ONLRET))
				tty->canon_column = tty->column = 0;
			break;
		}
		tty->canon_column = tty->column = 0;
		break;
	case '\t':
		width = 8 - (tty->column & 7);
		tty->column += width;
		if ((tty->termios.c_oflag & TABDLY) == XTABS) {
			emit(tty, "        ", width);
			return true;
		}
		break;
	case '\b':
		if (tty->column > 0)
			tty->column--;
		break;
	default:
		if (O(tty, OLCUC) && c >= 'a' && c <= 'z')
			c -= 32;
		if (c >= 32 && c != 127 && !(I(tty, IUTF8) && (c & 0xc0) == 0x80))
			tty->column++;
	}
	emit(tty, (char *)&c, 1);
	return true;
}

/* A run without anything to process goes to the driver in one piece: bytes taken. output_lock held. */
static u32 output_block(struct tty *tty, const u8 *s, u32 n)
{
	u32 plain = 0;

	n = MIN(n, room(tty));
	while (plain < n && s[plain] >= 32 && s[plain] != 127 && !O(tty, OLCUC)) {
		if (!I(tty, IUTF8) || (s[plain] & 0xc0) != 0x80)
			tty->column++;
		plain++;
	}
	return plain ? tty->ops->write(tty, s, plain) : 0;
}

/* As much of s as fits. */
static u32 output(struct tty *tty, const u8 *s, u32 n)
{
	u32 done = 0;

	mutex_lock(&tty->output_lock);
	if (!O(tty, OPOST)) {
		n = MIN(n, room(tty));
		done = n ? tty->ops->write(tty, s, n) : 0;
	} else {
		while (done < n) {
			u32 block = output_block(tty, s + done, n - done);

			done += block;
			if (done < n && !output_char(tty, s[done]))
				break;
			done += done < n;
		}
	}
	mutex_unlock(&tty->output_lock);
	return done;
}

ssize_t n_tty_write(struct tty *tty, struct file *f, struct uio *u)
{
	u8 chunk[256];
	ssize_t written = 0;
	int rc = 0;

	if (L(tty, TOSTOP)) {
		rc = tty_check_change(tty, SIGTTOU);
		if (rc)
			return rc;
	}
	rc = mutex_lock_interruptible(&tty->write_lock);
	if (rc)
		return -ERESTARTSYS;
	while (u->left) {
		u32 n = (u32)MIN(u->left, sizeof(chunk)), done = 0;

		if (copy_from_uio(chunk, n, u) != n) {
			rc = -EFAULT;
			break;
		}
		while (done < n) {
			if (tty_file_hung(f) || (tty->flags & TTY_OTHER_CLOSED)) {
				rc = -EIO;
				break;
			}
			done += output(tty, chunk + done, n - done);
			if (done == n)
				break;
			if (f->flags & O_NONBLOCK) {
				rc = -EAGAIN;
				break;
			}
			rc = wait_event_interruptible(&tty->write_wait,
						      (!READ_ONCE(tty->stopped) && tty->ops->write_room(tty) > 1) ||
							      tty_file_hung(f) || (tty->flags & TTY_OTHER_CLOSED));
			if (rc)
				break;
		}
		written += done;
		if (rc)
			break;
	}
	mutex_unlock(&tty->write_lock);
	return written ? written : rc;
}

/* --- echo: queued under ldisc_lock, sent when the driver has room --- */

static void echo_queue(struct tty *tty, u8 c)
{
	if (tty->echo_head - tty->echo_tail < N_TTY_BUF_SIZE)
		tty->echo_buf[MASK(tty->echo_head++)] = c;
}

static void echo_flush(struct tty *tty)
{
	if (tty->echo_head == tty->echo_tail)
		return;
	mutex_lock(&tty->output_lock);
	while (tty->echo_tail != tty->echo_head && output_char(tty, tty->echo_buf[MASK(tty->echo_tail)]))
		tty->echo_tail++;
	mutex_unlock(&tty->output_lock);
}

static void echo_raw(struct tty *tty, u8 c)
{
	echo_queue(tty, c);
}

/* As typed: control characters as ^X when ECHOCTL. */
static void echo_char(struct tty *tty, u8 c)
{
	if (L(tty, ECHOCTL) && (ECHO_CTRL(c) || c == 127)) {
		echo_raw(tty, '^');
		echo_raw(tty, c ^ 0100);
	} else {
		echo_raw(tty, c);
	}
}

static void echo_string(struct tty *tty, const char *s)
{
	while (*s)
		echo_raw(tty, (u8)*s++);
}

/* --- line editing; all with ldisc_lock held --- */

static u32 char_width(struct tty *tty, u8 c)
{
	if (ECHO_CTRL(c) || c == 127)
		return L(tty, ECHOCTL) ? 2 : 0;
	if (I(tty, IUTF8) && (c & 0xc0) == 0x80)
		return 0;
	return 1;
}

/* Columns a tab in the line took: its place depends on everything before it on the screen line. */
static u32 tab_width(struct tty *tty, u32 pos)
{
	u32 before = tty->canon_column;

	for (u32 i = tty->canon_head; i != pos; i++) {
		u8 c = tty->read_buf[MASK(i)];

		if (c == '\t')
			before = (before | 7) + 1;
		else
			before += char_width(tty, c);
	}
	return 8 - (before & 7);
}

static void finish_erasing(struct tty *tty)
{
	if (tty->erasing) {
		echo_raw(tty, '/');
		tty->erasing = false;
	}
}

static void echo_erase(struct tty *tty, u8 c, u32 pos)
{
	u32 n;

	if (L(tty, ECHOPRT)) {
		if (!tty->erasing) {
			echo_raw(tty, '\\');
			tty->erasing = true;
		}
		echo_char(tty, c);
	} else if (!L(tty, ECHOE)) {
		echo_char(tty, CC(tty, VERASE));
	} else {
		n = c == '\t' ? tab_width(tty, pos) : char_width(tty, c);
		for (; n; n--)
			echo_string(tty, c == '\t' ? "\b" : "\b \b");
	}
}

static bool word_char(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 128;
}

/* Removes the last character of the line (all bytes of a UTF-8 one). Returns its first byte. */
static u8 unput(struct tty *tty)
{
	u8 c;

	do
		c = tty->read_buf[MASK(--tty->read_head)];
	while (I(tty, IUTF8) && (c & 0xc0) == 0x80 && tty->read_head != tty->canon_head);
	return c;
}

static void erase_one(struct tty *tty)
{
	u8 c = unput(tty);

	if (L(tty, ECHO))
		echo_erase(tty, c, tty->read_head);
}

static void erase_word(struct tty *tty)
{
	bool seen = false;

	while (tty->read_head != tty->canon_head) {
		bool word = word_char(tty->read_buf[MASK(tty->read_head - 1)]);

		if (seen && !word)
			break;
		seen |= word;
		erase_one(tty);
	}
}

static void kill_line(struct tty *tty)
{
	if (!L(tty, ECHO)) {
		tty->read_head = tty->canon_head;
		return;
	}
	if (!L(tty, ECHOK) || !L(tty, ECHOKE) || !L(tty, ECHOE)) {
		tty->read_head = tty->canon_head;
		finish_erasing(tty);
		echo_char(tty, CC(tty, VKILL));
		if (L(tty, ECHOK))
			echo_raw(tty, '\n');
		return;
	}
	while (tty->read_head != tty->canon_head)
		erase_one(tty);
}

static void reprint(struct tty *tty)
{
	finish_erasing(tty);
	echo_char(tty, CC(tty, VREPRINT));
	echo_raw(tty, '\n');
	for (u32 i = tty->canon_head; i != tty->read_head; i++)
		echo_char(tty, tty->read_buf[MASK(i)]);
}

static void put(struct tty *tty, u8 c)
{
	tty->read_buf[MASK(tty->read_head)] = c;
	clear_bit(MASK(tty->read_head), tty->read_flags);
	tty->read_head++;
}

/* c ends a line that readers may have now. */
static void put_line_end(struct tty *tty, u8 c)
{
	tty->read_buf[MASK(tty->read_head)] = c;
	set_bit(MASK(tty->read_head), tty->read_flags);
	tty->read_head++;
	tty->canon_head = tty->read_head;
	tty->canon_column = 0;
	wake_up_poll(&tty->read_wait, EPOLLIN | EPOLLRDNORM);
}

void tty_send_signal(struct tty *tty, int sig)
{
	struct pid *pgrp;
	u64 flags = spin_lock_irqsave(&tty->ctrl_lock);

	pgrp = pid_get(tty->pgrp);
	spin_unlock_irqrestore(&tty->ctrl_lock, flags);
	if (pgrp) {
		send_signal_pgrp(pgrp, sig, SEND_SIG_KERNEL);
		pid_put(pgrp);
	}
}

static void reset_input(struct tty *tty)
{
	tty->read_head = tty->canon_head = tty->read_tail = 0;
	tty->erasing = tty->lnext = tty->push = false;
}

static void interrupt(struct tty *tty, int sig, u8 c)
{
	if (!L(tty, NOFLSH)) {
		reset_input(tty);
		tty->echo_tail = tty->echo_head;
		tty_flush_output(tty);
		wake_up_poll(&tty->write_wait, EPOLLOUT | EPOLLWRNORM);
	}
	if (I(tty, IXON))
		tty_start(tty);
	if (L(tty, ECHO)) {
		echo_char(tty, c);
	}
	tty_send_signal(tty, sig);
}

static bool special(struct tty *tty, u8 c, u32 which)
{
	return c == CC(tty, which) && CC(tty, which) != 0; /* _POSIX_VDISABLE */
}

/* A character the canonical editor treats specially; false: an ordinary one. */
static bool edit(struct tty *tty, u8 c)
{
	if (special(tty, c, VERASE) || special(tty, c, VKILL) || (special(tty, c, VWERASE) && L(tty, IEXTEN))) {
		if (tty->read_head == tty->canon_head)
			return true;
		if (special(tty, c, VERASE))
			erase_one(tty);
		else if (special(tty, c, VKILL))
			kill_line(tty);
		else
			erase_word(tty);
		if (tty->read_head == tty->canon_head && L(tty, ECHO))
			finish_erasing(tty);
		return true;
	}
	if (special(tty, c, VLNEXT) && L(tty, IEXTEN)) {
		tty->lnext = true;
		if (L(tty, ECHO)) {
			finish_erasing(tty);
			if (L(tty, ECHOCTL))
				echo_string(tty, "^\b");
		}
		return true;
	}
	if (special(tty, c, VREPRINT) && L(tty, ECHO) && L(tty, IEXTEN)) {
		reprint(tty);
		return true;
	}
	if (c == '\n') {
		if (L(tty, ECHO) || L(tty, ECHONL))
			echo_raw(tty, '\n');
		put_line_end(tty, c);
		return true;
	}
	if (special(tty, c, VEOF)) {
		put_line_end(tty, EOF_CHAR);
		return true;
	}
	if (special(tty, c, VEOL) || (special(tty, c, VEOL2) && L(tty, IEXTEN))) {
		if (L(tty, ECHO))
			echo_char(tty, c);
		put_line_end(tty, c);
		return true;
	}
	return false;
}

static bool flow_or_signal(struct tty *tty, u8 c)
{
	if (I(tty, IXON)) {
		if (special(tty, c, VSTART)) {
			tty_start(tty);
			return true;
		}
		if (special(tty, c, VSTOP)) {
			tty_stop(tty);
			return true;
		}
	}
	if (L(tty, ISIG)) {
		int sig = special(tty, c, VINTR) ? SIGINT : special(tty, c, VQUIT) ? SIGQUIT :
			  special(tty, c, VSUSP) ? SIGTSTP : 0;

		if (sig) {
			interrupt(tty, sig, c);
			return true;
		}
	}
	return false;
}

static void ordinary(struct tty *tty, u8 c)
{
	if (L(tty, ECHO)) {
		finish_erasing(tty);
		if (c == '\n' && !tty->icanon)
			echo_raw(tty, '\n');
		else
			echo_char(tty, c);
	}
	if (I(tty, PARMRK) && c == 0377)
		put(tty, c);
	put(tty, c);
}

static void receive_char(struct tty *tty, u8 c)
{
	if (tty->lnext) {
		tty->lnext = false;
		ordinary(tty, I(tty, ISTRIP) ? c & 0x7f : c);
		return;
	}
	if (I(tty, ISTRIP))
		c &= 0x7f;
	if (I(tty, IUCLC) && L(tty, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 32;
	if (READ_ONCE(tty->stopped) && I(tty, IXON) && I(tty, IXANY) && !special(tty, c, VSTART) &&
	    !special(tty, c, VSTOP) && !special(tty, c, VINTR) && !special(tty, c, VQUIT) && !special(tty, c, VSUSP))
		tty_start(tty);
	if (flow_or_signal(tty, c))
		return;
	if (c == '\r') {
		if (I(tty, IGNCR))
			return;
		if (I(tty, ICRNL))
			c = '\n';
	} else if (c == '\n' && I(tty, INLCR)) {
		c = '\r';
	}
	if (tty->icanon && edit(tty, c))
		return;
	ordinary(tty, c);
}

static void receive_flagged(struct tty *tty, u8 c, u8 flag)
{
	if (flag == TTY_BREAK) {
		if (I(tty, IGNBRK))
			return;
		if (I(tty, BRKINT)) {
			interrupt(tty, SIGINT, 0);
			return;
		}
	} else if (flag == TTY_OVERRUN) {
		return;
	} else {
		if (I(tty, IGNPAR))
			return;
		if (!I(tty, INPCK)) {
			receive_char(tty, c);
			return;
		}
	}
	if (I(tty, PARMRK)) {
		put(tty, 0377);
		put(tty, 0);
	}
	put(tty, flag == TTY_BREAK || !I(tty, PARMRK) ? 0 : c);
}

static u32 read_room(struct tty *tty)
{
	u32 used = tty->read_head - tty->read_tail;

	/* A line longer than the buffer could never end: while no line is complete, excess characters are dropped. */
	if (tty->icanon && tty->canon_head == tty->read_tail && used >= N_TTY_BUF_SIZE - 4)
		return 4;
	return used >= N_TTY_BUF_SIZE - 1 ? 0 : N_TTY_BUF_SIZE - 1 - used;
}

/* In canonical mode with a full buffer only what ends or edits the line is looked at. */
static bool overlong(struct tty *tty, u8 c)
{
	if (!tty->icanon || tty->read_head - tty->read_tail < N_TTY_BUF_SIZE - (I(tty, PARMRK) ? 3 : 1))
		return false;
	return !(c == '\n' || (c == '\r' && I(tty, ICRNL)) || special(tty, c, VERASE) || special(tty, c, VKILL) ||
		 special(tty, c, VEOF) || special(tty, c, VINTR) || special(tty, c, VQUIT) || special(tty, c, VSUSP));
}

static void receive(struct tty *tty, const u8 *s, const u8 *flags, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		if (flags[i] != TTY_NORMAL)
			receive_flagged(tty, s[i], flags[i]);
		else if (tty->raw)
			put(tty, s[i]);
		else if (!overlong(tty, s[i]))
			receive_char(tty, s[i]);
	}
}

/* Bytes the ring gives up to `max`, copied out. */
static u32 take_received(struct tty *tty, u8 *s, u8 *fl, u32 max)
{
	u64 flags = spin_lock_irqsave(&tty->buf_lock);
	u32 n = MIN(tty->buf_head - tty->buf_tail, max);

	for (u32 i = 0; i < n; i++) {
		u32 at = (tty->buf_tail + i) % TTY_BUF_SIZE;

		s[i] = tty->buf[at];
		fl[i] = tty->buf_flags[at];
	}
	tty->buf_tail += n;
	spin_unlock_irqrestore(&tty->buf_lock, flags);
	return n;
}

static bool reader_has_data(struct tty *tty)
{
	if (tty->icanon)
		return tty->canon_head != tty->read_tail;
	return tty->read_head - tty->read_tail >= (CC(tty, VTIME) ? 1U : MAX((u32)CC(tty, VMIN), 1U)) || tty->push;
}

void n_tty_receive_work(struct work *w)
{
	struct tty *tty = container_of(w, struct tty, receive_work);
	u8 s[128], flags[128];
	bool took = false;
	u32 n;

	mutex_lock(&tty->ldisc_lock);
	/* Each character may become three (PARMRK). */
	while ((n = take_received(tty, s, flags, MIN(read_room(tty) / (I(tty, PARMRK) ? 3 : 1), 128U)))) {
		receive(tty, s, flags, n);
		echo_flush(tty);
		took = true;
	}
	echo_flush(tty);
	if (!tty->icanon && tty->read_head != tty->read_tail)
		wake_up_poll(&tty->read_wait, EPOLLIN | EPOLLRDNORM);
	mutex_unlock(&tty->ldisc_lock);
	if (!took)
		return;
	if (tty->flags & TTY_THROTTLED && TTY_BUF_SIZE - tty_buffer_room(tty) < TTY_BUF_LOW) {
		atomic_and(&tty->flags, ~TTY_THROTTLED);
		if (tty->ops->unthrottle)
			tty->ops->unthrottle(tty);
	}
	if (tty->link)
		tty_wakeup(tty->link);
}

void n_tty_flush_input(struct tty *tty)
{
	u64 flags;

	mutex_lock(&tty->ldisc_lock);
	reset_input(tty);
	flags = spin_lock_irqsave(&tty->buf_lock);
	tty->buf_tail = tty->buf_head;
	spin_unlock_irqrestore(&tty->buf_lock, flags);
	mutex_unlock(&tty->ldisc_lock);
	tty_packet_event(tty, TIOCPKT_FLUSHREAD, 0);
	work_queue(system_unbound_wq, &tty->receive_work);
}

void n_tty_set_termios(struct tty *tty, const struct ktermios *old)
{
	tty->icanon = L(tty, ICANON) != 0;
	if (!old || (old->c_lflag ^ tty->termios.c_lflag) & (ICANON | EXTPROC)) {
		memset(tty->read_flags, 0, sizeof(tty->read_flags));
		/* What was typed before the switch becomes readable: as one line, or as it is. */
		tty->canon_head = tty->read_head;
		if (tty->icanon && tty->read_head != tty->read_tail) {
			set_bit(MASK(tty->read_head - 1), tty->read_flags);
			tty->push = true;
		}
		tty->erasing = tty->lnext = false;
	}
	tty->raw = !tty->icanon && !L(tty, ISIG | ECHO | IEXTEN) &&
		   !I(tty, ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK | INPCK);
	wake_up_poll(&tty->read_wait, EPOLLIN);
	wake_up_poll(&tty->write_wait, EPOLLOUT);
}

/* --- reading --- */

/* One line, or what fits of it. ldisc_lock held. *eof when the line was an end of file. */
static u32 take_line(struct tty *tty, u8 *dst, u32 max, bool *done)
{
	u32 n = 0;

	while (tty->read_tail != tty->canon_head) {
		u32 at = MASK(tty->read_tail);
		bool end = test_bit(at, tty->read_flags);

		if (end && tty->read_buf[at] == EOF_CHAR) {
			tty->read_tail++;
			*done = true;
			break;
		}
		if (n == max)
			break;
		dst[n++] = tty->read_buf[at];
		tty->read_tail++;
		if (end) {
			*done = true;
			/* An end of file typed right behind belongs to the next read. */
			break;
		}
	}
	return n;
}

static u32 take_raw(struct tty *tty, u8 *dst, u32 max)
{
	u32 n = MIN(tty->read_head - tty->read_tail, max), at = MASK(tty->read_tail);
	u32 first = MIN(n, N_TTY_BUF_SIZE - at);

	memcpy(dst, tty->read_buf + at, first);
	memcpy(dst + first, tty->read_buf, n - first);
	tty->read_tail += n;
	tty->canon_head = tty->read_tail; /* raw mode has no lines */
	if (tty->read_tail == tty->read_head)
		tty->push = false;
	return n;
}

/* More of the ring may fit now that the reader took some. */
static void read_more(struct tty *tty)
{
	if (READ_ONCE(tty->buf_head) != READ_ONCE(tty->buf_tail))
		work_queue(system_unbound_wq, &tty->receive_work);
}

static int job_control(struct tty *tty, struct file *f)
{
	if (f->inode->rdev == DEV_CONSOLE)
		return 0;
	return tty_check_change(tty, SIGTTIN);
}

static bool packet_pending(struct tty *tty)
{
	return READ_ONCE(tty->packet) && tty->link && READ_ONCE(tty->link->packet_status);
}

static ssize_t read_packet_status(struct tty *tty, struct uio *u)
{
	u8 status;
	u64 flags = spin_lock_irqsave(&tty->link->ctrl_lock);

	status = tty->link->packet_status;
	tty->link->packet_status = 0;
	spin_unlock_irqrestore(&tty->link->ctrl_lock, flags);
	return copy_to_uio(&status, 1, u) == 1 ? 1 : -EFAULT;
}

/* Nothing more will come: EIO for the slave's reader of a closed master is an end of file, as for the master itself. */
static bool input_ended(struct tty *tty, struct file *f)
{
	return tty_file_hung(f) || ((tty->flags & TTY_OTHER_CLOSED) && READ_ONCE(tty->buf_head) == READ_ONCE(tty->buf_tail));
}

/* Waits until there is something to read, the deadline of VTIME passes, or it is over. */
static int wait_for_input(struct tty *tty, struct file *f, ktime_t deadline)
{
	int rc;

	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	mutex_unlock(&tty->read_lock);
	rc = wait_event_interruptible_deadline(&tty->read_wait,
					       reader_has_data(tty) || packet_pending(tty) || input_ended(tty, f) ||
						       (!tty->icanon && tty->read_head != tty->read_tail),
					       deadline);
	mutex_lock(&tty->read_lock);
	return rc;
}

ssize_t n_tty_read(struct tty *tty, struct file *f, struct uio *u)
{
	u8 chunk[256];
	ssize_t got = 0, rc;
	ktime_t deadline = 0;
	bool line_done = false, status_byte = false;
	u64 minimum;

	rc = job_control(tty, f);
	if (rc)
		return rc;
	if (f->flags & O_NONBLOCK) {
		if (!mutex_trylock(&tty->read_lock))
			return -EAGAIN;
	} else if (mutex_lock_interruptible(&tty->read_lock)) {
		return -ERESTARTSYS;
	}
	minimum = CC(tty, VMIN);
	if (!tty->icanon && minimum == 0 && CC(tty, VTIME))
		deadline = ktime_get() + CC(tty, VTIME) * (NSEC_PER_SEC / 10);
	while (u->left && !line_done) {
		u32 n = 0, want = (u32)MIN(u->left, sizeof(chunk));
		bool was_canon;

		if (packet_pending(tty) && !got) {
			rc = read_packet_status(tty, u);
			got = rc > 0 ? rc : 0;
			break;
		}
		if (tty->packet && !status_byte) {
			want--; /* the status byte comes first */
			if (want == 0 && reader_has_data(tty)) {
				u8 zero = TIOCPKT_DATA;

				got = copy_to_uio(&zero, 1, u) == 1 ? 1 : -EFAULT;
				break;
			}
		}
		mutex_lock(&tty->ldisc_lock);
		was_canon = tty->icanon;
		if (was_canon)
			n = take_line(tty, chunk, want, &line_done);
		else
			n = take_raw(tty, chunk, want);
		mutex_unlock(&tty->ldisc_lock);
		if (n && tty->packet && !status_byte) {
			u8 zero = TIOCPKT_DATA;

			status_byte = true;
			if (copy_to_uio(&zero, 1, u) != 1) {
				rc = -EFAULT;
				break;
			}
			got++;
		}
		if (n) {
			read_more(tty);
			if (copy_to_uio(chunk, n, u) != n) {
				rc = -EFAULT;
				break;
			}
			got += n;
			if (!was_canon && CC(tty, VTIME) && minimum)
				deadline = ktime_get() + CC(tty, VTIME) * (NSEC_PER_SEC / 10);
			continue;
		}
		if (line_done)
			break;
		if (was_canon ? got > 0 : (u64)(got - status_byte) >= MAX(minimum, 1UL))
			break;
		if (!was_canon && minimum == 0 && !deadline)
			break;
		if (input_ended(tty, f)) {
			rc = tty->flags & TTY_PTY_MASTER && !tty_file_hung(f) ? -EIO : 0;
			break;
		}
		rc = wait_for_input(tty, f, deadline);
		if (rc == -ETIME) {
			rc = 0;
			break;
		}
		if (rc)
			break;
	}
	mutex_unlock(&tty->read_lock);
	return got ? got : rc;
}

u32 n_tty_inq(struct tty *tty)
{
	u32 n = 0;

	mutex_lock(&tty->ldisc_lock);
	if (tty->icanon) {
		for (u32 i = tty->read_tail; i != tty->canon_head; i++)
			n += !(test_bit(MASK(i), tty->read_flags) && tty->read_buf[MASK(i)] == EOF_CHAR);
	} else {
		n = tty->read_head - tty->read_tail;
	}
	mutex_unlock(&tty->ldisc_lock);
	return n;
}

u32 n_tty_poll(struct tty *tty, struct file *f, struct poll_table *pt)
{
	u32 mask = 0;

	poll_wait(f, &tty->read_wait, pt);
	poll_wait(f, &tty->write_wait, pt);
	if (reader_has_data(tty) || (!tty->icanon && CC(tty, VMIN) == 0 && tty->read_head != tty->read_tail))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (packet_pending(tty))
		mask |= EPOLLPRI | EPOLLIN | EPOLLRDNORM;
	if (tty_file_hung(f))
		return mask | EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLERR;
	if (tty->flags & TTY_OTHER_CLOSED)
		mask |= EPOLLHUP;
	if (!READ_ONCE(tty->stopped) && tty->ops->chars_in_buffer(tty) < WAKEUP_CHARS && tty->ops->write_room(tty) > 0)
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

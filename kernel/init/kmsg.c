/* SPDX-License-Identifier: MIT */
/*
 * The log for user space: syslog(2) and the file operations of /dev/kmsg.
 *
 * Each opener of /dev/kmsg has a position of its own (file->data is the next sequence number plus one); syslog(2)'s
 * destructive READ has one for all. Who may read: anybody while kernel.dmesg_restrict is 0, else CAP_SYSLOG.
 */
#include "kmsg.h"

#include <kernel/cred.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/poll.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <kernel/uio.h>
#include <linux/fs.h>

/* Actions of syslog(2); Linux's numbers, which no UAPI header gives. */
enum syslog_action {
	SYSLOG_CLOSE, SYSLOG_OPEN, SYSLOG_READ, SYSLOG_READ_ALL, SYSLOG_READ_CLEAR, SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF, SYSLOG_CONSOLE_ON, SYSLOG_CONSOLE_LEVEL, SYSLOG_SIZE_UNREAD, SYSLOG_SIZE_BUFFER,
};
#define LOG_BUFFER_SIZE (32 << 10)

u32 sysctl_dmesg_restrict = 1; /* Debian's default */
static DEFINE_MUTEX(syslog_mutex, RANK_MUTEX);
static u64 syslog_seq;	       /* [syslog_mutex] next record of SYSLOG_READ */
static u32 syslog_offset;      /* [syslog_mutex] bytes of it already given out */
static u32 saved_loglevel;     /* [syslog_mutex] of CONSOLE_OFF; 0: none */

/* A record and its line as text: "<6>[    1.234567] message\n". Returns the length. */
struct line {
	struct log_record record;
	char text[sizeof(((struct log_record *)0)->text) + 40];
};

static u32 format_line(struct line *l)
{
	const struct log_record *r = &l->record;

	return (u32)scnprintf(l->text, sizeof(l->text), "<%u>[%5llu.%06llu] %s\n", r->facility << 3 | r->level,
			      (unsigned long long)(r->time_ns / NSEC_PER_SEC),
			      (unsigned long long)(r->time_ns % NSEC_PER_SEC / 1000), r->text);
}

static int syslog_read(char __user *buf, int len, struct line *l)
{
	int rc = 0, done = 0;

	rc = wait_event_interruptible(log_wait_queue(), syslog_seq < log_next_seq());
	if (rc)
		return rc;
	mutex_lock(&syslog_mutex);
	while (done < len && log_read(syslog_seq, &l->record) == 0) {
		u32 n = format_line(l), part;

		if (l->record.seq != syslog_seq)
			syslog_offset = 0; /* overwritten meanwhile */
		part = MIN(n - syslog_offset, (u32)(len - done));
		if (copy_to_user(buf + done, l->text + syslog_offset, part)) {
			rc = -EFAULT;
			break;
		}
		done += (int)part;
		syslog_offset += part;
		syslog_seq = l->record.seq;
		if (syslog_offset == n) {
			syslog_seq++;
			syslog_offset = 0;
		}
	}
	mutex_unlock(&syslog_mutex);
	return done ? done : rc;
}

/* The last `len` bytes of whole lines since the last clear. */
static int syslog_read_all(char __user *buf, int len, bool clear, struct line *l)
{
	u64 seq, end = log_next_seq();
	s64 total = 0;
	int done = 0;

	for (seq = log_clear_seq(); seq < end && log_read(seq, &l->record) == 0; seq = l->record.seq + 1)
		total += format_line(l);
	for (seq = log_clear_seq(); seq < end && log_read(seq, &l->record) == 0; seq = l->record.seq + 1) {
		u32 n = format_line(l);

		if (total <= len) {
			if (done + (int)n > len)
				break;
			if (copy_to_user(buf + done, l->text, n))
				return -EFAULT;
			done += (int)n;
		} else {
			total -= n;
		}
	}
	if (clear)
		log_clear();
	return done;
}

static int syslog_unread(struct line *l)
{
	s64 total = 0;

	mutex_lock(&syslog_mutex);
	for (u64 seq = syslog_seq; log_read(seq, &l->record) == 0; seq = l->record.seq + 1)
		total += format_line(l);
	total -= syslog_offset;
	mutex_unlock(&syslog_mutex);
	return (int)MAX(total, 0L);
}

static int syslog_level(int action, int len)
{
	int rc = 0;

	mutex_lock(&syslog_mutex);
	if (action == SYSLOG_CONSOLE_OFF) {
		saved_loglevel = saved_loglevel ? saved_loglevel : console_loglevel;
		console_loglevel = 1;
	} else if (action == SYSLOG_CONSOLE_ON) {
		if (saved_loglevel)
			console_loglevel = saved_loglevel;
		saved_loglevel = 0;
	} else if (len < 1 || len > 8) {
		rc = -EINVAL;
	} else {
		console_loglevel = (u32)len;
		saved_loglevel = 0;
	}
	mutex_unlock(&syslog_mutex);
	return rc;
}

static int with_line(int action, char __user *buf, int len)
{
	struct line *l;
	int rc;

	if (!buf || len < 0)
		return -EINVAL;
	if (len == 0)
		return 0;
	if (!access_ok(buf, (u64)len))
		return -EFAULT;
	l = kmalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return -ENOMEM;
	rc = action == SYSLOG_READ ? syslog_read(buf, len, l) : syslog_read_all(buf, len, action == SYSLOG_READ_CLEAR, l);
	kfree(l);
	return rc;
}

long sys_syslog(int action, char __user *buf, int len)
{
	struct line *l;
	int rc;

	if ((sysctl_dmesg_restrict || (action != SYSLOG_READ_ALL && action != SYSLOG_SIZE_BUFFER)) &&
	    !capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (action) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		return with_line(action, buf, len);
	case SYSLOG_CLEAR:
		log_clear();
		return 0;
	case SYSLOG_CONSOLE_OFF:
	case SYSLOG_CONSOLE_ON:
	case SYSLOG_CONSOLE_LEVEL:
		return syslog_level(action, len);
	case SYSLOG_SIZE_UNREAD:
		l = kmalloc(sizeof(*l), GFP_KERNEL);
		if (!l)
			return -ENOMEM;
		rc = syslog_unread(l);
		kfree(l);
		return rc;
	case SYSLOG_SIZE_BUFFER:
		return LOG_BUFFER_SIZE;
	}
	return -EINVAL;
}

/* --- /dev/kmsg --- */

struct kmsg_reader {
	struct mutex lock;
	u64 seq;	/* [lock] */
	struct line line; /* [lock] */
};

static int kmsg_open(struct inode *inode, struct file *f)
{
	struct kmsg_reader *r;

	if (!(f->mode & FMODE_READ))
		return 0;
	if (sysctl_dmesg_restrict && !capable(CAP_SYSLOG))
		return -EPERM;
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock, RANK_MUTEX);
	r->seq = log_first_seq();
	f->data = r;
	return 0;
}

static void kmsg_release(struct inode *inode, struct file *f)
{
	kfree(f->data);
}

/* "6,123,4567890,-;text\n", bytes below 32 and backslashes as \xNN. */
static u32 kmsg_format(struct line *l)
{
	const struct log_record *r = &l->record;
	u32 n = (u32)scnprintf(l->text, sizeof(l->text), "%u,%llu,%llu,-;", r->facility << 3 | r->level,
			       (unsigned long long)r->seq, (unsigned long long)(r->time_ns / 1000));

	for (u32 i = 0; i < r->len && n < sizeof(l->text) - 6; i++) {
		u8 c = (u8)r->text[i];

		if (c < 32 || c >= 127 || c == '\\')
			n += (u32)scnprintf(l->text + n, sizeof(l->text) - n, "\\x%02x", c);
		else
			l->text[n++] = (char)c;
	}
	l->text[n++] = '\n';
	return n;
}

static ssize_t kmsg_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct kmsg_reader *r = f->data;
	ssize_t rc;
	u32 n;

	if (!r)
		return -EBADF;
	rc = mutex_lock_interruptible(&r->lock);
	if (rc)
		return rc;
	while (log_read(r->seq, &r->line.record) == -ENOENT) {
		rc = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			goto out;
		mutex_unlock(&r->lock);
		rc = wait_event_interruptible(log_wait_queue(), READ_ONCE(r->seq) < log_next_seq());
		if (rc)
			return rc;
		mutex_lock(&r->lock);
	}
	rc = -EPIPE; /* records were overwritten: once, then go on with the oldest */
	if (r->line.record.seq != r->seq) {
		r->seq = r->line.record.seq;
		goto out;
	}
	n = kmsg_format(&r->line);
	rc = -EINVAL;
	if (n > u->left)
		goto out;
	rc = copy_to_uio(r->line.text, n, u) == n ? (ssize_t)n : -EFAULT;
	if (rc > 0)
		r->seq++;
out:
	mutex_unlock(&r->lock);
	return rc;
}

static ssize_t kmsg_write(struct file *f, struct uio *u, loff_t *pos)
{
	char text[512];
	u64 n = u->left, prio = LOG_WARNING + (1 << 3);
	const char *s = text, *end;

	if (n > sizeof(text) - 1)
		return -EINVAL;
	if (copy_from_uio(text, n, u) != n)
		return -EFAULT;
	text[n] = '\0';
	if (*s == '<' && (end = strchr(s, '>')) && end - s > 1 && end - s < 8) {
		u64 v = 0;
		const char *p = s + 1;

		while (*p >= '0' && *p <= '9')
			v = v * 10 + (u64)(*p++ - '0');
		if (p == end) {
			/* Nobody but the kernel speaks as the kernel (facility 0): it becomes user (1). */
			prio = v >> 3 ? v : v | 1 << 3;
			s = end + 1;
		}
	}
	log_store((u32)prio, s, strlen(s));
	return (ssize_t)n;
}

static loff_t kmsg_llseek(struct file *f, loff_t off, int whence)
{
	struct kmsg_reader *r = f->data;

	if (!r)
		return -EBADF;
	if (off)
		return -ESPIPE;
	if (whence == SEEK_SET)
		r->seq = log_first_seq();
	else if (whence == SEEK_DATA)
		r->seq = log_clear_seq();
	else if (whence == SEEK_END)
		r->seq = log_next_seq();
	else
		return -EINVAL;
	return 0;
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	struct kmsg_reader *r = f->data;

	if (!r)
		return EPOLLERR | EPOLLNVAL;
	poll_wait(f, log_wait_queue(), pt);
	if (r->seq >= log_next_seq())
		return 0;
	return EPOLLIN | EPOLLRDNORM | (r->seq < log_first_seq() ? EPOLLERR | EPOLLPRI : 0);
}

const struct file_ops kmsg_fops = {
	.open = kmsg_open,
	.release = kmsg_release,
	.read = kmsg_read,
	.write = kmsg_write,
	.llseek = kmsg_llseek,
	.poll = kmsg_poll,
};

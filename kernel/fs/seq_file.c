/* SPDX-License-Identifier: MIT */
/*
 * seq_file: text made record by record, given out as a file.
 *
 * A read that finds the buffer empty renders records from m->index on until the buffer is well filled; one that does
 * not fit whole is made again next time, in a larger buffer if it is alone. So a record is never cut, and start() to
 * stop() holds its locks for one bufferful only. A read elsewhere than where the last one ended starts over and skips.
 *
 * Locks: m->lock (RANK_SEQ_FILE) everything in m: two readers may share the file.
 */
#include <kernel/seq_file.h>

#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <linux/fs.h>

#include "internal.h"

#define SEQ_MAX (32UL << 20) /* one record */

/* --- single records --- */

static void *single_start(struct seq_file *m, loff_t *pos)
{
	(void)m;
	return *pos == 0 ? (void *)1 : NULL;
}

static void *single_next(struct seq_file *m, void *v, loff_t *pos)
{
	(void)m;
	(void)v;
	++*pos;
	return NULL;
}

static void single_stop(struct seq_file *m, void *v)
{
	(void)m;
	(void)v;
}

static int single_show(struct seq_file *m, void *v) { return m->single(m, v); }

static const struct seq_ops single_ops = { single_start, single_stop, single_next, single_show };

/* --- life --- */

int seq_open(struct file *f, const struct seq_ops *ops, void *data)
{
	struct seq_file *m = kzalloc(sizeof(*m), GFP_KERNEL);

	if (!m)
		return -ENOMEM;
	mutex_init(&m->lock, RANK_SEQ_FILE);
	m->ops = ops;
	m->data = data;
	m->file = f;
	f->data = m;
	f->mode &= ~(u32)FMODE_PWRITE;
	return 0;
}

int single_open(struct file *f, int (*show)(struct seq_file *m, void *v), void *data)
{
	int rc = seq_open(f, &single_ops, data);

	if (!rc)
		seq_of(f)->single = show;
	return rc;
}

struct seq_file *seq_of(struct file *f) { return f->data; }

void seq_release(struct inode *i, struct file *f)
{
	struct seq_file *m = f->data;

	(void)i;
	kvfree(m->buf);
	kfree(m);
	f->data = NULL;
}

/* --- rendering. m->lock held --- */

static int seq_grow(struct seq_file *m)
{
	size_t size = m->size ? m->size * 2 : PAGE_SIZE;

	kvfree(m->buf);
	m->size = m->count = 0;
	m->buf = size <= SEQ_MAX ? kvmalloc(size, GFP_KERNEL) : NULL;
	if (!m->buf)
		return -ENOMEM;
	m->size = size;
	return 0;
}

/* One record into the buffer behind what is there. 1: it is in, 0: no room (nothing added), or an error. */
static int seq_show_one(struct seq_file *m, void *v)
{
	size_t before = m->count;
	int rc = m->ops->show(m, v);

	if (rc || m->overflow)
		m->count = before;
	if (rc < 0)
		return rc;
	if (rc == 0 && m->overflow) {
		m->overflow = false;
		return 0;
	}
	m->overflow = false;
	return 1; /* also when show() chose to say nothing */
}

/* Records from m->index on. 0, with count 0 at the end; -EAGAIN: not one fits. */
static int seq_render(struct seq_file *m)
{
	void *v = m->ops->start(m, &m->index);
	int rc = 0;

	while (!IS_ERR_OR_NULL(v)) {
		rc = seq_show_one(m, v);
		if (rc <= 0)
			break;
		v = m->ops->next(m, v, &m->index);
		if (m->count >= m->size / 2)
			break;
	}
	m->ops->stop(m, v);
	if (m->count)
		return 0;
	if (IS_ERR(v))
		return (int)PTR_ERR(v);
	if (rc < 0)
		return rc;
	return v && rc == 0 ? -EAGAIN : 0;
}

static int seq_fill(struct seq_file *m)
{
	int rc;

	m->from = m->count = 0;
	m->overflow = false;
	if (!m->buf) {
		rc = seq_grow(m);
		if (rc)
			return rc;
	}
	while ((rc = seq_render(m)) == -EAGAIN) {
		rc = seq_grow(m);
		if (rc)
			return rc;
	}
	return rc;
}

/* To offset `pos` of the text: from the start, unless it is where the last read ended. */
static int seq_seek(struct seq_file *m, loff_t pos)
{
	u64 skip = (u64)pos;

	if (pos == m->read_pos)
		return 0;
	m->index = 0;
	m->from = m->count = 0;
	m->read_pos = pos;
	while (skip) {
		int rc = seq_fill(m);

		if (rc || !m->count) {
			m->read_pos = rc ? -1 : pos; /* after an error nothing is known */
			return rc;
		}
		m->from = MIN(m->count, skip);
		skip -= m->from;
	}
	return 0;
}

static ssize_t seq_read_locked(struct seq_file *m, struct uio *u, loff_t *pos)
{
	ssize_t done = 0;
	int rc = seq_seek(m, *pos);

	while (!rc && u->left) {
		u64 n, copied;

		if (m->from == m->count) {
			if (done) /* what is there now is an answer */
				break;
			rc = seq_fill(m);
			if (rc || !m->count)
				break;
		}
		n = MIN(m->count - m->from, u->left);
		copied = copy_to_uio(m->buf + m->from, n, u);
		m->from += copied;
		done += (ssize_t)copied;
		if (copied < n)
			rc = -EFAULT;
	}
	*pos += done;
	m->read_pos = *pos;
	return done ? done : rc;
}

ssize_t seq_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct seq_file *m = f->data;
	ssize_t n;

	if (!u->left)
		return 0;
	mutex_lock(&m->lock);
	n = seq_read_locked(m, u, pos);
	mutex_unlock(&m->lock);
	return n;
}

loff_t seq_llseek(struct file *f, loff_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

/* --- what show() uses --- */

void seq_write(struct seq_file *m, const void *p, size_t n)
{
	if (m->size - m->count < n) {
		m->overflow = true;
		return;
	}
	memcpy(m->buf + m->count, p, n);
	m->count += n;
}

void seq_puts(struct seq_file *m, const char *s) { seq_write(m, s, strlen(s)); }

void seq_putc(struct seq_file *m, char c)
{
	if (m->count < m->size)
		m->buf[m->count++] = c;
	else
		m->overflow = true;
}

void seq_printf(struct seq_file *m, const char *fmt, ...)
{
	size_t room = m->size - m->count;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(m->buf + m->count, room, fmt, ap);
	va_end(ap);
	if ((size_t)n < room)
		m->count += (size_t)n;
	else
		m->overflow = true;
}

void seq_escape(struct seq_file *m, const char *s, const char *esc)
{
	for (; *s; s++) {
		if (strchr(esc, *s))
			seq_printf(m, "\\%03o", (u8)*s);
		else
			seq_putc(m, *s);
	}
}

void seq_path(struct seq_file *m, const struct path *p, const struct path *root, const char *esc)
{
	char *buf = kmalloc(PATH_MAX_LEN, GFP_KERNEL), *s;
	bool reached;

	if (!buf) {
		m->overflow = true;
		return;
	}
	s = root ? path_name(p, root, buf, PATH_MAX_LEN) : path_write(p, &root_path, buf, PATH_MAX_LEN, &reached);
	seq_escape(m, IS_ERR(s) ? "(too long)" : s, esc);
	kfree(buf);
}

void seq_pad(struct seq_file *m, size_t column, char c)
{
	size_t line = m->count;

	while (line > 0 && m->buf[line - 1] != '\n')
		line--;
	while (m->count - line < column && m->count < m->size)
		seq_putc(m, ' ');
	if (c)
		seq_putc(m, c);
}

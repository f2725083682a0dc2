/* SPDX-License-Identifier: MIT */
/*
 * seq_file: text files made on the fly (kernel/fs/seq_file.c). Either one show() for the whole text, or an iterator.
 */
#ifndef KERNEL_SEQ_FILE_H
#define KERNEL_SEQ_FILE_H

#include <kernel/fs.h>

struct seq_ops;
struct seq_file {
	char *buf;
	size_t size, count, from; /* buffer, filled, already given out */
	bool overflow;
	loff_t index, read_pos;
	struct mutex lock;
	const struct seq_ops *ops;
	int (*single)(struct seq_file *m, void *v);
	void *data;
	struct file *file;
};
struct seq_ops {
	void *(*start)(struct seq_file *m, loff_t *pos); /* NULL: end; ERR_PTR */
	void (*stop)(struct seq_file *m, void *v);
	void *(*next)(struct seq_file *m, void *v, loff_t *pos);
	int (*show)(struct seq_file *m, void *v);
};
int seq_open(struct file *f, const struct seq_ops *ops, void *data);
int single_open(struct file *f, int (*show)(struct seq_file *m, void *v), void *data);
struct seq_file *seq_of(struct file *f);
ssize_t seq_read(struct file *f, struct uio *u, loff_t *pos);
loff_t seq_llseek(struct file *f, loff_t off, int whence);
void seq_release(struct inode *i, struct file *f);
void __printf(2, 3) seq_printf(struct seq_file *m, const char *fmt, ...);
void seq_puts(struct seq_file *m, const char *s);
void seq_putc(struct seq_file *m, char c);
void seq_write(struct seq_file *m, const void *p, size_t n);
void seq_escape(struct seq_file *m, const char *s, const char *esc); /* octal */
void seq_path(struct seq_file *m, const struct path *p, const struct path *root, const char *esc);
void seq_pad(struct seq_file *m, size_t column, char c);

#endif

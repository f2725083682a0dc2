/* SPDX-License-Identifier: MIT */
/*
 * From a place back to its name: written right to left into the caller's buffer, under RCU, again from the start when a
 * rename or a mount happened meanwhile.
 */
#include "internal.h"

#include <kernel/string.h>

struct writer {
	char *buf, *at; /* at: where the text begins so far */
	bool full;
};

static void put_text(struct writer *w, const char *s, size_t n)
{
	if (w->full || n > (size_t)(w->at - w->buf)) {
		w->full = true;
		return;
	}
	w->at -= n;
	memcpy(w->at, s, n);
}

/* A name a rename may be changing: copied up to its NUL, checked by the caller's sequence counts. */
static void put_name(struct writer *w, const struct dentry *d)
{
	const char *name = READ_ONCE(d->name);
	size_t n = strnlen(name, NAME_MAX_LEN);

	put_text(w, name, n);
	put_text(w, "/", 1);
}

/* Up from p to root, or as far as it goes. */
static void put_path(struct writer *w, struct path p, const struct path *root, bool *reached)
{
	*reached = false;
	for (;;) {
		if (p.dentry == root->dentry && p.mnt == root->mnt) {
			*reached = true;
			return;
		}
		if (p.dentry == p.mnt->root || dentry_is_root(p.dentry)) {
			struct path up = { READ_ONCE(p.mnt->parent), READ_ONCE(p.mnt->mountpoint) };

			if (!up.mnt || !up.dentry || p.dentry != p.mnt->root)
				return;
			p = up;
			continue;
		}
		put_name(w, p.dentry);
		if (w->full)
			return;
		p.dentry = READ_ONCE(p.dentry->parent);
	}
}

static char *writer_end(struct writer *w, const char *end)
{
	if (w->at == end)
		put_text(w, "/", 1);
	return w->full ? ERR_PTR(-ENAMETOOLONG) : w->at;
}

char *path_write(const struct path *p, const struct path *root, char *buf, size_t size, bool *reached)
{
	char *end = buf + size - 1;
	struct writer w;
	u32 rseq, mseq;

	if (size == 0)
		return ERR_PTR(-ENAMETOOLONG);
	*end = '\0';
	do {
		w = (struct writer){ .buf = buf, .at = end };
		rcu_read_lock();
		rseq = seq_begin(&rename_seq);
		mseq = seq_begin(&mount_seq);
		put_path(&w, *p, root, reached);
		rcu_read_unlock();
	} while (seq_retry(&rename_seq, rseq) || seq_retry(&mount_seq, mseq));
	return writer_end(&w, end);
}

char *dentry_write(struct dentry *d, char *buf, size_t size)
{
	char *end = buf + size - 1;
	struct writer w;
	u32 seq;

	*end = '\0';
	do {
		w = (struct writer){ .buf = buf, .at = end };
		rcu_read_lock();
		seq = seq_begin(&rename_seq);
		for (const struct dentry *e = d; !dentry_is_root(e) && !w.full; e = READ_ONCE(e->parent))
			put_name(&w, e);
		rcu_read_unlock();
	} while (seq_retry(&rename_seq, seq));
	return writer_end(&w, end);
}

bool dentry_is_under(struct dentry *d, const struct dentry *ancestor)
{
	const struct dentry *e;
	u32 seq;

	do {
		rcu_read_lock();
		seq = seq_begin(&rename_seq);
		for (e = d; e != ancestor && READ_ONCE(e->parent) != e; e = READ_ONCE(e->parent))
			;
		rcu_read_unlock();
	} while (seq_retry(&rename_seq, seq));
	return e == ancestor;
}

static const char deleted[] = " (deleted)";

/* The text for p with prefix before it when root was not reached. */
static char *name_of(const struct path *p, const struct path *root, char *buf, size_t size, const char *prefix)
{
	const struct dentry *d = p->dentry;
	struct writer w;
	bool reached;
	char *s;

	if (d->ops && d->ops->dname)
		return d->ops->dname(p->dentry, buf, size);
	if (dentry_unlinked(d)) {
		if (size < sizeof(deleted))
			return ERR_PTR(-ENAMETOOLONG);
		memcpy(buf + size - sizeof(deleted), deleted, sizeof(deleted));
		size -= sizeof(deleted) - 1;
		s = path_write(p, root, buf, size, &reached);
		if (!IS_ERR(s))
			buf[size - 1] = ' '; /* the NUL between the two */
	} else {
		s = path_write(p, root, buf, size, &reached);
	}
	if (IS_ERR(s) || reached)
		return s;
	w = (struct writer){ .buf = buf, .at = s };
	put_text(&w, prefix, strlen(prefix));
	return w.full ? ERR_PTR(-ENAMETOOLONG) : w.at;
}

char *path_name(const struct path *path, const struct path *root, char *buf, size_t size)
{
	return name_of(path, root, buf, size, "(unreachable)");
}

char *file_path_name(struct file *f, char *buf, size_t size)
{
	struct path root;
	char *s;

	if (!current->fs) /* a kernel thread that gave it up */
		return name_of(&f->path, &root_path, buf, size, "");
	fs_get_root(current->fs, &root);
	s = name_of(&f->path, &root, buf, size, "");
	path_put(&root);
	return s;
}

/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables: small integers to open files, shared by threads (CLONE_FILES).
 *
 * A slot is free (bit clear), reserved (bit set, pointer NULL: fd_alloc) or in use (fd_install). Lookups read table and
 * slot under RCU, take a reference and look again, because the memory of a struct file may be another one by then; when
 * the table is one task's alone nobody else can close, and neither a lock nor a reference is needed.
 *
 * Locks: files->lock (RANK_FILES) for every change. Tables grow by copying; the old one goes after a grace period.
 */
#include "internal.h"

#include <kernel/bitmap.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/workqueue.h>
#include <linux/close_range.h>

#define INITIAL_FDS 64

u32 sysctl_nr_open = FD_MAX;
static struct slab_cache *files_cache __ro_after_init;

static bool files_private(const struct files *files) { return likely(refcount_read(&files->users) == 1); }

/* --- lookups --- */

/* A referenced file of a table others may change. Under no lock. */
static struct file *slot_get(struct files *files, u32 fd)
{
	struct file *f;

	rcu_read_lock();
	for (;;) {
		struct fdtable *t = rcu_dereference(files->table);

		f = fd < t->max ? rcu_dereference(t->fd[fd]) : NULL;
		if (!f)
			break;
		if (!refcount_get_unless_zero(&f->refs))
			continue; /* closed: the slot has changed or is about to */
		if (likely(READ_ONCE(t->fd[fd]) == f && READ_ONCE(files->table) == t))
			break;
		rcu_read_unlock();
		file_put(f);
		rcu_read_lock();
	}
	rcu_read_unlock();
	return f;
}

struct fd fd_get_shared(int fd) { return (struct fd){ slot_get(current->files, (u32)fd), FD_REF }; }

struct fd fd_lock_pos(struct fd f)
{
	mutex_lock(&f.file->pos_lock);
	f.held |= FD_POS_LOCK;
	return f;
}

void fd_put_shared(struct fd f)
{
	if (f.held & FD_POS_LOCK)
		mutex_unlock(&f.file->pos_lock);
	if ((f.held & FD_REF) && f.file)
		file_put(f.file);
}

static struct file *file_get_raw(int fd)
{
	struct fd f = fd_get_any(fd);

	if (f.file && !f.held)
		file_get(f.file);
	return f.file;
}

struct file *file_get_fd(int fd)
{
	struct file *f = file_get_raw(fd);

	if (f && unlikely(f->mode & FMODE_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

struct file *file_get_task_fd(struct task *t, u32 fd, u32 *next)
{
	struct file *f = NULL;
	struct files *files;

	spin_lock(&t->lock);
	files = t->files;
	if (files && !next) {
		f = slot_get(files, fd);
	} else if (files) {
		u32 max = READ_ONCE(files->table)->max;

		while (!f && fd < max)
			f = slot_get(files, fd++);
		*next = f ? fd - 1 : fd;
	}
	spin_unlock(&t->lock);
	return f;
}

/* --- tables --- */

static void table_free(struct fdtable *t)
{
	kvfree(t->fd);
	kvfree(t->open);
	kfree(t);
}

/* Large tables are virtually mapped, and unmapping is nothing for the softirq that ends a grace period. */
static DEFINE_SPINLOCK(dead_lock, RANK_WORK);
static struct rcu_head *dead_tables; /* [dead_lock, irqs off] */

static void dead_run(struct work *w)
{
	struct rcu_head *list;

	(void)w;
	spin_lock_irq(&dead_lock);
	list = dead_tables;
	dead_tables = NULL;
	spin_unlock_irq(&dead_lock);
	while (list) {
		struct fdtable *t = container_of(list, struct fdtable, rcu);

		list = list->next;
		table_free(t);
	}
}
static struct work dead_work = WORK_INIT(dead_work, dead_run);

static void table_free_rcu(struct rcu_head *head)
{
	struct fdtable *t = container_of(head, struct fdtable, rcu);
	u64 flags;

	if (!is_vmalloc(t->fd) && !is_vmalloc(t->open)) {
		table_free(t);
		return;
	}
	flags = spin_lock_irqsave(&dead_lock);
	head->next = dead_tables;
	dead_tables = head;
	spin_unlock_irqrestore(&dead_lock, flags);
	work_schedule(&dead_work);
}

/* At least n slots (a multiple of 64); both bitmaps in one piece. NULL: no memory. */
static struct fdtable *table_new(u32 n)
{
	struct fdtable *t = kzalloc(sizeof(*t), GFP_KERNEL);
	u32 max = INITIAL_FDS;

	if (!t)
		return NULL;
	while (max < n)
		max <<= 1;
	t->max = max;
	t->fd = kvzalloc(max * sizeof(*t->fd), GFP_KERNEL);
	t->open = kvzalloc(2 * max / 8, GFP_KERNEL);
	if (!t->fd || !t->open) {
		table_free(t);
		return NULL;
	}
	t->cloexec = t->open + BITMAP_LONGS(max);
	return t;
}

static void table_copy(struct fdtable *to, const struct fdtable *from)
{
	memcpy(to->fd, from->fd, from->max * sizeof(*to->fd));
	memcpy(to->open, from->open, from->max / 8);
	memcpy(to->cloexec, from->cloexec, from->max / 8);
}

/* Room for descriptor fd. Called and returns with files->lock held, but lets go of it. */
static int table_grow(struct files *files, u32 fd) __must_hold(&files->lock)
{
	struct fdtable *new, *old;

	spin_unlock(&files->lock);
	new = table_new(fd + 1);
	spin_lock(&files->lock);
	if (!new)
		return -ENOMEM;
	old = files->table;
	if (fd < old->max) {
		table_free(new);
		return 0;
	}
	table_copy(new, old);
	rcu_assign_pointer(files->table, new);
	if (old != &files->initial)
		rcu_call(&old->rcu, table_free_rcu);
	return 0;
}

/* --- slots --- */

static u32 fd_limit(void) { return (u32)MIN(rlimit(RLIMIT_NOFILE), (u64)sysctl_nr_open); }

/* files->lock held */
static void slot_reserve(struct fdtable *t, u32 fd, u32 flags)
{
	set_bit(fd, t->open);
	if (flags & O_CLOEXEC)
		set_bit(fd, t->cloexec);
	else
		clear_bit(fd, t->cloexec);
}

static void slot_release(struct files *files, u32 fd)
{
	clear_bit(fd, files->table->open);
	if (fd < files->next_free)
		files->next_free = fd;
}

static int alloc_locked(struct files *files, u32 min, u32 flags)
{
	u32 limit = fd_limit();
	u32 from = MAX(min, files->next_free), fd;
	int rc;

	for (;;) {
		struct fdtable *t = files->table;

		fd = from < t->max ? (u32)bitmap_find_next_zero(t->open, t->max, from) : from;
		if (fd >= limit)
			return -EMFILE;
		if (likely(fd < t->max))
			break;
		rc = table_grow(files, fd);
		if (rc)
			return rc;
		from = MAX(min, files->next_free);
	}
	if (from == files->next_free)
		files->next_free = fd + 1;
	slot_reserve(files->table, fd, flags);
	return (int)fd;
}

int fd_alloc(u32 min, u32 flags)
{
	struct files *files = current->files;
	int fd;

	spin_lock(&files->lock);
	fd = alloc_locked(files, min, flags);
	spin_unlock(&files->lock);
	return fd;
}

void fd_install(int fd, struct file *file)
{
	struct files *files = current->files;

	if (files_private(files)) {
		ASSERT(!files->table->fd[fd]);
		rcu_assign_pointer(files->table->fd[fd], file);
		return;
	}
	spin_lock(&files->lock); /* the table may be growing */
	ASSERT(!files->table->fd[fd]);
	rcu_assign_pointer(files->table->fd[fd], file);
	spin_unlock(&files->lock);
}

void fd_release(int fd)
{
	struct files *files = current->files;

	spin_lock(&files->lock);
	slot_release(files, (u32)fd);
	spin_unlock(&files->lock);
}

/* Takes the file out of its slot; NULL: nothing there. files->lock held. */
static struct file *slot_take(struct files *files, u32 fd)
{
	struct fdtable *t = files->table;
	struct file *f = fd < t->max ? t->fd[fd] : NULL;

	if (f) {
		WRITE_ONCE(t->fd[fd], NULL);
		slot_release(files, fd);
	}
	return f;
}

int fd_close(u32 fd)
{
	struct files *files = current->files;
	struct file *f;

	spin_lock(&files->lock);
	f = slot_take(files, fd);
	spin_unlock(&files->lock);
	return likely(f) ? file_close(f, files) : -EBADF;
}

/* files->lock held; consumes file's reference on success. *old: what was there. */
static int replace_locked(struct files *files, u32 fd, struct file *file, u32 flags, struct file **old)
{
	struct fdtable *t;
	int rc;

	while (fd >= files->table->max) {
		rc = table_grow(files, fd);
		if (rc)
			return rc;
	}
	t = files->table;
	*old = t->fd[fd];
	if (!*old && test_bit(fd, t->open))
		return -EBUSY; /* another thread's open is about to use it */
	slot_reserve(t, fd, flags);
	rcu_assign_pointer(t->fd[fd], file);
	return 0;
}

int fd_replace(u32 fd, struct file *file, u32 flags)
{
	struct files *files = current->files;
	struct file *old = NULL;
	int rc;

	if (fd >= fd_limit())
		return -EBADF;
	file_get(file);
	spin_lock(&files->lock);
	rc = replace_locked(files, fd, file, flags, &old);
	spin_unlock(&files->lock);
	if (rc)
		file_put(file);
	else if (old)
		(void)file_close(old, files);
	return rc;
}

int fd_cloexec(u32 fd)
{
	struct files *files = current->files;
	int on;

	spin_lock(&files->lock);
	on = fd < files->table->max && test_bit(fd, files->table->cloexec);
	spin_unlock(&files->lock);
	return on;
}

void fd_set_cloexec(u32 fd, bool on)
{
	struct files *files = current->files;
	struct fdtable *t;

	spin_lock(&files->lock);
	t = files->table;
	if (fd < t->max && test_bit(fd, t->open)) {
		if (on)
			set_bit(fd, t->cloexec);
		else
			clear_bit(fd, t->cloexec);
	}
	spin_unlock(&files->lock);
}

int fd_dup_at(struct file *f, u32 min, u32 flags)
{
	int fd;

	if (min >= fd_limit())
		return -EINVAL;
	fd = fd_alloc(min, flags);
	if (fd >= 0)
		fd_install(fd, file_get(f));
	return fd;
}

/* --- struct files --- */

struct files *files_create(void)
{
	struct files *files = slab_alloc(files_cache, GFP_KERNEL);

	if (!files)
		return NULL;
	refcount_set(&files->users, 1);
	spinlock_init(&files->lock, RANK_FILES);
	files->next_free = 0;
	files->initial_open[0] = files->initial_cloexec[0] = 0;
	files->initial = (struct fdtable){ .max = INITIAL_FDS,
					   .fd = files->initial_fd,
					   .open = files->initial_open,
					   .cloexec = files->initial_cloexec };
	memset(files->initial_fd, 0, sizeof(files->initial_fd));
	files->table = &files->initial;
	return files;
}

static u32 table_used(const struct fdtable *t)
{
	u32 n = BITMAP_LONGS(t->max);

	while (n > 0 && !t->open[n - 1])
		n--;
	return n * BITS_PER_LONG;
}

/* A table for new that holds what old has in use. old->lock held on return, and *used is how many slots to copy. */
static int fork_room(struct files *new, struct files *old, u32 *used)
{
	for (;;) {
		struct fdtable *t;

		spin_lock(&old->lock);
		*used = table_used(old->table);
		if (*used <= new->table->max)
			return 0;
		spin_unlock(&old->lock);
		t = table_new(*used);
		if (!t)
			return -ENOMEM;
		if (new->table != &new->initial)
			table_free(new->table);
		new->table = t;
	}
}

struct files *files_fork(struct files *old)
{
	struct files *new = files_create();
	struct fdtable *from, *to;
	u32 used;

	if (!new)
		return ERR_PTR(-ENOMEM);
	if (fork_room(new, old, &used)) {
		files_put(new);
		return ERR_PTR(-ENOMEM);
	}
	from = old->table;
	to = new->table;
	new->next_free = old->next_free;
	for (u32 w = 0; w < used / BITS_PER_LONG; w++) {
		to->open[w] = from->open[w];
		to->cloexec[w] = from->cloexec[w];
		for (u64 bits = from->open[w], fd = w * BITS_PER_LONG; bits; bits >>= 1, fd++) {
			struct file *f = bits & 1 ? from->fd[fd] : NULL;

			if (f)
				to->fd[fd] = file_get(f);
			else if (bits & 1)
				slot_release(new, (u32)fd); /* reserved by another thread, never to come here */
		}
	}
	spin_unlock(&old->lock);
	return new;
}

static void close_all(struct files *files)
{
	struct fdtable *t = files->table;

	for (u32 w = 0; w < BITMAP_LONGS(t->max); w++) {
		for (u64 bits = t->open[w], fd = w * BITS_PER_LONG; bits; bits >>= 1, fd++) {
			struct file *f = bits & 1 ? t->fd[fd] : NULL;

			if (!f)
				continue;
			t->fd[fd] = NULL;
			(void)file_close(f, files);
			cond_resched();
		}
	}
}

void files_put(struct files *files)
{
	if (!refcount_put(&files->users))
		return;
	close_all(files);
	if (files->table != &files->initial)
		table_free(files->table);
	slab_free(files_cache, files);
}

static void files_switch(struct files *new)
{
	struct files *old = current->files;

	spin_lock(&current->lock);
	current->files = new;
	spin_unlock(&current->lock);
	files_put(old);
}

int files_unshare(void)
{
	struct files *new;

	if (files_private(current->files))
		return 0;
	new = files_fork(current->files);
	if (IS_ERR(new))
		return (int)PTR_ERR(new);
	files_switch(new);
	return 0;
}

void files_close_on_exec(struct files *files)
{
	for (u32 w = 0; w < BITMAP_LONGS(READ_ONCE(files->table)->max); w++) {
		u64 bits, fd = w * BITS_PER_LONG;

		spin_lock(&files->lock);
		bits = files->table->open[w] & files->table->cloexec[w];
		files->table->cloexec[w] = 0;
		spin_unlock(&files->lock);
		for (; bits; bits >>= 1, fd++) {
			struct file *f;

			if (!(bits & 1))
				continue;
			spin_lock(&files->lock);
			f = slot_take(files, (u32)fd);
			spin_unlock(&files->lock);
			if (f)
				(void)file_close(f, files);
		}
	}
}

/* --- system calls --- */

long sys_close(int fd)
{
	long rc = fd_close((u32)fd);

	/* The descriptor is gone whatever happened: it cannot be closed again. */
	if (unlikely(rc == -ERESTARTSYS || rc == -ERESTARTNOINTR || rc == -ERESTARTNOHAND || rc == -ERESTART_RESTARTBLOCK))
		rc = -EINTR;
	return rc;
}

long sys_dup(int oldfd)
{
	struct file *f = file_get_raw(oldfd);
	int fd;

	if (!f)
		return -EBADF;
	fd = fd_alloc(0, 0);
	if (fd < 0)
		file_put(f);
	else
		fd_install(fd, f);
	return fd;
}

long sys_dup3(int oldfd, int newfd, int flags)
{
	struct fd f;
	long rc;

	if ((flags & ~O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	if ((u32)newfd >= fd_limit())
		return -EBADF;
	f = fd_get_any(oldfd);
	if (!f.file)
		return -EBADF;
	rc = fd_replace((u32)newfd, f.file, (u32)flags);
	fd_put(f);
	return rc ? rc : newfd;
}

static void range_cloexec(struct files *files, u32 first, u32 last)
{
	struct fdtable *t;

	spin_lock(&files->lock);
	t = files->table;
	if (first < t->max) {
		last = MIN(last, t->max - 1);
		bitmap_set(t->cloexec, first, (u64)last - first + 1);
	}
	spin_unlock(&files->lock);
}

static void range_close(struct files *files, u32 first, u32 last)
{
	for (u64 fd = first; fd <= last; fd++) {
		struct file *f;

		spin_lock(&files->lock);
		fd = bitmap_find_next(files->table->open, files->table->max, fd);
		if (fd >= files->table->max || fd > last) {
			spin_unlock(&files->lock);
			return;
		}
		f = slot_take(files, (u32)fd);
		spin_unlock(&files->lock);
		if (f) {
			(void)file_close(f, files);
			cond_resched();
		}
	}
}

long sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	int rc;

	if ((flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		rc = files_unshare();
		if (rc)
			return rc;
	}
	if (flags & CLOSE_RANGE_CLOEXEC)
		range_cloexec(current->files, first, last);
	else
		range_close(current->files, first, last);
	return 0;
}

void files_init(void)
{
	files_cache = slab_create("files", sizeof(struct files), 64, 0, NULL);
	if (!files_cache)
		panic("files: no memory for the cache");
}

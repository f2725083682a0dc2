/* SPDX-License-Identifier: MIT */
/*
 * Advisory locks on files: POSIX record locks (owned by a process: its descriptor table), OFD locks and flock (owned by
 * the open file).
 *
 * A context hangs on an inode from its first lock to its eviction. A request that meets a conflicting lock waits on the
 * context's queue until any lock there goes, and tries again; while it waits it stands in `blocked`, which is how
 * deadlocks among POSIX locks are found (and what /proc/locks shows as "->").
 *
 * Locks: one lock, locks_lock (RANK_FLOCK), for everything: locks are taken and dropped in short order, and a search for
 * deadlocks needs to see all of them. No more than LOCKS_MAX locks on one inode bound every walk.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <kernel/chrdev.h>
#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/seq_file.h>
#include <kernel/syscall.h>
#include <kernel/wait.h>

#define OFFSET_MAX 0x7fffffffffffffffL
#define LOCKS_MAX  8192 /* on one inode; more: -ENOLCK */
#define DEADLOCK_DEPTH 10

enum lock_kind { LOCK_POSIX, LOCK_OFD, LOCK_FLOCK };
static const char *const kind_names[] = { "POSIX ", "OFDLCK", "FLOCK " };

struct file_lock {
	struct list_head link;	    /* context's */
	struct list_head all;	    /* all_locks */
	struct inode *inode;
	void *owner;
	enum lock_kind kind;
	short type;		    /* F_RDLCK, F_WRLCK; in requests F_UNLCK too */
	pid_t pid;
	loff_t start, end;	    /* both included */
};

struct file_lock_context {
	struct list_head records;   /* POSIX and OFD */
	struct list_head flocks;
	u32 count;
	u32 generation;		    /* a lock went or shrank */
	struct wait_queue wait;
};

/* A request that waits, on its task's stack. */
struct blocked_lock {
	struct list_head link;
	const struct file_lock *request;
	const struct file_lock *by; /* only compared and shown while it is still there */
	void *by_owner;
};

static DEFINE_SPINLOCK(locks_lock, RANK_FLOCK);
static LIST_HEAD(all_locks);
static LIST_HEAD(blocked);

/* --- contexts --- */

static struct file_lock_context *context_of(struct inode *i)
{
	struct file_lock_context *ctx = READ_ONCE(i->locks);

	if (ctx)
		return ctx;
	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return NULL;
	list_init(&ctx->records);
	list_init(&ctx->flocks);
	wait_queue_init(&ctx->wait);
	if (atomic_cmpxchg(&i->locks, (struct file_lock_context *)NULL, ctx))
		return ctx;
	kfree(ctx);
	return i->locks;
}

/* locks_lock held for all of these */

static void lock_insert(struct file_lock_context *ctx, struct file_lock *l)
{
	list_add_tail(&l->link, l->kind == LOCK_FLOCK ? &ctx->flocks : &ctx->records);
	list_add_tail(&l->all, &all_locks);
	ctx->count++;
}

/* Onto dead, which is freed once the lock is let go. */
static void lock_remove(struct file_lock_context *ctx, struct file_lock *l, struct list_head *dead)
{
	list_del(&l->all);
	list_move_tail(&l->link, dead);
	ctx->count--;
	ctx->generation++;
}

static void locks_free(struct list_head *dead)
{
	struct file_lock *l, *next;

	list_for_each_entry_safe(l, next, dead, link)
		kfree(l);
}

static void context_wake(struct file_lock_context *ctx)
{
	if (wait_queue_active(&ctx->wait))
		wake_up_all(&ctx->wait);
}

/* --- conflicts --- */

static bool overlap(const struct file_lock *a, const struct file_lock *b) { return a->start <= b->end && b->start <= a->end; }

static bool conflict(const struct file_lock *l, const struct file_lock *request)
{
	if (l->owner == request->owner || (l->type != F_WRLCK && request->type != F_WRLCK))
		return false;
	return request->kind == LOCK_FLOCK || overlap(l, request);
}

static struct file_lock *find_conflict(struct file_lock_context *ctx, const struct file_lock *request)
{
	struct file_lock *l;

	list_for_each_entry(l, request->kind == LOCK_FLOCK ? &ctx->flocks : &ctx->records, link)
		if (conflict(l, request))
			return l;
	return NULL;
}

/* Would the owner of `by`, through those it waits for, wait for the requester? */
static bool would_deadlock(const struct file_lock *request, const struct file_lock *by)
{
	void *owner = by->owner;

	if (request->kind != LOCK_POSIX)
		return false;
	for (u32 depth = 0; depth < DEADLOCK_DEPTH; depth++) {
		struct blocked_lock *b, *next = NULL;

		list_for_each_entry(b, &blocked, link)
			if (b->request->kind == LOCK_POSIX && b->request->owner == owner) {
				next = b;
				break;
			}
		if (!next)
			return false;
		owner = next->by_owner;
		if (owner == request->owner)
			return true;
	}
	return false;
}

/* --- applying a record lock --- */

/* What a request needs at most: itself, and the second half of a lock it cuts in two. */
struct spares {
	struct file_lock *whole, *half;
};

static bool adjacent(const struct file_lock *a, const struct file_lock *b)
{
	return (a->end != OFFSET_MAX && a->end + 1 == b->start) || (b->end != OFFSET_MAX && b->end + 1 == a->start);
}

/* Same owner, other type, overlapping: l keeps what the request leaves of it. */
static void cut(struct file_lock_context *ctx, struct file_lock *l, const struct file_lock *request, struct spares *s,
		struct list_head *dead)
{
	if (l->start < request->start && l->end > request->end) {
		struct file_lock *half = s->half;

		*half = *l;
		half->start = request->end + 1;
		l->end = request->start - 1;
		lock_insert(ctx, half);
		s->half = NULL;
		ctx->generation++;
	} else if (l->start < request->start) {
		l->end = request->start - 1;
		ctx->generation++;
	} else if (l->end > request->end) {
		l->start = request->end + 1;
		ctx->generation++;
	} else {
		lock_remove(ctx, l, dead);
	}
}

static void apply_record(struct file_lock_context *ctx, const struct file_lock *request, struct spares *s,
			 struct list_head *dead)
{
	struct file_lock *l, *next, merged = *request;

	list_for_each_entry_safe(l, next, &ctx->records, link) {
		if (l->owner != request->owner)
			continue;
		if (l->type == request->type) {
			if (!overlap(l, &merged) && !adjacent(l, &merged))
				continue;
			merged.start = MIN(merged.start, l->start);
			merged.end = MAX(merged.end, l->end);
			lock_remove(ctx, l, dead);
		} else if (overlap(l, request)) {
			cut(ctx, l, request, s, dead);
		}
	}
	if (request->type == F_UNLCK)
		return;
	*s->whole = merged;
	lock_insert(ctx, s->whole);
	s->whole = NULL;
}

/* flock: one lock a file; a conversion gives up the old one first. */
static void drop_flock(struct file_lock_context *ctx, const struct file_lock *request, struct list_head *dead)
{
	struct file_lock *l;

	list_for_each_entry(l, &ctx->flocks, link)
		if (l->owner == request->owner) {
			lock_remove(ctx, l, dead);
			return;
		}
}

static bool has_flock(struct file_lock_context *ctx, const struct file_lock *request)
{
	struct file_lock *l;

	list_for_each_entry(l, &ctx->flocks, link)
		if (l->owner == request->owner && l->type == request->type)
			return true;
	return false;
}

/* --- one try --- */

/* 0, -ENOLCK, or -EAGAIN with b saying who is in the way. locks_lock held. */
static int try_locked(struct file_lock_context *ctx, const struct file_lock *request, struct spares *s,
		      struct blocked_lock *b, struct list_head *dead)
{
	const struct file_lock *by;

	if (request->kind == LOCK_FLOCK) {
		if (request->type != F_UNLCK && has_flock(ctx, request))
			return 0;
		drop_flock(ctx, request, dead);
	}
	if (request->type != F_UNLCK) {
		by = find_conflict(ctx, request);
		if (by) {
			b->request = request;
			b->by = by;
			b->by_owner = by->owner;
			return -EAGAIN;
		}
		if (ctx->count >= LOCKS_MAX)
			return -ENOLCK;
	}
	if (request->kind != LOCK_FLOCK) {
		apply_record(ctx, request, s, dead);
	} else if (request->type != F_UNLCK) {
		*s->whole = *request;
		lock_insert(ctx, s->whole);
		s->whole = NULL;
	}
	return 0;
}

static int wait_for_lock(struct file_lock_context *ctx, struct blocked_lock *b, u32 generation)
{
	int rc = wait_event_interruptible(&ctx->wait, READ_ONCE(ctx->generation) != generation);

	spin_lock(&locks_lock);
	list_del(&b->link);
	spin_unlock(&locks_lock);
	return rc;
}

static int lock_apply(struct file_lock_context *ctx, const struct file_lock *request, struct spares *s, bool wait)
{
	for (;;) {
		struct blocked_lock b;
		LIST_HEAD(dead);
		u32 generation;
		int rc;

		spin_lock(&locks_lock);
		rc = try_locked(ctx, request, s, &b, &dead);
		generation = ctx->generation;
		if (rc == -EAGAIN && wait) {
			if (would_deadlock(request, b.by))
				rc = -EDEADLK;
			else
				list_add_tail(&b.link, &blocked);
		}
		spin_unlock(&locks_lock);
		if (!list_empty(&dead) || rc == 0)
			context_wake(ctx);
		locks_free(&dead);
		if (rc != -EAGAIN || !wait)
			return rc;
		rc = wait_for_lock(ctx, &b, generation);
		if (rc)
			return rc;
	}
}

static int lock_request(struct inode *inode, const struct file_lock *request, bool wait)
{
	struct spares s = { 0 };
	struct file_lock_context *ctx;
	int rc = -ENOLCK;

	if (request->type == F_UNLCK && !READ_ONCE(inode->locks))
		return 0;
	ctx = context_of(inode);
	s.whole = kmalloc(sizeof(*s.whole), GFP_KERNEL);
	s.half = kmalloc(sizeof(*s.half), GFP_KERNEL);
	if (ctx && s.whole && s.half)
		rc = lock_apply(ctx, request, &s, wait);
	kfree(s.whole);
	kfree(s.half);
	return rc;
}

/* --- ends of files and processes --- */

static void remove_owned(struct inode *inode, const void *owner)
{
	struct file_lock_context *ctx = READ_ONCE(inode->locks);
	struct list_head *heads[2] = { &ctx->records, &ctx->flocks };
	struct file_lock *l, *next;
	LIST_HEAD(dead);

	spin_lock(&locks_lock);
	for (u32 i = 0; i < ARRAY_SIZE(heads); i++)
		list_for_each_entry_safe(l, next, heads[i], link)
			if (l->owner == owner)
				lock_remove(ctx, l, &dead);
	spin_unlock(&locks_lock);
	if (!list_empty(&dead))
		context_wake(ctx);
	locks_free(&dead);
}

void locks_close(struct file *f, struct files *owner)
{
	if (READ_ONCE(f->inode->locks))
		remove_owned(f->inode, owner);
}

void locks_release(struct file *f)
{
	if (READ_ONCE(f->inode->locks))
		remove_owned(f->inode, f);
}

/* --- fcntl --- */

/* Whence, start and length to first and last byte. */
static int range_from_user(struct file *f, const struct flock *u, struct file_lock *l)
{
	loff_t base = 0, start, end;

	switch (u->l_whence) {
	case 0: /* SEEK_SET */
		break;
	case 1: /* SEEK_CUR */
		base = f->pos;
		break;
	case 2: /* SEEK_END */
		base = f->inode->size;
		break;
	default:
		return -EINVAL;
	}
	if (u->l_start > OFFSET_MAX - base)
		return -EOVERFLOW;
	start = base + u->l_start;
	if (start < 0)
		return -EINVAL;
	end = OFFSET_MAX;
	if (u->l_len > 0) {
		if (u->l_len - 1 > OFFSET_MAX - start)
			return -EOVERFLOW;
		end = start + u->l_len - 1;
	} else if (u->l_len < 0) {
		if (start + u->l_len < 0)
			return -EINVAL;
		end = start - 1;
		start += u->l_len;
	}
	l->start = start;
	l->end = end;
	return 0;
}

static int request_from_user(struct file *f, const struct flock *u, bool ofd, struct file_lock *l)
{
	if (u->l_type != F_RDLCK && u->l_type != F_WRLCK && u->l_type != F_UNLCK)
		return -EINVAL;
	if (ofd && u->l_pid != 0)
		return -EINVAL;
	l->type = u->l_type;
	l->inode = f->inode;
	l->kind = ofd ? LOCK_OFD : LOCK_POSIX;
	l->owner = ofd ? (void *)f : (void *)current->files;
	l->pid = ofd ? -1 : current->tgid;
	return range_from_user(f, u, l);
}

int fcntl_setlk(struct file *f, int cmd, void __user *uflock)
{
	bool ofd = cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW;
	struct file_lock request;
	struct flock u;
	int rc;

	if (copy_from_user(&u, uflock, sizeof(u)))
		return -EFAULT;
	rc = request_from_user(f, &u, ofd, &request);
	if (rc)
		return rc;
	if ((u.l_type == F_RDLCK && !(f->mode & FMODE_READ)) || (u.l_type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	return lock_request(f->inode, &request, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

/* What stands in the way of request, as a struct flock: F_UNLCK when nothing does. */
static void describe_conflict(struct inode *inode, const struct file_lock *request, struct flock *u)
{
	struct file_lock_context *ctx = READ_ONCE(inode->locks);
	const struct file_lock *l;

	u->l_type = F_UNLCK;
	if (!ctx)
		return;
	spin_lock(&locks_lock);
	l = find_conflict(ctx, request);
	if (l) {
		u->l_type = l->type;
		u->l_whence = 0;
		u->l_start = l->start;
		u->l_len = l->end == OFFSET_MAX ? 0 : l->end - l->start + 1;
		u->l_pid = l->pid;
	}
	spin_unlock(&locks_lock);
}

int fcntl_getlk(struct file *f, int cmd, void __user *uflock)
{
	struct file_lock request;
	struct flock u;
	int rc;

	if (copy_from_user(&u, uflock, sizeof(u)))
		return -EFAULT;
	if (cmd != F_OFD_GETLK && u.l_type != F_RDLCK && u.l_type != F_WRLCK)
		return -EINVAL;
	rc = request_from_user(f, &u, cmd == F_OFD_GETLK, &request);
	if (rc)
		return rc;
	describe_conflict(f->inode, &request, &u);
	return copy_to_user(uflock, &u, sizeof(u)) ? -EFAULT : 0;
}

/* --- flock --- */

long sys_flock(int fd, unsigned int cmd)
{
	struct file_lock request = { .kind = LOCK_FLOCK, .start = 0, .end = OFFSET_MAX };
	struct fd f;
	long rc;

	if (cmd & LOCK_MAND) /* mandatory locks are no more: nothing, successfully */
		return 0;
	switch (cmd & ~(u32)LOCK_NB) {
	case LOCK_SH:
		request.type = F_RDLCK;
		break;
	case LOCK_EX:
		request.type = F_WRLCK;
		break;
	case LOCK_UN:
		request.type = F_UNLCK;
		break;
	default:
		return -EINVAL;
	}
	f = fd_get(fd);
	if (!f.file)
		return -EBADF;
	request.owner = f.file;
	request.inode = f.file->inode;
	request.pid = current->tgid;
	if (request.type != F_UNLCK && !(f.file->mode & (FMODE_READ | FMODE_WRITE)))
		rc = -EBADF;
	else
		rc = lock_request(f.file->inode, &request, !(cmd & LOCK_NB));
	fd_put(f);
	return rc;
}

/* --- /proc/locks --- */

static void show_lock(struct seq_file *m, u32 nr, const struct file_lock *l, const char *arrow)
{
	const struct super *sb = l->inode->sb;

	seq_printf(m, "%u: %s%s ADVISORY  %s %d %02x:%02x:%llu ", nr, arrow, kind_names[l->kind],
		   l->type == F_WRLCK ? "WRITE" : "READ", l->pid, DEV_MAJOR(sb->dev), DEV_MINOR(sb->dev), l->inode->ino);
	if (l->end == OFFSET_MAX)
		seq_printf(m, "%ld EOF\n", l->start);
	else
		seq_printf(m, "%ld %ld\n", l->start, l->end);
}

void locks_show(struct seq_file *m)
{
	const struct blocked_lock *b;
	const struct file_lock *l;
	u32 nr = 0;

	spin_lock(&locks_lock);
	list_for_each_entry(l, &all_locks, all) {
		show_lock(m, ++nr, l, "");
		list_for_each_entry(b, &blocked, link)
			if (b->by == l)
				show_lock(m, nr, b->request, "-> ");
	}
	spin_unlock(&locks_lock);
}

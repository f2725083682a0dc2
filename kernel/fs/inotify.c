/* SPDX-License-Identifier: MIT */
/*
 * inotify: watches on inodes that queue events for a reader.
 *
 * A watch belongs to an instance (found there by its descriptor) and hangs on its inode, which it holds. The hook in
 * <kernel/fs.h> costs one load while nobody watches an inode.
 *
 * Locks: instance->lock (RANK_INOTIFY) guards the watch table and serialises add and remove; notify_lock
 * (RANK_NOTIFY, spin) the lists on inodes; queue_lock (RANK_NOTIFY_QUEUE) an instance's events.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/poll.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/seq_file.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uio.h>
#include <kernel/xarray.h>
#include <asm/ioctls.h>
#include <linux/inotify.h>

#define EVENTS_MAX    16384
#define WATCHES_MAX   65536 /* a user's */
#define INSTANCES_MAX 128

struct event {
	struct list_head link;
	struct inotify_event e; /* ends in the name, padded with NULs */
};

struct instance {
	struct mutex lock;
	struct xarray watches; /* [lock] wd -> struct watch */
	u64 next_wd;	       /* [lock] numbers are not used again soon */
	struct spinlock queue_lock;
	struct list_head events; /* [queue_lock] */
	u32 nr_events;		 /* [queue_lock] */
	bool overflow;		 /* [queue_lock] an IN_Q_OVERFLOW is queued */
	struct wait_queue wait;
	struct refcount refs;
	struct user *user;
};

struct watch {
	struct list_head link;	/* [notify_lock] inode's */
	struct instance *instance;
	struct inode *inode;	/* referenced */
	u32 mask;		/* [notify_lock] */
	int wd;
	bool dead;		/* [notify_lock] off the inode's list */
	struct refcount refs;
};

struct notify_marks {
	struct list_head watches;
};

static DEFINE_SPINLOCK(notify_lock, RANK_NOTIFY);

static void instance_put(struct instance *in)
{
	struct event *e, *next;

	if (!refcount_put(&in->refs))
		return;
	list_for_each_entry_safe(e, next, &in->events, link)
		kfree(e);
	xa_destroy(&in->watches);
	atomic_sub(&in->user->inotify_instances, 1);
	user_put(in->user);
	kfree(in);
}

static void watch_put(struct watch *w)
{
	if (refcount_put(&w->refs)) {
		instance_put(w->instance);
		kfree(w);
	}
}

/* --- events --- */

static bool same_event(const struct event *a, const struct event *b)
{
	return a->e.wd == b->e.wd && a->e.mask == b->e.mask && a->e.cookie == b->e.cookie && a->e.len == b->e.len &&
	       memcmp(a->e.name, b->e.name, a->e.len) == 0;
}

static struct event *event_new(int wd, u32 mask, const char *name, u32 cookie)
{
	u32 len = name ? ALIGN_UP((u32)strlen(name) + 1, (u32)sizeof(struct inotify_event)) : 0;
	struct event *e = kzalloc(sizeof(*e) + len, GFP_ATOMIC);

	if (!e)
		return NULL;
	e->e.wd = wd;
	e->e.mask = mask;
	e->e.cookie = cookie;
	e->e.len = len;
	if (name)
		strscpy(e->e.name, name, len);
	return e;
}

/* Appends; an event like the last one is dropped, one too many becomes an overflow. */
static void queue_event(struct instance *in, int wd, u32 mask, const char *name, u32 cookie)
{
	struct event *e = event_new(wd, mask, name, cookie), *last;
	u64 flags;

	if (!e)
		return;
	flags = spin_lock_irqsave(&in->queue_lock);
	last = list_empty(&in->events) ? NULL : list_last_entry(&in->events, struct event, link);
	if ((last && same_event(last, e)) || in->overflow) {
		kfree(e);
	} else {
		if (in->nr_events >= EVENTS_MAX) {
			in->overflow = true;
			e->e.wd = -1;
			e->e.mask = IN_Q_OVERFLOW;
			e->e.cookie = e->e.len = 0;
		}
		list_add_tail(&e->link, &in->events);
		in->nr_events++;
	}
	spin_unlock_irqrestore(&in->queue_lock, flags);
	wake_up_poll(&in->wait, EPOLLIN | EPOLLRDNORM);
}

/* Off its inode; the caller then drops it from the instance. True for who did it. */
static bool watch_detach(struct watch *w)
{
	bool mine;

	spin_lock(&notify_lock);
	mine = !w->dead;
	if (mine) {
		w->dead = true;
		atomic_sub(&notify_watches, 1);
		list_del(&w->link);
		if (list_empty(&w->inode->notify->watches)) {
			kfree(w->inode->notify);
			WRITE_ONCE(w->inode->notify, NULL);
		}
	}
	spin_unlock(&notify_lock);
	return mine;
}

static void watch_remove(struct watch *w)
{
	if (!watch_detach(w))
		return;
	queue_event(w->instance, w->wd, IN_IGNORED, NULL, 0);
	mutex_lock(&w->instance->lock);
	xa_erase(&w->instance->watches, (u64)w->wd);
	mutex_unlock(&w->instance->lock);
	atomic_sub(&w->instance->user->inotify_watches, 1);
	inode_put(w->inode);
	watch_put(w);
}

#define BATCH 16

void notify_event_slow(struct inode *inode, u32 mask, const char *name, u32 cookie)
{
	struct watch *oneshot[BATCH], *w;
	u32 n = 0;

	spin_lock(&notify_lock);
	if (inode->notify)
		list_for_each_entry(w, &inode->notify->watches, link) {
			if (!(w->mask & mask & IN_ALL_EVENTS) && !(mask & IN_UNMOUNT))
				continue;
			if (name && (w->mask & IN_EXCL_UNLINK) && inode->nlink == 0)
				continue;
			queue_event(w->instance, w->wd, mask, name, cookie);
			if ((w->mask & IN_ONESHOT) && n < BATCH) {
				refcount_get(&w->refs);
				oneshot[n++] = w;
			}
		}
	spin_unlock(&notify_lock);
	for (u32 i = 0; i < n; i++) {
		watch_remove(oneshot[i]);
		watch_put(oneshot[i]);
	}
}

void notify_dentry(struct dentry *d, u32 mask)
{
	struct inode *inode = d->inode;
	struct dentry *parent = dentry_parent(d);
	u32 dir = inode && S_ISDIR(inode->mode) ? IN_ISDIR : 0;
	char name[NAME_MAX_LEN + 1];

	if (parent != d && parent->inode && unlikely(READ_ONCE(parent->inode->notify))) {
		rcu_read_lock(); /* a rename may free the name */
		strscpy(name, READ_ONCE(d->name), sizeof(name));
		rcu_read_unlock();
		notify_event_slow(parent->inode, mask | dir, name, 0);
	}
	dentry_put(parent);
	if (inode)
		notify_inode(inode, mask | dir, NULL, 0);
}

void notify_inode_gone(struct inode *inode)
{
	struct watch *w;

	if (likely(!READ_ONCE(inode->notify)))
		return;
	notify_event_slow(inode, IN_DELETE_SELF, NULL, 0);
	for (;;) {
		w = NULL;
		spin_lock(&notify_lock);
		if (inode->notify) {
			w = list_first_entry(&inode->notify->watches, struct watch, link);
			refcount_get(&w->refs);
		}
		spin_unlock(&notify_lock);
		if (!w)
			return;
		watch_remove(w);
		watch_put(w);
	}
}

/* --- the instance as a file --- */

static struct event *peek_or_take(struct instance *in, u64 room, bool *too_small)
{
	u64 flags = spin_lock_irqsave(&in->queue_lock);
	struct event *e = list_first_entry_or_null(&in->events, struct event, link);

	*too_small = e && sizeof(e->e) + e->e.len > room;
	if (e && !*too_small) {
		list_del(&e->link);
		in->nr_events--;
		if (e->e.mask & IN_Q_OVERFLOW)
			in->overflow = false;
	} else {
		e = NULL;
	}
	spin_unlock_irqrestore(&in->queue_lock, flags);
	return e;
}

static ssize_t inotify_read(struct file *f, struct uio *u, loff_t *pos)
{
	struct instance *in = f->data;
	ssize_t done = 0;
	bool too_small;
	int rc;

	for (;;) {
		struct event *e = peek_or_take(in, u->left, &too_small);

		if (e) {
			u64 n = sizeof(e->e) + e->e.len, copied = copy_to_uio(&e->e, n, u);

			kfree(e);
			if (copied < n)
				return done ? done : -EFAULT;
			done += (ssize_t)n;
			continue;
		}
		if (done)
			return done;
		if (too_small)
			return -EINVAL;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		rc = wait_event_interruptible(&in->wait, READ_ONCE(in->nr_events));
		if (rc)
			return rc;
	}
}

static u32 inotify_poll(struct file *f, struct poll_table *pt)
{
	struct instance *in = f->data;

	poll_wait(f, &in->wait, pt);
	return READ_ONCE(in->nr_events) ? EPOLLIN | EPOLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, u32 cmd, unsigned long arg)
{
	struct instance *in = f->data;
	struct event *e;
	u64 n = 0, flags;

	if (cmd != FIONREAD)
		return -ENOIOCTLCMD;
	flags = spin_lock_irqsave(&in->queue_lock);
	list_for_each_entry(e, &in->events, link)
		n += sizeof(e->e) + e->e.len;
	spin_unlock_irqrestore(&in->queue_lock, flags);
	return put_user((int)n, (int __user *)arg);
}

static void inotify_release(struct inode *inode, struct file *f)
{
	struct instance *in = f->data;
	struct watch *w;
	u64 wd = 0;

	for (;;) {
		mutex_lock(&in->lock);
		w = xa_find(&in->watches, &wd, ~0UL);
		if (w)
			refcount_get(&w->refs);
		mutex_unlock(&in->lock);
		if (!w)
			break;
		watch_remove(w);
		watch_put(w);
		wd++;
	}
	instance_put(in);
}

static void inotify_show(struct seq_file *m, struct file *f)
{
	struct instance *in = f->data;
	struct watch *w;
	u64 wd;

	mutex_lock(&in->lock);
	xa_for_each(&in->watches, wd, w)
		seq_printf(m, "inotify wd:%x ino:%llx sdev:%x mask:%x ignored_mask:0 \n", w->wd,
			   (unsigned long long)w->inode->ino, w->inode->sb->dev, w->mask & IN_ALL_EVENTS);
	mutex_unlock(&in->lock);
}

static const struct file_ops inotify_fops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.show_fdinfo = inotify_show,
	.llseek = noop_llseek,
};

long sys_inotify_init1(int flags)
{
	struct instance *in;
	struct user *user = current_cred()->user;
	int fd;

	if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	if (atomic_add_return(&user->inotify_instances, 1) > INSTANCES_MAX) {
		atomic_sub(&user->inotify_instances, 1);
		return -EMFILE;
	}
	in = kzalloc(sizeof(*in), GFP_KERNEL);
	if (!in) {
		atomic_sub(&user->inotify_instances, 1);
		return -ENOMEM;
	}
	mutex_init(&in->lock, RANK_INOTIFY);
	spinlock_init(&in->queue_lock, RANK_NOTIFY_QUEUE);
	list_init(&in->events);
	wait_queue_init(&in->wait);
	refcount_set(&in->refs, 1);
	in->next_wd = 1;
	refcount_get(&user->refs);
	in->user = user;
	fd = anon_fd("inotify", &inotify_fops, in, O_RDONLY | ((u32)flags & (O_CLOEXEC | O_NONBLOCK)));
	if (fd < 0)
		instance_put(in);
	return fd;
}

/* --- watches --- */

static struct watch *find_watch(struct instance *in, struct inode *inode)
{
	struct watch *w, *found = NULL;

	spin_lock(&notify_lock);
	if (inode->notify)
		list_for_each_entry(w, &inode->notify->watches, link)
			if (w->instance == in) {
				found = w;
				break;
			}
	spin_unlock(&notify_lock);
	return found;
}

static int update_watch(struct watch *w, u32 mask)
{
	if (mask & IN_MASK_CREATE)
		return -EEXIST;
	spin_lock(&notify_lock);
	w->mask = mask & IN_MASK_ADD ? w->mask | mask : mask;
	spin_unlock(&notify_lock);
	return w->wd;
}

/* lock held. */
static int add_watch(struct instance *in, struct inode *inode, u32 mask)
{
	struct watch *w = kzalloc(sizeof(*w), GFP_KERNEL);
	struct notify_marks *marks = kzalloc(sizeof(*marks), GFP_KERNEL);
	u64 wd = in->next_wd;
	int rc = -ENOMEM;

	if (!w || !marks)
		goto fail;
	rc = -ENOSPC;
	if (atomic_add_return(&in->user->inotify_watches, 1) > WATCHES_MAX)
		goto fail_count;
	rc = xa_alloc(&in->watches, &wd, 0x7fffffff, w, GFP_KERNEL);
	if (rc)
		goto fail_count;
	in->next_wd = wd + 1;
	w->wd = (int)wd;
	w->mask = mask;
	w->instance = in;
	refcount_get(&in->refs);
	refcount_set(&w->refs, 1);
	inode_get(inode);
	w->inode = inode;
	spin_lock(&notify_lock);
	if (!inode->notify) {
		list_init(&marks->watches);
		WRITE_ONCE(inode->notify, marks);
		marks = NULL;
	}
	list_add(&w->link, &inode->notify->watches);
	atomic_add(&notify_watches, 1);
	spin_unlock(&notify_lock);
	kfree(marks);
	return w->wd;
fail_count:
	atomic_sub(&in->user->inotify_watches, 1);
fail:
	kfree(w);
	kfree(marks);
	return rc;
}

long sys_inotify_add_watch(int fd, const char __user *upath, u32 mask)
{
	struct fd f;
	struct instance *in;
	struct watch *w;
	struct path path;
	long rc;

	if (!(mask & (IN_ALL_EVENTS | IN_ISDIR | IN_ONESHOT | IN_UNMOUNT)) ||
	    (mask & (IN_MASK_ADD | IN_MASK_CREATE)) == (IN_MASK_ADD | IN_MASK_CREATE))
		return -EINVAL;
	f = fd_get(fd);
	if (!f.file)
		return -EBADF;
	rc = -EINVAL;
	if (f.file->ops != &inotify_fops)
		goto out;
	rc = user_path_at(AT_FDCWD, upath,
			  (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) | (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0), &path);
	if (rc)
		goto out;
	rc = inode_permission(path.dentry->inode, MAY_READ);
	if (rc == 0) {
		in = f.file->data;
		mutex_lock(&in->lock);
		w = find_watch(in, path.dentry->inode);
		rc = w ? update_watch(w, mask) : add_watch(in, path.dentry->inode, mask);
		mutex_unlock(&in->lock);
	}
	path_put(&path);
out:
	fd_put(f);
	return rc;
}

long sys_inotify_rm_watch(int fd, int wd)
{
	struct fd f = fd_get(fd);
	struct instance *in;
	struct watch *w;

	if (!f.file)
		return -EBADF;
	if (f.file->ops != &inotify_fops) {
		fd_put(f);
		return -EINVAL;
	}
	in = f.file->data;
	mutex_lock(&in->lock);
	w = wd > 0 ? xa_load(&in->watches, (u64)wd) : NULL;
	if (w)
		refcount_get(&w->refs);
	mutex_unlock(&in->lock);
	if (w) {
		watch_remove(w);
		watch_put(w);
	}
	fd_put(f);
	return w ? 0 : -EINVAL;
}

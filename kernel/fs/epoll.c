/* SPDX-License-Identifier: MIT */
/*
 * epoll: sets of watched files and the list of those that may be ready.
 *
 * A watch (struct item) hangs in its set's tree (by file and descriptor), in its file's epoll_links, and through its
 * wait entries in the queues of the file. A wake-up there puts it on the ready list; epoll_wait takes items off one by
 * one and asks the file. Edge-triggered and one-shot items go off the list *before* their file is asked, so an event that
 * comes meanwhile puts them on again: none is lost. Level-triggered ones, which are ready again and again, only move to its
 * end; one that turns out not to be ready goes off and is asked once more.
 *
 * Who frees an item: whoever removes it from the tree under set->lock: EPOLL_CTL_DEL, the set's own end, or the end of
 * the watched file (epoll_file_release). A set is counted: the third must not meet the second half-way.
 *
 * Locks: set->lock (RANK_EPOLL, outer sets first) guards tree and items; ready_lock (RANK_EPOLL_READY) the ready list;
 * file->lock its epoll_links.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/poll.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/seq_file.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>

#define NESTING_MAX 4
#define EVENTS_MAX  (0x7fffffff / (int)sizeof(struct epoll_event))
#define PRIVATE_BITS (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)

struct item {
	struct rb_node rb;	   /* [set->lock] */
	struct list_head ready;	   /* [ready_lock] */
	bool queued;		   /* [ready_lock] on the ready list or being delivered from it */
	struct list_head file_link; /* [file->lock] */
	struct file *file;	   /* not counted: the file's end removes the item */
	int fd;
	struct epoll_event event;  /* [set->lock; events read by the callback] */
	struct set *set;
	struct hook {
		struct wait_entry wait;
		struct wait_queue *q; /* NULL: unused, or the queue let go */
		struct item *item;
	} hooks[2];		   /* ttys have two queues; all others one */
	u32 nr_hooks;
	struct rcu_head rcu;
};

struct set {
	struct mutex lock;
	struct spinlock ready_lock;
	struct list_head ready;
	struct rb_root items;
	struct wait_queue wait;	     /* epoll_wait */
	struct wait_queue poll_wait; /* sets that watch this one, poll */
	struct file *file;
	struct refcount refs;
	u32 nr_items;
};

static DEFINE_MUTEX(nesting_lock, RANK_CONSOLE_TTY); /* adding a set to a set: loops are looked for */
static struct slab_cache *item_cache;
static const struct file_ops epoll_fops;

static struct set *set_of(struct file *f)
{
	return f->ops == &epoll_fops ? f->data : NULL;
}

static void set_put(struct set *s)
{
	if (refcount_put(&s->refs))
		kfree(s);
}

/* Queues of sets may be woken while another queue's lock is held. */
static void wake_nested(struct wait_queue *q)
{
	u64 flags;

	if (!wait_queue_active(q))
		return;
	flags = irq_save();
	spin_lock_nested(&q->lock);
	wait_wake_locked(q, TASK_NORMAL, 1, (void *)(u64)(EPOLLIN | EPOLLRDNORM));
	spin_unlock(&q->lock);
	irq_restore(flags);
}

static void announce(struct set *s)
{
	wake_nested(&s->wait);
	wake_nested(&s->poll_wait);
}

static __always_inline bool make_ready(struct item *it)
{
	struct set *s = it->set;
	u64 flags = spin_lock_irqsave(&s->ready_lock);
	bool fresh = !it->queued;

	if (fresh) {
		it->queued = true;
		list_add_tail(&it->ready, &s->ready);
	}
	spin_unlock_irqrestore(&s->ready_lock, flags);
	return fresh;
}

static bool item_wake(struct wait_entry *e, u32 states, void *key)
{
	struct hook *h = container_of(e, struct hook, wait);
	struct item *it = h->item;
	u32 events = READ_ONCE(it->event.events);

	if (key && (u64)key & POLL_FREE) {
		list_del_init(&e->link);
		smp_store_release(&h->q, NULL);
	}
	if (!(events & ~PRIVATE_BITS))
		return false; /* a spent EPOLLONESHOT */
	if (key && !((u64)key & (events | EPOLLERR | EPOLLHUP)))
		return false;
	make_ready(it);
	announce(it->set);
	return events & EPOLLEXCLUSIVE;
}

struct hook_table {
	struct poll_table table;
	struct item *item;
};

static void item_hook(struct file *file, struct wait_queue *q, struct poll_table *pt)
{
	struct item *it = container_of(pt, struct hook_table, table)->item;
	struct hook *h = &it->hooks[it->nr_hooks];

	if (WARN_ON(it->nr_hooks == ARRAY_SIZE(it->hooks)))
		return;
	it->nr_hooks++;
	wait_entry_init(&h->wait);
	h->wait.fn = item_wake;
	h->wait.exclusive = it->event.events & EPOLLEXCLUSIVE;
	h->item = it;
	h->q = q;
	wait_add(q, &h->wait);
}

static u32 item_poll(struct item *it, struct poll_table *pt)
{
	u32 mask = EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;

	if (it->file->ops->poll)
		mask = it->file->ops->poll(it->file, pt);
	return mask & (it->event.events | EPOLLERR | EPOLLHUP); /* no file is ready for PRIVATE_BITS */
}

/* --- the tree --- */

static int compare(const struct item *it, const struct file *file, int fd)
{
	if (it->file != file)
		return file < it->file ? -1 : 1;
	return fd < it->fd ? -1 : fd > it->fd;
}

static struct item *item_find(struct set *s, struct file *file, int fd)
{
	struct rb_node *n = s->items.node;

	while (n) {
		struct item *it = rb_entry(n, struct item, rb);
		int c = compare(it, file, fd);

		if (c == 0)
			return it;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static void item_insert(struct set *s, struct item *new)
{
	struct rb_node **link = &s->items.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = compare(rb_entry(parent, struct item, rb), new->file, new->fd) < 0 ? &parent->left : &parent->right;
	}
	rb_insert(&new->rb, parent, link, &s->items, NULL);
	s->nr_items++;
}

static void item_free(struct rcu_head *head)
{
	slab_free(item_cache, container_of(head, struct item, rcu));
}

/* Out of everything. set->lock held. */
static void item_remove(struct item *it)
{
	struct set *s = it->set;
	u64 flags;

	rcu_read_lock();
	for (u32 i = 0; i < it->nr_hooks; i++) {
		struct wait_queue *q = smp_load_acquire(&it->hooks[i].q);

		if (q)
			wait_remove(q, &it->hooks[i].wait);
	}
	rcu_read_unlock();
	flags = spin_lock_irqsave(&s->ready_lock);
	if (it->queued)
		list_del(&it->ready);
	spin_unlock_irqrestore(&s->ready_lock, flags);
	rb_erase(&it->rb, &s->items, NULL);
	s->nr_items--;
	spin_lock(&it->file->lock);
	list_del(&it->file_link);
	spin_unlock(&it->file->lock);
	atomic_sub(&current_cred()->user->epoll_watches, 1);
	rcu_call(&it->rcu, item_free);
}

void epoll_file_release(struct file *f)
{
	for (;;) {
		struct item *it;
		struct set *s = NULL;
		bool over;

		spin_lock(&f->lock);
		it = list_first_entry_or_null(&f->epoll_links, struct item, file_link);
		over = !it;
		if (it && refcount_get_unless_zero(&it->set->refs))
			s = it->set;
		spin_unlock(&f->lock);
		if (over)
			return;
		if (!s) {
			cond_resched(); /* the set is ending and removes the item itself */
			continue;
		}
		mutex_lock(&s->lock);
		spin_lock(&f->lock);
		it = list_first_entry_or_null(&f->epoll_links, struct item, file_link);
		spin_unlock(&f->lock);
		if (it && it->set == s)
			item_remove(it);
		mutex_unlock(&s->lock);
		set_put(s);
	}
}

/* --- epoll_ctl --- */

static int item_add(struct set *s, struct file *file, int fd, const struct epoll_event *event)
{
	struct item *it;
	struct hook_table ht;

	it = slab_alloc(item_cache, GFP_KERNEL | GFP_ZERO);
	if (!it)
		return -ENOMEM;
	it->file = file;
	it->fd = fd;
	it->event = *event;
	it->set = s;
	list_init(&it->ready);
	spin_lock(&file->lock);
	list_add(&it->file_link, &file->epoll_links);
	spin_unlock(&file->lock);
	item_insert(s, it);
	atomic_add(&current_cred()->user->epoll_watches, 1);
	ht.table.add = item_hook;
	ht.table.key = event->events | EPOLLERR | EPOLLHUP;
	ht.item = it;
	if (item_poll(it, &ht.table)) {
		make_ready(it);
		announce(s);
	}
	return 0;
}

static int item_modify(struct item *it, const struct epoll_event *event)
{
	WRITE_ONCE(it->event.events, event->events);
	it->event.data = event->data;
	smp_mb(); /* the callback sees the new mask, or we see what it would have told */
	if (item_poll(it, NULL)) {
		make_ready(it);
		announce(it->set);
	}
	return 0;
}

/* Depth of sets below s, at most NESTING_MAX + 1; found when `wanted` is among them. nesting_lock held. */
static u32 depth_below(struct set *s, const struct set *wanted, bool *found)
{
	/* Explicit stack: one iterator a level. */
	struct {
		struct set *set;
		struct rb_node *next;
	} level[NESTING_MAX + 2] = { { s, rb_first(&s->items) } };
	u32 d = 0, deepest = 0;

	for (;;) {
		struct rb_node *n = level[d].next;
		struct set *below;

		if (!n) {
			if (d-- == 0)
				return deepest;
			continue;
		}
		level[d].next = rb_next(n);
		below = set_of(rb_entry(n, struct item, rb)->file);
		if (!below)
			continue;
		*found |= below == wanted;
		deepest = MAX(deepest, d + 1);
		if (d + 1 > NESTING_MAX || *found)
			return deepest;
		d++;
		level[d].set = below;
		level[d].next = rb_first(&below->items);
	}
}

/* Sets above s: how deep a chain of watchers it already has. */
static u32 depth_above(struct set *s)
{
	u32 depth = 0;

	for (struct file *f = s->file; f && depth <= NESTING_MAX; depth++) {
		struct item *it;
		struct file *above;

		spin_lock(&f->lock);
		it = list_first_entry_or_null(&f->epoll_links, struct item, file_link);
		above = it ? it->set->file : NULL;
		spin_unlock(&f->lock);
		if (!above)
			break;
		f = above;
	}
	return depth;
}

static int check_nesting(struct set *outer, struct set *inner)
{
	bool loop = false;
	u32 below = depth_below(inner, outer, &loop);

	if (loop || below + 1 + depth_above(outer) > NESTING_MAX)
		return -ELOOP;
	return 0;
}

static int check_exclusive(int op, const struct epoll_event *event, struct file *target)
{
	const u32 allowed = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

	if (!(event->events & EPOLLEXCLUSIVE))
		return 0;
	if (op == EPOLL_CTL_MOD || set_of(target) || (event->events & ~allowed))
		return -EINVAL;
	return 0;
}

static int do_ctl(struct set *s, int op, struct file *target, int fd, struct epoll_event *event)
{
	struct item *it = item_find(s, target, fd);

	event->events &= ~(u32)EPOLLWAKEUP; /* no autosleep */
	switch (op) {
	case EPOLL_CTL_ADD:
		event->events |= EPOLLERR | EPOLLHUP;
		return it ? -EEXIST : item_add(s, target, fd, event);
	case EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		item_remove(it);
		return 0;
	case EPOLL_CTL_MOD:
		if (!it)
			return -ENOENT;
		if (it->event.events & EPOLLEXCLUSIVE)
			return -EINVAL;
		event->events |= EPOLLERR | EPOLLHUP;
		return item_modify(it, event);
	}
	return -EINVAL;
}

long sys_epoll_ctl(int epfd, int op, int fd, struct epoll_event __user *uevent)
{
	struct epoll_event event = { 0 };
	struct fd ep, target;
	struct set *s;
	long rc;

	if (op != EPOLL_CTL_DEL && copy_from_user(&event, uevent, sizeof(event)))
		return -EFAULT;
	ep = fd_get(epfd);
	if (!ep.file)
		return -EBADF;
	target = fd_get(fd);
	rc = -EBADF;
	if (!target.file)
		goto out;
	rc = -EPERM;
	if (!target.file->ops->poll)
		goto out_target;
	rc = -EINVAL;
	s = set_of(ep.file);
	if (target.file == ep.file || !s)
		goto out_target;
	rc = op == EPOLL_CTL_DEL ? 0 : check_exclusive(op, &event, target.file);
	if (rc)
		goto out_target;
	if (op == EPOLL_CTL_ADD && set_of(target.file)) {
		mutex_lock(&nesting_lock);
		rc = check_nesting(s, set_of(target.file));
		if (rc == 0) {
			mutex_lock(&s->lock);
			rc = do_ctl(s, op, target.file, fd, &event);
			mutex_unlock(&s->lock);
		}
		mutex_unlock(&nesting_lock);
	} else {
		mutex_lock(&s->lock);
		rc = do_ctl(s, op, target.file, fd, &event);
		mutex_unlock(&s->lock);
	}
out_target:
	fd_put(target);
out:
	fd_put(ep);
	return rc;
}

/* --- epoll_wait --- */

/* Told each time anew as long as it is so: neither edge-triggered nor one-shot. */
static bool level_triggered(const struct item *it) { return !(it->event.events & (EPOLLONESHOT | EPOLLET)); }

/*
 * The next ready item; NULL when there is none. A level-triggered one stays on the list, as its last; others go off it
 * before they are asked, see the top. *last is the one that was last when the look began: what comes behind it came, or
 * came back, later. It stays until the look comes to it, as set->lock is held.
 */
static __always_inline struct item *take(struct set *s, struct item **last)
{
	struct item *it = NULL;

	spin_lock_irq(&s->ready_lock);
	if (likely(!list_empty(&s->ready))) {
		it = list_first_entry(&s->ready, struct item, ready);
		if (!*last)
			*last = container_of(s->ready.prev, struct item, ready);
		if (likely(level_triggered(it))) {
			if (s->ready.prev != &it->ready)
				list_move_tail(&it->ready, &s->ready);
		} else {
			list_del_init(&it->ready);
			it->queued = false;
		}
	}
	spin_unlock_irq(&s->ready_lock);
	return it;
}

/* A level-triggered item was asked and is not ready: off the list, then asked again, for what came in between. */
static __noinline void no_longer_ready(struct item *it)
{
	struct set *s = it->set;

	spin_lock_irq(&s->ready_lock);
	if (it->queued)
		list_del_init(&it->ready);
	it->queued = false;
	spin_unlock_irq(&s->ready_lock);
	if (item_poll(it, NULL))
		make_ready(it);
}

/* What the next one is ready for; 0: nothing. */
static __always_inline u32 ask(struct item *it)
{
	u32 mask = item_poll(it, NULL);

	if (unlikely(!mask) && level_triggered(it))
		no_longer_ready(it);
	return mask;
}

/* Up to max events to the user: how many, or -EFAULT when not even one could be told. */
static __always_inline int deliver(struct set *s, struct epoll_event __user *uevents, int max)
{
	struct item *it, *last = NULL;
	int n = 0, rc = 0;

	mutex_lock(&s->lock);
	do {
		u32 mask;

		it = take(s, &last);
		if (!it)
			break;
		mask = ask(it);
		if (unlikely(!mask))
			continue;
		if (put_user(mask, &uevents->events) || put_user(it->event.data, &uevents->data)) {
			if (!level_triggered(it))
				make_ready(it);
			rc = -EFAULT;
			break;
		}
		uevents++;
		n++;
		if (it->event.events & EPOLLONESHOT)
			WRITE_ONCE(it->event.events, it->event.events & PRIVATE_BITS);
	} while (n < max && it != last);
	mutex_unlock(&s->lock);
	/* Who looked while items were off the list may sleep; what is left is for the next one. */
	if (!list_empty(&s->ready) && unlikely(wait_queue_active(&s->wait)))
		wake_nested(&s->wait);
	return n ? n : rc;
}

/* 0: look again; -ETIME, -EINTR. */
static __noinline int wait_ready(struct set *s, ktime_t deadline)
{
	int rc;

	if (signal_pending())
		return -EINTR;
	rc = wait_event_state(&s->wait, !list_empty(&s->ready), TASK_INTERRUPTIBLE, true, deadline);
	return rc && rc != -ETIME ? -EINTR : rc;
}

static __always_inline int do_wait(struct set *s, struct epoll_event __user *uevents, int max, bool waits,
				   ktime_t deadline)
{
	int n, rc;

	for (;;) {
		if (!list_empty(&s->ready)) {
			n = deliver(s, uevents, max);
			if (n)
				return n;
		}
		if (!waits)
			return 0;
		rc = wait_ready(s, deadline);
		if (rc == -EINTR)
			return rc;
		waits = rc == 0; /* past the deadline: one last look */
	}
}

static __always_inline long wait_on(int epfd, struct epoll_event __user *uevents, int max, bool waits, ktime_t deadline)
{
	struct fd f;
	struct set *s;
	long rc = -EINVAL;

	if (max <= 0 || max > EVENTS_MAX)
		return -EINVAL;
	if (!access_ok(uevents, (u64)max * sizeof(*uevents)))
		return -EFAULT;
	f = fd_get(epfd);
	if (!f.file)
		return -EBADF;
	s = set_of(f.file);
	if (likely(s))
		rc = do_wait(s, uevents, max, waits, deadline);
	fd_put(f);
	return rc;
}

static __noinline long wait_masked(int epfd, struct epoll_event __user *uevents, int max, bool waits, ktime_t deadline,
				   const sigset_t __user *sigmask, size_t sigsetsize)
{
	long rc = signal_set_user_mask(sigmask, sigsetsize);

	if (rc)
		return rc;
	rc = wait_on(epfd, uevents, max, waits, deadline);
	signal_restore_mask_unless(rc == -EINTR);
	return rc;
}

/* timeout: ms, negative for ever */
static __noinline long wait_long(int epfd, struct epoll_event __user *events, int max, int timeout,
				 const sigset_t __user *sigmask, size_t sigsetsize)
{
	ktime_t deadline = timeout > 0 ? ktime_get() + timeout * NSEC_PER_MSEC : 0;

	if (sigmask)
		return wait_masked(epfd, events, max, timeout != 0, deadline, sigmask, sigsetsize);
	return wait_on(epfd, events, max, timeout != 0, deadline);
}

long sys_epoll_pwait(int epfd, struct epoll_event __user *events, int max, int timeout, const sigset_t __user *sigmask,
		     size_t sigsetsize)
{
	if (timeout || unlikely(sigmask))
		return wait_long(epfd, events, max, timeout, sigmask, sigsetsize);
	return wait_on(epfd, events, max, false, 0);
}

long sys_epoll_pwait2(int epfd, struct epoll_event __user *events, int max,
		      const struct __kernel_timespec __user *timeout, const sigset_t __user *sigmask, size_t sigsetsize)
{
	ktime_t t = 1, deadline = 0;
	int rc;

	if (timeout) {
		rc = timespec_from_user(&t, timeout);
		if (rc)
			return rc;
		deadline = ktime_add_safe(ktime_get(), t);
		if (deadline == KTIME_MAX)
			deadline = 0;
	}
	if (sigmask)
		return wait_masked(epfd, events, max, t != 0, deadline, sigmask, sigsetsize);
	return wait_on(epfd, events, max, t != 0, deadline);
}

/* --- the set as a file --- */

static u32 epoll_poll(struct file *f, struct poll_table *pt)
{
	struct set *s = f->data;
	struct item *it, *last = NULL;
	u32 mask = 0;

	poll_wait(f, &s->poll_wait, pt);
	if (list_empty(&s->ready))
		return 0;
	mutex_lock_nested(&s->lock);
	do {
		it = take(s, &last);
		if (!it)
			break;
		if (ask(it)) {
			if (!level_triggered(it))
				make_ready(it);
			mask = EPOLLIN | EPOLLRDNORM;
		}
	} while (!mask && it != last);
	mutex_unlock(&s->lock);
	return mask;
}

static void epoll_release(struct inode *inode, struct file *f)
{
	struct set *s = f->data;
	struct rb_node *n;

	poll_free(&s->poll_wait);
	mutex_lock(&s->lock);
	while ((n = rb_first(&s->items)))
		item_remove(rb_entry(n, struct item, rb));
	s->file = NULL;
	mutex_unlock(&s->lock);
	set_put(s);
}

static void epoll_show(struct seq_file *m, struct file *f)
{
	struct set *s = f->data;

	mutex_lock(&s->lock);
	for (struct rb_node *n = rb_first(&s->items); n; n = rb_next(n)) {
		struct item *it = rb_entry(n, struct item, rb);

		seq_printf(m, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx sdev:%x\n", it->fd, it->event.events,
			   (unsigned long long)it->event.data, (long long)it->file->pos,
			   (unsigned long long)it->file->inode->ino, it->file->inode->sb->dev);
	}
	mutex_unlock(&s->lock);
}

static const struct file_ops epoll_fops = {
	.poll = epoll_poll,
	.release = epoll_release,
	.show_fdinfo = epoll_show,
	.llseek = noop_llseek,
};

long sys_epoll_create1(int flags)
{
	struct set *s;
	struct file *f;
	int fd;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	mutex_init(&s->lock, RANK_EPOLL);
	spinlock_init(&s->ready_lock, RANK_EPOLL_READY);
	list_init(&s->ready);
	wait_queue_init(&s->wait);
	wait_queue_init(&s->poll_wait);
	spinlock_init(&s->wait.lock, RANK_WAIT_NESTED);
	spinlock_init(&s->poll_wait.lock, RANK_WAIT_NESTED);
	refcount_set(&s->refs, 1);
	fd = fd_alloc(0, (u32)flags & O_CLOEXEC);
	if (fd < 0) {
		kfree(s);
		return fd;
	}
	f = anon_file("[eventpoll]", &epoll_fops, s, O_RDWR);
	if (IS_ERR(f)) {
		fd_release(fd);
		kfree(s);
		return PTR_ERR(f);
	}
	s->file = f;
	fd_install(fd, f);
	return fd;
}

static int epoll_init(void)
{
	item_cache = slab_create("eventpoll_epi", sizeof(struct item), 8, 0, NULL);
	return item_cache ? 0 : -ENOMEM;
}
INITCALL(epoll_init);

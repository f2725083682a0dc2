/* SPDX-License-Identifier: MIT */
/*
 * ppoll and pselect6.
 *
 * The first pass queues a wait entry on everything it looks at unless something is ready or the time-out is zero; later
 * passes only look. A poll that need not wait costs a descriptor lookup and one call per file.
 */
#include <kernel/poll.h>

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <asm/poll.h>

#define INLINE_ENTRIES 9
#define INLINE_FDS     128

struct poll_entry {
	struct wait_entry wait;
	struct wait_queue *q; /* NULL once the queue let go of it (POLL_FREE) */
	struct file *file;    /* referenced */
	struct waiter *waiter;
	u32 key;
};

struct entry_page {
	struct entry_page *next;
	struct poll_entry entries[];
};
#define ENTRIES_PER_PAGE ((PAGE_SIZE - sizeof(struct entry_page)) / sizeof(struct poll_entry))

/* One polling task: its entries, and whether any of them was woken. */
struct waiter {
	struct poll_table table; /* first: poll_table is all add() gets */
	struct task *task;
	u32 triggered;		 /* [a] */
	int error;
	u32 nr;			 /* entries in all */
	struct poll_entry inline_entries[INLINE_ENTRIES];
	struct entry_page *pages;
};

static bool poll_wake(struct wait_entry *e, u32 states, void *key)
{
	struct poll_entry *p = container_of(e, struct poll_entry, wait);

	if (key && (u64)key & POLL_FREE) {
		list_del_init(&e->link);
		smp_store_release(&p->q, NULL);
	} else if (key && !((u64)key & p->key)) {
		return false;
	}
	WRITE_ONCE(p->waiter->triggered, 1);
	return wake_up_state(p->waiter->task, TASK_NORMAL);
}

static struct poll_entry *new_entry(struct waiter *w)
{
	u32 i = w->nr;

	if (i < INLINE_ENTRIES) {
		w->nr++;
		return &w->inline_entries[i];
	}
	i = (i - INLINE_ENTRIES) % ENTRIES_PER_PAGE;
	if (i == 0) {
		struct entry_page *page = page_alloc_virt(GFP_KERNEL);

		if (!page) {
			w->error = -ENOMEM;
			return NULL;
		}
		page->next = w->pages;
		w->pages = page;
	}
	w->nr++;
	return &w->pages->entries[i];
}

static void poll_add(struct file *file, struct wait_queue *q, struct poll_table *pt)
{
	struct waiter *w = container_of(pt, struct waiter, table);
	struct poll_entry *e = new_entry(w);

	if (!e)
		return;
	wait_entry_init(&e->wait);
	e->wait.fn = poll_wake;
	e->waiter = w;
	e->q = q;
	e->file = file_get(file);
	e->key = pt->key;
	wait_add(q, &e->wait);
}

void poll_free(struct wait_queue *q)
{
	wait_wake(q, TASK_NORMAL, 0, (void *)(u64)(EPOLLHUP | POLL_FREE));
}

static void drop_entry(struct poll_entry *e)
{
	struct wait_queue *q;

	rcu_read_lock();
	q = smp_load_acquire(&e->q);
	if (q)
		wait_remove(q, &e->wait);
	rcu_read_unlock();
	file_put(e->file);
}

static void waiter_init(struct waiter *w, bool waits)
{
	w->table.add = waits ? poll_add : NULL;
	w->table.key = 0;
	w->task = current;
	w->triggered = 0;
	w->error = 0;
	w->nr = 0;
	w->pages = NULL;
}

static void waiter_finish(struct waiter *w)
{
	u32 in_page = w->nr > INLINE_ENTRIES ? (w->nr - INLINE_ENTRIES - 1) % ENTRIES_PER_PAGE + 1 : 0;

	for (u32 i = 0; i < MIN(w->nr, (u32)INLINE_ENTRIES); i++)
		drop_entry(&w->inline_entries[i]);
	while (w->pages) {
		struct entry_page *page = w->pages;

		for (u32 i = 0; i < in_page; i++)
			drop_entry(&page->entries[i]);
		w->pages = page->next;
		page_free_virt(page);
		in_page = ENTRIES_PER_PAGE;
	}
}

/* Sleeps until an entry was woken: 0; -ETIME, -ERESTARTNOHAND. deadline 0: none. */
static int waiter_sleep(struct waiter *w, ktime_t deadline)
{
	int rc = 0;

	set_current_state(TASK_INTERRUPTIBLE);
	while (!READ_ONCE(w->triggered)) {
		rc = wait_may_continue(TASK_INTERRUPTIBLE, deadline);
		if (rc)
			break;
		schedule_until(deadline);
		set_current_state(TASK_INTERRUPTIBLE);
	}
	WRITE_ONCE(current->state, TASK_RUNNING);
	atomic_xchg(&w->triggered, 0);
	return rc == -ERESTARTSYS ? -ERESTARTNOHAND : rc;
}

/* What fd is ready for of `events` (with errors and hang-ups, always reported); POLLNVAL for a bad one. */
static __always_inline u32 __no_canary look(int fd, u32 events, struct waiter *w)
{
	struct fd f = fd_get(fd);
	u32 mask;

	if (!f.file)
		return EPOLLNVAL;
	events |= EPOLLERR | EPOLLHUP;
	mask = EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
	if (f.file->ops->poll) {
		w->table.key = events;
		mask = f.file->ops->poll(f.file, &w->table);
	}
	fd_put(f);
	return mask & events;
}

/* --- ppoll --- */

static int __no_canary poll_pass(struct pollfd *fds, u32 nr, struct waiter *w)
{
	int ready = 0;

	for (u32 i = 0; i < nr; i++) {
		u32 mask = fds[i].fd < 0 ? 0 : look(fds[i].fd, (u16)fds[i].events, w);

		fds[i].revents = (short)mask;
		if (mask) {
			ready++;
			w->table.add = NULL; /* nobody will sleep now */
		}
	}
	return ready;
}

static u32 no_method(const struct file *f)
{
	return f->mode & FMODE_PATH ? EPOLLNVAL : EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM;
}

/* The same when nobody sleeps and the table is this task's alone, so that descriptors stay what they are. */
static int __no_canary poll_quick(struct pollfd *fds, u32 nr)
{
	const struct fdtable *t = current->files->table;
	struct file *const *table = t->fd;
	u64 max = t->max;
	int ready = 0;

	for (struct pollfd *p = fds; p != fds + nr; p++) {
		u64 fd = (u32)p->fd;
		u32 mask = 0;
		struct file *f;

		if (likely(fd < max && (f = table[fd]))) {
			/* O_PATH files have no method. */
			mask = likely(f->ops->poll) ? f->ops->poll(f, NULL) : no_method(f);
			if (unlikely(mask))
				mask &= (u16)p->events | EPOLLERR | EPOLLHUP | EPOLLNVAL;
		} else if (p->fd >= 0) {
			mask = EPOLLNVAL;
		}
		p->revents = (short)mask;
		if (unlikely(mask))
			ready++;
	}
	return ready;
}

static __noinline int poll_loop(struct pollfd *fds, u32 nr, bool waits, ktime_t deadline)
{
	struct waiter w __uninitialized;
	int ready, rc;

	waiter_init(&w, waits);
	for (;;) {
		ready = poll_pass(fds, nr, &w);
		w.table.add = NULL;
		rc = w.error;
		if (ready || rc || !waits)
			break;
		rc = waiter_sleep(&w, deadline);
		if (rc)
			break;
	}
	if (rc == -ETIME) {
		ready = poll_pass(fds, nr, &w);
		rc = 0;
	}
	waiter_finish(&w);
	return ready ? ready : rc;
}

static long do_poll(struct pollfd __user *ufds, u32 nr, bool waits, ktime_t deadline)
{
	struct pollfd inline_fds[INLINE_FDS] __uninitialized, *fds = inline_fds;
	long rc;

	if (nr > rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (nr > INLINE_FDS) {
		fds = kvmalloc((size_t)nr * sizeof(*fds), GFP_KERNEL);
		if (!fds)
			return -ENOMEM;
	}
	rc = -EFAULT;
	if (copy_from_user(fds, ufds, nr * sizeof(*fds)))
		goto out;
	if (!waits && refcount_read(&current->files->users) == 1)
		rc = poll_quick(fds, nr);
	else
		rc = poll_loop(fds, nr, waits, deadline);
	if (rc >= 0 && nr && user_store16_strided(&ufds->revents, &fds->revents, nr, sizeof(*fds)))
		rc = -EFAULT;
out:
	if (fds != inline_fds)
		kvfree(fds);
	return rc;
}

/* A relative time-out as a deadline: *waits false for zero; 0 for ever. 0, -EFAULT, -EINVAL. */
static int deadline_from_user(const struct __kernel_timespec __user *uts, bool *waits, ktime_t *deadline)
{
	ktime_t t;
	int rc;

	*waits = true;
	*deadline = 0;
	if (!uts)
		return 0;
	rc = timespec_from_user(&t, uts);
	if (rc)
		return rc;
	*waits = t != 0;
	*deadline = 1; /* long past */
	if (*waits)
		*deadline = ktime_add_safe(ktime_get(), t);
	if (*deadline == KTIME_MAX)
		*deadline = 0;
	return 0;
}

/* The time left goes back to the caller; a call whose time-out cannot be updated must not restart. */
static long finish(long rc, struct __kernel_timespec __user *uts, ktime_t deadline, bool waits)
{
	ktime_t left;

	if (unlikely(READ_ONCE(current->work) & WORK_RESTORE_MASK))
		signal_restore_mask_unless(rc == -ERESTARTNOHAND);
	if (uts && deadline) {
		left = waits ? deadline - ktime_get() : 0;
		if (timespec_to_user(MAX(left, (ktime_t)0), uts) && rc == -ERESTARTNOHAND)
			rc = -EINTR;
	}
	return rc;
}

long sys_ppoll(struct pollfd __user *ufds, unsigned int nr, struct __kernel_timespec __user *uts,
	       const sigset_t __user *sigmask, size_t sigsetsize)
{
	ktime_t deadline;
	bool waits;
	long rc = deadline_from_user(uts, &waits, &deadline);

	if (rc == 0 && sigmask)
		rc = signal_set_user_mask(sigmask, sigsetsize);
	if (rc)
		return rc;
	return finish(do_poll(ufds, nr, waits, deadline), uts, deadline, waits);
}

/* --- pselect6 --- */

#define SET_IN	(EPOLLRDNORM | EPOLLRDBAND | EPOLLIN | EPOLLHUP | EPOLLERR)
#define SET_OUT (EPOLLWRBAND | EPOLLWRNORM | EPOLLOUT | EPOLLERR)
#define SET_EX	EPOLLPRI

struct sets {
	u32 n, longs;
	unsigned long *in[3], *out[3]; /* read, write, except */
};

static int select_pass(struct sets *s, struct waiter *w)
{
	static const u32 bits[3] = { SET_IN, SET_OUT, SET_EX };
	int ready = 0;

	for (u32 fd = 0; fd < s->n; fd++) {
		unsigned long bit = 1UL << (fd % 64);
		u32 word = fd / 64, mask, events = 0;

		for (u32 k = 0; k < 3; k++)
			if (s->in[k][word] & bit)
				events |= bits[k];
		if (!events)
			continue;
		mask = look((int)fd, events, w);
		if (mask & EPOLLNVAL)
			return -EBADF;
		for (u32 k = 0; k < 3; k++)
			if ((s->in[k][word] & bit) && (mask & bits[k])) {
				s->out[k][word] |= bit;
				ready++;
				w->table.add = NULL;
			}
	}
	return ready;
}

static int select_loop(struct sets *s, bool waits, ktime_t deadline)
{
	struct waiter w __uninitialized;
	int ready, rc;

	waiter_init(&w, waits);
	for (;;) {
		ready = select_pass(s, &w);
		w.table.add = NULL;
		rc = w.error;
		if (ready || rc || !waits)
			break;
		rc = waiter_sleep(&w, deadline);
		if (rc)
			break;
	}
	if (rc == -ETIME) {
		ready = select_pass(s, &w);
		rc = 0;
	}
	waiter_finish(&w);
	return ready ? ready : rc;
}

static long do_select(int n, void __user *const user[3], bool waits, ktime_t deadline)
{
	unsigned long inline_words[6 * 4], *words = inline_words;
	struct sets s;
	long rc;

	if (n < 0)
		return -EINVAL;
	s.n = MIN((u32)n, READ_ONCE(current->files->table)->max);
	s.longs = DIV_ROUND_UP(s.n, 64U);
	if (s.longs > 4) {
		words = kvmalloc(6UL * s.longs * sizeof(*words), GFP_KERNEL);
		if (!words)
			return -ENOMEM;
	}
	memset(words, 0, 6UL * s.longs * sizeof(*words));
	for (u32 k = 0; k < 3; k++) {
		s.in[k] = words + k * s.longs;
		s.out[k] = words + (k + 3) * s.longs;
		rc = -EFAULT;
		if (user[k] && copy_from_user(s.in[k], user[k], s.longs * 8UL))
			goto out;
	}
	rc = select_loop(&s, waits, deadline);
	if (rc < 0)
		goto out;
	for (u32 k = 0; k < 3; k++)
		if (user[k] && copy_to_user(user[k], s.out[k], s.longs * 8UL))
			rc = -EFAULT;
out:
	if (words != inline_words)
		kvfree(words);
	return rc;
}

long sys_pselect6(int n, __kernel_fd_set __user *in, __kernel_fd_set __user *out, __kernel_fd_set __user *ex,
		  struct __kernel_timespec __user *uts, void __user *usig)
{
	struct {
		const sigset_t __user *mask;
		size_t size;
	} sig = { NULL, 0 };
	void __user *const user[3] = { in, out, ex };
	ktime_t deadline;
	bool waits;
	long rc;

	if (usig && copy_from_user(&sig, usig, sizeof(sig)))
		return -EFAULT;
	rc = deadline_from_user(uts, &waits, &deadline);
	if (rc == 0 && sig.mask)
		rc = signal_set_user_mask(sig.mask, sig.size);
	if (rc)
		return rc;
	return finish(do_select(n, user, waits, deadline), uts, deadline, waits);
}

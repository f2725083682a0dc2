/* SPDX-License-Identifier: MIT */
/*
 * timerfd: a timer as a file. Reading gives the number of expiries since the last read or setting,
 * and waits for the first.
 *
 * The timer interrupt only counts the first expiry of a period and wakes readers; what passed since
 * is computed, and a periodic timer armed again, by the reader. wait.lock guards the state. A timer
 * that asked to be cancelled when the clock is set (TFD_TIMER_CANCEL_ON_SET) stands in a list; then
 * its next read fails with -ECANCELED, once.
 */
#include <arch/uaccess.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/poll.h>
#include <kernel/seq_file.h>
#include <kernel/syscall.h>
#include <kernel/uio.h>
#include <linux/time.h>
#include <linux/timerfd.h>

#include "clock.h"

struct timerfd {
	struct timer timer;
	struct wait_queue wait; /* its lock guards the fields up to `cancelled` */
	int clock;
	u32 settime_flags;	      /* of the last timerfd_settime: fdinfo */
	ktime_t expires, interval;    /* in the timer's base */
	u64 ticks;		      /* expiries not yet read */
	bool expired;		      /* fired; a periodic one is to be armed again by who looks */
	bool cancelled;		      /* the clock was set */
	struct list_head cancel_link; /* [cancel_lock] in cancel_list while it wants to know */
};

static DEFINE_MUTEX(cancel_lock, RANK_MUTEX);
static LIST_HEAD(cancel_list);

/* --- the timer; wait.lock held --- */

static ktime_t now_of(const struct timerfd *tf)
{
	return ktime_get() + clock_offset(tf->timer.base);
}

/* Moves the expiry past now by whole intervals; how many. */
static u64 forward(struct timerfd *tf, ktime_t now)
{
	u64 n;

	if (tf->expires > now)
		return 0;
	n = (u64)(now - tf->expires) / (u64)tf->interval + 1;
	tf->expires =
		ktime_add_safe(tf->expires, (ktime_t)MIN(n * (u64)tf->interval, (u64)KTIME_MAX));
	return n;
}

/* Arms a periodic timer that fired again; counts what it missed. */
static void catch_up(struct timerfd *tf)
{
	if (!tf->expired || !tf->interval)
		return;
	tf->expired = false;
	tf->ticks += MAX(forward(tf, now_of(tf)), 1UL) - 1;
	timer_start(&tf->timer, tf->expires);
}

static ktime_t timerfd_expired(struct timer *t, ktime_t now)
{
	struct timerfd *tf = container_of(t, struct timerfd, timer);
	u64 flags = spin_lock_irqsave(&tf->wait.lock);

	if (!timer_pending(t) && tf->expires &&
	    !tf->expired) { /* else set anew while this waited for the lock */
		tf->expired = true;
		tf->ticks++;
		wait_wake_locked(&tf->wait, TASK_NORMAL, 1, (void *)(u64)EPOLLIN);
	}
	spin_unlock_irqrestore(&tf->wait.lock, flags);
	return 0;
}

static struct __kernel_itimerspec setting_of(struct timerfd *tf)
{
	struct __kernel_itimerspec s = { .it_interval = ktime_to_timespec(tf->interval) };

	catch_up(tf);
	if (tf->expires && !tf->expired)
		s.it_value = ktime_to_timespec(MAX(tf->expires - now_of(tf), 0L));
	return s;
}

static void apply_setting(struct timerfd *tf, const struct __kernel_itimerspec *new, u32 flags)
{
	ktime_t value = timespec_to_ktime(&new->it_value);
	bool absolute = flags & TFD_TIMER_ABSTIME;

	timer_cancel(&tf->timer);
	tf->settime_flags = flags & (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
	tf->ticks = 0;
	tf->expired = tf->cancelled = false;
	tf->expires = 0;
	tf->interval = timespec_to_ktime(&new->it_interval);
	if (!value)
		return;
	tf->timer.base = clock_timer_base(tf->clock, absolute);
	tf->expires = absolute ? value : ktime_add_safe(now_of(tf), value);
	timer_start(&tf->timer, tf->expires);
}

/* --- being told that the clock was set --- */

void timerfd_clock_was_set(void)
{
	struct timerfd *tf;

	mutex_lock(&cancel_lock);
	list_for_each_entry (tf, &cancel_list, cancel_link) {
		u64 flags = spin_lock_irqsave(&tf->wait.lock);

		tf->cancelled = true;
		tf->ticks++;
		wait_wake_locked(&tf->wait, TASK_NORMAL, 1, (void *)(u64)EPOLLIN);
		spin_unlock_irqrestore(&tf->wait.lock, flags);
	}
	mutex_unlock(&cancel_lock);
}

static void want_cancel(struct timerfd *tf, bool want)
{
	if (!want && list_empty(&tf->cancel_link))
		return;
	mutex_lock(&cancel_lock);
	list_del_init(&tf->cancel_link);
	if (want)
		list_add(&tf->cancel_link, &cancel_list);
	mutex_unlock(&cancel_lock);
}

/* --- the file --- */

static void timerfd_release(struct inode *inode, struct file *file)
{
	struct timerfd *tf = file->data;

	want_cancel(tf, false);
	timer_cancel_sync(&tf->timer);
	kfree(tf);
}

static u32 timerfd_poll(struct file *file, struct poll_table *pt)
{
	struct timerfd *tf = file->data;

	poll_wait(file, &tf->wait, pt);
	return READ_ONCE(tf->ticks) ? EPOLLIN : 0;
}

/* Takes the count: 0 when there is none; -ECANCELED. */
static s64 take_ticks(struct timerfd *tf)
{
	u64 flags = spin_lock_irqsave(&tf->wait.lock);
	s64 n;

	catch_up(tf);
	n = tf->cancelled ? -ECANCELED : (s64)tf->ticks;
	tf->cancelled = false;
	tf->ticks = 0;
	spin_unlock_irqrestore(&tf->wait.lock, flags);
	return n;
}

static ssize_t timerfd_read(struct file *file, struct uio *uio, loff_t *pos)
{
	struct timerfd *tf = file->data;
	bool nowait = (file->flags & O_NONBLOCK) || uio->nowait;
	s64 n;

	if (uio->left < sizeof(u64))
		return -EINVAL;
	while ((n = take_ticks(tf)) == 0) {
		int rc = nowait ? -EAGAIN
				: wait_event_interruptible(&tf->wait, READ_ONCE(tf->ticks) != 0);

		if (rc)
			return rc;
	}
	if (n < 0)
		return n;
	return copy_to_uio(&n, sizeof(n), uio) == sizeof(n) ? (ssize_t)sizeof(n) : -EFAULT;
}

static void timerfd_show(struct seq_file *m, struct file *file)
{
	struct timerfd *tf = file->data;
	u64 flags = spin_lock_irqsave(&tf->wait.lock);
	struct __kernel_itimerspec s = setting_of(tf);
	u64 ticks = tf->ticks;
	u32 settime_flags = tf->settime_flags;

	spin_unlock_irqrestore(&tf->wait.lock, flags);
	seq_printf(m,
		   "clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%llu, "
		   "%llu)\nit_interval: (%llu, %llu)\n",
		   tf->clock, ticks, settime_flags, (u64)s.it_value.tv_sec, (u64)s.it_value.tv_nsec,
		   (u64)s.it_interval.tv_sec, (u64)s.it_interval.tv_nsec);
}

static const struct file_ops timerfd_ops = {
	.release = timerfd_release,
	.read = timerfd_read,
	.poll = timerfd_poll,
	.llseek = noop_llseek,
	.show_fdinfo = timerfd_show,
};

/* --- the calls --- */

static bool is_alarm(int clock)
{
	return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static bool clock_allowed(int clock)
{
	return clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME ||
	       is_alarm(clock);
}

long sys_timerfd_create(int clockid, int flags)
{
	struct timerfd *tf;
	int fd;

	static_assert(TFD_CLOEXEC == O_CLOEXEC && TFD_NONBLOCK == O_NONBLOCK,
		      "flags are passed on");
	if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) || !clock_allowed(clockid))
		return -EINVAL;
	if (is_alarm(clockid) && !capable(CAP_WAKE_ALARM))
		return -EPERM;
	tf = kzalloc(sizeof(*tf), GFP_KERNEL);
	if (!tf)
		return -ENOMEM;
	timer_init(&tf->timer, timerfd_expired);
	wait_queue_init(&tf->wait);
	list_init(&tf->cancel_link);
	tf->clock = clockid;
	fd = anon_fd("[timerfd]", &timerfd_ops, tf, O_RDWR | (u32)flags);
	if (fd < 0)
		kfree(tf);
	return fd;
}

/* The timerfd behind a descriptor: fd_put(*f) when done. ERR_PTR(-EBADF, -EINVAL). */
static struct timerfd *timerfd_get(int fd, struct fd *f)
{
	*f = fd_get(fd);
	if (!f->file)
		return ERR_PTR(-EBADF);
	if (f->file->ops != &timerfd_ops) {
		fd_put(*f);
		return ERR_PTR(-EINVAL);
	}
	return f->file->data;
}

/* Gives the setting before; then the new one holds. */
static void set_timer(struct timerfd *tf, const struct __kernel_itimerspec *new,
		      struct __kernel_itimerspec *was, u32 how)
{
	bool real = tf->clock == CLOCK_REALTIME || tf->clock == CLOCK_REALTIME_ALARM;
	u64 flags;

	want_cancel(tf, real && (how & TFD_TIMER_ABSTIME) && (how & TFD_TIMER_CANCEL_ON_SET));
	flags = spin_lock_irqsave(&tf->wait.lock);
	*was = setting_of(tf);
	apply_setting(tf, new, how);
	spin_unlock_irqrestore(&tf->wait.lock, flags);
}

long sys_timerfd_settime(int fd, int flags, const struct __kernel_itimerspec __user *new,
			 struct __kernel_itimerspec __user *old)
{
	struct __kernel_itimerspec set, was;
	struct timerfd *tf;
	struct fd f;

	if (copy_struct_from_user_exact(&set, new))
		return -EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    !timespec_valid(&set.it_value) || !timespec_valid(&set.it_interval))
		return -EINVAL;
	tf = timerfd_get(fd, &f);
	if (IS_ERR(tf))
		return PTR_ERR(tf);
	if (is_alarm(tf->clock) && !capable(CAP_WAKE_ALARM)) {
		fd_put(f);
		return -EPERM;
	}
	set_timer(tf, &set, &was, (u32)flags);
	fd_put(f);
	return old ? copy_struct_to_user_exact(old, &was) : 0;
}

long sys_timerfd_gettime(int fd, struct __kernel_itimerspec __user *cur)
{
	struct __kernel_itimerspec now;
	struct timerfd *tf;
	struct fd f;
	u64 flags;

	tf = timerfd_get(fd, &f);
	if (IS_ERR(tf))
		return PTR_ERR(tf);
	flags = spin_lock_irqsave(&tf->wait.lock);
	now = setting_of(tf);
	spin_unlock_irqrestore(&tf->wait.lock, flags);
	fd_put(f);
	return copy_struct_to_user_exact(cur, &now);
}

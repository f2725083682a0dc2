/* SPDX-License-Identifier: MIT */
/*
 * signalfd: pending signals as records to read.
 *
 * The file holds a mask. It has no queue of its own: reading takes what is pending for the reader,
 * polling looks at what is pending for the poller. Senders wake group->signalfd_wait.
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/poll.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/seq_file.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/uio.h>
#include <linux/signalfd.h>

#include "signal_internal.h"

struct signalfd {
	sigset_t mask; /* [a] one word */
};
static_assert(sizeof(struct signalfd_siginfo) == 128, "Linux's record");

static u32 signalfd_poll(struct file *file, struct poll_table *pt)
{
	struct signalfd *s = file->data;

	poll_wait(file, &current->group->signalfd_wait, pt);
	return signal_pending_set(current).sig[0] & READ_ONCE(s->mask.sig[0]) ? EPOLLIN : 0;
}

/* Which fields of a siginfo mean something, by who sent it. */
static void fill_record(struct signalfd_siginfo *r, const siginfo_t *info)
{
	int sig = info->si_signo, code = info->si_code;

	*r = (struct signalfd_siginfo) { .ssi_signo = (u32)sig,
					 .ssi_errno = info->si_errno,
					 .ssi_code = code };
	if (code == SI_TIMER) {
		r->ssi_tid = (u32)info->si_tid;
		r->ssi_overrun = (u32)info->si_overrun;
		r->ssi_ptr = (u64)info->si_ptr;
		r->ssi_int = info->si_int;
	} else if (code == SI_SIGIO || (sig == SIGPOLL && code > SI_USER && code <= NSIGPOLL)) {
		r->ssi_band = (u32)info->si_band;
		r->ssi_fd = info->si_fd;
	} else if (code > SI_USER && code < SI_KERNEL && signal_in(sig, SIGNALS_SYNC) &&
		   sig != SIGSYS) {
		r->ssi_addr = (u64)info->si_addr;
		if (sig == SIGBUS && (code == BUS_MCEERR_AR || code == BUS_MCEERR_AO))
			r->ssi_addr_lsb = (u16)info->si_addr_lsb;
	} else if (sig == SIGSYS && code == SYS_SECCOMP) {
		r->ssi_call_addr = (u64)info->si_call_addr;
		r->ssi_syscall = info->si_syscall;
		r->ssi_arch = info->si_arch;
	} else if (sig == SIGCHLD && code > SI_USER && code <= NSIGCHLD) {
		r->ssi_pid = (u32)info->si_pid;
		r->ssi_uid = info->si_uid;
		r->ssi_status = info->si_status;
		r->ssi_utime = (u64)info->si_utime;
		r->ssi_stime = (u64)info->si_stime;
	} else {
		r->ssi_pid = (u32)info->si_pid;
		r->ssi_uid = info->si_uid;
		if (code < 0 && code != SI_TKILL) {
			r->ssi_ptr = (u64)info->si_ptr;
			r->ssi_int = info->si_int;
		}
	}
}

static int dequeue(struct signalfd *s, siginfo_t *info)
{
	return signal_dequeue((sigset_t) { { READ_ONCE(s->mask.sig[0]) } }, info);
}

/* The next signal; sleeps for the first one unless nonblock. 0: none, not to wait; -EAGAIN,
 * -ERESTARTSYS. */
static int next_signal(struct signalfd *s, siginfo_t *info, bool wait, bool nonblock)
{
	int sig = dequeue(s, info), rc;

	if (sig || !wait)
		return sig;
	if (nonblock)
		return -EAGAIN;
	rc = wait_event_interruptible(&current->group->signalfd_wait,
				      (sig = dequeue(s, info)) != 0);
	return sig ? sig : rc;
}

static ssize_t signalfd_read(struct file *file, struct uio *uio, loff_t *pos)
{
	bool nonblock = (file->flags & O_NONBLOCK) || uio->nowait;
	struct signalfd_siginfo record;
	ssize_t done = 0;
	siginfo_t info;

	if (uio->left < sizeof(record))
		return -EINVAL;
	while (uio->left >= sizeof(record)) {
		int sig = next_signal(file->data, &info, done == 0, nonblock);

		if (sig <= 0)
			return done ? done : sig;
		fill_record(&record, &info);
		if (copy_to_uio(&record, sizeof(record), uio) != sizeof(record))
			return done ? done : -EFAULT;
		done += sizeof(record);
	}
	return done;
}

static void signalfd_release(struct inode *inode, struct file *file) { kfree(file->data); }

static void signalfd_show_fdinfo(struct seq_file *m, struct file *file)
{
	struct signalfd *s = file->data;

	seq_printf(m, "sigmask:\t%016lx\n", READ_ONCE(s->mask.sig[0]));
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.llseek = noop_llseek,
	.show_fdinfo = signalfd_show_fdinfo,
};

static int signalfd_new(sigset_t mask, int flags)
{
	struct signalfd *s = kmalloc(sizeof(*s), GFP_KERNEL);
	int fd;

	if (!s)
		return -ENOMEM;
	s->mask = mask;
	fd = anon_fd("[signalfd]", &signalfd_ops, s,
		     O_RDWR | (u32)(flags & (SFD_CLOEXEC | SFD_NONBLOCK)));
	if (fd < 0)
		kfree(s);
	return fd;
}

static int signalfd_change(int fd, sigset_t mask)
{
	struct fd f = fd_get(fd);
	int rc = fd;

	if (!f.file)
		return -EBADF;
	if (f.file->ops == &signalfd_ops) {
		WRITE_ONCE(((struct signalfd *)f.file->data)->mask.sig[0], mask.sig[0]);
		wake_up_all(&current->group->signalfd_wait);
	} else {
		rc = -EINVAL;
	}
	fd_put(f);
	return rc;
}

long sys_signalfd4(int fd, sigset_t __user *umask, size_t sizemask, int flags)
{
	sigset_t mask;

	if (sizemask != sizeof(mask))
		return -EINVAL;
	if (copy_struct_from_user_exact(&mask, umask))
		return -EFAULT;
	if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	mask.sig[0] &= ~SIGNALS_NOBLOCK;
	return fd == -1 ? signalfd_new(mask, flags) : signalfd_change(fd, mask);
}

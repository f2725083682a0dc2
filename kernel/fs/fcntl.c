/* SPDX-License-Identifier: MIT */
/*
 * fcntl(2): descriptors, file status flags, owners for SIGIO. Record locks are in locks.c, pipes and seals with those who
 * have them.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <asm/siginfo.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <linux/fs.h>
#include <linux/poll.h>

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_NDELAY | O_DIRECT | O_NOATIME)

/* --- F_SETFL --- */

static int setfl_check(const struct file *f, u32 flags)
{
	if (!(flags & O_APPEND) && (f->inode->flags & S_APPEND_FLAG) && (f->mode & FMODE_WRITE))
		return -EPERM;
	if ((flags & O_NOATIME) && !(f->flags & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if ((flags & O_DIRECT) && !S_ISFIFO(f->inode->mode) &&
	    (!(S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode)) || !f->mapping->ops))
		return -EINVAL;
	return 0;
}

int file_set_flags(int fd, struct file *f, u32 flags)
{
	int rc = setfl_check(f, flags);

	if (rc)
		return rc;
	if (((flags ^ f->flags) & FASYNC) && f->ops->fasync) {
		rc = f->ops->fasync(f, flags & FASYNC);
		if (rc < 0)
			return rc;
	}
	spin_lock(&f->lock);
	f->flags = (flags & (SETFL_MASK | FASYNC)) | (f->flags & ~(u32)(SETFL_MASK | FASYNC));
	f->owner.fd = fd;
	spin_unlock(&f->lock);
	return 0;
}

/* --- owners --- */

static void owner_set(struct file *f, struct pid *pid, u32 type)
{
	struct pid *old;

	spin_lock(&f->lock);
	old = f->owner.pid;
	f->owner.pid = pid_get(pid);
	f->owner.type = type;
	f->owner.uid = current_uid();
	f->owner.euid = current_euid();
	spin_unlock(&f->lock);
	pid_put(old);
}

static int owner_set_nr(struct file *f, pid_t nr, u32 type)
{
	struct pid *pid = NULL;

	if (nr) {
		pid = pid_find_get(nr);
		if (!pid)
			return -ESRCH;
	}
	owner_set(f, pid, type);
	pid_put(pid);
	return 0;
}

static long owner_set_old(struct file *f, int who)
{
	if (who == (int)0x80000000)
		return -EINVAL;
	return who < 0 ? owner_set_nr(f, -who, PIDTYPE_PGID) : owner_set_nr(f, who, PIDTYPE_TGID);
}

static pid_t owner_get(struct file *f, u32 *type)
{
	pid_t nr;

	spin_lock(&f->lock);
	nr = pid_nr(f->owner.pid);
	*type = f->owner.type;
	spin_unlock(&f->lock);
	return nr;
}

static long owner_set_ex(struct file *f, const struct f_owner_ex __user *uo)
{
	static const u32 types[] = { [F_OWNER_TID] = PIDTYPE_PID, [F_OWNER_PID] = PIDTYPE_TGID, [F_OWNER_PGRP] = PIDTYPE_PGID };
	struct f_owner_ex o;

	if (copy_from_user(&o, uo, sizeof(o)))
		return -EFAULT;
	if ((u32)o.type >= ARRAY_SIZE(types))
		return -EINVAL;
	return owner_set_nr(f, o.pid, types[o.type]);
}

static long owner_get_ex(struct file *f, struct f_owner_ex __user *uo)
{
	struct f_owner_ex o;
	u32 type;

	o.pid = owner_get(f, &type);
	o.type = type == PIDTYPE_PID ? F_OWNER_TID : type == PIDTYPE_PGID ? F_OWNER_PGRP : F_OWNER_PID;
	return copy_to_user(uo, &o, sizeof(o)) ? -EFAULT : 0;
}

static long owner_get_uids(struct file *f, u32 __user *uids)
{
	u32 two[2] = { f->owner.uid, f->owner.euid };

	return copy_to_user(uids, two, sizeof(two)) ? -EFAULT : 0;
}

/* --- SIGIO --- */

struct sigio {
	u32 type, uid, euid;
	int signum, band, fd;
};

static bool sigio_allowed(const struct sigio *s, struct task *t)
{
	const struct cred *c = t->cred;

	return s->euid == 0 || s->euid == c->suid || s->euid == c->uid || s->uid == c->suid || s->uid == c->uid;
}

static void sigio_one(const struct sigio *s, struct task *t)
{
	static const short events[] = { [POLL_IN] = POLLIN | POLLRDNORM, [POLL_OUT] = POLLOUT | POLLWRNORM | POLLWRBAND,
					[POLL_MSG] = POLLIN | POLLRDNORM | POLLMSG, [POLL_ERR] = POLLERR,
					[POLL_PRI] = POLLPRI | POLLRDBAND, [POLL_HUP] = POLLHUP | POLLERR };
	siginfo_t info;

	if (!sigio_allowed(s, t))
		return;
	if (s->signum) {
		memset(&info, 0, sizeof(info));
		info.si_signo = s->signum;
		info.si_code = s->band;
		info.si_band = events[s->band];
		info.si_fd = s->fd;
		if ((s->type == PIDTYPE_PID ? send_signal_thread : send_signal_group)(t, s->signum, &info) != -EAGAIN)
			return;
		/* No room in its queue: it shall at least hear something. */
	}
	if (s->type == PIDTYPE_PID)
		send_signal_thread(t, SIGIO, SEND_SIG_KERNEL);
	else
		send_signal_group(t, SIGIO, SEND_SIG_KERNEL);
}

void file_send_sigio(struct file *f, int band)
{
	struct sigio s = { .band = band };
	struct pid *pid;
	struct task *t;

	if (likely(!(READ_ONCE(f->flags) & FASYNC)) || band < POLL_IN || band > POLL_HUP)
		return;
	/* No lock: drivers call this from where they get their news. A mixture of two owners is as good as either. */
	rcu_read_lock();
	pid = READ_ONCE(f->owner.pid);
	if (pid && !refcount_get_unless_zero(&pid->refs))
		pid = NULL;
	s.type = f->owner.type;
	s.uid = f->owner.uid;
	s.euid = f->owner.euid;
	s.signum = f->owner.signum;
	s.fd = f->owner.fd;
	rcu_read_unlock();
	if (!pid)
		return;
	read_lock(&tasklist_lock);
	if (s.type == PIDTYPE_PGID) {
		for_each_pid_task(t, pid, PIDTYPE_PGID)
			sigio_one(&s, t);
	} else {
		t = pid_task(pid, s.type);
		if (t)
			sigio_one(&s, t);
	}
	read_unlock(&tasklist_lock);
	pid_put(pid);
}

/* --- the rest --- */

static long set_signal(struct file *f, unsigned long sig)
{
	if (sig > _NSIG)
		return -EINVAL;
	f->owner.signum = (int)sig;
	return 0;
}

/* Nobody holds a lease here, and none is given. */
static long set_lease(const struct file *f, unsigned long type)
{
	if (type != F_RDLCK && type != F_WRLCK && type != F_UNLCK)
		return -EINVAL;
	if (current_fsuid() != f->inode->uid && !capable(CAP_LEASE))
		return -EACCES;
	if (!S_ISREG(f->inode->mode))
		return -EINVAL;
	return -EAGAIN;
}

static long get_hint(const struct file *f, u64 __user *uhint)
{
	u64 hint = (f->inode->flags >> S_RW_HINT_SHIFT) & 7;

	return copy_to_user(uhint, &hint, sizeof(hint)) ? -EFAULT : 0;
}

static long set_hint(struct file *f, const u64 __user *uhint)
{
	struct inode *i = f->inode;
	u64 hint;

	if (!inode_owner_or_capable(i))
		return -EPERM;
	if (copy_from_user(&hint, uhint, sizeof(hint)))
		return -EFAULT;
	if (hint > RWH_WRITE_LIFE_EXTREME)
		return -EINVAL;
	down_write(&i->rwsem);
	i->flags = (i->flags & ~(7U << S_RW_HINT_SHIFT)) | ((u32)hint << S_RW_HINT_SHIFT);
	up_write(&i->rwsem);
	return 0;
}

static long same_file(const struct file *f, int other)
{
	struct fd o = fd_get_any(other);
	long same;

	if (!o.file)
		return -EBADF;
	same = o.file == f;
	fd_put(o);
	return same;
}

/* With O_PATH only the descriptor itself can be handled. */
static bool allowed_on_path(u32 cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_DUPFD_QUERY || cmd == F_GETFD || cmd == F_SETFD ||
	       cmd == F_GETFL || cmd == F_CREATED_QUERY;
}

/* A lock set on a file that another thread closed meanwhile would never go. */
static long set_lock(int fd, struct file *f, u32 cmd, void __user *flock)
{
	long rc = fcntl_setlk(f, (int)cmd, flock);
	struct fd now;

	if (rc || (cmd != F_SETLK && cmd != F_SETLKW))
		return rc;
	now = fd_get_any(fd);
	if (now.file != f) {
		locks_close(f, current->files);
		rc = -EBADF;
	}
	fd_put(now);
	return rc;
}

static long do_fcntl(int fd, struct file *f, u32 cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;
	u32 type;
	pid_t nr;

	switch (cmd) {
	case F_DUPFD:
		return arg > FD_MAX ? -EINVAL : fd_dup_at(f, (u32)arg, 0);
	case F_DUPFD_CLOEXEC:
		return arg > FD_MAX ? -EINVAL : fd_dup_at(f, (u32)arg, O_CLOEXEC);
	case F_DUPFD_QUERY:
		return same_file(f, (int)arg);
	case F_CREATED_QUERY:
		return (f->mode & FMODE_CREATED) != 0;
	case F_GETFD:
		return fd_cloexec((u32)fd);
	case F_SETFD:
		fd_set_cloexec((u32)fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		return file_set_flags(fd, f, (u32)arg);
	case F_GETLK:
	case F_OFD_GETLK:
		return fcntl_getlk(f, (int)cmd, uarg);
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return set_lock(fd, f, cmd, uarg);
	case F_SETOWN:
		return owner_set_old(f, (int)arg);
	case F_GETOWN:
		nr = owner_get(f, &type);
		return type == PIDTYPE_PGID ? -nr : nr;
	case F_SETOWN_EX:
		return owner_set_ex(f, uarg);
	case F_GETOWN_EX:
		return owner_get_ex(f, uarg);
	case F_GETOWNER_UIDS:
		return owner_get_uids(f, uarg);
	case F_SETSIG:
		return set_signal(f, arg);
	case F_GETSIG:
		return f->owner.signum;
	case F_SETLEASE:
		return set_lease(f, arg);
	case F_GETLEASE:
		return F_UNLCK;
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return pipe_fcntl(f, cmd, arg);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return shmem_seals(f, cmd, arg);
	case F_GET_RW_HINT:
		return get_hint(f, uarg);
	case F_SET_RW_HINT:
		return set_hint(f, uarg);
	default: /* F_NOTIFY too: inotify does that better */
		return -EINVAL;
	}
}

long sys_fcntl(int fd, unsigned int cmd, unsigned long arg)
{
	struct fd f = fd_get_any(fd);
	long rc = -EBADF;

	if (!f.file)
		return -EBADF;
	if (!(f.file->mode & FMODE_PATH) || allowed_on_path(cmd))
		rc = do_fcntl(fd, f.file, cmd, arg);
	fd_put(f);
	return rc;
}

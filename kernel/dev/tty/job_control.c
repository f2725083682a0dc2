/* SPDX-License-Identifier: MIT */
/*
 * Job control: which session a terminal controls, which process group is in the foreground.
 *
 * group->tty (sighand->lock) is a process's controlling terminal; tty->session and tty->pgrp (ctrl_lock) are the other
 * side. The two are set one after the other, so either may lag for a moment; neither is used without its own reference.
 */
#include "tty_private.h"

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>

struct tty *current_tty(void)
{
	struct tty *tty;
	u64 flags;

	if (!task_lock_sighand(current, &flags))
		return NULL;
	tty = tty_get(current->group->tty);
	task_unlock_sighand(current, flags);
	return tty;
}

static struct pid *tty_pid_get(struct tty *tty, struct pid **which)
{
	u64 flags = spin_lock_irqsave(&tty->ctrl_lock);
	struct pid *p = pid_get(*which);

	spin_unlock_irqrestore(&tty->ctrl_lock, flags);
	return p;
}

pid_t tty_foreground_pgrp(struct tty *tty)
{
	struct pid *p = tty_pid_get(tty, &tty->pgrp);
	pid_t nr = p ? pid_nr(p) : -1;

	pid_put(p);
	return nr;
}

/* Replaces group->tty; drops the old one. */
static void group_set_tty(struct task *t, struct tty *tty)
{
	struct tty *old;
	u64 flags;

	if (!task_lock_sighand(t, &flags))
		return;
	old = t->group->tty;
	t->group->tty = tty_get(tty);
	task_unlock_sighand(t, flags);
	tty_put(old);
}

static void tty_set_owner(struct tty *tty, struct pid *session, struct pid *pgrp)
{
	struct pid *old_session, *old_pgrp;
	u64 flags = spin_lock_irqsave(&tty->ctrl_lock);

	old_session = tty->session;
	old_pgrp = tty->pgrp;
	tty->session = pid_get(session);
	tty->pgrp = pid_get(pgrp);
	spin_unlock_irqrestore(&tty->ctrl_lock, flags);
	pid_put(old_session);
	pid_put(old_pgrp);
}

/* The terminal no longer controls its session: every member forgets it. */
void tty_session_clear(struct tty *tty)
{
	struct pid *session = tty_pid_get(tty, &tty->session);
	struct task *t, *victim;

	while (session) {
		victim = NULL;
		read_lock(&tasklist_lock);
		for_each_pid_task(t, session, PIDTYPE_SID)
			if (READ_ONCE(t->group->tty) == tty) {
				victim = task_get(t);
				break;
			}
		read_unlock(&tasklist_lock);
		if (!victim)
			break;
		group_set_tty(victim, NULL);
		task_put(victim);
	}
	pid_put(session);
	tty_set_owner(tty, NULL, NULL);
}

static struct pid *my_pid(enum pid_type type)
{
	struct pid *p;

	read_lock(&tasklist_lock);
	p = pid_get(current->group->pids[type]);
	read_unlock(&tasklist_lock);
	return p;
}

static void make_ctty(struct tty *tty)
{
	struct pid *session = my_pid(PIDTYPE_SID), *pgrp = my_pid(PIDTYPE_PGID);

	tty_set_owner(tty, session, pgrp);
	group_set_tty(current, tty);
	pid_put(session);
	pid_put(pgrp);
}

void tty_open_ctty(struct tty *tty, u32 open_flags)
{
	if ((open_flags & O_NOCTTY) || (tty->flags & TTY_PTY_MASTER) || (open_flags & O_ACCMODE) == O_WRONLY)
		return;
	mutex_lock(&tty_mutex);
	if (session_leader(current) && !READ_ONCE(current->group->tty) && !READ_ONCE(tty->session))
		make_ctty(tty);
	mutex_unlock(&tty_mutex);
}

int tty_check_change(struct tty *tty, int sig)
{
	struct pid *mine, *front;
	int rc = 0;

	if (READ_ONCE(current->group->tty) != tty)
		return 0;
	mine = my_pid(PIDTYPE_PGID);
	front = tty_pid_get(tty, &tty->pgrp);
	if (front && mine != front) {
		u64 flags;
		bool ignored = true;

		if (task_lock_sighand(current, &flags)) {
			ignored = (current->blocked.sig[0] & SIGMASK(sig)) ||
				  current->sighand->action[sig - 1].sa_handler == SIG_IGN;
			task_unlock_sighand(current, flags);
		}
		if (ignored) {
			rc = sig == SIGTTIN ? -EIO : 0;
		} else if (pgrp_is_orphaned(mine)) {
			rc = -EIO;
		} else {
			send_signal_pgrp(mine, sig, SEND_SIG_KERNEL);
			task_set_work(current, WORK_SIGNAL);
			rc = -ERESTARTSYS;
		}
	}
	pid_put(mine);
	pid_put(front);
	return rc;
}

/* The caller lets go of its terminal (TIOCNOTTY), or leads a session and exits. */
static void disassociate(struct tty *tty, bool exiting)
{
	struct pid *front;

	if (!session_leader(current)) {
		group_set_tty(current, NULL);
		return;
	}
	if (exiting && !(tty->flags & TTY_PTY_SLAVE)) {
		/* Linux hangs up a leader's line: background jobs of the old session lose it. */
		tty_hangup(tty);
	} else {
		front = tty_pid_get(tty, &tty->pgrp);
		if (front) {
			send_signal_pgrp(front, SIGHUP, SEND_SIG_KERNEL);
			if (!exiting)
				send_signal_pgrp(front, SIGCONT, SEND_SIG_KERNEL);
		}
		pid_put(front);
	}
	tty_session_clear(tty);
}

void tty_session_leader_exit(struct task *t)
{
	struct tty *tty = current_tty();

	if (!tty)
		return;
	mutex_lock(&tty_mutex);
	if (session_leader(t))
		disassociate(tty, true);
	mutex_unlock(&tty_mutex);
	tty_put(tty);
}

void tty_setsid(struct group *g)
{
	group_set_tty(g->leader, NULL);
}

static long ioctl_set_ctty(struct file *f, struct tty *tty, unsigned long arg)
{
	long rc = 0;

	mutex_lock(&tty_mutex);
	if (session_leader(current) && READ_ONCE(current->group->tty) == tty)
		goto out;
	rc = -EPERM;
	if (!session_leader(current) || READ_ONCE(current->group->tty))
		goto out;
	if (READ_ONCE(tty->session)) {
		if (arg != 1 || !capable(CAP_SYS_ADMIN))
			goto out;
		tty_session_clear(tty); /* stolen */
	}
	if (!(f->mode & FMODE_READ) && !capable(CAP_SYS_ADMIN))
		goto out;
	make_ctty(tty);
	rc = 0;
out:
	mutex_unlock(&tty_mutex);
	return rc;
}

static long ioctl_set_pgrp(struct tty *tty, pid_t __user *arg)
{
	struct pid *session, *pgrp, *old;
	struct task *member;
	pid_t nr;
	long rc = tty_check_change(tty, SIGTTOU);
	u64 flags;

	if (rc == -EIO)
		return -ENOTTY;
	if (rc)
		return rc;
	session = my_pid(PIDTYPE_SID);
	if (READ_ONCE(current->group->tty) != tty || READ_ONCE(tty->session) != session) {
		pid_put(session);
		return -ENOTTY;
	}
	if (get_user(nr, arg)) {
		pid_put(session);
		return -EFAULT;
	}
	rc = nr < 0 ? -EINVAL : 0;
	pgrp = rc ? NULL : pid_find_get(nr);
	if (rc == 0 && !pgrp)
		rc = -ESRCH;
	if (rc == 0) {
		read_lock(&tasklist_lock);
		member = pid_task(pgrp, PIDTYPE_PGID);
		rc = member && member->group->pids[PIDTYPE_SID] == session ? 0 : -EPERM;
		read_unlock(&tasklist_lock);
	}
	if (rc == 0) {
		flags = spin_lock_irqsave(&tty->ctrl_lock);
		old = tty->pgrp;
		tty->pgrp = pid_get(pgrp);
		spin_unlock_irqrestore(&tty->ctrl_lock, flags);
		pid_put(old);
	}
	pid_put(pgrp);
	pid_put(session);
	return rc;
}

static long ioctl_get_pgrp(struct tty *tty, struct tty *asked, pid_t __user *arg)
{
	pid_t nr = tty_foreground_pgrp(tty);

	if (tty == asked && READ_ONCE(current->group->tty) != tty)
		return -ENOTTY;
	return put_user(nr < 0 ? 0 : nr, arg);
}

static long ioctl_get_sid(struct tty *tty, struct tty *asked, pid_t __user *arg)
{
	struct pid *session;
	pid_t nr;

	if (tty == asked && READ_ONCE(current->group->tty) != tty)
		return -ENOTTY;
	session = tty_pid_get(tty, &tty->session);
	if (!session)
		return -ENOTTY;
	nr = pid_nr(session);
	pid_put(session);
	return put_user(nr, arg);
}

long tty_job_ioctl(struct file *f, struct tty *tty, u32 cmd, unsigned long arg)
{
	struct tty *real = tty->flags & TTY_PTY_MASTER && tty->link ? tty->link : tty;

	switch (cmd) {
	case TIOCSCTTY:
		return ioctl_set_ctty(f, real, arg);
	case TIOCNOTTY:
		if (READ_ONCE(current->group->tty) != tty)
			return -ENOTTY;
		mutex_lock(&tty_mutex);
		disassociate(tty, false);
		mutex_unlock(&tty_mutex);
		return 0;
	case TIOCGPGRP:
		return ioctl_get_pgrp(real, tty, (pid_t __user *)arg);
	case TIOCSPGRP:
		return ioctl_set_pgrp(real, (pid_t __user *)arg);
	case TIOCGSID:
		return ioctl_get_sid(real, tty, (pid_t __user *)arg);
	}
	return -ENOIOCTLCMD;
}

long sys_vhangup(void)
{
	struct tty *tty;

	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	tty = current_tty();
	if (tty) {
		tty_hangup(tty);
		tty_put(tty);
	}
	return 0;
}

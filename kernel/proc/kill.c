/* SPDX-License-Identifier: MIT */
/*
 * System calls that send signals. All check kill(2)'s permission; signal 0 only checks.
 */
#include <kernel/signal.h>

#include <arch/uaccess.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/syscall.h>
#include <linux/pidfd.h>

#include "signal_internal.h"

static void info_from_me(siginfo_t *info, int sig, int code)
{
	siginfo_init(info, sig, code);
	info->si_pid = current->tgid;
	info->si_uid = current_uid();
}

/* Nobody can pretend to be the kernel or a kill() of another, except to itself. */
static bool may_claim(const siginfo_t *info)
{
	return info->si_code < 0 && info->si_code != SI_TKILL;
}

static int info_from_user(siginfo_t *info, int sig, const siginfo_t __user *uinfo)
{
	int rc = copy_siginfo_from_user(info, uinfo);

	info->si_signo = sig;
	return rc;
}

/* --- kill --- */

static int kill_process(pid_t pid, int sig, const siginfo_t *info)
{
	struct task *t;
	int rc;

	rcu_read_lock();
	do {
		t = pid == current->pid ? current : task_find(pid);
		rc = t ? signal_send_checked(t, sig, info, true) : -ESRCH;
	} while (t && rc == -ESRCH); /* released meanwhile: an exec may have given its number on */
	rcu_read_unlock();
	return rc;
}

/* pgrp 0: mine. */
static int kill_pgrp(pid_t pgrp, int sig)
{
	int rc;

	read_lock(&tasklist_lock);
	rc = signal_send_pgrp_checked(pgrp ? pid_find(pgrp) : current->group->pids[PIDTYPE_PGID],
				      sig, SEND_SIG_USER);
	read_unlock(&tasklist_lock);
	return rc;
}

/* Every process but init and my own. */
static int kill_all(int sig)
{
	extern struct task init_task;
	int rc = 0, n = 0;
	struct task *p;

	read_lock(&tasklist_lock);
	for_each_process (p) {
		int err;

		if (p->tgid <= 1 || p->group == current->group)
			continue;
		n++;
		err = signal_send_checked(p, sig, SEND_SIG_USER, true);
		if (err != -EPERM)
			rc = err;
	}
	read_unlock(&tasklist_lock);
	return n ? rc : -ESRCH;
}

long sys_kill(pid_t pid, int sig)
{
	if (pid > 0)
		return kill_process(pid, sig, SEND_SIG_USER);
	return pid == -1 ? kill_all(sig) : kill_pgrp(-pid, sig);
}

/* --- one thread --- */

static int kill_thread(pid_t tgid, pid_t tid, int sig, const siginfo_t *info)
{
	struct task *t;
	int rc = -ESRCH;

	rcu_read_lock();
	t = task_find(tid);
	if (t && (tgid <= 0 || t->tgid == tgid)) {
		rc = signal_check(t, sig);
		/* One that dies right now died after it got the signal. */
		if (rc == 0 && sig && send_signal_thread(t, sig, info) == -EAGAIN)
			rc = -EAGAIN;
	}
	rcu_read_unlock();
	return rc;
}

long sys_tkill(pid_t pid, int sig)
{
	siginfo_t info;

	if (pid <= 0)
		return -EINVAL;
	info_from_me(&info, sig, SI_TKILL);
	return kill_thread(0, pid, sig, &info);
}

long sys_tgkill(pid_t tgid, pid_t pid, int sig)
{
	siginfo_t info;

	if (pid <= 0 || tgid <= 0)
		return -EINVAL;
	info_from_me(&info, sig, SI_TKILL);
	return kill_thread(tgid, pid, sig, &info);
}

/* --- with a siginfo of the sender's --- */

long sys_rt_sigqueueinfo(pid_t pid, int sig, struct siginfo __user *uinfo)
{
	siginfo_t info;
	int rc = info_from_user(&info, sig, uinfo);

	if (rc)
		return rc;
	if (!may_claim(&info) && current->pid != pid)
		return -EPERM;
	return pid > 0 ? kill_process(pid, sig, &info) : -ESRCH;
}

long sys_rt_tgsigqueueinfo(pid_t tgid, pid_t pid, int sig, struct siginfo __user *uinfo)
{
	siginfo_t info;
	int rc = info_from_user(&info, sig, uinfo);

	if (rc)
		return rc;
	if (pid <= 0 || tgid <= 0)
		return -EINVAL;
	if (!may_claim(&info) && current->pid != pid)
		return -EPERM;
	return kill_thread(tgid, pid, sig, &info);
}

/* --- by pidfd --- */

enum scope { SCOPE_THREAD, SCOPE_PROCESS, SCOPE_PGRP };

static int scope_of(u32 flags, const struct file *pidfd)
{
	switch (flags) {
	case 0:
		return pidfd->flags & PIDFD_THREAD ? SCOPE_THREAD : SCOPE_PROCESS;
	case PIDFD_SIGNAL_THREAD:
		return SCOPE_THREAD;
	case PIDFD_SIGNAL_THREAD_GROUP:
		return SCOPE_PROCESS;
	case PIDFD_SIGNAL_PROCESS_GROUP:
		return SCOPE_PGRP;
	default:
		return -EINVAL;
	}
}

static int pidfd_info(siginfo_t *info, int sig, const siginfo_t __user *uinfo, struct pid *pid,
		      int scope)
{
	int rc;

	if (!uinfo) {
		info_from_me(info, sig, scope == SCOPE_THREAD ? SI_TKILL : SI_USER);
		return 0;
	}
	rc = copy_siginfo_from_user(info, uinfo);
	if (rc)
		return rc;
	if (info->si_signo != sig)
		return -EINVAL;
	if (!may_claim(info) && (scope == SCOPE_PGRP || pid != current->pids[PIDTYPE_PID]))
		return -EPERM;
	return 0;
}

static int pidfd_send(struct pid *pid, int sig, const siginfo_t *info, int scope)
{
	int rc;

	if (scope != SCOPE_PGRP)
		return signal_send_pid_checked(pid, sig, info, scope == SCOPE_PROCESS);
	read_lock(&tasklist_lock);
	rc = signal_send_pgrp_checked(pid, sig, info);
	read_unlock(&tasklist_lock);
	return rc;
}

long sys_pidfd_send_signal(int pidfd, int sig, struct siginfo __user *uinfo, unsigned int flags)
{
	struct pid *pid;
	siginfo_t info;
	struct fd f;
	int rc;

	if (flags & ~(PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP |
		      PIDFD_SIGNAL_PROCESS_GROUP) ||
	    (flags & (flags - 1)))
		return -EINVAL;
	f = fd_get(pidfd);
	if (!f.file)
		return -EBADF;
	pid = pidfd_pid(f.file);
	if (IS_ERR(pid)) {
		rc = (int)PTR_ERR(pid);
	} else {
		int scope = scope_of(flags, f.file);

		rc = pidfd_info(&info, sig, uinfo, pid, scope);
		if (rc == 0)
			rc = pidfd_send(pid, sig, &info, scope);
	}
	fd_put(f);
	return rc;
}

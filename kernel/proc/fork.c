/* SPDX-License-Identifier: MIT */
/*
 * Making tasks, and making user threads and processes in particular (do_clone).
 *
 * A new task is a copy of the current one (task.c) that is then given its parts in a fixed order, each shared or copied
 * as CLONE_* says: files, fs, signals, group, address space, registers, number. task_publish() makes it visible;
 * from there on it is as real as any other. Failure unwinds in the opposite order.
 */
#include <kernel/process.h>

#include <arch/regs.h>
#include <arch/uaccess.h>
#include <kernel/fs.h>
#include <kernel/mutex.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <kernel/tty.h>
#include <kernel/vm.h>
#include <linux/sched.h>

#include "fork.h"
#include "proc.h"

/* --- the parts: each returns 0 or -errno and leaves the task unchanged on failure --- */

static int take_files(struct task *t, const struct new_task *n)
{
	struct files *files = n->files;

	if (!files)
		return 0;
	if (n->flags & CLONE_FILES) {
		refcount_get(&files->users);
	} else {
		files = files_fork(files);
		if (IS_ERR(files))
			return (int)PTR_ERR(files);
	}
	t->files = files;
	return 0;
}

/* While a set-user-ID program is being started nobody may begin to share its directories: -EAGAIN. */
static int share_fs(struct fs *fs)
{
	int rc = 0;

	spin_lock(&fs->lock);
	if (fs->in_exec)
		rc = -EAGAIN;
	else
		refcount_get(&fs->users);
	spin_unlock(&fs->lock);
	return rc;
}

static int take_fs(struct task *t, const struct new_task *n)
{
	int rc = 0;

	if (!n->fs)
		return 0;
	if (n->flags & CLONE_FS) {
		rc = share_fs(n->fs);
		t->fs = rc ? NULL : n->fs;
	} else {
		t->fs = fs_fork(n->fs);
		rc = t->fs ? 0 : -ENOMEM;
	}
	return rc;
}

/* Kernel threads take no signals; process 1 starts with default actions. */
static void set_actions(struct sighand *s, __sighandler_t handler)
{
	for (u32 i = 0; i < ARRAY_SIZE(s->action); i++)
		s->action[i] = (struct sigaction){ .sa_handler = handler };
}

static int take_signals(struct task *t, const struct new_task *n)
{
	int rc = signal_fork(t, n->flags);

	if (rc == 0 && n->fn)
		set_actions(t->sighand, n->ignore_signals ? SIG_IGN : SIG_DFL);
	return rc;
}

static int take_group(struct task *t, const struct new_task *n)
{
	struct group *g = current->group;

	if (n->flags & CLONE_THREAD) {
		refcount_get(&g->refs);
	} else {
		g = group_create(t, n->fn ? &init_group : g);
		if (!g)
			return -ENOMEM;
	}
	t->group = g;
	return 0;
}

static int take_mm(struct task *t, const struct new_task *n)
{
	struct mm *mm = current->mm;

	if (n->fn || !mm)
		return 0;
	if (n->flags & CLONE_VM) {
		mm_get(mm);
	} else {
		mm = mm_fork(mm);
		if (IS_ERR(mm))
			return (int)PTR_ERR(mm);
	}
	t->mm = t->active_mm = mm;
	return 0;
}

static void take_registers(struct task *t, const struct new_task *n)
{
	const struct clone_args *a = n->args;

	if (n->fn)
		arch_task_init_kernel(t, n->fn, n->arg);
	else
		arch_task_init_user(t, current_regs(), a->stack ? a->stack + a->stack_size : 0, a->tls,
				    n->flags & CLONE_SETTLS);
}

static int take_parts(struct task *t, const struct new_task *n)
{
	int rc = take_files(t, n);

	if (rc)
		return rc;
	rc = take_fs(t, n);
	if (rc)
		goto drop_files;
	rc = take_signals(t, n);
	if (rc)
		goto drop_fs;
	rc = take_group(t, n);
	if (rc)
		goto drop_sighand;
	rc = take_mm(t, n);
	if (rc)
		goto drop_group;
	take_registers(t, n);
	return 0;
drop_group:
	group_put(t->group);
drop_sighand:
	sighand_put(t->sighand);
drop_fs:
	if (t->fs)
		fs_put(t->fs);
drop_files:
	if (t->files)
		files_put(t->files);
	return rc;
}

static void drop_parts(struct task *t)
{
	if (t->mm)
		mm_put(t->mm);
	group_put(t->group);
	sighand_put(t->sighand);
	if (t->fs)
		fs_put(t->fs);
	if (t->files)
		files_put(t->files);
}

/* --- visibility --- */

static void join_family(struct task *t, u64 flags)
{
	if (flags & (CLONE_PARENT | CLONE_THREAD)) {
		t->real_parent = current->real_parent;
		t->parent_exec_id = current->parent_exec_id;
	} else {
		t->real_parent = current;
		t->parent_exec_id = current->self_exec_id;
	}
	if (flags & CLONE_THREAD)
		t->exit_signal = -1;
	else if (flags & CLONE_PARENT)
		t->exit_signal = current->group->leader->exit_signal;
}

static void publish_thread(struct task *t, struct pid *pid)
{
	struct group *g = t->group;

	t->tgid = current->tgid;
	g->nr_threads++;
	atomic_inc(&g->live);
	list_add_tail(&t->thread_link, &g->threads);
	pid_attach(t, PIDTYPE_PID, pid);
}

static void publish_leader(struct task *t, struct pid *pid)
{
	struct group *g = t->group;
	struct group *session = t->flags & TF_KTHREAD ? &init_group : current->group;

	t->tgid = pid->nr;
	g->tty = session->tty ? tty_get(session->tty) : NULL;
	list_add_tail(&t->thread_link, &g->threads);
	list_add_tail(&t->sibling, &t->real_parent->children);
	list_add_tail(&t->all_link, &init_task.all_link);
	pid_attach(t, PIDTYPE_TGID, pid);
	pid_attach(t, PIDTYPE_PGID, session->pids[PIDTYPE_PGID]);
	pid_attach(t, PIDTYPE_SID, session->pids[PIDTYPE_SID]);
	pid_attach(t, PIDTYPE_PID, pid);
	process_count++;
}

int task_publish(struct task *t, struct pid *pid, u64 flags, bool interruptible)
{
	struct sighand *s = current->sighand;

	t->pid = pid->nr;
	write_lock_irq(&tasklist_lock);
	if (t->flags & TF_KTHREAD)
		t->real_parent = kthreadd_task ? kthreadd_task : &init_task;
	else
		join_family(t, flags);
	t->parent = t->real_parent;
	if (interruptible) {
		/* A signal to the process, or exit of a sibling, before now reached the parent only: it goes first. */
		spin_lock(&s->lock);
		if (signal_pending()) {
			spin_unlock(&s->lock);
			write_unlock_irq(&tasklist_lock);
			return -ERESTARTNOINTR;
		}
	}
	if (flags & CLONE_THREAD)
		publish_thread(t, pid);
	else
		publish_leader(t, pid);
	if (interruptible)
		spin_unlock(&s->lock);
	write_unlock_irq(&tasklist_lock);
	return 0;
}

/* --- limits --- */

static bool may_exceed_nproc(void)
{
	return current->cred->user == &root_user || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN);
}

/* Counts the new task for its user and the machine: 0 or -EAGAIN. */
static int count_task(const struct cred *c)
{
	s64 *processes = &c->user->processes;

	if ((u64)atomic_add_return(processes, 1) > rlimit(RLIMIT_NPROC) && !may_exceed_nproc())
		goto too_many;
	current->flags &= ~(u32)TF_NPROC_EXCEEDED;
	if (atomic_add_return(&thread_count, 1) > max_threads) {
		atomic_dec(&thread_count);
		goto too_many;
	}
	return 0;
too_many:
	atomic_dec(processes);
	return -EAGAIN;
}

static void uncount_task(const struct cred *c)
{
	atomic_dec(&thread_count);
	atomic_dec(&c->user->processes);
}

/* --- making one --- */

void task_set_times(struct task *t)
{
	t->start_time = (u64)ktime_get();
	t->start_boottime = (u64)ktime_get_boottime();
}

struct task *task_build(const struct new_task *n)
{
	struct task *t;
	int rc = count_task(current->cred);

	if (rc)
		return ERR_PTR(rc);
	t = task_duplicate();
	rc = -ENOMEM;
	if (!t)
		goto uncount;
	if (n->fn)
		t->flags |= TF_KTHREAD;
	else
		t->flags |= TF_FORKNOEXEC;
	rc = take_parts(t, n);
	if (rc)
		goto free_task;
	sched_fork(t, n->flags);
	if (n->flags & CLONE_VM)
		t->rseq = NULL;
	else if (t->rseq)
		t->work = WORK_RSEQ; /* it may start on another hart */
	task_set_times(t);
	return t;
free_task:
	task_free_unstarted(t);
uncount:
	uncount_task(current->cred);
	return ERR_PTR(rc);
}

void task_unbuild(struct task *t)
{
	uncount_task(t->cred);
	drop_parts(t);
	task_free_unstarted(t);
}

/* --- user tasks --- */

/* Tells the parent's and the child's memory the new number, where asked. As in Linux, a bad pointer is not an error. */
static void store_tids(struct task *t, const struct clone_args *a)
{
	pid_t nr = t->pid;

	if (a->flags & CLONE_PARENT_SETTID)
		(void)put_user(nr, (pid_t __user *)a->parent_tid);
	if (!(a->flags & CLONE_CHILD_SETTID))
		return;
	if (a->flags & CLONE_VM)
		(void)put_user(nr, (pid_t __user *)a->child_tid);
	else
		(void)vm_access(t->mm, a->child_tid, &nr, sizeof(nr), true, false);
}

/* Sleeps until the child has another address space or none; a fatal signal ends the wait. */
static void wait_for_vfork(struct task *t, struct completion *done)
{
	if (wait_for_completion_killable(done) == 0)
		return;
	spin_lock(&t->lock);
	t->vfork_done = NULL;
	spin_unlock(&t->lock);
}

/* The descriptor for CLONE_PIDFD: reserved and written to user space, not installed yet. fd or -errno. */
static int make_pidfd(struct pid *pid, const struct clone_args *a, struct file **file)
{
	int fd = pidfd_create(pid, a->flags & CLONE_THREAD ? O_EXCL : 0, file);

	if (fd < 0)
		return fd;
	if (put_user(fd, (int __user *)a->pidfd)) {
		fd_release(fd);
		file_put(*file);
		return -EFAULT;
	}
	return fd;
}

pid_t do_clone(const struct clone_args *a)
{
	struct new_task n = { .args = a, .flags = a->flags, .files = current->files, .fs = current->fs };
	struct completion vfork_done;
	struct file *pidfd_file = NULL;
	struct task *t;
	struct pid *pid;
	int rc, pidfd = -1;
	pid_t nr;

	if (signal_pending())
		return -ERESTARTNOINTR;
	if (a->set_tid_size)
		n.want = (pid_t)a->set_tid;
	t = task_build(&n);
	if (IS_ERR(t))
		return (pid_t)PTR_ERR(t);
	t->exit_signal = (s32)a->exit_signal;
	if (a->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = (int __user *)a->child_tid;
	pid = pid_alloc(n.want);
	rc = IS_ERR(pid) ? (int)PTR_ERR(pid) : 0;
	if (rc)
		goto unbuild;
	if (a->flags & CLONE_PIDFD) {
		rc = pidfd = make_pidfd(pid, a, &pidfd_file);
		if (pidfd < 0)
			goto free_pid;
	}
	if (a->flags & CLONE_VFORK) {
		completion_init(&vfork_done);
		t->vfork_done = &vfork_done;
		t->flags |= TF_VFORK;
	}
	rc = task_publish(t, pid, a->flags, true);
	if (rc)
		goto drop_pidfd;

	if (pidfd >= 0)
		fd_install(pidfd, pidfd_file);
	nr = t->pid;
	store_tids(t, a);
	syscall_trace_update(t);
	if (!(a->flags & CLONE_VFORK)) {
		wake_up_new(t);
		return nr;
	}
	task_get(t);
	wake_up_new(t);
	wait_for_vfork(t, &vfork_done);
	task_put(t);
	return nr;

drop_pidfd:
	if (pidfd >= 0) {
		fd_release(pidfd);
		file_put(pidfd_file);
	}
free_pid:
	pid_free_number(pid);
unbuild:
	task_unbuild(t);
	return rc;
}

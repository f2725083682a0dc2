/* SPDX-License-Identifier: MIT */
/*
 * Tasks of the kernel's own: process 1 before it runs a program, kernel threads, the idle tasks of other harts, and
 * kthreadd. They belong to root, start with init_task's limits, and take no signals (process 1 excepted).
 */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <linux/sched.h>

#include "fork.h"
#include "proc.h"

/* An invisible kernel thread with the kernel's identity, whoever asked for it. ERR_PTR. */
static struct task *kernel_task_build(const struct new_task *n, const char *name)
{
	struct task *t = task_build(n);

	if (IS_ERR(t))
		return t;
	cred_put(t->cred);
	t->cred = cred_get(&init_cred);
	if (current->cred->user != &root_user) {
		atomic_dec(&current->cred->user->processes);
		atomic_inc(&root_user.processes);
	}
	t->personality = 0;
	t->blocked.sig[0] = 0;
	t->rseq = NULL;
	t->exit_signal = SIGCHLD;
	t->self_exec_id = t->parent_exec_id = 0;
	strscpy(t->comm, name, sizeof(t->comm));
	return t;
}

static struct task *kernel_task_create(const struct new_task *n, const char *name)
{
	struct task *t = kernel_task_build(n, name);
	struct pid *pid;

	if (IS_ERR(t))
		return t;
	pid = pid_alloc(n->want);
	if (IS_ERR(pid)) {
		task_unbuild(t);
		return ERR_CAST(pid);
	}
	task_publish(t, pid, 0, false);
	return t;
}

struct task *task_create_kthread(int (*fn)(void *), void *arg, const char *name)
{
	const struct new_task n = {
		.flags = CLONE_FS | CLONE_FILES,
		.fn = fn,
		.arg = arg,
		.files = init_task.files,
		.fs = init_task.fs,
		.ignore_signals = true,
	};

	return kernel_task_create(&n, name);
}

struct task *task_create_init(int (*fn)(void *), void *arg)
{
	const struct new_task n = { .fn = fn, .arg = arg, .want = PID_INIT, .fs = init_task.fs };
	struct files *files = files_create();
	struct task *t;

	if (!files)
		return ERR_PTR(-ENOMEM);
	t = kernel_task_create(&n, "init");
	if (IS_ERR(t)) {
		files_put(files);
		return t;
	}
	t->files = files;
	t->affinity = HARTMASK_ALL;
	t->group->flags |= GROUP_UNKILLABLE;
	write_lock_irq(&tasklist_lock);
	list_move_tail(&t->sibling, &init_task.children);
	t->parent = t->real_parent = &init_task;
	init_process = t;
	write_unlock_irq(&tasklist_lock);
	return t;
}

/* The idle task of another hart: number 0, in init_task's group, on no list. smp_boot() starts it on its own stack. */
struct task *task_create_idle(u32 hart)
{
	struct task *t = task_duplicate();

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->flags |= TF_KTHREAD | TF_IDLE;
	t->group = &init_group;
	refcount_get(&init_group.refs);
	t->sighand = init_task.sighand;
	t->pid = t->tgid = 0;
	t->real_parent = t->parent = &init_task;
	t->hart = hart;
	snprintf(t->comm, sizeof(t->comm), "swapper/%u", hart);
	sigpending_init(&t->pending);
	sched_fork(t, 0);
	task_set_times(t);
	return t;
}

/* --- kthreadd: parent of all kernel threads, as programs expect of process 2. It has nothing to do. --- */

static int __noreturn kthreadd(void *arg)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		schedule();
	}
}

void kthreadd_create(void)
{
	const struct new_task n = { .fn = kthreadd, .want = PID_KTHREADD, .ignore_signals = true };
	struct task *t = kernel_task_create(&n, "kthreadd");

	if (IS_ERR(t))
		panic("cannot create kthreadd: error %ld", PTR_ERR(t));
	t->affinity = HARTMASK_ALL;
	kthreadd_task = t;
}

static int kthreadd_start(void)
{
	wake_up_new(kthreadd_task);
	return 0;
}
INITCALL(kthreadd_start);

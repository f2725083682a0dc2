/* SPDX-License-Identifier: MIT */
/*
 * How a task ends. do_exit() gives back everything a task has while it can still sleep, hands its children on, becomes a
 * zombie (or releases itself: threads, and processes whose parent does not care), and switches away for good. What is left
 * then is struct task with the kernel stack, until task_release() and the scheduler have dropped their references.
 */
#include <kernel/process.h>

#include <arch/uaccess.h>
#include <kernel/fs.h>
#include <kernel/futex.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <kernel/tty.h>
#include <kernel/vm.h>

#include "deferred.h"
#include "proc.h"

/* --- address space --- */

static void vfork_finish(struct task *t)
{
	spin_lock(&t->lock);
	if (t->vfork_done) {
		complete(t->vfork_done);
		t->vfork_done = NULL;
	}
	t->flags &= ~(u32)TF_VFORK;
	spin_unlock(&t->lock);
}

/* pthread_join() waits for this word; nobody can when the address space ends with the task. */
static void clear_child_tid(struct task *t)
{
	int __user *tid = t->clear_child_tid;

	t->clear_child_tid = NULL;
	if (refcount_read(&t->mm->users) > 1 && put_user(0, tid) == 0)
		futex_wake_addr((u32 __user *)tid, 1);
}

void task_leave_mm(void)
{
	struct task *t = current;

	futex_exit(t);
	t->rseq = NULL;
	if (t->clear_child_tid)
		clear_child_tid(t);
	if (t->vfork_done)
		vfork_finish(t);
}

static void note_maxrss(struct group *g, struct mm *mm)
{
	u64 rss = MAX(vm_rss(mm), READ_ONCE(mm->hiwater_rss));

	if (rss > g->maxrss)
		g->maxrss = rss;
}

static void exit_mm(struct task *t, bool last)
{
	struct mm *mm = t->mm;

	if (!mm)
		return;
	task_leave_mm();
	if (last)
		note_maxrss(t->group, mm);
	mm_grab(mm); /* its page tables stay loaded until the next switch: active_mm */
	spin_lock(&t->lock);
	t->mm = NULL;
	spin_unlock(&t->lock);
	mm_put(mm);
}

/* --- files --- */

static void exit_files(struct task *t)
{
	struct files *files = t->files;
	struct fs *fs = t->fs;

	spin_lock(&t->lock);
	t->files = NULL;
	t->fs = NULL;
	spin_unlock(&t->lock);
	if (files)
		files_put(files);
	if (fs)
		fs_put(fs);
}

/* --- family --- */

/* Becomes a zombie, or nothing at all. */
static void exit_notify(struct task *t, bool last)
{
	struct group *g = t->group;
	LIST_HEAD(dead);
	bool alone;

	write_lock_irq(&tasklist_lock);
	reparent_children(t, &dead);
	if (last)
		orphaned_pgrp_kill(g->leader, NULL);
	t->exit_state = EXIT_ZOMBIE;
	if (!thread_group_empty(t))
		pidfd_notify_exit(t); /* pidfds of the thread */
	if (!thread_group_leader(t))
		alone = true;
	else
		alone = thread_group_empty(t) && exit_notify_parent(t);
	if (alone)
		t->exit_state = EXIT_DEAD;
	if (g->notify_count < 0 && g->exec_task)
		wake_up_process(g->exec_task); /* exec by a thread waits for its leader to be a zombie */
	write_unlock_irq(&tasklist_lock);

	while (!list_empty(&dead)) {
		struct task *child = list_first_entry(&dead, struct task, sibling);

		list_del_init(&child->sibling);
		task_release(child);
	}
	if (alone)
		task_release(t);
}

static void check_may_exit(struct task *t, s32 code, bool last)
{
	if (in_interrupt())
		panic("A task exits in an interrupt handler");
	if (t->pid == 0)
		panic("Attempted to kill the idle task!");
	if (last && t->group == init_process_group())
		panic("Attempted to kill init! exitcode=0x%08x",
		      (u32)((t->group->flags & GROUP_EXIT) ? t->group->exit_code : code));
}

void do_exit(s32 code)
{
	struct task *t = current;
	struct group *g = t->group;
	bool last;

	signal_exit_thread(t);
	last = atomic_dec_and_test(&g->live);
	check_may_exit(t, code, last);
	if (last)
		group_timers_exit(g);
	t->exit_code = code;
	exit_mm(t, last);
	exit_files(t);
	if (last && g->leader_of_session)
		tty_session_leader_exit(t);
	task_exit_deferred(t);
	exit_notify(t, last);
	sched_exit();
}

void do_group_exit(s32 code)
{
	struct group *g = current->group;
	struct sighand *s = current->sighand;

	spin_lock_irq(&s->lock); /* even a thread alone: a signal that ends the process comes before or too late */
	if (g->flags & GROUP_EXIT)
		code = g->exit_code; /* another thread was first */
	else if (g->exec_task)
		code = 0; /* another thread runs a new program: only this one ends */
	else
		group_exit_locked(g, code);
	spin_unlock_irq(&s->lock);
	do_exit(code);
}

long sys_exit(int code)
{
	do_exit((code & 0xff) << 8);
}

long sys_exit_group(int code)
{
	do_group_exit((code & 0xff) << 8);
}

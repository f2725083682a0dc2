/* SPDX-License-Identifier: MIT */
/*
 * Core dumps: the image of a process that dies of a signal, in a file.
 *
 * The dying thread marks the group as exiting, kills the others and waits until each has come to
 * core_dump_join_locked(), early in its exit, where it stays with its registers on its kernel stack
 * until the file is written. SIGKILL ends the dump.
 *
 * kernel.core_pattern names the file (core_name.c). Patterns that start with '|', a program to pipe
 * to, are refused with a message: no dump is made.
 */
#include "coredump_internal.h"

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/vm.h>

#include "signal_internal.h"

#define DUMPABLE_NO 0
#define DUMPABLE_ROOT                                                                          \
	2 /* it changed identity: only root may read the file, and only at a place nobody else \
	     chose */

char core_pattern[CORE_PATTERN_MAX] = "core";
u32 core_uses_pid;

/* --- the threads --- */

/* Calls the other threads in. False: somebody else ends the process already. sighand->lock held. */
static bool gather_locked(struct core_state *state, int sig)
{
	struct group *g = current->group;
	struct task *t;

	if ((g->flags & GROUP_EXIT) || g->exec_task)
		return false;
	for_each_thread (g, t)
		if (t != current && !(t->flags & TF_EXITING))
			state->missing++;
	group_exit_locked(g, sig);
	g->core = state;
	/* What is pending still must not disturb the writing; only SIGKILL comes from here on. */
	task_clear_work(current, WORK_SIGNAL);
	return true;
}

static bool gather(struct core_state *state, int sig)
{
	bool ok;

	*state = (struct core_state) { .dumper = current,
				       .threads = LIST_HEAD_INIT(state->threads) };
	completion_init(&state->all_here);
	spin_lock_irq(&current->sighand->lock);
	ok = gather_locked(state, sig);
	spin_unlock_irq(&current->sighand->lock);
	if (ok && state->missing)
		wait_for_completion(&state->all_here);
	return ok;
}

void core_dump_join_locked(void) __must_hold(&current->sighand->lock)
{
	struct core_state *state = current->group->core;
	struct sighand *s = current->sighand;
	struct core_thread self = { .task = current };

	if (state->dumper == current)
		return;
	list_add_tail(&self.link, &state->threads);
	if (--state->missing == 0)
		complete(&state->all_here);
	while (!self.done) {
		set_current_state(TASK_IDLE);
		spin_unlock_irq(&s->lock);
		schedule();
		spin_lock_irq(&s->lock);
	}
	set_current_state(TASK_RUNNING);
}

static void dismiss(struct core_state *state, bool dumped)
{
	struct group *g = current->group;
	struct core_thread *thread;

	spin_lock_irq(&current->sighand->lock);
	g->core = NULL;
	if (dumped && !signal_in(SIGKILL, current->pending.set.sig[0]))
		g->exit_code |= 0x80;
	/* They cannot leave, with what stands on their stacks, before they get the lock. */
	list_for_each_entry (thread, &state->threads, link) {
		thread->done = true;
		wake_up_process(thread->task);
	}
	spin_unlock_irq(&current->sighand->lock);
}

/* --- the file --- */

/* A fresh file that belongs to the process alone, in no place a symbolic link chose. ERR_PTR. */
static struct file *open_core(const char *name, bool only_root)
{
	struct file *f;

	if (!only_root)
		vfs_unlink_path(name);
	f = file_open(name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0600);
	if (IS_ERR(f))
		return f;
	if (S_ISREG(f->inode->mode) && f->inode->uid == current_fsuid())
		return f;
	file_put_sync(f);
	return ERR_PTR(-EPERM);
}

/* True when the file was made, even if the limit or the disk cut it short. */
static bool write_file(const char *name, const siginfo_t *info, struct core_state *state,
		       bool only_root)
{
	struct core_file c = { .left = rlimit(RLIMIT_CORE) };

	c.file = open_core(name, only_root);
	if (IS_ERR(c.file)) {
		printk_ratelimited(LOG_INFO, "%s[%d]: cannot write core file %s: error %ld",
				   current->comm, current->tgid, name, PTR_ERR(c.file));
		return false;
	}
	core_elf_write(&c, info, state);
	file_put_sync(c.file);
	return true;
}

/* With root's identity towards the file system when only root may read it. */
static bool write_as(const char *name, const siginfo_t *info, struct core_state *state,
		     bool only_root)
{
	const struct cred *old;
	struct cred *root;
	bool dumped;

	if (!only_root)
		return write_file(name, info, state, false);
	root = cred_prepare();
	if (!root)
		return false;
	root->fsuid = 0;
	old = cred_override(root);
	dumped = write_file(name, info, state, true);
	cred_restore(old);
	cred_put(root);
	return dumped;
}

/* --- deciding --- */

static bool wanted(void)
{
	if (!current->mm || READ_ONCE(current->mm->dumpable) == DUMPABLE_NO ||
	    rlimit(RLIMIT_CORE) < PAGE_SIZE)
		return false;
	if (core_pattern[0] == '|') {
		pr_once(LOG_WARNING,
			"core_pattern %s: piping core dumps to a program is not supported",
			core_pattern);
		return false;
	}
	return core_pattern[0] != 0 || core_uses_pid;
}

bool core_dump(const siginfo_t *info)
{
	char name[CORE_NAME_MAX];
	struct core_state state;
	bool only_root, dumped = false;

	if (!wanted() || core_name_make(name, info->si_signo))
		return false;
	only_root = READ_ONCE(current->mm->dumpable) == DUMPABLE_ROOT;
	if (only_root && name[0] != '/') {
		printk_ratelimited(LOG_WARNING,
				   "%s[%d]: can only dump core to a fully qualified path",
				   current->comm, current->tgid);
		return false;
	}
	if (!gather(&state, info->si_signo))
		return false;
	current->flags |= TF_DUMPCORE;
	if (!fatal_signal_pending())
		dumped = write_as(name, info, &state, only_root);
	dismiss(&state, dumped);
	return dumped;
}

/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the family of a dying task: its children get a new parent (a thread of its process, the nearest
 * subreaper above, or process 1), and process groups that lose their last tie to their session are told so (POSIX job
 * control: SIGHUP and SIGCONT to orphaned groups with stopped members). Everything here runs with tasklist_lock held
 * for writing.
 */
#include <kernel/process.h>

#include <kernel/sched.h>

#include "proc.h"

bool subreapers_exist;

/* --- orphaned process groups --- */

static bool is_gone(const struct task *p)
{
	return p->exit_state && thread_group_empty(p);
}

/* Nobody in pgrp but `ignored` has a parent in another group of the same session. */
static bool pgrp_without_parent(struct pid *pgrp, const struct task *ignored)
{
	struct task *p;

	for_each_pid_task(p, pgrp, PIDTYPE_PGID) {
		const struct group *up = p->real_parent->group;

		if (p == ignored || is_gone(p) || up == init_process_group())
			continue;
		if (up->pids[PIDTYPE_PGID] != pgrp && up->pids[PIDTYPE_SID] == p->group->pids[PIDTYPE_SID])
			return false;
	}
	return true;
}

bool pgrp_is_orphaned(struct pid *pgrp)
{
	bool orphaned;

	read_lock(&tasklist_lock);
	orphaned = pgrp_without_parent(pgrp, NULL);
	read_unlock(&tasklist_lock);
	return orphaned;
}

static bool pgrp_has_stopped(struct pid *pgrp)
{
	struct task *p;

	for_each_pid_task(p, pgrp, PIDTYPE_PGID)
		if (READ_ONCE(p->group->flags) & GROUP_STOPPED)
			return true;
	return false;
}

/* t loses `parent` (NULL: t itself dies, so its group loses it): is its process group an orphan now? */
void orphaned_pgrp_kill(struct task *t, struct task *parent)
{
	const struct task *ignored = parent ? NULL : t;
	const struct group *up = (parent ?: t->real_parent)->group, *g = t->group;
	struct pid *pgrp = g->pids[PIDTYPE_PGID];

	if (up->pids[PIDTYPE_PGID] == pgrp || up->pids[PIDTYPE_SID] != g->pids[PIDTYPE_SID])
		return;
	if (!pgrp_without_parent(pgrp, ignored) || !pgrp_has_stopped(pgrp))
		return;
	send_signal_pgrp_locked(pgrp, SIGHUP, SEND_SIG_KERNEL);
	send_signal_pgrp_locked(pgrp, SIGCONT, SEND_SIG_KERNEL);
}

/* --- new parents --- */

static struct task *alive_thread(struct group *g)
{
	struct task *t;

	for_each_thread(g, t)
		if (!(t->flags & TF_EXITING))
			return t;
	return NULL;
}

/* Who takes the children of father over. */
static struct task *find_reaper(struct task *father)
{
	struct task *reaper = alive_thread(father->group);

	if (reaper)
		return reaper;
	if (subreapers_exist) {
		for (struct task *up = father->real_parent; up != &init_task; up = up->real_parent) {
			reaper = up->group->child_subreaper ? alive_thread(up->group) : NULL;
			if (reaper)
				return reaper;
		}
	}
	reaper = alive_thread(init_process->group);
	return reaper ?: init_process;
}

bool exit_notify_parent(struct task *t)
{
	int sig = t->exit_signal;

	if (t->flags & TF_KTHREAD)
		return true;
	if (sig != SIGCHLD && t->parent_exec_id != t->parent->self_exec_id)
		sig = SIGCHLD; /* the parent runs another program than the one that chose the signal */
	return signal_parent_exit(t, sig > 0 && sig <= _NSIG ? sig : 0);
}

static void reparent_leader(struct task *father, struct task *p, struct list_head *dead)
{
	if (p->exit_state == EXIT_DEAD)
		return;
	p->exit_signal = SIGCHLD;
	if (p->exit_state == EXIT_ZOMBIE && thread_group_empty(p) && exit_notify_parent(p)) {
		p->exit_state = EXIT_DEAD;
		list_move(&p->sibling, dead);
	}
	orphaned_pgrp_kill(p, father);
}

static void reparent_threads(struct task *p, struct task *reaper)
{
	struct task *t;

	for_each_thread(p->group, t) {
		t->real_parent = t->parent = reaper;
		if (t->pdeath_signal)
			send_signal_group(t, t->pdeath_signal, SEND_SIG_USER);
	}
}

void reparent_children(struct task *father, struct list_head *dead)
{
	struct task *p, *next, *reaper;

	if (list_empty(&father->children))
		return;
	reaper = find_reaper(father);
	list_for_each_entry_safe(p, next, &father->children, sibling) {
		reparent_threads(p, reaper);
		if (reaper->group != father->group)
			reparent_leader(father, p, dead);
	}
	list_splice_tail_init(&father->children, &reaper->children);
}

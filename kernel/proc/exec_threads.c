/* SPDX-License-Identifier: MIT */
/*
 * A program with threads runs another one: the thread that calls execve() ends the others, waits until they are released
 * and, when it is not the leader itself, takes the dead leader's number and place in the family, so that the process keeps
 * its pid.
 */
#include "exec.h"

#include <kernel/errno.h>
#include <kernel/sched.h>

#include "proc.h"

/* Lets the waiting end: the flag others see, and the count they keep. */
static void forget_exec(struct group *g)
{
	spin_lock_irq(&current->sighand->lock);
	g->exec_task = NULL;
	g->notify_count = 0;
	spin_unlock_irq(&current->sighand->lock);
}

/* Kills the others and waits until all but the leader are released. */
static int wait_for_threads(struct group *g)
{
	struct spinlock *lock = &current->sighand->lock;

	spin_lock_irq(lock);
	if ((g->flags & GROUP_EXIT) || g->exec_task) {
		spin_unlock_irq(lock);
		return -EAGAIN;
	}
	g->exec_task = current;
	g->notify_count = (s32)signal_kill_others_locked();
	if (!thread_group_leader(current))
		g->notify_count--;
	while (g->notify_count > 0) {
		set_current_state(TASK_KILLABLE);
		spin_unlock_irq(lock);
		schedule();
		if (fatal_signal_pending())
			return -EAGAIN;
		spin_lock_irq(lock);
	}
	set_current_state(TASK_RUNNING);
	spin_unlock_irq(lock);
	return 0;
}

/* Waits until the leader is a zombie; returns with tasklist_lock held for writing, or -EAGAIN without. */
static int wait_for_leader(struct group *g, struct task *leader)
{
	for (;;) {
		write_lock_irq(&tasklist_lock);
		g->notify_count = -1; /* exit_notify() of the leader wakes */
		if (leader->exit_state)
			return 0;
		set_current_state(TASK_KILLABLE);
		write_unlock_irq(&tasklist_lock);
		schedule();
		if (fatal_signal_pending())
			return -EAGAIN;
	}
}

/* me stands where leader stood; tasklist_lock held for writing. */
static void take_place(struct task *me, struct task *leader)
{
	me->start_time = leader->start_time;
	me->start_boottime = leader->start_boottime;
	pid_exchange(leader, me);
	pid_transfer(leader, me, PIDTYPE_TGID);
	pid_transfer(leader, me, PIDTYPE_PGID);
	pid_transfer(leader, me, PIDTYPE_SID);
	list_add(&me->all_link, &leader->all_link);
	list_del_rcu(&leader->all_link);
	list_add(&me->sibling, &leader->sibling);
	list_del_init(&leader->sibling);
	WRITE_ONCE(me->group->leader, me);
	me->exit_signal = SIGCHLD;
	leader->exit_signal = -1;
	leader->exit_state = EXIT_DEAD;
}

static int become_leader(struct group *g)
{
	struct task *leader = g->leader;
	int rc = wait_for_leader(g, leader);

	if (rc)
		return rc;
	take_place(current, leader);
	write_unlock_irq(&tasklist_lock);
	task_release(leader);
	return 0;
}

int exec_become_alone(void)
{
	struct group *g = current->group;
	int rc = 0;

	if (!thread_group_empty(current)) {
		rc = wait_for_threads(g);
		if (rc == -EAGAIN && g->exec_task != current)
			return rc;
		if (rc == 0 && !thread_group_leader(current))
			rc = become_leader(g);
		forget_exec(g);
	}
	if (rc == 0)
		current->exit_signal = SIGCHLD;
	return rc;
}

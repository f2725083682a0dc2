/* SPDX-License-Identifier: MIT */
/*
 * The end of a zombie: task_release() takes it out of all lists, adds what it used to its process, frees its numbers and
 * drops the reference that kept it. Called by whoever waited for it, or by the task itself when nobody will.
 */
#include <kernel/process.h>

#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/tty.h>

#include "proc.h"

/* What a dying thread used becomes its group's. sighand->lock held. */
static void group_add_thread(struct group *g, struct task *t)
{
	u64 utime, stime;

	task_cputime(t, &utime, &stime);
	g->utime += utime;
	g->stime += stime;
	g->sum_exec += task_runtime(t);
	g->min_flt += t->min_flt;
	g->maj_flt += t->maj_flt;
	g->nvcsw += t->se.nr_voluntary;
	g->nivcsw += t->se.nr_involuntary;
	g->io_read += t->io_read;
	g->io_write += t->io_write;
}

/* Out of the lists and numbers; tasklist_lock (write) and sighand->lock held. */
static void unlink_task(struct task *t, bool last)
{
	struct group *g = t->group;

	g->nr_threads--;
	pid_detach(t, PIDTYPE_PID);
	if (last) {
		pid_detach(t, PIDTYPE_TGID);
		pid_detach(t, PIDTYPE_PGID);
		pid_detach(t, PIDTYPE_SID);
		list_del_rcu(&t->all_link);
		list_del_init(&t->sibling);
		process_count--;
	}
	list_del_rcu(&t->thread_link);
}

/* Leaves its group. Returns the terminal to be put when it was the last. */
static struct tty *leave_group(struct task *t, struct sighand *s)
{
	struct group *g = t->group;
	bool last = thread_group_leader(t);
	struct tty *tty = NULL;

	spin_lock(&s->lock);
	group_add_thread(g, t);
	if (last) {
		tty = g->tty;
		g->tty = NULL;
	} else if (g->notify_count > 0 && --g->notify_count == 0 && g->exec_task) {
		wake_up_process(g->exec_task); /* exec waits until it is alone */
	}
	signal_flush(t);
	unlink_task(t, last);
	t->sighand = NULL;
	spin_unlock(&s->lock);
	return tty;
}

/* The last other thread is gone: the leader, long a zombie, may be waited for now. True: release it, nobody will wait. */
static bool leader_is_next(struct task *leader, struct task *t)
{
	if (leader == t || !thread_group_empty(leader) || leader->exit_state != EXIT_ZOMBIE)
		return false;
	if (!exit_notify_parent(leader))
		return false;
	leader->exit_state = EXIT_DEAD;
	return true;
}

void task_release(struct task *t)
{
	bool more;

	do {
		struct sighand *s = t->sighand;
		struct task *leader;
		struct tty *tty;

		atomic_dec(&t->cred->user->processes);
		atomic_dec(&thread_count);
		write_lock_irq(&tasklist_lock);
		leader = t->group->leader;
		tty = leave_group(t, s);
		more = leader_is_next(leader, t);
		write_unlock_irq(&tasklist_lock);
		sighand_put(s);
		if (tty)
			tty_put(tty);
		task_put(t);
		t = leader;
	} while (more);
}

/* SPDX-License-Identifier: MIT */
/*
 * Resource usage of processes: sums over threads that live and those that are gone (kept in struct group), getrusage(2).
 * Each thread counts for itself; a sum takes the group's sighand->lock so that no thread is counted twice or not at all.
 */
#include "rusage.h"

#include <arch/uaccess.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <kernel/vm.h>

#include "proc.h"

struct usage {
	u64 utime, stime, min_flt, maj_flt, nvcsw, nivcsw, io_read, io_write, maxrss;
};

static void add_thread(struct usage *u, struct task *t)
{
	u64 utime, stime;

	task_cputime(t, &utime, &stime);
	u->utime += utime;
	u->stime += stime;
	u->min_flt += t->min_flt;
	u->maj_flt += t->maj_flt;
	u->nvcsw += t->se.nr_voluntary;
	u->nivcsw += t->se.nr_involuntary;
	u->io_read += t->io_read;
	u->io_write += t->io_write;
}

static void add_gone(struct usage *u, const struct group *g)
{
	u->utime += g->utime;
	u->stime += g->stime;
	u->min_flt += g->min_flt;
	u->maj_flt += g->maj_flt;
	u->nvcsw += g->nvcsw;
	u->nivcsw += g->nivcsw;
	u->io_read += g->io_read;
	u->io_write += g->io_write;
	u->maxrss = MAX(u->maxrss, g->maxrss);
}

static void add_children(struct usage *u, const struct group *g)
{
	u->utime += g->cutime;
	u->stime += g->cstime;
	u->min_flt += g->cmin_flt;
	u->maj_flt += g->cmaj_flt;
	u->nvcsw += g->cnvcsw;
	u->nivcsw += g->cnivcsw;
	u->maxrss = MAX(u->maxrss, g->cmaxrss);
}

static void add_group(struct usage *u, struct group *g)
{
	struct task *t;

	add_gone(u, g);
	for_each_thread(g, t)
		add_thread(u, t);
}

/* The leader while the group has one to lock: it is the last to be released. Under RCU; NULL: all are gone. */
static struct task *leader_of(struct group *g)
{
	return READ_ONCE(g->nr_threads) ? READ_ONCE(g->leader) : NULL;
}

/* Sums up g under the lock that keeps its threads where they are. A group whose last thread was released needs none. */
static void sum_group(struct usage *u, struct group *g, bool own, bool children)
{
	struct task *leader;
	u64 irq;
	bool locked;

	rcu_read_lock();
	leader = leader_of(g);
	locked = leader && task_lock_sighand(leader, &irq);
	if (own) {
		if (locked)
			add_group(u, g);
		else
			add_gone(u, g);
	}
	if (children)
		add_children(u, g);
	if (locked)
		task_unlock_sighand(leader, irq);
	rcu_read_unlock();
}

void group_times(struct group *g, u64 *utime, u64 *stime)
{
	struct usage u = { 0 };

	sum_group(&u, g, true, false);
	*utime = u.utime;
	*stime = u.stime;
}

static struct __kernel_old_timeval to_timeval(u64 ns)
{
	return (struct __kernel_old_timeval){ (long)(ns / NSEC_PER_SEC), (long)(ns % NSEC_PER_SEC) / NSEC_PER_USEC };
}

static void usage_to_user(const struct usage *u, struct rusage *ru)
{
	*ru = (struct rusage){
		.ru_utime = to_timeval(u->utime),
		.ru_stime = to_timeval(u->stime),
		.ru_maxrss = (long)(u->maxrss * (PAGE_SIZE / 1024)),
		.ru_minflt = (long)u->min_flt,
		.ru_majflt = (long)u->maj_flt,
		.ru_inblock = (long)(u->io_read / 512),
		.ru_oublock = (long)(u->io_write / 512),
		.ru_nvcsw = (long)u->nvcsw,
		.ru_nivcsw = (long)u->nivcsw,
	};
}

/* The high-water mark of a process that still has its memory. */
static void add_live_rss(struct usage *u, struct group *g)
{
	struct task *leader;
	struct mm *mm = NULL;

	rcu_read_lock();
	leader = g == current->group ? current : leader_of(g);
	if (leader && READ_ONCE(leader->mm))
		mm = task_mm_get(leader);
	rcu_read_unlock();
	if (!mm)
		return;
	u->maxrss = MAX(u->maxrss, MAX(vm_rss(mm), READ_ONCE(mm->hiwater_rss)));
	mm_put(mm);
}

void group_rusage(struct group *g, int who, struct rusage *ru)
{
	struct usage u = { 0 };

	if (who == RUSAGE_THREAD)
		add_thread(&u, current);
	else
		sum_group(&u, g, who != RUSAGE_CHILDREN, who != RUSAGE_SELF);
	if (who != RUSAGE_CHILDREN)
		add_live_rss(&u, g);
	usage_to_user(&u, ru);
}

void group_add_child(struct group *parent, struct group *child)
{
	struct usage u = { 0 };
	struct sighand *s = current->sighand;

	sum_group(&u, child, true, true);
	spin_lock_irq(&s->lock);
	parent->cutime += u.utime;
	parent->cstime += u.stime;
	parent->cmin_flt += u.min_flt;
	parent->cmaj_flt += u.maj_flt;
	parent->cnvcsw += u.nvcsw;
	parent->cnivcsw += u.nivcsw;
	parent->cmaxrss = MAX(parent->cmaxrss, u.maxrss);
	spin_unlock_irq(&s->lock);
}

long sys_getrusage(int who, struct rusage __user *uru)
{
	struct rusage ru;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	group_rusage(current->group, who, &ru);
	return copy_to_user(uru, &ru, sizeof(ru)) ? -EFAULT : 0;
}

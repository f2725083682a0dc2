/* SPDX-License-Identifier: MIT */
/*
 * CPU-time clocks: what a process or a thread has used. An id is CLOCK_PROCESS_CPUTIME_ID,
 * CLOCK_THREAD_CPUTIME_ID, or
 * -(pid+1) * 8 + (thread ? 4 : 0) + kind as the C library makes them, pid 0 being the caller. Kind
 * 3 would be a file's clock (PTP devices), of which there are none.
 */
#include <kernel/errno.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <linux/time.h>

#include "posix_timers.h"

static pid_t id_pid(int id) { return id >= 0 ? 0 : ~(id >> 3); }

static bool id_is_thread(int id) { return id >= 0 ? id == CLOCK_THREAD_CPUTIME_ID : (id & 4) != 0; }

bool clock_is_cpu(int id)
{
	if (id >= 0)
		return id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID;
	return (id & 3) < NR_CPU_CLOCK_KINDS;
}

/* Under RCU. Threads are those of the caller's process; a process goes by its leader's number. */
static struct pid *find_pid(pid_t nr, bool thread, bool reading)
{
	struct pid *pid;
	struct task *t;

	if (nr == 0)
		return thread ? current->pids[PIDTYPE_PID] : current->group->pids[PIDTYPE_TGID];
	pid = pid_find(nr);
	if (!pid)
		return NULL;
	if (thread) {
		t = pid_task(pid, PIDTYPE_PID);
		return t && t->group == current->group ? pid : NULL;
	}
	if (reading && pid == current->pids[PIDTYPE_PID])
		return current->group->pids[PIDTYPE_TGID];
	return pid_task(pid, PIDTYPE_TGID) ? pid : NULL;
}

int cpu_clock_open(struct cpu_clock *c, int id, bool reading)
{
	if (!clock_is_cpu(id))
		return -EINVAL;
	c->thread = id_is_thread(id);
	c->kind = cpu_clock_kind_of(id);
	rcu_read_lock();
	c->pid = find_pid(id_pid(id), c->thread, reading);
	if (c->pid && !refcount_get_unless_zero(&c->pid->refs))
		c->pid = NULL;
	rcu_read_unlock();
	return c->pid ? 0 : -EINVAL;
}

void cpu_clock_close(struct cpu_clock *c)
{
	pid_put(c->pid);
	c->pid = NULL;
}

int cpu_clock_check(int id)
{
	struct cpu_clock c;
	int rc = cpu_clock_open(&c, id, false);

	if (rc == 0)
		cpu_clock_close(&c);
	return rc;
}

void cpu_sample_thread(struct task *t, u64 sample[NR_CPU_CLOCK_KINDS])
{
	u64 utime, stime;

	task_cputime(t, &utime, &stime);
	sample[CPU_CLOCK_PROF] = utime + stime;
	sample[CPU_CLOCK_VIRT] = utime;
	sample[CPU_CLOCK_SCHED] = task_runtime(t);
}

void cpu_sample_group(struct group *g, u64 sample[NR_CPU_CLOCK_KINDS])
{
	struct task *t;

	sample[CPU_CLOCK_PROF] = READ_ONCE(g->utime) + READ_ONCE(g->stime);
	sample[CPU_CLOCK_VIRT] = READ_ONCE(g->utime);
	sample[CPU_CLOCK_SCHED] = READ_ONCE(g->sum_exec);
	for_each_thread (g, t) {
		u64 one[NR_CPU_CLOCK_KINDS];

		cpu_sample_thread(t, one);
		for (u32 kind = 0; kind < NR_CPU_CLOCK_KINDS; kind++)
			sample[kind] += one[kind];
	}
}

u64 cpu_group_runtime(struct group *g)
{
	u64 ns = READ_ONCE(g->sum_exec);
	struct task *t;

	for_each_thread(g, t)
		ns += task_runtime(t);
	return ns;
}

/* One kind of one thread or process. */
static u64 sample_one(struct task *t, bool thread, enum cpu_clock_kind kind)
{
	u64 sample[NR_CPU_CLOCK_KINDS];

	if (kind == CPU_CLOCK_SCHED)
		return thread ? task_runtime(t) : cpu_group_runtime(t->group);
	if (thread)
		cpu_sample_thread(t, sample);
	else
		cpu_sample_group(t->group, sample);
	return sample[kind];
}

int cpu_clock_read(const struct cpu_clock *c, u64 *ns)
{
	struct task *t;

	rcu_read_lock();
	t = pid_task(c->pid, c->thread ? PIDTYPE_PID : PIDTYPE_TGID);
	if (t)
		*ns = sample_one(t, c->thread, c->kind);
	rcu_read_unlock();
	return t ? 0 : -EINVAL;
}

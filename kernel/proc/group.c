/* SPDX-License-Identifier: MIT */
/*
 * struct group: what the threads of one process share. Each of its tasks holds a reference until the task's memory is
 * freed, so a group may be read under RCU through any task. init_group belongs to the idle tasks.
 */
#include <kernel/process.h>

#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/tty.h>

#include "proc.h"

#define STACK_LIMIT   (8UL << 20)
#define MEMLOCK_LIMIT (8UL << 20)
#define MQ_BYTES_MAX  819200

struct group init_group;

static struct pid init_pid = { .refs = REFCOUNT_INIT(1) };
static struct slab_cache *group_cache;

/* Queues, lists and timers: the same for every group. */
static void group_init_empty(struct group *g, struct task *leader)
{
	refcount_set(&g->refs, 1);
	g->nr_threads = g->live = 1;
	list_init(&g->threads);
	g->leader = leader;
	sigpending_init(&g->shared_pending);
	wait_queue_init(&g->wait_child);
	wait_queue_init(&g->signalfd_wait);
	mutex_init(&g->exec_lock, RANK_EXEC);
	group_timers_init(g);
}

struct group *group_create(struct task *leader, struct group *parent)
{
	struct group *g = slab_alloc(group_cache, GFP_KERNEL | GFP_ZERO);

	if (!g)
		return NULL;
	group_init_empty(g, leader);
	spin_lock(&parent->leader->lock);
	memcpy(g->rlim, parent->rlim, sizeof(g->rlim));
	spin_unlock(&parent->leader->lock);
	group_timers_limit(g);
	g->oom_score_adj = READ_ONCE(parent->oom_score_adj);
	g->oom_score_adj_min = READ_ONCE(parent->oom_score_adj_min);
	return g;
}

static void group_free_rcu(struct rcu_head *head)
{
	slab_free(group_cache, container_of(head, struct group, rcu));
}

void group_put(struct group *g)
{
	if (refcount_put(&g->refs))
		rcu_call(&g->rcu, group_free_rcu);
}

static void set_limit(u32 which, u64 soft, u64 hard)
{
	init_group.rlim[which] = (struct rlimit){ soft, hard };
}

static void init_limits(void)
{
	for (u32 i = 0; i < RLIM_NLIMITS; i++)
		set_limit(i, RLIM_INFINITY, RLIM_INFINITY);
	set_limit(RLIMIT_STACK, STACK_LIMIT, RLIM_INFINITY);
	set_limit(RLIMIT_CORE, 0, RLIM_INFINITY);
	set_limit(RLIMIT_NPROC, max_threads / 2, max_threads / 2);
	set_limit(RLIMIT_NOFILE, 1024, 4096);
	set_limit(RLIMIT_MEMLOCK, MEMLOCK_LIMIT, MEMLOCK_LIMIT);
	set_limit(RLIMIT_SIGPENDING, max_threads / 2, max_threads / 2);
	set_limit(RLIMIT_MSGQUEUE, MQ_BYTES_MAX, MQ_BYTES_MAX);
	set_limit(RLIMIT_NICE, 0, 0);
	set_limit(RLIMIT_RTPRIO, 0, 0);
}

/* init_task becomes the head of the family tree: process 0, its own parent, in a group and session 0. */
void group_init(void)
{
	struct task *t = &init_task;

	group_cache = slab_create("group", sizeof(struct group), 64, 0, NULL);
	if (!group_cache)
		panic("no memory for processes");
	init_limits();
	group_init_empty(&init_group, t);
	wait_queue_init(&init_pid.wait);
	t->group = &init_group;
	t->parent = t->real_parent = t;
	list_init(&t->children);
	list_init(&t->sibling);
	list_init(&t->all_link);
	list_add_tail(&t->thread_link, &init_group.threads);
	for (u32 type = 0; type < PIDTYPE_MAX; type++)
		pid_attach(t, type, &init_pid);
}

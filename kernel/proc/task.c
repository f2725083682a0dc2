/* SPDX-License-Identifier: MIT */
/*
 * The memory of tasks: making a copy of the current one, freeing it, counting.
 *
 * A struct task is copied from its parent's and then corrected, which is cheaper than clearing it and filling it in.
 * Its kernel stack goes with the last reference; its memory a grace period later, because others look tasks up
 * under RCU alone.
 */
#include <kernel/process.h>

#include <arch/regs.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>

#include "proc.h"

#define MAX_THREADS_MIN 64

u32 max_threads;
u32 thread_count;
u32 process_count;
struct task *init_process, *kthreadd_task;

static struct slab_cache *task_cache;

u32 nr_processes(void)
{
	return READ_ONCE(process_count);
}

u32 nr_threads(void)
{
	return READ_ONCE(thread_count);
}

/* What a copied task must not have in common with the one it was copied from. */
static void reset_identity(struct task *t)
{
	t->work = 0;
	t->preempt_count = 0;
	t->state = TASK_NEW;
	t->mm = t->active_mm = NULL;
	t->files = NULL;
	t->fs = NULL;
	t->group = NULL;
	t->sighand = NULL;
	refcount_set(&t->refs, 2);
	spinlock_init(&t->lock, RANK_TASK);
	t->flags &= TF_RANDOMIZE | TF_IO_FLUSHER;
	memset(t->pids, 0, sizeof(t->pids));
	memset(t->pid_links, 0, sizeof(t->pid_links));
	list_init(&t->children);
	list_init(&t->sibling);
	list_init(&t->thread_link);
	list_init(&t->all_link);
}

static void reset_state(struct task *t)
{
	t->exit_state = 0;
	t->exit_code = 0;
	t->pdeath_signal = 0;
	t->vfork_done = NULL;
	t->restart.fn = NULL;
	t->last_siginfo = NULL;
	t->set_child_tid = t->clear_child_tid = NULL;
	t->robust_list = NULL;
	t->deferred = NULL;
	t->utime = t->stime = t->acct_stamp = 0;
	t->min_flt = t->maj_flt = 0;
	t->io_read = t->io_write = 0;
	t->nr_syscall = (u32)-1;
	t->journal = t->plug = t->pi_state = NULL;
	t->link_count = t->fail_nth = 0;
	t->locks_held = 0;
	t->timer_slack_default = t->timer_slack;
}

struct task *task_duplicate(void)
{
	struct task *t = slab_alloc(task_cache, GFP_KERNEL);

	if (!t)
		return NULL;
	memcpy(t, current, sizeof(*t));
	t->stack = kstack_alloc();
	if (!t->stack) {
		slab_free(task_cache, t);
		return NULL;
	}
	t->kernel_sp = (u64)t->stack + KSTACK_SIZE - sizeof(struct trap_frame);
	reset_identity(t);
	reset_state(t);
	cred_get(t->cred);
	return t;
}

void task_free_unstarted(struct task *t)
{
	kstack_free(t->stack);
	cred_put(t->cred);
	slab_free(task_cache, t);
}

static void task_free_rcu(struct rcu_head *head)
{
	struct task *t = container_of(head, struct task, rcu);

	group_put(t->group);
	slab_free(task_cache, t);
}

void task_put(struct task *t)
{
	if (!refcount_put(&t->refs))
		return;
	kstack_free(t->stack);
	t->stack = NULL;
	cred_put(t->cred);
	rcu_call(&t->rcu, task_free_rcu);
}

void task_set_comm(struct task *t, const char *name)
{
	char comm[TASK_COMM_LEN] = "";

	strscpy(comm, name, sizeof(comm));
	spin_lock(&t->lock);
	memcpy(t->comm, comm, sizeof(comm));
	spin_unlock(&t->lock);
}

/* An eighth of memory may go to kernel stacks. */
static u32 threads_that_fit(void)
{
	struct memory_info info;

	memory_info(&info);
	return (u32)MIN(MAX(info.total * PAGE_SIZE / (KSTACK_SIZE * 8), (u64)MAX_THREADS_MIN), (u64)pid_max);
}

void task_init(void)
{
	task_cache = slab_create("task", sizeof(struct task), 64, 0, NULL);
	if (!task_cache)
		panic("no memory for tasks");
	max_threads = threads_that_fit();
}

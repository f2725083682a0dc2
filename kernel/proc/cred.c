/* SPDX-License-Identifier: MIT */
/*
 * Credentials. A struct cred never changes once a task has it: a task changes its own by cred_prepare(), filling in the
 * copy, and cred_commit(). Forked tasks share their parent's. Others read a task's under RCU, so one is freed only after a
 * grace period.
 */
#include <kernel/cred.h>

#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/string.h>
#include <kernel/vm.h>

#include "proc.h"

static struct group_list no_groups = { .refs = REFCOUNT_INIT(1) };

struct cred init_cred = {
	.refs = REFCOUNT_INIT(1),
	.securebits = SECUREBITS_DEFAULT,
	.cap_permitted = CAP_ALL,
	.cap_effective = CAP_ALL,
	.cap_bset = CAP_ALL,
	.groups = &no_groups,
	.user = &root_user,
};
u32 suid_dumpable;

static struct slab_cache *cred_cache;

/* --- supplementary groups --- */

struct group_list *groups_alloc(u32 n)
{
	struct group_list *g = kvmalloc(sizeof(*g) + n * sizeof(g->gid[0]), GFP_KERNEL);

	if (g) {
		refcount_set(&g->refs, 1);
		g->n = n;
	}
	return g;
}

void groups_put(struct group_list *g)
{
	if (refcount_put(&g->refs))
		kvfree(g);
}

bool groups_contain(const struct group_list *g, u32 gid)
{
	u32 low = 0, high = g->n;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (g->gid[mid] == gid)
			return true;
		if (g->gid[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool in_group(u32 gid)
{
	const struct cred *c = current_cred();

	return gid == c->fsgid || groups_contain(c->groups, gid);
}

bool in_egroup(u32 gid)
{
	const struct cred *c = current_cred();

	return gid == c->egid || groups_contain(c->groups, gid);
}

/* --- life --- */

struct cred *cred_prepare(void)
{
	struct cred *new = slab_alloc(cred_cache, GFP_KERNEL);

	if (!new)
		return NULL;
	memcpy(new, current->cred, sizeof(*new));
	refcount_set(&new->refs, 1);
	refcount_get(&new->groups->refs);
	refcount_get(&new->user->refs);
	return new;
}

static void cred_free(struct cred *c)
{
	groups_put(c->groups);
	user_put(c->user);
	slab_free(cred_cache, c);
}

static void cred_free_rcu(struct rcu_head *head)
{
	cred_free(container_of(head, struct cred, rcu));
}

void cred_put(const struct cred *c)
{
	struct cred *cred = (struct cred *)c;

	if (refcount_put(&cred->refs))
		rcu_call(&cred->rcu, cred_free_rcu);
}

void cred_abort(struct cred *new)
{
	cred_free(new);
}

/* Somebody who could inspect the task before must not go on doing so. */
static bool gains_identity(const struct cred *old, const struct cred *new)
{
	return old->euid != new->euid || old->egid != new->egid || old->fsuid != new->fsuid ||
	       old->fsgid != new->fsgid || (new->cap_permitted & ~old->cap_permitted);
}

int cred_commit(struct cred *new)
{
	const struct cred *old = current->cred;

	if (gains_identity(old, new)) {
		if (current->mm)
			WRITE_ONCE(current->mm->dumpable, suid_dumpable);
		current->pdeath_signal = 0;
		smp_wmb(); /* not dumpable before it is somebody else */
	}
	if (new->user != old->user) {
		atomic_inc(&new->user->processes);
		atomic_dec(&old->user->processes);
	}
	rcu_assign_pointer(current->cred, new);
	cred_put(old);
	return 0;
}

const struct cred *cred_of(struct task *t)
{
	const struct cred *c;

	rcu_read_lock();
	do {
		c = rcu_dereference(t->cred);
	} while (!refcount_get_unless_zero((struct refcount *)&c->refs));
	rcu_read_unlock();
	return c;
}

const struct cred *cred_override(const struct cred *new)
{
	const struct cred *old = current->cred;

	rcu_assign_pointer(current->cred, new);
	return old;
}

void cred_restore(const struct cred *old)
{
	rcu_assign_pointer(current->cred, old);
}

/* --- permission to look into another task --- */

static bool ids_match(const struct cred *t, u32 uid, u32 gid)
{
	return uid == t->euid && uid == t->suid && uid == t->uid && gid == t->egid && gid == t->sgid && gid == t->gid;
}

static u32 task_dumpable(struct task *t)
{
	u32 dumpable = 1;

	spin_lock(&t->lock);
	if (t->mm)
		dumpable = READ_ONCE(t->mm->dumpable);
	spin_unlock(&t->lock);
	return dumpable;
}

int may_inspect(struct task *t, u32 mode)
{
	const struct cred *mine = current_cred(), *its;
	u64 my_caps = mode ? mine->cap_permitted : mine->cap_effective;
	bool allowed;

	if (t->group == current->group || cred_capable(mine, CAP_SYS_PTRACE))
		return 0;
	its = cred_of(t);
	allowed = ids_match(its, mode ? mine->uid : mine->fsuid, mode ? mine->gid : mine->fsgid) &&
		  (its->cap_permitted & ~my_caps) == 0;
	cred_put(its);
	return allowed && task_dumpable(t) == 1 ? 0 : -EPERM;
}

void cred_init(void)
{
	cred_cache = slab_create("cred", sizeof(struct cred), 0, 0, NULL);
	if (!cred_cache)
		panic("no memory for credentials");
}

/* SPDX-License-Identifier: MIT */
/*
 * Process numbers.
 *
 * Numbers in use are bits in maps of one page each, made when first needed; struct pid objects stand in a hash that is
 * read under RCU. pid_alloc() gives an object whose one reference belongs to the number itself; the number is free again
 * (pid_free_number(), which drops that reference) when the last task of any type left the object. Others keep the object
 * alive by references of their own: it then names nobody.
 *
 * Locks: pid_lock for the maps and the hash; a pid's task lists under tasklist_lock, readers also under RCU. pid_lock is
 * taken with interrupts off, because writers of tasklist_lock take it and softirqs read-lock that.
 */
#include <kernel/pid.h>

#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>

#include "proc.h"

#define PID_RESERVED  300	   /* numbers below are not given again once the counter wrapped */
#define PID_LIMIT     (4U << 20)   /* what pid_max may be raised to */
#define PIDS_PER_MAP  (PAGE_SIZE * 8)
#define PID_HASH_SIZE 512

DEFINE_RWLOCK(tasklist_lock, RANK_TASKLIST);
u32 pid_max = PID_MAX;

static DEFINE_SPINLOCK(pid_lock, RANK_PID);
static struct hlist_head pid_hash[PID_HASH_SIZE];		/* [pid_lock, RCU] */
static unsigned long *pid_maps[PID_LIMIT / PIDS_PER_MAP];	/* [pid_lock] */
static u32 last_number = PID_FIRST_FREE - 1;			/* [pid_lock] */
static struct slab_cache *pid_cache;

static struct hlist_head *hash_bucket(pid_t nr)
{
	return &pid_hash[(u32)nr % PID_HASH_SIZE];
}

/* --- numbers: pid_lock held --- */

static unsigned long *map_of(u32 nr)
{
	unsigned long **map = &pid_maps[nr / PIDS_PER_MAP];

	if (!*map)
		*map = kzalloc(PAGE_SIZE, GFP_ATOMIC);
	return *map;
}

/* Takes the first free number of [from, to); -EAGAIN when all are in use, -ENOMEM. */
static pid_t number_take_between(u32 from, u32 to)
{
	while (from < to) {
		u32 base = from - from % PIDS_PER_MAP;
		u32 size = MIN((u32)PIDS_PER_MAP, to - base);
		unsigned long *map = map_of(from);
		u32 bit;

		if (!map)
			return -ENOMEM;
		bit = (u32)bitmap_find_next_zero(map, size, from - base);
		if (bit < size) {
			set_bit(bit, map);
			return (pid_t)(base + bit);
		}
		from = base + PIDS_PER_MAP;
	}
	return -EAGAIN;
}

static pid_t number_take_next(void)
{
	u32 max = MIN(READ_ONCE(pid_max), PID_LIMIT);
	pid_t nr = number_take_between(last_number + 1, max);

	if (nr == -EAGAIN)
		nr = number_take_between(MIN((u32)PID_RESERVED, max / 2), MIN(last_number + 1, max));
	if (nr > 0)
		last_number = (u32)nr;
	return nr;
}

static pid_t number_take_exactly(u32 nr)
{
	unsigned long *map = map_of(nr);

	if (!map)
		return -ENOMEM;
	if (test_bit(nr % PIDS_PER_MAP, map))
		return -EEXIST;
	set_bit(nr % PIDS_PER_MAP, map);
	return (pid_t)nr;
}

/* --- objects --- */

struct pid *pid_alloc(pid_t want)
{
	struct pid *p = slab_alloc(pid_cache, GFP_KERNEL);
	u64 flags;
	pid_t nr;

	if (!p)
		return ERR_PTR(-ENOMEM);
	refcount_set(&p->refs, 1);
	for (u32 type = 0; type < PIDTYPE_MAX; type++)
		p->tasks[type].first = NULL;
	wait_queue_init(&p->wait);
	flags = spin_lock_irqsave(&pid_lock);
	nr = want ? number_take_exactly((u32)want) : number_take_next();
	if (nr > 0) {
		p->nr = nr;
		hlist_add_head(&p->hash, hash_bucket(nr));
	}
	spin_unlock_irqrestore(&pid_lock, flags);
	if (nr < 0) {
		slab_free(pid_cache, p);
		return ERR_PTR(nr);
	}
	return p;
}

static void pid_free_rcu(struct rcu_head *head)
{
	slab_free(pid_cache, container_of(head, struct pid, rcu));
}

void pid_put(struct pid *p)
{
	if (p && refcount_put(&p->refs))
		rcu_call(&p->rcu, pid_free_rcu);
}

void pid_free_number(struct pid *p)
{
	u64 flags = spin_lock_irqsave(&pid_lock);

	hlist_del_init(&p->hash);
	clear_bit((u32)p->nr % PIDS_PER_MAP, pid_maps[(u32)p->nr / PIDS_PER_MAP]);
	spin_unlock_irqrestore(&pid_lock, flags);
	pid_put(p);
}

struct pid *pid_find(pid_t nr)
{
	struct pid *p;

	hlist_for_each_entry(p, hash_bucket(nr), hash)
		if (p->nr == nr)
			return p;
	return NULL;
}

struct pid *pid_find_get(pid_t nr)
{
	struct pid *p;

	rcu_read_lock();
	p = pid_find(nr);
	if (p && !refcount_get_unless_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

pid_t pid_nr(struct pid *p)
{
	return p ? p->nr : 0;
}

u32 pid_last(void)
{
	return READ_ONCE(last_number);
}

/* --- tasks of a number: tasklist_lock held for writing --- */

/* Where t keeps its pid of a type: numbers of the process stand in the group. */
static struct pid **slot_of(struct task *t, enum pid_type type)
{
	return type == PIDTYPE_PID ? &t->pids[PIDTYPE_PID] : &t->group->pids[type];
}

static void free_if_unused(struct pid *p)
{
	for (u32 type = 0; type < PIDTYPE_MAX; type++)
		if (!hlist_empty(&p->tasks[type]))
			return;
	pid_free_number(p);
}

void pid_attach(struct task *t, enum pid_type type, struct pid *p)
{
	rcu_assign_pointer(*slot_of(t, type), p);
	hlist_add_head(&t->pid_links[type], &p->tasks[type]);
}

void pid_detach(struct task *t, enum pid_type type)
{
	struct pid **slot = slot_of(t, type), *p = *slot;

	hlist_del_init(&t->pid_links[type]);
	WRITE_ONCE(*slot, NULL);
	if (type == PIDTYPE_PID && wait_queue_active(&p->wait))
		wake_up_all(&p->wait); /* its pidfds hang up */
	free_if_unused(p);
}

void pid_change(struct task *t, enum pid_type type, struct pid *p)
{
	struct pid *old = *slot_of(t, type);

	hlist_del_init(&t->pid_links[type]);
	pid_attach(t, type, p);
	free_if_unused(old);
}

/* exec by a thread: it takes the leader's place under `type`; the leader is off the list then. */
void pid_transfer(struct task *leader, struct task *t, enum pid_type type)
{
	ASSERT(type != PIDTYPE_PID);
	hlist_del_init(&leader->pid_links[type]);
	hlist_add_head(&t->pid_links[type], &t->group->pids[type]->tasks[type]);
}

/* exec by a thread: the two exchange their numbers. */
void pid_exchange(struct task *leader, struct task *t)
{
	struct pid *a = leader->pids[PIDTYPE_PID], *b = t->pids[PIDTYPE_PID];

	hlist_del_init(&leader->pid_links[PIDTYPE_PID]);
	hlist_del_init(&t->pid_links[PIDTYPE_PID]);
	pid_attach(leader, PIDTYPE_PID, b);
	pid_attach(t, PIDTYPE_PID, a);
	WRITE_ONCE(leader->pid, b->nr);
	WRITE_ONCE(t->pid, a->nr);
}

struct task *pid_task(struct pid *p, enum pid_type type)
{
	struct hlist_node *first = p ? READ_ONCE(p->tasks[type].first) : NULL;

	return first ? container_of(first, struct task, pid_links[type]) : NULL;
}

struct task *task_find(pid_t tid)
{
	return pid_task(pid_find(tid), PIDTYPE_PID);
}

struct task *task_find_get(pid_t tid)
{
	struct task *t;

	rcu_read_lock();
	t = task_find(tid);
	if (t && !refcount_get_unless_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

void pid_init(void)
{
	pid_cache = slab_create("pid", sizeof(struct pid), 0, 0, NULL);
	if (!pid_cache || !map_of(0))
		panic("no memory for process numbers");
	set_bit(0, map_of(0)); /* the idle tasks' */
}

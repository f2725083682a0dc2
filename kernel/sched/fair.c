/* SPDX-License-Identifier: MIT */
/*
 * The fair class: EEVDF, earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995).
 *
 * Each entity's virtual time grows by real time * 1024 / weight while it runs. The average V of
 * all, weighted, is the time an ideal machine would have given everyone. Its lag, V - vruntime,
 * is what the machine owes it: an entity is eligible when that is not negative. An entity asks
 * for one slice at a time, due at deadline = vruntime + slice / weight; of the eligible ones the
 * earliest deadline runs. So who asks for less at a time is served sooner, and nobody gets more
 * than his weight's share.
 *
 * V is kept as sums over the tree relative to `base`, which moves along: no rounding adds up. The
 * running entity is not in the tree; it is added on the fly. Lag is kept while a task sleeps,
 * within bounds, so that sleeping is no way to shed a debt or to hoard. Once picked, a task runs
 * until its deadline is met or its lag is used up, unless who wakes asks for shorter slices.
 *
 * Everything here: rq->lock held, rq->clock fresh.
 */
#include "rq.h"

#include <kernel/bitmap.h>
#include <kernel/panic.h>

/* Weight of a nice level: 1024 / 1.25^nice, rounded; one level up or down is 10 % of the hart
 * between two tasks. */
static const u32 nice_weights[40] = {
	/* -20 */ 88818, 71054, 56843, 45475, 36380,
	/* -15 */ 29104, 23283, 18626, 14901, 11921,
	/* -10 */ 9537,	 7629,	6104,  4883,  3906,
	/*  -5 */ 3125,	 2500,	2000,  1600,  1280,
	/*   0 */ 1024,	 819,	655,   524,   419,
	/*   5 */ 336,	 268,	215,   172,   137,
	/*  10 */ 110,	 88,	70,    56,    45,
	/*  15 */ 36,	 29,	23,    18,    15,
};

u32 fair_weight(const struct task *t)
{
	return t->policy == SCHED_IDLE ? IDLE_WEIGHT : nice_weights[t->nice + 20];
}

void fair_set_params(struct task *t)
{
	struct sched_entity *se = &t->se;
	u32 weight = fair_weight(t);

	/* Lag is virtual time: the same debt is less of it for a heavier task. */
	if (se->weight && se->weight != weight) {
		se->vlag = se->vlag * (s64)se->weight / (s64)weight;
		if (se->rel_deadline)
			se->deadline = (u64)((s64)se->deadline * (s64)se->weight / (s64)weight);
	}
	se->weight = weight;
	if (!se->custom_slice)
		se->slice = SLICE_BASE;
}

void fair_init(struct fair_rq *fr)
{
	*fr = (struct fair_rq) {
		.base = (u64)-NSEC_PER_SEC
	}; /* wraps early: comparisons must be signed */
}

/* Real to virtual time. */
static u64 scale(u64 delta, const struct sched_entity *se)
{
	return likely(se->weight == NICE_0_WEIGHT) ? delta : delta * NICE_0_WEIGHT / se->weight;
}

static bool before(u64 a, u64 b) { return (s64)(a - b) < 0; }

static s64 key_of(const struct fair_rq *fr, const struct sched_entity *se)
{
	return (s64)(se->vruntime - fr->base);
}

/* --- the tree --- */

static struct sched_entity *se_of(struct rb_node *n)
{
	return rb_entry(n, struct sched_entity, rb);
}

static bool augment(struct rb_node *n)
{
	struct sched_entity *se = se_of(n);
	u64 min = se->vruntime;

	if (n->left && before(se_of(n->left)->min_vruntime, min))
		min = se_of(n->left)->min_vruntime;
	if (n->right && before(se_of(n->right)->min_vruntime, min))
		min = se_of(n->right)->min_vruntime;
	if (se->min_vruntime == min)
		return false;
	se->min_vruntime = min;
	return true;
}

static void tree_insert(struct fair_rq *fr, struct sched_entity *se)
{
	struct rb_node **link = &fr->tree.node, *parent = NULL;

	ASSERT(!se->queued);
	se->min_vruntime = se->vruntime;
	se->queued = true;
	fr->sum += key_of(fr, se) * se->weight;
	fr->sum_weight += se->weight;
	if (likely(!*link)) {
		/* The first, as in every wake-up on a hart with one task: a tree of a black
		 * root. */
		se->rb = (struct rb_node) { 0 };
		*link = &se->rb;
		return;
	}
	while (*link) {
		parent = *link;
		link = before(se->deadline, se_of(parent)->deadline) ? &parent->left
								     : &parent->right;
	}
	rb_insert(&se->rb, parent, link, &fr->tree, augment);
}

static void tree_erase(struct fair_rq *fr, struct sched_entity *se)
{
	ASSERT(se->queued);
	if (fr->tree.node == &se->rb && !se->rb.left && !se->rb.right)
		fr->tree.node = NULL;
	else
		rb_erase(&se->rb, &fr->tree, augment);
	se->queued = false;
	fr->sum -= key_of(fr, se) * se->weight;
	fr->sum_weight -= se->weight;
}

/* --- virtual time --- */

struct average {
	s64 sum, weight;
};

static struct average average_of(const struct fair_rq *fr)
{
	struct average a = { fr->sum, fr->sum_weight };

	if (fr->curr) {
		a.sum += key_of(fr, fr->curr) * fr->curr->weight;
		a.weight += fr->curr->weight;
	}
	return a;
}

/* V, rounded down: whoever is placed there is eligible. */
static u64 virtual_time(const struct fair_rq *fr)
{
	struct average a = average_of(fr);

	if (a.weight == 0)
		return fr->base;
	if (a.sum < 0)
		a.sum -= a.weight - 1;
	return fr->base + (u64)(a.sum / a.weight);
}

/* vruntime <= V, without the division. */
static bool eligible_at(const struct fair_rq *fr, struct average a, u64 vruntime)
{
	return a.sum >= (s64)(vruntime - fr->base) * a.weight;
}

/* Lets the origin follow the entity that is furthest behind. */
static void advance_base(struct fair_rq *fr)
{
	const struct rb_node *root = fr->tree.node;
	u64 min;
	s64 delta;

	if (fr->curr)
		min = fr->curr->vruntime;
	else if (root)
		min = rb_entry(root, struct sched_entity, rb)->min_vruntime;
	else
		return;
	if (fr->curr && root && before(rb_entry(root, struct sched_entity, rb)->min_vruntime, min))
		min = rb_entry(root, struct sched_entity, rb)->min_vruntime;
	delta = (s64)(min - fr->base);
	if (delta > 0) {
		fr->sum -= fr->sum_weight * delta;
		fr->base = min;
	}
}

void fair_charge(struct rq *rq, struct sched_entity *se, u64 delta)
{
	struct fair_rq *fr = &rq->fair;

	se->vruntime += scale(delta, se);
	if (!before(se->vruntime, se->deadline)) {
		se->deadline = se->vruntime + scale(se->slice, se);
		if (fr->nr > 1)
			rq_resched(rq);
	}
	advance_base(fr);
}

/* Where a task that comes gets its place: its lag is what it was when it left, as far as that can
 * be. */
static void place(struct fair_rq *fr, struct sched_entity *se, u32 flags)
{
	u64 slice = scale(se->slice, se);
	s64 lag = 0;

	if (fr->nr && se->vlag) {
		s64 weight = fr->sum_weight + (fr->curr ? fr->curr->weight : 0);

		/* Joining moves V by its share of the lag; ask for that much more. */
		lag = se->vlag * (weight + se->weight) / weight;
	}
	se->vruntime = virtual_time(fr) - (u64)lag;
	if (se->rel_deadline) {
		se->deadline += se->vruntime;
		se->rel_deadline = false;
		return;
	}
	/* A new task starts in the middle of a slice: the average place of those that are there. */
	se->deadline = se->vruntime + (flags & QUEUE_INITIAL ? slice / 2 : slice);
}

void fair_enqueue(struct rq *rq, struct task *t, u32 flags)
{
	struct fair_rq *fr = &rq->fair;
	struct sched_entity *se = &t->se;

	place(fr, se, flags);
	fr->nr++;
	fr->load += se->weight;
	if (rq->curr == t) {
		fr->curr = se;
		se->protect = se->deadline;
	} else {
		tree_insert(fr, se);
	}
}

static void remember_lag(struct fair_rq *fr, struct sched_entity *se)
{
	s64 limit = (s64)scale(MAX(2 * se->slice, (u64)TICK_NS), se);
	s64 lag = (s64)(virtual_time(fr) - se->vruntime);

	se->vlag = MAX(MIN(lag, limit), -limit);
}

void fair_dequeue(struct rq *rq, struct task *t, u32 flags)
{
	struct fair_rq *fr = &rq->fair;
	struct sched_entity *se = &t->se;

	remember_lag(fr, se);
	if (!(flags & QUEUE_SLEEP)) {
		se->deadline -= se->vruntime;
		se->rel_deadline = true;
	}
	if (fr->curr == se)
		fr->curr = NULL;
	else
		tree_erase(fr, se);
	fr->nr--;
	fr->load -= se->weight;
	advance_base(fr);
}

/* --- choosing --- */

/*
 * The earliest deadline among the eligible of the tree. A subtree holds an eligible entity
 * exactly when its smallest vruntime is eligible, so one walk down does it.
 */
static struct sched_entity *tree_pick(const struct fair_rq *fr, struct average a)
{
	struct rb_node *n = fr->tree.node;

	while (n) {
		if (n->left && eligible_at(fr, a, se_of(n->left)->min_vruntime)) {
			n = n->left;
			continue;
		}
		if (eligible_at(fr, a, se_of(n)->vruntime))
			return se_of(n);
		n = n->right;
	}
	return NULL;
}

struct task *fair_pick(struct rq *rq)
{
	struct fair_rq *fr = &rq->fair;
	struct rb_node *root = fr->tree.node;
	struct sched_entity *se;

	if (!root)
		return NULL;
	if (!root->left && !root->right)
		return entity_task(se_of(root));
	se = tree_pick(fr, average_of(fr));
	/* V is an average: somebody is not above it. Only an overflow of the sums could say
	 * otherwise. */
	return entity_task(se ? se : se_of(rb_first(&fr->tree)));
}

void fair_put_prev(struct rq *rq, struct task *t)
{
	rq->fair.curr = NULL;
	tree_insert(&rq->fair, &t->se);
}

void fair_set_next(struct rq *rq, struct task *t)
{
	tree_erase(&rq->fair, &t->se);
	rq->fair.curr = &t->se;
	t->se.protect = t->se.deadline;
}

bool fair_should_preempt(struct rq *rq, struct task *t)
{
	struct fair_rq *fr = &rq->fair;
	struct sched_entity *curr = fr->curr, *se = &t->se;
	bool curr_idle = rq->curr->policy == SCHED_IDLE, t_idle = t->policy == SCHED_IDLE;
	struct average a;

	if (curr_idle != t_idle)
		return curr_idle;
	if (t->policy == SCHED_BATCH)
		return false;
	a = average_of(fr);
	if (!eligible_at(fr, a, curr->vruntime))
		return tree_pick(fr, a) == se;
	if (curr->protect == curr->deadline && se->slice >= curr->slice)
		return false;
	return before(se->deadline, curr->deadline) && tree_pick(fr, a) == se;
}

/* Gives up the rest of the slice: the place it would have had after using it, which is no worse
 * than anyone else's. */
void fair_yield(struct rq *rq, struct task *t)
{
	struct fair_rq *fr = &rq->fair;
	struct sched_entity *se = &t->se;

	if (fr->nr > 1 && eligible_at(fr, average_of(fr), se->vruntime)) {
		se->vruntime = se->deadline;
		se->deadline += scale(se->slice, se);
		advance_base(fr);
	}
}

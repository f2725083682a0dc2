/* SPDX-License-Identifier: MIT */
/*
 * Run queues: what the files of kernel/sched/ share.
 *
 * One run queue a hart, one lock a run queue (RANK_RQ, interrupts off). The lock is taken in
 * __schedule() by the task that leaves and released by sched_finish_switch() on the stack of the
 * one that comes: who holds it sees no task half way.
 *
 * Where a task is, with its run queue's lock held (task_rq_lock() finds it: t->hart says whose):
 *	se.on_rq, == rq->curr	runs here
 *	se.on_rq		waits here: in the fair tree or an RT list
 *	!on_rq, state != 0	sleeps
 *	se.moving, or		on its way to another hart; only sched_attach() enqueues it. Who moves
 *	!on_rq, state == 0	while preempted between setting its state and sleeping is `moving`
 */
#ifndef SCHED_RQ_H
#define SCHED_RQ_H

#include <arch/irqflags.h>
#include <kernel/hart.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#define NICE_0_WEIGHT 1024U
#define IDLE_WEIGHT   3U		  /* SCHED_IDLE */
#define SLICE_BASE    (3 * NSEC_PER_MSEC) /* of nice 0, before others are considered */
#define SLICE_MIN     (NSEC_PER_MSEC / 10)
#define SLICE_MAX     (100 * NSEC_PER_MSEC)
#define TICK_NS	      (4 * NSEC_PER_MSEC)
#define RR_SLICE      (100 * NSEC_PER_MSEC)
#define RT_PRIO_MAX   99
#define RT_PERIOD     NSEC_PER_SEC	    /* in each, real-time tasks get at most ... */
#define RT_RUNTIME    (950 * NSEC_PER_MSEC) /* ... this, when others want to run */

struct fair_rq {
	struct rb_root
		tree; /* runnable entities but curr, by deadline; augmented by min_vruntime */
	struct sched_entity *curr; /* the running one when it is fair */
	s64 sum;		   /* over the tree: (vruntime - base) * weight */
	s64 sum_weight;		   /* over the tree */
	u64 base;		   /* origin of virtual time, never goes back */
	u32 nr;			   /* curr included */
	u64 load;		   /* their weights, curr included */
};

struct rt_rq {
	unsigned long bitmap[2]; /* priorities that have somebody */
	struct list_head queue[RT_PRIO_MAX + 1];
	u32 nr;			/* the running one is in its list, too */
	u64 period_start, used; /* throttling */
};

struct rq {
	struct spinlock lock; /* RANK_RQ */
	u32 hart;	      /* [I] */
	u32 nr_running;	      /* fair.nr + rt.nr */
	struct task *curr, *idle;
	u64 clock; /* ns, as of the last rq_update_clock() */
	struct fair_rq fair;
	struct rt_rq rt;
	struct mm *drop_mm;	/* borrowed by the task that left: for finish_switch() */
	bool push;		/* the task that left may not stay here: attach it elsewhere */
	s64 nr_uninterruptible; /* only the sum over all harts means something */
	u64 nr_switches;
	u64 next_balance;
	u64 account_stamp; /* up to when `time` is filled in */
	struct hart_time time;
};
DECLARE_PER_HART(struct rq, rq);

extern hartmask_t sched_idle_harts;	  /* [a] harts whose idle task runs */
extern hartmask_t sched_overloaded_harts; /* [a] harts with a runnable task that does not run */

static inline struct rq *this_rq(void) { return &this_hart(rq); }
static inline struct rq *rq_of(u32 hart) { return &hart_var(rq, hart); }
static inline struct task *entity_task(struct sched_entity *se)
{
	return container_of(se, struct task, se);
}
static inline bool task_is_rt(const struct task *t) { return t->rt_priority != 0; }
static inline bool policy_is_rt(u32 policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }
static inline void rq_update_clock(struct rq *rq) { rq->clock = (u64)ktime_get(); }

/* core.c */
struct rq *task_rq_lock(struct task *t, u64 *flags) __acquires(&rq->lock);
void task_rq_unlock(struct rq *rq, u64 flags) __releases(&rq->lock);
void rq_resched(struct rq *rq); /* rq->lock held */
void rq_enqueue(struct rq *rq, struct task *t, u32 flags);
void rq_dequeue(struct rq *rq, struct task *t, u32 flags);
void rq_check_preempt(struct rq *rq, struct task *t); /* t was just enqueued */
hartmask_t sched_allowed(const struct task *t);	      /* harts it may use now; never empty */
void sched_yield_current(void);

/* wake.c */
void sched_set_hart(struct task *t, u32 hart);
void sched_attach(struct task *t, u32 queue_flags); /* t is on its way to t->hart */

/* enqueue and dequeue */
#define QUEUE_SLEEP   1 /* it sleeps / wakes up: a new request starts */
#define QUEUE_INITIAL 2 /* a new task */

/* fair.c */
u32 fair_weight(const struct task *t);
void fair_set_params(struct task *t); /* weight and slice from policy and nice; not queued */
void fair_init(struct fair_rq *fr);
void fair_charge(struct rq *rq, struct sched_entity *se, u64 delta);
void fair_enqueue(struct rq *rq, struct task *t, u32 flags);
void fair_dequeue(struct rq *rq, struct task *t, u32 flags);
struct task *fair_pick(struct rq *rq);		   /* NULL: nobody; fair.curr must be NULL */
void fair_put_prev(struct rq *rq, struct task *t); /* still runnable: back to the tree */
void fair_set_next(struct rq *rq, struct task *t);
bool fair_should_preempt(struct rq *rq, struct task *t);
void fair_yield(struct rq *rq, struct task *t);

/* rt.c */
void rt_init(struct rt_rq *rt);
void rt_charge(struct rq *rq, u64 delta);
void rt_enqueue(struct rq *rq, struct task *t);
void rt_dequeue(struct rq *rq, struct task *t);
struct task *rt_pick(struct rq *rq);	/* NULL: nobody, or throttled in favour of fair ones */
u32 rt_highest(const struct rt_rq *rt); /* priority; 0: nobody */
void rt_tick(struct rq *rq, struct task *t, u64 delta);
void rt_yield(struct rq *rq, struct task *t);

/* balance.c */
u32 balance_wake_hart(struct task *t, bool fork);
bool balance_pull(struct rq *rq, u32 max); /* rq->lock held; true: got something */
void balance_tick(struct rq *rq);
void balance_init(void);

/* cputime.c */
void account_switch(struct rq *rq, struct task *prev);
void account_tick(struct rq *rq, bool user);

/* loadavg.c */
void loadavg_tick(u64 now);

#endif

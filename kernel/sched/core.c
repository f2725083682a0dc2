/* SPDX-License-Identifier: MIT */
/*
 * The core of the scheduler: run queues, switching, the tick. Waking and new tasks: wake.c.
 * Changing what a task may and wants: attr.c.
 *
 * A switch: __schedule() takes the run queue's lock on the stack of the task that leaves, takes
 * that one off the queue if it sleeps, picks the next and switches stacks; finish_switch() runs
 * on the other one's stack, unlocks and does what could not be done while the last stack was in
 * use: drops a borrowed address space, lets a dead task go, sends a task that may not stay here
 * to another hart.
 *
 * Kernel threads have no address space of their own (mm NULL). They run on whichever was loaded
 * (active_mm), holding a reference of its tables while a user task left it to them. init_mm needs
 * no references.
 */
#include <kernel/sched.h>

#include <arch/cpu.h>
#include <arch/regs.h>
#include <arch/task.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <kernel/workqueue.h>

#include "rq.h"

#define TIMER_SLACK_NS 50000 /* what everybody has until PR_SET_TIMERSLACK */

/* The task that boots, later the boot hart's idle task. `current` from C's first instruction on. */
struct task init_task = {
	.kernel_sp = (u64)init_stack + KSTACK_SIZE - sizeof(struct trap_frame),
	.stack = init_stack,
	.active_mm = &init_mm,
	.cred = &init_cred,
	.flags = TF_KTHREAD | TF_IDLE,
	.policy = SCHED_NORMAL,
	.affinity = HARTMASK_OF(0),
	.on_hart = true,
	.se = { .weight = NICE_0_WEIGHT, .slice = SLICE_BASE },
	.refs = REFCOUNT_INIT(2),
	.lock = SPINLOCK_INIT(RANK_TASK),
	.comm = "swapper/0",
	.real_parent = &init_task,
	.parent = &init_task,
	.children = LIST_HEAD_INIT(init_task.children),
	.sibling = LIST_HEAD_INIT(init_task.sibling),
	.thread_link = LIST_HEAD_INIT(init_task.thread_link),
	.all_link = LIST_HEAD_INIT(init_task.all_link),
	.pending = { .queue = LIST_HEAD_INIT(init_task.pending.queue) },
	.nr_syscall = ~0U,
	.timer_slack = TIMER_SLACK_NS,
	.timer_slack_default = TIMER_SLACK_NS,
};

DEFINE_PER_HART(struct rq, rq);

/* --- run queues --- */

struct rq *task_rq_lock(struct task *t, u64 *flags) __acquires(&rq->lock)
{
	for (;;) {
		u32 hart = READ_ONCE(t->hart);
		struct rq *rq = rq_of(hart);

		*flags = spin_lock_irqsave(&rq->lock);
		if (likely(t->hart == hart)) {
			rq_update_clock(rq);
			return rq;
		}
		spin_unlock_irqrestore(&rq->lock, *flags);
	}
}

void task_rq_unlock(struct rq *rq, u64 flags) __releases(&rq->lock) { spin_unlock_irqrestore(&rq->lock, flags); }

void rq_resched(struct rq *rq)
{
	struct task *curr = rq->curr;

	if (curr->work & WORK_RESCHED)
		return;
	task_set_work(curr, WORK_RESCHED);
	if (rq->hart != this_hart_nr())
		ipi_send(HARTMASK_OF(rq->hart));
}

/* Charges rq->curr for the time it ran. Returns that time, ns. */
static u64 charge(struct rq *rq)
{
	struct task *t = rq->curr;
	s64 delta = (s64)(rq->clock - t->se.exec_start);

	if (unlikely(delta <= 0))
		return 0;
	t->se.exec_start = rq->clock;
	t->se.sum_exec += (u64)delta;
	if (likely(rq->fair.curr))
		fair_charge(rq, rq->fair.curr, (u64)delta);
	else if (task_is_rt(t))
		rt_charge(rq, (u64)delta);
	return (u64)delta;
}

void rq_enqueue(struct rq *rq, struct task *t, u32 flags)
{
	charge(rq);
	if (task_is_rt(t))
		rt_enqueue(rq, t);
	else
		fair_enqueue(rq, t, flags);
	t->se.on_rq = true;
	t->se.wait_start = rq->clock;
	rq->nr_running++;
	if (unlikely(rq->nr_running == 2 && nr_harts > 1))
		atomic_or(&sched_overloaded_harts, HARTMASK_OF(rq->hart));
	if (rq->curr == rq->idle)
		atomic_and(&sched_idle_harts, ~HARTMASK_OF(rq->hart));
}

void rq_dequeue(struct rq *rq, struct task *t, u32 flags)
{
	charge(rq);
	if (task_is_rt(t))
		rt_dequeue(rq, t);
	else
		fair_dequeue(rq, t, flags);
	t->se.on_rq = false;
	rq->nr_running--;
	if (unlikely(rq->nr_running == 1 && nr_harts > 1))
		atomic_and(&sched_overloaded_harts, ~HARTMASK_OF(rq->hart));
}

void rq_check_preempt(struct rq *rq, struct task *t)
{
	struct task *curr = rq->curr;
	bool better;

	if (curr == t || (curr->work & WORK_RESCHED))
		return;
	/* The idle task, or one that is just leaving and sees who was pulled for it. */
	if (!curr->se.on_rq)
		better = true;
	else if (task_is_rt(t))
		better = t->rt_priority > curr->rt_priority && rt_pick(rq);
	else
		better = !task_is_rt(curr) && fair_should_preempt(rq, t);
	if (better)
		rq_resched(rq);
}

hartmask_t sched_allowed(const struct task *t)
{
	hartmask_t online = READ_ONCE(harts_online), mask = t->affinity & online;

	return mask ? mask : online;
}

/* --- switching --- */

/* Address space of `next`: its own, or whatever is loaded. */
static void switch_mm(struct rq *rq, struct task *prev, struct task *next)
{
	struct mm *loaded = prev->active_mm;

	if (!next->mm) {
		next->active_mm = loaded;
		if (!prev->mm)
			prev->active_mm = NULL;
		else
			mm_grab(loaded);
		return;
	}
	if (loaded != next->mm)
		mm_switch(loaded, next->mm);
	if (!prev->mm) {
		prev->active_mm = NULL;
		if (loaded != &init_mm)
			rq->drop_mm = loaded;
	}
}

/* On the stack of the task that comes: ends what __schedule() began on the one that left.
 * Interrupts off. */
static void finish_switch(struct task *prev) __releases(&rq->lock)
{
	struct rq *rq = this_rq();
	struct mm *drop_mm = rq->drop_mm;
	bool dead = prev->state == TASK_DEAD, push = rq->push, from_idle = prev == rq->idle;

	rq->drop_mm = NULL;
	rq->push = false;
	smp_store_release(&prev->on_hart, false);
	spin_unlock_raw(&rq->lock);
	if (unlikely(from_idle))
		timer_tick_update();
	if (unlikely(push))
		sched_attach(prev, 0);
	if (unlikely(drop_mm))
		mm_drop(drop_mm);
	if (unlikely(dead))
		task_put(prev);
}

void sched_finish_switch(struct task *prev) __releases(&rq->lock)
{
	finish_switch(prev);
	irq_enable();
	preempt_enable();
}

/* Takes prev off the queue as its state asks, unless a signal it would be woken by is there
 * already. */
static void go_to_sleep(struct rq *rq, struct task *prev, u32 state)
{
	if ((state & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) &&
	    (READ_ONCE(prev->work) & WORK_SIGNAL) && signal_pending_state(state)) {
		prev->state = TASK_RUNNING;
		return;
	}
	if ((state & (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)) == TASK_UNINTERRUPTIBLE)
		rq->nr_uninterruptible++;
	rq_dequeue(rq, prev, QUEUE_SLEEP);
}

/* prev is runnable but may not stay: after the switch it goes to another hart. */
static void push_prev(struct rq *rq, struct task *prev)
{
	rq_dequeue(rq, prev, 0);
	prev->se.moving = true;
	rq->push = true;
}

static struct task *pick_next(struct rq *rq, struct task *prev)
{
	struct task *next;

	/* Nobody else is there: no need to put it back and pick it again. */
	if (prev->se.on_rq && rq->nr_running == 1)
		return prev;
	if (rq->fair.curr)
		fair_put_prev(rq, prev);
	if (rq->nr_running == 0 && !(READ_ONCE(sched_overloaded_harts) && balance_pull(rq, 1)))
		return rq->idle;
	next = rq->rt.nr ? rt_pick(rq) : NULL;
	if (next)
		return next;
	next = fair_pick(rq);
	fair_set_next(rq, next);
	return next;
}

static void count_switch(struct rq *rq, struct task *prev, struct task *next, bool preempt)
{
	rq->nr_switches++;
	if (preempt || prev->se.on_rq)
		prev->se.nr_involuntary++;
	else
		prev->se.nr_voluntary++;
	if (prev->se.on_rq)
		prev->se.wait_start = rq->clock;
	next->se.run_delay += rq->clock - next->se.wait_start;
	next->se.exec_start = rq->clock;
	next->acct_stamp = rq->clock;
	if (prev->rseq)
		task_set_work(prev, WORK_RSEQ);
	account_switch(rq, prev);
}

/* Preemption off (count 1), interrupts off; returns so, maybe much later. preempt: prev stays
 * runnable whatever its state. */
static void __schedule(bool preempt)
{
	struct task *prev = current, *next;
	struct rq *rq = this_rq();
	u32 state;

	rcu_quiescent();
	spin_lock_raw(&rq->lock, false);
	rq_update_clock(rq);
	state = prev->state;
	if (unlikely(prev == rq->idle)) {
		/* It cannot sleep. Boot code that waits on it looks again and again. */
		prev->state = TASK_RUNNING;
	} else {
		charge(rq);
		if (state && !preempt)
			go_to_sleep(rq, prev, state);
		if (unlikely(prev->se.on_rq && !(sched_allowed(prev) & HARTMASK_OF(rq->hart))))
			push_prev(rq, prev);
	}
	next = pick_next(rq, prev);
	if (prev->work & WORK_RESCHED)
		task_clear_work(prev, WORK_RESCHED);
	/* Also when idle goes on: who was to come may have been pulled away. */
	if (unlikely(next == rq->idle))
		atomic_or(&sched_idle_harts, HARTMASK_OF(rq->hart));
	if (next == prev) {
		spin_unlock_raw(&rq->lock);
		return;
	}
	count_switch(rq, prev, next, preempt);
	if (unlikely(prev == rq->idle))
		atomic_and(&sched_idle_harts, ~HARTMASK_OF(rq->hart));
	rq->curr = next;
	next->on_hart = true;
	switch_mm(rq, prev, next);
	lock_check_handover(lock_debug_of(&rq->lock), prev, next);
	finish_switch(context_switch(prev, next));
}

static bool need_resched(void) { return READ_ONCE(current->work) & WORK_RESCHED; }

static void schedule_loop(bool preempt)
{
	u64 flags;

	do {
		preempt_disable();
		flags = irq_save();
		__schedule(preempt);
		irq_restore(flags);
		preempt_enable_no_resched();
	} while (unlikely(need_resched()));
}

void schedule(void)
{
	might_sleep();
	if (unlikely(current->flags & TF_WORKER) && current->state) {
		worker_sleeping(current);
		schedule_loop(false);
		worker_running(current);
		return;
	}
	schedule_loop(false);
}

void preempt_schedule(void)
{
	if (!irqs_disabled() && !in_atomic())
		schedule_loop(true);
}

void sched_preempt_irq(void)
{
	do {
		preempt_disable();
		__schedule(true);
		preempt_enable_no_resched();
	} while (need_resched());
}

void cond_resched(void)
{
	if (unlikely(need_resched()))
		preempt_schedule();
}

struct sleeper {
	struct timer timer;
	struct task *task;
};

static ktime_t sleeper_wake(struct timer *timer, ktime_t now)
{
	wake_up_process(container_of(timer, struct sleeper, timer)->task);
	return 0;
}

void schedule_until(ktime_t deadline)
{
	struct sleeper s = { .task = current };

	if (deadline == 0 || deadline == KTIME_MAX) {
		schedule();
		return;
	}
	timer_init(&s.timer, sleeper_wake);
	timer_start(&s.timer, deadline);
	schedule();
	timer_cancel_sync(&s.timer);
}

void sched_yield_current(void)
{
	u64 flags = irq_save();
	struct rq *rq = this_rq();
	bool alone = rq->nr_running <= 1;

	if (!alone) {
		spin_lock(&rq->lock);
		rq_update_clock(rq);
		charge(rq);
		if (task_is_rt(current))
			rt_yield(rq, current);
		else if (rq->fair.curr)
			fair_yield(rq, current);
		spin_unlock_raw(&rq->lock);
		preempt_enable_no_resched();
	}
	irq_restore(flags);
	if (!alone)
		schedule();
}

void sched_exit(void)
{
	preempt_disable();
	irq_disable();
	WRITE_ONCE(current->state, TASK_DEAD);
	__schedule(false);
	BUG();
}

void sched_wait_inactive(struct task *t)
{
	while (READ_ONCE(t->state) != TASK_DEAD || smp_load_acquire(&t->on_hart)) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule_until(ktime_get() + 100 * NSEC_PER_USEC);
	}
}

/* --- the tick --- */

void sched_tick(void)
{
	struct rq *rq = this_rq();
	struct task *t = current;
	bool user = irq_from_user();
	u64 delta;

	spin_lock(&rq->lock);
	rq_update_clock(rq);
	if (t != rq->idle) {
		delta = charge(rq);
		if (task_is_rt(t))
			rt_tick(rq, t, delta);
		else if (unlikely(rq->rt.nr) && rt_pick(rq))
			rq_resched(rq);
	}
	account_tick(rq, user);
	spin_unlock(&rq->lock);
	if (t != rq->idle) {
		sched_account(user);
		if (t->group)
			group_timers_tick(t, user);
	}
	rcu_tick(user);
	loadavg_tick(rq->clock);
	balance_tick(rq);
}

bool sched_tick_needed(void)
{
	struct rq *rq = this_rq();

	return rq->curr != rq->idle;
}

/* --- looking --- */

u64 task_runtime(struct task *t)
{
	u64 flags, ns;
	struct rq *rq = task_rq_lock(t, &flags);

	ns = t->se.sum_exec;
	if (rq->curr == t && rq->clock > t->se.exec_start)
		ns += rq->clock - t->se.exec_start;
	task_rq_unlock(rq, flags);
	return ns;
}

u32 sched_nr_running(void)
{
	u32 h, n = 0;

	for_each_hart_in (h, READ_ONCE(harts_online))
		n += READ_ONCE(rq_of(h)->nr_running);
	return n;
}

u64 sched_nr_switches(void)
{
	u64 n = 0;
	u32 h;

	for_each_hart_in (h, READ_ONCE(harts_online))
		n += READ_ONCE(rq_of(h)->nr_switches);
	return n;
}

char task_state_char(struct task *t)
{
	u32 state = READ_ONCE(t->state);

	if (t->exit_state == EXIT_ZOMBIE)
		return 'Z';
	if (t->exit_state == EXIT_DEAD || state == TASK_DEAD)
		return 'X';
	if (state & TASK_TRACED)
		return 't';
	if (state & TASK_STOPPED)
		return 'T';
	if (state & TASK_INTERRUPTIBLE)
		return 'S';
	if (state & TASK_UNINTERRUPTIBLE)
		return state & TASK_NOLOAD ? 'I' : 'D';
	return 'R';
}

struct task *idle_task(u32 hart) { return rq_of(hart)->idle; }

/* --- boot --- */

static void rq_init(struct rq *rq, u32 hart, struct task *idle)
{
	spinlock_init(&rq->lock, RANK_RQ);
	rq->hart = hart;
	fair_init(&rq->fair);
	rt_init(&rq->rt);
	rq->curr = rq->idle = idle;
	rq_update_clock(rq);
	rq->account_stamp = rq->clock;
	idle->flags |= TF_KTHREAD | TF_IDLE;
	idle->affinity = HARTMASK_OF(hart);
	idle->state = TASK_RUNNING;
	idle->on_hart = true;
	idle->hart = hart;
	idle->hart_offset = hart_offset[hart];
	idle->se.exec_start = rq->clock;
	if (!idle->active_mm)
		idle->active_mm = &init_mm;
}

void sched_init(void)
{
	balance_init();
	rq_init(this_rq(), 0, current);
}

void sched_init_hart(u32 hart)
{
	current->preempt_count = 0;
	rq_init(rq_of(hart), hart, current);
}

/* SPDX-License-Identifier: MIT */
/*
 * Read-copy-update by quiescent states.
 *
 * Readers run with preemption off, so a hart that switches tasks, idles, or is interrupted in
 * user mode or in preemptible kernel code has none left from before. Grace periods are numbered;
 * each waits for every hart that was online and not idle when it began to pass such a point
 * (gp_waiting). gp_started == gp_completed means none is running.
 *
 * A hart keeps its callbacks in three lists: `next` collects, `wait` waits for grace period
 * wait_gp to complete, `done` is run by SOFTIRQ_RCU, a bounded number at a time. They move on
 * whenever the hart looks: at a quiescent state, in the tick, after an inter-hart interrupt. Idle
 * harts have no tick: who completes a grace period wakes those that have callbacks.
 *
 * Nothing is raised or woken with rcu_lock held.
 */
#include <kernel/rcu.h>

#include <arch/cpu.h>
#include <kernel/hart.h>
#include <kernel/irq.h>
#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/wait.h>

#define BATCH_MIN  64
#define ROUNDS_MAX 3

struct callbacks {
	struct rcu_head *first, *last;
	u64 n;
};
struct rcu_hart { /* [its hart, interrupts off] */
	struct callbacks next, wait, done;
	u64 wait_gp;
	u64 seen; /* the last grace period it has reported for */
	struct rcu_head barrier;
};
static DEFINE_PER_HART(struct rcu_hart, rcu);

static DEFINE_SPINLOCK(rcu_lock, RANK_RCU); /* interrupts off */
static u64 gp_started, gp_completed;	    /* [rcu_lock] read without */
static u64 gp_wanted;			    /* [rcu_lock] somebody waits for this one */
static hartmask_t gp_waiting;		    /* [rcu_lock] who has still to report */
static hartmask_t callback_harts;	    /* [rcu_lock] who has a wait list */
static hartmask_t idle_harts;		    /* [a] in rcu_idle_enter .. exit */
static u32 hurry; /* [a] somebody sleeps for it: harts are asked, not waited for */
static DEFINE_WAIT_QUEUE(sync_queue);

static void append(struct callbacks *list, struct rcu_head *head)
{
	head->next = NULL;
	if (list->first)
		list->last->next = head;
	else
		list->first = head;
	list->last = head;
	list->n++;
}

static void splice(struct callbacks *to, struct callbacks *from)
{
	if (!from->first)
		return;
	if (to->first)
		to->last->next = from->first;
	else
		to->first = from->first;
	to->last = from->last;
	to->n += from->n;
	*from = (struct callbacks) { 0 };
}

/* rcu_lock held. */
static void start_if_wanted(void)
{
	if (gp_started != gp_completed || gp_wanted <= gp_started)
		return;
	WRITE_ONCE(gp_started, gp_started + 1);
	/* Harts that leave idle after this look see everything from before it: rcu_idle_exit(). */
	smp_mb();
	gp_waiting = READ_ONCE(harts_online) & ~READ_ONCE(idle_harts);
	if (gp_waiting == 0)
		WRITE_ONCE(gp_completed, gp_started);
}

/* rcu_lock held: a grace period that begins from now on. */
static u64 next_gp(void)
{
	u64 gp = gp_started + 1;

	if (gp_wanted < gp)
		gp_wanted = gp;
	return gp;
}

/* rcu_lock held: moves this hart's callbacks on. */
static void advance(struct rcu_hart *rh)
{
	hartmask_t me = HARTMASK_OF(this_hart_nr());

	if (rh->wait.first && gp_completed >= rh->wait_gp) {
		splice(&rh->done, &rh->wait);
		callback_harts &= ~me;
	}
	if (!rh->wait.first && rh->next.first) {
		splice(&rh->wait, &rh->next);
		rh->wait_gp = next_gp();
		callback_harts |= me;
	}
}

/* What is to be done once rcu_lock is free. */
struct todo {
	hartmask_t ask; /* to report or to look at their callbacks */
	bool completed;
};

/* rcu_lock held; after any change. */
static struct todo settle(struct rcu_hart *rh)
{
	hartmask_t me = HARTMASK_OF(this_hart_nr());
	struct todo todo = { 0 };
	u64 before = gp_started;

	if (gp_started != gp_completed && gp_waiting == 0) {
		WRITE_ONCE(gp_completed, gp_started);
		todo.completed = true;
		smp_mb();
		todo.ask = callback_harts & READ_ONCE(idle_harts);
	}
	advance(rh);
	start_if_wanted();
	if (gp_started != before && READ_ONCE(hurry))
		todo.ask |= gp_waiting;
	todo.ask &= ~me;
	return todo;
}

static void follow_up(struct rcu_hart *rh, struct todo todo)
{
	if (rh->done.first)
		softirq_raise_irqoff(SOFTIRQ_RCU);
	if (todo.ask)
		ipi_send(todo.ask);
	if (todo.completed && READ_ONCE(hurry))
		wait_wake(&sync_queue, TASK_NORMAL, 0, NULL);
}

/* Interrupts off. */
static void __noinline look(struct rcu_hart *rh, bool quiescent)
{
	struct todo todo;

	spin_lock(&rcu_lock);
	todo = settle(rh);
	/* That may start one, and this point counts for it, too; but others may want one after
	 * the other. */
	for (u32 i = 0; quiescent && rh->seen != gp_started && i < ROUNDS_MAX; i++) {
		struct todo more;

		rh->seen = gp_started;
		gp_waiting &= ~HARTMASK_OF(this_hart_nr());
		more = settle(rh);
		todo.ask |= more.ask;
		todo.completed |= more.completed;
	}
	spin_unlock_raw(&rcu_lock);
	preempt_enable_no_resched();
	follow_up(rh, todo);
}

void rcu_quiescent(void)
{
	struct rcu_hart *rh = &this_hart(rcu);

	if (unlikely(rh->seen != READ_ONCE(gp_started)))
		look(rh, true);
}

static bool callbacks_can_move(const struct rcu_hart *rh)
{
	return rh->wait.first ? READ_ONCE(gp_completed) >= rh->wait_gp : rh->next.first != NULL;
}

/* In a hard interrupt: what it interrupted was no reader. */
static bool interrupted_quiescent(void)
{
	/* The idle loop itself runs with preemption off. */
	return current->preempt_count == HARDIRQ_OFFSET + (current->flags & TF_IDLE ? 1 : 0);
}

void rcu_tick(bool user)
{
	struct rcu_hart *rh = &this_hart(rcu);

	if (user || interrupted_quiescent())
		rcu_quiescent();
	if (unlikely(callbacks_can_move(rh)))
		look(rh, false);
}

void rcu_ipi(void)
{
	struct rcu_hart *rh = &this_hart(rcu);

	if (irq_from_user() || interrupted_quiescent())
		rcu_quiescent();
	else if (rh->seen != READ_ONCE(gp_started))
		task_set_work(current, WORK_RESCHED);
	if (callbacks_can_move(rh))
		look(rh, false);
}

void rcu_idle_enter(void)
{
	struct rcu_hart *rh = &this_hart(rcu);

	atomic_fetch_or(&idle_harts, HARTMASK_OF(this_hart_nr()));
	rcu_quiescent();
	if (unlikely(callbacks_can_move(rh)))
		look(rh, true);
}

void rcu_idle_exit(void) { atomic_fetch_and(&idle_harts, ~HARTMASK_OF(this_hart_nr())); }

void rcu_call(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	u64 flags = irq_save();
	struct rcu_hart *rh = &this_hart(rcu);

	head->fn = fn;
	append(&rh->next, head);
	if (unlikely(!rh->wait.first))
		look(rh, false);
	irq_restore(flags);
}

/* SOFTIRQ_RCU: so many that a flood of them does not grow for ever, so few that others get their
 * turn. */
static void run_callbacks(void)
{
	struct rcu_hart *rh;
	struct rcu_head *head, *last;
	u64 n, batch;

	irq_disable();
	rh = &this_hart(rcu);
	if (callbacks_can_move(rh))
		look(rh, false);
	head = last = rh->done.first;
	batch = MAX((u64)BATCH_MIN, rh->done.n / 8);
	if (head) {
		for (n = 1; n < batch && last->next; n++)
			last = last->next;
		rh->done.first = last->next;
		rh->done.n -= n;
		last->next = NULL;
	}
	if (rh->done.first)
		softirq_raise_irqoff(SOFTIRQ_RCU);
	irq_enable();
	while (head) {
		struct rcu_head *next = head->next;

		head->fn(head);
		head = next;
	}
}

/* Interrupts on. */
static void ask_all(void)
{
	hartmask_t waiting;

	preempt_disable();
	waiting = READ_ONCE(gp_waiting) & ~HARTMASK_OF(this_hart_nr());
	if (waiting)
		ipi_send(waiting);
	preempt_enable();
}

void rcu_synchronize(void)
{
	u64 gp;

	might_sleep();
	smp_mb();
	/* The only hart, and no reader on it: we run. */
	if (READ_ONCE(harts_online) == HARTMASK_OF(0))
		return;
	atomic_inc(&hurry);
	spin_lock_irq(&rcu_lock);
	gp = next_gp();
	start_if_wanted();
	spin_unlock_irq(&rcu_lock);
	ask_all();
	wait_event(&sync_queue, READ_ONCE(gp_completed) >= gp);
	atomic_dec(&hurry);
	smp_mb();
}

static DEFINE_MUTEX(barrier_lock, RANK_MUTEX);
static u32 barriers_left; /* [a] */
static DEFINE_WAIT_QUEUE(barrier_queue);

static void barrier_done(struct rcu_head *head)
{
	if (atomic_dec_and_test(&barriers_left))
		wake_up_all(&barrier_queue);
}

static void barrier_add(void *arg)
{
	atomic_inc(&barriers_left);
	rcu_call(&this_hart(rcu).barrier, barrier_done);
}

/* A hart runs its callbacks in order: one more at the end of each list says when the others have
 * run. */
void rcu_barrier(void)
{
	mutex_lock(&barrier_lock);
	atomic_inc(&hurry);
	barriers_left = 1;
	hart_call(READ_ONCE(harts_online), barrier_add, NULL);
	ask_all();
	atomic_dec(&barriers_left);
	wait_event(&barrier_queue, READ_ONCE(barriers_left) == 0);
	atomic_dec(&hurry);
	mutex_unlock(&barrier_lock);
}

void rcu_init(void) { softirq_open(SOFTIRQ_RCU, run_callbacks); }

/* SPDX-License-Identifier: MIT */
/*
 * Lock checking of DEBUG kernels: order, contexts, sleeping.
 *
 * Each task keeps a stack of the locks it holds (task->held); an interrupt or softirq uses that
 * of the task it runs on. That is right, and stricter than it looks: when an interrupt takes a
 * lock of lower rank than one its victim holds, then somebody on another hart may hold the first
 * and wait for the second, which its owner cannot release.
 *
 * Three rules, checked when a lock is asked for, before anyone waits:
 *	order	 its rank is greater than that of every lock held (equal with LOCK_NESTED)
 *	context	 a lock an interrupt takes is never held with interrupts on; the same for
 *		 softirqs. Two readers are no conflict
 *	sleeping locks and schedule() want no spinlock held, preemption and interrupts on
 *
 * A breach panics with the list of what is held, unless a test expects it. Nothing here calls
 * printk() first: it takes locks, and we may stand inside it.
 */
#include <kernel/sched.h>

#include <kernel/hart.h>
#include <kernel/panic.h>
#include <kernel/seq_file.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>

/* lock_debug.usage: shared forms are the exclusive ones shifted by USED_SHARED. */
#define USED_IN_IRQ	BIT(0)
#define USED_IN_SOFTIRQ BIT(1)
#define HELD_IRQS_ON	BIT(2)
#define HELD_BH_ON	BIT(3)
#define USED_SHARED	8

struct lock_stats {
	u64 acquired[RANK_LAST + 1], contended[RANK_LAST + 1];
};
static DEFINE_PER_HART(struct lock_stats,
		       lock_stats); /* [hart] a count lost now and then is fine */

static const char *rank_names[RANK_LAST + 1]; /* [a] of the first lock seen */

static struct task *expecting; /* [a] its next report is counted instead of fatal */
static bool reported;	       /* [a] ... and this one was */

void lockdebug_expect_report(void)
{
	WRITE_ONCE(reported, false);
	WRITE_ONCE(expecting, current);
}

bool lockdebug_reported(void)
{
	WRITE_ONCE(expecting, NULL);
	return atomic_xchg(&reported, false);
}

#if DEBUG

static bool reporting; /* [a] some hart is on its way into panic: no more checks */

static void __cold print_held(void)
{
	pr_err("%s/%d holds %u lock%s%s", current->comm, current->pid, current->locks_held,
	       current->locks_held == 1 ? "" : "s", current->locks_held ? ":" : "");
	for (u32 i = 0; i < MIN(current->locks_held, (u32)ARRAY_SIZE(current->held)); i++)
		pr_err("  %s (rank %u) taken at %pS", current->held[i]->name, current->held[i]->rank,
		       (void *)current->held[i]->where);
}

static void __cold report(const struct lock_debug *d, const char *what, vaddr_t where)
{
	static char text[256];
	u32 at;

	if (READ_ONCE(expecting) == current) {
		WRITE_ONCE(expecting, NULL);
		WRITE_ONCE(reported, true);
		return;
	}
	if (atomic_xchg(&reporting, true))
		return;
	at = (u32)scnprintf(text, sizeof(text), "LOCKDEP: %s", what);
	if (d)
		at += (u32)scnprintf(text + at, sizeof(text) - at,
				     ": %s (rank %u, last taken at %pS)", d->name, d->rank,
				     (void *)d->where);
	scnprintf(text + at, sizeof(text) - at, " at %pS, preempt_count %#x, interrupts %s", (void *)where,
		  current->preempt_count, irqs_disabled() ? "off" : "on");
	print_held();
	panic("%s", text);
}

static bool checks_off(void) { return unlikely(READ_ONCE(reporting)) || unlikely(panicking()); }

/* What runs: 0 the task, 1 a softirq, 2 an interrupt on top of it. */
static u8 context_level(void) { return in_hardirq() ? 2 : in_softirq() ? 1 : 0; }

/* Only locks of the same context order each other: what an interrupt takes on top of locks it interrupted is what
 * check_context() judges. */
static void check_order(const struct lock_debug *d, u32 how, vaddr_t where)
{
	u8 level = context_level();

	for (u32 i = 0; i < current->locks_held; i++) {
		const struct lock_debug *h = current->held[i];

		if (h != d && current->held_level[i] != level)
			continue;

		if (h == d)
			report(d, "a lock is taken twice by one task", where);
		else if (h->rank > d->rank)
			report(d, "lock order: a lock of greater rank is held", where);
		else if (h->rank == d->rank && !(how & LOCK_NESTED))
			report(d, "lock order: a lock of the same rank is held", where);
		else
			continue;
		return;
	}
}

static u32 usage_here(void)
{
	u32 usage = 0;

	if (in_hardirq())
		usage |= USED_IN_IRQ;
	else if (in_softirq())
		usage |= USED_IN_SOFTIRQ;
	if (!irqs_disabled()) {
		usage |= HELD_IRQS_ON;
		if (!(current->preempt_count & SOFTIRQ_MASK))
			usage |= HELD_BH_ON;
	}
	return usage;
}

/* True when a use of kind `used` and a hold of kind `held` meet, at least one of them exclusive. */
static bool conflict(u32 usage, u32 used, u32 held)
{
	u32 shared = usage >> USED_SHARED;

	return ((usage & used) && ((usage | shared) & held)) || ((shared & used) && (usage & held));
}

static void check_context(struct lock_debug *d, u32 how, vaddr_t where)
{
	u32 usage = READ_ONCE(d->usage), more = usage_here()
						<< (how & LOCK_SHARED ? USED_SHARED : 0);

	if ((usage & more) == more)
		return;
	atomic_or(&d->usage, more);
	usage |= more;
	if (conflict(usage, USED_IN_IRQ, HELD_IRQS_ON))
		report(d, "a lock that interrupts take is held with interrupts on", where);
	else if (conflict(usage, USED_IN_SOFTIRQ, HELD_BH_ON))
		report(d, "a lock that softirqs take is held with softirqs on", where);
}

void lock_check_acquire(struct lock_debug *d, u32 how, vaddr_t where)
{
	if (!where)
		where = (vaddr_t)__builtin_return_address(0);
	if (checks_off())
		return;
	if (!d->name)
		report(d, "a lock is used before it was initialised", where);
	if (how & LOCK_SLEEPS)
		might_sleep_check(d->name, 0);
	check_order(d, how, where);
	if (!(how & LOCK_SLEEPS))
		check_context(d, how, where);
}

/* Both with interrupts off: an interrupt puts its own locks on top of the same stack, which must be whole then. */
static void held_push(struct task *t, struct lock_debug *d, vaddr_t where)
{
	u64 flags;

	if (t->locks_held >= ARRAY_SIZE(t->held)) {
		report(d, "too many locks held", where);
		return;
	}
	flags = irq_save();
	t->held_level[t->locks_held] = context_level();
	t->held[t->locks_held++] = d;
	irq_restore(flags);
}

static bool held_remove(struct task *t, const struct lock_debug *d)
{
	u64 flags = irq_save();
	u32 i = t->locks_held;

	while (i > 0 && t->held[i - 1] != d)
		i--;
	if (i > 0)
		t->locks_held--;
	for (u32 k = i; i > 0 && k <= t->locks_held; k++) {
		t->held[k - 1] = t->held[k];
		t->held_level[k - 1] = t->held_level[k];
	}
	irq_restore(flags);
	return i > 0;
}

void lock_check_acquired(struct lock_debug *d, u32 how, vaddr_t where)
{
	if (!where)
		where = (vaddr_t)__builtin_return_address(0);
	if (checks_off())
		return;
	if ((how & LOCK_TRY) && !(how & LOCK_SLEEPS))
		check_context(d, how, where);
	held_push(current, d, where);
	d->where = where;
	d->acquired++;
	if (!(how & LOCK_SHARED))
		d->holder = current;
	this_hart(lock_stats).acquired[d->rank]++;
	if (unlikely(!rank_names[d->rank]))
		WRITE_ONCE(rank_names[d->rank], d->name);
}

void lock_check_contended(struct lock_debug *d)
{
	d->contended++;
	this_hart(lock_stats).contended[d->rank]++;
}

void lock_check_release(struct lock_debug *d)
{
	if (checks_off())
		return;
	if (!held_remove(current, d))
		report(d, "a lock is released that is not held",
		       (vaddr_t)__builtin_return_address(0));
	if (d->holder == current)
		d->holder = NULL;
}

void lock_check_handover(struct lock_debug *d, struct task *from, struct task *to)
{
	if (checks_off())
		return;
	held_remove(from, d);
	held_push(to, d, d->where);
	d->holder = to;
}

bool lock_held(const struct lock_debug *d)
{
	if (checks_off())
		return true;
	for (u32 i = 0; i < current->locks_held; i++)
		if (current->held[i] == d)
			return true;
	return false;
}

#endif

static bool spinlock_is_held(void)
{
	for (u32 i = 0; i < current->locks_held; i++)
		if (current->held[i]->rank >= RANK_SPIN_FIRST)
			return true;
	return false;
}

/* Idle tasks are exempt: boot code runs on one, before there is anything to sleep for. */
void might_sleep_check(const char *file, int line)
{
	if (!DEBUG || (current->flags & TF_IDLE) || panicking())
		return;
	if (likely(!in_atomic() && !irqs_disabled() && !spinlock_is_held()))
		return;
#if DEBUG
	char what[96];

	snprintf(what, sizeof(what), "sleeping call in atomic context (%s:%d)", file, line);
	report(NULL, what, (vaddr_t)__builtin_return_address(0));
#endif
}

static void show_rank(struct seq_file *m, u32 rank)
{
	u64 acquired = 0, contended = 0;
	u32 h;

	for_each_hart (h) {
		acquired += hart_var(lock_stats, h).acquired[rank];
		contended += hart_var(lock_stats, h).contended[rank];
	}
	if (!acquired)
		return;
	if (rank_names[rank])
		seq_printf(m, "%-24s", rank_names[rank]);
	else
		seq_printf(m, "rank %-19u", rank);
	seq_printf(m, " %14llu %12llu\n", (unsigned long long)acquired,
		   (unsigned long long)contended);
}

void lock_stats_show(struct seq_file *m)
{
	if (!DEBUG) {
		seq_puts(m, "Lock statistics are kept by DEBUG=1 kernels.\n");
		return;
	}
	seq_printf(m, "%-24s %14s %12s\n", "rank", "acquired", "contended");
	for (u32 rank = 0; rank <= RANK_LAST; rank++)
		show_rank(m, rank);
}

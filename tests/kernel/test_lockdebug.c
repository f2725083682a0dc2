/* SPDX-License-Identifier: MIT */
/* The lock checker catches what it is there for, and nothing that is right. */
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/spinlock.h>

#include "threads.h"

static DEFINE_SPINLOCK(low, RANK_TASK);
static DEFINE_SPINLOCK(high, RANK_WORK);
static DEFINE_SPINLOCK(same, RANK_WORK);
static DEFINE_SPINLOCK(from_irq, RANK_DRIVER);
static DEFINE_RWLOCK(shared, RANK_DRIVER);
static DEFINE_MUTEX(sleeper, RANK_MUTEX);

KERNEL_TEST(lockdebug_right_order_is_quiet)
{
	lockdebug_expect_report();
	mutex_lock(&sleeper);
	spin_lock(&low);
	spin_lock(&high);
	spin_lock_nested(&same);
	EXPECT(spin_is_held(&low) && spin_is_held(&high));
	spin_unlock(&low);
	spin_unlock(&same);
	spin_unlock(&high);
	mutex_unlock(&sleeper);
	EXPECT(!lockdebug_reported());
	EXPECT(!spin_is_held(&low));
	EXPECT(current->locks_held == 0);
	return NULL;
}

KERNEL_TEST(lockdebug_catches_order)
{
	spin_lock(&high);
	lockdebug_expect_report();
	spin_lock(&low);
	spin_unlock(&low);
	EXPECT(lockdebug_reported());
	lockdebug_expect_report();
	spin_lock(&same);
	spin_unlock(&same);
	EXPECT(lockdebug_reported());
	spin_unlock(&high);
	return NULL;
}

KERNEL_TEST(lockdebug_catches_sleep)
{
	spin_lock(&low);
	lockdebug_expect_report();
	might_sleep();
	EXPECT(lockdebug_reported());
	spin_unlock(&low);
	preempt_disable();
	lockdebug_expect_report();
	might_sleep();
	EXPECT(lockdebug_reported());
	preempt_enable();
	lockdebug_expect_report();
	might_sleep();
	EXPECT(!lockdebug_reported());
	return NULL;
}

static void take_in_interrupt(struct spinlock *l)
{
	u64 flags = irq_save();

	/* As seen from a handler. */
	current->preempt_count += HARDIRQ_OFFSET;
	spin_lock(l);
	spin_unlock(l);
	current->preempt_count -= HARDIRQ_OFFSET;
	irq_restore(flags);
}

KERNEL_TEST(lockdebug_catches_irq_unsafe)
{
	take_in_interrupt(&from_irq);
	spin_lock_irq(&from_irq);
	spin_unlock_irq(&from_irq);
	lockdebug_expect_report();
	spin_lock(&from_irq);
	spin_unlock(&from_irq);
	EXPECT(lockdebug_reported());
	from_irq.debug.usage = 0;
	return NULL;
}

/* Readers in interrupts and readers with interrupts on are no conflict; a writer with interrupts on
 * is. */
KERNEL_TEST(lockdebug_readers)
{
	lockdebug_expect_report();
	read_lock(&shared);
	read_unlock(&shared);
	irq_disable();
	current->preempt_count += HARDIRQ_OFFSET;
	read_lock(&shared);
	read_unlock(&shared);
	current->preempt_count -= HARDIRQ_OFFSET;
	irq_enable();
	write_lock_irq(&shared);
	write_unlock_irq(&shared);
	EXPECT(!lockdebug_reported());
	lockdebug_expect_report();
	write_lock(&shared);
	write_unlock(&shared);
	EXPECT(lockdebug_reported());
	shared.debug.usage = 0;
	return NULL;
}

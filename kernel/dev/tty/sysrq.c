/* SPDX-License-Identifier: MIT */
/*
 * SysRq: keys that reach the kernel itself, by a break on the console followed by the key within five seconds, or by
 * /proc/sysrq-trigger. The reports print from where they are called, interrupt context included; what must sleep goes
 * to a workqueue.
 */
#include "tty_private.h"

#include <arch/cpu.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/hart.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/vm.h>
#include <kernel/workqueue.h>

static void show_tasks(bool blocked_only)
{
	struct task *p, *t;

	rcu_read_lock();
	for_each_process(p) {
		for_each_thread(p->group, t) {
			u32 state = READ_ONCE(t->state);

			if (blocked_only && !(state & TASK_UNINTERRUPTIBLE))
				continue;
			pr_info("%-16s %c pid %d tgid %d flags %x", t->comm, task_state_char(t), t->pid, t->tgid,
				t->flags);
			if (!READ_ONCE(t->on_hart))
				backtrace_print(LOG_INFO, t, NULL);
		}
	}
	rcu_read_unlock();
}

static void key_tasks(void)
{
	show_tasks(false);
}

static void key_blocked(void)
{
	show_tasks(true);
}

static void key_memory(void)
{
	struct memory_info m;

	memory_info(&m);
	pr_info("memory: total %llu kB, free %llu, available %llu, cached %llu, shmem %llu, anon %llu, slab %llu, "
		"page tables %llu, kernel stacks %llu",
		(unsigned long long)m.total * 4, (unsigned long long)m.free * 4, (unsigned long long)m.available * 4,
		(unsigned long long)m.cached * 4, (unsigned long long)m.shmem * 4, (unsigned long long)m.anon * 4,
		(unsigned long long)m.slab * 4, (unsigned long long)m.page_tables * 4, (unsigned long long)m.kstacks * 4);
}

static void key_here(void)
{
	pr_info("hart %u, task %s[%d]", this_hart_nr(), current->comm, current->pid);
	backtrace_print(LOG_INFO, NULL, NULL);
}

static void key_locks(void)
{
	struct task *p, *t;

	if (!DEBUG) {
		pr_info("locks are only tracked in a DEBUG kernel");
		return;
	}
	rcu_read_lock();
	for_each_process(p) {
		for_each_thread(p->group, t) {
			for (u32 i = 0; i < MIN(READ_ONCE(t->locks_held), (u32)ARRAY_SIZE(t->held)); i++) {
				const struct lock_debug *d = READ_ONCE(t->held[i]);

				if (d)
					pr_info("%s[%d] holds %s taken at %pS", t->comm, t->pid, d->name,
						(void *)d->where);
			}
		}
	}
	rcu_read_unlock();
}

static void key_reboot(void)
{
	pr_notice("sysrq: rebooting");
	arch_reboot();
}

static void key_crash(void)
{
	panic("sysrq triggered crash");
}

static void key_poweroff(void)
{
	system_poweroff();
}

static void kill_all(int sig)
{
	struct task *p;

	rcu_read_lock();
	for_each_process(p)
		if (p->pid > 1 && !(p->flags & TF_KTHREAD))
			send_signal_group(p, sig, SEND_SIG_KERNEL);
	rcu_read_unlock();
}

static void key_term(void)
{
	kill_all(SIGTERM);
}

static void key_kill(void)
{
	kill_all(SIGKILL);
}

static void key_oom(void)
{
	if (!oom_kill(GFP_KERNEL, 0))
		pr_info("sysrq: nobody to kill");
}

static void key_sync(void)
{
	sync_all();
	pr_notice("sysrq: synced");
}

static void key_help(void);

static const struct sysrq {
	u8 key;
	bool sleeps;
	const char *what;
	void (*run)(void);
} keys[] = {
	{ 'b', false, "reboot at once", key_reboot },
	{ 'c', false, "crash", key_crash },
	{ 'd', false, "locks held", key_locks },
	{ 'e', true, "SIGTERM to all", key_term },
	{ 'f', true, "OOM kill", key_oom },
	{ 'h', false, "help", key_help },
	{ 'i', true, "SIGKILL to all", key_kill },
	{ 'l', false, "backtrace here", key_here },
	{ 'm', false, "memory", key_memory },
	{ 'o', true, "power off", key_poweroff },
	{ 's', true, "sync", key_sync },
	{ 't', false, "tasks", key_tasks },
	{ 'w', false, "blocked tasks", key_blocked },
};

static void key_help(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(keys); i++)
		pr_info("sysrq: %c %s", keys[i].key, keys[i].what);
	pr_info("sysrq: 0-9 console log level");
}

static const struct sysrq *pending; /* [a] for the work item */

static void run_pending(struct work *w)
{
	const struct sysrq *s = atomic_xchg(&pending, NULL);

	if (s)
		s->run();
}

static struct work sysrq_work = WORK_INIT(sysrq_work, run_pending);

void sysrq_key(u8 key)
{
	u32 level = console_loglevel;

	if (key >= '0' && key <= '9') {
		console_loglevel = (u32)(key - '0');
		return;
	}
	console_loglevel = LOG_DEBUG;
	for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].key != key)
			continue;
		pr_info("sysrq: %s", keys[i].what);
		if (keys[i].sleeps) {
			WRITE_ONCE(pending, &keys[i]);
			work_schedule(&sysrq_work);
		} else {
			keys[i].run();
		}
		console_loglevel = level;
		return;
	}
	key_help();
	console_loglevel = level;
}

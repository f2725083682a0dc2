/* SPDX-License-Identifier: MIT */
/*
 * In-kernel tests: keel.test=all or keel.test=NAME,NAME runs them from the init thread, one after the other, prints
 * "ok"/"not ok" lines and a summary, and powers the machine off. A test that leaves less free memory than it found
 * fails, after what may be late (RCU, deferred frees) had its time.
 */
#include "ktest.h"

#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/string.h>
#include <kernel/timer.h>

/* Caches may keep this many pages more than before: slabs, and on each hart lists and stacks. */
#define LEAK_SLACK (64 + 32 * nr_harts)

static const char *wanted;

static bool selected(const char *name)
{
	size_t n = strlen(name);
	const char *s = wanted;

	if (strcmp(wanted, "all") == 0)
		return true;
	for (; s; s = strchr(s, ','), s = s ? s + 1 : NULL)
		if (strncmp(s, name, n) == 0 && (s[n] == ',' || s[n] == '\0'))
			return true;
	return false;
}

static u64 free_pages(void)
{
	struct memory_info info;

	memory_info(&info);
	return info.free + page_overhead();
}

static u64 settled_free_pages(void)
{
	rcu_barrier();
	msleep(20);
	rcu_barrier();
	return free_pages();
}

static const char *run_one(const struct kernel_test *t)
{
	u64 before = settled_free_pages();
	const char *failure = t->fn();
	u64 after = settled_free_pages();

	if (!failure && after + LEAK_SLACK < before) {
		pr_err("ktest: %llu pages fewer are free than before", (unsigned long long)(before - after));
		failure = "no memory leaked";
	}
	return failure;
}

void kernel_tests_run(void)
{
	extern const struct kernel_test __init_tests_start[], __init_tests_end[];
	u32 n = 0, failed = 0;

	if (!wanted)
		return;
	for (const struct kernel_test *t = __init_tests_start; t < __init_tests_end; t++) {
		const char *failure;

		if (!selected(t->name))
			continue;
		failure = run_one(t);
		n++;
		failed += failure != NULL;
		if (failure)
			printk(LOG_ERR, "ktest: not ok %u - %s: %s", n, t->name, failure);
		else
			printk(LOG_NOTICE, "ktest: ok %u - %s", n, t->name);
	}
	printk(failed ? LOG_ERR : LOG_NOTICE, "ktest: %u passed, %u failed", n - failed, failed);
	system_poweroff();
}

static int set_test(const char *value)
{
	wanted = value;
	return 0;
}
CMDLINE("keel.test", set_test);

/* SPDX-License-Identifier: MIT */
/*
 * The slow way into system calls: tracing, counting, and calls that do not exist.
 *
 * The entry code calls sys_call_table itself. Only for tasks with WORK_TRACE, and for numbers past the table, it comes
 * to syscall_traced(), so that neither tracing nor counting costs anything when off. Options:
 *
 *	keel.trace=all | NAME | pid=N	one line a call on the log, for all tasks, those called NAME, or task N
 *	keel.count			count calls (always on in DEBUG kernels): /proc/keel/syscalls
 */
#include <kernel/syscall.h>

#include <kernel/bitmap.h>
#include <kernel/init.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/seq_file.h>
#include <kernel/string.h>
#include <linux/fcntl.h>

#include "errname.h"

#define LINE_SIZE   240
#define STRING_SHOWN 48

static enum { TRACE_OFF, TRACE_ALL, TRACE_NAME, TRACE_PID } trace_mode; /* [I after boot] */
static char trace_name[TASK_COMM_LEN];
static pid_t trace_pid;
static bool counting = DEBUG;

static u64 counts[NR_SYSCALLS];				    /* [a] */
static unsigned long complained[BITMAP_LONGS(NR_SYSCALLS)]; /* [a] numbers already reported as missing */

/* --- calls that do not exist --- */

long syscall_unknown(u64 nr)
{
	const char *name = nr < NR_SYSCALLS ? syscall_info[nr].name : NULL;

	if (nr >= NR_SYSCALLS)
		printk_ratelimited(LOG_INFO, "syscall: %s[%d] called %lu, which does not exist", current->comm,
				   current->pid, (unsigned long)nr);
	else if (!atomic_test_and_set_bit(nr, complained))
		pr_info("syscall: %s[%d] called %s (%lu), which is not implemented", current->comm, current->pid,
			name ?: "a number without a call", (unsigned long)nr);
	return -ENOSYS;
}

long sys_ni(void)
{
	return syscall_unknown(regs_syscall_nr(current_regs()));
}

/* --- the text of a traced call --- */

struct line {
	char text[LINE_SIZE];
	u32 len;
};

static void __printf(2, 3) add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	l->len = MIN(l->len + (u32)n, (u32)sizeof(l->text) - 1);
}

static void add_char(struct line *l, char c)
{
	if (c == '"' || c == '\\')
		add(l, "\\%c", c);
	else if (c >= ' ' && c <= '~')
		add(l, "%c", c);
	else
		add(l, "\\%o", (u8)c);
}

static void add_user_string(struct line *l, const char __user *s)
{
	char buf[STRING_SHOWN];
	s64 n = s ? strncpy_from_user(buf, s, sizeof(buf)) : -EFAULT;

	if (n < 0) {
		add(l, s ? "0x%lx" : "NULL", (unsigned long)s);
		return;
	}
	add(l, "\"");
	for (s64 i = 0; i < n; i++)
		add_char(l, buf[i]);
	add(l, n == sizeof(buf) ? "\"..." : "\"");
}

static void add_arg(struct line *l, char letter, u64 v)
{
	switch (letter) {
	case 'd':
	case 'f':
		add(l, "%d", (s32)v);
		break;
	case 'F':
		if ((s32)v == AT_FDCWD)
			add(l, "AT_FDCWD");
		else
			add(l, "%d", (s32)v);
		break;
	case 'u':
		add(l, (u32)v > 0xffff ? "0x%x" : "%u", (u32)v);
		break;
	case 'o':
		add(l, "0%o", (u32)v);
		break;
	case 'l':
		add(l, "%ld", (long)v);
		break;
	case 's':
		add_user_string(l, (const char __user *)v);
		break;
	default: /* x, p */
		if (v)
			add(l, "0x%lx", (unsigned long)v);
		else
			add(l, letter == 'p' ? "NULL" : "0");
	}
}

/* Name and arguments, as strace would show them. Before the call: it may change what they point to. */
static void describe_call(struct line *l, const struct trap_frame *regs)
{
	const u64 args[] = { regs->a0, regs->a1, regs->a2, regs->a3, regs->a4, regs->a5 };
	u64 nr = regs->a7;

	l->len = 0;
	if (nr >= NR_SYSCALLS || !syscall_info[nr].name) {
		add(l, "syscall_%lu(0x%lx, 0x%lx, 0x%lx)", (unsigned long)nr, (unsigned long)args[0],
		    (unsigned long)args[1], (unsigned long)args[2]);
		return;
	}
	add(l, "%s(", syscall_info[nr].name);
	for (u32 i = 0; syscall_info[nr].args[i]; i++) {
		if (i)
			add(l, ", ");
		add_arg(l, syscall_info[nr].args[i], args[i]);
	}
	add(l, ")");
}

static void print_result(const struct line *l, long ret)
{
	const char *name = ret < 0 ? errno_name((int)-MAX(ret, -4096L)) : NULL;

	if (name)
		pr_info("%s[%d] %s = -%s", current->comm, current->pid, l->text, name);
	else
		pr_info("%s[%d] %s = %ld", current->comm, current->pid, l->text, ret);
}

/* --- which tasks --- */

static bool is_shown(const struct task *t)
{
	switch (trace_mode) {
	case TRACE_ALL:
		return true;
	case TRACE_NAME:
		return strcmp(t->comm, trace_name) == 0;
	case TRACE_PID:
		return t->pid == trace_pid;
	case TRACE_OFF:
		break;
	}
	return false;
}

void syscall_trace_update(struct task *t)
{
	if (likely(!counting && trace_mode == TRACE_OFF))
		return;
	if (counting || is_shown(t))
		task_set_work(t, WORK_TRACE);
	else
		task_clear_work(t, WORK_TRACE);
}

/* --- the call --- */

static bool returns(u64 nr)
{
	return strcmp(syscall_info[nr].name ?: "", "exit") != 0 &&
	       strcmp(syscall_info[nr].name ?: "", "exit_group") != 0;
}

static long call(const struct trap_frame *regs)
{
	u64 nr = regs->a7;

	if (nr >= NR_SYSCALLS)
		return syscall_unknown(nr);
	if (counting)
		atomic_inc(&counts[nr]);
	return sys_call_table[nr](regs->a0, regs->a1, regs->a2, regs->a3, regs->a4, regs->a5);
}

static void __noinline call_and_print(struct trap_frame *regs)
{
	struct line l;
	long ret;

	describe_call(&l, regs);
	if (regs->a7 < NR_SYSCALLS && !returns(regs->a7))
		pr_info("%s[%d] %s = ?", current->comm, current->pid, l.text);
	ret = call(regs);
	regs_set_return(regs, ret);
	print_result(&l, ret);
}

void syscall_traced(struct trap_frame *regs)
{
	if (unlikely(is_shown(current)))
		call_and_print(regs);
	else
		regs_set_return(regs, call(regs));
}

/* --- /proc/keel/syscalls: which calls there are, and how often they were made --- */

void syscall_stats_show(struct seq_file *m)
{
	if (!counting)
		seq_puts(m, "# not counted: boot with keel.count\n");
	for (u32 nr = 0; nr < NR_SYSCALLS; nr++) {
		bool there = sys_call_table[nr] != (syscall_fn)(void (*)(void))sys_ni;

		if (syscall_info[nr].name)
			seq_printf(m, "%-4u %-24s %-3s %lu\n", nr, syscall_info[nr].name, there ? "yes" : "no",
				   (unsigned long)READ_ONCE(counts[nr]));
	}
}

/* --- options --- */

static int set_trace(const char *value)
{
	u64 pid;

	if (strcmp(value, "all") == 0) {
		trace_mode = TRACE_ALL;
	} else if (str_starts_with(value, "pid=")) {
		if (parse_u64(value + 4, 10, &pid) || pid == 0 || pid > 0x7fffffff)
			return -EINVAL;
		trace_pid = (pid_t)pid;
		trace_mode = TRACE_PID;
	} else {
		if (!*value)
			return -EINVAL;
		strscpy(trace_name, value, sizeof(trace_name));
		trace_mode = TRACE_NAME;
	}
	return 0;
}
CMDLINE("keel.trace", set_trace);

static int set_count(const char *value)
{
	counting = true;
	return *value ? -EINVAL : 0;
}
CMDLINE("keel.count", set_count);

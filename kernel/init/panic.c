/* SPDX-License-Identifier: MIT */
/*
 * The end: panic, warnings, failed assertions, backtraces.
 *
 * The first hart to panic owns the machine: it stops the others, prints without waiting for locks, and reboots or
 * halts as panic= says. A fault while doing so ends in one line and a halt, never in a loop.
 */
#include <kernel/panic.h>

#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/regs.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#define BACKTRACE_MAX 32
#define TAIL_RECORDS  24

static s32 panic_hart = -1; /* [a] */
static u32 panic_depth;	    /* [panicking hart] */
static s64 panic_timeout;   /* panic=: seconds until reboot; 0 for ever, < 0 at once */

bool panicking(void)
{
	return READ_ONCE(panic_hart) >= 0;
}

void backtrace_print(enum log_level level, struct task *task, const struct trap_frame *regs)
{
	vaddr_t pc[BACKTRACE_MAX];
	u32 n = backtrace(pc, BACKTRACE_MAX, task, regs);

	for (u32 i = 0; i < n; i++)
		printk(level, "  [%016lx] %pS", (unsigned long)pc[i], (void *)pc[i]);
}

/* Becomes the panicking hart, or parks because another one is. Returns the depth: 0 the first time. */
static u32 panic_enter(void)
{
	s32 me = (s32)this_hart_nr();

	irq_disable();
	if (!atomic_cmpxchg(&panic_hart, -1, me) && READ_ONCE(panic_hart) != me)
		hart_park();
	if (panic_depth == 0) {
		printk_emergency();
		hart_shutdown_others();
		/* Levels hid the story so far: tell it. */
		if (console_loglevel <= LOG_WARNING) {
			log_dump_tail(TAIL_RECORDS);
		}
		console_loglevel = LOG_DEBUG;
	}
	return panic_depth++;
}

static void __noreturn panic_end(void)
{
	if (panic_timeout < 0)
		arch_reboot();
	if (panic_timeout > 0) {
		pr_err("Rebooting in %lld seconds..", (long long)panic_timeout);
		for (u64 end = cycles_now() + (u64)panic_timeout * isa.timebase_hz; cycles_now() < end;)
			cpu_relax();
		arch_reboot();
	}
	pr_err("System halted: give panic=N on the command line to reboot after N seconds");
	hart_park();
}

static void print_where(void)
{
	pr_err("Hart %u, task %s[%d], Keel %s", this_hart_nr(), current->comm, current->pid, uts_version);
}

/* A panic within the panic: no more than one line. */
static void __noreturn panic_again(const char *what)
{
	if (panic_depth < 4)
		pr_err("panic while panicking: %s", what);
	if (panic_depth < 5 && panic_timeout)
		arch_reboot();
	hart_park();
}

void panic(const char *fmt, ...)
{
	char text[192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (panic_enter())
		panic_again(text);
	printk(LOG_EMERG, "Kernel panic: %s", text);
	print_where();
	backtrace_print(LOG_EMERG, NULL, NULL);
	printk(LOG_EMERG, "---[ end Kernel panic: %s ]---", text);
	panic_end();
}

void panic_trap(const struct trap_frame *regs, const char *cause)
{
	if (panic_enter())
		panic_again(cause);
	printk(LOG_EMERG, "Kernel panic: %s", cause);
	print_where();
	regs_print(regs);
	backtrace_print(LOG_EMERG, NULL, regs);
	printk(LOG_EMERG, "---[ end Kernel panic: %s ]---", cause);
	panic_end();
}

void warn(const char *file, int line, const char *cond)
{
	pr_warn("WARNING: %s at %s:%d, hart %u, task %s[%d]", cond, file, line, this_hart_nr(), current->comm,
		current->pid);
	backtrace_print(LOG_WARNING, NULL, NULL);
	if (DEBUG)
		panic("warning in a checking kernel: %s at %s:%d", cond, file, line);
}

void assert_failed(const char *file, int line, const char *cond)
{
	panic("assertion failed: %s at %s:%d", cond, file, line);
}

static int set_panic(const char *value)
{
	return parse_s64(value, 10, &panic_timeout);
}
CMDLINE("panic", set_panic);

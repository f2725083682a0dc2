/* SPDX-License-Identifier: MIT */
/*
 * Stack protector: functions with arrays put task->canary below their return address and compare it
 * when they leave. The compiler finds it at a fixed offset of tp (the current task), which the
 * Makefile passes it as STACK_CANARY_OFFSET.
 */
#include <kernel/panic.h>
#include <kernel/task.h>

static_assert(offsetof(struct task, canary) == STACK_CANARY_OFFSET,
	      "Makefile: STACK_CANARY_OFFSET");

void __noreturn __stack_chk_fail(void);

void __stack_chk_fail(void)
{
	panic("stack: a buffer was overrun in %pS", __builtin_return_address(0));
}

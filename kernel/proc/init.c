/* SPDX-License-Identifier: MIT */
/* Start-up of everything in kernel/proc/, in the order its parts need each other. Boot hart, single-threaded. */
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>

#include "proc.h"

void proc_init(void)
{
	pid_init();
	user_init();
	cred_init();
	task_init();
	group_init();
	init_task.sighand = sighand_create();
	if (!init_task.sighand)
		panic("no memory for init_task's signal handlers");
	thread_count = 1;
	kthreadd_create();
}

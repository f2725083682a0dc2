/* SPDX-License-Identifier: MIT */
/*
 * How the machine ends: poweroff, reboot, halt, in process context, from reboot(2) or SysRq. Files are synced by who
 * asks; here drivers are shut down, the other harts stopped, and the firmware told.
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <kernel/device.h>
#include <kernel/printk.h>
#include <kernel/process.h>

static void quiesce(const char *what)
{
	pr_notice("reboot: %s", what);
	driver_shutdown_all();
	irq_disable();
	hart_shutdown_others();
}

void system_poweroff(void)
{
	quiesce("Power down");
	arch_poweroff();
}

void system_reboot(void)
{
	quiesce("Restarting system");
	arch_reboot();
}

void system_halt(void)
{
	quiesce("System halted");
	arch_halt();
}

/* SPDX-License-Identifier: MIT */
/*
 * Off, again, stop: SBI's system reset, then what a driver knows of the board, then SBI's oldest
 * call, which can only switch off. Called with the other harts stopped and interrupts off.
 */
#include <arch/cpu.h>

#include <kernel/printk.h>

#include "machine.h"
#include "sbi.h"

#define SRST_SHUTDOWN	 0
#define SRST_COLD_REBOOT 1
#define SRST_WARM_REBOOT 2
#define SRST_NO_REASON	 0

void (*board_poweroff)(void);
void (*board_reboot)(void);

void arch_poweroff(void)
{
	sbi_system_reset(SRST_SHUTDOWN, SRST_NO_REASON);
	if (board_poweroff)
		board_poweroff();
	sbi_shutdown_legacy();
	pr_err("power: the firmware cannot switch the board off: do it by hand");
	arch_halt();
}

void arch_reboot(void)
{
	sbi_system_reset(SRST_COLD_REBOOT, SRST_NO_REASON);
	sbi_system_reset(SRST_WARM_REBOOT, SRST_NO_REASON);
	if (board_reboot)
		board_reboot();
	pr_err("power: the firmware cannot restart the board: do it by hand");
	arch_halt();
}

void arch_halt(void) { hart_park(); }

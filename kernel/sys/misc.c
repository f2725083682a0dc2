/* SPDX-License-Identifier: MIT */
/* Calls that belong to no other family: sysinfo, getrandom, personality, reboot. */
#include <kernel/cred.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/timer.h>
#include <kernel/uio.h>
#include <kernel/wait.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/sysinfo.h>

#define IO_MAX	     (0x7fffffffUL & PAGE_MASK) /* bytes of one read, as everywhere */
#define RANDOM_POLL  (20 * NSEC_PER_MSEC)	/* how often somebody who waits for entropy looks */
#define PERSONALITY_READ 0xffffffffU

long sys_sysinfo(struct sysinfo __user *info)
{
	struct memory_info mem;
	struct sysinfo s = { .mem_unit = 1 };
	u64 load[3];

	memory_info(&mem);
	sched_loadavg(load);
	s.uptime = DIV_ROUND_UP(ktime_get_boottime(), NSEC_PER_SEC);
	for (u32 i = 0; i < ARRAY_SIZE(load); i++)
		s.loads[i] = load[i];
	s.totalram = mem.total * PAGE_SIZE;
	s.freeram = mem.free * PAGE_SIZE;
	s.sharedram = mem.shmem * PAGE_SIZE;
	s.procs = (u16)MIN(nr_threads(), 0xffffU);
	return copy_struct_to_user_exact(info, &s);
}

/* Until the generator has its seed: 0, -EAGAIN, -ERESTARTSYS. */
static int wait_for_random(bool nonblocking)
{
	static DEFINE_WAIT_QUEUE(nobody_wakes);

	while (!random_ready()) {
		int rc;

		if (nonblocking)
			return -EAGAIN;
		rc = wait_event_interruptible_deadline(&nobody_wakes, random_ready(), ktime_get() + RANDOM_POLL);
		if (rc == -ERESTARTSYS)
			return rc;
	}
	return 0;
}

long sys_getrandom(char __user *buf, size_t count, unsigned int flags)
{
	struct uio u;
	int rc;

	if (flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
		return -EINVAL;
	if (!(flags & GRND_INSECURE)) {
		rc = wait_for_random(flags & GRND_NONBLOCK);
		if (rc)
			return rc;
	}
	count = MIN(count, IO_MAX);
	if (!access_ok(buf, count))
		return -EFAULT;
	uio_init_user(&u, buf, count);
	return random_read_uio(&u);
}

long sys_personality(unsigned int personality)
{
	u32 old = current->personality;

	if (personality != PERSONALITY_READ)
		current->personality = personality;
	return old;
}

/* --- reboot --- */

static bool magic_valid(u32 magic1, u32 magic2)
{
	return magic1 == LINUX_REBOOT_MAGIC1 &&
	       (magic2 == LINUX_REBOOT_MAGIC2 || magic2 == LINUX_REBOOT_MAGIC2A || magic2 == LINUX_REBOOT_MAGIC2B ||
		magic2 == LINUX_REBOOT_MAGIC2C);
}

long sys_reboot(int magic1, int magic2, unsigned int cmd, void __user *arg)
{
	char command[256];

	if (!capable(CAP_SYS_BOOT))
		return -EPERM;
	if (!magic_valid((u32)magic1, (u32)magic2))
		return -EINVAL;
	switch (cmd) {
	case LINUX_REBOOT_CMD_CAD_ON: /* no keyboard brings a Ctrl-Alt-Del */
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;
	case LINUX_REBOOT_CMD_RESTART2:
		if (strncpy_from_user(command, arg, sizeof(command) - 1) < 0)
			return -EFAULT;
		system_reboot();
	case LINUX_REBOOT_CMD_RESTART:
		system_reboot();
	case LINUX_REBOOT_CMD_HALT:
		system_halt();
	case LINUX_REBOOT_CMD_POWER_OFF:
		system_poweroff();
	}
	return -EINVAL;
}

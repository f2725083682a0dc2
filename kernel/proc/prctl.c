/* SPDX-License-Identifier: MIT */
/*
 * prctl(2): what a process may ask of itself that has no call of its own. Capabilities and securebits first, then the rest
 * by table; options of other architectures and of what is not built in are unknown: -EINVAL.
 */
#include <kernel/process.h>

#include <arch/uaccess.h>
#include <kernel/cred.h>
#include <kernel/mm.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/vm.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "prctl_mm.h"
#include "proc.h"

#define ANON_NAME_MAX 80

struct prctl_args {
	unsigned long a2, a3, a4, a5;
};

/* --- credentials --- */

static long change_cred(void (*change)(struct cred *c, u64 value), u64 value)
{
	struct cred *new = cred_prepare();

	if (!new)
		return -ENOMEM;
	change(new, value);
	return cred_commit(new);
}

static void drop_bounding(struct cred *c, u64 cap)
{
	c->cap_bset &= ~(1UL << cap);
}

static void set_securebits(struct cred *c, u64 bits)
{
	c->securebits = (u32)bits;
}

static void set_ambient(struct cred *c, u64 caps)
{
	c->cap_ambient = caps;
}

static void set_no_new_privs(struct cred *c, u64 value)
{
	c->no_new_privs = true;
}

static long capbset_read(const struct prctl_args *a)
{
	return a->a2 <= CAP_LAST_CAP ? (long)(current_cred()->cap_bset >> a->a2 & 1) : -EINVAL;
}

static long capbset_drop(const struct prctl_args *a)
{
	if (!capable(CAP_SETPCAP))
		return -EPERM;
	return a->a2 <= CAP_LAST_CAP ? change_cred(drop_bounding, a->a2) : -EINVAL;
}

static long get_securebits(const struct prctl_args *a)
{
	return current_cred()->securebits;
}

/* Locked bits stay, locks stay, nothing unknown; without CAP_SETPCAP nothing. */
static long change_securebits(const struct prctl_args *a)
{
	u64 old = current_cred()->securebits, locks = old & SECURE_ALL_LOCKS, changed = (old ^ a->a2) & SECURE_ALL_BITS;

	if (((locks >> 1) & changed) || (locks & ~a->a2) || (a->a2 & ~(u64)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) ||
	    !capable(CAP_SETPCAP))
		return -EPERM;
	return change_cred(set_securebits, a->a2);
}

static long get_keepcaps(const struct prctl_args *a)
{
	return !!(current_cred()->securebits & SECBIT_KEEP_CAPS);
}

static long set_keepcaps(const struct prctl_args *a)
{
	u32 bits = current_cred()->securebits;

	if (a->a2 > 1)
		return -EINVAL;
	if (bits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	return change_cred(set_securebits, a->a2 ? bits | SECBIT_KEEP_CAPS : bits & ~(u32)SECBIT_KEEP_CAPS);
}

static long cap_ambient(const struct prctl_args *a)
{
	const struct cred *c = current_cred();
	u64 bit;

	if (a->a2 == PR_CAP_AMBIENT_CLEAR_ALL)
		return a->a3 | a->a4 | a->a5 ? -EINVAL : change_cred(set_ambient, 0);
	if (a->a3 > CAP_LAST_CAP || (a->a4 | a->a5))
		return -EINVAL;
	bit = 1UL << a->a3;
	switch (a->a2) {
	case PR_CAP_AMBIENT_IS_SET:
		return !!(c->cap_ambient & bit);
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->cap_permitted & c->cap_inheritable & bit) || (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		return change_cred(set_ambient, c->cap_ambient | bit);
	case PR_CAP_AMBIENT_LOWER:
		return change_cred(set_ambient, c->cap_ambient & ~bit);
	}
	return -EINVAL;
}

static long no_new_privs_set(const struct prctl_args *a)
{
	if (a->a2 != 1 || (a->a3 | a->a4 | a->a5))
		return -EINVAL;
	return current_cred()->no_new_privs ? 0 : change_cred(set_no_new_privs, 1);
}

static long no_new_privs_get(const struct prctl_args *a)
{
	return a->a2 | a->a3 | a->a4 | a->a5 ? -EINVAL : current_cred()->no_new_privs;
}

/* --- the task --- */

static long set_pdeathsig(const struct prctl_args *a)
{
	if (a->a2 > _NSIG)
		return -EINVAL;
	current->pdeath_signal = (s32)a->a2;
	return 0;
}

static long get_pdeathsig(const struct prctl_args *a)
{
	return put_user(current->pdeath_signal, (int __user *)a->a2);
}

static long set_name(const struct prctl_args *a)
{
	char name[TASK_COMM_LEN] = "";

	if (strncpy_from_user(name, (const char __user *)a->a2, sizeof(name) - 1) < 0)
		return -EFAULT;
	task_set_comm(current, name);
	return 0;
}

static long get_name(const struct prctl_args *a)
{
	return copy_to_user((void __user *)a->a2, current->comm, sizeof(current->comm)) ? -EFAULT : 0;
}

static long set_timing(const struct prctl_args *a)
{
	return a->a2 == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
}

static long get_timing(const struct prctl_args *a)
{
	return PR_TIMING_STATISTICAL;
}

static bool is_realtime(const struct task *t)
{
	return t->policy == SCHED_FIFO || t->policy == SCHED_RR;
}

static long set_timerslack(const struct prctl_args *a)
{
	if (is_realtime(current))
		return 0;
	current->timer_slack = (long)a->a2 > 0 ? a->a2 : current->timer_slack_default;
	return 0;
}

static long get_timerslack(const struct prctl_args *a)
{
	return is_realtime(current) ? 0 : (long)current->timer_slack;
}

static long set_io_flusher(const struct prctl_args *a)
{
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (a->a3 | a->a4 | a->a5 || a->a2 > 1)
		return -EINVAL;
	current->flags = a->a2 ? current->flags | TF_IO_FLUSHER : current->flags & ~(u32)TF_IO_FLUSHER;
	return 0;
}

static long get_io_flusher(const struct prctl_args *a)
{
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return a->a2 | a->a3 | a->a4 | a->a5 ? -EINVAL : !!(current->flags & TF_IO_FLUSHER);
}

static long get_tid_address(const struct prctl_args *a)
{
	return put_user((u64)current->clear_child_tid, (u64 __user *)a->a2);
}

/* --- the process --- */

static long set_subreaper(const struct prctl_args *a)
{
	write_lock_irq(&tasklist_lock);
	current->group->child_subreaper = a->a2 != 0;
	subreapers_exist |= a->a2 != 0;
	write_unlock_irq(&tasklist_lock);
	return 0;
}

static long get_subreaper(const struct prctl_args *a)
{
	return put_user((int)current->group->child_subreaper, (int __user *)a->a2);
}

static long set_dumpable(const struct prctl_args *a)
{
	if (a->a2 > 1)
		return -EINVAL;
	WRITE_ONCE(current->mm->dumpable, (u32)a->a2);
	return 0;
}

static long get_dumpable(const struct prctl_args *a)
{
	return READ_ONCE(current->mm->dumpable);
}

static long set_thp_disable(const struct prctl_args *a)
{
	struct mm *mm = current->mm;

	if (a->a3 | a->a4 | a->a5)
		return -EINVAL;
	if (down_write_killable(&mm->lock))
		return -EINTR;
	mm->def_flags = a->a2 ? mm->def_flags | VM_NOHUGEPAGE : mm->def_flags & ~(u64)VM_NOHUGEPAGE;
	up_write(&mm->lock);
	return 0;
}

static long get_thp_disable(const struct prctl_args *a)
{
	return a->a2 | a->a3 | a->a4 | a->a5 ? -EINVAL : !!(current->mm->def_flags & VM_NOHUGEPAGE);
}

/* Printable, and nothing that /proc/PID/maps readers would stumble over. */
static bool anon_name_valid(const char *s)
{
	for (; *s; s++)
		if (*s < 0x20 || *s > 0x7e || strchr("\\`$[]", *s))
			return false;
	return true;
}

static long set_vma(const struct prctl_args *a)
{
	char name[ANON_NAME_MAX];
	s64 n;

	if (a->a2 != PR_SET_VMA_ANON_NAME)
		return -EINVAL;
	if (!a->a5)
		return vm_set_anon_name(a->a3, a->a4, NULL);
	n = strncpy_from_user(name, (const char __user *)a->a5, sizeof(name));
	if (n < 0)
		return -EFAULT;
	if (n == sizeof(name) || !anon_name_valid(name))
		return -EINVAL;
	return vm_set_anon_name(a->a3, a->a4, name);
}

static long set_mm(const struct prctl_args *a)
{
	return prctl_set_mm(a->a2, a->a3, a->a4, a->a5);
}

static long get_auxv(const struct prctl_args *a)
{
	u64 n = MIN(a->a3, sizeof(current->mm->auxv));

	if (a->a4 | a->a5)
		return -EINVAL;
	return copy_to_user((void __user *)a->a2, current->mm->auxv, n) ? -EFAULT : (long)sizeof(current->mm->auxv);
}

static const struct prctl_option {
	int option;
	long (*fn)(const struct prctl_args *a);
} options[] = {
	{ PR_SET_PDEATHSIG, set_pdeathsig },
	{ PR_GET_PDEATHSIG, get_pdeathsig },
	{ PR_SET_NAME, set_name },
	{ PR_GET_NAME, get_name },
	{ PR_SET_DUMPABLE, set_dumpable },
	{ PR_GET_DUMPABLE, get_dumpable },
	{ PR_SET_NO_NEW_PRIVS, no_new_privs_set },
	{ PR_GET_NO_NEW_PRIVS, no_new_privs_get },
	{ PR_CAPBSET_READ, capbset_read },
	{ PR_CAPBSET_DROP, capbset_drop },
	{ PR_GET_SECUREBITS, get_securebits },
	{ PR_SET_SECUREBITS, change_securebits },
	{ PR_GET_KEEPCAPS, get_keepcaps },
	{ PR_SET_KEEPCAPS, set_keepcaps },
	{ PR_CAP_AMBIENT, cap_ambient },
	{ PR_SET_CHILD_SUBREAPER, set_subreaper },
	{ PR_GET_CHILD_SUBREAPER, get_subreaper },
	{ PR_SET_TIMERSLACK, set_timerslack },
	{ PR_GET_TIMERSLACK, get_timerslack },
	{ PR_SET_TIMING, set_timing },
	{ PR_GET_TIMING, get_timing },
	{ PR_SET_VMA, set_vma },
	{ PR_SET_MM, set_mm },
	{ PR_GET_AUXV, get_auxv },
	{ PR_GET_TID_ADDRESS, get_tid_address },
	{ PR_SET_THP_DISABLE, set_thp_disable },
	{ PR_GET_THP_DISABLE, get_thp_disable },
	{ PR_SET_IO_FLUSHER, set_io_flusher },
	{ PR_GET_IO_FLUSHER, get_io_flusher },
};

long sys_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)
{
	const struct prctl_args a = { arg2, arg3, arg4, arg5 };

	for (u32 i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].option == option)
			return options[i].fn(&a);
	return -EINVAL;
}

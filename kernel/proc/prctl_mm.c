/* SPDX-License-Identifier: MIT */
/*
 * prctl(PR_SET_MM): a process corrects what the kernel knows about the layout of its memory (checkpoint and restore, programs
 * that change their title). Only what /proc shows and brk(2) uses follows from these numbers.
 */
#include "prctl_mm.h"

#include <arch/uaccess.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <linux/auxvec.h>
#include <linux/mount.h>
#include <linux/prctl.h>

/* Every number PR_SET_MM_* names, by struct prctl_mm_map. */
static void map_from_mm(struct prctl_mm_map *m, const struct mm *mm)
{
	*m = (struct prctl_mm_map){
		.start_code = mm->start_code,
		.end_code = mm->end_code,
		.start_data = mm->start_data,
		.end_data = mm->end_data,
		.start_brk = mm->start_brk,
		.brk = mm->brk,
		.start_stack = mm->start_stack,
		.arg_start = mm->arg_start,
		.arg_end = mm->arg_end,
		.env_start = mm->env_start,
		.env_end = mm->env_end,
	};
}

static void map_to_mm(const struct prctl_mm_map *m, struct mm *mm)
{
	mm->start_code = m->start_code;
	mm->end_code = m->end_code;
	mm->start_data = m->start_data;
	mm->end_data = m->end_data;
	mm->start_brk = m->start_brk;
	mm->brk = m->brk;
	mm->start_stack = m->start_stack;
	mm->arg_start = m->arg_start;
	mm->arg_end = m->arg_end;
	mm->env_start = m->env_start;
	mm->env_end = m->env_end;
}

static bool in_user_space(u64 addr)
{
	return addr >= sysctl_mmap_min_addr && addr < TASK_SIZE;
}

/* Addresses in user space and in order, the heap within RLIMIT_DATA. */
static int map_valid(const struct prctl_mm_map *m)
{
	const u64 all[] = { m->start_code, m->end_code, m->start_data, m->end_data, m->start_brk, m->brk,
			    m->start_stack, m->arg_start, m->arg_end, m->env_start, m->env_end };
	u64 limit = rlimit(RLIMIT_DATA);

	for (u32 i = 0; i < ARRAY_SIZE(all); i++)
		if (!in_user_space(all[i]))
			return -EINVAL;
	if (m->start_code >= m->end_code || m->start_data > m->end_data || m->start_brk > m->brk ||
	    m->arg_start > m->arg_end || m->env_start > m->env_end)
		return -EINVAL;
	if (limit != RLIM_INFINITY && m->brk - m->start_brk + m->end_data - m->start_data > limit)
		return -EINVAL;
	return 0;
}

/* Stores the numbers. `mapped`: an address that must be mapped, 0: none. mm->lock is taken. */
static int apply(const struct prctl_mm_map *m, u64 mapped)
{
	struct mm *mm = current->mm;
	int rc = map_valid(m);

	if (rc)
		return rc;
	down_write(&mm->lock);
	if (mapped && !vma_find(mm, mapped))
		rc = -EFAULT;
	else
		map_to_mm(m, mm);
	up_write(&mm->lock);
	return rc;
}

static int set_auxv(const void __user *from, u64 size)
{
	u64 auxv[ARRAY_SIZE(current->mm->auxv)] = { 0 };

	if (size > sizeof(auxv))
		return -EINVAL;
	if (copy_from_user(auxv, from, size))
		return -EFAULT;
	auxv[ARRAY_SIZE(auxv) - 2] = AT_NULL;
	auxv[ARRAY_SIZE(auxv) - 1] = AT_NULL;
	spin_lock(&current->lock);
	memcpy(current->mm->auxv, auxv, sizeof(auxv));
	spin_unlock(&current->lock);
	return 0;
}

/* Another file becomes /proc/PID/exe: an executable one. */
static int set_exe_file(int fd)
{
	struct file *f = file_get_fd(fd);
	int rc;

	if (!f)
		return -EBADF;
	rc = (f->inode->mode & S_IFMT) == S_IFREG && !(f->path.mnt->flags & MS_NOEXEC) ? 0 : -EACCES;
	if (rc == 0)
		rc = inode_permission(f->inode, MAY_EXEC);
	if (rc == 0)
		rc = inode_deny_write(f->inode);
	if (rc)
		file_put(f);
	else
		mm_set_exe_file(current->mm, f);
	return rc;
}

/* One number. -EINVAL: no such option. */
static int set_one(u64 what, u64 addr)
{
	struct prctl_mm_map m;
	bool mapped = true;

	map_from_mm(&m, current->mm);
	switch (what) {
	case PR_SET_MM_START_CODE:
		m.start_code = addr;
		break;
	case PR_SET_MM_END_CODE:
		m.end_code = addr;
		break;
	case PR_SET_MM_START_DATA:
		m.start_data = addr;
		break;
	case PR_SET_MM_END_DATA:
		m.end_data = addr;
		break;
	case PR_SET_MM_START_STACK:
		m.start_stack = addr;
		break;
	case PR_SET_MM_START_BRK:
		m.start_brk = addr;
		mapped = false;
		break;
	case PR_SET_MM_BRK:
		m.brk = addr;
		mapped = false;
		break;
	case PR_SET_MM_ARG_START:
		m.arg_start = addr;
		break;
	case PR_SET_MM_ARG_END:
		m.arg_end = addr;
		break;
	case PR_SET_MM_ENV_START:
		m.env_start = addr;
		break;
	case PR_SET_MM_ENV_END:
		m.env_end = addr;
		break;
	default:
		return -EINVAL;
	}
	return apply(&m, mapped ? addr : 0);
}

/* All at once; the only form an unprivileged process may use for itself. */
static int set_map(const void __user *from, u64 size)
{
	struct prctl_mm_map m;
	int rc;

	if (size != sizeof(m))
		return -EINVAL;
	if (copy_from_user(&m, from, sizeof(m)))
		return -EFAULT;
	rc = map_valid(&m);
	if (rc)
		return rc;
	if (m.exe_fd != (u32)-1) {
		if (!capable(CAP_SYS_ADMIN) && !capable(CAP_CHECKPOINT_RESTORE))
			return -EPERM;
		rc = set_exe_file((int)m.exe_fd);
		if (rc)
			return rc;
	}
	if (m.auxv_size) {
		if (!m.auxv)
			return -EINVAL;
		rc = set_auxv((const void __user *)m.auxv, m.auxv_size);
		if (rc)
			return rc;
	}
	return apply(&m, 0);
}

long prctl_set_mm(unsigned long what, unsigned long addr, unsigned long arg4, unsigned long arg5)
{
	if (arg5 || (arg4 && what != PR_SET_MM_AUXV && what != PR_SET_MM_MAP && what != PR_SET_MM_MAP_SIZE))
		return -EINVAL;
	if (what == PR_SET_MM_MAP_SIZE)
		return put_user((u32)sizeof(struct prctl_mm_map), (u32 __user *)addr);
	if (what == PR_SET_MM_MAP)
		return set_map((const void __user *)addr, arg4);
	if (!capable(CAP_SYS_RESOURCE))
		return -EPERM;
	if (what == PR_SET_MM_EXE_FILE)
		return set_exe_file((int)addr);
	if (what == PR_SET_MM_AUXV)
		return set_auxv((const void __user *)addr, arg4);
	if (!in_user_space(addr))
		return -EINVAL;
	return set_one(what, addr);
}

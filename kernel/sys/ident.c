/* SPDX-License-Identifier: MIT */
/* Who a task is: numbers of its own and of its parent. No locks: what they read is constant or read under RCU. */
#include <kernel/process.h>

#include <kernel/rcu.h>
#include <kernel/syscall.h>

long sys_getpid(void)
{
	return current->tgid;
}

long sys_gettid(void)
{
	return current->pid;
}

long sys_getppid(void)
{
	long nr;

	rcu_read_lock();
	nr = rcu_dereference(current->real_parent)->tgid;
	rcu_read_unlock();
	return nr;
}

long sys_set_tid_address(int __user *tidptr)
{
	current->clear_child_tid = tidptr;
	return current->pid;
}

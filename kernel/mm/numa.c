/* SPDX-License-Identifier: MIT */
/* Memory policy: as on a Linux built without NUMA, the calls are known and not there. */
#include <kernel/syscall.h>

long sys_mbind(unsigned long start, unsigned long len, unsigned long mode,
	       const unsigned long __user *nmask, unsigned long maxnode, unsigned int flags)
{
	return -ENOSYS;
}

long sys_get_mempolicy(int __user *policy, unsigned long __user *nmask, unsigned long maxnode,
		       unsigned long addr, unsigned long flags)
{
	return -ENOSYS;
}

long sys_set_mempolicy(int mode, const unsigned long __user *nmask, unsigned long maxnode)
{
	return -ENOSYS;
}

long sys_migrate_pages(pid_t pid, unsigned long maxnode, const unsigned long __user *from,
		       const unsigned long __user *to)
{
	return -ENOSYS;
}

long sys_move_pages(pid_t pid, unsigned long nr_pages, const void __user *__user *pages,
		    const int __user *nodes, int __user *status, int flags)
{
	return -ENOSYS;
}

long sys_set_mempolicy_home_node(unsigned long start, unsigned long len, unsigned long home_node,
				 unsigned long flags)
{
	return -ENOSYS;
}

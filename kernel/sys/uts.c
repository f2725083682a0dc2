/* SPDX-License-Identifier: MIT */
/* uname(2) and the two names that can be changed. */
#include <kernel/cred.h>
#include <kernel/mutex.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <linux/personality.h>
#include <linux/utsname.h>

DEFINE_MUTEX(uts_lock, RANK_MUTEX);

long sys_uname(struct new_utsname __user *name)
{
	struct new_utsname u = { 0 };

	strscpy(u.sysname, uts_sysname, sizeof(u.sysname));
	strscpy(u.release, current->personality & UNAME26 ? "2.6.72-keel" : uts_release, sizeof(u.release));
	strscpy(u.version, uts_version, sizeof(u.version));
	strscpy(u.machine, uts_machine, sizeof(u.machine));
	mutex_lock(&uts_lock);
	memcpy(u.nodename, uts_nodename, sizeof(u.nodename));
	memcpy(u.domainname, uts_domainname, sizeof(u.domainname));
	mutex_unlock(&uts_lock);
	return copy_struct_to_user_exact(name, &u);
}

static long set_name(char to[__NEW_UTS_LEN + 1], const char __user *name, int len)
{
	char buf[__NEW_UTS_LEN + 1] = "";

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > __NEW_UTS_LEN)
		return -EINVAL;
	if (copy_from_user(buf, name, (u64)len))
		return -EFAULT;
	mutex_lock(&uts_lock);
	memcpy(to, buf, sizeof(buf));
	mutex_unlock(&uts_lock);
	return 0;
}

long sys_sethostname(char __user *name, int len)
{
	return set_name(uts_nodename, name, len);
}

long sys_setdomainname(char __user *name, int len)
{
	return set_name(uts_domainname, name, len);
}

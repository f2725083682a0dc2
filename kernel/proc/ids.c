/* SPDX-License-Identifier: MIT */
/*
 * System calls that read and change user and group numbers. All changes of one task's own: copy, check, commit.
 * What a change of user ID does to capabilities is in capabilities(7), "Effect of user ID changes on capabilities".
 */
#include <kernel/cred.h>

#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/syscall.h>

#include "proc.h"

#define GROUPS_MAX    65536
#define KEEP	      ((u32)-1) /* "leave it as it is"; also no valid id */
#define CAP_BIT(cap)  (1UL << (cap))
#define CAPS_FS                                                                                      \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) |             \
	 CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_MAC_OVERRIDE) | \
	 CAP_BIT(CAP_LINUX_IMMUTABLE))

/* --- what a new user ID does --- */

/* 0, or -EAGAIN: no memory for the user's record. Going over RLIMIT_NPROC is told by the next execve(). */
static int take_user(struct cred *new)
{
	struct user *u = user_find(new->uid);

	if (!u)
		return -EAGAIN;
	user_put(new->user);
	new->user = u;
	if (u != &root_user && (u64)READ_ONCE(u->processes) > rlimit(RLIMIT_NPROC))
		current->flags |= TF_NPROC_EXCEEDED;
	else
		current->flags &= ~(u32)TF_NPROC_EXCEEDED;
	return 0;
}

static bool is_root_in_any(const struct cred *c)
{
	return c->uid == 0 || c->euid == 0 || c->suid == 0;
}

static void fix_caps_after_uid(struct cred *new, const struct cred *old)
{
	if (new->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (is_root_in_any(old) && !is_root_in_any(new)) {
		if (!(new->securebits & SECBIT_KEEP_CAPS)) {
			new->cap_permitted = 0;
			new->cap_effective = 0;
		}
		new->cap_ambient = 0;
	}
	if (old->euid == 0 && new->euid != 0)
		new->cap_effective = 0;
	if (old->euid != 0 && new->euid == 0)
		new->cap_effective = new->cap_permitted;
}

static void fix_caps_after_fsuid(struct cred *new, const struct cred *old)
{
	if (new->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (old->fsuid == 0 && new->fsuid != 0)
		new->cap_effective &= ~CAPS_FS;
	if (old->fsuid != 0 && new->fsuid == 0)
		new->cap_effective |= new->cap_permitted & CAPS_FS;
}

/* The common end of the set*uid calls: real, effective and saved IDs are in `new`. */
static long commit_uids(struct cred *new, const struct cred *old)
{
	int rc = new->uid != old->uid ? take_user(new) : 0;

	if (rc) {
		cred_abort(new);
		return rc;
	}
	new->fsuid = new->euid;
	fix_caps_after_uid(new, old);
	return cred_commit(new);
}

static bool is_one_of(u32 id, u32 a, u32 b, u32 c)
{
	return id == a || id == b || id == c;
}

long sys_setuid(uid_t uid)
{
	const struct cred *old = current_cred();
	struct cred *new;

	if (uid == KEEP)
		return -EINVAL;
	if (!capable(CAP_SETUID) && uid != old->uid && uid != old->suid)
		return -EPERM;
	new = cred_prepare();
	if (!new)
		return -ENOMEM;
	if (capable(CAP_SETUID))
		new->uid = new->suid = uid;
	new->euid = uid;
	return commit_uids(new, old);
}

long sys_setreuid(uid_t ruid, uid_t euid)
{
	const struct cred *old = current_cred();
	struct cred *new;

	if (!capable(CAP_SETUID)) {
		if (ruid != KEEP && ruid != old->uid && ruid != old->euid)
			return -EPERM;
		if (euid != KEEP && !is_one_of(euid, old->uid, old->euid, old->suid))
			return -EPERM;
	}
	new = cred_prepare();
	if (!new)
		return -ENOMEM;
	if (ruid != KEEP)
		new->uid = ruid;
	if (euid != KEEP)
		new->euid = euid;
	if (ruid != KEEP || (euid != KEEP && euid != old->uid))
		new->suid = new->euid;
	return commit_uids(new, old);
}

long sys_setresuid(uid_t ruid, uid_t euid, uid_t suid)
{
	const struct cred *old = current_cred();
	struct cred *new;

	if (!capable(CAP_SETUID)) {
		if ((ruid != KEEP && !is_one_of(ruid, old->uid, old->euid, old->suid)) ||
		    (euid != KEEP && !is_one_of(euid, old->uid, old->euid, old->suid)) ||
		    (suid != KEEP && !is_one_of(suid, old->uid, old->euid, old->suid)))
			return -EPERM;
	}
	new = cred_prepare();
	if (!new)
		return -ENOMEM;
	if (ruid != KEEP)
		new->uid = ruid;
	if (euid != KEEP)
		new->euid = euid;
	if (suid != KEEP)
		new->suid = suid;
	return commit_uids(new, old);
}

long sys_setfsuid(uid_t uid)
{
	const struct cred *old = current_cred();
	u32 before = old->fsuid;
	struct cred *new;

	if (uid == KEEP || uid == before ||
	    (uid != old->uid && uid != old->euid && uid != old->suid && !capable(CAP_SETUID)))
		return before;
	new = cred_prepare();
	if (!new)
		return before;
	new->fsuid = uid;
	fix_caps_after_fsuid(new, old);
	cred_commit(new);
	return before;
}

/* --- groups --- */

static long commit_gids(struct cred *new)
{
	new->fsgid = new->egid;
	return cred_commit(new);
}

long sys_setgid(gid_t gid)
{
	const struct cred *old = current_cred();
	struct cred *new;

	if (gid == KEEP)
		return -EINVAL;
	if (!capable(CAP_SETGID) && gid != old->gid && gid != old->sgid)
		return -EPERM;
	new = cred_prepare();
	if (!new)
		return -ENOMEM;
	if (capable(CAP_SETGID))
		new->gid = new->sgid = gid;
	new->egid = gid;
	return commit_gids(new);
}

long sys_setregid(gid_t rgid, gid_t egid)
{
	const struct cred *old = current_cred();
	struct cred *new;

	if (!capable(CAP_SETGID)) {
		if (rgid != KEEP && rgid != old->gid && rgid != old->egid)
			return -EPERM;
		if (egid != KEEP && !is_one_of(egid, old->gid, old->egid, old->sgid))
			return -EPERM;
	}
	new = cred_prepare();
	if (!new)
		return -ENOMEM;
	if (rgid != KEEP)
		new->gid = rgid;
	if (egid != KEEP)
		new->egid = egid;
	if (rgid != KEEP || (egid != KEEP && egid != old->gid))
		new->sgid = new->egid;
	return commit_gids(new);
}

long sys_setresgid(gid_t rgid, gid_t egid, gid_t sgid)
{
	const struct cred *old = current_cred();
	struct cred *new;

	if (!capable(CAP_SETGID)) {
		if ((rgid != KEEP && !is_one_of(rgid, old->gid, old->egid, old->sgid)) ||
		    (egid != KEEP && !is_one_of(egid, old->gid, old->egid, old->sgid)) ||
		    (sgid != KEEP && !is_one_of(sgid, old->gid, old->egid, old->sgid)))
			return -EPERM;
	}
	new = cred_prepare();
	if (!new)
		return -ENOMEM;
	if (rgid != KEEP)
		new->gid = rgid;
	if (egid != KEEP)
		new->egid = egid;
	if (sgid != KEEP)
		new->sgid = sgid;
	return commit_gids(new);
}

long sys_setfsgid(gid_t gid)
{
	const struct cred *old = current_cred();
	u32 before = old->fsgid;
	struct cred *new;

	if (gid == KEEP || gid == before ||
	    (gid != old->gid && gid != old->egid && gid != old->sgid && !capable(CAP_SETGID)))
		return before;
	new = cred_prepare();
	if (!new)
		return before;
	new->fsgid = gid;
	cred_commit(new);
	return before;
}

/* Heap sort: bounded in time and stack whatever the user gives. */
static void sift_down(u32 *v, u32 root, u32 n)
{
	for (u32 child; (child = 2 * root + 1) < n; root = child) {
		u32 tmp = v[root];

		if (child + 1 < n && v[child] < v[child + 1])
			child++;
		if (tmp >= v[child])
			return;
		v[root] = v[child];
		v[child] = tmp;
	}
}

static void sort_ids(u32 *v, u32 n)
{
	for (u32 i = n / 2; i > 0; i--)
		sift_down(v, i - 1, n);
	for (u32 i = n; i > 1; i--) {
		u32 tmp = v[0];

		v[0] = v[i - 1];
		v[i - 1] = tmp;
		sift_down(v, 0, i - 1);
	}
}

long sys_getgroups(int size, gid_t __user *list)
{
	const struct group_list *g = current_cred()->groups;

	if (size < 0)
		return -EINVAL;
	if (size == 0)
		return g->n;
	if ((u32)size < g->n)
		return -EINVAL;
	return copy_to_user(list, g->gid, g->n * sizeof(g->gid[0])) ? -EFAULT : (long)g->n;
}

static bool groups_valid(const struct group_list *g)
{
	for (u32 i = 0; i < g->n; i++)
		if (g->gid[i] == KEEP)
			return false;
	return true;
}

long sys_setgroups(int size, gid_t __user *list)
{
	struct group_list *g;
	struct cred *new;
	int rc = -EFAULT;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if ((u32)size > GROUPS_MAX)
		return -EINVAL;
	g = groups_alloc((u32)size);
	if (!g)
		return -ENOMEM;
	if (copy_from_user(g->gid, list, g->n * sizeof(g->gid[0])))
		goto fail;
	rc = -EINVAL;
	if (!groups_valid(g))
		goto fail;
	sort_ids(g->gid, g->n);
	rc = -ENOMEM;
	new = cred_prepare();
	if (!new)
		goto fail;
	groups_put(new->groups);
	new->groups = g;
	return cred_commit(new);
fail:
	groups_put(g);
	return rc;
}

/* --- reading --- */

long sys_getuid(void)
{
	return current_cred()->uid;
}

long sys_geteuid(void)
{
	return current_cred()->euid;
}

long sys_getgid(void)
{
	return current_cred()->gid;
}

long sys_getegid(void)
{
	return current_cred()->egid;
}

static long put_ids(const u32 id[3], u32 __user *a, u32 __user *b, u32 __user *c)
{
	return put_user(id[0], a) ?: put_user(id[1], b) ?: put_user(id[2], c);
}

long sys_getresuid(uid_t __user *ruid, uid_t __user *euid, uid_t __user *suid)
{
	const struct cred *c = current_cred();

	return put_ids((const u32[]){ c->uid, c->euid, c->suid }, ruid, euid, suid);
}

long sys_getresgid(gid_t __user *rgid, gid_t __user *egid, gid_t __user *sgid)
{
	const struct cred *c = current_cred();

	return put_ids((const u32[]){ c->gid, c->egid, c->sgid }, rgid, egid, sgid);
}

/* SPDX-License-Identifier: MIT */
/*
 * mount(2), umount2(2), pivot_root(2).
 *
 * Order in each: find the places by path (no lock), take namespace_sem, look again at what could have changed (mounted
 * over, unmounted, the mountpoint removed), change the tree, let go, drop references.
 */
#include "mount.h"

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/syscall.h>

#define SB_FLAGS (MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_I_VERSION | MS_LAZYTIME)
#define PROPAGATION_FLAGS (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)
#define MNT_FORCE	1
#define MNT_DETACH	2
#define MNT_EXPIRE	4
#define UMOUNT_NOFOLLOW 8

static bool mount_is_ours(const struct mount *m) { return m->ns == &init_mount_ns; }
static bool path_is_mount_root(const struct path *p) { return p->dentry == p->mnt->root; }

static u32 mount_flags_of(u64 flags)
{
	u32 f = (u32)flags & MNT_FLAGS;

	if (!(flags & MS_NOATIME))
		f |= MS_RELATIME;
	if (flags & MS_STRICTATIME)
		f &= ~(u32)(MS_RELATIME | MS_NOATIME);
	return f;
}

/*
 * Takes namespace_sem and the mountpoint's rwsem, having followed what was mounted on it meanwhile: nobody removes it or
 * covers it until mountpoint_unlock().
 */
static int mountpoint_lock(struct path *at)
{
	struct inode *inode;

	down_write(&namespace_sem);
	path_cross_mounts(at);
	inode = at->dentry->inode;
	down_write(&inode->rwsem);
	if (mount_is_ours(at->mnt) && !dentry_unlinked(at->dentry) && !(inode->flags & S_DEAD_FLAG))
		return 0;
	up_write(&inode->rwsem);
	up_write(&namespace_sem);
	return mount_is_ours(at->mnt) ? -ENOENT : -EINVAL;
}

static void mountpoint_unlock(struct path *at)
{
	up_write(&at->dentry->inode->rwsem);
	up_write(&namespace_sem);
}

static bool both_dirs_or_none(const struct dentry *a, const struct dentry *b)
{
	return S_ISDIR(a->inode->mode) == S_ISDIR(b->inode->mode);
}

/* --- new mounts --- */

static int mount_add(struct mount *m, struct path *at)
{
	int rc = mountpoint_lock(at);

	if (rc)
		return rc;
	if (at->mnt->sb == m->sb && path_is_mount_root(at) && at->dentry == m->root)
		rc = -EBUSY;
	else if (S_ISLNK(m->root->inode->mode))
		rc = -EINVAL;
	else if (!both_dirs_or_none(m->root, at->dentry))
		rc = -ENOTDIR;
	else
		rc = mount_attach(m, at, &init_mount_ns);
	mountpoint_unlock(at);
	return rc;
}

static int mount_new_fs(struct path *at, const char *type_name, const char *source, u64 flags, const char *data)
{
	struct fs_type *type;
	struct super *sb;
	struct mount *m;
	int rc;

	if (!type_name)
		return -EINVAL;
	type = fs_type_find(type_name);
	if (!type)
		return -ENODEV;
	rc = super_mount(type, flags & SB_FLAGS, source, data, &sb);
	if (rc)
		return rc;
	m = mount_new(sb, sb->root, mount_flags_of(flags), source);
	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	rc = mount_add(m, at);
	if (rc)
		mount_put(m);
	return rc;
}

/* --- bind --- */

static struct mount *mount_clone(struct mount *old, struct dentry *root)
{
	struct mount *m;

	refcount_get(&old->sb->refs);
	m = mount_new(old->sb, root, old->flags, old->source);
	if (IS_ERR(m))
		return m;
	m->propagation = old->propagation;
	m->peer_group = old->peer_group;
	return m;
}

static void tree_drop(struct mount *top)
{
	LIST_HEAD(dead);

	mount_detach_tree(top, &dead);
	mount_bury(&dead);
}

/* Copies the mount at `from` and, with rec, what is mounted below it. namespace_sem held for writing. ERR_PTR */
static struct mount *tree_clone(const struct path *from, bool rec)
{
	struct mount *top = mount_clone(from->mnt, from->dentry), *m;

	if (IS_ERR(top) || !rec)
		return top;
	for (m = from->mnt; m; m = mount_next(m, from->mnt))
		m->copy = NULL;
	from->mnt->copy = top;
	for (m = mount_next(from->mnt, from->mnt); m; m = mount_next(m, from->mnt)) {
		struct mount *copy;

		if (!m->parent->copy || m->propagation == MS_UNBINDABLE ||
		    (m->parent == from->mnt && !dentry_is_under(m->mountpoint, from->dentry)))
			continue;
		copy = mount_clone(m, m->root);
		if (IS_ERR(copy)) {
			tree_drop(top);
			return copy;
		}
		m->copy = copy;
		mount_link(copy, &(struct path){ m->parent->copy, m->mountpoint });
	}
	return top;
}

static int mount_bind(struct path *at, const char *source, bool rec)
{
	struct path from;
	struct mount *m;
	int rc;

	if (!source || !*source)
		return -EINVAL;
	rc = kern_path(source, LOOKUP_FOLLOW, &from);
	if (rc)
		return rc;
	rc = mountpoint_lock(at);
	if (rc)
		goto out;
	rc = -EINVAL;
	if (!mount_is_ours(from.mnt) || from.mnt->propagation == MS_UNBINDABLE)
		goto unlock;
	rc = -ENOTDIR;
	if (!both_dirs_or_none(from.dentry, at->dentry))
		goto unlock;
	m = tree_clone(&from, rec);
	rc = IS_ERR(m) ? (int)PTR_ERR(m) : mount_attach(m, at, &init_mount_ns);
	if (rc && !IS_ERR(m))
		tree_drop(m);
unlock:
	mountpoint_unlock(at);
out:
	path_put(&from);
	return rc;
}

/* --- move --- */

static bool mount_is_below(const struct mount *m, const struct mount *top)
{
	while (m && m != top)
		m = m->parent;
	return m != NULL;
}

static int move_check(const struct path *from, const struct path *at)
{
	const struct mount *m = from->mnt;

	if (!mount_is_ours(from->mnt) || !path_is_mount_root(from) || !m->parent)
		return -EINVAL;
	if (!both_dirs_or_none(from->dentry, at->dentry))
		return -EINVAL;
	if (m->parent->propagation == MS_SHARED)
		return -EINVAL;
	return mount_is_below(at->mnt, m) ? -ELOOP : 0;
}

static int mount_move(struct path *at, const char *source)
{
	struct path from;
	int rc;

	if (!source || !*source)
		return -EINVAL;
	rc = kern_path(source, LOOKUP_FOLLOW, &from);
	if (rc)
		return rc;
	rc = mountpoint_lock(at);
	if (!rc) {
		rc = move_check(&from, at);
		if (!rc)
			mount_relocate(from.mnt, at);
		mountpoint_unlock(at);
	}
	path_put(&from);
	return rc;
}

/* --- changes of flags --- */

static int propagation_change(const struct path *at, u64 flags)
{
	u32 type = (u32)flags & PROPAGATION_FLAGS;

	if ((flags & ~(u64)(MS_REC | MS_SILENT | PROPAGATION_FLAGS)) || (type & (type - 1)))
		return -EINVAL;
	if (!path_is_mount_root(at))
		return -EINVAL;
	down_write(&namespace_sem);
	for (struct mount *m = at->mnt; m; m = flags & MS_REC ? mount_next(m, at->mnt) : NULL) {
		m->propagation = type;
		if (type != MS_SHARED)
			m->peer_group = 0;
		else if (!m->peer_group)
			m->peer_group = peer_group_new();
	}
	mount_changed(&init_mount_ns);
	up_write(&namespace_sem);
	return 0;
}

static int mount_set_flags(struct mount *m, u32 flags)
{
	u32 old = m->flags;

	WRITE_ONCE(m->flags, flags);
	smp_mb();
	/* Read-only only when nobody writes: a new writer sees the flag, an old one is counted. */
	if ((flags & ~old & MS_RDONLY) && READ_ONCE(m->writers) > 0) {
		WRITE_ONCE(m->flags, old);
		return -EBUSY;
	}
	return 0;
}

static int super_set_readonly(struct super *sb)
{
	struct mount *m;
	u64 old = sb->flags;

	WRITE_ONCE(sb->flags, old | MS_RDONLY);
	smp_mb();
	list_for_each_entry(m, &init_mount_ns.mounts, ns_link)
		if (m->sb == sb && READ_ONCE(m->writers) > 0) {
			WRITE_ONCE(sb->flags, old);
			return -EBUSY;
		}
	return 0;
}

static int super_remount(struct super *sb, u64 flags, const char *data)
{
	u32 want = (u32)flags & MS_RMT_MASK;
	int rc = 0;

	if ((want & MS_RDONLY) && !(sb->flags & MS_RDONLY))
		rc = super_set_readonly(sb);
	if (!rc && sb->ops->remount)
		rc = sb->ops->remount(sb, &want, data);
	if (!rc)
		WRITE_ONCE(sb->flags, (sb->flags & ~(u64)MS_RMT_MASK) | want);
	return rc;
}

static int mount_remount(const struct path *at, u64 flags, const char *data)
{
	u32 mnt_flags = mount_flags_of(flags);
	int rc = 0;

	if (!path_is_mount_root(at) || !mount_is_ours(at->mnt))
		return -EINVAL;
	/* What is said nothing about stays. */
	if (!(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		mnt_flags = (mnt_flags & ~(u32)(MS_NOATIME | MS_NODIRATIME | MS_RELATIME)) |
			    (at->mnt->flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME));
	down_write(&namespace_sem);
	if (!(flags & MS_BIND))
		rc = super_remount(at->mnt->sb, flags, data);
	/* A read-only super makes its mounts read-only; each mount's own flag is for bind remounts. */
	if (!rc)
		rc = mount_set_flags(at->mnt, mnt_flags);
	if (!rc)
		mount_changed(&init_mount_ns);
	up_write(&namespace_sem);
	return rc;
}

/* --- mount(2) --- */

static int mount_at_path(struct path *at, const char *source, const char *type, u64 flags, const char *data)
{
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(u64)MS_MGC_MSK;
	if (flags & MS_NOUSER)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & MS_REMOUNT)
		return mount_remount(at, flags, data);
	if (flags & MS_BIND)
		return mount_bind(at, source, flags & MS_REC);
	if (flags & PROPAGATION_FLAGS)
		return propagation_change(at, flags);
	if (flags & MS_MOVE)
		return mount_move(at, source);
	return mount_new_fs(at, type, source && *source ? source : "none", flags, data);
}

int vfs_mount(const char *source, const char *target, const char *type, u64 flags, const char *data)
{
	struct path at;
	int rc = kern_path(target, LOOKUP_FOLLOW, &at);

	if (rc)
		return rc;
	rc = mount_at_path(&at, source, type, flags, data);
	path_put(&at);
	return rc;
}

/* A user string of at most max bytes with its NUL; *out NULL for a null pointer. 0, -EFAULT, -EINVAL, -ENOMEM. */
static int copy_string(const char __user *s, size_t max, char **out)
{
	s64 n;

	*out = NULL;
	if (!s)
		return 0;
	n = strnlen_user(s, (s64)max);
	if (n <= 0)
		return -EFAULT;
	if ((size_t)n > max)
		return -EINVAL;
	*out = kmalloc((size_t)n, GFP_KERNEL);
	if (!*out)
		return -ENOMEM;
	if (copy_from_user(*out, s, (u64)n)) {
		kfree(*out);
		*out = NULL;
		return -EFAULT;
	}
	(*out)[n - 1] = '\0';
	return 0;
}

/* Mount data: up to a page, as much of it as there is. */
static int copy_data(const void __user *data, char **out)
{
	u64 left;

	*out = NULL;
	if (!data)
		return 0;
	*out = page_alloc_virt(GFP_KERNEL | GFP_ZERO);
	if (!*out)
		return -ENOMEM;
	left = copy_from_user(*out, data, PAGE_SIZE - 1);
	if (left == PAGE_SIZE - 1) {
		page_free_virt(*out);
		return -EFAULT;
	}
	return 0;
}

long sys_mount(const char __user *source, const char __user *target, const char __user *type, unsigned long flags,
	       const void __user *data)
{
	char *ktype, *ksource, *kdata;
	struct path at;
	int rc = copy_string(type, PAGE_SIZE, &ktype);

	if (rc)
		return rc;
	rc = copy_string(source, PATH_MAX_LEN, &ksource);
	if (rc)
		goto out_type;
	rc = copy_data(data, &kdata);
	if (rc)
		goto out_source;
	rc = user_path_at(AT_FDCWD, target, LOOKUP_FOLLOW, &at);
	if (!rc) {
		rc = mount_at_path(&at, ksource, ktype, flags, kdata);
		path_put(&at);
	}
	if (kdata)
		page_free_virt(kdata);
out_source:
	kfree(ksource);
out_type:
	kfree(ktype);
	return rc;
}

/* --- umount2(2) --- */

static int umount_check(const struct path *p)
{
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!path_is_mount_root(p) || !mount_is_ours(p->mnt))
		return -EINVAL;
	return 0;
}

/* The root of everything cannot go; it becomes read-only, as at shutdown. */
static int umount_root(struct mount *m)
{
	int rc = 0;

	down_write(&namespace_sem);
	if (!(m->sb->flags & MS_RDONLY))
		rc = super_remount(m->sb, m->sb->flags | MS_RDONLY, NULL);
	up_write(&namespace_sem);
	return rc;
}

/* p's reference on the mount is one of those counted. */
static int umount_locked(const struct path *p, int flags, struct list_head *dead)
{
	struct mount *m = p->mnt;

	if (!mount_is_ours(m) || !m->parent)
		return -EINVAL;
	if (flags & MNT_EXPIRE) {
		if (refcount_read(&m->refs) != 2 || !list_empty(&m->children))
			return -EBUSY;
		if (!atomic_xchg(&m->expiry_mark, 1U))
			return -EAGAIN;
	}
	if (flags & MNT_DETACH) {
		mount_detach_tree(m, dead);
		return 0;
	}
	return mount_unused(m, 2, dead) ? 0 : -EBUSY;
}

static int do_umount(const struct path *p, int flags)
{
	LIST_HEAD(dead);
	struct path root;
	bool is_root;
	int rc;

	fs_get_root(current->fs, &root);
	is_root = p->mnt == root.mnt;
	path_put(&root);
	if ((flags & MNT_EXPIRE) && (is_root || (flags & (MNT_FORCE | MNT_DETACH))))
		return -EINVAL;
	if (is_root && !(flags & MNT_DETACH))
		return umount_root(p->mnt);
	if (p->mnt->sb->ops->sync && !(flags & MNT_DETACH))
		(void)p->mnt->sb->ops->sync(p->mnt->sb, true);
	down_write(&namespace_sem);
	rc = umount_locked(p, flags, &dead);
	up_write(&namespace_sem);
	mount_bury(&dead);
	return rc;
}

long sys_umount2(const char __user *path, int flags)
{
	struct path p;
	int rc;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	rc = user_path_at(AT_FDCWD, path, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &p);
	if (rc)
		return rc;
	rc = umount_check(&p);
	if (!rc)
		rc = do_umount(&p, flags);
	if (rc == -EAGAIN && (flags & MNT_EXPIRE)) {
		dentry_put(p.dentry);
		mount_put_unused(p.mnt);
	} else {
		path_put(&p);
	}
	return rc;
}

/* --- pivot_root(2) --- */

static int pivot_check(const struct path *new, const struct path *put_old, const struct path *root)
{
	if (!mount_is_ours(root->mnt) || !mount_is_ours(new->mnt) || !mount_is_ours(put_old->mnt))
		return -EINVAL;
	if (dentry_unlinked(new->dentry))
		return -ENOENT;
	if (new->mnt == root->mnt || put_old->mnt == root->mnt)
		return -EBUSY;
	if (!path_is_mount_root(root) || !root->mnt->parent || !path_is_mount_root(new) || !new->mnt->parent)
		return -EINVAL;
	if (new->mnt->parent->propagation == MS_SHARED || root->mnt->parent->propagation == MS_SHARED ||
	    put_old->mnt->propagation == MS_SHARED)
		return -EINVAL;
	/* put_old must be at or below new, new below the root. */
	if (!mount_is_below(put_old->mnt, new->mnt) || !mount_is_below(new->mnt, root->mnt))
		return -EINVAL;
	return 0;
}

/* Both directories are locked by the caller's namespace_sem; put_old's inode too. */
static void pivot(const struct path *new, const struct path *put_old, const struct path *root)
{
	struct path root_at = { root->mnt->parent, root->mnt->mountpoint };

	path_get(&root_at);
	mount_relocate(new->mnt, &root_at);
	mount_relocate(root->mnt, put_old);
	path_put(&root_at);
}

static int pivot_root(struct path *new, struct path *put_old)
{
	struct path root;
	int rc;

	fs_get_root(current->fs, &root);
	rc = mountpoint_lock(put_old);
	if (!rc) {
		rc = pivot_check(new, put_old, &root);
		if (!rc)
			pivot(new, put_old, &root);
		mountpoint_unlock(put_old);
	}
	if (!rc)
		fs_replace_root(&root, new);
	path_put(&root);
	return rc;
}

long sys_pivot_root(const char __user *new_root, const char __user *put_old)
{
	struct path new, old;
	int rc;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	rc = user_path_at(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (rc)
		return rc;
	rc = user_path_at(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (!rc) {
		rc = pivot_root(&new, &old);
		path_put(&old);
	}
	path_put(&new);
	return rc;
}

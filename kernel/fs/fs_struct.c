/* SPDX-License-Identifier: MIT */
/*
 * Where a task is: root directory, working directory, umask; shared by threads (CLONE_FS).
 *
 * fs->lock guards the two paths. A task that is the only user reads them without it (fs_peek); only the task itself, or
 * pivot_root under every lock on the way to it, changes them.
 */
#include "internal.h"

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/syscall.h>

void fs_get_root(struct fs *fs, struct path *out)
{
	spin_lock(&fs->lock);
	*out = fs->root;
	path_get(out);
	spin_unlock(&fs->lock);
}

void fs_get_pwd(struct fs *fs, struct path *out)
{
	spin_lock(&fs->lock);
	*out = fs->pwd;
	path_get(out);
	spin_unlock(&fs->lock);
}

struct fs *fs_fork(struct fs *old)
{
	struct fs *fs = kmalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return NULL;
	refcount_set(&fs->users, 1);
	spinlock_init(&fs->lock, RANK_FS);
	fs->in_exec = false;
	spin_lock(&old->lock);
	fs->root = old->root;
	fs->pwd = old->pwd;
	fs->umask = old->umask;
	path_get(&fs->root);
	path_get(&fs->pwd);
	spin_unlock(&old->lock);
	return fs;
}

void fs_put(struct fs *fs)
{
	if (!refcount_put(&fs->users))
		return;
	path_put(&fs->root);
	path_put(&fs->pwd);
	kfree(fs);
}

/* *which becomes p, with references of its own. */
static void fs_set(struct fs *fs, struct path *which, const struct path *p)
{
	struct path old;

	path_get(p);
	spin_lock(&fs->lock);
	old = *which;
	*which = *p;
	spin_unlock(&fs->lock);
	path_put(&old);
}

static bool path_equal(const struct path *a, const struct path *b) { return a->mnt == b->mnt && a->dentry == b->dentry; }

static u32 fs_replace_one(struct fs *fs, const struct path *old, const struct path *new)
{
	u32 n = 0;

	spin_lock(&fs->lock);
	if (path_equal(&fs->root, old)) {
		fs->root = *new;
		n++;
	}
	if (path_equal(&fs->pwd, old)) {
		fs->pwd = *new;
		n++;
	}
	for (u32 i = 0; i < n; i++)
		path_get(new);
	spin_unlock(&fs->lock);
	return n;
}

void fs_replace_root(const struct path *old, const struct path *new)
{
	extern struct task init_task;
	struct task *p, *t;
	u64 n = 0;

	read_lock(&tasklist_lock);
	for_each_process(p)
		for_each_thread(p->group, t) {
			spin_lock(&t->lock);
			if (t->fs)
				n += fs_replace_one(t->fs, old, new);
			spin_unlock(&t->lock);
		}
	read_unlock(&tasklist_lock);
	while (n--)
		path_put(old);
}

/* --- system calls --- */

static long fs_chdir(const struct path *p)
{
	int rc = inode_permission(p->dentry->inode, MAY_EXEC);

	if (!rc)
		fs_set(current->fs, &current->fs->pwd, p);
	return rc;
}

long sys_chdir(const char __user *path)
{
	struct path p;
	long rc = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (rc)
		return rc;
	rc = fs_chdir(&p);
	path_put(&p);
	return rc;
}

long sys_fchdir(int fd)
{
	struct fd f = fd_get_any(fd);
	long rc = -ENOTDIR;

	if (!f.file)
		return -EBADF;
	if (S_ISDIR(f.file->inode->mode))
		rc = fs_chdir(&f.file->path);
	fd_put(f);
	return rc;
}

long sys_chroot(const char __user *path)
{
	struct path p;
	long rc = user_path_at(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);

	if (rc)
		return rc;
	rc = inode_permission(p.dentry->inode, MAY_EXEC);
	if (!rc && !capable(CAP_SYS_CHROOT))
		rc = -EPERM;
	if (!rc)
		fs_set(current->fs, &current->fs->root, &p);
	path_put(&p);
	return rc;
}

static long copy_cwd(const char *s, char __user *buf, unsigned long size)
{
	size_t len = strlen(s) + 1;

	if (len > size)
		return -ERANGE;
	return copy_to_user(buf, s, len) ? -EFAULT : (long)len;
}

long sys_getcwd(char __user *buf, unsigned long size)
{
	char *page = page_alloc_virt(GFP_KERNEL);
	struct path root, pwd;
	char *s;
	long rc = -ENOENT;

	if (!page)
		return -ENOMEM;
	fs_get_root(current->fs, &root);
	fs_get_pwd(current->fs, &pwd);
	if (!dentry_unlinked(pwd.dentry)) {
		s = path_name(&pwd, &root, page, PATH_MAX_LEN);
		rc = IS_ERR(s) ? PTR_ERR(s) : copy_cwd(s, buf, size);
	}
	path_put(&pwd);
	path_put(&root);
	page_free_virt(page);
	return rc;
}

long sys_umask(int mask) { return (long)atomic_xchg(&current->fs->umask, (u32)mask & S_IRWXUGO); }

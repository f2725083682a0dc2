/* SPDX-License-Identifier: MIT */
/*
 * The directories of a process: /proc/PID, its task/, fd/ and fdinfo/.
 */
#include "procfs.h"

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/vm.h>

/* --- fd and fdinfo: an entry a descriptor --- */

static int parse_number(const struct dentry *d, u32 *out)
{
	u64 n;

	if (d->name_len > 9 || (d->name[0] == '0' && d->name_len > 1) || parse_u64(d->name, 10, &n))
		return -ENOENT;
	*out = (u32)n;
	return 0;
}

/* The open file behind an inode of fd/ or fdinfo/, referenced; NULL when it is closed. */
static struct file *fd_file(const struct inode *inode)
{
	struct task *t = proc_task(inode);
	struct file *f = NULL;

	if (t) {
		f = file_get_task_fd(t, proc_of(inode)->number, NULL);
		task_put(t);
	}
	return f;
}

static int fd_follow(struct inode *inode, struct path *out)
{
	struct file *f = fd_file(inode);

	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

static const char *fd_get_link(struct inode *inode, void **cookie)
{
	struct file *f = fd_file(inode);
	char *buf, *name;

	if (!f)
		return ERR_PTR(-ENOENT);
	buf = kmalloc(PATH_MAX_LEN, GFP_KERNEL);
	name = buf ? file_path_name(f, buf, PATH_MAX_LEN) : ERR_PTR(-ENOMEM);
	file_put(f);
	if (IS_ERR(name)) {
		kfree(buf);
		return name;
	}
	*cookie = buf;
	return name;
}

static void fd_put_link(struct inode *inode, void *cookie)
{
	kfree(cookie);
}

static const struct inode_ops fd_link_ops = { .get_link = fd_get_link, .put_link = fd_put_link, .follow_link = fd_follow };
static const struct proc_entry fd_entry = { .name = "fd", .mode = S_IFLNK | 0700, .follow = proc_pid_cwd };

static int fd_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct task *t = proc_task(dir);
	struct file *f;
	struct inode *inode;
	u32 fd;
	int rc = parse_number(d, &fd);

	if (!t || rc) {
		rc = -ENOENT;
		goto out;
	}
	rc = may_inspect(t, 0);
	if (rc)
		goto out;
	f = file_get_task_fd(t, fd, NULL);
	rc = -ENOENT;
	if (!f)
		goto out;
	inode = proc_inode_new(dir->sb, &fd_entry, proc_of(dir)->pid, fd);
	rc = -ENOMEM;
	if (inode) {
		inode->ops = &fd_link_ops;
		/* The link's permissions tell how the file is open. */
		inode->mode = S_IFLNK | (f->mode & FMODE_READ ? 0500 : 0) | (f->mode & FMODE_WRITE ? 0300 : 0);
		dentry_attach(d, inode);
		rc = 0;
	}
	file_put(f);
out:
	if (t)
		task_put(t);
	return rc;
}

static int fd_revalidate(struct dentry *d)
{
	struct file *f = d->inode ? fd_file(d->inode) : NULL;

	if (!f)
		return 0;
	if (S_ISLNK(d->inode->mode))
		d->inode->mode = S_IFLNK | (f->mode & FMODE_READ ? 0500 : 0) | (f->mode & FMODE_WRITE ? 0300 : 0);
	file_put(f);
	return 1;
}

static int fd_iterate(struct file *dirf, struct dir_context *ctx)
{
	struct proc_inode *pi = proc_of(dirf->inode);
	struct task *t = proc_task(dirf->inode);
	bool link = pi->entry->dir_ops == &proc_fd_dir_ops;
	char name[12];
	int rc;

	if (!t)
		return -ENOENT;
	rc = may_inspect(t, 0);
	if (rc == 0 && dir_emit_dots(dirf, ctx)) {
		for (;;) {
			u32 fd = (u32)(ctx->pos - 2);
			struct file *f = file_get_task_fd(t, fd, &fd);

			if (!f)
				break;
			file_put(f);
			ctx->pos = (loff_t)fd + 2;
			if (!ctx->emit(ctx, name, (u32)scnprintf(name, sizeof(name), "%u", fd), proc_ino(&fd_entry, pi->pid, fd),
				       (link ? S_IFLNK : S_IFREG) >> 12))
				break;
			ctx->pos++;
			cond_resched();
		}
	}
	task_put(t);
	return rc;
}

/* A process may always look into its own, whatever it has become. */
static int fd_permission(struct inode *inode, int mask)
{
	struct task *t = proc_task(inode);
	int rc = -ESRCH;

	if (t) {
		rc = t->group == current->group ? 0 : generic_permission(inode, mask);
		task_put(t);
	}
	return rc;
}

const struct inode_ops proc_fd_dir_ops = { .lookup = fd_lookup, .revalidate = fd_revalidate, .permission = fd_permission };
const struct file_ops proc_fd_dir_fops = { .iterate = fd_iterate, .llseek = generic_llseek };

static int fdinfo_show(struct seq_file *m, struct task *t)
{
	struct inode *inode = m->data;
	struct file *f = file_get_task_fd(t, proc_of(inode)->number, NULL);

	if (!f)
		return -ENOENT;
	seq_printf(m, "pos:\t%lli\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n", (long long)f->pos, f->flags,
		   f->path.mnt ? f->path.mnt->id : 0, (unsigned long long)f->inode->ino);
	if (f->ops->show_fdinfo)
		f->ops->show_fdinfo(m, f);
	file_put(f);
	return 0;
}

static const struct proc_entry fdinfo_entry = { .name = "fdinfo", .mode = S_IFREG | 0400, .show = fdinfo_show, .inspect = true };

static int fdinfo_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct task *t = proc_task(dir);
	struct file *f = NULL;
	struct inode *inode;
	u32 fd;
	int rc = -ENOENT;

	if (t && parse_number(d, &fd) == 0)
		f = file_get_task_fd(t, fd, NULL);
	if (f) {
		inode = proc_inode_new(dir->sb, &fdinfo_entry, proc_of(dir)->pid, fd);
		rc = inode ? 0 : -ENOMEM;
		if (inode)
			dentry_attach(d, inode);
		file_put(f);
	}
	if (t)
		task_put(t);
	return rc;
}

const struct inode_ops proc_fdinfo_dir_ops = { .lookup = fdinfo_lookup, .revalidate = fd_revalidate };
const struct file_ops proc_fdinfo_dir_fops = { .iterate = fd_iterate, .llseek = generic_llseek };

/* --- task: an entry a thread --- */

static int task_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct task *leader = proc_task(dir), *t = NULL;
	struct pid *pid;
	struct inode *inode;
	u32 tid;
	int rc = -ENOENT;

	if (!leader || parse_number(d, &tid))
		goto out;
	t = task_find_get((pid_t)tid);
	if (!t || t->group != leader->group)
		goto out;
	pid = pid_find_get((pid_t)tid);
	if (!pid)
		goto out;
	inode = proc_inode_new(dir->sb, &proc_thread_dir, pid, 0);
	pid_put(pid);
	rc = inode ? 0 : -ENOMEM;
	if (inode)
		dentry_attach(d, inode);
out:
	if (t)
		task_put(t);
	if (leader)
		task_put(leader);
	return rc;
}

/* The thread with the lowest number at or after `from`; 0 when there is none. */
static pid_t next_thread(struct group *g, pid_t from)
{
	struct task *t;
	pid_t best = 0;

	rcu_read_lock();
	for_each_thread(g, t)
		if (t->pid >= from && (!best || t->pid < best))
			best = t->pid;
	rcu_read_unlock();
	return best;
}

static int task_iterate(struct file *f, struct dir_context *ctx)
{
	struct task *leader = proc_task(f->inode);
	char name[16];
	pid_t nr;

	if (!leader)
		return -ENOENT;
	if (dir_emit_dots(f, ctx))
		while ((nr = next_thread(leader->group, (pid_t)(ctx->pos - 2)))) {
			ctx->pos = (loff_t)nr + 2;
			if (!ctx->emit(ctx, name, (u32)scnprintf(name, sizeof(name), "%d", nr), (u64)nr << 32 | 2,
				       S_IFDIR >> 12))
				break;
			ctx->pos++;
		}
	task_put(leader);
	return 0;
}

static int task_revalidate(struct dentry *d)
{
	struct task *t = d->inode ? proc_task(d->inode) : NULL;

	if (t)
		task_put(t);
	return t != NULL;
}

const struct inode_ops proc_task_dir_ops = { .lookup = task_lookup, .revalidate = task_revalidate };
const struct file_ops proc_task_dir_fops = { .iterate = task_iterate, .llseek = generic_llseek };

/* --- tables --- */

#define SHOW(n, fn)   { .name = n, .mode = S_IFREG | 0444, .show = fn }
#define PRIV(n, fn)   { .name = n, .mode = S_IFREG | 0400, .show = fn, .inspect = true }
#define OPS(n, m, o)  { .name = n, .mode = S_IFREG | (m), .ops = &(o) }
#define MAGIC(n, fn)  { .name = n, .mode = S_IFLNK | 0777, .follow = fn }
#define DIR(n, m, o, fo) { .name = n, .mode = S_IFDIR | (m), .dir_ops = &(o), .dir_fops = &(fo) }

#define COMMON                                                                                       \
	OPS("auxv", 0400, proc_auxv_fops), SHOW("cgroup", proc_pid_cgroup), OPS("cmdline", 0444, proc_cmdline_fops), \
	OPS("comm", 0644, proc_comm_fops), MAGIC("cwd", proc_pid_cwd), OPS("environ", 0400, proc_environ_fops), \
	MAGIC("exe", proc_pid_exe), DIR("fd", 0500, proc_fd_dir_ops, proc_fd_dir_fops),                    \
	DIR("fdinfo", 0555, proc_fdinfo_dir_ops, proc_fdinfo_dir_fops), PRIV("io", proc_pid_io),           \
	SHOW("limits", proc_pid_limits), OPS("maps", 0444, proc_maps_fops), OPS("mem", 0600, proc_mem_fops), \
	OPS("mountinfo", 0444, proc_mounts_fops), OPS("mounts", 0444, proc_mounts_fops),                   \
	SHOW("oom_score", proc_pid_oom_score), OPS("oom_score_adj", 0644, proc_oom_score_adj_fops),        \
	OPS("pagemap", 0400, proc_pagemap_fops), PRIV("personality", proc_pid_personality), \
	MAGIC("root", proc_pid_root), SHOW("sched", proc_pid_sched),                                       \
	SHOW("schedstat", proc_pid_schedstat), OPS("smaps", 0444, proc_smaps_fops),                        \
	OPS("smaps_rollup", 0444, proc_smaps_rollup_fops), PRIV("stack", proc_pid_stack),                  \
	SHOW("statm", proc_pid_statm), SHOW("status", proc_pid_status), PRIV("syscall", proc_pid_syscall), \
	SHOW("wchan", proc_pid_wchan)

const struct proc_entry proc_pid_table[] = {
	COMMON,
	PRIV("mountstats", proc_pid_mountstats),
	SHOW("stat", proc_pid_stat),
	DIR("task", 0555, proc_task_dir_ops, proc_task_dir_fops),
	{ NULL },
};

const struct proc_entry proc_thread_table[] = {
	COMMON,
	SHOW("children", proc_pid_children),
	SHOW("stat", proc_tid_stat),
	{ NULL },
};

const struct proc_entry proc_pid_dir = { .name = "PID", .mode = S_IFDIR | 0555, .children = proc_pid_table };
const struct proc_entry proc_thread_dir = { .name = "TID", .mode = S_IFDIR | 0555, .children = proc_thread_table };

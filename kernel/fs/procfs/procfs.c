/* SPDX-License-Identifier: MIT */
/*
 * procfs: directories, inodes and links of /proc, driven by tables; what the files say stands beside.
 *
 * Dentries below a process are asked again at each use (revalidate): a number may have gone or belong to another
 * process by now. Inodes are made on lookup and go with their dentries.
 */
#include "procfs.h"

#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/vm.h>
#include <linux/magic.h>

/* --- inodes --- */

struct task *proc_task(const struct inode *inode)
{
	struct proc_inode *pi = proc_of(inode);
	struct task *t;

	if (!pi->pid)
		return NULL;
	rcu_read_lock();
	t = pid_task(pi->pid, PIDTYPE_PID);
	if (t && !refcount_get_unless_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	return t;
}

/* Numbers that stay the same for the same file while the process lives. */
u64 proc_ino(const struct proc_entry *entry, struct pid *pid, u32 number)
{
	u64 ino = 0xf0000000UL + ((u64)entry & 0xffffff);

	if (pid)
		ino = ((u64)pid->nr << 32) | (((u64)entry * 31 + number * 2654435761U) & 0xffffffff);
	return ino;
}

/* Files belong to who the process acts as, or to root when it may not be dumped. */
static void set_owner(struct inode *inode, struct task *t)
{
	const struct cred *cred = cred_of(t);
	struct mm *mm = task_mm_get(t);

	inode->uid = inode->gid = 0;
	if (!mm || mm->dumpable == 1 || inode->mode == (S_IFDIR | 0555)) {
		inode->uid = cred->euid;
		inode->gid = cred->egid;
	}
	if (mm)
		mm_put(mm);
	cred_put(cred);
}

/* --- text files --- */

static int proc_show(struct seq_file *m, void *v)
{
	struct inode *inode = m->data;
	const struct proc_entry *e = proc_of(inode)->entry;
	struct task *t = proc_task(inode);
	int rc;

	if (proc_of(inode)->pid && !t)
		return -ESRCH;
	rc = e->inspect ? may_inspect(t, 0) : 0;
	if (rc == 0)
		rc = e->show(m, t);
	if (t)
		task_put(t);
	return rc;
}

static int proc_show_open(struct inode *inode, struct file *f)
{
	return single_open(f, proc_show, inode);
}

static const struct file_ops proc_show_fops = {
	.open = proc_show_open,
	.read = seq_read,
	.llseek = seq_llseek,
	.release = seq_release,
};

/* --- links --- */

static const char *proc_get_link(struct inode *inode, void **cookie)
{
	const struct proc_entry *e = proc_of(inode)->entry;
	struct task *t = proc_task(inode);
	struct path path, root;
	char *buf, *name = NULL;
	int n;

	if (proc_of(inode)->pid && !t)
		return ERR_PTR(-ENOENT);
	buf = kmalloc(PATH_MAX_LEN, GFP_KERNEL);
	if (!buf) {
		name = ERR_PTR(-ENOMEM);
	} else if (e->link) {
		n = e->link(t, buf, PATH_MAX_LEN);
		name = n < 0 ? ERR_PTR(n) : buf;
	} else {
		n = may_inspect(t, 0);
		if (n == 0)
			n = inode->ops->follow_link(inode, &path);
		if (n) {
			name = ERR_PTR(n);
		} else {
			fs_get_root(current->fs, &root);
			name = path_name(&path, &root, buf, PATH_MAX_LEN);
			path_put(&root);
			path_put(&path);
			if (!IS_ERR(name))
				memmove(buf, name, strlen(name) + 1);
			name = IS_ERR(name) ? name : buf;
		}
	}
	if (t)
		task_put(t);
	if (IS_ERR(name))
		kfree(buf);
	else
		*cookie = buf;
	return name;
}

static void proc_put_link(struct inode *inode, void *cookie)
{
	kfree(cookie);
}

static int proc_follow(struct inode *inode, struct path *out)
{
	struct task *t = proc_task(inode);
	int rc;

	if (!t)
		return -ENOENT;
	rc = may_inspect(t, 0);
	if (rc == 0)
		rc = proc_of(inode)->entry->follow(t, out);
	task_put(t);
	return rc;
}

static const struct inode_ops proc_link_ops = { .get_link = proc_get_link, .put_link = proc_put_link };
static const struct inode_ops proc_magic_ops = { .get_link = proc_get_link, .put_link = proc_put_link, .follow_link = proc_follow };

/* --- directories of a table --- */

static int proc_dir_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	return proc_lookup_table(dir, d, proc_of(dir)->entry->children);
}

static int proc_dir_iterate(struct file *f, struct dir_context *ctx)
{
	struct proc_inode *pi = proc_of(f->inode);
	struct task *t = NULL;

	if (pi->pid) {
		t = proc_task(f->inode);
		if (!t)
			return -ENOENT;
		task_put(t);
	}
	if (dir_emit_dots(f, ctx))
		proc_iterate_table(ctx, pi->entry->children, 2);
	return 0;
}

/* Whatever is below a process is good as long as the process is there. */
static int proc_revalidate(struct dentry *d)
{
	struct proc_inode *pi = d->inode ? proc_of(d->inode) : NULL;
	struct task *t;

	if (!pi || !pi->pid)
		return 1;
	t = proc_task(d->inode);
	if (!t)
		return 0;
	set_owner(d->inode, t);
	task_put(t);
	return 1;
}

static int proc_setattr(struct dentry *d, struct iattr *attr)
{
	if (attr->valid & ATTR_MODE)
		return -EPERM;
	setattr_copy(d->inode, attr);
	return 0;
}

static const struct inode_ops proc_dir_ops = { .lookup = proc_dir_lookup, .revalidate = proc_revalidate, .setattr = proc_setattr };
static const struct file_ops proc_dir_fops = { .iterate = proc_dir_iterate, .llseek = generic_llseek };
static const struct inode_ops proc_file_ops = { .setattr = proc_setattr };

struct inode *proc_inode_new(struct super *sb, const struct proc_entry *entry, struct pid *pid, u32 number)
{
	struct proc_inode *pi = kmalloc(sizeof(*pi), GFP_KERNEL);
	struct inode *inode = pi ? inode_new(sb) : NULL;
	struct task *t;

	if (!inode) {
		kfree(pi);
		return NULL;
	}
	*pi = (struct proc_inode){ .entry = entry, .pid = pid_get(pid), .number = number };
	inode->private = pi;
	inode->ino = proc_ino(entry, pid, number);
	inode->mode = entry->mode;
	inode->nlink = S_ISDIR(entry->mode) ? 2 : 1;
	if (S_ISDIR(entry->mode)) {
		inode->ops = entry->dir_ops ? entry->dir_ops : &proc_dir_ops;
		inode->fops = entry->dir_fops ? entry->dir_fops : &proc_dir_fops;
	} else if (S_ISLNK(entry->mode)) {
		inode->ops = entry->follow ? &proc_magic_ops : &proc_link_ops;
	} else {
		inode->ops = &proc_file_ops;
		inode->fops = entry->ops ? entry->ops : &proc_show_fops;
	}
	t = pid ? proc_task(inode) : NULL;
	if (t) {
		set_owner(inode, t);
		task_put(t);
	}
	return inode;
}

int proc_lookup_table(struct inode *dir, struct dentry *d, const struct proc_entry *table)
{
	struct proc_inode *pi = proc_of(dir);
	struct inode *inode;

	for (; table->name; table++)
		if (strcmp(table->name, d->name) == 0) {
			inode = proc_inode_new(dir->sb, table, pi ? pi->pid : NULL, 0);
			if (!inode)
				return -ENOMEM;
			dentry_attach(d, inode);
			return 0;
		}
	return -ENOENT;
}

bool proc_iterate_table(struct dir_context *ctx, const struct proc_entry *table, loff_t first)
{
	loff_t i = first;

	for (; table->name; table++, i++) {
		if (i < ctx->pos)
			continue;
		if (!ctx->emit(ctx, table->name, (u32)strlen(table->name), proc_ino(table, NULL, 0), table->mode >> 12))
			return false;
		ctx->pos = i + 1;
	}
	return true;
}

/* --- the root: its table, then the processes --- */

#define FIRST_PID_POS 1024

static const struct proc_entry self_entries[] = {
	{ .name = "self", .mode = S_IFLNK | 0777, .link = proc_self_link },
	{ .name = "thread-self", .mode = S_IFLNK | 0777, .link = proc_thread_self_link },
	{ NULL },
};

int proc_self_link(struct task *t, char *buf, size_t size)
{
	return scnprintf(buf, size, "%d", current->tgid);
}

int proc_thread_self_link(struct task *t, char *buf, size_t size)
{
	return scnprintf(buf, size, "%d/task/%d", current->tgid, current->pid);
}

static pid_t name_to_pid(const struct dentry *d)
{
	u64 n;

	if (d->name_len > 9 || d->name[0] == '0' || parse_u64(d->name, 10, &n))
		return 0;
	return (pid_t)n;
}

static int root_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct inode *inode = NULL;
	struct pid *pid;
	int rc = proc_lookup_table(dir, d, proc_root_table);

	if (rc == -ENOENT)
		rc = proc_lookup_table(dir, d, self_entries);
	if (rc != -ENOENT)
		return rc;
	pid = name_to_pid(d) ? pid_find_get(name_to_pid(d)) : NULL;
	if (pid) {
		inode = proc_inode_new(dir->sb, &proc_pid_dir, pid, 0);
		if (inode && proc_revalidate(&(struct dentry){ .inode = inode }) == 0) {
			inode_put(inode);
			inode = NULL;
		} else {
			rc = -ENOMEM;
		}
		pid_put(pid);
	}
	if (!inode)
		return rc;
	dentry_attach(d, inode);
	return 0;
}

/* The process with the lowest number at or after `from`: 0 when there is none. */
static pid_t next_process(pid_t from)
{
	struct task *p;
	pid_t best = 0;

	rcu_read_lock();
	for_each_process(p)
		if (p->pid >= from && (!best || p->pid < best))
			best = p->pid;
	rcu_read_unlock();
	return best;
}

static int root_iterate(struct file *f, struct dir_context *ctx)
{
	char name[16];
	pid_t nr;

	if (!dir_emit_dots(f, ctx))
		return 0;
	if (ctx->pos < FIRST_PID_POS / 2 && !proc_iterate_table(ctx, proc_root_table, 2))
		return 0;
	ctx->pos = MAX(ctx->pos, (loff_t)FIRST_PID_POS / 2);
	if (ctx->pos < FIRST_PID_POS && !proc_iterate_table(ctx, self_entries, FIRST_PID_POS / 2))
		return 0;
	ctx->pos = MAX(ctx->pos, (loff_t)FIRST_PID_POS);
	while ((nr = next_process((pid_t)(ctx->pos - FIRST_PID_POS)))) {
		ctx->pos = FIRST_PID_POS + nr;
		if (!ctx->emit(ctx, name, (u32)scnprintf(name, sizeof(name), "%d", nr), (u64)nr << 32 | 1, S_IFDIR >> 12))
			break;
		ctx->pos++;
		if (signal_pending())
			break;
		cond_resched();
	}
	return 0;
}

const struct inode_ops proc_root_ops = { .lookup = root_lookup, .revalidate = proc_revalidate };
const struct file_ops proc_root_fops = { .iterate = root_iterate, .llseek = generic_llseek };

/* --- the filesystem --- */

static void proc_evict(struct inode *inode)
{
	struct proc_inode *pi = proc_of(inode);

	if (pi) {
		pid_put(pi->pid);
		kfree(pi);
		inode->private = NULL;
	}
}

static const struct super_ops proc_super_ops = { .evict_inode = proc_evict, .statfs = generic_statfs };
static const struct proc_entry root_entry = {
	.name = "/",
	.mode = S_IFDIR | 0555,
	.dir_ops = &proc_root_ops,
	.dir_fops = &proc_root_fops,
};

static int proc_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	static struct super *the_super; /* [type's mount lock: one mount call at a time makes it] */
	struct super *sb = the_super;
	struct inode *root;

	if (sb) {
		refcount_get(&sb->refs);
		*out = sb;
		return 0;
	}
	sb = super_alloc(type, flags);
	if (!sb)
		return -ENOMEM;
	sb->ops = &proc_super_ops;
	sb->magic = PROC_SUPER_MAGIC;
	sb->block_size = 1024;
	root = proc_inode_new(sb, &root_entry, NULL, 0);
	if (root) {
		root->ino = 1;
		sb->root = dentry_root(root);
	}
	if (!sb->root) {
		super_put(sb);
		return -ENOMEM;
	}
	refcount_get(&sb->refs); /* stays for ever */
	the_super = sb;
	*out = sb;
	return 0;
}

static struct fs_type proc_type = { .name = "proc", .flags = FS_NODEV | FS_SINGLE, .mount = proc_mount };
FS_REGISTER(proc_type);

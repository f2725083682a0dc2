/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/mounts, mountinfo and mountstats, in Linux's format.
 */
#include "mount.h"

#include <kernel/chrdev.h>
#include <kernel/mm.h>
#include <kernel/seq_file.h>

#define ESCAPED " \t\n\\#"

struct flag_name {
	u32 flag;
	const char *text;
};
static const struct flag_name super_flags[] = {
	{ MS_SYNCHRONOUS, ",sync" },
	{ MS_DIRSYNC, ",dirsync" },
	{ MS_MANDLOCK, ",mand" },
	{ MS_LAZYTIME, ",lazytime" },
};
static const struct flag_name mount_flags[] = {
	{ MS_NOSUID, ",nosuid" },   { MS_NODEV, ",nodev" },	      { MS_NOEXEC, ",noexec" },
	{ MS_NOATIME, ",noatime" }, { MS_NODIRATIME, ",nodiratime" }, { MS_RELATIME, ",relatime" },
	{ MS_NOSYMFOLLOW, ",nosymfollow" },
};

static void show_flags(struct seq_file *m, u64 flags, const struct flag_name *names, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (flags & names[i].flag)
			seq_puts(m, names[i].text);
}

static void show_devname(struct seq_file *m, const struct mount *mnt)
{
	if (mnt->sb->ops->show_devname)
		mnt->sb->ops->show_devname(m, mnt->root);
	else
		seq_escape(m, mnt->source, ESCAPED);
}

static void show_type(struct seq_file *m, const struct mount *mnt) { seq_escape(m, mnt->sb->type->name, ESCAPED); }

static const char *ro_or_rw(u64 flags) { return flags & MS_RDONLY ? "ro" : "rw"; }

static void show_super_options(struct seq_file *m, const struct mount *mnt)
{
	if (mnt->sb->ops->show_options)
		mnt->sb->ops->show_options(m, mnt->root);
}

static void show_mounts(struct seq_file *m, const struct mount *mnt, const char *where)
{
	show_devname(m, mnt);
	seq_putc(m, ' ');
	seq_escape(m, where, " \t\n\\");
	seq_putc(m, ' ');
	show_type(m, mnt);
	seq_printf(m, " %s", ro_or_rw(mnt->flags | mnt->sb->flags));
	show_flags(m, mnt->sb->flags, super_flags, ARRAY_SIZE(super_flags));
	show_flags(m, mnt->flags, mount_flags, ARRAY_SIZE(mount_flags));
	show_super_options(m, mnt);
	seq_puts(m, " 0 0\n");
}

static void show_mountinfo(struct seq_file *m, const struct mount *mnt, const char *where, char *buf)
{
	char *root = dentry_write(mnt->root, buf, PAGE_SIZE / 2);

	seq_printf(m, "%u %u %u:%u ", mnt->id, mnt->parent ? mnt->parent->id : mnt->id, DEV_MAJOR(mnt->sb->dev),
		   DEV_MINOR(mnt->sb->dev));
	seq_escape(m, IS_ERR(root) ? "/" : root, " \t\n\\");
	seq_putc(m, ' ');
	seq_escape(m, where, " \t\n\\");
	seq_printf(m, " %s", ro_or_rw(mnt->flags));
	show_flags(m, mnt->flags, mount_flags, ARRAY_SIZE(mount_flags));
	if (mnt->propagation == MS_SHARED)
		seq_printf(m, " shared:%u", mnt->peer_group);
	else if (mnt->propagation == MS_UNBINDABLE)
		seq_puts(m, " unbindable");
	seq_puts(m, " - ");
	show_type(m, mnt);
	seq_putc(m, ' ');
	show_devname(m, mnt);
	seq_printf(m, " %s", ro_or_rw(mnt->sb->flags));
	show_flags(m, mnt->sb->flags, super_flags, ARRAY_SIZE(super_flags));
	show_super_options(m, mnt);
	seq_putc(m, '\n');
}

static void show_mountstats(struct seq_file *m, const struct mount *mnt, const char *where)
{
	seq_puts(m, "device ");
	show_devname(m, mnt);
	seq_puts(m, " mounted on ");
	seq_escape(m, where, " \t\n\\");
	seq_puts(m, " with fstype ");
	show_type(m, mnt);
	seq_putc(m, '\n');
}

/* One line, if the task can see the mount at all. buf: two halves of a page. */
static void show_one(struct seq_file *m, struct mount *mnt, const struct path *root, u32 kind, char *buf)
{
	struct path at = { mnt, mnt->root };
	bool reached;
	char *where = path_write(&at, root, buf, PAGE_SIZE / 2, &reached);

	if (IS_ERR(where) || !reached)
		return;
	if (kind == 0)
		show_mounts(m, mnt, where);
	else if (kind == 1)
		show_mountinfo(m, mnt, where, buf + PAGE_SIZE / 2);
	else
		show_mountstats(m, mnt, where);
}

/* The root directory of another task, referenced; false when it has exited. */
static bool task_root(struct task *t, struct path *out)
{
	bool ok;

	spin_lock(&t->lock);
	ok = t->fs != NULL;
	if (ok)
		fs_get_root(t->fs, out);
	spin_unlock(&t->lock);
	return ok;
}

void mount_show(struct seq_file *m, struct task *t, u32 kind)
{
	char *buf = page_alloc_virt(GFP_KERNEL);
	struct mount *mnt;
	struct path root;

	if (!buf)
		return;
	if (task_root(t, &root)) {
		down_read(&namespace_sem);
		list_for_each_entry(mnt, &init_mount_ns.mounts, ns_link)
			show_one(m, mnt, &root, kind, buf);
		up_read(&namespace_sem);
		path_put(&root);
	}
	page_free_virt(buf);
}

/* SPDX-License-Identifier: MIT */
/*
 * Inside kernel/fs/procfs/: what a file of /proc is.
 *
 * Everything is a table of struct proc_entry: of the root, of a process directory, of a thread directory, of sys/.
 * An inode knows its entry and, below a process, the number (struct pid) it is about, which outlives the process.
 */
#ifndef KERNEL_FS_PROCFS_H
#define KERNEL_FS_PROCFS_H

#include <kernel/fs.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/seq_file.h>

struct proc_entry {
	const char *name;
	umode_t mode; /* with S_IFMT */
	/* One of these: */
	int (*show)(struct seq_file *m, struct task *t);	   /* text; t NULL for what is no process's */
	const struct file_ops *ops;				   /* a file of its own kind */
	const struct proc_entry *children;			   /* a directory: ends with name NULL */
	int (*link)(struct task *t, char *buf, size_t size);	   /* a symlink's text: its length or -errno */
	int (*follow)(struct task *t, struct path *out);	   /* a magic link: exe, cwd, root */
	const struct inode_ops *dir_ops;			   /* a directory of its own kind: fd, task */
	const struct file_ops *dir_fops;
	bool inspect; /* only for who may ptrace the process */
};

struct proc_inode { /* inode->private */
	const struct proc_entry *entry;
	struct pid *pid; /* referenced; NULL: global */
	u32 number;	 /* fd/N */
};

static inline struct proc_inode *proc_of(const struct inode *inode) { return inode->private; }
/* The task an inode is about, referenced; NULL when it is gone. */
struct task *proc_task(const struct inode *inode);
struct inode *proc_inode_new(struct super *sb, const struct proc_entry *entry, struct pid *pid, u32 number);
int proc_lookup_table(struct inode *dir, struct dentry *d, const struct proc_entry *table);
/* Emits table entries from ctx->pos == first on; true when all are out. */
bool proc_iterate_table(struct dir_context *ctx, const struct proc_entry *table, loff_t first);
u64 proc_ino(const struct proc_entry *entry, struct pid *pid, u32 number);
extern const struct proc_entry proc_root_table[], proc_pid_table[], proc_thread_table[], proc_sys_table[];
extern const struct proc_entry proc_pid_dir, proc_thread_dir;
extern const struct inode_ops proc_fd_dir_ops, proc_task_dir_ops, proc_fdinfo_dir_ops;
extern const struct file_ops proc_fd_dir_fops, proc_task_dir_fops, proc_fdinfo_dir_fops;
extern const struct inode_ops proc_root_ops;
extern const struct file_ops proc_root_fops;
int proc_self_link(struct task *t, char *buf, size_t size);
int proc_thread_self_link(struct task *t, char *buf, size_t size);

/* process files: pid_show.c, pid_mem.c */
int proc_pid_stat(struct seq_file *m, struct task *t);
int proc_tid_stat(struct seq_file *m, struct task *t);
int proc_pid_status(struct seq_file *m, struct task *t);
int proc_pid_statm(struct seq_file *m, struct task *t);
int proc_pid_limits(struct seq_file *m, struct task *t);
int proc_pid_wchan(struct seq_file *m, struct task *t);
int proc_pid_stack(struct seq_file *m, struct task *t);
int proc_pid_io(struct seq_file *m, struct task *t);
int proc_pid_sched(struct seq_file *m, struct task *t);
int proc_pid_schedstat(struct seq_file *m, struct task *t);
int proc_pid_cgroup(struct seq_file *m, struct task *t);
int proc_pid_oom_score(struct seq_file *m, struct task *t);
int proc_pid_syscall(struct seq_file *m, struct task *t);
int proc_pid_personality(struct seq_file *m, struct task *t);
int proc_pid_children(struct seq_file *m, struct task *t);
int proc_pid_mounts(struct seq_file *m, struct task *t);
int proc_pid_mountinfo(struct seq_file *m, struct task *t);
int proc_pid_mountstats(struct seq_file *m, struct task *t);
int proc_pid_exe(struct task *t, struct path *out);
int proc_pid_cwd(struct task *t, struct path *out);
int proc_pid_root(struct task *t, struct path *out);
extern const struct file_ops proc_comm_fops, proc_oom_score_adj_fops, proc_oom_adj_fops, proc_cmdline_fops, proc_environ_fops,
	proc_auxv_fops, proc_maps_fops, proc_smaps_fops, proc_smaps_rollup_fops, proc_mem_fops, proc_pagemap_fops,
	proc_clear_refs_fops, proc_coredump_filter_fops, proc_mounts_fops;

#endif

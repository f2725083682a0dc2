/* SPDX-License-Identifier: MIT */
/*
 * execve(2) and execveat(2).
 *
 *	open the file			   errors go back to the old program
 *	new mm with a stack, strings on it
 *	scripts: again with the interpreter
 *	look at the ELF headers, open the dynamic linker
 *	exec_begin_new: the point of no return	errors kill from here on
 *	map segments, build the stack's bottom, set the registers
 *
 * group->exec_lock is held from the new credentials' making to their commit, so that nobody who inspects the process (ptrace,
 * /proc) sees old rights with new memory.
 */
#include "exec.h"

#include <arch/regs.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mm.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/vm.h>
#include <linux/personality.h>
#include <linux/sched.h>

#include "proc.h"

#define SCRIPT_DEPTH 5 /* interpreters of interpreters */

/* --- files --- */

int exec_read(struct file *file, void *buf, u64 n, u64 pos)
{
	loff_t at = (loff_t)pos;
	ssize_t got = kernel_read(file, buf, n, &at);

	if (got < 0)
		return (int)got;
	return (u64)got == n ? 0 : -EIO;
}

void exec_check_readable(struct exec *e, struct file *file)
{
	if (inode_permission(file->inode, MAY_READ))
		e->unreadable = true;
}

static void drop_file(struct exec *e)
{
	if (e->file && !e->file_given) {
		inode_allow_write(e->file->inode);
		file_put(e->file);
	}
	e->file = NULL;
}

static int open_file(struct exec *e, int dfd, const char *path, u32 lookup)
{
	struct file *f = open_exec(dfd, path, lookup);

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	e->file = f;
	return 0;
}

/* The first bytes of the file; zeroes where it is shorter. */
static int read_head(struct exec *e)
{
	loff_t pos = 0;
	ssize_t n = kernel_read(e->file, e->head, sizeof(e->head), &pos);

	if (n < 0)
		return (int)n;
	e->head_len = (u32)n;
	memset(e->head + n, 0, sizeof(e->head) - (u64)n);
	return 0;
}

/* --- directories shared outside the process: such a one must not become privileged --- */

static void mark_fs_in_exec(bool begin)
{
	struct fs *fs = current->fs;
	struct task *t;
	s32 mine = 0;

	if (!begin) {
		fs->in_exec = false;
		return;
	}
	rcu_read_lock();
	for_each_thread(current->group, t)
		mine += READ_ONCE(t->fs) == fs;
	rcu_read_unlock();
	spin_lock(&fs->lock);
	fs->in_exec = refcount_read(&fs->users) <= mine;
	spin_unlock(&fs->lock);
}

bool exec_fs_is_shared(void)
{
	return !current->fs->in_exec;
}

/* --- the point of no return --- */

/* The current task goes over to e->mm; what it had goes, with the last user. */
static void switch_mm(struct exec *e)
{
	struct mm *old = current->mm, *active = current->active_mm;
	struct group *g = current->group;

	e->mm->def_flags = old ? old->def_flags & VM_NOHUGEPAGE : 0;
	spin_lock(&current->lock);
	irq_disable();
	current->mm = current->active_mm = e->mm;
	mm_switch(active, e->mm);
	irq_enable();
	spin_unlock(&current->lock);
	e->mm = NULL;
	if (old) {
		g->maxrss = MAX(g->maxrss, MAX(vm_rss(old), old->hiwater_rss));
		mm_put(old);
	} else if (active != &init_mm) {
		mm_drop(active); /* a kernel thread only borrowed it */
	}
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Task fields that belong to the old program. */
static void reset_task(struct exec *e)
{
	const struct cred *old = current->cred;

	if (e->secure || old->euid != e->cred->euid || old->egid != e->cred->egid) {
		current->personality &= ~(u32)PER_CLEAR_ON_SETID;
		current->pdeath_signal = 0;
	}
	current->flags &= ~(u32)(TF_KTHREAD | TF_FORKNOEXEC | TF_RANDOMIZE);
	if (e->randomize)
		current->flags |= TF_RANDOMIZE;
	current->set_child_tid = NULL;
	write_lock_irq(&tasklist_lock);
	current->self_exec_id++;
	write_unlock_irq(&tasklist_lock);
	task_set_comm(current, base_name(e->path));
	syscall_trace_update(current);
}

/* Who the process is from now on, and whether others may look into it. */
static void commit_cred(struct exec *e)
{
	struct cred *c = e->cred;
	bool ordinary = !e->unreadable && c->euid == c->uid && c->egid == c->gid;

	e->cred = NULL;
	cred_commit(c);
	WRITE_ONCE(current->mm->dumpable, ordinary ? 1 : suid_dumpable);
}

int exec_begin_new(struct exec *e)
{
	int rc = cred_exec(e->cred, e->file, &e->secure);

	if (rc)
		return rc;
	e->committed = true;
	rc = exec_become_alone();
	if (rc)
		return rc;
	rc = files_unshare();
	if (rc)
		return rc;
	exec_check_readable(e, e->file);
	mm_set_exe_file(e->mm, e->file);
	e->file_given = true;
	exec_stack_end(e);
	if (current->mm)
		task_leave_mm();
	switch_mm(e);
	group_timers_exec(current->group);
	signal_exec();
	reset_task(e);
	files_close_on_exec(current->files);
	commit_cred(e);
	return 0;
}

/* --- the whole --- */

static int load_once(struct exec *e)
{
	int rc = read_head(e);

	if (rc)
		return rc;
	rc = script_load(e);
	return rc == -ENOEXEC ? elf_load(e) : rc;
}

/* Loads, following scripts to their interpreters. */
static int load(struct exec *e)
{
	for (u32 depth = 0;; depth++) {
		const char *before = e->interpreter;
		int rc;

		if (depth > SCRIPT_DEPTH)
			return -ELOOP;
		rc = load_once(e);
		if (rc || e->interpreter == before)
			return rc;
		drop_file(e);
		rc = open_file(e, AT_FDCWD, e->interpreter, LOOKUP_FOLLOW);
		if (rc)
			return rc;
	}
}

static int load_locked(struct exec *e)
{
	struct group *g = current->group;
	int rc;

	if (mutex_lock_interruptible(&g->exec_lock))
		return -ERESTARTNOINTR;
	e->cred = cred_prepare();
	rc = e->cred ? 0 : -ENOMEM;
	if (rc == 0) {
		mark_fs_in_exec(true);
		rc = load(e);
		mark_fs_in_exec(false);
	}
	if (e->cred)
		cred_abort(e->cred);
	mutex_unlock(&g->exec_lock);
	return rc;
}

/* RLIMIT_NPROC after a change of user ID is enforced here, where the caller looks at errors. */
static int check_nproc(void)
{
	if ((current->flags & TF_NPROC_EXCEEDED) &&
	    (u64)READ_ONCE(current->cred->user->processes) > rlimit(RLIMIT_NPROC))
		return -EAGAIN;
	current->flags &= ~(u32)TF_NPROC_EXCEEDED;
	return 0;
}

static bool wants_random(const struct exec *e)
{
	if (!sysctl_randomize_va_space)
		return false;
	/* What a set-ID program loses anyway does not count. */
	return !(current->personality & ADDR_NO_RANDOMIZE) || (e->file->inode->mode & (S_ISUID | S_ISGID));
}

static int run(struct exec *e, const struct exec_strings *argv, const struct exec_strings *envp)
{
	int rc;

	e->randomize = wants_random(e);
	rc = exec_stack_begin(e);
	if (rc == 0)
		rc = exec_copy_strings(e, argv, envp);
	if (rc == 0)
		rc = load_locked(e);
	if (rc && e->committed && !fatal_signal_pending())
		force_fatal_signal(SIGSEGV);
	exec_stack_end(e);
	if (e->mm)
		mm_put(e->mm);
	return rc;
}

static bool closes_on_exec(int fd)
{
	const struct fdtable *t;
	bool closes;

	rcu_read_lock();
	t = rcu_dereference(current->files->table);
	closes = (u32)fd < t->max && test_bit((u32)fd, t->cloexec);
	rcu_read_unlock();
	return closes;
}

/* How a program started by execveat() is called: by its path, or /dev/fd/N. */
static int name_program(struct exec *e, int dfd, const char *path)
{
	u64 size;
	char *name;

	e->path = path;
	if (dfd == AT_FDCWD || path[0] == '/')
		return 0;
	size = strlen(path) + sizeof("/dev/fd/2147483647/");
	name = kmalloc(size, GFP_KERNEL);
	if (!name)
		return -ENOMEM;
	snprintf(name, size, *path ? "/dev/fd/%d/%s" : "/dev/fd/%d", dfd, path);
	e->path = e->fd_path = name;
	e->path_closes = closes_on_exec(dfd);
	return 0;
}

static u32 lookup_flags(int flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
}

static int do_exec(int dfd, const char *path, const struct exec_strings *argv, const struct exec_strings *envp, int flags)
{
	struct exec *e;
	int rc = check_nproc();

	if (rc)
		return rc;
	e = kmalloc(sizeof(*e), GFP_KERNEL);
	if (!e)
		return -ENOMEM;
	memset(e, 0, offsetof(struct exec, head));
	rc = open_file(e, dfd, path, lookup_flags(flags));
	if (rc == 0)
		rc = name_program(e, dfd, path);
	if (rc == 0)
		rc = run(e, argv, envp);
	drop_file(e);
	kfree(e->interpreter);
	kfree(e->fd_path);
	kfree(e);
	return rc;
}

long sys_execveat(int dfd, const char __user *path, const char __user *const __user *argv,
		  const char __user *const __user *envp, int flags)
{
	const struct exec_strings a = { .user = argv }, env = { .user = envp };
	struct filename *name;
	long rc;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	name = getname(path, flags & AT_EMPTY_PATH);
	if (IS_ERR(name))
		return PTR_ERR(name);
	rc = do_exec(dfd, name->name, &a, &env, flags);
	putname(name);
	return rc;
}

long sys_execve(const char __user *path, const char __user *const __user *argv, const char __user *const __user *envp)
{
	return sys_execveat(AT_FDCWD, path, argv, envp, 0);
}

int kernel_execve(const char *path, const char *const *argv, const char *const *envp)
{
	const struct exec_strings a = { .kernel = argv }, env = { .kernel = envp };
	int rc = do_exec(AT_FDCWD, path, &a, &env, 0);

	if (rc)
		return rc;
	arch_enter_user();
}

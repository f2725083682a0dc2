/* SPDX-License-Identifier: MIT */
/*
 * Files of /proc/PID/ that look into (or change) the process: cmdline, environ, auxv, maps, smaps, mem, pagemap, comm,
 * oom_score_adj, mounts.
 */
#include "procfs.h"

#include <arch/uaccess.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/poll.h>
#include <kernel/rcu.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <kernel/vm.h>
#include <linux/fs.h>
#include <linux/oom.h>

/* --- ranges of the process's memory: cmdline, environ --- */

/* [start, end) of an address space from *pos on, to the reader. */
static ssize_t read_range(struct mm *mm, u64 start, u64 end, struct uio *u, loff_t *pos)
{
	char chunk[256];
	ssize_t done = 0;

	while (u->left && *pos < (loff_t)(end - start)) {
		u64 n = MIN(MIN(u->left, end - start - (u64)*pos), sizeof(chunk));
		ssize_t got = vm_access(mm, start + (u64)*pos, chunk, n, false, true);

		if (got <= 0)
			break;
		if (copy_to_uio(chunk, (u64)got, u) != (u64)got)
			return done ? done : -EFAULT;
		*pos += got;
		done += got;
	}
	return done;
}

static struct mm *inode_mm(struct inode *inode, int *rc, bool inspect)
{
	struct task *t = proc_task(inode);
	struct mm *mm = NULL;

	*rc = t ? 0 : -ESRCH;
	if (t) {
		if (inspect)
			*rc = may_inspect(t, 0);
		if (*rc == 0)
			mm = task_mm_get(t);
		task_put(t);
	}
	return mm;
}

/* A program that overwrote its arguments (setproctitle) shows what runs on into the environment, up to a NUL. */
static ssize_t cmdline_read(struct file *f, struct uio *u, loff_t *pos)
{
	int rc;
	struct mm *mm = inode_mm(f->inode, &rc, false);
	u64 start, end;
	ssize_t n;
	char last;

	if (!mm)
		return rc;
	start = mm->arg_start;
	end = mm->arg_end;
	if (end > start && mm->env_end > end && vm_access(mm, end - 1, &last, 1, false, true) == 1 && last) {
		while (end < mm->env_end && end - start < PATH_MAX_LEN && vm_access(mm, end, &last, 1, false, true) == 1 && last)
			end++;
	}
	n = read_range(mm, start, end, u, pos);
	mm_put(mm);
	return n;
}

static ssize_t environ_read(struct file *f, struct uio *u, loff_t *pos)
{
	int rc;
	struct mm *mm = inode_mm(f->inode, &rc, true);
	ssize_t n;

	if (!mm)
		return rc;
	n = read_range(mm, mm->env_start, mm->env_end, u, pos);
	mm_put(mm);
	return n;
}

static ssize_t auxv_read(struct file *f, struct uio *u, loff_t *pos)
{
	int rc;
	struct mm *mm = inode_mm(f->inode, &rc, true);
	u64 n = 0, size, copied = 0;

	if (!mm)
		return rc;
	while (n + 2 < ARRAY_SIZE(mm->auxv) && mm->auxv[n])
		n += 2;
	size = (n + 2) * sizeof(u64);
	if (*pos < (loff_t)size)
		copied = copy_to_uio((char *)mm->auxv + *pos, MIN(size - (u64)*pos, u->left), u);
	*pos += (loff_t)copied;
	mm_put(mm);
	return (ssize_t)copied;
}

const struct file_ops proc_cmdline_fops = { .read = cmdline_read, .llseek = generic_llseek };
const struct file_ops proc_environ_fops = { .read = environ_read, .llseek = noop_llseek };
const struct file_ops proc_auxv_fops = { .read = auxv_read, .llseek = noop_llseek };

/* --- mem --- */

static int mem_open(struct inode *inode, struct file *f)
{
	struct task *t = proc_task(inode);
	int rc = t ? may_inspect(t, 1) : -ESRCH;

	if (rc == 0) {
		f->data = task_mm_get(t);
		f->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	}
	if (t)
		task_put(t);
	return rc;
}

static void mem_release(struct inode *inode, struct file *f)
{
	if (f->data)
		mm_put(f->data);
}

static ssize_t mem_copy(struct file *f, struct uio *u, loff_t *pos, bool write)
{
	struct mm *mm = f->data;
	u8 chunk[512];
	ssize_t done = 0, n;

	if (!mm)
		return 0;
	while (u->left) {
		u64 want = MIN(u->left, sizeof(chunk));

		if (write && copy_from_uio(chunk, want, u) != want)
			return done ? done : -EFAULT;
		n = vm_access(mm, (u64)*pos, chunk, want, write, true);
		if (n <= 0)
			return done ? done : -EIO;
		if (!write && copy_to_uio(chunk, (u64)n, u) != (u64)n)
			return done ? done : -EFAULT;
		*pos += n;
		done += n;
		if (n < (ssize_t)want)
			break;
	}
	return done;
}

static ssize_t mem_read(struct file *f, struct uio *u, loff_t *pos)
{
	return mem_copy(f, u, pos, false);
}

static ssize_t mem_write(struct file *f, struct uio *u, loff_t *pos)
{
	return mem_copy(f, u, pos, true);
}

static loff_t mem_llseek(struct file *f, loff_t off, int whence)
{
	if (whence == SEEK_CUR)
		off += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	return f->pos = off;
}

const struct file_ops proc_mem_fops = {
	.open = mem_open, .release = mem_release, .read = mem_read, .write = mem_write, .llseek = mem_llseek,
};

/* --- pagemap: a 64-bit entry for each page, at its number times 8 --- */

static ssize_t pagemap_read(struct file *f, struct uio *u, loff_t *pos)
{
	bool with_pfn = capable(CAP_SYS_ADMIN);
	struct mm *mm = f->data;
	u64 chunk[32];
	ssize_t done = 0;

	if (!mm)
		return 0;
	if (*pos < 0 || *pos % 8 || u->left % 8)
		return -EINVAL;
	while (u->left && (u64)*pos / 8 < TASK_SIZE / PAGE_SIZE) {
		u64 first = (u64)*pos / 8, n = MIN(MIN(u->left / 8, ARRAY_SIZE(chunk)), TASK_SIZE / PAGE_SIZE - first);

		if (down_read_killable(&mm->lock))
			return done ? done : -EINTR;
		for (u64 i = 0; i < n; i++)
			chunk[i] = vm_pagemap_entry(mm, (first + i) * PAGE_SIZE, with_pfn);
		up_read(&mm->lock);
		if (copy_to_uio(chunk, n * 8, u) != n * 8)
			return done ? done : -EFAULT;
		*pos += (loff_t)(n * 8);
		done += (ssize_t)(n * 8);
		if (signal_pending())
			break;
	}
	return done;
}

const struct file_ops proc_pagemap_fops = {
	.open = mem_open, .release = mem_release, .read = pagemap_read, .llseek = mem_llseek,
};

/* --- maps, smaps: an iterator over VMAs that finds its place again by address --- */

struct maps {
	struct mm *mm;
	u64 next; /* address the next VMA ends above; ~0 at the end */
	bool smaps;
	bool locked; /* mm->lock, between start and stop */
};

static void *maps_start(struct seq_file *m, loff_t *pos)
{
	struct maps *maps = m->data;

	if (*pos == 0)
		maps->next = 0;
	if (maps->next == ~0UL)
		return NULL;
	if (down_read_killable(&maps->mm->lock))
		return ERR_PTR(-EINTR);
	maps->locked = true;
	return vma_find(maps->mm, maps->next);
}

static void *maps_next(struct seq_file *m, void *v, loff_t *pos)
{
	struct maps *maps = m->data;
	struct vma *vma = v;

	(*pos)++;
	maps->next = vma->end;
	vma = vma_next(vma);
	if (!vma)
		maps->next = ~0UL;
	return vma;
}

static void maps_stop(struct seq_file *m, void *v)
{
	struct maps *maps = m->data;

	if (maps->locked)
		up_read(&maps->mm->lock);
	maps->locked = false;
}

static int maps_show(struct seq_file *m, void *v)
{
	struct maps *maps = m->data;

	if (maps->smaps)
		vm_show_smaps(m, maps->mm, v, false);
	else
		vm_show_maps(m, maps->mm, v);
	return 0;
}

static const struct seq_ops maps_ops = { .start = maps_start, .next = maps_next, .stop = maps_stop, .show = maps_show };

/* A kernel thread has no maps. */
static int maps_show_nothing(struct seq_file *m, void *v)
{
	return 0;
}

static int maps_open_kind(struct inode *inode, struct file *f, bool smaps)
{
	int rc;
	struct mm *mm = inode_mm(inode, &rc, true);
	struct maps *maps;

	if (rc)
		return rc;
	maps = kzalloc(sizeof(*maps), GFP_KERNEL);
	if (!maps) {
		if (mm)
			mm_put(mm);
		return -ENOMEM;
	}
	maps->mm = mm;
	maps->smaps = smaps;
	rc = mm ? seq_open(f, &maps_ops, maps) : single_open(f, maps_show_nothing, maps);
	if (rc) {
		if (mm)
			mm_put(mm);
		kfree(maps);
	}
	return rc;
}

static int maps_open(struct inode *inode, struct file *f)
{
	return maps_open_kind(inode, f, false);
}

static int smaps_open(struct inode *inode, struct file *f)
{
	return maps_open_kind(inode, f, true);
}

static void maps_release(struct inode *inode, struct file *f)
{
	struct maps *maps = seq_of(f)->data;

	if (maps->mm)
		mm_put(maps->mm);
	kfree(maps);
	seq_release(inode, f);
}

const struct file_ops proc_maps_fops = { .open = maps_open, .read = seq_read, .llseek = seq_llseek, .release = maps_release };
const struct file_ops proc_smaps_fops = { .open = smaps_open, .read = seq_read, .llseek = seq_llseek, .release = maps_release };

static int rollup_show(struct seq_file *m, void *v)
{
	int rc;
	struct mm *mm = inode_mm(m->data, &rc, true);

	if (!mm)
		return rc ? rc : -ESRCH;
	down_read(&mm->lock);
	vm_show_smaps(m, mm, vma_first(mm), true);
	up_read(&mm->lock);
	mm_put(mm);
	return 0;
}

static int rollup_open(struct inode *inode, struct file *f)
{
	return single_open(f, rollup_show, inode);
}

const struct file_ops proc_smaps_rollup_fops = {
	.open = rollup_open,
	.read = seq_read,
	.llseek = seq_llseek,
	.release = seq_release,
};

/* --- comm, oom_score_adj: text that may be written --- */

static int comm_show(struct seq_file *m, void *v)
{
	struct task *t = proc_task(m->data);
	char comm[TASK_COMM_LEN];

	if (!t)
		return -ESRCH;
	spin_lock(&t->lock);
	memcpy(comm, t->comm, sizeof(comm));
	spin_unlock(&t->lock);
	task_put(t);
	seq_printf(m, "%s\n", comm);
	return 0;
}

static int comm_open(struct inode *inode, struct file *f)
{
	return single_open(f, comm_show, inode);
}

static ssize_t comm_write(struct file *f, struct uio *u, loff_t *pos)
{
	char comm[TASK_COMM_LEN] = "";
	u64 n = u->left;
	struct task *t;
	ssize_t rc = -EINVAL;

	if (copy_from_uio(comm, MIN(n, sizeof(comm) - 1), u) != MIN(n, sizeof(comm) - 1))
		return -EFAULT;
	t = proc_task(f->inode);
	if (!t)
		return -ESRCH;
	if (t->group == current->group) {
		task_set_comm(t, comm);
		rc = (ssize_t)n;
	}
	task_put(t);
	return rc;
}

const struct file_ops proc_comm_fops = {
	.open = comm_open, .read = seq_read, .write = comm_write, .llseek = seq_llseek, .release = seq_release,
};

static int adj_show(struct seq_file *m, void *v)
{
	struct task *t = proc_task(m->data);

	if (!t)
		return -ESRCH;
	seq_printf(m, "%d\n", t->group->oom_score_adj);
	task_put(t);
	return 0;
}

static int adj_open(struct inode *inode, struct file *f)
{
	return single_open(f, adj_show, inode);
}

static ssize_t adj_write(struct file *f, struct uio *u, loff_t *pos)
{
	char text[16];
	u64 n = MIN(u->left, sizeof(text) - 1);
	struct task *t;
	ssize_t rc;
	s64 adj;

	if (copy_from_uio(text, n, u) != n)
		return -EFAULT;
	text[n] = '\0';
	rc = parse_s64(str_trim(text), 10, &adj);
	if (rc == 0 && (adj < OOM_SCORE_ADJ_MIN || adj > OOM_SCORE_ADJ_MAX))
		rc = -EINVAL;
	if (rc)
		return rc;
	t = proc_task(f->inode);
	if (!t)
		return -ESRCH;
	rc = -EACCES;
	if (adj >= t->group->oom_score_adj_min || capable(CAP_SYS_RESOURCE)) {
		t->group->oom_score_adj = (s16)adj;
		if (capable(CAP_SYS_RESOURCE))
			t->group->oom_score_adj_min = (s16)adj;
		rc = (ssize_t)n;
	}
	task_put(t);
	return rc;
}

const struct file_ops proc_oom_score_adj_fops = {
	.open = adj_open, .read = seq_read, .write = adj_write, .llseek = seq_llseek, .release = seq_release,
};

/* --- mounts and mountinfo: pollable, an event for each change of the tree --- */

static int mounts_show(struct seq_file *m, void *v)
{
	struct inode *inode = m->data;
	struct task *t = proc_task(inode);

	if (!t)
		return -ESRCH;
	mount_show(m, t, strcmp(proc_of(inode)->entry->name, "mountinfo") == 0);
	task_put(t);
	return 0;
}

static int mounts_open(struct inode *inode, struct file *f)
{
	f->ra.start = mount_events();
	return single_open(f, mounts_show, inode);
}

static u32 mounts_poll(struct file *f, struct poll_table *pt)
{
	u32 mask = EPOLLIN | EPOLLRDNORM;

	poll_wait(f, mount_wait(), pt);
	if (f->ra.start != mount_events()) {
		f->ra.start = mount_events();
		mask |= EPOLLERR | EPOLLPRI;
	}
	return mask;
}

const struct file_ops proc_mounts_fops = {
	.open = mounts_open, .read = seq_read, .llseek = seq_llseek, .release = seq_release, .poll = mounts_poll,
};

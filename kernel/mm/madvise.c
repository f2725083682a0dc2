/* SPDX-License-Identifier: MIT */
/*
 * madvise, process_madvise, and names for anonymous memory (prctl PR_SET_VMA).
 *
 * Advice is of three kinds: a flag of the VMA (mm->lock for writing), something done to its pages
 * (for reading), or something done to the file (the lock is let go meanwhile). Ranges with holes
 * are worked on where they are mapped, then give -ENOMEM.
 */
#include "vma.h"

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uio.h>
#include <linux/falloc.h>
#include <linux/mman.h>

enum advice_kind { ADVICE_UNKNOWN, ADVICE_FLAGS, ADVICE_PAGES, ADVICE_FILE, ADVICE_POPULATE };

static enum advice_kind advice_kind(int behavior)
{
	switch (behavior) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_MERGEABLE:
	case MADV_UNMERGEABLE:
	case MADV_HUGEPAGE:
	case MADV_NOHUGEPAGE:
		return ADVICE_FLAGS;
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_COLLAPSE:
		return ADVICE_PAGES;
	case MADV_REMOVE:
		return ADVICE_FILE;
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return ADVICE_POPULATE;
	default:
		return ADVICE_UNKNOWN;
	}
}

/* The flags a VMA has after the advice, or -EINVAL where it does not apply. */
static int advise_flags(const struct vma *v, int behavior, u64 *flags)
{
	switch (behavior) {
	case MADV_NORMAL:
		*flags &= ~(u64)(VM_RAND_READ | VM_SEQ_READ);
		return 0;
	case MADV_SEQUENTIAL:
		*flags = (*flags & ~(u64)VM_RAND_READ) | VM_SEQ_READ;
		return 0;
	case MADV_RANDOM:
		*flags = (*flags & ~(u64)VM_SEQ_READ) | VM_RAND_READ;
		return 0;
	case MADV_DONTFORK:
		*flags |= VM_DONTCOPY;
		return 0;
	case MADV_DOFORK:
		if (v->flags & VM_IO)
			return -EINVAL;
		*flags &= ~(u64)VM_DONTCOPY;
		return 0;
	case MADV_WIPEONFORK:
		if (v->file || (v->flags & VM_SHARED))
			return -EINVAL;
		*flags |= VM_WIPEONFORK;
		return 0;
	case MADV_KEEPONFORK:
		*flags &= ~(u64)VM_WIPEONFORK;
		return 0;
	case MADV_DONTDUMP:
		*flags |= VM_DONTDUMP;
		return 0;
	case MADV_DODUMP:
		if (v->flags & VM_SPECIAL)
			return -EINVAL;
		*flags &= ~(u64)VM_DONTDUMP;
		return 0;
	case MADV_MERGEABLE:
		if (!(v->flags & (VM_SPECIAL | VM_SHARED | VM_MAYSHARE)))
			*flags |= VM_MERGEABLE;
		return 0;
	case MADV_UNMERGEABLE:
		*flags &= ~(u64)VM_MERGEABLE;
		return 0;
	case MADV_HUGEPAGE:
		*flags = (*flags & ~(u64)VM_NOHUGEPAGE) | VM_HUGEPAGE;
		return 0;
	default: /* MADV_NOHUGEPAGE */
		*flags = (*flags & ~(u64)VM_HUGEPAGE) | VM_NOHUGEPAGE;
		return 0;
	}
}

/* Pages of [start, end) of one VMA. 0 or error. */
static int advise_pages(struct vma *v, u64 start, u64 end, int behavior)
{
	switch (behavior) {
	case MADV_WILLNEED:
		return 0; /* what is cached faults in cheaply; reading ahead is the file's own
			     business */
	case MADV_COLD:
	case MADV_PAGEOUT:
		return v->flags & (VM_LOCKED | VM_IO) ? -EINVAL : 0;
	case MADV_COLLAPSE:
		return -EINVAL; /* never a huge page here */
	case MADV_FREE:
		if (!v->anon)
			return -EINVAL;
		fallthrough;
	case MADV_DONTNEED:
		if (v->flags & VM_LOCKED)
			return -EINVAL;
		fallthrough;
	default: /* MADV_DONTNEED_LOCKED */
		if (v->flags & VM_IO)
			return -EINVAL;
		if ((v->flags & (VM_SEALED | VM_WRITE)) == VM_SEALED && v->anon)
			return -EPERM;
		pt_zap(v->mm, start, end, ZAP_LIVE);
		return 0;
	}
}

/* Punches the file behind a shared mapping. Lets mm->lock (held for reading) go meanwhile. */
static int advise_remove(struct vma *v, u64 start, u64 end)
{
	loff_t offset = (loff_t)(vma_pgoff(v, start) << PAGE_SHIFT);
	struct mm *mm = v->mm;
	struct file *f;
	long ret;

	if ((v->flags & VM_LOCKED) || !v->file || !v->file->mapping || !v->file->mapping->host)
		return -EINVAL;
	if ((v->flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
		return -EACCES;
	f = file_get(v->file);
	up_read(&mm->lock);
	ret = f->ops->fallocate ? f->ops->fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
						    offset, (loff_t)(end - start))
				: -EOPNOTSUPP;
	file_put(f);
	down_read(&mm->lock);
	return (int)ret;
}

/* Faults in each page with the rights asked for; lets mm->lock go now and then. */
static int advise_populate(struct mm *mm, u64 start, u64 end, bool write)
{
	u32 n = 0;
	int ret;

	for (; start < end; start += PAGE_SIZE) {
		struct vma *v = vma_find_exact(mm, start);
		struct page *p;

		if (fatal_signal_pending())
			return -EINTR;
		if (!v)
			return -ENOMEM;
		if ((v->flags & VM_IO) || !(v->flags & (write ? VM_WRITE : VM_READ | VM_WRITE)))
			return -EINVAL;
		p = vm_get_page(mm, start, write, false);
		if (IS_ERR(p)) {
			ret = (int)PTR_ERR(p);
			return ret;
		}
		page_put(p);
		if (++n % 32 == 0) {
			up_read(&mm->lock);
			cond_resched();
			down_read(&mm->lock);
		}
	}
	return 0;
}

static int advise_range(struct mm *mm, u64 start, u64 end, int behavior, enum advice_kind kind)
{
	int ret, holes = 0;
	struct vma *v;
	u64 stop, flags;

	for (; start < end; start = stop) {
		v = vma_find(mm, start);
		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > start) {
			holes = -ENOMEM;
			start = v->start;
		}
		stop = MIN(end, v->end);
		flags = v->flags;
		if (kind == ADVICE_PAGES) {
			ret = advise_pages(v, start, stop, behavior);
		} else if (kind == ADVICE_FILE) {
			ret = advise_remove(v, start, stop);
		} else {
			ret = advise_flags(v, behavior, &flags);
			if (ret == 0 && flags != v->flags) {
				v = vma_modify(v, start, stop, flags, v->name);
				ret = IS_ERR(v) ? -EAGAIN : 0;
			}
		}
		if (ret)
			return ret;
		cond_resched();
	}
	return holes;
}

/* One range of any address space; the range is page aligned and not empty. */
static int advise(struct mm *mm, u64 start, u64 end, int behavior)
{
	enum advice_kind kind = advice_kind(behavior);
	int ret;

	if (kind == ADVICE_FLAGS) {
		if (down_write_killable(&mm->lock))
			return -EINTR;
		ret = advise_range(mm, start, end, behavior, kind);
		up_write(&mm->lock);
		return ret;
	}
	down_read(&mm->lock);
	if (kind == ADVICE_POPULATE)
		ret = advise_populate(mm, start, end, behavior == MADV_POPULATE_WRITE);
	else
		ret = advise_range(mm, start, end, behavior, kind);
	up_read(&mm->lock);
	return ret;
}

/* 1: go on, 0: nothing to do, or -EINVAL. */
static int advice_check(u64 start, u64 len, int behavior, u64 *end)
{
	if (advice_kind(behavior) == ADVICE_UNKNOWN || !IS_ALIGNED(start, PAGE_SIZE))
		return -EINVAL;
	if (len && !ALIGN_UP(len, PAGE_SIZE))
		return -EINVAL;
	*end = start + ALIGN_UP(len, PAGE_SIZE);
	if (*end < start)
		return -EINVAL;
	return *end != start;
}

long sys_madvise(unsigned long start, size_t len, int behavior)
{
	u64 end;
	int ret = advice_check(start, len, behavior, &end);

	return ret == 1 ? advise(current->mm, start, end, behavior) : ret;
}

/* --- process_madvise --- */

static bool advice_for_others(int behavior)
{
	return behavior == MADV_COLD || behavior == MADV_PAGEOUT || behavior == MADV_WILLNEED ||
	       behavior == MADV_COLLAPSE;
}

/* The task a pidfd names, referenced. */
static struct task *task_of_pidfd(int pidfd)
{
	struct file *f = file_get_fd(pidfd);
	struct task *t = NULL;
	struct pid *pid;

	if (!f)
		return ERR_PTR(-EBADF);
	pid = pidfd_pid(f);
	if (IS_ERR(pid)) {
		file_put(f);
		return ERR_CAST(pid);
	}
	rcu_read_lock();
	t = pid_task(pid, PIDTYPE_TGID);
	if (t && !refcount_get_unless_zero(&t->refs))
		t = NULL;
	rcu_read_unlock();
	file_put(f);
	return t ? t : ERR_PTR(-ESRCH);
}

static ssize_t advise_pieces(struct mm *mm, const struct uio *u, int behavior)
{
	u64 total = 0, end;
	int ret = 0;

	for (u64 i = 0; i < u->nr_iov; i++) {
		u64 start = (u64)u->iov[i].iov_base, len = u->iov[i].iov_len;

		ret = advice_check(start, len, behavior, &end);
		if (ret == 1)
			ret = advise(mm, start, end, behavior);
		if (ret < 0 || fatal_signal_pending())
			break;
		total += len;
	}
	return total ? (ssize_t)total : ret;
}

long sys_process_madvise(int pidfd, const struct iovec __user *vec, size_t vlen, int behavior,
			 unsigned int flags)
{
	struct iovec fast[8], *iov = fast;
	struct task *t;
	struct uio u;
	struct mm *mm;
	ssize_t ret;

	if (flags)
		return -EINVAL;
	ret = uio_import(&u, vec, vlen, fast, &iov);
	if (ret < 0)
		return ret;
	t = task_of_pidfd(pidfd);
	if (IS_ERR(t)) {
		ret = PTR_ERR(t);
		goto free_iov;
	}
	ret = -EINVAL;
	if (!advice_for_others(behavior))
		goto put_task;
	ret = may_inspect(t, 0);
	if (ret)
		goto put_task;
	mm = task_mm_get(t);
	ret = -ESRCH;
	if (!mm)
		goto put_task;
	ret = mm != current->mm && !capable(CAP_SYS_NICE) ? -EPERM
							  : advise_pieces(mm, &u, behavior);
	mm_put(mm);
put_task:
	task_put(t);
free_iov:
	if (iov != fast)
		kfree(iov);
	return ret;
}

/* --- names --- */

static struct vma_name *name_make(const char *text)
{
	struct vma_name *n = kmalloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return ERR_PTR(-ENOMEM);
	refcount_set(&n->refs, 1);
	if (strscpy(n->text, text, sizeof(n->text)) < 0) {
		kfree(n);
		return ERR_PTR(-EINVAL);
	}
	for (const char *c = text; *c; c++) {
		if (*c > 0x1f && *c < 0x7f && !strchr("\\`$[]", *c))
			continue;
		kfree(n);
		return ERR_PTR(-EINVAL);
	}
	return n;
}

static int name_range(struct mm *mm, u64 start, u64 end, struct vma_name *n)
{
	int holes = 0;
	u64 stop;

	for (; start < end; start = stop) {
		struct vma *v = vma_find(mm, start);

		if (!v || v->start >= end)
			return -ENOMEM;
		if (v->start > start) {
			holes = -ENOMEM;
			start = v->start;
		}
		stop = MIN(end, v->end);
		if (v->file)
			return -EBADF;
		v = vma_modify(v, start, stop, v->flags, n);
		if (IS_ERR(v))
			return (int)PTR_ERR(v);
	}
	return holes;
}

int vm_set_anon_name(u64 addr, u64 len, const char *name)
{
	struct mm *mm = current->mm;
	u64 end = addr + ALIGN_UP(len, PAGE_SIZE);
	struct vma_name *n = NULL;
	int ret;

	if (!IS_ALIGNED(addr, PAGE_SIZE) || end < addr || (len && end == addr))
		return -EINVAL;
	if (end == addr)
		return 0;
	if (name) {
		n = name_make(name);
		if (IS_ERR(n))
			return (int)PTR_ERR(n);
	}
	ret = down_write_killable(&mm->lock);
	if (ret == 0) {
		ret = name_range(mm, addr, end, n);
		up_write(&mm->lock);
	}
	vma_name_put(n);
	return ret;
}

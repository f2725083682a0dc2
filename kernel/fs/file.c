/* SPDX-License-Identifier: MIT */
/*
 * Open files.
 *
 * Life: file_alloc() (1 reference, empty) -> file_open_at() gives it a place and calls the driver's open -> references by
 * descriptors, mappings, system calls under way -> the last one releases it: at once from close() and exit, else on the
 * way back to user mode (file_put() may be called with locks held), or by a work item when there is no such way.
 *
 * The memory of files is type-stable (SLAB_RCU): a lookup under RCU may meet a file that has become another one, takes
 * its reference, and looks at the slot again. What the constructor made (locks, empty list) stays valid for ever.
 */
#include "internal.h"

#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/poll.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/workqueue.h>
#include <linux/inotify.h>

u64 sysctl_file_max;
static struct slab_cache *file_cache __ro_after_init;
static s64 nr_files; /* [a] */
static DEFINE_SPINLOCK(late_lock, RANK_WORK);
static struct task_work *late_files; /* [late_lock, irqs off] released by late_work */

void files_count(u64 *open, u64 *max)
{
	*open = (u64)MAX(READ_ONCE(nr_files), 0L);
	*max = sysctl_file_max;
}

static void file_ctor(void *obj)
{
	struct file *f = obj;

	memset(f, 0, sizeof(*f));
	spinlock_init(&f->lock, RANK_INODE_SPIN);
	mutex_init(&f->pos_lock, RANK_FILE_POS);
	list_init(&f->epoll_links);
}

struct file *file_alloc(u32 flags, const struct cred *cred)
{
	struct file *f;

	if (unlikely((u64)READ_ONCE(nr_files) >= sysctl_file_max) && !capable(CAP_SYS_ADMIN)) {
		printk_ratelimited(LOG_INFO, "vfs: file-max limit %llu reached", sysctl_file_max);
		return ERR_PTR(-ENFILE);
	}
	f = slab_alloc(file_cache, GFP_KERNEL);
	if (unlikely(!f))
		return ERR_PTR(-ENOMEM);
	atomic_inc(&nr_files);
	f->ops = NULL;
	f->inode = NULL;
	f->mapping = NULL;
	f->flags = flags;
	f->mode = 0;
	f->pos = 0;
	f->path = (struct path){ NULL, NULL };
	f->cred = cred_get(cred);
	f->data = NULL;
	f->owner.pid = NULL;
	f->owner.signum = 0;
	f->ra.start = f->ra.size = f->ra.prev = 0;
	f->wb_err = 0;
	/* Last: from here on a stale lookup may take it. */
	__atomic_store_n(&f->refs.n, 1, __ATOMIC_RELEASE);
	return f;
}

/* refs is 0. */
static void file_reclaim(struct file *f)
{
	cred_put(f->cred);
	atomic_dec(&nr_files);
	slab_free(file_cache, f);
}

static void file_release(struct file *f);

void file_free(struct file *f)
{
	/* A stale lookup may hold it for an instant: then that one's file_put() ends it. */
	f->mode = FMODE_PATH;
	if (refcount_put(&f->refs))
		file_release(f);
}

static void file_release_open(struct file *f)
{
	struct inode *inode = f->inode;

	notify_file(f, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (unlikely(!list_empty(&f->epoll_links)))
		epoll_file_release(f);
	if (unlikely(inode->locks))
		locks_release(f);
	if (unlikely(f->flags & FASYNC) && f->ops->fasync)
		(void)f->ops->fasync(f, false);
	if (f->ops->release)
		f->ops->release(inode, f);
	if (unlikely(f->owner.pid))
		pid_put(f->owner.pid);
	if (f->mode & FMODE_WRITER) {
		inode_put_write(inode);
		mount_drop_write(f->path.mnt);
	}
}

static void file_release(struct file *f)
{
	struct path path = f->path;

	might_sleep();
	if (likely(!(f->mode & FMODE_PATH)))
		file_release_open(f);
	file_reclaim(f);
	if (likely(path.mnt))
		path_put(&path);
}

/* --- the last reference --- */

static void file_release_deferred(struct task_work *w) { file_release(container_of(w, struct file, work)); }

static void late_run(struct work *work)
{
	struct task_work *list;

	(void)work;
	spin_lock_irq(&late_lock);
	list = late_files;
	late_files = NULL;
	spin_unlock_irq(&late_lock);
	while (list) {
		struct file *f = container_of(list, struct file, work);

		list = list->next;
		file_release(f);
		cond_resched();
	}
}
static struct work late_work = WORK_INIT(late_work, late_run);

static void file_release_late(struct file *f)
{
	u64 flags = spin_lock_irqsave(&late_lock);

	f->work.next = late_files;
	late_files = &f->work;
	spin_unlock_irqrestore(&late_lock, flags);
	work_schedule(&late_work);
}

void file_put(struct file *f)
{
	if (likely(!refcount_put(&f->refs)))
		return;
	if (in_interrupt() || (current->flags & TF_KTHREAD) ||
	    !task_defer(current, &f->work, file_release_deferred))
		file_release_late(f);
}

void file_put_sync(struct file *f)
{
	if (refcount_put(&f->refs))
		file_release(f);
}

int file_close(struct file *f, struct files *owner)
{
	int rc = 0;

	if (likely(!(f->mode & FMODE_PATH))) {
		if (f->ops->flush)
			rc = f->ops->flush(f);
		if (unlikely(f->inode->locks))
			locks_close(f, owner);
	}
	file_put_sync(f);
	return rc;
}

void file_cache_init(void)
{
	struct memory_info info;

	memory_info(&info);
	/* A tenth of memory, at a kilobyte a file with all that hangs on it; 8192 at least. */
	sysctl_file_max = MAX(info.total * (PAGE_SIZE / 1024) / 10, 8192UL);
	file_cache = slab_create("file", sizeof(struct file), 64, SLAB_RCU, file_ctor);
	if (!file_cache)
		panic("files: no memory for the cache");
}

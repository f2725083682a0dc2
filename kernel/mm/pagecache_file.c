/* SPDX-License-Identifier: MIT */
/*
 * Reading and writing regular files through the page cache: the file_ops members that filesystems
 * share.
 *
 * Reads take no lock: each page is looked up, referenced, copied from and dropped; holes of files
 * that live in memory only read as zeroes without a page being made. Writes hold inode->rwsem,
 * which keeps truncation and other writers out.
 *
 * Copying from user memory may fault, and the fault may want the very page that is being written (a
 * file written from a mapping of itself). Two ways around that:
 *  - pages of `kept` mappings are never dropped and always up to date, so they are written without
 * their lock, and new ones are filled before anybody can find them;
 *  - others are locked by write_begin(), so the source is touched first and then copied with faults
 * off; a copy that comes short (the source went away in between) is tried again as long as the
 * source can be brought in.
 */
#include <kernel/pagecache.h>

#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <linux/fs.h>

#include "pagecache_internal.h"

/* Between pages of a long transfer: true when a fatal signal ends it. */
static bool transfer_interrupted(void)
{
	if (likely(!(READ_ONCE(current->work) & (WORK_SIGNAL | WORK_RESCHED))))
		return false;
	if (fatal_signal_pending())
		return true;
	cond_resched();
	return false;
}

/* --- read --- */

/* The page is not cached, or not filled yet. NULL: a hole of a file that lives in memory only.
 * ERR_PTR. */
static struct page *read_slow(struct file *file, struct mapping *m, u64 index, struct page *p,
			      bool nowait)
{
	if (!p && !m->ops->read_page)
		return NULL;
	if (p)
		page_put(p);
	if (nowait)
		return ERR_PTR(-EAGAIN);
	return pagecache_read(m, file, index);
}

static __noinline ssize_t read_pages(struct file *file, struct uio *uio, loff_t *pos)
{
	struct mapping *m = file->mapping;
	u64 at = (u64)*pos, start = at;
	long error = 0;

	if (unlikely(!uio->left))
		return 0;
	for (;;) {
		u64 size = (u64)READ_ONCE(m->host->size), offset = at & ~PAGE_MASK, n, copied;
		struct page *p;

		if (at >= size)
			break;
		n = MIN(MIN(PAGE_SIZE - offset, uio->left), size - at);
		p = pagecache_lookup(m, at >> PAGE_SHIFT);
		if (unlikely(!p || !(READ_ONCE(p->flags) & PG_UPTODATE))) {
			p = read_slow(file, m, at >> PAGE_SHIFT, p, uio->nowait);
			if (IS_ERR(p)) {
				error = PTR_ERR(p);
				break;
			}
		}
		if (likely(p)) {
			copied = copy_to_uio((char *)page_to_virt(p) + offset, n, uio);
			page_put(p);
		} else {
			copied = zero_uio(n, uio);
		}
		at += copied;
		if (unlikely(copied < n)) {
			error = -EFAULT;
			break;
		}
		if (!uio->left || transfer_interrupted())
			break;
	}
	*pos = (loff_t)at;
	file_accessed(file);
	return at > start ? (ssize_t)(at - start) : error;
}

/* The usual read is of bytes in one page, cached, inside the file; all others go page by page. */
ssize_t pagecache_file_read(struct file *file, struct uio *uio, loff_t *pos)
{
	struct mapping *m = file->mapping;
	u64 at = (u64)*pos, n = uio->left, copied;
	struct page *p;

	if (unlikely(n - 1 >= PAGE_SIZE - (at & ~PAGE_MASK) ||
		     at + n > (u64)READ_ONCE(m->host->size)))
		return read_pages(file, uio, pos);
	p = pagecache_lookup(m, at >> PAGE_SHIFT);
	if (unlikely(!p))
		return read_pages(file, uio, pos);
	if (unlikely(!(READ_ONCE(p->flags) & PG_UPTODATE))) {
		page_put(p);
		return read_pages(file, uio, pos);
	}
	copied = copy_to_uio((char *)page_to_virt(p) + (at & ~PAGE_MASK), n, uio);
	page_put(p);
	*pos = (loff_t)(at + copied);
	file_accessed(file);
	return likely(copied) ? (ssize_t)copied : -EFAULT;
}

/* --- write, memory-only files --- */

static void grow_size(struct inode *inode, u64 end)
{
	if (end > (u64)inode->size)
		smp_store_release(&inode->size, (loff_t)end);
}

/* Into a page that is in the cache already. Bytes, or -errno. */
static ssize_t write_present(struct file *file, struct mapping *m, struct page *p, u64 at, u64 n,
			     struct uio *uio)
{
	u64 copied;

	if (unlikely(!(READ_ONCE(p->flags) & PG_UPTODATE))) {
		page_put(p);
		p = pagecache_read(m, file, at >> PAGE_SHIFT);
		if (IS_ERR(p))
			return PTR_ERR(p);
	}
	copied = copy_from_uio((char *)page_to_virt(p) + (at & ~PAGE_MASK), n, uio);
	page_written(p);
	if (!(READ_ONCE(p->flags) & PG_DIRTY))
		page_set_dirty(p);
	page_put(p);
	return copied ? (ssize_t)copied : -EFAULT;
}

/* A fault put a page there while ours was filled: what we copied goes into that one. */
static ssize_t write_lost_race(struct file *file, struct mapping *m, struct page *mine, u64 at,
			       u64 n)
{
	struct page *p = pagecache_read(m, file, at >> PAGE_SHIFT);
	u64 offset = at & ~PAGE_MASK;

	if (IS_ERR(p))
		return PTR_ERR(p);
	memcpy((char *)page_to_virt(p) + offset, (char *)page_to_virt(mine) + offset, n);
	page_written(p);
	page_set_dirty(p);
	page_put(p);
	return (ssize_t)n;
}

/* Into a hole: a new page, complete before it is in the cache. */
static ssize_t write_new(struct file *file, struct mapping *m, u64 at, u64 n, struct uio *uio)
{
	bool whole = n == PAGE_SIZE;
	struct page *p = page_alloc(whole ? m->gfp : m->gfp | GFP_ZERO, 0);
	char *data;
	u64 copied;
	ssize_t ret;

	if (unlikely(!p))
		return -ENOMEM;
	data = page_to_virt(p);
	copied = copy_from_uio(data + (at & ~PAGE_MASK), n, uio);
	ret = copied ? 0 : -EFAULT;
	if (unlikely(whole && copied < n))
		memset(data + copied, 0, n - copied);
	p->flags = PG_UPTODATE | PG_DIRTY;
	if (likely(ret == 0))
		ret = pagecache_insert(m, p, at >> PAGE_SHIFT);
	if (likely(ret == 0))
		return (ssize_t)copied; /* the cache has our reference now */
	if (ret == -EEXIST)
		ret = write_lost_race(file, m, p, at, copied);
	page_put(p);
	return ret;
}

static ssize_t write_page_kept(struct file *file, struct mapping *m, u64 at, u64 n, struct uio *uio)
{
	struct page *p = pagecache_lookup(m, at >> PAGE_SHIFT);
	ssize_t done = p ? write_present(file, m, p, at, n, uio) : write_new(file, m, at, n, uio);

	if (likely(done > 0))
		grow_size(m->host, at + (u64)done);
	return done;
}

/* --- write, other files --- */

/* The page locked, and up to date unless all of it will be written. */
static int cache_write_begin(struct file *file, struct mapping *m, u64 at, u64 n, struct page **out)
{
	for (;;) {
		struct page *p = pagecache_grab(m, at >> PAGE_SHIFT, m->gfp);

		if (IS_ERR(p))
			return (int)PTR_ERR(p);
		*out = p;
		if ((p->flags & PG_UPTODATE) || n == PAGE_SIZE)
			return 0;
		if (!m->ops->read_page) {
			page_zero(page_to_virt(p));
			atomic_or(&p->flags, PG_UPTODATE);
			return 0;
		}
		page_unlock(p);
		page_put(p);
		p = pagecache_read(m, file, at >> PAGE_SHIFT);
		if (IS_ERR(p))
			return (int)PTR_ERR(p);
		page_put(p); /* filled: the next grab finds it so, unless it went again */
	}
}

static ssize_t cache_write_end(struct mapping *m, u64 at, u64 n, u64 copied, struct page *p)
{
	if (!(p->flags & PG_UPTODATE)) {
		if (copied < n)
			copied = 0; /* the rest of the page is unknown */
		else
			atomic_or(&p->flags, PG_UPTODATE);
	}
	if (copied) {
		grow_size(m->host, at + copied);
		page_set_dirty(p);
	}
	page_unlock(p);
	page_put(p);
	return (ssize_t)copied;
}

/* Bytes, 0 when the source was not there and may be tried again, or -errno. */
static ssize_t write_page_locked(struct file *file, struct mapping *m, u64 at, u64 n,
				 struct uio *uio)
{
	const struct mapping_ops *ops = m->ops;
	struct uio before = *uio;
	struct page *p = NULL;
	u64 copied;
	ssize_t ret;

	if (!uio->kernel && uio_fault_in(uio, n, false))
		return -EFAULT;
	ret = ops->write_begin ? ops->write_begin(file, m, (loff_t)at, (u32)n, &p)
			       : cache_write_begin(file, m, at, n, &p);
	if (ret)
		return ret;
	preempt_disable(); /* faults are not handled now: the page is locked */
	copied = copy_from_uio((char *)page_to_virt(p) + (at & ~PAGE_MASK), n, uio);
	preempt_enable();
	page_written(p);
	ret = ops->write_end ? ops->write_end(file, m, (loff_t)at, (u32)n, (u32)copied, p)
			     : cache_write_end(m, at, n, copied, p);
	if (unlikely(ret < 0 || (u64)ret != copied)) { /* not all of it counts */
		*uio = before;
		if (ret > 0)
			uio_advance(uio, (u64)ret);
	}
	return ret;
}

/* --- write --- */

#define FRUITLESS_MAX 16 /* copies in a row that moved nothing though the source could be touched \
			  */

static ssize_t write_pages(struct file *file, struct mapping *m, struct uio *uio, loff_t *pos)
{
	bool kept = m->ops->kept && !m->ops->write_begin;
	u64 at = (u64)*pos, start = at;
	ssize_t ret = 0;

	for (u32 fruitless = 0; uio->left;) {
		u64 n = MIN(PAGE_SIZE - (at & ~PAGE_MASK), uio->left);

		ret = likely(kept) ? write_page_kept(file, m, at, n, uio)
				   : write_page_locked(file, m, at, n, uio);
		if (unlikely(ret <= 0)) {
			if (ret < 0 || ++fruitless == FRUITLESS_MAX) {
				ret = ret ? ret : -EFAULT;
				break;
			}
			continue;
		}
		fruitless = 0;
		at += (u64)ret;
		if (uio->left && unlikely(transfer_interrupted())) {
			ret = -EINTR;
			break;
		}
	}
	*pos = (loff_t)at;
	return at > start ? (ssize_t)(at - start) : ret;
}

/* Where the write goes and how much of it the limits allow (*allowed). 0, or -EFBIG. */
static int write_checks(struct file *file, struct inode *inode, struct uio *uio, loff_t *pos,
			u64 *allowed)
{
	u64 limit = rlimit(RLIMIT_FSIZE),
	    max = inode->sb->max_file_size ? inode->sb->max_file_size : ~0UL >> 1;

	if ((uio->rwf & RWF_APPEND) || (file->flags & O_APPEND && !(uio->rwf & RWF_NOAPPEND)))
		*pos = inode->size;
	if (unlikely((u64)*pos >= limit)) {
		send_signal_thread(current, SIGXFSZ, SEND_SIG_USER);
		return -EFBIG;
	}
	if (unlikely((u64)*pos >= max))
		return -EFBIG;
	*allowed = MIN(uio->left, MIN(limit, max) - (u64)*pos);
	return 0;
}

static int lock_for_write(struct inode *inode, const struct uio *uio)
{
	if (unlikely(uio->nowait))
		return down_write_trylock(&inode->rwsem) ? 0 : -EAGAIN;
	down_write(&inode->rwsem);
	return 0;
}

/* O_DSYNC, O_SYNC and their RWF_ kin: what was written is on disk before the call returns. */
static ssize_t write_sync(struct file *file, const struct uio *uio, loff_t end, ssize_t done)
{
	bool all = (file->flags & O_SYNC) == O_SYNC || (uio->rwf & RWF_SYNC);
	int ret;

	if (likely(!(file->flags & O_DSYNC) && !(uio->rwf & (RWF_DSYNC | RWF_SYNC))))
		return done;
	ret = vfs_fsync(file, end - done, end - 1, !all);
	return ret ? ret : done;
}

ssize_t pagecache_file_write(struct file *file, struct uio *uio, loff_t *pos)
{
	struct mapping *m = file->mapping;
	struct inode *inode = m->host;
	u64 allowed = 0, beyond;
	ssize_t ret;

	if (unlikely(!uio->left))
		return 0;
	ret = lock_for_write(inode, uio);
	if (unlikely(ret))
		return ret;
	ret = write_checks(file, inode, uio, pos, &allowed);
	if (likely(ret == 0))
		ret = file_update_mtime(file);
	if (likely(ret == 0)) {
		beyond = uio->left - allowed;
		uio->left = allowed;
		ret = write_pages(file, m, uio, pos);
		uio->left += beyond;
	}
	up_write(&inode->rwsem);
	return ret > 0 ? write_sync(file, uio, *pos, ret) : ret;
}

/* SPDX-License-Identifier: MIT */
/*
 * The page cache (kernel/mm/pagecache.c): pages of files, shared by read, write and mmap of every filesystem.
 *
 * A page in the cache holds one reference for the cache itself. Lookups run under RCU and take a reference
 * unless it is zero, then check that the page is still there.
 */
#ifndef KERNEL_PAGECACHE_H
#define KERNEL_PAGECACHE_H

#include <kernel/mm.h>
#include <kernel/mutex.h>
#include <kernel/rbtree.h>
#include <kernel/xarray.h>

struct file;
struct inode;
struct mapping;
struct uio;
struct vma;

#define MARK_DIRTY     0
#define MARK_WRITEBACK 1

struct mapping_ops {
	/* Fills a locked page that is not up to date; unlocks it. NULL: new pages are zero (tmpfs). 0 or -EIO ... */
	int (*read_page)(struct file *file, struct page *page);
	/* Starts writing a locked page that is under PG_WRITEBACK: unlocks it; page_end_writeback() when it is on disk. 0, -errno
	 * (then it has ended it too). */
	int (*write_page)(struct page *page, bool sync);
	/*
	 * Before/after user data is copied into [pos, pos+len) of one page. begin gives it referenced, locked, and up to date
	 * unless all of it will be written; it may return -ENOSPC, -EDQUOT, -EFBIG. end moves inode->size up, marks dirty,
	 * unlocks and puts the page, and returns how many bytes count (<= copied) or -errno. Both NULL: as the cache alone needs.
	 */
	int (*write_begin)(struct file *file, struct mapping *m, loff_t pos, u32 len, struct page **page);
	int (*write_end)(struct file *file, struct mapping *m, loff_t pos, u32 len, u32 copied, struct page *page);
	void (*invalidate)(struct page *page); /* it leaves the cache: drop what hangs on it. Never sleeps */
	/* Pages enter (> 0, may fail) / leave: accounting (tmpfs size limit). May be called with m->lock held: never sleeps. */
	int (*charge)(struct mapping *m, s64 pages);
	bool kept; /* pages cannot be dropped and read again */
};

struct mapping {
	struct inode *host;
	const struct mapping_ops *ops;
	struct xarray pages;	/* [lock for writing, RCU for reading] */
	struct spinlock lock;	/* RANK_XARRAY; also taken from write-back completion: irqsave */
	u64 nr_pages;
	struct rb_root vmas;	/* [vma_lock] */
	struct rwsem vma_lock;	/* RANK_MAPPING */
	s32 writable_shared;	/* [a] shared writable mappings; < 0: denied (sealed memfd) */
	u32 error;		/* [a] sequence << 16 | errno of failed write-back */
	gfp_t gfp;
};

void mapping_init(struct mapping *m, struct inode *host, const struct mapping_ops *ops);
void mapping_destroy(struct mapping *m);	  /* inode eviction: drops every page */
struct page *pagecache_find(struct mapping *m, u64 index); /* referenced, any state; NULL */
/* page[i] of PAGE_WANTED becomes the page at first + i, referenced, if it is cached and up to date; NULL otherwise. */
#define PAGE_WANTED ((struct page *)1)
void pagecache_find_ready(struct mapping *m, u64 first, struct page **page, u32 n);
/* Finds or adds; the page is referenced and up to date (read_page done). ERR_PTR(-EIO, -ENOMEM, -EINTR). */
struct page *pagecache_read(struct mapping *m, struct file *file, u64 index);
/* Finds or adds, referenced and locked, maybe not up to date: for writers. */
struct page *pagecache_grab(struct mapping *m, u64 index, gfp_t gfp);
/* The page is new: nobody else has it, flags say what it is (PG_UPTODATE ...). Takes a reference; 0, -EEXIST, -ENOMEM or what
 * ops->charge says. */
int pagecache_add(struct mapping *m, struct page *p, u64 index);
/* Caller has the page locked, or keeps its inode alive. */
void page_set_dirty(struct page *p);
/* What write_page() does about a page under write-back: end, with 0 or -errno. Any context. */
void page_end_writeback(struct page *p, int error);
/* Waits for the lock, but gives in to a fatal signal: 0 (locked), -EINTR. */
int __must_check page_lock_killable(struct page *p);
/* Cuts everything from `size` on, zeroing the tail of the last page; punches [start, end). */
void pagecache_truncate(struct mapping *m, loff_t size);
void pagecache_punch(struct mapping *m, loff_t start, loff_t end);
int pagecache_writeback(struct mapping *m, loff_t start, loff_t end, bool sync);
/* SEEK_DATA / SEEK_HOLE over cached pages: for filesystems whose only storage this is. */
loff_t pagecache_seek(struct mapping *m, loff_t from, loff_t size, int whence);
void pagecache_init(void);

/* file_ops of regular files. */
ssize_t pagecache_file_read(struct file *file, struct uio *uio, loff_t *pos);
ssize_t pagecache_file_write(struct file *file, struct uio *uio, loff_t *pos);
int pagecache_file_mmap(struct file *file, struct vma *vma); /* kernel/mm/mmap.c */

#endif

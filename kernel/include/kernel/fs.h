/* SPDX-License-Identifier: MIT */
/*
 * The virtual file system (kernel/fs/): names (dentries), files' data and metadata (inodes), mounts, open files.
 *
 * Life: an inode is held by its dentries and by whoever took a reference; a dentry by its children, by paths and by open
 * files, and stays cached unused until memory is wanted; a mount holds its root dentry. A struct path is a counted pair.
 *
 * Locks: inode->rwsem guards a directory's entries and a file's size/data layout; dentry->lock its name, inode and
 * children; lookups of cached names run under RCU with rename_seq. Ranks in <kernel/lockrank.h>.
 */
#ifndef KERNEL_FS_H
#define KERNEL_FS_H

#include <kernel/atomic.h>
#include <kernel/list.h>
#include <kernel/mutex.h>
#include <kernel/pagecache.h>
#include <kernel/types.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

struct cred;
struct dentry;
struct file;
struct file_lock;
struct fs_type;
struct inode;
struct kstatfs;
struct mount;
struct pipe;
struct poll_table;
struct seq_file;
struct super;
struct uio;
struct vma;

#define NAME_MAX_LEN 255
#define PATH_MAX_LEN 4096
#define MAX_SYMLINKS 40

struct path {
	struct mount *mnt;
	struct dentry *dentry;
};

/* What stat needs, filled by the inode itself unless getattr says otherwise. */
struct kstat {
	u64 ino, size, blocks;
	dev_t dev, rdev;
	u32 mode, nlink, uid, gid, blksize;
	ktime_t atime, mtime, ctime, btime;
	u64 attributes, mnt_id;
	u32 result_mask; /* STATX_* */
};

#define ATTR_MODE  0x01
#define ATTR_UID   0x02
#define ATTR_GID   0x04
#define ATTR_SIZE  0x08
#define ATTR_ATIME 0x10
#define ATTR_MTIME 0x20
#define ATTR_CTIME 0x40
#define ATTR_KILL_PRIV 0x80 /* clear setuid/setgid as for a write */
struct iattr {
	u32 valid;
	u32 mode, uid, gid;
	u64 size;
	ktime_t atime, mtime, ctime;
	struct file *file; /* ftruncate */
};

struct inode_ops {
	/* A name is not cached: finds it and calls dentry_attach (with NULL: negative). dir->rwsem held (read suffices). */
	int (*lookup)(struct inode *dir, struct dentry *dentry, u32 flags);
	int (*create)(struct inode *dir, struct dentry *dentry, umode_t mode, bool excl);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *dentry);
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	int (*symlink)(struct inode *dir, struct dentry *dentry, const char *target);
	int (*mkdir)(struct inode *dir, struct dentry *dentry, umode_t mode);
	int (*rmdir)(struct inode *dir, struct dentry *dentry);
	int (*mknod)(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t dev);
	int (*rename)(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new, u32 flags);
	int (*tmpfile)(struct inode *dir, struct dentry *dentry, umode_t mode);
	/* The target of a symlink: a string that lives until put_link (or as long as the inode when put_link is NULL). */
	const char *(*get_link)(struct inode *inode, void **cookie);
	void (*put_link)(struct inode *inode, void *cookie);
	/* A magic link (/proc/PID/fd/N): the place itself, referenced. */
	int (*follow_link)(struct inode *inode, struct path *out);
	int (*permission)(struct inode *inode, int mask); /* NULL: generic_permission */
	int (*getattr)(const struct path *path, struct kstat *st, u32 mask);
	int (*setattr)(struct dentry *dentry, struct iattr *attr); /* checked already */
	ssize_t (*listxattr)(struct dentry *dentry, char *buf, size_t size);
	ssize_t (*getxattr)(struct inode *inode, const char *name, void *buf, size_t size);
	int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size, int flags);
	int (*removexattr)(struct inode *inode, const char *name);
	int (*fiemap)(struct inode *inode, void *arg);
	/* Cached dentries of this directory must be asked again before use (procfs). 1 valid, 0 drop it. */
	int (*revalidate)(struct dentry *dentry);
};

/* Positions of getdents: call emit for each entry from ctx->pos on; it returns false when the buffer is full. */
struct dir_context {
	bool (*emit)(struct dir_context *ctx, const char *name, u32 len, u64 ino, u32 type);
	loff_t pos; /* where to go on: advanced by the filesystem after each successful emit */
};
bool dir_emit_dots(struct file *file, struct dir_context *ctx); /* "." at pos 0, ".." at pos 1 */

struct file_ops {
	int (*open)(struct inode *inode, struct file *file);
	int (*flush)(struct file *file);	 /* each close() */
	void (*release)(struct inode *inode, struct file *file); /* the last reference is gone; may sleep */
	ssize_t (*read)(struct file *file, struct uio *uio, loff_t *pos);
	ssize_t (*write)(struct file *file, struct uio *uio, loff_t *pos);
	loff_t (*llseek)(struct file *file, loff_t offset, int whence); /* NULL: -ESPIPE */
	int (*iterate)(struct file *file, struct dir_context *ctx);	/* dir->rwsem held for reading */
	u32 (*poll)(struct file *file, struct poll_table *pt);		/* EPOLL* mask; NULL: always readable and writable */
	long (*ioctl)(struct file *file, u32 cmd, unsigned long arg);	/* -ENOIOCTLCMD: try the generic ones */
	int (*mmap)(struct file *file, struct vma *vma);
	int (*fsync)(struct file *file, loff_t start, loff_t end, bool datasync);
	long (*fallocate)(struct file *file, int mode, loff_t offset, loff_t len);
	int (*fasync)(struct file *file, bool on);
	int (*lock)(struct file *file, int cmd, struct file_lock *fl);
	ssize_t (*splice_read)(struct file *in, loff_t *pos, struct pipe *pipe, size_t len, u32 flags);
	ssize_t (*splice_write)(struct pipe *pipe, struct file *out, loff_t *pos, size_t len, u32 flags);
	void (*show_fdinfo)(struct seq_file *m, struct file *file);
	u64 (*unmapped_area)(struct file *file, u64 addr, u64 len, u64 pgoff, u64 flags);
};

struct super_ops {
	struct inode *(*alloc_inode)(struct super *sb);	 /* NULL: plain struct inode from the slab */
	void (*free_inode)(struct inode *inode);	 /* after an RCU grace period */
	void (*evict_inode)(struct inode *inode);	 /* last reference gone; its pages go right after: free the rest */
	int (*write_inode)(struct inode *inode, bool sync);
	void (*dirty_inode)(struct inode *inode, int flags);
	int (*statfs)(struct dentry *dentry, struct kstatfs *st);
	int (*sync)(struct super *sb, bool wait);
	int (*remount)(struct super *sb, u32 *flags, const char *data);
	void (*put_super)(struct super *sb);
	void (*show_options)(struct seq_file *m, struct dentry *root);
	void (*show_devname)(struct seq_file *m, struct dentry *root);
};

struct kstatfs {
	u64 type, bsize, blocks, bfree, bavail, files, ffree, namelen, frsize, flags;
	u64 fsid;
};

/* super->flags are SB_* = MS_* bits (MS_RDONLY, MS_SYNCHRONOUS, ...). */
struct super {
	struct list_head link;	 /* supers_lock */
	struct fs_type *type;
	const struct super_ops *ops;
	struct dentry *root;
	dev_t dev;
	u64 flags;
	u64 max_file_size;
	u32 block_size, magic;
	u32 time_gran; /* ns */
	struct refcount refs;	 /* mounts and lookups */
	struct mutex rename_lock; /* RANK_RENAME: directory moves, so that the tree cannot change under an ancestor check */
	struct spinlock lock;	 /* RANK_SUPER_SPIN: inodes */
	struct list_head inodes;
	u64 nr_inodes;
	void *data;		 /* the filesystem's */
	char source[64];
};

struct fs_type {
	const char *name;
	u32 flags; /* FS_* */
	/* Makes (or finds) the super; data: mount options, a string. 0 with *out referenced, its root made. */
	int (*mount)(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out);
	void (*kill)(struct super *sb); /* frees type's own data after put_super; NULL: nothing more */
	struct fs_type *next;
};
#define FS_NODEV	1 /* needs no device: "nodev" in /proc/filesystems */
#define FS_SINGLE	2 /* one super for all mounts */
int fs_register(struct fs_type *type); /* boot */
/* Filesystems register themselves: FS_REGISTER(tmpfs_type); */
#define FS_REGISTER(t) static struct fs_type *const fs_entry_##t __used __section(".init.fs") = &(t)

struct inode {
	u64 ino;
	umode_t mode;		/* [rwsem, lock to read consistently] */
	u32 uid, gid;
	u32 nlink;
	dev_t rdev;
	u32 flags;		/* S_* below */
	loff_t size;		/* [rwsem for writing] */
	ktime_t atime, mtime, ctime, btime;
	u64 blocks;		/* 512-byte units */
	u32 blkbits;
	const struct inode_ops *ops;
	const struct file_ops *fops;
	struct super *sb;
	struct mapping *mapping; /* usually &data */
	struct mapping data;
	struct rwsem rwsem;	/* RANK_INODE */
	struct spinlock lock;	/* RANK_INODE_SPIN: dentries, state, file locks list head */
	struct refcount refs;
	u32 state;		/* [lock] I_* */
	s32 writers;		/* [a] > 0 open for writing, < 0 being executed (ETXTBSY) */
	struct list_head dentries; /* [lock] aliases */
	struct list_head sb_link;
	struct hlist_node hash;
	u64 version;
	u64 futex_id;		/* [a] names it in the keys of shared futexes; 0: not needed so far */
	union {
		struct pipe *pipe;    /* FIFO */
		struct chrdev *cdev;
		struct block_device *bdev;
		char *link;	      /* short symlink */
		void *private;
	};
	struct file_lock_context *locks; /* POSIX, OFD, flock; made on first use */
	struct notify_marks *notify;	 /* inotify watches; NULL: nobody */
	struct rcu_head rcu;
};
#define S_IMMUTABLE_FLAG 1
#define S_APPEND_FLAG	 2
#define S_DEAD_FLAG	 4 /* removed directory */
#define S_NOATIME_FLAG	 8
#define S_NOSEC_FLAG	 16 /* no suid bits, no capabilities: write need not look */
#define S_PRIVATE_FLAG	 32
#define S_NODUMP_FLAG	 64
#define S_RW_HINT_SHIFT	 24 /* 3 bits: F_SET_RW_HINT */
#define I_DIRTY	   1
#define I_FREEING  2
#define I_NEW	   4
#define I_HASHED   8
#define I_LINKABLE 16 /* O_TMPFILE without O_EXCL: linkat() may name it */

#define DNAME_INLINE 40
struct dentry {
	/* What a lookup touches, first. */
	u32 hash;		/* of name and parent */
	u32 name_len;
	struct hlist_node hash_link;
	struct dentry *parent;	/* [lock, rename_seq] itself for a root */
	const char *name;	/* inline_name or kmalloc'd, NUL-terminated, freed after RCU */
	struct inode *inode;	/* NULL: negative */
	u32 flags;		/* DCACHE_* */
	struct refcount refs;	/* may be 0 while cached */
	struct spinlock lock;	/* RANK_DENTRY */
	char inline_name[DNAME_INLINE];
	const struct dentry_ops *ops;
	struct super *sb;
	void *data;		/* the filesystem's */
	struct list_head child_link;	/* [parent->lock] */
	struct list_head children;	/* [lock] */
	struct list_head alias_link;	/* [inode->lock] */
	struct list_head lru;		/* [dcache lru lock] */
	struct rcu_head rcu;
};
#define DCACHE_MOUNTED	   1 /* something is mounted on it somewhere */
#define DCACHE_UNHASHED	   2
#define DCACHE_LRU	   4
#define DCACHE_REVALIDATE  8
#define DCACHE_NOCACHE	   16 /* drop with the last reference */
#define DCACHE_DISCONNECTED 32 /* pipe:[n], anon inodes */
#define DCACHE_REFERENCED  64 /* used since the shrinker last looked */

struct dentry_ops {
	char *(*dname)(struct dentry *d, char *buf, size_t size); /* "pipe:[123]" */
	void (*release)(struct dentry *d);
	int (*revalidate)(struct dentry *d);
	bool delete_unused; /* do not cache without references */
};

struct mount {
	struct hlist_node hash;	  /* by (parent mount, mountpoint) */
	struct mount *parent;	  /* [mount_lock] NULL: the root */
	struct dentry *mountpoint;
	struct dentry *root;
	struct super *sb;
	struct list_head children, child_link; /* [namespace] */
	struct list_head ns_link;
	struct mount_ns *ns;
	struct refcount refs;
	u32 flags;		  /* MNT_* = MS_* per-mount bits: RDONLY NOSUID NODEV NOEXEC NOATIME ... */
	u32 id;
	u32 propagation;	  /* MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE; accepted and shown */
	u32 peer_group;
	s32 writers;		  /* [a] */
	u32 expiry_mark;	  /* [a] umount2(MNT_EXPIRE) saw it unused; any use clears it */
	struct mount *copy;	  /* [namespace] its copy while a tree is being copied */
	char *source;
	struct rcu_head rcu;
};
extern struct path root_path; /* of the initial namespace */

/*
 * An open file. refs is the only field several tasks change without a lock; position under pos_lock when the
 * file is shared (file_pos_lock decides).
 */
struct file {
	const struct file_ops *ops;
	struct inode *inode;
	struct mapping *mapping;
	u32 flags;	  /* O_* as fcntl(F_GETFL) shows; [lock] for changes */
	u32 mode;	  /* FMODE_* */
	struct refcount refs;
	struct spinlock lock; /* RANK_INODE_SPIN: flags, owner, epoll links */
	loff_t pos;
	struct mutex pos_lock; /* RANK_FILE_POS */
	struct path path;
	const struct cred *cred; /* of the opener */
	void *data;	  /* the driver's or filesystem's */
	struct list_head epoll_links; /* [lock] watches of this file */
	struct fown {
		struct pid *pid;
		u32 type, uid, euid;
		int signum, fd; /* fd: what the owner knows it as, for si_fd */
	} owner;	  /* F_SETOWN, F_SETSIG */
	struct readahead {
		u64 start, size, prev;
	} ra;
	u32 wb_err;	  /* mapping->error sequence last reported */
	struct task_work work; /* release deferred; memory is type-stable, lookups check again */
};
#define FMODE_READ	1
#define FMODE_WRITE	2
#define FMODE_LSEEK	4
#define FMODE_PREAD	8
#define FMODE_PWRITE	16
#define FMODE_EXEC	32
#define FMODE_PATH	64   /* O_PATH */
#define FMODE_ATOMIC_POS 128 /* regular files and directories */
#define FMODE_STREAM	256  /* no position at all */
#define FMODE_NOWAIT	512
#define FMODE_CREATED	2048 /* this open made the file */
#define FMODE_WRITER	1024 /* counted in inode->writers / mount->writers */

/* --- files of a task (kernel/fs/fdtable.c) --- */
#define FD_MAX (1U << 20) /* sysctl fs.nr_open */
struct fdtable {
	u32 max;
	struct file **fd;	   /* RCU */
	unsigned long *open, *cloexec;
	struct rcu_head rcu;
};
struct files {
	struct refcount users;
	struct spinlock lock;	   /* RANK_FILES: for changes */
	struct fdtable *table;	   /* RCU */
	struct fdtable initial;
	u32 next_free;		   /* hint: none free below */
	struct file *initial_fd[64];
	unsigned long initial_open[1], initial_cloexec[1];
};
/* fd_get/fd_put: a file for the length of a system call. No reference is taken when the table is this task's alone. */
struct fd {
	struct file *file;
	u64 held; /* what fd_put() gives back */
};
#define FD_REF	    1 /* a reference was taken */
#define FD_POS_LOCK 2 /* pos_lock held */
struct fd fd_get_shared(int fd);    /* of a table others may change */
struct fd fd_lock_pos(struct fd f);
void fd_put_shared(struct fd f);
static __always_inline struct fd fd_get_any(int fd) /* O_PATH files as well */
{
	const struct files *files = current->files;
	const struct fdtable *t;

	if (unlikely(refcount_read(&files->users) != 1))
		return fd_get_shared(fd);
	t = files->table;
	return (struct fd){ .file = likely((u32)fd < t->max) ? t->fd[fd] : NULL };
}
static __always_inline void fd_put(struct fd f)
{
	if (unlikely(f.held))
		fd_put_shared(f);
}
static __always_inline struct fd fd_get(int fd) /* file NULL: -EBADF. O_PATH files too count as bad */
{
	struct fd f = fd_get_any(fd);

	if (f.file && unlikely(f.file->mode & FMODE_PATH)) {
		fd_put(f);
		f.file = NULL;
	}
	return f;
}
static __always_inline struct fd fd_get_pos(int fd) /* and locks the position when it is shared */
{
	struct fd f = fd_get(fd);

	/* Somebody else can only be at the position through another reference or a shared table. */
	if (f.file && (f.file->mode & FMODE_ATOMIC_POS) && unlikely(f.held || refcount_read(&f.file->refs) > 1))
		return fd_lock_pos(f);
	return f;
}
struct file *file_get_fd(int fd);   /* a real reference, NULL: bad; no O_PATH */
struct file *file_get_task_fd(struct task *t, u32 fd, u32 *next); /* of another task (/proc); at or after fd when next */
int fd_alloc(u32 min, u32 flags);   /* O_CLOEXEC; reserves a number: fd, -EMFILE, -ENOMEM */
void fd_install(int fd, struct file *file); /* consumes the reference */
void fd_release(int fd);	    /* gives back a number not installed */
int fd_close(u32 fd);		    /* 0, -EBADF, or flush's error */
int fd_replace(u32 fd, struct file *file, u32 flags); /* dup2 */
struct files *files_create(void);
struct files *files_fork(struct files *old); /* ERR_PTR(-ENOMEM) */
void files_put(struct files *f);
int files_unshare(void);
void files_close_on_exec(struct files *f);

/* FIFOs, and F_SETPIPE_SZ / F_GETPIPE_SZ (kernel/fs/pipe.c): -EBADF when f is no pipe. */
extern const struct file_ops fifo_fops;
long pipe_fcntl(struct file *f, u32 cmd, unsigned long arg);
static inline struct file *file_get(struct file *f) { refcount_get(&f->refs); return f; }
void file_put(struct file *f);	    /* any process context; the last one runs release via task work */
void file_put_sync(struct file *f); /* runs release now */
/* A file with no name in any directory (pipe, eventfd ...). flags: O_*; name for /proc: "[eventfd]". ERR_PTR. */
struct file *anon_file(const char *name, const struct file_ops *ops, void *data, u32 flags);
int anon_fd(const char *name, const struct file_ops *ops, void *data, u32 flags); /* the same, installed: fd or -errno */
struct inode *anon_inode_new(umode_t mode); /* a fresh inode of the anonymous filesystem: pipes, sockets */
/* A file on a fresh anonymous inode; dname as "pipe:[ino]" by prefix. Consumes the inode reference on success. ERR_PTR. */
struct file *inode_file(struct inode *inode, const char *prefix, const struct file_ops *ops, u32 flags);

/* --- paths and lookup (kernel/fs/namei.c) --- */
#define LOOKUP_FOLLOW	 1
#define LOOKUP_DIRECTORY 2
#define LOOKUP_EMPTY	 4   /* AT_EMPTY_PATH */
#define LOOKUP_NO_XDEV	 8   /* openat2 RESOLVE_* */
#define LOOKUP_NO_MAGICLINKS 16
#define LOOKUP_NO_SYMLINKS 32
#define LOOKUP_BENEATH	 64
#define LOOKUP_IN_ROOT	 128
#define LOOKUP_CACHED	 256
#define LOOKUP_PARENT	 512
#define LOOKUP_NO_AUTOMOUNT 1024
#define LOOKUP_CREATE	 2048
#define LOOKUP_EXCL	 4096
#define LOOKUP_RENAME	 8192
/* User path string in a buffer: ERR_PTR(-EFAULT, -ENAMETOOLONG, -ENOENT (empty, unless allowed), -ENOMEM). */
struct filename { char *name; u32 len; char inline_buf[4096 - 16]; };
struct filename *getname(const char __user *path, bool empty_ok);
struct filename *getname_kernel(const char *path);
void putname(struct filename *fn); /* ERR_PTR is fine */
int user_path_at(int dfd, const char __user *path, u32 lookup, struct path *out);
int path_lookup_at(int dfd, const char *path, u32 lookup, struct path *out);
int kern_path(const char *path, u32 lookup, struct path *out); /* from the task's root and cwd */
static inline void path_get(const struct path *p);
void path_put(const struct path *p);
struct file *file_open(const char *path, u32 flags, umode_t mode);  /* ERR_PTR */
struct file *file_open_path(const struct path *path, u32 flags, const struct cred *cred);
struct file *do_open_at(int dfd, const char *path, u32 flags, umode_t mode, u32 lookup);
struct file *open_exec(int dfd, const char *path, u32 lookup); /* regular, executable, not noexec; deny-write taken */
ssize_t kernel_read(struct file *f, void *buf, size_t n, loff_t *pos);
ssize_t kernel_write(struct file *f, const void *buf, size_t n, loff_t *pos);
/* Name as seen from `root` ("(unreachable)/..." else, " (deleted)" appended): points into buf. ERR_PTR(-ENAMETOOLONG). */
char *path_name(const struct path *path, const struct path *root, char *buf, size_t size);
char *file_path_name(struct file *f, char *buf, size_t size); /* from the task's root */
void file_cache_init(void);
void files_count(u64 *open, u64 *max); /* /proc/sys/fs/file-nr */
extern u64 sysctl_file_max;
extern u32 sysctl_nr_open, sysctl_mount_max, sysctl_protected_symlinks, sysctl_protected_hardlinks,
	sysctl_protected_fifos, sysctl_protected_regular;
/* In-kernel forms of the calls; paths from the task's root and cwd. 0 or -errno. */
int vfs_mkdir_path(const char *path, umode_t mode);
int vfs_mknod_path(const char *path, umode_t mode, dev_t dev);
int vfs_symlink_path(const char *target, const char *path);
int vfs_link_path(const char *old, const char *path);
int vfs_unlink_path(const char *path);
int vfs_chown_path(const char *path, u32 uid, u32 gid, bool follow);
int vfs_chmod_path(const char *path, umode_t mode);
int vfs_utimes_path(const char *path, ktime_t atime, ktime_t mtime);
int vfs_mount(const char *source, const char *target, const char *type, u64 flags, const char *data);
int vfs_setattr(struct dentry *d, struct iattr *attr);
int vfs_getattr(const struct path *p, struct kstat *st, u32 mask, u32 flags);
int vfs_truncate(struct dentry *d, loff_t size, struct file *file);
int vfs_fsync(struct file *f, loff_t start, loff_t end, bool datasync);
void sync_all(void);

/* --- dentries and inodes (kernel/fs/dcache.c, inode.c) --- */
struct dentry *dentry_alloc(struct dentry *parent, const char *name, u32 len); /* unhashed; refs 1 */
struct dentry *dentry_root(struct inode *inode); /* consumes the inode */
void dentry_attach(struct dentry *d, struct inode *inode); /* gives it its inode (consumed; NULL: negative) and hashes it */
void dentry_get(struct dentry *d);
void dentry_put(struct dentry *d);
void dentry_attach_unhashed(struct dentry *d, struct inode *inode); /* no lookup finds it: O_TMPFILE, pipes */
void dentry_drop(struct dentry *d);   /* unhash: no lookup finds it again */
void dentry_delete(struct dentry *d); /* after unlink/rmdir: negative or unhashed */
void dentry_move(struct dentry *d, struct dentry *new_place, bool exchange);
struct dentry *dentry_lookup(struct dentry *parent, const char *name, u32 len); /* cached, referenced; NULL */
/* Unused cached dentries are taken too: false only when it is being freed. */
bool __must_check dentry_tryget(struct dentry *d);
struct dentry *dentry_parent(struct dentry *d); /* referenced */
u32 dentry_hash_name(const struct dentry *parent, const char *name, u32 len);
/* Frees a whole tree whose dentries the filesystem pinned with one reference each (tmpfs, devfs): super teardown. */
void dentry_unpin_tree(struct dentry *root);
bool dentry_has_children(struct dentry *d); /* with an inode and still hashed. inode->rwsem held */
void dcache_stat(s64 *dentries, s64 *unused, s64 *negative);
void dcache_init(void);
void dcache_shrink_super(struct super *sb);
static inline void path_get(const struct path *p)
{
	refcount_get(&p->mnt->refs);
	dentry_get(p->dentry);
}
struct inode *inode_new(struct super *sb);  /* refs 1, next number, times now; NULL: no memory */
void inode_get(struct inode *i);
void inode_put(struct inode *i);
/* Owner, group and mode for a new inode in dir (setgid directories, umask applied by the caller). */
void inode_init_owner(struct inode *i, const struct inode *dir, umode_t mode);
struct inode *inode_find(struct super *sb, u64 ino, bool create); /* hashed inodes; I_NEW set when just made */
void inode_unlock_new(struct inode *i);
static inline void inode_touch_ctime(struct inode *i)
{
	extern ktime_t ktime_get_coarse_real(void);

	i->ctime = ktime_get_coarse_real();
}
void file_accessed(struct file *f);	    /* atime by relatime rules */
int file_update_mtime(struct file *f);	    /* before a write: mtime, ctime, setuid bits */
void inode_init_special(struct inode *i, umode_t mode, dev_t rdev); /* fops of device nodes, FIFOs, sockets */
u64 next_ino(void);
#define MAY_EXEC  1
#define MAY_WRITE 2
#define MAY_READ  4
#define MAY_APPEND 8
int inode_permission(struct inode *inode, int mask);
int generic_permission(struct inode *inode, int mask);
bool inode_owner_or_capable(const struct inode *inode);
int setattr_check(struct dentry *d, struct iattr *attr); /* permission rules of chmod, chown, utimes */
void setattr_copy(struct inode *i, const struct iattr *attr);
int inode_deny_write(struct inode *i);	    /* exec: -ETXTBSY when somebody writes */
void inode_allow_write(struct inode *i);

/* Generic file_ops members. */
loff_t generic_llseek(struct file *f, loff_t off, int whence);	  /* to inode->size */
loff_t noop_llseek(struct file *f, loff_t off, int whence);
loff_t fixed_llseek(struct file *f, loff_t off, int whence, loff_t size);
int nonseekable_open(struct inode *inode, struct file *f);
int stream_open(struct inode *inode, struct file *f); /* no position at all: pipes, sockets, terminals */
const char *simple_get_link(struct inode *inode, void **cookie); /* inode->link, as long as the inode lives */
extern const struct inode_ops simple_symlink_ops;
/* SIGIO (or F_SETSIG's) to the file's owner when O_ASYNC is on; band: POLL_IN ... */
void file_send_sigio(struct file *f, int band);
/* FS_IOC_GETFLAGS and FS_IOC_SETFLAGS on inode->flags, for filesystems that keep them. -ENOIOCTLCMD: another command */
long inode_flags_ioctl(struct file *f, u32 cmd, unsigned long arg);
int noop_fsync(struct file *f, loff_t start, loff_t end, bool datasync); /* nothing to write back */
/* An unlinked tmpfs file: MAP_SHARED | MAP_ANONYMOUS memory, memfd, SysV shm. Shown as "/name (deleted)". ERR_PTR */
struct file *shmem_file_create(const char *name, loff_t size, u64 vm_flags);
int generic_statfs(struct dentry *d, struct kstatfs *st);

/* Supers and mounts (kernel/fs/super.c, mount.c) */
struct super *super_alloc(struct fs_type *type, u64 flags); /* refs 1, anonymous device number */
void super_put(struct super *sb);
struct mount *mount_kernel(struct fs_type *type, const char *data); /* not in any tree: anonymous filesystems. ERR_PTR */
struct fs_type *fs_type_find(const char *name);
void fs_show_types(struct seq_file *m);	    /* /proc/filesystems */
void mount_show(struct seq_file *m, struct task *t, u32 kind); /* 0 mounts, 1 mountinfo, 2 mountstats */
static inline void mount_get(struct mount *m) { refcount_get(&m->refs); }
void mount_put(struct mount *m);
int mount_want_write(struct mount *m);	    /* 0, -EROFS */
void mount_drop_write(struct mount *m);
void vfs_init(void);			    /* root tmpfs mounted; init_task's fs set */
u32 mount_events(void);			    /* poll on /proc/mounts */
struct wait_queue *mount_wait(void);

/* cwd, root, umask of a task. */
struct fs {
	struct refcount users;
	struct spinlock lock; /* RANK_FS */
	struct path root, pwd;
	u32 umask;
	bool in_exec;
};
struct fs *fs_fork(struct fs *old); /* NULL */
void fs_put(struct fs *fs);
void fs_get_root(struct fs *fs, struct path *out);
void fs_get_pwd(struct fs *fs, struct path *out);

/* initramfs (kernel/fs/initramfs.c): unpacks cpio newc archives into the root. NULL or what is wrong, in words. */
const char *initramfs_unpack(const void *data, size_t size);

/* File locks (kernel/fs/locks.c) */
void locks_close(struct file *f, struct files *owner); /* close: POSIX locks of the owner */
void locks_release(struct file *f);		       /* last reference: OFD and flock */
void locks_show(struct seq_file *m);
int fcntl_setlk(struct file *f, int cmd, void __user *flock);
int fcntl_getlk(struct file *f, int cmd, void __user *flock);

/* inotify (kernel/fs/inotify.c). Cheap when nobody watches. mask IN_*; name for events in a directory. */
void notify_event_slow(struct inode *inode, u32 mask, const char *name, u32 cookie);
static inline void notify_inode(struct inode *inode, u32 mask, const char *name, u32 cookie)
{
	if (unlikely(READ_ONCE(inode->notify)))
		notify_event_slow(inode, mask, name, cookie);
}
/* An event on a dentry's inode and, with its name, on its parent directory. */
void notify_dentry(struct dentry *d, u32 mask);
extern s32 notify_watches; /* [a] watches in the system: inotify.c counts, inode.c defines */
static inline void notify_file(struct file *f, u32 mask)
{
	if (unlikely(READ_ONCE(notify_watches)))
		notify_dentry(f->path.dentry, mask);
}
void notify_inode_gone(struct inode *inode); /* IN_DELETE_SELF, IN_IGNORED */

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of kernel/fs/ share among themselves: the walk, the dentry hash, the mount tree, open files.
 */
#ifndef FS_INTERNAL_H
#define FS_INTERNAL_H

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/rcu.h>
#include <kernel/spinlock.h>
#include <kernel/uio.h>
#include <linux/mount.h>

#define S_IRWXUGO (S_IRWXU | S_IRWXG | S_IRWXO)
#define S_IALLUGO (S_ISUID | S_ISGID | S_ISVTX | S_IRWXUGO)
#define S_IXUGO	  (S_IXUSR | S_IXGRP | S_IXOTH)
#define MAX_RW_COUNT (0x7fffffffUL & PAGE_MASK)

/* --- dcache.c --- */
extern struct seqcount rename_seq; /* changes whenever a dentry moves */
extern u32 dcache_seed;

static inline u32 dname_hash_begin(const struct dentry *parent) { return (u32)((u64)parent >> 4) ^ dcache_seed; }
static inline u32 dname_hash_add(u32 h, u8 c) { return (h ^ c) * 0x01000193U; }
static inline u32 dname_hash_end(u32 h) { return h ^ (h >> 15); }
/* Under RCU, no reference taken; NULL. The caller checks rename_seq before it believes a miss. */
struct dentry *dcache_find(const struct dentry *parent, const char *name, u32 len, u32 hash);
/* As dentry_lookup with the hash known. */
struct dentry *dcache_get(struct dentry *parent, const char *name, u32 len, u32 hash);
void dentry_prune_children(struct dentry *d); /* forgets cached unused names of a directory */
struct dentry *dentry_pseudo(struct super *sb, const char *name, const struct dentry_ops *ops); /* in no directory */
static inline bool dentry_is_root(const struct dentry *d) { return d->parent == d; }
static inline bool dentry_unlinked(const struct dentry *d)
{
	return (READ_ONCE(d->flags) & DCACHE_UNHASHED) && !dentry_is_root(d);
}

/* --- mount.c --- */
extern struct seqcount mount_seq; /* changes whenever a mount comes, goes or moves */
extern struct rwsem namespace_sem; /* RANK_MOUNT: the tree, for those who sleep */
/* What is mounted at (mnt, d): under RCU, no reference. NULL. */
struct mount *mount_at(const struct mount *mnt, const struct dentry *d);
struct mount *mount_get_at(const struct mount *mnt, const struct dentry *d); /* the same, referenced */
void path_cross_mounts(struct path *p); /* referenced path: down to what is mounted on top */
void mount_init(void);
void mount_root(struct fs_type *type);	/* boot: the first mount of the namespace */

/* --- super.c --- */
void fs_types_init(void);
/* A super of this type, referenced, its root made: a new one or, for FS_SINGLE, the one there is. */
int super_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out);

/* --- dpath.c --- */
/* Writes p as seen from root to the end of buf; *reached says whether root was met. ERR_PTR(-ENAMETOOLONG). */
char *path_write(const struct path *p, const struct path *root, char *buf, size_t size, bool *reached);
char *dentry_write(struct dentry *d, char *buf, size_t size); /* from its filesystem's root */
bool dentry_is_under(struct dentry *d, const struct dentry *ancestor); /* or the same */

/* --- inode.c --- */
void inode_cache_init(void);
void touch_atime(const struct path *p);
bool atime_needs_update(const struct mount *m, const struct inode *inode);
int inode_get_write(struct inode *i); /* -ETXTBSY */
void inode_put_write(struct inode *i);
int inode_remove_privs(struct dentry *d); /* setuid, setgid and capabilities go at a write */

/* --- permission.c --- */
bool sticky_forbids(const struct inode *dir, const struct inode *inode);
int may_delete(struct inode *dir, struct dentry *victim, bool want_dir);
int may_create(struct inode *dir);

/* --- walk.c --- */
struct walk_link {
	struct inode *inode; /* referenced; NULL when the walk was under RCU */
	void *cookie;
	const char *rest;    /* what follows the link in its own path */
};
#define WALK_LINKS_INLINE 2

/*
 * One resolution of a path. Under RCU (rcu true) nothing is referenced and every doubt ends in -ECHILD, upon which
 * the whole walk starts again with references. path is where it stands; inode that dentry's.
 */
struct walk {
	struct path path, root;
	struct inode *inode;
	u32 flags; /* LOOKUP_* */
	u32 rename_seq, mount_seq;
	bool rcu, root_set;
	bool is_last;	  /* the component at hand is the path's last one */
	bool slash;	  /* and a slash follows it */
	enum walk_last { LAST_NORM, LAST_DOT, LAST_DOTDOT, LAST_ROOT } last_type;
	u32 depth;	  /* links in stack */
	u32 pending;	  /* of which with something to do after them */
	u32 total_links;
	const char *rest; /* of the path still to do */
	const char *last; /* the component at hand; not terminated */
	u32 last_len, last_hash;
	struct walk_link *stack;
	struct walk_link stack_inline[WALK_LINKS_INLINE];
};

/* Resolves a path; with LOOKUP_PARENT all but its last name, which is then in w->last (last_type says what it is). On
 * success w->path is referenced and the caller ends with walk_end(). */
int walk_path(struct walk *w, int dfd, const char *name, u32 flags);
void walk_end(struct walk *w);
/* Walks on from where walk_path(LOOKUP_PARENT) stopped, references held. */
int walk_rest(struct walk *w);
/* d, found in the directory w stands in, is a link: makes its target the path to do. Consumes d. */
int walk_follow(struct walk *w, struct dentry *d);
/* Looks a name up in a directory whose rwsem is held for writing: cache, then filesystem. ERR_PTR. */
struct dentry *lookup_locked(struct dentry *parent, const char *name, u32 len, u32 hash, u32 flags);

/* --- namei.c --- */
/* A user's path, short ones without an allocation. */
struct name_buf {
	char *name, *heap;
	u32 len;
	char small[168];
};
int name_get(struct name_buf *nb, const char __user *path, bool empty_ok);
void name_free(struct name_buf *nb);
static inline void name_put(struct name_buf *nb)
{
	if (unlikely(nb->heap))
		name_free(nb);
}
void names_init(void);

/* For mkdir, mknod, link, symlink: parent referenced and locked, write access to the mount taken, the negative dentry
 * returned. -EEXIST when the name is there. name_create_end() undoes all. flags: LOOKUP_DIRECTORY for mkdir. */
struct dentry *name_create_begin(int dfd, const char *name, u32 flags, struct path *parent);
void name_create_end(struct path *parent, struct dentry *d);

/* --- fs_struct.c --- */
/* pivot_root: everybody whose root or cwd was old_root gets new_root. */
void fs_replace_root(const struct path *old_root, const struct path *new_root);
/* Copies fs->root or fs->pwd without a reference: under RCU. */
static inline void fs_peek(struct fs *fs, const struct path *which, struct path *out)
{
	if (likely(refcount_read(&fs->users) == 1)) {
		*out = *which;
		return;
	}
	spin_lock(&fs->lock);
	*out = *which;
	spin_unlock(&fs->lock);
}

/* --- open.c, file.c --- */
struct file *file_alloc(u32 flags, const struct cred *cred); /* ERR_PTR(-ENFILE, -ENOMEM) */
void file_free(struct file *f);				     /* one that was never opened */
int file_open_at(struct file *f, const struct path *path);   /* takes references of its own; f->flags say how */
int may_open(const struct path *path, int acc, u32 flags);
int file_close(struct file *f, struct files *owner); /* one descriptor's worth: flush, locks, reference */
int fd_cloexec(u32 fd); /* FD_CLOEXEC or 0 */
void fd_set_cloexec(u32 fd, bool on);
int fd_dup_at(struct file *f, u32 min, u32 flags); /* F_DUPFD: -EINVAL past the limit */
int file_set_flags(int fd, struct file *f, u32 flags); /* F_SETFL */
void files_init(void);
void anon_init(void);

/* --- dir.c, rename.c: on dentries, parent locked --- */
int vfs_create(struct inode *dir, struct dentry *d, umode_t mode, bool excl);
int vfs_mkdir(struct inode *dir, struct dentry *d, umode_t mode);
int vfs_mknod(struct inode *dir, struct dentry *d, umode_t mode, dev_t dev);
int vfs_unlink(struct inode *dir, struct dentry *d);
int vfs_rmdir(struct inode *dir, struct dentry *d);

/* --- xattr.c --- */
ssize_t vfs_getxattr(struct dentry *d, const char *name, void *buf, size_t size);

/* --- tmpfs/shmem.c --- */
long shmem_seals(struct file *f, u32 cmd, unsigned long arg); /* F_ADD_SEALS, F_GET_SEALS */

#endif

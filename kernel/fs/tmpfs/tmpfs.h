/* SPDX-License-Identifier: MIT */
/*
 * tmpfs: what its files share.
 */
#ifndef TMPFS_H
#define TMPFS_H

#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/mutex.h>
#include <kernel/xarray.h>

#define TMPFS_DIRENT_SIZE 20 /* what an entry adds to a directory's st_size */

struct tmpfs_super {
	u64 max_pages, max_inodes;   /* [a] 0: no limit */
	u64 used_pages, used_inodes; /* [a] */
	u32 mode, uid, gid;	     /* of the root, as mounted */
};

/* Directories: entries maps a position (getdents' d_off) to its dentry, which has the position in ->data. Each entry holds
 * one reference on its dentry, so that what is in the directory is always in the dentry cache. */
struct tmpfs_inode {
	struct inode inode;
	struct xarray entries;	 /* [inode.rwsem] directories */
	u64 next_pos;		 /* [inode.rwsem] */
	struct list_head xattrs; /* [inode.rwsem] */
	u64 xattr_bytes;	 /* [inode.rwsem] */
	u32 seals;		 /* [seal_sem; read without where it only grows] F_SEAL_* */
	struct rwsem seal_sem;	 /* RANK_SEALS: writers of a memfd against F_ADD_SEALS */
};

static inline struct tmpfs_inode *tmpfs_of(const struct inode *i) { return container_of(i, struct tmpfs_inode, inode); }
static inline struct tmpfs_super *tmpfs_super_of(const struct super *sb) { return sb->data; }

/* A new inode of any type with its operations set, nlink 1 (2 for a directory). dir NULL: none. ERR_PTR(-ENOSPC, -ENOMEM) */
struct inode *tmpfs_inode_new(struct super *sb, const struct inode *dir, umode_t mode, dev_t dev);
int tmpfs_charge_pages(struct super *sb, s64 pages); /* 0, -ENOSPC; negative always succeeds */
int tmpfs_charge_inode(struct super *sb);	     /* one more name */
void tmpfs_uncharge_inode(struct super *sb);
int tmpfs_setattr(struct dentry *d, struct iattr *attr);
long tmpfs_fallocate(struct file *f, int mode, loff_t offset, loff_t len);
loff_t tmpfs_llseek(struct file *f, loff_t off, int whence);
int tmpfs_open(struct inode *inode, struct file *f);

extern const struct inode_ops tmpfs_dir_iops, tmpfs_file_iops, tmpfs_symlink_iops, tmpfs_special_iops;
extern const struct file_ops tmpfs_dir_fops, tmpfs_file_fops;
void shmem_init(void);
extern struct fs_type tmpfs_type, rootfs_type; /* rootfs: mounted once, by vfs_init() */

ssize_t tmpfs_listxattr(struct dentry *d, char *buf, size_t size);
ssize_t tmpfs_getxattr(struct inode *i, const char *name, void *buf, size_t size);
int tmpfs_setxattr(struct inode *i, const char *name, const void *value, size_t size, int flags);
int tmpfs_removexattr(struct inode *i, const char *name);
void tmpfs_xattrs_free(struct inode *i);

#endif

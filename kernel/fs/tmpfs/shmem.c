/* SPDX-License-Identifier: MIT */
/*
 * Memory as a file: shared anonymous mappings, memfd_create(2) and its seals. The files are unlinked from the start and
 * live in a tmpfs mounted nowhere.
 *
 * Seals: a bit that is set never goes, so who looks at them under the lock that orders his change against F_ADD_SEALS
 * may rely on them: sizes under inode->rwsem, writes under seal_sem, writable mappings through mapping->writable_shared.
 */
#include "tmpfs.h"

#include "../internal.h"

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/vm.h>
#include <linux/magic.h>
#include <linux/memfd.h>

#define SEALS_ALL (F_SEAL_SEAL | F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
#define MEMFD_PREFIX "memfd:"
#define MEMFD_NAME_MAX (NAME_MAX_LEN - (sizeof(MEMFD_PREFIX) - 1))

static struct mount *shm_mnt __ro_after_init;

/* "/memfd:name (deleted)" */
static char *shmem_dname(struct dentry *d, char *buf, size_t size)
{
	int n = scnprintf(buf, size, "/%s (deleted)", d->name);

	return (size_t)n + 1 < size ? buf : ERR_PTR(-ENAMETOOLONG);
}

static const struct dentry_ops shmem_dentry_ops = { .dname = shmem_dname, .delete_unused = true };

static struct inode *shmem_inode(struct super *sb, loff_t size)
{
	struct inode *i = tmpfs_inode_new(sb, NULL, S_IFREG | S_IRWXUGO, 0);

	if (IS_ERR(i))
		return i;
	i->nlink = 0;
	i->size = size;
	return i;
}

static struct file *shmem_file_with(const char *name, loff_t size, const struct file_ops *ops)
{
	struct mount *m = shm_mnt;
	struct inode *i;
	struct dentry *d;
	struct file *f;

	if (size < 0)
		return ERR_PTR(-EINVAL);
	i = shmem_inode(m->sb, size);
	if (IS_ERR(i))
		return ERR_CAST(i);
	d = dentry_pseudo(m->sb, name, &shmem_dentry_ops);
	if (!d) {
		inode_put(i);
		return ERR_PTR(-ENOMEM);
	}
	dentry_attach_unhashed(d, i);
	f = file_alloc(O_RDWR | O_LARGEFILE, current_cred());
	if (IS_ERR(f)) {
		dentry_put(d);
		return f;
	}
	mount_get(m);
	f->path = (struct path){ m, d };
	f->inode = i;
	f->mapping = i->mapping;
	f->ops = ops;
	f->mode = FMODE_READ | FMODE_WRITE | FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS | FMODE_NOWAIT;
	return f;
}

struct file *shmem_file_create(const char *name, loff_t size, u64 vm_flags)
{
	(void)vm_flags;
	return shmem_file_with(name, size, &tmpfs_file_fops);
}

/* --- memfds --- */

static ssize_t memfd_write_sealed(struct file *f, struct uio *u, loff_t *pos)
{
	struct inode *i = f->inode;
	u32 seals = tmpfs_of(i)->seals;
	loff_t at = f->flags & O_APPEND ? i->size : *pos;

	if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	if ((seals & F_SEAL_GROW) && (u64)at + u->left > (u64)i->size) {
		/* Whole pages before the end are still written. */
		u64 end = (u64)i->size & PAGE_MASK, beyond;
		ssize_t n;

		if ((u64)at >= end)
			return -EPERM;
		beyond = u->left - (end - (u64)at);
		u->left = end - (u64)at;
		n = pagecache_file_write(f, u, pos);
		u->left += beyond;
		return n;
	}
	return pagecache_file_write(f, u, pos);
}

static ssize_t memfd_write(struct file *f, struct uio *u, loff_t *pos)
{
	struct tmpfs_inode *ti = tmpfs_of(f->inode);
	ssize_t n;

	down_read(&ti->seal_sem);
	n = memfd_write_sealed(f, u, pos);
	up_read(&ti->seal_sem);
	return n;
}

static int memfd_mmap(struct file *f, struct vma *vma)
{
	if ((tmpfs_of(f->inode)->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) && (vma->flags & VM_SHARED)) {
		if (vma->flags & VM_WRITE)
			return -EPERM;
		vma->flags &= ~(u64)VM_MAYWRITE;
	}
	return pagecache_file_mmap(f, vma);
}

/* For memfds that may be sealed; the others are plain tmpfs files. */
static const struct file_ops memfd_fops = {
	.open = tmpfs_open,
	.read = pagecache_file_read,
	.write = memfd_write,
	.llseek = tmpfs_llseek,
	.mmap = memfd_mmap,
	.fsync = noop_fsync,
	.fallocate = tmpfs_fallocate,
	.ioctl = inode_flags_ioctl,
};

static int deny_writable_mappings(struct mapping *m)
{
	return atomic_cmpxchg(&m->writable_shared, 0, -1) ? 0 : -EBUSY;
}

/* seal_sem and inode->rwsem held for writing. */
static int add_seals_locked(struct inode *i, u32 seals)
{
	struct tmpfs_inode *ti = tmpfs_of(i);
	int rc;

	if (ti->seals & F_SEAL_SEAL)
		return -EPERM;
	if ((seals & F_SEAL_EXEC) && (i->mode & S_IXUGO))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
	if ((seals & F_SEAL_WRITE) && !(ti->seals & F_SEAL_WRITE)) {
		rc = deny_writable_mappings(i->mapping);
		if (rc)
			return rc;
	}
	WRITE_ONCE(ti->seals, ti->seals | seals);
	return 0;
}

static long add_seals(struct file *f, u32 seals)
{
	struct tmpfs_inode *ti = tmpfs_of(f->inode);
	int rc;

	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~(u32)SEALS_ALL)
		return -EINVAL;
	down_write(&ti->seal_sem);
	down_write(&f->inode->rwsem);
	rc = add_seals_locked(f->inode, seals);
	up_write(&f->inode->rwsem);
	up_write(&ti->seal_sem);
	return rc;
}

long shmem_seals(struct file *f, u32 cmd, unsigned long arg)
{
	if (f->inode->ops != &tmpfs_file_iops || (f->mode & FMODE_PATH))
		return -EINVAL;
	if (cmd == F_GET_SEALS)
		return tmpfs_of(f->inode)->seals;
	return arg >> 32 ? -EINVAL : add_seals(f, (u32)arg);
}

static struct file *memfd_make(const char *name, u32 flags)
{
	bool sealable = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	struct file *f = shmem_file_with(name, 0, sealable ? &memfd_fops : &tmpfs_file_fops);
	struct tmpfs_inode *ti;

	if (IS_ERR(f))
		return f;
	ti = tmpfs_of(f->inode);
	if (sealable) {
		f->inode->fops = &memfd_fops; /* opened again through /proc */
		ti->seals = 0;
	}
	if (flags & MFD_NOEXEC_SEAL) {
		f->inode->mode &= ~(u32)S_IXUGO;
		ti->seals = F_SEAL_EXEC;
	}
	return f;
}

static long memfd_install(const char *name, u32 flags)
{
	int fd = fd_alloc(0, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
	struct file *f;

	if (fd < 0)
		return fd;
	f = memfd_make(name, flags);
	if (IS_ERR(f)) {
		fd_release(fd);
		return PTR_ERR(f);
	}
	fd_install(fd, f);
	return fd;
}

long sys_memfd_create(const char __user *uname, unsigned int flags)
{
	const size_t prefix = sizeof(MEMFD_PREFIX) - 1;
	char name[NAME_MAX_LEN + 1] = MEMFD_PREFIX;
	s64 n;

	/* Huge pages are nothing this memory is made of. */
	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	n = strncpy_from_user(name + prefix, uname, MEMFD_NAME_MAX + 1);
	if (n < 0)
		return n;
	if ((u64)n > MEMFD_NAME_MAX)
		return -EINVAL;
	return memfd_install(name, flags);
}

void shmem_init(void)
{
	shm_mnt = mount_kernel(&tmpfs_type, NULL);
	if (IS_ERR(shm_mnt))
		panic("shmem: no memory");
}

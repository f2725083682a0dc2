/* SPDX-License-Identifier: MIT */
/*
 * The VFS starts: caches, the filesystems that registered, an empty tmpfs as root, and where the first task stands in it.
 */
#include "internal.h"
#include "tmpfs/tmpfs.h"

#include <kernel/init.h>
#include <kernel/sched.h>

static struct fs init_fs = {
	.users = REFCOUNT_INIT(1),
	.lock = SPINLOCK_INIT(RANK_FS),
	.umask = S_IWGRP | S_IWOTH,
};

void vfs_init(void)
{
	names_init();
	dcache_init();
	inode_cache_init();
	file_cache_init();
	files_init();
	mount_init();
	fs_types_init();
	anon_init();
	shmem_init();
	mount_root(&rootfs_type);
	path_get(&root_path);
	init_fs.root = root_path;
	path_get(&root_path);
	init_fs.pwd = root_path;
	init_task.fs = &init_fs;
}

/* SPDX-License-Identifier: MIT */
/*
 * The table of device nodes as devfs and sysfs see it: a list that only grows. An entry stays where it is for ever; its
 * device comes and goes (present).
 */
#ifndef KERNEL_DEV_DEVNODE_H
#define KERNEL_DEV_DEVNODE_H

#include <kernel/types.h>

struct devnode {
	struct devnode *next;	/* [release] */
	const char *name;	/* from the root of /dev; may have slashes */
	const char *class_name; /* NULL: not in sysfs */
	umode_t mode;		/* with S_IFCHR or S_IFBLK */
	dev_t dev;
	u32 index;		/* in the list */
	bool present;		/* [release] */
	/* What devfs has made of it. [devfs_lock] */
	bool made;
	umode_t made_mode;
	dev_t made_dev;
};

struct devnode *devnode_first(void);
static inline struct devnode *devnode_next(const struct devnode *n) { return __atomic_load_n(&n->next, __ATOMIC_ACQUIRE); }
static inline bool devnode_present(const struct devnode *n) { return __atomic_load_n(&n->present, __ATOMIC_ACQUIRE); }

/* Brings the tree of /dev up to date with the table: kernel/fs/devfs/devfs.c. May sleep. */
void devfs_update(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The table of device nodes: what the kernel shows in /dev (devfs) and, by class, in /sys.
 *
 * An entry is made when a name is first added and never goes; removing only marks it, adding the name again revives it. So
 * readers need no lock: they follow the list, and a name once seen stays readable.
 *
 * Locks: devnode_lock (RANK_MUTEX) one change at a time.
 */
#include "devnode.h"

#include <kernel/chrdev.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/string.h>

static DEFINE_MUTEX(devnode_lock, RANK_MUTEX);
static struct devnode *devnodes;	   /* [devnode_lock for changes] */
static struct devnode **tail = &devnodes; /* [devnode_lock] */
static u32 count;			   /* [devnode_lock] entries made */
static u32 generation;			   /* [a] changes so far */

struct devnode *devnode_first(void) { return __atomic_load_n(&devnodes, __ATOMIC_ACQUIRE); }

static struct devnode *find(const char *name)
{
	struct devnode *n = devnode_first();

	while (n && strcmp(n->name, name) != 0)
		n = devnode_next(n);
	return n;
}

/* devnode_lock held. */
static struct devnode *append(const char *name)
{
	struct devnode *n = kzalloc(sizeof(*n), GFP_KERNEL);

	if (!n)
		return NULL;
	n->name = kstrdup(name);
	if (!n->name) {
		kfree(n);
		return NULL;
	}
	n->index = count++;
	__atomic_store_n(tail, n, __ATOMIC_RELEASE);
	tail = &n->next;
	return n;
}

/* devnode_lock held. */
static int add_locked(const char *name, umode_t mode, dev_t dev, const char *class_name)
{
	struct devnode *n = find(name);

	if (n && n->present)
		return -EEXIST;
	if (!n)
		n = append(name);
	if (!n)
		return -ENOMEM;
	n->mode = mode;
	n->dev = dev;
	n->class_name = class_name;
	__atomic_store_n(&n->present, true, __ATOMIC_RELEASE);
	return 0;
}

int devnode_add(const char *name, umode_t mode, dev_t dev, const char *class_name)
{
	int rc;

	if (!(mode & S_IFMT))
		mode |= S_IFCHR;
	if (!*name || *name == '/' || !(S_ISCHR(mode) || S_ISBLK(mode)))
		return -EINVAL;
	mutex_lock(&devnode_lock);
	rc = add_locked(name, mode, dev, class_name);
	mutex_unlock(&devnode_lock);
	if (rc)
		return rc;
	atomic_inc(&generation);
	devfs_update();
	return 0;
}

void devnode_remove(const char *name)
{
	struct devnode *n;

	mutex_lock(&devnode_lock);
	n = find(name);
	if (n)
		__atomic_store_n(&n->present, false, __ATOMIC_RELEASE);
	mutex_unlock(&devnode_lock);
	if (!n)
		return;
	atomic_inc(&generation);
	devfs_update();
}

bool devnode_at(u32 i, const char **name, umode_t *mode, dev_t *dev, const char **class_name)
{
	struct devnode *n;

	for (n = devnode_first(); n; n = devnode_next(n))
		if (devnode_present(n) && i-- == 0)
			break;
	if (!n)
		return false;
	*name = n->name;
	*mode = n->mode;
	*dev = n->dev;
	*class_name = n->class_name;
	return true;
}

u32 devnode_generation(void) { return READ_ONCE(generation); }

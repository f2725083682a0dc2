/* SPDX-License-Identifier: MIT */
/*
 * Character devices: from a device number to the driver's file_ops.
 *
 * Opening a device node comes here first (chrdev_fops.open), which puts the driver's operations and data into the file
 * and calls the driver's open. Open files do not keep their registration alive: drivers are part of the kernel.
 *
 * Locks: chrdev_lock (RANK_MUTEX) registrations; lookups run under RCU.
 */
#include <kernel/chrdev.h>

#include <kernel/errno.h>
#include <kernel/list.h>
#include <kernel/mutex.h>
#include <kernel/rcu.h>
#include <kernel/seq_file.h>
#include <kernel/string.h>

#define CHRDEV_HASH 64
#define MAJOR_MAX   512

static struct hlist_head chrdevs[CHRDEV_HASH]; /* [chrdev_lock, RCU] by major */
static DEFINE_MUTEX(chrdev_lock, RANK_MUTEX);

static struct hlist_head *chain_of(u32 major) { return &chrdevs[major % CHRDEV_HASH]; }

static bool ranges_overlap(const struct chrdev *a, const struct chrdev *b)
{
	return a->first < b->first + b->count && b->first < a->first + a->count;
}

int chrdev_register(struct chrdev *c)
{
	struct hlist_head *chain = chain_of(DEV_MAJOR(c->first));
	struct chrdev *other;
	int rc = 0;

	mutex_lock(&chrdev_lock);
	hlist_for_each_entry(other, chain, hash)
		if (ranges_overlap(c, other))
			rc = -EBUSY;
	if (!rc)
		hlist_add_head(&c->hash, chain);
	mutex_unlock(&chrdev_lock);
	return rc;
}

void chrdev_unregister(struct chrdev *c)
{
	mutex_lock(&chrdev_lock);
	hlist_del_init(&c->hash);
	mutex_unlock(&chrdev_lock);
	rcu_synchronize();
}

struct chrdev *chrdev_find(dev_t dev)
{
	struct chrdev *c, *found = NULL;

	rcu_read_lock();
	hlist_for_each_entry(c, chain_of(DEV_MAJOR(dev)), hash)
		if (dev >= c->first && dev - c->first < c->count) {
			found = c;
			break;
		}
	rcu_read_unlock();
	return found;
}

static int chrdev_open(struct inode *inode, struct file *file)
{
	struct chrdev *c = chrdev_find(inode->rdev);

	if (!c)
		return -ENXIO;
	file->ops = c->ops;
	file->data = c->data;
	return c->ops->open ? c->ops->open(inode, file) : 0;
}

const struct file_ops chrdev_fops = { .open = chrdev_open };

/* A driver with several ranges of one major is named once. */
static void show_major(struct seq_file *m, u32 major)
{
	const struct chrdev *c, *earlier;

	hlist_for_each_entry(c, chain_of(major), hash) {
		if (DEV_MAJOR(c->first) != major)
			continue;
		hlist_for_each_entry(earlier, chain_of(major), hash)
			if (earlier == c || (DEV_MAJOR(earlier->first) == major && strcmp(earlier->name, c->name) == 0))
				break;
		if (earlier == c)
			seq_printf(m, "%3u %s\n", major, c->name);
	}
}

void chrdev_show(struct seq_file *m)
{
	mutex_lock(&chrdev_lock);
	seq_puts(m, "Character devices:\n");
	for (u32 major = 0; major < MAJOR_MAX; major++)
		show_major(m, major);
	mutex_unlock(&chrdev_lock);
}

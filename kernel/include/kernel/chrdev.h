/* SPDX-License-Identifier: MIT */
/*
 * Character devices (kernel/dev/chrdev.c): (major, minor) ranges to file_ops, and the names devfs shows.
 */
#ifndef KERNEL_CHRDEV_H
#define KERNEL_CHRDEV_H

#include <kernel/fs.h>
#include <linux/kdev_t.h>

/* dev_t inside the kernel: major << 20 | minor. stat shows Linux's new encoding. */
#define DEV_MAJOR(d)	((u32)((d) >> 20))
#define DEV_MINOR(d)	((u32)((d)&0xfffff))
#define MAKE_DEV(ma, mi) (((dev_t)(ma) << 20) | (mi))
static inline u64 dev_encode(dev_t d)
{
	u64 major = DEV_MAJOR(d), minor = DEV_MINOR(d);

	return (minor & 0xff) | (major << 8) | ((minor & ~0xffUL) << 12);
}
static inline dev_t dev_decode(u64 d) { return MAKE_DEV((d & 0xfff00) >> 8, (d & 0xff) | ((d >> 12) & 0xfff00)); }

struct chrdev {
	struct hlist_node hash;
	dev_t first;
	u32 count;
	const char *name; /* /proc/devices */
	const struct file_ops *ops;
	void *data;
};
int chrdev_register(struct chrdev *c); /* 0, -EBUSY */
void chrdev_unregister(struct chrdev *c);
struct chrdev *chrdev_find(dev_t dev);
extern const struct file_ops chrdev_fops; /* open(): finds the device and switches file->ops */
void chrdev_show(struct seq_file *m);	  /* /proc/devices */

/* A node in devfs (/dev) and, with a class, in /sys/class and /sys/dev. Kept for ever or until removed. */
int devnode_add(const char *name, umode_t mode, dev_t dev, const char *class_name);
void devnode_remove(const char *name);
/* Iterates what was added, in order: false past the end. */
bool devnode_at(u32 i, const char **name, umode_t *mode, dev_t *dev, const char **class_name);
u32 devnode_generation(void);

#endif

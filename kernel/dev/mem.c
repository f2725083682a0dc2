/* SPDX-License-Identifier: MIT */
/*
 * The memory devices, major 1: null, zero, full, random, urandom, kmsg.
 */
#include <arch/uaccess.h>
#include <kernel/chrdev.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/uio.h>
#include <kernel/vm.h>
#include <linux/random.h>

#include "../init/kmsg.h"

static ssize_t null_read(struct file *f, struct uio *u, loff_t *pos)
{
	return 0;
}

static ssize_t null_write(struct file *f, struct uio *u, loff_t *pos)
{
	u64 n = u->left;

	uio_advance(u, n);
	return (ssize_t)n;
}

static loff_t null_llseek(struct file *f, loff_t off, int whence)
{
	return f->pos = 0;
}

static const struct file_ops null_fops = { .read = null_read, .write = null_write, .llseek = null_llseek };

static ssize_t zero_read(struct file *f, struct uio *u, loff_t *pos)
{
	ssize_t done = 0;

	while (u->left) {
		u64 n = MIN(u->left, 1UL << 20), zeroed = zero_uio(n, u);

		done += (ssize_t)zeroed;
		if (zeroed < n)
			return done ? done : -EFAULT;
		if (u->left && signal_pending())
			break;
		cond_resched();
	}
	return done;
}

static const struct file_ops zero_fops = { .read = zero_read, .write = null_write, .llseek = null_llseek, .mmap = vm_mmap_zero };

static ssize_t full_write(struct file *f, struct uio *u, loff_t *pos)
{
	return -ENOSPC;
}

static const struct file_ops full_fops = { .read = zero_read, .write = full_write, .llseek = null_llseek };

static ssize_t random_read(struct file *f, struct uio *u, loff_t *pos)
{
	return random_read_uio(u);
}

static ssize_t random_write(struct file *f, struct uio *u, loff_t *pos)
{
	u8 chunk[64];
	ssize_t done = 0;

	while (u->left) {
		u64 n = MIN(u->left, sizeof(chunk));

		if (copy_from_uio(chunk, n, u) != n)
			return done ? done : -EFAULT;
		random_add(chunk, n, 0);
		done += (ssize_t)n;
		if (signal_pending())
			break;
	}
	return done;
}

static long add_entropy(unsigned long arg)
{
	struct {
		int bits, size;
	} head;
	u8 chunk[256];

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_from_user(&head, (void __user *)arg, sizeof(head)))
		return -EFAULT;
	if (head.bits < 0 || head.size < 0 || head.size > (int)sizeof(chunk))
		return -EINVAL;
	if (copy_from_user(chunk, (void __user *)(arg + sizeof(head)), (u64)head.size))
		return -EFAULT;
	random_add(chunk, (size_t)head.size, (u32)MIN(head.bits, head.size * 8));
	return 0;
}

static long random_ioctl(struct file *f, u32 cmd, unsigned long arg)
{
	switch (cmd) {
	case RNDGETENTCNT:
		return put_user((int)random_entropy_bits(), (int __user *)arg);
	case RNDADDENTROPY:
		return add_entropy(arg);
	case RNDADDTOENTCNT:
	case RNDZAPENTCNT:
	case RNDCLEARPOOL:
	case RNDRESEEDCRNG:
		return capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	}
	return -ENOIOCTLCMD;
}

static const struct file_ops random_fops = {
	.read = random_read,
	.write = random_write,
	.ioctl = random_ioctl,
	.llseek = noop_llseek,
};

/* One minor a device; opening finds it here. */
static const struct mem_device {
	const char *name;
	u32 minor;
	umode_t mode;
	const struct file_ops *ops;
} devices[] = {
	{ "null", 3, 0666, &null_fops },      { "zero", 5, 0666, &zero_fops },
	{ "full", 7, 0666, &full_fops },      { "random", 8, 0666, &random_fops },
	{ "urandom", 9, 0666, &random_fops }, { "kmsg", 11, 0644, &kmsg_fops },
};

static int mem_open(struct inode *inode, struct file *f)
{
	for (u32 i = 0; i < ARRAY_SIZE(devices); i++)
		if (devices[i].minor == DEV_MINOR(inode->rdev)) {
			f->ops = devices[i].ops;
			return f->ops->open ? f->ops->open(inode, f) : 0;
		}
	return -ENXIO;
}

static const struct file_ops mem_fops = { .open = mem_open };
static struct chrdev mem_chrdev = { .first = MAKE_DEV(1, 0), .count = 16, .name = "mem", .ops = &mem_fops };

static int mem_init(void)
{
	int rc = chrdev_register(&mem_chrdev);

	for (u32 i = 0; rc == 0 && i < ARRAY_SIZE(devices); i++)
		rc = devnode_add(devices[i].name, devices[i].mode, MAKE_DEV(1, devices[i].minor), "mem");
	return rc;
}
INITCALL(mem_init);

/* SPDX-License-Identifier: MIT */
/*
 * Inside kernel/fs/sysfs/: what a place of /sys is.
 *
 * The tree consists of tables of struct sysfs_entry. A directory shows its table (children) and then its instances, which
 * each() makes up from what the kernel has at the time: harts, device nodes, nodes of the device tree. An instance is an
 * entry with an object; what is below it in tables has the same object. Nothing is stored: inodes come and go with
 * dentries.
 */
#ifndef KERNEL_FS_SYSFS_H
#define KERNEL_FS_SYSFS_H

#include <kernel/fs.h>
#include <kernel/seq_file.h>

struct sysfs_entry;
struct devnode;
struct dt_node;

/* One place in the tree. Objects live for ever; number tells apart what has the same object. */
struct sysfs_node {
	const struct sysfs_entry *entry;
	const void *object;
	u64 number;
};

#define SYS_NAME_MAX 64
struct sysfs_child {
	struct sysfs_node node;
	const char *name;	 /* lives as long as the kernel, or is buf */
	char buf[SYS_NAME_MAX];
};

struct sysfs_entry {
	const char *name; /* in a table, which ends with NULL */
	umode_t mode;	  /* with S_IFMT */
	/* Files, one of: */
	int (*show)(struct seq_file *m, const struct sysfs_node *n);	   /* text */
	size_t (*bytes)(const struct sysfs_node *n, const void **data); /* memory that never changes */
	size_t (*size)(const struct sysfs_node *n); /* what stat says; NULL: of bytes their number, of text a page, as Linux */
	/* Links: the text, relative; its length as scnprintf gives it. */
	int (*link)(const struct sysfs_node *n, char *buf, size_t size);
	/* Directories: */
	const struct sysfs_entry *children;
	/* The first instance at or after position *at, which is set to where it was found. False: no more. */
	bool (*each)(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out);
	bool (*exists)(const struct sysfs_node *n); /* NULL: always. Asked again at each use */
};

#define SYS_DIR		      (S_IFDIR | 0755)
#define SYS_FILE(n, fn)	      { .name = n, .mode = S_IFREG | 0444, .show = fn }
#define SYS_LINK(n, fn)	      { .name = n, .mode = S_IFLNK | 0777, .link = fn }
#define SYS_TABLE(n, table)   { .name = n, .mode = SYS_DIR, .children = table }
#define SYS_INSTANCES(n, fn)  { .name = n, .mode = SYS_DIR, .each = fn }

extern const struct sysfs_entry sysfs_root;

/* cpu.c */
extern const struct sysfs_entry sysfs_cpu_table[], sysfs_numa_table[], sysfs_cpu_bus_table[];
bool sysfs_each_cpu(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out); /* /sys/devices/system/cpu */

/* devices.c */
bool sysfs_each_class(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out);	 /* /sys/class */
bool sysfs_each_virtual(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out);	 /* /sys/devices/virtual */
bool sysfs_each_char_number(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out);	 /* /sys/dev/char */
bool sysfs_each_block_number(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out); /* /sys/dev/block */
bool sysfs_each_block(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out);	 /* /sys/block */

/* platform.c */
extern const struct sysfs_entry sysfs_platform_bus_table[];
bool sysfs_each_platform(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out); /* /sys/devices/platform */

/* devicetree.c */
bool sysfs_each_dt(const struct sysfs_node *dir, u32 *at, struct sysfs_child *out); /* /sys/firmware/devicetree */
/* OF_NAME= and its kin, as in the uevent of a device with a node. */
void sysfs_show_of_uevent(struct seq_file *m, const struct dt_node *n);
void sysfs_show_of_modalias(struct seq_file *m, const struct dt_node *n); /* without a newline */
/* A link to the node's directory from a place `up` ("../../") from the root of /sys. */
int sysfs_link_of_node(const struct dt_node *n, const char *up, char *buf, size_t size);

#endif

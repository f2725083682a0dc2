/* SPDX-License-Identifier: MIT */
/*
 * Device nodes: the table, and what devtmpfs makes of it.
 */
#include <kernel/chrdev.h>
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/string.h>

#define TEST_DEV MAKE_DEV(240, 7)

/* The inode at a path of tmpfs, all of whose names are cached; NULL. The dentry keeps it: the tests run alone. */
static struct inode *inode_at(struct dentry *root, const char *path)
{
	struct dentry *d = root;
	struct inode *inode;

	dentry_get(d);
	while (d && *path) {
		const char *slash = strchr(path, '/');
		u32 len = slash ? (u32)(slash - path) : (u32)strlen(path);
		struct dentry *next = dentry_lookup(d, path, len);

		dentry_put(d);
		d = next;
		path += slash ? len + 1 : len;
	}
	inode = d ? d->inode : NULL;
	if (d)
		dentry_put(d);
	return inode;
}

static bool in_table(const char *wanted)
{
	const char *name, *class_name;
	umode_t mode;
	dev_t dev;

	for (u32 i = 0; devnode_at(i, &name, &mode, &dev, &class_name); i++)
		if (strcmp(name, wanted) == 0)
			return true;
	return false;
}

static const char *check_tree(struct dentry *root)
{
	struct inode *i = inode_at(root, "keeltest/a/node");

	EXPECT(i && i->mode == (S_IFCHR | 0640) && i->rdev == TEST_DEV && i->uid == 0);
	i = inode_at(root, "keeltest/a");
	EXPECT(i && i->mode == (S_IFDIR | 0755));

	/* A second node in the directory keeps it; the last one takes it along. */
	EXPECT(devnode_add("keeltest/other", S_IFBLK | 0600, TEST_DEV, NULL) == 0);
	i = inode_at(root, "keeltest/other");
	EXPECT(i && S_ISBLK(i->mode));
	devnode_remove("keeltest/a/node");
	EXPECT(!inode_at(root, "keeltest/a") && inode_at(root, "keeltest/other"));
	EXPECT(!in_table("keeltest/a/node"));

	/* Back, as another device. */
	EXPECT(devnode_add("keeltest/a/node", 0600, TEST_DEV + 1, NULL) == 0);
	i = inode_at(root, "keeltest/a/node");
	EXPECT(i && i->rdev == TEST_DEV + 1);
	devnode_remove("keeltest/a/node");
	devnode_remove("keeltest/other");
	EXPECT(!inode_at(root, "keeltest"));
	EXPECT(inode_at(root, "null") && inode_at(root, "console"));
	return NULL;
}

KERNEL_TEST(devfs_nodes)
{
	u32 generation = devnode_generation();
	const char *trouble;
	struct mount *m;

	EXPECT(devnode_add("keeltest/a/node", S_IFCHR | 0640, TEST_DEV, "keeltest") == 0);
	EXPECT(devnode_add("keeltest/a/node", S_IFCHR | 0640, TEST_DEV, "keeltest") == -EEXIST);
	EXPECT(devnode_add("/absolute", S_IFCHR | 0640, TEST_DEV, NULL) == -EINVAL);
	EXPECT(devnode_add("file", S_IFREG | 0640, TEST_DEV, NULL) == -EINVAL);
	EXPECT(devnode_generation() == generation + 1 && in_table("keeltest/a/node"));
	m = mount_kernel(fs_type_find("devtmpfs"), NULL);
	EXPECT(!IS_ERR(m));
	trouble = check_tree(m->root);
	mount_put(m);
	return trouble;
}

/* SPDX-License-Identifier: MIT */
/*
 * The initramfs: cpio archives ("newc", also with checksums) unpacked into the root.
 *
 * Several archives may follow each other, padded with zeroes. Each entry is a 110-byte header of hexadecimal fields, the
 * name, the data, name and data padded to 4 bytes. Files with several names share an inode number; the data comes with one
 * of them. Directories get their times last, since filling them changes them.
 *
 * The archive comes from outside: every length is checked against what is there, names against their bounds. What is
 * wrong is said in words; what was unpacked before stays.
 */
#include "internal.h"

#include <kernel/chrdev.h>
#include <kernel/list.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#define HEADER_SIZE 110
#define TRAILER	    "TRAILER!!!"

enum field { F_INO, F_MODE, F_UID, F_GID, F_NLINK, F_MTIME, F_SIZE, F_MAJOR, F_MINOR, F_RMAJOR, F_RMINOR, F_NAMESIZE, F_CHECK,
	     NR_FIELDS };

struct entry {
	u32 f[NR_FIELDS];
	const char *name; /* NUL-terminated, no leading slashes */
	const char *data;
};

/* A file with more names to come. */
struct linked {
	struct list_head link;
	u32 ino, major, minor, type;
	char name[];
};

struct dir_time {
	struct list_head link;
	ktime_t mtime;
	char name[];
};

struct unpacker {
	const char *data;
	size_t size, at;
	struct list_head linked, dirs;
	u32 nr_entries;
};

static char trouble[192]; /* what is wrong: the unpacker runs once at a time, at boot */

/* --- parsing --- */

static bool parse_hex(const char *s, u32 *out)
{
	u32 v = 0;

	for (u32 i = 0; i < 8; i++) {
		char c = s[i];
		u32 digit = c >= '0' && c <= '9'   ? (u32)(c - '0')
			    : c >= 'a' && c <= 'f' ? (u32)(c - 'a') + 10
			    : c >= 'A' && c <= 'F' ? (u32)(c - 'A') + 10
						   : 16;

		if (digit == 16)
			return false;
		v = v << 4 | digit;
	}
	*out = v;
	return true;
}

static const char *compression_of(const u8 *p, size_t n)
{
	static const struct {
		u8 magic[4];
		u8 len;
		const char *what;
	} known[] = {
		{ { 0x1f, 0x8b }, 2, "compressed with gzip: give a plain cpio archive" },
		{ { 0x28, 0xb5, 0x2f, 0xfd }, 4, "compressed with zstd: give a plain cpio archive" },
		{ { 0xfd, '7', 'z', 'X' }, 4, "compressed with xz: give a plain cpio archive" },
		{ { 0x02, 0x21, 0x4c, 0x18 }, 4, "compressed with lz4: give a plain cpio archive" },
		{ { 'B', 'Z', 'h' }, 3, "compressed with bzip2: give a plain cpio archive" },
		{ { 0x5d, 0x00, 0x00 }, 3, "compressed with lzma: give a plain cpio archive" },
	};

	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (n >= known[i].len && memcmp(p, known[i].magic, known[i].len) == 0)
			return known[i].what;
	return "no cpio archive (newc) here";
}

static const char *describe(struct unpacker *u, const char *what)
{
	snprintf(trouble, sizeof(trouble), "%s (at byte %lu of %lu, after %u entries)", what, u->at, u->size, u->nr_entries);
	return trouble;
}

static size_t room(const struct unpacker *u) { return u->size - u->at; }

/* Past n bytes and the padding behind them. */
static void skip(struct unpacker *u, size_t n) { u->at = MIN(ALIGN_UP(u->at + n, 4UL), u->size); }

static const char *parse_entry(struct unpacker *u, struct entry *e)
{
	const char *p = u->data + u->at;

	if (room(u) >= 6 && memcmp(p, "070701", 6) != 0 && memcmp(p, "070702", 6) != 0)
		return u->nr_entries ? "an entry does not begin with the cpio magic"
				     : compression_of((const u8 *)p, room(u));
	if (room(u) < HEADER_SIZE)
		return "the archive ends within a header";
	for (u32 i = 0; i < NR_FIELDS; i++)
		if (!parse_hex(p + 6 + 8 * i, &e->f[i]))
			return "a header field is not a hexadecimal number";
	if (e->f[F_NAMESIZE] == 0 || e->f[F_NAMESIZE] > PATH_MAX_LEN)
		return "a name is empty or too long";
	if (room(u) < HEADER_SIZE + (size_t)e->f[F_NAMESIZE])
		return "the archive ends within a name";
	e->name = p + HEADER_SIZE;
	if (e->name[e->f[F_NAMESIZE] - 1] != '\0')
		return "a name does not end with a zero byte";
	skip(u, HEADER_SIZE + (size_t)e->f[F_NAMESIZE]);
	if (room(u) < e->f[F_SIZE])
		return "the archive ends within a file";
	e->data = u->data + u->at;
	skip(u, e->f[F_SIZE]);
	while (*e->name == '/')
		e->name++;
	if (!*e->name)
		e->name = ".";
	return NULL;
}

/* --- hard links, times --- */

static bool same_file(const struct linked *l, const struct entry *e)
{
	return l->ino == e->f[F_INO] && l->major == e->f[F_MAJOR] && l->minor == e->f[F_MINOR] &&
	       l->type == (e->f[F_MODE] & S_IFMT);
}

/* The first name of a file that has several, NULL when this is it (and then remembered). */
static const char *first_name(struct unpacker *u, const struct entry *e)
{
	struct linked *l;
	size_t len;

	if (e->f[F_NLINK] < 2)
		return NULL;
	list_for_each_entry(l, &u->linked, link)
		if (same_file(l, e))
			return l->name;
	len = strlen(e->name) + 1;
	l = kmalloc(sizeof(*l) + len, GFP_KERNEL);
	if (!l)
		return NULL; /* a copy instead of a link */
	l->ino = e->f[F_INO];
	l->major = e->f[F_MAJOR];
	l->minor = e->f[F_MINOR];
	l->type = e->f[F_MODE] & S_IFMT;
	memcpy(l->name, e->name, len);
	list_add(&l->link, &u->linked);
	return NULL;
}

static void forget_links(struct unpacker *u)
{
	struct linked *l, *next;

	list_for_each_entry_safe(l, next, &u->linked, link)
		kfree(l);
	list_init(&u->linked);
}

static ktime_t mtime_of(const struct entry *e) { return (ktime_t)e->f[F_MTIME] * NSEC_PER_SEC; }

static void remember_dir(struct unpacker *u, const struct entry *e)
{
	size_t len = strlen(e->name) + 1;
	struct dir_time *d = kmalloc(sizeof(*d) + len, GFP_KERNEL);

	if (!d)
		return;
	d->mtime = mtime_of(e);
	memcpy(d->name, e->name, len);
	list_add(&d->link, &u->dirs);
}

static void set_dir_times(struct unpacker *u)
{
	struct dir_time *d, *next;

	list_for_each_entry_safe(d, next, &u->dirs, link) {
		(void)vfs_utimes_path(d->name, d->mtime, d->mtime);
		kfree(d);
	}
	list_init(&u->dirs);
}

/* --- making what an entry says --- */

static int set_attributes(struct dentry *d, const struct entry *e)
{
	struct iattr attr = { .valid = ATTR_UID | ATTR_GID | ATTR_MODE | ATTR_ATIME | ATTR_MTIME,
			      .uid = e->f[F_UID],
			      .gid = e->f[F_GID],
			      .mode = e->f[F_MODE] & (S_IFMT | S_IALLUGO),
			      .atime = mtime_of(e),
			      .mtime = mtime_of(e) };

	if (S_ISLNK(d->inode->mode))
		attr.valid &= ~(u32)ATTR_MODE;
	return vfs_setattr(d, &attr);
}

static int set_attributes_at(const struct entry *e)
{
	struct path p;
	int rc = kern_path(e->name, 0, &p);

	if (rc)
		return rc;
	rc = set_attributes(p.dentry, e);
	path_put(&p);
	return rc;
}

/* Something else may be there already: from an earlier archive, or made by the kernel. */
static void clear_way(const struct entry *e)
{
	struct path p;
	u32 type = e->f[F_MODE] & S_IFMT, there;

	if (kern_path(e->name, 0, &p))
		return;
	there = p.dentry->inode->mode & S_IFMT;
	path_put(&p);
	if (there != S_IFDIR && (there != type || type == S_IFLNK || type == S_IFCHR || type == S_IFBLK))
		(void)vfs_unlink_path(e->name);
}

static int write_file(const struct entry *e, u32 flags)
{
	struct file *f = file_open(e->name, O_WRONLY | flags, e->f[F_MODE] & S_IALLUGO);
	loff_t pos = 0;
	ssize_t n = 0;
	int rc;

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	while (pos < (loff_t)e->f[F_SIZE]) {
		n = kernel_write(f, e->data + pos, e->f[F_SIZE] - (u64)pos, &pos);
		if (n <= 0)
			break;
	}
	rc = pos < (loff_t)e->f[F_SIZE] ? (n < 0 ? (int)n : -ENOSPC) : set_attributes(f->path.dentry, e);
	file_put_sync(f);
	return rc;
}

static int make_file(struct unpacker *u, const struct entry *e)
{
	const char *first = first_name(u, e);
	int rc;

	clear_way(e);
	if (!first)
		return write_file(e, O_CREAT | O_TRUNC);
	rc = vfs_link_path(first, e->name);
	if (rc == -EEXIST) {
		(void)vfs_unlink_path(e->name);
		rc = vfs_link_path(first, e->name);
	}
	return rc || !e->f[F_SIZE] ? rc : write_file(e, O_TRUNC);
}

static int make_symlink(const struct entry *e)
{
	char *target;
	int rc;

	if (e->f[F_SIZE] == 0 || e->f[F_SIZE] >= PATH_MAX_LEN)
		return -ENAMETOOLONG;
	target = kstrndup(e->data, e->f[F_SIZE]);
	if (!target)
		return -ENOMEM;
	rc = vfs_symlink_path(target, e->name);
	kfree(target);
	return rc ? rc : set_attributes_at(e);
}

static int make_dir(struct unpacker *u, const struct entry *e)
{
	int rc = vfs_mkdir_path(e->name, e->f[F_MODE] & S_IALLUGO);

	if (rc && rc != -EEXIST)
		return rc;
	remember_dir(u, e);
	return set_attributes_at(e);
}

static int make_node(struct unpacker *u, const struct entry *e)
{
	const char *first = first_name(u, e);
	int rc;

	if (first)
		return vfs_link_path(first, e->name);
	rc = vfs_mknod_path(e->name, e->f[F_MODE] & (S_IFMT | S_IALLUGO), MAKE_DEV(e->f[F_RMAJOR], e->f[F_RMINOR]));
	return rc && rc != -EEXIST ? rc : set_attributes_at(e);
}

static int make_entry(struct unpacker *u, const struct entry *e)
{
	switch (e->f[F_MODE] & S_IFMT) {
	case S_IFREG:
		return make_file(u, e);
	case S_IFDIR:
		return make_dir(u, e);
	case S_IFLNK:
		clear_way(e);
		return make_symlink(e);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		clear_way(e);
		return make_node(u, e);
	default:
		return -EINVAL;
	}
}

/* --- archives --- */

static bool skip_zeroes(struct unpacker *u)
{
	while (u->at < u->size && u->data[u->at] == 0)
		u->at++;
	return u->at < u->size;
}

/* One archive, up to its trailer (or the end of everything). NULL or what is wrong. */
static const char *unpack_archive(struct unpacker *u)
{
	while (u->at < u->size) {
		struct entry e;
		const char *wrong = parse_entry(u, &e);
		int rc;

		if (wrong)
			return describe(u, wrong);
		if (strcmp(e.name, TRAILER) == 0)
			return NULL;
		rc = make_entry(u, &e);
		if (rc == -ENOSPC || rc == -ENOMEM) {
			snprintf(trouble, sizeof(trouble), "no room for %s", e.name);
			return trouble;
		}
		if (rc)
			pr_warn("initramfs: cannot make %s: error %d", e.name, rc);
		u->nr_entries++;
		cond_resched();
	}
	return describe(u, "the archive has no end");
}

const char *initramfs_unpack(const void *data, size_t size)
{
	struct unpacker u = { .data = data, .size = size };
	u32 umask = atomic_xchg(&current->fs->umask, 0U);
	const char *wrong = NULL;

	list_init(&u.linked);
	list_init(&u.dirs);
	while (!wrong && skip_zeroes(&u)) {
		wrong = u.at % 4 ? describe(&u, "an archive does not begin at a multiple of 4 bytes") : unpack_archive(&u);
		forget_links(&u);
	}
	set_dir_times(&u);
	WRITE_ONCE(current->fs->umask, umask);
	return wrong;
}

/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals and devpts, the filesystem of their slaves.
 *
 * Opening ptmx makes a pair: a master tty and a slave tty, linked both ways for as long as the pair lives. What one
 * side writes arrives in the other's ring. pairs[] finds the slave by number; it holds the reference of the slave, the
 * master's file that of the master. It changes under tty_mutex and pairs_lock: devpts, whose directory is locked while
 * it looks, takes the latter alone. When the master closes, the slave is hung up and its number is free.
 *
 * devpts has one instance: its root shows "ptmx" and a node for each pair, whose inode is made with the pair so that
 * owner and mode stay what grantpt() and chown() made them.
 */
#include "tty_private.h"

#include <arch/uaccess.h>
#include <kernel/chrdev.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/poll.h>
#include <kernel/printk.h>
#include <kernel/seq_file.h>
#include <kernel/string.h>
#include <linux/magic.h>

#define PTY_MAX 4096

static DEFINE_SPINLOCK(pairs_lock, RANK_TTY_CTRL);
static struct tty *pairs[PTY_MAX]; /* [tty_mutex, pairs_lock] slaves by number */
static struct super *devpts;	   /* [I after boot] */

/* The options of the last mount. */
static struct {
	bool uid_set, gid_set; /* else the opener's */
	u32 uid, gid, mode, ptmx_mode;
} options = { .mode = 0600 };

/* --- driver --- */

static u32 pty_write(struct tty *tty, const u8 *buf, u32 n)
{
	struct tty *to = tty->link;

	if (!to || READ_ONCE(tty->stopped))
		return 0;
	n = tty_receive(to, buf, NULL, n);
	if (n)
		tty_receive_push(to);
	return n;
}

static u32 pty_write_room(struct tty *tty)
{
	return tty->link && !READ_ONCE(tty->stopped) ? tty_buffer_room(tty->link) : 0;
}

/* The other side has it at once: nothing is ever waiting to be sent. */
static u32 pty_chars_in_buffer(struct tty *tty)
{
	return 0;
}

static void pty_unthrottle(struct tty *tty)
{
	if (tty->link)
		tty_wakeup(tty->link);
}

static void pty_flush_buffer(struct tty *tty)
{
	struct tty *to = tty->link;
	u64 flags;

	if (!to)
		return;
	flags = spin_lock_irqsave(&to->buf_lock);
	to->buf_tail = to->buf_head;
	spin_unlock_irqrestore(&to->buf_lock, flags);
}

static const struct tty_ops pty_ops = {
	.write = pty_write,
	.write_room = pty_write_room,
	.chars_in_buffer = pty_chars_in_buffer,
	.unthrottle = pty_unthrottle,
	.flush_buffer = pty_flush_buffer,
};

static const struct ktermios master_termios = {
	.c_cflag = B38400 | CS8 | CREAD,
	.c_cc = { [VMIN] = 1 },
	.c_ispeed = 38400,
	.c_ospeed = 38400,
};

/* --- life --- */

static const struct inode_ops devpts_inode_ops;

static void pair_set(u32 index, struct tty *slave)
{
	spin_lock(&pairs_lock);
	pairs[index] = slave;
	spin_unlock(&pairs_lock);
}

/* The node of slave n, with a reference; NULL. */
static struct inode *pair_inode(int n)
{
	struct inode *inode = NULL;

	spin_lock(&pairs_lock);
	if (n >= 0 && pairs[n]) {
		inode = pairs[n]->devpts_inode;
		inode_get(inode);
	}
	spin_unlock(&pairs_lock);
	return inode;
}

static struct inode *slave_inode(u32 index)
{
	struct inode *inode = inode_new(devpts);

	if (!inode)
		return NULL;
	inode->ino = index + 3;
	inode->mode = (umode_t)options.mode;
	inode_init_special(inode, S_IFCHR, MAKE_DEV(PTS_MAJOR, index));
	inode->uid = options.uid_set ? options.uid : current_fsuid();
	inode->gid = options.gid_set ? options.gid : current_fsgid();
	inode->ops = &devpts_inode_ops;
	return inode;
}

static int pair_create(struct tty **out)
{
	struct tty *master, *slave;
	u32 index;

	for (index = 0; index < PTY_MAX && pairs[index]; index++)
		;
	if (index == PTY_MAX)
		return -ENOSPC;
	master = tty_alloc(NULL, &pty_ops, &master_termios);
	slave = tty_alloc(NULL, &pty_ops, &tty_std_termios);
	if (slave)
		slave->termios.c_cflag &= ~(u32)HUPCL;
	if (!master || !slave)
		goto no_memory;
	slave->devpts_inode = slave_inode(index);
	if (!slave->devpts_inode)
		goto no_memory;
	master->flags = TTY_PTY_MASTER;
	slave->flags = TTY_PTY_SLAVE | TTY_PTY_LOCKED;
	master->index = slave->index = index;
	master->link = tty_get(slave);
	slave->link = tty_get(master);
	pair_set(index, slave);
	*out = master;
	return 0;
no_memory:
	tty_put(master);
	tty_put(slave);
	return -ENOMEM;
}

/* The pair is over: number and inode go, the links are cut. tty_mutex held. */
static void pair_end(struct tty *master)
{
	struct tty *slave = master->link;

	pair_set(slave->index, NULL);
	inode_put(slave->devpts_inode);
	slave->devpts_inode = NULL;
	atomic_or(&slave->flags, TTY_OTHER_CLOSED);
	tty_hangup(slave);
	tty_put(slave); /* pairs[] */
}

void pty_last_close(struct tty *tty)
{
	struct tty *other = tty->link;

	if (tty->flags & TTY_PTY_MASTER) {
		pair_end(tty);
		/* With nobody on the slave side both go now; else the slave's last close breaks the ring. */
		if (other->count == 0)
			goto unlink;
		return;
	}
	atomic_or(&other->flags, TTY_OTHER_CLOSED);
	wake_up_all(&other->read_wait);
	wake_up_all(&other->write_wait);
	n_tty_flush_input(tty);
	if (other->count == 0)
		goto unlink;
	return;
unlink:
	work_cancel_sync(&tty->receive_work);
	work_cancel_sync(&other->receive_work);
	tty->link = other->link = NULL;
	tty_put(other);
	tty_put(tty);
}

int ptmx_open(struct inode *inode, struct file *f)
{
	struct tty *master = NULL;
	int rc;

	mutex_lock(&tty_mutex);
	rc = devpts ? pair_create(&master) : -ENODEV;
	if (rc)
		goto out;
	rc = tty_file_attach(f, master);
	master->count = 1;
	if (rc) {
		master->count = 0;
		pty_last_close(master);
	}
	tty_put(master); /* the file has its own */
out:
	mutex_unlock(&tty_mutex);
	return rc;
}

struct tty *pty_slave_open(dev_t dev)
{
	u32 index = DEV_MINOR(dev);
	struct tty *slave = index < PTY_MAX ? pairs[index] : NULL;

	if (!slave)
		return ERR_PTR(-EIO);
	if (slave->flags & TTY_PTY_LOCKED)
		return ERR_PTR(-EIO);
	/* A slave that was hung up and is opened again starts afresh. */
	atomic_and(&slave->flags, ~TTY_HUPPED);
	return tty_get(slave);
}

/* --- ioctls of masters --- */

static long ioctl_get_peer(struct tty *master, unsigned long flags)
{
	char name[24];
	struct path path = { 0 };
	struct file *f;
	long fd;

	snprintf(name, sizeof(name), "/dev/pts/%u", master->index);
	fd = kern_path(name, 0, &path);
	if (fd)
		return fd;
	f = file_open_path(&path, (u32)flags & (O_ACCMODE | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), current_cred());
	path_put(&path);
	if (IS_ERR(f))
		return PTR_ERR(f);
	fd = fd_alloc(0, (u32)flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	else
		fd_install((int)fd, f);
	return fd;
}

static long ioctl_packet(struct tty *master, int __user *arg)
{
	int on;
	u64 flags;

	if (get_user(on, arg))
		return -EFAULT;
	flags = spin_lock_irqsave(&master->ctrl_lock);
	WRITE_ONCE(master->packet, on != 0);
	spin_unlock_irqrestore(&master->ctrl_lock, flags);
	if (!on && master->link)
		master->link->packet_status = 0;
	return 0;
}

static long ioctl_signal(struct tty *master, unsigned long sig)
{
	if (sig < 1 || sig >= _NSIG)
		return -EINVAL;
	if (sig != SIGINT && sig != SIGQUIT && sig != SIGTSTP)
		return -EINVAL;
	if (master->link)
		tty_send_signal(master->link, (int)sig);
	return 0;
}

long pty_ioctl(struct tty *tty, u32 cmd, unsigned long arg)
{
	u32 on;

	if (!(tty->flags & TTY_PTY_MASTER))
		return -ENOIOCTLCMD;
	switch (cmd) {
	case TIOCGPTN:
		return put_user(tty->index, (u32 __user *)arg);
	case TIOCSPTLCK:
		if (get_user(on, (u32 __user *)arg))
			return -EFAULT;
		if (on)
			atomic_or(&tty->link->flags, TTY_PTY_LOCKED);
		else
			atomic_and(&tty->link->flags, ~TTY_PTY_LOCKED);
		return 0;
	case TIOCGPTLCK:
		return put_user(tty->link->flags & TTY_PTY_LOCKED ? 1 : 0, (int __user *)arg);
	case TIOCGPTPEER:
		return ioctl_get_peer(tty, arg);
	case TIOCPKT:
		return ioctl_packet(tty, (int __user *)arg);
	case TIOCGPKT:
		return put_user(tty->packet ? 1 : 0, (int __user *)arg);
	case TIOCSIG:
		return ioctl_signal(tty, arg);
	}
	return -ENOIOCTLCMD;
}

/* --- devpts --- */

static int devpts_number(const char *name, u32 len)
{
	u64 n;

	if (len > 4 || (len > 1 && name[0] == '0') || parse_u64(name, 10, &n) || n >= PTY_MAX)
		return -ENOENT;
	return (int)n;
}

static struct inode *ptmx_inode;

static int devpts_lookup(struct inode *dir, struct dentry *d, u32 flags)
{
	struct inode *inode;

	if (strcmp(d->name, "ptmx") == 0) {
		inode = ptmx_inode;
		inode_get(inode);
	} else {
		inode = pair_inode(devpts_number(d->name, d->name_len));
	}
	if (!inode)
		return -ENOENT;
	dentry_attach(d, inode);
	return 0;
}

/* Numbers are used again: a cached name is good only while its pair is the one it was made for. */
static int devpts_revalidate(struct dentry *d)
{
	int n = devpts_number(d->name, d->name_len), valid;

	if (n < 0)
		return 1;
	spin_lock(&pairs_lock);
	valid = pairs[n] && pairs[n]->devpts_inode == d->inode;
	spin_unlock(&pairs_lock);
	return valid;
}

static int devpts_iterate(struct file *f, struct dir_context *ctx)
{
	char name[12];

	if (!dir_emit_dots(f, ctx))
		return 0;
	if (ctx->pos == 2) {
		if (!ctx->emit(ctx, "ptmx", 4, ptmx_inode->ino, S_IFCHR >> 12))
			return 0;
		ctx->pos++;
	}
	for (; ctx->pos - 3 < PTY_MAX; ctx->pos++) {
		u32 i = (u32)(ctx->pos - 3);

		if (READ_ONCE(pairs[i]) && !ctx->emit(ctx, name, (u32)scnprintf(name, sizeof(name), "%u", i), i + 3, S_IFCHR >> 12))
			break;
	}
	return 0;
}

static int devpts_setattr(struct dentry *d, struct iattr *attr)
{
	setattr_copy(d->inode, attr);
	return 0;
}

static const struct inode_ops devpts_dir_ops = { .lookup = devpts_lookup, .revalidate = devpts_revalidate };
static const struct file_ops devpts_dir_fops = { .iterate = devpts_iterate, .llseek = generic_llseek };
static const struct inode_ops devpts_inode_ops = { .setattr = devpts_setattr };

static void devpts_show_options(struct seq_file *m, struct dentry *root)
{
	if (options.uid_set)
		seq_printf(m, ",uid=%u", options.uid);
	if (options.gid_set)
		seq_printf(m, ",gid=%u", options.gid);
	seq_printf(m, ",mode=%03o,ptmxmode=%03o", options.mode, options.ptmx_mode);
}

static const struct super_ops devpts_super_ops = { .statfs = generic_statfs, .show_options = devpts_show_options };

static int devpts_parse(char *text)
{
	typeof(options) new = { .mode = 0600 };

	while (text && *text) {
		char *word = text, *comma = strchr(text, ','), *value;
		u64 v = 0;

		text = comma ? comma + 1 : NULL;
		if (comma)
			*comma = '\0';
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		if (strcmp(word, "newinstance") == 0)
			continue;
		if (!value || parse_u64(value, strcmp(word, "mode") && strcmp(word, "ptmxmode") ? 10 : 8, &v))
			return -EINVAL;
		if (strcmp(word, "mode") == 0) {
			new.mode = v & 07777;
		} else if (strcmp(word, "ptmxmode") == 0) {
			new.ptmx_mode = v & 07777;
		} else if (strcmp(word, "gid") == 0) {
			new.gid = (u32)v;
			new.gid_set = true;
		} else if (strcmp(word, "uid") == 0) {
			new.uid = (u32)v;
			new.uid_set = true;
		} else if (strcmp(word, "max")) {
			return -EINVAL;
		}
	}
	options = new;
	return 0;
}

static int devpts_make(struct fs_type *type, u64 flags)
{
	struct super *sb = super_alloc(type, flags);
	struct inode *root;

	if (!sb)
		return -ENOMEM;
	sb->ops = &devpts_super_ops;
	sb->magic = DEVPTS_SUPER_MAGIC;
	sb->block_size = 1024;
	root = inode_new(sb);
	ptmx_inode = inode_new(sb);
	if (!root || !ptmx_inode)
		return -ENOMEM;
	root->ino = 1;
	root->mode = S_IFDIR | 0755;
	root->nlink = 2;
	root->ops = &devpts_dir_ops;
	root->fops = &devpts_dir_fops;
	ptmx_inode->ino = 2;
	inode_init_special(ptmx_inode, S_IFCHR, DEV_PTMX);
	ptmx_inode->ops = &devpts_inode_ops;
	sb->root = dentry_root(root);
	devpts = sb;
	return sb->root ? 0 : -ENOMEM;
}

static int devpts_mount(struct fs_type *type, u64 flags, const char *source, const char *data, struct super **out)
{
	char *text = data ? kstrdup(data) : NULL;
	int rc;

	if (data && !text)
		return -ENOMEM;
	rc = devpts_parse(text);
	kfree(text);
	if (rc)
		return rc;
	ptmx_inode->mode = (umode_t)(S_IFCHR | options.ptmx_mode);
	refcount_get(&devpts->refs);
	*out = devpts;
	return 0;
}

static struct fs_type devpts_type = { .name = "devpts", .flags = FS_NODEV, .mount = devpts_mount };
FS_REGISTER(devpts_type);

void pty_init(void)
{
	if (devpts_make(&devpts_type, 0))
		pr_err("devpts: out of memory");
}

/* SPDX-License-Identifier: MIT */
/*
 * Credentials: immutable once set; a task changes its own by copy (kernel/proc/cred.c).
 */
#ifndef KERNEL_CRED_H
#define KERNEL_CRED_H

#include <kernel/atomic.h>
#include <kernel/task.h>
#include <linux/capability.h>
#include <linux/securebits.h>

struct file;
struct inode;

struct cred {
	struct refcount refs;
	u32 uid, gid, suid, sgid, euid, egid, fsuid, fsgid;
	u32 securebits;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	bool no_new_privs;
	struct group_list {
		struct refcount refs;
		u32 n;
		u32 gid[]; /* sorted */
	} *groups;
	struct user *user; /* per-uid counts */
	struct rcu_head rcu;
};
struct user { /* one a uid: kernel/proc/user.c */
	struct hlist_node hash;
	u32 uid;
	struct refcount refs;
	s64 processes, sigpending, mq_bytes, locked_pages, inotify_instances, inotify_watches, epoll_watches; /* [a] */
};

extern struct cred init_cred;
static inline const struct cred *current_cred(void) { return current->cred; }
static inline u32 current_uid(void) { return current->cred->uid; }
static inline u32 current_euid(void) { return current->cred->euid; }
static inline u32 current_fsuid(void) { return current->cred->fsuid; }
static inline u32 current_fsgid(void) { return current->cred->fsgid; }
struct cred *cred_prepare(void);		/* a copy of mine to change; NULL */
int cred_commit(struct cred *new);		/* becomes mine; consumes it. 0 */
void cred_abort(struct cred *new);
static inline const struct cred *cred_get(const struct cred *c) { refcount_get((struct refcount *)&c->refs); return c; }
void cred_put(const struct cred *c);
const struct cred *cred_of(struct task *t);	/* referenced */
/* Acts as `new` until cred_restore: access(2), coredumps. */
const struct cred *cred_override(const struct cred *new);
void cred_restore(const struct cred *old);
bool in_group(u32 gid);				/* fsgid or supplementary */
bool in_egroup(u32 gid);
static inline bool cred_capable(const struct cred *c, u32 cap) { return (c->cap_effective >> cap) & 1; }
static inline bool capable(u32 cap) { return cred_capable(current->cred, cap); }
struct group_list *groups_alloc(u32 n);		/* NULL: no memory; the caller fills and sorts it */
void groups_put(struct group_list *g);
bool groups_contain(const struct group_list *g, u32 gid);
extern u32 suid_dumpable;			/* fs.suid_dumpable: mm->dumpable after a change of identity */
#define CAP_ALL ((1UL << (CAP_LAST_CAP + 1)) - 1)
/* exec: what a file's owner, mode and capabilities make of `new`. */
int cred_exec(struct cred *new, struct file *exe, bool *secure);
/* May I ptrace / inspect t (mode 0 read, 1 attach)? 0 or -EPERM / -EACCES. */
int may_inspect(struct task *t, u32 mode);
struct user *user_find(u32 uid);		/* referenced, made when new; NULL: no memory */
void user_put(struct user *u);

#endif

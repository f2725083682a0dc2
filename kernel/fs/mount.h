/* SPDX-License-Identifier: MIT */
/*
 * The mount tree, for the files that change or show it: mount.c, mount_calls.c, mount_show.c.
 */
#ifndef FS_MOUNT_H
#define FS_MOUNT_H

#include "internal.h"

#include <kernel/mutex.h>
#include <kernel/wait.h>

/* The set of mounts processes see. One for now. */
struct mount_ns {
	struct refcount refs;
	struct mount *root;
	struct list_head mounts; /* [namespace_sem] mount->ns_link, in order of mounting */
	u32 nr_mounts;		 /* [namespace_sem] */
	u32 events;		 /* [a] changes so far: poll on /proc/mounts */
	struct wait_queue wait;
};
extern struct mount_ns init_mount_ns;

/* Per-mount flags; MS_RELATIME is what everybody has who did not say otherwise. */
#define MNT_FLAGS                                                                                    \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_NOSYMFOLLOW)

/* A mount of sb's subtree at root; consumes the super's reference, takes its own of root. Not in any tree. ERR_PTR. */
struct mount *mount_new(struct super *sb, struct dentry *root, u32 flags, const char *source);

/* All with namespace_sem held for writing. */
int mount_attach(struct mount *m, const struct path *at, struct mount_ns *ns); /* consumes m's reference on success */
/* Mounts taken out of the tree go to `dead` (by ns_link), for mount_bury(). */
void mount_detach_tree(struct mount *m, struct list_head *dead); /* with everything mounted below it */
void mount_link(struct mount *m, const struct path *at); /* below a mount that is in no namespace yet */
void mount_put_unused(struct mount *m);			 /* as mount_put, but leaves expiry_mark: no use of it */
void mount_bury(struct list_head *dead);			 /* without namespace_sem: drops the references */
bool mount_unused(struct mount *m, s32 refs, struct list_head *dead); /* detaches it if it has only so many */
void mount_relocate(struct mount *m, const struct path *at);	 /* the whole subtree moves */
struct mount *mount_next(struct mount *m, struct mount *top);	 /* preorder below top; NULL at the end */
void mount_changed(struct mount_ns *ns);
u32 peer_group_new(void);

#endif

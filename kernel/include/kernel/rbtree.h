/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees, intrusive, with optional augmentation. The caller walks down itself to find the place:
 *
 *	struct rb_node **link = &root->node, *parent = NULL;
 *	while (*link) { parent = *link; link = less(new, parent) ? &parent->left : &parent->right; }
 *	rb_insert(&new->rb, parent, link, root, augment);
 *
 * `augment(n)` recomputes n's cached value from n itself and its two children and returns true when it
 * changed; NULL when there is nothing to keep. No locking of their own.
 */
#ifndef KERNEL_RBTREE_H
#define KERNEL_RBTREE_H

#include <kernel/types.h>

struct rb_node {
	struct rb_node *parent, *left, *right;
	bool red;
};
struct rb_root {
	struct rb_node *node;
};

typedef bool (*rb_augment_fn)(struct rb_node *n);

void rb_insert(struct rb_node *n, struct rb_node *parent, struct rb_node **link, struct rb_root *root,
	       rb_augment_fn augment);
void rb_erase(struct rb_node *n, struct rb_root *root, rb_augment_fn augment);
/* n's own data changed: recompute cached values from n up to the root. */
void rb_propagate(struct rb_node *n, rb_augment_fn augment);
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *n);
struct rb_node *rb_prev(const struct rb_node *n);

#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_or_null(ptr, type, member)                                                          \
	({                                                                                           \
		typeof(ptr) rb_ptr_ = (ptr);                                                         \
		rb_ptr_ ? container_of(rb_ptr_, type, member) : NULL;                                \
	})

#endif

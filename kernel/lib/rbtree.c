/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees.
 *
 * Invariants: the root is black; a red node has black children; every path from a node down to a
 * missing child passes the same number of black nodes. Insertion and removal therefore restructure
 * O(1) places and walk O(log n).
 *
 * Cached (augmented) values: after the link change they are recomputed from the lowest changed node
 * to the root; a rotation recomputes the two nodes it turns, whose ancestors cover the same set of
 * nodes as before.
 */
#include <kernel/rbtree.h>

static bool rb_is_red(const struct rb_node *n) { return n && n->red; }

/* Makes `new` what `old` was to its parent. */
static void rb_replace_child(struct rb_node *old, struct rb_node *new, struct rb_node *parent,
			     struct rb_root *root)
{
	if (!parent)
		root->node = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
}

/* n's right child takes its place, n becomes the left child of that. */
static void rb_rotate_left(struct rb_node *n, struct rb_root *root, rb_augment_fn augment)
{
	struct rb_node *up = n->right;

	n->right = up->left;
	if (n->right)
		n->right->parent = n;
	up->parent = n->parent;
	rb_replace_child(n, up, n->parent, root);
	up->left = n;
	n->parent = up;
	if (augment) {
		augment(n);
		augment(up);
	}
}

static void rb_rotate_right(struct rb_node *n, struct rb_root *root, rb_augment_fn augment)
{
	struct rb_node *up = n->left;

	n->left = up->right;
	if (n->left)
		n->left->parent = n;
	up->parent = n->parent;
	rb_replace_child(n, up, n->parent, root);
	up->right = n;
	n->parent = up;
	if (augment) {
		augment(n);
		augment(up);
	}
}

/* Recomputes without stopping early: more than one node on the way may be stale. */
static void rb_propagate_all(struct rb_node *n, rb_augment_fn augment)
{
	for (; n; n = n->parent)
		augment(n);
}

void rb_propagate(struct rb_node *n, rb_augment_fn augment)
{
	while (n && augment(n))
		n = n->parent;
}

/* n is red, and so may be its parent. */
static void rb_insert_fix(struct rb_node *n, struct rb_root *root, rb_augment_fn augment)
{
	struct rb_node *parent, *grand, *uncle;

	while ((parent = n->parent) && parent->red) {
		grand = parent->parent; /* a red node is never the root */
		uncle = grand->left == parent ? grand->right : grand->left;
		if (rb_is_red(uncle)) {
			parent->red = uncle->red = false;
			grand->red = true;
			n = grand;
			continue;
		}
		if (grand->left == parent) {
			if (parent->right == n) {
				rb_rotate_left(parent, root, augment);
				parent = n;
			}
			parent->red = false;
			grand->red = true;
			rb_rotate_right(grand, root, augment);
		} else {
			if (parent->left == n) {
				rb_rotate_right(parent, root, augment);
				parent = n;
			}
			parent->red = false;
			grand->red = true;
			rb_rotate_left(grand, root, augment);
		}
		break;
	}
	root->node->red = false;
}

void rb_insert(struct rb_node *n, struct rb_node *parent, struct rb_node **link,
	       struct rb_root *root, rb_augment_fn augment)
{
	n->parent = parent;
	n->left = n->right = NULL;
	n->red = true;
	*link = n;
	if (augment)
		rb_propagate_all(n, augment);
	rb_insert_fix(n, root, augment);
}

/*
 * The subtree at n (may be missing), a child of parent, has one black node too few on its paths.
 * The sibling cannot be missing then. Each round either ends or moves the deficit one level up.
 */
static void rb_erase_fix(struct rb_node *n, struct rb_node *parent, struct rb_root *root,
			 rb_augment_fn augment)
{
	struct rb_node *s;

	while (parent && !rb_is_red(n)) {
		bool left = parent->left == n;

		s = left ? parent->right : parent->left;
		if (s->red) {
			s->red = false;
			parent->red = true;
			if (left)
				rb_rotate_left(parent, root, augment);
			else
				rb_rotate_right(parent, root, augment);
			s = left ? parent->right : parent->left;
		}
		if (!rb_is_red(s->left) && !rb_is_red(s->right)) {
			s->red = true;
			n = parent;
			parent = n->parent;
			continue;
		}
		if (left) {
			if (!rb_is_red(s->right)) {
				s->left->red = false;
				s->red = true;
				rb_rotate_right(s, root, augment);
				s = parent->right;
			}
			s->red = parent->red;
			parent->red = s->right->red = false;
			rb_rotate_left(parent, root, augment);
		} else {
			if (!rb_is_red(s->left)) {
				s->right->red = false;
				s->red = true;
				rb_rotate_left(s, root, augment);
				s = parent->left;
			}
			s->red = parent->red;
			parent->red = s->left->red = false;
			rb_rotate_right(parent, root, augment);
		}
		return;
	}
	if (n)
		n->red = false;
}

/* n has two children: its successor takes its place, links and colour. The place that lost a node
 * is returned. */
static struct rb_node *rb_erase_inner(struct rb_node *n, struct rb_root *root,
				      struct rb_node **child, bool *black)
{
	struct rb_node *next = n->right, *parent;

	while (next->left)
		next = next->left;
	*child = next->right;
	*black = !next->red;
	if (next->parent == n) {
		parent = next;
	} else {
		parent = next->parent;
		parent->left = *child;
		if (*child)
			(*child)->parent = parent;
		next->right = n->right;
		next->right->parent = next;
	}
	next->left = n->left;
	next->left->parent = next;
	next->parent = n->parent;
	next->red = n->red;
	rb_replace_child(n, next, n->parent, root);
	return parent;
}

void rb_erase(struct rb_node *n, struct rb_root *root, rb_augment_fn augment)
{
	struct rb_node *child, *parent;
	bool black;

	if (n->left && n->right) {
		parent = rb_erase_inner(n, root, &child, &black);
	} else {
		child = n->left ? n->left : n->right;
		parent = n->parent;
		black = !n->red;
		rb_replace_child(n, child, parent, root);
		if (child)
			child->parent = parent;
	}
	if (augment)
		rb_propagate_all(parent, augment);
	if (black)
		rb_erase_fix(child, parent, root, augment);
}

struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->left)
		n = n->left;
	return n;
}

struct rb_node *rb_last(const struct rb_root *root)
{
	struct rb_node *n = root->node;

	while (n && n->right)
		n = n->right;
	return n;
}

struct rb_node *rb_next(const struct rb_node *n)
{
	if (n->right) {
		n = n->right;
		while (n->left)
			n = n->left;
		return (struct rb_node *)n;
	}
	while (n->parent && n == n->parent->right)
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_prev(const struct rb_node *n)
{
	if (n->left) {
		n = n->left;
		while (n->right)
			n = n->right;
		return (struct rb_node *)n;
	}
	while (n->parent && n == n->parent->left)
		n = n->parent;
	return n->parent;
}

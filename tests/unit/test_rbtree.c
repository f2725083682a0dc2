/* SPDX-License-Identifier: MIT */
// cflags: -ffreestanding
/* Red-black trees: shape invariants, order and cached values over random insertions and removals.
 */
#include "unit.h"

#include "../../kernel/lib/rbtree.c"

struct item {
	struct rb_node rb;
	u64 key, max; /* max: largest key of the subtree */
	bool in;
};
#define NR_ITEMS 600
static struct item items[NR_ITEMS];

static u64 max_of(struct rb_node *n) { return n ? rb_entry(n, struct item, rb)->max : 0; }

static bool augment_max(struct rb_node *n)
{
	struct item *i = rb_entry(n, struct item, rb);
	u64 m = MAX(i->key, MAX(max_of(n->left), max_of(n->right)));
	bool changed = m != i->max;

	i->max = m;
	return changed;
}

static void insert(struct rb_root *root, struct item *new, rb_augment_fn fn)
{
	struct rb_node **link = &root->node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = new->key < rb_entry(parent, struct item, rb)->key ? &parent->left
									 : &parent->right;
	}
	rb_insert(&new->rb, parent, link, root, fn);
	new->in = true;
}

/* Black height of a correct subtree, -1 of a wrong one. */
static int check(const struct rb_node *n, bool augmented)
{
	const struct item *i = rb_entry(n, struct item, rb);
	int l, r;

	if (!n)
		return 1;
	if ((n->left && n->left->parent != n) || (n->right && n->right->parent != n))
		return -1;
	if (n->red && ((n->left && n->left->red) || (n->right && n->right->red)))
		return -1;
	if (augmented && i->max != MAX(i->key, MAX(max_of(n->left), max_of(n->right))))
		return -1;
	l = check(n->left, augmented);
	r = check(n->right, augmented);
	return l < 0 || l != r ? -1 : l + !n->red;
}

static bool valid(const struct rb_root *root, bool augmented)
{
	return (!root->node || (!root->node->red && !root->node->parent)) &&
	       check(root->node, augmented) > 0;
}

static bool in_order(const struct rb_root *root, u32 expected)
{
	u64 last = 0;
	u32 n = 0;

	for (struct rb_node *i = rb_first(root); i; i = rb_next(i), n++) {
		u64 key = rb_entry(i, struct item, rb)->key;

		if (n && key < last)
			return false;
		last = key;
	}
	for (struct rb_node *i = rb_last(root); i; i = rb_prev(i))
		expected--, n--;
	return n == 0 && expected == 0;
}

TEST(empty_tree)
{
	struct rb_root root = { NULL };

	CHECK(!rb_first(&root) && !rb_last(&root) && valid(&root, false));
}

static void churn(rb_augment_fn fn)
{
	struct rb_root root = { NULL };
	u32 n = 0;

	for (u32 i = 0; i < NR_ITEMS; i++)
		items[i] = (struct item) { .key = unit_random() % 1000 };
	for (u32 round = 0; round < 20000; round++) {
		struct item *i = &items[unit_random() % NR_ITEMS];

		if (i->in) {
			rb_erase(&i->rb, &root, fn);
			i->in = false;
			n--;
		} else {
			i->key = unit_random() % 1000;
			insert(&root, i, fn);
			n++;
		}
		if (round % 16 == 0)
			CHECK(valid(&root, fn != NULL) && in_order(&root, n));
	}
	for (u32 i = 0; i < NR_ITEMS; i++)
		if (items[i].in) {
			rb_erase(&items[i].rb, &root, fn);
			CHECK(valid(&root, fn != NULL));
		}
	CHECK(!root.node);
}

TEST(random_churn) { churn(NULL); }

TEST(random_churn_augmented) { churn(augment_max); }

TEST(ascending_and_descending)
{
	struct rb_root root = { NULL };

	for (u32 i = 0; i < NR_ITEMS; i++) {
		items[i] = (struct item) { .key = i < NR_ITEMS / 2 ? i : 2 * NR_ITEMS - i };
		insert(&root, &items[i], augment_max);
		CHECK(valid(&root, true));
	}
	CHECK(in_order(&root, NR_ITEMS));
	for (u32 i = 0; i < NR_ITEMS; i++) {
		rb_erase(rb_first(&root), &root, augment_max);
		CHECK(valid(&root, true));
	}
}

TEST(propagate_own_change)
{
	struct rb_root root = { NULL };

	for (u32 i = 0; i < 100; i++) {
		items[i] = (struct item) { .key = i };
		insert(&root, &items[i], augment_max);
	}
	items[3].key = 1000; /* order does not matter for the cached value */
	rb_propagate(&items[3].rb, augment_max);
	CHECK(max_of(root.node) == 1000);
	items[3].key = 3;
	rb_propagate(&items[3].rb, augment_max);
	CHECK(max_of(root.node) == 99 && valid(&root, true));
}

UNIT_MAIN(UNIT(empty_tree), UNIT(random_churn), UNIT(random_churn_augmented),
	  UNIT(ascending_and_descending), UNIT(propagate_own_change))

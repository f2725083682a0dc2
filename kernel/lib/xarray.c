/* SPDX-License-Identifier: MIT */
/*
 * Sparse arrays of pointers: a radix tree, 6 bits of the index a level.
 *
 * The root word is empty, holds the entry of index 0 when there is none other (most small files),
 * or points to the top node with bit 1 set. A node knows its own shift, so readers need only that
 * one word to start from.
 *
 * Readers under rcu_read_lock() see each slot either before or after a store. A node is freed after
 * a grace period and only when all its slots are empty (xa_destroy() empties them), so a late
 * reader finds nothing in it; that is also the state nodes keep in their cache, which is why they
 * are not cleared when allocated.
 *
 * Marks: bit i of marks[m] says slot i (leaf) or something below it (inner node) carries mark m.
 * `full`: bit i says there is no free index below slot i, for xa_alloc().
 */
#include <kernel/xarray.h>

#include <kernel/atomic.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/rcu.h>
#include <kernel/string.h>

#define XA_LEVELS_MAX 11 /* 64-bit indices */
#define NO_MARK	      XA_MARKS

static struct slab_cache *node_cache;

static void *node_entry(const struct xa_node *n) { return (void *)((u64)n | XA_NODE_TAG); }

static u32 slot_of(const struct xa_node *n, u64 index)
{
	return (index >> n->shift) & (XA_SLOTS - 1);
}

/* Indices the subtree below n covers start at `index` with the low bits cleared. */
static bool node_covers(const struct xa_node *n, u64 index)
{
	u32 bits = n->shift + XA_SHIFT;

	return bits >= 64 || index >> bits == 0;
}

/* --- marks --- */

/* Sets bit `slot` of the word at `word_offset` in n and above, as far as it is news. */
static void mark_set_up(struct xa_node *n, u32 slot, u32 mark)
{
	while (n && !(n->marks[mark] & BIT(slot))) {
		n->marks[mark] |= BIT(slot);
		slot = n->offset;
		n = n->parent;
	}
}

static void mark_clear_up(struct xa_node *n, u32 slot, u32 mark)
{
	while (n && (n->marks[mark] & BIT(slot))) {
		n->marks[mark] &= ~BIT(slot);
		if (n->marks[mark])
			break;
		slot = n->offset;
		n = n->parent;
	}
}

static void full_set_up(struct xa_node *n, u32 slot)
{
	for (;;) {
		n->full |= BIT(slot);
		if (~n->full || !n->parent)
			return;
		slot = n->offset;
		n = n->parent;
	}
}

static void full_clear_up(struct xa_node *n, u32 slot)
{
	while (n && (n->full & BIT(slot))) {
		bool was_full = !~n->full;

		n->full &= ~BIT(slot);
		if (!was_full)
			return;
		slot = n->offset;
		n = n->parent;
	}
}

/* --- nodes --- */

static void node_construct(void *obj) { memset(obj, 0, sizeof(struct xa_node)); }

static struct xa_node *node_alloc(struct xa_node *parent, u32 offset, u32 shift, gfp_t gfp)
{
	struct xa_node *n = slab_alloc(node_cache, gfp & ~(u32)GFP_ZERO);

	if (!n)
		return NULL;
	n->parent = parent;
	n->offset = (u8)offset;
	n->shift = (u8)shift;
	n->count = 0;
	return n;
}

static void node_free_rcu(struct rcu_head *head)
{
	slab_free(node_cache, container_of(head, struct xa_node, rcu));
}

static void node_free(struct xa_node *n) { rcu_call(&n->rcu, node_free_rcu); }

/* n lost its last entry: takes it and every parent that becomes empty by that out of the tree. */
static void prune(struct xarray *xa, struct xa_node *n)
{
	while (n && n->count == 0) {
		struct xa_node *parent = n->parent;

		if (parent) {
			WRITE_ONCE(parent->slots[n->offset], NULL);
			parent->count--;
		} else {
			WRITE_ONCE(xa->root, NULL);
			xa->root_marks = 0;
		}
		node_free(n);
		n = parent;
	}
}

/* A new top node above what the root word holds now (an entry or a node, not nothing). */
static int grow(struct xarray *xa, gfp_t gfp)
{
	struct xa_node *below = xa_is_node(xa->root) ? xa_to_node(xa->root) : NULL;
	struct xa_node *top = node_alloc(NULL, 0, below ? below->shift + XA_SHIFT : 0, gfp);

	if (!top)
		return -ENOMEM;
	top->slots[0] = xa->root;
	top->count = 1;
	if (below) {
		for (u32 m = 0; m < XA_MARKS; m++)
			top->marks[m] = below->marks[m] ? 1 : 0;
		top->full = ~below->full ? 0 : 1;
		below->parent = top;
	} else {
		for (u32 m = 0; m < XA_MARKS; m++)
			top->marks[m] = (xa->root_marks >> m) & 1;
		top->full = 1;
		xa->root_marks = 0;
	}
	smp_store_release(&xa->root, node_entry(top));
	return 0;
}

/* The top node of an empty array that is to hold `index` > 0: just high enough. */
static int plant(struct xarray *xa, u64 index, gfp_t gfp)
{
	u32 shift = 0;
	struct xa_node *top;

	while (shift + XA_SHIFT < 64 && index >> (shift + XA_SHIFT))
		shift += XA_SHIFT;
	top = node_alloc(NULL, 0, shift, gfp);
	if (!top)
		return -ENOMEM;
	smp_store_release(&xa->root, node_entry(top));
	return 0;
}

/* The leaf for index with all nodes on the way there made. NULL: out of memory, with no empty node
 * left behind. */
static struct xa_node *leaf_make(struct xarray *xa, u64 index, gfp_t gfp)
{
	struct xa_node *n, *child;
	u32 slot;

	if (!xa->root && plant(xa, index, gfp))
		return NULL;
	while (!xa_is_node(xa->root) || !node_covers(xa_to_node(xa->root), index))
		if (grow(xa, gfp))
			return NULL;
	n = xa_to_node(xa->root);
	while (n->shift) {
		slot = slot_of(n, index);
		if (!n->slots[slot]) {
			child = node_alloc(n, slot, n->shift - XA_SHIFT, gfp);
			if (!child) {
				prune(xa, n);
				return NULL;
			}
			smp_store_release(&n->slots[slot], node_entry(child));
			n->count++;
		}
		n = xa_to_node(n->slots[slot]);
	}
	return n;
}

/* The leaf that covers index, or NULL. */
static struct xa_node *leaf_find(const struct xarray *xa, u64 index)
{
	void *e = rcu_dereference(((struct xarray *)xa)->root);
	struct xa_node *n;

	if (!xa_is_node(e))
		return NULL;
	n = xa_to_node(e);
	if (!node_covers(n, index))
		return NULL;
	while (n->shift) {
		e = rcu_dereference(n->slots[slot_of(n, index)]);
		if (!e)
			return NULL;
		n = xa_to_node(e);
	}
	return n;
}

void *const *xa_leaf_slots(const struct xarray *xa, u64 index)
{
	struct xa_node *n = leaf_find(xa, index);

	return n ? n->slots : NULL;
}

/* --- load and store --- */

void *xa_load(const struct xarray *xa, u64 index) { return xa_lookup(xa, index); }

static void *leaf_erase(struct xarray *xa, struct xa_node *n, u32 slot)
{
	void *old = n->slots[slot];

	if (!old)
		return NULL;
	for (u32 m = 0; m < XA_MARKS; m++)
		mark_clear_up(n, slot, m);
	full_clear_up(n, slot);
	WRITE_ONCE(n->slots[slot], NULL);
	if (--n->count == 0)
		prune(xa, n);
	return old;
}

void *xa_erase(struct xarray *xa, u64 index)
{
	struct xa_node *n = leaf_find(xa, index);
	void *old;

	if (n)
		return leaf_erase(xa, n, slot_of(n, index));
	if (index || xa_is_node(xa->root))
		return NULL;
	old = xa->root;
	WRITE_ONCE(xa->root, NULL);
	xa->root_marks = 0;
	return old;
}

void *xa_store(struct xarray *xa, u64 index, void *entry, gfp_t gfp)
{
	struct xa_node *n;
	void *old;
	u32 slot;

	ASSERT(((u64)entry & 3) != XA_NODE_TAG);
	if (!entry)
		return xa_erase(xa, index);
	if (index == 0 && !xa_is_node(xa->root)) {
		old = xa->root;
		smp_store_release(&xa->root, entry);
		return old;
	}
	n = leaf_make(xa, index, gfp);
	if (!n)
		return ERR_PTR(-ENOMEM);
	slot = slot_of(n, index);
	old = n->slots[slot];
	smp_store_release(&n->slots[slot], entry);
	if (!old) {
		n->count++;
		full_set_up(n, slot);
	}
	return old;
}

int xa_insert(struct xarray *xa, u64 index, void *entry, gfp_t gfp)
{
	struct xa_node *n;
	u32 slot;

	ASSERT(entry && ((u64)entry & 3) != XA_NODE_TAG);
	if (index == 0 && !xa_is_node(xa->root)) {
		if (xa->root)
			return -EEXIST;
		smp_store_release(&xa->root, entry);
		return 0;
	}
	n = leaf_make(xa, index, gfp);
	if (!n)
		return -ENOMEM;
	slot = slot_of(n, index);
	if (n->slots[slot])
		return -EEXIST;
	smp_store_release(&n->slots[slot], entry);
	n->count++;
	full_set_up(n, slot);
	return 0;
}

/* --- search --- */

/* The first slot >= from of n that is in use and, unless NO_MARK, marked; XA_SLOTS when none. */
static u32 slot_next(const struct xa_node *n, u32 from, u32 mark)
{
	if (from >= XA_SLOTS)
		return XA_SLOTS;
	if (mark != NO_MARK) {
		u64 bits = READ_ONCE(n->marks[mark]) & (~0UL << from);

		return bits ? (u32)__builtin_ctzl(bits) : XA_SLOTS;
	}
	while (from < XA_SLOTS && !READ_ONCE(n->slots[from]))
		from++;
	return from;
}

/* First index the slot covers, given any index inside n. */
static u64 slot_first(const struct xa_node *n, u64 index, u32 slot)
{
	u32 bits = n->shift + XA_SHIFT;
	u64 base = bits >= 64 ? 0 : index >> bits << bits;

	return base | (u64)slot << n->shift;
}

/* Slots n really has: the top node of a full-height tree has but 4 bits of index. */
static u32 slots_in(const struct xa_node *n)
{
	return n->shift + XA_SHIFT > 64 ? 1U << (64 - n->shift) : XA_SLOTS;
}

static void *find(const struct xarray *xa, u64 *index, u64 last, u32 mark)
{
	struct xa_node *path[XA_LEVELS_MAX], *n;
	void *e = rcu_dereference(((struct xarray *)xa)->root);
	u64 at = *index;
	u32 depth = 0, slot;

	if (!xa_is_node(e)) {
		bool wanted = e && at == 0 && (mark == NO_MARK || (xa->root_marks & BIT(mark)));

		return wanted ? e : NULL;
	}
	n = xa_to_node(e);
	if (!node_covers(n, at))
		return NULL;
	slot = slot_of(n, at);
	for (;;) {
		slot = slot_next(n, slot, mark);
		if (slot >= slots_in(n)) { /* nothing more here: on with the parent's next slot */
			if (depth == 0)
				return NULL;
			slot = slot_of(path[--depth], at) + 1;
			n = path[depth];
			continue;
		}
		if (slot != slot_of(n, at))
			at = slot_first(n, at, slot);
		if (at > last)
			return NULL;
		e = rcu_dereference(n->slots[slot]);
		if (!e) { /* erased just now */
			slot++;
			continue;
		}
		if (n->shift == 0) {
			*index = at;
			return e;
		}
		path[depth++] = n;
		n = xa_to_node(e);
		slot = slot_of(n, at);
	}
}

void *xa_find(const struct xarray *xa, u64 *index, u64 last)
{
	return find(xa, index, last, NO_MARK);
}

u32 xa_find_many(const struct xarray *xa, u64 *index, u64 last, void **out, u32 max)
{
	u32 n = 0;

	while (n < max && *index <= last) {
		void *e = find(xa, index, last, NO_MARK);
		struct xa_node *leaf;
		u32 slot;

		if (!e)
			break;
		out[n++] = e;
		leaf = leaf_find(xa, *index);
		slot = leaf ? slot_of(leaf, *index) : XA_SLOTS;
		if ((*index)++ == ~0UL)
			break;
		while (++slot < XA_SLOTS && n < max &&
		       *index <= last) { /* its neighbours, while they last */
			e = rcu_dereference(leaf->slots[slot]);
			if (!e)
				break;
			out[n++] = e;
			if ((*index)++ == ~0UL)
				return n;
		}
	}
	return n;
}

void *xa_find_marked(const struct xarray *xa, u64 *index, u64 last, u32 mark)
{
	return find(xa, index, last, mark);
}

void xa_set_mark(struct xarray *xa, u64 index, u32 mark)
{
	struct xa_node *n = leaf_find(xa, index);

	if (n) {
		if (n->slots[slot_of(n, index)])
			mark_set_up(n, slot_of(n, index), mark);
	} else if (index == 0 && xa->root && !xa_is_node(xa->root)) {
		xa->root_marks |= BIT(mark);
	}
}

void xa_clear_mark(struct xarray *xa, u64 index, u32 mark)
{
	struct xa_node *n = leaf_find(xa, index);

	if (n)
		mark_clear_up(n, slot_of(n, index), mark);
	else if (index == 0 && !xa_is_node(xa->root))
		xa->root_marks &= ~BIT(mark);
}

bool xa_get_mark(const struct xarray *xa, u64 index, u32 mark)
{
	struct xa_node *n = leaf_find(xa, index);

	if (n)
		return (n->marks[mark] >> slot_of(n, index)) & 1;
	return index == 0 && !xa_is_node(xa->root) && (xa->root_marks & BIT(mark));
}

/* --- free indices --- */

/*
 * The lowest free index >= *at below top, which covers it; false when there is none. A node that is
 * full right of the index sends the search back to the top with the first index behind it: at most
 * once a level.
 */
static bool free_below(struct xa_node *top, u64 *at)
{
	struct xa_node *n = top;
	u64 index = *at;

	for (;;) {
		u32 bits = n->shift + XA_SHIFT, slot = slot_of(n, index);
		u64 open = ~n->full & (~0UL << slot);

		if (slots_in(n) < XA_SLOTS)
			open &= BIT(slots_in(n)) - 1;
		if (!open) {
			if (n == top)
				return false;
			index = ((index >> bits) + 1) << bits;
			if (!index || !node_covers(top, index))
				return false;
			n = top;
			continue;
		}
		if ((u32)__builtin_ctzl(open) != slot) {
			slot = (u32)__builtin_ctzl(open);
			index = slot_first(n, index, slot);
		}
		if (n->shift == 0 || !n->slots[slot]) {
			*at = index;
			return true;
		}
		n = xa_to_node(n->slots[slot]);
	}
}

int xa_alloc(struct xarray *xa, u64 *index, u64 last, void *entry, gfp_t gfp)
{
	u64 at = *index;
	void *old;

	if (!xa_is_node(xa->root)) {
		if (xa->root && at == 0)
			at = 1;
	} else if (node_covers(xa_to_node(xa->root), at) &&
		   !free_below(xa_to_node(xa->root), &at)) {
		u32 bits = xa_to_node(xa->root)->shift + XA_SHIFT;

		if (bits >= 64)
			return -EBUSY;
		at = BIT(bits); /* all the tree is full from *index on: the first it does not cover
				 */
	}
	if (at > last || at < *index)
		return -EBUSY;
	old = xa_store(xa, at, entry, gfp);
	if (IS_ERR(old))
		return (int)PTR_ERR(old);
	*index = at;
	return 0;
}

/* --- all at once --- */

/* Empties a node so that late readers, and its next user, find nothing. */
static void node_discard(struct xa_node *n)
{
	for (u32 i = 0; i < XA_SLOTS; i++)
		WRITE_ONCE(n->slots[i], NULL);
	for (u32 m = 0; m < XA_MARKS; m++)
		n->marks[m] = 0;
	n->full = 0;
	node_free(n);
}

void xa_destroy(struct xarray *xa)
{
	struct xa_node *n = xa_is_node(xa->root) ? xa_to_node(xa->root) : NULL;

	WRITE_ONCE(xa->root, NULL);
	xa->root_marks = 0;
	while (n) { /* depth first; a node's count says how many children are still there */
		struct xa_node *parent = n->parent;
		u32 slot = n->shift ? slot_next(n, 0, NO_MARK) : XA_SLOTS;

		if (slot < XA_SLOTS) {
			n = xa_to_node(n->slots[slot]);
			continue;
		}
		if (parent)
			WRITE_ONCE(parent->slots[n->offset], NULL);
		node_discard(n);
		n = parent;
	}
}

int xa_preload(gfp_t gfp)
{
	struct xa_node *n[2];
	u32 i = 0;

	for (; i < ARRAY_SIZE(n); i++) {
		n[i] = slab_alloc(node_cache, gfp);
		if (!n[i])
			break;
	}
	for (u32 k = 0; k < i; k++)
		slab_free(node_cache, n[k]);
	return i == ARRAY_SIZE(n) ? 0 : -ENOMEM;
}

void xarray_init(void)
{
	node_cache =
		slab_create("xa_node", sizeof(struct xa_node), 8, SLAB_RECLAIMABLE, node_construct);
	if (!node_cache)
		panic("xarray: no memory for the node cache");
}

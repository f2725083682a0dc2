/* SPDX-License-Identifier: MIT */
/*
 * An array of pointers indexed by unsigned long, sparse: a radix tree of 64-slot nodes, of which small
 * indices use few. Readers may run under rcu_read_lock() beside one writer; writers lock for themselves
 * (the caller's lock). Stored pointers must be 8-byte aligned or made by xa_mk_value().
 */
#ifndef KERNEL_XARRAY_H
#define KERNEL_XARRAY_H

#include <kernel/atomic.h>
#include <kernel/types.h>

struct xarray {
	void *root;	/* NULL: empty; the entry at index 0 when there is no other; else a node (bit 1 set) */
	u32 root_marks; /* of an entry in root itself */
};

#define XARRAY_INIT { NULL, 0 }
#define XA_MARKS 2 /* per-entry tag bits, searchable: page cache uses DIRTY and WRITEBACK */

void *xa_load(const struct xarray *xa, u64 index);
/*
 * Stores entry (NULL erases) and returns the old one, or ERR_PTR(-ENOMEM). Marks of the slot are cleared when
 * the slot becomes empty. Allocates with `gfp`; erasing never fails.
 */
void *__must_check xa_store(struct xarray *xa, u64 index, void *entry, gfp_t gfp);
int __must_check xa_insert(struct xarray *xa, u64 index, void *entry, gfp_t gfp); /* only where empty: 0, -EEXIST, -ENOMEM */
void *xa_erase(struct xarray *xa, u64 index);
/* The first entry at or after *index up to and including last; *index is set to its place. NULL if none. */
void *xa_find(const struct xarray *xa, u64 *index, u64 last);
/* Up to max entries at or after *index, by index; *index is set behind the last. */
u32 xa_find_many(const struct xarray *xa, u64 *index, u64 last, void **out, u32 max);
/* The slots of the leaf that index is in (for index % XA_SLOTS and its neighbours), as long as RCU is held; NULL: no leaf. */
void *const *xa_leaf_slots(const struct xarray *xa, u64 index);
void *xa_find_marked(const struct xarray *xa, u64 *index, u64 last, u32 mark);
void xa_set_mark(struct xarray *xa, u64 index, u32 mark);
void xa_clear_mark(struct xarray *xa, u64 index, u32 mark);
bool xa_get_mark(const struct xarray *xa, u64 index, u32 mark);
/* The lowest free index in [*index, last] gets entry; 0, -EBUSY when full, -ENOMEM. */
int __must_check xa_alloc(struct xarray *xa, u64 *index, u64 last, void *entry, gfp_t gfp);
/* Frees all nodes; entries are the caller's. */
void xa_destroy(struct xarray *xa);
/* Tries to have nodes at hand for a following xa_store(GFP_ATOMIC) under a lock; may sleep as gfp says. 0, -ENOMEM. */
int __must_check xa_preload(gfp_t gfp);
void xarray_init(void); /* slab_init() calls it: the cache of nodes */

static inline void *xa_mk_value(u64 v) { return (void *)((v << 1) | 1); }
static inline u64 xa_to_value(const void *e) { return (u64)e >> 1; }
static inline bool xa_is_value(const void *e) { return (u64)e & 1; }

/* The array's insides, for lib/xarray.c and the inline lookup. */
#define XA_SHIFT    6
#define XA_SLOTS    64
#define XA_NODE_TAG 2UL
struct xa_node {
	u8 shift;		/* of the index bits that choose a slot; 0: a leaf */
	u8 offset;		/* my slot in parent */
	u8 count;		/* slots in use */
	struct xa_node *parent; /* NULL: the top */
	u64 marks[XA_MARKS];
	u64 full;
	struct rcu_head rcu;
	void *slots[XA_SLOTS];
};
static inline bool xa_is_node(const void *e) { return ((u64)e & 3) == XA_NODE_TAG; }
static inline struct xa_node *xa_to_node(const void *e) { return (struct xa_node *)((u64)e - XA_NODE_TAG); }

/* xa_load() without the call. */
static __always_inline void *xa_lookup(const struct xarray *xa, u64 index)
{
	void *e = __atomic_load_n(&xa->root, __ATOMIC_CONSUME);
	const struct xa_node *n;
	u32 shift;

	if (!xa_is_node(e))
		return index == 0 ? e : NULL;
	n = xa_to_node(e);
	shift = n->shift;
	if (unlikely(shift + XA_SHIFT < 64 && index >> ((shift + XA_SHIFT) & 63)))
		return NULL;
	for (;;) {
		e = __atomic_load_n(&n->slots[(index >> (shift & 63)) & (XA_SLOTS - 1)], __ATOMIC_CONSUME);
		if (shift == 0 || !e)
			return e;
		n = xa_to_node(e);
		shift -= XA_SHIFT;
	}
}

#define xa_for_each(xa, index, entry)                                                                \
	for (index = 0; ((entry) = xa_find(xa, &index, ~0UL)) != NULL; index++)

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Circular doubly linked lists, and single-head hash lists. No locking of their own.
 * The _rcu forms may be walked under rcu_read_lock() while a writer, holding its lock, adds and deletes.
 */
#ifndef KERNEL_LIST_H
#define KERNEL_LIST_H

#include <kernel/atomic.h>
#include <kernel/types.h>

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name)	     struct list_head name = LIST_HEAD_INIT(name)
#define LIST_POISON	     ((struct list_head *)0xdead000000000100UL) /* non-canonical: a use faults */

static inline void list_init(struct list_head *h) { h->next = h->prev = h; }
static inline bool list_empty(const struct list_head *h) { return READ_ONCE(h->next) == h; }

void list_corrupt(const struct list_head *at, const char *what); /* lib/list.c: panics, DEBUG only */

static inline void list_insert_between(struct list_head *n, struct list_head *prev, struct list_head *next)
{
	if (DEBUG && unlikely(next->prev != prev || prev->next != next || n == prev || n == next))
		list_corrupt(n, "add");
	next->prev = n;
	n->next = next;
	n->prev = prev;
	smp_store_release(&prev->next, n);
}

static inline void list_add(struct list_head *n, struct list_head *h) { list_insert_between(n, h, h->next); }
static inline void list_add_tail(struct list_head *n, struct list_head *h) { list_insert_between(n, h->prev, h); }

/* Unlinks without touching n: what _rcu readers need. */
static inline void list_unlink(struct list_head *n)
{
	if (DEBUG && unlikely(n->next->prev != n || n->prev->next != n))
		list_corrupt(n, "delete");
	n->next->prev = n->prev;
	WRITE_ONCE(n->prev->next, n->next);
}

static inline void list_del(struct list_head *n)
{
	list_unlink(n);
	n->next = n->prev = LIST_POISON;
}

static inline void list_del_rcu(struct list_head *n)
{
	list_unlink(n);
	n->prev = LIST_POISON;
}

/* n may be tested with list_empty() afterwards. */
static inline void list_del_init(struct list_head *n)
{
	list_unlink(n);
	list_init(n);
}

static inline void list_move(struct list_head *n, struct list_head *h)
{
	list_unlink(n);
	list_add(n, h);
}

static inline void list_move_tail(struct list_head *n, struct list_head *h)
{
	list_unlink(n);
	list_add_tail(n, h);
}

/* Moves all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void list_splice_tail_init(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(ptr, type, member)	    container_of(ptr, type, member)
#define list_first_entry(h, type, member)   list_entry((h)->next, type, member)
#define list_last_entry(h, type, member)    list_entry((h)->prev, type, member)
#define list_first_entry_or_null(h, type, member) (list_empty(h) ? NULL : list_first_entry(h, type, member))
#define list_next_entry(p, member)	    list_entry((p)->member.next, typeof(*(p)), member)

#define list_for_each_entry(p, h, member)                                                            \
	for (p = list_first_entry(h, typeof(*p), member); &p->member != (h); p = list_next_entry(p, member))
#define list_for_each_entry_reverse(p, h, member)                                                    \
	for (p = list_last_entry(h, typeof(*p), member); &p->member != (h);                          \
	     p = list_entry(p->member.prev, typeof(*p), member))
/* p may be deleted or freed in the body. */
#define list_for_each_entry_safe(p, n, h, member)                                                    \
	for (p = list_first_entry(h, typeof(*p), member), n = list_next_entry(p, member);            \
	     &p->member != (h); p = n, n = list_next_entry(n, member))
#define list_for_each_entry_rcu(p, h, member)                                                        \
	for (p = list_entry(READ_ONCE((h)->next), typeof(*p), member); &p->member != (h);            \
	     p = list_entry(READ_ONCE(p->member.next), typeof(*p), member))

/* Hash lists: a head of one pointer. */
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};

static inline bool hlist_unhashed(const struct hlist_node *n) { return !n->pprev; }
static inline bool hlist_empty(const struct hlist_head *h) { return !READ_ONCE(h->first); }

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	n->pprev = &h->first;
	if (n->next)
		n->next->pprev = &n->next;
	smp_store_release(&h->first, n);
}

/* Safe against _rcu readers (n->next is kept); n is unhashed afterwards. No-op when it already is. */
static inline void hlist_del_init(struct hlist_node *n)
{
	if (hlist_unhashed(n))
		return;
	WRITE_ONCE(*n->pprev, n->next);
	if (n->next)
		n->next->pprev = n->pprev;
	n->pprev = NULL;
}

#define hlist_entry_or_null(ptr, type, member)                                                       \
	({                                                                                           \
		typeof(ptr) hlist_ptr_ = (ptr);                                                      \
		hlist_ptr_ ? container_of(hlist_ptr_, type, member) : NULL;                          \
	})
/* Also safe under rcu_read_lock(). */
#define hlist_for_each_entry(p, h, member)                                                           \
	for (p = hlist_entry_or_null(READ_ONCE((h)->first), typeof(*p), member); p;                  \
	     p = hlist_entry_or_null(READ_ONCE(p->member.next), typeof(*p), member))

#endif

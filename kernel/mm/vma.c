/* SPDX-License-Identifier: MIT */
/*
 * VMAs: the ranges of an address space that are mapped, in a red-black tree by address.
 *
 * Each node knows the hole before it (gap) and the largest hole in its subtree (gap_max), so that a
 * free range of any size is found in O(log n), highest first. A stack's hole ends at its guard gap.
 * Invariants, with mm->lock free: VMAs are page aligned, not empty and do not overlap; gap and
 * gap_max are right; nr_vmas counts the tree; a VMA with a file is in its mapping's tree too
 * (rmap.c) exactly as long as it is in this one.
 *
 * Whoever holds mm->lock for reading may walk and look up; changes need it for writing. In changes
 * that move a border between two VMAs one grows before the other shrinks: a file's pages are never
 * without a VMA in between.
 */
#include "vma.h"

#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/string.h>

static struct slab_cache *vma_cache;
u32 sysctl_max_map_count = 65530;
u32 sysctl_stack_guard_gap = 256;

void vma_cache_init(void)
{
	vma_cache = slab_create("vm_area_struct", sizeof(struct vma), 0, SLAB_ACCOUNT, NULL);
	if (!vma_cache)
		panic("vm: no memory for the VMA cache");
}

static struct vma *vma_of(struct rb_node *n) { return rb_entry_or_null(n, struct vma, rb); }

static bool gap_augment(struct rb_node *n)
{
	struct vma *v = rb_entry(n, struct vma, rb);
	u64 max = v->gap;

	if (n->left)
		max = MAX(max, rb_entry(n->left, struct vma, rb)->gap_max);
	if (n->right)
		max = MAX(max, rb_entry(n->right, struct vma, rb)->gap_max);
	if (v->gap_max == max)
		return false;
	v->gap_max = max;
	return true;
}

u64 vma_guard_start(const struct vma *vma)
{
	u64 guard = (u64)READ_ONCE(sysctl_stack_guard_gap) << PAGE_SHIFT;

	if (!(vma->flags & VM_GROWSDOWN))
		return vma->start;
	return vma->start > guard ? vma->start - guard : 0;
}

static void gap_set(struct vma *vma, const struct vma *prev)
{
	u64 start = vma_guard_start(vma), end = prev ? prev->end : 0;

	vma->gap = start > end ? start - end : 0;
}

static void gap_update(struct vma *vma, const struct vma *prev)
{
	gap_set(vma, prev);
	rb_propagate(&vma->rb, gap_augment);
}

/* --- lookup --- */

struct vma *vma_first(struct mm *mm) { return vma_of(rb_first(&mm->vmas)); }

struct vma *vma_last(struct mm *mm) { return vma_of(rb_last(&mm->vmas)); }

struct vma *vma_next(struct vma *vma) { return vma_of(rb_next(&vma->rb)); }

struct vma *vma_prev(struct vma *vma) { return vma_of(rb_prev(&vma->rb)); }

struct vma *vma_find(struct mm *mm, u64 addr)
{
	struct vma *v = READ_ONCE(mm->last_hit), *best = NULL;
	struct rb_node *n = mm->vmas.node;

	if (v && addr - v->start < v->end - v->start)
		return v;
	while (n) {
		v = rb_entry(n, struct vma, rb);
		if (addr < v->end) {
			best = v;
			if (addr >= v->start)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	if (best && addr >= best->start)
		WRITE_ONCE(mm->last_hit, best);
	return best;
}

struct vma *vma_find_exact(struct mm *mm, u64 addr)
{
	struct vma *v = vma_find(mm, addr);

	return v && addr >= v->start ? v : NULL;
}

bool vma_range_full(struct mm *mm, u64 start, u64 end)
{
	struct vma *v = vma_find(mm, start);

	for (; v && v->start <= start; v = vma_next(v)) {
		if (v->end >= end)
			return true;
		start = v->end;
	}
	return false;
}

bool vma_range_unsealed(struct mm *mm, u64 start, u64 end)
{
	struct vma *v;

	for (v = vma_find(mm, start); v && v->start < end; v = vma_next(v))
		if (v->flags & VM_SEALED)
			return false;
	return true;
}

/*
 * The highest hole of at least `size` bytes whose end, cut to `limit`, leaves room above `low`. A
 * subtree is entered only when its gap_max says that it may hold one, right side first.
 */
static u64 gap_find_top(struct mm *mm, u64 size, u64 low, u64 limit)
{
	struct rb_node *n = mm->vmas.node;
	struct vma *v = vma_last(mm);
	u64 start = MAX(v ? v->end : 0, low), end;
	bool down = true;

	if (start < limit && limit - start >= size)
		return limit;
	while (n) {
		v = rb_entry(n, struct vma, rb);
		if (down) {
			if (v->gap_max < size)
				goto up;
			/* All to the right lies above v: of no use when that is above the limit. */
			if (n->right && v->end < limit) {
				n = n->right;
				continue;
			}
		}
	look:
		end = vma_guard_start(v);
		start = MAX(end - v->gap, low);
		end = MIN(end, limit);
		if (start < end && end - start >= size)
			return end;
		if (v->start <= low)
			return 0;
		if (n->left) {
			n = n->left;
			down = true;
			continue;
		}
	up:
		for (;;) {
			struct rb_node *parent = n->parent;

			if (!parent)
				return 0;
			if (parent->right == n) {
				n = parent;
				v = rb_entry(n, struct vma, rb);
				goto look;
			}
			n = parent;
		}
	}
	return 0;
}

s64 vm_unmapped_area(struct mm *mm, u64 len, u64 hint, u64 align)
{
	u64 low = MMAP_MIN_ADDR, mask = align > PAGE_SIZE ? align - 1 : 0, size = len + mask, end;
	struct vma *v;

	if (len == 0 || len > TASK_SIZE || size < len)
		return -ENOMEM;
	if (hint >= low && hint <= TASK_SIZE - len && (hint & (mask | (PAGE_SIZE - 1))) == 0) {
		v = vma_find(mm, hint);
		if (!v || hint + len <= vma_guard_start(v))
			return (s64)hint;
	}
	end = gap_find_top(mm, size, low, mm->mmap_base);
	if (!end)
		end = gap_find_top(mm, size, low, TASK_SIZE);
	return end ? (s64)((end - len) & ~mask) : -ENOMEM;
}

/* --- objects --- */

struct vma *vma_alloc(struct mm *mm, u64 start, u64 end, u64 flags, u64 pgoff)
{
	struct vma *v = slab_alloc(vma_cache, GFP_KERNEL | GFP_ZERO);

	if (!v)
		return NULL;
	v->mm = mm;
	v->start = start;
	v->end = end;
	v->flags = flags;
	v->pgoff = pgoff;
	return v;
}

struct vma *vma_dup(struct mm *mm, const struct vma *old)
{
	struct vma *v = slab_alloc(vma_cache, GFP_KERNEL);

	if (!v)
		return NULL;
	*v = *old;
	v->mm = mm;
	if (v->file)
		file_get(v->file);
	vma_name_get(v->name);
	return v;
}

void vma_free(struct vma *vma)
{
	if (vma->file)
		file_put(vma->file);
	vma_name_put(vma->name);
	slab_free(vma_cache, vma);
}

void vma_close(struct vma *vma)
{
	if (vma->ops && vma->ops->close)
		vma->ops->close(vma);
	vma_free(vma);
}

struct vma_name *vma_name_get(struct vma_name *n)
{
	if (n)
		refcount_get(&n->refs);
	return n;
}

void vma_name_put(struct vma_name *n)
{
	if (n && refcount_put(&n->refs))
		kfree(n);
}

static bool name_same(const struct vma_name *a, const struct vma_name *b)
{
	return a == b || (a && b && strcmp(a->text, b->text) == 0);
}

/* --- the tree --- */

void vma_insert(struct mm *mm, struct vma *vma)
{
	struct rb_node **link = &mm->vmas.node, *parent = NULL;
	struct vma *prev = NULL, *next = NULL, *v;

	while (*link) {
		parent = *link;
		v = rb_entry(parent, struct vma, rb);
		if (vma->start < v->start) {
			next = v;
			link = &parent->left;
		} else {
			prev = v;
			link = &parent->right;
		}
	}
	vma->gap_max = 0;
	gap_set(vma, prev);
	rb_insert(&vma->rb, parent, link, &mm->vmas, gap_augment);
	rb_propagate(&vma->rb, gap_augment);
	if (next)
		gap_update(next, vma);
	mm->nr_vmas++;
	mm->seq++;
	if (vma->file)
		vma_link_file(vma);
}

void vma_remove(struct mm *mm, struct vma *vma)
{
	struct vma *prev = vma_prev(vma), *next = vma_next(vma);

	if (vma->file)
		vma_unlink_file(vma);
	rb_erase(&vma->rb, &mm->vmas, gap_augment);
	if (next)
		gap_update(next, prev);
	if (mm->last_hit == vma)
		mm->last_hit = NULL;
	mm->nr_vmas--;
	mm->seq++;
}

void vma_append(struct mm *mm, struct vma *vma, struct vma *last)
{
	struct rb_node *parent = last ? &last->rb : NULL;

	gap_set(vma, last);
	rb_insert(&vma->rb, parent, parent ? &parent->right : &mm->vmas.node, &mm->vmas, NULL);
	mm->nr_vmas++;
	if (vma->file)
		vma_link_file(vma);
}

static struct rb_node *deepest(struct rb_node *n)
{
	while (n && (n->left || n->right))
		n = n->left ? n->left : n->right;
	return n;
}

/* Children come before parents: who is visited may be freed. */
static struct rb_node *next_upwards(struct rb_node *n)
{
	struct rb_node *parent = n->parent;

	return parent && parent->left == n && parent->right ? deepest(parent->right) : parent;
}

void vma_tree_finish(struct mm *mm)
{
	struct rb_node *n;

	for (n = deepest(mm->vmas.node); n; n = next_upwards(n))
		gap_augment(n);
	mm->seq++;
}

void vma_free_all(struct mm *mm)
{
	struct rb_node *n, *next;

	for (n = deepest(mm->vmas.node); n; n = next) {
		next = next_upwards(n);
		vma_close(vma_of(n));
	}
	mm->vmas.node = NULL;
	mm->last_hit = NULL;
	mm->nr_vmas = 0;
	mm->seq++;
}

void vma_set_bounds(struct vma *vma, u64 start, u64 end)
{
	u64 pgoff = vma->pgoff + ((s64)(start - vma->start) >> PAGE_SHIFT);
	struct vma *next;

	ASSERT(start < end && IS_ALIGNED(start | end, PAGE_SIZE));
	if (vma->file) {
		vma_move_file(vma, start, end, pgoff);
	} else {
		vma->pgoff = pgoff;
		WRITE_ONCE(vma->start, start);
		WRITE_ONCE(vma->end, end);
	}
	gap_update(vma, vma_prev(vma));
	next = vma_next(vma);
	if (next)
		gap_update(next, vma);
	vma->mm->seq++;
}

struct vma *vma_split(struct vma *vma, u64 addr)
{
	struct mm *mm = vma->mm;
	struct vma *upper;

	ASSERT(vma->start < addr && addr < vma->end);
	upper = vma_dup(mm, vma);
	if (!upper)
		return ERR_PTR(-ENOMEM);
	upper->pgoff = vma_pgoff(vma, addr);
	upper->start = addr;
	if (upper->ops && upper->ops->open)
		upper->ops->open(upper);
	vma_insert(mm, upper);
	vma_set_bounds(vma, vma->start, addr);
	return upper;
}

static bool vma_alike(const struct vma *v, u64 flags, const struct file *file,
		      const struct vm_ops *ops, const void *data, bool anon,
		      const struct vma_name *name)
{
	return v->flags == flags && v->file == file && v->ops == ops && v->data == data &&
	       v->anon == anon && !(flags & VM_SPECIAL) && !(ops && ops->close) &&
	       name_same(v->name, name);
}

/* v's neighbour goes on where v ends, or the other way round, and nothing tells them apart once v
 * has these flags. */
static bool vma_may_join(const struct vma *neighbour, const struct vma *v, u64 flags,
			 const struct vma_name *name)
{
	const struct vma *a = neighbour->start < v->start ? neighbour : v,
			 *b = a == v ? neighbour : v;

	return a->end == b->start && a->pgoff + vma_pages(a) == b->pgoff &&
	       vma_alike(neighbour, flags, v->file, v->ops, v->data, v->anon, name);
}

/* `gone` lies wholly within what its neighbour has grown to. */
static void vma_swallow(struct vma *by, struct vma *gone)
{
	by->has_anon |= gone->has_anon;
	vma_remove(gone->mm, gone);
	vma_free(gone);
}

struct vma *vma_merge_new(struct mm *mm, u64 start, u64 end, u64 flags, struct file *file,
			  u64 pgoff)
{
	struct vma *next = vma_find(mm, start), *prev = next ? vma_prev(next) : vma_last(mm);
	bool anon = !file, joins_prev, joins_next;

	joins_prev = prev && prev->end == start && prev->pgoff + vma_pages(prev) == pgoff &&
		     vma_alike(prev, flags, file, NULL, NULL, anon, NULL);
	joins_next = next && next->start == end &&
		     pgoff + ((end - start) >> PAGE_SHIFT) == next->pgoff &&
		     vma_alike(next, flags, file, NULL, NULL, anon, NULL);
	if (joins_prev) {
		vma_set_bounds(prev, prev->start, joins_next ? next->end : end);
		if (joins_next)
			vma_swallow(prev, next);
		return prev;
	}
	if (!joins_next)
		return NULL;
	vma_set_bounds(next, start, next->end);
	return next;
}

struct vma *vma_modify(struct vma *vma, u64 start, u64 end, u64 flags, struct vma_name *name)
{
	struct vma *prev = NULL, *next = NULL, *upper;

	ASSERT(vma->start <= start && start < end && end <= vma->end);
	if (start == vma->start) {
		prev = vma_prev(vma);
		if (prev && !vma_may_join(prev, vma, flags, name))
			prev = NULL;
	}
	if (end == vma->end) {
		next = vma_next(vma);
		if (next && !vma_may_join(next, vma, flags, name))
			next = NULL;
	}
	if (prev) {
		prev->has_anon |= vma->has_anon;
		vma_set_bounds(prev, prev->start, next ? next->end : end);
		if (end == vma->end)
			vma_swallow(prev, vma);
		else
			vma_set_bounds(vma, end, vma->end);
		if (next)
			vma_swallow(prev, next);
		return prev;
	}
	if (next) {
		next->has_anon |= vma->has_anon;
		vma_set_bounds(next, start, next->end);
		if (start == vma->start)
			vma_swallow(next, vma);
		else
			vma_set_bounds(vma, vma->start, start);
		return next;
	}
	if (vma->mm->nr_vmas + (start > vma->start) + (end < vma->end) >
	    READ_ONCE(sysctl_max_map_count))
		return ERR_PTR(-ENOMEM);
	if (start > vma->start) {
		vma = vma_split(vma, start);
		if (IS_ERR(vma))
			return vma;
	}
	if (end < vma->end) {
		upper = vma_split(vma, end);
		if (IS_ERR(upper))
			return upper;
	}
	if (vma->flags != flags) {
		vma->flags = flags;
		vma->mm->seq++;
	}
	if (vma->name != name) {
		vma_name_put(vma->name);
		vma->name = vma_name_get(name);
	}
	return vma;
}

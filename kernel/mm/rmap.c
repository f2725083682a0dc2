/* SPDX-License-Identifier: MIT */
/*
 * The reverse map: from pages of a file to the address spaces that map them.
 *
 * mapping->vmas is an interval tree: VMAs by first file page, each node knowing the highest last
 * page in its subtree (shared_max). mapping->vma_lock guards it; whoever holds it may also touch
 * the page tables below the VMAs it finds (under their page_table_lock): a VMA leaves the tree
 * before its tables are freed. Anonymous pages have no reverse map; nothing needs one.
 *
 * Truncation: a page leaves the cache (page->mapping becomes NULL) before mapping_unmap_range() is
 * called for it, and a fault looks at page->mapping under the page_table_lock: so one of the two
 * sees the other.
 */
#include "vma.h"

#include <kernel/fs.h>
#include <kernel/pagecache.h>

static struct vma *shared_of(struct rb_node *n) { return rb_entry(n, struct vma, shared); }

static u64 last_page(const struct vma *v) { return v->pgoff + vma_pages(v) - 1; }

static bool shared_augment(struct rb_node *n)
{
	struct vma *v = shared_of(n);
	u64 max = last_page(v);

	if (n->left)
		max = MAX(max, shared_of(n->left)->shared_max);
	if (n->right)
		max = MAX(max, shared_of(n->right)->shared_max);
	if (v->shared_max == max)
		return false;
	v->shared_max = max;
	return true;
}

static void shared_insert(struct mapping *m, struct vma *vma)
{
	struct rb_node **link = &m->vmas.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = vma->pgoff < shared_of(parent)->pgoff ? &parent->left : &parent->right;
	}
	vma->shared_max = 0;
	rb_insert(&vma->shared, parent, link, &m->vmas, shared_augment);
	rb_propagate(&vma->shared, shared_augment);
}

static bool counts_as_writer(const struct vma *v)
{
	return (v->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
}

void vma_link_file(struct vma *vma)
{
	struct mapping *m = vma->file->mapping;

	if (!m)
		return;
	if (counts_as_writer(vma))
		atomic_inc(&m->writable_shared);
	down_write(&m->vma_lock);
	shared_insert(m, vma);
	up_write(&m->vma_lock);
}

void vma_unlink_file(struct vma *vma)
{
	struct mapping *m = vma->file->mapping;

	if (!m)
		return;
	down_write(&m->vma_lock);
	rb_erase(&vma->shared, &m->vmas, shared_augment);
	up_write(&m->vma_lock);
	if (counts_as_writer(vma))
		atomic_dec(&m->writable_shared);
}

void vma_move_file(struct vma *vma, u64 start, u64 end, u64 pgoff)
{
	struct mapping *m = vma->file->mapping;

	if (m) {
		down_write(&m->vma_lock);
		rb_erase(&vma->shared, &m->vmas, shared_augment);
	}
	vma->pgoff = pgoff;
	WRITE_ONCE(vma->start, start);
	WRITE_ONCE(vma->end, end);
	if (m) {
		shared_insert(m, vma);
		up_write(&m->vma_lock);
	}
}

/* The leftmost VMA in n's subtree that reaches page `first` or beyond. */
static struct vma *subtree_first(struct rb_node *n, u64 first, u64 last)
{
	while (n) {
		if (n->left && shared_of(n->left)->shared_max >= first) {
			n = n->left;
			continue;
		}
		if (shared_of(n)->pgoff > last)
			return NULL;
		if (last_page(shared_of(n)) >= first)
			return shared_of(n);
		n = n->right;
		if (n && shared_of(n)->shared_max < first)
			return NULL;
	}
	return NULL;
}

static struct vma *shared_first(struct mapping *m, u64 first, u64 last)
{
	struct rb_node *n = m->vmas.node;

	return n && shared_of(n)->shared_max >= first ? subtree_first(n, first, last) : NULL;
}

static struct vma *shared_next(struct vma *v, u64 first, u64 last)
{
	struct rb_node *n = &v->shared, *parent;

	if (n->right && shared_of(n->right)->shared_max >= first) {
		v = subtree_first(n->right, first, last);
		if (v)
			return v;
		return NULL; /* what follows starts later still */
	}
	for (;;) {
		parent = n->parent;
		if (!parent || shared_of(parent)->pgoff > last)
			return NULL;
		if (parent->left == n && last_page(shared_of(parent)) >= first)
			return shared_of(parent);
		if (parent->left == n && parent->right &&
		    shared_of(parent->right)->shared_max >= first)
			return subtree_first(parent->right, first, last);
		n = parent;
	}
}

void mapping_unmap_range(struct mapping *m, u64 first, u64 last, bool even_cows)
{
	struct vma *v;

	if (!READ_ONCE(m->vmas.node))
		return;
	down_read(&m->vma_lock);
	for (v = shared_first(m, first, last); v; v = shared_next(v, first, last)) {
		u64 from = MAX(first, v->pgoff) - v->pgoff,
		    to = MIN(last, last_page(v)) - v->pgoff + 1;

		pt_zap(v->mm, v->start + (from << PAGE_SHIFT), v->start + (to << PAGE_SHIFT),
		       even_cows ? ZAP_LIVE : ZAP_FILE_ONLY);
	}
	up_read(&m->vma_lock);
}

/* Takes write access to p away at one address; true when it had any. */
static bool clean_entry(struct vma *v, u64 addr, const struct page *p)
{
	struct mm *mm = v->mm;
	pte_t *pte = pt_find(mm, addr), e;
	bool was = false;

	if (!pte)
		return false;
	spin_lock(&mm->page_table_lock);
	e = pte_read(pte);
	if ((e & (PTE_V | PTE_W | PTE_SPECIAL)) == (PTE_V | PTE_W) &&
	    pte_pfn(e) == page_to_pfn(p)) {
		__atomic_fetch_and(pte, ~(PTE_W | PTE_D), __ATOMIC_RELAXED);
		was = true;
	}
	spin_unlock(&mm->page_table_lock);
	if (was)
		tlb_flush_page(mm, addr);
	return was;
}

bool mapping_clean_page(struct mapping *m, struct page *p)
{
	u64 index = p->index;
	bool dirty = false;
	struct vma *v;

	if (READ_ONCE(m->writable_shared) <= 0)
		return false;
	down_read(&m->vma_lock);
	for (v = shared_first(m, index, index); v; v = shared_next(v, index, index))
		if (v->flags & VM_SHARED)
			dirty |= clean_entry(v, v->start + ((index - v->pgoff) << PAGE_SHIFT), p);
	up_read(&m->vma_lock);
	return dirty;
}

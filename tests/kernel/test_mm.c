/* SPDX-License-Identifier: MIT */
/* In-kernel tests of kernel/mm/: pages, slab, kmalloc, vmalloc, kernel stacks, the page cache's
 * array. */
#include <kernel/errno.h>
#include <kernel/fs.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/pagecache.h>
#include <kernel/random.h>
#include <kernel/rcu.h>
#include <kernel/string.h>
#include <kernel/xarray.h>

#define NR 400

static bool all_bytes(const void *p, u8 value, size_t n)
{
	const u8 *b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i] != value)
			return false;
	return true;
}

KERNEL_TEST(page_orders)
{
	for (u32 order = 0; order <= 10; order++) {
		struct page *p = page_alloc(GFP_KERNEL | GFP_ZERO | GFP_NOWARN, order);

		EXPECT(p || order > 6);
		if (!p)
			continue;
		EXPECT((page_to_pfn(p) & (BIT(order) - 1)) == 0);
		EXPECT(refcount_read(&p->refs) == 1 && p->flags == 0 && p->mapcount == 0);
		EXPECT(all_bytes(page_to_virt(p), 0, PAGE_SIZE << order));
		page_free(p, order);
	}
	EXPECT(!page_alloc(GFP_KERNEL | GFP_NOWARN, 11));
	return NULL;
}

KERNEL_TEST(page_churn)
{
	static struct page *page[NR];
	static u8 order[NR], stamp[NR];
	u64 free = page_free_count();

	for (u32 round = 0; round < 20000; round++) {
		u32 i = (u32)random_below(NR);

		if (page[i]) {
			EXPECT(all_bytes(page_to_virt(page[i]), stamp[i], 64));
			EXPECT(all_bytes((char *)page_to_virt(page[i]) + (PAGE_SIZE << order[i]) -
						 64,
					 stamp[i], 64));
			page_free(page[i], order[i]);
			page[i] = NULL;
			continue;
		}
		order[i] = (u8)(random_below(8) ? 0 : random_below(4));
		stamp[i] = (u8)random_u64();
		page[i] = page_alloc(GFP_KERNEL, order[i]);
		EXPECT(page[i]);
		memset(page_to_virt(page[i]), stamp[i], PAGE_SIZE << order[i]);
	}
	for (u32 i = 0; i < NR; i++) {
		if (page[i])
			page_free(page[i], order[i]);
		page[i] = NULL;
	}
	EXPECT(page_free_count() + 600 > free); /* descriptors of new sections, others' use */
	return NULL;
}

KERNEL_TEST(page_speculative_reference)
{
	struct page *p = page_alloc(GFP_KERNEL, 2);

	EXPECT(p);
	EXPECT(refcount_get_unless_zero(&p->refs)); /* as a page-cache lookup that came too late */
	page_free(p, 2);
	EXPECT(refcount_read(&p->refs) == 1);
	page_put(p); /* frees the whole block */
	EXPECT(refcount_read(&p->refs) == 0 && !refcount_get_unless_zero(&p->refs));
	return NULL;
}

KERNEL_TEST(kmalloc_sizes)
{
	static const u32 sizes[] = { 1,	  8,   15,  16,	  17,	64,   96,   97,	   128,
				     192, 193, 256, 1000, 4096, 8192, 8193, 20000, 1 << 20 };

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *p = kmalloc(sizes[i], GFP_KERNEL), *q = kzalloc(sizes[i], GFP_KERNEL);

		EXPECT(p && q && p != q);
		EXPECT(((u64)p & 7) == 0 && (sizes[i] < 16 || ((u64)p & 15) == 0));
		if ((sizes[i] & (sizes[i] - 1)) == 0 && sizes[i] <= PAGE_SIZE)
			EXPECT(((u64)p & (sizes[i] - 1)) == 0);
		EXPECT(ksize(p) >= sizes[i] && all_bytes(q, 0, sizes[i]));
		memset(p, 0x5a, sizes[i]);
		EXPECT(all_bytes(q, 0, sizes[i]));
		p = krealloc(p, sizes[i] * 2UL, GFP_KERNEL);
		EXPECT(p && all_bytes(p, 0x5a, sizes[i]));
		kfree(p);
		kfree(q);
	}
	EXPECT(!kmalloc_array(1UL << 40, 1UL << 40, GFP_KERNEL));
	kfree(NULL);
	return NULL;
}

struct thing {
	u64 made, payload[10];
};
static u64 constructed;

static void make_thing(void *obj)
{
	((struct thing *)obj)->made = 0x1234;
	constructed++;
}

KERNEL_TEST(slab_churn)
{
	static struct thing *t[NR];
	struct slab_cache *c = slab_create("test_thing", sizeof(struct thing), 8, 0, make_thing);

	EXPECT(c);
	for (u32 round = 0; round < 20000; round++) {
		u32 i = (u32)random_below(NR);

		if (t[i]) {
			EXPECT(t[i]->made == 0x1234 && t[i]->payload[0] == i &&
			       t[i]->payload[9] == i);
			slab_free(c, t[i]);
			t[i] = NULL;
			continue;
		}
		t[i] = slab_alloc(c, GFP_KERNEL);
		EXPECT(t[i] && t[i]->made == 0x1234);
		t[i]->payload[0] = t[i]->payload[9] = i;
	}
	for (u32 i = 0; i < NR; i++) {
		if (t[i])
			slab_free(c, t[i]);
		t[i] = NULL;
	}
	EXPECT(constructed >= 100);
	slab_destroy(c);
	return NULL;
}

KERNEL_TEST(vmalloc_areas)
{
	void *area[20];
	char *big;

	for (u32 i = 0; i < ARRAY_SIZE(area); i++) {
		area[i] = vzalloc((i + 1) * 5000UL);
		EXPECT(area[i] && all_bytes(area[i], 0, (i + 1) * 5000UL));
		memset(area[i], (int)i, (i + 1) * 5000UL);
	}
	for (u32 i = 0; i < ARRAY_SIZE(area); i += 2)
		vfree(area[i]);
	big = vmalloc(300000);
	EXPECT(big && vmalloc_to_page(big) && vmalloc_to_page(big + 299999));
	for (u32 i = 1; i < ARRAY_SIZE(area); i += 2) {
		EXPECT(all_bytes(area[i], (u8)i, (i + 1) * 5000UL));
		vfree(area[i]);
	}
	vfree(big);
	EXPECT(!vmalloc(1UL << 50));
	big = kvmalloc(3 << 20, GFP_KERNEL);
	EXPECT(big);
	memset(big, 1, 3 << 20);
	kvfree(big);
	return NULL;
}

KERNEL_TEST(kernel_stacks)
{
	void *stack[20];

	for (u32 round = 0; round < 3; round++) {
		for (u32 i = 0; i < ARRAY_SIZE(stack); i++) {
			stack[i] = kstack_alloc();
			EXPECT(stack[i] && ((u64)stack[i] & (2 * KSTACK_SIZE - 1)) == KSTACK_SIZE);
			memset(stack[i], 0xee, KSTACK_SIZE);
		}
		for (u32 i = 0; i < ARRAY_SIZE(stack); i++)
			kstack_free(stack[i]);
	}
	return NULL;
}

KERNEL_TEST(xarray_in_kernel)
{
	struct xarray xa = XARRAY_INIT;

	for (u64 i = 0; i < 5000; i++)
		EXPECT(xa_insert(&xa, i * 7, xa_mk_value(i), GFP_KERNEL) == 0);
	EXPECT(xa_insert(&xa, 7, xa_mk_value(1), GFP_KERNEL) == -EEXIST);
	for (u64 i = 0; i < 5000; i++)
		EXPECT(xa_load(&xa, i * 7) == xa_mk_value(i) && !xa_load(&xa, i * 7 + 1));
	xa_destroy(&xa);
	EXPECT(!xa_load(&xa, 7));
	return NULL;
}

static s64 charged;
static int test_charge(struct mapping *m, s64 pages)
{
	if (pages > 0 && charged + pages > 50)
		return -ENOSPC;
	charged += pages;
	return 0;
}
static const struct mapping_ops kept_ops = { .kept = true, .charge = test_charge };

KERNEL_TEST(pagecache_memory_only)
{
	static struct inode host;
	struct mapping *m = &host.data;
	struct page *p, *again;

	host.mapping = m;
	mapping_init(m, &host, &kept_ops);
	for (u64 i = 0; i < 40; i += 2) {
		p = pagecache_read(m, NULL, i);
		EXPECT(!IS_ERR(p) && (p->flags & PG_UPTODATE) && (p->flags & PG_KEPT) &&
		       p->index == i);
		EXPECT(all_bytes(page_to_virt(p), 0, PAGE_SIZE));
		memset(page_to_virt(p), (int)i + 1, PAGE_SIZE);
		again = pagecache_find(m, i);
		EXPECT(again == p && refcount_read(&p->refs) == 3);
		page_put(again);
		page_put(p);
	}
	EXPECT(m->nr_pages == 20 && charged == 20 && !pagecache_find(m, 1));
	EXPECT(pagecache_seek(m, 0, 40 * PAGE_SIZE, 4) == PAGE_SIZE); /* SEEK_HOLE */
	EXPECT(pagecache_seek(m, PAGE_SIZE + 1, 40 * PAGE_SIZE, 3) ==
	       2 * PAGE_SIZE); /* SEEK_DATA */
	EXPECT(pagecache_seek(m, 39 * PAGE_SIZE, 40 * PAGE_SIZE, 3) == -ENXIO);
	pagecache_truncate(m, 10 * PAGE_SIZE + 100);
	EXPECT(m->nr_pages == 6 && charged == 6);
	p = pagecache_find(m, 10);
	EXPECT(p && all_bytes(page_to_virt(p), 11, 100) &&
	       all_bytes((char *)page_to_virt(p) + 100, 0, PAGE_SIZE - 100));
	page_put(p);
	pagecache_punch(m, 100, 4 * PAGE_SIZE + 50);
	EXPECT(m->nr_pages == 5);
	p = pagecache_find(m, 4);
	EXPECT(p && all_bytes(page_to_virt(p), 0, 50) && ((char *)page_to_virt(p))[50] == 5);
	page_put(p);
	p = pagecache_grab(m, 3, GFP_KERNEL);
	EXPECT(!IS_ERR(p) && (p->flags & PG_LOCKED) && !page_trylock(p));
	page_unlock(p);
	page_put(p);
	for (u64 i = 100; charged < 50; i++) {
		p = pagecache_read(m, NULL, i);
		EXPECT(!IS_ERR(p));
		page_put(p);
	}
	EXPECT(PTR_ERR(pagecache_read(m, NULL, 1000)) == -ENOSPC);
	mapping_destroy(m);
	EXPECT(m->nr_pages == 0 && charged == 0);
	return NULL;
}

/* A file whose pages can be read again: page i is full of i. */
static int read_count;
static int test_read_page(struct file *file, struct page *p)
{
	read_count++;
	if (p->index == 13) {
		page_unlock(p);
		return -EIO;
	}
	memset(page_to_virt(p), (int)p->index, PAGE_SIZE);
	atomic_or(&p->flags, PG_UPTODATE);
	page_unlock(p);
	return 0;
}
static int test_write_page(struct page *p, bool sync)
{
	page_unlock(p);
	page_end_writeback(p, 0);
	return 0;
}
static const struct mapping_ops disk_ops = { .read_page = test_read_page,
					     .write_page = test_write_page };

KERNEL_TEST(pagecache_reclaim_clean)
{
	static struct inode host;
	struct mapping *m = &host.data;
	struct page *p;

	host.mapping = m;
	mapping_init(m, &host, &disk_ops);
	for (u64 i = 0; i < 12; i++) {
		p = pagecache_read(m, NULL, i);
		EXPECT(!IS_ERR(p) && ((u8 *)page_to_virt(p))[7] == i);
		if (i == 5)
			page_set_dirty(p);
		if (i != 3)
			page_put(p);
	}
	EXPECT(PTR_ERR(pagecache_read(m, NULL, 13)) == -EIO);
	EXPECT(read_count == 13);
	for (u32 i = 0; i < 20 && m->nr_pages > 2; i++)
		(void)memory_reclaim(1000);
	EXPECT(m->nr_pages == 2); /* 3 is held, 5 is dirty */
	EXPECT(pagecache_writeback(m, 0, 100 * PAGE_SIZE, true) == 0);
	for (u32 i = 0; i < 20 && m->nr_pages > 1; i++)
		(void)memory_reclaim(1000);
	EXPECT(m->nr_pages == 1);
	p = pagecache_find(m, 3);
	EXPECT(p);
	page_put(p);
	page_put(p);
	mapping_destroy(m);
	EXPECT(m->nr_pages == 0);
	return NULL;
}

static u32 freed_by_rcu;
static void count_rcu(struct rcu_head *head)
{
	freed_by_rcu++;
	kfree(container_of(head, struct page, rcu));
}

KERNEL_TEST(memory_from_rcu_callbacks)
{
	freed_by_rcu = 0;
	for (u32 i = 0; i < 100; i++) {
		struct page *fake = kmalloc(sizeof(*fake), GFP_KERNEL);

		EXPECT(fake);
		rcu_call(&fake->rcu, count_rcu);
	}
	rcu_barrier();
	EXPECT(freed_by_rcu == 100);
	return NULL;
}

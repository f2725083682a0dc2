/* SPDX-License-Identifier: MIT */
/* Host stand-in for <kernel/mm.h>: a slab cache is malloc with the constructor run. unit_fail_after
 * makes one fail. */
#ifndef KERNEL_MM_H
#define KERNEL_MM_H

#include <kernel/types.h>

#define GFP_ATOMIC	 0x0U
#define GFP_SLEEP	 0x1U
#define GFP_ZERO	 0x2U
#define GFP_KERNEL	 GFP_SLEEP
#define SLAB_RCU	 1
#define SLAB_RECLAIMABLE 4

void *malloc(size_t n);
void free(void *p);

struct slab_cache {
	size_t size;
	void (*ctor)(void *obj);
};
extern long unit_objects;    /* allocated and not freed */
extern long unit_fail_after; /* < 0: never; 0: the next allocation fails */

static inline struct slab_cache *slab_create(const char *name, size_t size, size_t align, u32 flags,
					     void (*ctor)(void *))
{
	static struct slab_cache caches[8];
	static u32 n;

	(void)name, (void)align, (void)flags;
	caches[n] = (struct slab_cache) { size, ctor };
	return &caches[n++];
}
static inline void *slab_alloc(struct slab_cache *c, gfp_t gfp)
{
	void *p;

	(void)gfp;
	if (unit_fail_after == 0)
		return NULL;
	if (unit_fail_after > 0)
		unit_fail_after--;
	p = malloc(c->size);
	if (p && c->ctor)
		c->ctor(p);
	if (p)
		unit_objects++;
	return p;
}
static inline void slab_free(struct slab_cache *c, void *p)
{
	(void)c;
	unit_objects--;
	free(p);
}
static inline void *kmalloc(size_t n, gfp_t gfp)
{
	(void)gfp;
	return malloc(n);
}
static inline void kfree(const void *p) { free((void *)p); }

#endif

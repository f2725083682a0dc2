/* SPDX-License-Identifier: MIT */
/* What slab.c (caches), kmalloc.c (size classes on top) and kasan.c share. */
#ifndef MM_SLAB_INTERNAL_H
#define MM_SLAB_INTERNAL_H

#include <kernel/mm.h>

#define SLAB_KMALLOC \
	0x80 /* a size class: objects of a power of two bytes are aligned to their size */

void kmalloc_init(void);
/* The cache of the slab p points into; NULL: in none. */
struct slab_cache *slab_cache_of(const void *p);
#if DEBUG
void kasan_quarantine_drain(struct slab_cache *c);
#else
static inline void kasan_quarantine_drain(struct slab_cache *c) { (void)c; }
#endif

#endif

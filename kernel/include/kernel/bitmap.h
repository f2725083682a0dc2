/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps of unsigned longs, and sets of harts. Plain forms need the caller's lock; atomic_ forms do not.
 */
#ifndef KERNEL_BITMAP_H
#define KERNEL_BITMAP_H

#include <kernel/atomic.h>
#include <kernel/types.h>

#define BITS_PER_LONG 64
#define BITMAP_LONGS(n) DIV_ROUND_UP(n, BITS_PER_LONG)
#define BITMAP(name, n) unsigned long name[BITMAP_LONGS(n)]

static inline bool test_bit(u64 n, const unsigned long *map) { return (READ_ONCE(map[n / 64]) >> (n % 64)) & 1; }
static inline void set_bit(u64 n, unsigned long *map) { map[n / 64] |= 1UL << (n % 64); }
static inline void clear_bit(u64 n, unsigned long *map) { map[n / 64] &= ~(1UL << (n % 64)); }
static inline void atomic_set_bit(u64 n, unsigned long *map) { atomic_or(&map[n / 64], 1UL << (n % 64)); }
static inline void atomic_clear_bit(u64 n, unsigned long *map) { atomic_and(&map[n / 64], ~(1UL << (n % 64))); }
static inline bool atomic_test_and_set_bit(u64 n, unsigned long *map)
{
	return (atomic_fetch_or(&map[n / 64], 1UL << (n % 64)) >> (n % 64)) & 1;
}

/* The first set/clear bit at or after `from`, or `size`. */
u64 bitmap_find_next(const unsigned long *map, u64 size, u64 from);
u64 bitmap_find_next_zero(const unsigned long *map, u64 size, u64 from);
/* The first run of `count` clear bits aligned to `align` (a power of two), or `size`. */
u64 bitmap_find_zero_area(const unsigned long *map, u64 size, u64 from, u64 count, u64 align);
void bitmap_set(unsigned long *map, u64 from, u64 count);
void bitmap_clear(unsigned long *map, u64 from, u64 count);
u64 bitmap_weight(const unsigned long *map, u64 size);

/* A set of harts by logical number: NR_HARTS_MAX fits one word. */
typedef u32 hartmask_t;
#define HARTMASK_ALL	   ((hartmask_t)~0U)
#define HARTMASK_OF(h)	   ((hartmask_t)1U << (h))
#define for_each_hart_in(h, mask)                                                                    \
	for (hartmask_t hm_ = (mask); hm_ && ((h) = (u32)__builtin_ctz(hm_), 1); hm_ &= hm_ - 1)

#endif

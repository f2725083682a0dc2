/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps: searches and ranges. Pure functions, also built on the host by tests/unit/.
 */
#include <kernel/bitmap.h>

/* First bit at or after `from` that is set in map ^ invert. */
static u64 find_next(const unsigned long *map, u64 size, u64 from, unsigned long invert)
{
	unsigned long word;
	u64 i;

	if (from >= size)
		return size;
	i = from / BITS_PER_LONG;
	word = (map[i] ^ invert) & (~0UL << (from % BITS_PER_LONG));
	while (!word) {
		if (++i >= BITMAP_LONGS(size))
			return size;
		word = map[i] ^ invert;
	}
	return MIN(i * BITS_PER_LONG + (u64)__builtin_ctzl(word), size);
}

u64 bitmap_find_next(const unsigned long *map, u64 size, u64 from)
{
	return find_next(map, size, from, 0);
}

u64 bitmap_find_next_zero(const unsigned long *map, u64 size, u64 from)
{
	return find_next(map, size, from, ~0UL);
}

u64 bitmap_find_zero_area(const unsigned long *map, u64 size, u64 from, u64 count, u64 align)
{
	u64 start = from, end;

	for (;;) {
		start = ALIGN_UP(bitmap_find_next_zero(map, size, start), align);
		if (start >= size || size - start < count)
			return size;
		end = bitmap_find_next(map, start + count, start);
		if (end >= start + count)
			return start;
		start = end + 1;
	}
}

void bitmap_set(unsigned long *map, u64 from, u64 count)
{
	for (; count && from % BITS_PER_LONG; count--)
		set_bit(from++, map);
	for (; count >= BITS_PER_LONG; count -= BITS_PER_LONG, from += BITS_PER_LONG)
		map[from / BITS_PER_LONG] = ~0UL;
	for (; count; count--)
		set_bit(from++, map);
}

void bitmap_clear(unsigned long *map, u64 from, u64 count)
{
	for (; count && from % BITS_PER_LONG; count--)
		clear_bit(from++, map);
	for (; count >= BITS_PER_LONG; count -= BITS_PER_LONG, from += BITS_PER_LONG)
		map[from / BITS_PER_LONG] = 0;
	for (; count; count--)
		clear_bit(from++, map);
}

u64 bitmap_weight(const unsigned long *map, u64 size)
{
	u64 n = 0, i;

	for (i = 0; i < size / BITS_PER_LONG; i++)
		for (unsigned long w = map[i]; w; w &= w - 1)
			n++;
	for (i *= BITS_PER_LONG; i < size; i++)
		n += test_bit(i, map);
	return n;
}

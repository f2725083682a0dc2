/* SPDX-License-Identifier: MIT */
/*
 * Names of the kernel's code: a reader of the table that scripts/symbols.py made and linked in.
 * Works in any context, without locks; before the table is there (the first of the two links) every
 * answer is "unknown".
 *
 * Names are unpacked into one of a few static buffers, taken in turn: a caller prints or copies its
 * name before that many others ask.
 */
#include <kernel/panic.h>

#include <arch/page.h>
#include <kernel/atomic.h>
#include <kernel/string.h>

#define MARKER_STEP 64
#define NAME_SIZE   128
#define NAMES	    8

extern const u32 symbols_count;
extern const u32 symbols_offsets[], symbols_markers[];
extern const u16 symbols_token_at[256];
extern const char symbols_tokens[];
extern const u8 symbols_names[];

static char names[NAMES][NAME_SIZE];
static u32 next_name; /* [a] */

/* Packed name i: a length byte, then that many tokens. */
static const u8 *packed_name(u32 i)
{
	const u8 *p = symbols_names + symbols_markers[i / MARKER_STEP];

	for (u32 k = i % MARKER_STEP; k > 0; k--)
		p += 1 + *p;
	return p;
}

/* The type letter and the name. */
static const char *unpack(u32 i)
{
	char *out = names[atomic_fetch_add(&next_name, 1) % NAMES], *o = out;
	const u8 *p = packed_name(i);

	for (u32 n = *p; n > 0; n--)
		for (const char *t = symbols_tokens + symbols_token_at[*++p];
		     *t && o < out + NAME_SIZE - 1; t++)
			*o++ = *t;
	*o = '\0';
	return out;
}

/* The last symbol at or below the offset; -1: none. */
static s64 find_index(u64 offset)
{
	s64 low = 0, high = (s64)symbols_count - 1;

	while (low <= high) {
		s64 mid = (low + high) / 2;

		if (symbols_offsets[mid] <= offset)
			low = mid + 1;
		else
			high = mid - 1;
	}
	return high;
}

static u64 symbol_end(u32 i)
{
	extern char __init_data_start[];

	if (i + 1 < symbols_count)
		return symbols_offsets[i + 1];
	return (u64)(__init_data_start - __kernel_start);
}

const char *symbol_of(vaddr_t addr, u64 *offset, u64 *size)
{
	u64 at = addr - (vaddr_t)__kernel_start;
	s64 i = addr < (vaddr_t)__kernel_start ? -1 : find_index(at);

	if (i < 0 || at >= symbol_end((u32)i))
		return NULL;
	if (offset)
		*offset = at - symbols_offsets[i];
	if (size)
		*size = symbol_end((u32)i) - symbols_offsets[i];
	return unpack((u32)i) + 1;
}

bool symbol_at(u32 i, vaddr_t *addr, char *type, const char **name)
{
	const char *text;

	if (i >= symbols_count)
		return false;
	text = unpack(i);
	*addr = (vaddr_t)__kernel_start + symbols_offsets[i];
	*type = text[0];
	*name = text + 1;
	return true;
}

vaddr_t symbol_find(const char *name)
{
	for (u32 i = 0; i < symbols_count; i++)
		if (!strcmp(unpack(i) + 1, name))
			return (vaddr_t)__kernel_start + symbols_offsets[i];
	return 0;
}

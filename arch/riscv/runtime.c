/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls where plain rv64imac has no instruction: bit counts, byte swaps, 128-bit
 * division, atomic exchange of a byte. The compiler's own library would do, but not every cross
 * compiler has it for a kernel's ABI.
 */
#include <kernel/types.h>

u32 __bswapsi2(u32 v);
u64 __bswapdi2(u64 v);
int __ctzdi2(u64 v);
int __clzdi2(u64 v);
int __popcountdi2(u64 v);
unsigned __int128 __udivti3(unsigned __int128 n, unsigned __int128 d);
unsigned __int128 __umodti3(unsigned __int128 n, unsigned __int128 d);
__int128 __divti3(__int128 n, __int128 d);
u8 __atomic_exchange_byte(volatile void *p, u8 v, int order) __asm__("__atomic_exchange_1");

u32 __bswapsi2(u32 v)
{
	return v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24;
}

u64 __bswapdi2(u64 v)
{
	v = (v >> 8 & 0x00ff00ff00ff00ffUL) | (v & 0x00ff00ff00ff00ffUL) << 8;
	v = (v >> 16 & 0x0000ffff0000ffffUL) | (v & 0x0000ffff0000ffffUL) << 16;
	return v >> 32 | v << 32;
}

/* Any six bits in a row of DE_BRUIJN occur in it once: shifted by the bit's number they tell it. */
#define DE_BRUIJN 0x03f79d71b4cb0a89UL
static const u8 bit_number[64] = {
	0,  1,	48, 2,	57, 49, 28, 3,	61, 58, 50, 42, 38, 29, 17, 4,	62, 55, 59, 36, 53, 51,
	43, 22, 45, 39, 33, 30, 24, 18, 12, 5,	63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
	44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,	13, 8,	7,  6,
};

int __ctzdi2(u64 v)
{
	return bit_number[((v & -v) * DE_BRUIJN) >> 58];
}

int __clzdi2(u64 v)
{
	for (u32 i = 1; i < 64; i *= 2)
		v |= v >> i;
	return 63 - bit_number[((v ^ v >> 1) * DE_BRUIJN) >> 58];
}

int __popcountdi2(u64 v)
{
	v -= v >> 1 & 0x5555555555555555UL;
	v = (v & 0x3333333333333333UL) + (v >> 2 & 0x3333333333333333UL);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
	return (int)((v * 0x0101010101010101UL) >> 56);
}

/* Bit by bit from the top; short for numbers that fit a word. */
static unsigned __int128 divide(unsigned __int128 n, unsigned __int128 d, unsigned __int128 *rest)
{
	unsigned __int128 q = 0, r = 0;

	if ((u64)(n >> 64) == 0 && (u64)(d >> 64) == 0) {
		*rest = (u64)n % (u64)d;
		return (u64)n / (u64)d;
	}
	for (u32 i = 0; i < 128; i++) {
		r = r << 1 | (u64)(n >> 127);
		n <<= 1;
		q <<= 1;
		if (r >= d) {
			r -= d;
			q |= 1;
		}
	}
	*rest = r;
	return q;
}

unsigned __int128 __udivti3(unsigned __int128 n, unsigned __int128 d)
{
	unsigned __int128 rest;

	return divide(n, d, &rest);
}

unsigned __int128 __umodti3(unsigned __int128 n, unsigned __int128 d)
{
	unsigned __int128 rest;

	divide(n, d, &rest);
	return rest;
}

__int128 __divti3(__int128 n, __int128 d)
{
	bool negative = (n < 0) != (d < 0);
	unsigned __int128 rest;
	unsigned __int128 q = divide((unsigned __int128)(n < 0 ? -n : n), (unsigned __int128)(d < 0 ? -d : d), &rest);

	return negative ? -(__int128)q : (__int128)q;
}

/* On the aligned word around it, as there are no atomics on bytes. */
__no_sanitize u8 __atomic_exchange_byte(volatile void *p, u8 v, int order)
{
	u32 shift = ((u64)p & 3) * 8, *word = (u32 *)((u64)p & ~3UL), old = *(volatile u32 *)word, new;

	do {
		new = (old & ~(0xffU << shift)) | (u32)v << shift;
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return (u8)(old >> shift);
}

/* SPDX-License-Identifier: MIT */
/*
 * The frame of a host unit test: kernel code compiled for the host against the headers in shim/,
 *which stand before kernel/include. libc's own headers clash with the kernel's types, so what a
 *test needs of libc is declared here.
 *
 *	cc -std=gnu11 -g -fsanitize=address,undefined -Itests/unit/shim -Ikernel/include
 *tests/unit/test_X.c -o X && ./X
 *
 * TEST(name) { CHECK(...); } defines a test; UNIT_MAIN(t1, t2, ...) runs them and prints "N passed,
 *M failed".
 */
#ifndef UNIT_H
#define UNIT_H

#include <kernel/types.h>

int printf(const char *fmt, ...);
void *malloc(size_t n);
void free(void *p);

long unit_objects;
long unit_fail_after = -1;
static const char *unit_failure;
static int unit_line;

#define CHECK(c)                              \
	do {                                  \
		if (!(c)) {                   \
			unit_failure = #c;    \
			unit_line = __LINE__; \
			return;               \
		}                             \
	} while (0)
#define TEST(name) static void name(void)

/* A reproducible random sequence (xorshift). */
static u64 unit_seed = 0x9e3779b97f4a7c15UL;
static inline u64 unit_random(void)
{
	unit_seed ^= unit_seed << 13;
	unit_seed ^= unit_seed >> 7;
	unit_seed ^= unit_seed << 17;
	return unit_seed;
}

struct unit_test {
	const char *name;
	void (*fn)(void);
};
static inline int unit_run(const struct unit_test *tests, u32 n)
{
	u32 passed = 0;

	for (u32 i = 0; i < n; i++) {
		unit_failure = NULL;
		tests[i].fn();
		if (unit_failure)
			printf("FAIL %s: line %d: %s\n", tests[i].name, unit_line, unit_failure);
		else
			passed++;
	}
	printf("%u passed, %u failed\n", passed, n - passed);
	return passed == n ? 0 : 1;
}
#define UNIT_MAIN(...)                                                   \
	int main(void)                                                   \
	{                                                                \
		static const struct unit_test tests[] = { __VA_ARGS__ }; \
		return unit_run(tests, ARRAY_SIZE(tests));               \
	}
#define UNIT(fn)        \
	{               \
#fn, fn \
	}

#endif

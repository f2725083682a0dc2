/* SPDX-License-Identifier: MIT */
/*
 * Strings and number parsing. memcpy, memmove, memset and memcmp are in arch/riscv/mem.S; pure functions, also built on
 * the host by tests/unit/.
 */
#include <kernel/string.h>

#include <kernel/errno.h>
#include <kernel/mm.h>

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;

	for (; n; n--, p++)
		if (*p == (u8)c)
			return (void *)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; n--) {
		a++;
		b++;
	}
	return n ? (u8)*a - (u8)*b : 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

int strcasecmp(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return (u8)lower(*a) - (u8)lower(*b);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}

char *strstr(const char *s, const char *needle)
{
	size_t n = strlen(needle);

	for (; *s; s++)
		if (strncmp(s, needle, n) == 0)
			return (char *)s;
	return n ? NULL : (char *)s;
}

bool str_starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	size_t i;

	if (size == 0)
		return -E2BIG;
	for (i = 0; i < size - 1 && src[i]; i++)
		dst[i] = src[i];
	dst[i] = '\0';
	return src[i] ? -E2BIG : (ssize_t)i;
}

char *kstrndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = kmalloc(len + 1, GFP_KERNEL);

	if (copy) {
		memcpy(copy, s, len);
		copy[len] = '\0';
	}
	return copy;
}

char *kstrdup(const char *s)
{
	return kstrndup(s, strlen(s));
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

char *str_trim(char *s)
{
	size_t n;

	while (is_space(*s))
		s++;
	for (n = strlen(s); n && is_space(s[n - 1]); n--)
		;
	s[n] = '\0';
	return s;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* Digits of s in `base` (0: by prefix): -EINVAL when there is none, -ERANGE on overflow. */
static int parse_digits(const char *s, u32 base, u64 *out, const char **end)
{
	const char *start;
	u64 v = 0;

	if ((base == 0 || base == 16) && s[0] == '0' && lower(s[1]) == 'x' && digit_value(s[2]) < 16) {
		base = 16;
		s += 2;
	} else if (base == 0) {
		base = s[0] == '0' ? 8 : 10;
	}
	for (start = s; digit_value(*s) < (int)base; s++)
		if (__builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)digit_value(*s), &v))
			return -ERANGE;
	*out = v;
	*end = s;
	return s == start ? -EINVAL : 0;
}

int parse_u64(const char *s, u32 base, u64 *out)
{
	const char *end;
	int rc = parse_digits(s, base, out, &end);

	if (rc == 0 && *end == '\n')
		end++;
	return rc ? rc : *end ? -EINVAL : 0;
}

int parse_s64(const char *s, u32 base, s64 *out)
{
	bool negative = *s == '-';
	u64 v;
	int rc = parse_u64(s + (negative || *s == '+'), base, &v);

	if (rc)
		return rc;
	if (v > (u64)0x7fffffffffffffff + negative)
		return -ERANGE;
	*out = negative ? (s64)-v : (s64)v;
	return 0;
}

u64 parse_size(const char *s, const char **end)
{
	static const char suffixes[] = "kmgt";
	const char *p;
	u64 v = 0;

	if (parse_digits(s, 0, &v, end) == 0 && **end && (p = strchr(suffixes, lower(**end)))) {
		v <<= 10 * (p - suffixes + 1);
		(*end)++;
	}
	return v;
}

u32 hash_bytes(const void *p, size_t n, u32 seed)
{
	const u8 *s = p;
	u64 h = seed ^ (n * 0x9e3779b97f4a7c15UL);

	while (n--)
		h = (h ^ *s++) * 0x100000001b3UL;
	return (u32)(h ^ (h >> 32));
}

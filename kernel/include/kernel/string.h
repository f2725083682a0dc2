/* SPDX-License-Identifier: MIT */
/*
 * Memory and string routines (kernel/lib/string.c; the mem* four in arch assembly), formatting, parsing.
 */
#ifndef KERNEL_STRING_H
#define KERNEL_STRING_H

#include <kernel/types.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
int strcasecmp(const char *a, const char *b);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *needle);
bool str_starts_with(const char *s, const char *prefix);
/* Copies at most size-1 bytes and always terminates; returns the length copied or -E2BIG when cut. */
ssize_t strscpy(char *dst, const char *src, size_t size);
/* Allocated with kmalloc(GFP_KERNEL); NULL when out of memory. */
char *kstrdup(const char *s);
char *kstrndup(const char *s, size_t n);
/* Cuts leading and trailing white space in place. */
char *str_trim(char *s);

/*
 * printf subset: flags "-+ 0#", width, precision, hh h l ll z, d i u x X o c s p %. Kernel's own:
 * %pS symbol+offset of an address. Returns the length the whole text would have; always terminates.
 */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int __printf(3, 4) snprintf(char *buf, size_t size, const char *fmt, ...);
/* As snprintf, but returns what was really written. */
int __printf(3, 4) scnprintf(char *buf, size_t size, const char *fmt, ...);

/* Whole string must be a number (base 0: 0x, 0 prefixes); 0, -EINVAL or -ERANGE. */
int __must_check parse_u64(const char *s, u32 base, u64 *out);
int __must_check parse_s64(const char *s, u32 base, s64 *out);
/* A number with an optional K, M, G, T suffix; *end is set to what follows. */
u64 parse_size(const char *s, const char **end);

u32 hash_bytes(const void *p, size_t n, u32 seed);
static inline u32 hash_u64(u64 v, u32 bits) { return (u32)((v * 0x9e3779b97f4a7c15UL) >> (64 - bits)); }

#endif

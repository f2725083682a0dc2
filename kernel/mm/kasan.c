/* SPDX-License-Identifier: MIT */
/*
 * KASAN (DEBUG kernels): the compiler calls a check before each load and store; a byte of shadow
 * for every eight bytes of the direct map says what of them may be touched: 0 all, 1-7 the first so
 * many, else why not (KASAN_*).
 *
 * Shadow exists for the sections that are online (section.c); all other addresses, the kernel
 * image, stacks, and vmalloc among them, are not checked. Freed slab objects wait in a quarantine
 * before they can be handed out again, so that uses after free are seen.
 *
 * This file, the allocators below it, and what runs before the kernel is mapped are compiled
 * without the checks.
 */
#include <kernel/mm.h>

#include <kernel/panic.h>
#include <kernel/string.h>

#include "page_internal.h"
#include "slab_internal.h"

#if DEBUG

#define GRANULE		  8UL
#define QUARANTINE_MAX	  1024 /* objects */
#define QUARANTINE_BYTES  (128UL << 10)
#define QUARANTINE_OBJECT 2048 /* larger ones are freed at once */

static bool enabled;
static bool reporting; /* [a] the report itself must not report */

/* A ring of freed objects, from `oldest` up to `next`. Drained places have no cache.
 * [quarantine_lock] */
struct quarantined {
	struct slab_cache *cache;
	void *obj;
};
static struct quarantined quarantine[QUARANTINE_MAX];
static u64 oldest, next, quarantine_bytes;
static DEFINE_SPINLOCK(quarantine_lock, RANK_SLAB);

void *__memcpy(void *dst, const void *src, size_t n);
void *__memmove(void *dst, const void *src, size_t n);
void *__memset(void *dst, int c, size_t n);
int __memcmp(const void *a, const void *b, size_t n);

static __always_inline s8 *shadow_of(u64 addr)
{
	return (s8 *)(KASAN_SHADOW + (addr - DIRECT_BASE) / GRANULE);
}

/* Whether shadow stands behind an address. */
static __always_inline bool covered(u64 addr)
{
	return enabled && addr - DIRECT_BASE < DIRECT_SIZE &&
	       test_bit((addr - DIRECT_BASE) >> SECTION_SHIFT, section_online_map);
}

/* --- reports --- */

static const char *kind_of(s8 shadow)
{
	switch ((u8)shadow) {
	case KASAN_PAGE_FREE:
		return "use-after-free";
	case KASAN_SLAB_FREE:
		return "slab-use-after-free";
	default:
		return "slab-out-of-bounds";
	}
}

static __noinline __cold void report(u64 addr, size_t size, bool write, u64 pc)
{
	const char *cache;
	u64 bad = addr;
	void *obj;
	size_t obj_size;
	s8 shadow;

	if (atomic_xchg(&reporting, true) || panicking())
		return;
	while (bad < addr + size - 1 && (*shadow_of(bad) == 0 || (s64)(bad & 7) < *shadow_of(bad)))
		bad++;
	shadow = *shadow_of(bad); /* printing may allocate what was free */
	pr_err("KASAN: %s in %pS", kind_of(shadow), (void *)pc);
	pr_err("KASAN: %s of size %zu at %#lx by task %s/%d, shadow %#x", write ? "write" : "read",
	       size, (unsigned long)addr, current->comm, current->pid, (u8)shadow);
	if (slab_describe((void *)bad, &cache, &obj, &obj_size))
		pr_err("KASAN: %ld bytes into the object at %#lx of cache %s, object size %zu",
		       (long)(bad - (u64)obj), (unsigned long)obj, cache, obj_size);
	panic("KASAN: %s in %pS", kind_of(shadow), (void *)pc);
}

/* --- checks --- */

static __always_inline void check_small(u64 addr, u64 size, bool write, u64 pc)
{
	u64 last = addr + size - 1;
	s8 s;

	if (!covered(addr))
		return;
	s = *shadow_of(last);
	if (likely(s == 0)) {
		if (likely((addr & (GRANULE - 1)) + size <= GRANULE || *shadow_of(addr) == 0))
			return;
	} else if ((addr & ~(GRANULE - 1)) == (last & ~(GRANULE - 1)) &&
		   (s8)(last & (GRANULE - 1)) < s) {
		return;
	}
	report(addr, size, write, pc);
}

static void check_range(u64 addr, u64 size, bool write, u64 pc)
{
	u64 last = addr + size - 1;

	if (size == 0 || !covered(addr) || !covered(last))
		return;
	for (u64 at = addr & ~(GRANULE - 1); at < (last & ~(GRANULE - 1)); at += GRANULE)
		if (unlikely(*shadow_of(at))) {
			report(addr, size, write, pc);
			return;
		}
	if (unlikely(*shadow_of(last) && (s8)(last & (GRANULE - 1)) >= *shadow_of(last)))
		report(addr, size, write, pc);
}

#define ASAN_HOOKS(size)                                                          \
	void __asan_load##size##_noabort(u64 addr);                               \
	void __asan_load##size##_noabort(u64 addr)                                \
	{                                                                         \
		check_small(addr, size, false, (u64)__builtin_return_address(0)); \
	}                                                                         \
	void __asan_store##size##_noabort(u64 addr);                              \
	void __asan_store##size##_noabort(u64 addr)                               \
	{                                                                         \
		check_small(addr, size, true, (u64)__builtin_return_address(0));  \
	}
ASAN_HOOKS(1)
ASAN_HOOKS(2)
ASAN_HOOKS(4)
ASAN_HOOKS(8)

void __asan_load16_noabort(u64 addr);
void __asan_load16_noabort(u64 addr)
{
	check_range(addr, 16, false, (u64)__builtin_return_address(0));
}

void __asan_store16_noabort(u64 addr);
void __asan_store16_noabort(u64 addr)
{
	check_range(addr, 16, true, (u64)__builtin_return_address(0));
}

/* GCC uses the names without _noabort too. */
#define ASAN_RANGE_HOOK(name, write)                                              \
	void __asan_##name(u64 addr, u64 size);                                   \
	void __asan_##name(u64 addr, u64 size)                                    \
	{                                                                         \
		check_range(addr, size, write, (u64)__builtin_return_address(0)); \
	}
ASAN_RANGE_HOOK(loadN, false)
ASAN_RANGE_HOOK(loadN_noabort, false)
ASAN_RANGE_HOOK(storeN, true)
ASAN_RANGE_HOOK(storeN_noabort, true)

void __asan_handle_no_return(void);
void __asan_handle_no_return(void) {}

void *memcpy(void *dst, const void *src, size_t n)
{
	check_range((u64)src, n, false, (u64)__builtin_return_address(0));
	check_range((u64)dst, n, true, (u64)__builtin_return_address(0));
	return __memcpy(dst, src, n);
}

void *memmove(void *dst, const void *src, size_t n)
{
	check_range((u64)src, n, false, (u64)__builtin_return_address(0));
	check_range((u64)dst, n, true, (u64)__builtin_return_address(0));
	return __memmove(dst, src, n);
}

void *memset(void *dst, int c, size_t n)
{
	check_range((u64)dst, n, true, (u64)__builtin_return_address(0));
	return __memset(dst, c, n);
}

int memcmp(const void *a, const void *b, size_t n)
{
	return __memcmp(a, b, n); /* may stop before n: not an access of all of it */
}

/* --- shadow --- */

void kasan_poison(const void *p, size_t n, u8 why)
{
	u64 start = ALIGN_UP((u64)p, GRANULE), end = ALIGN_UP((u64)p + n, GRANULE);

	if (start < end && covered(start))
		__memset(shadow_of(start), why, (end - start) / GRANULE);
}

void kasan_unpoison(const void *p, size_t n)
{
	u64 start = (u64)p, end = start + n;

	if (!covered(start))
		return;
	__memset(shadow_of(start), 0, (end - start) / GRANULE);
	if (end & (GRANULE - 1))
		*shadow_of(end) = (s8)(end & (GRANULE - 1));
}

/* A section's shadow is mapped, all zero. What is free of it is poisoned; reserved pages stay open.
 */
void kasan_section_online(paddr_t start)
{
	paddr_t at = start, end = start + SECTION_SIZE, from, to;

	for (; memory_next_free(at, end, &from, &to); at = to)
		kasan_poison(phys_to_virt(from), to - from, KASAN_PAGE_FREE);
}

/* --- quarantine --- */

/* Takes the oldest out if there is no room for `more` bytes. False: there is. */
static bool make_room(u64 more, struct quarantined *out)
{
	out->cache = NULL;
	if (next - oldest < QUARANTINE_MAX && quarantine_bytes + more <= QUARANTINE_BYTES)
		return false;
	*out = quarantine[oldest % QUARANTINE_MAX];
	quarantine[oldest++ % QUARANTINE_MAX].cache = NULL;
	if (out->cache)
		quarantine_bytes -= slab_object_size(out->cache);
	return true;
}

bool kasan_quarantine(struct slab_cache *c, void *obj)
{
	u64 size = slab_object_size(c), flags;
	struct quarantined old;
	bool full;

	if (covered((u64)obj) && (u8)*shadow_of((u64)obj) == KASAN_SLAB_FREE)
		panic("KASAN: double-free of %#lx", (unsigned long)obj);
	kasan_poison(obj, size, KASAN_SLAB_FREE);
	if (size > QUARANTINE_OBJECT)
		return false;
	do {
		flags = spin_lock_irqsave(&quarantine_lock);
		full = make_room(size, &old);
		if (!full) {
			quarantine[next++ % QUARANTINE_MAX] = (struct quarantined) { c, obj };
			quarantine_bytes += size;
		}
		spin_unlock_irqrestore(&quarantine_lock, flags);
		if (old.cache)
			slab_free_now(old.cache, old.obj);
	} while (full);
	return true;
}

void kasan_quarantine_drain(struct slab_cache *c)
{
	for (u32 i = 0; i < QUARANTINE_MAX; i++) {
		u64 flags = spin_lock_irqsave(&quarantine_lock);
		struct quarantined q = quarantine[i];

		if (q.cache && (!c || q.cache == c)) {
			quarantine[i].cache = NULL;
			quarantine_bytes -= slab_object_size(q.cache);
		} else {
			q.cache = NULL;
		}
		spin_unlock_irqrestore(&quarantine_lock, flags);
		if (q.cache)
			slab_free_now(q.cache, q.obj);
	}
}

void kasan_init(void) { enabled = true; }

#endif

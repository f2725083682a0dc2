/* SPDX-License-Identifier: MIT */
/*
 * Atomic words, bits and memory order; reference counts that saturate.
 *
 * Everything maps to the compiler's __atomic builtins. Unless a name says otherwise, read-modify-write
 * operations that return a value are fully ordered and those that do not are relaxed (Linux's rule).
 */
#ifndef KERNEL_ATOMIC_H
#define KERNEL_ATOMIC_H

#include <kernel/types.h>

#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __asm__ volatile("fence r, r" ::: "memory")
#define smp_wmb() __asm__ volatile("fence w, w" ::: "memory")
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

#define atomic_xchg(p, v)      __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_add_return(p, v) __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST)
#define atomic_sub_return(p, v) __atomic_sub_fetch(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_add(p, v) __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_or(p, v)  __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, v) __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST)
#define atomic_add(p, v)       ((void)__atomic_fetch_add(p, v, __ATOMIC_RELAXED))
#define atomic_sub(p, v)       ((void)__atomic_fetch_sub(p, v, __ATOMIC_RELAXED))
#define atomic_inc(p)	       atomic_add(p, 1)
#define atomic_dec(p)	       atomic_sub(p, 1)
#define atomic_or(p, v)	       ((void)__atomic_fetch_or(p, v, __ATOMIC_RELAXED))
#define atomic_and(p, v)       ((void)__atomic_fetch_and(p, v, __ATOMIC_RELAXED))
#define atomic_dec_and_test(p) (atomic_sub_return(p, 1) == 0)
/* True and *p = new when *p was old; fully ordered. */
#define atomic_cmpxchg(p, old, new)                                                                  \
	({                                                                                           \
		typeof(*(p)) cmpxchg_old_ = (old);                                                   \
		__atomic_compare_exchange_n(p, &cmpxchg_old_, new, false, __ATOMIC_SEQ_CST,         \
					    __ATOMIC_RELAXED);                                       \
	})

/*
 * Reference counts. They saturate instead of wrapping: past REFCOUNT_MAX the object leaks, with a warning,
 * rather than being freed while in use. The last put orders all earlier accesses before the free.
 */
struct refcount {
	s32 n;
};

#define REFCOUNT_INIT(v) { (v) }
#define REFCOUNT_MAX	 0x40000000

void refcount_warn(struct refcount *r, const char *what); /* lib/refcount.c: saturates and warns */

static inline void refcount_set(struct refcount *r, s32 n) { __atomic_store_n(&r->n, n, __ATOMIC_RELAXED); }
static inline s32 refcount_read(const struct refcount *r) { return __atomic_load_n(&r->n, __ATOMIC_RELAXED); }

/* Caller already holds a reference. */
static inline void refcount_get(struct refcount *r)
{
	s32 old = __atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED);

	if (unlikely(old <= 0 || old >= REFCOUNT_MAX))
		refcount_warn(r, old == 0 ? "get of a freed object" : "saturated");
}

/* For lookups: false when the object is already on its way out. */
static inline bool __must_check refcount_get_unless_zero(struct refcount *r)
{
	s32 old = refcount_read(r);

	do {
		if (old == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&r->n, &old, old + 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	if (unlikely(old < 0 || old >= REFCOUNT_MAX))
		refcount_warn(r, "saturated");
	return true;
}

/* True when this was the last reference: the caller frees the object. */
static inline bool __must_check refcount_put(struct refcount *r)
{
	s32 old = __atomic_fetch_sub(&r->n, 1, __ATOMIC_RELEASE);

	if (old == 1) {
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		return true;
	}
	if (unlikely(old <= 0 || old >= REFCOUNT_MAX))
		refcount_warn(r, "put of a freed object");
	return false;
}

#endif

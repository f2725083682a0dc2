/* SPDX-License-Identifier: MIT */
/*
 * User memory: touched only through these. They check the range, open sstatus.SUM for just that long, and survive faults
 * by the exception table. May sleep (the page may have to be read in): no spinlock held, unless pagefaults are off.
 */
#ifndef ARCH_UACCESS_H
#define ARCH_UACCESS_H

#include <kernel/errno.h>
#include <kernel/types.h>

#define USER_TOP (1UL << 38)
static inline bool access_ok(const void __user *p, u64 n) { return n <= USER_TOP && (u64)p <= USER_TOP - n; }

/* Bytes NOT copied (0 = all). */
u64 __must_check copy_from_user(void *to, const void __user *from, u64 n);
u64 __must_check copy_to_user(void __user *to, const void *from, u64 n);
u64 __must_check clear_user(void __user *to, u64 n);
/* Length without the NUL, or n when there was none within n bytes; -EFAULT. */
s64 __must_check strncpy_from_user(char *to, const char __user *from, u64 n);
s64 __must_check strnlen_user(const char __user *s, u64 n); /* with the NUL; 0 on a fault; > n when too long */

/* One scalar of 1, 2, 4 or 8 bytes: 0 or -EFAULT. x is zeroed on a fault. */
long user_load8(u64 *v, const void __user *p);
long user_load16(u64 *v, const void __user *p);
long user_load32(u64 *v, const void __user *p);
long user_load64(u64 *v, const void __user *p);
long user_store8(u64 v, void __user *p);
long user_store16(u64 v, void __user *p);
long user_store32(u64 v, void __user *p);
long user_store64(u64 v, void __user *p);
#define get_user(x, p)                                                                               \
	({                                                                                           \
		u64 gu_v_ = 0;                                                                       \
		long gu_r_ = sizeof(*(p)) == 1	 ? user_load8(&gu_v_, p)                             \
			     : sizeof(*(p)) == 2 ? user_load16(&gu_v_, p)                            \
			     : sizeof(*(p)) == 4 ? user_load32(&gu_v_, p)                            \
						 : user_load64(&gu_v_, p);                           \
		(x) = (__force typeof(x))gu_v_;                                                      \
		gu_r_;                                                                               \
	})
#define put_user(x, p)                                                                               \
	({                                                                                           \
		typeof(*(p)) pu_x_ = (x);                                                            \
		u64 pu_v_ = (u64)pu_x_;                                                              \
		sizeof(*(p)) == 1   ? user_store8(pu_v_, p)                                          \
		: sizeof(*(p)) == 2 ? user_store16(pu_v_, p)                                         \
		: sizeof(*(p)) == 4 ? user_store32(pu_v_, p)                                         \
				    : user_store64(pu_v_, p);                                        \
	})
/* Is n bytes of the user's what the kernel has at p? 1, 0, or -EFAULT. Both aligned to 8, n a multiple of 32, not 0. */
int user_same(const void *p, const void __user *up, u64 n);
/* n u16 values, from one to the next `stride` bytes on either side (a field of an array of structs): 0 or -EFAULT.
 * n * stride fits. */
int user_store16_strided(void __user *to, const void *from, u64 n, u64 stride);

/* Futex operations on an aligned user word: 0 with *old set, or -EFAULT. */
int user_cmpxchg32(u32 __user *p, u32 *old, u32 expected, u32 new);
enum user_atomic { USER_SWAP, USER_ADD, USER_OR, USER_ANDN, USER_XOR };
int user_atomic32(enum user_atomic op, u32 __user *p, u32 operand, u32 *old);
/* Kernel memory that may not be there (backtraces, /proc/kcore): 0 or -EFAULT. */
int kernel_probe_read64(const void *p, u64 *v);

/* With faults off a user copy fails instead of sleeping. Nests. */
/* pagefault_disable() = preempt_disable(): a fault in atomic context is not handled but fixed up. */

/* struct copied whole: 0 or -EFAULT */
#define copy_struct_from_user_exact(dst, src) (copy_from_user(dst, src, sizeof(*(dst))) ? -EFAULT : 0)
#define copy_struct_to_user_exact(dst, src)   (copy_to_user(dst, src, sizeof(*(src))) ? -EFAULT : 0)
/* Extensible structs (clone3, openat2): copies min(ksize, usize), zero-fills, -E2BIG when user's tail is not zero. */
int copy_struct_from_user(void *dst, size_t ksize, const void __user *src, size_t usize);

#endif

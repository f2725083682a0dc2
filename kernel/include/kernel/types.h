/* SPDX-License-Identifier: MIT */
/*
 * Basic types and the few macros every file uses.
 *
 * Linux's numbers and structures come from its UAPI headers (<linux/...>, <asm/...>); nothing here repeats them.
 */
#ifndef KERNEL_TYPES_H
#define KERNEL_TYPES_H

#include <stdarg.h>
#include <stddef.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

typedef _Bool bool;
#define true  1
#define false 0

typedef long ssize_t;
typedef unsigned long uintptr_t;
typedef long loff_t;	      /* byte offset in a file */
typedef int pid_t;
typedef u32 uid_t;
typedef u32 gid_t;
typedef u32 dev_t;	      /* 12-bit major, 20-bit minor, see <kernel/chrdev.h> */
typedef u32 umode_t;	      /* S_IFMT | permissions */
typedef u64 ino_t;
typedef u64 paddr_t;	      /* physical address */
typedef u64 vaddr_t;	      /* virtual address, user or kernel */
typedef s64 ktime_t;	      /* nanoseconds */
typedef u32 gfp_t;

/* Annotations for sparse; nothing to the compiler. */
#ifdef __CHECKER__
#define __user	       __attribute__((noderef, address_space(1)))
#define __force	       __attribute__((force))
#define __must_hold(x) __attribute__((context(x, 1, 1)))
#define __acquires(x)  __attribute__((context(x, 0, 1)))
#define __releases(x)  __attribute__((context(x, 1, 0)))
#define __acquire(x)   __context__(x, 1)
#define __release(x)   __context__(x, -1)
#else
#define __user
#define __force
#define __must_hold(x)
#define __acquires(x)
#define __releases(x)
#define __acquire(x) (void)0
#define __release(x) (void)0
#endif

#define __packed	__attribute__((packed))
#define __aligned(n)	__attribute__((aligned(n)))
#define __section(s)	__attribute__((section(s)))
#define __used		__attribute__((used))
#define __unused	__attribute__((unused))
/* A large local that is filled before it is read: without the zeroing all others get. */
#define __uninitialized __attribute__((uninitialized))
/* A hot function whose locals hold no array that an index or a copy of variable length could leave. */
#define __no_canary __attribute__((no_stack_protector))
#define __noreturn	__attribute__((noreturn))
#define __noinline	__attribute__((noinline))
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __must_check	__attribute__((warn_unused_result))
#define __printf(f, a)	__attribute__((format(printf, f, a)))
#define __weak		__attribute__((weak))
#define __cold		__attribute__((cold))
#define fallthrough	__attribute__((fallthrough)) /* to the next case, on purpose */
/* Code and data only boot needs; its pages go to the page allocator before init starts. */
#define __init	   __section(".init.text") __cold
#define __initdata __section(".init.data")
/* Written during boot, read-only afterwards. */
#define __ro_after_init __section(".data.ro_after_init")
/* No KASAN/UBSAN/canary instrumentation: code that runs before or below them. */
#define __no_sanitize __attribute__((no_sanitize("kernel-address", "undefined")))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b) ({ typeof(a) min_a_ = (a); typeof(b) min_b_ = (b); min_a_ < min_b_ ? min_a_ : min_b_; })
#define MAX(a, b) ({ typeof(a) max_a_ = (a); typeof(b) max_b_ = (b); max_a_ > max_b_ ? max_a_ : max_b_; })

/* n a power of two */
#define ALIGN_UP(x, n)	 (((x) + ((typeof(x))(n)-1)) & ~((typeof(x))(n)-1))
#define ALIGN_DOWN(x, n) ((x) & ~((typeof(x))(n)-1))
#define IS_ALIGNED(x, n) (((x) & ((typeof(x))(n)-1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define BIT(n) (1UL << (n))

#define READ_ONCE(x)	 (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define barrier()	 __asm__ volatile("" ::: "memory")

#define static_assert _Static_assert

/* The checking kernel (make DEBUG=1). Use `if (DEBUG)`, not #if, wherever both sides compile. */
#ifndef DEBUG
#define DEBUG 0
#endif

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define NR_HARTS_MAX 32

/* Embedded in objects that are freed by rcu_call(). */
struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

#endif

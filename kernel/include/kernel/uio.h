/* SPDX-License-Identifier: MIT */
/*
 * struct uio: where the bytes of a read or write go to or come from, user or kernel memory, in pieces.
 * Copies advance it. A fault part-way gives a short count; -EFAULT only when nothing was copied.
 */
#ifndef KERNEL_UIO_H
#define KERNEL_UIO_H

#include <arch/uaccess.h>
#include <kernel/types.h>
#include <linux/uio.h>

struct page;

struct uio {
	const struct iovec *iov; /* current piece */
	u64 nr_iov;		 /* pieces left, this one included */
	u64 offset;		 /* into the current piece */
	u64 left;		 /* bytes left in all */
	bool kernel;		 /* pieces are kernel addresses */
	bool nowait;		 /* RWF_NOWAIT */
	u32 rwf;		 /* RWF_* of preadv2/pwritev2 */
	struct iovec one;	 /* for a single buffer */
};

static inline void uio_init_user(struct uio *u, const void __user *buf, u64 len)
{
	u->one.iov_base = (void *)(u64)buf;
	u->one.iov_len = len;
	u->iov = &u->one;
	u->nr_iov = 1;
	u->offset = 0;
	u->left = len;
	u->kernel = u->nowait = false;
	u->rwf = 0;
}
static inline void uio_init_kernel(struct uio *u, const void *buf, u64 len)
{
	uio_init_user(u, (const void __user *)(u64)buf, len);
	u->kernel = true;
}
/* The ways that are not simple. kernel/fs/uio.c */
u64 __must_check copy_to_uio_pieces(const void *src, u64 n, struct uio *u);
u64 __must_check copy_from_uio_pieces(void *dst, u64 n, struct uio *u);
void uio_step(struct uio *u, u64 n); /* n <= what is left of the current piece, and of the whole */
/* The usual case: one user buffer with room for all of it. */
static __always_inline bool uio_simple(const struct uio *u, u64 n)
{
	return likely(!u->kernel && n <= u->iov->iov_len - u->offset && n <= u->left);
}
static __always_inline void __user *uio_here(const struct uio *u)
{
	return (void __user *)((u64)u->iov->iov_base + u->offset);
}
static __always_inline void uio_took(struct uio *u, u64 n)
{
	if (unlikely(u->nr_iov > 1)) {
		uio_step(u, n);
		return;
	}
	u->offset += n;
	u->left -= n;
}
/* Bytes copied; advances. <= n, less when the uio ends or on a fault. */
static __always_inline u64 __must_check copy_to_uio(const void *src, u64 n, struct uio *u)
{
	u64 done;

	if (unlikely(!uio_simple(u, n)))
		return copy_to_uio_pieces(src, n, u);
	if (__builtin_constant_p(n) && n == sizeof(u64))
		done = user_store64(*(const u64 *)src, uio_here(u)) ? 0 : n;
	else
		done = n - copy_to_user(uio_here(u), src, n);
	uio_took(u, done);
	return done;
}
static __always_inline u64 __must_check copy_from_uio(void *dst, u64 n, struct uio *u)
{
	u64 done;

	if (unlikely(!uio_simple(u, n)))
		return copy_from_uio_pieces(dst, n, u);
	if (__builtin_constant_p(n) && n == sizeof(u64))
		done = user_load64(dst, uio_here(u)) ? 0 : n;
	else
		done = n - copy_from_user(dst, uio_here(u), n);
	uio_took(u, done);
	return done;
}
u64 __must_check zero_uio(u64 n, struct uio *u);
void uio_advance(struct uio *u, u64 n);
void uio_revert(struct uio *u, u64 n); /* single-buffer and within the consumed part */
/* Touches the next n user bytes so that a copy under a lock will not fault (reading from or writing to them). 0 or -EFAULT */
int uio_fault_in(struct uio *u, u64 n, bool write);
/* Copies and checks a user iovec array: total length or -EINVAL, -EFAULT, -ENOMEM. Uses `fast` when nr <= 8; else
 * *iov is kmalloc'd and the caller kfree()s it when != fast. */
ssize_t uio_import(struct uio *u, const struct iovec __user *uiov, u64 nr, struct iovec fast[8], struct iovec **iov);

#endif

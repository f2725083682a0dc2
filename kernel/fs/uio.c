/* SPDX-License-Identifier: MIT */
/*
 * struct uio: copying to and from buffers in pieces, in user or kernel memory.
 *
 * Every copy works piece by piece and stops at the first fault; what was copied before stays copied.
 */
#include <kernel/uio.h>

#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>

#define UIO_FAST 8

/* What is left of the current piece, at most n. */
static u64 piece(const struct uio *u, u64 n) { return MIN(n, u->iov->iov_len - u->offset); }
static char *piece_at(const struct uio *u) { return (char *)u->iov->iov_base + u->offset; }

void uio_step(struct uio *u, u64 n)
{
	u->offset += n;
	u->left -= n;
	while (u->nr_iov > 1 && u->offset == u->iov->iov_len) {
		u->iov++;
		u->nr_iov--;
		u->offset = 0;
	}
}

typedef u64 (*copy_fn)(char *there, char *here, u64 n); /* bytes not copied */

static u64 to_user(char *there, char *here, u64 n) { return copy_to_user((void __user *)there, here, n); }
static u64 from_user(char *there, char *here, u64 n) { return copy_from_user(here, (const void __user *)there, n); }
static u64 zero_user(char *there, char *here, u64 n)
{
	(void)here;
	return clear_user((void __user *)there, n);
}
static u64 to_kernel(char *there, char *here, u64 n)
{
	memcpy(there, here, n);
	return 0;
}
static u64 from_kernel(char *there, char *here, u64 n)
{
	memcpy(here, there, n);
	return 0;
}
static u64 zero_kernel(char *there, char *here, u64 n)
{
	(void)here;
	memset(there, 0, n);
	return 0;
}

static u64 copy_pieces(struct uio *u, char *here, u64 n, copy_fn fn)
{
	u64 done = 0;

	n = MIN(n, u->left);
	while (done < n) {
		u64 part = piece(u, n - done);
		u64 missed = part ? fn(piece_at(u), here + done, part) : 0;

		uio_step(u, part - missed);
		done += part - missed;
		if (missed)
			break;
	}
	return done;
}

u64 copy_to_uio_pieces(const void *src, u64 n, struct uio *u)
{
	return copy_pieces(u, (char *)src, n, u->kernel ? to_kernel : to_user);
}

u64 copy_from_uio_pieces(void *dst, u64 n, struct uio *u)
{
	return copy_pieces(u, dst, n, u->kernel ? from_kernel : from_user);
}

u64 zero_uio(u64 n, struct uio *u) { return copy_pieces(u, NULL, n, u->kernel ? zero_kernel : zero_user); }

void uio_advance(struct uio *u, u64 n)
{
	n = MIN(n, u->left);
	while (n) {
		u64 part = piece(u, n);

		uio_step(u, part);
		n -= part;
	}
}

void uio_revert(struct uio *u, u64 n)
{
	ASSERT(n <= u->offset);
	u->offset -= n;
	u->left += n;
}

static int fault_in_piece(const char *p, u64 n, bool write)
{
	u64 at = (u64)p, end = at + n, v;

	for (; at < end; at = (at & PAGE_MASK) + PAGE_SIZE) {
		if (user_load8(&v, (const void __user *)at))
			return -EFAULT;
		/* Writing back what is there makes the page present and ours; a racing store of another thread to the
		 * same byte would be lost, so only the first byte that the copy will overwrite anyway is touched. */
		if (write && user_store8(v, (void __user *)at))
			return -EFAULT;
	}
	return 0;
}

int uio_fault_in(struct uio *u, u64 n, bool write)
{
	const struct iovec *iov = u->iov;
	u64 offset = u->offset, nr = u->nr_iov;

	if (u->kernel)
		return 0;
	n = MIN(n, u->left);
	while (n && nr) {
		u64 part = MIN(n, iov->iov_len - offset);

		if (part && fault_in_piece((const char *)iov->iov_base + offset, part, write))
			return -EFAULT;
		n -= part;
		iov++;
		nr--;
		offset = 0;
	}
	return 0;
}

/* Lengths that fit, in user memory, no more in all than one call may move. */
static ssize_t check_pieces(struct iovec *iov, u64 nr)
{
	const u64 max = 0x7fffffffUL & PAGE_MASK;
	u64 total = 0;

	for (u64 i = 0; i < nr; i++) {
		if ((ssize_t)iov[i].iov_len < 0)
			return -EINVAL;
		if (!access_ok((const void __user *)iov[i].iov_base, iov[i].iov_len))
			return -EFAULT;
		if (iov[i].iov_len > max - total)
			iov[i].iov_len = max - total;
		total += iov[i].iov_len;
	}
	return (ssize_t)total;
}

ssize_t uio_import(struct uio *u, const struct iovec __user *uiov, u64 nr, struct iovec fast[8], struct iovec **iov)
{
	ssize_t total;

	*iov = fast;
	if (nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > UIO_FAST) {
		*iov = kmalloc_array(nr, sizeof(**iov), GFP_KERNEL);
		if (!*iov) {
			*iov = fast;
			return -ENOMEM;
		}
	}
	if (nr && copy_from_user(*iov, uiov, nr * sizeof(**iov)))
		total = -EFAULT;
	else
		total = check_pieces(*iov, nr);
	if (total < 0) {
		if (*iov != fast)
			kfree(*iov);
		*iov = fast;
		return total;
	}
	uio_init_user(u, NULL, 0);
	if (nr) {
		u->iov = *iov;
		u->nr_iov = nr;
	}
	u->left = (u64)total;
	while (u->nr_iov > 1 && u->iov->iov_len == 0) {
		u->iov++;
		u->nr_iov--;
	}
	return total;
}

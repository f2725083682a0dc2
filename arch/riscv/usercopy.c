/* SPDX-License-Identifier: MIT */
/* The exception table of uaccess.S, and what of user access is better said in C. */
#include <arch/uaccess.h>

#include <arch/page.h>
#include <kernel/string.h>

#include "machine.h"

long user_load_bytes(u64 *v, const void __user *p, u64 n);
long user_store_bytes(u64 v, void __user *p, u64 n);

vaddr_t fixup_find(vaddr_t pc, bool *any_address)
{
	extern const struct fixup_entry __ex_table_start[], __ex_table_end[];
	u64 low = 0, high = (u64)(__ex_table_end - __ex_table_start), offset = pc - KERNEL_BASE;

	while (low < high) {
		u64 mid = (low + high) / 2;
		const struct fixup_entry *e = &__ex_table_start[mid];

		if (e->insn == offset) {
			*any_address = e->fixup & 1;
			return KERNEL_BASE + (e->fixup & ~1U);
		}
		if (e->insn < offset)
			low = mid + 1;
		else
			high = mid;
	}
	*any_address = false;
	return 0;
}

/* Misaligned scalars; n <= 8. */
long user_load_bytes(u64 *v, const void __user *p, u64 n)
{
	*v = 0;
	if (copy_from_user(v, p, n)) {
		*v = 0;
		return -EFAULT;
	}
	return 0;
}

long user_store_bytes(u64 v, void __user *p, u64 n) { return copy_to_user(p, &v, n) ? -EFAULT : 0; }

/* The part of the user's struct that the kernel does not know must be zero: 0, -EFAULT, -E2BIG. */
static int check_zeroed_user(const char __user *p, size_t n)
{
	while (n) {
		u64 word = 0;
		size_t part = MIN(n, sizeof(word));

		if (copy_from_user(&word, p, part))
			return -EFAULT;
		if (word)
			return -E2BIG;
		p += part;
		n -= part;
	}
	return 0;
}

int copy_struct_from_user(void *dst, size_t ksize, const void __user *src, size_t usize)
{
	size_t size = MIN(ksize, usize);
	int rc;

	if (usize > ksize) {
		if (usize > PAGE_SIZE)
			return -E2BIG;
		rc = check_zeroed_user((const char __user *)src + size, usize - size);
		if (rc)
			return rc;
	}
	if (copy_from_user(dst, src, size))
		return -EFAULT;
	memset((char *)dst + size, 0, ksize - size);
	return 0;
}

/* Checking kernels: the kernel's side of a copy must be memory of its own. The checks are those the
 * compiler calls. */
#if DEBUG
void __asan_loadN(unsigned long addr, size_t size);
void __asan_storeN(unsigned long addr, size_t size);
u64 __must_check __copy_from_user(void *to, const void __user *from, u64 n);
u64 __must_check __copy_to_user(void __user *to, const void *from, u64 n);
s64 __must_check __strncpy_from_user(char *to, const char __user *from, u64 n);

u64 copy_from_user(void *to, const void __user *from, u64 n)
{
	if (n)
		__asan_storeN((unsigned long)to, n);
	return __copy_from_user(to, from, n);
}

u64 copy_to_user(void __user *to, const void *from, u64 n)
{
	if (n)
		__asan_loadN((unsigned long)from, n);
	return __copy_to_user(to, from, n);
}

s64 strncpy_from_user(char *to, const char __user *from, u64 n)
{
	s64 len = __strncpy_from_user(to, from, n);

	if (len > 0)
		__asan_storeN((unsigned long)to, (size_t)len);
	return len;
}
#endif

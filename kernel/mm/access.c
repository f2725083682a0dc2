/* SPDX-License-Identifier: MIT */
/*
 * The kernel's way into any address space: single pages (futexes, exec, core dumps), spans of bytes
 * (ptrace, /proc/PID/mem), and process_vm_readv and its twin, which let processes read each other.
 *
 * A page is made present as a fault would make it and handed out with a reference; it stays what it
 * is for as long as the reference is held, even when the mapping goes.
 */
#include "vma.h"

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/uio.h>

#define GET_TRIES 16 /* another thread may undo what the fault did; not for ever */

static bool access_allowed(const struct vma *v, bool write, bool force)
{
	if (v->flags & VM_IO)
		return false;
	if (write)
		return (v->flags & VM_WRITE) || (force && vma_is_cow(v));
	return (v->flags & (VM_READ | VM_WRITE)) || (force && (v->flags & VM_MAYREAD));
}

/* The page an entry holds, if that will do; page_table_lock held. */
static struct page *page_of_entry(const struct vma *v, pte_t e, bool write)
{
	struct page *p;

	if (!e)
		return NULL;
	if (e & PTE_SPECIAL)
		return !write && pte_pfn(e) == page_to_pfn(zero_page) ? zero_page : NULL;
	p = pfn_to_page(pte_pfn(e));
	if (!write || pte_write(e))
		return p;
	/* A debugger's write: to a copy that is ours alone, behind an entry that stays read-only.
	 */
	return !(v->flags & VM_WRITE) && (p->flags & PG_ANON) && refcount_read(&p->refs) == 1
		       ? p
		       : NULL;
}

static struct page *get_present(const struct vma *v, u64 addr, bool write)
{
	pte_t *pte = pt_find(v->mm, addr);
	struct page *p;

	if (!pte)
		return NULL;
	spin_lock(&v->mm->page_table_lock);
	p = page_of_entry(v, pte_read(pte), write);
	if (p)
		page_get(p);
	spin_unlock(&v->mm->page_table_lock);
	return p;
}

struct page *vm_get_page(struct mm *mm, u64 addr, bool write, bool force)
{
	struct vma *v = vma_find_exact(mm, addr);
	struct page *p;

	if (!v || !access_allowed(v, write, force))
		return ERR_PTR(-EFAULT);
	addr &= PAGE_MASK;
	for (u32 i = 0; i < GET_TRIES; i++) {
		p = get_present(v, addr, write);
		if (p)
			return p;
		switch (vm_fault_page(v, addr, write)) {
		case VM_FAULT_OK:
			break;
		case VM_FAULT_OOM:
			return ERR_PTR(-ENOMEM);
		case VM_FAULT_KILLED:
			return ERR_PTR(-EINTR);
		default:
			return ERR_PTR(-EFAULT);
		}
	}
	return ERR_PTR(-EFAULT);
}

struct page *vm_peek_page(struct mm *mm, u64 addr)
{
	struct vma *v = vma_find_exact(mm, addr);
	struct page *p;

	if (!v || (v->flags & VM_IO))
		return NULL;
	p = get_present(v, addr & PAGE_MASK, false);
	if (p == zero_page) {
		page_put(p);
		return NULL;
	}
	return p;
}

ssize_t vm_access(struct mm *mm, u64 addr, void *buf, size_t len, bool write, bool force)
{
	bool code = false;
	size_t done = 0;

	if (down_read_killable(&mm->lock))
		return 0;
	while (done < len) {
		u64 at = addr + done, offset = at & ~PAGE_MASK,
		    n = MIN(len - done, PAGE_SIZE - offset);
		struct page *p =
			at < TASK_SIZE ? vm_get_page(mm, at, write, force) : ERR_PTR(-EFAULT);

		if (IS_ERR(p))
			break;
		if (write) {
			memcpy((char *)page_to_virt(p) + offset, (const char *)buf + done, n);
			code |= (vma_find_exact(mm, at)->flags & VM_EXEC) != 0;
		} else {
			memcpy((char *)buf + done, (const char *)page_to_virt(p) + offset, n);
		}
		page_put(p);
		done += n;
	}
	up_read(&mm->lock);
	if (code)
		tlb_flush_icache(mm);
	return (ssize_t)done;
}

/* --- process_vm_readv, process_vm_writev --- */

/* One page of the other side from or to the local pieces; bytes done, 0 at a fault on either side.
 */
static u64 transfer_page(struct mm *mm, u64 addr, u64 n, struct uio *local, bool write)
{
	struct page *p;
	u64 done;

	if (addr >= TASK_SIZE || down_read_killable(&mm->lock))
		return 0;
	p = vm_get_page(mm, addr, write, false);
	up_read(&mm->lock); /* the local side may fault, in this very mm */
	if (IS_ERR(p))
		return 0;
	if (write)
		done = copy_from_uio((char *)page_to_virt(p) + (addr & ~PAGE_MASK), n, local);
	else
		done = copy_to_uio((const char *)page_to_virt(p) + (addr & ~PAGE_MASK), n, local);
	page_put(p);
	return done;
}

/* One piece of the other side; bytes done. */
static u64 transfer_piece(struct mm *mm, const struct iovec *piece, struct uio *local, bool write)
{
	u64 addr = (u64)piece->iov_base, done = 0, n, moved;

	while (done < piece->iov_len && local->left) {
		n = MIN(MIN(local->left, (u64)piece->iov_len - done),
			PAGE_SIZE - ((addr + done) & ~PAGE_MASK));
		moved = transfer_page(mm, addr + done, n, local, write);
		done += moved;
		if (moved < n)
			break;
		cond_resched();
	}
	return done;
}

static ssize_t transfer(struct mm *mm, struct uio *local, const struct uio *remote, bool write)
{
	u64 total = 0, done;

	for (u64 i = 0; i < remote->nr_iov && local->left; i++) {
		const struct iovec *piece = &remote->iov[i];

		done = transfer_piece(mm, piece, local, write);
		total += done;
		if (done < piece->iov_len && local->left)
			return total ? (ssize_t)total : -EFAULT;
	}
	return (ssize_t)total;
}

static ssize_t process_vm(pid_t pid, struct uio *local, struct uio *remote, bool write)
{
	struct task *t = task_find_get(pid);
	struct mm *mm;
	ssize_t ret;

	if (!t)
		return -ESRCH;
	mm = task_mm_get(t);
	ret = mm ? may_inspect(t, 1) : -ESRCH;
	if (ret == -EACCES)
		ret = -EPERM;
	if (ret == 0)
		ret = transfer(mm, local, remote, write);
	if (mm)
		mm_put(mm);
	task_put(t);
	return ret;
}

static ssize_t process_vm_call(pid_t pid, const struct iovec __user *lvec, u64 nl,
			       const struct iovec __user *rvec, u64 nr, u64 flags, bool write)
{
	struct iovec lfast[8], rfast[8], *liov = lfast, *riov = rfast;
	struct uio local, remote;
	ssize_t ret;

	if (flags)
		return -EINVAL;
	ret = uio_import(&local, lvec, nl, lfast, &liov);
	if (ret <= 0)
		goto free_local;
	ret = uio_import(&remote, rvec, nr, rfast, &riov);
	if (ret > 0)
		ret = process_vm(pid, &local, &remote, write);
	if (riov != rfast)
		kfree(riov);
free_local:
	if (liov != lfast)
		kfree(liov);
	return ret;
}

long sys_process_vm_readv(pid_t pid, const struct iovec __user *lvec, unsigned long liovcnt,
			  const struct iovec __user *rvec, unsigned long riovcnt,
			  unsigned long flags)
{
	return process_vm_call(pid, lvec, liovcnt, rvec, riovcnt, flags, false);
}

long sys_process_vm_writev(pid_t pid, const struct iovec __user *lvec, unsigned long liovcnt,
			   const struct iovec __user *rvec, unsigned long riovcnt,
			   unsigned long flags)
{
	return process_vm_call(pid, lvec, liovcnt, rvec, riovcnt, flags, true);
}

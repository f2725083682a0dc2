/* SPDX-License-Identifier: MIT */
/*
 * Restartable sequences, rseq(2): user code that may assume it is alone on its hart, because the kernel sends it to its abort
 * handler when it was switched away from or gets a signal in the middle.
 *
 * A thread registers a struct rseq. The kernel keeps the hart's number in it and, before the thread runs in user mode
 * again after a switch (rseq_handle) or enters a signal handler (rseq_signal), looks whether its pc lies in the section
 * that rseq->rseq_cs names. A thread that was in a system call was not in a section: only the number matters then.
 */
#include <kernel/syscall.h>

#include <kernel/printk.h>
#include <kernel/signal.h>
#include <linux/rseq.h>

#define RSEQ_SIZE_MIN	32 /* of the first version, which also must be aligned to as much */
#define SIGNATURE_BYTES 4  /* before the abort handler */

/* --- the hart's number --- */

static int store_hart(u32 hart)
{
	struct rseq __user *r = current->rseq;

	static_assert(offsetof(struct rseq, cpu_id_start) == 0 && offsetof(struct rseq, cpu_id) == 4,
		      "both are stored as one word");
	if (user_store64((u64)hart << 32 | hart, r))
		return -EFAULT;
	current->rseq_hart = hart;
	return 0;
}

/* --- sections --- */

static bool section_valid(const struct rseq_cs *cs)
{
	return cs->start_ip < USER_TOP && cs->post_commit_offset < USER_TOP - cs->start_ip && cs->abort_ip < USER_TOP &&
	       cs->version == 0 && cs->flags == 0 && cs->abort_ip - cs->start_ip >= cs->post_commit_offset;
}

/* The abort handler is marked with the signature of the registration, so that no section can name other code. */
static int check_signature(const struct rseq_cs *cs)
{
	u32 sig;

	if (get_user(sig, (u32 __user *)(cs->abort_ip - SIGNATURE_BYTES)))
		return -EFAULT;
	if (sig == current->rseq_sig)
		return 0;
	printk_ratelimited(LOG_WARNING, "rseq: %s[%d]: abort handler at 0x%lx has signature 0x%x, not 0x%x",
			   current->comm, current->pid, (unsigned long)cs->abort_ip, sig, current->rseq_sig);
	return -EINVAL;
}

/* Sends a thread that is in a section to its abort handler. 0, or an error that is the program's fault. */
static int leave_section(struct trap_frame *regs)
{
	struct rseq __user *r = current->rseq;
	struct rseq_cs cs;
	u32 flags;
	u64 ptr;

	if (get_user(ptr, &r->rseq_cs))
		return -EFAULT;
	if (likely(!ptr))
		return 0;
	if (copy_from_user(&cs, (const void __user *)ptr, sizeof(cs)))
		return -EFAULT;
	if (!section_valid(&cs))
		return -EINVAL;
	if (check_signature(&cs))
		return -EINVAL;
	if (regs->pc - cs.start_ip < cs.post_commit_offset) {
		if (get_user(flags, &r->flags))
			return -EFAULT;
		if (flags)
			return -EINVAL;
		regs->pc = cs.abort_ip;
	}
	return (int)put_user(0, &r->rseq_cs);
}

void rseq_handle(struct trap_frame *regs)
{
	int rc = 0;

	task_clear_work(current, WORK_RSEQ);
	if (!current->rseq || (current->flags & TF_EXITING))
		return;
	if (!regs_in_syscall(regs))
		rc = leave_section(regs);
	if (rc == 0 && current->hart != current->rseq_hart)
		rc = store_hart(current->hart);
	if (rc)
		force_signal(SIGSEGV);
}

void rseq_signal(struct trap_frame *regs)
{
	if (!regs_in_syscall(regs) && leave_section(regs))
		force_signal(SIGSEGV);
}

/* --- the call --- */

static long unregister(struct rseq __user *r, u32 len, u32 sig)
{
	if (!current->rseq || current->rseq != r || current->rseq_len != len)
		return -EINVAL;
	if (current->rseq_sig != sig)
		return -EPERM;
	if (put_user(0, &r->cpu_id_start) || put_user((u32)RSEQ_CPU_ID_UNINITIALIZED, &r->cpu_id) ||
	    put_user(0, &r->node_id) || put_user(0, &r->mm_cid))
		return -EFAULT;
	current->rseq = NULL;
	return 0;
}

static bool area_valid(const struct rseq __user *r, u32 len)
{
	if (len == RSEQ_SIZE_MIN)
		return IS_ALIGNED((u64)r, RSEQ_SIZE_MIN);
	return len > RSEQ_SIZE_MIN && IS_ALIGNED((u64)r, _Alignof(struct rseq));
}

long sys_rseq(struct rseq __user *r, u32 len, int flags, u32 sig)
{
	if (flags & RSEQ_FLAG_UNREGISTER)
		return flags & ~RSEQ_FLAG_UNREGISTER ? -EINVAL : unregister(r, len, sig);
	if (flags)
		return -EINVAL;
	if (current->rseq) {
		if (current->rseq != r || current->rseq_len != len)
			return -EINVAL;
		return current->rseq_sig != sig ? -EPERM : -EBUSY;
	}
	if (!area_valid(r, len))
		return -EINVAL;
	if (!access_ok(r, len))
		return -EFAULT;
	current->rseq_len = len;
	current->rseq_sig = sig;
	current->rseq_hart = ~0U; /* stored on the way back to user mode */
	current->rseq = r;
	task_set_work(current, WORK_RSEQ);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The signal frame: what a handler finds on the user stack and rt_sigreturn(2) takes back. Its
 * layout is Linux's for riscv64 without vector state: siginfo, then a ucontext whose machine
 * context is the 32 user registers (the first words of struct trap_frame, in the same order), the D
 * floating-point state, a reserved zero word and the end marker of an empty extension list. The
 * handler returns into the vDSO, which makes the system call.
 *
 * Nothing of sstatus comes from user space: it is not in the frame.
 */
#include <arch/signal.h>

#include <arch/cpu.h>
#include <arch/regs.h>
#include <arch/task.h>
#include <arch/uaccess.h>
#include <arch/vdso.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/vm.h>
/* A field of struct ucontext is called __unused. */
#pragma push_macro("__unused")
#undef __unused
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#pragma pop_macro("__unused")

#include "csr.h"

struct rt_sigframe {
	siginfo_t info;
	struct ucontext uc;
};
static_assert(sizeof(struct rt_sigframe) == 1088, "what user space was compiled for");
static_assert(sizeof(struct user_regs_struct) == offsetof(struct trap_frame, status),
	      "copied as one block");
static_assert(sizeof(struct fpu_state) == sizeof(struct __riscv_d_ext_state),
	      "copied as one block");

/* The parts that are written or read in one go. */
struct uc_head {
	unsigned long flags;
	void *link;
	stack_t stack;
	sigset_t mask;
};
static_assert(sizeof(struct uc_head) == offsetof(struct ucontext, uc_sigmask) + sizeof(sigset_t),
	      "the head of ucontext");
struct frame_head {
	siginfo_t info;
	struct uc_head uc;
};
static_assert(sizeof(struct frame_head) ==
		      offsetof(struct rt_sigframe, uc) + sizeof(struct uc_head),
	      "the head of the frame");
struct extensions {
	u32 reserved;
	struct __riscv_ctx_hdr end;
};
#define EXTENSIONS(sc) ((struct extensions __user *)&(sc)->sc_extdesc.reserved)

/* --- setting up --- */

/* Where the frame goes, or an address that surely faults when the alternate stack would overflow.
 */
static struct rt_sigframe __user *frame_place(const struct ksignal *ks, u64 sp)
{
	bool on_altstack = signal_on_altstack(sp);

	if (on_altstack && !signal_on_altstack(sp - sizeof(struct rt_sigframe)))
		return (struct rt_sigframe __user *)~0UL;
	if ((ks->action.sa_flags & SA_ONSTACK) && current->sas_size && !on_altstack)
		sp = current->sas_sp + current->sas_size;
	return (struct rt_sigframe __user *)((sp - sizeof(struct rt_sigframe)) & ~15UL);
}

static bool write_head(struct rt_sigframe __user *frame, const siginfo_t *info, sigset_t mask)
{
	/* The kernel fills only these fields of a siginfo. */
	const u32 words = (offsetof(siginfo_t, _sifields) + sizeof(info->_sifields)) / 8;
	struct frame_head head __uninitialized;

#pragma GCC unroll 16
	for (u32 i = 0; i < sizeof(head.info) / 8; i++)
		((u64 *)&head.info)[i] = i < words ? ((const u64 *)info)[i] : 0;
	head.uc.flags = 0;
	head.uc.link = NULL;
	head.uc.stack.ss_sp = (void *)current->sas_sp;
	*(u64 *)&head.uc.stack.ss_flags = current->sas_flags; /* and the padding */
	head.uc.stack.ss_size = current->sas_size;
	head.uc.mask = mask;
	return copy_to_user(frame, &head, sizeof(head)) == 0;
}

static bool write_context(struct sigcontext __user *sc, const struct trap_frame *regs)
{
	struct extensions __user *ext = EXTENSIONS(sc);

	if (copy_to_user(&sc->sc_regs, regs, sizeof(sc->sc_regs)))
		return false;
	if (isa.d) {
		arch_fpu_save();
		if (copy_to_user(&sc->sc_fpregs.d, &current->arch.fpu, sizeof(current->arch.fpu)))
			return false;
	}
	return !put_user(0, &ext->reserved) && !put_user(END_MAGIC, &ext->end.magic) &&
	       !put_user(END_HDR_SIZE, &ext->end.size);
}

int arch_signal_frame(struct ksignal *ks, sigset_t mask, struct trap_frame *regs)
{
	struct rt_sigframe __user *frame = frame_place(ks, regs->sp);

	if (!access_ok(frame, sizeof(*frame)) || !write_head(frame, &ks->info, mask) ||
	    !write_context(&frame->uc.uc_mcontext, regs))
		return -EFAULT;
	regs->ra = current->mm->vdso + vdso_sigreturn_offset;
	regs->pc = (u64)ks->action.sa_handler;
	regs->sp = (u64)frame;
	regs->a0 = (u64)ks->sig;
	regs->a1 = (u64)&frame->info;
	regs->a2 = (u64)&frame->uc;
	return 0;
}

/* --- taking back --- */

/* A handler that computed nothing in floating point, the usual case, leaves the hart's registers as
 * they are. */
static bool read_fpu(const struct trap_frame *regs, const struct __riscv_d_ext_state __user *ufpu)
{
	struct fpu_state *fpu = &current->arch.fpu;
	int same = 0;
	u32 fcsr;

	if ((regs->status & SSTATUS_FS) == SSTATUS_FS_CLEAN && IS_ALIGNED((u64)ufpu, 8)) {
		if (get_user(fcsr, &ufpu->fcsr))
			return false;
		same = fcsr == fpu->fcsr ? user_same(fpu->f, ufpu->f, sizeof(fpu->f)) : 0;
	}
	if (same)
		return same > 0;
	/* First, so that no task switch saves the registers over what is being copied. */
	arch_fpu_load();
	return copy_from_user(fpu, ufpu, sizeof(*fpu)) == 0;
}

static bool read_context(struct trap_frame *regs, const struct sigcontext __user *sc)
{
	struct extensions __user *ext = EXTENSIONS((struct sigcontext __user *)sc);
	u32 reserved, magic, size;

	if (copy_from_user(regs, &sc->sc_regs, sizeof(sc->sc_regs)))
		return false;
	if (isa.d && !read_fpu(regs, &sc->sc_fpregs.d))
		return false;
	if (get_user(reserved, &ext->reserved) || get_user(magic, &ext->end.magic) || get_user(size, &ext->end.size))
		return false;
	return reserved == 0 && magic == END_MAGIC && size == END_HDR_SIZE;
}

long sys_rt_sigreturn(void)
{
	struct trap_frame *regs = current_regs();
	struct rt_sigframe __user *frame = (struct rt_sigframe __user *)regs->sp;
	struct uc_head head __uninitialized;

	/* What the handler interrupted is not restarted by restart_syscall() any more. */
	current->restart.fn = NULL;
	regs_replaced(regs);
	if (!access_ok(frame, sizeof(*frame)) || copy_from_user(&head, &frame->uc, sizeof(head)))
		goto bad;
	signal_set_blocked(head.mask);
	if (!read_context(regs, &frame->uc.uc_mcontext))
		goto bad;
	/* As Linux: a stack that cannot be set is left as it is. */
	(void)signal_set_altstack(&head.stack, regs->sp);
	return (long)regs->a0;
bad:
	printk_ratelimited(LOG_INFO,
			   "%s[%d]: bad frame in rt_sigreturn: frame=%llx pc=%llx sp=%llx",
			   current->comm, current->pid, (u64)frame, regs->pc, regs->sp);
	force_signal(SIGSEGV);
	return 0;
}

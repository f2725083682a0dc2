/* SPDX-License-Identifier: MIT */
/*
 * Traps, behind entry.S: interrupts go to their three handlers; a fault of user mode becomes a
 * signal; a fault of the kernel is mended when it happened in a user copy or is no fault at all (an
 * entry that another hart's TLB did not know yet), and is the end otherwise.
 *
 * Entered with interrupts off. User faults turn them on, as their handling may sleep; kernel faults
 * only for a page fault in a user copy of code that had them on.
 */
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/pgtable.h>
#include <arch/regs.h>
#include <arch/uaccess.h>
#include <kernel/hart.h>
#include <kernel/irq.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/vm.h>

#include "csr.h"
#include "fpu.h"
#include "machine.h"

#define CAUSE_INTERRUPT (1UL << 63)
/* A kernel access that faults this often in a row although its page-table entry allows it is
 * broken. */
#define SPURIOUS_MAX 8

struct spurious_fault {
	vaddr_t addr;
	u32 count;
};
static DEFINE_PER_HART(struct spurious_fault, spurious);

const char *cause_name(u64 cause)
{
	static const char *const names[] = {
		"instruction address misaligned",
		"instruction access fault",
		"illegal instruction",
		"breakpoint",
		"load address misaligned",
		"load access fault",
		"store address misaligned",
		"store access fault",
		"system call from user mode",
		"system call from supervisor mode",
		"unknown cause",
		"unknown cause",
		"instruction page fault",
		"load page fault",
		"unknown cause",
		"store page fault",
	};

	if (cause & CAUSE_INTERRUPT)
		return "interrupt";
	return cause < ARRAY_SIZE(names) ? names[cause] : "unknown cause";
}

/* --- interrupts --- */

/* Nobody serves the external controller: without the handler it would interrupt for ever. */
static void external_interrupt(void)
{
	if (likely(irq_external_handler)) {
		irq_external_handler();
		return;
	}
	csr_clear(sie, SIE_EXTERNAL);
	pr_err("irq: external interrupt, but no controller has a driver: external interrupts off "
	       "on hart %u",
	       this_hart_nr());
}

static void handle_interrupt(u64 cause)
{
	irq_enter();
	switch (cause & ~CAUSE_INTERRUPT) {
	case IRQ_TIMER:
		timer_interrupt();
		break;
	case IRQ_SOFT:
		csr_clear(sip, SIE_SOFT);
		if (unlikely(hart_stop_wanted()))
			hart_stop_here();
		ipi_interrupt();
		break;
	case IRQ_EXTERNAL:
		external_interrupt();
		break;
	default:
		csr_clear(sie, 1UL << (cause & 63));
		pr_err("irq: interrupt %lu of hart %u is unknown: off", (unsigned long)(cause & 63),
		       this_hart_nr());
	}
	irq_exit();
}

/* --- faults of user mode --- */

struct user_fault {
	u8 sig, code;
	bool at_pc; /* si_addr is the instruction, not what it touched */
};

/* By cause, as Linux reports them. */
static const struct user_fault user_faults[] = {
	[CAUSE_FETCH_MISALIGNED] = { SIGBUS, BUS_ADRALN, true },
	[CAUSE_FETCH_ACCESS] = { SIGSEGV, SEGV_ACCERR, true },
	[CAUSE_ILLEGAL] = { SIGILL, ILL_ILLOPC, true },
	[CAUSE_BREAKPOINT] = { SIGTRAP, TRAP_BRKPT, true },
	[CAUSE_LOAD_MISALIGNED] = { SIGBUS, BUS_ADRALN, true },
	[CAUSE_LOAD_ACCESS] = { SIGSEGV, SEGV_ACCERR, true },
	[CAUSE_STORE_MISALIGNED] = { SIGBUS, BUS_ADRALN, true },
	[CAUSE_STORE_ACCESS] = { SIGSEGV, SEGV_ACCERR, true },
};

static bool is_page_fault(u64 cause)
{
	return cause == CAUSE_LOAD_PAGE || cause == CAUSE_STORE_PAGE || cause == CAUSE_FETCH_PAGE;
}

static u64 fault_access(u64 cause)
{
	if (cause == CAUSE_STORE_PAGE)
		return VM_WRITE;
	return cause == CAUSE_FETCH_PAGE ? VM_EXEC : VM_READ;
}

static void user_page_fault(struct trap_frame *regs)
{
	u64 addr = regs->badaddr;
	enum vm_fault r = VM_FAULT_SEGV_MAPERR;

	if (likely(addr < TASK_SIZE))
		r = vm_handle_fault(current->mm, addr, fault_access(regs->cause), true);
	if (likely(r == VM_FAULT_OK))
		return;
	switch (r) {
	case VM_FAULT_SEGV_ACCERR:
		force_signal_fault(SIGSEGV, SEGV_ACCERR, addr);
		break;
	case VM_FAULT_BUS:
		force_signal_fault(SIGBUS, BUS_ADRERR, addr);
		break;
	case VM_FAULT_OOM: /* the OOM killer could not help: it is this one that goes without */
		force_fatal_signal(SIGKILL);
		break;
	case VM_FAULT_KILLED:
		break;
	default:
		force_signal_fault(SIGSEGV, SEGV_MAPERR, addr);
	}
}

static void user_exception(struct trap_frame *regs)
{
	struct user_fault f = { SIGILL, ILL_ILLTRP, true };

	if (regs->cause == CAUSE_ILLEGAL && fpu_first_use(regs))
		return;
	if (regs->cause < ARRAY_SIZE(user_faults) && user_faults[regs->cause].sig)
		f = user_faults[regs->cause];
	force_signal_fault(f.sig, f.code, f.at_pc ? regs->pc : regs->badaddr);
}

void trap_user(struct trap_frame *regs)
{
	if (regs->cause & CAUSE_INTERRUPT) {
		handle_interrupt(regs->cause);
		return;
	}
	irq_enable();
	if (likely(is_page_fault(regs->cause)))
		user_page_fault(regs);
	else
		user_exception(regs);
}

/* What is left to do before user mode runs again. Interrupts off before and after. */
void exit_to_user_work(struct trap_frame *regs)
{
	u32 work;

	while ((work = READ_ONCE(current->work)) & WORK_EXIT_MASK & ~WORK_TRACE) {
		irq_enable();
		if (work & WORK_REGS)
			task_clear_work(current, WORK_REGS);
		if (work & WORK_RESCHED)
			schedule();
		if (work & WORK_NOTIFY) {
			task_clear_work(current, WORK_NOTIFY);
			task_run_deferred();
		}
		if (work & (WORK_SIGNAL | WORK_RESTORE_MASK))
			signal_deliver(regs);
		if (work & WORK_RSEQ)
			rseq_handle(regs);
		irq_disable();
	}
}

/* --- faults of the kernel --- */

static bool entry_allows(pte_t e, u64 cause)
{
	u64 need = cause == CAUSE_STORE_PAGE   ? PTE_W | PTE_D
		   : cause == CAUSE_FETCH_PAGE ? PTE_X
					       : PTE_R;

	return (e & (PTE_V | PTE_A)) == (PTE_V | PTE_A) && (e & need) == need;
}

/* The page tables allow it by now: this hart remembered that they did not. */
static bool fault_is_spurious(const struct trap_frame *regs)
{
	vaddr_t addr = regs->badaddr;
	pte_t e;

	if (!is_page_fault(regs->cause) || (s64)addr >= 0 || !kernel_entry(addr, &e) ||
	    !entry_allows(e, regs->cause))
		return false;
	if (this_hart(spurious).addr != addr)
		this_hart(spurious).count = 0;
	this_hart(spurious).addr = addr;
	if (++this_hart(spurious).count > SPURIOUS_MAX)
		return false;
	__asm__ volatile("sfence.vma" ::: "memory");
	return true;
}

/* A user copy touched a user page that is not there (yet). True when it may go on. */
static bool user_copy_fault(struct trap_frame *regs)
{
	bool ok;

	if (!current->mm || in_atomic() || !(regs->status & SSTATUS_SPIE))
		return false;
	irq_enable();
	ok = vm_handle_fault(current->mm, regs->badaddr, fault_access(regs->cause), false) ==
	     VM_FAULT_OK;
	irq_disable();
	return ok;
}

/* Mends what can be mended; false: the kernel is wrong. */
static bool kernel_fault_mended(struct trap_frame *regs)
{
	bool any_address;
	vaddr_t fixup;

	if (fault_is_spurious(regs))
		return true;
	fixup = fixup_find(regs->pc, &any_address);
	if (!fixup || (regs->badaddr >= TASK_SIZE && !any_address))
		return false;
	if (!any_address && is_page_fault(regs->cause) && user_copy_fault(regs))
		return true;
	regs->pc = fixup;
	return true;
}

static bool in_range(vaddr_t a, const char *start, const char *end)
{
	return a >= (vaddr_t)start && a < (vaddr_t)end;
}

/* The page-fault half of what panic_trap() says. */
static void describe_page_fault(const struct trap_frame *regs, char *buf, size_t n)
{
	vaddr_t addr = regs->badaddr;
	const char *verb = regs->cause == CAUSE_STORE_PAGE   ? "write to"
			   : regs->cause == CAUSE_FETCH_PAGE ? "jump to"
							     : "read of";
	const char *what = "unmapped kernel memory";

	if (addr < PAGE_SIZE)
		what = "a NULL pointer";
	else if (addr < TASK_SIZE)
		what = regs->cause == CAUSE_FETCH_PAGE ? "user memory"
						       : "user memory outside the copy routines";
	else if ((s64)addr >= 0 || addr < VMEMMAP_BASE)
		what = "an address that cannot exist";
	else if (in_range(addr, __text_start, __text_end) ||
		 in_range(addr, __rodata_start, __rodata_end))
		what = "read-only kernel memory";
	else if (regs->cause == CAUSE_FETCH_PAGE && kernel_lookup(addr) != ~0UL)
		what = "memory that is not code";
	else if (addr - (vaddr_t)current->stack + KSTACK_SIZE < KSTACK_SIZE)
		what = "the guard page of the kernel stack";
	else if (in_range(addr, __init_start, __init_end))
		what = "boot code or data after boot";
	else if (addr - DIRECT_BASE < DIRECT_SIZE)
		what = "physical memory that is not mapped";
	scnprintf(buf, n, "%s %s at %#lx", verb, what, (unsigned long)addr);
}

static void __noreturn kernel_fault(const struct trap_frame *regs)
{
	char text[128];

	if (is_page_fault(regs->cause))
		describe_page_fault(regs, text, sizeof(text));
	else if (regs->cause == CAUSE_BREAKPOINT)
		scnprintf(text, sizeof(text),
			  "the compiler's trap: undefined behaviour caught, or unreachable code "
			  "reached");
	else
		scnprintf(text, sizeof(text), "%s in the kernel, value %#lx",
			  cause_name(regs->cause), (unsigned long)regs->badaddr);
	panic_trap(regs, text);
}

void trap_kernel(struct trap_frame *regs)
{
	if (regs->cause & CAUSE_INTERRUPT) {
		handle_interrupt(regs->cause);
		if (current->preempt_count == 0 && (READ_ONCE(current->work) & WORK_RESCHED))
			sched_preempt_irq();
		return;
	}
	if (!kernel_fault_mended(regs))
		kernel_fault(regs);
}

void trap_stack_overflow(struct trap_frame *regs) { panic_trap(regs, "kernel stack overflow"); }

void trap_bad_task(struct trap_frame *regs)
{
	panic_trap(regs, "the current-task register does not point to a task");
}

/* SPDX-License-Identifier: MIT */
/*
 * Who called whom, by frame pointers (s0): a frame's caller address stands at fp - 8 and its
 * caller's frame pointer at fp - 16; the frame of a leaf function holds only the latter, at fp - 8.
 * Where the entry code called C, fp points to the trap frame, and the walk goes on in what was
 * interrupted.
 *
 * Works in any state: everything read is checked to lie in one stack, addresses only ever grow, and
 * reads survive faults.
 */
#include <arch/cpu.h>

#include <arch/page.h>
#include <arch/regs.h>
#include <arch/uaccess.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/task.h>

#include "image.h"
#include "machine.h"

#define TRAPS_MAX 8 /* nested in one another */

struct walk {
	vaddr_t *pc;
	u32 n, max;
	vaddr_t low, high; /* the stack that may be read; low moves up */
	vaddr_t fp;
	const struct task *task;
	u32 traps;
};

static bool is_text(vaddr_t a)
{
	return (a >= (vaddr_t)__text_start && a < (vaddr_t)__text_end) ||
	       (a >= (vaddr_t)__init_start && a < (vaddr_t)__init_end) || is_vmalloc((void *)a);
}

static bool emit(struct walk *w, vaddr_t pc)
{
	if (w->n == w->max || !is_text(pc))
		return false;
	w->pc[w->n++] = pc;
	return true;
}

/* A return address: as the last byte of the call, which is in the caller even when the call never
 * returns. */
static bool emit_caller(struct walk *w, vaddr_t ra) { return emit(w, ra - 1); }

/* fp is the address just above a frame's two words, all inside the stack. */
static bool fp_valid(const struct walk *w, vaddr_t fp)
{
	return IS_ALIGNED(fp, 8) && fp >= w->low + 16 && fp <= w->high;
}

static u64 word_at(vaddr_t a)
{
	u64 v;

	return kernel_probe_read64((void *)a, &v) ? 0 : v;
}

/* The stack `sp` lies in: the task's or the emergency one. */
static void choose_stack(struct walk *w, vaddr_t sp)
{
	w->low = (vaddr_t)w->task->stack;
	w->high = w->low + KSTACK_SIZE;
	if (sp - (vaddr_t)emergency_stack < EMERGENCY_STACK_SIZE) {
		w->low = (vaddr_t)emergency_stack;
		w->high = w->low + EMERGENCY_STACK_SIZE;
	}
	w->low = MAX(w->low, MIN(sp, w->high));
}

/* Begins at what a trap interrupted. False: nothing of the kernel there. */
static bool begin_at_trap(struct walk *w, const struct trap_frame *regs)
{
	vaddr_t saved;

	if (regs_user_mode(regs))
		return false;
	if (!emit(w, regs->pc) &&
	    !emit_caller(w, regs->ra)) /* a jump to nowhere: its caller is in ra */
		return false;
	w->fp = regs->s0;
	choose_stack(w, regs->sp);
	if (!fp_valid(w, w->fp)) {
		emit_caller(w, regs->ra);
		return false;
	}
	saved = word_at(w->fp - 8);
	if (!is_text(saved) && fp_valid(w, saved)) { /* a leaf */
		w->fp = saved;
		return emit_caller(w, regs->ra);
	}
	return true;
}

static void walk(struct walk *w)
{
	while (fp_valid(w, w->fp)) {
		vaddr_t ra = word_at(w->fp - 8), next = word_at(w->fp - 16);

		if (ra >= (vaddr_t)__entry_start && ra < (vaddr_t)__entry_end) {
			const struct trap_frame *regs = (const struct trap_frame *)w->fp;

			if (w->fp + sizeof(*regs) > w->high || ++w->traps > TRAPS_MAX ||
			    !begin_at_trap(w, regs))
				return;
			continue;
		}
		if (!emit_caller(w, ra) || next <= w->fp)
			return;
		w->low = w->fp - 16;
		w->fp = next;
	}
}

u32 backtrace(vaddr_t *pc, u32 max, struct task *task, const struct trap_frame *regs)
{
	struct walk w = { .pc = pc, .max = max, .task = task ? task : current };

	if (regs) {
		if (!begin_at_trap(&w, regs))
			return w.n;
	} else if (task && task != current) {
		choose_stack(&w, task->arch.sp);
		emit_caller(&w, task->arch.ra);
		w.fp = task->arch.s[0];
	} else {
		w.fp = (vaddr_t)__builtin_frame_address(0);
		choose_stack(&w, w.fp - 16);
	}
	walk(&w);
	return w.n;
}

void regs_print(const struct trap_frame *r)
{
	const u64 *x = &r->ra; /* x1 .. x31 in order */
	static const char *const names[31] = {
		"ra", "sp", "gp", "tp",	 "t0",	"t1", "t2", "s0", "s1", "a0", "a1",
		"a2", "a3", "a4", "a5",	 "a6",	"a7", "s2", "s3", "s4", "s5", "s6",
		"s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
	};

	pr_err("pc  %016lx status %016lx badaddr %016lx cause %lx (%s)", (unsigned long)r->pc,
	       (unsigned long)r->status, (unsigned long)r->badaddr, (unsigned long)r->cause,
	       cause_name(r->cause));
	for (u32 i = 0; i < 30; i += 3)
		pr_err("%-3s %016lx %-3s %016lx %-3s %016lx", names[i], (unsigned long)x[i],
		       names[i + 1], (unsigned long)x[i + 1], names[i + 2],
		       (unsigned long)x[i + 2]);
	pr_err("%-3s %016lx", names[30], (unsigned long)x[30]);
}

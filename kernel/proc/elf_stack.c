/* SPDX-License-Identifier: MIT */
/*
 * The bottom of a new program's stack, as the psABI wants it: below the strings 16 random bytes, then
 *
 *	sp -> argc, argv[0] ... argv[argc-1], NULL, envp[0] ... NULL, auxiliary vector, AT_NULL
 *
 * with sp a multiple of 16. The vector is kept in mm->auxv too (/proc/PID/auxv).
 */
#include "exec.h"

#include <arch/cpu.h>
#include <arch/signal.h>
#include <arch/uaccess.h>
#include <asm/auxvec.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/vm.h>
#include <linux/auxvec.h>
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/rseq.h>

#define WORDS_AT_ONCE	  64
#define RSEQ_FEATURE_SIZE offsetof(struct rseq, mm_cid) /* cpu and node numbers; no mm_cid */

/* Words on their way to user memory. */
struct writer {
	u64 at;
	u32 n;
	int error;
	u64 word[WORDS_AT_ONCE];
};

static void flush(struct writer *w)
{
	if (!w->error && copy_to_user((void __user *)w->at, w->word, w->n * sizeof(u64)))
		w->error = -EFAULT;
	w->at += w->n * sizeof(u64);
	w->n = 0;
}

static void put(struct writer *w, u64 value)
{
	w->word[w->n++] = value;
	if (w->n == WORDS_AT_ONCE)
		flush(w);
}

/* A table of pointers to n strings that follow each other from `at`; returns where the last one ends. */
static u64 put_strings(struct writer *w, u64 at, u32 n)
{
	while (n-- > 0) {
		s64 len = strnlen_user((const char __user *)at, MAX_ARG_STRLEN);

		if (len <= 0 || len > (s64)MAX_ARG_STRLEN) {
			w->error = -EINVAL;
			return at;
		}
		put(w, at);
		at += (u64)len;
	}
	put(w, 0);
	return at;
}

/* Fills mm->auxv; returns its length in words, AT_NULL included. */
static u32 fill_auxv(u64 *v, const struct exec *e, const struct elf_layout *l, u64 random)
{
	const struct cred *c = current_cred();
	const u64 entries[] = {
		AT_SYSINFO_EHDR, current->mm->vdso,
		AT_L1I_CACHESIZE, 0,
		AT_L1I_CACHEGEOMETRY, 0,
		AT_L1D_CACHESIZE, 0,
		AT_L1D_CACHEGEOMETRY, 0,
		AT_L2_CACHESIZE, 0,
		AT_L2_CACHEGEOMETRY, 0,
		AT_L3_CACHESIZE, 0,
		AT_L3_CACHEGEOMETRY, 0,
		AT_MINSIGSTKSZ, SIGNAL_FRAME_SIZE,
		AT_HWCAP, isa.hwcap,
		AT_PAGESZ, PAGE_SIZE,
		AT_CLKTCK, USER_HZ,
		AT_PHDR, l->phdr,
		AT_PHENT, sizeof(struct elf64_phdr),
		AT_PHNUM, l->phnum,
		AT_BASE, l->interp_base,
		AT_FLAGS, 0,
		AT_ENTRY, l->entry,
		AT_UID, c->uid,
		AT_EUID, c->euid,
		AT_GID, c->gid,
		AT_EGID, c->egid,
		AT_SECURE, e->secure,
		AT_RANDOM, random,
		AT_EXECFN, e->execfn,
		AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE,
		AT_RSEQ_ALIGN, _Alignof(struct rseq),
		AT_NULL, 0,
	};

	static_assert(sizeof(entries) <= sizeof(((struct mm *)0)->auxv), "mm->auxv holds it");
	memcpy(v, entries, sizeof(entries));
	return ARRAY_SIZE(entries);
}

int elf_stack_build(struct exec *e, const struct elf_layout *l, u64 *sp)
{
	struct mm *mm = current->mm;
	u64 top = e->p, random, words;
	struct writer w = { 0 };
	u8 seed[16];
	u32 auxc;

	if (current->flags & TF_RANDOMIZE)
		top -= random_below(PAGE_SIZE * 2);
	random = (top - sizeof(seed)) & ~15UL;
	random_bytes(seed, sizeof(seed));
	if (copy_to_user((void __user *)random, seed, sizeof(seed)))
		return -EFAULT;
	auxc = fill_auxv(mm->auxv, e, l, random);
	words = 1 + e->argc + 1UL + e->envc + 1UL + auxc;
	*sp = (random - words * sizeof(u64)) & ~15UL;
	w.at = *sp;

	put(&w, e->argc);
	mm->arg_start = e->p;
	mm->arg_end = mm->env_start = put_strings(&w, e->p, e->argc);
	mm->env_end = put_strings(&w, mm->env_start, e->envc);
	for (u32 i = 0; i < auxc; i++)
		put(&w, mm->auxv[i]);
	flush(&w);
	mm->start_stack = *sp;
	return w.error;
}

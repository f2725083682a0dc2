/* SPDX-License-Identifier: MIT */
/*
 * The notes of a core file, in Linux's layouts for riscv64: registers and state of each thread
 * (NT_PRSTATUS, NT_PRFPREG), and of the process NT_PRPSINFO, NT_SIGINFO, NT_AUXV and NT_FILE, which
 * names the mapped files. The dying thread comes first.
 */
#include "coredump_internal.h"

#include <arch/regs.h>
#include <arch/task.h>
#include <arch/uaccess.h>
#include <asm/ptrace.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/vm.h>
#include <linux/auxvec.h>
#include <linux/elf.h>

#include "signal_internal.h"

#define FILES_NOTE_MAX (4UL << 20)

/* Not in the UAPI headers any more: linux/elfcore.h had them. */
struct prstatus {
	s32 signo, code, error;
	s16 cursig;
	u64 sigpend, sighold;
	pid_t pid, ppid, pgrp, sid;
	struct __kernel_old_timeval utime, stime, cutime, cstime;
	struct user_regs_struct regs;
	s32 fpvalid;
};
struct prpsinfo {
	char state, sname, zomb, nice;
	u64 flag;
	u32 uid, gid;
	pid_t pid, ppid, pgrp, sid;
	char fname[16], psargs[80];
};
static_assert(sizeof(struct prstatus) == 376 && sizeof(struct prpsinfo) == 136,
	      "Linux's elf_prstatus, elf_prpsinfo");

struct note_head {
	Elf64_Nhdr head;
	char name[8];
};
static const char note_name[8] = "CORE";

static u64 note_size(u64 desc) { return sizeof(struct note_head) + ALIGN_UP(desc, 4UL); }

static bool note_write(struct core_file *c, u32 type, const void *desc, u32 size)
{
	struct note_head h = { .head = { sizeof("CORE"), size, type } };

	memcpy(h.name, note_name, sizeof(h.name));
	return core_emit(c, &h, sizeof(h)) && core_emit(c, desc, size) && core_align(c, 4);
}

/* --- threads --- */

static struct __kernel_old_timeval timeval(u64 ns)
{
	return (struct __kernel_old_timeval) { (long)(ns / NSEC_PER_SEC),
					       (long)(ns % NSEC_PER_SEC / NSEC_PER_USEC) };
}

static pid_t parent_of(struct task *t)
{
	pid_t ppid;

	rcu_read_lock();
	ppid = READ_ONCE(t->real_parent)->tgid;
	rcu_read_unlock();
	return ppid;
}

static bool status_write(struct core_file *c, struct task *t, const siginfo_t *info)
{
	struct group *g = t->group;
	struct prstatus s;
	u64 utime, stime;

	memset(&s, 0, sizeof(s));
	s.signo = info->si_signo;
	s.cursig = (s16)info->si_signo;
	s.sigpend = t->pending.set.sig[0];
	s.sighold = t->blocked.sig[0];
	s.pid = t->pid;
	s.ppid = parent_of(t);
	s.pgrp = pid_nr(g->pids[PIDTYPE_PGID]);
	s.sid = pid_nr(g->pids[PIDTYPE_SID]);
	if (thread_group_leader(t))
		group_times(g, &utime, &stime);
	else
		task_cputime(t, &utime, &stime);
	s.utime = timeval(utime);
	s.stime = timeval(stime);
	s.cutime = timeval(g->cutime);
	s.cstime = timeval(g->cstime);
	memcpy(&s.regs, task_regs(t), sizeof(s.regs));
	s.fpvalid = t->arch.fpu_used;
	return note_write(c, NT_PRSTATUS, &s, sizeof(s));
}

static bool fpu_write(struct core_file *c, struct task *t)
{
	struct __riscv_d_ext_state d;

	memset(&d, 0, sizeof(d));
	memcpy(d.f, t->arch.fpu.f, sizeof(d.f));
	d.fcsr = t->arch.fpu.fcsr;
	return note_write(c, NT_PRFPREG, &d, sizeof(d));
}

/* --- the process --- */

static void read_arguments(char args[80])
{
	struct mm *mm = current->mm;
	u64 n = MIN(mm->arg_end - mm->arg_start, 79UL);

	n -= copy_from_user(args, (const void __user *)mm->arg_start, n);
	for (u64 i = 0; i < n; i++)
		if (!args[i])
			args[i] = ' ';
	args[n] = 0;
}

static bool process_write(struct core_file *c)
{
	struct prpsinfo p;

	memset(&p, 0, sizeof(p));
	p.sname = 'R';
	p.nice = (char)current->nice;
	p.flag = current->flags;
	p.uid = current_uid();
	p.gid = current_cred()->gid;
	p.pid = current->tgid;
	p.ppid = parent_of(current);
	p.pgrp = pid_nr(current->group->pids[PIDTYPE_PGID]);
	p.sid = pid_nr(current->group->pids[PIDTYPE_SID]);
	memcpy(p.fname, current->comm, sizeof(p.fname));
	read_arguments(p.psargs);
	return note_write(c, NT_PRPSINFO, &p, sizeof(p));
}

static bool siginfo_write(struct core_file *c, const siginfo_t *info)
{
	siginfo_t whole;

	memset(&whole, 0, sizeof(whole));
	siginfo_copy(&whole, info);
	return note_write(c, NT_SIGINFO, &whole, sizeof(whole));
}

/* In bytes, the AT_NULL pair included. */
static u32 auxv_size(void)
{
	const u64 *v = current->mm->auxv;
	u32 i = 0;

	while (i + 2 < ARRAY_SIZE(current->mm->auxv) && v[i] != AT_NULL)
		i += 2;
	return (i + 2) * sizeof(u64);
}

/* --- NT_FILE: count, page size, then start, end, page offset of each, then the names --- */

/* The name of r's file at *to, ended by NUL; false when it does not fit. */
static bool add_name(const struct core_region *r, char *page, u8 **to, u8 *end)
{
	const char *name = file_path_name(r->file, page, PAGE_SIZE);
	size_t n;

	if (IS_ERR(name))
		name = "";
	n = strlen(name) + 1;
	if (n > (size_t)(end - *to))
		return false;
	memcpy(*to, name, n);
	*to += n;
	return true;
}

static bool fill_files(struct core_image *image, char *page, u32 n, u64 size)
{
	u64 *word = (u64 *)image->files;
	u8 *names = image->files + (2 + 3 * (u64)n) * sizeof(u64);

	*word++ = n;
	*word++ = PAGE_SIZE;
	for (u32 i = 0; i < image->nr_regions; i++) {
		const struct core_region *r = &image->regions[i];

		if (!r->file)
			continue;
		*word++ = r->start;
		*word++ = r->end;
		*word++ = r->pgoff;
		if (!add_name(r, page, &names, image->files + size))
			return false;
	}
	image->files_size = (u32)(names - image->files);
	return true;
}

/* No note, if it would be unreasonably long. */
int core_notes_prepare(struct core_image *image)
{
	u32 n = 0;
	char *page;

	for (u32 i = 0; i < image->nr_regions; i++)
		n += image->regions[i].file != NULL;
	if (n == 0)
		return 0;
	page = page_alloc_virt(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	for (u64 size = ALIGN_UP((2 + 3 + 8) * 8 * (u64)n, PAGE_SIZE); size <= FILES_NOTE_MAX;
	     size *= 2) {
		image->files = kvmalloc(size, GFP_KERNEL);
		if (!image->files || fill_files(image, page, n, size))
			break;
		core_notes_release(image);
	}
	page_free_virt(page);
	return 0;
}

void core_notes_release(struct core_image *image)
{
	kvfree(image->files);
	image->files = NULL;
	image->files_size = 0;
}

/* --- all of them --- */

u64 core_notes_size(const struct core_image *image)
{
	u64 each =
		note_size(sizeof(struct prstatus)) + note_size(sizeof(struct __riscv_d_ext_state));
	u64 size = each + note_size(sizeof(struct prpsinfo)) + note_size(sizeof(siginfo_t)) +
		   note_size(auxv_size());
	const struct core_thread *thread;

	list_for_each_entry (thread, &image->state->threads, link)
		size += each;
	return image->files_size ? size + note_size(image->files_size) : size;
}

bool core_notes_write(struct core_file *c, const struct core_image *image)
{
	const struct core_thread *thread;

	arch_fpu_save();
	if (!status_write(c, current, image->info) || !process_write(c) ||
	    !siginfo_write(c, image->info) ||
	    !note_write(c, NT_AUXV, current->mm->auxv, auxv_size()))
		return false;
	if (image->files_size && !note_write(c, NT_FILE, image->files, image->files_size))
		return false;
	if (!fpu_write(c, current))
		return false;
	list_for_each_entry (thread, &image->state->threads, link)
		if (!status_write(c, thread->task, image->info) || !fpu_write(c, thread->task))
			return false;
	return true;
}

/* SPDX-License-Identifier: MIT */
/* What the files of the core dump share: coredump.c decides and gathers, core_name.c names,
 * core_elf.c and core_notes.c write. */
#ifndef PROC_COREDUMP_INTERNAL_H
#define PROC_COREDUMP_INTERNAL_H

#include <kernel/fs.h>
#include <kernel/mutex.h>
#include <kernel/signal.h>

/* A thread of the dying process, held in signal_exit_thread() while its registers are written. On
 * its stack. */
struct core_thread {
	struct list_head link; /* [s] core_state.threads */
	struct task *task;
	bool done; /* [s] may go on */
};
/* On the dumping task's stack, in group->core. */
struct core_state {
	struct task *dumper;
	u32 missing;		  /* [s] other threads that have not come yet */
	struct list_head threads; /* [s] those that have */
	struct completion all_here;
};

/* core_name.c: what core_pattern makes for the current task; 0, -ENAMETOOLONG, -ENOMEM. */
#define CORE_NAME_MAX 512
int core_name_make(char name[CORE_NAME_MAX], int sig);

/* --- writing --- */
struct core_file {
	struct file *file;
	loff_t pos;
	u64 left; /* of RLIMIT_CORE, holes not counted */
};
/* False: full, an error, or a fatal signal: give up. */
bool core_emit(struct core_file *c, const void *data, size_t n);
bool core_align(struct core_file *c, u64 to); /* zeroes */

/* A mapping as it was when the dump began, and how much of it goes into the file. */
struct core_region {
	u64 start, end, dump;
	u64 flags;	   /* VM_* */
	struct file *file; /* referenced, or NULL */
	u64 pgoff;
};
struct core_image {
	const siginfo_t *info;
	struct core_state *state;
	struct core_region *regions;
	u32 nr_regions;
	u8 *files; /* body of NT_FILE */
	u32 files_size;
};
/* core_notes.c */
int core_notes_prepare(struct core_image *image); /* 0, -ENOMEM */
void core_notes_release(struct core_image *image);
u64 core_notes_size(const struct core_image *image);
bool core_notes_write(struct core_file *c, const struct core_image *image);
/* core_elf.c: the whole file. */
void core_elf_write(struct core_file *c, const siginfo_t *info, struct core_state *state);

#endif

/* SPDX-License-Identifier: MIT */
/* Running a new program: what exec.c, exec_args.c, exec_threads.c, script.c and elf*.c share. */
#ifndef PROC_EXEC_H
#define PROC_EXEC_H

#include <kernel/types.h>

struct cred;
struct file;
struct mm;
struct page;

#define EXEC_HEAD 1024 /* first bytes of the file: the whole of most programs' headers */

/* One execve(). Addresses are those of the new address space. */
struct exec {
	struct file *file;	/* what is loaded: the program or, for a script, its interpreter */
	const char *path;	/* as the program is called: AT_EXECFN, comm */
	char *fd_path;		/* kmalloc'd path of execveat() by descriptor, or NULL */
	char *interpreter;	/* kmalloc'd: a script wants this to run it; NULL: load the file */
	bool path_closes;	/* path goes through a close-on-exec descriptor: no use to an interpreter */
	struct mm *mm;		/* the new one, until it is current->mm */
	struct cred *cred;	/* the new one, until committed */
	bool randomize;
	bool secure;		/* AT_SECURE */
	bool unreadable;	/* the user may run but not read it: no core dump */
	bool committed;		/* past the point of no return: failure is fatal */
	bool file_given;	/* the reference to file (and its deny-write) is the mm's */
	/* The stack being built, downwards. */
	u64 stack_top;		/* end of the VMA */
	u64 p;			/* lowest byte in use: the strings of argv, then envp, then path */
	u64 floor;		/* strings must stay above */
	u64 execfn;		/* where path stands */
	u32 argc, envc;
	struct page *page;	/* the stack page at hand, referenced, or NULL */
	u64 page_addr;
	u32 head_len;
	char head[EXEC_HEAD] __aligned(8); /* headers are looked at in place */
};

/* exec_args.c: strings of user space (user) or of the kernel. */
struct exec_strings {
	const char __user *const __user *user;
	const char *const *kernel;
};
int exec_stack_begin(struct exec *e);	/* a new mm with a stack in it */
/* Counts and copies path, envp and argv onto the new stack. */
int exec_copy_strings(struct exec *e, const struct exec_strings *argv, const struct exec_strings *envp);
int exec_push_string(struct exec *e, const char *s);
int exec_drop_first_string(struct exec *e);
void exec_stack_end(struct exec *e);	/* lets go of the page at hand */

/* exec.c */
/* Past here the old program is gone: the current task gets e->mm, e->cred. 0, or an error that must end the task. */
int exec_begin_new(struct exec *e);
/* The file may not be read by the user: neither may the process be. */
void exec_check_readable(struct exec *e, struct file *file);
/* Somebody outside the process shares its directories; such a process gains no privileges. Only during exec. */
bool exec_fs_is_shared(void);
/* Exactly n bytes at pos: 0, -EIO when the file ends before, or the read's error. */
int exec_read(struct file *file, void *buf, u64 n, u64 pos);

/* exec_threads.c: ends the other threads; the current one becomes the leader. 0, -EAGAIN: another exec or exit was first. */
int exec_become_alone(void);

/* script.c, elf.c: 0, -ENOEXEC: not mine, or why it does not work. Script: puts its interpreter in e. */
int script_load(struct exec *e);
int elf_load(struct exec *e);

/* elf_stack.c: pointers and auxiliary vector below the strings; the program's first sp in *sp. */
struct elf_layout {
	u64 load_bias, phdr, phnum, interp_base, entry;
};
int elf_stack_build(struct exec *e, const struct elf_layout *l, u64 *sp);

#endif

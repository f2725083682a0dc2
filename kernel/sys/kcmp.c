/* SPDX-License-Identifier: MIT */
/*
 * kcmp(2): whether two processes share a part. Answers 0 same, 1 less, 2 greater, by addresses scrambled so that their
 * order says nothing about the kernel's memory.
 */
#include <kernel/cred.h>
#include <kernel/fs.h>
#include <kernel/init.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/syscall.h>
#include <linux/kcmp.h>

static u64 scramble[KCMP_TYPES][2]; /* xor, odd factor; for each type its own */

static long compare(const void *a, const void *b, u32 type)
{
	u64 x = ((u64)a ^ scramble[type][0]) * scramble[type][1], y = ((u64)b ^ scramble[type][0]) * scramble[type][1];

	return (x < y) | (x > y) << 1;
}

/* The object of that type; only its address is used. File: -EBADF when there is none. */
static long part_of(struct task *t, int type, unsigned long fd, const void **part)
{
	struct file *f;

	switch (type) {
	case KCMP_FILE:
		f = fd <= 0xffffffffUL ? file_get_task_fd(t, (u32)fd, NULL) : NULL;
		if (!f)
			return -EBADF;
		*part = f;
		file_put(f);
		return 0;
	case KCMP_VM:
		*part = t->mm;
		return 0;
	case KCMP_FILES:
		*part = t->files;
		return 0;
	case KCMP_FS:
		*part = t->fs;
		return 0;
	case KCMP_SIGHAND:
		*part = t->sighand;
		return 0;
	case KCMP_IO:
		*part = NULL; /* nobody has an I/O context */
		return 0;
	case KCMP_SYSVSEM:
	case KCMP_EPOLL_TFD:
		return -EOPNOTSUPP;
	}
	return -EINVAL;
}

static long compare_tasks(struct task *a, struct task *b, int type, unsigned long idx1, unsigned long idx2)
{
	const void *pa, *pb;
	long rc;

	if (may_inspect(a, 1) || may_inspect(b, 1))
		return -EPERM;
	rc = part_of(a, type, idx1, &pa);
	if (rc == 0)
		rc = part_of(b, type, idx2, &pb);
	return rc ?: compare(pa, pb, (u32)type);
}

long sys_kcmp(pid_t pid1, pid_t pid2, int type, unsigned long idx1, unsigned long idx2)
{
	struct task *a = task_find_get(pid1), *b = task_find_get(pid2);
	long rc = a && b ? compare_tasks(a, b, type, idx1, idx2) : -ESRCH;

	if (a)
		task_put(a);
	if (b)
		task_put(b);
	return rc;
}

static int kcmp_init(void)
{
	random_bytes(scramble, sizeof(scramble));
	for (u32 i = 0; i < KCMP_TYPES; i++)
		scramble[i][1] |= 1;
	return 0;
}
INITCALL(kcmp_init);

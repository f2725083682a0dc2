/* SPDX-License-Identifier: MIT */
/*
 * The name of a core file: kernel.core_pattern with its %-words replaced. What comes from the
 * program (its name, its path, the host's name) cannot add directories: '/' becomes '!', and so
 * does the first dot of "." and "..".
 */
#include "coredump_internal.h"

#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/mm.h>
#include <kernel/process.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/vm.h>

struct name {
	char *buf;
	u32 len; /* up to CORE_NAME_MAX, which is too long */
	bool has_pid;
};

static void put_char(struct name *n, char c)
{
	if (n->len < CORE_NAME_MAX)
		n->buf[n->len++] = c;
}

static void put_number(struct name *n, s64 v)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%ld", (long)v);
	for (const char *p = digits; *p; p++)
		put_char(n, *p);
}

static void put_escaped(struct name *n, const char *s)
{
	bool dots = !strcmp(s, ".") || !strcmp(s, "..");

	if (!*s)
		put_char(n, '!');
	for (; *s; s++, dots = false)
		put_char(n, *s == '/' || dots ? '!' : *s);
}

/* The program's path, or with `last` the last part of it. */
static int put_exe(struct name *n, bool last)
{
	struct file *exe = mm_exe_file_get(current->mm);
	char *page, *path;

	if (!exe) {
		put_escaped(n, current->comm);
		return 0;
	}
	page = page_alloc_virt(GFP_KERNEL);
	path = page ? file_path_name(exe, page, PAGE_SIZE) : NULL;
	file_put(exe);
	if (IS_ERR_OR_NULL(path)) {
		put_escaped(n, current->comm);
	} else {
		char *slash = last ? strrchr(path, '/') : NULL;

		put_escaped(n, slash ? slash + 1 : path);
	}
	if (page)
		page_free_virt(page);
	return page ? 0 : -ENOMEM;
}

static void put_hostname(struct name *n)
{
	char host[sizeof(uts_nodename)];

	mutex_lock(&uts_lock);
	memcpy(host, uts_nodename, sizeof(host));
	mutex_unlock(&uts_lock);
	put_escaped(n, host);
}

static int put_word(struct name *n, char word, int sig)
{
	switch (word) {
	case '%':
		put_char(n, '%');
		break;
	case 'p':
	case 'P':
		put_number(n, current->tgid);
		n->has_pid = true;
		break;
	case 'i':
	case 'I':
		put_number(n, current->pid);
		break;
	case 'u':
		put_number(n, current_uid());
		break;
	case 'g':
		put_number(n, current_cred()->gid);
		break;
	case 'd':
		put_number(n, current->mm->dumpable);
		break;
	case 's':
		put_number(n, sig);
		break;
	case 't':
		put_number(n, ktime_get_real() / NSEC_PER_SEC);
		break;
	case 'c':
		put_number(n, (s64)rlimit(RLIMIT_CORE));
		break;
	case 'C':
		put_number(n, this_hart_nr());
		break;
	case 'h':
		put_hostname(n);
		break;
	case 'e':
		put_escaped(n, current->comm);
		break;
	case 'f':
		return put_exe(n, true);
	case 'E':
		return put_exe(n, false);
	default:
		break; /* Linux drops words it does not know */
	}
	return 0;
}

int core_name_make(char name[CORE_NAME_MAX], int sig)
{
	struct name n = { .buf = name };
	int rc = 0;

	for (const char *p = core_pattern; *p && rc == 0; p++) {
		if (*p != '%') {
			put_char(&n, *p);
		} else {
			if (!p[1])
				break;
			rc = put_word(&n, *++p, sig);
		}
	}
	if (core_uses_pid && !n.has_pid) {
		put_char(&n, '.');
		put_number(&n, current->tgid);
	}
	put_char(&n, 0);
	if (rc == 0 && n.len == CORE_NAME_MAX && name[CORE_NAME_MAX - 1])
		rc = -ENAMETOOLONG;
	return rc;
}

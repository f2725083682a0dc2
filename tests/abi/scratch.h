/* SPDX-License-Identifier: MIT */
/* For the file tests: a directory of their own, short forms of the checks that use the expression as text. */
#ifndef TESTS_ABI_SCRATCH_H
#define TESTS_ABI_SCRATCH_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define OK(expr, want)	 tap_returns(expr, want, "%s", #expr)
#define ERR(expr, error) tap_fails(expr, error, "%s", #expr)
#define IS(cond)	 tap_ok(cond, "%s", #cond)

static char scratch[256];

/* Makes it and goes there: $TMPDIR or /tmp, which a bare initramfs may lack. */
static inline void scratch_enter(const char *name)
{
	const char *dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";

	mkdir(dir, 01777);
	snprintf(scratch, sizeof(scratch), "%s/%s.XXXXXX", dir, name);
	umask(022);
	if (!mkdtemp(scratch) || chmod(scratch, 0755) || chdir(scratch)) {
		perror(scratch);
		exit(2);
	}
}

static inline int touch(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0644);

	return fd < 0 ? -1 : close(fd);
}

static inline mode_t mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_mode;
}
static inline long links_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? -1 : (long)st.st_nlink;
}
static inline long size_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? -1 : (long)st.st_size;
}

/* Runs fn in a child as an ordinary user and waits for it; its checks count, so it must be the only one that prints. */
static inline void as_user(uid_t uid, void (*fn)(void))
{
	int status, counts[2] = { 0, 0 }, p[2];
	pid_t pid;

	if (pipe(p))
		exit(2);
	pid = fork();
	if (pid == 0) {
		if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			_exit(1);
		fn();
		counts[0] = tap_count;
		counts[1] = tap_failed;
		_exit(write(p[1], counts, sizeof(counts)) != sizeof(counts));
	}
	close(p[1]);
	if (read(p[0], counts, sizeof(counts)) == sizeof(counts)) {
		tap_count = counts[0];
		tap_failed = counts[1];
	}
	close(p[0]);
	waitpid(pid, &status, 0);
	tap_ok(status == 0, "the unprivileged part ran to its end");
}

#endif

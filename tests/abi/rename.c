/* SPDX-License-Identifier: MIT */
/* rename in all its forms, and hard links. */
#define _GNU_SOURCE
#include <dirent.h>
#include <linux/fs.h>
#include <sys/syscall.h>

#include "scratch.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE	 2
#define RENAME_WHITEOUT	 4
#endif

static int rename2(const char *from, const char *to, unsigned flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static void plain(void)
{
	OK(rename("x", "z"), 0);
	ERR(access("x", F_OK), ENOENT);
	OK(access("z", F_OK), 0);
	ERR(rename2("z", "y", RENAME_NOREPLACE), EEXIST);
	OK(rename("z", "y"), 0);
	ERR(access("z", F_OK), ENOENT);
	OK(rename("y", "y"), 0);
	ERR(rename("y/", "k"), ENOTDIR);
	ERR(rename("y", "k/"), ENOTDIR);
	ERR(rename(".", "q"), EBUSY);
	ERR(rename("nope", "q"), ENOENT);
	ERR(rename("y", "nodir/q"), ENOENT);
	ERR(rename("y", "y/q"), ENOTDIR);
	ERR(rename2("y", "q", 0x80), EINVAL);
	ERR(rename2("y", "q", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
}

static void directories(void)
{
	ERR(rename("d1", "d1/s/q"), EINVAL);
	ERR(rename("d1/s", "d1"), ENOTEMPTY);
	ERR(rename("y", "d1"), EISDIR);
	ERR(rename("d1", "y"), ENOTDIR);
	ERR(rename("d2", "d1"), ENOTEMPTY);
	OK(rename("d1", "d2"), 0);
	OK(access("d2/in", F_OK), 0);
	ERR(access("d1", F_OK), ENOENT);
	OK(links_of("."), 3);
	OK(rename("d2/s", "s"), 0);
	OK(links_of("."), 4);
	OK(links_of("d2"), 2);
	OK(rename("s/", "s2/"), 0);
	OK(access("s2/.", F_OK), 0);
}

static void exchanges(void)
{
	OK(rename2("s2", "d2/in", RENAME_EXCHANGE), 0);
	IS(S_ISREG(mode_of("s2")));
	IS(S_ISDIR(mode_of("d2/in")));
	OK(links_of("."), 3);
	OK(links_of("d2"), 3);
	ERR(rename2("y", "n", RENAME_EXCHANGE), ENOENT);
	ERR(rename2("d2", "d2/in", RENAME_EXCHANGE), EINVAL);
	OK(entries("."), 2 + 3);
	OK(entries("d2"), 3);
}

static void hard_links(void)
{
	OK(link("y", "y2"), 0);
	OK(links_of("y"), 2);
	OK(rename("y", "y2"), 0); /* two names of one file: nothing happens */
	OK(access("y", F_OK), 0);
	OK(access("y2", F_OK), 0);
	OK(unlink("y2"), 0);
	OK(links_of("y"), 1);
	ERR(link("d2", "dl"), EPERM);
	ERR(link("y", "s2"), EEXIST);
	ERR(link("y", "s3/"), ENOENT);
	ERR(link("nope", "s3"), ENOENT);
}

static void open_files(void)
{
	char buf[8], fdpath[64], name[512], want[512];
	struct stat st;
	ssize_t n;
	int fd = open("y", O_RDWR);

	OK(write(fd, "hello", 5), 5);
	OK(touch("v"), 0);
	OK(rename("v", "y"), 0);
	OK(pread(fd, buf, sizeof(buf), 0), 5);
	OK(fstat(fd, &st), 0);
	OK(st.st_nlink, 0);
	snprintf(fdpath, sizeof(fdpath), "/proc/self/fd/%d", fd);
	n = readlink(fdpath, name, sizeof(name) - 1);
	if (n > 0) {
		name[n] = '\0';
		snprintf(want, sizeof(want), "%s/y (deleted)", scratch);
		tap_ok(strcmp(name, want) == 0, "/proc shows the name it had, deleted");
	} else {
		tap_ok(errno == ENOENT, "/proc shows the name it had, deleted # SKIP no /proc");
	}
	close(fd);
}

static void long_names(void)
{
	char a[201], b[151];

	memset(a, 'A', 200);
	memset(b, 'B', 150);
	a[200] = b[150] = '\0';
	OK(touch(a), 0);
	OK(rename(a, "short"), 0);
	OK(rename("short", b), 0);
	OK(access(b, F_OK), 0);
	ERR(access(a, F_OK), ENOENT);
	OK(touch(a), 0);
	OK(rename2(a, b, RENAME_EXCHANGE), 0);
	OK(rename(a, b), 0);
	ERR(access(a, F_OK), ENOENT);
	OK(unlink(b), 0);
}

int main(void)
{
	scratch_enter("rename");
	OK(mkdir("d1", 0755), 0);
	OK(mkdir("d1/s", 0755), 0);
	OK(touch("d1/in"), 0);
	OK(mkdir("d2", 0755), 0);
	OK(touch("x"), 0);
	OK(touch("y"), 0);
	plain();
	directories();
	exchanges();
	hard_links();
	open_files();
	long_names();
	OK(rename2("y", "w", RENAME_WHITEOUT), 0);
	IS(S_ISCHR(mode_of("y")));
	IS(S_ISREG(mode_of("w")));
	return tap_done();
}

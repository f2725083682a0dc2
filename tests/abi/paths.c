/* SPDX-License-Identifier: MIT */
/* Path resolution: slashes, dots, links, their errors; openat2; who may go where. */
#define _GNU_SOURCE
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "scratch.h"

static void slashes_and_dots(void)
{
	char name[300], path[5000];

	OK(mkdir("a", 0755), 0);
	ERR(mkdir("a", 0755), EEXIST);
	OK(mkdir("a/b/", 0755), 0);
	ERR(mkdir("a/b/.", 0755), EEXIST);
	ERR(mkdir("a/b/..", 0755), EEXIST);
	ERR(mkdir("x/y", 0755), ENOENT);
	ERR(mkdir("", 0755), ENOENT);
	ERR(mkdir("/", 0755), EEXIST);
	OK(touch("a/f"), 0);
	ERR(touch("a/f/"), EISDIR);
	ERR(touch("a/new/"), EISDIR);
	ERR(touch("a/f/g"), ENOTDIR);
	ERR(access("a/f/", F_OK), ENOTDIR);
	ERR(access("a/f/.", F_OK), ENOTDIR);
	ERR(access("a/f/..", F_OK), ENOTDIR);
	OK(access("a/b/../f", F_OK), 0);
	OK(access("a//b///", F_OK), 0);
	OK(access("/../../.", F_OK), 0);
	ERR(access("nope", F_OK), ENOENT);
	ERR(access("nope", F_OK), ENOENT);
	ERR(access("nope/x", F_OK), ENOENT);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	ERR(touch(name), ENAMETOOLONG);
	name[255] = '\0';
	ERR(access(name, F_OK), ENOENT);
	OK(touch(name), 0);
	OK(unlink(name), 0);
	memset(path, '/', sizeof(path));
	path[4096] = '\0';
	ERR(access(path, F_OK), ENAMETOOLONG);
	path[4095] = '\0';
	OK(access(path, F_OK), 0);
	ERR(rmdir("a"), ENOTEMPTY);
	ERR(rmdir("a/."), EINVAL);
	ERR(rmdir("a/.."), ENOTEMPTY);
	ERR(rmdir("/"), EBUSY);
	ERR(rmdir("a/f"), ENOTDIR);
	ERR(unlink("a/f/"), ENOTDIR);
	ERR(unlink("a/nope"), ENOENT);
	ERR(unlink("a/b"), EISDIR);
	ERR(unlink("a/."), EISDIR);
}

static void links(void)
{
	char buf[64];

	OK(symlink("b", "a/l"), 0);
	IS(S_ISLNK(mode_of("a/l")));
	IS(S_ISDIR(mode_of("a/l/")));
	OK(readlink("a/l", buf, sizeof(buf)), 1);
	ERR(readlink("a/f", buf, sizeof(buf)), EINVAL);
	ERR(symlink("", "a/empty"), ENOENT);
	ERR(symlink("x", "a/l"), EEXIST);
	OK(symlink("loop2", "a/loop1"), 0);
	OK(symlink("loop1", "a/loop2"), 0);
	ERR(access("a/loop1", F_OK), ELOOP);
	ERR(open("a/loop1", O_CREAT | O_RDWR, 0644), ELOOP);
	ERR(open("a/l", O_RDONLY | O_NOFOLLOW), ELOOP);
	ERR(open("a/l", O_DIRECTORY | O_NOFOLLOW), ENOTDIR);
	OK(symlink("made", "a/dangling"), 0);
	ERR(access("a/dangling", F_OK), ENOENT);
	ERR(open("a/dangling", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	OK(close(open("a/dangling", O_CREAT | O_RDWR, 0600)), 0);
	IS(mode_of("a/made") == (S_IFREG | 0600));
	ERR(mkdir("a/dangling", 0755), EEXIST);
	OK(symlink("c3/..", "a/c2"), 0);
	OK(symlink("c4/./b/..", "a/c3"), 0);
	OK(symlink("../a/", "a/c4"), 0);
	OK(access("a/c4/b", F_OK), 0);
	OK(access("a/c3/b", F_OK), 0);
	OK(access("a/c2/a/b", F_OK), 0);
	for (int i = 0; i < 41; i++) {
		char from[16], to[16];

		snprintf(from, sizeof(from), "chain%d", i + 1);
		snprintf(to, sizeof(to), "chain%d", i);
		if (symlink(i == 40 ? "a/f" : from, to))
			tap_note("symlink %d failed", i);
	}
	OK(access("chain1", F_OK), 0);
	ERR(access("chain0", F_OK), ELOOP);
}

static void opens(void)
{
	char c, buf[8];
	struct stat st;
	int d, p;

	ERR(open("a", O_RDWR), EISDIR);
	ERR(open("a", O_CREAT, 0644), EISDIR);
	ERR(open("a/f", O_DIRECTORY), ENOTDIR);
	ERR(open("a/..", O_CREAT | O_EXCL, 0644), EEXIST);
	ERR(open("a", O_CREAT | O_DIRECTORY, 0644), EINVAL);
	d = open("a", O_RDONLY | O_DIRECTORY);
	OK(fstatat(d, "f", &st, 0), 0);
	OK(fstatat(d, "", &st, AT_EMPTY_PATH), 0);
	IS(S_ISDIR(st.st_mode));
	ERR(fstatat(d, "", &st, 0), ENOENT);
	ERR(fstatat(99, "f", &st, 0), EBADF);
	OK(fstatat(99, "/", &st, 0), 0);
	ERR(read(d, &c, 1), EISDIR);
	p = openat(d, "l", O_PATH | O_NOFOLLOW);
	ERR(read(p, &c, 1), EBADF);
	OK(readlinkat(p, "", buf, sizeof(buf)), 1);
	OK(fcntl(p, F_GETFL), O_PATH | O_NOFOLLOW);
	ERR(fchmod(p, 0644), EBADF);
	close(p);
	close(d);
}

static long openat2_(int dfd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };
	long fd = syscall(SYS_openat2, dfd, path, &how, sizeof(how));

	return fd < 0 ? fd : close((int)fd);
}

static void scopes(void)
{
	struct open_how how = { .mode = 1 };
	struct {
		struct open_how how;
		uint64_t more;
	} longer = { .more = 1 };
	int d = open("a", O_PATH);

	ERR(openat2_(d, "../chain40", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	ERR(openat2_(d, "/f", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	OK(openat2_(d, "f", O_RDONLY, RESOLVE_BENEATH), 0);
	OK(openat2_(d, "b/../f", O_RDONLY, RESOLVE_BENEATH), 0);
	OK(openat2_(d, "/../../f", O_RDONLY, RESOLVE_IN_ROOT), 0);
	ERR(openat2_(d, "l", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
	OK(openat2_(d, "f", O_RDONLY, RESOLVE_CACHED), 0);
	ERR(openat2_(d, "f", O_RDONLY, 1UL << 40), EINVAL);
	ERR(openat2_(d, "f", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
	ERR(openat2_(d, "f", 1UL << 40, 0), EINVAL);
	ERR(syscall(SYS_openat2, d, "f", &how, sizeof(how)), EINVAL);
	ERR(syscall(SYS_openat2, d, "f", &how, 8), EINVAL);
	ERR(syscall(SYS_openat2, d, "f", &longer, sizeof(longer)), E2BIG);
	close(d);
}

static void cwd(void)
{
	char buf[512], want[512];

	OK(chdir("a/b"), 0);
	snprintf(want, sizeof(want), "%s/a/b", scratch);
	IS(getcwd(buf, sizeof(buf)) && strcmp(buf, want) == 0);
	IS(!getcwd(buf, 3) && errno == ERANGE);
	OK(access("../f", F_OK), 0);
	ERR(chdir("../f"), ENOTDIR);
	OK(rmdir("../b"), 0);
	OK(syscall(SYS_getcwd, buf, sizeof(buf)) < 0 ? errno : 0, ENOENT);
	ERR(touch("zz"), ENOENT);
	OK(access(".", F_OK), 0);
	OK(access("..", F_OK), 0);
	OK(chdir(scratch), 0);
}

static void others(void)
{
	ERR(access("private/x", F_OK), EACCES);
	ERR(open("mine", O_RDONLY), EACCES);
	ERR(touch("notmine"), EACCES);
	OK(touch("sticky/user"), 0);
	ERR(unlink("sticky/root"), EPERM);
	ERR(rename("sticky/root", "sticky/stolen"), EPERM);
	ERR(chmod("sticky/root", 0666), EPERM);
	ERR(chown("sticky/user", 0, -1), EPERM);
	OK(chmod("sticky/user", 06755), 0);
	int fd = open("sticky/user", O_WRONLY);
	OK(write(fd, "x", 1), 1);
	IS((mode_of("sticky/user") & 07777) == 0755);
	close(fd);
	ERR(chroot("."), EPERM);
	ERR(mknod("sticky/dev", S_IFCHR | 0600, 0x103), EPERM);
	OK(mkfifo("sticky/fifo", 0600), 0);
}

int main(void)
{
	scratch_enter("paths");
	slashes_and_dots();
	links();
	opens();
	scopes();
	cwd();
	OK(mkdir("private", 0700), 0);
	OK(touch("private/x"), 0);
	OK(touch("mine"), 0);
	OK(chmod("mine", 0600), 0);
	OK(mkdir("sticky", 0777), 0);
	OK(chmod("sticky", 01777), 0);
	OK(touch("sticky/root"), 0);
	as_user(1000, others);
	return tap_done();
}

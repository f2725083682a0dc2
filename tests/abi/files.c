/* SPDX-License-Identifier: MIT */
/* Descriptors and what reads, writes, seeks and sizes do to regular files. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "scratch.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

/* What the compiler shall not know. */
static void *volatile nowhere = (void *)1;
static volatile int too_many = 2000;

static void positions(int fd)
{
	char buf[64];

	OK(write(fd, "0123456789", 10), 10);
	OK(lseek(fd, -3, SEEK_END), 7);
	OK(read(fd, buf, sizeof(buf)), 3);
	OK(read(fd, buf, sizeof(buf)), 0);
	ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	ERR(lseek(fd, 0, 77), EINVAL);
	OK(pread(fd, buf, 4, 2), 4);
	IS(memcmp(buf, "2345", 4) == 0);
	OK(pwrite(fd, "ab", 2, 4), 2);
	OK(lseek(fd, 0, SEEK_CUR), 10);
	ERR(pread(fd, buf, 1, -1), EINVAL);
	OK(lseek(fd, 0, SEEK_SET), 0);
	ERR(read(fd, nowhere, 1), EFAULT);
	ERR(write(fd, nowhere, 1), EFAULT);
	OK(read(fd, buf, 0), 0);
}

static void sizes(int fd)
{
	char buf[16];
	struct stat st;

	OK(ftruncate(fd, 5), 0);
	OK(fstat(fd, &st), 0);
	OK(st.st_size, 5);
	OK(ftruncate(fd, 10000), 0);
	OK(pread(fd, buf, 8, 3), 8);
	IS(memcmp(buf, "3a\0\0\0\0\0\0", 8) == 0);
	ERR(ftruncate(fd, -1), EINVAL);
	OK(truncate("f", 3), 0);
	OK(size_of("f"), 3);
	ERR(truncate(".", 0), EISDIR);
	ERR(truncate("nope", 0), ENOENT);
}

static void vectors(int fd)
{
	char a[16], b[16];
	struct iovec v[3] = { { a, 3 }, { NULL, 0 }, { b, 4 } };

	memcpy(a, "abc", 3);
	memcpy(b, "defg", 4);
	OK(lseek(fd, 0, SEEK_SET), 0);
	OK(writev(fd, v, 3), 7);
	OK(preadv(fd, v, 3, 1), 6);
	IS(memcmp(a, "bcd", 3) == 0 && memcmp(b, "efg", 3) == 0);
	ERR(readv(fd, v, too_many), EINVAL);
	OK(lseek(fd, 2, SEEK_SET), 2);
	OK(preadv2(fd, v, 3, -1, 0), 5);
	OK(lseek(fd, 0, SEEK_CUR), 7);
	ERR(preadv2(fd, v, 3, 0, 1 << 20), EOPNOTSUPP);
	v[1].iov_len = (size_t)-1;
	ERR(writev(fd, v, 3), EINVAL);
}

static void modes(void)
{
	char c;
	int fd = open("f", O_RDONLY);

	ERR(write(fd, "x", 1), EBADF);
	ERR(ftruncate(fd, 0), EINVAL);
	close(fd);
	fd = open("f", O_WRONLY | O_TRUNC);
	ERR(read(fd, &c, 1), EBADF);
	OK(size_of("f"), 0);
	close(fd);
	fd = open("f", O_WRONLY | O_APPEND);
	OK(write(fd, "aa", 2), 2);
	OK(lseek(fd, 0, SEEK_SET), 0);
	OK(write(fd, "bb", 2), 2);
	OK(size_of("f"), 4);
	close(fd);
	ERR(read(-1, &c, 1), EBADF);
	ERR(close(-1), EBADF);
	ERR(close(9999), EBADF);
}

static void duplicates(int fd)
{
	int d = dup(fd), e;
	struct rlimit rl;

	IS(d > fd);
	OK(lseek(fd, 3, SEEK_SET), 3);
	OK(lseek(d, 0, SEEK_CUR), 3);
	OK(dup2(fd, fd), fd);
	ERR(dup3(fd, fd, 0), EINVAL);
	OK(dup3(fd, 40, O_CLOEXEC), 40);
	OK(fcntl(40, F_GETFD), FD_CLOEXEC);
	OK(fcntl(40, F_SETFD, 0), 0);
	OK(fcntl(40, F_GETFD), 0);
	OK(ioctl(40, FIOCLEX), 0);
	OK(fcntl(40, F_GETFD), FD_CLOEXEC);
	OK(fcntl(fd, F_DUPFD, 100), 100);
	OK(fcntl(fd, F_DUPFD_CLOEXEC, 100), 101);
	ERR(fcntl(fd, F_DUPFD, 1 << 24), EINVAL);
	OK(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK), 0);
	OK(fcntl(d, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_APPEND | O_NONBLOCK);
	OK(fcntl(fd, F_SETFL, 0), 0);
	OK(syscall(SYS_close_range, 40, 100, CLOSE_RANGE_CLOEXEC), 0);
	OK(fcntl(100, F_GETFD), FD_CLOEXEC);
	OK(syscall(SYS_close_range, d, ~0U, 0), 0);
	ERR(fcntl(101, F_GETFD), EBADF);
	ERR(syscall(SYS_close_range, 5, 4, 0), EINVAL);
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = (rlim_t)fd + 2;
	setrlimit(RLIMIT_NOFILE, &rl);
	e = dup(fd);
	OK(e, fd + 1);
	ERR(dup(fd), EMFILE);
	ERR(open("f", O_RDONLY), EMFILE);
	ERR(dup2(fd, fd + 2), EBADF);
	rl.rlim_cur = 1024;
	setrlimit(RLIMIT_NOFILE, &rl);
	close(e);
}

static void attributes(void)
{
	struct timespec ts[2] = { { 11, 22 }, { 33, 44 } };
	struct stat st;
	struct statx sx;

	OK(utimensat(AT_FDCWD, "f", ts, 0), 0);
	OK(stat("f", &st), 0);
	IS(st.st_atim.tv_sec == 11 && st.st_atim.tv_nsec == 22 && st.st_mtim.tv_sec == 33 && st.st_mtim.tv_nsec == 44);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = UTIME_NOW;
	OK(utimensat(AT_FDCWD, "f", ts, 0), 0);
	OK(stat("f", &st), 0);
	IS(st.st_atim.tv_sec == 11 && st.st_mtim.tv_sec != 33);
	ts[0].tv_nsec = -5;
	ERR(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
	OK(chmod("f", 06754), 0);
	IS(mode_of("f") == (S_IFREG | 06754));
	OK(chown("f", 5, 6), 0);
	IS((mode_of("f") & 07000) == 0);
	OK(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS | STATX_MNT_ID, &sx), 0);
	IS((sx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS && sx.stx_uid == 5 && sx.stx_gid == 6);
	IS(sx.stx_mnt_id != 0);
	ERR(statx(AT_FDCWD, "f", 0x8000000, STATX_BASIC_STATS, &sx), EINVAL);
	ERR(statx(AT_FDCWD, "f", 0, 0x80000000U, &sx), EINVAL);
	OK(umask(077), 022);
	OK(touch("um"), 0);
	IS((mode_of("um") & 0777) == 0600);
	OK(umask(022), 077);
}

static void limits(void)
{
	struct rlimit rl = { 100, RLIM_INFINITY };
	int fd = open("lim", O_RDWR | O_CREAT, 0644);
	char buf[200] = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &rl);
	OK(write(fd, buf, 200), 100);
	ERR(write(fd, buf, 1), EFBIG);
	ERR(ftruncate(fd, 101), EFBIG);
	OK(ftruncate(fd, 100), 0);
	rl.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &rl);
	close(fd);
}

static void nodes(void)
{
	OK(mknod("null", S_IFCHR | 0666, 0x103), 0);
	IS(S_ISCHR(mode_of("null")));
	OK(mknod("sock", S_IFSOCK | 0666, 0), 0);
	ERR(open("sock", O_RDONLY), ENXIO);
	ERR(mknod("bad", S_IFDIR, 0), EPERM);
	ERR(mknod("bad", S_IFLNK, 0), EINVAL);
	OK(mknod("reg", 0600, 0), 0);
	IS(S_ISREG(mode_of("reg")));
	OK(mkfifo("fifo", 0600), 0);
	ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
}

int main(void)
{
	int fd;

	scratch_enter("files");
	fd = open("f", O_RDWR | O_CREAT | O_EXCL, 0666);
	IS(fd >= 3);
	ERR(open("f", O_RDWR | O_CREAT | O_EXCL, 0666), EEXIST);
	IS(mode_of("f") == (S_IFREG | 0644));
	positions(fd);
	sizes(fd);
	vectors(fd);
	duplicates(fd);
	modes();
	attributes();
	limits();
	nodes();
	return tap_done();
}

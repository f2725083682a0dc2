/* SPDX-License-Identifier: MIT */
/* tmpfs: limits, holes, O_TMPFILE, memfds and seals; mounts as seen from a process. */
#define _GNU_SOURCE
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "scratch.h"

#ifndef F_ADD_SEALS
#define F_ADD_SEALS   1033
#define F_GET_SEALS   1034
#define F_SEAL_SEAL   1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW   4
#define F_SEAL_WRITE  8
#endif

static char zeroes[70000];

static void limits(void)
{
	struct statfs sf;
	char name[32];
	int fd, n, error = 0;

	OK(mkdir("m", 0755), 0);
	OK(touch("m/under"), 0);
	ERR(mount("none", "m", "tmpfs", 0, "bogus=1"), EINVAL);
	ERR(mount("none", "m", "nosuchfs", 0, NULL), ENODEV);
	ERR(mount("none", "nope", "tmpfs", 0, NULL), ENOENT);
	OK(mount("none", "m", "tmpfs", MS_NOSUID, "size=64k,nr_inodes=10,mode=755"), 0);
	ERR(access("m/under", F_OK), ENOENT);
	OK(statfs("m", &sf), 0);
	IS(sf.f_type == 0x01021994 && sf.f_blocks == 16 && sf.f_bsize == 4096);
	fd = open("m/f", O_RDWR | O_CREAT, 0644);
	OK(write(fd, zeroes, 40000), 40000);
	OK(write(fd, zeroes, 40000), 65536 - 40000);
	ERR(write(fd, zeroes, 1), ENOSPC);
	ERR(umount("m"), EBUSY);
	OK(ftruncate(fd, 0), 0);
	OK(write(fd, zeroes, 1), 1);
	close(fd);
	for (n = 0; n < 20; n++) {
		snprintf(name, sizeof(name), "m/n%d", n);
		if (touch(name)) {
			error = errno;
			break;
		}
	}
	IS(error == ENOSPC);
	OK(n, 8);
}

static void mounts(void)
{
	OK(touch("f"), 0);
	ERR(rmdir("m"), EBUSY);
	ERR(rename("m", "m2"), EBUSY);
	ERR(rename("f", "m/f2"), EXDEV);
	ERR(link("f", "m/f2"), EXDEV);
	OK(unlink("m/n0"), 0);
	OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	ERR(touch("m/g"), EROFS);
	ERR(unlink("m/f"), EROFS);
	ERR(open("m/f", O_RDWR), EROFS);
	ERR(mkdir("m/f", 0755), EEXIST);
	ERR(access("m/f", W_OK), EROFS);
	OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND, NULL), 0);
	OK(touch("m/g"), 0);
	OK(mkdir("bind", 0755), 0);
	OK(mount("m", "bind", NULL, MS_BIND, NULL), 0);
	OK(umount("m"), 0);
	OK(access("m/under", F_OK), 0);
	OK(access("bind/f", F_OK), 0);
	ERR(umount2("bind", MNT_EXPIRE), EAGAIN);
	OK(umount2("bind", MNT_EXPIRE), 0);
	ERR(umount("bind"), EINVAL);
	ERR(umount2("bind", 0x100), EINVAL);
	OK(mount("t1", "m", "tmpfs", 0, NULL), 0);
	OK(mkdir("m/sub", 0755), 0);
	OK(mount("t2", "m/sub", "tmpfs", 0, NULL), 0);
	OK(touch("m/sub/deep"), 0);
	OK(mount("m", "bind", NULL, MS_BIND | MS_REC, NULL), 0);
	OK(access("bind/sub/deep", F_OK), 0);
	ERR(umount("m"), EBUSY);
	OK(umount2("m", MNT_DETACH), 0);
	OK(access("bind/sub/deep", F_OK), 0);
	OK(mount("bind/sub", "m", NULL, MS_MOVE, NULL), 0);
	OK(access("m/deep", F_OK), 0);
	ERR(access("bind/sub/deep", F_OK), ENOENT);
	OK(mkdir("m/dd", 0755), 0);
	ERR(mount("m", "m/dd", NULL, MS_MOVE, NULL), ELOOP);
	ERR(mount("f", "m", NULL, MS_MOVE, NULL), EINVAL);
	OK(mount("m/deep", "f", NULL, MS_BIND, NULL), 0);
	ERR(unlink("f"), EBUSY);
	OK(umount("f"), 0);
	OK(umount("m"), 0);
	OK(umount("bind"), 0);
}

static void holes(void)
{
	char buf[8];
	int fd = open("sparse", O_RDWR | O_CREAT, 0644);

	OK(pwrite(fd, "x", 1, 100000), 1);
	OK(lseek(fd, 0, SEEK_DATA), 98304);
	OK(lseek(fd, 0, SEEK_HOLE), 0);
	OK(lseek(fd, 99000, SEEK_HOLE), 100001);
	ERR(lseek(fd, 200000, SEEK_DATA), ENXIO);
	OK(fallocate(fd, 0, 0, 4096), 0);
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 98304, 4096), 0);
	OK(pread(fd, buf, 1, 100000), 1);
	OK(buf[0], 0);
	ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096), EOPNOTSUPP);
	ERR(fallocate(fd, 0, 0, 0), EINVAL);
	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 200000, 10), 0);
	OK(size_of("sparse"), 100001);
	close(fd);
}

static void tmpfiles(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	OK(write(fd, "tmp", 3), 3);
	OK(linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH), 0);
	OK(size_of("named"), 3);
	OK(links_of("named"), 1);
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	ERR(linkat(fd, "", AT_FDCWD, "named2", AT_EMPTY_PATH), ENOENT);
	close(fd);
	ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
}

static void memfds(void)
{
	int fd = (int)syscall(SYS_memfd_create, "hi", 2 /* MFD_ALLOW_SEALING */);
	void *p;

	OK(write(fd, "12345", 5), 5);
	OK(fcntl(fd, F_GET_SEALS), 0);
	OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	ERR(ftruncate(fd, 1), EPERM);
	OK(ftruncate(fd, 10), 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	munmap(p, 4096);
	OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE), 0);
	ERR(ftruncate(fd, 11), EPERM);
	ERR(write(fd, "1", 1), EPERM);
	IS(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
	OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), EPERM);
	close(fd);
	fd = (int)syscall(SYS_memfd_create, "no", 0);
	OK(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	close(fd);
	ERR(syscall(SYS_memfd_create, "x", 0x8000), EINVAL);
}

int main(void)
{
	scratch_enter("tmpfs");
	/* All of it on a tmpfs, whatever the scratch directory is on. */
	OK(mkdir("top", 0755), 0);
	OK(mount("top", "top", "tmpfs", 0, NULL), 0);
	OK(mount(NULL, "top", NULL, MS_PRIVATE, NULL), 0);
	OK(chdir("top"), 0);
	limits();
	mounts();
	holes();
	tmpfiles();
	memfds();
	OK(chdir(".."), 0);
	OK(umount("top"), 0);
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
/* Extended attributes: namespaces, flags, sizes, lists. */
#define _GNU_SOURCE
#include <sys/xattr.h>

#include "scratch.h"

static void user_part(void)
{
	char buf[64];

	ERR(setxattr("f", "user.b", "v", 1, 0), EACCES);
	OK(getxattr("f", "user.a", buf, sizeof(buf)), 3);
	ERR(getxattr("f", "trusted.t", buf, sizeof(buf)), ENODATA);
	ERR(setxattr("f", "trusted.t", "v", 1, 0), EPERM);
	OK(listxattr("f", buf, sizeof(buf)), sizeof("user.a"));
	ERR(setxattr("sticky", "user.x", "v", 1, 0), EPERM);
}

int main(void)
{
	static char big[65537];
	char buf[300], name[300];
	int fd;

	scratch_enter("xattr");
	OK(touch("f"), 0);
	OK(setxattr("f", "user.a", "one", 3, 0), 0);
	OK(getxattr("f", "user.a", NULL, 0), 3);
	OK(getxattr("f", "user.a", buf, sizeof(buf)), 3);
	IS(memcmp(buf, "one", 3) == 0);
	ERR(getxattr("f", "user.a", buf, 2), ERANGE);
	ERR(getxattr("f", "user.none", buf, sizeof(buf)), ENODATA);
	ERR(setxattr("f", "user.a", "v", 1, XATTR_CREATE), EEXIST);
	ERR(setxattr("f", "user.none", "v", 1, XATTR_REPLACE), ENODATA);
	ERR(setxattr("f", "user.a", "v", 1, 77), EINVAL);
	OK(setxattr("f", "user.a", "two", 3, XATTR_REPLACE), 0);
	OK(setxattr("f", "user.empty", "", 0, 0), 0);
	OK(getxattr("f", "user.empty", buf, sizeof(buf)), 0);
	OK(removexattr("f", "user.empty"), 0);
	ERR(removexattr("f", "user.empty"), ENODATA);
	ERR(setxattr("f", "nothing.a", "v", 1, 0), EOPNOTSUPP);
	ERR(setxattr("f", "user.", "v", 1, 0), EINVAL);
	ERR(setxattr("f", "", "v", 1, 0), ERANGE);
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[256] = '\0';
	ERR(setxattr("f", name, "v", 1, 0), ERANGE);
	name[255] = '\0';
	OK(setxattr("f", name, "v", 1, 0), 0);
	OK(removexattr("f", name), 0);
	ERR(setxattr("f", "user.big", big, sizeof(big), 0), E2BIG);
	OK(setxattr("f", "trusted.t", "zz", 2, 0), 0);
	OK(listxattr("f", NULL, 0), sizeof("user.a") + sizeof("trusted.t"));
	ERR(listxattr("f", buf, 3), ERANGE);
	fd = open("f", O_RDWR);
	OK(fsetxattr(fd, "user.a", "one", 3, 0), 0);
	OK(fgetxattr(fd, "user.a", buf, sizeof(buf)), 3);
	OK(flistxattr(fd, buf, sizeof(buf)), sizeof("user.a") + sizeof("trusted.t"));
	close(fd);
	OK(symlink("f", "l"), 0);
	OK(getxattr("l", "user.a", buf, sizeof(buf)), 3);
	ERR(lsetxattr("l", "user.a", "v", 1, 0), EPERM);
	OK(lsetxattr("l", "trusted.l", "v", 1, 0), 0);
	OK(llistxattr("l", buf, sizeof(buf)), sizeof("trusted.l"));
	OK(mkdir("sticky", 0777), 0);
	OK(chmod("sticky", 01777), 0);
	ERR(setxattr("nope", "user.a", "v", 1, 0), ENOENT);
	as_user(1000, user_part);
	return tap_done();
}

/* SPDX-License-Identifier: MIT */
/* /proc and /sys: which files there are, the form of what they say, what can be written, errors. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static char text[65536];

static const char *slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n, at = 0;

	text[0] = '\0';
	if (fd < 0)
		return NULL;
	while ((n = read(fd, text + at, sizeof(text) - 1 - (size_t)at)) > 0)
		at += n;
	text[at] = '\0';
	close(fd);
	return n < 0 ? NULL : text;
}

static bool matches(const char *s, const char *pattern)
{
	regex_t re;
	bool yes;

	if (!s || regcomp(&re, pattern, REG_EXTENDED | REG_NEWLINE | REG_NOSUB))
		return false;
	yes = regexec(&re, s, 0, NULL, 0) == 0;
	regfree(&re);
	return yes;
}

/* Every line of the file matches. */
static void lines_match(const char *path, const char *pattern)
{
	char whole[512], *save, *line;
	bool all = true;

	snprintf(whole, sizeof(whole), "^(%s)$", pattern);
	if (!slurp(path) || !text[0]) {
		tap_ok(false, "lines of %s", path);
		return;
	}
	if (strlen(text) == sizeof(text) - 1) /* more than fits: without the line that is cut */
		*strrchr(text, '\n') = '\0';
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!matches(line, whole)) {
			if (all)
				tap_note("%s: %s", path, line);
			all = false;
		}
	tap_ok(all, "lines of %s", path);
}

static void has_line(const char *path, const char *pattern)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "^%s$", pattern);
	if (!tap_ok(matches(slurp(path), whole), "%s: %s", path, pattern))
		tap_note("%.1500s", text);
}

static void link_is(const char *path, const char *want)
{
	char to[256] = "";

	readlink(path, to, sizeof(to) - 1);
	if (!tap_ok(!strcmp(to, want), "%s is a link to %s", path, want))
		tap_note("%s", to);
}

#define N "[0-9]+"

static void test_system(void)
{
	lines_match("/proc/uptime", N "\\." N " " N "\\." N);
	lines_match("/proc/loadavg", N "\\." N " " N "\\." N " " N "\\." N " " N "/" N " " N);
	has_line("/proc/version", "Linux version 6\\.12\\..*");
	lines_match("/proc/meminfo", "[A-Za-z0-9_()]+: +" N "( kB)?");
	has_line("/proc/meminfo", "MemTotal: +" N " kB");
	has_line("/proc/meminfo", "MemAvailable: +" N " kB");
	has_line("/proc/meminfo", "SwapTotal: +0 kB");
	has_line("/proc/cpuinfo", "processor\t: 0");
	has_line("/proc/cpuinfo", "hart\t\t: " N);
	has_line("/proc/cpuinfo", "isa\t\t: rv64imafdc.*");
	has_line("/proc/cpuinfo", "mmu\t\t: sv(39|48|57)");
	has_line("/proc/stat", "cpu  " N "( " N "){9}");
	has_line("/proc/stat", "cpu0 " N "( " N "){9}");
	has_line("/proc/stat", "intr " N ".*");
	has_line("/proc/stat", "ctxt " N);
	has_line("/proc/stat", "btime " N);
	has_line("/proc/stat", "processes " N);
	has_line("/proc/stat", "procs_running " N);
	has_line("/proc/stat", "procs_blocked " N);
	has_line("/proc/stat", "softirq( " N "){11}");
	has_line("/proc/filesystems", "nodev\tproc");
	has_line("/proc/filesystems", "nodev\ttmpfs");
	has_line("/proc/devices", "Character devices:");
	has_line("/proc/devices", "  1 mem");
	has_line("/proc/devices", "136 pts");
	has_line("/proc/interrupts", " +CPU0 .*");
	has_line("/proc/mounts", "proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0");
	has_line("/proc/mounts", "tmpfs /tmp tmpfs rw,nosuid,nodev,.*");
	has_line("/proc/self/mountinfo",
		 N " " N " " N ":" N " / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw");
	has_line("/proc/vmstat", "pgfault " N);
	lines_match("/proc/cmdline", ".*KEEL_RUN=.*");
	lines_match("/proc/kallsyms", "[0-9a-f]{16} [a-zA-Z] .*");
	link_is("/proc/mounts", "self/mounts");
	has_line("/proc/iomem", "8[0-9a-f]{7}-[0-9a-f]{8} : System RAM");
}

static int map_count(const char *what)
{
	int n = 0;

	slurp("/proc/self/maps");
	for (char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void test_self(void)
{
	char path[64], pid[16], want[64];
	struct stat st;

	snprintf(pid, sizeof(pid), "%d", getpid());
	link_is("/proc/self/cwd", "/tests/abi");
	link_is("/proc/self/root", "/");
	link_is("/proc/self/exe", "/tests/abi/procfs");
	char to[64] = "";
	readlink("/proc/self", to, sizeof(to) - 1);
	tap_ok(!strcmp(to, pid), "/proc/self");
	snprintf(want, sizeof(want), "%d/task/%d", getpid(), (int)syscall(SYS_gettid));
	memset(to, 0, sizeof(to));
	readlink("/proc/thread-self", to, sizeof(to) - 1);
	tap_ok(!strcmp(to, want), "/proc/thread-self");
	tap_ok(matches(slurp("/proc/self/stat"),
		       "^" N " \\(procfs\\) R " N " " N " " N " " N " -?" N "( -?" N "){44}$") ||
		       (tap_note("%s", text), false),
	       "stat: 52 fields");
	lines_match("/proc/self/statm", N "( " N "){6}");
	has_line("/proc/self/status", "Name:\tprocfs");
	has_line("/proc/self/status", "Umask:\t0022");
	has_line("/proc/self/status", "State:\tR \\(running\\)");
	has_line("/proc/self/status", "Tgid:\t" N);
	has_line("/proc/self/status", "Pid:\t" N);
	has_line("/proc/self/status", "PPid:\t" N);
	has_line("/proc/self/status", "TracerPid:\t0");
	has_line("/proc/self/status", "Uid:\t0\t0\t0\t0");
	has_line("/proc/self/status", "FDSize:\t" N);
	has_line("/proc/self/status", "VmPeak:\t *" N " kB");
	has_line("/proc/self/status", "VmRSS:\t *" N " kB");
	has_line("/proc/self/status", "VmStk:\t *" N " kB");
	has_line("/proc/self/status", "Threads:\t1");
	has_line("/proc/self/status", "SigQ:\t" N "/" N);
	has_line("/proc/self/status", "SigPnd:\t0{16}");
	has_line("/proc/self/status", "SigIgn:\t[0-9a-f]{16}");
	has_line("/proc/self/status", "CapEff:\t[0-9a-f]{16}");
	has_line("/proc/self/status", "NoNewPrivs:\t0");
	has_line("/proc/self/status", "Cpus_allowed_list:\t0(-" N ")?");
	has_line("/proc/self/status", "voluntary_ctxt_switches:\t" N);
	lines_match("/proc/self/maps", "[0-9a-f]{8,16}-[0-9a-f]{8,16} [r-][w-][x-][ps] [0-9a-f]{8} "
				       "[0-9a-f]{2,}:[0-9a-f]{2,} " N "( .*)?");
	has_line("/proc/self/maps", ".* r-xp .* +/tests/abi/procfs");
	has_line("/proc/self/maps", ".* rw-p 00000000 00:00 0 +\\[heap\\]");
	has_line("/proc/self/maps", ".* rw-p 00000000 00:00 0 +\\[stack\\]");
	has_line("/proc/self/maps", ".* r-xp 00000000 00:00 0 +\\[vdso\\]");
	has_line("/proc/self/maps", ".* r--p 00000000 00:00 0 +\\[vvar\\]");
	int fd = open("/tmp/a map", O_RDWR | O_CREAT, 0600);
	ftruncate(fd, 4096);
	mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	tap_returns(map_count("/tmp/a map\n"), 1, "a mapped file");
	unlink("/tmp/a map");
	tap_returns(map_count("/tmp/a map (deleted)\n"), 1, "without its name");
	has_line("/proc/self/smaps", "Rss: +" N " kB");
	has_line("/proc/self/smaps", "VmFlags: .*");
	has_line("/proc/self/limits", "Max open files +1024 +" N " +files +");
	has_line("/proc/self/limits", "Max stack size +8388608 +unlimited +bytes +");
	has_line("/proc/self/limits", "Limit +Soft Limit +Hard Limit +Units +");
	has_line("/proc/self/io", "syscr: " N);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(to, 0, sizeof(to));
	readlink(path, to, sizeof(to) - 1);
	tap_ok(!strcmp(to, "/tmp/a map (deleted)"), "fd: a link to an unlinked file");
	tap_ok(lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && (st.st_mode & 0777) == 0700,
	       "its mode says how it is open");
	tap_ok(stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0,
	       "it leads there nevertheless");
	int again = open(path, O_RDONLY);
	tap_ok(again >= 0, "and can be opened");
	close(again);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	has_line("/proc/self/fdinfo/0", "flags:\t0[0-7]+");
	lseek(fd, 100, SEEK_SET);
	tap_ok(matches(slurp(path), "^pos:\t100$") && matches(text, "^mnt_id:\t" N "$") &&
		       matches(text, "^ino:\t" N "$"),
	       "fdinfo");
	close(fd);
	tap_fails(open(path, O_RDONLY), ENOENT, "gone with its descriptor");
	int p[2];
	pipe(p);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	memset(to, 0, sizeof(to));
	readlink(path, to, sizeof(to) - 1);
	tap_ok(matches(to, "^pipe:\\[" N "\\]$"), "a pipe's");
	close(p[0]);
	close(p[1]);
	tap_ok(slurp("/proc/self/cmdline") && !strcmp(text, "./procfs"), "cmdline");
	tap_ok(slurp("/proc/self/environ") && matches(text, "^[A-Z]"), "environ");
	tap_ok(slurp("/proc/self/comm") && !strcmp(text, "procfs\n"), "comm");
	lines_match("/proc/self/wchan", N);
	lines_match("/proc/self/oom_score_adj", "0");
	lines_match("/proc/self/personality", "0{8}");
	lines_match("/proc/self/task/../oom_score", N);
}

static bool put(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY);
	long n = fd < 0 ? -1 : write(fd, what, strlen(what));
	int e = errno;

	if (fd >= 0)
		close(fd);
	errno = e;
	return n == (long)strlen(what);
}

static void *idle(void *arg)
{
	pause();
	return NULL;
}

static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static void test_writing(void)
{
	pthread_t t;
	int fd, x = 1234, y = 0, status;
	pid_t pid;
	char path[64];
	struct statfs sf;
	struct stat st;

	tap_ok(put("/proc/self/comm", "renamed") && slurp("/proc/self/comm") &&
		       !strcmp(text, "renamed\n"),
	       "comm can be written");
	tap_ok(put("/proc/self/oom_score_adj", "500") && slurp("/proc/self/oom_score_adj") &&
		       !strcmp(text, "500\n"),
	       "oom_score_adj");
	tap_ok(!put("/proc/self/oom_score_adj", "1001") && errno == EINVAL, "its range");
	tap_ok(!put("/proc/self/oom_score_adj", "x") && errno == EINVAL, "numbers only");
	put("/proc/self/oom_score_adj", "0");
	tap_ok(put("/proc/sys/kernel/hostname", "other\n") && slurp("/proc/sys/kernel/hostname") &&
		       !strcmp(text, "other\n"),
	       "hostname");
	lines_match("/proc/sys/kernel/ostype", "Linux");
	lines_match("/proc/sys/kernel/pid_max", N);
	lines_match("/proc/sys/kernel/random/uuid",
		    "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
	lines_match("/proc/sys/kernel/random/boot_id",
		    "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
	lines_match("/proc/sys/fs/file-nr", N "\t0\t" N);
	lines_match("/proc/sys/vm/overcommit_memory", "[012]");
	tap_fails(open("/proc/sys/kernel/ostype", O_WRONLY), EACCES, "ostype cannot be written");
	tap_fails(open("/proc/new", O_WRONLY | O_CREAT, 0600), ENOENT, "no new files");
	tap_fails(mkdir("/proc/new", 0700), ENOENT, "nor directories");
	tap_fails(unlink("/proc/uptime"), EPERM, "none can be removed");
	tap_fails(open("/proc/999999", O_RDONLY), ENOENT, "nobody");
	tap_ok(statfs("/proc", &sf) == 0 && sf.f_type == 0x9fa0, "statfs");
	tap_ok(stat("/proc/self/stat", &st) == 0 && st.st_size == 0 && (st.st_mode & 0777) == 0444,
	       "sizes are 0");
	fd = open("/proc/self/mem", O_RDWR);
	tap_ok(pread(fd, &y, sizeof(y), (off_t)(uintptr_t)&x) == sizeof(y) && y == 1234,
	       "mem: reading");
	y = 99;
	tap_ok(pwrite(fd, &y, sizeof(y), (off_t)(uintptr_t)&x) == sizeof(y) &&
		       *(volatile int *)&x == 99,
	       "mem: writing");
	tap_fails(pread(fd, &y, 4, 16), EIO, "mem: nothing there");
	close(fd);
	fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entry = 0;
	tap_ok(pread(fd, &entry, 8, (off_t)((uintptr_t)&x / 4096 * 8)) == 8 && entry >> 63,
	       "pagemap");
	close(fd);

	pthread_create(&t, NULL, idle, NULL);
	tap_returns(entries("/proc/self/task"), 2, "two threads in task");
	has_line("/proc/self/status", "Threads:\t2");
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	tap_ok(slurp(path) != NULL, "another process");
	for (int i = 0; i < 500 && !matches(slurp(path), "^State:\tS \\(sleeping\\)$"); i++)
		usleep(1000);
	tap_ok(matches(text, "^State:\tS \\(sleeping\\)$"), "sleeps");
	kill(pid, SIGSTOP);
	for (int i = 0; i < 500 && !matches(slurp(path), "^State:\tT \\(stopped\\)$"); i++)
		usleep(1000);
	tap_ok(matches(text, "^State:\tT \\(stopped\\)$"), "stopped");
	int dir = open("/proc", O_RDONLY | O_DIRECTORY);
	fd = openat(dir, strchr(path + 1, '/') + 1, O_RDONLY);
	kill(pid, SIGKILL);
	for (int i = 0; i < 500 && !matches(slurp(path), "^State:\tZ \\(zombie\\)$"); i++)
		usleep(1000);
	tap_ok(matches(text, "^State:\tZ \\(zombie\\)$"), "zombie");
	tap_ok(!matches(slurp(path), "^VmRSS:"), "without memory");
	char c;
	waitpid(pid, &status, 0);
	tap_fails(pread(fd, &c, 1, 0), ESRCH, "reading when it is gone");
	tap_fails(open(path, O_RDONLY), ENOENT, "its directory is gone");
	close(fd);
	close(dir);
	tap_ok(entries("/proc/self/fd") == entries("/proc/self/fdinfo"),
	       "fd and fdinfo list the same");
	has_line("/sys/devices/system/cpu/online", "0(-" N ")?");
	has_line("/sys/devices/system/cpu/possible", "0(-" N ")?");
	tap_ok(stat("/sys/class/tty", &st) == 0 && S_ISDIR(st.st_mode), "/sys/class/tty");
	has_line("/sys/class/tty/console/active", "ttyS0");
	tap_ok(statfs("/sys", &sf) == 0 && sf.f_type == 0x62656572, "statfs of /sys");
	tap_fails(mkdir("/sys/new", 0700), EPERM, "no new directories in /sys");
}

int main(void)
{
	test_system();
	test_self();
	test_writing();
	return tap_done();
}

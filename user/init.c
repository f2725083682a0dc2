/* SPDX-License-Identifier: MIT */
/*
 * init: process 1 of Keel's default userland.
 *
 * Mounts what programs expect, starts a login shell on the console with job control, reaps every orphan, starts the
 * shell again when it ends, and takes the machine down in order: SIGTERM reboot, SIGUSR1 halt, SIGUSR2 poweroff (what
 * busybox's reboot, halt and poweroff send), SIGINT reboot (Ctrl-Alt-Del).
 *
 * KEEL_RUN='command' on the kernel's command line runs the command in place of the shell and powers off after it: the
 * way tests use this userland. When there is no shell at all, the rescue shell (user/rescue.c) takes its place.
 */
#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *type, *target, *options;
	unsigned long flags;
	mode_t mode;
} mounts[] = {
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC, 0555 },
	{ "devtmpfs", "/dev", "mode=755", MS_NOSUID, 0755 },
	{ "devpts", "/dev/pts", "mode=620,ptmxmode=666", MS_NOSUID | MS_NOEXEC, 0755 },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV, 01777 },
	{ "tmpfs", "/run", "mode=755", MS_NOSUID | MS_NODEV, 0755 },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV, 01777 },
};

static void say(const char *what, const char *which)
{
	fprintf(stderr, "init: %s%s%s: %s\n", what, which ? " " : "", which ? which : "", strerror(errno));
}

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].target, mounts[i].mode);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, mounts[i].flags, mounts[i].options) &&
		    errno != EBUSY)
			say("cannot mount", mounts[i].target);
	}
	if (symlink("/proc/self/fd", "/dev/fd") == 0) {
		symlink("/proc/self/fd/0", "/dev/stdin");
		symlink("/proc/self/fd/1", "/dev/stdout");
		symlink("/proc/self/fd/2", "/dev/stderr");
	}
	symlink("/proc/mounts", "/etc/mtab");
}

/* The terminal behind /dev/console: /dev/console itself cannot control a session. */
static const char *console_path(void)
{
	static char path[64] = "/dev/";
	FILE *f = fopen("/sys/class/tty/console/active", "r");
	char line[48], *last;

	if (!f)
		return "/dev/console";
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	last = strrchr(line, ' ');
	snprintf(path + 5, sizeof(path) - 5, "%s", last ? last + 1 : line);
	return access(path, F_OK) == 0 && path[5] ? path : "/dev/console";
}

/* KEEL_SIZE=ROWSxCOLUMNS on the kernel's command line: a serial line cannot tell how large the window is. */
static void set_size(int fd)
{
	const char *size = getenv("KEEL_SIZE");
	struct winsize ws = { 0 };

	if (size && sscanf(size, "%hux%hu", &ws.ws_row, &ws.ws_col) == 2)
		ioctl(fd, TIOCSWINSZ, &ws);
}

/* In the child: a session of its own with the console as its terminal. */
static void own_console(const char *path)
{
	int fd;

	setsid();
	fd = open(path, O_RDWR);
	if (fd < 0)
		return;
	ioctl(fd, TIOCSCTTY, 1);
	set_size(fd);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
}

static pid_t start(const char *console, const char *command)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	own_console(console);
	chdir("/root");
	if (command)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	else
		execl("/bin/sh", "-sh", (char *)NULL);
	say("cannot start", "/bin/sh");
	fprintf(stderr, "init: this is the rescue shell; 'help' lists what it knows\n");
	exit(rescue_main(0, NULL));
}

/* Everybody out: TERM, a moment, KILL, then the disks and the machine. */
static void shut_down(int how, const char *word)
{
	struct timespec tick = { 0, 20 * 1000 * 1000 };

	fprintf(stderr, "\ninit: %s\n", word);
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	for (int i = 0; i < 50; i++) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (kill(-1, 0) && errno == ESRCH)
			break;
		nanosleep(&tick, NULL);
	}
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	sync();
	reboot(how);
	say("reboot", NULL);
	for (;;)
		pause();
}

static void react(int sig)
{
	if (sig == SIGUSR1)
		shut_down(RB_HALT_SYSTEM, "halt");
	if (sig == SIGUSR2)
		shut_down(RB_POWER_OFF, "power off");
	if (sig == SIGTERM || sig == SIGINT)
		shut_down(RB_AUTOBOOT, "reboot");
}

static void report_end(const char *command, int status)
{
	if (WIFSIGNALED(status))
		fprintf(stderr, "init: '%s' was killed by signal %d\n", command, WTERMSIG(status));
	else
		fprintf(stderr, "init: '%s' ended with status %d\n", command, WEXITSTATUS(status));
}

int init_main(int argc, char **argv)
{
	const char *command, *console;
	struct timespec second = { 1, 0 };
	sigset_t set;
	pid_t shell;
	time_t started;
	int status = 0;

	if (getpid() != 1) {
		fprintf(stderr, "init: process 1 is running already\n");
		return 1;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	umask(022);
	mount_all();
	reboot(RB_DISABLE_CAD);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	setenv("LOGNAME", "root", 1);
	setenv("SHELL", "/bin/sh", 1);
	command = getenv("KEEL_RUN");
	console = console_path();
	for (;;) {
		started = time(NULL);
		shell = start(console, command);
		if (shell < 0) {
			say("cannot fork", NULL);
			nanosleep(&second, NULL);
			continue;
		}
		for (bool alive = true; alive;) {
			int sig = sigwaitinfo(&set, NULL), s;
			pid_t pid;

			if (sig > 0 && sig != SIGCHLD)
				react(sig);
			while ((pid = waitpid(-1, &s, WNOHANG)) > 0)
				if (pid == shell) { /* others are orphans */
					alive = false;
					status = s;
				}
		}
		if (command) {
			report_end(command, status);
			shut_down(RB_POWER_OFF, "power off");
		}
		fprintf(stderr, "init: the shell has ended; starting it again ('poweroff' ends the machine)\n");
		if (time(NULL) - started < 1)
			nanosleep(&second, NULL);
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * rescue: a shell of last resort for a system that has no /bin/sh. Enough to look around, mount something, run a
 * program and reboot; words are split at blanks, nothing is expanded.
 */
#include "user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 32

static int complain(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static int do_ls(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : ".";
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return complain(path);
	while ((entry = readdir(dir))) {
		struct stat st;

		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			printf("%06o %8lld %s\n", st.st_mode, (long long)st.st_size, entry->d_name);
	}
	closedir(dir);
	return 0;
}

static int do_cat(int argc, char **argv)
{
	char buf[4096];
	ssize_t n = 0;

	for (int i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY);

		if (fd < 0)
			return complain(argv[i]);
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			fwrite(buf, 1, (size_t)n, stdout);
		close(fd);
		if (n < 0)
			return complain(argv[i]);
	}
	return 0;
}

static int do_cd(int argc, char **argv)
{
	return chdir(argc > 1 ? argv[1] : "/") ? complain("cd") : 0;
}

static int do_pwd(int argc, char **argv)
{
	char buf[4096];

	if (!getcwd(buf, sizeof(buf)))
		return complain("pwd");
	puts(buf);
	return 0;
}

static int do_mount(int argc, char **argv)
{
	char *cat[] = { "cat", "/proc/mounts" };

	if (argc == 1)
		return do_cat(2, cat);
	if (argc != 4) {
		fprintf(stderr, "usage: mount TYPE SOURCE DIRECTORY\n");
		return 1;
	}
	return mount(argv[2], argv[3], argv[1], 0, NULL) ? complain("mount") : 0;
}

static int do_dmesg(int argc, char **argv)
{
	int size = klogctl(10, NULL, 0);
	char *buf = size > 0 ? malloc((size_t)size) : NULL;
	int n = buf ? klogctl(3, buf, size) : -1;

	if (n < 0) {
		free(buf);
		return complain("dmesg");
	}
	fwrite(buf, 1, (size_t)n, stdout);
	free(buf);
	return 0;
}

static int do_poweroff(int argc, char **argv)
{
	sync();
	reboot(RB_POWER_OFF);
	return complain("poweroff");
}

static int do_reboot(int argc, char **argv)
{
	sync();
	reboot(RB_AUTOBOOT);
	return complain("reboot");
}

static int do_help(int argc, char **argv);

static const struct {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "cat", "FILE...               print files", do_cat },
	{ "cd", "[DIRECTORY]            change directory", do_cd },
	{ "dmesg", "                    kernel messages", do_dmesg },
	{ "help", "                     this list; any other word runs that program", do_help },
	{ "ls", "[DIRECTORY]            mode, size and name of files", do_ls },
	{ "mount", "[TYPE SOURCE DIR]   show or add mounts", do_mount },
	{ "poweroff", "                 end", do_poweroff },
	{ "pwd", "                      current directory", do_pwd },
	{ "reboot", "                   start again", do_reboot },
};

static int do_help(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("%s %s\n", commands[i].name, commands[i].help);
	return 0;
}

static int run_program(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return complain("fork");
	if (pid == 0) {
		execvp(argv[0], argv);
		exit(complain(argv[0]));
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int rescue_main(int argc, char **argv)
{
	char line[1024], *words[WORDS_MAX + 1];

	for (;;) {
		int n = 0;
		size_t i;

		printf("rescue# ");
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			return 0;
		for (char *w = strtok(line, " \t\n"); w && n < WORDS_MAX; w = strtok(NULL, " \t\n"))
			words[n++] = w;
		words[n] = NULL;
		if (n == 0)
			continue;
		if (strcmp(words[0], "exit") == 0)
			return 0;
		for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			if (strcmp(words[0], commands[i].name) == 0)
				break;
		if (i < sizeof(commands) / sizeof(commands[0]))
			commands[i].run(n, words);
		else
			run_program(words);
	}
}

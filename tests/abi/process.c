/* SPDX-License-Identifier: MIT */
/* Processes: fork, clone, clone3, vfork, wait, exec, limits, prctl, groups and sessions,
 * credentials, capabilities. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

extern char **environ;

/* Runs f in a child; its result is the exit status; -signal when killed. */
static int in_child(int (*f)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(f());
	if (waitpid(pid, &status, 0) != pid)
		return -1000;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int exit_300(void) { return 300; }
static int killed(void)
{
	raise(SIGTERM);
	return 0;
}

static void test_fork_wait(void)
{
	int status = 0, x = 1, p[2];
	pid_t pid, a, b;
	siginfo_t si;
	struct rusage ru;
	char c;

	pid = fork();
	if (pid == 0) {
		x = 2;
		_exit(getppid() != 1 && x == 2 ? 0 : 1);
	}
	tap_ok(waitpid(pid, &status, 0) == pid && status == 0, "fork, wait");
	tap_ok(x == 1, "the child has its own memory");
	tap_returns(in_child(exit_300), 300 & 255, "eight bits of status");
	tap_returns(in_child(killed), -SIGTERM, "killed by a signal");
	tap_fails(wait(&status), ECHILD, "no children");
	tap_fails(waitpid(1, &status, 0), ECHILD, "not a child");
	tap_fails(waitpid(-999999, &status, 0), ECHILD, "no such group");
	tap_fails(waitpid(-1, &status, 0x100), EINVAL, "unknown options");
	pid = fork();
	if (pid == 0)
		_exit(3);
	memset(&si, 0, sizeof(si));
	tap_returns(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT), 0, "waitid");
	tap_ok(si.si_pid == pid && si.si_code == CLD_EXITED && si.si_status == 3 &&
		       si.si_signo == SIGCHLD,
	       "what it tells");
	tap_fails(waitid(P_PID, (id_t)pid, &si, 0), EINVAL, "waitid for nothing");
	tap_fails(waitid(99, 0, &si, WEXITED), EINVAL, "waitid: unknown kind");
	tap_returns(wait4(pid, &status, WNOHANG, &ru), pid, "WNOWAIT left it there; wait4");
	tap_ok(WEXITSTATUS(status) == 3 && ru.ru_maxrss > 0, "its usage");
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	tap_returns(waitpid(pid, &status, WNOHANG), 0, "WNOHANG: it runs");
	si.si_pid = 77;
	tap_ok(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG) == 0 && si.si_pid == 0,
	       "waitid WNOHANG: zeros");
	tap_fails(waitpid(pid, (int *)8, WNOHANG) == 0 ? (errno = EFAULT, -1) : 0, EFAULT,
		  "nothing to store yet");
	kill(pid, SIGKILL);
	tap_ok(waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL, "SIGKILL");
	/* Two children, the group of one. */
	a = fork();
	if (a == 0) {
		setpgid(0, 0);
		_exit(1);
	}
	setpgid(a, a);
	b = fork();
	if (b == 0)
		_exit(2);
	tap_ok(waitpid(-a, &status, 0) == a && WEXITSTATUS(status) == 1, "of a group");
	tap_ok(waitpid(0, &status, 0) == b && WEXITSTATUS(status) == 2, "of one's own group");
	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (pid == 0)
		_exit(0);
	tap_fails(waitpid(pid, &status, 0), ECHILD, "SIGCHLD ignored: nothing to wait for");
	signal(SIGCHLD, SIG_DFL);
	/* An orphan goes to its subreaper. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pipe(p);
	pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			read(p[0], &c, 1);
			_exit(9);
		}
		_exit(0);
	}
	waitpid(pid, &status, 0);
	write(p[1], "x", 1);
	tap_ok(wait(&status) > 0 && WEXITSTATUS(status) == 9, "an orphan is its subreaper's");
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	close(p[0]);
	close(p[1]);
}

static char stack[65536] __attribute__((aligned(16)));
static volatile int shared;

static int set_shared(void *arg)
{
	shared = 5;
	return 4;
}

static int close_stdin(void *arg)
{
	close(0);
	chdir("/tmp");
	return 0;
}

static void test_clone(void)
{
	struct clone_args ca = { .exit_signal = SIGCHLD };
	int status, pidfd = -1, tid = 0;
	pid_t pid;
	char cwd[64];

	pid = clone(set_shared, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
	tap_ok(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 4 && shared == 5,
	       "CLONE_VM");
	chdir("/");
	int keep = dup(0);
	pid = clone(close_stdin, stack + sizeof(stack), CLONE_FILES | CLONE_FS | SIGCHLD, NULL);
	waitpid(pid, &status, 0);
	tap_fails(fcntl(0, F_GETFD), EBADF, "CLONE_FILES");
	dup2(keep, 0);
	close(keep);
	tap_ok(!strcmp(getcwd(cwd, sizeof(cwd)), "/tmp"), "CLONE_FS");
	chdir("/");
	pid = clone(set_shared, stack + sizeof(stack), CLONE_VM, NULL);
	tap_fails(waitpid(pid, &status, 0), ECHILD, "no exit signal: not for an ordinary wait");
	tap_ok(waitpid(pid, &status, __WCLONE) == pid, "but for __WCLONE");
	tap_fails(clone(set_shared, stack + sizeof(stack), CLONE_THREAD | SIGCHLD, NULL), EINVAL,
		  "CLONE_THREAD needs CLONE_SIGHAND");
	tap_fails(clone(set_shared, stack + sizeof(stack), CLONE_SIGHAND | SIGCHLD, NULL), EINVAL,
		  "which needs CLONE_VM");
	tap_fails(clone(set_shared, stack + sizeof(stack), CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL),
		  EINVAL, "CLONE_FS with CLONE_NEWNS");
	ca.flags = CLONE_PIDFD | CLONE_CHILD_SETTID | CLONE_PARENT_SETTID;
	ca.pidfd = (uintptr_t)&pidfd;
	ca.child_tid = (uintptr_t)&tid;
	ca.parent_tid = (uintptr_t)&shared;
	pid = (pid_t)syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid == 0)
		_exit(tid == getpid() ? 6 : 7);
	tap_ok(pid > 0 && pidfd >= 0 && shared == pid, "clone3");
	tap_ok(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 6, "CLONE_CHILD_SETTID");
	tap_ok(fcntl(pidfd, F_GETFD) == FD_CLOEXEC, "CLONE_PIDFD");
	close(pidfd);
	tap_fails(syscall(SYS_clone3, &ca, 8), EINVAL, "clone3: too small");
	tap_fails(syscall(SYS_clone3, &ca, 8192), E2BIG, "clone3: too large");
	ca = (struct clone_args) { .flags = CLONE_SIGHAND, .exit_signal = SIGCHLD };
	tap_fails(syscall(SYS_clone3, &ca, sizeof(ca)), EINVAL, "clone3: flags");
	ca = (struct clone_args) { .exit_signal = 99 };
	tap_fails(syscall(SYS_clone3, &ca, sizeof(ca)), EINVAL, "clone3: signal");
	ca = (struct clone_args) { .exit_signal = SIGCHLD, .stack = 4096 };
	tap_fails(syscall(SYS_clone3, &ca, sizeof(ca)), EINVAL, "clone3: a stack without a size");
	shared = 0;
	pid = vfork();
	if (pid == 0) {
		shared = 8;
		_exit(0);
	}
	tap_ok(shared == 8 && waitpid(pid, &status, 0) == pid, "vfork");
}

/* --- exec --- */

static char self[] = "/proc/self/exe";
static char buffer[4096];

/* Runs this program again with its first argument `what`; what it wrote is in `buffer`. */
static int run(const char *what, char **env)
{
	char *argv[] = { "again", (char *)what, NULL };
	int p[2], status;
	pid_t pid;
	long n, at = 0;

	pipe(p);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 1);
		execve(self, argv, env);
		_exit(127);
	}
	close(p[1]);
	while ((n = read(p[0], buffer + at, sizeof(buffer) - 1 - (size_t)at)) > 0)
		at += n;
	buffer[at] = '\0';
	close(p[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* What runs then. */
static int again(int argc, char **argv)
{
	if (!strcmp(argv[1], "env")) {
		for (char **e = environ; *e; e++)
			printf("%s ", *e);
		printf("%s %d", argv[0], argc);
	} else if (!strcmp(argv[1], "state")) {
		struct sigaction sa;
		sigset_t set;

		sigaction(SIGUSR1, NULL, &sa);
		printf("usr1 %s, ", sa.sa_handler == SIG_DFL   ? "default"
				    : sa.sa_handler == SIG_IGN ? "ignored"
							       : "handler");
		sigaction(SIGUSR2, NULL, &sa);
		printf("usr2 %s, ", sa.sa_handler == SIG_DFL   ? "default"
				    : sa.sa_handler == SIG_IGN ? "ignored"
							       : "handler");
		sigprocmask(SIG_BLOCK, NULL, &set);
		printf("hup %s, fd50 %s, fd51 %s", sigismember(&set, SIGHUP) ? "blocked" : "open",
		       fcntl(50, F_GETFD) < 0 ? "closed" : "open",
		       fcntl(51, F_GETFD) < 0 ? "closed" : "open");
		char name[20] = "";
		prctl(PR_GET_NAME, name);
		printf(", name %s", name);
	}
	fflush(stdout);
	return 5;
}

static void nothing(int sig) {}

static long exec(const char *path, char *arg0)
{
	char *argv[] = { arg0, NULL }, *envp[] = { NULL };

	return execve(path, argv, envp);
}

static void test_exec(void)
{
	char *env[] = { "A=1", "B=two", NULL };
	int fd, status;
	sigset_t set;
	pid_t pid;

	tap_ok(run("env", env) == 5 && !strcmp(buffer, "A=1 B=two again 2"),
	       "exec: arguments and environment");
	signal(SIGUSR1, nothing);
	signal(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = open("/dev/null", O_RDONLY);
	dup2(fd, 50);
	dup3(fd, 51, O_CLOEXEC);
	prctl(PR_SET_NAME, "before");
	run("state", env);
	if (!tap_ok(!strcmp(buffer, "usr1 default, usr2 ignored, hup blocked, fd50 open, fd51 "
				    "closed, name exe"),
		    "what stays and what not"))
		tap_note("%s", buffer);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	close(fd);
	close(50);
	close(51);
	tap_fails(exec("/tmp/none", "x"), ENOENT, "no such file");
	tap_fails(exec("/tmp", "x"), EACCES, "a directory");
	tap_fails(exec("/dev/null", "x"), EACCES, "not an ordinary file");
	tap_fails(exec("/proc/self/exe/x", "x"), ENOTDIR, "a file in the way");
	fd = open("/tmp/prog", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	tap_fails(exec("/tmp/prog", "x"), EACCES, "not executable");
	fchmod(fd, 0755);
	tap_fails(exec("/tmp/prog", "x"), ETXTBSY, "open for writing");
	close(fd);
	tap_fails(exec("/tmp/prog", "x"), ENOEXEC, "empty");
	fd = open("/tmp/prog", O_WRONLY | O_TRUNC);
	write(fd, "#!/proc/self/exe  env \nnothing\n", 31);
	close(fd);
	int p[2];
	pipe(p);
	pid = fork();
	if (pid == 0) {
		char *argv[] = { "zero", "one", NULL };

		dup2(p[1], 1);
		/* Scripts name an interpreter by path: this program is copied there. */
		execve("/tmp/prog", argv, env);
		_exit(126);
	}
	waitpid(pid, &status, 0);
	close(p[1]);
	memset(buffer, 0, sizeof(buffer));
	read(p[0], buffer, sizeof(buffer) - 1);
	close(p[0]);
	/* /proc/self/exe is then this program; it gets: interpreter, its argument, the script, the
	 * arguments after the first. */
	tap_ok(WEXITSTATUS(status) == 5 && !strcmp(buffer, "A=1 B=two /proc/self/exe 4"),
	       "a script");
	fd = open("/tmp/prog", O_WRONLY | O_TRUNC);
	write(fd, "#!/tmp/prog\n", 12);
	close(fd);
	tap_fails(exec("/tmp/prog", "x"), ELOOP, "a script of itself");
	fd = open("/tmp/prog", O_WRONLY | O_TRUNC);
	write(fd, "#!/tmp/none\n", 12);
	close(fd);
	tap_fails(exec("/tmp/prog", "x"), ENOENT, "a script without its interpreter");
	fd = open("/tmp/prog", O_WRONLY | O_TRUNC);
	write(fd, "\177ELF and no more", 16);
	close(fd);
	tap_fails(exec("/tmp/prog", "x"), ENOEXEC, "half an ELF file");
	tap_fails(execve("/tmp/prog", (char **)8, NULL), EFAULT, "no arguments there");
	char *big = malloc(200000), *argv[] = { big, NULL };
	memset(big, 'x', 199999);
	big[199999] = '\0';
	tap_fails(execve(self, argv, env), E2BIG, "an argument of more than 128 KiB");
	free(big);
	fd = open(self, O_RDONLY | O_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		char *args[] = { "x", "none", NULL };
		syscall(SYS_execveat, fd, "", args, env, AT_EMPTY_PATH);
		_exit(126);
	}
	waitpid(pid, &status, 0);
	tap_returns(WEXITSTATUS(status), 5, "execveat of a descriptor");
	tap_fails(syscall(SYS_execveat, fd, "", argv, env, 0), ENOENT, "without AT_EMPTY_PATH");
	close(fd);
	unlink("/tmp/prog");
}

/* --- limits --- */

static int limited_files(void)
{
	struct rlimit rl = { 10, 10 };

	setrlimit(RLIMIT_NOFILE, &rl);
	int fd, n = 0;
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		n = fd;
	return n == 9 && errno == EMFILE && dup2(0, 10) == -1 && errno == EBADF &&
			       fcntl(0, F_DUPFD, 10) == -1 && errno == EINVAL
		       ? 0
		       : 1;
}

static int limited_size(void)
{
	struct rlimit rl = { 10, 10 };
	int fd = open("/tmp/limited", O_RDWR | O_CREAT | O_TRUNC, 0600);

	unlink("/tmp/limited");
	setrlimit(RLIMIT_FSIZE, &rl);
	signal(SIGXFSZ, SIG_IGN);
	if (write(fd, "0123456789abcdef", 16) != 10)
		return 1;
	if (write(fd, "x", 1) != -1 || errno != EFBIG)
		return 2;
	if (ftruncate(fd, 20) != -1 || errno != EFBIG)
		return 3;
	signal(SIGXFSZ, SIG_DFL);
	setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
	write(fd, "x", 1);
	return 4;
}

static int limited_cpu(void)
{
	struct rlimit rl = { 0, 1 };

	setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
	setrlimit(RLIMIT_CPU, &rl);
	for (volatile long i = 0; i >= 0; i++)
		;
	return 0;
}

static void test_limits(void)
{
	struct rlimit rl, old;
	struct rusage ru;

	tap_ok(getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur == 1024, "RLIMIT_NOFILE: 1024");
	tap_ok(getrlimit(RLIMIT_STACK, &rl) == 0 && rl.rlim_cur == 8 << 20 &&
		       rl.rlim_max == RLIM_INFINITY,
	       "RLIMIT_STACK: 8 MiB");
	tap_ok(getrlimit(RLIMIT_CORE, &rl) == 0 && rl.rlim_max == RLIM_INFINITY, "RLIMIT_CORE");
	tap_ok(getrlimit(RLIMIT_FSIZE, &rl) == 0 && rl.rlim_cur == RLIM_INFINITY, "RLIMIT_FSIZE");
	tap_fails(getrlimit(99, &rl), EINVAL, "unknown limit");
	rl = (struct rlimit) { 20, 10 };
	tap_fails(setrlimit(RLIMIT_NOFILE, &rl), EINVAL, "soft above hard");
	tap_fails(prlimit(999999, RLIMIT_NOFILE, NULL, &rl), ESRCH, "nobody's limit");
	tap_returns(prlimit(getppid(), RLIMIT_NOFILE, NULL, &rl), 0, "another's limit");
	getrlimit(RLIMIT_NOFILE, &old);
	rl = (struct rlimit) { 1UL << 40, 1UL << 40 };
	tap_fails(setrlimit(RLIMIT_NOFILE, &rl), EPERM, "more than nr_open");
	tap_returns(in_child(limited_files), 0, "RLIMIT_NOFILE ends open, dup2, F_DUPFD");
	tap_returns(in_child(limited_size), -SIGXFSZ, "RLIMIT_FSIZE: short write, EFBIG, SIGXFSZ");
	tap_returns(in_child(limited_cpu), -SIGXCPU, "RLIMIT_CPU: SIGXCPU");
	tap_ok(getrusage(RUSAGE_SELF, &ru) == 0 && ru.ru_maxrss > 100 && ru.ru_minflt > 10,
	       "getrusage");
	tap_returns(getrusage(RUSAGE_CHILDREN, &ru) | getrusage(RUSAGE_THREAD, &ru), 0,
		    "of children and a thread");
	tap_fails(getrusage(77, &ru), EINVAL, "of whom?");
	errno = 0;
	tap_ok(getpriority(PRIO_PROCESS, 0) == 0 && errno == 0, "getpriority");
	tap_ok(setpriority(PRIO_PROCESS, 0, 100) == 0 && getpriority(PRIO_PROCESS, 0) == 19,
	       "setpriority is cut");
	tap_returns(setpriority(PRIO_PROCESS, 0, 0), 0, "root may go back");
	tap_fails(setpriority(9, 0, 0), EINVAL, "whose?");
	tap_fails(setpriority(PRIO_PROCESS, 999999, 0), ESRCH, "nobody's");
}

/* --- prctl and others --- */

static void test_prctl(void)
{
	char name[17] = "";
	int v = -1;
	struct utsname u;

	tap_returns(prctl(PR_SET_NAME, "a-name-longer-than-fits"), 0, "PR_SET_NAME");
	tap_ok(prctl(PR_GET_NAME, name) == 0 && !strcmp(name, "a-name-longer-t"), "is cut to 15");
	FILE *f = fopen("/proc/self/comm", "r");
	tap_ok(f && fgets(name, sizeof(name), f) && !strcmp(name, "a-name-longer-t\n"),
	       "/proc/self/comm");
	if (f)
		fclose(f);
	prctl(PR_SET_NAME, "process");
	tap_ok(prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0 && prctl(PR_GET_PDEATHSIG, &v) == 0 &&
		       v == SIGUSR1,
	       "PR_SET_PDEATHSIG");
	tap_fails(prctl(PR_SET_PDEATHSIG, 99), EINVAL, "no such signal");
	prctl(PR_SET_PDEATHSIG, 0);
	tap_returns(prctl(PR_GET_DUMPABLE), 1, "PR_GET_DUMPABLE");
	tap_fails(prctl(PR_SET_DUMPABLE, 2), EINVAL, "PR_SET_DUMPABLE: 2 is not for programs");
	tap_ok(prctl(PR_SET_DUMPABLE, 0) == 0 && prctl(PR_GET_DUMPABLE) == 0 &&
		       prctl(PR_SET_DUMPABLE, 1) == 0,
	       "0 and 1 are");
	tap_returns(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0, "PR_GET_NO_NEW_PRIVS");
	tap_fails(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0), EINVAL, "PR_SET_NO_NEW_PRIVS: only 1");
	tap_returns(prctl(PR_SET_TIMERSLACK, 70000), 0, "PR_SET_TIMERSLACK");
	tap_returns(prctl(PR_GET_TIMERSLACK), 70000, "PR_GET_TIMERSLACK");
	tap_returns(prctl(PR_SET_TIMERSLACK, 0) | (prctl(PR_GET_TIMERSLACK) != 50000), 0,
		    "0: the default");
	tap_returns(prctl(PR_GET_KEEPCAPS), 0, "PR_GET_KEEPCAPS");
	tap_returns(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN), 1, "PR_CAPBSET_READ");
	tap_fails(prctl(PR_CAPBSET_READ, 99), EINVAL, "no such capability");
	tap_fails(prctl(9999), EINVAL, "unknown");
	tap_fails(prctl(PR_SET_NAME, 8), EFAULT, "no name");
	tap_ok(uname(&u) == 0 && !strcmp(u.sysname, "Linux") && !strcmp(u.machine, "riscv64"),
	       "uname");
	tap_ok(!strncmp(u.release, "6.12.", 5), "release 6.12");
	tap_returns(sethostname("box", 3), 0, "sethostname");
	tap_ok(gethostname(name, sizeof(name)) == 0 && !strcmp(name, "box"), "gethostname");
	tap_fails(sethostname(name, 65), EINVAL, "too long");
	tap_ok((int)syscall(SYS_personality, 0xffffffff) == 0, "personality");
	unsigned cpu = 99, node = 99;
	tap_ok(getcpu(&cpu, &node) == 0 && cpu < 8 && node == 0, "getcpu");
	tap_fails(syscall(SYS_getrandom, (void *)8, 4, 0), EFAULT, "getrandom: nowhere");
	tap_fails(syscall(SYS_getrandom, name, 4, 0x100), EINVAL, "getrandom: unknown flags");
	tap_returns(syscall(SYS_getrandom, name, 16, 0), 16, "getrandom");
	tap_fails(syscall(600), ENOSYS, "unknown system call");
	tap_fails(syscall(-1L), ENOSYS, "-1 neither");
	tap_ok((umask(027) & 0777) == 022 && umask(01022) == 027 && umask(022) == 022, "umask");
}

/* --- sessions --- */

static int new_session(void)
{
	pid_t pid;
	int status;

	if (getpgrp() == getpid() || getsid(0) == getpid())
		return 1;
	if (setsid() != getpid() || getpgrp() != getpid() || getsid(0) != getpid())
		return 2;
	if (setsid() != -1 || errno != EPERM)
		return 3;
	if (setpgid(0, 0) != -1 || errno != EPERM)
		return 4;
	pid = fork();
	if (pid == 0)
		_exit(getsid(0) == getppid() && getpgrp() == getppid() && setpgid(0, 0) == 0 &&
				      getpgrp() == getpid()
			      ? 0
			      : 1);
	waitpid(pid, &status, 0);
	if (status)
		return 5;
	return 0;
}

static void test_sessions(void)
{
	int p[2];
	pid_t pid;
	char c;

	tap_returns(in_child(new_session), 0, "setsid, setpgid");
	tap_fails(getsid(999999), ESRCH, "getsid of nobody");
	tap_fails(getpgid(999999), ESRCH, "getpgid of nobody");
	tap_fails(setpgid(1, 0), ESRCH, "setpgid: not a child");
	tap_fails(setpgid(0, -1), EINVAL, "setpgid: negative");
	tap_fails(setpgid(0, 999999), EPERM, "setpgid: no such group");
	pipe(p);
	pid = fork();
	if (pid == 0) {
		setsid();
		write(p[1], "x", 1);
		pause();
	}
	read(p[0], &c, 1);
	tap_fails(setpgid(pid, getpgrp()), EPERM, "setpgid: another session");
	tap_ok(getsid(pid) == pid && getpgid(pid) == pid, "getsid, getpgid of another");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(p[0]);
	close(p[1]);
}

/* --- credentials --- */

static int become_user(void)
{
	uid_t r, e, s;
	gid_t list[4] = { 7, 5, 6 };
	struct stat st;

	if (setgroups(3, list) || getgroups(0, NULL) != 3)
		return 1;
	if (getgroups(4, list) != 3 || list[0] != 5 || list[1] != 6 || list[2] != 7)
		return 2;
	if (getgroups(2, list) != -1 || errno != EINVAL)
		return 3;
	if (setresgid(100, 100, 100) || setresuid(1000, 1001, 1002))
		return 4;
	if (getresuid(&r, &e, &s) || r != 1000 || e != 1001 || s != 1002)
		return 5;
	if (setuid(0) != -1 || errno != EPERM)
		return 6;
	if (setresuid(-1, 1002, -1) || geteuid() != 1002)
		return 7;
	if (setresuid(1001, -1, -1) != -1 || errno != EPERM)
		return 8;
	if (setreuid(-1, 1000) || geteuid() != 1000)
		return 9;
	if (setgroups(0, NULL) != -1 || errno != EPERM)
		return 10;
	if (open("/proc/1/mem", O_RDONLY) != -1 || errno != EACCES)
		return 11;
	if (kill(1, 0) != -1 || errno != EPERM)
		return 12;
	if (sethostname("x", 1) != -1 || errno != EPERM)
		return 13;
	int fd = open("/tmp/of-user", O_CREAT | O_EXCL | O_RDWR, 0666);
	if (fd < 0 || fstat(fd, &st) || st.st_uid != 1000 || st.st_gid != 100 ||
	    (st.st_mode & 0777) != 0644)
		return 14;
	unlink("/tmp/of-user");
	if (fchown(fd, 0, -1) != -1 || errno != EPERM)
		return 15;
	if (fchown(fd, -1, 6))
		return 16;
	struct rlimit rl;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_max++;
	if (setrlimit(RLIMIT_NOFILE, &rl) != -1 || errno != EPERM)
		return 17;
	if (setpriority(PRIO_PROCESS, 0, -5) != -1 || errno != EACCES)
		return 18;
	if (setfsuid(1001) != 1000 || setfsuid(-1) != 1000)
		return 19; /* 1001 is none of its ids any more */
	if (chroot("/tmp") != -1 || errno != EPERM)
		return 20;
	return 0;
}

static int keep_capabilities(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) || !(d[0].effective & 1u << CAP_CHOWN))
		return 1;
	if (prctl(PR_SET_KEEPCAPS, 1) || setresuid(1000, 1000, 1000))
		return 2;
	if (syscall(SYS_capget, &h, d) || d[0].effective != 0 ||
	    !(d[0].permitted & 1u << CAP_CHOWN))
		return 3;
	d[0].effective = d[0].permitted = 1u << CAP_SETUID;
	d[1].effective = d[1].permitted = 0;
	if (syscall(SYS_capset, &h, d))
		return 4;
	d[0].permitted |= 1u << CAP_CHOWN;
	if (syscall(SYS_capset, &h, d) != -1 || errno != EPERM)
		return 5;
	if (setuid(1234) || getuid() != 1234)
		return 6;
	h.version = 1;
	if (syscall(SYS_capget, &h, d) != -1 || errno != EINVAL ||
	    h.version != _LINUX_CAPABILITY_VERSION_3)
		return 7;
	return 0;
}

static int set_user_id_program(void)
{
	char *argv[] = { "x", "none", NULL };
	struct stat st;
	int from = open(self, O_RDONLY),
	    to = open("/tmp/setuid", O_WRONLY | O_CREAT | O_TRUNC, 0755);
	long n;

	while ((n = read(from, buffer, sizeof(buffer))) > 0)
		write(to, buffer, (size_t)n);
	fchown(to, 1000, 100);
	fchmod(to, 06755);
	close(from);
	if (fstat(to, &st) || (st.st_mode & 07777) != 06755)
		return 1;
	/* Somebody else's write takes the bits away. */
	if (fork() == 0) {
		setuid(2000);
		write(to, "", 0);
		pwrite(to, "\177", 1, 0);
		_exit(0);
	}
	wait(NULL);
	if (fstat(to, &st) || (st.st_mode & 07777) != 0755)
		return 2;
	fchmod(to, 04755);
	chown("/tmp/setuid", 1001, 100);
	if (fstat(to, &st) || (st.st_mode & 07777) != 0755)
		return 3;
	close(to);
	unlink("/tmp/setuid");
	(void)argv;
	return 0;
}

static void test_credentials(void)
{
	tap_ok(getuid() == 0 && geteuid() == 0 && getgid() == 0, "root");
	tap_returns(in_child(become_user), 0,
		    "an ordinary user's ids, groups, and what it may not");
	tap_returns(in_child(keep_capabilities), 0, "capabilities");
	tap_returns(in_child(set_user_id_program), 0,
		    "set-user-id bits are lost by writes and chown");
	tap_fails(setuid(-1), EINVAL, "no user -1");
	tap_fails(setresuid(1, 2, 3) == 0 && setuid(0) == -1 ? -1 : 0, EPERM, "no way back");
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return again(argc, argv);
	test_fork_wait();
	test_clone();
	test_exec();
	test_limits();
	test_prctl();
	test_sessions();
	test_credentials();
	return tap_done();
}

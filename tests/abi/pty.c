/* SPDX-License-Identifier: MIT */
/* Terminals: pseudo-terminal pairs, line editing, signals, raw reads, packet mode, hang-up, ioctls. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

static int m, s; /* the master and the slave */
static char slave_name[64];

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static bool open_pair(int flags)
{
	int unlock = 0, n = -1;

	m = open("/dev/ptmx", O_RDWR | O_NOCTTY | flags);
	if (m < 0 || ioctl(m, TIOCSPTLCK, &unlock) || ioctl(m, TIOCGPTN, &n))
		return false;
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", n);
	s = open(slave_name, O_RDWR | O_NOCTTY | flags);
	return s >= 0;
}

static void close_pair(void)
{
	close(s);
	close(m);
}

/*
 * What can be read now from fd (after at most 200 ms), with control characters as ^X: one read of the slave, all that
 * comes without a pause from the master.
 */
static const char *take(int fd)
{
	static char text[600];
	char raw[256];
	struct pollfd p = { fd, POLLIN, 0 };
	size_t at = 0;
	long n = 0;

	text[0] = '\0';
	for (int ms = 200; poll(&p, 1, ms) > 0 && (p.revents & POLLIN); ms = 15) {
		n = read(fd, raw, sizeof(raw));
		for (long i = 0; i < n && at < sizeof(text) - 2; i++) {
			unsigned char c = (unsigned char)raw[i];
			if (c < 32 || c == 127) {
				text[at++] = '^';
				c ^= 64;
			}
			text[at++] = (char)c;
		}
		text[at] = '\0';
		if (fd != m || n <= 0)
			break;
	}
	return n < 0 ? "(error)" : text;
}

static void gives(int fd, const char *want, const char *what)
{
	const char *got = take(fd);

	if (!tap_ok(!strcmp(got, want), "%s", what))
		tap_note("got \"%s\", wanted \"%s\"", got, want);
}

static void put(int fd, const char *text) { write(fd, text, strlen(text)); }

static int waiting(int fd)
{
	int n = -1;

	ioctl(fd, FIONREAD, &n);
	return n;
}

static void change(tcflag_t iset, tcflag_t iclear, tcflag_t lset, tcflag_t lclear)
{
	struct termios t;

	tcgetattr(s, &t);
	t.c_iflag = (t.c_iflag | iset) & ~iclear;
	t.c_lflag = (t.c_lflag | lset) & ~lclear;
	tcsetattr(s, TCSANOW, &t);
}

static void test_open(void)
{
	struct termios t;
	struct winsize ws;
	struct stat st, st2;
	int n = -1, lock = -1, peer;

	m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	tap_ok(m >= 0, "/dev/ptmx");
	ioctl(m, TIOCGPTN, &n);
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", n);
	tap_ok(stat(slave_name, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) == 136 && (int)minor(st.st_rdev) == n,
	       "its slave in /dev/pts");
	tap_ok((st.st_mode & 0777) == 0620, "with devpts' mode");
	tap_ok(ioctl(m, TIOCGPTLCK, &lock) == 0 && lock == 1, "locked");
	tap_fails(open(slave_name, O_RDWR | O_NOCTTY), EIO, "so it cannot be opened");
	lock = 0;
	tap_returns(ioctl(m, TIOCSPTLCK, &lock), 0, "unlocked");
	s = open(slave_name, O_RDWR | O_NOCTTY);
	tap_ok(s >= 0, "it can");
	peer = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	tap_ok(peer >= 0 && fstat(peer, &st) == 0 && fstat(s, &st2) == 0 && st.st_rdev == st2.st_rdev, "TIOCGPTPEER");
	close(peer);
	tap_fails(ioctl(s, TIOCGPTN, &n), ENOTTY, "a slave has no TIOCGPTN");
	tap_ok(isatty(s) && isatty(m), "both are terminals");
	tap_returns(tcgetattr(s, &t), 0, "TCGETS");
	tap_ok(t.c_iflag == (ICRNL | IXON) && t.c_oflag == (OPOST | ONLCR), "input and output flags");
	tap_ok(t.c_lflag == (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN), "local flags");
	tap_ok((t.c_cflag & ~(unsigned)(CBAUD | CIBAUD)) == (CS8 | CREAD), "control flags");
	tap_ok(cfgetospeed(&t) == B38400, "38400 baud");
	tap_ok(t.c_cc[VINTR] == 3 && t.c_cc[VQUIT] == 28 && t.c_cc[VERASE] == 127 && t.c_cc[VKILL] == 21 && t.c_cc[VEOF] == 4 &&
		       t.c_cc[VMIN] == 1 && t.c_cc[VTIME] == 0 && t.c_cc[VSTART] == 17 && t.c_cc[VSTOP] == 19 &&
		       t.c_cc[VSUSP] == 26 && t.c_cc[VWERASE] == 23 && t.c_cc[VLNEXT] == 22 && t.c_cc[VREPRINT] == 18 &&
		       t.c_cc[VDISCARD] == 15,
	       "characters");
	tap_ok(ioctl(s, TIOCGWINSZ, &ws) == 0 && ws.ws_row == 0 && ws.ws_col == 0, "no size");
	ws = (struct winsize) { 24, 80, 0, 0 };
	tap_returns(ioctl(m, TIOCSWINSZ, &ws), 0, "the master sets one");
	ws = (struct winsize) { 0 };
	tap_ok(ioctl(s, TIOCGWINSZ, &ws) == 0 && ws.ws_row == 24 && ws.ws_col == 80, "the slave has it");
	tap_fails(ioctl(s, 0x5499, 0), ENOTTY, "unknown ioctl");
	tap_fails(tcsetattr(s, 99, &t), EINVAL, "tcsetattr: unknown action");
	tap_fails(ioctl(s, TCGETS, (void *)8), EFAULT, "TCGETS: nowhere");
	tap_fails(lseek(s, 0, SEEK_CUR), ESPIPE, "no lseek");
	tap_fails(tcgetpgrp(s), ENOTTY, "not the controlling terminal");
	close_pair();
	tap_fails(stat(slave_name, &st), ENOENT, "both closed: the slave is gone");
}

static void test_canonical(void)
{
	struct pollfd p;

	open_pair(O_NONBLOCK);
	p = (struct pollfd) { s, POLLIN, 0 };
	put(m, "hel");
	gives(m, "hel", "typing is echoed");
	tap_returns(poll(&p, 1, 0), 0, "no line yet");
	tap_fails(read(s, &p, 1), EAGAIN, "so nothing to read");
	tap_returns(waiting(s), 0, "FIONREAD");
	put(m, "lo\r");
	gives(m, "lo^M^J", "return is echoed as a new line");
	tap_returns(waiting(s), 6, "FIONREAD: a line");
	gives(s, "hello^J", "and read as one");
	put(m, "abc\177d\n");
	gives(m, "abc^H ^Hd^M^J", "erase wipes a character");
	gives(s, "abd^J", "which is not read");
	put(m, "one two\027x\n");
	gives(m, "one two^H ^H^H ^H^H ^Hx^M^J", "word erase");
	gives(s, "one x^J", "takes a word");
	put(m, "junk\025ok\n");
	gives(m, "junk^H ^H^H ^H^H ^H^H ^Hok^M^J", "kill");
	gives(s, "ok^J", "takes the line");
	put(m, "\177\177x\n");
	gives(m, "x^M^J", "nothing to erase");
	gives(s, "x^J", "is nothing");
	put(m, "a\001b\n");
	gives(m, "a^Ab^M^J", "control characters are echoed as two");
	gives(s, "a^Ab^J", "and read as they are");
	put(m, "x\001\177\n");
	gives(m, "x^A^H ^H^H ^H^M^J", "erasing one wipes both");
	take(s);
	put(m, "a\tb\177\177\n");
	gives(m, "a^Ib^H ^H^H^H^H^H^H^H^H^M^J", "erasing a tab goes back to its column");
	take(s);
	put(m, "\026\003\026\177\n");
	gives(m, "^^H^C^^H^?^M^J", "literal next");
	gives(s, "^C^?^J", "takes special characters");
	put(m, "typed\022");
	gives(m, "typed^R^M^Jtyped", "reprint");
	put(m, "\n");
	take(m);
	take(s);
	put(m, "part\004");
	gives(m, "part", "end of file is not echoed");
	gives(s, "part", "and gives what was typed");
	put(m, "\004");
	tap_ok(poll(&p, 1, 200) == 1 && read(s, &p, 8) == 0, "alone it is the end");
	p = (struct pollfd) { s, POLLIN, 0 };
	put(m, "first\nsecond\n");
	gives(s, "first^J", "a read takes one line");
	gives(s, "second^J", "then the next");
	put(m, "split\n");
	char c[3];
	poll(&p, 1, 500);
	tap_ok(read(s, c, 3) == 3 && !memcmp(c, "spl", 3), "a short read takes a part");
	gives(s, "it^J", "the rest stays");
	take(m);
	put(s, "out\nput\n");
	gives(m, "out^M^Jput^M^J", "output: new line becomes return and new line");
	change(0, 0, 0, ECHO);
	put(m, "quiet\n");
	gives(m, "", "without ECHO nothing");
	gives(s, "quiet^J", "the line comes");
	change(0, 0, ECHONL, 0);
	put(m, "nl\n");
	gives(m, "^M^J", "ECHONL");
	take(s);
	change(0, 0, ECHO, ECHONL);
	change(IUCLC, 0, 0, 0);
	put(m, "UP\n");
	gives(s, "up^J", "IUCLC");
	take(m);
	change(IGNCR, IUCLC, 0, 0);
	put(m, "a\rb\n");
	gives(s, "ab^J", "IGNCR");
	take(m);
	change(INLCR, IGNCR | ICRNL, 0, 0);
	put(m, "a\n\r");
	take(m);
	change(ICRNL, INLCR, 0, 0);
	tcflush(s, TCIFLUSH);
	put(m, "gone");
	take(m);
	tap_returns(tcflush(s, TCIFLUSH), 0, "tcflush");
	put(m, "kept\n");
	gives(s, "kept^J", "drops what was typed");
	take(m);
	char line[5000];
	memset(line, 'x', sizeof(line));
	change(0, 0, 0, ECHO);
	for (int i = 0; i < 5; i++)
		write(m, line, 1000);
	put(m, "\n");
	p = (struct pollfd) { s, POLLIN, 0 };
	poll(&p, 1, 1000);
	tap_returns(read(s, line, sizeof(line)), 4096, "a line has at most 4096 characters");
	close_pair();
}

static void test_raw(void)
{
	struct termios t;
	char c[8];
	long long start;
	int pid, status;

	open_pair(0);
	tcgetattr(s, &t);
	cfmakeraw(&t);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	tap_returns(tcsetattr(s, TCSANOW, &t), 0, "raw");
	put(m, "\003\r\n\177");
	gives(s, "^C^M^J^?", "bytes as they are");
	put(s, "a\nb");
	gives(m, "a^Jb", "both ways");
	t.c_cc[VMIN] = 0;
	t.c_cc[VTIME] = 0;
	tcsetattr(s, TCSANOW, &t);
	tap_returns(read(s, c, 8), 0, "VMIN 0, VTIME 0: no waiting");
	t.c_cc[VTIME] = 1;
	tcsetattr(s, TCSANOW, &t);
	start = now_ms();
	tap_returns(read(s, c, 8), 0, "VTIME 1: nothing");
	tap_ok(now_ms() - start >= 95 && now_ms() - start < 1000, "after a tenth of a second");
	put(m, "x");
	tap_returns(read(s, c, 8), 1, "or a byte at once");
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 0;
	tcsetattr(s, TCSANOW, &t);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 3; i++) {
			usleep(5000);
			put(m, "z");
		}
		_exit(0);
	}
	tap_returns(read(s, c, 8), 3, "VMIN 3 waits for three");
	waitpid(pid, &status, 0);
	t.c_cc[VMIN] = 5;
	t.c_cc[VTIME] = 1;
	tcsetattr(s, TCSANOW, &t);
	put(m, "ab");
	start = now_ms();
	tap_returns(read(s, c, 8), 2, "VMIN 5, VTIME 1: what came before a pause");
	tap_ok(now_ms() - start >= 95, "of a tenth of a second");
	put(m, "left");
	t.c_lflag |= ICANON;
	for (int i = 0; i < 500 && waiting(s) != 4; i++)
		usleep(1000);
	tap_returns(waiting(s), 4, "FIONREAD");
	tcsetattr(s, TCSAFLUSH, &t);
	tap_returns(waiting(s), 0, "TCSAFLUSH drops it");
	put(s, "stop");
	tap_returns(tcflow(s, TCOOFF), 0, "output stopped");
	struct pollfd p = { s, POLLOUT, 0 };
	tap_returns(poll(&p, 1, 0), 0, "poll: not writable");
	tap_returns(tcflow(s, TCOON), 0, "started");
	tap_returns(poll(&p, 1, 0), 1, "poll: writable");
	gives(m, "stop", "the output");
	tap_returns(tcdrain(s), 0, "tcdrain");
	tap_returns(tcsendbreak(s, 0), 0, "tcsendbreak");
	close_pair();
}

static volatile sig_atomic_t got[65];

static void on_signal(int sig) { got[sig]++; }

static bool soon(int sig)
{
	for (int i = 0; i < 500 && !got[sig]; i++)
		usleep(1000);
	return got[sig] == 1;
}

/* In a child that leads a session with the slave as its terminal: exit status is the number of the first failure. */
static int session(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct winsize ws = { 10, 20, 0, 0 };
	char c[64];
	int sigs[] = { SIGINT, SIGQUIT, SIGTSTP, SIGWINCH, SIGHUP, SIGCONT, SIGTTOU };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaction(sigs[i], &sa, NULL);
	if (setsid() < 0 || open_pair(0) == false)
		return 1;
	if (open("/dev/tty", O_RDWR) >= 0 || errno != ENXIO)
		return 2;
	if (ioctl(s, TIOCSCTTY, 0))
		return 3;
	int tty = open("/dev/tty", O_RDWR);
	if (tty < 0 || tcgetpgrp(tty) != getpid() || tcgetsid(s) != getpid())
		return 4;
	put(m, "\003");
	/* Each echo is taken before the next signal, which drops output that is on its way. */
	if (!soon(SIGINT) || strcmp(take(m), "^C"))
		return 5;
	put(m, "\034");
	if (!soon(SIGQUIT) || strcmp(take(m), "^\\"))
		return 6;
	put(m, "\032");
	if (!soon(SIGTSTP) || strcmp(take(m), "^Z"))
		return 7;
	ioctl(m, TIOCSWINSZ, &ws);
	if (!soon(SIGWINCH))
		return 8;
	ioctl(m, TIOCSWINSZ, &ws);
	usleep(2000);
	if (got[SIGWINCH] != 1)
		return 9;
	put(m, "gone\003kept\n");
	usleep(5000);
	if (strcmp(take(s), "kept^J"))
		return 11;
	change(0, 0, NOFLSH, 0);
	got[SIGINT] = 0;
	put(m, "stays\003kept\n");
	usleep(5000);
	if (strcmp(take(s), "stayskept^J"))
		return 12;
	struct pollfd p = { s, POLLOUT, 0 };
	put(m, "\023");
	for (int i = 0; i < 500 && poll(&p, 1, 0) != 0; i++)
		usleep(1000);
	if (poll(&p, 1, 0) != 0)
		return 13;
	put(m, "\021");
	if (poll(&p, 1, 500) != 1)
		return 14;
	if (ioctl(m, TIOCSIG, SIGQUIT) == 0)
		if (got[SIGQUIT] = 0, ioctl(m, TIOCSIG, SIGQUIT), !soon(SIGQUIT))
			return 15;
	if (tcsetpgrp(s, 999999) == 0 || errno != ESRCH)
		return 16;
	close(m);
	if (!soon(SIGHUP))
		return 17;
	if (read(s, c, 1) != 0)
		return 18;
	if (write(s, "x", 1) != -1 || errno != EIO)
		return 19;
	p.events = POLLIN | POLLOUT;
	if (poll(&p, 1, 0) != 1 || !(p.revents & POLLHUP))
		return 20;
	if (tcgetattr(s, &(struct termios) { 0 }) == 0 || errno != EIO)
		return 21;
	return 0;
}

static void test_session(void)
{
	int status;

	fflush(stdout);
	if (fork() == 0)
		_exit(session());
	wait(&status);
	if (!tap_ok(status == 0, "a controlling terminal: signals, sizes, flow control, hang-up"))
		tap_note("failed at %d (status %x)", WEXITSTATUS(status), status);
}

static void test_background(void)
{
	int status, pid, rc = 0;

	fflush(stdout);
	if (fork() == 0) {
		setsid();
		open_pair(0);
		ioctl(s, TIOCSCTTY, 0);
		signal(SIGTTOU, SIG_IGN);
		pid = fork();
		if (pid == 0) {
			char c;

			setpgid(0, 0);
			signal(SIGTTIN, SIG_DFL);
			read(s, &c, 1);
			read(s, &c, 1);
			_exit(c);
		}
		setpgid(pid, pid);
		waitpid(pid, &status, WUNTRACED);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTTIN)
			rc = 1;
		tcsetpgrp(s, pid);
		kill(pid, SIGCONT);
		put(m, "\nA\n");
		waitpid(pid, &status, WUNTRACED);
		/* The first read, restarted, has taken the empty line. */
		if (!rc && (!WIFEXITED(status) || WEXITSTATUS(status) != 'A'))
			rc = 2;
		pid = fork();
		if (pid == 0) {
			setpgid(0, 0);
			signal(SIGTTIN, SIG_IGN);
			char c;
			_exit(read(s, &c, 1) == -1 && errno == EIO ? 0 : 1);
		}
		waitpid(pid, &status, 0);
		if (!rc && status)
			rc = 3;
		tcsetpgrp(s, getpid());
		struct termios t;
		tcgetattr(s, &t);
		t.c_lflag |= TOSTOP;
		tcsetattr(s, TCSANOW, &t);
		pid = fork();
		if (pid == 0) {
			setpgid(0, 0);
			signal(SIGTTOU, SIG_DFL);
			put(s, "x");
			_exit(7);
		}
		waitpid(pid, &status, WUNTRACED);
		if (!rc && (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTTOU))
			rc = 4;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		_exit(rc);
	}
	wait(&status);
	if (!tap_ok(status == 0, "the background: SIGTTIN, EIO, SIGTTOU"))
		tap_note("failed at %d", WEXITSTATUS(status));
}

static void test_packet(void)
{
	int on = 1;
	struct pollfd p;

	open_pair(O_NONBLOCK);
	p = (struct pollfd) { m, POLLIN | POLLPRI, 0 };
	tap_returns(ioctl(m, TIOCPKT, &on), 0, "packet mode");
	on = 0;
	tap_ok(ioctl(m, TIOCGPKT, &on) == 0 && on == 1, "TIOCGPKT");
	put(s, "data");
	gives(m, "^@data", "data after a zero");
	tcflush(s, TCIFLUSH);
	tap_ok(poll(&p, 1, 200) == 1 && (p.revents & POLLPRI), "poll: POLLPRI");
	char c[8];
	tap_ok(read(m, c, 8) == 1 && c[0] == TIOCPKT_FLUSHREAD, "TIOCPKT_FLUSHREAD");
	tcflow(s, TCOOFF);
	tap_ok(read(m, c, 8) == 1 && c[0] == TIOCPKT_STOP, "TIOCPKT_STOP");
	tcflow(s, TCOON);
	tap_ok(read(m, c, 8) == 1 && c[0] == TIOCPKT_START, "TIOCPKT_START");
	change(0, IXON, 0, 0);
	tap_ok(read(m, c, 8) == 1 && c[0] == TIOCPKT_NOSTOP, "TIOCPKT_NOSTOP");
	tap_fails(read(m, c, 8), EAGAIN, "nothing more");
	close_pair();
}

static void test_hangup(void)
{
	char c[8];
	struct pollfd p;

	open_pair(0);
	put(s, "last");
	close(s);
	p = (struct pollfd) { m, POLLIN, 0 };
	tap_ok(poll(&p, 1, 200) == 1 && (p.revents & POLLHUP), "the slave closed: POLLHUP");
	tap_ok(read(m, c, 8) == 4 && !memcmp(c, "last", 4), "what it wrote can be read");
	tap_fails(read(m, c, 8), EIO, "then EIO");
	s = open(slave_name, O_RDWR | O_NOCTTY);
	tap_ok(s >= 0, "the slave can be opened again");
	put(s, "more");
	gives(m, "more", "and works");
	tap_returns(ioctl(s, TIOCEXCL, 0), 0, "TIOCEXCL");
	int again = open(slave_name, O_RDWR | O_NOCTTY);
	tap_ok(again >= 0, "does not stop root");
	close(again);
	close_pair();
	open_pair(0);
	close(m);
	tap_returns(read(s, c, 8), 0, "the master closed: end of file");
	tap_fails(write(s, "x", 1), EIO, "EIO for writing");
	close(s);
}

int main(void)
{
	alarm(20);
	test_open();
	test_canonical();
	test_raw();
	test_session();
	test_background();
	test_packet();
	test_hangup();
	return tap_done();
}

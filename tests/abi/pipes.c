/* SPDX-License-Identifier: MIT */
/* Pipes and FIFOs: blocking, atomic writes, sizes, hang-up, packets; splice, tee, vmsplice, sendfile. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static char big[256 * 1024];
static volatile sig_atomic_t sigpipes, alarms;

static void on_signal(int sig)
{
	if (sig == SIGPIPE)
		sigpipes++;
	else
		alarms++;
}

static int queued(int fd)
{
	int n = -1;

	ioctl(fd, FIONREAD, &n);
	return n;
}

static int events(int fd, int what)
{
	struct pollfd p = { fd, what, 0 };

	return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void test_create(void)
{
	int p[2], q[2] = { -7, -7 };
	struct stat st;

	tap_returns(pipe(p), 0, "a pipe");
	tap_ok((fcntl(p[0], F_GETFL) & O_ACCMODE) == O_RDONLY && (fcntl(p[1], F_GETFL) & O_ACCMODE) == O_WRONLY,
	       "one end reads, one writes");
	tap_ok(fstat(p[0], &st) == 0 && S_ISFIFO(st.st_mode) && st.st_nlink == 1 && st.st_size == 0, "fstat: a FIFO");
	tap_ok((st.st_mode & 07777) == 0600, "its mode is 0600");
	tap_ok(st.st_blksize == 4096, "blocks of a page");
	tap_fails(write(p[0], "x", 1), EBADF, "no writing at the reading end");
	tap_fails(read(p[1], big, 1), EBADF, "no reading at the writing end");
	tap_fails(lseek(p[0], 0, SEEK_CUR), ESPIPE, "no lseek");
	tap_fails(pread(p[0], big, 1, 0), ESPIPE, "no pread");
	tap_fails(ftruncate(p[1], 0), EINVAL, "no ftruncate");
	tap_fails(fsync(p[0]), EINVAL, "no fsync");
	tap_ok(!isatty(p[0]) && errno == ENOTTY, "not a terminal");
	close(p[0]);
	close(p[1]);
	tap_fails(pipe2(q, O_APPEND), EINVAL, "pipe2: another flag");
	tap_ok(q[0] == -7 && q[1] == -7, "nothing is stored then");
	tap_fails(pipe2((int *)8, 0), EFAULT, "pipe2: nowhere to store");
	tap_returns(pipe2(q, O_CLOEXEC | O_NONBLOCK), 0, "pipe2");
	tap_ok(fcntl(q[0], F_GETFD) == FD_CLOEXEC && fcntl(q[1], F_GETFD) == FD_CLOEXEC, "close-on-exec");
	tap_fails(read(q[0], big, 1), EAGAIN, "empty and non-blocking");
	tap_returns(read(q[0], big, 0), 0, "nothing asked, nothing read");
	close(q[1]);
	tap_returns(read(q[0], big, 1), 0, "end of file without writers");
	close(q[0]);
}

static void test_capacity(void)
{
	struct iovec iov[2] = { { big, 4096 }, { big, 4096 } };
	int p[2], fd;

	pipe2(p, O_NONBLOCK);
	tap_returns(fcntl(p[0], F_GETPIPE_SZ), 65536, "16 pages");
	tap_returns(write(p[1], big, 70000), 65536, "a write takes what fits");
	tap_fails(write(p[1], big, 1), EAGAIN, "then none");
	tap_returns(queued(p[0]), 65536, "FIONREAD");
	tap_returns(events(p[1], POLLOUT), 0, "poll: cannot be written");
	tap_returns(read(p[0], big, 100), 100, "reading a part of a page");
	tap_fails(write(p[1], big, 1), EAGAIN, "frees no page");
	tap_returns(read(p[0], big, 3996), 3996, "the rest of it");
	tap_returns(events(p[1], POLLOUT), POLLOUT, "does");
	tap_returns(write(p[1], big, 4097), 4096, "more than PIPE_BUF may be split");
	tap_returns(read(p[0], big, 4096), 4096, "room for a page");
	tap_returns(write(p[1], big, 4000), 4000, "which is used in part");
	tap_returns(write(p[1], big, 96), 96, "the rest takes more");
	tap_fails(write(p[1], big, 1), EAGAIN, "until it is full");
	while (read(p[0], big, sizeof(big)) > 0)
		;
	tap_returns(fcntl(p[1], F_SETPIPE_SZ, 5000), 8192, "sizes are rounded up to a power of two pages");
	tap_returns(writev(p[1], iov, 2), 8192, "writev");
	tap_fails(fcntl(p[1], F_SETPIPE_SZ, 4096), EBUSY, "not smaller than what is in it");
	tap_returns(fcntl(p[1], F_SETPIPE_SZ, 16384), 16384, "but larger");
	tap_returns(queued(p[1]), 8192, "with its contents");
	tap_fails(fcntl(p[1], F_SETPIPE_SZ, 1U << 31 | 1), EINVAL, "too large");
	tap_returns(fcntl(p[1], F_SETPIPE_SZ, 2 << 20), 2 << 20, "root may have more than 1 MiB");
	read(p[0], big, 8192);
	tap_returns(fcntl(p[1], F_SETPIPE_SZ, 100), 4096, "an empty one can have a page");
	close(p[0]);
	close(p[1]);
	fd = open("/dev/null", O_RDWR);
	tap_fails(fcntl(fd, F_GETPIPE_SZ), EBADF, "F_GETPIPE_SZ of what is no pipe");
	close(fd);
}

static void test_data(void)
{
	long total = 0;
	char out[64];
	int p[2], status;

	pipe(p);
	write(p[1], "hello ", 6);
	write(p[1], "world", 5);
	tap_ok(read(p[0], out, 64) == 11 && !memcmp(out, "hello world", 11), "short writes are joined");
	write(p[1], "abcdef", 6);
	tap_ok(read(p[0], out, 2) == 2 && read(p[0], out + 2, 9) == 4 && !memcmp(out, "abcdef", 6), "a read takes a part");
	tap_fails(write(p[1], (char *)8, 5), EFAULT, "writing from nowhere");
	tap_returns(queued(p[0]), 0, "leaves nothing");
	write(p[1], "keep", 4);
	tap_fails(read(p[0], (char *)8, 4), EFAULT, "reading to nowhere");
	tap_ok(read(p[0], out, 9) == 4 && !memcmp(out, "keep", 4), "takes nothing");
	close(p[0]);
	close(p[1]);

	pipe(p);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i % 251);
	if (fork() == 0) {
		close(p[1]);
		for (long n; (n = read(p[0], out, 61)) > 0;)
			for (long i = 0; i < n; i++, total++)
				if (out[i] != (char)(total % 251))
					_exit(1);
		_exit(total == sizeof(big) ? 0 : 2);
	}
	close(p[0]);
	tap_returns(write(p[1], big, sizeof(big)), sizeof(big), "a blocking write writes all");
	close(p[1]);
	wait(&status);
	tap_returns(status, 0, "a reader in another process gets all in order");
}

static void test_hangup(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int p[2];

	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	pipe(p);
	tap_returns(events(p[0], POLLIN), 0, "poll: nothing to read");
	write(p[1], "x", 1);
	tap_returns(events(p[0], POLLIN), POLLIN, "poll: readable");
	close(p[1]);
	tap_returns(events(p[0], POLLIN), POLLIN | POLLHUP, "poll: the last bytes and hang-up");
	read(p[0], big, 1);
	tap_returns(events(p[0], POLLIN), POLLHUP, "poll: hang-up");
	close(p[0]);

	pipe(p);
	close(p[0]);
	tap_returns(events(p[1], POLLOUT), POLLOUT | POLLERR, "poll: no reader");
	tap_fails(write(p[1], "x", 1), EPIPE, "writing without a reader");
	tap_returns(sigpipes, 1, "SIGPIPE");
	tap_returns(write(p[1], "x", 0), 0, "but nothing can be written");
	close(p[1]);

	pipe(p);
	ualarm(20000, 0);
	tap_fails(read(p[0], big, 1), EINTR, "a signal ends a read");
	ualarm(20000, 0);
	tap_returns(write(p[1], big, 70000), 65536, "and a write, which says how far it came");
	tap_returns(alarms, 2, "the handler ran");
	if (fork() == 0) {
		close(p[0]);
		_exit(0);
	}
	wait(NULL);
	close(p[0]);
	close(p[1]);
}

static void test_packets(void)
{
	char out[32];
	int p[2];

	tap_returns(pipe2(p, O_DIRECT | O_NONBLOCK), 0, "a pipe of packets");
	write(p[1], "first", 5);
	write(p[1], "second", 6);
	tap_returns(queued(p[0]), 11, "two are in it");
	tap_ok(read(p[0], out, 32) == 5 && !memcmp(out, "first", 5), "a read takes one");
	tap_returns(read(p[0], out, 3), 3, "a short read");
	tap_fails(read(p[0], out, 3), EAGAIN, "drops the rest");
	close(p[0]);
	close(p[1]);
}

static void test_fifo(void)
{
	int r, w, status;
	char out[8];
	struct stat st;

	unlink("/tmp/fifo");
	tap_returns(mkfifo("/tmp/fifo", 0640), 0, "mkfifo");
	tap_fails(mkfifo("/tmp/fifo", 0640), EEXIST, "again");
	tap_ok(stat("/tmp/fifo", &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0640, "stat");
	tap_fails(open("/tmp/fifo", O_WRONLY | O_NONBLOCK), ENXIO, "no reader to write to");
	r = open("/tmp/fifo", O_RDONLY | O_NONBLOCK);
	tap_ok(r >= 0, "a reader need not wait");
	tap_returns(read(r, out, 1), 0, "it reads the end of the file");
	tap_returns(events(r, POLLIN), 0, "poll: no hang-up before the first writer");
	w = open("/tmp/fifo", O_WRONLY | O_NONBLOCK);
	tap_ok(w >= 0, "now a writer can come");
	tap_fails(read(r, out, 1), EAGAIN, "nothing yet");
	tap_returns(write(w, "abc", 3), 3, "write");
	close(w);
	tap_returns(events(r, POLLIN), POLLIN | POLLHUP, "poll: bytes and hang-up");
	tap_ok(read(r, out, 8) == 3 && !memcmp(out, "abc", 3), "read");
	tap_returns(read(r, out, 8), 0, "end");
	close(r);
	if (fork() == 0) {
		w = open("/tmp/fifo", O_WRONLY);
		_exit(write(w, "hi", 2) == 2 ? 0 : 1);
	}
	r = open("/tmp/fifo", O_RDONLY);
	tap_ok(read(r, out, 8) == 2 && !memcmp(out, "hi", 2), "both wait for each other in open");
	wait(&status);
	close(r);
	tap_returns(status, 0, "the writer wrote");
	r = open("/tmp/fifo", O_RDWR);
	tap_ok(r >= 0, "O_RDWR waits for nobody");
	tap_returns(write(r, "me", 2), 2, "it can talk");
	tap_returns(read(r, out, 8), 2, "to itself");
	tap_ok(unlink("/tmp/fifo") == 0 && write(r, "me", 2) == 2, "also without a name");
	close(r);
}

static void test_splice(void)
{
	char out[64] = "";
	int p[2], q[2], in, fd;
	struct iovec iov = { "vmspliced", 9 };
	loff_t off;
	off_t pos;

	in = open("/tmp/splice-in", O_RDWR | O_CREAT | O_TRUNC, 0600);
	fd = open("/tmp/splice-out", O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(in, "0123456789", 10);
	pipe(p);
	pipe(q);
	off = 2;
	tap_returns(splice(in, &off, p[1], NULL, 5, 0), 5, "splice: from a file at an offset");
	tap_ok(off == 7 && lseek(in, 0, SEEK_CUR) == 10, "which moves, not the file's own");
	tap_returns(tee(p[0], q[1], 64, 0), 5, "tee");
	tap_returns(queued(p[0]), 5, "leaves its input");
	tap_returns(splice(p[0], NULL, fd, NULL, 64, 0), 5, "splice: to a file");
	tap_ok(lseek(fd, 0, SEEK_CUR) == 5 && pread(fd, out, 64, 0) == 5 && !memcmp(out, "23456", 5), "the bytes");
	tap_ok(read(q[0], out, 64) == 5 && !memcmp(out, "23456", 5), "tee's copy");
	tap_returns(vmsplice(p[1], &iov, 1, 0), 9, "vmsplice");
	tap_returns(splice(p[0], NULL, q[1], NULL, 3, 0), 3, "splice: pipe to pipe");
	tap_ok(read(q[0], out, 64) == 3 && !memcmp(out, "vms", 3), "a part");
	tap_ok(read(p[0], out, 64) == 6 && !memcmp(out, "pliced", 6), "the rest");
	tap_fails(splice(in, NULL, fd, NULL, 5, 0), EINVAL, "splice: no pipe");
	off = 0;
	tap_fails(splice(p[0], &off, fd, NULL, 5, 0), ESPIPE, "splice: a pipe has no offset");
	tap_fails(splice(p[0], NULL, p[1], NULL, 5, 0), EINVAL, "splice: from a pipe to itself");
	tap_fails(splice(p[0], NULL, fd, NULL, 5, SPLICE_F_NONBLOCK), EAGAIN, "splice: empty");
	tap_fails(tee(p[0], q[1], 5, SPLICE_F_NONBLOCK), EAGAIN, "tee: empty");
	tap_fails(tee(in, q[1], 5, 0), EINVAL, "tee: no pipe");
	tap_fails(splice(p[0], NULL, fd, NULL, 5, 0x80), EINVAL, "splice: unknown flags");
	tap_returns(splice(in, NULL, p[1], NULL, 5, 0), 0, "splice: end of the file");
	pos = 1;
	tap_returns(sendfile(fd, in, &pos, 4), 4, "sendfile: file to file");
	tap_ok(pos == 5 && pread(fd, out, 64, 0) == 9 && !memcmp(out, "234561234", 9), "the bytes");
	lseek(in, 8, SEEK_SET);
	tap_returns(sendfile(p[1], in, NULL, 100), 2, "sendfile: to a pipe, up to the end");
	tap_returns(lseek(in, 0, SEEK_CUR), 10, "the file's position moves");
	tap_fails(sendfile(p[1], p[0], NULL, 1), EINVAL, "sendfile: from a pipe");
	off = 0;
	loff_t to = 20;
	tap_returns(copy_file_range(in, &off, fd, &to, 5, 0), 5, "copy_file_range");
	tap_ok(off == 5 && to == 25, "both offsets move");
	tap_fails(copy_file_range(in, &off, fd, &to, 5, 1), EINVAL, "copy_file_range: flags");
	tap_fails(copy_file_range(p[0], NULL, fd, NULL, 5, 0), EINVAL, "copy_file_range: a pipe");
	fcntl(fd, F_SETFL, O_APPEND);
	tap_fails(splice(p[0], NULL, fd, NULL, 2, 0), EINVAL, "splice: not to a file to append to");
	close(p[1]);
	read(p[0], out, 64);
	tap_returns(splice(p[0], NULL, q[1], NULL, 5, 0), 0, "splice: no writers");
	unlink("/tmp/splice-in");
	unlink("/tmp/splice-out");
}

int main(void)
{
	test_create();
	test_capacity();
	test_data();
	test_hangup();
	test_packets();
	test_fifo();
	test_splice();
	return tap_done();
}

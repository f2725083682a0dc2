/* SPDX-License-Identifier: MIT */
/* Memory: mmap and its flags, munmap, mprotect, mremap, madvise, msync, mincore, mlock, brk, shared
 * and private, memfd. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#ifndef MADV_COLD
#define MADV_COLD 20
#endif

static sigjmp_buf jump;
static volatile sig_atomic_t fault_sig, fault_code;

static void on_fault(int sig, siginfo_t *si, void *ctx)
{
	fault_sig = sig;
	fault_code = si->si_code;
	siglongjmp(jump, 1);
}

/* What happens: 0 or the signal. */
static int touch(volatile char *p, bool write)
{
	fault_sig = 0;
	if (sigsetjmp(jump, 1) == 0) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	return fault_sig;
}

/* The line of /proc/self/maps that holds p: "rw-p 00000000" after its addresses, its size in pages.
 */
static long mapping_of(void *p, char *text)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512], perm[8];
	unsigned long off;
	long pages = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx %7s %lx", &from, &to, perm, &off) == 4 &&
		    (unsigned long)p >= from && (unsigned long)p < to) {
			pages = (long)((to - from) / PAGE);
			if (text)
				sprintf(text, "%s %lx", perm, off);
		}
	if (f)
		fclose(f);
	return pages;
}

static void test_mmap(void)
{
	char text[64];
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0), *q;
	int fd = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0600), ro, status;

	tap_ok(p != MAP_FAILED && ((uintptr_t)p & (PAGE - 1)) == 0, "anonymous memory");
	tap_ok(p[0] == 0 && p[4 * PAGE - 1] == 0, "is zero");
	tap_fails((long)mmap(NULL, 0, RW, ANON, -1, 0), EINVAL, "no length");
	tap_fails((long)mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL,
		  "neither shared nor private");
	tap_fails((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF, "no file");
	tap_fails((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 100), EINVAL,
		  "an offset within a page");
	tap_fails((long)mmap(NULL, 1UL << 60, RW, ANON | MAP_NORESERVE, -1, 0), ENOMEM,
		  "larger than the address space");
	tap_fails((long)mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL,
		  "MAP_FIXED: an address within a page");
	tap_fails((long)mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST,
		  "MAP_FIXED_NOREPLACE: taken");
	tap_ok(mmap(p + PAGE, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0) == p + PAGE,
	       "MAP_FIXED replaces");
	tap_returns(touch(p + PAGE, true), SIGSEGV, "it cannot be written");
	tap_ok(fault_code == SEGV_ACCERR, "SEGV_ACCERR");
	tap_ok(mapping_of(p + PAGE, text) == 1 && !strcmp(text, "r--p 0"), "maps shows it");
	tap_returns(munmap(p + PAGE, PAGE), 0, "munmap of the middle");
	tap_returns(touch(p + PAGE, false), SIGSEGV, "it is gone");
	tap_ok(fault_code == SEGV_MAPERR, "SEGV_MAPERR");
	tap_returns(touch(p, true) + touch(p + 2 * PAGE, true), 0, "both sides are not");
	q = mmap(p + PAGE, PAGE, RW, ANON, -1, 0);
	tap_ok(q == p + PAGE, "a hint is taken where there is room");
	tap_returns(munmap(p, 4 * PAGE), 0, "munmap of all");
	tap_returns(munmap(p, 4 * PAGE), 0, "again");
	tap_fails(munmap(p + 1, PAGE), EINVAL, "munmap: an address within a page");
	tap_fails(munmap(p, 0), EINVAL, "munmap: no length");
	tap_fails(munmap((void *)(1UL << 60), PAGE), EINVAL, "munmap: the kernel's");

	write(fd, "file contents", 13);
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	tap_ok(p != MAP_FAILED && !memcmp(p, "file contents", 14), "a file, zeros after its end");
	memcpy(p, "FILE", 4);
	pread(fd, text, 13, 0);
	tap_ok(!memcmp(text, "FILE contents", 13), "what is stored is in the file");
	pwrite(fd, "again", 5, 0);
	tap_ok(!memcmp(p, "again", 5), "and the other way");
	tap_returns(touch(p + PAGE, false), SIGBUS, "past the file's last page");
	tap_ok(fault_code == BUS_ADRERR, "BUS_ADRERR");
	ftruncate(fd, 2 * PAGE);
	tap_returns(touch(p + PAGE, true), 0, "until the file grows");
	ftruncate(fd, 4);
	tap_returns(touch(p + PAGE, true), SIGBUS, "or shrinks again");
	tap_ok(p[3] == 'i' && p[4] == 0, "the rest of the page is zero");
	q = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	q[0] = 'X';
	tap_ok(p[0] == 'a', "a private mapping keeps changes to itself");
	p[1] = 'Y';
	tap_ok(q[1] == 'g', "and has its own page then");
	if (fork() == 0) {
		p[2] = 'Z';
		q[2] = 'Q';
		_exit(0);
	}
	wait(&status);
	tap_ok(p[2] == 'Z' && q[2] == 'a', "fork: shared is shared, private is not");
	munmap(q, PAGE);
	ro = open("/tmp/mapped", O_RDONLY);
	tap_fails((long)mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES,
		  "a file open for reading: not shared and writable");
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
	tap_fails(mprotect(q, PAGE, RW), EACCES, "nor later");
	munmap(q, PAGE);
	q = mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0);
	tap_ok(q != MAP_FAILED, "but private");
	munmap(q, PAGE);
	close(ro);
	ro = open("/tmp/mapped", O_WRONLY);
	tap_fails((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, ro, 0), EACCES,
		  "a file open for writing only");
	close(ro);
	ro = open("/tmp", O_RDONLY);
	tap_fails((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ro, 0), ENODEV, "a directory");
	close(ro);
	tap_fails((long)mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x800000, fd, 0), EOPNOTSUPP,
		  "MAP_SHARED_VALIDATE: unknown flags");
	munmap(p, 2 * PAGE);
	close(fd);
	unlink("/tmp/mapped");

	p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fork() == 0) {
		p[0] = 5;
		_exit(0);
	}
	wait(&status);
	tap_ok(p[0] == 5, "shared anonymous memory");
	munmap(p, PAGE);
}

static void test_mprotect(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
	char text[64];
	int fd;

	memset(p, 7, 4 * PAGE);
	tap_returns(mprotect(p + PAGE, PAGE, PROT_NONE), 0, "mprotect: none");
	tap_returns(touch(p + PAGE, false), SIGSEGV, "cannot be read");
	fd = open("/dev/null", O_WRONLY);
	int pipes[2];
	pipe(pipes);
	tap_fails(write(pipes[1], p + PAGE, 1), EFAULT, "by the kernel neither");
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	tap_ok(mapping_of(p + PAGE, text) == 1 && !strcmp(text, "---p 0"), "a mapping of its own");
	tap_returns(mprotect(p + PAGE, PAGE, RW), 0, "back");
	tap_ok(touch(p + PAGE, true) == 0 && p[PAGE + 1] == 7, "with its contents");
	tap_returns(mapping_of(p, NULL) >= 4, 1, "and one mapping again");
	tap_returns(mprotect(p, PAGE, PROT_READ), 0, "read-only");
	tap_returns(touch(p, true), SIGSEGV, "cannot be written");
	tap_returns(mprotect(p, 0, PROT_NONE), 0, "no length: nothing");
	tap_fails(mprotect(p + 1, PAGE, RW), EINVAL, "an address within a page");
	tap_fails(mprotect(p, PAGE, 0x100), EINVAL, "unknown protection");
	munmap(p + 2 * PAGE, PAGE);
	tap_fails(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM, "a hole");
	tap_returns(touch(p + PAGE, true), SIGSEGV, "what came before it is changed");
	tap_returns(touch(p + 3 * PAGE, true), 0, "what comes after not");
	munmap(p, 4 * PAGE);
	uint32_t code[2] = { 0x02a00513, 0x00008067 }; /* li a0, 42; ret */
	p = mmap(NULL, PAGE, RW, ANON, -1, 0);
	memcpy(p, code, sizeof(code));
	tap_returns(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0, "executable");
	__builtin___clear_cache(p, p + 8);
	tap_returns(((int (*)(void))p)(), 42, "runs");
	munmap(p, PAGE);
}

static void test_mremap(void)
{
	char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0), *q;

	for (int i = 0; i < 8; i++)
		p[i * PAGE] = (char)(i + 1);
	tap_ok(mremap(p, 8 * PAGE, 6 * PAGE, 0) == p, "mremap: smaller");
	tap_returns(touch(p + 6 * PAGE, false), SIGSEGV, "the end is gone");
	tap_ok(mremap(p, 6 * PAGE, 8 * PAGE, 0) == p, "larger where there is room");
	tap_ok(p[5 * PAGE] == 6 && p[6 * PAGE] == 0, "new pages are zero");
	mmap(p + 4 * PAGE, PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0);
	tap_fails((long)mremap(p, 4 * PAGE, 6 * PAGE, 0), ENOMEM, "no room");
	q = mremap(p, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE);
	tap_ok(q != MAP_FAILED && q != p && q[3 * PAGE] == 4, "unless it may move");
	tap_returns(touch(p, false), SIGSEGV, "the old place is free");
	p = mmap(NULL, 16 * PAGE, PROT_NONE, ANON, -1, 0);
	tap_ok(mremap(q, 6 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE) == p + PAGE,
	       "to a place of one's own");
	tap_ok(p[PAGE] == 1 && touch(p + PAGE, true) == 0, "with contents and protection");
	tap_fails((long)mremap(p + PAGE, PAGE, PAGE, MREMAP_FIXED, p), EINVAL,
		  "MREMAP_FIXED needs MREMAP_MAYMOVE");
	tap_fails((long)mremap(p + PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			       p + 2 * PAGE),
		  EINVAL, "not over itself");
	tap_fails((long)mremap(p + PAGE, PAGE, 0, 0), EINVAL, "no length");
	tap_fails((long)mremap(p + PAGE + 1, PAGE, PAGE, 0), EINVAL, "an address within a page");
	tap_fails((long)mremap(p + PAGE, PAGE, PAGE, 8), EINVAL, "unknown flags");
	tap_fails((long)mremap((void *)PAGE, PAGE, 2 * PAGE, 0), EFAULT, "nothing there");
	tap_fails((long)mremap(p, 3 * PAGE, 8 * PAGE, MREMAP_MAYMOVE), EFAULT, "over two mappings");
	q = mremap(p + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	tap_ok(q != MAP_FAILED && q[0] == 1 && p[PAGE] == 0,
	       "MREMAP_DONTUNMAP leaves the mapping, empty");
	munmap(q, PAGE);
	munmap(p, 16 * PAGE);
}

static void test_advice(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
	unsigned char vec[4];
	int fd, status;

	memset(p, 9, 2 * PAGE);
	tap_returns(mincore(p, 4 * PAGE, vec), 0, "mincore");
	tap_ok((vec[0] & 1) && (vec[1] & 1) && !(vec[2] & 1) && !(vec[3] & 1),
	       "touched pages are there");
	tap_fails(mincore(p + 1, PAGE, vec), EINVAL, "mincore: an address within a page");
	tap_fails(mincore((void *)PAGE, PAGE, vec), ENOMEM, "mincore: nothing there");
	tap_fails(mincore(p, PAGE, (void *)8), EFAULT, "mincore: nowhere");
	tap_returns(madvise(p, PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
	tap_ok(p[0] == 0 && p[PAGE] == 9, "zero again");
	tap_returns(madvise(p, 4 * PAGE, MADV_WILLNEED), 0, "MADV_WILLNEED");
	tap_returns(madvise(p, PAGE, MADV_SEQUENTIAL) + madvise(p, PAGE, MADV_RANDOM) +
			    madvise(p, PAGE, MADV_NORMAL),
		    0, "hints");
	tap_returns(madvise(p, PAGE, MADV_COLD) + madvise(p, PAGE, MADV_FREE), 0,
		    "MADV_COLD, MADV_FREE");
	tap_fails(madvise(p + 1, PAGE, MADV_NORMAL), EINVAL, "an address within a page");
	tap_fails(madvise(p, PAGE, 999), EINVAL, "unknown advice");
	tap_returns(madvise(p, 0, MADV_DONTNEED), 0, "no length");
	tap_fails(madvise((void *)PAGE, PAGE, MADV_DONTNEED), ENOMEM, "nothing there");
	tap_returns(madvise(p + 2 * PAGE, PAGE, MADV_DONTFORK), 0, "MADV_DONTFORK");
	tap_returns(madvise(p + PAGE, PAGE, MADV_WIPEONFORK), 0, "MADV_WIPEONFORK");
	if (fork() == 0)
		_exit((p[PAGE] == 0 ? 1 : 0) | (touch(p + 2 * PAGE, false) == SIGSEGV ? 2 : 0));
	wait(&status);
	tap_returns(WEXITSTATUS(status), 3, "the child has neither");
	tap_ok(p[PAGE] == 9, "the parent has");
	tap_returns(madvise(p, PAGE, MADV_POPULATE_WRITE), 0, "MADV_POPULATE_WRITE");
	munmap(p, 4 * PAGE);

	fd = memfd_create("advice", 0);
	ftruncate(fd, 4 * PAGE);
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	memset(p, 3, 4 * PAGE);
	tap_returns(madvise(p, PAGE, MADV_REMOVE), 0, "MADV_REMOVE");
	tap_ok(p[0] == 0 && p[PAGE] == 3, "punches a hole");
	tap_returns(madvise(p + PAGE, PAGE, MADV_DONTNEED), 0, "MADV_DONTNEED");
	tap_ok(p[PAGE] == 3, "keeps a file's pages");
	tap_fails(madvise(p, PAGE, MADV_WIPEONFORK), EINVAL,
		  "MADV_WIPEONFORK: only private memory");
	tap_returns(msync(p, 4 * PAGE, MS_SYNC), 0, "msync");
	tap_fails(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL, "msync: both ways");
	tap_fails(msync(p, PAGE, 64), EINVAL, "msync: unknown flags");
	tap_fails(msync(p + 1, PAGE, MS_SYNC), EINVAL, "msync: an address within a page");
	tap_fails(msync((void *)PAGE, PAGE, MS_SYNC), ENOMEM, "msync: nothing there");
	munmap(p, 4 * PAGE);
	close(fd);
}

static void test_memfd(void)
{
	char *p;
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC), other;
	struct stat st;

	tap_ok(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC, "memfd_create");
	tap_fails(memfd_create("x", 0x100), EINVAL, "unknown flags");
	tap_fails(memfd_create((char *)8, 0), EFAULT, "no name");
	tap_ok(fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0777,
	       "an ordinary file");
	write(fd, "0123456789", 10);
	tap_returns(fcntl(fd, F_GET_SEALS), 0, "no seals");
	tap_returns(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0, "F_SEAL_SHRINK");
	tap_fails(ftruncate(fd, 5), EPERM, "no shrinking");
	tap_returns(ftruncate(fd, 20), 0, "growing");
	tap_returns(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0, "F_SEAL_GROW");
	tap_fails(ftruncate(fd, 30), EPERM, "no growing");
	tap_fails(pwrite(fd, "x", 1, 40), EPERM, "by writing neither");
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	tap_fails(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY,
		  "F_SEAL_WRITE: it is mapped writable");
	munmap(p, PAGE);
	tap_returns(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0, "F_SEAL_WRITE");
	tap_fails(pwrite(fd, "x", 1, 0), EPERM, "no writing");
	tap_fails((long)mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EPERM, "no mapping to write");
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	tap_ok(p != MAP_FAILED && p[3] == '3', "a private one is fine");
	munmap(p, PAGE);
	tap_returns(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
		    "F_GET_SEALS");
	tap_returns(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0, "F_SEAL_SEAL");
	tap_fails(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM, "no more");
	close(fd);
	other = memfd_create("plain", 0);
	tap_returns(fcntl(other, F_GET_SEALS), F_SEAL_SEAL,
		    "without MFD_ALLOW_SEALING it is sealed against seals");
	close(other);
}

static void test_lock_brk(void)
{
	struct rlimit rl, old;
	char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0), *end;
	unsigned char vec[4];

	tap_returns(mlock(p, 2 * PAGE), 0, "mlock");
	mincore(p, 4 * PAGE, vec);
	tap_ok((vec[0] & 1) && (vec[1] & 1) && !(vec[2] & 1), "brings the pages in");
	tap_fails(madvise(p, PAGE, MADV_DONTNEED), EINVAL, "locked pages are not dropped");
	tap_returns(munlock(p, 4 * PAGE), 0, "munlock");
	tap_fails(mlock((void *)PAGE, PAGE), ENOMEM, "nothing there");
	tap_fails(mlock2(p, PAGE, 8), EINVAL, "mlock2: unknown flags");
	tap_returns(mlock2(p + 2 * PAGE, PAGE, MLOCK_ONFAULT), 0, "MLOCK_ONFAULT");
	tap_fails(mlockall(0), EINVAL, "mlockall: no flags");
	tap_returns(mlockall(MCL_CURRENT) | munlockall(), 0, "mlockall, munlockall");
	munmap(p, 4 * PAGE);

	end = sbrk(0);
	tap_ok(sbrk(3 * PAGE) == end, "sbrk");
	tap_ok(end[2 * PAGE] == 0 && touch(end + 2 * PAGE, true) == 0, "is zero, can be written");
	tap_ok((char *)syscall(SYS_brk, 0) == end + 3 * PAGE, "brk");
	tap_ok((char *)syscall(SYS_brk, end) == end, "and back");
	tap_returns(touch(end + 2 * PAGE, false), SIGSEGV, "it is gone");
	tap_ok((char *)syscall(SYS_brk, 1UL << 50) == end, "what cannot be is not");
	getrlimit(RLIMIT_DATA, &old);
	rl = old;
	rl.rlim_cur = 0;
	setrlimit(RLIMIT_DATA, &rl);
	tap_ok((char *)syscall(SYS_brk, end + 3 * PAGE) == end, "RLIMIT_DATA");
	setrlimit(RLIMIT_DATA, &old);
	getrlimit(RLIMIT_AS, &old);
	rl = old;
	rl.rlim_cur = 1 << 20;
	setrlimit(RLIMIT_AS, &rl);
	tap_fails((long)mmap(NULL, 4 << 20, RW, ANON, -1, 0), ENOMEM, "RLIMIT_AS");
	setrlimit(RLIMIT_AS, &old);
}

static void test_stack_vm(void)
{
	char a[8] = "source", b[8] = "";
	struct iovec from = { a, 7 }, to = { b, 7 }, bad = { (void *)PAGE, 7 };
	char *guard = mmap(NULL, 16 * PAGE, RW, ANON | MAP_GROWSDOWN, -1, 0);

	tap_ok(guard != MAP_FAILED, "MAP_GROWSDOWN");
	tap_ok(process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 7 && !strcmp(b, "source"),
	       "process_vm_readv");
	memcpy(a, "target", 7);
	tap_ok(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == 7 && !strcmp(b, "target"),
	       "process_vm_writev");
	tap_fails(process_vm_readv(getpid(), &to, 1, &bad, 1, 0), EFAULT, "nothing there");
	tap_fails(process_vm_readv(getpid(), &to, 1, &from, 1, 1), EINVAL, "flags");
	tap_fails(process_vm_readv(999999, &to, 1, &from, 1, 0), ESRCH, "nobody");
	int status;
	if (fork() == 0) {
		/* 4 MiB of stack, which grows by itself. */
		volatile char *p = __builtin_alloca(4 << 20);
		for (long i = (4 << 20) - 1; i >= 0; i -= 4096)
			p[i] = 1;
		_exit(0);
	}
	wait(&status);
	tap_returns(status, 0, "the stack grows");
	if (fork() == 0) {
		struct rlimit rl = { 1 << 20, 1 << 20 };
		setrlimit(RLIMIT_STACK, &rl);
		setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
		signal(SIGSEGV, SIG_DFL);
		volatile char *p = __builtin_alloca(4 << 20);
		for (long i = (4 << 20) - 1; i >= 0; i -= 4096)
			p[i] = 1;
		_exit(0);
	}
	wait(&status);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "up to RLIMIT_STACK");
}

int main(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	test_mmap();
	test_mprotect();
	test_mremap();
	test_advice();
	test_memfd();
	test_lock_brk();
	test_stack_vm();
	return tap_done();
}

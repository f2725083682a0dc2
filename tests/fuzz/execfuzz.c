/* SPDX-License-Identifier: MIT */
/*
 * Executes broken programs: a small ELF file with bytes, whole fields and its length changed at
 * random, and scripts with odd first lines. Each runs in a child of its own, for a moment. The
 * kernel must survive, and must refuse or kill each.
 *
 *     execfuzz [-s SEED] [-n FILES]
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PHDRS	   5
#define CODE_AT	   0x1000
#define DATA_AT	   0x2000
#define FILE_MAX   0x2100
#define BASE	   0x10000
#define ALLOWED_MS 500

static uint64_t state;

static uint64_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545F4914F6CDD1DULL;
}

static unsigned below(unsigned n) { return (rnd() >> 33) % n; }

/* A program that stores into its bss and exits with 42. */
static size_t good_elf(uint8_t *file)
{
	static const uint32_t code[] = {
		0x000142b7, /* lui t0, 0x14: the last page of the bss */
		0x0052a023, /* sw t0, 0(t0) */
		0x02a00513, /* li a0, 42 */
		0x05d00893, /* li a7, SYS_exit */
		0x00000073, /* ecall */
	};
	Elf64_Ehdr *eh = (Elf64_Ehdr *)file;
	Elf64_Phdr *ph = (Elf64_Phdr *)(eh + 1);

	memset(file, 0, FILE_MAX);
	memcpy(eh->e_ident, ELFMAG, SELFMAG);
	eh->e_ident[EI_CLASS] = ELFCLASS64;
	eh->e_ident[EI_DATA] = ELFDATA2LSB;
	eh->e_ident[EI_VERSION] = EV_CURRENT;
	eh->e_type = below(4) ? ET_EXEC : ET_DYN;
	eh->e_machine = EM_RISCV;
	eh->e_version = EV_CURRENT;
	eh->e_entry = BASE + CODE_AT;
	eh->e_phoff = sizeof(*eh);
	eh->e_flags = 5;
	eh->e_ehsize = sizeof(*eh);
	eh->e_phentsize = sizeof(*ph);
	eh->e_phnum = PHDRS;
	ph[0] = (Elf64_Phdr) { PT_LOAD, PF_R | PF_X, 0, BASE, BASE, DATA_AT, DATA_AT, 0x1000 };
	ph[1] = (Elf64_Phdr) { PT_LOAD,	       PF_R | PF_W, DATA_AT, BASE + DATA_AT,
			       BASE + DATA_AT, 0x100,	    0x2800,  0x1000 };
	ph[2] = (Elf64_Phdr) { PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 };
	ph[3] = (Elf64_Phdr) { below(8) ? PT_NOTE : PT_INTERP, PF_R, DATA_AT, 0, 0, 16, 16, 1 };
	ph[4] = (Elf64_Phdr) { PT_TLS, PF_R, DATA_AT + 16, 0, 0, 16, 32, 8 };
	memcpy(file + CODE_AT, code, sizeof(code));
	strcpy((char *)file + DATA_AT, below(2) ? "/bin/busybox" : "exec.tmp");
	return FILE_MAX;
}

/* Something an arithmetic bug would stumble over. */
static uint64_t edge(void)
{
	static const uint64_t edges[] = { 0,
					  1,
					  0xfff,
					  0x1000,
					  0x1001,
					  0x7fffffff,
					  0x80000000,
					  0xffffffff,
					  1ull << 37,
					  1ull << 38,
					  (1ull << 38) - 0x1000,
					  1ull << 39,
					  1ull << 62,
					  1ull << 63,
					  -1ull,
					  -0x1000ull,
					  -8ull,
					  0xffffffff80000000ull,
					  0xffffffc000000000ull };

	return below(3) ? edges[below(sizeof(edges) / sizeof(edges[0]))] : rnd() >> below(64);
}

static void mutate(uint8_t *file, size_t *size)
{
	for (unsigned n = 1 + below(4); n > 0; n--) {
		uint64_t v = edge();
		size_t headers = sizeof(Elf64_Ehdr) + PHDRS * sizeof(Elf64_Phdr);
		size_t at = below(headers / 4) * 4;

		switch (below(8)) {
		case 0:
			file[below(headers)] = v;
			break;
		case 1:
			file[below(headers)] ^= 1 << below(8);
			break;
		case 2:
			memcpy(file + at, &v, 2);
			break;
		case 3:
			memcpy(file + at, &v, 4);
			break;
		case 4:
		case 5:
			if (at + 8 <= headers)
				memcpy(file + (at & ~7ul), &v, 8);
			break;
		case 6:
			*size = below(4) ? *size - below(0x200) : below(FILE_MAX);
			break;
		case 7:
			((Elf64_Ehdr *)file)->e_phnum = below(2) ? below(70000) : PHDRS;
			break;
		}
	}
}

static size_t script(uint8_t *file)
{
	static const char *const lines[] = { "#!",
					     "#!\n",
					     "#! \t\n",
					     "#!exec.tmp\n",
					     "#!/\n",
					     "#!/bin/sh",
					     "#!/bin/sh -c\0",
					     "#!/dev/null x y z\n",
					     "#! /bin/true \n" };
	size_t n;

	memset(file, 'a', FILE_MAX);
	if (below(3) == 0) { /* a first line too long */
		memcpy(file, "#!/", 3);
		n = below(FILE_MAX);
		if (below(2))
			file[below(300)] = '\n';
		return n;
	}
	n = below(sizeof(lines) / sizeof(lines[0]));
	strcpy((char *)file, lines[n]);
	return strlen(lines[n]) + below(2);
}

static void child(void)
{
	static char *const argv[] = { "exec.tmp", "one", NULL };
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	setpgid(0, 0);
	close(0);
	close(1);
	close(2);
	if (below(4) == 0) {
		int fd = open("exec.tmp", O_RDONLY | O_CLOEXEC);

		syscall(SYS_execveat, fd, "", argv, argv + 1, AT_EMPTY_PATH);
	}
	execve("exec.tmp", argv, argv + 1);
	_exit(errno == ETXTBSY ? 101 : 100);
}

/* Runs the file; its wait status. */
static int run(void)
{
	struct timespec tick = { 0, 500000 };
	int status;
	pid_t pid = fork();

	if (pid == 0)
		child();
	for (unsigned i = 0; i < ALLOWED_MS * 2 && waitpid(pid, &status, WNOHANG) == 0; i++) {
		nanosleep(&tick, NULL);
		if (i == ALLOWED_MS * 2 - 1) {
			kill(pid, SIGKILL);
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
		}
	}
	return status;
}

static bool write_file(const uint8_t *file, size_t size)
{
	int fd;
	bool good;

	unlink("exec.tmp");
	fd = open("exec.tmp", O_WRONLY | O_CREAT | O_TRUNC, 0777);
	if (fd < 0)
		return false;
	good = write(fd, file, size) == (ssize_t)size;
	close(fd);
	return good;
}

int main(int argc, char **argv)
{
	static uint8_t file[FILE_MAX + 8];
	unsigned files = 1000, refused = 0, killed = 0, ran = 0, whole = 0;
	uint64_t seed = 1;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:")) != -1) {
		if (opt == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (opt == 'n')
			files = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	state = seed * 0x9E3779B97F4A7C15ULL | 1;
	if (chdir("/tmp")) {
		perror("execfuzz");
		return 2;
	}
	printf("execfuzz: seed %llu, %u files\n", (unsigned long long)seed, files);
	for (unsigned i = 0; i < files; i++) {
		size_t size = i % 8 == 7 ? script(file) : good_elf(file);
		int status;

		if (i && i % 8 != 7)
			mutate(file, &size);
		if (!write_file(file, size)) {
			perror("execfuzz: /tmp/exec.tmp");
			return 2;
		}
		status = run();
		refused += WIFEXITED(status) && WEXITSTATUS(status) == 100;
		killed += WIFSIGNALED(status);
		ran += WIFEXITED(status) && WEXITSTATUS(status) != 100;
		whole += WIFEXITED(status) && WEXITSTATUS(status) == 42;
		if (getenv("EXECFUZZ_V"))
			printf("%u: %x\n", i, status);
	}
	unlink("exec.tmp");
	printf("execfuzz: %u refused, %u killed, %u ran, %u of them to their end\n", refused,
	       killed, ran, whole);
	return whole == 0;
}

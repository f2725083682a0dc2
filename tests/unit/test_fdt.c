/* SPDX-License-Identifier: MIT */
// cflags: -fno-builtin
// sources: tests/unit/keel_fdt.c
// libs: -lfdt
/*
 * kernel/lib/fdt.c against libfdt: real trees (files named on the command line), then seeded
 * mutations of them.
 *
 *	test_fdt [-n MUTATIONS] [-s SEED] TREE.dtb...
 *
 * The bytes of each case stand at the end of an exact allocation, so that AddressSanitizer sees
 * every read past them.
 */
#include <libfdt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *keel_fdt_check(const void *fdt, size_t max);
uint32_t keel_fdt_totalsize(const void *fdt);
int keel_fdt_next_node(const void *fdt, int offset, int *depth);
int keel_fdt_first_child(const void *fdt, int offset);
int keel_fdt_next_sibling(const void *fdt, int offset);
const char *keel_fdt_name(const void *fdt, int offset, int *len);
const void *keel_fdt_prop(const void *fdt, int offset, const char *name, int *len);
const void *keel_fdt_prop_at(const void *fdt, int offset, int i, const char **name, int *len);
int keel_fdt_path(const void *fdt, const char *path);
int keel_fdt_reserve_map(const void *fdt, uint32_t i, uint64_t *addr, uint64_t *size);
uint32_t keel_fdt_cells(const void *fdt, int offset, const char *name, uint32_t missing);
int keel_fdt_read_cells(const void *p, uint32_t cells, uint64_t *out);

#define HEADER_SIZE 40
static unsigned long passed, failed, accepted;
static const char *case_name;
static uint64_t rng;

static bool expect(bool ok, const char *what, int at)
{
	if (ok) {
		passed++;
		return true;
	}
	if (failed++ < 20)
		fprintf(stderr, "%s: %s (node %d)\n", case_name, what, at);
	return false;
}
#define EXPECT(c, at) expect(c, #c, at)

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* libfdt's negative errors and -ENOENT mean the same here. */
static bool same_offset(int a, int b) { return a == b || (a < 0 && b < 0); }

static void compare_props(const void *fdt, int node)
{
	int prop, i = 0;

	fdt_for_each_property_offset(prop, fdt, node)
	{
		const char *want_name, *name = "?";
		int want_len, len = -1, by_name_len, want_by_name_len;
		const void *want = fdt_getprop_by_offset(fdt, prop, &want_name, &want_len);
		const void *got = keel_fdt_prop_at(fdt, node, i++, &name, &len);

		EXPECT(want == got && want_len == len && name == want_name, node);
		if (!want)
			break;
		EXPECT(fdt_getprop(fdt, node, want_name, &want_by_name_len) ==
				       keel_fdt_prop(fdt, node, want_name, &by_name_len) &&
			       want_by_name_len == by_name_len,
		       node);
	}
	EXPECT(!keel_fdt_prop_at(fdt, node, i, NULL, NULL), node);
	EXPECT(!keel_fdt_prop_at(fdt, node, -1, NULL, NULL), node);
	EXPECT(!keel_fdt_prop(fdt, node, "no,such-property", NULL), node);
}

static void compare_children(const void *fdt, int node)
{
	int want = fdt_first_subnode(fdt, node), got = keel_fdt_first_child(fdt, node);

	while (want >= 0 && EXPECT(want == got, node)) {
		want = fdt_next_subnode(fdt, want);
		got = keel_fdt_next_sibling(fdt, got);
	}
	EXPECT(same_offset(want, got), node);
}

static void compare_path(const void *fdt, const char *path, int node)
{
	EXPECT(same_offset(fdt_path_offset(fdt, path), keel_fdt_path(fdt, path)), node);
}

/* By its path, the path without unit addresses, and one that is not there. */
static void compare_paths_of(const void *fdt, int node)
{
	char path[1024], plain[1024];
	size_t n = 0;

	if (fdt_get_path(fdt, node, path, sizeof(path) - 8))
		return;
	compare_path(fdt, path, node);
	for (const char *p = path; *p; p++) {
		if (*p == '@')
			p += strcspn(p, "/");
		if (!*p)
			break;
		plain[n++] = *p;
	}
	plain[n] = '\0';
	compare_path(fdt, plain, node);
	strcat(path, "/nope");
	compare_path(fdt, path, node);
}

static void compare_cells(const void *fdt, int node)
{
	int len;
	const fdt32_t *p = fdt_getprop(fdt, node, "#address-cells", &len);
	uint32_t want = p && len == 4 ? fdt32_ld(p) : 77;

	EXPECT(keel_fdt_cells(fdt, node, "#address-cells", 77) == want, node);
}

static void compare_nodes(const void *fdt)
{
	int want_depth = 0, depth = 0, want = 0, got = 0;

	while (want >= 0 && EXPECT(want == got && want_depth == depth, want)) {
		int want_len, len;
		const char *want_name = fdt_get_name(fdt, want, &want_len),
			   *name = keel_fdt_name(fdt, got, &len);

		EXPECT(want_name == name && want_len == len, want);
		compare_props(fdt, want);
		compare_children(fdt, want);
		compare_paths_of(fdt, want);
		compare_cells(fdt, want);
		want = fdt_next_node(fdt, want, &want_depth);
		got = keel_fdt_next_node(fdt, got, &depth);
		if (want >= 0 && want_depth < 0)
			want = -FDT_ERR_NOTFOUND;
	}
	EXPECT(same_offset(want, got), want);
}

static void compare_aliases(const void *fdt)
{
	int aliases = fdt_path_offset(fdt, "/aliases"), prop;

	if (aliases < 0)
		return;
	fdt_for_each_property_offset(prop, fdt, aliases)
	{
		const char *name, *value;
		char path[300];
		int len;

		value = fdt_getprop_by_offset(fdt, prop, &name, &len);
		/* libfdt (before 1.7.1) follows anything; here an alias is one absolute, terminated
		 * path. */
		if (!value || len < 2 || value[0] != '/' || value[len - 1] || strchr(name, '/') ||
		    strlen(name) > 200)
			continue;
		compare_path(fdt, name, aliases);
		snprintf(path, sizeof(path), "%s/nope", name);
		compare_path(fdt, path, aliases);
	}
}

static void compare_reserve_map(const void *fdt)
{
	int n = fdt_num_mem_rsv(fdt);
	uint64_t addr, size, want_addr, want_size;

	for (int i = 0; i < n; i++) {
		EXPECT(fdt_get_mem_rsv(fdt, i, &want_addr, &want_size) == 0 &&
			       keel_fdt_reserve_map(fdt, (uint32_t)i, &addr, &size) == 0 &&
			       addr == want_addr && size == want_size,
		       i);
	}
	EXPECT(keel_fdt_reserve_map(fdt, (uint32_t)n, &addr, &size) < 0, n);
	EXPECT(keel_fdt_reserve_map(fdt, 0xffffffff, &addr, &size) < 0, n);
}

/* Every answer on a blob that may be anything: nothing to compare, only the sanitizers to please.
 */
static void poke(const void *fdt, size_t size)
{
	int depth = 0, steps = 0;
	uint64_t a, s;

	for (int node = 0; node >= 0 && steps < 10000;
	     node = keel_fdt_next_node(fdt, node, &depth), steps++) {
		const char *name;
		int len;

		keel_fdt_name(fdt, node, &len);
		keel_fdt_prop(fdt, node, "compatible", &len);
		for (int i = 0; keel_fdt_prop_at(fdt, node, i, &name, &len) && i < 100; i++)
			keel_fdt_cells(fdt, node, name, 0);
		keel_fdt_first_child(fdt, node);
		keel_fdt_next_sibling(fdt, node);
	}
	for (int i = 0; i < 8; i++) {
		int at = (int)(rnd() % (size + 16)) - 8;

		keel_fdt_name(fdt, at, NULL);
		keel_fdt_next_node(fdt, at, NULL);
		keel_fdt_prop(fdt, at, "reg", NULL);
		keel_fdt_next_sibling(fdt, at);
	}
	keel_fdt_path(fdt, "/soc/serial");
	keel_fdt_path(fdt, "serial0");
	for (uint32_t i = 0; keel_fdt_reserve_map(fdt, i, &a, &s) == 0 && i < 10000; i++)
		;
}

/* One blob of `size` bytes. */
static void run_case(const void *bytes, size_t size)
{
	void *fdt = malloc(size ? size : 1);

	memcpy(fdt, bytes, size);
	if (!keel_fdt_check(fdt, size)) {
		accepted++;
		if (EXPECT(fdt_check_full(fdt, size) == 0, 0)) {
			compare_nodes(fdt);
			compare_aliases(fdt);
			compare_reserve_map(fdt);
		}
	} else {
		passed++;
	}
	if (size >= HEADER_SIZE) {
		if (fdt_totalsize(fdt) > size)
			fdt_set_totalsize(fdt, (uint32_t)size);
		poke(fdt, size);
	}
	free(fdt);
}

/* A few changes where they hurt: header words, tags, lengths, single bytes, or the end cut off. */
static size_t mutate(uint8_t *b, size_t size)
{
	static const uint32_t words[] = { 0,	      1,	  2,  3,	  4,
					  9,	      8,	  12, 0x7fffffff, 0x80000000,
					  0xffffffff, 0xfffffff0, 17, 100 };
	unsigned changes = 1 + rnd() % 4;

	while (changes--) {
		switch (rnd() % 6) {
		case 0:
			b[rnd() % size] = (uint8_t)rnd();
			break;
		case 1:
			fdt32_st(b + rnd() % (size / 4) * 4,
				 words[rnd() % (sizeof(words) / sizeof(*words))]);
			break;
		case 2:
			fdt32_st(b + rnd() % 10 * 4, (uint32_t)(rnd() % (2 * size)));
			break;
		case 3:
			b[rnd() % size] ^= (uint8_t)(1u << rnd() % 8);
			break;
		case 4: {
			size_t from = rnd() % (size / 4) * 4, to = rnd() % (size / 4) * 4;

			memmove(b + to, b + from, (size - (from > to ? from : to)) & 63);
			break;
		}
		default:
			if (rnd() % 16 == 0)
				return rnd() % size;
		}
	}
	return size;
}

static void *read_file(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	void *p;

	if (!f || fseek(f, 0, SEEK_END)) {
		perror(path);
		exit(2);
	}
	*size = (size_t)ftell(f);
	rewind(f);
	p = malloc(*size + 1);
	if (!p || fread(p, 1, *size, f) != *size) {
		perror(path);
		exit(2);
	}
	fclose(f);
	return p;
}

static void test_read_cells(void)
{
	static const uint8_t b[12] = { 0, 0, 0, 1, 0x80, 0, 0, 0, 0, 0, 0, 2 };
	uint64_t v;

	case_name = "fdt_read_cells";
	EXPECT(keel_fdt_read_cells(b, 0, &v) == 0 && v == 0, 0);
	EXPECT(keel_fdt_read_cells(b, 1, &v) == 0 && v == 1, 0);
	EXPECT(keel_fdt_read_cells(b, 2, &v) == 0 && v == 0x180000000ULL, 0);
	EXPECT(keel_fdt_read_cells(b, 3, &v) < 0, 0);
}

int main(int argc, char **argv)
{
	unsigned long mutations = 5000, seed = 1;
	int arg = 1;

	for (; arg + 1 < argc && argv[arg][0] == '-'; arg += 2) {
		if (argv[arg][1] == 'n')
			mutations = strtoul(argv[arg + 1], NULL, 0);
		else if (argv[arg][1] == 's')
			seed = strtoul(argv[arg + 1], NULL, 0);
	}
	test_read_cells();
	for (; arg < argc; arg++) {
		size_t size;
		uint8_t *tree = read_file(argv[arg], &size), *copy;

		if (size > keel_fdt_totalsize(tree))
			size = keel_fdt_totalsize(tree);
		case_name = argv[arg];
		EXPECT(keel_fdt_check(tree, size) == NULL, 0);
		run_case(tree, size);
		copy = malloc(size);
		rng = 0x9e3779b97f4a7c15ULL * (seed + 1);
		for (unsigned long i = 0; i < mutations; i++) {
			static char name[256];

			snprintf(name, sizeof(name), "%s, mutation %lu", argv[arg], i);
			case_name = name;
			memcpy(copy, tree, size);
			run_case(copy, mutate(copy, size));
		}
		free(copy);
		free(tree);
	}
	fprintf(stderr, "%lu trees accepted by both\n", accepted);
	printf("%lu passed, %lu failed\n", passed, failed);
	return failed != 0;
}

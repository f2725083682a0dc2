/* SPDX-License-Identifier: MIT */
/*
 * The device tree. fdt_*: a reader of the flat form, pure functions over (blob, offset), safe on any bytes
 * (kernel/lib/fdt.c; checked against libfdt on the host). dt_*: the tree as linked nodes (kernel/dev/dt.c), made once
 * when memory is up.
 */
#ifndef KERNEL_DT_H
#define KERNEL_DT_H

#include <kernel/types.h>

/* --- flat --- */
/* 0 when the blob is a whole, well-formed tree of at most max bytes; else what is wrong, in words. */
const char *fdt_check(const void *fdt, size_t max);
u32 fdt_totalsize(const void *fdt);
/* Node offsets are those of FDT_BEGIN_NODE in the structure block; the root is 0. All return -ENOENT past the end. */
/* Pre-order. *depth (NULL: not wanted) goes up and down with the levels, relative to where the caller started with 0; the
 * walk ends when it would leave that node's subtree. offset -1 (and *depth -1): the root. */
int fdt_next_node(const void *fdt, int offset, int *depth);
int fdt_first_child(const void *fdt, int offset);
int fdt_next_sibling(const void *fdt, int offset);
const char *fdt_name(const void *fdt, int offset, int *len);
const void *fdt_prop(const void *fdt, int offset, const char *name, int *len); /* NULL: none */
/* i-th property of a node; NULL past the end. */
const void *fdt_prop_at(const void *fdt, int offset, int i, const char **name, int *len);
int fdt_path(const void *fdt, const char *path); /* by path or alias; unit addresses may be left out */
/* i-th entry of /memreserve/: 0 or -ENOENT. */
int fdt_reserve_map(const void *fdt, u32 i, u64 *addr, u64 *size);
u32 fdt_cells(const void *fdt, int offset, const char *name, u32 missing); /* #address-cells ... */
/* `cells` big-endian words as one number (cells <= 2, more: -EOVERFLOW when they do not fit). */
int fdt_read_cells(const void *p, u32 cells, u64 *out);
static inline u32 be32_at(const void *p) { u32 v; __builtin_memcpy(&v, p, 4); return __builtin_bswap32(v); }
static inline u64 be64_at(const void *p) { u64 v; __builtin_memcpy(&v, p, 8); return __builtin_bswap64(v); }

/* --- linked --- */
struct dt_node {
	const char *name;     /* with unit address */
	struct dt_node *parent, *child, *next; /* in the order of the tree */
	int offset;	      /* into the flat tree */
	u32 phandle;
	struct device *device; /* bound to it, or NULL */
	bool claimed;	      /* a driver took it or refused it for good, or the core uses it itself: not to be reported */
};
extern const void *boot_fdt;
extern struct dt_node *dt_root;
void dt_init(const void *fdt);
const void *dt_prop(const struct dt_node *n, const char *name, int *len);
int dt_prop_u32(const struct dt_node *n, const char *name, u32 *out); /* 0, -ENOENT, -EINVAL */
int dt_prop_u32_at(const struct dt_node *n, const char *name, u32 index, u32 *out);
const char *dt_prop_string(const struct dt_node *n, const char *name);
/* index-th string of a list; NULL */
const char *dt_prop_string_at(const struct dt_node *n, const char *name, u32 index);
bool dt_compatible(const struct dt_node *n, const char *compatible);
bool dt_available(const struct dt_node *n); /* status */
struct dt_node *dt_by_phandle(u32 phandle);
struct dt_node *dt_by_path(const char *path); /* or alias; a ":options" tail is cut */
struct dt_node *dt_next(const struct dt_node *n); /* pre-order over everything */
/* index-th reg, translated through ranges to a CPU address. 0, -ENOENT, -EINVAL */
int dt_reg(const struct dt_node *n, u32 index, paddr_t *addr, u64 *size);
int dt_reg_named(const struct dt_node *n, const char *name, paddr_t *addr, u64 *size);
/* index-th entry of a phandle list with #cells argument words: args[0..3]. 0, -ENOENT, -EINVAL */
struct dt_args { struct dt_node *node; u32 n; u32 arg[8]; };
/* Bytes that are 0 or ~0 in place of a phandle are an empty entry: -ENOENT. cells NULL: no argument words. */
int dt_phandle_args(const struct dt_node *n, const char *list, const char *cells, u32 index, struct dt_args *out);
u32 dt_phandle_count(const struct dt_node *n, const char *list, const char *cells); /* entries, empty ones too */
char *dt_path_name(const struct dt_node *n, char *buf, size_t size);

#endif

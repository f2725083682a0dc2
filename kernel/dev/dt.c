/* SPDX-License-Identifier: MIT */
/*
 * The device tree as linked nodes. dt_init() makes one struct dt_node for each node of the flat
 * tree, in one array in the order of the tree; they are never freed and, but for the binding a
 * driver leaves in them, never change, so there is no lock. Properties are read in the flat tree,
 * which stays where it is.
 */
#include <kernel/dt.h>

#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>

#define DT_PATH_MAX 256

const void *boot_fdt;
struct dt_node *dt_root;
static u32 nr_nodes;
/* Nodes by phandle, for the small ones compilers give. NULL entries: look at all nodes. */
static struct dt_node **by_phandle;
static u32 nr_by_phandle;

/* --- making the tree --- */

static u32 count_nodes(const void *fdt)
{
	u32 n = 0;

	for (int offset = 0; offset >= 0; offset = fdt_next_node(fdt, offset, NULL))
		n++;
	return n;
}

static u32 read_phandle(const void *fdt, int offset)
{
	u32 phandle = fdt_cells(fdt, offset, "phandle", 0);

	return phandle ? phandle : fdt_cells(fdt, offset, "linux,phandle", 0);
}

static void link_node(struct dt_node *n, struct dt_node *parent, struct dt_node *last_child)
{
	n->parent = parent;
	if (last_child)
		last_child->next = n;
	else if (parent)
		parent->child = n;
}

/* The node one level above `depth` on the way from n (of depth n_depth) to the root. */
static struct dt_node *ancestor(struct dt_node *n, int n_depth, int depth)
{
	while (n_depth >= depth) {
		n = n->parent;
		n_depth--;
	}
	return n;
}

void dt_init(const void *fdt)
{
	int depth = 0, prev_depth = 0, offset = 0;

	boot_fdt = fdt;
	nr_nodes = count_nodes(fdt);
	nr_by_phandle = nr_nodes + 1;
	dt_root = kvzalloc(nr_nodes * sizeof(*dt_root), GFP_KERNEL);
	by_phandle = kvzalloc(nr_by_phandle * sizeof(*by_phandle), GFP_KERNEL);
	if (!dt_root || !by_phandle)
		panic("dt: no memory for %u nodes", nr_nodes);
	for (u32 i = 0; i < nr_nodes; i++) {
		struct dt_node *n = &dt_root[i], *prev = i ? n - 1 : NULL;

		n->name = fdt_name(fdt, offset, NULL);
		n->offset = offset;
		n->phandle = read_phandle(fdt, offset);
		if (n->phandle < nr_by_phandle)
			by_phandle[n->phandle] = n;
		if (depth > prev_depth)
			link_node(n, prev, NULL);
		else if (prev)
			link_node(n, ancestor(prev, prev_depth, depth),
				  ancestor(prev, prev_depth, depth + 1));
		prev_depth = depth;
		offset = fdt_next_node(fdt, offset, &depth);
	}
}

/* --- finding nodes --- */

struct dt_node *dt_next(const struct dt_node *n)
{
	return n + 1 < dt_root + nr_nodes ? (struct dt_node *)n + 1 : NULL;
}

struct dt_node *dt_by_phandle(u32 phandle)
{
	if (phandle && phandle < nr_by_phandle && by_phandle[phandle])
		return by_phandle[phandle];
	for (struct dt_node *n = phandle ? dt_root : NULL; n; n = dt_next(n))
		if (n->phandle == phandle)
			return n;
	return NULL;
}

static struct dt_node *node_at_offset(int offset)
{
	u32 low = 0, high = nr_nodes;

	while (low < high) {
		u32 mid = (low + high) / 2;

		if (dt_root[mid].offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low < nr_nodes && dt_root[low].offset == offset ? &dt_root[low] : NULL;
}

struct dt_node *dt_by_path(const char *path)
{
	char plain[DT_PATH_MAX];
	char *options;

	if (strscpy(plain, path, sizeof(plain)) < 0)
		return NULL;
	options = strchr(plain, ':');
	if (options)
		*options = '\0';
	return node_at_offset(fdt_path(boot_fdt, plain));
}

char *dt_path_name(const struct dt_node *n, char *buf, size_t size)
{
	char *p = buf + size;

	*--p = '\0';
	if (!n->parent)
		*--p = '/';
	for (; n->parent; n = n->parent) {
		size_t len = strlen(n->name);

		if ((size_t)(p - buf) < len + 1)
			break;
		p -= len;
		memcpy(p, n->name, len);
		*--p = '/';
	}
	return p;
}

/* --- properties --- */

const void *dt_prop(const struct dt_node *n, const char *name, int *len)
{
	return fdt_prop(boot_fdt, n->offset, name, len);
}

int dt_prop_u32_at(const struct dt_node *n, const char *name, u32 index, u32 *out)
{
	int len;
	const u8 *p = dt_prop(n, name, &len);

	if (!p)
		return -ENOENT;
	if (((u64)index + 1) * 4 > (u64)len)
		return -EINVAL;
	*out = be32_at(p + 4 * index);
	return 0;
}

int dt_prop_u32(const struct dt_node *n, const char *name, u32 *out)
{
	return dt_prop_u32_at(n, name, 0, out);
}

const char *dt_prop_string_at(const struct dt_node *n, const char *name, u32 index)
{
	int len;
	const char *p = dt_prop(n, name, &len), *end;

	if (!p || len == 0 || p[len - 1] != '\0')
		return NULL;
	for (end = p + len; p < end; p += strlen(p) + 1)
		if (index-- == 0)
			return p;
	return NULL;
}

const char *dt_prop_string(const struct dt_node *n, const char *name)
{
	return dt_prop_string_at(n, name, 0);
}

bool dt_compatible(const struct dt_node *n, const char *compatible)
{
	const char *s;

	for (u32 i = 0; (s = dt_prop_string_at(n, "compatible", i)); i++)
		if (strcmp(s, compatible) == 0)
			return true;
	return false;
}

bool dt_available(const struct dt_node *n)
{
	const char *status = dt_prop_string(n, "status");

	return !status || strcmp(status, "okay") == 0 || strcmp(status, "ok") == 0;
}

/* --- reg --- */

struct bus_cells {
	u32 address, size;
};

/* How the children of a bus write addresses. */
static struct bus_cells cells_of(const struct dt_node *bus)
{
	return (struct bus_cells) {
		.address = fdt_cells(boot_fdt, bus->offset, "#address-cells", 2),
		.size = fdt_cells(boot_fdt, bus->offset, "#size-cells", 1),
	};
}

/* One step up: an address of a child of `bus` as an address of the bus's parent. */
static int translate(const struct dt_node *bus, u64 *addr)
{
	struct bus_cells child = cells_of(bus), parent = cells_of(bus->parent);
	u64 entry = 4UL * child.address + 4UL * parent.address + 4UL * child.size;
	int len;
	const u8 *p = dt_prop(bus, "ranges", &len);

	if (!p)
		return -EINVAL;
	if (len == 0)
		return 0;
	for (; (u64)len >= entry && entry; p += entry, len -= (int)entry) {
		u64 from, to, size;

		if (fdt_read_cells(p, child.address, &from) ||
		    fdt_read_cells(p + 4 * child.address, parent.address, &to) ||
		    fdt_read_cells(p + 4 * (child.address + parent.address), child.size, &size))
			continue;
		if (*addr >= from && *addr - from < size) {
			*addr = to + (*addr - from);
			return 0;
		}
	}
	return -EINVAL;
}

int dt_reg(const struct dt_node *n, u32 index, paddr_t *addr, u64 *size)
{
	struct bus_cells cells;
	u64 entry, at, start, length;
	const u8 *p;
	int len;

	p = dt_prop(n, "reg", &len);
	if (!p || !n->parent)
		return -ENOENT;
	cells = cells_of(n->parent);
	if (cells.address > 4 || cells.size > 4 || !cells.address)
		return -EINVAL;
	entry = 4 * (cells.address + cells.size);
	at = index * entry;
	if (at + entry > (u64)len)
		return -ENOENT;
	if (fdt_read_cells(p + at, cells.address, &start) ||
	    fdt_read_cells(p + at + 4 * cells.address, cells.size, &length))
		return -EINVAL;
	for (const struct dt_node *bus = n->parent; bus->parent; bus = bus->parent)
		if (translate(bus, &start))
			return -EINVAL;
	*addr = start;
	if (size)
		*size = length;
	return 0;
}

int dt_reg_named(const struct dt_node *n, const char *name, paddr_t *addr, u64 *size)
{
	const char *s;

	for (u32 i = 0; (s = dt_prop_string_at(n, "reg-names", i)); i++)
		if (strcmp(s, name) == 0)
			return dt_reg(n, i, addr, size);
	return -ENOENT;
}

/* --- references --- */

/* Reads one reference at p, at most `words` long; returns its length in words, 0 when it is
 * malformed. */
static u32 read_reference(const u8 *p, u32 words, const char *cells, struct dt_args *out)
{
	u32 phandle = be32_at(p);

	*out = (struct dt_args) { .node = dt_by_phandle(phandle) };
	if (!phandle || phandle == ~0U)
		return 1; /* an empty place in the list */
	if (!out->node)
		return 0;
	if (cells)
		out->n = fdt_cells(boot_fdt, out->node->offset, cells, 0);
	if (out->n > ARRAY_SIZE(out->arg) || out->n >= words)
		return 0;
	for (u32 i = 0; i < out->n; i++)
		out->arg[i] = be32_at(p + 4 + 4 * i);
	return 1 + out->n;
}

int dt_phandle_args(const struct dt_node *n, const char *list, const char *cells, u32 index,
		    struct dt_args *out)
{
	int len;
	const u8 *p = dt_prop(n, list, &len);
	u32 words, used;

	if (!p)
		return -ENOENT;
	for (words = (u32)len / 4; words; words -= used, p += 4 * used) {
		used = read_reference(p, words, cells, out);
		if (!used)
			return -EINVAL;
		if (index-- == 0)
			return out->node ? 0 : -ENOENT;
	}
	return -ENOENT;
}

u32 dt_phandle_count(const struct dt_node *n, const char *list, const char *cells)
{
	int len;
	const u8 *p = dt_prop(n, list, &len);
	u32 words = p ? (u32)len / 4 : 0, used, count = 0;
	struct dt_args args;

	for (; words; words -= used, p += 4 * used) {
		used = read_reference(p, words, cells, &args);
		if (!used)
			break;
		count++;
	}
	return count;
}

/* SPDX-License-Identifier: MIT */
/*
 * Reader of flattened device trees (Devicetree Specification 0.4, chapter 5; version 17 of the
 * format).
 *
 * Pure functions over (blob, offset): no state, no allocation, no recursion. Whatever the bytes
 * are, nothing outside fdt_totalsize() bytes is read, and every walk ends: each step moves forward
 * in the structure block. On a blob fdt_check() refuses, the others still return something
 * harmless.
 *
 * fdt_check() accepts less than libfdt's fdt_check_full(): it wants version 17, the structure block
 * to begin with the root's FDT_BEGIN_NODE and to lie, like the strings, wholly inside the blob, at
 * most FDT_MAX_DEPTH levels, properties before subnodes, and names without control characters.
 */
#include <kernel/dt.h>
#include <kernel/errno.h>
#include <kernel/string.h>

#define FDT_MAGIC	0xd00dfeed
#define FDT_VERSION	17
#define FDT_HEADER_SIZE 40
#define FDT_MAX_DEPTH	64
#define FDT_MAX_SIZE	(16U << 20)

enum fdt_tag {
	FDT_BEGIN_NODE = 1,
	FDT_END_NODE = 2,
	FDT_PROP = 3,
	FDT_NOP = 4,
	FDT_END = 9,
	FDT_BAD = 10
};

/* Byte offsets of the header's words. */
enum {
	H_MAGIC = 0,
	H_TOTALSIZE = 4,
	H_OFF_STRUCT = 8,
	H_OFF_STRINGS = 12,
	H_OFF_RSVMAP = 16,
	H_VERSION = 20,
	H_LAST_COMP = 24,
	H_SIZE_STRINGS = 32,
	H_SIZE_STRUCT = 36
};

/* The two blocks of a blob, cut to what lies inside it. */
struct fdt_view {
	const u8 *tree, *strings;
	u32 tree_size, strings_size;
};

/* One tag of the structure block. */
struct fdt_token {
	enum fdt_tag tag;
	u32 next;	  /* offset of the tag behind it */
	const char *name; /* node or property; never NULL for those, always terminated inside the
			     blob */
	const u8 *value;  /* property */
	u32 len;	  /* of the node's name or the property's value */
};

static u32 fdt_word(const void *fdt, u32 byte) { return be32_at((const u8 *)fdt + byte); }

u32 fdt_totalsize(const void *fdt) { return fdt_word(fdt, H_TOTALSIZE); }

static u32 cut(u32 offset, u32 size, u32 total)
{
	if (offset >= total)
		return 0;
	return MIN(size, total - offset);
}

static struct fdt_view fdt_view(const void *fdt)
{
	u32 total = fdt_totalsize(fdt), tree = fdt_word(fdt, H_OFF_STRUCT),
	    strings = fdt_word(fdt, H_OFF_STRINGS);
	struct fdt_view v;

	v.tree_size = MIN(cut(tree, fdt_word(fdt, H_SIZE_STRUCT), total), FDT_MAX_SIZE);
	v.strings_size = cut(strings, fdt_word(fdt, H_SIZE_STRINGS), total);
	v.tree = v.tree_size ? (const u8 *)fdt + tree : fdt;
	v.strings = v.strings_size ? (const u8 *)fdt + strings : fdt;
	return v;
}

/* The terminated string at `offset` of a block; NULL when it does not end inside. */
static const char *block_string(const u8 *block, u32 size, u32 offset, u32 *len)
{
	const u8 *end;

	if (offset >= size)
		return NULL;
	end = memchr(block + offset, 0, size - offset);
	if (!end)
		return NULL;
	*len = (u32)(end - (block + offset));
	return (const char *)block + offset;
}

static struct fdt_token token_bad(void) { return (struct fdt_token) { .tag = FDT_BAD }; }

static struct fdt_token token_begin_node(const struct fdt_view *v, u32 offset)
{
	struct fdt_token t = { .tag = FDT_BEGIN_NODE };

	t.name = block_string(v->tree, v->tree_size, offset + 4, &t.len);
	if (!t.name)
		return token_bad();
	t.next = ALIGN_UP(offset + 4 + t.len + 1, 4);
	return t.next <= v->tree_size ? t : token_bad();
}

static struct fdt_token token_prop(const struct fdt_view *v, u32 offset)
{
	struct fdt_token t = { .tag = FDT_PROP };
	u32 left = v->tree_size - offset, name_len;

	if (left < 12)
		return token_bad();
	t.len = be32_at(v->tree + offset + 4);
	t.name =
		block_string(v->strings, v->strings_size, be32_at(v->tree + offset + 8), &name_len);
	t.value = v->tree + offset + 12;
	if (!t.name || t.len > left - 12)
		return token_bad();
	t.next = ALIGN_UP(offset + 12 + t.len, 4);
	return t.next <= v->tree_size ? t : token_bad();
}

/* The tag at `offset`, a multiple of 4. Also FDT_END and what cannot be read as a tag move forward,
 * if only to their own end. */
static struct fdt_token token_at(const struct fdt_view *v, u32 offset)
{
	u32 tag;

	if (offset % 4 || offset >= v->tree_size || v->tree_size - offset < 4)
		return token_bad();
	tag = be32_at(v->tree + offset);
	switch (tag) {
	case FDT_BEGIN_NODE:
		return token_begin_node(v, offset);
	case FDT_PROP:
		return token_prop(v, offset);
	case FDT_END_NODE:
	case FDT_NOP:
	case FDT_END:
		return (struct fdt_token) { .tag = tag, .next = offset + 4 };
	default:
		return token_bad();
	}
}

/* Skips the BEGIN_NODE at `offset`; false when there is none. */
static bool enter_node(const struct fdt_view *v, int offset, u32 *next)
{
	struct fdt_token t;

	if (offset < 0)
		return false;
	t = token_at(v, (u32)offset);
	*next = t.next;
	return t.tag == FDT_BEGIN_NODE;
}

/* From `pos` inside a node to the next BEGIN_NODE, counting levels in *depth; -ENOENT when *depth
 * falls below `floor`. */
static int find_node(const struct fdt_view *v, u32 pos, int *depth, int floor)
{
	for (;;) {
		struct fdt_token t = token_at(v, pos);

		switch (t.tag) {
		case FDT_BEGIN_NODE:
			++*depth;
			return (int)pos;
		case FDT_END_NODE:
			if (--*depth < floor)
				return -ENOENT;
			break;
		case FDT_PROP:
		case FDT_NOP:
			break;
		default:
			return -ENOENT;
		}
		pos = t.next;
	}
}

/* --- nodes --- */

int fdt_next_node(const void *fdt, int offset, int *depth)
{
	struct fdt_view v = fdt_view(fdt);
	int level = depth ? *depth : 0;
	u32 pos = 0;
	int ret;

	if (offset >= 0 && !enter_node(&v, offset, &pos))
		return -ENOENT;
	ret = find_node(&v, pos, &level, depth ? 0 : -FDT_MAX_DEPTH);
	if (depth)
		*depth = level;
	return ret;
}

int fdt_first_child(const void *fdt, int offset)
{
	struct fdt_view v = fdt_view(fdt);
	int depth = 0;
	u32 pos;

	if (!enter_node(&v, offset, &pos))
		return -ENOENT;
	return find_node(&v, pos, &depth, 0);
}

int fdt_next_sibling(const void *fdt, int offset)
{
	struct fdt_view v = fdt_view(fdt);
	int depth = 1;
	u32 pos;

	if (!enter_node(&v, offset, &pos))
		return -ENOENT;
	for (;;) {
		int node = find_node(&v, pos, &depth, 0);

		if (node < 0 || depth == 1)
			return node;
		enter_node(&v, node, &pos);
	}
}

const char *fdt_name(const void *fdt, int offset, int *len)
{
	struct fdt_view v = fdt_view(fdt);
	struct fdt_token t = offset < 0 ? token_bad() : token_at(&v, (u32)offset);

	if (t.tag != FDT_BEGIN_NODE)
		return NULL;
	if (len)
		*len = (int)t.len;
	return t.name;
}

/* --- properties --- */

/* The next property from *pos on, *pos moved behind it; false at the end of a node's properties. */
static bool next_prop(const struct fdt_view *v, u32 *pos, struct fdt_token *t)
{
	do {
		*t = token_at(v, *pos);
		*pos = t->next;
	} while (t->tag == FDT_NOP);
	return t->tag == FDT_PROP;
}

static bool string_equal(const char *s, const char *name, u32 name_len)
{
	return strncmp(s, name, name_len) == 0 && s[name_len] == '\0';
}

static const void *prop_of_len(const void *fdt, int offset, const char *name, u32 name_len,
			       int *len)
{
	struct fdt_view v = fdt_view(fdt);
	struct fdt_token t;
	u32 pos;

	if (!enter_node(&v, offset, &pos))
		return NULL;
	while (next_prop(&v, &pos, &t)) {
		if (!string_equal(t.name, name, name_len))
			continue;
		if (len)
			*len = (int)t.len;
		return t.value;
	}
	return NULL;
}

const void *fdt_prop(const void *fdt, int offset, const char *name, int *len)
{
	return prop_of_len(fdt, offset, name, (u32)strlen(name), len);
}

const void *fdt_prop_at(const void *fdt, int offset, int i, const char **name, int *len)
{
	struct fdt_view v = fdt_view(fdt);
	struct fdt_token t;
	u32 pos;

	if (i < 0 || !enter_node(&v, offset, &pos))
		return NULL;
	do {
		if (!next_prop(&v, &pos, &t))
			return NULL;
	} while (i--);
	if (name)
		*name = t.name;
	if (len)
		*len = (int)t.len;
	return t.value;
}

u32 fdt_cells(const void *fdt, int offset, const char *name, u32 missing)
{
	int len;
	const void *p = fdt_prop(fdt, offset, name, &len);

	return p && len == 4 ? be32_at(p) : missing;
}

int fdt_read_cells(const void *p, u32 cells, u64 *out)
{
	u64 v = 0;

	for (u32 i = 0; i < cells; i++) {
		if (v >> 32)
			return -EOVERFLOW;
		v = v << 32 | be32_at((const u8 *)p + 4 * i);
	}
	*out = v;
	return 0;
}

/* --- paths --- */

/* `want` names the node, with or without its unit address. */
static bool node_name_matches(const char *name, const char *want, u32 len)
{
	if (strncmp(name, want, len) != 0)
		return false;
	return name[len] == '\0' || (name[len] == '@' && !memchr(want, '@', len));
}

static int child_named(const void *fdt, int parent, const char *want, u32 len)
{
	int node = fdt_first_child(fdt, parent);

	while (node >= 0 && !node_name_matches(fdt_name(fdt, node, NULL), want, len))
		node = fdt_next_sibling(fdt, node);
	return node;
}

static u32 component_len(const char *p)
{
	const char *slash = strchr(p, '/');

	return slash ? (u32)(slash - p) : (u32)strlen(p);
}

/* Follows path components from `node` down. */
static int walk_path(const void *fdt, int node, const char *path)
{
	while (node >= 0) {
		u32 len;

		while (*path == '/')
			path++;
		if (!*path)
			return node;
		len = component_len(path);
		node = child_named(fdt, node, path, len);
		path += len;
	}
	return -ENOENT;
}

/* The node an alias of `len` letters stands for. Aliases are absolute paths: one that names another
 * alias is none. */
static int node_of_alias(const void *fdt, const char *name, u32 len)
{
	int value_len;
	const char *value = prop_of_len(fdt, walk_path(fdt, 0, "/aliases"), name, len, &value_len);

	if (!value || value_len < 2 || value[0] != '/' || value[value_len - 1] != '\0')
		return -ENOENT;
	return walk_path(fdt, 0, value);
}

int fdt_path(const void *fdt, const char *path)
{
	u32 len;

	if (*path == '/')
		return walk_path(fdt, 0, path);
	len = component_len(path);
	return walk_path(fdt, node_of_alias(fdt, path, len), path + len);
}

/* --- memory reservations: the first entry of size 0 ends the list --- */

int fdt_reserve_map(const void *fdt, u32 i, u64 *addr, u64 *size)
{
	u64 total = fdt_totalsize(fdt), at = fdt_word(fdt, H_OFF_RSVMAP) + 16 * (u64)i;

	if (at + 16 > total)
		return -ENOENT;
	*addr = be64_at((const u8 *)fdt + at);
	*size = be64_at((const u8 *)fdt + at + 8);
	return *size ? 0 : -ENOENT;
}

/* --- validation --- */

static bool name_printable(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s > '~')
			return false;
	return true;
}

static bool block_inside(u32 offset, u32 size, u32 total)
{
	return offset >= FDT_HEADER_SIZE && offset <= total && size <= total - offset;
}

static const char *check_header(const void *fdt, size_t max)
{
	u32 total, rsvmap;

	if (max < FDT_HEADER_SIZE)
		return "truncated header";
	if (fdt_word(fdt, H_MAGIC) != FDT_MAGIC)
		return "bad magic number";
	if (fdt_word(fdt, H_VERSION) < FDT_VERSION || fdt_word(fdt, H_LAST_COMP) > FDT_VERSION)
		return "unknown version";
	total = fdt_totalsize(fdt);
	if (total < FDT_HEADER_SIZE || total > max || total > FDT_MAX_SIZE)
		return "bad total size";
	rsvmap = fdt_word(fdt, H_OFF_RSVMAP);
	if (rsvmap % 8 || !block_inside(rsvmap, 16, total))
		return "bad offset of the reservation map";
	if (fdt_word(fdt, H_OFF_STRUCT) % 4 ||
	    !block_inside(fdt_word(fdt, H_OFF_STRUCT), fdt_word(fdt, H_SIZE_STRUCT), total))
		return "structure block outside the tree";
	if (!block_inside(fdt_word(fdt, H_OFF_STRINGS), fdt_word(fdt, H_SIZE_STRINGS), total))
		return "strings block outside the tree";
	return NULL;
}

static const char *check_reserve_map(const void *fdt)
{
	u32 total = fdt_totalsize(fdt);

	for (u32 at = fdt_word(fdt, H_OFF_RSVMAP); total - at >= 16; at += 16)
		if (!be64_at((const u8 *)fdt + at + 8))
			return NULL;
	return "reservation map without an end";
}

/* Whether a tag may stand where `depth` nodes are open; `props` tells that no subnode came yet in
 * the innermost one. */
static const char *check_token(const struct fdt_token *t, u32 depth, bool props)
{
	switch (t->tag) {
	case FDT_BEGIN_NODE:
		if (depth >= FDT_MAX_DEPTH)
			return "nodes nested too deep";
		if (depth == 0 && t->len)
			return "root node with a name";
		return depth == 0 || name_printable(t->name) ? NULL : "bad node name";
	case FDT_PROP:
		if (!depth || !props)
			return "property outside a node's head";
		return name_printable(t->name) ? NULL : "bad property name";
	case FDT_END_NODE:
		return depth ? NULL : "end of a node that was not open";
	case FDT_NOP:
		return NULL;
	case FDT_END:
		return depth ? "end of the tree inside a node" : NULL;
	default:
		return "bad tag";
	}
}

static const char *check_structure(const struct fdt_view *v)
{
	bool props = false, closed = false;
	u32 depth = 0, pos = 0;

	if (token_at(v, 0).tag != FDT_BEGIN_NODE)
		return "no root node";
	for (;;) {
		struct fdt_token t = token_at(v, pos);
		const char *wrong = check_token(&t, depth, props);

		if (wrong)
			return wrong;
		if (t.tag == FDT_END)
			return NULL;
		if (closed && t.tag != FDT_NOP)
			return "something behind the root node";
		if (t.tag == FDT_BEGIN_NODE) {
			depth++;
			props = true;
		} else if (t.tag == FDT_END_NODE) {
			closed = --depth == 0;
			props = false;
		}
		pos = t.next;
	}
}

const char *fdt_check(const void *fdt, size_t max)
{
	const char *wrong = check_header(fdt, max);
	struct fdt_view v;

	if (!wrong)
		wrong = check_reserve_map(fdt);
	if (wrong)
		return wrong;
	v = fdt_view(fdt);
	return check_structure(&v);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls when it sees undefined behaviour at run time (DEBUG kernels). Each says
 * what and where, and is the end: there is no right way to go on. Release kernels trap in place
 * instead.
 */
#include <kernel/panic.h>
#include <kernel/types.h>

#if DEBUG

#define KIND_MEMBER 3 /* of struct type_mismatch */

struct source_location {
	const char *file;
	u32 line, column;
};
struct type_descriptor {
	u16 kind, info;
	char name[];
};
struct type_mismatch {
	struct source_location where;
	struct type_descriptor *type;
	u8 log_alignment, kind;
};
struct out_of_bounds {
	struct source_location where;
	struct type_descriptor *array, *index;
};

static void __noreturn __cold complain(const struct source_location *at, const char *what,
				       u64 value)
{
	panic("UBSAN: %s in %s:%u:%u (value %#lx)", what, at->file, at->line, at->column,
	      (unsigned long)value);
}

/* The handlers whose data begins with the place and who need nothing else of it. */
#define UBSAN_HANDLER(name, what)                                                  \
	void __ubsan_handle_##name(struct source_location *at, u64 value);         \
	void __ubsan_handle_##name(struct source_location *at, u64 value)          \
	{                                                                          \
		complain(at, what, value);                                         \
	}                                                                          \
	void __ubsan_handle_##name##_abort(struct source_location *at, u64 value); \
	void __ubsan_handle_##name##_abort(struct source_location *at, u64 value)  \
	{                                                                          \
		complain(at, what, value);                                         \
	}
UBSAN_HANDLER(divrem_overflow, "division by zero or overflow")
UBSAN_HANDLER(vla_bound_not_positive, "array length not positive")
UBSAN_HANDLER(load_invalid_value, "load of a value its type does not have")
UBSAN_HANDLER(nonnull_arg, "null argument where none may be")
UBSAN_HANDLER(pointer_overflow, "pointer overflow")

void __ubsan_handle_builtin_unreachable(struct source_location *at);
void __ubsan_handle_builtin_unreachable(struct source_location *at)
{
	complain(at, "unreachable code reached", 0);
}

void __ubsan_handle_out_of_bounds(struct out_of_bounds *data, u64 index);
void __ubsan_handle_out_of_bounds(struct out_of_bounds *data, u64 index)
{
	panic("UBSAN: array index out of bounds in %s:%u:%u: index %ld of %s", data->where.file,
	      data->where.line, data->where.column, (long)index, data->array->name);
}

void __ubsan_handle_shift_out_of_bounds(struct source_location *at, u64 value, u64 by);
void __ubsan_handle_shift_out_of_bounds(struct source_location *at, u64 value, u64 by)
{
	complain(at, "shift out of bounds, by", by);
}

void __ubsan_handle_type_mismatch_v1(struct type_mismatch *data, u64 address);
/*
 * The compiler does not tell a member's access from the making of its address, which is all that is done with users'
 * pointers outside <arch/uaccess.h>, and those point anywhere. So only accesses to whole objects count.
 */
void __ubsan_handle_type_mismatch_v1(struct type_mismatch *data, u64 address)
{
	if (data->kind == KIND_MEMBER)
		return;
	panic("UBSAN: access to %#lx as %s, which must be aligned to %lu, in %s:%u:%u",
	      (unsigned long)address, data->type->name, 1UL << data->log_alignment,
	      data->where.file, data->where.line, data->where.column);
}

#endif

/* SPDX-License-Identifier: MIT */
// cflags: -ffreestanding
/* Sparse arrays against a plain table: loads, searches, marks, free indices, allocation failures,
 * no leaks. */
#include "unit.h"

#include "../../kernel/lib/xarray.c"

#define NR 512
static u64 place[NR]; /* indices in use, unsorted; model[i] is what is there */
static void *model[NR];
static u32 marks[NR];

static void *value(u64 v) { return xa_mk_value(v & 0xffffffff); }

TEST(single_entry_needs_no_node)
{
	struct xarray xa = XARRAY_INIT;
	u64 i = 0;

	CHECK(!xa_load(&xa, 0) && !xa_load(&xa, 1) && !xa_find(&xa, &i, ~0UL));
	CHECK(!xa_store(&xa, 0, value(7), GFP_KERNEL) && unit_objects == 0);
	CHECK(xa_load(&xa, 0) == value(7) && !xa_load(&xa, 64));
	xa_set_mark(&xa, 0, 1);
	CHECK(xa_get_mark(&xa, 0, 1) && !xa_get_mark(&xa, 0, 0));
	CHECK(!xa_store(&xa, 100000, value(8), GFP_KERNEL));
	CHECK(xa_load(&xa, 0) == value(7) && xa_load(&xa, 100000) == value(8));
	CHECK(xa_get_mark(&xa, 0, 1) && !xa_get_mark(&xa, 100000, 1));
	CHECK(xa_erase(&xa, 0) == value(7) && xa_erase(&xa, 100000) == value(8));
	CHECK(!xa.root && unit_objects == 0);
}

/* Small, clustered and huge indices. */
static u64 some_index(void)
{
	switch (unit_random() % 4) {
	case 0:
		return unit_random() % 64;
	case 1:
		return unit_random() % 5000;
	case 2:
		return (1UL << 40) + unit_random() % 100;
	}
	return unit_random() >> (unit_random() % 64);
}

static u32 model_find(u64 index)
{
	for (u32 k = 0; k < NR; k++)
		if (model[k] && place[k] == index)
			return k;
	return NR;
}

/* The smallest index >= at with an entry (carrying the mark). */
static u32 model_next(u64 at, u32 mark)
{
	u32 best = NR;

	for (u32 k = 0; k < NR; k++)
		if (model[k] && place[k] >= at && (mark == NO_MARK || (marks[k] & BIT(mark))) &&
		    (best == NR || place[k] < place[best]))
			best = k;
	return best;
}

static bool same_walk(struct xarray *xa, u32 mark)
{
	u64 i = 0, at = 0;

	for (;;) {
		void *e = mark == NO_MARK ? xa_find(xa, &i, ~0UL)
					  : xa_find_marked(xa, &i, ~0UL, mark);
		u32 k = model_next(at, mark);

		if (!e || k == NR)
			return !e && k == NR;
		if (i != place[k] || e != model[k])
			return false;
		if (i == ~0UL)
			return true;
		at = ++i;
	}
}

TEST(random_against_model)
{
	struct xarray xa = XARRAY_INIT;

	for (u32 round = 0; round < 30000; round++) {
		u64 index = some_index();
		u32 k = model_find(index), slot = (u32)(unit_random() % NR);

		if (k < NR && unit_random() % 3) {
			CHECK(xa_load(&xa, index) == model[k]);
			CHECK(xa_get_mark(&xa, index, 0) == (marks[k] & 1));
			CHECK(xa_get_mark(&xa, index, 1) == (marks[k] >> 1));
			if (unit_random() & 1) {
				xa_set_mark(&xa, index, round & 1);
				marks[k] |= 1U << (round & 1);
			} else {
				xa_clear_mark(&xa, index, round & 1);
				marks[k] &= ~(1U << (round & 1));
			}
		} else if (k < NR) {
			CHECK(xa_erase(&xa, index) == model[k]);
			model[k] = NULL;
		} else {
			CHECK(!xa_load(&xa, index) && !xa_erase(&xa, index));
			if (model[slot]) {
				CHECK(xa_erase(&xa, place[slot]) == model[slot]);
			}
			place[slot] = index;
			model[slot] = value(round);
			marks[slot] = 0;
			CHECK(!xa_store(&xa, index, model[slot], GFP_KERNEL));
		}
		if (round % 500 == 0)
			CHECK(same_walk(&xa, NO_MARK) && same_walk(&xa, 0) && same_walk(&xa, 1));
	}
	for (u32 k = 0; k < NR; k++) {
		if (model[k])
			CHECK(xa_erase(&xa, place[k]) == model[k]);
		model[k] = NULL;
	}
	CHECK(!xa.root && unit_objects == 0);
}

TEST(range_of_find)
{
	struct xarray xa = XARRAY_INIT;
	u64 i = 10;

	CHECK(!xa_store(&xa, 100, value(1), GFP_KERNEL));
	CHECK(!xa_find(&xa, &i, 99) && i == 10);
	CHECK(xa_find(&xa, &i, 100) == value(1) && i == 100);
	i = 101;
	CHECK(!xa_find(&xa, &i, ~0UL));
	CHECK(!xa_store(&xa, ~0UL, value(2), GFP_KERNEL));
	CHECK(xa_find(&xa, &i, ~0UL) == value(2) && i == ~0UL);
	xa_destroy(&xa);
	CHECK(!xa.root && unit_objects == 0);
}

TEST(find_many)
{
	struct xarray xa = XARRAY_INIT;
	void *out[100];
	u64 i, want;
	u32 n;

	for (u64 k = 0; k < 1000; k++)
		if (k % 97 && k % 5)
			CHECK(!xa_store(&xa, k, value(k), GFP_KERNEL));
	for (u32 max = 1; max <= 100; max += 33) {
		i = want = 0;
		while ((n = xa_find_many(&xa, &i, 900, out, max)))
			for (u32 k = 0; k < n; k++, want++) {
				while (want % 97 == 0 || want % 5 == 0)
					want++;
				CHECK(out[k] == value(want));
			}
		CHECK(want == 900); /* 899 was the last: 900 is a hole */
	}
	xa_destroy(&xa);
	CHECK(!xa_store(&xa, 0, value(3), GFP_KERNEL));
	i = 0;
	CHECK(xa_find_many(&xa, &i, ~0UL, out, 8) == 1 && out[0] == value(3) && i == 1);
	xa_destroy(&xa);
	return;
}

TEST(alloc_lowest_free)
{
	struct xarray xa = XARRAY_INIT;
	u64 i;

	for (u64 want = 0; want < 5000; want++) {
		i = 0;
		CHECK(xa_alloc(&xa, &i, 4999, value(want), GFP_KERNEL) == 0 && i == want);
	}
	i = 0;
	CHECK(xa_alloc(&xa, &i, 4999, value(1), GFP_KERNEL) == -EBUSY);
	CHECK(xa_erase(&xa, 4097) && xa_erase(&xa, 77) && xa_erase(&xa, 4095));
	i = 78;
	CHECK(xa_alloc(&xa, &i, 4999, value(1), GFP_KERNEL) == 0 && i == 4095);
	i = 4096;
	CHECK(xa_alloc(&xa, &i, 4999, value(1), GFP_KERNEL) == 0 && i == 4097);
	i = 0;
	CHECK(xa_alloc(&xa, &i, 4999, value(1), GFP_KERNEL) == 0 && i == 77);
	i = 3;
	CHECK(xa_alloc(&xa, &i, ~0UL, value(1), GFP_KERNEL) == 0 && i == 5000);
	xa_destroy(&xa);
	CHECK(unit_objects == 0);
}

TEST(alloc_random_holes)
{
	struct xarray xa = XARRAY_INIT;
	static bool used[9000];

	for (u32 round = 0; round < 40000; round++) {
		u64 i = unit_random() % 9000, from = i, want = i;

		if (used[i] && (round & 1)) {
			CHECK(xa_erase(&xa, i));
			used[i] = false;
			continue;
		}
		while (want < 9000 && used[want])
			want++;
		if (want == 9000) {
			CHECK(xa_alloc(&xa, &i, 8999, value(round), GFP_KERNEL) == -EBUSY &&
			      i == from);
			continue;
		}
		CHECK(xa_alloc(&xa, &i, 8999, value(round), GFP_KERNEL) == 0 && i == want);
		used[i] = true;
	}
	xa_destroy(&xa);
	CHECK(unit_objects == 0);
}

TEST(failed_allocation_changes_nothing)
{
	struct xarray xa = XARRAY_INIT;

	for (u64 n = 0; n < 12; n++) {
		CHECK(!xa_store(&xa, 5, value(5), GFP_KERNEL));
		unit_fail_after = (long)n;
		void *r = xa_store(&xa, 1UL << 60, value(6), GFP_KERNEL);

		unit_fail_after = -1;
		CHECK(IS_ERR(r) ? PTR_ERR(r) == -ENOMEM && !xa_load(&xa, 1UL << 60)
				: xa_load(&xa, 1UL << 60) == value(6));
		CHECK(xa_load(&xa, 5) == value(5));
		xa_erase(&xa, 1UL << 60);
		CHECK(xa_erase(&xa, 5) == value(5) && !xa.root && unit_objects == 0);
	}
}

TEST(destroy_deep)
{
	struct xarray xa = XARRAY_INIT;

	for (u32 k = 0; k < 3000; k++) {
		u64 index = some_index();

		CHECK(!IS_ERR(xa_store(&xa, index, value(k), GFP_KERNEL)));
		if (k & 1)
			xa_set_mark(&xa, index, 0);
	}
	xa_destroy(&xa);
	CHECK(!xa.root && unit_objects == 0);
}

int main(void)
{
	static const struct unit_test tests[] = {
		UNIT(single_entry_needs_no_node),
		UNIT(random_against_model),
		UNIT(range_of_find),
		UNIT(find_many),
		UNIT(alloc_lowest_free),
		UNIT(alloc_random_holes),
		UNIT(failed_allocation_changes_nothing),
		UNIT(destroy_deep),
	};

	xarray_init();
	return unit_run(tests, ARRAY_SIZE(tests));
}

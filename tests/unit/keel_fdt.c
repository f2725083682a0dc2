/* SPDX-License-Identifier: MIT */
/* kernel/lib/fdt.c under names that do not clash with libfdt's, for test_fdt.c. */
#define fdt_check	 keel_fdt_check
#define fdt_totalsize	 keel_fdt_totalsize
#define fdt_next_node	 keel_fdt_next_node
#define fdt_first_child	 keel_fdt_first_child
#define fdt_next_sibling keel_fdt_next_sibling
#define fdt_name	 keel_fdt_name
#define fdt_prop	 keel_fdt_prop
#define fdt_prop_at	 keel_fdt_prop_at
#define fdt_path	 keel_fdt_path
#define fdt_reserve_map	 keel_fdt_reserve_map
#define fdt_cells	 keel_fdt_cells
#define fdt_read_cells	 keel_fdt_read_cells
#include "../../kernel/lib/fdt.c"

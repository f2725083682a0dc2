/* SPDX-License-Identifier: MIT */
/*
 * What boot learns from the flat device tree before there is any memory to allocate: where RAM is
 * and what of it is taken, the initrd, the command line. Runs once on the boot hart. Firmware's
 * ranges are never handed out; those marked no-map are not even mapped.
 */
#include <arch/boot.h>

#include <arch/cpu.h>
#include <arch/page.h>
#include <kernel/dt.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/string.h>

#include "machine.h"
#include "sbi.h"

#define MEMORY_LEAST   (6UL << 20)   /* with less there is no point in going on */
#define VMEMMAP_COVERS (512UL << 30) /* struct page is mapped for physical addresses below */

struct memory_range memory_banks[MEMORY_BANKS_MAX] __initdata;
u32 nr_memory_banks __initdata;
struct memory_range nomap_ranges[NOMAP_RANGES_MAX] __initdata;
u32 nr_nomap_ranges __initdata;
static struct memory_range initrd __ro_after_init;
static bool firmware_known __initdata;

/* --- properties --- */

static bool __init node_available(const void *fdt, int node)
{
	int len;
	const char *status = fdt_prop(fdt, node, "status", &len);

	return !status ||
	       (len > 0 && (!strncmp(status, "okay", len) || !strncmp(status, "ok", len)));
}

/* The i-th (address, size) of a reg property; false past its end or when a number has more than 64
 * bits. */
static bool __init read_reg(const void *prop, int len, u32 i, u32 acells, u32 scells, u64 *addr,
			    u64 *size)
{
	u32 bytes = (acells + scells) * 4;
	const char *p = (const char *)prop + (u64)i * bytes;

	if (bytes == 0 || ((u64)i + 1) * bytes > (u64)len)
		return false;
	return fdt_read_cells(p, acells, addr) == 0 &&
	       fdt_read_cells(p + acells * 4, scells, size) == 0;
}

static bool __init read_number(const void *fdt, int node, const char *name, u64 *out)
{
	int len;
	const void *p = fdt_prop(fdt, node, name, &len);

	return p && (len == 4 || len == 8) && fdt_read_cells(p, len / 4, out) == 0;
}

const char *boot_bootargs(const void *fdt)
{
	int node = fdt_path(fdt, "/chosen"), len;
	const char *args = node >= 0 ? fdt_prop(fdt, node, "bootargs", &len) : NULL;

	return args && len > 0 && args[len - 1] == '\0' ? args : "";
}

/* --- banks --- */

static void __init add_bank(paddr_t start, u64 size)
{
	struct memory_range r = { ALIGN_UP(start, PAGE_SIZE), ALIGN_DOWN(start + size, PAGE_SIZE) };

	if (start + size < start || r.start >= r.end)
		return;
	if (nr_memory_banks == MEMORY_BANKS_MAX) {
		pr_warn("memory: more than %d banks, %#lx-%#lx not used", MEMORY_BANKS_MAX,
			(unsigned long)r.start, (unsigned long)r.end - 1);
		return;
	}
	memory_banks[nr_memory_banks++] = r;
}

static bool __init is_memory_node(const void *fdt, int node)
{
	int len;
	const char *type = fdt_prop(fdt, node, "device_type", &len);

	return type && len == 7 && !memcmp(type, "memory", 7) && node_available(fdt, node);
}

static void __init find_banks(const void *fdt)
{
	u32 acells = fdt_cells(fdt, 0, "#address-cells", 2),
	    scells = fdt_cells(fdt, 0, "#size-cells", 1);

	for (int node = fdt_first_child(fdt, 0); node >= 0; node = fdt_next_sibling(fdt, node)) {
		int len;
		const void *reg;
		u64 addr, size;

		if (!is_memory_node(fdt, node))
			continue;
		reg = fdt_prop(fdt, node, "reg", &len);
		for (u32 i = 0; reg && read_reg(reg, len, i, acells, scells, &addr, &size); i++)
			add_bank(addr, size);
	}
	if (nr_memory_banks == 0)
		panic("the device tree names no memory (no node with device_type \"memory\" and a "
		      "reg)");
}

/* Ascending, overlaps merged, so that everyone after may rely on it. */
static void __init sort_banks(void)
{
	u32 kept = 0;

	for (u32 i = 1; i < nr_memory_banks; i++) {
		struct memory_range r = memory_banks[i];
		u32 k = i;

		for (; k > 0 && memory_banks[k - 1].start > r.start; k--)
			memory_banks[k] = memory_banks[k - 1];
		memory_banks[k] = r;
	}
	for (u32 i = 1; i < nr_memory_banks; i++) {
		if (memory_banks[i].start <= memory_banks[kept].end)
			memory_banks[kept].end = MAX(memory_banks[kept].end, memory_banks[i].end);
		else
			memory_banks[++kept] = memory_banks[i];
	}
	nr_memory_banks = kept + 1;
}

/* Cuts banks to what the direct map and vmemmap reach. */
static void __init clip_banks(void)
{
	paddr_t limit = MIN(phys_base + DIRECT_SIZE, VMEMMAP_COVERS);
	u32 kept = 0;

	for (u32 i = 0; i < nr_memory_banks; i++) {
		struct memory_range r = memory_banks[i];

		if (r.end > limit) {
			pr_warn("memory: %#lx-%#lx lies beyond the direct map: not used",
				(unsigned long)MAX(r.start, limit), (unsigned long)r.end - 1);
			r.end = limit;
		}
		if (r.start < r.end)
			memory_banks[kept++] = r;
	}
	nr_memory_banks = kept;
}

static bool __init in_a_bank(paddr_t start, paddr_t end)
{
	for (u32 i = 0; i < nr_memory_banks; i++)
		if (start >= memory_banks[i].start && end <= memory_banks[i].end)
			return true;
	return false;
}

static void __init check_banks(void)
{
	u64 total = 0;

	for (u32 i = 0; i < nr_memory_banks; i++)
		total += memory_banks[i].end - memory_banks[i].start;
	if (total < MEMORY_LEAST)
		panic("too little memory: %lu KiB, Keel needs %lu", (unsigned long)total >> 10,
		      MEMORY_LEAST >> 10);
	if (!in_a_bank(kernel_phys, kernel_to_phys(__kernel_end)))
		panic("the kernel was loaded at %#lx, outside the memory of the device tree",
		      (unsigned long)kernel_phys);
}

/* --- reservations --- */

static bool __init overlap(paddr_t start, paddr_t end, paddr_t start2, paddr_t end2)
{
	return start < end2 && start2 < end;
}

/* Grown to whole pages, cut to the banks; what lies elsewhere is none of ours. */
static void __init reserve(paddr_t start, u64 size, const char *why, bool temporary)
{
	paddr_t end = start + size;

	if (size == 0 || end < start)
		return;
	start = ALIGN_DOWN(start, PAGE_SIZE);
	end = ALIGN_UP(end, PAGE_SIZE);
	for (u32 i = 0; i < nr_memory_banks; i++) {
		const struct memory_range *b = &memory_banks[i];

		if (!overlap(start, end, b->start, b->end))
			continue;
		if (temporary)
			memory_reserve_temporary(MAX(start, b->start), MIN(end, b->end), why);
		else
			memory_reserve(MAX(start, b->start), MIN(end, b->end), why);
	}
}

/* What the device tree reserves. */
static void __init reserve_given(paddr_t start, u64 size, const char *why)
{
	paddr_t end = start + size;

	/* Somebody lives in the 2 MiB below the kernel and says so. */
	if (start < kernel_phys && end > start && kernel_phys - start <= PMD_SIZE)
		firmware_known = true;
	reserve(start, size, why, false);
}

static void __init add_nomap(paddr_t start, u64 size)
{
	struct memory_range r = { ALIGN_DOWN(start, PAGE_SIZE), ALIGN_UP(start + size, PAGE_SIZE) };

	if (r.start >= r.end)
		return;
	if (overlap(r.start, r.end, kernel_phys, kernel_to_phys(__kernel_end)))
		panic("the firmware reserves %#lx-%#lx, where the kernel was loaded",
		      (unsigned long)r.start, (unsigned long)r.end - 1);
	if (nr_nomap_ranges < NOMAP_RANGES_MAX)
		nomap_ranges[nr_nomap_ranges++] = r;
	else
		pr_warn("memory: more than %d no-map ranges, %#lx-%#lx stays mapped",
			NOMAP_RANGES_MAX, (unsigned long)r.start, (unsigned long)r.end - 1);
}

static void __init reserve_by_node(const void *fdt)
{
	int parent = fdt_path(fdt, "/reserved-memory");
	u32 acells, scells;

	if (parent < 0)
		return;
	acells = fdt_cells(fdt, parent, "#address-cells", 2);
	scells = fdt_cells(fdt, parent, "#size-cells", 1);
	for (int node = fdt_first_child(fdt, parent); node >= 0;
	     node = fdt_next_sibling(fdt, node)) {
		int len, ignored;
		const void *reg = fdt_prop(fdt, node, "reg", &len);
		bool nomap = fdt_prop(fdt, node, "no-map", &ignored);
		u64 addr, size;

		if (!reg || !node_available(fdt, node))
			continue;
		for (u32 i = 0; read_reg(reg, len, i, acells, scells, &addr, &size); i++) {
			reserve_given(addr, size, fdt_name(fdt, node, &ignored));
			if (nomap)
				add_nomap(addr, size);
		}
	}
}

static void __init reserve_by_map(const void *fdt)
{
	u64 addr, size;

	for (u32 i = 0; fdt_reserve_map(fdt, i, &addr, &size) == 0; i++)
		reserve_given(addr, size, "memreserve");
}

/*
 * Firmware that does not say where it lives sits at the start of RAM, just below the 2 MiB offset
 * kernels are loaded at.
 */
static void __init reserve_silent_firmware(void)
{
	const struct memory_range *b = memory_banks;

	while (kernel_phys < b->start || kernel_phys >= b->end)
		b++;
	if (firmware_known || kernel_phys == b->start || kernel_phys - b->start > PMD_SIZE)
		return;
	reserve(b->start, kernel_phys - b->start, "firmware (assumed)", false);
	pr_notice("memory: no firmware range in the device tree: %#lx-%#lx left alone",
		  (unsigned long)b->start, (unsigned long)kernel_phys - 1);
}

static void __init reserve_initrd(const void *fdt)
{
	int chosen = fdt_path(fdt, "/chosen");
	u64 start, end;

	if (chosen < 0 || !read_number(fdt, chosen, "linux,initrd-start", &start) ||
	    !read_number(fdt, chosen, "linux,initrd-end", &end) || start >= end)
		return;
	if (!in_a_bank(start, end) ||
	    overlap(start, end, kernel_phys, kernel_to_phys(__kernel_end))) {
		pr_err("initrd: %#lx-%#lx is not free RAM: ignored", (unsigned long)start,
		       (unsigned long)end - 1);
		return;
	}
	initrd = (struct memory_range) { start, end };
	reserve(start, end - start, "initrd", true);
}

bool boot_initrd(paddr_t *start, paddr_t *end)
{
	*start = initrd.start;
	*end = initrd.end;
	return initrd.start != initrd.end;
}

/* --- the steps --- */

static paddr_t __init fdt_phys(const void *fdt) { return kernel_lookup((vaddr_t)fdt); }

void __init arch_memory_init(const void *fdt)
{
	find_banks(fdt);
	sort_banks();
	phys_base = ALIGN_DOWN(memory_banks[0].start, PUD_SIZE);
	direct_offset = DIRECT_BASE - phys_base;
	clip_banks();
	check_banks();
	paging_map_banks_whole();

	for (u32 i = 0; i < nr_memory_banks; i++)
		memory_add(memory_banks[i].start, memory_banks[i].end);
	reserve(kernel_phys, (u64)(__init_start - __kernel_start), "kernel text", false);
	reserve(kernel_to_phys(__init_start), (u64)(__init_end - __init_start), "kernel init",
		true);
	reserve(kernel_to_phys(__init_end), (u64)(__stack_guard_start - __init_end), "kernel data",
		false);
	reserve(kernel_to_phys(__stack_guard_end), (u64)(__kernel_end - __stack_guard_end),
		"boot stack", false);
	reserve(fdt_phys(fdt), fdt_totalsize(fdt), "device tree", false);
	reserve_by_map(fdt);
	reserve_by_node(fdt);
	reserve_silent_firmware();
	reserve_initrd(fdt);
}

static void write_to_firmware(struct console *con, const char *s, size_t n)
{
	early_console_write(s, n);
}

/* Until a driver has a console of its own. */
static struct console firmware_console = { .name = "sbi",
					   .boot = true,
					   .write = write_to_firmware };

void __init arch_early_console(void)
{
	sbi_probe();
	if (sbi_has_console())
		console_register(&firmware_console);
}

void __init arch_cpu_init(const void *fdt)
{
	u64 offset = (u64)fdt & (PMD_SIZE - 1);
	const char *trouble =
		fdt ? fdt_check(fdt, FDT_MAP_SIZE - offset) : "the boot loader passed none";

	if (trouble)
		panic("no usable device tree: %s", trouble);
	isa_init(fdt);
	hart_csr_init();
}

void __init arch_boot(paddr_t fdt)
{
	kernel_main(fdt ? (const void *)(FIXMAP_BASE + (fdt & (PMD_SIZE - 1))) : NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What the harts can do: the ISA strings of /cpus, of which the kernel uses and announces what
 * every usable hart has, and /proc/cpuinfo.
 *
 * A hart is usable when it is enabled, has an MMU and the base RV64IMAC; the monitor cores of
 * SiFive's chips have no MMU. Of the floating-point extensions a hart has both F and D or, for us,
 * none.
 */
#include <arch/cpu.h>

#include <asm/hwcap.h>
#include <kernel/dt.h>
#include <kernel/hart.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/seq_file.h>
#include <kernel/string.h>

#include "csr.h"
#include "machine.h"
#include "sbi.h"

#define UARCH_MAX 32

struct isa isa __ro_after_init;
u32 cboz_block __ro_after_init;

struct possible_hart {
	u64 hwid;
	char uarch[UARCH_MAX]; /* most specific compatible; "" when it is just "riscv" */
	u64 cboz;
};
static struct possible_hart possible[NR_HARTS_MAX] __ro_after_init;
static u32 nr_possible __ro_after_init;
static u32 nr_left_over __initdata;
static bool has_instret __ro_after_init;

/* --- names of extensions --- */

/* Multi-letter extensions the kernel cares about, and where it notes them. */
static const struct {
	const char *name;
	u32 field;
} extensions[] = {
#define EXT(x)                              \
	{                                   \
#x, offsetof(struct isa, x) \
	}
	EXT(zba),     EXT(zbb),	   EXT(zbs),	EXT(sstc),   EXT(svade), EXT(svadu),
	EXT(svinval), EXT(svpbmt), EXT(zicbom), EXT(zicboz), EXT(zkr),
#undef EXT
};

static bool *field_of(struct isa *i, u32 offset) { return (bool *)((char *)i + offset); }

static void __init note_letter(struct isa *i, char c)
{
	switch (c) {
	case 'g':
		i->f = i->d = true;
		i->hwcap |= COMPAT_HWCAP_ISA_I | COMPAT_HWCAP_ISA_M | COMPAT_HWCAP_ISA_A;
		break;
	case 'f':
		i->f = true;
		break;
	case 'd':
		i->d = true;
		break;
	case 'c':
		i->c = true;
		break;
	case 'i':
	case 'm':
	case 'a':
		i->hwcap |= 1UL << (c - 'a');
		break;
	default:
		break; /* h: there, but not ours to use; v: registers the kernel does not switch */
	}
}

static void __init note_name(struct isa *i, const char *name, size_t n)
{
	for (u32 k = 0; k < ARRAY_SIZE(extensions); k++)
		if (strlen(extensions[k].name) == n && !memcmp(extensions[k].name, name, n))
			*field_of(i, extensions[k].field) = true;
}

static bool __init is_vector(const char *name, size_t n)
{
	return n >= 2 && name[0] == 'z' && name[1] == 'v';
}

static void __init append(struct isa *i, const char *s, size_t n, bool separate)
{
	size_t at = strlen(i->string);

	if (at + n + 2 > sizeof(i->string))
		return;
	if (separate)
		i->string[at++] = '_';
	memcpy(i->string + at, s, n);
	i->string[at + n] = '\0';
}

static void __init note_extension(struct isa *i, const char *name, size_t n)
{
	if (n == 0 || is_vector(name, n))
		return;
	if (n == 1) {
		note_letter(i, name[0]);
		if (name[0] != 'v')
			append(i, name, 1, false);
		return;
	}
	note_name(i, name, n);
	append(i, name, n, true);
}

/* riscv,isa: "rv64imafdc_zba_zbb"; versions after a name ("i2p1") are skipped. */
static bool __init parse_string(struct isa *i, const char *s)
{
	if (strncmp(s, "rv64", 4))
		return false;
	append(i, s, 4, false);
	s += 4;
	while (*s) {
		bool multi = *s == 'z' || *s == 's' || *s == 'x';
		size_t n = multi ? strlen(s) : 1;
		const char *end = multi ? strchr(s, '_') : NULL;

		if (*s == '_') {
			s++;
			continue;
		}
		if (end)
			n = (size_t)(end - s);
		note_extension(i, s, n);
		s += n;
		while (*s >= '0' && *s <= '9')
			s += 1 + (s[1] == 'p' && s[2] >= '0' && s[2] <= '9');
	}
	return true;
}

/* riscv,isa-base and riscv,isa-extensions: a list of strings. */
static bool __init parse_list(struct isa *i, const char *base, const char *list, int len)
{
	if (strncmp(base, "rv64i", 5))
		return false;
	append(i, "rv64", 4, false);
	for (const char *s = list, *end = list + len; s < end;) {
		size_t n = strnlen(s, (size_t)(end - s));

		note_extension(i, s, n);
		s += n + 1;
	}
	return true;
}

static bool __init parse_isa(const void *fdt, int node, struct isa *i)
{
	int len, base_len;
	const char *base = fdt_prop(fdt, node, "riscv,isa-base", &base_len);
	const char *list = fdt_prop(fdt, node, "riscv,isa-extensions", &len);
	bool ok;

	memset(i, 0, sizeof(*i));
	if (base && list && base_len > 0 && base[base_len - 1] == '\0') {
		ok = parse_list(i, base, list, len);
	} else {
		const char *s = fdt_prop(fdt, node, "riscv,isa", &len);

		ok = s && len > 0 && s[len - 1] == '\0' && parse_string(i, s);
	}
	if (!i->f || !i->d)
		i->f = i->d = false;
	if (i->f)
		i->hwcap |= COMPAT_HWCAP_ISA_F | COMPAT_HWCAP_ISA_D;
	if (i->c)
		i->hwcap |= COMPAT_HWCAP_ISA_C;
	return ok && i->c && (i->hwcap & COMPAT_HWCAP_ISA_M) && (i->hwcap & COMPAT_HWCAP_ISA_A);
}

/* --- harts --- */

static bool __init prop_is(const void *fdt, int node, const char *name, const char *value)
{
	int len;
	const char *s = fdt_prop(fdt, node, name, &len);

	return s && len > 0 && s[len - 1] == '\0' && !strcmp(s, value);
}

static bool __init hart_usable(const void *fdt, int node)
{
	int len;
	const char *mmu = fdt_prop(fdt, node, "mmu-type", &len);

	if (fdt_prop(fdt, node, "status", &len) && !prop_is(fdt, node, "status", "okay") &&
	    !prop_is(fdt, node, "status", "ok"))
		return false;
	return prop_is(fdt, node, "device_type", "cpu") && mmu &&
	       !prop_is(fdt, node, "mmu-type", "riscv,none");
}

static void __init describe_hart(const void *fdt, int node, struct possible_hart *h)
{
	int len;
	const char *compatible = fdt_prop(fdt, node, "compatible", &len);
	const void *block;

	if (compatible && len > 0 && compatible[len - 1] == '\0' && strcmp(compatible, "riscv"))
		strscpy(h->uarch, compatible, sizeof(h->uarch));
	block = fdt_prop(fdt, node, "riscv,cboz-block-size", &len);
	h->cboz = block && len == 4 ? be32_at(block) : 0;
}

/* What all have so far and this one too. */
static void __init intersect(struct isa *all, const struct isa *one)
{
	for (u32 k = 0; k < ARRAY_SIZE(extensions); k++)
		*field_of(all, extensions[k].field) &=
			*field_of((struct isa *)one, extensions[k].field);
	all->f &= one->f;
	all->d &= one->d;
	all->hwcap &= one->hwcap;
}

static void __init add_hart(const void *fdt, int node, u32 acells)
{
	static struct isa one __initdata;
	struct possible_hart *h = &possible[nr_possible];
	int len;
	const void *reg = fdt_prop(fdt, node, "reg", &len);
	u64 hwid;

	if (!reg || len < (int)acells * 4 || fdt_read_cells(reg, acells, &hwid) ||
	    !hart_usable(fdt, node))
		return;
	if (!parse_isa(fdt, node, &one)) {
		pr_warn("cpu: hart %lu lacks rv64imac or does not say what it is: not used",
			(unsigned long)hwid);
		return;
	}
	/* The boot hart must have room however late it comes. */
	if (nr_possible == NR_HARTS_MAX && hwid != boot_hartid) {
		nr_left_over++;
		return;
	}
	if (nr_possible == NR_HARTS_MAX)
		h = &possible[--nr_possible];
	if (isa.string[0] == '\0')
		isa = one;
	else
		intersect(&isa, &one);
	if (hwid == boot_hartid)
		strscpy(isa.string, one.string, sizeof(isa.string));
	memset(h, 0, sizeof(*h));
	h->hwid = hwid;
	describe_hart(fdt, node, h);
	nr_possible++;
}

static void __init find_timebase(const void *fdt, int cpus)
{
	int len, node = cpus;
	const void *p = fdt_prop(fdt, cpus, "timebase-frequency", &len);

	for (node = fdt_first_child(fdt, cpus); !p && node >= 0; node = fdt_next_sibling(fdt, node))
		p = fdt_prop(fdt, node, "timebase-frequency", &len);
	if (!p || (len != 4 && len != 8) || fdt_read_cells(p, len / 4, &isa.timebase_hz) ||
	    isa.timebase_hz == 0)
		panic("the device tree gives no timebase-frequency: no clock");
}

/* cbo.zero at work: only when all harts clear alike, in blocks a page is made of, and the firmware
 * lets us. */
static void __init find_cboz(void)
{
	u64 block = possible[0].cboz;

	for (u32 i = 1; i < nr_possible; i++)
		if (possible[i].cboz != block)
			return;
	if (isa.zicboz && block >= 16 && block <= PAGE_SIZE && IS_ALIGNED(PAGE_SIZE, block) &&
	    csr_probe_cboz())
		cboz_block = (u32)block;
}

void __init isa_init(const void *fdt)
{
	int cpus = fdt_path(fdt, "/cpus");
	u32 acells;

	if (cpus < 0)
		panic("the device tree has no /cpus");
	acells = fdt_cells(fdt, cpus, "#address-cells", 1);
	for (int node = fdt_first_child(fdt, cpus); node >= 0; node = fdt_next_sibling(fdt, node))
		add_hart(fdt, node, acells);
	if (nr_possible == 0)
		panic("the device tree names no usable hart (device_type \"cpu\", mmu-type, "
		      "riscv,isa)");
	if (nr_left_over)
		pr_warn("cpu: %u harts more than the %d Keel can use", nr_left_over, NR_HARTS_MAX);
	find_timebase(fdt, cpus);
	hart_set_hwid(0, boot_hartid);
	isa.sstc = isa.sstc && csr_probe_stimecmp();
	has_instret = csr_probe_instret();
	find_cboz();
}

u32 harts_possible(void) { return nr_possible; }

u64 hart_possible_hwid(u32 i) { return possible[i].hwid; }

bool instret_available(void) { return has_instret; }

void hart_csr_init(void)
{
	csr_write(scounteren, SCOUNTEREN_TM);
	if (isa.zicboz)
		csr_probe_write_senvcfg(SENVCFG_CBZE);
	csr_clear(sstatus, SSTATUS_SUM | SSTATUS_MXR);
	csr_clear(sip, SIE_SOFT);
	csr_write(sie, SIE_SOFT | SIE_TIMER | SIE_EXTERNAL);
}

/* --- /proc/cpuinfo --- */

static const struct possible_hart *possible_of(u64 hwid)
{
	for (u32 i = 0; i < nr_possible; i++)
		if (possible[i].hwid == hwid)
			return &possible[i];
	return NULL;
}

void cpuinfo_show(struct seq_file *m)
{
	u32 h;

	for_each_hart (h) {
		const struct possible_hart *p = possible_of(hart_hwid(h));

		if (!(READ_ONCE(harts_online) & HARTMASK_OF(h)))
			continue;
		seq_printf(m, "processor\t: %u\n", h);
		seq_printf(m, "hart\t\t: %lu\n", (unsigned long)hart_hwid(h));
		seq_printf(m, "isa\t\t: %s\n", isa.string);
		seq_printf(m, "mmu\t\t: sv39\n");
		if (p && p->uarch[0])
			seq_printf(m, "uarch\t\t: %s\n", p->uarch);
		seq_printf(m, "mvendorid\t: 0x%lx\n", (unsigned long)sbi.mvendorid);
		seq_printf(m, "marchid\t\t: 0x%lx\n", (unsigned long)sbi.marchid);
		seq_printf(m, "mimpid\t\t: 0x%lx\n", (unsigned long)sbi.mimpid);
		seq_printf(m, "hart isa\t: %s\n\n", isa.string);
	}
}

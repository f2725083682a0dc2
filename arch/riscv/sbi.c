/* SPDX-License-Identifier: MIT */
/*
 * Calls into the firmware. sbi_probe() runs first of all C code on the boot hart; what it finds
 * never changes. Any context, no locks: the firmware serialises what it must.
 *
 * Firmware of before the base extension (SBI 0.1) answers every probe with an error: then the
 * legacy calls stand in.
 */
#include "sbi.h"

#include <arch/cpu.h>
#include <arch/pgtable.h>
#include <kernel/hart.h>
#include <kernel/string.h>

#include "csr.h"
#include "machine.h"

struct sbi sbi __ro_after_init;

static struct sbi_ret call(u64 ext, u64 fn, u64 a0, u64 a1)
{
	return sbi_call(ext, fn, a0, a1, 0, 0, 0);
}

static u64 base(u64 fn)
{
	struct sbi_ret r = call(SBI_EXT_BASE, fn, 0, 0);

	return r.error ? 0 : r.value;
}

static bool __init has(u64 ext)
{
	struct sbi_ret r = call(SBI_EXT_BASE, 3, ext, 0);

	return !r.error && r.value;
}

void __init sbi_probe(void)
{
	sbi.spec = base(0);
	if (sbi.spec == 0) {
		sbi.legacy_console = true;
		return;
	}
	sbi.impl = base(1);
	sbi.impl_version = base(2);
	sbi.mvendorid = base(4);
	sbi.marchid = base(5);
	sbi.mimpid = base(6);
	sbi.time = has(SBI_EXT_TIME);
	sbi.ipi = has(SBI_EXT_IPI);
	sbi.rfence = has(SBI_EXT_RFENCE);
	sbi.hsm = has(SBI_EXT_HSM);
	sbi.srst = has(SBI_EXT_SRST);
	sbi.dbcn = has(SBI_EXT_DBCN);
	sbi.legacy_console = has(SBI_EXT_LEGACY_PUTCHAR);
}

const char *sbi_describe(char *buf, size_t n)
{
	static const char *const names[] = { "BBL",	"OpenSBI", "Xvisor", "KVM",
					     "RustSBI", "Diosix",  "Coffer" };
	u64 v = sbi.impl_version;

	if (sbi.spec == 0) {
		scnprintf(buf, n, "SBI 0.1 (legacy)");
		return buf;
	}
	scnprintf(buf, n, "%s v%lu.%lu, SBI %u.%u:%s%s%s%s%s%s",
		  sbi.impl < ARRAY_SIZE(names) ? names[sbi.impl] : "firmware",
		  (unsigned long)(v >> 16), (unsigned long)(v & 0xffff), sbi.spec >> 24,
		  sbi.spec & 0xffffff, sbi.time ? " TIME" : "", sbi.ipi ? " IPI" : "",
		  sbi.rfence ? " RFENCE" : "", sbi.hsm ? " HSM" : "", sbi.srst ? " SRST" : "",
		  sbi.dbcn ? " DBCN" : "");
	return buf;
}

/* --- console --- */

bool sbi_has_console(void) { return sbi.dbcn || sbi.legacy_console; }

/* The firmware reads physical memory: a page at a time, as the buffer may lie in a mapped stack. */
static bool dbcn_write(const char *s, size_t n)
{
	while (n) {
		u64 in_page = PAGE_SIZE - ((u64)s & (PAGE_SIZE - 1));
		paddr_t pa = kernel_lookup((vaddr_t)s);
		struct sbi_ret r;

		if (pa == ~0UL)
			return false;
		r = sbi_call(SBI_EXT_DBCN, 0, MIN((u64)n, in_page), pa, 0, 0, 0);
		if (r.error || r.value == 0 || r.value > n)
			return false;
		s += r.value;
		n -= r.value;
	}
	return true;
}

void early_console_write(const char *s, size_t n)
{
	if (sbi.dbcn && dbcn_write(s, n))
		return;
	if (sbi.legacy_console)
		while (n--)
			call(SBI_EXT_LEGACY_PUTCHAR, 0, (u8)*s++, 0);
}

/* --- timer --- */

void timer_program(u64 ticks)
{
	if (isa.sstc)
		csr_write(0x14d, ticks);
	else if (sbi.time)
		call(SBI_EXT_TIME, 0, ticks, 0);
	else
		call(SBI_EXT_LEGACY_TIMER, 0, ticks, 0);
}

/* --- other harts --- */

/* Legacy calls take the virtual address of a mask that starts at hart 0. */
static void legacy_masked(u64 ext, hartmask_t mask, u64 start, u64 size)
{
	u64 hwids = 0;
	u32 h;

	for_each_hart_in (h, mask)
		if (hart_hwid(h) < 64)
			hwids |= 1UL << hart_hwid(h);
	sbi_call(ext, 0, (u64)&hwids, start, size, 0, 0);
}

/* The harts of `mask` whose hwid lies in the 64 from `first` on, as the call wants them; they leave
 * *mask. */
static u64 take_hwids(hartmask_t *mask, u64 first)
{
	u64 hwids = 0;
	u32 h;

	for_each_hart_in (h, *mask) {
		u64 n = hart_hwid(h) - first;

		if (n < 64) {
			hwids |= 1UL << n;
			*mask &= ~HARTMASK_OF(h);
		}
	}
	return hwids;
}

static u64 lowest_hwid(hartmask_t mask)
{
	u64 low = ~0UL;
	u32 h;

	for_each_hart_in (h, mask)
		low = MIN(low, hart_hwid(h));
	return low;
}

static void masked(u64 ext, u64 fn, hartmask_t mask, u64 arg0, u64 arg1, u64 arg2)
{
	while (mask) {
		u64 first = lowest_hwid(mask);

		sbi_call(ext, fn, take_hwids(&mask, first), first, arg0, arg1, arg2);
	}
}

void ipi_send(hartmask_t mask)
{
	if (mask == 0)
		return;
	smp_mb(); /* what the receiver shall see, before it hears of it */
	if (sbi.ipi)
		masked(SBI_EXT_IPI, 0, mask, 0, 0, 0);
	else
		legacy_masked(SBI_EXT_LEGACY_IPI, mask, 0, 0);
}

void sbi_fence_i(hartmask_t mask)
{
	if (mask == 0)
		return;
	if (sbi.rfence)
		masked(SBI_EXT_RFENCE, 0, mask, 0, 0, 0);
	else
		legacy_masked(SBI_EXT_LEGACY_FENCE_I, mask, 0, 0);
}

void sbi_sfence(hartmask_t mask, u64 start, u64 size)
{
	if (mask == 0)
		return;
	if (size == ~0UL)
		start = 0;
	if (sbi.rfence)
		masked(SBI_EXT_RFENCE, 1, mask, start, size, 0);
	else
		legacy_masked(SBI_EXT_LEGACY_SFENCE, mask, start, size);
}

void sbi_sfence_asid(hartmask_t mask, u64 start, u64 size, u64 asid)
{
	if (!sbi.rfence) {
		sbi_sfence(mask, start, size);
		return;
	}
	masked(SBI_EXT_RFENCE, 2, mask, size == ~0UL ? 0 : start, size, asid);
}

struct sbi_ret sbi_hart_start(u64 hwid, paddr_t entry, u64 opaque)
{
	if (!sbi.hsm)
		return (struct sbi_ret) { SBI_ERR_NOT_SUPPORTED, 0 };
	return sbi_call(SBI_EXT_HSM, 0, hwid, entry, opaque, 0, 0);
}

void sbi_hart_stop(void)
{
	if (sbi.hsm)
		call(SBI_EXT_HSM, 1, 0, 0);
}

/* --- power --- */

void sbi_system_reset(u32 type, u32 reason)
{
	if (sbi.srst)
		call(SBI_EXT_SRST, 0, type, reason);
}

void sbi_shutdown_legacy(void) { call(SBI_EXT_LEGACY_SHUTDOWN, 0, 0, 0); }

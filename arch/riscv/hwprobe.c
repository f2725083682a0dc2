/* SPDX-License-Identifier: MIT */
/* riscv_hwprobe(2): what the harts can do, as pairs of key and value. All harts that run are alike (isa: what every one has). */
#include <arch/cpu.h>
#include <asm/hwprobe.h>
#include <kernel/hart.h>
#include <kernel/signal.h>
#include <kernel/string.h>
#include <kernel/syscall.h>
#include <kernel/vm.h>

#include "sbi.h"

/* Extensions by their names in the ISA string. Only what user code can use: no vectors, whose registers are not saved. */
static const struct {
	const char *name;
	u64 bit;
} extensions[] = {
	{ "zba", RISCV_HWPROBE_EXT_ZBA },	{ "zbb", RISCV_HWPROBE_EXT_ZBB },
	{ "zbs", RISCV_HWPROBE_EXT_ZBS },	{ "zbc", RISCV_HWPROBE_EXT_ZBC },
	{ "zbkb", RISCV_HWPROBE_EXT_ZBKB },	{ "zbkc", RISCV_HWPROBE_EXT_ZBKC },
	{ "zbkx", RISCV_HWPROBE_EXT_ZBKX },	{ "zknd", RISCV_HWPROBE_EXT_ZKND },
	{ "zkne", RISCV_HWPROBE_EXT_ZKNE },	{ "zknh", RISCV_HWPROBE_EXT_ZKNH },
	{ "zksed", RISCV_HWPROBE_EXT_ZKSED },	{ "zksh", RISCV_HWPROBE_EXT_ZKSH },
	{ "zkt", RISCV_HWPROBE_EXT_ZKT },	{ "zfh", RISCV_HWPROBE_EXT_ZFH },
	{ "zfhmin", RISCV_HWPROBE_EXT_ZFHMIN }, { "zfa", RISCV_HWPROBE_EXT_ZFA },
	{ "zihintntl", RISCV_HWPROBE_EXT_ZIHINTNTL }, { "zihintpause", RISCV_HWPROBE_EXT_ZIHINTPAUSE },
	{ "zacas", RISCV_HWPROBE_EXT_ZACAS },	{ "zicond", RISCV_HWPROBE_EXT_ZICOND },
	{ "zawrs", RISCV_HWPROBE_EXT_ZAWRS },
};

/* Whether `name` stands in the ISA string as a whole word between underscores. */
static bool isa_has(const char *name)
{
	size_t n = strlen(name);

	for (const char *s = strchr(isa.string, '_'); s; s = strchr(s, '_')) {
		s++;
		if (strncmp(s, name, n) == 0 && (s[n] == '_' || s[n] == 0))
			return true;
	}
	return false;
}

static u64 extension_bits(void)
{
	u64 bits = (isa.f && isa.d ? RISCV_HWPROBE_IMA_FD : 0) | (isa.c ? RISCV_HWPROBE_IMA_C : 0);

	for (u32 i = 0; i < ARRAY_SIZE(extensions); i++)
		if (isa_has(extensions[i].name))
			bits |= extensions[i].bit;
	return bits;
}

/* False: a key this kernel does not know. */
static bool value_of(s64 key, u64 *value)
{
	switch (key) {
	case RISCV_HWPROBE_KEY_MVENDORID:
		*value = sbi.mvendorid;
		return true;
	case RISCV_HWPROBE_KEY_MARCHID:
		*value = sbi.marchid;
		return true;
	case RISCV_HWPROBE_KEY_MIMPID:
		*value = sbi.mimpid;
		return true;
	case RISCV_HWPROBE_KEY_BASE_BEHAVIOR:
		*value = RISCV_HWPROBE_BASE_BEHAVIOR_IMA;
		return true;
	case RISCV_HWPROBE_KEY_IMA_EXT_0:
		*value = extension_bits();
		return true;
	case RISCV_HWPROBE_KEY_CPUPERF_0:
		*value = RISCV_HWPROBE_MISALIGNED_UNKNOWN;
		return true;
	case RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE:
		*value = 0;
		return true;
	case RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS:
		*value = TASK_SIZE - 1;
		return true;
	case RISCV_HWPROBE_KEY_TIME_CSR_FREQ:
		*value = isa.timebase_hz;
		return true;
	case RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF:
		*value = RISCV_HWPROBE_MISALIGNED_SCALAR_UNKNOWN;
		return true;
	}
	return false;
}

static bool is_bitmask(s64 key)
{
	return key == RISCV_HWPROBE_KEY_BASE_BEHAVIOR || key == RISCV_HWPROBE_KEY_IMA_EXT_0 ||
	       key == RISCV_HWPROBE_KEY_CPUPERF_0;
}

/* Bytes of a user's hart set that are looked at. */
static size_t mask_bytes(size_t cpusetsize)
{
	return MIN(cpusetsize, sizeof(u64));
}

static long fill_values(struct riscv_hwprobe __user *pairs, size_t n, size_t cpusetsize, unsigned long __user *cpus)
{
	u64 mask = 0;

	if (cpusetsize || cpus) {
		if (copy_from_user(&mask, cpus, mask_bytes(cpusetsize)))
			return -EFAULT;
		if (!(mask & harts_online))
			return -EINVAL;
	}
	for (size_t i = 0; i < n; i++) {
		s64 key;
		u64 value = 0;

		if (get_user(key, &pairs[i].key))
			return -EFAULT;
		if (!value_of(key, &value) && put_user(-1, &pairs[i].key))
			return -EFAULT;
		if (put_user(value, &pairs[i].value))
			return -EFAULT;
		if (i % 64 == 63 && fatal_signal_pending())
			return -EINTR;
	}
	return 0;
}

/* RISCV_HWPROBE_WHICH_CPUS: which harts have all of these values. */
static long find_harts(struct riscv_hwprobe __user *pairs, size_t n, size_t cpusetsize, unsigned long __user *cpus)
{
	size_t bytes = mask_bytes(cpusetsize);
	u64 mask = 0;

	if (!cpusetsize || !cpus)
		return -EINVAL;
	if (copy_from_user(&mask, cpus, bytes))
		return -EFAULT;
	if (!mask)
		mask = harts_online;
	mask &= harts_online;
	for (size_t i = 0; i < n; i++) {
		struct riscv_hwprobe want;
		u64 value = 0;

		if (copy_from_user(&want, &pairs[i], sizeof(want)))
			return -EFAULT;
		if (!value_of(want.key, &value)) {
			want = (struct riscv_hwprobe){ .key = -1 };
			mask = 0;
		} else if (is_bitmask(want.key) ? (value & want.value) != want.value : value != want.value) {
			mask = 0;
		}
		if (copy_to_user(&pairs[i], &want, sizeof(want)))
			return -EFAULT;
		if (i % 64 == 63 && fatal_signal_pending())
			return -EINTR;
	}
	return copy_to_user(cpus, &mask, bytes) ? -EFAULT : 0;
}

long sys_riscv_hwprobe(struct riscv_hwprobe __user *pairs, size_t pair_count, size_t cpusetsize,
		       unsigned long __user *cpus, unsigned int flags)
{
	if (flags & ~(u32)RISCV_HWPROBE_WHICH_CPUS)
		return -EINVAL;
	return flags ? find_harts(pairs, pair_count, cpusetsize, cpus) : fill_values(pairs, pair_count, cpusetsize, cpus);
}

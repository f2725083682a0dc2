/* SPDX-License-Identifier: MIT */
/*
 * Power-off and reset by a write to a register of a system controller (syscon-poweroff,
 * syscon-reboot): for machines whose firmware does not offer SBI's system reset. The tree says
 * register, value and mask.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <kernel/device.h>
#include <kernel/errno.h>
#include <kernel/mm.h>

/* A write that ends it all. */
struct syscon_action {
	u8 *reg;
	u32 value, mask;
};
static struct syscon_action power_off, restart;

static void perform(const struct syscon_action *a)
{
	u32 old = a->mask == ~0U ? 0 : io_read32(a->reg);

	io_write32(a->reg, (old & ~a->mask) | (a->value & a->mask));
}

static void syscon_power_off(void) { perform(&power_off); }

static void syscon_restart(void) { perform(&restart); }

/* The node whose registers are meant: `regmap`, or the parent. */
static const struct dt_node *controller(const struct dt_node *n)
{
	struct dt_args args;

	return dt_phandle_args(n, "regmap", NULL, 0, &args) == 0 ? args.node : n->parent;
}

static int read_action(const struct dt_node *n, struct syscon_action *a)
{
	bool has_value, has_mask;
	u32 offset = 0;
	paddr_t addr;
	u64 size;

	if (dt_reg(controller(n), 0, &addr, &size))
		return -EINVAL;
	if (dt_prop_u32(n, "offset", &offset) && dt_prop_u32(n, "reg", &offset))
		return -EINVAL;
	if (offset % 4 || size < 4 || offset > size - 4)
		return -EINVAL;
	has_value = dt_prop_u32(n, "value", &a->value) == 0;
	has_mask = dt_prop_u32(n, "mask", &a->mask) == 0;
	if (!has_value && !has_mask)
		return -EINVAL;
	if (!has_mask)
		a->mask = ~0U;
	if (!has_value) { /* old trees: mask is the value */
		a->value = a->mask;
		a->mask = ~0U;
	}
	a->reg = ioremap(addr + offset, 4);
	return a->reg ? 0 : -ENOMEM;
}

static int syscon_probe(struct device *dev, const void *match_data)
{
	bool off = match_data == &power_off;
	struct syscon_action *a = off ? &power_off : &restart;
	int rc = a->reg ? -EBUSY : read_action(dev->node, a);

	if (rc)
		return rc;
	if (off)
		board_poweroff = syscon_power_off;
	else
		board_reboot = syscon_restart;
	return 0;
}

static const struct driver_match syscon_match[] = {
	{ "syscon-poweroff", &power_off },
	{ "syscon-reboot", &restart },
	{ NULL, NULL },
};
static const struct driver syscon_driver = {
	.name = "syscon-power",
	.stage = PROBE_EARLY,
	.match = syscon_match,
	.probe = syscon_probe,
};
DRIVER(syscon_driver);

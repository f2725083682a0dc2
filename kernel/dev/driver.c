/* SPDX-License-Identifier: MIT */
/*
 * Driver core: binds drivers to device-tree nodes.
 *
 * Candidates are the available nodes below the root and below buses that need no driver (simple-bus
 * and its like). Each is offered, most specific compatible string first, to the drivers of the
 * stages reached so far. A probe that returns -EPROBE_DEFER is repeated as long as other probes of
 * the same call bind something, and again in later stages. Devices are never unbound; the list only
 * grows, and only during boot, in one thread: no lock.
 */
#include <kernel/device.h>

#include <kernel/errno.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/string.h>

extern const struct driver *const __init_drivers_start[], *const __init_drivers_end[];

LIST_HEAD(devices);

/* Nodes whose children are devices of their own. */
static const char *const bus_compatibles[] = { "simple-bus", "simple-mfd", "simple-pm-bus", "isa" };

/* Nodes that describe, and need no driver. */
static const char *const structural_compatibles[] = {
	"fixed-clock",	 "fixed-factor-clock", "riscv,cpu-intc",
	"cache",	 "shared-dma-pool",    "syscon",
	"simple-bus",	 "simple-mfd",	       "riscv,clint0",
	"sifive,clint0", "thead,c900-clint",   "starfive,jh7110-clint",
	"riscv,pmu",	 "sifive,ccache0",
};

static bool compatible_with_any(const struct dt_node *n, const char *const *list, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (dt_compatible(n, list[i]))
			return true;
	return false;
}

/* Everything from n up to the root is a bus that is switched on. */
static bool on_bus(const struct dt_node *n)
{
	for (; n->parent; n = n->parent)
		if (!dt_available(n) ||
		    !compatible_with_any(n, bus_compatibles, ARRAY_SIZE(bus_compatibles)))
			return false;
	return true;
}

static bool is_candidate(const struct dt_node *n)
{
	return n->parent && !n->claimed && dt_prop_string(n, "compatible") && dt_available(n) &&
	       on_bus(n->parent);
}

static const struct driver_match *match_string(const struct driver *drv, const char *compatible)
{
	for (const struct driver_match *m = drv->match; m->compatible; m++)
		if (strcmp(m->compatible, compatible) == 0)
			return m;
	return NULL;
}

/* 0: bound (dev is on the list). Else the probe's error; the node is as before. */
static int probe_one(struct dt_node *n, const struct driver *drv, const void *match_data)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int rc;

	if (!dev)
		return -ENOMEM;
	dev->node = n;
	dev->driver = drv;
	dev->name = n->name;
	n->device = dev;
	rc = drv->probe(dev, match_data);
	if (rc) {
		n->device = NULL;
		kfree(dev);
		return rc;
	}
	list_add_tail(&dev->link, &devices);
	return 0;
}

/* Offers n to all drivers of the stages; 0: bound now. */
static int probe_node(struct dt_node *n, enum probe_stage stage)
{
	const char *compatible;

	for (u32 i = 0; (compatible = dt_prop_string_at(n, "compatible", i)); i++) {
		for (const struct driver *const *d = __init_drivers_start; d < __init_drivers_end;
		     d++) {
			const struct driver_match *m =
				(*d)->stage <= stage ? match_string(*d, compatible) : NULL;
			int rc;

			if (!m)
				continue;
			rc = probe_one(n, *d, m->data);
			if (rc == -ENODEV)
				continue;
			n->claimed = rc != -EPROBE_DEFER;
			if (n->claimed && rc)
				pr_err("%s: %s: probe failed: error %d", (*d)->name, n->name, rc);
			return rc;
		}
	}
	return -ENODEV;
}

void driver_probe_stage(enum probe_stage stage)
{
	bool bound, deferred;

	do {
		bound = deferred = false;
		for (struct dt_node *n = dt_root; n; n = dt_next(n)) {
			int rc = is_candidate(n) ? probe_node(n, stage) : -ENODEV;

			bound |= rc == 0;
			deferred |= rc == -EPROBE_DEFER;
		}
	} while (bound && deferred);
}

void driver_report_unclaimed(void)
{
	for (struct dt_node *n = dt_root; n; n = dt_next(n))
		if (is_candidate(n) && !compatible_with_any(n, structural_compatibles,
							    ARRAY_SIZE(structural_compatibles)))
			pr_info("dt: no driver for %s (%s)", n->name,
				dt_prop_string(n, "compatible"));
}

void driver_shutdown_all(void)
{
	struct device *dev;

	list_for_each_entry_reverse (dev, &devices, link)
		if (dev->driver->shutdown)
			dev->driver->shutdown(dev);
}

void *device_map(struct device *dev, u32 index)
{
	paddr_t addr;
	u64 size;
	void *va;

	if (dt_reg(dev->node, index, &addr, &size) || !size)
		return ERR_PTR(-ENOENT);
	va = ioremap(addr, size);
	return va ? va : ERR_PTR(-ENOMEM);
}

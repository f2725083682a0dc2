/* SPDX-License-Identifier: MIT */
/*
 * Driver core (kernel/dev/driver.c): binds drivers to device-tree nodes by compatible, most specific first, in three
 * stages; a probe that returns -EPROBE_DEFER is tried again when others have bound. Nodes nobody claimed are printed.
 */
#ifndef KERNEL_DEVICE_H
#define KERNEL_DEVICE_H

#include <kernel/dt.h>
#include <kernel/list.h>

enum probe_stage { PROBE_IRQCHIP, PROBE_EARLY, PROBE_NORMAL };

struct device {
	struct dt_node *node;
	const struct driver *driver;
	const char *name;	/* node name */
	void *data;		/* the driver's */
	struct list_head link;
};
struct driver_match {
	const char *compatible;
	const void *data;	/* quirks */
};
struct driver {
	const char *name;
	enum probe_stage stage;
	const struct driver_match *match; /* ends with compatible NULL */
	/* 0; -ENODEV: not mine after all; -EPROBE_DEFER; other errors are reported. */
	int (*probe)(struct device *dev, const void *match_data);
	void (*shutdown)(struct device *dev); /* before reboot or poweroff */
};
#define DRIVER(d) static const struct driver *const driver_##d __used __section(".init.drivers") = &(d)

void driver_probe_stage(enum probe_stage stage); /* probes everything up to and including the stage */
void driver_report_unclaimed(void);
void driver_shutdown_all(void);
/* Register block index of a device, mapped; ERR_PTR(-ENOENT, -ENOMEM). */
void *device_map(struct device *dev, u32 index);
#define for_each_device(d) list_for_each_entry(d, &devices, link)
extern struct list_head devices;

/* Register access: io_read32() and its kin in <arch/io.h>. */

#endif

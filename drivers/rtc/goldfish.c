/* SPDX-License-Identifier: MIT */
/* The real-time clock of QEMU's virt machine (google,goldfish-rtc): 64-bit nanoseconds since 1970
 * in two registers. */
#include "rtc.h"

#include <arch/io.h>
#include <kernel/errno.h>

#define GOLDFISH_TIME_LOW  0x00 /* reading it latches the upper half; writing it sets the time */
#define GOLDFISH_TIME_HIGH 0x04

static ktime_t goldfish_read(void *regs)
{
	u32 low = io_read32((u8 *)regs + GOLDFISH_TIME_LOW);

	return (ktime_t)((u64)io_read32((u8 *)regs + GOLDFISH_TIME_HIGH) << 32 | low);
}

static void goldfish_set(void *regs, ktime_t time)
{
	io_write32((u8 *)regs + GOLDFISH_TIME_HIGH, (u32)((u64)time >> 32));
	io_write32((u8 *)regs + GOLDFISH_TIME_LOW, (u32)time);
}

static const struct rtc_ops goldfish_ops = { .read = goldfish_read, .set = goldfish_set };

static int goldfish_probe(struct device *dev, const void *match_data)
{
	void *regs = device_map(dev, 0);

	return IS_ERR(regs) ? (int)PTR_ERR(regs) : rtc_register(dev, &goldfish_ops, regs);
}

static const struct driver_match goldfish_match[] = {
	{ "google,goldfish-rtc", NULL },
	{ NULL, NULL },
};
static const struct driver goldfish_driver = {
	.name = "goldfish-rtc",
	.stage = PROBE_EARLY,
	.match = goldfish_match,
	.probe = goldfish_probe,
};
DRIVER(goldfish_driver);

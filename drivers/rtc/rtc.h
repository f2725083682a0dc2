/* SPDX-License-Identifier: MIT */
/*
 * Real-time clocks: what a driver gives, and gets for it: /dev/rtc0 for the first one, and
 * CLOCK_REALTIME set from it.
 */
#ifndef DRIVERS_RTC_H
#define DRIVERS_RTC_H

#include <kernel/device.h>
#include <kernel/types.h>

struct rtc_ops {
	ktime_t (*read)(void *hw); /* ns since 1970 */
	void (*set)(void *hw, ktime_t time);
};
int rtc_register(struct device *dev, const struct rtc_ops *ops,
		 void *hw); /* 0, -EBUSY: there is one already */

#endif

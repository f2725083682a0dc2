/* SPDX-License-Identifier: MIT */
/*
 * The machine's real-time clock as /dev/rtc0: Linux's RTC_RD_TIME and RTC_SET_TIME (hwclock). The
 * driver of the first clock found registers it here; that sets CLOCK_REALTIME. One program at a
 * time may have it open.
 */
#include "rtc.h"

#include <arch/uaccess.h>
#include <kernel/chrdev.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <kernel/timer.h>
#include <linux/rtc.h>

#define RTC_MAJOR	253 /* of the range Linux gives out dynamically */
#define SECONDS_PER_DAY 86400L
#define DAYS_PER_ERA	146097L /* 400 years */
#define EPOCH_DAYS	719468L /* from March 1st of year 0 to 1970 */

static const struct rtc_ops *rtc_ops;
static void *rtc_hw;
static DEFINE_SPINLOCK(rtc_lock, RANK_DRIVER); /* the clock's registers */
static bool rtc_open_flag;		       /* [a] */

/* --- calendar: years counted from March, so that the leap day is a year's last --- */

static s64 days_from_date(s64 year, s64 month, s64 day)
{
	s64 from_march = (month + 9) % 12, y = year - (month <= 2), era = y / 400, in_era = y % 400;
	s64 day_of_year = (153 * from_march + 2) / 5 + day - 1;

	return era * DAYS_PER_ERA + in_era * 365 + in_era / 4 - in_era / 100 + day_of_year -
	       EPOCH_DAYS;
}

static void date_from_days(s64 days, struct rtc_time *tm)
{
	s64 shifted = days + EPOCH_DAYS, era = shifted / DAYS_PER_ERA, day = shifted % DAYS_PER_ERA;
	s64 year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	s64 day_of_year = day - (365 * year + year / 4 - year / 100),
	    month = (5 * day_of_year + 2) / 153;

	tm->tm_mday = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	tm->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
	tm->tm_year = (int)(year + era * 400 + (month >= 10) - 1900);
	tm->tm_wday = (int)((days + 4) % 7);
	tm->tm_yday = (int)(days - days_from_date(tm->tm_year + 1900, 1, 1));
	tm->tm_isdst = 0;
}

static void time_to_tm(s64 seconds, struct rtc_time *tm)
{
	s64 rest = seconds % SECONDS_PER_DAY;

	date_from_days(seconds / SECONDS_PER_DAY, tm);
	tm->tm_hour = (int)(rest / 3600);
	tm->tm_min = (int)(rest / 60 % 60);
	tm->tm_sec = (int)(rest % 60);
}

static s64 days_in_month(s64 year, s64 month)
{
	s64 next =
		month == 12 ? days_from_date(year + 1, 1, 1) : days_from_date(year, month + 1, 1);

	return next - days_from_date(year, month, 1);
}

/* Seconds since 1970, or -EINVAL. */
static s64 tm_to_time(const struct rtc_time *tm)
{
	s64 year = tm->tm_year + 1900L;

	if (tm->tm_year < 70 || tm->tm_year > 361 || (u32)tm->tm_mon >= 12 || tm->tm_mday < 1 ||
	    tm->tm_mday > days_in_month(year, tm->tm_mon + 1) || (u32)tm->tm_hour >= 24 ||
	    (u32)tm->tm_min >= 60 || (u32)tm->tm_sec >= 60)
		return -EINVAL;
	return days_from_date(year, tm->tm_mon + 1, tm->tm_mday) * SECONDS_PER_DAY +
	       tm->tm_hour * 3600 + tm->tm_min * 60 + tm->tm_sec;
}

/* --- the device --- */

static ktime_t read_clock(void)
{
	u64 flags = spin_lock_irqsave(&rtc_lock);
	ktime_t t = rtc_ops->read(rtc_hw);

	spin_unlock_irqrestore(&rtc_lock, flags);
	return t;
}

static void set_clock(ktime_t t)
{
	u64 flags = spin_lock_irqsave(&rtc_lock);

	rtc_ops->set(rtc_hw, t);
	spin_unlock_irqrestore(&rtc_lock, flags);
}

static int rtc_open(struct inode *inode, struct file *file)
{
	return atomic_xchg(&rtc_open_flag, true) ? -EBUSY : nonseekable_open(inode, file);
}

static void rtc_release(struct inode *inode, struct file *file)
{
	smp_store_release(&rtc_open_flag, false);
}

static long ioctl_read_time(struct rtc_time __user *utm)
{
	struct rtc_time tm;

	time_to_tm(read_clock() / NSEC_PER_SEC, &tm);
	return copy_struct_to_user_exact(utm, &tm);
}

static long ioctl_set_time(const struct rtc_time __user *utm)
{
	struct rtc_time tm;
	s64 seconds;

	if (!capable(CAP_SYS_TIME))
		return -EACCES;
	if (copy_struct_from_user_exact(&tm, utm))
		return -EFAULT;
	seconds = tm_to_time(&tm);
	if (seconds < 0)
		return -EINVAL;
	set_clock(seconds * NSEC_PER_SEC);
	return 0;
}

static long rtc_ioctl(struct file *file, u32 cmd, unsigned long arg)
{
	switch (cmd) {
	case RTC_RD_TIME:
		return ioctl_read_time((struct rtc_time __user *)arg);
	case RTC_SET_TIME:
		return ioctl_set_time((const struct rtc_time __user *)arg);
	default:
		return -ENOIOCTLCMD;
	}
}

static const struct file_ops rtc_fops = {
	.open = rtc_open,
	.release = rtc_release,
	.ioctl = rtc_ioctl,
};

int rtc_register(struct device *dev, const struct rtc_ops *ops, void *hw)
{
	struct rtc_time tm;
	ktime_t now;

	if (rtc_ops)
		return -EBUSY;
	rtc_hw = hw;
	rtc_ops = ops;
	now = read_clock();
	if (now > 0)
		time_set_boot_real(now);
	time_to_tm(now / NSEC_PER_SEC, &tm);
	pr_info("rtc: %s: %d-%02d-%02d %02d:%02d:%02d UTC", dev->name, tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return 0;
}

static int rtc_init(void)
{
	static struct chrdev rtc_chrdev = {
		.first = MAKE_DEV(RTC_MAJOR, 0),
		.count = 1,
		.name = "rtc",
		.ops = &rtc_fops,
	};
	int rc = rtc_ops ? chrdev_register(&rtc_chrdev) : 0;

	if (rc || !rtc_ops)
		return rc;
	return devnode_add("rtc0", S_IFCHR | 0600, MAKE_DEV(RTC_MAJOR, 0), "rtc");
}
INITCALL(rtc_init);

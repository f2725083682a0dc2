/* SPDX-License-Identifier: MIT */
/*
 * The clocks as system calls: reading, resolution, setting, adjusting; times(2). What the vDSO
 * answers comes here only from programs that call the kernel directly.
 */
#include <arch/uaccess.h>
#include <kernel/cred.h>
#include <kernel/errno.h>
#include <kernel/rcu.h>
#include <kernel/sched.h>
#include <kernel/syscall.h>
#include <linux/time.h>
#include <linux/times.h>
#include <linux/timex.h>

#include "clock.h"
#include "posix_timers.h"

#define USEC_PER_SEC	1000000L
#define SETTOD_SEC_MAX	(KTIME_MAX / NSEC_PER_SEC - 30L * 365 * 86400) /* leaves 30 years to run */
#define TZ_MINUTES_MAX	(15 * 60)
#define CLOCK_TICK_NSEC (NSEC_PER_SEC / USER_HZ)

int timespec_from_user(ktime_t *out, const struct __kernel_timespec __user *uts)
{
	struct __kernel_timespec ts;

	if (copy_struct_from_user_exact(&ts, uts))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*out = timespec_to_ktime(&ts);
	return 0;
}

int timespec_to_user(ktime_t t, struct __kernel_timespec __user *uts)
{
	struct __kernel_timespec ts = ktime_to_timespec(t);

	return copy_struct_to_user_exact(uts, &ts);
}

/* --- reading --- */

static int read_cpu_clock(int id, ktime_t *t)
{
	struct cpu_clock c;
	u64 ns = 0;
	int rc;

	if (id == CLOCK_THREAD_CPUTIME_ID) {
		*t = (ktime_t)task_runtime(current);
		return 0;
	}
	if (id == CLOCK_PROCESS_CPUTIME_ID) {
		rcu_read_lock();
		*t = (ktime_t)cpu_group_runtime(current->group);
		rcu_read_unlock();
		return 0;
	}
	rc = cpu_clock_open(&c, id, true);
	if (rc)
		return rc;
	rc = cpu_clock_read(&c, &ns);
	cpu_clock_close(&c);
	*t = (ktime_t)ns;
	return rc;
}

long sys_clock_gettime(int which, struct __kernel_timespec __user *tp)
{
	ktime_t t;
	int rc = 0;

	if (likely(clock_has_base(which)))
		t = clock_read(which);
	else
		rc = read_cpu_clock(which, &t);
	return rc ? rc : timespec_to_user(t, tp);
}

static bool is_coarse(int id)
{
	return id == CLOCK_REALTIME_COARSE || id == CLOCK_MONOTONIC_COARSE;
}

long sys_clock_getres(int which, struct __kernel_timespec __user *tp)
{
	ktime_t res = is_coarse(which) ? VDSO_COARSE_NS : 1;
	int rc = clock_has_base(which) ? 0 : cpu_clock_check(which);

	if (rc)
		return rc;
	if (which < 0 && cpu_clock_kind_of(which) != CPU_CLOCK_SCHED)
		res = TICK_NSEC;
	return tp ? timespec_to_user(res, tp) : 0;
}

long sys_gettimeofday(struct __kernel_old_timeval __user *tv, struct timezone __user *tz)
{
	if (tv) {
		ktime_t t = ktime_get_real();
		struct __kernel_old_timeval now = { t / NSEC_PER_SEC,
						    t % NSEC_PER_SEC / NSEC_PER_USEC };

		if (copy_struct_to_user_exact(tv, &now))
			return -EFAULT;
	}
	if (tz) {
		struct timezone zone = { READ_ONCE(vdso_data->tz_minuteswest),
					 READ_ONCE(vdso_data->tz_dsttime) };

		if (copy_struct_to_user_exact(tz, &zone))
			return -EFAULT;
	}
	return 0;
}

/* --- setting --- */

/* CLOCK_REALTIME may not be set so that the machine would have started before 1970. */
static int set_realtime(const struct __kernel_timespec *ts)
{
	if (!timespec_valid(ts) || ts->tv_sec >= SETTOD_SEC_MAX)
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (timespec_to_ktime(ts) < ktime_get())
		return -EINVAL;
	time_set_real(timespec_to_ktime(ts));
	return 0;
}

long sys_clock_settime(int which, const struct __kernel_timespec __user *tp)
{
	struct __kernel_timespec ts;
	int rc;

	if (which == CLOCK_REALTIME)
		return copy_struct_from_user_exact(&ts, tp) ? -EFAULT : set_realtime(&ts);
	/* The CPU clocks with a fixed number have no setter; those of a named process have one that always refuses. */
	if (which >= 0 || !clock_is_cpu(which))
		return -EINVAL;
	if (copy_struct_from_user_exact(&ts, tp))
		return -EFAULT;
	rc = cpu_clock_check(which);
	return rc ? rc : -EPERM;
}

static DEFINE_SPINLOCK(tz_lock, RANK_CLOCK);

/* The first zone set without a time tells that the real-time clock was running in local time. */
static int set_timezone(const struct timezone *tz, bool with_time)
{
	static bool set_before;
	bool first;

	if (tz->tz_minuteswest > TZ_MINUTES_MAX || tz->tz_minuteswest < -TZ_MINUTES_MAX)
		return -EINVAL;
	spin_lock(&tz_lock);
	first = !set_before;
	set_before = true;
	WRITE_ONCE(vdso_data->tz_minuteswest, tz->tz_minuteswest);
	WRITE_ONCE(vdso_data->tz_dsttime, tz->tz_dsttime);
	spin_unlock(&tz_lock);
	if (first && !with_time && tz->tz_minuteswest)
		time_set_real(ktime_get_real() + tz->tz_minuteswest * 60L * NSEC_PER_SEC);
	return 0;
}

long sys_settimeofday(struct __kernel_old_timeval __user *tv, struct timezone __user *tz)
{
	struct __kernel_old_timeval utv;
	struct timezone zone;
	struct __kernel_timespec ts;
	int rc = 0;

	if (tv) {
		if (copy_struct_from_user_exact(&utv, tv))
			return -EFAULT;
		if (utv.tv_usec < 0 || utv.tv_usec >= USEC_PER_SEC)
			return -EINVAL;
		ts = (struct __kernel_timespec) { utv.tv_sec, utv.tv_usec * NSEC_PER_USEC };
		if (!timespec_valid(&ts) || ts.tv_sec >= SETTOD_SEC_MAX)
			return -EINVAL;
	}
	if (tz && copy_struct_from_user_exact(&zone, tz))
		return -EFAULT;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (tz)
		rc = set_timezone(&zone, tv != NULL);
	return rc || !tv ? rc : set_realtime(&ts);
}

/* --- adjusting --- */

static long adjust(struct __kernel_timex __user *utx)
{
	struct __kernel_timex tx;
	int state;

	if (copy_struct_from_user_exact(&tx, utx))
		return -EFAULT;
	state = ntp_adjtimex(&tx);
	if (state >= 0 && copy_struct_to_user_exact(utx, &tx))
		return -EFAULT;
	return state;
}

long sys_adjtimex(struct __kernel_timex __user *txc) { return adjust(txc); }

long sys_clock_adjtime(int which, struct __kernel_timex __user *tx)
{
	struct __kernel_timex copy;

	if (which == CLOCK_REALTIME)
		return adjust(tx);
	if (copy_struct_from_user_exact(&copy, tx))
		return -EFAULT;
	return clock_has_base(which) || clock_is_cpu(which) ? -EOPNOTSUPP : -EINVAL;
}

/* --- times --- */

static __kernel_clock_t to_clock(u64 ns) { return (__kernel_clock_t)(ns / CLOCK_TICK_NSEC); }

long sys_times(struct tms __user *buf)
{
	struct group *g = current->group;
	u64 utime, stime;
	struct tms t;

	if (buf) {
		group_times(g, &utime, &stime);
		t.tms_utime = to_clock(utime);
		t.tms_stime = to_clock(stime);
		t.tms_cutime = to_clock(READ_ONCE(g->cutime));
		t.tms_cstime = to_clock(READ_ONCE(g->cstime));
		if (copy_struct_to_user_exact(buf, &t))
			return -EFAULT;
	}
	return to_clock((u64)ktime_get_boottime());
}

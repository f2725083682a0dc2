/* SPDX-License-Identifier: MIT */
/*
 * Kernel messages (kernel/init/printk.c): a ring buffer of records, written to the consoles and read by
 * dmesg, /dev/kmsg and syslog(2). Safe in any context, from the first instruction that can print.
 */
#ifndef KERNEL_PRINTK_H
#define KERNEL_PRINTK_H

#include <kernel/types.h>

enum log_level { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

void __printf(2, 3) printk(enum log_level level, const char *fmt, ...);
void vprintk(enum log_level level, const char *fmt, va_list ap);

/* One line each, "subsystem: message", without a newline at the end. */
#define pr_err(...)    printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...)   printk(LOG_WARNING, __VA_ARGS__)
#define pr_notice(...) printk(LOG_NOTICE, __VA_ARGS__)
#define pr_info(...)   printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...)  printk(LOG_DEBUG, __VA_ARGS__)

/* At most `burst` messages in `interval` nanoseconds; says how many it dropped. */
struct ratelimit {
	u64 interval, begin;
	u32 burst, printed, missed;
};
#define RATELIMIT_INIT { .interval = 5000000000UL, .burst = 10 }
bool ratelimit_ok(struct ratelimit *rl, const char *what);
#define printk_ratelimited(level, ...)                                                               \
	do {                                                                                         \
		static struct ratelimit rl_ = RATELIMIT_INIT;                                        \
		if (ratelimit_ok(&rl_, __func__))                                                    \
			printk(level, __VA_ARGS__);                                                  \
	} while (0)
#define pr_once(level, ...)                                                                          \
	do {                                                                                         \
		static bool done_;                                                                   \
		if (!atomic_xchg(&done_, true))                                                      \
			printk(level, __VA_ARGS__);                                                  \
	} while (0)

/*
 * Where messages go. write() is called with interrupts off under the console lock (or, in a panic, without
 * any lock) and must poll. Registered consoles get the earlier messages too, unless `quiet` or the level says no.
 */
struct console {
	struct console *next;
	const char *name;   /* "ttyS0", "sbi" */
	bool boot;	    /* early console: dropped when a real one comes */
	void (*write)(struct console *con, const char *s, size_t n);
	void *data;
	u64 seq; /* [console lock] next record to write */
};
void console_register(struct console *con);
void console_unregister(struct console *con);
extern u32 console_loglevel; /* messages below this reach the consoles; 7 by default, 4 when quiet */

/* Text of the buffer for readers. A sequence number names a record; -ENOENT at the end. */
struct log_record {
	u64 seq, time_ns;
	u32 level, facility, len;
	char text[1024 - 32];
};
int log_read(u64 seq, struct log_record *out); /* 0; -ENOENT at the end; overwritten seq reads the oldest */
u64 log_first_seq(void);
u64 log_next_seq(void);
struct wait_queue *log_wait_queue(void);
/* From /dev/kmsg: one record with the given priority (facility << 3 | level). */
void log_store(u32 prio, const char *text, size_t n);
/* Prints the last n records, whatever their level, straight to the consoles: panic. */
void log_dump_tail(u32 n);
/* From now on records go straight to the consoles, no lock is waited for: panic. */
void printk_emergency(void);
void log_clear(void); /* syslog(2): dmesg -c */
u64 log_clear_seq(void);

#endif

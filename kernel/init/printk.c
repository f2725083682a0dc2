/* SPDX-License-Identifier: MIT */
/*
 * Kernel messages.
 *
 * Records live in a ring of bytes, oldest overwritten first, each named by a sequence number that only grows. A
 * message is stored under log_lock (a leaf: nothing is called with it held), then whoever gets console_lock writes out
 * what each console has not seen. Who does not get it leaves: the holder looks again after releasing. So printk() never
 * waits for a slow console that another hart is feeding, and a record is never lost, only overwritten.
 *
 * A panic must print whatever state the locks are in: after printk_emergency() they are tried, not waited for.
 */
#include <kernel/printk.h>

#include <arch/cpu.h>
#include <kernel/errno.h>
#include <kernel/init.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/wait.h>

#define LOG_SIZE  (32U << 10) /* a power of two */
#define LINE_MAX  sizeof(((struct log_record *)0)->text)

struct header {
	u64 time_ns;
	u16 len; /* text bytes that follow, padded to 8 */
	u8 level, facility;
	u32 reserved;
};

static DEFINE_SPINLOCK(log_lock, RANK_LOG);
static DEFINE_SPINLOCK(console_lock, RANK_CONSOLE);
/* [log_lock] positions count bytes since boot; modulo LOG_SIZE they are offsets into ring. */
static u8 ring[LOG_SIZE] __aligned(8);
static u64 first_pos, next_pos, first_seq, next_seq, clear_seq;
static struct console *consoles; /* [console_lock] */
static bool emergency;
static bool boot_console_used;	 /* [console_lock] a boot console has shown what there was */
static DEFINE_WAIT_QUEUE(readers);
u32 console_loglevel = LOG_DEBUG;

static u32 record_size(u32 len)
{
	return sizeof(struct header) + ALIGN_UP(len, 8U);
}

static void ring_copy_in(u64 pos, const void *src, u32 n)
{
	u32 at = pos % LOG_SIZE, part = MIN(n, LOG_SIZE - at);

	memcpy(ring + at, src, part);
	memcpy(ring, (const u8 *)src + part, n - part);
}

static void ring_copy_out(u64 pos, void *dst, u32 n)
{
	u32 at = pos % LOG_SIZE, part = MIN(n, LOG_SIZE - at);

	memcpy(dst, ring + at, part);
	memcpy((u8 *)dst + part, ring, n - part);
}

static u64 log_lock_irqsave(bool *locked)
{
	u64 flags = irq_save();

	if (READ_ONCE(emergency)) {
		*locked = spin_trylock(&log_lock);
	} else {
		spin_lock(&log_lock);
		*locked = true;
	}
	return flags;
}

static void log_unlock_irqrestore(u64 flags, bool locked)
{
	if (locked)
		spin_unlock(&log_lock);
	irq_restore(flags);
}

static u64 log_time(void)
{
	extern u64 boot_time; /* arch/riscv: timebase ticks at hand-off */

	if (!isa.timebase_hz)
		return 0;
	return (u64)(((unsigned __int128)(cycles_now() - boot_time) * NSEC_PER_SEC) / isa.timebase_hz);
}

static void store(u32 level, u32 facility, const char *text, u32 len)
{
	struct header h = { .time_ns = log_time(), .len = (u16)len, .level = (u8)level, .facility = (u8)facility };
	u32 size = record_size(len);
	bool locked;
	u64 flags = log_lock_irqsave(&locked);

	while (next_pos + size - first_pos > LOG_SIZE) {
		struct header old;

		ring_copy_out(first_pos, &old, sizeof(old));
		first_pos += record_size(old.len);
		first_seq++;
	}
	ring_copy_in(next_pos, &h, sizeof(h));
	ring_copy_in(next_pos + sizeof(h), text, len);
	next_pos += size;
	next_seq++;
	log_unlock_irqrestore(flags, locked);
}

int log_read(u64 seq, struct log_record *out)
{
	static u64 hint_seq, hint_pos; /* [log_lock] where the last reader was: reading on is O(1) */
	struct header h;
	u64 pos, s, flags;
	bool locked;

	flags = log_lock_irqsave(&locked);
	if (seq >= next_seq) {
		log_unlock_irqrestore(flags, locked);
		return -ENOENT;
	}
	seq = MAX(seq, first_seq);
	s = first_seq;
	pos = first_pos;
	if (hint_seq >= first_seq && hint_seq <= seq) {
		s = hint_seq;
		pos = hint_pos;
	}
	for (; s < seq; s++) {
		ring_copy_out(pos, &h, sizeof(h));
		pos += record_size(h.len);
	}
	ring_copy_out(pos, &h, sizeof(h));
	out->seq = seq;
	out->time_ns = h.time_ns;
	out->level = h.level;
	out->facility = h.facility;
	out->len = MIN(h.len, (u32)LINE_MAX - 1);
	ring_copy_out(pos + sizeof(h), out->text, out->len);
	out->text[out->len] = '\0';
	hint_seq = seq + 1;
	hint_pos = pos + record_size(h.len);
	log_unlock_irqrestore(flags, locked);
	return 0;
}

u64 log_first_seq(void)
{
	return READ_ONCE(first_seq);
}

u64 log_next_seq(void)
{
	return READ_ONCE(next_seq);
}

u64 log_clear_seq(void)
{
	return MAX(READ_ONCE(clear_seq), log_first_seq());
}

void log_clear(void)
{
	WRITE_ONCE(clear_seq, log_next_seq());
}

struct wait_queue *log_wait_queue(void)
{
	return &readers;
}

/* --- consoles --- */

static void console_write_record(struct console *con, const struct log_record *r)
{
	char stamp[24];
	int n = scnprintf(stamp, sizeof(stamp), "[%5llu.%06llu] ", (unsigned long long)(r->time_ns / NSEC_PER_SEC),
			  (unsigned long long)(r->time_ns % NSEC_PER_SEC / 1000));

	con->write(con, stamp, (size_t)n);
	for (const char *s = r->text;;) {
		const char *end = strchr(s, '\n');
		size_t len = end ? (size_t)(end - s) : strlen(s);

		con->write(con, s, len);
		con->write(con, "\r\n", 2);
		if (!end || !end[1])
			return;
		con->write(con, stamp, (size_t)n);
		s = end + 1;
	}
}

/* The record being written; too large for the stack. [console_lock] */
static struct log_record console_record;

static void console_catch_up(struct console *con, u32 level)
{
	while (log_read(con->seq, &console_record) == 0) {
		con->seq = console_record.seq + 1;
		if (console_record.level < level)
			console_write_record(con, &console_record);
	}
}

/* True when some console has not seen the newest record. */
static bool console_behind(void)
{
	for (struct console *con = READ_ONCE(consoles); con; con = con->next)
		if (READ_ONCE(con->seq) < log_next_seq())
			return true;
	return false;
}

static void console_flush(void)
{
	do {
		u64 flags = irq_save();
		bool locked = spin_trylock(&console_lock);

		if (!locked && !READ_ONCE(emergency)) {
			irq_restore(flags);
			return; /* the holder looks again below */
		}
		for (struct console *con = consoles; con; con = con->next)
			console_catch_up(con, console_loglevel);
		if (locked)
			spin_unlock(&console_lock);
		irq_restore(flags);
		smp_mb();
	} while (!READ_ONCE(emergency) && console_behind());
}

void console_register(struct console *con)
{
	u64 flags = spin_lock_irqsave(&console_lock);

	con->seq = boot_console_used && !con->boot ? log_next_seq() : log_first_seq();
	if (con->boot)
		boot_console_used = true;
	else
		for (struct console **p = &consoles; *p;)
			if ((*p)->boot) {
				console_catch_up(*p, console_loglevel);
				*p = (*p)->next;
			} else {
				p = &(*p)->next;
			}
	con->next = consoles;
	WRITE_ONCE(consoles, con);
	spin_unlock_irqrestore(&console_lock, flags);
	console_flush();
}

void console_unregister(struct console *con)
{
	u64 flags = spin_lock_irqsave(&console_lock);

	for (struct console **p = &consoles; *p; p = &(*p)->next)
		if (*p == con) {
			*p = con->next;
			break;
		}
	spin_unlock_irqrestore(&console_lock, flags);
}

void printk_emergency(void)
{
	WRITE_ONCE(emergency, true);
}

void log_dump_tail(u32 n)
{
	u64 seq = log_next_seq();

	for (seq = seq > n ? seq - n : 0; log_read(seq, &console_record) == 0; seq = console_record.seq + 1)
		for (struct console *con = consoles; con; con = con->next)
			console_write_record(con, &console_record);
}

/* --- writing --- */

/* Readers are woken from softirq-safe places only: a printk under a run-queue lock must not take it again. */
static void wake_readers(void)
{
	if (!list_empty(&readers.head) && !in_atomic() && !irqs_disabled())
		wake_up_all(&readers);
}

void vprintk(enum log_level level, const char *fmt, va_list ap)
{
	char text[256];
	int n = vsnprintf(text, sizeof(text), fmt, ap);

	n = MIN(n, (int)sizeof(text) - 1);
	if (n && text[n - 1] == '\n')
		n--;
	store(level, 0, text, (u32)n);
	console_flush();
	wake_readers();
}

void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintk(level, fmt, ap);
	va_end(ap);
}

void log_store(u32 prio, const char *text, size_t n)
{
	if (n && text[n - 1] == '\n')
		n--;
	store(prio & 7, prio >> 3, text, (u32)MIN(n, LINE_MAX - 1));
	console_flush();
	wake_readers();
}

bool ratelimit_ok(struct ratelimit *rl, const char *what)
{
	u64 now = log_time();

	if (now - rl->begin > rl->interval || rl->begin == 0) {
		u32 missed = rl->missed;

		rl->begin = now | 1;
		rl->printed = rl->missed = 0;
		if (missed)
			pr_warn("%s: %u messages suppressed", what, missed);
	}
	if (rl->printed < rl->burst) {
		rl->printed++;
		return true;
	}
	rl->missed++;
	return false;
}

static int set_quiet(const char *value)
{
	console_loglevel = LOG_WARNING;
	return *value ? -EINVAL : 0;
}
CMDLINE("quiet", set_quiet);

static int set_debug(const char *value)
{
	console_loglevel = LOG_DEBUG + 1;
	return *value ? -EINVAL : 0;
}
CMDLINE("debug", set_debug);

static int set_loglevel(const char *value)
{
	u64 v;
	int rc = parse_u64(value, 10, &v);

	if (rc == 0 && v > 15)
		rc = -EINVAL;
	if (rc == 0)
		console_loglevel = (u32)v;
	return rc;
}
CMDLINE("loglevel", set_loglevel);

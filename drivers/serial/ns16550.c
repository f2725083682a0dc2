/* SPDX-License-Identifier: MIT */
/*
 * 16550-compatible UARTs: the plain ns16550a and Synopsys' DesignWare variant. Everything that differs comes from the
 * device tree: reg-shift, reg-io-width, clock-frequency (or clocks), current-speed, interrupts.
 *
 * Reception: the interrupt empties the FIFO and hands the characters to the tty, whose work item runs the line
 * discipline. Transmission: a ring that the interrupt refills the FIFO from. The console writes by polling, ordered
 * with the interrupt by port->lock.
 *
 * Registers: National Semiconductor PC16550D data sheet; DesignWare DW_apb_uart data book (busy detect, USR).
 *
 * Locks: port->lock (RANK_UART, irqs off) guards registers and the ring; never held while calling into the tty layer.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <kernel/chrdev.h>
#include <kernel/device.h>
#include <kernel/errno.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/timer.h>
#include <kernel/tty.h>
#include <linux/serial.h>

/* Register numbers and bits. */
#define RBR 0 /* receive, transmit; divisor low when DLAB */
#define IER 1 /* divisor high when DLAB */
#define IIR 2 /* FCR when written */
#define LCR 3
#define MCR 4
#define LSR 5
#define MSR 6
#define USR 31 /* DesignWare: status; reading it ends a busy-detect interrupt */

#define IER_RX	     0x01
#define IER_TX	     0x02
#define IER_LINE     0x04
#define IER_MODEM    0x08
#define IIR_NONE     0x01
#define IIR_MASK     0x0f
#define IIR_BUSY     0x07
#define FCR_ENABLE   0x01
#define FCR_CLEAR    0x06
#define FCR_TRIGGER8 0x80
#define LCR_8BITS    0x03
#define LCR_STOP2    0x04
#define LCR_PARITY   0x08
#define LCR_EVEN     0x10
#define LCR_BREAK    0x40
#define LCR_DLAB     0x80
#define MCR_DTR	     0x01
#define MCR_RTS	     0x02
#define MCR_OUT2     0x08
#define MCR_LOOP     0x10
#define LSR_DR	     0x01
#define LSR_OE	     0x02
#define LSR_PE	     0x04
#define LSR_FE	     0x08
#define LSR_BI	     0x10
#define LSR_THRE     0x20
#define LSR_TEMT     0x40
#define MSR_CTS	     0x10
#define MSR_DSR	     0x20
#define MSR_RI	     0x40
#define MSR_DCD	     0x80

#define FIFO_SIZE  16
#define RING_SIZE  4096
#define PORTS_MAX  8
#define SYSRQ_TIME (5 * NSEC_PER_SEC)
#define POLL_MAX   1000000 /* polls of a register before a dead UART is given up */

struct uart {
	void *regs;
	u32 shift, width;
	u32 clock;	/* Hz; 0 unknown: the divisor is left as firmware set it */
	bool designware;
	int irq;	/* < 0: polled output only */
	struct spinlock lock;
	u8 ier, mcr;	/* [lock] as written */
	u8 ring[RING_SIZE]; /* [lock] to send */
	u32 head, tail;	/* [lock] free running */
	bool throttled, stopped; /* [lock] */
	u64 sysrq_until; /* [irq] ns; a break came */
	struct serial_icounter_struct icount; /* [lock] */
	struct tty_port port;
	struct console console;
	char name[8];
};

static u32 rd(const struct uart *u, u32 reg)
{
	const u8 *p = (const u8 *)u->regs + (reg << u->shift);

	return u->width == 4 ? io_read32(p) & 0xff : io_read8(p);
}

static void wr(const struct uart *u, u32 reg, u32 v)
{
	u8 *p = (u8 *)u->regs + (reg << u->shift);

	if (u->width == 4)
		io_write32(p, v);
	else
		io_write8(p, (u8)v);
}

static void set_ier(struct uart *u, u8 ier)
{
	if (u->ier != ier) {
		u->ier = ier;
		wr(u, IER, ier);
	}
}

/* Refills the FIFO; asks for the next interrupt while there is more. lock held. */
static void transmit(struct uart *u)
{
	if (u->stopped || u->head == u->tail) {
		set_ier(u, u->ier & (u8)~IER_TX);
		return;
	}
	if (rd(u, LSR) & LSR_THRE)
		for (u32 i = 0; i < FIFO_SIZE && u->tail != u->head; i++) {
			wr(u, RBR, u->ring[u->tail++ % RING_SIZE]);
			u->icount.tx++;
		}
	set_ier(u, u->head != u->tail ? u->ier | IER_TX : u->ier & (u8)~IER_TX);
}

static enum tty_flag classify(struct uart *u, u32 lsr)
{
	if (lsr & LSR_BI) {
		u->icount.brk++;
		return TTY_BREAK;
	}
	if (lsr & LSR_FE) {
		u->icount.frame++;
		return TTY_FRAME;
	}
	if (lsr & LSR_PE) {
		u->icount.parity++;
		return TTY_PARITY;
	}
	return TTY_NORMAL;
}

struct received {
	u8 c[64], flag[64];
	u32 n;
	u8 sysrq; /* key to run, 0: none */
};

/* What is in the FIFO. lock held. */
static void receive(struct uart *u, struct received *r)
{
	u32 lsr;

	while (r->n < ARRAY_SIZE(r->c) && !u->throttled && (lsr = rd(u, LSR)) & (LSR_DR | LSR_BI)) {
		u8 c = (u8)rd(u, RBR);
		enum tty_flag flag = classify(u, lsr);

		if (lsr & LSR_OE)
			u->icount.overrun++;
		u->icount.rx++;
		if (flag == TTY_BREAK && u->port.console && !u->sysrq_until) {
			u->sysrq_until = (u64)ktime_get() + SYSRQ_TIME;
			continue;
		}
		if (flag == TTY_NORMAL && u->sysrq_until) {
			bool in_time = (u64)ktime_get() < u->sysrq_until;

			u->sysrq_until = 0;
			if (in_time) {
				r->sysrq = c;
				break;
			}
		}
		r->c[r->n] = c;
		r->flag[r->n++] = (u8)flag;
	}
}

static enum irq_return uart_interrupt(u32 irq, void *arg)
{
	struct uart *u = arg;
	struct tty *tty = READ_ONCE(u->port.tty);
	bool had_output, handled = false;

	for (u32 round = 0; round < 256; round++) {
		struct received r;
		u64 flags = spin_lock_irqsave(&u->lock);
		u32 iir = rd(u, IIR) & IIR_MASK;

		if (iir & IIR_NONE && iir != IIR_BUSY) {
			spin_unlock_irqrestore(&u->lock, flags);
			break;
		}
		handled = true;
		r.n = r.sysrq = 0;
		if (iir == IIR_BUSY && u->designware)
			rd(u, USR);
		receive(u, &r);
		rd(u, MSR); /* a modem line changed: noted by who asks */
		had_output = u->head != u->tail;
		if (had_output)
			transmit(u);
		spin_unlock_irqrestore(&u->lock, flags);
		if (r.sysrq)
			sysrq_key(r.sysrq);
		if (tty && r.n) {
			tty_receive(tty, r.c, r.flag, r.n);
			tty_receive_push(tty);
		}
		if (tty && had_output && RING_SIZE - (u->head - u->tail) >= RING_SIZE / 2)
			tty_wakeup(tty);
	}
	return handled ? IRQ_HANDLED : IRQ_NONE;
}

/* --- tty operations --- */

static struct uart *uart_of(struct tty *tty);

static void poll_out(struct uart *u, const u8 *s, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		for (u32 tries = 0; !(rd(u, LSR) & LSR_THRE) && tries < POLL_MAX; tries++)
			cpu_relax();
		wr(u, RBR, s[i]);
	}
}

static u32 uart_write(struct tty *tty, const u8 *buf, u32 n)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	if (u->irq < 0) {
		poll_out(u, buf, n);
	} else {
		n = MIN(n, RING_SIZE - (u->head - u->tail));
		for (u32 i = 0; i < n; i++)
			u->ring[u->head++ % RING_SIZE] = buf[i];
		if (!(u->ier & IER_TX))
			transmit(u);
	}
	spin_unlock_irqrestore(&u->lock, flags);
	return n;
}

static u32 uart_write_room(struct tty *tty)
{
	struct uart *u = uart_of(tty);

	return RING_SIZE - (READ_ONCE(u->head) - READ_ONCE(u->tail));
}

static u32 uart_chars_in_buffer(struct tty *tty)
{
	struct uart *u = uart_of(tty);

	return READ_ONCE(u->head) - READ_ONCE(u->tail);
}

static void set_divisor(struct uart *u, u32 lcr, u32 baud)
{
	u32 divisor = baud ? (u->clock + baud * 8) / (baud * 16) : 0;

	if (divisor) {
		wr(u, LCR, lcr | LCR_DLAB);
		wr(u, RBR, divisor & 0xff);
		wr(u, IER, divisor >> 8);
	}
	wr(u, LCR, lcr);
	wr(u, IER, u->ier);
}

static void configure(struct uart *u, const struct ktermios *t)
{
	u32 lcr = (t->c_cflag & CSIZE) == CS5 ? 0 : (t->c_cflag & CSIZE) == CS6 ? 1 : (t->c_cflag & CSIZE) == CS7 ? 2 : LCR_8BITS;

	if (t->c_cflag & CSTOPB)
		lcr |= LCR_STOP2;
	if (t->c_cflag & PARENB)
		lcr |= LCR_PARITY | (t->c_cflag & PARODD ? 0 : LCR_EVEN);
	/* Let what was written leave at the old settings. */
	for (u32 tries = 0; !(rd(u, LSR) & LSR_TEMT) && tries < POLL_MAX / 10; tries++)
		cpu_relax();
	set_divisor(u, lcr, u->clock ? t->c_ospeed : 0);
	if (t->c_ospeed == 0)
		u->mcr &= (u8)~(MCR_DTR | MCR_RTS);
	else
		u->mcr |= MCR_DTR | MCR_RTS;
	wr(u, MCR, u->mcr);
}

static int uart_open(struct tty *tty)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	configure(u, &u->port.termios);
	u->throttled = u->stopped = false;
	set_ier(u, u->irq < 0 ? 0 : IER_RX | IER_LINE);
	spin_unlock_irqrestore(&u->lock, flags);
	return 0;
}

static void uart_close(struct tty *tty)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	/* A console keeps listening: break and a key must reach SysRq with nobody logged in. */
	if (!u->port.console)
		set_ier(u, 0);
	u->head = u->tail;
	spin_unlock_irqrestore(&u->lock, flags);
}

static void uart_set_termios(struct tty *tty, const struct ktermios *old);

static void uart_throttle(struct tty *tty)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	/* What is not read stays in the FIFO, then with the sender when it obeys RTS (as QEMU's does). */
	u->throttled = true;
	u->mcr &= (u8)~MCR_RTS;
	wr(u, MCR, u->mcr);
	set_ier(u, u->ier & (u8)~(IER_RX | IER_LINE));
	spin_unlock_irqrestore(&u->lock, flags);
}

static void uart_unthrottle(struct tty *tty)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	u->throttled = false;
	u->mcr |= MCR_RTS;
	wr(u, MCR, u->mcr);
	set_ier(u, u->ier | IER_RX | IER_LINE);
	spin_unlock_irqrestore(&u->lock, flags);
}

static void uart_stop(struct tty *tty)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	u->stopped = true;
	set_ier(u, u->ier & (u8)~IER_TX);
	spin_unlock_irqrestore(&u->lock, flags);
}

static void uart_start(struct tty *tty)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	u->stopped = false;
	transmit(u);
	spin_unlock_irqrestore(&u->lock, flags);
}

static void uart_flush_buffer(struct tty *tty)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	u->tail = u->head;
	spin_unlock_irqrestore(&u->lock, flags);
}

static void uart_wait_until_sent(struct tty *tty, ktime_t timeout)
{
	struct uart *u = uart_of(tty);

	for (u32 ms = 0; ms < 100 && !(rd(u, LSR) & LSR_TEMT); ms++)
		msleep(1);
}

static int uart_break(struct tty *tty, int state)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);
	u32 lcr = rd(u, LCR);

	wr(u, LCR, state ? lcr | LCR_BREAK : lcr & (u32)~LCR_BREAK);
	spin_unlock_irqrestore(&u->lock, flags);
	return 0;
}

static int uart_get_modem(struct tty *tty)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);
	u32 msr = rd(u, MSR);
	int bits = (u->mcr & MCR_DTR ? TIOCM_DTR : 0) | (u->mcr & MCR_RTS ? TIOCM_RTS : 0) |
		   (u->mcr & MCR_LOOP ? TIOCM_LOOP : 0) | (msr & MSR_CTS ? TIOCM_CTS : 0) |
		   (msr & MSR_DSR ? TIOCM_DSR : 0) | (msr & MSR_RI ? TIOCM_RI : 0) | (msr & MSR_DCD ? TIOCM_CD : 0);

	spin_unlock_irqrestore(&u->lock, flags);
	return bits;
}

static int uart_set_modem(struct tty *tty, u32 set, u32 clear)
{
	static const struct {
		u32 tiocm;
		u8 mcr;
	} map[] = { { TIOCM_DTR, MCR_DTR }, { TIOCM_RTS, MCR_RTS }, { TIOCM_LOOP, MCR_LOOP } };
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	for (u32 i = 0; i < ARRAY_SIZE(map); i++) {
		if (clear & map[i].tiocm)
			u->mcr &= (u8)~map[i].mcr;
		if (set & map[i].tiocm)
			u->mcr |= map[i].mcr;
	}
	wr(u, MCR, u->mcr);
	spin_unlock_irqrestore(&u->lock, flags);
	return 0;
}

static int uart_get_icount(struct tty *tty, struct serial_icounter_struct *ic)
{
	struct uart *u = uart_of(tty);
	u64 flags = spin_lock_irqsave(&u->lock);

	*ic = u->icount;
	spin_unlock_irqrestore(&u->lock, flags);
	return 0;
}

static const struct tty_ops uart_ops = {
	.open = uart_open,
	.close = uart_close,
	.write = uart_write,
	.write_room = uart_write_room,
	.chars_in_buffer = uart_chars_in_buffer,
	.set_termios = uart_set_termios,
	.throttle = uart_throttle,
	.unthrottle = uart_unthrottle,
	.stop = uart_stop,
	.start = uart_start,
	.flush_buffer = uart_flush_buffer,
	.wait_until_sent = uart_wait_until_sent,
	.break_ctl = uart_break,
	.get_modem = uart_get_modem,
	.set_modem = uart_set_modem,
	.get_icount = uart_get_icount,
};

static struct uart *uart_of(struct tty *tty)
{
	return tty_driver_data(tty);
}

static void uart_set_termios(struct tty *tty, const struct ktermios *old)
{
	struct uart *u = uart_of(tty);
	struct ktermios now;
	u64 flags;

	tty_get_termios(tty, &now);
	flags = spin_lock_irqsave(&u->lock);
	configure(u, &now);
	spin_unlock_irqrestore(&u->lock, flags);
}

/* --- console --- */

static void uart_console_write(struct console *con, const char *s, size_t n)
{
	struct uart *u = con->data;
	bool locked = true;
	u64 flags = irq_save();

	if (panicking())
		locked = spin_trylock(&u->lock);
	else
		spin_lock(&u->lock);
	poll_out(u, (const u8 *)s, (u32)n);
	if (locked)
		spin_unlock(&u->lock);
	irq_restore(flags);
}

/* --- probe --- */

static void probe_clock(struct uart *u, struct dt_node *node)
{
	struct dt_args args;

	if (dt_prop_u32(node, "clock-frequency", &u->clock) == 0)
		return;
	/* A fixed clock says its rate; others keep the divisor the firmware chose. */
	if (dt_phandle_args(node, "clocks", "#clock-cells", 0, &args) ||
	    dt_prop_u32(args.node, "clock-frequency", &u->clock))
		u->clock = 0;
}

/* The line's speed: console=ttyS0,115200n8, else current-speed, else the terminals' default. */
static void apply_speed(struct uart *u, struct dt_node *node, const char *options)
{
	u32 speed = 0;
	const char *end;

	if (options)
		speed = (u32)parse_size(options, &end);
	if (!speed && dt_prop_u32(node, "current-speed", &speed))
		return;
	u->port.termios.c_ispeed = u->port.termios.c_ospeed = speed;
	u->port.termios.c_cflag = (u->port.termios.c_cflag & (u32)~CBAUD) | BOTHER;
}

static int uart_probe(struct device *dev, const void *designware)
{
	static u32 nr_ports;
	struct uart *u;
	int rc;

	if (nr_ports == PORTS_MAX)
		return -ENOSPC;
	u = kzalloc(sizeof(*u), GFP_KERNEL);
	if (!u)
		return -ENOMEM;
	u->irq = irq_of_node(dev->node, 0);
	rc = u->irq;
	if (rc == -EPROBE_DEFER)
		goto free;
	rc = -ENOMEM;
	u->regs = device_map(dev, 0);
	if (IS_ERR(u->regs))
		goto free;
	u->width = 1;
	dt_prop_u32(dev->node, "reg-shift", &u->shift);
	dt_prop_u32(dev->node, "reg-io-width", &u->width);
	u->designware = designware != NULL;
	probe_clock(u, dev->node);
	spinlock_init(&u->lock, RANK_UART);
	snprintf(u->name, sizeof(u->name), "ttyS%u", nr_ports);
	u->port = (struct tty_port){ .name = u->name, .dev = MAKE_DEV(4, 64 + nr_ports), .ops = &uart_ops, .data = u,
				     .console = &u->console };
	u->console = (struct console){ .name = u->name, .write = uart_console_write, .data = u };
	u->mcr = MCR_DTR | MCR_RTS | MCR_OUT2;
	wr(u, IER, 0);
	wr(u, IIR, FCR_ENABLE | FCR_CLEAR | FCR_TRIGGER8);
	wr(u, MCR, u->mcr);
	if (u->irq >= 0) {
		rc = irq_request((u32)u->irq, uart_interrupt, IRQF_SHARED, u->name, u);
		if (rc) {
			pr_warn("%s: interrupt %d: error %d; output is polled, no input", u->name, u->irq, rc);
			u->irq = -1;
		}
	}
	rc = tty_port_register(&u->port);
	if (rc)
		goto free_irq;
	nr_ports++;
	dev->data = u;
	apply_speed(u, dev->node, console_offer(&u->port, dev->node));
	pr_info("%s: %s UART, irq %d, %u Hz", u->name, u->designware ? "DesignWare" : "16550", u->irq, u->clock);
	return 0;
free_irq:
	if (u->irq >= 0)
		irq_free((u32)u->irq, u);
free:
	kfree(u);
	return rc;
}

static const struct driver_match uart_matches[] = {
	{ .compatible = "snps,dw-apb-uart", .data = "" },
	{ .compatible = "ns16550a" },
	{ .compatible = "ns16550" },
	{ .compatible = "ns16850" },
	{ NULL },
};

static const struct driver uart_driver = {
	.name = "ns16550",
	.stage = PROBE_NORMAL,
	.match = uart_matches,
	.probe = uart_probe,
};
DRIVER(uart_driver);

/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: domains map a controller's lines to virtual numbers, handlers are attached to those
 * (kernel/irq/irq.c). Handlers run with interrupts off and only acknowledge and queue; the rest goes to a
 * softirq, a tasklet or a workqueue.
 */
#ifndef KERNEL_IRQ_H
#define KERNEL_IRQ_H

#include <arch/irqflags.h>
#include <kernel/bitmap.h>
#include <kernel/list.h>
#include <kernel/types.h>

struct dt_node;
struct irq_domain;
struct seq_file;

enum irq_return { IRQ_NONE, IRQ_HANDLED };
typedef enum irq_return (*irq_handler)(u32 irq, void *arg);

/* A controller. hwirq numbers are its own. Called with interrupts off; mask, unmask and set_affinity of one line never
 * concurrently; set_affinity gets one online hart. A line is masked at first. */
struct irq_chip {
	const char *name;  /* as /proc/interrupts shows it */
	void (*mask)(struct irq_domain *d, u32 hwirq);
	void (*unmask)(struct irq_domain *d, u32 hwirq);
	void (*eoi)(struct irq_domain *d, u32 hwirq);
	int (*set_affinity)(struct irq_domain *d, u32 hwirq, hartmask_t mask); /* may be NULL */
};
struct irq_domain {
	struct list_head link;
	struct dt_node *node;
	const struct irq_chip *chip;
	void *data;
	u32 nr_hwirqs;
	u32 *map; /* hwirq -> virtual number, 0 none */
};

struct irq_domain *irq_domain_create(struct dt_node *node, const struct irq_chip *chip, u32 nr_hwirqs, void *data);
/* The virtual number of a line, made on first use; <0: -ENOMEM, -EINVAL. */
int irq_map(struct irq_domain *d, u32 hwirq);
/* The index-th interrupt of a device node (interrupts / interrupts-extended); -EPROBE_DEFER while the
 * controller has no driver yet, -ENOENT when there is none. */
int irq_of_node(struct dt_node *node, u32 index);
/* Controllers call this from their own handler, with interrupts off. */
void irq_handle(struct irq_domain *d, u32 hwirq);

#define IRQF_SHARED 1
#define IRQF_PERHART 2
/* Attaches and unmasks. 0, -EBUSY, -EINVAL, -ENOMEM. */
int irq_request(u32 irq, irq_handler fn, u32 flags, const char *name, void *arg);
void irq_free(u32 irq, void *arg); /* waits for a running handler */
int irq_set_affinity(u32 irq, hartmask_t mask); /* 0, -EINVAL: no such irq, or no online hart in mask */
int irq_affinity(u32 irq, hartmask_t *wanted, hartmask_t *effective); /* 0, -EINVAL */
void irq_show(struct seq_file *m);  /* /proc/interrupts */
u64 irq_total(void);		     /* interrupts of all kinds since boot: /proc/stat */
void irq_show_longest(struct seq_file *m); /* the longest run of each line's handlers so far, in ns */
u64 timer_interrupts(u32 hart); /* how many timer interrupts it had; kernel/time/timer.c */

/* Trap code calls these around everything that runs for an interrupt. */
void irq_enter(void);
void irq_exit(void); /* runs pending softirqs when it leaves the outermost level */
/* The hart-local interrupts: timer, software (IPI), external. arch/riscv/trap.c dispatches here. */
void timer_interrupt(void);
void ipi_interrupt(void);
/* The root external controller registers its claim loop. */
extern void (*irq_external_handler)(void);

/* Softirqs: per hart, fixed vectors, run with interrupts on after the hard ones or by ksoftirqd/N. */
enum softirq { SOFTIRQ_HI, SOFTIRQ_TIMER, SOFTIRQ_NET_TX, SOFTIRQ_NET_RX, SOFTIRQ_BLOCK, SOFTIRQ_TASKLET,
	       SOFTIRQ_SCHED, SOFTIRQ_HRTIMER, SOFTIRQ_RCU, NR_SOFTIRQS };
void softirq_init(void);
void softirq_open(enum softirq nr, void (*fn)(void));
void softirq_raise(enum softirq nr);	    /* any context; wakes ksoftirqd when nothing else would run it soon */
void softirq_raise_irqoff(enum softirq nr); /* interrupts off: it runs after the next interrupt, or when idle */
u64 softirq_count(u32 hart, enum softirq nr);
const char *softirq_name(enum softirq nr);
bool softirq_pending(void);		    /* on this hart */
void softirq_run(void);			    /* runs what is pending; interrupts off before and after, not in an interrupt */
void softirq_show(struct seq_file *m);

struct tasklet {
	struct tasklet *next;
	u32 state; /* [a] scheduled, running */
	u32 disabled; /* [a] */
	void (*fn)(struct tasklet *t);
	void *data;
};
#define TASKLET_INIT(f) { .fn = (f) }
void tasklet_init(struct tasklet *t, void (*fn)(struct tasklet *t));
void tasklet_schedule(struct tasklet *t); /* never runs concurrently with itself */
void tasklet_kill(struct tasklet *t);	  /* waits until it is neither queued nor running */
void tasklet_disable(struct tasklet *t);
void tasklet_enable(struct tasklet *t);

#endif

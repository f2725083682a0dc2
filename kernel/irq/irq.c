/* SPDX-License-Identifier: MIT */
/*
 * Interrupt domains, descriptors and handlers.
 *
 * A domain is a controller's set of lines; a line gets a virtual number and a descriptor when
 * somebody asks for it, and keeps both. Handlers of a line form a list: changed under desc->lock,
 * run without it. desc->running counts harts inside the handlers, so that irq_free() can wait for
 * them. A line whose interrupts nobody wants is masked after a while.
 *
 * Lines that controllers can direct are given to the online harts in turn when they are first
 * requested.
 */
#include <kernel/irq.h>

#include <arch/cpu.h>
#include <kernel/dt.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/mm.h>
#include <kernel/panic.h>
#include <kernel/seq_file.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/timer.h>

#define IRQ_FIRST     16 /* below: the harts' own lines, shown under their hardware numbers */
#define IRQ_LIMIT     512
#define UNHANDLED_MAX 100000 /* in a row: the line is masked */
#define HART_TIMER    5

struct irq_action {
	struct irq_action *next; /* [desc->lock; readers without it] */
	irq_handler fn;
	void *arg;
	u32 flags;
	const char *name;
};

struct irq_desc {
	struct irq_domain *domain;
	u32 hwirq;
	struct spinlock lock;
	struct irq_action *actions;
	hartmask_t wanted, effective; /* [lock] */
	u32 running;		      /* [a] harts inside the handlers */
	u32 unhandled;		      /* [a] in a row */
	u64 longest;		      /* [a] counter ticks */
	u32 count[NR_HARTS_MAX];      /* [each hart its own] */
};

void (*irq_external_handler)(void);

static LIST_HEAD(domains); /* [domains_lock for writing] only grows */
static DEFINE_SPINLOCK(domains_lock, RANK_IRQ);
static struct irq_desc
	*descs[IRQ_LIMIT]; /* [domains_lock for writing] only grows, from IRQ_FIRST */
static u32 nr_irqs = IRQ_FIRST;
static u32 next_hart; /* [a] where the next line goes */

static struct irq_desc *desc_of(u32 irq)
{
	return irq < IRQ_LIMIT ? smp_load_acquire(&descs[irq]) : NULL;
}

/* --- domains --- */

struct irq_domain *irq_domain_create(struct dt_node *node, const struct irq_chip *chip,
				     u32 nr_hwirqs, void *data)
{
	struct irq_domain *d = kzalloc(sizeof(*d), GFP_KERNEL);
	u64 flags;

	if (!d)
		return NULL;
	d->map = kmalloc_array(nr_hwirqs, sizeof(*d->map), GFP_KERNEL | GFP_ZERO);
	if (!d->map) {
		kfree(d);
		return NULL;
	}
	d->node = node;
	d->chip = chip;
	d->data = data;
	d->nr_hwirqs = nr_hwirqs;
	flags = spin_lock_irqsave(&domains_lock);
	list_add_tail(&d->link, &domains);
	spin_unlock_irqrestore(&domains_lock, flags);
	return d;
}

static struct irq_desc *desc_new(struct irq_domain *d, u32 hwirq)
{
	struct irq_desc *desc = kzalloc(sizeof(*desc), GFP_KERNEL);

	if (!desc)
		return NULL;
	desc->domain = d;
	desc->hwirq = hwirq;
	desc->wanted = HARTMASK_ALL;
	desc->effective = HARTMASK_OF(0);
	spinlock_init(&desc->lock, RANK_IRQ);
	return desc;
}

/* Gives desc the line's number, or finds that somebody else was first: then desc is not used. */
static int publish(struct irq_domain *d, struct irq_desc *desc)
{
	u64 flags = spin_lock_irqsave(&domains_lock);
	int irq = (int)d->map[desc->hwirq];

	if (!irq && nr_irqs < IRQ_LIMIT) {
		irq = (int)nr_irqs++;
		smp_store_release(&descs[irq], desc);
		WRITE_ONCE(d->map[desc->hwirq], (u32)irq);
	}
	spin_unlock_irqrestore(&domains_lock, flags);
	return irq ? irq : -ENOMEM;
}

int irq_map(struct irq_domain *d, u32 hwirq)
{
	struct irq_desc *desc;
	int irq;

	if (hwirq >= d->nr_hwirqs)
		return -EINVAL;
	irq = (int)READ_ONCE(d->map[hwirq]);
	if (irq)
		return irq;
	desc = desc_new(d, hwirq);
	if (!desc)
		return -ENOMEM;
	irq = publish(d, desc);
	if (irq < 0 || desc_of((u32)irq) != desc)
		kfree(desc);
	return irq;
}

static struct irq_domain *domain_of_node(const struct dt_node *node)
{
	struct irq_domain *d;

	list_for_each_entry (d, &domains, link)
		if (d->node == node)
			return d;
	return NULL;
}

/* --- device tree --- */

/* The controller that `interrupts` of n refers to. */
static struct dt_node *interrupt_parent(struct dt_node *n)
{
	u32 phandle;

	for (; n; n = n->parent) {
		if (dt_prop_u32(n, "interrupt-parent", &phandle) == 0)
			return dt_by_phandle(phandle);
		if (n->parent && dt_prop(n->parent, "#interrupt-cells", NULL))
			return n->parent;
	}
	return NULL;
}

static int find_line(struct dt_node *node, u32 index, struct dt_node **controller, u32 *hwirq)
{
	struct dt_args args;
	u32 cells;
	int rc = dt_phandle_args(node, "interrupts-extended", "#interrupt-cells", index, &args);

	if (rc == 0) {
		*controller = args.node;
		*hwirq = args.arg[0];
		return args.n ? 0 : -EINVAL;
	}
	if (dt_prop(node, "interrupts-extended", NULL))
		return rc;
	if (!dt_prop(node, "interrupts", NULL))
		return -ENOENT;
	*controller = interrupt_parent(node);
	if (!*controller || dt_prop_u32(*controller, "#interrupt-cells", &cells) || !cells)
		return -EINVAL;
	return dt_prop_u32_at(node, "interrupts", index * cells, hwirq) ? -ENOENT : 0;
}

int irq_of_node(struct dt_node *node, u32 index)
{
	struct dt_node *controller;
	struct irq_domain *d;
	u32 hwirq;
	int rc = find_line(node, index, &controller, &hwirq);

	if (rc)
		return rc;
	d = domain_of_node(controller);
	return d ? irq_map(d, hwirq) : -EPROBE_DEFER;
}

/* --- which hart --- */

static u32 pick_hart(hartmask_t mask)
{
	u32 n = (u32)__builtin_popcount(mask),
	    skip = __atomic_fetch_add(&next_hart, 1, __ATOMIC_RELAXED) % n, h;

	for_each_hart_in (h, mask)
		if (skip-- == 0)
			return h;
	return 0;
}

/* Directs a line to one of the harts in mask: the next in turn its controller serves. desc->lock
 * held. */
static int direct(struct irq_desc *desc, hartmask_t mask)
{
	const struct irq_chip *chip = desc->domain->chip;
	hartmask_t usable = mask & READ_ONCE(harts_online);
	int rc = -EINVAL;

	if (!usable)
		return -EINVAL;
	desc->wanted = mask;
	if (!chip->set_affinity)
		return 0;
	while (usable && rc) {
		hartmask_t target = HARTMASK_OF(pick_hart(usable));

		rc = chip->set_affinity(desc->domain, desc->hwirq, target);
		if (rc == 0)
			desc->effective = target;
		usable &= ~target;
	}
	return rc;
}

int irq_set_affinity(u32 irq, hartmask_t mask)
{
	struct irq_desc *desc = desc_of(irq);
	u64 flags;
	int rc;

	if (!desc)
		return -EINVAL;
	flags = spin_lock_irqsave(&desc->lock);
	rc = direct(desc, mask);
	spin_unlock_irqrestore(&desc->lock, flags);
	return rc;
}

int irq_affinity(u32 irq, hartmask_t *wanted, hartmask_t *effective)
{
	struct irq_desc *desc = desc_of(irq);

	if (!desc)
		return -EINVAL;
	*wanted = READ_ONCE(desc->wanted);
	*effective = READ_ONCE(desc->effective);
	return 0;
}

/* --- handlers --- */

/* desc->lock held. */
static int attach(struct irq_desc *desc, struct irq_action *action)
{
	struct irq_action **link = &desc->actions;

	if (*link && !(action->flags & (*link)->flags & IRQF_SHARED))
		return -EBUSY;
	while (*link)
		link = &(*link)->next;
	smp_store_release(link, action);
	if (link != &desc->actions)
		return 0;
	direct(desc, desc->wanted);
	desc->unhandled = 0;
	desc->domain->chip->unmask(desc->domain, desc->hwirq);
	return 0;
}

int irq_request(u32 irq, irq_handler fn, u32 flags, const char *name, void *arg)
{
	struct irq_desc *desc = desc_of(irq);
	struct irq_action *action;
	u64 irqs;
	int rc;

	if (!desc || ((flags & IRQF_SHARED) && !arg))
		return -EINVAL;
	action = kzalloc(sizeof(*action), GFP_KERNEL);
	if (!action)
		return -ENOMEM;
	*action = (struct irq_action) { .fn = fn, .arg = arg, .flags = flags, .name = name };
	irqs = spin_lock_irqsave(&desc->lock);
	rc = attach(desc, action);
	spin_unlock_irqrestore(&desc->lock, irqs);
	if (rc)
		kfree(action);
	return rc;
}

/* desc->lock held. The action is off the list; NULL: there was none. */
static struct irq_action *detach(struct irq_desc *desc, const void *arg)
{
	struct irq_action **link = &desc->actions, *action;

	while (*link && (*link)->arg != arg)
		link = &(*link)->next;
	action = *link;
	if (!action)
		return NULL;
	WRITE_ONCE(*link, action->next);
	if (!desc->actions)
		desc->domain->chip->mask(desc->domain, desc->hwirq);
	return action;
}

void irq_free(u32 irq, void *arg)
{
	struct irq_desc *desc = desc_of(irq);
	struct irq_action *action;
	u64 flags;

	if (WARN_ON(!desc))
		return;
	flags = spin_lock_irqsave(&desc->lock);
	action = detach(desc, arg);
	spin_unlock_irqrestore(&desc->lock, flags);
	if (WARN_ON(!action))
		return;
	smp_mb();
	while (smp_load_acquire(&desc->running))
		cpu_relax();
	kfree(action);
}

/* Nobody wanted this interrupt. */
static void __cold note_unhandled(struct irq_desc *desc)
{
	if (atomic_add_return(&desc->unhandled, 1) != UNHANDLED_MAX)
		return;
	spin_lock(&desc->lock);
	desc->domain->chip->mask(desc->domain, desc->hwirq);
	spin_unlock(&desc->lock);
	pr_err("irq: %s line %u: nobody cared %u times in a row: masked", desc->domain->chip->name,
	       desc->hwirq, UNHANDLED_MAX);
}

static void run_handlers(struct irq_desc *desc, u32 irq)
{
	u64 start = cycles_now(), took;
	bool handled = false;

	(void)atomic_fetch_add(&desc->running, 1); /* fully ordered: before the list is read */
	for (struct irq_action *a = smp_load_acquire(&desc->actions); a;
	     a = smp_load_acquire(&a->next))
		handled |= a->fn(irq, a->arg) == IRQ_HANDLED;
	__atomic_fetch_sub(&desc->running, 1, __ATOMIC_RELEASE);
	took = cycles_now() - start;
	if (unlikely(took > desc->longest))
		WRITE_ONCE(desc->longest, took);
	desc->count[this_hart_nr()]++;
	if (unlikely(!handled))
		note_unhandled(desc);
	else if (unlikely(desc->unhandled))
		WRITE_ONCE(desc->unhandled, 0);
}

void irq_handle(struct irq_domain *d, u32 hwirq)
{
	u32 irq = hwirq < d->nr_hwirqs ? READ_ONCE(d->map[hwirq]) : 0;

	if (likely(irq))
		run_handlers(descs[irq], irq);
	else
		d->chip->mask(d, hwirq);
	if (d->chip->eoi)
		d->chip->eoi(d, hwirq);
}

/* --- what /proc shows --- */

static u64 desc_total(const struct irq_desc *desc)
{
	u64 n = 0;

	for (u32 h = 0; h < nr_harts; h++)
		n += READ_ONCE(desc->count[h]);
	return n;
}

u64 irq_total(void)
{
	u64 n = 0;

	for (u32 h = 0; h < nr_harts; h++)
		n += timer_interrupts(h);
	for (u32 irq = IRQ_FIRST; irq < READ_ONCE(nr_irqs); irq++)
		n += desc_total(desc_of(irq));
	return n;
}

static void show_line(struct seq_file *m, u32 irq, struct irq_desc *desc)
{
	u64 flags;
	u32 h;

	seq_printf(m, "%3u:", irq);
	for_each_hart (h)
		seq_printf(m, " %10u", READ_ONCE(desc->count[h]));
	seq_printf(m, "  %8s %3u %-8s", desc->domain->chip->name, desc->hwirq, "Level");
	flags = spin_lock_irqsave(&desc->lock);
	for (struct irq_action *a = desc->actions; a; a = a->next)
		seq_printf(m, "%s%s", a == desc->actions ? "  " : ", ", a->name);
	spin_unlock_irqrestore(&desc->lock, flags);
	seq_putc(m, '\n');
}

static void show_timer(struct seq_file *m)
{
	u32 h;

	seq_printf(m, "%3u:", HART_TIMER);
	for_each_hart (h)
		seq_printf(m, " %10llu", timer_interrupts(h));
	seq_printf(m, "  %8s %3u %-8s  riscv-timer\n", "RISC-V INTC", HART_TIMER, "Edge");
}

void irq_show(struct seq_file *m)
{
	u32 h;

	seq_printf(m, "%*s", 11, "");
	for_each_hart (h)
		seq_printf(m, "CPU%-8u", h);
	seq_putc(m, '\n');
	show_timer(m);
	for (u32 irq = IRQ_FIRST; irq < READ_ONCE(nr_irqs); irq++) {
		struct irq_desc *desc = desc_of(irq);

		if (READ_ONCE(desc->actions) || desc_total(desc))
			show_line(m, irq, desc);
	}
}

void irq_show_longest(struct seq_file *m)
{
	for (u32 irq = IRQ_FIRST; irq < READ_ONCE(nr_irqs); irq++) {
		struct irq_desc *desc = desc_of(irq);
		u64 ns =
			READ_ONCE(desc->longest) * (NSEC_PER_SEC / 1000) / (isa.timebase_hz / 1000);

		if (desc_total(desc))
			seq_printf(m, "%3u %12llu ns  %s\n", irq, ns,
				   desc->actions ? desc->actions->name : "-");
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * The platform-level interrupt controller (RISC-V PLIC specification 1.0.0).
 *
 * A context is one privilege mode of one hart; the tree lists them in interrupts-extended, where
 * line 9 of a hart's own controller is its supervisor mode. A source is enabled in one context,
 * that of the hart it is directed to, and masked by priority 0: a completion is ignored for a
 * source that is not enabled, so enable bits stay while a source is in service.
 *
 * plic->lock guards the enable bits and target[]. Claim and complete are each hart's own registers.
 */
#include <arch/io.h>
#include <kernel/device.h>
#include <kernel/errno.h>
#include <kernel/hart.h>
#include <kernel/irq.h>
#include <kernel/mm.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>

#define PLIC_SOURCES_MAX  1024 /* source 0 is none */
#define PLIC_CONTEXTS_MAX 15872
#define PLIC_PRIORITY	  0x0
#define PLIC_ENABLE	  0x2000
#define PLIC_ENABLE_SIZE  0x80
#define PLIC_CONTEXT	  0x200000
#define PLIC_CONTEXT_SIZE 0x1000
#define PLIC_THRESHOLD	  0x0 /* in a context */
#define PLIC_CLAIM	  0x4

#define HART_EXTERNAL	  9 /* supervisor external interrupt */

struct plic;
struct plic_context {
	struct plic *plic;
	u64 hwid;
	u8 *enable; /* registers */
	u8 *regs;
};
struct plic {
	u8 *regs;
	u32 nr_sources; /* source 0 included */
	u32 nr_contexts;
	struct plic_context *contexts; /* of supervisor modes */
	struct irq_domain *domain;
	struct spinlock lock;
	struct plic_context **target; /* [lock] by source; NULL: enabled nowhere */
};

static DEFINE_PER_HART(struct plic_context *, plic_context); /* [I] once found */

/* --- registers --- */

static void set_priority(struct plic *p, u32 source, u32 priority)
{
	io_write32(p->regs + PLIC_PRIORITY + 4 * source, priority);
}

/* p->lock held. */
static void set_enable(struct plic_context *c, u32 source, bool on)
{
	u8 *reg = c->enable + source / 32 * 4;
	u32 bit = 1U << source % 32, old = io_read32(reg);

	io_write32(reg, on ? old | bit : old & ~bit);
}

/* --- contexts --- */

static struct plic_context *context_of_hart(struct plic *p, u32 hart)
{
	u64 hwid = hart_hwid(hart);

	for (u32 i = 0; i < p->nr_contexts; i++)
		if (p->contexts[i].hwid == hwid)
			return &p->contexts[i];
	return NULL;
}

/* --- the chip --- */

static void plic_mask(struct irq_domain *d, u32 source) { set_priority(d->data, source, 0); }

static void plic_unmask(struct irq_domain *d, u32 source) { set_priority(d->data, source, 1); }

static int plic_set_affinity(struct irq_domain *d, u32 source, hartmask_t mask)
{
	struct plic *p = d->data;
	struct plic_context *c = context_of_hart(p, (u32)__builtin_ctz(mask)), *old;

	if (!c)
		return -EINVAL;
	spin_lock(&p->lock);
	old = p->target[source];
	if (old != c) {
		if (old)
			set_enable(old, source, false);
		set_enable(c, source, true);
		WRITE_ONCE(p->target[source], c);
	}
	spin_unlock(&p->lock);
	return 0;
}

/* The source was directed elsewhere while this hart served it. */
static void complete_moved(struct plic_context *c, u32 source)
{
	struct plic *p = c->plic;

	spin_lock(&p->lock);
	if (p->target[source] == c) {
		io_write32(c->regs + PLIC_CLAIM, source);
	} else {
		set_enable(c, source, true);
		io_write32(c->regs + PLIC_CLAIM, source);
		set_enable(c, source, false);
	}
	spin_unlock(&p->lock);
}

static void plic_eoi(struct irq_domain *d, u32 source)
{
	struct plic_context *c = this_hart(plic_context);

	if (likely(READ_ONCE(c->plic->target[source]) == c))
		io_write32(c->regs + PLIC_CLAIM, source);
	else
		complete_moved(c, source);
}

static const struct irq_chip plic_chip = {
	.name = "SiFive PLIC",
	.mask = plic_mask,
	.unmask = plic_unmask,
	.eoi = plic_eoi,
	.set_affinity = plic_set_affinity,
};

/* --- the interrupt --- */

static struct device *first_plic;

/* Machines of several sockets have a PLIC each; a hart has a context in one. */
static struct plic_context *find_context_here(void)
{
	struct device *dev;

	for_each_device (dev) {
		struct plic_context *c = dev->driver == first_plic->driver
						 ? context_of_hart(dev->data, this_hart_nr())
						 : NULL;

		if (c)
			return c;
	}
	return NULL;
}

static void plic_interrupt(void)
{
	struct plic_context *c = this_hart(plic_context);
	u32 source;

	if (unlikely(!c)) {
		c = this_hart(plic_context) = find_context_here();
		if (!c)
			return;
	}
	while ((source = io_read32(c->regs + PLIC_CLAIM)) != 0) {
		if (likely(source < c->plic->nr_sources))
			irq_handle(c->plic->domain, source);
		else
			io_write32(c->regs + PLIC_CLAIM, source);
	}
}

/* --- probing --- */

/* The number SBI and the tree know the hart of a cpu-intc node by. */
static bool hwid_of_intc(const struct dt_node *intc, u64 *hwid)
{
	const struct dt_node *cpu = intc->parent;
	int len = 0;
	const void *reg = cpu && cpu->parent ? dt_prop(cpu, "reg", &len) : NULL;
	u32 cells = (u32)len / 4;

	return reg && cells && cells <= 2 && fdt_read_cells(reg, cells, hwid) == 0;
}

/* Context `index` of the tree's list, when it is a supervisor mode. */
static void add_context(struct plic *p, u32 index, const struct dt_args *args)
{
	struct plic_context *c = &p->contexts[p->nr_contexts];

	if (!args->node || args->n != 1 || args->arg[0] != HART_EXTERNAL ||
	    !hwid_of_intc(args->node, &c->hwid))
		return;
	c->plic = p;
	c->enable = p->regs + PLIC_ENABLE + (u64)index * PLIC_ENABLE_SIZE;
	c->regs = p->regs + PLIC_CONTEXT + (u64)index * PLIC_CONTEXT_SIZE;
	p->nr_contexts++;
}

static void reset(struct plic *p)
{
	for (u32 source = 1; source < p->nr_sources; source++)
		set_priority(p, source, 0);
	for (u32 i = 0; i < p->nr_contexts; i++) {
		for (u32 word = 0; word < DIV_ROUND_UP(p->nr_sources, 32); word++)
			io_write32(p->contexts[i].enable + 4 * word, 0);
		io_write32(p->contexts[i].regs + PLIC_THRESHOLD, 0);
	}
}

static int find_contexts(struct plic *p, const struct dt_node *n, u32 count, u64 regs_size)
{
	struct dt_args args;

	for (u32 i = 0; i < count; i++) {
		if (PLIC_CONTEXT + ((u64)i + 1) * PLIC_CONTEXT_SIZE > regs_size)
			return -EINVAL;
		if (dt_phandle_args(n, "interrupts-extended", "#interrupt-cells", i, &args) == 0)
			add_context(p, i, &args);
	}
	return p->nr_contexts ? 0 : -ENODEV;
}

static void free_plic(struct plic *p)
{
	kfree(p->contexts);
	kfree(p->target);
	kfree(p);
}

static int plic_probe(struct device *dev, const void *match_data)
{
	u32 count = dt_phandle_count(dev->node, "interrupts-extended", "#interrupt-cells"), ndev;
	paddr_t addr;
	u64 size;
	struct plic *p;
	int rc;

	if (!count || count > PLIC_CONTEXTS_MAX || dt_prop_u32(dev->node, "riscv,ndev", &ndev) ||
	    !ndev || ndev >= PLIC_SOURCES_MAX || dt_reg(dev->node, 0, &addr, &size))
		return -EINVAL;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	spinlock_init(&p->lock, RANK_IRQCHIP);
	p->nr_sources = ndev + 1;
	p->contexts = kmalloc_array(count, sizeof(*p->contexts), GFP_KERNEL | GFP_ZERO);
	p->target = kmalloc_array(p->nr_sources, sizeof(*p->target), GFP_KERNEL | GFP_ZERO);
	p->regs = ioremap(addr, size);
	rc = -ENOMEM;
	if (!p->contexts || !p->target || !p->regs)
		goto fail;
	rc = find_contexts(p, dev->node, count, size);
	if (rc)
		goto fail;
	reset(p);
	p->domain = irq_domain_create(dev->node, &plic_chip, p->nr_sources, p);
	rc = -ENOMEM;
	if (!p->domain)
		goto fail;
	dev->data = p;
	if (!first_plic)
		first_plic = dev;
	irq_external_handler = plic_interrupt;
	pr_info("plic: %s: %u sources, %u contexts of supervisor mode", dev->name, ndev,
		p->nr_contexts);
	return 0;
fail:
	if (p->regs)
		iounmap(p->regs);
	free_plic(p);
	return rc;
}

static const struct driver_match plic_match[] = {
	{ "riscv,plic0", NULL },
	{ "sifive,plic-1.0.0", NULL },
	{ "thead,c900-plic", NULL },
	{ NULL, NULL },
};
static const struct driver plic_driver = {
	.name = "plic",
	.stage = PROBE_IRQCHIP,
	.match = plic_match,
	.probe = plic_probe,
};
DRIVER(plic_driver);

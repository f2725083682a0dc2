/* SPDX-License-Identifier: MIT */
/* What kernel/irq/softirq.c needs of tasklets. */
#ifndef IRQ_TASKLET_H
#define IRQ_TASKLET_H

void tasklet_start(void); /* opens the softirq */

#endif

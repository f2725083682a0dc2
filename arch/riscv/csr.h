/* SPDX-License-Identifier: MIT */
/* Control and status registers: their bits, and how to reach them. For C and assembly. */
#ifndef RISCV_CSR_H
#define RISCV_CSR_H

#define SSTATUS_SIE_BIT	  0x2
#define SSTATUS_SPIE	  0x20
#define SSTATUS_FS	  0x6000
#define SSTATUS_FS_OFF	  0x0000
#define SSTATUS_FS_INITIAL 0x2000
#define SSTATUS_FS_CLEAN  0x4000
#define SSTATUS_FS_DIRTY  0x6000
#define SSTATUS_SUM	  0x40000
#define SSTATUS_MXR	  0x80000

/* sie, sip */
#define SIE_SOFT     0x2
#define SIE_TIMER    0x20
#define SIE_EXTERNAL 0x200

#define CAUSE_FETCH_MISALIGNED 0
#define CAUSE_FETCH_ACCESS     1
#define CAUSE_ILLEGAL	       2
#define CAUSE_BREAKPOINT       3
#define CAUSE_LOAD_MISALIGNED  4
#define CAUSE_LOAD_ACCESS      5
#define CAUSE_STORE_MISALIGNED 6
#define CAUSE_STORE_ACCESS     7
#define CAUSE_USER_ECALL       8
#define CAUSE_FETCH_PAGE       12
#define CAUSE_LOAD_PAGE	       13
#define CAUSE_STORE_PAGE       15
/* with the top bit set */
#define IRQ_SOFT     1
#define IRQ_TIMER    5
#define IRQ_EXTERNAL 9

#define SATP_MODE_SV39	8
#define SATP_MODE_SHIFT 60
#define SATP_ASID_SHIFT 44

#define CSR_STIMECMP  0x14d
#define CSR_SENVCFG   0x10a
#define SENVCFG_CBZE  0x80
#define SCOUNTEREN_TM 2

#ifndef __ASSEMBLY__
#include <kernel/types.h>

#define csr_read(csr)                                                                                \
	({                                                                                           \
		u64 csr_v_;                                                                          \
		__asm__ volatile("csrr %0, " #csr : "=r"(csr_v_)::"memory");                        \
		csr_v_;                                                                              \
	})
#define csr_write(csr, v) __asm__ volatile("csrw " #csr ", %0" ::"rK"((u64)(v)) : "memory")
#define csr_set(csr, v)	  __asm__ volatile("csrs " #csr ", %0" ::"rK"((u64)(v)) : "memory")
#define csr_clear(csr, v) __asm__ volatile("csrc " #csr ", %0" ::"rK"((u64)(v)) : "memory")

/* In a register that may not exist, or that the firmware hides (uaccess.S): false when the access trapped. */
bool csr_probe_instret(void);
bool csr_probe_stimecmp(void);
bool csr_probe_write_senvcfg(u64 v);
bool csr_probe_cboz(void); /* is cbo.zero allowed here? */
#endif

#endif

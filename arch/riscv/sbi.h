/* SPDX-License-Identifier: MIT */
/* The Supervisor Binary Interface (specification 2.0), as far as the kernel uses it. */
#ifndef RISCV_SBI_H
#define RISCV_SBI_H

#include <kernel/bitmap.h>
#include <kernel/types.h>

#define SBI_EXT_LEGACY_TIMER	  0x00
#define SBI_EXT_LEGACY_PUTCHAR	  0x01
#define SBI_EXT_LEGACY_IPI	  0x04
#define SBI_EXT_LEGACY_FENCE_I	  0x05
#define SBI_EXT_LEGACY_SFENCE	  0x06
#define SBI_EXT_LEGACY_SHUTDOWN	  0x08
#define SBI_EXT_BASE		  0x10
#define SBI_EXT_TIME		  0x54494d45
#define SBI_EXT_IPI		  0x735049
#define SBI_EXT_RFENCE		  0x52464e43
#define SBI_EXT_HSM		  0x48534d
#define SBI_EXT_SRST		  0x53525354
#define SBI_EXT_DBCN		  0x4442434e

#define SBI_SUCCESS		  0
#define SBI_ERR_FAILED		  (-1)
#define SBI_ERR_NOT_SUPPORTED	  (-2)
#define SBI_ERR_INVALID_PARAM	  (-3)
#define SBI_ERR_ALREADY_AVAILABLE (-6)

struct sbi_ret {
	long error;
	u64 value;
};

static inline struct sbi_ret sbi_call(u64 ext, u64 fn, u64 arg0, u64 arg1, u64 arg2, u64 arg3,
				      u64 arg4)
{
	register u64 a0 __asm__("a0") = arg0;
	register u64 a1 __asm__("a1") = arg1;
	register u64 a2 __asm__("a2") = arg2;
	register u64 a3 __asm__("a3") = arg3;
	register u64 a4 __asm__("a4") = arg4;
	register u64 a6 __asm__("a6") = fn;
	register u64 a7 __asm__("a7") = ext;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
			 : "memory");
	return (struct sbi_ret) { (long)a0, a1 };
}

struct sbi {
	u32 spec; /* major << 24 | minor; 0 is the legacy 0.1 */
	u64 impl, impl_version;
	u64 mvendorid, marchid, mimpid;
	bool time, ipi, rfence, hsm, srst, dbcn, legacy_console;
};
extern struct sbi sbi;
void sbi_probe(void);

/* Fences on the harts of `mask` (logical numbers), not on this one unless in it. size ~0:
 * everything. */
void sbi_fence_i(hartmask_t mask);
void sbi_sfence(hartmask_t mask, u64 start, u64 size);
void sbi_sfence_asid(hartmask_t mask, u64 start, u64 size, u64 asid);
void sbi_system_reset(u32 type, u32 reason); /* returns when it cannot */
void sbi_shutdown_legacy(void);
struct sbi_ret sbi_hart_start(u64 hwid, paddr_t entry, u64 opaque);
void sbi_hart_stop(void); /* this hart; returns when it cannot */

#endif

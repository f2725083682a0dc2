/* SPDX-License-Identifier: MIT */
/* This hart and the machine (arch/riscv/): identity, counters, inter-hart interrupts, power, console of last resort. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <kernel/bitmap.h>
#include <kernel/types.h>

struct seq_file;
static inline void cpu_relax(void) { __asm__ volatile(".4byte 0x0100000f" ::: "memory"); } /* pause: a hint */
/* Returns when an enabled interrupt is pending, even with SIE off. */
static inline void cpu_wait(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline u64 cycles_now(void) { u64 t; __asm__ volatile("rdtime %0" : "=r"(t)); return t; } /* timebase ticks */
static inline u64 instret_now(void) { u64 t; __asm__ volatile("rdinstret %0" : "=r"(t)); return t; }
bool instret_available(void);

/* Timer comparator of this hart, absolute ticks; ~0 is never. */
void timer_program(u64 ticks);
/* Inter-hart interrupts: runs ipi_interrupt() there. */
void ipi_send(hartmask_t mask);
void fence_i_all(void);

/* Boot of the others by SBI HSM: brings up at most `max` harts in all, sets nr_harts and harts_online. */
void smp_boot(u32 max);
void hart_shutdown_others(void);    /* panic, reboot: stops them where they are, bounded wait */
void __noreturn hart_park(void);

/* Set by a driver of a board's own way; tried when the firmware cannot. Return when they fail. */
extern void (*board_poweroff)(void);
extern void (*board_reboot)(void);
void __noreturn arch_poweroff(void);
void __noreturn arch_reboot(void);
void __noreturn arch_halt(void);
void early_console_write(const char *s, size_t n); /* SBI; nothing when firmware has none */
/* ISA of the machine: what every usable hart has. */
struct isa {
	bool f, d, c, v, zba, zbb, zbs, sstc, svade, svadu, svinval, svpbmt, zicbom, zicboz, zkr;
	u64 hwcap;	     /* AT_HWCAP */
	u64 timebase_hz;
	char string[256];    /* as the boot hart's */
};
extern struct isa isa;
void cpuinfo_show(struct seq_file *m); /* /proc/cpuinfo, Linux's format */
const char *sbi_describe(char *buf, size_t n); /* "OpenSBI v1.1, SBI 1.0: TIME IPI RFENCE HSM SRST" */
bool sbi_has_console(void);

/* Backtraces: fills pc[] from a frame pointer walk (callers: an address inside the call); returns the count. task NULL: from
 * here. regs: from a trap. */
struct task;
struct trap_frame;
u32 backtrace(vaddr_t *pc, u32 max, struct task *task, const struct trap_frame *regs);
void regs_print(const struct trap_frame *regs);
const char *cause_name(u64 cause);

#endif

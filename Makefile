# SPDX-License-Identifier: MIT
# Keel's build. `make help` lists what it can do.

MAKEFLAGS += -rR --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

DEBUG ?= 0
V     ?= 0
CONFIG := $(if $(filter 1,$(DEBUG)),debug,release)
O      := build/$(CONFIG)
Q      := $(if $(filter 1,$(V)),,@)
PYTHON ?= /usr/bin/python3

# --- tools -------------------------------------------------------------------------------------
CROSS_COMPILE ?= $(firstword $(foreach p,riscv64-linux-gnu- riscv64-unknown-elf-,$(if $(shell command -v $(p)gcc),$(p))) riscv64-linux-gnu-)
CC      := $(CROSS_COMPILE)gcc
LD      := $(CROSS_COMPILE)ld
OBJCOPY := $(CROSS_COMPILE)objcopy
NM      := $(CROSS_COMPILE)nm
UAPI    ?= build/uapi

# What uname says: the revision and its date, so that the same source gives the same image.
REVISION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
REVDATE  := $(shell git log -1 --format=%cd --date=format:%Y-%m-%d 2>/dev/null || echo undated)
KEEL_VERSION := $(REVISION) ($(REVDATE))$(if $(filter 1,$(DEBUG)), DEBUG)

# --- flags -------------------------------------------------------------------------------------
CLANG := $(shell $(CC) --version 2>/dev/null | sed -n 's/.*clang version \([0-9]*\).*/\1/p')
# clang 14 takes the CSR and fence.i instructions for granted and hides zeroed locals behind a flag of doubts.
ISA         := rv64imac$(if $(filter 14 15,$(CLANG)),,_zicsr_zifencei)
ZERO_LOCALS := -ftrivial-auto-var-init=zero \
               $(if $(filter 14 15,$(CLANG)),-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
ARCHFLAGS  = -march=$(ISA) -mabi=lp64 -mcmodel=medany $(if $(CLANG),-mno-relax,-mstrict-align) -fno-pic -fno-pie
CPPFLAGS  := -nostdinc -isystem $(shell $(CC) -print-file-name=include) -isystem $(UAPI) -Ikernel/include \
             -Iarch/riscv/include -I$(O)/include -DDEBUG=$(DEBUG)
CFLAGS    := -std=gnu11 -O2 -g -ffreestanding -fno-common -fno-pic -fno-pie -fno-strict-aliasing \
             -fno-delete-null-pointer-checks -fno-omit-frame-pointer -fno-optimize-sibling-calls -fwrapv \
             -fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections \
             -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare -Wmissing-prototypes -Wstrict-prototypes \
             -Wvla -Wimplicit-fallthrough -Wundef -Wframe-larger-than=2048 $(ARCHFLAGS)
# Hardening that costs next to nothing: canaries in functions with arrays (at a fixed offset of tp, the current task),
# no uninitialised locals, traps in place of undefined behaviour. The checking kernel says instead what went wrong.
CANARY  := 24
CFLAGS  += $(ZERO_LOCALS) -DSTACK_CANARY_OFFSET=$(CANARY)
UBSAN   := -fsanitize=bounds,shift,integer-divide-by-zero,unreachable,vla-bound
ifneq ($(CLANG),)
CFLAGS      += -Wno-missing-field-initializers
# Its "bounds" also judges pointers: a hart's copy of a per-hart variable would be out of the linked-in one's.
UBSAN       := $(subst =bounds,=array-bounds,$(UBSAN))
TRAP_FLAGS  := $(UBSAN) -fsanitize-trap=all
KASAN_FLAGS := -fsanitize=kernel-address -mllvm -asan-stack=0 -mllvm -asan-globals=0 \
               -mllvm -asan-instrumentation-with-call-threshold=0
else
CFLAGS      += -fstack-protector-strong -mstack-protector-guard=tls -mstack-protector-guard-reg=tp \
               -mstack-protector-guard-offset=$(CANARY)
TRAP_FLAGS  := $(UBSAN) -fsanitize-undefined-trap-on-error
KASAN_FLAGS := -fsanitize=kernel-address --param asan-stack=0 --param asan-globals=0 \
               --param asan-instrumentation-with-call-threshold=0
endif
ifeq ($(DEBUG),1)
# -Wno-array-bounds: GCC is wrong about it with sanitizers.
SANITIZE := $(KASAN_FLAGS) $(UBSAN),bool,enum,alignment,nonnull-attribute -Wno-array-bounds
else
SANITIZE := $(TRAP_FLAGS)
endif
# What runs below the checks: the allocators, the checks themselves, code before the kernel is mapped.
UNCHECKED := $(addprefix $(O)/kernel/mm/,kasan.o ubsan.o memory.o section.o page.o slab.o kmalloc.o) $(O)/arch/riscv/early.o
$(UNCHECKED): SANITIZE := $(if $(filter 1,$(DEBUG)),,$(TRAP_FLAGS))
$(O)/arch/riscv/early.o: CFLAGS += -fno-stack-protector

KSRC := $(sort $(filter-out arch/riscv/asm-offsets.c,$(wildcard kernel/*/*.c kernel/*/*/*.c drivers/*/*.c arch/riscv/*.c)) $(if $(filter 1,$(DEBUG)),$(wildcard tests/kernel/*.c)))
ASRC := $(sort $(filter-out %.lds.S,$(wildcard arch/riscv/*.S)))
include arch/riscv/vdso/Makefile.inc
OBJS := $(KSRC:%.c=$(O)/%.o) $(ASRC:%.S=$(O)/%.o)

.PHONY: all objs clean
all: $(O)/Image

objs: $(OBJS)

$(O)/%.o: %.c | $(O)/include/generated/syscalls.h
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SANITIZE) -MMD -MP -c $< -o $@

$(O)/%.o: %.S | $(O)/include/generated/asm-offsets.h
	@mkdir -p $(@D)
	@echo "  AS      $<"
	$(Q)$(CC) $(CPPFLAGS) -D__ASSEMBLY__ $(ARCHFLAGS) -MMD -MP -c $< -o $@

$(O)/kernel/init/version.o: CPPFLAGS += -DKEEL_VERSION='"$(KEEL_VERSION)"'
$(O)/kernel/init/version.o: $(O)/version
$(O)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(KEEL_VERSION)' | cmp -s - $@ || echo '$(KEEL_VERSION)' > $@

# Linux's UAPI headers: the freestanding ones of Debian's linux-libc-dev, unpacked here.
$(UAPI)/asm/unistd.h: scripts/setup.sh
	$(Q)scripts/setup.sh unpack build/userland/linux-libc-dev linux-libc-dev
	$(Q)mkdir -p $(UAPI)
	$(Q)cp -r build/userland/linux-libc-dev/usr/include/linux build/userland/linux-libc-dev/usr/include/asm-generic $(UAPI)/
	$(Q)cp -rL build/userland/linux-libc-dev/usr/include/riscv64-linux-gnu/asm $(UAPI)/
	$(Q)touch $@

# A change of flags rebuilds what they are for.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(SANITIZE)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(SANITIZE)' > $@
$(OBJS): $(O)/flags
.PHONY: FORCE
FORCE:

$(O)/include/generated/syscalls.h: kernel/sys/syscalls.tbl scripts/syscalls.py $(UAPI)/asm/unistd.h
	@mkdir -p $(@D)
	$(Q)$(PYTHON) scripts/syscalls.py --header $< > $@

$(O)/include/generated/asm-offsets.h: arch/riscv/asm-offsets.c | $(O)/include/generated/syscalls.h
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(CLANG),-fno-integrated-as) -MMD -MP -MT $@ -MF $@.d -S $< -o - | sed -n 's/^#define \([A-Za-z0-9_]*\) \(.*\)/#define \1 \2/p' > $@
-include $(O)/include/generated/asm-offsets.h.d

# The one file that touches F and D registers.
$(O)/arch/riscv/fpu_regs.o: ISA := rv64imafdc$(if $(filter 14 15,$(CLANG)),,_zicsr_zifencei)

# --- the link: once to learn the symbols, once with the table made of them -----------------------
LDFLAGS := -melf64lriscv -nostdlib -static --gc-sections --orphan-handling=error $(if $(findstring lld,$(LD)),,--no-warn-rwx-segments) --build-id=none \
           -z max-page-size=4096 -z noexecstack

$(O)/kernel.lds: arch/riscv/kernel.lds.S arch/riscv/image.h $(O)/include/generated/asm-offsets.h
	$(Q)$(CC) $(CPPFLAGS) -D__ASSEMBLY__ -E -P -x assembler-with-cpp $< -o $@

$(O)/syscall_table.c: $(OBJS) kernel/sys/syscalls.tbl scripts/syscalls.py
	$(Q)$(NM) --defined-only $(OBJS) | $(PYTHON) scripts/syscalls.py --table kernel/sys/syscalls.tbl > $@
$(O)/syscall_table.o: $(O)/syscall_table.c
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

$(O)/symbols.empty.S: scripts/symbols.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) scripts/symbols.py --empty > $@
$(O)/symbols.S: $(O)/keel.pass1.elf scripts/symbols.py
	$(Q)$(NM) -n $< | $(PYTHON) scripts/symbols.py > $@
$(O)/symbols%o: $(O)/symbols%S
	$(Q)$(CC) $(CPPFLAGS) -D__ASSEMBLY__ $(ARCHFLAGS) -c $< -o $@

$(O)/keel.pass1.elf: $(OBJS) $(O)/syscall_table.o $(O)/symbols.empty.o $(O)/kernel.lds
	$(Q)$(LD) $(LDFLAGS) -T $(O)/kernel.lds $(OBJS) $(O)/syscall_table.o $(O)/symbols.empty.o -o $@
$(O)/keel.elf: $(O)/keel.pass1.elf $(O)/symbols.o
	@echo "  LD      $@"
	$(Q)$(LD) $(LDFLAGS) -T $(O)/kernel.lds -Map $(O)/keel.map $(OBJS) $(O)/syscall_table.o $(O)/symbols.o -o $@
	$(Q)$(NM) -n $@ | $(PYTHON) scripts/symbols.py --check $(O)/symbols.S
$(O)/Image: $(O)/keel.elf
	$(Q)$(OBJCOPY) -O binary $< $@
	$(Q)$(if $(filter build/$(CONFIG),$(O)),cp $@ build/Image && cp $< build/keel.elf)

# --- running it -----------------------------------------------------------------------------------
# Variables: SMP= harts, MEM= memory, INITRD= another initramfs, APPEND= kernel command line, QEMU=, DEBUG=1, V=1.
SMP    ?= 2
MEM    ?= 256M
QEMU   ?= qemu-system-riscv64
BOARD  ?= virt
INITRD ?= $(INITRAMFS)
# The window's size and kind, which a serial line cannot tell.
TERMINAL = $(if $(TERM),TERM=$(TERM)) $(shell stty size 2>/dev/null </dev/tty | sed 's/\([0-9]*\) \([0-9]*\)/KEEL_SIZE=\1x\2/')
QEMUFLAGS = -M virt -smp $(SMP) -m $(MEM) -nographic -no-reboot -kernel build/Image -initrd $(INITRD) \
            -append "quiet $(TERMINAL) $(APPEND)"

.PHONY: setup-run setup-test run help
setup-run:
	$(Q)scripts/setup.sh tools run
setup-test:
	$(Q)scripts/setup.sh tools test

ifeq ($(BOARD),virt)
# Set-up first, in a make of its own: what it installs decides which compiler the rest finds.
run: setup-run
	$(Q)$(MAKE) all $(INITRAMFS)
	@echo "  QEMU    $(SMP) harts, $(MEM); ^A x ends it, ^A c is QEMU's monitor, 'poweroff' ends Keel"
	$(Q)$(QEMU) $(QEMUFLAGS)
else
run:
	@echo "make run: BOARD=$(BOARD) is not there yet; BOARD=virt runs Keel in QEMU" && exit 2
endif

include user/Makefile.inc
include tests/Makefile.inc
include scripts/check/Makefile.inc
include scripts/gdb/Makefile.inc

help:
	@echo "make              build/Image and build/keel.elf (DEBUG=1: the checking kernel)"
	@echo "make run          boot it in QEMU with the default userland: a shell on this terminal"
	@echo "make test         every test: host, in-kernel, boot, ABI"
	@echo "make fuzz         random system calls on the checking kernel: FUZZ_SEED= FUZZ_CALLS="
	@echo "make bench        instructions per operation beside their targets; BENCH=\"stat pipe_bw\" only these rows"
	@echo "make abi-record   runs the ABI programs on Debian's Linux and keeps what they print (tests/abi/expected)"
	@echo "make check        style, include rings, error signs, static analysis"
	@echo "make gdb          QEMU waiting, gdb attached with symbols and helper commands"
	@echo "make initramfs    build/initramfs.cpio; PACKAGES=\"bash procps\" adds Debian packages"
	@echo "make clean        removes build/"
	@echo "Variables: DEBUG=1 V=1 SMP=$(SMP) MEM=$(MEM) BOARD=$(BOARD) INITRD= APPEND= QEMU=$(QEMU) CROSS_COMPILE=$(CROSS_COMPILE)"
	@echo "           DEBIAN_MIRROR= (where packages come from), TESTS= PYTEST_ARGS= JOBS= (for make test)"

clean:
	rm -rf build


-include $(OBJS:.o=.d)

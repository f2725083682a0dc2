/* SPDX-License-Identifier: MIT */
/*
 * The kernel image: code, what only boot needs, constants, data, bss; each change of permission starts a page.
 * Everything that holds code stands before .kernel_symbols, so that its size does not move what it describes.
 */
#include <generated/asm-offsets.h>
#include "image.h"

OUTPUT_ARCH(riscv)
ENTRY(_start)

#define TABLE(name, sections) __init_##name##_start = .; KEEP(*(sections)) __init_##name##_end = .;

SECTIONS
{
	. = KERNEL_VIRT;
	__kernel_start = .;
	__text_start = .;
	.text : {
		KEEP(*(.head.text))
		. = ALIGN(64);
		__entry_start = .;
		KEEP(*(.entry.text))
		__entry_end = .;
		*(.text.hot .text.hot.*)
		*(.text .text.[!u]* .text.u[!n]*)
		*(.text.unlikely .text.unlikely.* .text.un*)
	}
	. = ALIGN(PAGE_BYTES);
	__text_end = .;

	/* Given back after boot. */
	__init_start = .;
	.init.text : {
		KEEP(*(.init.text .init.text.*))
	}
	. = ALIGN(PAGE_BYTES);
	__init_data_start = .;
	.init.data : {
		*(.init.data .init.data.* .init.rodata .init.rodata.*)
		. = ALIGN(8);
		TABLE(cmdline, .init.cmdline)
		. = ALIGN(8);
		TABLE(calls, .init.calls)
		. = ALIGN(8);
		TABLE(fs, .init.fs)
		. = ALIGN(8);
		TABLE(drivers, .init.drivers)
		. = ALIGN(8);
		TABLE(tests, .init.tests)
		. = ALIGN(16);
		__initramfs_start = .;
		KEEP(*(.init.ramfs))
		__initramfs_end = .;
	}
	. = ALIGN(PAGE_BYTES);
	__init_end = .;

	__rodata_start = .;
	.rodata : {
		*(.rodata .rodata.* .srodata .srodata.*)
		. = ALIGN(8);
		__ex_table_start = .;
		KEEP(*(__ex_table))
		__ex_table_end = .;
	}
	.note : {
		*(.note .note.*)
	}
	.kernel_symbols : ALIGN(8) {
		KEEP(*(.kernel_symbols))
	}
	. = ALIGN(PAGE_BYTES);
	__rodata_end = .;

	__data_start = .;
	__ro_after_init_start = .;
	.data.ro_after_init : {
		*(.data.ro_after_init .data.ro_after_init.*)
	}
	. = ALIGN(PAGE_BYTES);
	__ro_after_init_end = .;
	.data : {
		*(.data.page_aligned)
		__perhart_start = .;
		*(.data.perhart .data.perhart.*)
		. = ALIGN(64);
		__perhart_end = .;
		*(.data .data.* .sdata .sdata.*)
		. = ALIGN(64);
	}
	__data_end = .;

	/*
	 * The boot hart's stack stands in the upper half of a block of 2 * KSTACK_SIZE, as every kernel stack does. What is free
	 * below it, a page at least, is not mapped here: the page allocator has it through the direct map.
	 */
	. = ALIGN(64);
	__bss_start = .;
	.bss (NOLOAD) : {
		*(.sbss .sbss.* .bss .bss.[!.]* COMMON)
	}
	. = ALIGN(PAGE_BYTES);
	__stack_guard_start = .;
	. = ALIGN(. + PAGE_BYTES + KSTACK_BYTES, 2 * KSTACK_BYTES) - KSTACK_BYTES;
	__stack_guard_end = .;
	.stack (NOLOAD) : {
		KEEP(*(.bss..stack))
	}
	__bss_end = .;
	__kernel_end = .;

	/* Nothing is left for a dynamic linker to do. */
	.rela.dyn : { *(.rela.*) }
	ASSERT(SIZEOF(.rela.dyn) == 0, "the image has run-time relocations")
	.got : { *(.got) *(.igot) }
	ASSERT(SIZEOF(.got) <= 8, "the image uses a global offset table")
	.plt : { *(.plt) *(.iplt) *(.got.plt) *(.igot.plt) }
	ASSERT(SIZEOF(.plt) <= 16, "the image uses a procedure linkage table")

	ASSERT(__kernel_end - __kernel_start <= IMAGE_TABLES * 0x200000, "the image outgrows its page tables: IMAGE_TABLES")
	ASSERT(__stack_guard_end == init_stack, "something stands between the boot stack and its guard")
	ASSERT(init_stack == ALIGN(init_stack, 2 * KSTACK_BYTES) - KSTACK_BYTES, "init_stack is not in the upper half of its block")

	.debug_info 0 : { *(.debug_info) }
	.debug_str_offsets 0 : { *(.debug_str_offsets) }
	.debug_addr 0 : { *(.debug_addr) }
	.debug_abbrev 0 : { *(.debug_abbrev) }
	.debug_line 0 : { *(.debug_line) }
	.debug_line_str 0 : { *(.debug_line_str) }
	.debug_str 0 : { *(.debug_str) }
	.debug_aranges 0 : { *(.debug_aranges) }
	.debug_frame 0 : { *(.debug_frame) }
	.debug_loclists 0 : { *(.debug_loclists) }
	.debug_loc 0 : { *(.debug_loc) }
	.debug_rnglists 0 : { *(.debug_rnglists) }
	.debug_ranges 0 : { *(.debug_ranges) }
	.comment 0 : { *(.comment) }
	.riscv.attributes 0 : { *(.riscv.attributes) }
	.symtab 0 : { *(.symtab) }
	.strtab 0 : { *(.strtab) }
	.shstrtab 0 : { *(.shstrtab) }
	/DISCARD/ : { *(.eh_frame) *(.note.GNU-stack) }
}

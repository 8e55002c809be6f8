/* SPDX-License-Identifier: MIT */
/*
 * The board: what the monitor must know before it has read a device tree, for QEMU's virt
 * machine; also for the assembler and, through it, the linker. Together with a UART driver (uart.c)
 * this is all that a new GICv3 board needs; docs/el2.md says how. Interrupt controller, memory, CPUs
 * and the debug UART come from the device tree.
 */
#ifndef GD_BOARD_H
#define GD_BOARD_H

/* Where the loader puts the flat file: a 2 MB block of RAM that the guest loses. */
#define BOARD_LOAD 0x40200000
/* Where a device tree lies when the loader hands none over in x0 (QEMU with the ELF file). */
#define BOARD_TREE 0x40000000
/* A PL011 for the first sentences, before the device tree names the debug UART. */
#define BOARD_EARLY_UART 0x09000000

#endif

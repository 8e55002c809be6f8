/* SPDX-License-Identifier: MIT */
/*
 * Reads a .debug_frame the way a debugger does, so that the tests can ask for the rules at an
 * address. It knows the instructions that DWARF 5, 6.4.2 has for them and fails the test on any
 * other.
 */
#ifndef TEST_CFI_H
#define TEST_CFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cfi_kind { CFI_UNSPECIFIED, CFI_OFFSET, CFI_UNDEFINED, CFI_EXPRESSION };

struct cfi_rules {
    bool found;
    bool signal; /* augmentation S */
    unsigned cfa_reg;
    uint64_t cfa_offset;
    struct {
        enum cfi_kind kind;
        int64_t offset; /* CFI_OFFSET: from the CFA, in bytes */
        const uint8_t *expr;
        size_t len;
    } reg[33];
};

struct cfi_rules cfi_at(const uint8_t *section, size_t len, uint64_t pc);

/* A DW_CFA_val_expression with this CFA, this x30 and memory that holds `word` at `addr`. */
uint64_t cfi_evaluate(const uint8_t *expr, size_t len, uint64_t cfa, uint64_t x30, uint64_t addr,
                      uint64_t word);

#endif

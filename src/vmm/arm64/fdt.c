/* SPDX-License-Identifier: MIT */
/*
 * The guest's device tree, by libfdt's sequential writer. Bindings:
 * Documentation/devicetree/bindings (arm/cpus, arm/psci, timer/arm,arch_timer,
 * interrupt-controller/arm,gic-v3, serial/pl011, arm/pmu); node names and contents are those that
 * QEMU's `virt` gives its guests.
 */
#include "virt.h"

#include "../tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PHANDLE_GIC   1u
#define PHANDLE_CLOCK 2u
#define IRQ_SPI       0u
#define IRQ_PPI       1u
#define IRQ_HIGH      4u
#define UART_CLOCK_HZ 24000000u
#define UART_NODE     "pl011@9000000"

static void chosen(struct tree *t, struct vm *vm, const struct fdt_request *req)
{
    begin(t, "chosen");
    text(t, "bootargs", vm->cfg->append);
    text(t, "stdout-path", "/" UART_NODE);
    if (req->initrd != req->initrd_end) {
        QUADS(t, "linux,initrd-start", req->initrd);
        QUADS(t, "linux,initrd-end", req->initrd_end);
    }
    end(t);
}

static void memory(struct tree *t, struct vm *vm)
{
    begin(t, "memory@40000000");
    text(t, "device_type", "memory");
    QUADS(t, "reg", VIRT_RAM, vm->cfg->memory);
    end(t);
}

static void cpus(struct tree *t, struct vm *vm)
{
    begin(t, "cpus");
    cell(t, "#address-cells", 2);
    cell(t, "#size-cells", 0);
    for (unsigned i = 0; i < vm->cfg->cpus; i++) {
        uint64_t mpidr = virt_mpidr(vm, &vm->cpus[i]);
        char name[32];

        snprintf(name, sizeof(name), "cpu@%llx", (unsigned long long)mpidr);
        begin(t, name);
        text(t, "device_type", "cpu");
        text(t, "compatible", "arm,armv8");
        text(t, "enable-method", "psci");
        QUADS(t, "reg", mpidr);
        end(t);
    }
    end(t);
}

static void psci(struct tree *t)
{
    begin(t, "psci");
    LIST(t, "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    text(t, "method", "hvc");
    end(t);
}

static void timer(struct tree *t)
{
    begin(t, "timer");
    LIST(t, "compatible", "arm,armv8-timer\0arm,armv7-timer");
    bytes(t, "always-on", NULL, 0);
    CELLS(t, "interrupts", IRQ_PPI, 13, IRQ_HIGH, IRQ_PPI, 14, IRQ_HIGH, IRQ_PPI, 11, IRQ_HIGH,
          IRQ_PPI, 10, IRQ_HIGH);
    end(t);
}

static void gic(struct tree *t, struct vm *vm)
{
    begin(t, "intc@8000000");
    text(t, "compatible", "arm,gic-v3");
    cell(t, "#interrupt-cells", 3);
    bytes(t, "interrupt-controller", NULL, 0);
    cell(t, "#address-cells", 2);
    cell(t, "#size-cells", 2);
    cell(t, "#redistributor-regions", 1);
    QUADS(t, "reg", VIRT_GICD, VIRT_GICD_SIZE, VIRT_GICR, VIRT_GICR_EACH * vm->cfg->cpus);
    cell(t, "phandle", PHANDLE_GIC);
    end(t);
}

static void uart(struct tree *t)
{
    begin(t, "apb-pclk");
    text(t, "compatible", "fixed-clock");
    cell(t, "#clock-cells", 0);
    cell(t, "clock-frequency", UART_CLOCK_HZ);
    text(t, "clock-output-names", "clk24mhz");
    cell(t, "phandle", PHANDLE_CLOCK);
    end(t);

    begin(t, UART_NODE);
    LIST(t, "compatible", "arm,pl011\0arm,primecell");
    QUADS(t, "reg", VIRT_UART, PL011_SIZE);
    CELLS(t, "interrupts", IRQ_SPI, VIRT_UART_SPI, IRQ_HIGH);
    CELLS(t, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    LIST(t, "clock-names", "uartclk\0apb_pclk");
    end(t);
}

static void pmu(struct tree *t)
{
    begin(t, "pmu");
    text(t, "compatible", "arm,armv8-pmuv3");
    CELLS(t, "interrupts", IRQ_PPI, VIRT_PMU_PPI, IRQ_HIGH);
    end(t);
}

static void root(struct tree *t, struct vm *vm, const struct fdt_request *req)
{
    begin(t, "");
    text(t, "compatible", "linux,dummy-virt");
    text(t, "model", "linux,dummy-virt");
    cell(t, "#address-cells", 2);
    cell(t, "#size-cells", 2);
    cell(t, "interrupt-parent", PHANDLE_GIC);
    chosen(t, vm, req);
    memory(t, vm);
    cpus(t, vm);
    psci(t);
    timer(t);
    gic(t, vm);
    uart(t);
    if (((struct virt *)vm->machine_state)->has_pmu)
        pmu(t);
    end(t);
}

int fdt_make(struct vm *vm, const struct fdt_request *req, struct blob *out)
{
    struct tree t = { .fdt = malloc(VIRT_DTB_MAX) };

    if (!t.fdt)
        return vm_fail(vm, "out of memory");
    t.err = fdt_create(t.fdt, (int)VIRT_DTB_MAX);
    if (!t.err)
        t.err = fdt_finish_reservemap(t.fdt);
    root(&t, vm, req);
    if (!t.err)
        t.err = fdt_finish(t.fdt);
    if (t.err || vm->err[0]) {
        free(t.fdt);
        return vm_fail(vm, "cannot make the guest's device tree: %s", fdt_strerror(t.err));
    }
    *out = (struct blob){ .data = t.fdt, .len = fdt_totalsize(t.fdt) };
    return 0;
}

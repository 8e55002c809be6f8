/* SPDX-License-Identifier: MIT */
/*
 * The guest's device tree, by libfdt's sequential writer, as a partition's kernel expects it: LoPAR appendix
 * B and C (processors, RTAS, virtual I/O, interrupt presentation), and what the kernel would otherwise have
 * negotiated with firmware (/chosen/ibm,architecture-vec-5).
 */
#include "pseries.h"

#include "../tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PHANDLE_XICS 1u
#define VTY_NODE     "vty@30000000"
#define CACHE_LINE   128u
#define PVR_POWER9   0x004eu
#define LOGICAL_3_00 0x0f000005u /* "cpu-version": the architecture level, LoPAR B.6.2.1 */
#define LOGICAL_3_1  0x0f000006u

/* Bytes of "ibm,architecture-vec-5" that a kernel without firmware reads (LoPAR B.6.2.4). */
static void vector5(struct tree *t)
{
    uint8_t v[28] = { [24] = 0x40 /* radix */, [26] = 0x40 /* guest translation shootdown */ };

    bytes(t, "ibm,architecture-vec-5", v, sizeof(v));
}

static void chosen(struct tree *t, struct vm *vm, const struct fdt_request *req)
{
    begin(t, "chosen");
    text(t, "bootargs", vm->cfg->append);
    text(t, "stdout-path", "/vdevice/" VTY_NODE);
    text(t, "linux,stdout-path", "/vdevice/" VTY_NODE);
    if (req->initrd != req->initrd_end) {
        QUADS(t, "linux,initrd-start", req->initrd);
        QUADS(t, "linux,initrd-end", req->initrd_end);
    }
    vector5(t);
    end(t);
}

static void memory(struct tree *t, struct vm *vm)
{
    begin(t, "memory@0");
    text(t, "device_type", "memory");
    QUADS(t, "reg", 0, vm->cfg->memory);
    end(t);
}

/*
 * "ibm,pa-features" (LoPAR B.6.2.1): a length, a type, then one byte per group of architected features. Only what
 * every POWER9 and POWER10 guest of KVM has; no transactional memory.
 */
static void pa_features(struct tree *t)
{
    uint8_t v[2 + 66] = {
        [0] = 66,        [2 + 0] = 0xf6, /* MMU, FPU, SLB, RUN, DABR, no-execute */
        [2 + 1] = 0x1f,  /* fri*, DABRX, SPRG3 readable, SLB 0, large cache-inhibited pages */
        [2 + 2] = 0xc7,  /* virtual partition memory, ISA 2.05, PPR, 2.02, 2.06 */
        [2 + 3] = 0xc0,  /* LSD in DSCR, unaligned guarded */
        [2 + 5] = 0xf0,  /* little-endian, CFAR, external dispatch, LSQ */
        [2 + 6] = 0x80,  /* ISA 2.07 */
        [2 + 16] = 0x80, /* vector */
        [2 + 18] = 0x80, /* vector-scalar */
        [2 + 20] = 0x80, /* vector XOR */
        [2 + 26] = 0x80, /* 64-bit */
        [2 + 28] = 0x80, /* performance monitor */
        [2 + 32] = 0x80, /* little-endian atomics */
        [2 + 40] = 0x80, /* radix */
        [2 + 46] = 0x80, /* scv */
        [2 + 48] = 0x80, /* SIMD */
        [2 + 50] = 0x80, /* quad-precision */
        [2 + 52] = 0x80, /* string */
        [2 + 54] = 0x80, /* decimal */
        [2 + 56] = 0x80, /* decimal integer */
        [2 + 60] = 0x80, /* near-memory atomics */
    };

    bytes(t, "ibm,pa-features", v, sizeof(v));
}

static void page_sizes(struct tree *t, const struct pseries *p)
{
    uint32_t enc[8];
    size_t n = 0;

    for (unsigned i = 0; i < PSERIES_PAGE_SIZES; i++)
        if (p->page_sizes[i])
            enc[n++] = p->page_sizes[i];
    cells(t, "ibm,processor-radix-AP-encodings", enc, n);
}

static void cpu(struct tree *t, const struct pseries *p, unsigned i)
{
    char name[32];

    snprintf(name, sizeof(name), "PowerPC,POWER%u@%x", p->pvr >> 16 == PVR_POWER9 ? 9u : 10u, i);
    begin(t, name);
    text(t, "device_type", "cpu");
    text(t, "status", "okay");
    cell(t, "reg", i);
    cell(t, "ibm,ppc-interrupt-server#s", i);
    CELLS(t, "ibm,ppc-interrupt-gserver#s", i, 0);
    cell(t, "cpu-version", p->pvr >> 16 == PVR_POWER9 ? LOGICAL_3_00 : LOGICAL_3_1);
    cell(t, "timebase-frequency", p->timebase);
    cell(t, "clock-frequency", 1000000000);
    cell(t, "d-cache-block-size", CACHE_LINE);
    cell(t, "i-cache-block-size", CACHE_LINE);
    cell(t, "d-cache-line-size", CACHE_LINE);
    cell(t, "i-cache-line-size", CACHE_LINE);
    cell(t, "d-cache-size", 0x8000);
    cell(t, "i-cache-size", 0x8000);
    cell(t, "slb-size", 32);
    cell(t, "ibm,slb-size", 32);
    cell(t, "ibm,vmx", 2); /* VSX */
    bytes(t, "64-bit", NULL, 0);
    pa_features(t);
    page_sizes(t, p);
    end(t);
}

static void cpus(struct tree *t, struct vm *vm)
{
    begin(t, "cpus");
    cell(t, "#address-cells", 1);
    cell(t, "#size-cells", 0);
    for (unsigned i = 0; i < vm->cfg->cpus; i++)
        cpu(t, pseries(vm), i);
    end(t);
}

static void rtas(struct tree *t, struct vm *vm)
{
    uint32_t at = (uint32_t)pseries(vm)->rtas;

    begin(t, "rtas");
    LIST(t, "ibm,hypertas-functions",
         "hcall-term\0hcall-interrupt\0hcall-vio\0hcall-splpar\0hcall-set-mode");
    cell(t, "rtas-version", 1);
    cell(t, "rtas-size", RTAS_SIZE);
    cell(t, "linux,rtas-base", at);
    cell(t, "linux,rtas-entry", at);
    for (unsigned i = 0; i < RTAS_NTOKENS; i++)
        cell(t, rtas_calls[i].name, i + 1);
    bytes(t, "ibm,extended-os-term", NULL, 0); /* Linux calls ibm,os-term only with it */
    end(t);
}

static void xics(struct tree *t, struct vm *vm)
{
    begin(t, "interrupt-controller");
    text(t, "device_type", "PowerPC-External-Interrupt-Presentation");
    text(t, "compatible", "ibm,ppc-xicp");
    bytes(t, "interrupt-controller", NULL, 0);
    CELLS(t, "ibm,interrupt-server-ranges", 0, vm->cfg->cpus);
    cell(t, "#interrupt-cells", 2);
    cell(t, "phandle", PHANDLE_XICS);
    cell(t, "linux,phandle", PHANDLE_XICS);
    end(t);
}

static void vdevice(struct tree *t)
{
    begin(t, "vdevice");
    text(t, "device_type", "vdevice");
    text(t, "compatible", "IBM,vdevice");
    cell(t, "#address-cells", 1);
    cell(t, "#size-cells", 0);
    cell(t, "#interrupt-cells", 2);
    bytes(t, "interrupt-controller", NULL, 0);
    begin(t, VTY_NODE);
    text(t, "device_type", "serial");
    text(t, "compatible", "hvterm1");
    cell(t, "reg", PSERIES_VTY);
    cell(t, "interrupt-parent", PHANDLE_XICS);
    CELLS(t, "interrupts", PSERIES_VTY_IRQ, 1); /* level */
    end(t);
    end(t);
}

static void root(struct tree *t, struct vm *vm, const struct fdt_request *req)
{
    begin(t, "");
    text(t, "device_type", "chrp");
    text(t, "model", "guestdbg (PAPR partition)");
    text(t, "compatible", "linux,pseries");
    cell(t, "#address-cells", 2);
    cell(t, "#size-cells", 2);
    chosen(t, vm, req);
    memory(t, vm);
    cpus(t, vm);
    rtas(t, vm);
    xics(t, vm);
    vdevice(t);
    end(t);
}

int fdt_make(struct vm *vm, const struct fdt_request *req, struct blob *out)
{
    struct tree t = { .fdt = malloc(PSERIES_DTB_MAX) };

    if (!t.fdt)
        return vm_fail(vm, "out of memory");
    t.err = fdt_create(t.fdt, (int)PSERIES_DTB_MAX);
    if (!t.err) /* the kernel does not know where RTAS ends; firmware would have reserved it */
        t.err = fdt_add_reservemap_entry(t.fdt, pseries(vm)->rtas, RTAS_SIZE);
    if (!t.err)
        t.err = fdt_finish_reservemap(t.fdt);
    root(&t, vm, req);
    if (!t.err)
        t.err = fdt_finish(t.fdt);
    if (t.err) {
        free(t.fdt);
        return vm_fail(vm, "cannot make the guest's device tree: %s", fdt_strerror(t.err));
    }
    *out = (struct blob){ .data = t.fdt, .len = fdt_totalsize(t.fdt) };
    return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The device tree: what the machine has, where the loader put kernel and initrd (boot modules
 * under /chosen, the multiboot binding that QEMU's guest-loader writes), and the tree that the
 * guest gets: bootargs and initrd set, our block reserved, our UART disabled. The tree is
 * edited where it lies.
 */
#include <string.h>

#include "base/bits.h"
#include "monitor/arm64/board.h"
#include "monitor/arm64/dt.h"
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

#define TREE_MAX    0x200000u /* booting.rst: at most 2 MB */
#define TREE_ROOM   4096u     /* what the hand-over adds is less */
#define IMAGE_ALIGN 0x200000u

#define NO_TREE "no usable device tree: it is missing, truncated or damaged"
#define NO_ROOM "the device tree leaves no room for what the guest must be told"

static struct dt tree;

/* n cells of property prop at word index, or false. */
static bool cells(const void *prop, uint32_t bytes, uint32_t index, uint32_t n, uint64_t *value)
{
    if (!prop || n > 2 || (index + n) * 4 > bytes)
        return false;
    *value = 0;
    for (uint32_t i = 0; i < n; i++)
        *value = *value << 32 | dt_cell(prop, index + i);
    return true;
}

/* The one cell of a property, or the value that stands for it where there is none. */
static uint32_t cell(uint32_t node, const char *prop, uint32_t otherwise)
{
    uint32_t bytes;
    const void *p = dt_get(&tree, node, prop, &bytes);

    return p && bytes == 4 ? dt_cell(p, 0) : otherwise;
}

/* Devicetree Specification 2.3.5: 2 and 1 where a node does not say. */
static uint32_t address_cells(uint32_t node)
{
    return cell(node, "#address-cells", 2);
}

static uint32_t size_cells(uint32_t node)
{
    return cell(node, "#size-cells", 1);
}

/* Range number i of a node's reg, by the cell counts of its parent. */
static bool reg_range(uint32_t node, uint32_t i, struct range *r)
{
    uint32_t parent = dt_parent(&tree, node), bytes;
    uint32_t na = address_cells(parent), ns = size_cells(parent);
    const void *reg = dt_get(&tree, node, "reg", &bytes);
    uint32_t at = i * (na + ns);

    return na - 1 < 2 && ns - 1 < 2 && cells(reg, bytes, at, na, &r->base) &&
           cells(reg, bytes, at + na, ns, &r->size);
}

/* The same of a device that the monitor itself accesses. */
static bool registers(uint32_t node, uint32_t i, struct range *r)
{
    return reg_range(node, i, r) && mmu_reaches(r->base, r->size);
}

static bool compatible(uint32_t node, const char *with)
{
    return dt_lists(&tree, node, "compatible", with);
}

/* The first node of a kind, or 0. */
static uint32_t find(const char *kind)
{
    uint32_t node = 0;

    do
        node = dt_next(&tree, node);
    while (node && !compatible(node, kind));
    return node;
}

/* Interrupt number i of a node as INTID, if it is of that kind. Linux' arm,gic-v3.yaml: three cells
 * each, four where PPIs are partitioned, of which the first are kind and number. */
enum kind { SPI, PPI };

static bool interrupt(uint32_t node, uint32_t i, enum kind kind, unsigned *intid)
{
    uint32_t bytes, first = kind == PPI ? 16 : 32, end = kind == PPI ? 32 : 1020;
    uint32_t n = cell(find("arm,gic-v3"), "#interrupt-cells", 3), number;
    const void *p = dt_get(&tree, node, "interrupts", &bytes);

    if (!p || n < 3 || n > 4 || 4 * n * (i + 1) > bytes || dt_cell(p, n * i) != kind)
        return false;
    number = dt_cell(p, n * i + 1);
    *intid = first + number;
    return number < end - first;
}

static bool is_type(uint32_t node, const char *type)
{
    return dt_lists(&tree, node, "device_type", type);
}

/* Ranges that touch, as those of NUMA nodes do, are one: what is loaded may lie in both. */
static void add_memory(struct range r)
{
    for (unsigned i = 0; i < machine.nram;) {
        struct range m = machine.ram[i];

        if (m.base + m.size != r.base && r.base + r.size != m.base) {
            i++;
            continue;
        }
        r.base = m.base < r.base ? m.base : r.base;
        r.size += m.size;
        machine.ram[i] = machine.ram[--machine.nram];
        i = 0; /* the larger one may touch another */
    }
    if (machine.nram == MAX_RAM)
        say_x("more than 8 separate memory ranges: debuggers cannot read the one at ", r.base, "");
    else
        machine.ram[machine.nram++] = r;
}

static void read_memory(void)
{
    uint32_t node = 0;

    while ((node = dt_next(&tree, node)) != 0) {
        struct range r;

        if (!is_type(node, "memory"))
            continue;
        for (unsigned i = 0; reg_range(node, i, &r); i++) {
            if (r.size && r.base + r.size > r.base)
                add_memory(r);
        }
    }
    if (machine.nram == 0)
        stop("the device tree names no memory");
    if (!mmu_is_ram((uintptr_t)image_start, MONITOR_BLOCK))
        stop("the device tree's memory does not hold the monitor's own 2 MB block");
}

static void read_cpus(void)
{
    uint32_t node = 0, bytes, parent = dt_path(&tree, "/cpus");

    while (parent && (node = dt_child(&tree, parent, node)) != 0) {
        const void *reg = dt_get(&tree, node, "reg", &bytes);
        uint64_t mpidr;

        if (!is_type(node, "cpu") || !cells(reg, bytes, 0, address_cells(parent), &mpidr))
            continue;
        if (machine.ncpus == MAX_CPUS) {
            say("more than 8 CPUs: the others stay off");
            break;
        }
        machine.mpidr[machine.ncpus++] = mpidr & MPIDR_AFFINITY;
    }
    if (machine.ncpus == 0)
        stop("the device tree names no CPU");
}

static void read_psci(void)
{
    uint32_t node = find("arm,psci-1.0");

    if (!node)
        node = find("arm,psci-0.2");
    if (!node)
        stop("no PSCI 0.2 or later in the device tree: CPUs cannot be started or stopped");
    if (!dt_lists(&tree, node, "method", "smc"))
        stop("PSCI is not called by SMC: firmware at EL3 is missing or EL2 is not ours");
}

static void read_gic(void)
{
    uint32_t node = find("arm,gic-v3"), regions;

    if (!node)
        stop("no GICv3 in the device tree (QEMU: -M virt,gic-version=3)");
    regions = cell(node, "#redistributor-regions", 1);
    if (!registers(node, 0, &machine.gicd))
        stop(NO_GIC);
    while (machine.ngicr < regions && machine.ngicr < MAX_REDIST &&
           registers(node, 1 + machine.ngicr, &machine.gicr[machine.ngicr]))
        machine.ngicr++;
    if (machine.ngicr == 0)
        stop(NO_GIC);
    if (!interrupt(node, 0, PPI, &machine.maintenance_irq))
        machine.maintenance_irq = 25;
    node = find("arm,armv8-timer");
    if (!interrupt(node, 3, PPI, &machine.timer_irq))
        machine.timer_irq = 26;
}

/* The second UART: the guest keeps the first. */
static uint32_t uart_node(void)
{
    uint32_t bytes, node = dt_path(&tree, "/aliases");
    const char *path = dt_get(&tree, node, "serial1", &bytes);

    if (!path || !bytes || path[bytes - 1])
        return 0;
    node = dt_path(&tree, path);
    /* What has a state of its own for the secure world is out of our reach (QEMU: -M secure=on). */
    return compatible(node, "arm,pl011") && !dt_get(&tree, node, "secure-status", NULL) ? node : 0;
}

static void read_uart(void)
{
    uint32_t node = uart_node();

    if (!node || !registers(node, 0, &machine.uart) ||
        !interrupt(node, 0, SPI, &machine.uart_irq)) {
        machine.uart = (struct range){ 0, 0 };
        say("no second PL011 (alias serial1) in the device tree: no debugger can connect");
        return;
    }
    uart_open(machine.uart.base);
}

/* The monitor's own command line, as the loader gave it. */
static void read_options(void)
{
    uint32_t bytes, node = dt_path(&tree, "/chosen");
    const char *s = dt_get(&tree, node, "bootargs", &bytes);
    static const char word[] = "guestdbg.wait";

    for (uint32_t i = 0; s && i + sizeof(word) <= bytes; i++)
        machine.wait |= memcmp(s + i, word, sizeof(word) - 1) == 0;
}

void tree_read(uint64_t where)
{
    void *blob = (void *)(uintptr_t)where;

    if (where == 0 || where & 7 || dt_total(blob) > TREE_MAX - TREE_ROOM || !dt_open(&tree, blob))
        stop(NO_TREE);
    machine.tree = (struct range){ where, dt_total(blob) };
    read_uart();
    read_memory();
    read_cpus();
    read_psci();
    read_gic();
    read_options();
    if (machine.wait && !machine.uart.base)
        stop("guestdbg.wait, and no line that a debugger could connect to");
}

/* ---- boot modules ---- */

/* An empty one shares nothing. */
static bool overlap(const struct range *a, const struct range *b)
{
    return gd_overlap(a->base, a->size, b->base, b->size);
}

static void must_be_free(const char *what, const struct range *r)
{
    if (!mmu_is_ram(r->base, r->size))
        stop_x(what, r->base, " does not lie in memory");
    if (gd_overlap(r->base, r->size, (uintptr_t)image_start, MONITOR_BLOCK))
        stop_x(what, r->base, " overlaps the monitor");
}

/* Linux' Documentation/arch/arm64/booting.rst: the header of an Image. */
static void check_kernel(void)
{
    const uint8_t *p = (const uint8_t *)(uintptr_t)machine.kernel.base;
    struct range *all = &machine.kernel_room;
    uint64_t offset;

    must_be_free("the kernel at ", &machine.kernel);
    if (machine.kernel.size < 64 || memcmp(p + 56, "ARM\x64", 4) != 0)
        stop("the kernel is not an arm64 Image (gzip and EFI zboot must be unpacked first)");
    if (gd_load_le(p + 24, 8) & 1)
        stop("the kernel is big endian");
    offset = gd_load_le(p + 8, 8);
    if ((machine.kernel.base - offset) & (IMAGE_ALIGN - 1))
        stop("the kernel does not lie at its offset from a 2 MB boundary");
    *all = machine.kernel;
    if (gd_load_le(p + 16, 8) > all->size)
        all->size = gd_load_le(p + 16, 8);
    must_be_free("the kernel with what it clears at ", all);
    if (overlap(all, &machine.tree))
        stop("there is no room for the kernel where it was put");
    if (machine.initrd.size == 0)
        return;
    must_be_free("the initrd at ", &machine.initrd);
    if (overlap(all, &machine.initrd))
        stop("the kernel and its initrd overlap");
}

/* QEMU writes two cells each and leaves the counts out of /chosen. */
static bool module_range(uint32_t chosen, uint32_t node, struct range *r)
{
    uint32_t bytes;
    const void *reg = dt_get(&tree, node, "reg", &bytes);

    if (dt_get(&tree, chosen, "#size-cells", NULL))
        return reg_range(node, 0, r);
    return cells(reg, bytes, 0, 2, &r->base) && cells(reg, bytes, 2, 2, &r->size);
}

void tree_modules(void)
{
    uint32_t bytes, node = 0, chosen = dt_path(&tree, "/chosen");

    while (chosen && (node = dt_child(&tree, chosen, node)) != 0) {
        struct range r;

        if (!module_range(chosen, node, &r))
            continue;
        if (compatible(node, "multiboot,kernel")) {
            machine.kernel = r;
            machine.bootargs = dt_get(&tree, node, "bootargs", &bytes);
            if (machine.bootargs && (!bytes || machine.bootargs[bytes - 1]))
                machine.bootargs = NULL;
        } else if (compatible(node, "multiboot,ramdisk")) {
            machine.initrd = r;
        }
    }
    if (machine.kernel.size == 0)
        stop("no kernel: give QEMU -device guest-loader,addr=ADDR,kernel=IMAGE");
    check_kernel();
}

/* ---- the guest's tree ---- */

static void must(bool done)
{
    if (!done)
        stop(NO_ROOM);
}

static void set_text(uint32_t node, const char *prop, const char *text)
{
    must(dt_set(&tree, node, prop, text, (uint32_t)strlen(text) + 1));
}

/* Numbers of as many cells each. */
static void set_cells(uint32_t node, const char *prop, const uint64_t *value, const uint32_t *n,
                      unsigned count)
{
    uint8_t bytes[16];
    uint32_t used = 0;

    for (unsigned i = 0; i < count; used += 4 * n[i++])
        gd_store_be(bytes + used, value[i], 4 * n[i]);
    must(dt_set(&tree, node, prop, bytes, used));
}

static void set_cell(uint32_t node, const char *prop, uint64_t value, uint32_t n)
{
    set_cells(node, prop, &value, &n, 1);
}

static void reserve(uint64_t base, uint64_t size)
{
    uint32_t parent = dt_path(&tree, "/reserved-memory"), node;
    uint32_t n[2];

    if (!parent) {
        parent = dt_add(&tree, dt_next(&tree, 0), "reserved-memory");
        must(parent);
        set_cell(parent, "#address-cells", 2, 1);
        set_cell(parent, "#size-cells", 2, 1);
        must(dt_set(&tree, parent, "ranges", "", 0));
    }
    node = dt_add(&tree, parent, "debug-monitor");
    must(node);
    n[0] = address_cells(parent) == 2 ? 2 : 1;
    n[1] = size_cells(parent) == 2 ? 2 : 1;
    set_cells(node, "reg", (const uint64_t[]){ base, size }, n, 2);
    must(dt_set(&tree, node, "no-map", "", 0));
}

static void drop_modules(uint32_t chosen)
{
    uint32_t node = dt_child(&tree, chosen, 0);

    while (node) {
        if (compatible(node, "multiboot,module")) {
            dt_drop(&tree, node);
            node = 0;
        }
        node = dt_child(&tree, chosen, node);
    }
}

void tree_hand_on(void)
{
    struct range room = { machine.tree.base, machine.tree.size + TREE_ROOM };
    char args[2048];
    size_t n = machine.bootargs ? strlen(machine.bootargs) : 0;
    uint32_t chosen = dt_path(&tree, "/chosen");

    if (n >= sizeof(args))
        stop("the kernel's bootargs are longer than 2047 bytes");
    memcpy(args, machine.bootargs ? machine.bootargs : "", n);
    args[n] = 0;
    must_be_free("the device tree with its additions at ", &room);
    must(!overlap(&room, &machine.kernel_room) && !overlap(&room, &machine.initrd));
    tree.room = (uint32_t)room.size;
    drop_modules(chosen);
    set_text(chosen, "bootargs", args);
    if (machine.initrd.size) {
        set_cell(chosen, "linux,initrd-start", machine.initrd.base, 2);
        set_cell(chosen, "linux,initrd-end", machine.initrd.base + machine.initrd.size, 2);
    }
    reserve((uintptr_t)image_start, MONITOR_BLOCK);
    if (machine.uart.base)
        set_text(uart_node(), "status", "disabled");
    dt_close(&tree);
    machine.tree.size = dt_total(tree.base);
    cache_clean_code(machine.tree.base, machine.tree.base + machine.tree.size);
}

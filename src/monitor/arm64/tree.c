/* SPDX-License-Identifier: MIT */
/*
 * The device tree: what the machine has, where the loader put kernel and initrd (boot modules
 * under /chosen, the multiboot binding that QEMU's guest-loader writes), and the tree that the
 * guest gets: bootargs and initrd set, our block reserved, our UART disabled. The tree is
 * edited where it lies.
 */
#include <libfdt.h>
#include <string.h>

#include "monitor/arm64/board.h"
#include "monitor/arm64/monitor.h"
#include "monitor/arm64/sysreg.h"

#define TREE_MAX    0x200000u /* booting.rst: at most 2 MB */
#define TREE_ROOM   4096u     /* what the hand-over adds is less */
#define IMAGE_ALIGN 0x200000u

#define NO_TREE "no usable device tree: it is missing, truncated or damaged"

static void *tree;

/* n cells of property prop at word index, or false. */
static bool cells(const fdt32_t *prop, int bytes, unsigned index, unsigned n, uint64_t *value)
{
    if (!prop || bytes < 0 || n > 2 || (index + n) * 4 > (unsigned)bytes)
        return false;
    *value = 0;
    for (unsigned i = 0; i < n; i++)
        *value = *value << 32 | fdt32_to_cpu(prop[index + i]);
    return true;
}

/* Range number i of a node's reg, by the cell counts of its parent. */
static bool reg_range(int node, unsigned i, struct range *r)
{
    int parent = fdt_parent_offset(tree, node), bytes;
    int na = parent < 0 ? -1 : fdt_address_cells(tree, parent);
    int ns = parent < 0 ? -1 : fdt_size_cells(tree, parent);
    const fdt32_t *reg = fdt_getprop(tree, node, "reg", &bytes);
    unsigned at;

    if (na < 1 || na > 2 || ns < 1 || ns > 2)
        return false;
    at = i * (unsigned)(na + ns);
    return cells(reg, bytes, at, (unsigned)na, &r->base) &&
           cells(reg, bytes, at + (unsigned)na, (unsigned)ns, &r->size);
}

/* Interrupt number i of a node (GIC binding, three cells) as INTID. */
static bool interrupt(int node, unsigned i, unsigned *intid)
{
    int bytes;
    const fdt32_t *p = fdt_getprop(tree, node, "interrupts", &bytes);
    uint64_t type, number;

    if (!cells(p, bytes, 3 * i, 1, &type) || !cells(p, bytes, 3 * i + 1, 1, &number))
        return false;
    *intid = (unsigned)number + (type == 1 ? 16 : 32);
    return *intid < 1020;
}

static bool string_is(int node, const char *prop, const char *value)
{
    int bytes;
    const char *s = fdt_getprop(tree, node, prop, &bytes);

    return s && bytes == (int)strlen(value) + 1 && memcmp(s, value, (size_t)bytes) == 0;
}

static void read_memory(void)
{
    int node = -1;

    while ((node = fdt_next_node(tree, node, NULL)) >= 0) {
        struct range r;

        if (!string_is(node, "device_type", "memory"))
            continue;
        for (unsigned i = 0; machine.nram < MAX_RAM && reg_range(node, i, &r); i++) {
            if (r.size && r.base + r.size > r.base)
                machine.ram[machine.nram++] = r;
        }
    }
    if (machine.nram == 0)
        stop("the device tree names no memory");
    if (!mmu_is_ram((uintptr_t)image_start, MONITOR_BLOCK))
        stop("the device tree's memory does not hold the monitor's own 2 MB block");
}

static void read_cpus(void)
{
    int node, bytes, parent = fdt_path_offset(tree, "/cpus");
    int n = parent < 0 ? 0 : fdt_address_cells(tree, parent);

    fdt_for_each_subnode(node, tree, parent)
    {
        const fdt32_t *reg = fdt_getprop(tree, node, "reg", &bytes);
        uint64_t mpidr;

        if (!string_is(node, "device_type", "cpu") || !cells(reg, bytes, 0, (unsigned)n, &mpidr))
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
    int node = fdt_node_offset_by_compatible(tree, -1, "arm,psci-1.0");

    if (node < 0)
        node = fdt_node_offset_by_compatible(tree, -1, "arm,psci-0.2");
    if (node < 0)
        stop("no PSCI 0.2 or later in the device tree: CPUs cannot be started or stopped");
    if (!string_is(node, "method", "smc"))
        stop("PSCI is not called by SMC: firmware at EL3 is missing or EL2 is not ours");
}

static void read_gic(void)
{
    int bytes, node = fdt_node_offset_by_compatible(tree, -1, "arm,gic-v3");
    const fdt32_t *p;
    uint64_t regions = 1;

    if (node < 0)
        stop("no GICv3 in the device tree (QEMU: -M virt,gic-version=3)");
    p = fdt_getprop(tree, node, "#redistributor-regions", &bytes);
    cells(p, bytes, 0, 1, &regions);
    if (!reg_range(node, 0, &machine.gicd))
        stop("the GIC's registers are missing in the device tree");
    while (machine.ngicr < regions && machine.ngicr < MAX_REDIST &&
           reg_range(node, 1 + machine.ngicr, &machine.gicr[machine.ngicr]))
        machine.ngicr++;
    if (machine.ngicr == 0)
        stop("the GIC's redistributors are missing in the device tree");
    if (!interrupt(node, 0, &machine.maintenance_irq))
        machine.maintenance_irq = 25;
    node = fdt_node_offset_by_compatible(tree, -1, "arm,armv8-timer");
    if (node < 0 || !interrupt(node, 3, &machine.timer_irq))
        machine.timer_irq = 26;
}

/* The second UART: the guest keeps the first. */
static int uart_node(void)
{
    const char *path = fdt_get_alias(tree, "serial1");
    int node = path ? fdt_path_offset(tree, path) : -1;

    if (node >= 0 && fdt_node_check_compatible(tree, node, "arm,pl011") == 0)
        return node;
    return -1;
}

static void read_uart(void)
{
    int node = uart_node();

    if (node < 0 || !reg_range(node, 0, &machine.uart) || !interrupt(node, 0, &machine.uart_irq)) {
        machine.uart = (struct range){ 0, 0 };
        say("no second PL011 (alias serial1) in the device tree: no debugger can connect");
        return;
    }
    uart_open(machine.uart.base);
}

/* The monitor's own command line, as the loader gave it. */
static void read_options(void)
{
    int bytes, node = fdt_path_offset(tree, "/chosen");
    const char *s = node < 0 ? NULL : fdt_getprop(tree, node, "bootargs", &bytes);
    static const char word[] = "guestdbg.wait";

    for (int i = 0; s && i + (int)sizeof(word) <= bytes; i++)
        machine.wait |= memcmp(s + i, word, sizeof(word) - 1) == 0;
}

void tree_read(uint64_t where)
{
    tree = (void *)(uintptr_t)where;
    if (where == 0 || where & 7 || fdt_check_header(tree) != 0 ||
        fdt_totalsize(tree) > TREE_MAX - TREE_ROOM ||
        fdt_check_full(tree, fdt_totalsize(tree)) != 0)
        stop(NO_TREE);
    machine.tree = (struct range){ where, fdt_totalsize(tree) };
    read_uart();
    read_memory();
    read_cpus();
    read_psci();
    read_gic();
    read_options();
}

/* ---- boot modules ---- */

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
    struct range all = machine.kernel;
    uint64_t offset;

    must_be_free("the kernel at ", &machine.kernel);
    if (machine.kernel.size < 64 || memcmp(p + 56, "ARM\x64", 4) != 0)
        stop("the kernel is not an arm64 Image (gzip and EFI zboot must be unpacked first)");
    if (gd_load_le(p + 24, 8) & 1)
        stop("the kernel is big endian");
    offset = gd_load_le(p + 8, 8);
    if ((machine.kernel.base - offset) & (IMAGE_ALIGN - 1))
        stop("the kernel does not lie at its offset from a 2 MB boundary");
    if (gd_load_le(p + 16, 8) > all.size)
        all.size = gd_load_le(p + 16, 8);
    must_be_free("the kernel with what it clears at ", &all);
    if (gd_overlap(all.base, all.size, machine.tree.base, machine.tree.size))
        stop("there is no room for the kernel where it was put");
    machine.kernel_end = all.base + all.size;
    if (machine.initrd.size == 0)
        return;
    must_be_free("the initrd at ", &machine.initrd);
    if (gd_overlap(all.base, all.size, machine.initrd.base, machine.initrd.size))
        stop("the kernel and its initrd overlap");
}

/* QEMU writes two cells each and leaves the counts out of /chosen. */
static bool module_range(int chosen, int node, struct range *r)
{
    int bytes;
    const fdt32_t *reg = fdt_getprop(tree, node, "reg", &bytes);

    if (fdt_getprop(tree, chosen, "#size-cells", NULL))
        return reg_range(node, 0, r);
    return cells(reg, bytes, 0, 2, &r->base) && cells(reg, bytes, 2, 2, &r->size);
}

void tree_modules(void)
{
    int node, chosen = fdt_path_offset(tree, "/chosen");

    fdt_for_each_subnode(node, tree, chosen)
    {
        struct range r;

        if (!module_range(chosen, node, &r))
            continue;
        if (fdt_node_check_compatible(tree, node, "multiboot,kernel") == 0) {
            machine.kernel = r;
            machine.bootargs = fdt_getprop(tree, node, "bootargs", NULL);
        } else if (fdt_node_check_compatible(tree, node, "multiboot,ramdisk") == 0) {
            machine.initrd = r;
        }
    }
    if (machine.kernel.size == 0)
        stop("no kernel: give QEMU -device guest-loader,addr=ADDR,kernel=IMAGE");
    check_kernel();
}

/* ---- the guest's tree ---- */

static void must(int error)
{
    if (error < 0)
        stop("the device tree leaves no room for what the guest must be told");
}

static void reserve(uint64_t base, uint64_t size)
{
    int parent = fdt_path_offset(tree, "/reserved-memory"), node;

    if (parent < 0) {
        parent = fdt_add_subnode(tree, 0, "reserved-memory");
        must(parent);
        must(fdt_setprop_u32(tree, parent, "#address-cells", 2));
        must(fdt_setprop_u32(tree, parent, "#size-cells", 2));
        must(fdt_setprop_empty(tree, parent, "ranges"));
    }
    node = fdt_add_subnode(tree, parent, "debug-monitor");
    must(node);
    if (fdt_address_cells(tree, parent) == 2)
        must(fdt_appendprop_u64(tree, node, "reg", base));
    else
        must(fdt_appendprop_u32(tree, node, "reg", (uint32_t)base));
    if (fdt_size_cells(tree, parent) == 2)
        must(fdt_appendprop_u64(tree, node, "reg", size));
    else
        must(fdt_appendprop_u32(tree, node, "reg", (uint32_t)size));
    must(fdt_setprop_empty(tree, node, "no-map"));
}

static void drop_modules(int chosen)
{
    int node = fdt_first_subnode(tree, chosen);

    while (node >= 0) {
        if (fdt_node_check_compatible(tree, node, "multiboot,module") == 0) {
            must(fdt_del_node(tree, node));
            node = fdt_first_subnode(tree, chosen);
        } else {
            node = fdt_next_subnode(tree, node);
        }
    }
}

void tree_hand_on(void)
{
    struct range room = { machine.tree.base, machine.tree.size + TREE_ROOM };
    char args[2048];
    size_t n = machine.bootargs ? strlen(machine.bootargs) : 0;
    int chosen;

    if (n >= sizeof(args))
        stop("the kernel's bootargs are longer than 2047 bytes");
    memcpy(args, machine.bootargs ? machine.bootargs : "", n);
    args[n] = 0;
    must_be_free("the device tree with its additions at ", &room);
    if (gd_overlap(room.base, room.size, machine.kernel.base,
                   machine.kernel_end - machine.kernel.base) ||
        (machine.initrd.size &&
         gd_overlap(room.base, room.size, machine.initrd.base, machine.initrd.size)))
        stop("the device tree leaves no room for what the guest must be told");
    must(fdt_open_into(tree, tree, (int)room.size));
    chosen = fdt_path_offset(tree, "/chosen");
    must(chosen);
    drop_modules(chosen);
    must(fdt_setprop_string(tree, chosen, "bootargs", args));
    if (machine.initrd.size) {
        must(fdt_setprop_u64(tree, chosen, "linux,initrd-start", machine.initrd.base));
        must(fdt_setprop_u64(tree, chosen, "linux,initrd-end",
                             machine.initrd.base + machine.initrd.size));
    }
    reserve((uintptr_t)image_start, MONITOR_BLOCK);
    if (machine.uart.base)
        must(fdt_setprop_string(tree, uart_node(), "status", "disabled"));
    must(fdt_pack(tree));
    machine.tree.size = fdt_totalsize(tree);
    cache_clean_code(machine.tree.base, machine.tree.base + machine.tree.size);
}

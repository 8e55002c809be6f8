/* SPDX-License-Identifier: MIT */
/*
 * guestdbg run: options to a struct vm_config, checked before anything is started.
 */
#include "../cli.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../vmm/vm.h"

#define DEFAULT_MEMORY ((uint64_t)512 << 20)
#define MEMORY_UNIT                                                                                \
    ((uint64_t)2 << 20) /* KVM maps RAM best, and Linux expects it, in 2 MiB blocks */
#define MEMORY_MIN ((uint64_t)2 << 20)
#define MEMORY_MAX ((uint64_t)1 << 40)

enum {
    OPT_INITRD = 0x100,
    OPT_APPEND,
    OPT_CPUS,
    OPT_MEMORY,
    OPT_LISTEN,
    OPT_REMOTE,
    OPT_NO_WAIT,
    OPT_ON_DISCONNECT,
    OPT_CONSOLE,
    OPT_FLAT
};

static const struct argp_option options[] = {
    { "initrd", OPT_INITRD, "FILE", 0, "initial RAM disk for a Linux guest", 0 },
    { "append", OPT_APPEND, "STRING", 0, "the kernel's command line", 0 },
    { "cpus", OPT_CPUS, "N", 0, "number of vCPUs (1)", 0 },
    { "memory", OPT_MEMORY, "SIZE", 0, "guest memory in MiB, or with K, M or G (512M)", 0 },
    { "flat", OPT_FLAT, "ADDR", 0,
      "KERNEL is raw code: load it at this guest-physical address and enter it there", 0 },
    { "listen", OPT_LISTEN, "unix:PATH|tcp:HOST:PORT", 0,
      "where the debugger connects (a new Unix socket of mode 0600)", 0 },
    { "allow-remote", OPT_REMOTE, NULL, 0, "let --listen take a TCP address other than loopback",
      0 },
    { "no-wait", OPT_NO_WAIT, NULL, 0,
      "start the guest at once instead of stopping before its first instruction", 0 },
    { "on-disconnect", OPT_ON_DISCONNECT, "resume|stop|exit", 0,
      "what the guest does when the debugger is lost (resume)", 0 },
    { "console", OPT_CONSOLE, "stdio|none|FILE", 0,
      "the guest's serial console (stdio; Ctrl-a x leaves it); a FILE takes output only", 0 },
    { 0 },
};

struct args {
    struct vm_config cfg;
    char socket[sizeof("unix:") - 1 + sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

/* A number, decimal or 0x and hex, with an optional unit; the whole string must be used. */
static bool parse_size(const char *s, uint64_t unit, uint64_t *out)
{
    static const char units[] = "KMG";
    const char *u;
    char *end;

    if (*s < '0' || *s > '9')
        return false;
    errno = 0;
    *out = strtoull(s, &end, s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10);
    if (errno)
        return false;
    if (*end) {
        u = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
        if (!u || end[1])
            return false;
        unit = (uint64_t)1024 << 10 * (u - units);
    }
    if (*out > UINT64_MAX / unit)
        return false;
    *out *= unit;
    return true;
}

static void parse_memory(struct argp_state *st, struct vm_config *cfg, const char *arg)
{
    if (!parse_size(arg, (uint64_t)1 << 20, &cfg->memory) || cfg->memory < MEMORY_MIN ||
        cfg->memory > MEMORY_MAX)
        argp_error(st, "--memory wants a size from 2M to 1024G, not '%s'", arg);
    cfg->memory = (cfg->memory + MEMORY_UNIT - 1) & ~(MEMORY_UNIT - 1);
}

static void parse_cpus(struct argp_state *st, struct vm_config *cfg, const char *arg)
{
    uint64_t n;

    if (!parse_size(arg, 1, &n) || n < 1 || n > machine_ops.max_cpus)
        argp_error(st, "--cpus wants a number from 1 to %u, not '%s'", machine_ops.max_cpus, arg);
    cfg->cpus = (unsigned)n;
}

static void parse_on_disconnect(struct argp_state *st, struct vm_config *cfg, const char *arg)
{
    if (strcmp(arg, "resume") == 0)
        cfg->on_disconnect = GD_KVM_RESUME;
    else if (strcmp(arg, "stop") == 0)
        cfg->on_disconnect = GD_KVM_STOP;
    else if (strcmp(arg, "exit") == 0)
        cfg->on_disconnect = GD_KVM_EXIT;
    else
        argp_error(st, "--on-disconnect is resume, stop or exit, not '%s'", arg);
}

static void parse_console(struct vm_config *cfg, const char *arg)
{
    cfg->console_file = arg;
    if (strcmp(arg, "stdio") == 0)
        cfg->console = CONSOLE_STDIO;
    else if (strcmp(arg, "none") == 0)
        cfg->console = CONSOLE_NONE;
    else
        cfg->console = CONSOLE_FILE;
}

static error_t parse(int key, char *arg, struct argp_state *st)
{
    struct vm_config *cfg = &((struct args *)st->input)->cfg;

    switch (key) {
    case OPT_INITRD:
        cfg->initrd = arg;
        break;
    case OPT_APPEND:
        cfg->append = arg;
        break;
    case OPT_CPUS:
        parse_cpus(st, cfg, arg);
        break;
    case OPT_MEMORY:
        parse_memory(st, cfg, arg);
        break;
    case OPT_LISTEN:
        cfg->listen = arg;
        break;
    case OPT_REMOTE:
        cfg->allow_remote = true;
        break;
    case OPT_NO_WAIT:
        cfg->wait = false;
        break;
    case OPT_ON_DISCONNECT:
        parse_on_disconnect(st, cfg, arg);
        break;
    case OPT_CONSOLE:
        parse_console(cfg, arg);
        break;
    case OPT_FLAT:
        cfg->flat = true;
        if (!parse_size(arg, 1, &cfg->flat_addr))
            argp_error(st, "--flat wants an address, not '%s'", arg);
        break;
    case ARGP_KEY_ARG:
        if (cfg->kernel)
            argp_error(st, "one KERNEL is enough; '%s' is another", arg);
        cfg->kernel = arg;
        break;
    case ARGP_KEY_END:
        if (!cfg->kernel)
            argp_error(st, "no KERNEL is given");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "KERNEL",
    .doc =
        "Boots a guest under Linux KVM and lets GDB or LLDB debug it.\v"
        "KERNEL is a Linux Image (plain or gzip'd), an ELF file, or raw code with --flat. A guest "
        "that powers off ends the command with status 0; one that resets is booted again.",
};

/* A directory of the user's own if there is one; the socket's mode guards it in /tmp. */
static void default_socket(struct args *a)
{
    const char *dir = getenv("XDG_RUNTIME_DIR");
    int n = -1;

    if (dir && *dir == '/' && access(dir, W_OK | X_OK) == 0)
        n = snprintf(a->socket, sizeof(a->socket), "unix:%s/guestdbg-%d.sock", dir, (int)getpid());
    if (n < 0 || n >= (int)sizeof(a->socket))
        snprintf(a->socket, sizeof(a->socket), "unix:/tmp/guestdbg-%d.sock", (int)getpid());
    a->cfg.listen = a->socket;
}

int cmd_run(int argc, char **argv)
{
    struct args a = {
        .cfg = {
            .append = "",
            .cpus = 1,
            .memory = DEFAULT_MEMORY,
            .wait = true,
            .on_disconnect = GD_KVM_RESUME,
            .console = CONSOLE_STDIO,
        },
    };

    argp_err_exit_status = 1;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (!a.cfg.listen)
        default_socket(&a);
    return vm_main(&a.cfg);
}

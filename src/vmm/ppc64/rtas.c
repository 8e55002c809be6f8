/* SPDX-License-Identifier: MIT */
/*
 * Run-time abstraction services (LoPAR 7.3): what a guest's kernel asks of its platform. The guest calls
 * five instructions in its own memory, which make one private hypercall (0xf000, the number that KVM
 * gives to it); arguments are big-endian cells. Calls for the interrupt controller end in KVM.
 */
#include "pseries.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define RTAS_OK         0
#define RTAS_HARDWARE   (-1)
#define RTAS_PARAMETER  (-3)
#define RTAS_MAX_ARGS   16u
#define CPU_STOPPED     0u
#define CPU_NOT_STOPPED 2u

enum {
    POWER_OFF,
    SYSTEM_REBOOT,
    GET_TIME,
    DISPLAY_CHARACTER,
    QUERY_CPU,
    START_CPU,
    STOP_SELF,
    OS_TERM,
    GET_PARAMETER,
    SET_XIVE,
    GET_XIVE,
    INT_ON,
    INT_OFF
};

const struct rtas_call rtas_calls[RTAS_NTOKENS] = {
    [POWER_OFF] = { "power-off", false },
    [SYSTEM_REBOOT] = { "system-reboot", false },
    [GET_TIME] = { "get-time-of-day", false },
    [DISPLAY_CHARACTER] = { "display-character", false },
    [QUERY_CPU] = { "query-cpu-stopped-state", false },
    [START_CPU] = { "start-cpu", false },
    [STOP_SELF] = { "stop-self", false },
    [OS_TERM] = { "ibm,os-term", false },
    [GET_PARAMETER] = { "ibm,get-system-parameter", false },
    [SET_XIVE] = { "ibm,set-xive", true },
    [GET_XIVE] = { "ibm,get-xive", true },
    [INT_ON] = { "ibm,int-on", true },
    [INT_OFF] = { "ibm,int-off", true },
};

/*
 * mr r4,r3; lis r3,0; ori r3,r3,0xf000; sc 1; blr. Linux enters RTAS big-endian, so the words are stored
 * in that order whatever this host's is.
 */
#define BE_WORD(w) (((w)&0xff) << 24 | ((w)&0xff00) << 8 | ((w) >> 8 & 0xff00) | ((w) >> 24 & 0xff))
#if __BYTE_ORDER == __BIG_ENDIAN
#define WORD(w) (w)
#else
#define WORD(w) BE_WORD(w)
#endif
const uint32_t rtas_code[5] = {
    WORD(0x7c641b78u), WORD(0x3c600000u), WORD(0x6063f000u), WORD(0x44000022u), WORD(0x4e800020u),
};

/* One call: its arguments, and how many results it has room for. */
struct call {
    struct vm *vm;
    struct vcpu *cpu;
    uint32_t nargs, nrets;
    uint32_t arg[RTAS_MAX_ARGS], ret[RTAS_MAX_ARGS];
};

static struct vcpu *cpu_by_number(struct vm *vm, uint32_t number)
{
    return number < vm->cfg->cpus ? &vm->cpus[number] : NULL;
}

static int32_t get_time(struct call *c)
{
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    if (!gmtime_r(&now.tv_sec, &tm))
        return RTAS_HARDWARE;
    c->ret[1] = (uint32_t)tm.tm_year + 1900;
    c->ret[2] = (uint32_t)tm.tm_mon + 1;
    c->ret[3] = (uint32_t)tm.tm_mday;
    c->ret[4] = (uint32_t)tm.tm_hour;
    c->ret[5] = (uint32_t)tm.tm_min;
    c->ret[6] = (uint32_t)tm.tm_sec;
    c->ret[7] = (uint32_t)now.tv_nsec;
    return RTAS_OK;
}

static int32_t query_cpu(struct call *c)
{
    struct vcpu *cpu = cpu_by_number(c->vm, c->arg[0]);

    if (!cpu)
        return RTAS_PARAMETER;
    c->ret[1] = cpu->off ? CPU_STOPPED : CPU_NOT_STOPPED;
    return RTAS_OK;
}

/* LoPAR 7.3.9.2: the new processor has the caller's mode of interrupts. */
static int32_t start_cpu(struct call *c)
{
    struct pseries *p = pseries(c->vm);
    struct vcpu *cpu = cpu_by_number(c->vm, c->arg[0]);
    uint64_t lpcr;
    int err;

    if (!cpu || !cpu->off)
        return RTAS_PARAMETER;
    pthread_mutex_lock(&p->lock);
    err = vcpu_get(c->vm, c->cpu, KVM_REG_PPC_LPCR_64, &lpcr);
    if (!err)
        err = vcpu_lpcr(c->vm, cpu, LPCR_AIL | LPCR_ILE, lpcr);
    if (!err)
        err = vcpu_power_on(c->vm, cpu, c->arg[1], c->arg[2],
                            MSR_RESET | (lpcr & LPCR_ILE ? MSR_LE : 0));
    pthread_mutex_unlock(&p->lock);
    if (err)
        return RTAS_HARDWARE;
    vm_cpu_on(cpu);
    return RTAS_OK;
}

/* Never returns to the caller: its registers are set anew when it is started again. */
static int32_t stop_self(struct call *c)
{
    c->cpu->off = true;
    return RTAS_OK;
}

static int32_t display_character(struct call *c)
{
    uint8_t byte = (uint8_t)c->arg[0];

    console_put(&c->vm->console, &byte, 1);
    return RTAS_OK;
}

static int32_t os_term(struct call *c)
{
    fprintf(stderr, "guestdbg: the guest's system reports that it has crashed\n");
    vm_stop(c->vm, 1);
    return RTAS_OK;
}

static int32_t dispatch(struct call *c, uint32_t which)
{
    switch (which) {
    case POWER_OFF:
        vm_stop(c->vm, 0);
        return RTAS_OK;
    case SYSTEM_REBOOT:
        vm_reset(c->vm);
        return RTAS_OK;
    case GET_TIME:
        return get_time(c);
    case DISPLAY_CHARACTER:
        return display_character(c);
    case QUERY_CPU:
        return query_cpu(c);
    case START_CPU:
        return start_cpu(c);
    case STOP_SELF:
        return stop_self(c);
    case OS_TERM:
        return os_term(c);
    default:
        return RTAS_PARAMETER; /* "not supported" of ibm,get-system-parameter, too */
    }
}

int64_t rtas_serve(struct vm *vm, struct vcpu *cpu, uint64_t gpa)
{
    struct call c = { .vm = vm, .cpu = cpu };
    uint32_t head[3], token;
    uint8_t *args = vm_ram(vm, gpa, sizeof(head));

    if (!args)
        return H_PARAMETER;
    memcpy(head, args, sizeof(head));
    token = be32toh(head[0]);
    c.nargs = be32toh(head[1]);
    c.nrets = be32toh(head[2]);
    if (c.nargs > RTAS_MAX_ARGS || c.nrets == 0 || c.nrets > RTAS_MAX_ARGS)
        return H_PARAMETER;
    args = vm_ram(vm, gpa + sizeof(head), 4ull * (c.nargs + c.nrets));
    if (!args)
        return H_PARAMETER;
    memcpy(c.arg, args, 4ull * c.nargs);
    for (unsigned i = 0; i < c.nargs; i++)
        c.arg[i] = be32toh(c.arg[i]);
    c.ret[0] = (uint32_t)dispatch(&c, token - 1);
    for (unsigned i = 0; i < c.nrets; i++)
        c.ret[i] = htobe32(c.ret[i]);
    memcpy(args + 4ull * c.nargs, c.ret, 4ull * c.nrets);
    return H_SUCCESS;
}

/* SPDX-License-Identifier: MIT */
/*
 * The sentence of every error value. Each is complete by itself; why.c adds address, level
 * and detail where they are known.
 */
#include <guestdbg/error.h>

#include <stddef.h>

static const char *const sentences[] = {
    [GD_OK] = "no error",
    [-GD_E_ARG] = "malformed request",
    [-GD_E_UNSUPPORTED] = "this target cannot do it",
    [-GD_E_RUNNING] = "not possible while the guest runs; stop it first",
    [-GD_E_UNMAPPED] = "no stage-1 translation",
    [-GD_E_NOTRAM] = "no guest RAM",
    [-GD_E_DEVICE] = "a device, which the debugger does not touch",
    [-GD_E_READONLY] = "read-only guest memory",
    [-GD_E_ALIGN] = "the hardware needs another alignment",
    [-GD_E_NOBREAK] = "all hardware breakpoints are in use",
    [-GD_E_NOWATCH] = "all hardware watchpoints are in use",
    [-GD_E_NOCONTEXT] = "no context-aware breakpoint register is free",
    [-GD_E_FULL] = "the table of breakpoints and watchpoints is full",
    [-GD_E_NOREG] = "no such register, or it is unavailable now",
    [-GD_E_RESERVED] = "the raw value is a reserved or unpredictable combination",
    [-GD_E_FORMAT] = "the guest's translation format is not supported",
    [-GD_E_BADTABLE] = "the guest's translation table is broken",
    [-GD_E_NOSTEP] = "this host cannot single-step the guest",
    [-GD_E_BACKEND] = "the back end failed",
    [-GD_E_HIDDEN] = "the memory belongs to the monitor itself",
    [-GD_E_NOTHREAD] = "no such vCPU",
    [-GD_E_EMULATED] = "a device emulated inside the host's kernel, out of the debugger's reach",
    [-GD_E_LOST] = "the vCPU did not answer the request to stop",
};

const char *gd_strerror(int error)
{
    size_t n = sizeof(sentences) / sizeof(sentences[0]);

    if (error > 0 || error <= -(int)n || !sentences[-error])
        return "unknown error";
    return sentences[-error];
}

/* SPDX-License-Identifier: MIT */
/*
 * Errors of guestdbg. Every call that can fail returns 0 or one of these, all
 * negative, and every value has one sentence (gd_strerror) that a user may see.
 */
#ifndef GUESTDBG_ERROR_H
#define GUESTDBG_ERROR_H

enum gd_error {
    GD_OK = 0,
    GD_E_ARG = -1,         /* malformed or out-of-range argument */
    GD_E_UNSUPPORTED = -2, /* this target cannot do it */
    GD_E_RUNNING = -3,     /* possible only while the vCPU is stopped */
    GD_E_UNMAPPED = -4,    /* no stage-1 translation; gd_why says at which level */
    GD_E_NOTRAM = -5,      /* translates, but to no guest RAM */
    GD_E_DEVICE = -6,      /* translates to a device, which is not touched */
    GD_E_READONLY = -7,    /* guest memory that cannot be written */
    GD_E_ALIGN = -8,       /* an address that the hardware needs aligned */
    GD_E_NOBREAK = -9,     /* all hardware breakpoints are in use */
    GD_E_NOWATCH = -10,    /* all hardware watchpoints are in use */
    GD_E_NOCONTEXT = -11,  /* no breakpoint register is context-aware, or all are taken */
    GD_E_FULL = -12,       /* the table of points is full */
    GD_E_NOREG = -13,      /* no such register, or unavailable now */
    GD_E_RESERVED = -14,   /* raw value with a reserved or unpredictable combination */
    GD_E_FORMAT = -15,     /* translation format that is not supported */
    GD_E_BADTABLE = -16,   /* hostile or broken page table: out of RAM, reserved bits, too deep */
    GD_E_NOSTEP = -17,     /* this host cannot single-step the guest */
    GD_E_BACKEND = -18,    /* the back end failed; its own message is in gd_why */
    GD_E_HIDDEN = -19,     /* the range belongs to the monitor itself */
    GD_E_NOTHREAD = -20,   /* no such vCPU */
    GD_E_EMULATED = -21,   /* range emulated inside the kernel (interrupt controller) */
    GD_E_LOST = -22,       /* the vCPU did not answer the request to stop */
};

#ifdef __cplusplus
extern "C" {
#endif

/* One sentence for an error value, never NULL. */
const char *gd_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif

# SPDX-License-Identifier: MIT
#
# GDB settings for kernels and unikernels behind guestdbg: source /usr/local/share/guestdbg/guestdbg.gdb
#
# GDB reads the same few words of code and stack again at every stop. In all-stop mode nothing
# changes them meanwhile, so they may be kept until the guest runs on: a step then costs 4 round
# trips instead of 10, and a backtrace none. Device memory goes through this cache too; to keep a device
# out of it, give its range first:  mem 0xffff800008000000 0xffff800009000000 rw nocache
set dcache line-size 4096
set dcache size 1024
mem 0 0 rw cache
set pagination off
set print address on

# A virtual machine has no tracepoints: a question less at every connect.
set remote trace-status-packet off

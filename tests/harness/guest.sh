#!/bin/sh
# SPDX-License-Identifier: MIT
#
# guest N ARGUMENT...: guestdbg with these arguments. Its output comes as lines "N| ...", its errors as
# "N! ...", its exit status as "N! status S"; what is written to /tmp/in.N is its input.
n=$1
shift
lines() { while IFS= read -r line; do echo "$n$1 $line"; done; }
mkfifo /tmp/in.$n /tmp/err.$n
sleep 1000000 >/tmp/in.$n & # keeps the input open
lines '!' </tmp/err.$n &
said=$!
{
    guestdbg "$@" </tmp/in.$n 2>/tmp/err.$n &
    echo $! >/tmp/pid.$n
    wait $!
    echo $? >/tmp/status.$n
} | lines '|'
wait $said
echo "$n! status $(cat /tmp/status.$n)"

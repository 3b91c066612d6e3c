#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a program on a kernel with KCSAN, which then looks for data races between functions of
# the driver. Others are not ours: the kernel has some.
# usage: [KCSAN_LEAST=N] kcsan.sh COMMAND...
set -eu
kcsan=/sys/kernel/debug/kcsan

echo whitelist >$kcsan
awk '$4 == "[ashmem]" && $2 ~ /[tT]/ && $3 !~ /^(__pfx_|init_module|cleanup_module)/ { print "!" $3 }' \
    /proc/kallsyms | sort -u | while read -r function; do
    echo "$function" >$kcsan
done
echo on >$kcsan
"$@"
# A run that watched little proves little.
awk -v least="${KCSAN_LEAST:-10000}" '/^setup_watchpoints:/ { watched = $2 } /^ / { functions++ }
    END { print "# KCSAN watched " watched " accesses, and tells races of " functions " functions"
          exit watched < least || functions < 50 }' $kcsan

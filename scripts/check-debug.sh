#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make check-debug: the driver's claims on a kernel with KASAN, lockdep, kmemleak
# and UBSAN, which is built first if it has to be. Ends as make check does.
# SCALE=N divides the rounds of what goes in rounds (default: 10; 1 for all).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$here/common.sh"
# shellcheck source=scripts/guests.sh
source "$here/guests.sh"

kernel=6.12-debug

# As in check.sh, with more memory and time: every object has its shadow.
guests=(
    "pressure [pressure]              --timeout 1500 --memory 384 --swap 512"
    "module   [module]                --timeout 1500 --memory 1024 @no-module"
    "soak     [soak]                  --timeout 1500 --memory 1024"
    "race     [race],[model]          --timeout 1500 --memory 1024"
    "device   [device]~[race]~[model],[anywhere],[binder] --timeout 1500 --memory 1536 --kernel-module binder_linux"
)

"$here/deps.sh" build vm debug
start_table "$BUILD/check-debug"
say "debug kernel"
"$ROOT/qemu/fetch.sh" "$kernel"
build_library all
build_tests amd64
build_row "$kernel"
run_harness --debug
say "the driver on $kernel, rounds divided by $scale; $at_once guests at a time"
for guest in "${guests[@]}"; do side_by_side run_guest "$kernel" amd64 "$guest"; done
all_done
finish harness "$kernel"

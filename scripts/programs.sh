#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make check-programs: random programs of calls, each run on the original driver
# and on ours, on the last kernel that has the original. Every answer, errno and
# byte must be the same, but for what Documentation/differences.md lists. The first
# program that differs is shown, shortened to what it takes.
#   PROGRAMS=N (100000)   how many        SEED=N   the first one's seed
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$here/common.sh"
# shellcheck source=scripts/guests.sh
source "$here/guests.sh"
# shellcheck source=scripts/differential.sh
source "$here/differential.sh"

"$here/deps.sh" build vm
start_table "$BUILD/check-programs"
build_library static
build_tests amd64
build_module "$reference_kernel"
say "$programs programs from seed $seed on, on $("$ROOT/qemu/fetch.sh" --print "$reference_kernel" release)"
for driver in original ours; do side_by_side run_programs "$driver"; done
all_done
compare_programs
finish "$reference_kernel/programs"

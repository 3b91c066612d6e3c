#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The table that a check ends in: a run that failed, was lost or never ran makes it
# red, and only a row that may fail does not.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$here/../scripts/common.sh"
# shellcheck source=scripts/guests.sh
source "$here/../scripts/guests.sh"

start_table "$BUILD/table-test"
may=$(awk '!/^#/ && $6 == "may" { print $1; exit }' "$ROOT/qemu/kernels")
status=0

# tap LINE...: a run's results
tap() { printf '%s\n' "$@" >"$out/tap"; }

# expect CLAIM RED PATTERN ROW...: the verdict on these rows, and a line of the table
expect() {
    local claim=$1 red=$2 pattern=$3 got=0
    shift 3
    finish "$@" >"$out/table" 2>&1 || got=$?
    if ((got == red)) && grep -qE "$pattern" "$out/table"; then
        : >"$summary"
        return
    fi
    printf 'not so: %s (status %s)\n' "$claim" "$got"
    cat "$out/table"
    status=1
    : >"$summary"
}

tap 1..2 'ok 1 - a' 'ok 2 - b'
record 6.1 device pass 7 "$out/tap"
expect "a pass is green" 0 '^6\.1 +2 +2 +0 +0 +7$' 6.1

tap 1..2 'ok 1 - a' 'not ok 2 - b' 'not ok 2 - b'
record 6.1 device fail 7 "$out/tap"
expect "a failed claim is red, and counted once" 1 '^6\.1 +2 +1 +1 +0 +7$' 6.1

tap 1..3 'ok 1 - a'
record 6.1 device fail 7 "$out/tap"
expect "what was planned and never heard of is lost" 1 '^6\.1 +3 +1 +0 +2 +7$' 6.1

tap 'the guest never spoke'
record 6.1 device fail 7 "$out/tap" 12
expect "a guest without a plan loses what was meant for it" 1 '^6\.1 +12 +0 +0 +12 +7$' 6.1

tap 1..1 'ok 1 - a'
record 6.1 device fail 7 "$out/tap"
expect "a splat after the last claim is red" 1 '^6\.1 +1 +1 +1 +0 +7$' 6.1

record 6.1 device pass 7 "$out/tap"
expect "a row that left nothing is red" 1 '^7\.2 .*nothing ran' 6.1 7.2

record 6.1 device pass 7 "$out/tap"
record "$may" device fail 7 "$out/tap"
expect "a row that may fail is shown and forgiven" 0 "^$may .*may fail" 6.1 "$may"

TESTS='[pin],PIN*'
[[ $(narrowed '[a],[b]~[c]') == '[a][pin],[b]~[c][pin],[a]PIN*,[b]~[c]PIN*' ]] || {
    echo "not so: every choice is narrowed by every wish: $(narrowed '[a],[b]~[c]')"
    status=1
}
exit "$status"

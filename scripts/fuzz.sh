#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make fuzz: every fuzzer of tests/fuzz for SECONDS_EACH (600), coverage-guided, under
# ASan and UBSan, side by side. What was found on the way is kept in the cache, and an
# input that breaks something in build/fuzz. One line of result each, 0 if all is well.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$here/common.sh"
# shellcheck source=scripts/guests.sh
source "$here/guests.sh"

seconds=${SECONDS_EACH:-600}
cache=${ASHMEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ashmem}
out=$BUILD/fuzz

# fuzz NAME: libFuzzer's own last words are the line
fuzz() {
    local corpus=$cache/fuzz/$1
    mkdir -p "$corpus"
    rm -f "$out/$1.failed"
    # the longest input has what the largest message needs to be told apart
    if LIBASHMEM_BACKEND=memfd "$out/$1" -max_total_time="$seconds" -max_len=4096 \
        -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$out/$1-" "$corpus" >"$out/$1.log" 2>&1; then
        printf 'ok - %s: %s\n' "$1" "$(tail -n 1 "$out/$1.log")"
    else
        tail -n 40 "$out/$1.log"
        printf 'not ok - %s\n' "$1" | tee "$out/$1.failed"
    fi
}

[[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || die "SECONDS_EACH=$seconds is not a number from 1 up"
"$here/deps.sh" build fuzz
quietly "$BUILD/log/fuzz" make -C "$ROOT/tests/fuzz" "-j$(nproc)"
say "fuzzing, $seconds s each"
for source in "$ROOT"/tests/fuzz/*.cpp; do side_by_side fuzz "$(basename "$source" .cpp)"; done
all_done
! compgen -G "$out/*.failed" >/dev/null

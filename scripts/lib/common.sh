# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts in shell share: where things are, how they speak.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$ROOT/build
# shellcheck source=../../qemu/lib/defaults.sh
source "$ROOT/qemu/lib/defaults.sh"

# What was said to one make is not meant for those that are started here.
unset MAKEFLAGS MAKEOVERRIDES MFLAGS

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 3
}

say() { printf '== %s\n' "$*"; }

# quietly LOG COMMAND...: shows the command's output only if it fails
quietly() {
    local log=$1 status=0
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 || status=$?
    if ((status)); then
        cat "$log" >&2
        printf '%s: %s failed with status %s (log: %s)\n' "$(basename "$0")" "$1" "$status" "$log" >&2
    fi
    return "$status"
}

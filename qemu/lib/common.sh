# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # the files that source this read them
# For every script of the harness: sets QEMU_DIR, BUILD_DIR, DEFAULT_KERNEL and CACHE_DIR,
# and defines functions for messages and checks.

# The scripts parse messages of other programs, and sort.
export LC_ALL=C

readonly EXIT_HARNESS=3
QEMU_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD_DIR=$(dirname "$QEMU_DIR")/build/vm
readonly QEMU_DIR BUILD_DIR
# The kernel that is used if none is named, and the cache. Other programs ask qemu/query.
readonly DEFAULT_KERNEL=6.1
CACHE_DIR=${ASHMEM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ashmem}
CACHE_DIR=$(realpath -m -- "$CACHE_DIR")
readonly CACHE_DIR

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$*"
    exit "$EXIT_HARNESS"
}

# An unexpected failure of a command is the harness's, never a test's.
on_error() {
    local status=$?
    # A subshell that called die() has already said why.
    ((status == EXIT_HARNESS)) || say "failed with status $status: $BASH_COMMAND"
    exit "$EXIT_HARNESS"
}
set -E
trap on_error ERR

need_tools() {
    local tool
    # depmod and modprobe are not in an ordinary user's PATH.
    PATH=$PATH:/usr/sbin:/sbin
    for tool; do
        command -v "$tool" >/dev/null || die "missing tool: $tool"
    done
}

# free_mb DIR: megabytes that can still be written below DIR
free_mb() { df -Pm -- "$1" | awk 'NR == 2 { print $4 }'; }

# fail_step WHAT LOG: dies with the error in the log, or with "no space left" if the disk
# is full
fail_step() {
    if (($(free_mb "$CACHE_DIR") < 5)) || grep -qs 'No space left' "$2"; then
        die "no space left in $CACHE_DIR ($1)"
    fi
    die "$1: $(grep -E '^(E|dpkg[a-z-]*|depmod|tar): |[Ee]rror:|: not found|\*\*\* ' "$2" |
        head -n 1 | cut -c1-300)"
}

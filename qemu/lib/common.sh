# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # the files that source this read them
# What every script of the harness shares: messages, checks, the cache's place.

readonly EXIT_HARNESS=3
QEMU_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD_DIR=$(dirname "$QEMU_DIR")/build/vm
CACHE_DIR=${ASHMEM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ashmem}
readonly QEMU_DIR BUILD_DIR CACHE_DIR

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$*"
    exit "$EXIT_HARNESS"
}

need_tools() {
    local tool
    # depmod and modprobe live where an ordinary user's PATH does not look.
    PATH=$PATH:/usr/sbin:/sbin
    for tool; do
        command -v "$tool" >/dev/null || die "missing tool: $tool"
    done
}

# free_mb DIR: megabytes that can still be written below DIR
free_mb() { df -Pm -- "$1" | awk 'NR == 2 { print $4 }'; }

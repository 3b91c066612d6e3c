#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Prints a folder of the cache with what the tests of another architecture are
# linked against, which is fetched if it is not there. The cross compiler brings
# the C and C++ libraries; libcap and the one header of Catch2 2 are all that is left.
# usage: scripts/sysroot.sh ARCH
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=qemu/lib/common.sh
source "$here/../qemu/lib/common.sh"
# shellcheck source=qemu/lib/machine.sh
source "$here/../qemu/lib/machine.sh"
# shellcheck source=qemu/lib/apt.sh
source "$here/../qemu/lib/apt.sh"

(($# == 1)) || die "usage: sysroot.sh ARCH"
suite=bookworm
dir=$CACHE_DIR/sysroots/$suite-$1
if [[ ! -d $dir ]]; then
    say "fetching libcap and Catch2 for $1"
    mkdir -p "$CACHE_DIR/sysroots"
    work=$(mktemp -d "$CACHE_DIR/sysroots/.fetch.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    apt_private "$work/apt" "$1" "$suite" "$suite-security"
    {
        apt-get "${apt_options[@]}" -q update --error-on=any
        cd "$work" && apt-get "${apt_options[@]}" -q download libcap-dev catch2
    } >"$work/log" 2>&1 || die "$(grep -m 1 '^E: ' "$work/log")"
    for deb in "$work"/*.deb; do dpkg -x "$deb" "$work/root"; done
    mkdir -p "$work/out/lib/cmake"
    # another run may have been faster, with the same outcome
    mv "$work/root/usr/include" "$work/out/"
    find "$work/root/usr/lib" -name '*.a' -exec mv -t "$work/out/lib" {} +
    find "$work/root/usr" -path '*/cmake/Catch2' -exec mv -t "$work/out/lib/cmake" {} +
    mv -T "$work/out" "$dir" 2>/dev/null || [[ -d $dir ]]
fi
printf '%s\n' "$dir"

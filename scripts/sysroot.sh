#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Prints a folder of the cache with what the tests of another architecture are
# linked against, which is fetched if it is not there. The cross compiler brings
# the C and C++ libraries; libcap is all that is left.
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
dir=$CACHE_DIR/sysroots/$1
if [[ ! -d $dir ]]; then
    say "fetching libcap for $1"
    mkdir -p "$CACHE_DIR/sysroots"
    work=$(mktemp -d "$CACHE_DIR/sysroots/.fetch.XXXXXX")
    trap 'rm -rf -- "$work"' EXIT
    apt_private "$work/apt" "$1" "$suite" "$suite-security"
    {
        apt-get "${apt_options[@]}" -q update --error-on=any
        cd "$work" && apt-get "${apt_options[@]}" -q download libcap-dev
    } >"$work/log" 2>&1 || die "$(grep -m 1 '^E: ' "$work/log")"
    dpkg -x "$work"/libcap-dev_*.deb "$work/root"
    mkdir -p "$work/out/lib"
    # another run may have been faster, with the same outcome
    mv "$work/root/usr/include" "$work/out/" && mv "$work"/root/usr/lib/*/*.a "$work/out/lib/"
    mv -T "$work/out" "$dir" 2>/dev/null || [[ -d $dir ]]
fi
printf '%s\n' "$dir"

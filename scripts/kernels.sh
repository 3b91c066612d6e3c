#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares with qemu/kernels what repeats a part of it: README.md's list has every
# row and no other, and dkms.conf builds for each of them, and for nothing older.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"

status=0
rows() { "$ROOT/qemu/query" rows; }

complain() {
    printf '%s\n' "$*"
    status=1
}

# shellcheck disable=SC2016  # backquotes as such
listed() { sed -nE 's/^\| `([0-9][^`]*)` \|.*/\1/p' "$ROOT/README.md"; }
diff --label qemu/kernels --label README.md <(rows) <(listed) || status=1

# shellcheck disable=SC2034  # dkms.conf reads it
kernel_source_dir=
# shellcheck source=kmod/dkms.conf
source "$ROOT/kmod/dkms.conf"
version=$(sed -n 's/^ASHMEM_VERSION := //p' "$ROOT/kmod/Kbuild")
[[ $PACKAGE_VERSION == "$version" ]] || complain "dkms.conf is of version $PACKAGE_VERSION, Kbuild of $version"
builds() { [[ $1 =~ $BUILD_EXCLUSIVE_KERNEL ]]; }
for id in $(rows); do
    builds "${id%%-*}.1-1-amd64" || complain "dkms.conf leaves out $id of qemu/kernels"
done
oldest=$(rows | sort -V | head -n 1)
older=${oldest%.*}.$((${oldest#*.} - 1))
for release in "$older.200-1-amd64" 4.19.0-1-amd64; do
    ! builds "$release" || complain "dkms.conf builds for $release, which is older than all of qemu/kernels"
done
exit "$status"

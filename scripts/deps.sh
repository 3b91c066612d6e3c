#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the Debian packages that are missing for what is about to be done.
# usage: scripts/deps.sh GROUP...   (python library build consumer vm arm64 i386 debug fuzz lint)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"

declare -A packages=(
    [python]="python3"
    [library]="python3 make cmake ccache gcc g++ libc6-dev"
    [build]="python3 make cmake abigail-tools ccache gcc g++ libc6-dev binutils catch2 libcap-dev nettle-dev libelf-dev libpng-dev"
    [consumer]="pkgconf android-libcutils-dev"
    [vm]="qemu-system-x86 seabios busybox-static cpio gzip kmod pahole xz-utils zstd libelf-dev gcc-12 make debian-archive-keyring"
    [arm64]="qemu-system-arm gcc-12-aarch64-linux-gnu g++-aarch64-linux-gnu"
    [i386]="g++-i686-linux-gnu"
    [debug]="gcc-12 make flex bison bc libelf-dev xz-utils"
    [fuzz]="clang libclang-rt-dev"
    [lint]="sparse clang-tidy clang-format shellcheck codespell perl pyflakes3"
)

missing=()
for group in "$@"; do
    [[ -v packages[$group] ]] || die "no group $group (there are: ${!packages[*]})"
    for package in ${packages[$group]}; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
done
((${#missing[@]})) || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

say "installing ${missing[*]}"
sudo=()
if ((EUID)); then
    command -v sudo >/dev/null || die "missing: ${missing[*]}; install them, or sudo, as root"
    sudo=(sudo)
fi
quietly "$BUILD/log/apt-update" "${sudo[@]}" apt-get -q update ||
    die "apt-get update failed: is there a network?"
quietly "$BUILD/log/apt-install" "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q install -y --no-install-recommends "${missing[@]}" ||
    die "apt-get could not install ${missing[*]}"
say "installed in $SECONDS s"

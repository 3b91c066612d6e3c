#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make install, make uninstall: the libraries, their headers, and how pkg-config and
# CMake find them. PREFIX is /usr/local; LIBDIR and INCLUDEDIR are below it; DESTDIR is
# another root. Only files that an installation has are removed, and folders of ours
# that are empty then.
# usage: scripts/install.sh install|uninstall
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"

prefix=${PREFIX:-/usr/local}

# option NAME VALUE: for cmake, which takes folders below the prefix as such, and
# chooses what is not given
option() {
    local dir=${2%/}
    if [[ -n $dir ]]; then
        printf -- '-DCMAKE_INSTALL_%s=%s\n' "$1" "${dir#"$prefix"/}"
    else
        printf -- '-UCMAKE_INSTALL_%s\n' "$1"
    fi
}

# remove FILE: and the folders above it that have our name and nothing else in them
remove() {
    local dir
    rm -f -- "$1"
    dir=$(dirname -- "$1")
    while [[ $dir == */ashmem || $dir == */ashmem/* || $dir == */libashmem || $dir == */libashmem/* ]]; do
        rmdir -- "$dir" 2>/dev/null || return 0
        dir=$(dirname -- "$dir")
    done
}

# uninstall: what an installation puts there is what one into a folder of ours puts there
uninstall() {
    local stage=$BUILD/uninstall file
    rm -rf -- "$stage"
    DESTDIR=$stage cmake --install "$BUILD" --prefix "$prefix"
    while IFS= read -rd '' file; do
        remove "${DESTDIR-}${file#"$stage"}"
    done < <(find "$stage" ! -type d -print0)
    rm -rf -- "$stage"
}

mapfile -t folders < <(option LIBDIR "${LIBDIR-}" && option INCLUDEDIR "${INCLUDEDIR-}")
"$here/deps.sh" library
"$here/build" cmake default libraries -- "${folders[@]}"
case ${1-} in
    install) quietly "$BUILD/log/install" cmake --install "$BUILD" --prefix "$prefix" ;;
    uninstall) quietly "$BUILD/log/uninstall" uninstall ;;
    *) die "usage: install.sh install|uninstall" ;;
esac

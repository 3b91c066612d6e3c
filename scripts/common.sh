# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts share: where things are, how they speak.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build

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

# compile MAKE-ARGUMENT...: make, with what was ever compiled taken from the cache, so
# that a second clone need not do it again
compile() {
    local cache=${ASHMEM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ashmem}
    PATH=/usr/lib/ccache:$PATH CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1 \
        make "$@"
}

build_library() {
    say "library"
    quietly "$BUILD/log/lib" compile -C "$ROOT/libashmem" "-j$(nproc)" WERROR=1 "$@"
}

# tests_of ARCH: the folder of its test programs
tests_of() { printf '%s\n' "$BUILD${1:+/$1}/tests" | sed 's|/amd64/|/|'; }

# build_tests ARCH: for this machine, or another Debian architecture by its cross
# compiler, with a library of their own
build_tests() {
    local arch=$1 cross sysroot
    say "test programs for $arch"
    if [[ $arch == amd64 ]]; then
        quietly "$BUILD/log/tests" compile -C "$ROOT/tests" "-j$(nproc)" all dynamic
        return
    fi
    case $arch in
        arm64) cross=aarch64-linux-gnu ;;
        i386) cross=i686-linux-gnu ;;
        *) die "no cross compiler is known for $arch" ;;
    esac
    sysroot=$("$ROOT/scripts/sysroot.sh" "$arch")
    quietly "$BUILD/log/lib-$arch" compile -C "$ROOT/libashmem" "-j$(nproc)" "O=$BUILD/$arch/lib" \
        "CC=$cross-gcc" "CXX=$cross-g++" "AR=$cross-ar" WERROR=1 static
    quietly "$BUILD/log/tests-$arch" compile -C "$ROOT/tests" "-j$(nproc)" "O=$BUILD/$arch/tests" \
        "LIB=$BUILD/$arch/lib" "CXX=$cross-g++" "CPPFLAGS=-I$sysroot/include" "LDLIBS=-L$sysroot/lib"
}

# build_sanitized SANITIZERS: the library's tests under these, and the library;
# after build_tests, of which it takes Catch2
build_sanitized() {
    local dir=$BUILD/$1 flags="-O1 -g1 -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=$1"
    # gcc 12 sees uninitialized members in its own <regex> under ASan
    flags+=" -Wno-maybe-uninitialized"
    say "library and its tests with -fsanitize=$1"
    quietly "$BUILD/log/lib-$1" compile -C "$ROOT/libashmem" "-j$(nproc)" "O=$dir/lib" \
        "CXXFLAGS=$flags" WERROR=1 static
    quietly "$BUILD/log/tests-$1" compile -C "$ROOT/tests" "-j$(nproc)" "O=$dir/tests" "LIB=$dir/lib" \
        "CXXFLAGS=$flags" LINK= PARTS=library "MAIN=$BUILD/tests/support/main.o" \
        "$dir/tests/ashmem-tests"
}

# build_module KERNEL: leaves build/kmod/KERNEL/ashmem.ko
build_module() {
    # which has more to say than a build
    "$ROOT/qemu/fetch.sh" "$1"
    say "module for $1"
    mkdir -p "$BUILD/kmod/$1"
    cp -a -u "$ROOT/kmod/." "$BUILD/kmod/$1"
    quietly "$BUILD/log/kmod-$1" "$ROOT/qemu/kbuild.sh" "$1" "$BUILD/kmod/$1" modules
}

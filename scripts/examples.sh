#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compiles the examples of the documentation: every block that is marked c or
# cpp and stands at the left margin. A block without an #include continues no
# other: it is the body of a function, with <ashmem/ashmem.h> or .hpp above it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"

out=$BUILD/examples
flags=(-Wall -Wextra -Werror -Wno-unused-variable -fsyntax-only -I "$ROOT/libashmem/include" -I "$ROOT/kmod/uapi")
rm -rf "$out"
mkdir -p "$out"

# blocks FILE: writes each to out/NAME-N.c or .cpp
blocks() {
    awk -v base="$out/$(basename "$(dirname "$1")")-$(basename "$1" .md)" '
        /^```cp?p?$/ { file = base "-" ++n "." substr($0, 4); next }
        /^```/ { file = ""; next }
        file { print > file }' "$1"
}

compile() {
    local source=$1
    if ! grep -q '^#include' "$source"; then
        case $source in
            *.cpp) sed -i '1i #include <ashmem/ashmem.hpp>\nvoid example(int socket) {' "$source" ;;
            *) sed -i '1i #include <ashmem/ashmem.h>\n#include <sys/mman.h>\nvoid example(void) {' "$source" ;;
        esac
        echo '}' >>"$source"
    fi
    case $source in
        *.cpp) "${CXX:-g++}" -std=c++20 "${flags[@]}" "$source" ;;
        *) "${CC:-gcc}" -std=c99 "${flags[@]}" "$source" ;;
    esac
}

while read -r page; do blocks "$ROOT/$page"; done < <(git -C "$ROOT" ls-files '*.md')
count=0
for source in "$out"/*.c "$out"/*.cpp; do
    [[ -e $source ]] || continue
    compile "$source"
    count=$((count + 1))
done
((count)) || die "no examples found in the documentation"
echo "$count examples compile"

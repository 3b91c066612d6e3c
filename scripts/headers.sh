#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compiles every public header alone: all of them as C++20, those of the C library
# as C99 too.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"

include=$ROOT/libashmem/include
flags=(-Wall -Wextra -Wshadow -Wconversion -Werror -fsyntax-only
    "-I$include" "-I$ROOT/kmod/uapi" -D_FILE_OFFSET_BITS=64)
c_headers=(android/sharedmem.h ashmem/ashmem.h cutils/ashmem.h)

for header in "${c_headers[@]}"; do
    "${CC:-cc}" -std=c99 -pedantic "${flags[@]}" -x c "$include/$header"
done
while read -r header; do
    "${CXX:-c++}" -std=c++20 "${flags[@]}" -include "$header" -x c++ /dev/null
done < <(find "$include" -name '*.h' -o -name '*.hpp')

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares what the shared libraries in build/lib export with libashmem/exports: the
# names with the lists, the layouts of what these take and answer with the dumps that
# libabigail made. Then looks at what C programs would load with them.
# usage: scripts/abi.sh [--update]   (writes the lists anew; look at the difference)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"

exports=$ROOT/libashmem/exports

# symbols FILE: with their version nodes, as C++ names, in a fixed order
symbols() {
    echo '# SPDX-License-Identifier: Apache-2.0'
    nm -D --defined-only "$1" | cut -d' ' -f3- | c++filt | LC_ALL=C sort
}

# dump LIBRARY: the layouts of what it exports, as far as our headers show them; sources
# by their names in the tree, wherever it was built
dump() {
    abidw --suppr "$exports/types.suppr" --headers-dir "$ROOT/libashmem/include" \
        --drop-private-types --drop-undefined-syms --exported-interfaces-only \
        --no-comp-dir-path --no-corpus-path --no-elf-needed --no-parameter-names --no-show-locs \
        "$BUILD/lib/$1.so" |
        sed -E "1a\\  <!-- SPDX-License-Identifier: Apache-2.0 -->
            s|path='[^']*/(libashmem/src/[^']*)'|path='\\1'|"
}

# same_layouts LIBRARY
same_layouts() {
    dump "$1" >"$BUILD/$1.abi"
    abidiff --suppr "$exports/types.suppr" "$exports/$1.abi" "$BUILD/$1.abi"
}

needs_only_libc() {
    ! readelf -d "$1" | grep NEEDED | grep -v 'libc\.'
}

status=0
for library in libashmem libashmemxx libashmem-binder libashmem-preload; do
    file=$BUILD/lib/$library.so
    [[ -e $file ]] || die "no $file: make lib"
    if [[ ${1-} == --update ]]; then
        symbols "$file" >"$exports/$library.symbols"
        # the preload has libc's functions, and no types of its own
        [[ $library == *-preload ]] || dump "$library" >"$exports/$library.abi"
    else
        symbols "$file" | diff -u "$exports/$library.symbols" - || status=1
        [[ $library == *-preload ]] || same_layouts "$library" || status=1
    fi
done
for library in libashmem libashmem-preload; do
    needs_only_libc "$BUILD/lib/$library.so" || {
        echo "$library.so needs more than libc"
        status=1
    }
done
exit "$status"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make lint: every linter over every file that is its business. All of them
# run, whatever the first ones say.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"
cd "$ROOT"

kernel=$DEFAULT_KERNEL
source_package=linux-source-$kernel
failed=()

# files REGEX: those that git tracks, or would
files() { git ls-files --cached --others --exclude-standard | grep -E "$1"; }

step() {
    local name=$1
    shift
    if "$@" >"$BUILD/log/lint-$name" 2>&1; then
        say "$name: clean"
    else
        cat "$BUILD/log/lint-$name"
        say "$name: failed"
        failed+=("$name")
    fi
}

# checkpatch is a part of the kernel's source, which no other package carries.
fetch_checkpatch() {
    local dir=$CACHE_DIR/checkpatch work
    [[ ! -e $dir/checkpatch.pl ]] || return 0
    say "fetching checkpatch with $source_package"
    mkdir -p "$CACHE_DIR"
    work=$(mktemp -d "$CACHE_DIR/checkpatch.XXXXXX")
    # shellcheck disable=SC2064  # this directory, not a later one
    trap "rm -rf '$work'" EXIT
    (cd "$work" && apt-get -q -o "APT::Sandbox::User=$(id -un)" download "$source_package") ||
        die "cannot fetch $source_package: try apt-get update first"
    dpkg-deb --fsys-tarfile "$work"/*.deb |
        tar -xO "./usr/src/$source_package.tar.xz" |
        tar -xJ -C "$work" --strip-components=2 \
            "$source_package"/scripts/{checkpatch.pl,spelling.txt,const_structs.checkpatch}
    rm "$work"/*.deb
    mv "$work" "$dir"
}

checkpatch() {
    # locks are described in kernel-doc, and the file operations that would be
    # const are a copy made at run time
    files '^kmod/.*\.[ch]$|^tests/squatter/.*\.c$' |
        xargs perl "$CACHE_DIR/checkpatch/checkpatch.pl" --no-tree --strict --terse --show-types \
            --ignore UNCOMMENTED_DEFINITION,CONST_STRUCT -f
}

# sparse and gcc's W=1, on the kernel's own terms; neither fails the build
kernel_warnings() {
    local kdir dir=$BUILD/lint/kmod
    kdir=$("$ROOT/qemu/fetch.sh" --print "$kernel" kdir)
    rm -rf "$dir"
    mkdir -p "$(dirname "$dir")"
    cp -a "$ROOT/kmod" "$dir"
    make -C "$dir" KDIR="$kdir" compat/features.h
    make -C "$kdir" M="$dir" C=2 W=1 modules 2>&1 | tee "$dir/warnings"
    ! grep -E "(warning|error):" "$dir/warnings" | grep -F "$dir"
}

clang_format() { files '\.[ch]pp$' | xargs clang-format --dry-run -Werror; }

clang_tidy() {
    # shellcheck disable=SC2016  # the inner shell's
    files '^(libashmem|qemu|tests)/.*\.cpp$' |
        xargs -P "$(nproc)" -n 3 sh -c 'clang-tidy --quiet "$@" -- -std=c++20 -Itests \
            -Ikmod/uapi -Ilibashmem/include -D_FILE_OFFSET_BITS=64 2>/dev/null' tidy
}

shell() { files '' | xargs grep -lE '^#!.*\b(ba)?sh$' | xargs shellcheck -x -P SCRIPTDIR; }

# what Python compiles, and what is imported and never used or used and never set
python() {
    local sources
    mapfile -t sources < <(files '' | xargs grep -lE '^#!.*\bpython3$' && files '\.py$')
    mapfile -t sources < <(printf '%s\n' "${sources[@]}" | sort -u)
    python3 -c 'import sys; [compile(open(name).read(), name, "exec") for name in sys.argv[1:]]' \
        "${sources[@]}" && pyflakes3 "${sources[@]}"
}

spelling() { files '' | grep -v '^LICENSE-' | xargs codespell --ignore-words-list=statics,filp; }

# every file says under which licence it stands, in its first lines
spdx() {
    local file status=0
    for file in $(files '' | grep -vE '^LICENSE'); do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier' || { echo "$file" && status=1; }
    done
    return "$status"
}

"$here/deps.sh" build vm lint
mkdir -p "$BUILD/log"
fetch_checkpatch
step checkpatch checkpatch
step sparse-and-W1 kernel_warnings
step clang-format clang_format
step clang-tidy clang_tidy
step shellcheck shell
step pyflakes python
step codespell spelling
step spdx spdx
if ((${#failed[@]})); then
    say "lint failed: ${failed[*]}"
    exit 1
fi
say "lint is clean"

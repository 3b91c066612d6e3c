#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make demo: programs share a file's contents, a heap and frames through regions, in
# a VM, by socket and by Binder; a cache yields in a container. A frame comes out as a
# picture.
# FILE is the file (default: the kernel that boots), MEMORY the guest's MB.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"

kernel=$DEFAULT_KERNEL
memory=${MEMORY:-512}
file=${FILE:-}

# The demo holds the file several times over and then fills what is left; it
# takes files of up to an eighth of the guest's memory, of which the kernel
# keeps some for itself.
check_file() {
    local size most
    [[ $memory =~ ^[0-9]+$ ]] || die "MEMORY=$memory is not a number of MB"
    [[ -z $file ]] && return
    [[ -e $file ]] || die "FILE=$file does not exist"
    [[ -f $file ]] || die "FILE=$file is not a regular file"
    [[ -r $file ]] || die "FILE=$file cannot be read"
    [[ -s $file ]] || die "FILE=$file is empty: there is nothing to share"
    size=$(stat -Lc %s "$file")
    most=$((memory * 1024 * 1024 / 10))
    ((size <= most)) ||
        die "FILE=$file has $((size >> 20)) MB, a guest of $memory MB takes $((most >> 20)): ask for more with MEMORY=$((size * 10 / 1024 / 1024 + 64))"
}

check_file
"$here/deps.sh" build vm
"$here/build" module "$kernel"
"$here/build" cmake default demo examples
[[ -n $file ]] || file=$("$ROOT/qemu/fetch.sh" --print "$kernel" vmlinuz)

add=()
for program in ashmem-demo{,-server,-client,-cache,-hog}; do
    add+=(--add "$BUILD/lib/demo/$program")
done
for program in binder-pair compositor thumbnails; do add+=(--add "$BUILD/lib/examples/$program"); done
in_guest=/data/$(basename -- "$file")
say "booting $kernel with $memory MB, real swap and $(basename -- "$file")"
"$ROOT/qemu/run" --kernel "$kernel" --name demo --memory "$memory" --swap "$memory" \
    --kernel-module binder_linux --module "$BUILD/kmod/$kernel/ashmem.ko" \
    "${add[@]}" --add "$file:$in_guest" --get /frame-30.png \
    -- /bin/ashmem-demo "$in_guest"
echo "a frame of act four, as a picture: ${BUILD#"$PWD/"}/vm/demo/frame-30.png"

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make shell: a prompt in a VM with the module loaded, the shared libraries with
# what they need, the demo programs and the tests. ADD="file..." adds to /bin.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"

kernel=$DEFAULT_KERNEL
"$here/deps.sh" build vm
"$here/build" module "$kernel"
"$here/build" cmake default libraries demo
"$here/build" tests amd64

add=(--add "$BUILD/tests/ashmem-tests")
for program in ashmem-demo{,-server,-client,-cache,-hog}; do
    add+=(--add "$BUILD/lib/demo/$program")
done
for file in ${ADD:-}; do add+=(--add "$file"); done

# programs that are linked against the shared libraries run as they do here
libraries=("$BUILD/lib/libashmem.so.1" "$BUILD/lib/libashmemxx.so.1" "$BUILD/lib/libashmem-binder.so.0")
for library in "${libraries[@]}"; do add+=(--add "$library:/lib/$(basename "$library")"); done
while read -r path; do add+=(--add "$path:$path"); done < <(
    ldd "${libraries[@]}" | grep -oE '/[^ ]+\.so[^ :]*' | grep -v "^$BUILD" | sort -u)

echo "the prompt ends with exit or Ctrl-A X; try: ashmem-demo /bin/busybox"
exec "$ROOT/qemu/run" --kernel "$kernel" --name shell --memory 512 --swap 512 --shell \
    --module "$BUILD/kmod/$kernel/ashmem.ko" "${add[@]}"

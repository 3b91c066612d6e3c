#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# kbuild.sh KERNEL DIR [MAKE-ARGUMENT...]
#
# Runs make in DIR, whose makefile takes KDIR, so that it builds modules for a
# kernel of the table, which is fetched first; where only a Kbuild is, the
# kernel's makefile is run for it. Compiler, architecture and the root that some
# kernels' tools need are seen to here. Ends with make's status, or 3.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/common.sh
source "$here/lib/common.sh"
# shellcheck source=lib/kernel.sh
source "$here/lib/kernel.sh"
# shellcheck source=lib/machine.sh
source "$here/lib/machine.sh"
# shellcheck source=lib/tools.sh
source "$here/lib/tools.sh"

(($# >= 2)) || die "usage: kbuild.sh KERNEL DIR [MAKE-ARGUMENT...] (known kernels: $(kernel_ids))"
id=$1
dir=$(realpath -e -- "$2" 2>/dev/null) || die "no such directory: $2"
shift 2
kernel_row "$id"
set_machine "$K_ARCH"
kernel_is_cached "$id" || "$here/fetch.sh" "$id" || exit "$EXIT_HARNESS"

inside=()
if ((K_OWN_TOOLS)); then
    kdir=/usr/src/linux-headers-$(kernel_get "$id" release)
    choose_inside "$(kernel_get "$id" root)" "$dir"
else
    kdir=$(kernel_get "$id" kdir)
    need_tools make "$cross$K_CC"
    # These headers come with what types are described relative to.
    [[ ! -e $kdir/vmlinux ]] || need_tools pahole
fi
if [[ -f $dir/Makefile ]]; then
    command=(make -C "$dir" "KDIR=$kdir")
else
    command=(make -C "$kdir" "M=$dir")
fi
command+=("CC=$cross$K_CC")
((!foreign)) || command+=("ARCH=$kernel_arch" "CROSS_COMPILE=$cross")
exec "${inside[@]}" "${command[@]}" "$@"

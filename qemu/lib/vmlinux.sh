# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Extracts the kernel from its self-extracting image. Emulated decompression takes more
# than half of a boot; an ELF image with a PVH entry needs none. Only the random load
# address is lost.

# le32 FILE OFFSET: a 32-bit number of the boot header
le32() { od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '; }

# extract_vmlinux VMLINUZ TARGET: fails, and leaves no target, if QEMU has to boot the
# image as it is
extract_vmlinux() {
    local sectors start length unpacker
    [[ $(od -An -c -j 514 -N 4 "$1" | tr -d ' ') == HdrS ]] || return 1
    sectors=$(od -An -tu1 -j 497 -N 1 "$1")
    start=$(((sectors + 1) * 512 + $(le32 "$1" 584)))
    length=$(le32 "$1" 588)
    case $(od -An -tx1 -j "$start" -N 4 "$1" | tr -d ' ') in
        fd377a58) unpacker=(xz -dcq --single-stream) ;;
        28b52ffd) unpacker=(zstd -dcq) ;;
        1f8b08*) unpacker=(gzip -dcq) ;;
        *) return 1 ;;
    esac
    # The unpacked size follows the stream, which zstd and gzip complain about.
    tail -c "+$((start + 1))" "$1" | head -c "$((length - 4))" |
        "${unpacker[@]}" >"$2" 2>/dev/null
    if ! readelf -n "$2" 2>/dev/null | grep -q '0x00000012'; then
        rm -f -- "$2"
        return 1
    fi
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154  # `run` holds the other ends
# Builds the initramfs: the first process, busybox, modules, files.

# build_init: compiles the first process when its sources are newer
build_init() {
    local init=$BUILD_DIR/init-$K_ARCH
    mkdir -p "$BUILD_DIR" 2>/dev/null || die "cannot create $BUILD_DIR"
    (
        flock 9
        [[ ! -x $init || -n $(find "$QEMU_DIR/init" -newer "$init") ]] || exit 0
        "${cross}g++" -std=c++20 -O2 -Wall -Wextra -static -o "$init.new" "$QEMU_DIR"/init/*.cpp \
            >"$init.log" 2>&1 || die "cannot build the guest's first process, see $init.log"
        mv "$init.new" "$init"
    ) 9>"$init.lock"
}

# busybox_static: the host's busybox, which must be static, or for a guest of another
# architecture the one that was fetched with the kernel
busybox_static() {
    local path
    if ((foreign)); then
        kernel_get "$kernel" busybox
        return
    fi
    path=$(command -v busybox) || die "missing tool: busybox (static)"
    ! ldd "$path" >/dev/null 2>&1 || die "$path is not static"
    printf '%s\n' "$path"
}

# tree_start TREE: a guest with nothing but the first process
tree_start() {
    rm -rf -- "$1"
    mkdir -p "$1"/{bin,sbin,dev,proc,sys,tmp,run,root,etc,vm/lib}
    cp "$BUILD_DIR/init-$K_ARCH" "$1/init"
    : >"$1/vm/modules"
    printf 'results=%s\n' "$results_tty" >"$1/vm/config"
}

# tree_module TREE FILE: adds a module to load, decompressed here since not every kernel
# can do that
tree_module() {
    local tree=$1 file=$2 name
    name=${file##*/}
    [[ -r $file ]] || die "cannot read module $file"
    case $name in
        *.ko) cp -- "$file" "$tree/vm/lib/$name" ;;
        *.ko.xz) need_tools xz && name=${name%.xz} && xz -dc -- "$file" >"$tree/vm/lib/$name" ;;
        *.ko.zst) need_tools zstd && name=${name%.zst} && zstd -qdc -- "$file" >"$tree/vm/lib/$name" ;;
        *) die "not a module: $file" ;;
    esac || die "cannot copy module $file (disk full?)"
    printf '/vm/lib/%s\n' "$name" >>"$tree/vm/modules"
}

# tree_add TREE SRC[:DST]: adds a file of the host, with its mode
tree_add() {
    local tree=$1 source=$2 target
    if [[ -f $source ]]; then
        target=/bin/${source##*/}
    else
        target=${source##*:}
        source=${source%:*}
    fi
    [[ -f $source && -r $source ]] || die "cannot read $source"
    [[ $target == /* ]] || die "--add: $target is not an absolute path of the guest"
    mkdir -p "$tree${target%/*}"
    cp -L --preserve=mode -- "$source" "$tree$target" || die "cannot copy $source (disk full?)"
}

# pack TREE ARCHIVE: not compressed, since QEMU copies it into memory anyway
pack() {
    (cd "$1" && find . -print0 | LC_ALL=C sort -z |
        cpio --null --create --format=newc --owner=0:0 --quiet) >"$2" ||
        die "cannot write $2 (disk full?)"
}

# check_memory ARCHIVE MB: while it unpacks, the guest holds the archive twice
check_memory() {
    local archive_mb needed
    archive_mb=$(($(stat -c %s "$1") / 1048576 + 1))
    needed=$((2 * archive_mb + 100))
    (($2 >= needed)) || die "--memory $2 cannot hold an initramfs of $archive_mb MB: $needed MB wanted"
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # the files that source this read them
# The table of kernels, and what a fetched kernel consists of.

# kernel_cells: the table, a line for each cell: row, column and value. The last comment
# in the table names the columns.
kernel_cells() {
    awk '/^# id / { for (i = 2; i <= NF; i++) column[i - 1] = $i }
        /^#/ || !NF { next }
        { for (i = 1; i <= NF; i++) print $1, column[i], $i }' "$QEMU_DIR/kernels"
}

kernel_ids() { kernel_cells | awk '$2 == "id" { printf "%s%s", sep, $1; sep = " " }'; }

# kernel_field ID COLUMN: nothing for a cell that is empty
kernel_field() {
    local columns=' id suites arch image cc gate config ' # as the table explains them
    [[ $columns == *" $2 "* ]] || die "qemu/kernels has no column $2 (there are:${columns% })"
    [[ " $(kernel_ids) " == *" $1 "* ]] || die "no such kernel: $1 (known: $(kernel_ids))"
    kernel_cells | awk -v id="$1" -v column="$2" '$1 == id && $2 == column { print $3 }'
}

# kernels_required: those whose failure fails a check. Kernels that are built here have
# a check of their own.
kernels_required() {
    kernel_cells | awk '$2 == "gate" && $3 == "must" { must[++rows] = $1 }
        $2 == "config" { built[$1] = 1 }
        END { for (i = 1; i <= rows; i++) if (!(must[i] in built)) print must[i] }'
}

# kernel_row ID: sets K_SUITES, K_ARCH, K_IMAGE, K_CC, K_TOOLS, K_OWN_TOOLS, K_GATE and,
# if it is built here, K_CONFIG
kernel_row() {
    local id column value
    K_SUITES='' K_ARCH='' K_IMAGE='' K_CC='' K_GATE='' K_CONFIG=''
    while read -r id column value; do
        [[ $id != "$1" ]] || printf -v "K_${column^^}" %s "$value"
    done < <(kernel_cells)
    [[ -n $K_GATE ]] || die "no such kernel: $1 (known: $(kernel_ids))"
    [[ " must may builds " == *" $K_GATE "* ]] ||
        die "$1: the gate must be must, may or builds, not $K_GATE"
    K_OWN_TOOLS=0
    [[ $K_CC != own:* ]] || K_OWN_TOOLS=1
    K_CC=${K_CC#own:}
    # what make has to be told
    K_TOOLS=("CC=$K_CC")
    # shellcheck disable=SC2034  # kbuild and build.sh read it
    [[ $K_CC != clang* ]] || K_TOOLS+=(LLVM=1)
}

kernel_dir() { printf '%s/kernels/%s\n' "$CACHE_DIR" "$1"; }

# kernel_config: the options of a kernel that is built here
kernel_config() { cat "$QEMU_DIR/config/guest.fragment" "$QEMU_DIR/config/$K_CONFIG"; }

# build_key SOURCE: a hash of what a kernel is built from: source, options, compiler
build_key() {
    {
        printf '%s\n' "$1"
        kernel_config
        "$K_CC" --version 2>&1 || true
    } | sha256sum | cut -c1-32
}

# `packages` is written last, before the folder is moved into place. A kernel that would
# now be built from something else counts as absent.
kernel_is_cached() {
    local dir
    dir=$(kernel_dir "$1")
    [[ -f $dir/packages ]] || return 1
    kernel_row "$1"
    [[ -z $K_CONFIG || $(<"$dir/key") == "$(build_key "$(<"$dir/packages")")" ]]
}

# kernel_get ID KEY: one fact about a fetched kernel
kernel_get() {
    local dir release
    dir=$(kernel_dir "$1")
    release=$(<"$dir/release")
    case $2 in
        release) printf '%s\n' "$release" ;;
        root) printf '%s\n' "$dir/root" ;;
        vmlinuz) printf '%s\n' "$dir/root/boot/vmlinuz-$release" ;;
        boot) if [[ -f $dir/vmlinux ]]; then printf '%s\n' "$dir/vmlinux"; else kernel_get "$1" vmlinuz; fi ;;
        # Only a kernel for another architecture brings one.
        busybox) printf '%s\n' "$dir"/root/bin/busybox ;;
        kdir) printf '%s\n' "$dir/root/usr/src/linux-headers-$release" ;;
        *) die "no such key: $2 (known: release root vmlinuz boot kdir)" ;;
    esac
}

# kernel_module_files ID NAME...: the files to load, dependencies first
kernel_module_files() {
    local id=$1 name lines
    shift
    for name; do
        lines=$(modprobe -d "$(kernel_get "$id" root)" -S "$(kernel_get "$id" release)" \
            --ignore-install --show-depends "$name" 2>&1) ||
            die "kernel $id has no module $name"
        awk '$1 == "insmod" { print $2 }' <<<"$lines"
    done | awk '!seen[$0]++'
}

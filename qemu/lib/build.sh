# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154  # what build() takes from who calls it
# A kernel that is built here: Debian's source with a configuration of ours,
# laid out as its packages would be.

worker=

need_build() {
    need_tools "$K_CC" make flex bison bc setpriv tar
    [[ $K_CC != clang* ]] || need_tools ld.lld llvm-ar llvm-nm llvm-objcopy
    "$K_CC" -E -include libelf.h -x c /dev/null >/dev/null 2>&1 ||
        die "missing: libelf.h (package libelf-dev)"
    mkdir -p "$BUILD_DIR" 2>/dev/null || die "cannot create $BUILD_DIR"
}

end_worker() {
    [[ -z $worker ]] || kill -TERM "$worker" 2>/dev/null || true
    [[ -z $worker ]] || wait "$worker" 2>/dev/null || true
}

# supervise WHAT COMMAND...: runs it in the background, so that this shell answers signals
# at once, and prints a line a minute; the log stays when the work folder is removed
supervise() {
    local what=$1 waited=0 log=$BUILD_DIR/kernel-$id.log
    shift
    setpriv --pdeathsig TERM "$@" >"$log" 2>&1 </dev/null 9<&- &
    worker=$!
    while kill -0 "$worker" 2>/dev/null; do
        sleep 1
        ((++waited % 60)) ||
            say "kernel $id: $what, $((waited / 60)) min, $(grep -c '^  [A-Z]' "$log" || true) steps"
    done
    # fail_step quotes the worker's error from the log.
    if ! wait "$worker"; then
        worker=
        fail_step "$what, see $log" "$log"
    fi
    worker=
}

# kernel_make ARGUMENT...: closes the lock on the cache, or a process that make leaves
# behind would go on holding it
kernel_make() { make -C "$work/source" "${K_TOOLS[@]}" HOSTCC="$K_CC" "$@" 9<&-; }

unpack_source() {
    say "kernel $id: unpacking $(du -sm "$work/debs" | cut -f1) MB of source"
    mkdir "$work/source"
    # shellcheck disable=SC2016  # the inner shell's
    supervise "unpacking the source" bash -c 'set -o pipefail
        dpkg-deb --fsys-tarfile "$1"/*.deb |
            tar -xO --wildcards "./usr/src/linux-source-*.tar.xz" |
            tar -xJ -C "$2" --strip-components=1' unpack "$work/debs" "$work/source"
    rm -rf "$work/debs"
}

# kconfig silently drops an option whose dependencies are not met.
check_config() {
    local line option dropped=()
    while read -r line; do
        case $line in
            CONFIG_*) option=${line%%=*} ;;
            '# CONFIG_'*' is not set') option=${line#'# '} option=${option%% *} ;;
            *) continue ;;
        esac
        if [[ $line == CONFIG_* ]]; then
            grep -qxF -- "$line" "$1" || dropped+=("$line")
        else
            ! grep -q "^$option=" "$1" || dropped+=("$option=n")
        fi
    done < <(kernel_config)
    ((${#dropped[@]} == 0)) || die "kernel $id does not take these of qemu/config: ${dropped[*]}"
}

# build_tree TARGET: only what is needed to build modules
build_tree() {
    mkdir -p "$1"
    (cd "$work/source" && tar -c Makefile Kbuild .config Module.symvers System.map \
        arch/x86/Makefile* arch/x86/include include scripts tools/objtool/objtool) |
        tar -x -C "$1" || fail_step "copying the build tree" /dev/null
    find "$1/scripts" -name '*.o' -delete
    # Modules are built by the compiler that built the kernel.
    sed -i "s|^CC\t*= \$(CROSS_COMPILE)gcc\$|CC = $K_CC|" "$1/Makefile"
}

# build DIR: everything below DIR/root, from the package in $work/debs, for the row that
# kernel_row "$id" has set; sets release
build() {
    local root=$1/root jobs log=$BUILD_DIR/kernel-$id.log
    jobs=$(nproc)
    unpack_source
    kernel_config >"$work/config"
    KCONFIG_ALLCONFIG=$work/config kernel_make -s allnoconfig >"$log" 2>&1 ||
        fail_step "configuring, see $log" "$log"
    check_config "$work/source/.config"
    say "kernel $id: building with $K_CC, $jobs jobs, which takes minutes"
    supervise "building" make -C "$work/source" "${K_TOOLS[@]}" HOSTCC="$K_CC" \
        "-j$jobs" bzImage modules
    release=$(<"$work/source/include/config/kernel.release")
    mkdir -p "$root/boot"
    cp "$work/source/arch/x86/boot/bzImage" "$root/boot/vmlinuz-$release" ||
        fail_step "copying the image" /dev/null
    kernel_make -s modules_install INSTALL_MOD_PATH="$root" >"$log" 2>&1 ||
        fail_step "installing modules" "$log"
    build_tree "$root/usr/src/linux-headers-$release"
    build_key "${packages[*]}" >"$1/key"
}

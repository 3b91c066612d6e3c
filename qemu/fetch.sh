#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch.sh KERNEL             fetches a kernel of the table into the cache, or
#                             its source, and builds it
# fetch.sh --print KERNEL KEY the same, then prints release, root, vmlinuz, boot
#                             (what QEMU loads) or kdir
#
# Needs neither root nor an installed package: apt is given a state of its own,
# verifies the archive's signatures as always, and dpkg unpacks into the cache.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/common.sh
source "$here/lib/common.sh"
# shellcheck source=lib/kernel.sh
source "$here/lib/kernel.sh"
# shellcheck source=lib/machine.sh
source "$here/lib/machine.sh"
# shellcheck source=lib/apt.sh
source "$here/lib/apt.sh"
# shellcheck source=lib/vmlinux.sh
source "$here/lib/vmlinux.sh"
# shellcheck source=lib/build.sh
source "$here/lib/build.sh"

work=

clean_up() {
    end_worker
    [[ -z $work ]] || rm -rf -- "$work"
    rmdir --ignore-fail-on-non-empty -- "$CACHE_DIR/kernels" 2>/dev/null || true
}

# kernel_depends PACKAGE: the other parts of a kernel that a package asks for
kernel_depends() {
    apt-cache "${apt_options[@]}" depends "$1" |
        sed -nE 's/^ *Depends: (linux-(binary|modules|headers|kbuild)-.*)/\1/p'
}

# resolve: from what the archive has now, sets packages (name=version), and for a
# kernel that is not to be built also release and tools, to be got with all that
# they depend on
resolve() {
    local image headers name version names
    tools=()
    image=$(apt-cache "${apt_options[@]}" pkgnames linux- |
        grep -Ex "$K_IMAGE" | sort -V | tail -n 1) ||
        die "the archive has no package that matches $K_IMAGE"
    names=("$image")
    if [[ -z $K_CONFIG ]]; then
        release=${image#linux-image-}
        headers=linux-headers-$release
        # shellcheck disable=SC2207  # one word a name
        names+=($(kernel_depends "$image"))
        if ((K_OWN_TOOLS)); then
            tools=(base-files "$headers" "$K_CC" make dash coreutils mawk grep sed findutils)
        else
            # shellcheck disable=SC2207
            names+=("$headers" $(kernel_depends "$headers"))
        fi
        ((!foreign)) || names+=(busybox-static)
    fi
    packages=()
    for name in "${names[@]}"; do
        # What runs here, whatever the kernel runs on.
        [[ $name != linux-kbuild-* ]] || ((!foreign)) || name+=:$(host_arch)
        version=$(apt-cache "${apt_options[@]}" policy "$name" |
            awk '$1 == "Candidate:" { print $2 }')
        [[ -n $version && $version != "(none)" ]] || die "the archive has no $name"
        packages+=("$name=$version")
    done
}

# download: into $work/debs; adds to packages what the tools brought along
download() {
    local deb archives=$work/apt/cache/archives
    say "kernel $id: fetching ${packages[*]} ${tools:+and ${tools[*]}}"
    (cd "$work/debs" && apt-get "${apt_options[@]}" -q download "${packages[@]}" >"$work/log" 2>&1 9<&-) ||
        fail_step "cannot fetch the packages" "$work/log"
    ((${#tools[@]})) || return 0
    apt-get "${apt_options[@]}" -qy --no-install-recommends --download-only \
        install "${tools[@]}" >"$work/log" 2>&1 9<&- ||
        fail_step "cannot fetch the tools" "$work/log"
    for deb in "$archives"/*.deb; do
        # shellcheck disable=SC2016  # dpkg expands these
        packages+=("$(dpkg-deb --show --showformat '${Package}=${Version}' "$deb")")
        mv "$deb" "$work/debs/"
    done
}

# unpack DIR: everything below DIR/root
unpack() {
    local deb root=$1/root final
    say "kernel $id: unpacking $(du -sm "$work/debs" | cut -f1) MB"
    final=$(kernel_dir "$id")/root
    mkdir "$root"
    # First of all the one that has /lib and the like as links, where they are.
    for deb in "$work"/debs/{base-files_,}*.deb; do
        [[ -e $deb ]] || continue
        dpkg -x "$deb" "$root" 2>"$work/log" || fail_step "unpacking ${deb##*/}" "$work/log"
    done
    rm -rf "$work/debs" "${root:?}/usr/share"
    # Newer packages keep all of the kernel in /usr/lib/modules.
    [[ -e $root/bin || ! -e $root/usr/bin ]] || ln -s usr/bin "$root/bin"
    [[ -e $root/lib ]] || ln -s usr/lib "$root/lib"
    [[ -e $root/boot/vmlinuz-$release ]] ||
        ln -s "../lib/modules/$release/vmlinuz" "$root/boot/vmlinuz-$release"
    if ((K_OWN_TOOLS)); then
        # The one choice among alternatives that a package's script would make.
        ln -s mawk "$root/usr/bin/awk"
        return 0
    fi
    # The package's makefiles and links are written for an installation in /.
    sed -i "s|/usr/src/|$final/usr/src/|g" "$root/usr/src/linux-headers-$release/Makefile"
}

# complete DIR: what the harness wants besides, as it is used from the final place
complete() {
    local root=$1/root
    rm -f "$root/lib/modules/$release/"{build,source}
    depmod -b "$root" "$release" 2>"$work/log" || fail_step "depmod" "$work/log"
    # arm64 has no image that extracts itself.
    if [[ $K_ARCH == amd64 ]] && ! extract_vmlinux "$root/boot/vmlinuz-$release" "$1/vmlinux"; then
        say "kernel $id: boots compressed, which is slower"
    fi
    printf '%s\n' "$release" >"$1/release"
    printf '%s\n' "${packages[@]}" >"$1/packages"
}

# place DIR: moves it to where it is used; what it replaces goes with $work
place() {
    local final
    final=$(kernel_dir "$id")
    [[ ! -e $final ]] || mv -T "$final" "$work/replaced"
    mv -T "$1" "$final"
}

fetch_mb() {
    if [[ -n $K_CONFIG ]]; then
        echo 5000
    elif ((K_OWN_TOOLS)); then
        echo 2000
    else
        echo 1000
    fi
}

fetch() {
    local release packages tools apt_options start=$SECONDS free
    kernel_row "$id"
    set_machine "$K_ARCH"
    # The archives, lists and unpacked files of one kernel at their largest.
    : "${VM_FETCH_MB:=$(fetch_mb)}"
    need_tools apt-get apt-cache dpkg depmod awk sed flock df readelf xz zstd gzip
    [[ -z $K_CONFIG ]] || need_build
    mkdir -p "$CACHE_DIR" 2>/dev/null || die "cannot create $CACHE_DIR"
    [[ -w $CACHE_DIR ]] || die "cannot write to $CACHE_DIR"
    exec 9<"$CACHE_DIR"
    flock -n 9 || say "waiting for another fetch" && flock 9
    ! kernel_is_cached "$id" || return 0
    free=$(free_mb "$CACHE_DIR")
    ((free >= VM_FETCH_MB)) ||
        die "not enough disk space in $CACHE_DIR: $free MB free, $VM_FETCH_MB MB wanted"
    trap clean_up EXIT
    trap 'exit $EXIT_HARNESS' INT TERM HUP
    # Whatever a killed run left behind is of no use to anyone: the lock is ours.
    rm -rf -- "$CACHE_DIR"/kernels/.fetch.*
    mkdir -p "$CACHE_DIR/kernels"
    work=$(mktemp -d "$CACHE_DIR/kernels/.fetch.XXXXXX")
    mkdir "$work/debs" "$work/out"
    # shellcheck disable=SC2086  # a word a suite
    apt_private "$work/apt" "$K_ARCH" ${K_SUITES//,/ }
    say "kernel $id: reading the package lists of ${K_SUITES//,/, }"
    apt-get "${apt_options[@]}" -q update --error-on=any >"$work/log" 2>&1 9<&- ||
        fail_step "cannot read the package archive" "$work/log"
    resolve
    download
    if [[ -n $K_CONFIG ]]; then build "$work/out"; else unpack "$work/out"; fi
    complete "$work/out"
    place "$work/out"
    say "kernel $id: $release ready, $(du -sm "$(kernel_dir "$id")" | cut -f1) MB, $((SECONDS - start)) s"
}

key=
if [[ ${1-} == --print && $# == 3 ]]; then
    key=$3
    shift
elif [[ $# != 1 || $1 == -* ]]; then
    die "usage: fetch.sh KERNEL | fetch.sh --print KERNEL release|root|vmlinuz|boot|kdir (known kernels: $(kernel_ids))"
fi
id=$1
kernel_row "$id"
kernel_is_cached "$id" || fetch
[[ -z $key ]] || kernel_get "$id" "$key"

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Runs a command in the root that holds a kernel's own compiler and tools, which are too
# new, or too old, for this machine. The mounts are private to the command.

# choose_inside ROOT DIR: sets inside, the words to put before a command so that it runs
# in ROOT, with DIR at the same place, and writes there as this user
choose_inside() {
    local as=("$QEMU_DIR/lib/inside" "$1" "$2") sudo=(sudo)
    need_tools unshare mount chroot
    [[ -t 0 ]] || sudo+=(-n)
    # As root, as root of a user namespace, or by sudo and then as this user again.
    if ((EUID == 0)) && can_mount "$1" unshare --mount; then
        inside=(unshare --mount "${as[@]}" -)
    elif can_mount "$1" unshare --map-root-user --mount; then
        inside=(unshare --map-root-user --mount "${as[@]}" -)
    elif can_mount "$1" "${sudo[@]}" unshare --mount; then
        # shellcheck disable=SC2034  # kbuild reads it
        inside=("${sudo[@]}" unshare --mount "${as[@]}" "$(id -u):$(id -g)")
    else
        die "cannot enter $1, where modules are built: this user may not mount, neither in a user namespace nor by sudo. Allow one of the two; in a chroot, make its / a mount point"
    fi
}

# can_mount ROOT COMMAND...: whether a mount over ROOT works behind COMMAND
can_mount() { "${@:2}" mount -t tmpfs none "$1/tmp" 2>/dev/null; }

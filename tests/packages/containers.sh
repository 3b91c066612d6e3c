# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What is claimed of containers. The commands are those of the page that the packages install.
page=/usr/share/doc/ashmem-doc/Documentation/containers.md
# a folder as the page's reader has it after "A client to try"
work=/opt/ashmem-tests/work

# recipe NAME: prints the block of the page after the comment "run: NAME"
recipe() {
    awk -v start="<!-- run: $1 -->" '
        $0 == start { found = 1; next }
        found && /^```/ { if (inside) exit; inside = 1; next }
        inside' "$page"
}

take() {
    recipe "$1" >/run/recipe
    test -s /run/recipe
}

# follow NAME: runs it, and stops at the first command that fails
follow() {
    take "$1"
    (cd "$work" && timeout 900 sh -ex /run/recipe)
}

# LXC shows what a container says on a terminal alone
follow_at_terminal() {
    take "$1"
    (cd "$work" && script --quiet --return \
        --command 'timeout --foreground 900 sh -ex /run/recipe' /dev/null)
}

# shares COMMAND...: its client says that it works, for each of the four versions
shares() {
    "$@" >/run/said 2>&1
    cat /run/said
    test "$(grep -c ': all is well' /run/said)" = 4
}

image() { follow image; }
with_cdi() { shares follow podman; }
by_name() { shares follow by-name; }
privileged() { shares follow privileged; }
in_lxc() { shares follow_at_terminal lxc; }
in_unprivileged_lxc() { shares follow_at_terminal lxc-unprivileged; }
in_nspawn() { shares follow nspawn; }
rootless() {
    useradd --create-home user
    cp -r "$work" /home/user/work
    chown -R user: /home/user/work
    for part in image podman; do
        recipe "$part" >/home/user/recipe
        su - user -c 'cd work && timeout 900 sh -ex ../recipe' >/run/said
    done
    cat /run/said
    test "$(grep -c ': all is well' /run/said)" = 4
}
# nobody is killed, and each says what became of its region
limits() {
    trap 'podman rm --force --time 0 quiet' EXIT
    follow limits >/run/said
    cat /run/said
    grep -Ex 'purged, [1-9][0-9]* of 49152 KiB are lost' /run/said
    grep -Fx 'kept, 0 of 49152 KiB are lost' /run/said
    test "$(grep -c ': all is well' /run/said)" = 2
    if dmesg | grep -i 'killed process'; then return 1; fi
}
without_device() {
    if podman run --rm --network none client /client all >/run/said 2>&1; then
        return 1
    fi
    cat /run/said
    test "$(grep -c 'the device is opened (last error: No such file' /run/said)" = 4
}
without_module() {
    if recipe podman | sh >/run/said 2>&1; then return 1; fi
    grep 'ashmem.dev/ashmem=all' /run/said
}

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tests which archive kernels are fetched from, with different sources of apt.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=qemu/lib/common.sh
source "$root/qemu/lib/common.sh"
# shellcheck source=qemu/lib/apt.sh
source "$root/qemu/lib/apt.sh"

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/parts"
cat >"$work/apt.conf" <<EOF
Dir::State "$work/state";
Dir::State::lists "$work/state/lists";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/parts";
EOF
unset ASHMEM_DEBIAN
export APT_CONFIG=$work/apt.conf

# expect SUITE ADDRESS: with the sources on standard input
expect() {
    local got
    cat >"$work/sources.list"
    got=$(archive_for "$1" 2>&1) || true
    [[ $got == "$2" ]] || die "for $1 from $(tr '\n' ' ' <"$work/sources.list"): $got, not $2"
}

both="deb http://a.example/debian bookworm main
deb http://b.example/debian-security bookworm-security main"
expect forky http://a.example/debian/ <<<"$both"
expect forky-security http://b.example/debian-security/ <<<"$both"
expect bookworm-security http://a.example/debian-security/ <<<'deb http://a.example/debian trixie main'
expect sid http://b.example/debian/ <<<'deb http://b.example/debian-security trixie-security main'
expect sid-security http://s.example/archive/debian-security/20250520T000000Z/ \
    <<<'deb http://s.example/archive/debian/20250520T000000Z bookworm main'
# other distributions' and third parties' archives do not have the packages
none="${0##*/}: apt reads no Debian archive: say ASHMEM_DEBIAN=ADDRESS, that of one"
expect bookworm "$none" <<<'deb http://a.example/ubuntu noble main'
expect bookworm-security "$none" <<<'deb http://a.example/tools stable main'
expect bookworm "$none" </dev/null
ASHMEM_DEBIAN='http://c.example/debian' expect forky-security http://c.example/debian-security <<<"$both"
ASHMEM_DEBIAN='http://c.example/d http://c.example/s' expect forky-security http://c.example/s <<<"$both"
ASHMEM_DEBIAN='http://c.example/d' expect forky \
    "${0##*/}: http://c.example/d has no sibling: say ASHMEM_DEBIAN='MAIN SECURITY', the addresses of both archives" \
    <<<"$both"

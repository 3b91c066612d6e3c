#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Checks that a module uses only symbols that the kernel exports. modpost checks
# the same, but only warns if a build tree has no Module.symvers.
#
# usage: symbols.sh KDIR MODULE NM
set -eu

exported=$1/Module.symvers
[ -s "$exported" ] || {
    echo "$2: $exported is missing: it says what the kernel exports" >&2
    exit 1
}
missing=$("$3" -u "$2" | awk 'NR == FNR { exports[$2]; next } !($2 in exports) { print "  " $2 }' "$exported" -)
[ -z "$missing" ] || {
    printf '%s: the kernel of %s does not export:\n%s\n' "$2" "$1" "$missing" >&2
    exit 1
}

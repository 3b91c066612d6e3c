#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In a guest with something else in the driver's place: runs the claims and compares
# with the list of deliberate differences. Those of the list run each in a process of
# its own, for some kill theirs.
# usage: reference.sh LIST CLAIMS (a file of one claim a line; as Catch2 chooses)
set -u
list=$1
ashmem-tests "$2" --list-test-names-only >/tmp/names
ashmem-tests --list-test-names-only >/tmp/all-names
grep -vxF -f /tmp/all-names "$list" >/tmp/unknown
grep -xF -f "$list" /tmp/names >/tmp/differ
grep -vxF -f "$list" /tmp/names >/tmp/same
echo "1..$(cat /tmp/names /tmp/unknown | wc -l)"

# Catch2 takes names from a file, with its own characters escaped.
run() {
    sed 's/[],\["]/\\&/g' "$1" >/tmp/chosen
    timeout "$2" ashmem-tests -f /tmp/chosen
}

# One plan is enough, and the lines may be those of a program that was killed.
run /tmp/same 240 | grep -v '^1\.\.'

number=$(wc -l </tmp/same)
report() {
    number=$((number + 1))
    echo "$1 $number - $2"
}
while IFS= read -r name; do
    printf '%s\n' "$name" >/tmp/name
    if run /tmp/name 10 >/tmp/output 2>&1 && grep -q '^1\.\.1$' /tmp/output; then
        report "not ok" "no longer differs: $name"
    else
        report ok "differs: $name"
    fi
done </tmp/differ
while IFS= read -r name; do
    report "not ok" "no such claim: $name"
done </tmp/unknown

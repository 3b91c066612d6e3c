#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In a guest with the original driver: runs each claim in a process of its own,
# for some kill theirs, and compares with the list of deliberate differences.
# usage: reference.sh LIST CLAIMS (a file of one claim a line; as Catch2 chooses)
set -u
list=$1
names=/tmp/names
ashmem-tests "$2" --list-test-names-only >$names
ashmem-tests --list-test-names-only >/tmp/all-names
grep -vxF -f /tmp/all-names "$list" >/tmp/unknown
echo "1..$(cat $names /tmp/unknown | wc -l)"

# Catch2 takes names from a file, with its own characters escaped.
holds() {
    printf '%s\n' "$1" | sed 's/[],\["]/\\&/g' >/tmp/name
    timeout 60 ashmem-tests -f /tmp/name >/tmp/output 2>&1 && grep -q '^1\.\.1$' /tmp/output
}

number=0
report() {
    number=$((number + 1))
    echo "$1 $number - $2"
}

while IFS= read -r name; do
    echo "# run $name"
    if grep -qxF -e "$name" "$list"; then
        if holds "$name"; then report "not ok" "no longer differs: $name"; else report ok "differs: $name"; fi
    elif holds "$name"; then
        report ok "$name"
    else
        report "not ok" "$name"
        grep '^#  ' /tmp/output
    fi
done <$names
while IFS= read -r name; do
    report "not ok" "no such claim: $name"
done </tmp/unknown

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# In a guest with another driver, or with the preload library: runs the claims and compares
# with the list of those that must fail. Some of these kill the program: those after them run
# in the next one. A test program that does not start does not count as failing.
# usage: reference.sh LIST CLAIMS (a file of one claim a line; as Catch2 chooses)
set -u
list=$1
work=$(mktemp -d)
failed=0
# its exit status is the number of claims
ashmem-tests "$2" --list-test-names-only >"$work/names"
ashmem-tests --list-test-names-only >"$work/all-names"
grep -vxF -f "$work/all-names" "$list" >"$work/unknown"
grep -xF -f "$list" "$work/names" >"$work/differ"
grep -vxF -f "$list" "$work/names" >"$work/same"
if ! [ -s "$work/names" ]; then
    echo "1..1"
    echo "not ok 1 - ashmem-tests starts and lists claims"
    exit 1
fi
echo "1..$(cat "$work/names" "$work/unknown" | wc -l)"

# Catch2 takes names from a file, with its own characters escaped.
run() {
    sed 's/[],\["]/\\&/g' "$1" >"$work/chosen"
    timeout "$2" ashmem-tests -f "$work/chosen"
}

# The plan was printed above, and the program may be killed. Without a name it would run
# all claims.
if [ -s "$work/same" ]; then
    { run "$work/same" 240 || : >"$work/failed"; } | grep -v '^1\.\.'
    [ ! -e "$work/failed" ] || failed=1
fi

number=$(wc -l <"$work/same")
report() {
    number=$((number + 1))
    echo "$1 $number - $2"
    [ "$1" = ok ] || failed=1
}

# compared: tells of each claim that was begun whether it differs, as it should
compared() {
    sed -n 's/^ok [0-9]* - //p' "$work/output" >"$work/held"
    while IFS= read -r name; do
        if grep -qxF -e "$name" "$work/held"; then
            report "not ok" "no longer differs: $name"
        else
            report ok "differs: $name"
        fi
    done <"$work/begun"
}

while [ -s "$work/differ" ]; do
    run "$work/differ" 20 >"$work/output" 2>&1
    status=$?
    sed -n 's/^# run [0-9]* - //p' "$work/output" | grep -xF -f "$work/differ" >"$work/begun"
    # Where time was up (the status by coreutils, by busybox), the last claim had all of it
    # only if it was the first.
    case $status in
        124 | 143) [ "$(wc -l <"$work/begun")" -lt 2 ] || sed -i '$d' "$work/begun" ;;
    esac
    compared
    if ! [ -s "$work/begun" ]; then
        head -n 1 "$work/differ" >"$work/begun"
        report "not ok" "never began: $(cat "$work/begun")"
    fi
    grep -vxF -f "$work/begun" "$work/differ" >"$work/left"
    mv "$work/left" "$work/differ"
done
while IFS= read -r name; do
    report "not ok" "no such claim: $name"
done <"$work/unknown"
rm -rf "$work"
exit "$failed"

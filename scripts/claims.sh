#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Checks Documentation/claims.md: every test it names exists, and no row is
# without one. A test is named in backquotes, exactly as the program lists it.
# Then differences.md: it has every case that random programs avoid, and each of
# these has its example. Last hacking.md: every path it names is there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/common.sh
source "$here/lib/common.sh"

table=$ROOT/Documentation/claims.md
tests=$BUILD/tests/ashmem-tests
[[ -x $tests ]] || die "no $tests: make tests"

grep -E '^\|' "$table" | grep -vE '^\| *(rule|---)' >"$BUILD/claims.rows"
[[ -s $BUILD/claims.rows ]] || die "$table has no rows"
status=0
while read -r row; do
    grep -q '`' <<<"${row#*|*|}" || { echo "no test: $row" && status=1; }
done <"$BUILD/claims.rows"

"$tests" --list-test-names-only >"$BUILD/claims.tests" || true
# shellcheck disable=SC2016  # backquotes as such
named() { sed 's/^|[^|]*|//' "$BUILD/claims.rows" | grep -oE '`[^`]+`' | tr -d '`' | sort -u; }
while read -r name; do
    grep -qxF -- "$name" "$BUILD/claims.tests" || { echo "no such test: $name" && status=1; }
done < <(named)

cases() { sed -nE 's/^\| ([^|]*) \|.*/\1/p' "$ROOT/Documentation/differences.md"; }
examples=$ROOT/tests/differential/known.txt
while read -r name; do
    cases | grep -qxF -- "$name" || { echo "no such difference: $name" && status=1; }
done < <(sed -n 's/^== //p' "$examples")
while read -r name; do
    grep -qxF -- "== $name" "$examples" || { echo "avoided without an example: $name" && status=1; }
done < <(sed -nE 's/.*return "(.*)";.*/\1/p' "$ROOT/tests/differential/differences.cpp")

# shellcheck disable=SC2016  # backquotes as such
while read -r path; do
    [[ -e $ROOT/$path ]] || { echo "hacking.md names $path, which is not there" && status=1; }
done < <(grep -oE '`(kmod|libashmem|qemu|scripts|tests)/[^` ]*' "$ROOT/Documentation/hacking.md" | tr -d '`' | sort -u)
exit "$status"

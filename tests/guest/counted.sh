#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a program, then packs what its processes and a driver that is built for gcov counted
# into /counts.tgz.
# usage: counted.sh COMMAND...
set -eu
gcov=/sys/kernel/debug/gcov

mkdir -m 1777 /counts
# so that processes of other users count into the same files
umask 0
export LLVM_PROFILE_FILE=/counts/%m%c.profraw
status=0
"$@" || status=$?
# a file of debugfs has no size, which tar goes by
[ ! -d $gcov ] || find $gcov -name '*.gcda' | while read -r file; do
    cat "$file" >"/counts/${file##*/}"
done
tar -C /counts -czf /counts.tgz .
exit $status

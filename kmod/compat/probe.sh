#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Compiles each of probes/ with a kernel's own compiler and flags and writes
# the answers as HAVE_* to a header. If a needs_* probe does not compile, the
# build ends with the sentence in it.
#
# usage: probe.sh KDIR FEATURES.H [MAKE-ARGUMENT...]
set -eu

kdir=$1
header=$2
shift 2
probes=$(dirname "$0")/probes
work=$(dirname "$header")/probing
log=$work/log

die() {
    echo "compat/probe.sh: $1" >&2
    exit 1
}

rm -rf "$work"
mkdir -p "$work"
cp "$probes"/*.c "$work"
objects=$(cd "$work" && for c in *.c; do echo "${c%.c}.o"; done)
echo "obj-m := $(echo "$objects" | tr '\n' ' ')" >"$work/Kbuild"

# With -k make tries every object. Its status is not 0, since control_no and
# perhaps others do not compile.
# shellcheck disable=SC2086  # one word an object
make -k -C "$kdir" M="$(cd "$work" && pwd)" "$@" $objects >"$log" 2>&1 || true

[ -f "$work/control_yes.o" ] ||
    { tail -n 15 "$log" >&2; die "nothing compiles against $kdir, see above"; }
[ ! -f "$work/control_no.o" ] ||
    die "the flags of $kdir let calls of undeclared functions pass"
for c in "$probes"/needs_*.c; do
    [ -f "$work/$(basename "$c" .c).o" ] ||
        die "$kdir: $(sed -n 's|^/\* \(.*\) \*/$|\1|p' "$c" | tail -n 1)"
done

{
    echo "/* Written by compat/probe.sh for $kdir. */"
    for c in "$probes"/*.c; do
        name=$(basename "$c" .c)
        case $name in control_* | needs_*) continue ;; esac
        answer=0
        [ ! -f "$work/$name.o" ] || answer=1
        echo "#define HAVE_$(echo "$name" | tr '[:lower:]' '[:upper:]') $answer"
    done
} >"$header.new"
mv "$header.new" "$header"
rm -rf "$work"

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Runs of the test program in guests, and the table that they end in: what
# check.sh and check-debug.sh share.

scale=${SCALE:-10}
[[ $scale =~ ^[1-9][0-9]{0,5}$ ]] || die "SCALE=$scale is not a number from 1 up"

# start_table DIR: the folder of this check, emptied
start_table() {
    out=$1
    summary=$out/summary
    rm -rf "$out"
    mkdir -p "$out"
    : >"$summary"
}

# claims ARGUMENT...: the names of what the arguments choose
claims() { "$BUILD/tests/ashmem-tests" --list-test-names-only "$@" || true; }

# narrowed CLAIMS: what is chosen, less what TESTS= does not choose. To Catch2 a
# comma is an or, and what stands side by side is an and.
narrowed() {
    local either both='' wanted
    [[ -n ${TESTS-} ]] || { printf '%s\n' "$1" && return; }
    while read -rd , wanted; do
        while read -rd , either; do both+=${both:+,}$either$wanted; done <<<"$1,"
    done <<<"$TESTS,"
    printf '%s\n' "$both"
}

# count FILE PLANNED: tests, passed, failed and lost of a TAP stream. What failed
# may have been shown again at its end; what was never heard of is lost.
count() {
    local tests passed failed
    tests=$(sed -nE 's/^1\.\.([0-9]+)$/\1/p' "$1" | head -n 1)
    passed=$(grep -c '^ok ' "$1" || true)
    failed=$({ grep '^not ok ' "$1" || true; } | sort -u | wc -l)
    : "${tests:=$2}"
    ((tests >= passed + failed)) || tests=$((passed + failed))
    printf '%s %s %s %s\n' "$tests" "$passed" "$failed" $((tests - passed - failed))
}

# record ROW RUN VERDICT SECONDS FILE [PLANNED]
record() {
    local tests passed failed lost
    read -r tests passed failed lost < <(count "$5" "${6:-0}")
    # a run that went wrong without a failed claim still counts as a failure
    [[ $3 == pass ]] || ((failed + lost)) || failed=1
    printf '%s %s %s %s %s %s %s\n' "$1" "$2" "$tests" "$passed" "$failed" "$lost" "$4" >>"$summary"
}

# run_harness OPTION...: the harness's own tests, with options of theirs
run_harness() {
    local start=$SECONDS verdict=pass
    say "the harness's own tests"
    "$ROOT/qemu/selftest/run" "$@" | tee "$out/harness" || verdict=fail
    record harness all "$verdict" $((SECONDS - start)) "$out/harness"
}

# build_row KERNEL: the module, and the other one that is in its way
build_row() {
    build_module "$1" || return
    mkdir -p "$BUILD/kmod/$1/squatter"
    cp -a -u "$ROOT/tests/squatter/." "$BUILD/kmod/$1/squatter"
    quietly "$BUILD/log/squatter-$1" \
        "$ROOT/qemu/kbuild.sh" "$1" "$BUILD/kmod/$1/squatter" modules || return
    : >"$out/$1-built"
}

# run_guest KERNEL ARCH GUEST: the test program of an architecture; a guest is a
# line of name, claims as Catch2 chooses them, and qemu/run's options
run_guest() {
    local kernel=$1 arch=$2 name chosen rest planned row=$1
    read -r name chosen rest <<<"$3"
    local modules=(--module "$BUILD/kmod/$kernel/ashmem.ko")
    [[ $arch != i386 ]] || row=$kernel/i386
    chosen=$(narrowed "$chosen")
    planned=$(claims "$chosen" | wc -l)
    ((planned)) || return 0
    if [[ ! -e $out/$kernel-built ]]; then
        echo "no module for $kernel" >"$out/${row/\//-}-$name"
        record "$row" "$name" lost 0 "$out/${row/\//-}-$name" "$planned"
        return
    fi
    if [[ $rest == *@no-module ]]; then
        rest=${rest%@no-module}
        modules=(--add "$BUILD/kmod/$kernel/ashmem.ko:/ashmem.ko"
            --add "$BUILD/kmod/$kernel/squatter/squatter.ko:/squatter.ko")
    fi
    # shellcheck disable=SC2086  # the options are words
    boot "$kernel" "$row" "$name" "$planned" $rest "${modules[@]}" \
        --add "$(tests_of "$arch")/ashmem-tests" \
        -- env "ASHMEM_TEST_SCALE=$scale" /bin/ashmem-tests "$chosen"
}

# boot KERNEL ROW NAME PLANNED OPTION... -- COMMAND...: shows all of a failure, of
# a pass the last line
boot() {
    local kernel=$1 row=$2 name=$3 planned=$4 start=$SECONDS verdict=pass
    local label=${row/\//-}-$name
    shift 4
    "$ROOT/qemu/run" --kernel "$kernel" --name "check-$label" --append slab_nomerge \
        "$@" >"$out/$label" 2>&1 || verdict=fail
    if [[ $verdict == pass ]]; then
        tail -n 1 "$out/$label"
    else
        grep -v '^ok \|^# run' "$out/$label" || true
    fi
    record "$row" "$name" "$verdict" $((SECONDS - start)) "$out/$label" "$planned"
}

# How many run at once: one for each processor, as far as there is memory. More of them
# are slower together, for each has two processors of its own.
at_once=$(awk -v cpus="$(nproc)" '/^MemAvailable/ {
    fit = int($2 / 1.5e6)
    print (fit > cpus ? cpus : fit > 1 ? fit : 1)
}' /proc/meminfo)

# side_by_side COMMAND...: starts it once there is room
running=0
side_by_side() {
    if ((running == at_once)); then
        wait -n || true
        running=$((running - 1))
    fi
    "$@" &
    ((running += 1))
}

# all_done: waits for what side_by_side started
all_done() {
    wait
    running=0
}

# may_fail ROW: whether the table of kernels forgives it
may_fail() {
    [[ $(awk -v id="${1%%/*}" '$1 == id { print $6 }' "$ROOT/qemu/kernels") == may ]]
}

# finish ROW...: the table and the verdict; each of these rows must be in it
finish() {
    local row bad=0 tests passed failed lost seconds all_passed=0 note
    say "summary ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
    printf '%-16s %7s %7s %7s %7s %8s\n' kernel tests passed failed lost seconds
    for row in "$@"; do
        read -r tests passed failed lost seconds < <(awk -v row="$row" '
            $1 == row { t += $(NF - 4); p += $(NF - 3); f += $(NF - 2); l += $(NF - 1); s += $NF }
            END { print t + 0, p + 0, f + 0, l + 0, s + 0 }' "$summary")
        note=
        # a row of which nothing ran is no pass
        ((tests)) || { lost=1 && note=' (nothing ran)'; }
        if ((failed + lost)); then
            if may_fail "$row"; then note+=' (may fail)'; else bad=$((bad + failed + lost)); fi
        fi
        printf '%-16s %7s %7s %7s %7s %8s%s\n' "$row" "$tests" "$passed" "$failed" "$lost" "$seconds" "$note"
        all_passed=$((all_passed + passed))
    done
    printf '\n%s passed, %s failed\n' "$all_passed" "$bad"
    ((bad == 0))
}

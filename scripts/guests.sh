# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Runs that end in one table: what check.sh and check-debug.sh share.

# what the test programs' rounds are divided by; empty for all of them
scale=

# start_table DIR: the folder of this check, emptied
start_table() {
    out=$1
    summary=$out/summary
    rm -rf "$out"
    mkdir -p "$out"
    : >"$summary"
}

# count FILE: passed and failed results of a TAP stream, of which the failed
# may have been shown again at its end
count() {
    printf '%s %s\n' "$(grep -c '^ok ' "$1" || true)" \
        "$({ grep '^not ok ' "$1" || true; } | sort -u | wc -l)"
}

# record RUN VERDICT SECONDS FILE
record() {
    local passed failed
    read -r passed failed < <(count "$4")
    # a run that went wrong without a failed claim still counts as a failure
    [[ $2 == pass ]] || ((failed)) || failed=1
    printf '%-19s %7s %7s  %-5s %5s s\n' "$1" "$passed" "$failed" "$2" "$3" >>"$summary"
}

# run_harness OPTION...: the harness's own tests, with options of theirs
run_harness() {
    local start=$SECONDS verdict=pass
    say "the harness's own tests"
    "$ROOT/qemu/selftest/run" "$@" | tee "$out/harness" || verdict=fail
    record harness "$verdict" $((SECONDS - start)) "$out/harness"
}

# build_squatter KERNEL
build_squatter() {
    mkdir -p "$BUILD/kmod/$1/squatter"
    cp -a -u "$ROOT/tests/squatter/." "$BUILD/kmod/$1/squatter"
    quietly "$BUILD/log/squatter-$1" "$ROOT/qemu/kbuild.sh" "$1" "$BUILD/kmod/$1/squatter" modules
}

# run_guest KERNEL GUEST: a guest is a line of name, claims as Catch2 chooses
# them, and qemu/run's options
run_guest() {
    local kernel=$1 name chosen rest
    read -r name chosen rest <<<"$2"
    local modules=(--module "$BUILD/kmod/$kernel/ashmem.ko")
    if [[ $rest == *@no-module ]]; then
        rest=${rest%@no-module}
        modules=(--add "$BUILD/kmod/$kernel/ashmem.ko:/ashmem.ko"
            --add "$BUILD/kmod/$kernel/squatter/squatter.ko:/squatter.ko")
    fi
    # shellcheck disable=SC2086  # the options are words
    boot "$kernel" "$name" $rest "${modules[@]}" \
        -- env ${scale:+"ASHMEM_TEST_SCALE=$scale"} /bin/ashmem-tests "$chosen"
}

# boot KERNEL NAME OPTION... -- COMMAND...: shows all of a failure, of a pass the
# last line
boot() {
    local kernel=$1 name=$2 start=$SECONDS verdict=pass output=$out/$1-$2
    shift 2
    "$ROOT/qemu/run" --kernel "$kernel" --name "check-$kernel-$name" --append slab_nomerge \
        --add "$BUILD/tests/ashmem-tests" "$@" >"$output" 2>&1 || verdict=fail
    if [[ $verdict == pass ]]; then
        tail -n 1 "$output"
    else
        grep -v '^ok \|^# run' "$output" || true
    fi
    record "$kernel $name" "$verdict" $((SECONDS - start)) "$output"
}

# two_at_a_time COMMAND...: starts it once there is room
running=0
two_at_a_time() {
    if ((running == 2)); then
        wait -n || true
        running=1
    fi
    "$@" &
    ((running += 1))
}

# finish RUNS: the table and the verdict, for which so many runs left a line
finish() {
    local passed failed
    say "summary ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
    printf '%-19s %7s %7s  %-5s %7s\n' run passed failed '' time
    cat "$summary"
    # a run's name may be two words: count from the right
    read -r passed failed < <(awk '{ p += $(NF - 4); f += $(NF - 3) } END { print p, f }' "$summary")
    printf '\n%s passed, %s failed\n' "$passed" "$failed"
    (($(wc -l <"$summary") == $1 && failed == 0))
}

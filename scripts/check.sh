#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make check: builds everything and runs every test there is, harness first.
# Ends with a table, with "N passed, N failed", and 0 only if all is well.
# KERNELS="5.10 6.12" takes other rows of qemu/kernels (default: 6.1).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$here/common.sh"

read -ra kernels <<<"${KERNELS:-6.1}"
reference_kernel=5.10 # the last that ships the original driver
out=$BUILD/check
summary=$out/summary

# What runs in guests: name, claims as Catch2 chooses them, qemu/run's options.
# The longest come first, for two run at a time.
guests=(
    "module   [module]                --timeout 300 @no-module"
    "pressure [pressure]              --timeout 300 --memory 256 --swap 512"
    "soak     [soak]                  --timeout 300"
    "race     [race],[model]          --timeout 300"
    "device   [device]~[race]~[model] --timeout 300 --memory 768"
)

# count FILE: passed and failed results of a TAP stream
count() {
    printf '%s %s\n' "$(grep -c '^ok ' "$1" || true)" "$(grep -c '^not ok ' "$1" || true)"
}

# record RUN VERDICT SECONDS FILE
record() {
    local passed failed
    read -r passed failed < <(count "$4")
    # a run that went wrong without a failed claim still counts as a failure
    [[ $2 == pass ]] || ((failed)) || failed=1
    printf '%-15s %7s %7s  %-5s %5s s\n' "$1" "$passed" "$failed" "$2" "$3" >>"$summary"
}

run_harness() {
    local start=$SECONDS verdict=pass
    say "the harness's own tests"
    "$ROOT/qemu/selftest/run" | tee "$out/harness" || verdict=fail
    record harness "$verdict" $((SECONDS - start)) "$out/harness"
}

# The claims that need no device, and what is checked of the library by tools.
run_host() {
    local start=$SECONDS verdict=pass
    say "the library on this machine"
    "$BUILD/tests/ashmem-tests" '[host]' >"$out/host" || verdict=fail
    host_step "exports and needs are those listed" make -C "$ROOT/libashmem" abi-check
    host_step "every public header stands alone" make -C "$ROOT/libashmem" header-check
    host_step "the table of claims names real tests" "$here/claims.sh"
    host_step "the examples of the documentation compile" "$here/examples.sh"
    host_step "every claim runs somewhere" all_claims_run
    ! grep -q '^not ok' "$out/host" || verdict=fail
    grep -v '^ok\|^# run' "$out/host" || true
    record host "$verdict" $((SECONDS - start)) "$out/host"
}

host_step() {
    local claim=$1
    shift
    if quietly "$BUILD/log/host-step" "$@"; then
        echo "ok - $claim" >>"$out/host"
    else
        echo "not ok - $claim" | tee -a "$out/host"
    fi
}

claims() { "$BUILD/tests/ashmem-tests" --list-test-names-only "$@" || true; }

# No claim may be forgotten by the choices above: they cover all, each once.
all_claims_run() {
    local name chosen rest
    claims '[host]' >"$out/chosen"
    for guest in "${guests[@]}"; do
        read -r name chosen rest <<<"$guest"
        claims "$chosen" >>"$out/chosen"
    done
    diff <(claims | sort) <(sort "$out/chosen")
}

# run_guest KERNEL GUEST
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
    boot "$kernel" "$name" $rest "${modules[@]}" -- /bin/ashmem-tests "$chosen"
}

# The original, which counts as unfinished work to the kernel (taint C), against
# the same claims and the list of those that it is known not to hold.
run_reference() {
    # shellcheck disable=SC2016  # backquotes as such
    sed -n 's/^|.*| why |.*//; s/^|.*|\(.*\)|$/\1/p' "$ROOT/Documentation/differences.md" |
        grep -oE '`[^`]+`' | tr -d '`' >"$out/differences"
    boot "$reference_kernel" original --kernel-module ashmem_linux --taint 1024 --timeout 300 \
        --memory 768 --add "$ROOT/tests/reference.sh" --add "$out/differences:/differences" \
        -- /bin/reference.sh /differences
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

run_guests() {
    say "the driver on ${kernels[*]}, and the original on $reference_kernel; two guests at a time"
    for kernel in "${kernels[@]}"; do
        for guest in "${guests[@]}"; do two_at_a_time run_guest "$kernel" "$guest"; done
    done
    two_at_a_time run_reference
    wait
}

# build_squatter KERNEL
build_squatter() {
    local kdir
    kdir=$("$ROOT/qemu/fetch.sh" --print "$1" kdir)
    mkdir -p "$BUILD/kmod/$1/squatter"
    cp -a -u "$ROOT/tests/squatter/." "$BUILD/kmod/$1/squatter"
    quietly "$BUILD/log/squatter-$1" make -C "$kdir" M="$BUILD/kmod/$1/squatter" CC=gcc-12 modules
}

finish() {
    local passed failed
    say "summary ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
    printf '%-15s %7s %7s  %-5s %7s\n' run passed failed '' time
    cat "$summary"
    # a run's name may be two words: count from the right
    read -r passed failed < <(awk '{ p += $(NF - 4); f += $(NF - 3) } END { print p, f }' "$summary")
    printf '\n%s passed, %s failed\n' "$passed" "$failed"
    # each run has left its line (harness, host, the original; the guests), and
    # none of them a failure
    (($(wc -l <"$summary") == 3 + ${#kernels[@]} * ${#guests[@]} && failed == 0))
}

"$here/deps.sh" build vm
rm -rf "$out"
mkdir -p "$out"
: >"$summary"
for kernel in "${kernels[@]}"; do
    build_module "$kernel"
    build_squatter "$kernel"
done
"$ROOT/qemu/fetch.sh" "$reference_kernel"
build_library all
build_tests
run_harness
run_host
run_guests
finish

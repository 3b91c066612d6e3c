#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make check: builds everything and runs every test there is, harness first.
# Ends with a table, with "N passed, N failed", and 0 only if all is well.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$here/common.sh"

kernel=6.1
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

# record NAME VERDICT SECONDS FILE
record() {
    local passed failed
    read -r passed failed < <(count "$4")
    # a run that went wrong without a failed claim still counts as a failure
    [[ $2 == pass ]] || ((failed)) || failed=1
    printf '%-10s %7s %7s  %-5s %5s s\n' "$1" "$passed" "$failed" "$2" "$3" >>"$summary"
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

run_guest() {
    local name chosen rest start=$SECONDS verdict=pass module=()
    read -r name chosen rest <<<"$1"
    module=(--module "$BUILD/kmod/$kernel/ashmem.ko")
    if [[ $rest == *@no-module ]]; then
        rest=${rest%@no-module}
        module=(--add "$BUILD/kmod/$kernel/ashmem.ko:/ashmem.ko"
            --add "$BUILD/kmod/$kernel/squatter/squatter.ko:/squatter.ko")
    fi
    # shellcheck disable=SC2086  # the options are words
    "$ROOT/qemu/run" --kernel "$kernel" --name "check-$name" $rest --append slab_nomerge \
        "${module[@]}" --add "$BUILD/tests/ashmem-tests" -- /bin/ashmem-tests "$chosen" \
        >"$out/$name" 2>&1 || verdict=fail
    # all of a failure is shown, of a pass its last line
    if [[ $verdict == pass ]]; then tail -n 1 "$out/$name"; else grep -v '^ok \|^# run' "$out/$name"; fi
    record "$name" "$verdict" $((SECONDS - start)) "$out/$name"
}

run_guests() {
    local running=0
    say "the driver on $kernel, ${#guests[@]} guests, two at a time"
    for guest in "${guests[@]}"; do
        if ((running == 2)); then
            wait -n || true
            running=1
        fi
        run_guest "$guest" &
        ((running += 1))
    done
    wait
}

build_squatter() {
    local kdir
    kdir=$("$ROOT/qemu/fetch.sh" --print "$kernel" kdir)
    mkdir -p "$BUILD/kmod/$kernel/squatter"
    cp -a -u "$ROOT/tests/squatter/." "$BUILD/kmod/$kernel/squatter"
    quietly "$BUILD/log/squatter" make -C "$kdir" M="$BUILD/kmod/$kernel/squatter" modules
}

finish() {
    local passed failed
    say "summary ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
    printf '%-10s %7s %7s  %-5s %7s\n' run passed failed "" time
    cat "$summary"
    read -r passed failed < <(awk '{ p += $2; f += $3 } END { print p, f }' "$summary")
    printf '\n%s passed, %s failed\n' "$passed" "$failed"
    # each run has left its line, and none of them a failure
    (($(wc -l <"$summary") == ${#guests[@]} + 2 && failed == 0))
}

"$here/deps.sh" build vm
rm -rf "$out"
mkdir -p "$out"
: >"$summary"
build_module "$kernel"
build_squatter
build_library all
build_tests
run_harness
run_host
run_guests
finish

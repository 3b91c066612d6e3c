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
# shellcheck source=scripts/guests.sh
source "$here/guests.sh"

read -ra kernels <<<"${KERNELS:-6.1}"
reference_kernel=5.10 # the last that ships the original driver

# What runs in guests: name, claims as Catch2 chooses them, qemu/run's options.
# The longest come first, for two run at a time.
guests=(
    "module   [module]                --timeout 300 @no-module"
    "pressure [pressure]              --timeout 300 --memory 256 --swap 512"
    "soak     [soak]                  --timeout 300"
    "race     [race],[model]          --timeout 300"
    "device   [device]~[race]~[model] --timeout 300 --memory 768"
)

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

run_guests() {
    say "the driver on ${kernels[*]}, and the original on $reference_kernel; two guests at a time"
    for kernel in "${kernels[@]}"; do
        for guest in "${guests[@]}"; do two_at_a_time run_guest "$kernel" "$guest"; done
    done
    two_at_a_time run_reference
    wait
}

"$here/deps.sh" build vm
start_table "$BUILD/check"
for kernel in "${kernels[@]}"; do
    build_module "$kernel"
    build_squatter "$kernel"
done
"$ROOT/qemu/fetch.sh" "$reference_kernel"
build_library all
build_tests
run_harness --kernel 6.1
run_host
run_guests
# the harness, this machine, the original; the guests
finish $((3 + ${#kernels[@]} * ${#guests[@]}))

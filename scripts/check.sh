#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make check: builds everything and runs every test there is, on every kernel of
# qemu/kernels that must pass. Ends with a table, with "N passed, N failed", and 0
# only if all is well.
#   KERNELS="6.12 7.2"   only these rows, those that may fail among them
#   TESTS="[pin],PIN*"   only these claims, as Catch2 chooses them, and nothing else
#   SCALE=N              divides the rounds of what goes in rounds (default: 10; 1 for
#                        all of them)
#   PROGRAMS=N, SEED=N   as make check-programs (default: 2000)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/common.sh
source "$here/common.sh"
# shellcheck source=scripts/guests.sh
source "$here/guests.sh"

: "${PROGRAMS:=2000}"
# shellcheck source=scripts/differential.sh
source "$here/differential.sh"

# The row of what is run once: the harness's tests, those of the build, the preloaded.
main_kernel=6.1
# What needs no device; [anywhere] is the library on whatever keeps its regions,
# a memfd here and the driver in guests.
on_host="[host],[anywhere]"

# What runs in guests: name, claims as Catch2 chooses them, qemu/run's options.
# The longest come first, for several run at a time.
guests=(
    "race     [race],[model]          --timeout 300"
    "module   [module]                --timeout 300 @no-module"
    "pressure [pressure]              --timeout 300 --memory 256 --swap 512"
    "soak     [soak]                  --timeout 300"
    "device   [device]~[race]~[model],[anywhere],[binder] --timeout 300 --memory 768 --kernel-module binder_linux"
)
# The same claims as a 32-bit program makes them; races are the kernel's own.
guest32="device  [device]~[race],[anywhere],[binder] --timeout 300 --memory 768 --kernel-module binder_linux"

# row_field ID NUMBER: a column of the table of kernels
row_field() { awk -v id="$1" -v n="$2" '$1 == id { print $n }' "$ROOT/qemu/kernels"; }
arch_of() { row_field "$1" 3; }
required_rows() { awk '!/^#/ && $6 == "must" && $7 == "" { print $1 }' "$ROOT/qemu/kernels"; }


# The claims that need no device, and what is checked of the library by tools.
run_host() {
    local start=$SECONDS verdict=pass
    say "the library on this machine"
    "$BUILD/tests/ashmem-tests" "$(narrowed "$on_host")" >"$out/host" || verdict=fail
    # its plan is not that of the steps below
    sed -i '/^1\.\./d' "$out/host"
    if [[ -z ${TESTS-} ]]; then host_steps; fi
    ! grep -q '^not ok' "$out/host" || verdict=fail
    grep -v '^ok\|^# run' "$out/host" || true
    record host all "$verdict" $((SECONDS - start)) "$out/host"
}

# The library's claims again, with compilers' own checks on.
sanitizers=("address,undefined" thread)

host_steps() {
    host_step "exports and needs are those listed" make -C "$ROOT/libashmem" abi-check
    host_step "every public header stands alone" make -C "$ROOT/libashmem" header-check
    host_step "the table of claims names real tests" "$here/claims.sh"
    host_step "the table of results is red when it must be" "$ROOT/tests/table.sh"
    host_step "README and dkms.conf have the kernels of the table" "$here/kernels.sh"
    host_step "the examples of the documentation compile" "$here/examples.sh"
    for example in memory-file "audio-ring 200" "compositor 6"; do
        # shellcheck disable=SC2086  # a program and its argument
        host_step "the example ${example% *} does what it says" \
            timeout 120 "$BUILD/lib/examples/"$example
    done
    host_step "every claim runs somewhere" all_claims_run
}

# What needs no guest: one thing after another, for they share what is built.
run_without_guests() {
    run_host
    for sanitizer in "${sanitizers[@]}"; do
        run_script "host/${sanitizer%,*}" "$BUILD/$sanitizer/tests/ashmem-tests" "$on_host"
    done
    run_script host/consumer "$ROOT/tests/consumer/run"
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

# No claim may be forgotten by the choices above.
all_claims_run() {
    local name chosen rest
    claims "$on_host" >"$out/chosen"
    for guest in "${guests[@]}"; do
        read -r name chosen rest <<<"$guest"
        claims "$chosen" >>"$out/chosen"
    done
    claims '[preload]' >>"$out/chosen"
    diff <(claims | sort) <(sort -u "$out/chosen")
}

# What the original driver and the preloaded library are asked: the driver's claims.
of_drivers='[device]~[race]~[model]~[library]'

# listed FILE: the claims in the last column of its tables, which are known to differ
listed() {
    # shellcheck disable=SC2016  # backquotes as such
    sed -n 's/^|.*| why |.*//; s/^|.*|\(.*\)|$/\1/p' "$ROOT/Documentation/$1" |
        grep -oE '`[^`]+`' | tr -d '`'
}

# The original, which counts as unfinished work to the kernel (taint C), against
# the same claims and the list of those that it is known not to hold.
run_reference() {
    local chosen
    chosen=$(narrowed "$of_drivers")
    (($(claims "$chosen" | wc -l))) || return 0
    listed differences.md >"$out/differences"
    boot "$reference_kernel" "$reference_kernel/original" device "$(claims "$chosen" | wc -l)" \
        --kernel-module ashmem_linux --taint 1024 --timeout 300 --memory 768 \
        --add "$BUILD/tests/ashmem-tests" --add "$ROOT/tests/reference.sh" \
        --add "$out/differences:/differences" -- /bin/reference.sh /differences "$chosen"
}

# boot_preloaded NAME PLANNED OPTION... -- COMMAND...: in a guest without the driver,
# where ashmem-tests is the dynamic program with libashmem-preload.so
boot_preloaded() {
    local file libraries=()
    for file in $(ldd "$BUILD/tests/ashmem-tests.dynamic" | grep -oE '/[^ ]+'); do
        libraries+=(--add "$(readlink -f "$file"):$file")
    done
    boot "$main_kernel" "$main_kernel/preload" "$1" "$2" "${libraries[@]}" \
        --add "$BUILD/lib/libashmem-preload.so:/lib/libashmem-preload.so" \
        --add "$BUILD/tests/ashmem-tests.dynamic" --add "$ROOT/tests/preloaded.sh:/bin/ashmem-tests" \
        "${@:3}"
}

# run_preloaded NAME CLAIMS OPTION...: all of these claims must hold
run_preloaded() {
    local name=$1 chosen
    chosen=$(narrowed "$2")
    (($(claims "$chosen" | wc -l))) || return 0
    boot_preloaded "$name" "$(claims "$chosen" | wc -l)" "${@:3}" -- /bin/ashmem-tests "$chosen"
}

# run_preload: the driver's claims, against the list of what user space can't do
run_preload() {
    local chosen
    chosen=$(narrowed "$of_drivers")
    (($(claims "$chosen" | wc -l))) || return 0
    listed preload.md >"$out/preload"
    boot_preloaded device "$(claims "$chosen" | wc -l)" --timeout 300 --memory 768 \
        --add "$ROOT/tests/reference.sh" --add "$out/preload:/differences" \
        -- /bin/reference.sh /differences "$chosen"
}

# run_script ROW COMMAND...: a script that prints TAP
run_script() {
    local row=$1 start=$SECONDS verdict=pass
    "${@:2}" >"$out/${row/\//-}" 2>&1 || verdict=fail
    grep -v '^ok\|^# run' "$out/${row/\//-}" || true
    record "$row" all "$verdict" $((SECONDS - start)) "$out/${row/\//-}"
}

run_guests() {
    local kernel arch guest
    say "the driver on ${kernels[*]}, and the original on $reference_kernel; $at_once guests at a time"
    if [[ -z ${TESTS-} ]]; then
        side_by_side run_without_guests
        side_by_side run_script build "$ROOT/tests/build/run" "$main_kernel"
    fi
    for kernel in "${kernels[@]}"; do
        arch=$(arch_of "$kernel")
        for guest in "${guests[@]}"; do side_by_side run_guest "$kernel" "$arch" "$guest"; done
        [[ $arch != amd64 ]] || side_by_side run_guest "$kernel" i386 "$guest32"
    done
    side_by_side run_reference
    side_by_side run_preload
    side_by_side run_preloaded pressure '[preload]' --timeout 300 --memory 256 --swap 512
    if [[ -z ${TESTS-} ]]; then
        say "$programs programs from seed $seed on"
        for driver in original ours; do side_by_side run_programs "$driver"; done
    fi
    all_done
    [[ -n ${TESTS-} ]] || compare_programs
}

# rows: what must have left a line in the table; with TESTS=, what had any
rows() {
    local kernel
    if [[ -n ${TESTS-} ]]; then
        awk '!seen[$1]++ { print $1 }' "$summary"
        return
    fi
    printf '%s\n' harness host "${sanitizers[@]/#/host/}" host/consumer build | sed 's/,.*//'
    for kernel in "${kernels[@]}"; do
        printf '%s\n' "$kernel"
        [[ $(arch_of "$kernel") != amd64 ]] || printf '%s\n' "$kernel/i386"
    done
    printf '%s\n' "$reference_kernel/original"
    printf '%s\n' "$main_kernel/preload"
    printf '%s\n' "$reference_kernel/programs"
}

build() {
    local kernel arch groups=()
    "$here/deps.sh" build consumer vm
    for kernel in "${kernels[@]}"; do groups+=("$(arch_of "$kernel")"); done
    mapfile -t groups < <(printf '%s\n' i386 "${groups[@]}" | sort -u)
    "$here/deps.sh" "${groups[@]/#amd64/build}"
    build_library all examples
    for arch in amd64 "${groups[@]/amd64/}"; do [[ -z $arch ]] || build_tests "$arch"; done
    [[ -n ${TESTS-} ]] || for sanitizer in "${sanitizers[@]}"; do build_sanitized "$sanitizer"; done
    "$ROOT/qemu/fetch.sh" "$main_kernel"
    # a row that cannot be built is lost, and the others go on
    for kernel in "${kernels[@]}"; do side_by_side build_row "$kernel"; done
    [[ " ${kernels[*]} " == *" $reference_kernel "* ]] || build_module "$reference_kernel"
    all_done
}

mapfile -t kernels < <(if [[ ${KERNELS-} ]]; then xargs -n 1 <<<"$KERNELS"; else required_rows; fi)
for kernel in "${kernels[@]}"; do
    [[ -n $(arch_of "$kernel") ]] || die "no kernel $kernel in qemu/kernels (there are: $(required_rows | tr '\n' ' '))"
done
start_table "$BUILD/check"
build
if [[ -n ${TESTS-} ]]; then
    (($(claims "$(narrowed '[device],[module],[pressure],[soak],[binder],[preload]')" | wc -l))) || die "TESTS=$TESTS chooses no claim"
else
    run_harness --kernel "$main_kernel"
fi
run_guests
mapfile -t expected < <(rows)
finish "${expected[@]}"

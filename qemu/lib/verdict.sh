# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154  # `run` sets what is read here
# Decides between pass, fail and lost from QEMU's status, the console and the results.
# Lost means that the guest did not end properly, so nothing is proven. Other programs
# read the verdict in build/vm/NAME/verdict.

readonly MODULE_TAINT=12288 # O, an out-of-tree module; E, an unsigned one

# record NAME: the text of the first record of that name, without its name
record() { sed -n "s/^#vm $1 //p;t found;b;:found;q" "$results"; }

has_record() { grep -aqE "^#vm $1( |\$)" "$results"; }

# splats: the console lines, with their numbers, that match splats.txt
splats() { grep -anE -f <(grep -vE '^(#|$)' "$QEMU_DIR/splats.txt") "$console" || true; }

# counted KEY: a number of what qemu/tap printed
counted() { sed -n "s/^$1=//p" <<<"$tap"; }

# doing: the test that had begun and had not ended, if the command named it
doing() {
    sed -nE '/^# run [0-9]+ - /{s///;h;b last};/^(not )?ok /{s/.*//;h};:last;${g;p}' "$results"
}

# lost_reason QEMU-STATUS TIMED-OUT: why the guest did not end, or nothing
lost_reason() {
    local panic
    panic=$(grep -aoE 'Kernel panic.*' "$console" | head -n 1 || true)
    if [[ -n $panic ]]; then
        printf '%s\n' "${panic%$'\r'}"
    elif ! has_record begin && ((${seconds%.*} >= boot_timeout)); then
        printf 'no first process within %s s\n' "$boot_timeout"
    elif has_record stuck; then
        printf 'nothing moved for %s s\n' "$(record stuck)"
    elif (($2)); then
        printf 'timeout after %s s\n' "$timeout"
    elif (($1 != 0 && $1 != pass_exit)); then
        printf 'qemu ended with status %s\n' "$1"
    elif (($1 != pass_exit)) || ! has_record end; then
        printf 'the guest stopped without a trailer\n'
    fi
}

check_plan() {
    local plan run bad
    plan=$(counted plan) bad=$(counted failed)
    run=$(($(counted passed) + bad))
    ((bad == 0)) || reasons+=("$bad not ok")
    [[ -z $plan ]] || ((run == plan)) || reasons+=("ran $run of $plan")
}

check_splats() {
    local first
    first=$(splats | head -n 1 | sed -E 's/^[0-9]+:(\[ *[0-9.]+\] )?//' | tr -d '\r')
    # A panic may be the reason already.
    [[ -z $first || ${reasons[*]} == "$first"* ]] || reasons+=("splat: $first")
}

check_kernel() {
    local before after bad leaks
    read -r before after <<<"$(record taint)"
    bad=$((after & ~before & ~MODULE_TAINT & ~taint))
    ((bad == 0)) || reasons+=("taint $after, of which $bad is not allowed")
    ! has_record 'lockdep 0' || reasons+=("lockdep switched itself off")
    leaks=$(grep -ac '^#vm kmemleak .*unreferenced object' "$results" || true)
    ((leaks == 0)) || reasons+=("$leaks leaked objects")
}

# judge QEMU-STATUS TIMED-OUT: sets verdict, reasons and tap
judge() {
    local lost status doing
    reasons=()
    tap=$("$QEMU_DIR/tap" "$results")
    lost=$(lost_reason "$1" "$2")
    if [[ -n $lost ]]; then
        verdict=lost
        doing=$(doing)
        reasons=("$lost${doing:+, during: $doing}")
        check_splats
        return
    fi
    ! has_record fail || reasons+=("$(record fail)")
    status=$(record status)
    check_splats
    check_kernel
    check_plan
    [[ $status == "exit 0" || -z $status ]] || reasons+=("command: $status")
    verdict=pass
    ((${#reasons[@]} == 0)) || verdict=fail
}

all_reasons() {
    local text
    text=$(printf '%s; ' "${reasons[@]}")
    printf '%s\n' "${text%; }"
}

# write_verdict: for programs; a reader never sees half of it
write_verdict() {
    {
        printf '%s=%s\n' verdict "$verdict" reasons "$(all_reasons)" kernel "$kernel" \
            accel "$accel" seconds "$seconds" boots "$boots"
        printf '%s\n' "$tap"
    } >"$out/verdict.new"
    mv "$out/verdict.new" "$out/verdict"
}

# presume_lost: writes the verdict that holds until the guest has ended
presume_lost() {
    verdict=lost reasons=("never finished") seconds=0
    tap=$("$QEMU_DIR/tap" /dev/null)
    write_verdict
}

# one_line: the verdict, for people
one_line() {
    local text
    text="vm $name: $verdict${reasons[*]:+ ($(all_reasons))} $kernel, $accel, $seconds s"
    ((boots == 1)) || text+=", boot $boots"
    printf '%s\n' "$text"
}

# explain: prints the lines that led to a verdict other than pass
explain() {
    local line shown=0
    for line in $(splats | cut -d: -f1 | head -n 3); do
        ((line > shown)) || continue
        printf -- '--- console, from line %s:\n' "$line"
        shown=$((line + 30))
        sed -n "${line},${shown}p" "$console"
    done
    grep -aE '^not ok' "$results" | sed 's/#vm $//' | head -n 10 || true
    grep -aE '^#vm kmemleak' "$results" | head -n 20 || true
    if has_record fail; then
        printf -- '--- end of the console:\n'
        tail -n 5 "$console"
    fi
    grep -aE '^#vm waits' "$results" | sed 's/^#vm waits/---/' | head -n 60 || true
    if [[ $verdict == lost ]]; then
        printf -- '--- last results:\n'
        grep -av '^#vm ' "$results" | tail -n 3 || true
        printf -- '--- end of the console:\n'
        tail -n 15 "$console"
        tail -n 5 "$out/qemu.log"
    fi
}

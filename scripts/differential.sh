# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154  # guests.sh sets out
# Programs of calls on the original driver and on ours: runs, comparison and the
# shortening of what differs.

reference_kernel=5.10 # the last that ships the original driver
programs=${PROGRAMS:-100000}
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
[[ $programs =~ ^[1-9][0-9]{0,8}$ && $seed =~ ^[0-9]{1,18}$ ]] ||
    die "PROGRAMS=$programs and SEED=$seed must be numbers"

# on_driver original|ours NAME OPTION... -- COMMAND...: one processor is enough for
# processes that take turns, and leaves the other one to the other driver
on_driver() {
    local driver=$1 name=$2 options=(--module "$BUILD/kmod/$reference_kernel/ashmem.ko")
    shift 2
    [[ $driver == ours ]] || options=(--kernel-module ashmem_linux --taint 1024)
    "$ROOT/qemu/run" --kernel "$reference_kernel" --name "check-$name-$driver" --cpus 1 \
        --memory 768 --timeout $((120 + programs / 4)) "${options[@]}" \
        --add "$BUILD/tests/ashmem-programs" "$@"
}

# run_programs original|ours: the drawn ones, then an example of each difference
# that programs avoid, without and with avoiding it
run_programs() {
    local script="ashmem-programs draw $seed $programs && echo avoided"
    script+=" && ashmem-programs digest /known && echo all && ashmem-programs digest /known all"
    on_driver "$1" programs --add "$ROOT/tests/programs/known.txt:/known" -- sh -c "$script" \
        >"$out/programs-$1.log" 2>&1 || true
}

# compare_programs: what both drivers made of the same, as TAP and in the table
compare_programs() {
    local all=$out/programs known
    known=$(grep -c '^== ' "$ROOT/tests/programs/known.txt")
    {
        echo "1..$((programs + 2 * known))"
        awk '
            FNR == 1 { part = ""; ++file }
            $1 == "avoided" || $1 == "all" { part = $1; next }
            part == "" && $1 == "ok" { key = $5; name = "program " $5; digest = $6 }
            part == "" && $1 != "ok" { next }
            part != "" { if ($1 !~ /^[0-9a-f]+$/ || length($1) != 16) next
                         digest = $1; name = substr($0, 18); key = part name }
            file == 1 { first[key] = digest; next }
            !(key in first) { next }
            { same = first[key] == digest }
            part == "" { print (same ? "ok" : "not ok") " - " name (same ? "" : " differs") }
            part == "avoided" { print (same ? "ok" : "not ok") " - avoided: " name }
            part == "all" { print (same ? "not ok" : "ok") " - differs" (same ? " no longer: " : ": ") name }
        ' "$out/programs-original.log" "$out/programs-ours.log"
    } >"$all"
    grep '^# .* programs, ' "$out/programs-ours.log" || true
    grep '^not ok' "$all" | head -n 20 || true
    # a guest that was lost, or complained, says so in its last line
    tail -qn 1 "$out"/programs-{original,ours}.log
    record "$reference_kernel/programs" all \
        "$(verdict_of_guests)" "$(seconds_of_guests)" "$all"
    shorten_first "$all"
}

verdict_of_guests() {
    if [[ $(tail -qn 1 "$out"/programs-{original,ours}.log | grep -c ': pass ') == 2 ]]; then
        echo pass
    else
        echo fail
    fi
}

seconds_of_guests() {
    tail -qn 1 "$out"/programs-{original,ours}.log |
        sed -nE 's/.*, ([0-9]+)\.[0-9]+ s$/\1/p' | sort -n | tail -n 1 | grep . || echo 0
}

# differing FILE: the names in a file of programs whose digests differ
differing() {
    local driver
    for driver in original ours; do
        on_driver "$driver" shorten --add "$1:/programs" -- ashmem-programs digest /programs \
            >"$out/shorten-$driver" 2>&1 || true &
    done
    wait
    grep -hE '^[0-9a-f]{16} ' "$out"/shorten-{original,ours} | sort | uniq -c | awk '$1 == 1 { print $3 }' | sort -nu
}

# shorten FILE: takes away all lines that a difference does not need, by halves,
# quarters and so on; FILE is changed in place
shorten() {
    local program=$1 lines chunk from name
    chunk=$((($(wc -l <"$program") + 1) / 2))
    while :; do
        lines=$(wc -l <"$program")
        for ((from = 1; from <= lines; from += chunk)); do
            printf '== %s\n' "$from"
            sed "$from,$((from + chunk - 1))d" "$program"
        done >"$out/candidates"
        name=$(differing "$out/candidates" | head -n 1)
        if [[ -n $name ]]; then
            sed -i "$name,$((name + chunk - 1))d" "$program"
        elif ((chunk > 1)); then
            chunk=$(((chunk + 1) / 2))
        else
            break
        fi
    done
}

# shorten_first TAP: shows the first drawn program that differs, shortened
shorten_first() {
    local which driver program=$out/program
    which=$(sed -nE 's/^not ok - program ([0-9]+) differs$/\1/p' "$1" | head -n 1)
    [[ -n $which ]] || return 0
    say "program $which differs; shortening it"
    "$BUILD/tests/ashmem-programs" show "$which" >"$program"
    shorten "$program"
    for driver in original ours; do
        on_driver "$driver" shorten --add "$program:/program" -- ashmem-programs play /program \
            >"$out/play-$driver" 2>&1 || true
    done
    cat "$program"
    diff -u --label original --label ours \
        <(grep -v '^vm ' "$out/play-original") <(grep -v '^vm ' "$out/play-ours") || true
}

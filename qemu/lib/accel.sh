# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154  # `run` holds the other ends
# How QEMU runs the guest. /dev/kvm may exist and answer and still not run a kernel, so
# KVM is used only after a guest has once ended properly under it.

kvm_flags=(-accel kvm -cpu host)
tcg_flags=(-accel "tcg,thread=multi")
icount_flags=(-accel tcg -icount "shift=0,sleep=off")
probe_seconds=10

# The choice is kept for this processor, kernel and QEMU only.
host_key() {
    {
        uname -nrm
        grep -m 1 'model name' /proc/cpuinfo || true
        "$QEMU" --version
    } | sha256sum | cut -c1-16
}

# probe_kvm IMAGE: whether an empty guest ends as it should under KVM
probe_kvm() {
    local tree rc=0
    tree=$(mktemp -d "$BUILD_DIR/probe.XXXXXX")
    tree_start "$tree/root"
    pack "$tree/root" "$tree/initrd"
    # In a subshell, so that an abort is not reported.
    (
        timeout -k 2 "$probe_seconds" "$QEMU" "${machine_flags[@]}" "${kvm_flags[@]}" -m 512 \
            -smp 2 -kernel "$1" -initrd "$tree/initrd" \
            -append "console=$console_tty panic=-1 loglevel=3" -serial null \
            -chardev "file,id=results,path=$tree/results" "${results_flags[@]}" \
            </dev/null || exit
    ) >/dev/null 2>&1 || rc=$?
    ((rc != pass_exit)) || grep -qxs '#vm end' "$tree/results" || rc=1
    rm -rf -- "$tree"
    ((rc == pass_exit))
}

# choose_accel IMAGE: sets accel and accel_flags; ACCEL=tcg|kvm overrides
choose_accel() {
    local verdict
    if ((icount)); then
        # Only TCG counts instructions.
        accel=icount accel_flags=("${icount_flags[@]}" -cpu "$emulated_cpu")
        return
    fi
    case ${ACCEL:=auto} in
        tcg | kvm) accel=$ACCEL ;;
        auto)
            accel=tcg
            if ((!foreign)) && [[ -r /dev/kvm && -w /dev/kvm ]]; then
                mkdir -p "$CACHE_DIR"
                verdict=$CACHE_DIR/accel-$(host_key)
                (
                    flock 8
                    [[ ! -s $verdict ]] || exit 0
                    say "trying KVM once, for at most $probe_seconds s"
                    if probe_kvm "$1"; then echo kvm; else echo tcg; fi >"$verdict"
                ) 8>>"$verdict"
                accel=$(<"$verdict")
            fi
            ;;
        *) die "ACCEL must be tcg, kvm or auto, not $ACCEL" ;;
    esac
    accel_flags=("${tcg_flags[@]}" "${emulated_timers[@]}" -cpu "$emulated_cpu")
    [[ $accel != kvm ]] || accel_flags=("${kvm_flags[@]}")
}

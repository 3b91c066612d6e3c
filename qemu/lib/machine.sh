# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # the files that source this read them
# What differs between architectures: QEMU's options, the serial lines, how the guest ends,
# and the compilers.

host_arch() {
    case $(uname -m) in
        x86_64) echo amd64 ;;
        aarch64) echo arm64 ;;
        *) uname -m ;;
    esac
}

# set_machine ARCH: for a Debian architecture sets
#   QEMU, machine_flags
#   emulated_boot     kernel arguments that make it boot faster where it is emulated
#   emulated_cpu      the processor with the most features that QEMU emulates
#   emulated_timers   QEMU's options that an emulated guest's clock needs, if it goes by time
#   console_tty       the kernel's name of the first serial line
#   results_tty       the guest's name of the second serial line
#   results_flags     QEMU's options that connect it with the chardev `results`
#   pass_exit         QEMU's exit status after the guest ended by itself
#   foreign           1 if this machine has another architecture, else 0
#   cross             the prefix of the compilers' names if foreign, else empty
#   kernel_arch       the kernel's name of the architecture
set_machine() {
    emulated_boot=cryptomgr.notests
    machine_flags=(-nodefaults -no-user-config -display none -no-reboot)
    case $1 in
        amd64)
            QEMU=qemu-system-x86_64
            # With ERMS or FSRM the kernel clears and copies pages by "rep movsb", which
            # QEMU emulates byte by byte.
            emulated_cpu=max,-erms,-fsrm
            # The kernel measures its clock by PIT and HPET, and where they differ believes the
            # PIT. That is wrong by a factor where this machine was busy then, and what goes by
            # time, as pressure stall information does, is wrong ever after.
            emulated_timers=(-machine pit=off)
            # Every further processor would try for two seconds to measure what a delay
            # loop takes. This is 2.5 GHz at 250 ticks a second; no test needs it exactly.
            emulated_boot+=" lpj=10000000"
            # Writing the byte V there ends QEMU with status 2 * V + 1; a panic or a
            # reboot ends it with 0.
            machine_flags+=(-machine q35 -device "isa-debug-exit,iobase=0xf4,iosize=0x04")
            console_tty=ttyS0,115200
            results_tty=/dev/ttyS1
            results_flags=(-serial chardev:results)
            pass_exit=33
            cross=x86_64-linux-gnu-
            kernel_arch=x86_64
            ;;
        arm64)
            QEMU=qemu-system-aarch64
            # Emulating the architecture's way to sign pointers takes half of the time.
            emulated_cpu=max,pauth-impdef=on
            emulated_timers=()
            machine_flags+=(-machine virt)
            # The board has one serial line, a PL011; the second one is a PCI card.
            console_tty=ttyAMA0
            results_tty=/dev/ttyS0
            results_flags=(-device "pci-serial,chardev=results")
            # Powering off is the only way to end QEMU from inside, and a panic gives the
            # same status: only the trailer tells the two apart.
            pass_exit=0
            cross=aarch64-linux-gnu-
            kernel_arch=arm64
            ;;
        *) die "no machine for the architecture $1" ;;
    esac
    foreign=0
    if [[ $1 == "$(host_arch)" ]]; then cross=''; else foreign=1; fi
}

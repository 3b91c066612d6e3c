# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # the files that source this read them
# What differs between processors: how QEMU runs one, over which lines the guest
# speaks, how it ends, and what compiles for it.

host_arch() {
    case $(uname -m) in
        x86_64) echo amd64 ;;
        aarch64) echo arm64 ;;
        *) uname -m ;;
    esac
}

# set_machine ARCH: for a Debian architecture sets
#   QEMU, machine_flags
#   emulated_cpu      the most that QEMU can emulate
#   console_tty       the kernel's name of the first line
#   results_tty       the guest's name of the second, which has the chardev
#   results_flags     `results`
#   pass_exit         QEMU's exit status when the guest chose to end
#   foreign           whether this machine is of another architecture
#   cross             what the names of the compilers begin with, then
#   kernel_arch       the kernel's own name of the architecture
set_machine() {
    machine_flags=(-nodefaults -no-user-config -display none -no-reboot)
    case $1 in
        amd64)
            QEMU=qemu-system-x86_64
            # The kernel believes a processor that has ERMS or FSRM to be quick at
            # "rep movsb", by which it clears and copies pages; QEMU goes byte by byte.
            emulated_cpu=max,-erms,-fsrm
            # A byte written there ends QEMU with twice that and one; a panic or
            # a reboot gives 0.
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
            # Signing pointers as the architecture says takes half of the time.
            emulated_cpu=max,pauth-impdef=on
            machine_flags+=(-machine virt)
            # The board has one line, a PL011; the other one is a PCI card.
            console_tty=ttyAMA0
            results_tty=/dev/ttyS0
            results_flags=(-device "pci-serial,chardev=results")
            # Powering off is the only way to end QEMU from inside, and a panic
            # looks the same: here the trailer alone tells.
            pass_exit=0
            cross=aarch64-linux-gnu-
            kernel_arch=arm64
            ;;
        *) die "no machine for the architecture $1" ;;
    esac
    foreign=0
    if [[ $1 == "$(host_arch)" ]]; then cross=''; else foreign=1; fi
}

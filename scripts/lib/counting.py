# SPDX-License-Identifier: Apache-2.0
"""Runs of the claims with programs and a driver that count what runs."""

import tarfile
from collections.abc import Sequence
from pathlib import Path

import build
import claims
import coverage
import guests
import host
import kernels
import processes
import stand_ins
from guests import Guest, Run
from project import BUILD, ROOT, Unusable, emptied
from results import Result
from schedule import Job

OUT = BUILD / "coverage"
KERNEL = "6.12-debug"
DRIVER = OUT / "kmod"
COUNTS = OUT / "counts"  # a folder for each run

WRAPPER = "/bin/counted.sh"
GET = ("--get", "/counts.tgz")


def build_all() -> None:
    """The driver for gcov, and the library and its tests with clang."""
    build.must(build.cmake("coverage", ["ashmem-tests", "ashmem-tests.dynamic", "libraries"]))
    build.must(build.counted_module(KERNEL, DRIVER))
    emptied(COUNTS)


def _program() -> Path:
    return OUT / "tests" / "ashmem-tests"


def _on_host(out: Path) -> list[Result]:
    folder = COUNTS / "host"
    folder.mkdir()
    return [host.script(out, "host", ["env", f"LLVM_PROFILE_FILE={folder}/%m%c.profraw",
                                      _program(), claims.ON_HOST], "claims")]


def _unpacked(run: Run) -> None:
    """The counts of a guest. One that ended without them proves nothing."""
    packed = BUILD / "vm" / f"check-{run.row}-{run.name}".replace("/", "-") / "counts.tgz"
    if not packed.exists():
        raise Unusable("the guest has left no counts")
    with tarfile.open(packed) as files:
        files.extractall(COUNTS / f"{run.row}-{run.name}".replace("/", "-"))
    packed.unlink()


def _guest(out: Path, row: str, kernel: str, guest: Guest, driver: Path, scale: int) -> Job:
    chosen = claims.narrowed(guest.claims)
    planned = len(claims.names(chosen))
    run = Run(out, row, guest.name, kernel, planned, scale)
    programs = [program.replace("build/lib/", f"{OUT}/lib/") for program in guest.programs]
    options = [*guest.options(), *GET,
               *guests.driver(guest, kernel, driver),
               *guests.added(_program(), f"{ROOT}/tests/guest/counted.sh",
                             *(ROOT / name for name in programs))]

    def work() -> list[Result]:
        result = guests.boot(run, options, [WRAPPER, *guest.wrapper, "/bin/ashmem-tests", chosen])
        _unpacked(run)
        return [result]

    return Job(row, guest.name, work, planned)


def _preloaded(out: Path, name: str, chosen: str, machine: Sequence[str], scale: int) -> Job:
    """Claims in a program with the preload library; only what it counts matters for those
    of the driver, some of which are known to fail."""
    row, kernel = stand_ins.preload_row(), kernels.default()
    planned = len(claims.names(chosen))
    run = Run(out, row, name, kernel, planned, scale)
    compared = stand_ins.against_list(out, "preload.md") if name == "device" else []
    reference = ["/bin/reference.sh", "/differences"] if name == "device" else ["/bin/ashmem-tests"]
    options = ["--timeout", "600", *machine, *GET, *stand_ins.with_preload(OUT), *compared,
               *guests.added(f"{ROOT}/tests/guest/counted.sh")]

    def work() -> list[Result]:
        result = guests.boot(run, options, [WRAPPER, *reference, chosen])
        _unpacked(run)
        return [result]

    return Job(row, name, work, planned)


def jobs(out: Path, scale: int) -> list[Job]:
    tool = next(guest for guest in guests.GUESTS if guest.name == "tool")
    plain = build.module_file(kernels.default())
    return [
        *(_guest(out, KERNEL, KERNEL, guest, DRIVER / "ashmem.ko", scale)
          for guest in guests.DEBUG_GUESTS if guest.name != "soak"),
        _guest(out, kernels.default(), kernels.default(), tool, plain, scale),
        _preloaded(out, "device", claims.OF_DRIVERS, ["--memory", "768"], scale),
        _preloaded(out, "pressure", claims.PRELOADED, ["--memory", "256", "--swap", "512"], scale),
        Job("host", "claims", lambda: _on_host(out)),
    ]


def counted() -> coverage.Counts:
    """All that was counted, of the driver and of the library."""
    counts: coverage.Counts = {}
    notes = sorted(DRIVER.glob("*.gcno"))
    # the one of the compiler that built the driver
    gcov = kernels.compiler(KERNEL).replace("gcc", "gcov")
    for folder in sorted(COUNTS.iterdir()):
        found = sorted(folder.glob("*.gcda"))
        for note in notes if found else []:
            (folder / note.name).symlink_to(note)
        for data in found:
            text = processes.capture([gcov, "--json-format", "--stdout", "--branch-counts",
                                      "--branch-probabilities", data])
            coverage.add_gcov(counts, text, DRIVER, "kmod")
    merged = OUT / "libashmem.profdata"
    profiles = sorted(COUNTS.glob("*/*.profraw"))
    build.must(processes.quietly("llvm-profdata", ["llvm-profdata", "merge", "-sparse", "-o",
                                                   merged, *profiles]))
    export = ["llvm-cov", "export", f"-instr-profile={merged}", _program(),
              f"-object={OUT}/lib/libashmem-preload.so", f"-object={OUT}/lib/tools/ashmem"]
    coverage.add_llvm_lines(counts, processes.capture([*export, "-format=lcov"]), "libashmem")
    coverage.add_llvm_branches(counts, processes.capture(
        [*export, "-format=text", "-skip-functions"]), "libashmem")
    return counts

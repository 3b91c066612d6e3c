# SPDX-License-Identifier: Apache-2.0
"""The fuzzer of the driver: random programs of calls in a guest, guided by KCOV.

A file of programs has one a line, as the guest prints them.
"""

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import build
import guests
import kernels
import processes
from project import BUILD, QEMU, ROOT, Unusable, show
from results import Result
from schedule import Job

NAME = "kfuzz"
OUT = BUILD / NAME
CORPUS = ROOT / "tests" / NAME / "corpus"
PROGRAM = "ashmem-kfuzz"
HEAD = "# SPDX-License-Identifier: Apache-2.0\n"

# Seconds that boot, the last program and the search for leaks take, at most.
ASIDE = 600

# An emulated processor may wait for its turn longer than the kernel's watchdogs do.
MACHINE = ("--cpus", "2", "--memory", "1024", "--swap", "128", "--append", "slab_nomerge",
           "--append", "watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=120")


@dataclass(frozen=True)
class Found:
    """What the log of a guest says."""

    well: bool
    programs: int
    places: int
    kept: list[str]
    cover: list[str]  # programs that reach together what all did
    last: str  # the program that ran when the guest failed or died
    complaint: str
    end: str  # the last line, which is the verdict


def read(well: bool, log: str) -> Found:
    counts = re.findall(r"(\d+) programs, (\d+) PCs covered", log)
    ran = re.findall(r"^run (\d+): (.*)$", log, re.M)
    complaint = re.search(r"^# program \d+, (.*)$", log, re.M)
    return Found(well, int(ran[-1][0]) if ran else 0, int(counts[-1][1]) if counts else 0,
                 re.findall(r"^keep: (.*)$", log, re.M), re.findall(r"^cover: (.*)$", log, re.M),
                 ran[-1][1] if ran else "", complaint[1] if complaint else "",
                 log.rstrip().rsplit("\n", 1)[-1])


def programs_of(file: Path) -> list[str]:
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [line for line in lines if line and not line.startswith("#")]


def write(file: Path, programs: Sequence[str], head: str = "") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(head + "".join(f"{program}\n" for program in programs), encoding="utf-8")


def places_of(module: Path) -> int:
    """In how many places a module calls KCOV, but when it is loaded and unloaded."""
    tables = processes.capture(["readelf", "-rW", module]).split("Relocation section ")
    return sum(table.count(" __sanitizer_cov_trace_pc ") for table in tables
               if re.match(r"'\.rela\.text(\.unlikely)?'", table))


def in_guest(vm: str, kernel: str, module: Path, limit: int, programs: Sequence[str],
             *command: str) -> Found:
    """Runs the fuzzer in a guest, with a file of programs as the last argument."""
    folder = OUT / vm
    write(folder / "programs", programs)
    options = [*MACHINE, "--timeout", str(limit), "--module", str(module),
               *guests.added(build.tests_folder("amd64") / PROGRAM,
                             f"{folder / 'programs'}:/programs", f"{QEMU / 'splats.txt'}:/signs")]
    argv = [f"/bin/{PROGRAM}", "/signs", *command, "/programs"]
    if kernel == kernels.KCSAN:
        machine = guests.KCSAN_GUESTS[0]
        options += ["--append", machine.append, *guests.added(*(
            ROOT / name for name in machine.programs))]
        argv = ["env", "KCSAN_LEAST=1000", *machine.wrapper, *argv]
    well = guests.launch(vm, kernel, options, argv, folder / "log")
    return read(well, (folder / "log").read_text(errors="replace"))


def hunt(vm: str, kernel: str, module: Path, seconds: int, seed: int,
         programs: Sequence[str]) -> Found:
    """Runs these programs, then random ones until the time is over or one fails."""
    return in_guest(vm, kernel, module, seconds + ASIDE, programs, "fuzz", str(seed), str(seconds))


def kept_in_cache(kernel: str) -> Path:
    return Path(kernels.cache_folder()) / "fuzz" / f"{NAME}-{kernel}"


def corpus(kernel: str) -> list[str]:
    """The programs of the tree, then those that earlier runs here found, each once."""
    return list(dict.fromkeys([*programs_of(CORPUS), *programs_of(kept_in_cache(kernel))]))


def show_failure(vm: str, kernel: str, found: Found) -> None:
    """Shows why a guest failed, and keeps the program for REPLAY=."""
    log = (OUT / vm / "log").read_text(errors="replace")
    show("\n".join(line for line in log.splitlines()
                   if not re.match(r"run |keep: |cover: |# \d+ programs", line)))
    file = OUT / f"failed-{kernel}"
    write(file, [found.last])
    show(f"the last program: make kfuzz KERNELS={kernel} REPLAY={file.relative_to(ROOT)}")


def fuzz(kernel: str, seconds: int, seed: int, vm: str = "") -> Found:
    """Fuzzes for so many seconds, or until a program fails."""
    vm = vm or f"{NAME}-{kernel}"
    found = hunt(vm, kernel, build.traced_module_file(kernel), seconds, seed, corpus(kernel))
    # a guest that died has not told of the cover
    if found.cover or found.kept:
        write(kept_in_cache(kernel), found.cover or found.kept)
    if not found.well:
        show_failure(vm, kernel, found)
    show(f"{'ok' if found.well else 'not ok'} - {kernel}: {summary([kernel], [found])}")
    return found


def summary(rows: Sequence[str], found: Sequence[Found]) -> str:
    reached = ", ".join(
        f"{each.places} of {places_of(build.traced_module_file(row))} PCs covered on {row}"
        for row, each in zip(rows, found, strict=True))
    return (f"{sum(each.programs for each in found)} programs, {reached}, "
            f"{sum(not each.well for each in found)} complaints")


def replay(kernel: str, file: Path, times: int) -> bool:
    """Runs the programs of a file again and again."""
    programs = programs_of(file)
    if not programs:
        raise Unusable(f"{file} has no programs")
    vm = f"{NAME}-replay-{kernel}"
    found = in_guest(vm, kernel, build.traced_module_file(kernel), ASIDE, programs,
                     "play", str(times))
    if not found.well:
        show_failure(vm, kernel, found)
    show(f"{'ok' if found.well else 'not ok'} - {kernel}: {found.programs} programs")
    return found.well


def save_corpus(kernel: str) -> None:
    """Writes to the tree what reaches together all that the last run on a kernel reached."""
    programs = programs_of(kept_in_cache(kernel))
    write(CORPUS, programs, HEAD)
    show(f"{len(programs)} programs in {CORPUS.relative_to(ROOT)}")


def drawn_seed() -> int:
    return random.getrandbits(31) + 1


def row(kernel: str) -> str:
    return f"{kernel}/{NAME}"


def job(kernel: str, seconds: int, built: bool) -> Job:
    """As a part of a check."""
    def work() -> list[Result]:
        if not built:
            raise Unusable(f"no traced module for {kernel}")
        start = time.monotonic()
        well = fuzz(kernel, seconds, drawn_seed(), f"check-{kernel}-{NAME}").well
        return [Result(row(kernel), NAME, 1, int(well), int(not well),
                       seconds=int(time.monotonic() - start))]

    return Job(row(kernel), NAME, work)

# SPDX-License-Identifier: Apache-2.0
"""The fuzzer of the driver: random programs of calls in a guest, guided by KCOV.

A guest runs for some minutes, and the next one goes on with the programs that the last one
kept, so that a log stays small and leaks are looked for at the end of each.
"""

import random
import re
import time
from dataclasses import dataclass
from pathlib import Path

import build
import guests
import kernels
import processes
from project import BUILD, ROOT, Unusable, show
from results import Result
from schedule import Job

OUT = BUILD / "kfuzz"
CORPUS = ROOT / "tests" / "kfuzz" / "corpus"
PROGRAM = "ashmem-kfuzz"

# Seconds of a guest.
SLICE = 600

MACHINE = ("--cpus", "2", "--memory", "1024", "--append", "slab_nomerge")


@dataclass(frozen=True)
class Found:
    """What the log of a guest says."""

    programs: int
    places: int
    kept: list[str]
    last: str  # the program that ran when the guest failed or died

    @staticmethod
    def of(log: str) -> "Found":
        counts = re.findall(r"(\d+) programs, (\d+) PCs covered", log)
        ran = re.findall(r"^run (\d+): (.*)$", log, re.M)
        programs = int(ran[-1][0]) if ran else 0
        places = int(counts[-1][1]) if counts else 0
        return Found(programs, places, re.findall(r"^keep: (.*)$", log, re.M),
                     ran[-1][1] if ran else "")


def lines(program: str) -> str:
    """A program as a file has it, a step a line."""
    return "\n".join(program.split("; ")) + "\n"


def one_line(text: str) -> str:
    steps = [line.strip() for line in text.splitlines() if line and not line.startswith("#")]
    return "; ".join(steps)


def kept_in_cache(kernel: str) -> Path:
    return Path(kernels.cache_folder()) / "fuzz" / f"kfuzz-{kernel}"


def corpus(kernel: str) -> list[str]:
    """The programs of the tree, then those that earlier runs here found, each once."""
    own = [one_line(file.read_text(encoding="utf-8")) for file in sorted(CORPUS.glob("*.txt"))]
    cached = kept_in_cache(kernel)
    found = cached.read_text(encoding="utf-8").splitlines() if cached.exists() else []
    return list(dict.fromkeys([*own, *found]))


def places_of(module: Path) -> int:
    """In how many places a module calls KCOV."""
    relocations = processes.capture(["readelf", "-rW", module])
    return len(re.findall(r"\b__sanitizer_cov_trace_pc\b", relocations))


def in_guest(vm: str, kernel: str, module: Path, seconds: int, programs: str,
             command: list[str]) -> tuple[bool, str]:
    """Runs the fuzzer in a guest. Returns whether all was well, and the log."""
    folder = OUT / vm
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "programs").write_text(programs, encoding="utf-8")
    # the last program, the boot and the search for leaks take their time
    options = [*MACHINE, "--timeout", str(seconds + 240), "--module", str(module),
               *guests.added(build.tests_folder("amd64") / PROGRAM,
                             f"{folder / 'programs'}:/programs")]
    well = guests.launch(vm, kernel, options, [f"/bin/{PROGRAM}", *command], folder / "log")
    return well, (folder / "log").read_text(errors="replace")


def keep_failure(vm: str, log: str, last: str) -> Path:
    """Keeps the program for REPLAY=, and shows why the guest failed."""
    file = OUT / f"{vm}-failed.txt"
    file.write_text(lines(last), encoding="utf-8")
    show("\n".join(line for line in log.splitlines() if not re.match(r"run |keep: |ok ", line)))
    show(f"the last program: make kfuzz KERNELS={vm.removeprefix('kfuzz-')} REPLAY={file}")
    return file


def slices(seconds: int) -> list[int]:
    whole, rest = divmod(seconds, SLICE)
    return [SLICE] * whole + ([rest] if rest else [])


def fuzz(kernel: str, seconds: int, seed: int, module: Path | None = None) -> Result:
    """Fuzzes for so many seconds, or until a guest fails."""
    module = module or build.traced_module_file(kernel)
    vm, start = f"kfuzz-{kernel}", time.monotonic()
    programs, places, well, ran = corpus(kernel), 0, True, 0
    for number, length in enumerate(slices(seconds)):
        well, log = in_guest(vm, kernel, module, length, "\n".join([*programs, ""]),
                             ["fuzz", str(seed + (number << 32)), str(length), "/programs"])
        found = Found.of(log)
        ran, places = ran + found.programs, max(places, found.places)
        if not well:
            keep_failure(vm, log, found.last)
            break
        programs = found.kept or programs
        kept_in_cache(kernel).parent.mkdir(parents=True, exist_ok=True)
        kept_in_cache(kernel).write_text("\n".join([*programs, ""]), encoding="utf-8")
    show(f"{'ok' if well else 'not ok'} - {kernel}: {ran} programs from seed {seed}, "
         f"{places} of {places_of(module)} PCs covered, {len(programs)} programs kept, "
         f"{int(not well)} failures")
    return Result(kernel, "kfuzz", 1, int(well), int(not well),
                  seconds=int(time.monotonic() - start))


def replay(kernel: str, file: Path, times: int) -> bool:
    """Runs one program again and again, on a driver that is built as for fuzzing."""
    if not file.exists():
        raise Unusable(f"no file {file}")
    well, log = in_guest(f"kfuzz-{kernel}", kernel, build.traced_module_file(kernel), 600,
                         one_line(file.read_text(encoding="utf-8")) + "\n",
                         ["play", "/programs", str(times)])
    show("\n".join(line for line in log.splitlines() if not line.startswith("run ")))
    return well


def save_corpus(kernel: str) -> None:
    """Writes what is kept for a kernel into the tree, a file for each program."""
    programs = corpus(kernel)
    for file in CORPUS.glob("*.txt"):
        file.unlink()
    for number, program in enumerate(programs):
        (CORPUS / f"{number:03}.txt").write_text(lines(program), encoding="utf-8")
    show(f"{len(programs)} programs in {CORPUS.relative_to(ROOT)}")


def drawn_seed() -> int:
    return random.getrandbits(31)


def job(kernel: str, seconds: int, built: bool) -> Job:
    """As a part of a check."""
    def work() -> list[Result]:
        if not built:
            raise Unusable(f"no traced module for {kernel}")
        return [fuzz(kernel, seconds, drawn_seed())]

    return Job(kernel, "kfuzz", work)

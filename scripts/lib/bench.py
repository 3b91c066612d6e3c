# SPDX-License-Identifier: Apache-2.0
"""The benchmark's guests, their figures in one file, and two such files compared."""

import json
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import build
import guests
import kernels
import processes
from project import BUILD, ROOT, Unusable, show

COMMITTED = ROOT / "Documentation" / "performance" / "figures.json"
ORIGINAL = "original"  # a subject: the driver that 5.10 ships
OURS = "ashmem"

USUAL = ("5.10", "6.12", "7.2")
DEBUG = "6.12-debug"

# What each kind of guest asks, by the letters of questions; "e" has parts of other names.
COUNTED = {letter: (letter,) for letter in "abcefgk"}
OF_OURS = COUNTED | {"e": ("e", "parts")}
OF_LOCKS = {"e": ("holds",)}
TIMED = {letter: (letter,) for letter in "hjid"}
LOCKED = {"d": ("d",)}
ON_HOST = ("a", "b", "f")

# A unit that does not depend on what else the machine does, and by how much it may differ.
EXACT = ("instructions", "bytes")
MOST = 0.01
LEAST = 1  # what takes ten instructions agrees if it differs by one


@dataclass(frozen=True)
class Guest:
    """A run of ashmem-bench: on which kernel, what it asks, and the machine."""

    name: str
    kernel: str
    questions: tuple[str, ...]
    counted: bool = True
    memory: int = 1536
    timeout: int = 900
    original: bool = False
    options: tuple[str, ...] = ()

    def machine(self) -> list[str]:
        """Options of qemu/run."""
        options = ["--memory", str(self.memory), "--timeout", str(self.timeout), *self.options,
                   "--stuck-timeout", "0",  # the program sleeps until the kernel has settled
                   "--append", "slab_nomerge norandmaps"]
        if self.counted:
            options += ["--icount"]
        else:
            options += ["--cpus", "2", "--kernel-module", guests.WITH_BINDER, *_library()]
        if self.original:
            return [*options, "--kernel-module", "ashmem_linux", "--taint", "1024"]
        return [*options, "--module", str(build.module_file(self.kernel))]


def _library() -> list[str]:
    """Options that add what measures the library, static and with the shared libraries."""
    folder = build.tests_folder("amd64")
    dynamic = folder / "ashmem-costs-library.dynamic"
    options = guests.added(folder / "ashmem-costs-library", dynamic,
                           f"{BUILD}/lib/libashmem-preload.so:/lib/libashmem-preload.so")
    for library in re.findall(r"/\S+", processes.capture(["ldd", dynamic])):
        # our folder may not exist in the guest
        options += guests.added(f"{Path(library).resolve()}:{library.removeprefix(str(BUILD))}")
    return options


def planned(chosen: Sequence[str], asked: Sequence[str]) -> list[Guest]:
    """The guests for these kernels and questions; all questions if none is named."""
    def of(kind: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        return tuple(name for letter, names in kind.items() if not asked or letter in asked
                     for name in names)

    # the longest first
    found = []
    if kernels.ORIGINAL in chosen:
        found.append(Guest(ORIGINAL, kernels.ORIGINAL, of(COUNTED), original=True))
    found += [Guest(kernel, kernel, of(OF_OURS)) for kernel in chosen if kernel != DEBUG]
    # one of the timed guests is enough: they run alone
    found += [Guest(f"{kernel}-timed", kernel, of(TIMED), counted=False)
              for kernel in [each for each in chosen if each != DEBUG][-1:]]
    if DEBUG in chosen:
        found.append(Guest(DEBUG, DEBUG, of(OF_LOCKS), options=("--boot-timeout", "300")))
        found.append(Guest(f"{DEBUG}-timed", DEBUG, of(LOCKED), counted=False))
    return [guest for guest in found if guest.questions]


def program() -> Path:
    return build.tests_folder("amd64") / "ashmem-bench"


def measure(out: Path, guest: Guest) -> bool:
    """Writes out/NAME.json, or shows why it cannot."""
    vm, log = f"bench-{guest.name}", out / f"{guest.name}.log"
    told = [*(["--counted"] if guest.counted else []), *(["--original"] if guest.original else [])]
    well = guests.launch(
        vm, guest.kernel,
        [*guest.machine(), *guests.added(program()), "--get", "/bench.json"],
        ["/bin/ashmem-bench", *told, "--json", "/bench.json", *guest.questions], log)
    text = log.read_text(errors="replace")
    show(text.splitlines()[-1] if well else text)
    if well:
        shutil.copy(BUILD / "vm" / vm / "bench.json", out / f"{guest.name}.json")
    return well


HOST = Guest("host", "this machine", ())


def measure_host(out: Path, asked: Sequence[str]) -> Path:
    """Asks on this machine what needs no driver, and returns the file of its figures."""
    letters = [letter for letter in ON_HOST if not asked or letter in asked]
    file = out / "host.json"
    if processes.run([program(), "--host", "--json", file, *letters]):
        raise Unusable("not everything could be measured")
    return file


def read(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8"))


def merged(reports: Iterable[tuple[Guest, Mapping]]) -> dict:
    """One report of those that guests wrote. Each figure says on which kernel it was found. Of
    the original's guest only the original counts: its peers were also measured beside our
    driver."""
    runs, figures = {}, []
    for guest, report in reports:
        runs[guest.name] = {key: value for key, value in report.items() if key != "figures"}
        for figure in report["figures"]:
            if guest.original:
                if figure["subject"] != OURS:
                    continue
                figure = figure | {"subject": ORIGINAL}
            figures.append({"kernel": guest.kernel} | figure)
    return {"runs": runs, "figures": figures}


def write(report: Mapping, file: Path) -> None:
    """A line for each figure, so that a change of one is seen."""
    lines = ",\n".join(f"  {json.dumps(figure)}" for figure in report["figures"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{"SPDX-License-Identifier": "Apache-2.0",\n'
                    f'"runs": {json.dumps(report["runs"], indent=1)},\n'
                    f'"figures": [\n{lines}\n]}}\n', encoding="utf-8")


def _by_what(report: Mapping) -> dict[tuple, float]:
    keys = ("kernel", "question", "row", "x", "subject", "unit")
    return {tuple(figure[key] for key in keys): figure["value"] for figure in report["figures"]}


def differences(one: Mapping, other: Mapping) -> tuple[list[str], int]:
    """The exact figures that differ by more than a hundredth, or that only one report has, and
    how many were compared."""
    ours, theirs = _by_what(one), _by_what(other)
    lines, compared = [], 0
    for what in dict.fromkeys([*ours, *theirs]):
        if what[-1] not in EXACT:
            continue
        compared += 1
        label = " ".join(str(part) for part in what)
        if what not in ours or what not in theirs:
            lines.append(f"{label}: in one run only")
            continue
        least, most = sorted((ours[what], theirs[what]))
        if most - least > max(MOST * least, LEAST):
            lines.append(f"{label}: {ours[what]:.1f} and {theirs[what]:.1f}")
    return lines, compared

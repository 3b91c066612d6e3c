# SPDX-License-Identifier: Apache-2.0
"""What the library's calls cost beside raw ones: runs of the program that measures, and the
table of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import build
import guests
from processes import run
from project import BUILD, Unusable, show

# Seconds for one run of the program, several times what it takes.
LIMIT = 300

# Runs with libashmem-preload.so, and as many without, in turn.
RUNS = 12

PRELOADED_MOST = 1.1  # on files that are no region
OPENED, MADE = "a region opened, closed", "a memfd made, sized, closed"


@dataclass(frozen=True)
class Cost:
    """Nanoseconds of a call and of what it is compared with."""

    what: str
    ours: float
    raw: float
    most: float  # of their ratio; 0: nothing is wanted

    @property
    def ratio(self) -> float:
        return self.ours / self.raw

    @property
    def missed(self) -> bool:
        return self.most > 0 and self.ratio > self.most


def read(text: str) -> list[Cost]:
    """The lines of the program, among others that a guest may have left."""
    number = r"(\d+\.\d+)"
    lines = re.findall(rf"^([^\t\n]+)\t{number}\t{number}\t{number}\r?$", text, re.M)
    return [Cost(what, *map(float, numbers)) for what, *numbers in lines]


def _run(out: Path, name: str, argv: Sequence[str | Path]) -> list[Cost]:
    log = out / name
    well = run(argv, log, limit=LIMIT) == 0
    text = log.read_text(encoding="utf-8", errors="replace")
    if not well:
        show(text)
        raise Unusable("not everything could be measured")
    return read(text)


def _program() -> Path:
    return build.tests_folder("amd64") / "ashmem-costs-library.dynamic"


def beside_raw(out: Path) -> list[Cost]:
    return _run(out, "host", [_program()])


def compared(plain: Mapping[str, float], ours: Mapping[str, float]) -> list[Cost]:
    """The same calls of two runs; a region beside a memfd."""
    costs = [Cost(what, ours[what], plain[what], PRELOADED_MOST) for what in plain if what in ours]
    if OPENED in ours:
        costs.append(Cost(f"{OPENED}, beside {MADE}", ours[OPENED], plain[MADE], 0))
    return costs


def preloaded(out: Path) -> list[Cost]:
    """The quickest of several runs each."""
    library = f"LD_PRELOAD={BUILD / 'lib' / 'libashmem-preload.so'}"
    least: dict[str, dict[str, float]] = {"plain": {}, "preloaded": {}}
    for turn in range(RUNS):
        for name, settings in (("plain", []), ("preloaded", [library])):
            for cost in _run(out, f"{name}-{turn}", ["env", *settings, _program(), "calls"]):
                before = least[name].get(cost.what, cost.ours)
                least[name][cost.what] = min(before, cost.ours)
    return compared(least["plain"], least["preloaded"])


def in_guest(out: Path, kernel: str) -> list[Cost]:
    """The static program, over the driver."""
    log = out / f"guest-{kernel}"
    program = build.tests_folder("amd64") / "ashmem-costs-library"
    well = guests.launch(
        f"costs-library-{kernel}", kernel,
        ["--memory", "768", "--timeout", "600", "--module", str(build.module_file(kernel)),
         *guests.added(program)],
        ["/bin/ashmem-costs-library"], log)
    text = log.read_text(encoding="utf-8", errors="replace")
    if not well:
        show(text)
        raise Unusable("not everything could be measured")
    return read(text)


def table(title: str, costs: Sequence[Cost]) -> list[str]:
    """A line for each cost."""
    head = f"{title + ', nanoseconds':<62}{'ours':>10}{'raw':>10}{'ratio':>8}   at most"
    rows = [f"{cost.what:<62}{cost.ours:>10.1f}{cost.raw:>10.1f}{cost.ratio:>8.2f}"
            f"{'!' if cost.missed else ' '}  {format(cost.most, 'g') if cost.most else '-'}"
            for cost in costs]
    wanted = [cost for cost in costs if cost.most]
    missed = sum(cost.missed for cost in wanted)
    return [head, *rows, f"{len(wanted) - missed} of {len(wanted)} targets hold"
            + ("; ! is one that does not" if missed else "")]

# SPDX-License-Identifier: Apache-2.0
"""Which lines and branches ran: counts of gcov and of llvm-cov, and what they leave out.

A branch is one direction of a condition. gcov counts those that the compiler made, so those
of the kernel's own macros too: lines of assertions, tracepoints and waits are left out. llvm-cov
counts those that the source has.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from project import ROOT

# Part of the tree, and the least that must have run: percent of lines, and of branches.
PARTS = ("kmod", "libashmem")
LEAST_LINES, LEAST_BRANCHES = 98.0, 90.0

UNCOVERED = ROOT / "tests" / "uncovered.toml"

# What these macros branch on is a defect, or is the kernel's own: whether a tracepoint is on,
# which queue it is, whether to sleep once more.
MACROS = re.compile(r"\b(lockdep_assert\w*|(VM_)?(WARN|BUG)_ON\w*|trace_ashmem_\w+|TRACE_EVENT"
                    r"|DECLARE_EVENT_CLASS|DEFINE_EVENT|flush_workqueue|wait_event\w*|strscpy)\(")


@dataclass
class File:
    """How often each line ran, and each branch, by its line and its place there."""

    lines: dict[int, int] = field(default_factory=dict)
    branches: dict[tuple[int, int], int] = field(default_factory=dict)

    def missed_lines(self) -> list[int]:
        return sorted(line for line, count in self.lines.items() if not count)

    def missed_branches(self) -> list[int]:
        """The lines of branches that never went, without lines that never ran."""
        return sorted({line for (line, _), count in self.branches.items()
                       if not count and self.lines.get(line, 1)})


Counts = dict[str, File]  # by the path in the tree


def add(counts: Counts, path: str, lines: Iterable[tuple[int, int]],
        branches: Iterable[tuple[int, int, int]]) -> None:
    file = counts.setdefault(path, File())
    for line, count in lines:
        file.lines[line] = file.lines.get(line, 0) + count
    for line, place, count in branches:
        key = (line, place)
        file.branches[key] = file.branches.get(key, 0) + count


def _source(path: str) -> list[str]:
    return (ROOT / path).read_text(encoding="utf-8").splitlines()


def add_gcov(counts: Counts, text: str, folder: Path, inside: str) -> None:
    """Adds what gcov --json-format says of the files of a folder, which is a copy of `inside`
    in the tree."""
    told = json.loads(text)
    for found in told["files"]:
        path = Path(told["current_working_directory"], found["file"])
        if not path.is_relative_to(folder):
            continue
        name = f"{inside}/{path.relative_to(folder)}"
        source = _source(name)
        # a line that several functions hold, as one in a header, is there once for each
        places: dict[tuple[int, str], int] = {}
        branches = []
        for line in found["lines"]:
            number = line["line_number"]
            if MACROS.search(source[number - 1]):
                continue
            for branch in line["branches"]:
                key = (number, line.get("function_name", ""))
                place = places.get(key, 0)
                places[key] = place + 1
                branches.append((number, place, branch["count"]))
        add(counts, name, ((line["line_number"], line["count"]) for line in found["lines"]),
            branches)


def _path_in_tree(source: str, inside: str) -> str:
    """Of a source as the compiler saw it, which may be another clone's if ccache had the
    object; empty if the file is of another folder."""
    _, found, rest = os.path.normpath(source).rpartition(f"/{inside}/")
    path = f"{inside}/{rest}"
    return path if found and (ROOT / path).is_file() else ""


def add_llvm_lines(counts: Counts, text: str, inside: str) -> None:
    """Adds the lines that llvm-cov export -format=lcov tells of a folder of the tree."""
    for record in text.split("end_of_record\n"):
        source = re.search(r"^SF:(.*)$", record, re.M)
        path = _path_in_tree(source[1], inside) if source else ""
        if path:
            lines = re.findall(r"^DA:(\d+),(\d+)", record, re.M)
            add(counts, path, ((int(line), int(count)) for line, count in lines), ())


def add_llvm_branches(counts: Counts, text: str, inside: str) -> None:
    """Adds the branches that llvm-cov export -format=text tells. A condition of a template or
    of a macro is told for each use; it is one. What the compiler decides is told as never
    taken either way; it is none."""
    for found in (file for data in json.loads(text)["data"] for file in data["files"]):
        path = _path_in_tree(found["filename"], inside)
        if path:
            source = _source(path)
            add(counts, path, (), (
                (line, 2 * column + way, count)
                for line, column, _, _, taken, not_taken, *_ in found["branches"]
                if "if constexpr" not in source[line - 1]
                for way, count in enumerate((taken, not_taken))))


def as_lcov(counts: Counts) -> str:
    """For genhtml."""
    records = []
    for path, file in sorted(counts.items()):
        records += [f"SF:{ROOT / path}",
                    *(f"BRDA:{line},0,{place},{count}"
                      for (line, place), count in sorted(file.branches.items())),
                    *(f"DA:{line},{count}" for line, count in sorted(file.lines.items())),
                    "end_of_record"]
    return "\n".join([*records, ""])


@dataclass(frozen=True)
class Total:
    lines: int
    lines_run: int
    branches: int
    branches_run: int

    @staticmethod
    def of(files: Iterable[File]) -> "Total":
        files = list(files)
        return Total(sum(len(file.lines) for file in files),
                     sum(bool(count) for file in files for count in file.lines.values()),
                     sum(len(file.branches) for file in files),
                     sum(bool(count) for file in files for count in file.branches.values()))

    def percent(self) -> tuple[float, float]:
        return (100 * self.lines_run / max(self.lines, 1),
                100 * self.branches_run / max(self.branches, 1))

    def is_enough(self) -> bool:
        lines, branches = self.percent()
        return self.lines > 0 and lines >= LEAST_LINES and branches >= LEAST_BRANCHES

    def __str__(self) -> str:
        lines, branches = self.percent()
        return f"{lines:.1f}% of {self.lines:,} lines, {branches:.1f}% of {self.branches:,} branches"


def of_part(counts: Counts, part: str) -> Total:
    return Total.of(file for path, file in counts.items() if path.startswith(f"{part}/"))


def table(counts: Counts) -> list[str]:
    """A line for each file."""
    def line(name: str, total: Total) -> str:
        lines, branches = total.percent()
        rest = f"{branches:6.1f}% of {total.branches:4}" if total.branches else "         -"
        return f"{name:46} {lines:6.1f}% of {total.lines:4}  {rest}"

    head = f"{'file':46} {'lines':>15}  {'branches':>15}"
    return [head, *(line(path, Total.of([file])) for path, file in sorted(counts.items()))]


# A line that only leaves what the line before began.
LEAVES = re.compile(r"(\}|return\b.*;|goto \w+;|break;|continue;)")


class Reasons:
    """tests/uncovered.toml: for a file, texts of lines that no test runs, each with why."""

    def __init__(self, text: str) -> None:
        self._of = tomllib.loads(text)

    def of(self, path: str, line: str) -> str:
        """Empty if no reason is given."""
        return next((why for code, why in self._of.get(path, {}).items() if code in line), "")

    def stale(self) -> list[str]:
        """Entries whose line is no longer there."""
        return [f"{UNCOVERED.name}: {path} has no line with {code}"
                for path, entries in self._of.items() for code in entries
                if not (ROOT / path).exists() or not any(code in line for line in _source(path))]


def left(counts: Counts, reasons: Reasons) -> tuple[list[str], int]:
    """Every line and branch that nothing ran, with its reason; and how many have none."""
    lines, unexplained = [], 0
    for path, file in sorted(counts.items()):
        source = _source(path)
        for what, numbers in (("line", file.missed_lines()), ("branch", file.missed_branches())):
            for number in numbers:
                text, told = source[number - 1].strip(), number
                # what runs as seldom as the line before has its reason
                while what == "line" and told > 1 and LEAVES.fullmatch(source[told - 1].strip()):
                    told -= 1
                why = reasons.of(path, text) or reasons.of(path, source[told - 1])
                unexplained += not why
                lines.append(f"{path}:{number}: {what}: {text}\n    {why or 'NO REASON'}")
    return lines, unexplained

# SPDX-License-Identifier: Apache-2.0
"""Results of runs, the table of them, and the exit status that they make."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import kernels
from processes import capture
from project import QEMU, say, show

_started = time.monotonic()


@dataclass(frozen=True)
class Result:
    """The counts of one run, for its row of the table."""

    row: str
    run: str
    tests: int = 0
    passed: int = 0
    failed: int = 0
    lost: int = 0
    seconds: int = 0


def read_values(text: str) -> dict[str, str]:
    """Lines of key=value, as qemu/tap and a guest's verdict have them."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def of_counts(row: str, run: str, well: bool, counts: dict[str, str], planned: int,
              seconds: float) -> Result:
    """A run's result from the counts of its TAP.

    Claims that were planned and did not report are lost. A run that went wrong counts as
    one failure even if all its claims passed.
    """
    passed, failed = int(counts.get("passed", 0)), int(counts.get("failed", 0))
    tests = max(int(counts.get("tests", 0)), planned, passed + failed)
    lost = tests - passed - failed
    if not well and not failed + lost:
        failed = 1
    return Result(row, run, tests, passed, failed, lost, int(seconds))


def of_tap(row: str, run: str, well: bool, file: Path, seconds: float) -> Result:
    """The result of a program that printed TAP into a file."""
    counts = read_values(capture([QEMU / "tap", file]))
    return of_counts(row, run, well, counts, 0, seconds)


def without_passes(text: str) -> str:
    """The lines of a TAP stream that are worth showing."""
    return "\n".join(line for line in text.splitlines()
                     if not line.startswith(("ok ", "# run ")))


def _line(*cells: object) -> str:
    return "{:<18} {:>7} {:>7} {:>7} {:>7} {:>8}".format(*cells)


def table(results: Iterable[Result], rows: Iterable[str]) -> tuple[list[str], int, int]:
    """The table's lines, the number of passes, and the number of failures that count."""
    results = list(results)
    lines = [_line("kernel", "tests", "passed", "failed", "lost", "seconds")]
    all_passed = all_bad = 0
    for row in rows:
        runs = [result for result in results if result.row == row]
        tests, passed, failed, lost, seconds = (
            sum(getattr(run, column) for run in runs)
            for column in ("tests", "passed", "failed", "lost", "seconds"))
        note = ""
        if not tests:  # a row without a run must not pass
            lost, note = max(lost, 1), " (nothing ran)"
        if failed + lost:
            if kernels.may_fail(row.split("/")[0]):
                note += " (may fail)"
            else:
                all_bad += failed + lost
        all_passed += passed
        lines.append(_line(row, tests, passed, failed, lost, seconds) + note)
    return lines, all_passed, all_bad


def time_since_start() -> str:
    minutes, seconds = divmod(int(time.monotonic() - _started), 60)
    return f"{minutes} min {seconds} s"


def finish(results: Iterable[Result], rows: Iterable[str]) -> int:
    """Shows the table and returns the exit status. A row that was not expected is shown, and
    is a failure: the list of what is expected is wrong, and would not miss it."""
    results, rows = list(results), list(rows)
    others = list(dict.fromkeys(result.row for result in results if result.row not in rows))
    lines, passed, bad = table(results, [*rows, *others])
    lines += [f"{row} was not expected" for row in others]
    bad += len(others)
    say(f"summary ({time_since_start()})")
    show("\n".join([*lines, "", f"{passed} passed, {bad} failed"]))
    return 1 if bad or not rows else 0

# SPDX-License-Identifier: Apache-2.0
"""Random programs of calls on the original driver and on ours, compared answer by answer."""

import difflib
import os
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import build
import guests
import kernels
import results
import shorten
from processes import capture
from project import ROOT, Unusable, number, say, show
from results import Result
from schedule import Job, side_by_side

DRIVERS = ("original", "ours")
EXAMPLES = ROOT / "tests" / "differential" / "known.txt"


@dataclass(frozen=True)
class Programs:
    """The programs that are drawn, and the folder for the answers to them."""

    out: Path
    count: int
    seed: int

    def __str__(self) -> str:
        return f"{self.count} programs from seed {self.seed} on"

    def log(self, name: str, driver: str) -> Path:
        return self.out / f"{name}-{driver}"

    def said(self, name: str, driver: str) -> str:
        """The output of a guest; empty if it did not run."""
        log = self.log(name, driver)
        return log.read_text(errors="replace") if log.exists() else ""


def drawn(out: Path, count: int) -> Programs:
    """As PROGRAMS= and SEED= say."""
    seed = os.environ.get("SEED") or str(random.getrandbits(32))
    if not re.fullmatch("[0-9]{1,18}", seed):
        raise Unusable(f"SEED={seed} is not a number")
    return Programs(out, number("PROGRAMS", count, 9), int(seed))


def row() -> str:
    return f"{kernels.ORIGINAL}/differential"


def program() -> Path:
    return build.tests_folder("amd64") / "ashmem-differential"


def _vm(name: str, driver: str) -> str:
    return f"check-{name}-{driver}"


def _on_driver(programs: Programs, driver: str, name: str, options: Sequence[str],
               command: Sequence[str]) -> None:
    """Boots a guest with a driver and runs a command. The processes take turns, so one
    processor is enough; the other one is left to the other driver's guest."""
    loaded = (["--module", str(build.module_file(kernels.ORIGINAL))] if driver == "ours"
              else ["--kernel-module", "ashmem_linux", "--taint", "1024"])
    machine = ["--cpus", "1", "--memory", "768", "--timeout", str(120 + programs.count // 4)]
    guests.launch(_vm(name, driver), kernels.ORIGINAL,
                  [*machine, *loaded, *guests.added(program()), *options], command,
                  programs.log(name, driver))


def run_programs(programs: Programs, driver: str) -> list[Result]:
    """Runs the drawn programs, then an example of each difference that programs avoid, with
    and without the call that is avoided. compared() makes the result."""
    tool = program().name
    script = (f"{tool} draw {programs.seed} {programs.count} && echo avoided"
              f" && {tool} digest /known && echo all && {tool} digest /known all")
    _on_driver(programs, driver, "differential", guests.added(f"{EXAMPLES}:/known"),
               ["sh", "-c", script])
    return []


def jobs(programs: Programs) -> list[Job]:
    return [Job(row(), driver, lambda driver=driver: run_programs(programs, driver))
            for driver in DRIVERS]


def answers(text: str) -> dict[tuple[str, str], str]:
    """The digests in a guest's output, by the part and the name of a program."""
    part, found = "", {}
    for line in text.splitlines():
        if line in ("avoided", "all"):
            part = line
        elif drawn := not part and re.match(r"ok \d+ - program (\d+) ([0-9a-f]{16})$", line):
            found[part, drawn[1]] = drawn[2]
        elif example := part and re.match(r"([0-9a-f]{16}) (.+)$", line):
            found[part, example[2]] = example[1]
    return found


def compare(original: str, ours: str) -> list[str]:
    """A line of TAP for each program that both drivers ran. An example must differ if the
    call is not avoided; otherwise it is no example."""
    first, lines = answers(original), []
    for (part, name), digest in answers(ours).items():
        if (part, name) not in first:
            continue
        same = first[part, name] == digest
        if part == "all":
            holds, claim = not same, f"differs{' no longer' if same else ''}: {name}"
        elif part == "avoided":
            holds, claim = same, f"avoided: {name}"
        else:
            holds, claim = same, f"program {name}{'' if same else ' differs'}"
        lines.append(f"{'ok' if holds else 'not ok'} - {claim}")
    return lines


def result(lines: Sequence[str], guests_well: bool, programs: int, examples: int,
           seconds: float) -> Result:
    """The result of the comparison and of the guests, which may fail after all answers."""
    failed = sum(line.startswith("not ok") for line in lines)
    counts = {"passed": str(len(lines) - failed), "failed": str(failed)}
    return results.of_counts(row(), "all", guests_well, counts, programs + 2 * examples, seconds)


def compared(programs: Programs) -> Result:
    """Compares what both drivers answered. Shows the first program that differs, shortened."""
    texts = [programs.said("differential", driver) for driver in DRIVERS]
    verdicts = [guests.verdict(_vm("differential", driver)) for driver in DRIVERS]
    lines = compare(*texts)
    (programs.out / "differential").write_text("\n".join([*lines, ""]), encoding="utf-8")
    bad = [line for line in lines if line.startswith("not ok")]
    # if a guest failed or was lost, its last line says so
    last_lines = [line for text in texts for line in text.splitlines()[-1:]]
    show("\n".join([*re.findall(r"^# \d+ programs, .*$", texts[1], re.M), *bad[:20], *last_lines]))
    drawn_bad = re.search(r"^not ok - program (\d+) ", "\n".join(bad), re.M)
    if drawn_bad:
        show_shortened(programs, drawn_bad[1])
    examples = len(re.findall(r"^== ", EXAMPLES.read_text(encoding="utf-8"), re.M))
    return result(lines, all(verdict.get("verdict") == "pass" for verdict in verdicts),
                  programs.count, examples,
                  max(float(verdict.get("seconds", 0)) for verdict in verdicts))


def _on_both(programs: Programs, name: str, text: str, command: Sequence[str]) -> list[str]:
    """The output of a command that reads a file of programs, on both drivers."""
    file = programs.out / name
    file.write_text(text, encoding="utf-8")

    def said_by(driver: str) -> str:
        _on_driver(programs, driver, name, guests.added(f"{file}:/programs"), command)
        return programs.said(name, driver)

    return side_by_side([lambda driver=driver: said_by(driver) for driver in DRIVERS])


def _differing(programs: Programs, candidates: dict[str, Sequence[str]]) -> set[str]:
    """Which of these programs differ."""
    text = "".join(f"== {name}\n" + "".join(f"{step}\n" for step in steps)
                   for name, steps in candidates.items())
    said = _on_both(programs, "shorten", text, [program().name, "digest", "/programs"])
    first, second = (dict((line.split(" ", 1)[::-1]) for line in lines.splitlines()
                          if re.match(r"[0-9a-f]{16} ", line)) for lines in said)
    return {name for name in first.keys() & second.keys() if first[name] != second[name]}


def show_shortened(programs: Programs, seed: str) -> None:
    """Shows the program of a seed, without the lines that do not matter to its difference."""
    say(f"program {seed} differs; shortening it")
    drawn = capture([program(), "show", seed]).splitlines()
    short = shorten.shortened(drawn, lambda candidates: _differing(programs, candidates))
    text = "".join(f"{step}\n" for step in short)
    said = _on_both(programs, "play", text, [program().name, "play", "/programs"])
    original, ours = ([line for line in lines.splitlines() if not line.startswith("vm ")]
                      for lines in said)
    diff = difflib.unified_diff(original, ours, *DRIVERS, lineterm="")
    show("\n".join([text.rstrip(), *diff]))

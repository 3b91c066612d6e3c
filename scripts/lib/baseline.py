# SPDX-License-Identifier: Apache-2.0
"""The guard of what calls cost: the instructions of twelve operations on each kernel,
compared with those in tests/costs/baseline.json."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import build
import costs
import processes
from project import ROOT, Unusable, emptied, show, words
from results import Result
from schedule import Job

FILE = ROOT / "tests" / "costs" / "baseline.json"
USUAL = ("5.10", "7.2")  # others only if KERNELS= names them
QUESTIONS = ("calls", "opens", "reclaim")
OPERATIONS = ("open", "life_named", "map", "pair", "pair_whole", "pair_pagewise", "pair_second",
              "status_unpinned", "status_pinned", "pread", "purge_1024", "reclaim_1024")

# The same code on the same kernel differs by less than 2%, most calls by 0.1%.
MOST = 0.03
# Another build of the kernel is not our change.
MOST_OF_ANOTHER_RELEASE = 0.1


def read() -> dict[str, dict]:
    """For each row of qemu/kernels: the release, and of each operation its instructions and
    the commit that moved it there."""
    return json.loads(FILE.read_text(encoding="utf-8"))


def _since(commit: str) -> str:
    """The commits that changed the driver since then."""
    try:
        log = processes.capture(["git", "-C", ROOT, "log", "--format=%h %s", f"{commit}..HEAD",
                                 "--", "kmod"])
    except Unusable:
        return f"    {commit} is not in this clone"
    return "\n".join(f"    {line}" for line in log.splitlines()) or "    no commit since then"


def compare(kernel: str, release: str, measured: Mapping[str, Mapping],
            baseline: Mapping) -> list[str]:
    """A line for each operation that cost 3% more or less than it did."""
    same = release == baseline["release"]
    most = MOST if same else MOST_OF_ANOTHER_RELEASE
    lines = []
    for key in OPERATIONS:
        then = baseline["operations"][key]
        if key not in measured:
            lines.append(f"{kernel} {key}: was not measured")
            continue
        change = measured[key]["ours"] / then["instructions"] - 1
        if abs(change) > most:
            of = "" if same else f"; it was measured on {baseline['release']}, this is {release}"
            lines.append(f"{kernel} {key}: {measured[key]['ours']:.0f} instructions, "
                         f"{then['instructions']} at {then['commit']}: {change:+.1%}{of}")
    return lines


def guard(out: Path, kernel: str, module: Path | None = None, vm: str = "baseline") -> list[str]:
    """A line for each operation that moved, of that module or the one that was built."""
    if not (module or build.module_file(kernel)).exists():
        raise Unusable(f"no module for {kernel}")
    folder = emptied(out / f"baseline-{kernel}")
    if not costs.measure(folder, kernel, kernel, QUESTIONS, module, vm):
        raise Unusable(f"the costs on {kernel} could not be measured")
    file, baseline = folder / f"{kernel}.json", read()[kernel]
    return compare(kernel, costs.release(file), costs.read(file), baseline)


def job(out: Path, kernel: str) -> Job:
    def work() -> list[Result]:
        start = time.monotonic()
        moved = guard(out, kernel)
        if moved:
            commits = {each["commit"] for each in read()[kernel]["operations"].values()}
            show("\n".join([*(f"not ok - {line}" for line in moved), "  commits to kmod/ since:",
                            *map(_since, sorted(commits)),
                            "  If that is meant, make baseline writes the new figures."]))
        return [Result(kernel, "costs", len(OPERATIONS), len(OPERATIONS) - len(moved), len(moved),
                       seconds=int(time.monotonic() - start))]

    return Job(kernel, "costs", work, len(OPERATIONS))


def jobs(out: Path, chosen: list[str]) -> list[Job]:
    return [job(out, kernel) for kernel in chosen
            if kernel in read() and (kernel in USUAL or kernel in words("KERNELS"))]


def renew(out: Path, kernel: str, commit: str) -> list[str]:
    """Measures a kernel, and writes each figure that moved by 1% with the commit. Returns
    those."""
    folder = emptied(out / kernel)
    if not costs.measure(folder, kernel, kernel, QUESTIONS, vm="baseline"):
        raise Unusable(f"the costs on {kernel} could not be measured")
    measured, everything = costs.read(folder / f"{kernel}.json"), read() if FILE.exists() else {}
    entry = everything.setdefault(kernel, {"release": "", "operations": {}})
    entry["release"] = costs.release(folder / f"{kernel}.json")
    moved = []
    for key in OPERATIONS:
        now, then = round(measured[key]["ours"]), entry["operations"].get(key)
        if not then or abs(now / then["instructions"] - 1) > 0.01:
            entry["operations"][key] = {"instructions": now, "commit": commit}
            moved.append(f"{kernel} {key}: {then['instructions'] if then else 'new'} to {now}")
    FILE.write_text(json.dumps(everything, indent=2) + "\n", encoding="utf-8")
    return moved

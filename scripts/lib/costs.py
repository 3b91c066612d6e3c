# SPDX-License-Identifier: Apache-2.0
"""The instructions of calls: measuring them in guests, targets, and the table of both."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import build
import guests
import kernels
from project import BUILD, show

ORIGINAL = "original"  # the column of the driver that a kernel ships


@dataclass(frozen=True)
class Target:
    """The most that our number, or its ratio to memfd's, should be."""

    of: str
    most: float
    elsewhere: Mapping[str, float | None] = field(default_factory=dict)  # None: no target

    def most_in(self, column: str) -> float | None:
        """The original has no targets."""
        return None if column == ORIGINAL else self.elsewhere.get(column, self.most)

    def text(self, columns: Sequence[str]) -> str:
        def shown(most: float | None) -> str:
            return "none" if most is None else format(most, "g")

        others = [f", {column}: {shown(self.elsewhere[column])}"
                  for column in columns if column in self.elsewhere]
        return f"  {shown(self.most)}{''.join(others)}"


TARGETS = {
    "pair": Target("ours", 2000),
    "pair_whole": Target("ours", 2000),
    "pair_pagewise": Target("ours", 2000),
    "among_growth": Target("ours", 1.6),
    "pread": Target("ratio", 1.03),
    "life_touched": Target("ratio", 1.01, {"5.10": 1.03}),
    "life_named": Target("ratio", 1.25, {"5.10": None}),
    "purge": Target("ratio", 1.02),
    "purge_mapped": Target("ratio", 1.02),
    "purge_single": Target("ratio", 1.05),
    "purge_single_mapped": Target("ratio", 1.05),
    "size_region": Target("ours", 512),
    "size_range": Target("ours", 96),
}

# For each column the costs that its program wrote, by their keys.
Measured = Mapping[str, Mapping[str, Mapping]]


def measure(out: Path, column: str, kernel: str, questions: Sequence[str],
            module: Path | None = None, vm: str = "costs") -> bool:
    """Writes out/COLUMN.json, or shows why it cannot. Measures that module, or the one that
    was built for the kernel, in a guest of that name and the column's."""
    vm = f"{vm}-{column}"
    if column == ORIGINAL:
        driver = ["--kernel-module", "ashmem_linux", "--taint", "1024"]
    else:
        driver = ["--module", str(module or build.module_file(kernel))]
    log = out / f"{column}.log"
    machine = ["--icount", "--memory", "1024", "--timeout", "900",
               "--stuck-timeout", "0",  # the program sleeps until the kernel has settled
               "--append", "slab_nomerge norandmaps"]
    well = guests.launch(
        vm, kernel,
        [*machine, *driver, *guests.added(build.tests_folder("amd64") / "ashmem-costs"),
         "--get", "/costs.json"],
        ["/bin/ashmem-costs", "--json", "/costs.json", *questions], log)
    text = log.read_text(errors="replace")
    show(text.splitlines()[-1] if well else text)
    if well:
        shutil.copy(BUILD / "vm" / vm / "costs.json", out / f"{column}.json")
    return well


def columns(named: Sequence[str]) -> dict[str, str]:
    """The columns for these kernels, and the kernel that each is measured on."""
    found = {}
    for kernel in named:
        found[kernel] = kernel
        if kernel == kernels.ORIGINAL:
            found[ORIGINAL] = kernel
    return found


def read(file: Path) -> dict[str, dict]:
    """The costs that a program wrote, by key and in its order."""
    return {cost["key"]: cost for cost in json.loads(file.read_text(encoding="utf-8"))["costs"]}


def release(file: Path) -> str:
    """The kernel that a program measured."""
    return json.loads(file.read_text(encoding="utf-8"))["kernel"]


def _value(cost: Mapping | None, kind: str) -> float | None:
    """Our number, memfd's, or the ratio of both; None if it does not exist."""
    if cost is None or kind != "ratio":
        return cost and cost[kind]
    return cost["ours"] / cost["memfd"] if None not in (cost["ours"], cost["memfd"]) else None


def _row(measured: Measured, key: str, kind: str, label: str, digits: int) -> tuple[str, int, int]:
    """A line of the table, how many targets it has, and how many of them it misses."""
    target = TARGETS.get(key)
    if target and target.of != kind:
        target = None
    line, asked, missed = f"{label:<50}", 0, 0
    for column, costs in measured.items():
        value = _value(costs.get(key), kind)
        most = target.most_in(column) if target else None
        mark = " "
        if None not in (value, most):
            asked += 1
            missed += value > most
            mark = "!" if value > most else " "
        line += f" {'-' if value is None else format(value, f'.{digits}f'):>12}{mark}"
    return line + (target.text(list(measured)) if target else ""), asked, missed


def table(measured: Measured) -> list[str]:
    """A line of every question, with memfd's number and the ratio where it has one."""
    what = {key: cost for costs in reversed(measured.values()) for key, cost in costs.items()}
    order = dict.fromkeys(key for costs in measured.values() for key in costs)
    rows = []
    for key in order:
        cost = what[key]
        rows.append(_row(measured, key, "ours", cost["what"], 3 if cost["unit"] == "times" else 0))
        if any(_value(costs.get(key), "ratio") is not None for costs in measured.values()):
            rows.append(_row(measured, key, "memfd", "    by memfd", 0))
            rows.append(_row(measured, key, "ratio", "    ratio", 3))
    asked, missed = (sum(row[number] for row in rows) for number in (1, 2))
    head = f"{'instructions':<50}" + "".join(f" {column:>12} " for column in measured)
    return [f"{head}  at most", *(row[0] for row in rows), "",
            f"{asked - missed} of {asked} targets hold"
            + ("; ! is one that does not" if missed else "")]

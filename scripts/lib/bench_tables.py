# SPDX-License-Identifier: Apache-2.0
"""Tables of the benchmark's figures: a row for what is done, a column for who does it, with
our ratio to the best peer and the winner."""

import re
from collections.abc import Mapping, Sequence

from bench import EXACT, ORIGINAL, OURS

TITLES = {
    "a": "The life of a region",
    "b": "Page faults",
    "c": "PIN, UNPIN and GET_PIN_STATUS among many ranges",
    "d": "Threads",
    "e": "Purge and reclaim",
    "f": "Read",
    "g": "Kernel memory",
    "h": "Bytes from one process to another",
    "i": "Memory that yields",
    "j": "The library over raw calls",
    "k": "Very many regions and ranges",
}

# The rows of a long series that a table shows; the curves have all.
SHOWN = {"c": (1, 1000, 100_000), "d": (1, 2, 8)}

# A question that asks what one thing adds to another: both, and the column of their ratio.
_PAIRS = {"j": ("library on ashmem", "raw ashmem", "library to raw")}

FLOOR = "floor"  # a subject that does less than the work; it cannot win

# Closer than that nobody wins: where instructions are counted, and in time.
_SAME, _SAME_IN_TIME = 0.01, 0.15

# Less is better, but for these units and rows; and of some rows neither is.
_MORE_UNITS = ("MiB/s",)
_MORE_ROWS = re.compile("the owner is told of|before the first loss")
_NO_CONTEST = re.compile("MiB offered")

Values = Mapping[str, float]


def number(value: float) -> str:
    """With three digits at least."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def _best(values: Values, row: str, unit: str) -> str:
    choose = max if unit in _MORE_UNITS or _MORE_ROWS.search(row) else min
    return choose(values, key=values.__getitem__)


def winner(values: Values, row: str, unit: str) -> str:
    """Who is best, and who is not worse by a hundredth; nobody without a rival."""
    rivals = {who: value for who, value in values.items() if who != FLOOR}
    if len(rivals) < 2 or _NO_CONTEST.search(row):
        return "-"
    most = rivals[_best(rivals, row, unit)]
    same = _SAME if unit in EXACT else _SAME_IN_TIME
    return ", ".join(who for who, value in rivals.items() if abs(value - most) <= same * abs(most))


def _quotient(ours: float, peer: float) -> str:
    return f"{ours / peer:.3g}" if ours > 0 and peer > 0 else "-"


def ratio(values: Values, row: str, unit: str, question: str = "") -> str:
    """Ours to the best peer's, or of a pair."""
    if question in _PAIRS:
        one, other, _ = _PAIRS[question]
        return _quotient(values[one], values[other]) if {one, other} <= values.keys() else "-"
    peers = {who: value for who, value in values.items() if who not in (OURS, FLOOR)}
    if OURS not in values or not peers or _NO_CONTEST.search(row):
        return "-"
    return _quotient(values[OURS], peers[_best(peers, row, unit)])


def _grouped(figures: Sequence[Mapping], question: str) -> dict[tuple, dict[str, float]]:
    """The values by subject of each row: what, x, unit and kernel, in the order of what. Rows
    of nothing but zeros are left out."""
    shown = SHOWN.get(question)
    rows: dict[tuple, dict[str, float]] = {}
    order: dict[str, int] = {}
    for figure in figures:
        if figure["question"] != question or (shown and figure["x"] not in shown):
            continue
        order.setdefault(figure["row"], len(order))
        key = (figure["row"], figure["x"], figure["unit"], figure["kernel"])
        rows.setdefault(key, {})[figure["subject"]] = figure["value"]
    rows = {key: values for key, values in rows.items() if any(values.values())}
    return dict(sorted(rows.items(), key=lambda row: (order[row[0][0]], row[0][1])))


def subjects(rows: Mapping[tuple, Values]) -> list[str]:
    """Ours first, then the original, the floor last."""
    found = dict.fromkeys(who for values in rows.values() for who in values)
    first = [who for who in (OURS, ORIGINAL) if who in found]
    last = [FLOOR] if FLOOR in found else []
    return [*first, *(who for who in found if who not in (*first, *last)), *last]


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """As Markdown, which is also legible as it is."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    numeric = [all(re.fullmatch(r"-|[\d,.e+-]+", line[column]) for line in lines[1:])
               for column in range(len(lines[0]))]
    drawn = ["| " + " | ".join(cell.rjust(width) if right else cell.ljust(width)
                               for cell, width, right in zip(line, widths, numeric)) + " |"
             for line in lines]
    rule = "|" + "|".join("-" * (width + 1) + ("-" if not right else ":")
                          for width, right in zip(widths, numeric)) + "|"
    return [drawn[0], rule, *drawn[1:]]


def table(figures: Sequence[Mapping], question: str) -> list[str]:
    """The lines of a question's table; none if nothing was asked."""
    rows = _grouped(figures, question)
    if not rows:
        return []
    who = subjects(rows)
    # a row that has its number in words needs no column for it
    sized = len({(what, x) for what, x, _, _ in rows}) > len({what for what, _, _, _ in rows})
    units = {unit for _, _, unit, _ in rows}
    head = ["what", *(["of"] if sized else []), *(["unit"] if len(units) > 1 else []), "kernel",
            *who, _PAIRS[question][2] if question in _PAIRS else "to best peer", "winner"]
    lines = [head]
    for (what, x, unit, kernel), values in rows.items():
        lines.append([what, *([f"{x:,}"] if sized else []), *([unit] if len(units) > 1 else []),
                      kernel, *(number(values[each]) if each in values else "-" for each in who),
                      ratio(values, what, unit, question), winner(values, what, unit)])
    return [*([f"In {units.pop()}.", ""] if len(units) == 1 else []), *_aligned(lines)]


def everything(figures: Sequence[Mapping]) -> str:
    """All tables, for a terminal."""
    parts = []
    for question, title in TITLES.items():
        lines = table(figures, question)
        if lines:
            parts.append("\n".join([f"({question}) {title}", "", *lines]))
    return "\n\n".join(parts)

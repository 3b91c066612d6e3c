# SPDX-License-Identifier: Apache-2.0
"""The kernels that the driver builds for, as a page and as a badge."""

from collections.abc import Sequence
from pathlib import Path

import kernels
from results import Result

_BADGE = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img">
<title>builds: {text}</title>
<rect width="46" height="20" fill="#555"/>
<rect x="46" width="{right}" height="20" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="6" y="14">builds</text>
<text x="52" y="14">{text}</text>
</g>
</svg>
"""


def _cell(results: Sequence[Result], run: str) -> str:
    found = [result for result in results if result.run == run]
    if not found:
        return "-"
    bad = sum(result.failed + result.lost for result in found)
    if run == "build":
        return "no" if bad else "yes"
    return f"{found[0].passed} of {found[0].tests} claims"


def page(done: Sequence[Result], rows: Sequence[str]) -> str:
    """A table in Markdown, a row for each kernel."""
    lines = ["| kernel | builds | boots, and the driver answers |", "| --- | --- | --- |"]
    for row in rows:
        of_row = [result for result in done if result.row == row]
        lines.append(f"| {row} | {_cell(of_row, 'build')} | {_cell(of_row, 'driver')} |")
    return "\n".join([*lines, ""])


def badge(done: Sequence[Result], rows: Sequence[str]) -> str:
    """An SVG that says on how many kernels all is well; green if on all that must be."""
    def well(row: str) -> bool:
        of_row = [result for result in done if result.row == row]
        return bool(of_row) and not any(result.failed + result.lost for result in of_row)

    good = [row for row in rows if well(row)]
    bad = [row for row in rows if row not in good and not kernels.may_fail(row)]
    text = f"{len(good)} of {len(rows)} kernels"
    right = 12 + 7 * len(text)
    return _BADGE.format(width=46 + right, right=right, text=text,
                         colour="#c22" if bad else "#2a2")


def write(folder: Path, done: Sequence[Result], rows: Sequence[str]) -> None:
    (folder / "matrix.md").write_text(page(done, rows), encoding="utf-8")
    (folder / "badge.svg").write_text(badge(done, rows), encoding="utf-8")

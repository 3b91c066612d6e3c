# SPDX-License-Identifier: Apache-2.0
"""Documentation/performance.md: its tables, between comments that name their questions."""

import re
from collections.abc import Mapping

import bench_tables
from project import ROOT

PAGE = ROOT / "Documentation" / "performance.md"

_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def rendered(page: str, report: Mapping) -> str:
    """The page with the tables of these figures."""
    def put(found: re.Match) -> str:
        lines = bench_tables.table(report["figures"], found[2])
        return found[1] + "".join(f"{line}\n" for line in lines) + found[3]

    return _TABLE.sub(put, page)


def questions(page: str) -> list[str]:
    """Those whose table the page has."""
    return [found[2] for found in _TABLE.finditer(page)]

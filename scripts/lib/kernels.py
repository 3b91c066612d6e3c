# SPDX-License-Identifier: Apache-2.0
"""The table of kernels, as qemu/query reads it."""

from functools import cache

from processes import capture
from project import QEMU, Unusable

ORIGINAL = "5.10"  # the last that ships the original driver
KCSAN = "6.12-kcsan"


@cache
def _query(*words: str) -> tuple[str, ...]:
    return tuple(capture([QEMU / "query", *words]).split())


def rows() -> tuple[str, ...]:
    return _query("rows")


def required() -> tuple[str, ...]:
    """The rows that a check runs if none is named."""
    return _query("required")


def default() -> str:
    """The row for what runs on one kernel only."""
    return _query("default")[0]


def arch(row: str) -> str:
    return _query("field", row, "arch")[0]


def compiler(row: str) -> str:
    return _query("field", row, "cc")[0]


def gate(row: str) -> str:
    return _query("field", row, "gate")[0]


def may_fail(row: str) -> bool:
    """Whether a failure of this row is tolerated; never for rows that are no kernel."""
    return row in rows() and gate(row) == "may"


def is_built_here(row: str) -> bool:
    return bool(_query("field", row, "config"))


def finds_mistakes(row: str) -> bool:
    """Whether it is a kernel of make check-debug."""
    return is_built_here(row) and gate(row) == "must"


def debug() -> tuple[str, ...]:
    return tuple(row for row in rows() if finds_mistakes(row))


def cache_folder() -> str:
    return _query("cache")[0]


def chosen(named: list[str]) -> list[str]:
    """The rows of KERNELS=, or those that are required."""
    for row in named:
        if row not in rows():
            raise Unusable(f"no kernel {row} in qemu/kernels (there are: {' '.join(rows())})")
    return list(dict.fromkeys(named)) or list(required())

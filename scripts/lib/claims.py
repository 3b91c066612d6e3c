# SPDX-License-Identifier: Apache-2.0
"""Which claims there are, which are chosen, and which are known not to hold elsewhere."""

import os
from pathlib import Path

import pages
from processes import capture
from project import BUILD, Unusable

# What needs no device; [anywhere] is the library on whatever keeps its regions,
# a memfd here and the driver in guests.
ON_HOST = "[host],[anywhere]"
# What other drivers are asked: the driver's claims.
OF_DRIVERS = "[device]~[race]~[model]~[library]"
PRELOADED = "[preload]"


def wanted() -> str:
    """TESTS=, as Catch2 chooses claims; empty for all of them."""
    return os.environ.get("TESTS", "")


def narrowed(claims: str, tests: str | None = None) -> str:
    """What is chosen, less what TESTS= does not choose.

    To Catch2 a comma is an or, and what stands side by side is an and.
    """
    tests = wanted() if tests is None else tests
    return ",".join(either + wish for wish in tests.split(",") for either in claims.split(","))


def names(*arguments: str) -> list[str]:
    """The names of what such arguments of the test program choose."""
    program = BUILD / "tests" / "ashmem-tests"
    if not os.access(program, os.X_OK):
        raise Unusable(f"no {program}: make tests")
    # its status is a number of claims
    return capture([program, "--list-test-names-only", *arguments], any_status=True).splitlines()


def listed(page: str) -> list[str]:
    """The claims in the last column of a page's tables: those that are known to differ."""
    rows = pages.rows(pages.text_of(Path("Documentation", page)))
    return [name for *_, last in rows for name in pages.names(last)]

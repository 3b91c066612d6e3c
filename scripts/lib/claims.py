# SPDX-License-Identifier: Apache-2.0
"""Claims, which are the test cases: all of them, those that TESTS= chooses, and those that
are known to fail on other drivers."""

import os
from pathlib import Path

import pages
from processes import capture
from project import BUILD, Unusable

# Claims that need no device. [anywhere] tests the library over memfd here, and over the
# driver in guests.
ON_HOST = "[host],[anywhere]"
# Claims that other drivers are tested with too.
OF_DRIVERS = "[device]~[race]~[model]~[library]~[trace]"
PRELOADED = "[preload]"


def wanted() -> str:
    """TESTS=, as Catch2 chooses claims; empty for all of them."""
    return os.environ.get("TESTS", "")


def narrowed(claims: str, tests: str | None = None) -> str:
    """The claims that both this expression and TESTS= choose.

    In Catch2's syntax a comma is an or, and adjacent terms are an and.
    """
    tests = wanted() if tests is None else tests
    return ",".join(either + wish for wish in tests.split(",") for either in claims.split(","))


def names(*arguments: str) -> list[str]:
    """The names of the claims that arguments of the test program choose."""
    program = BUILD / "tests" / "ashmem-tests"
    if not os.access(program, os.X_OK):
        raise Unusable(f"no {program}: make tests")
    # its exit status is the number of claims
    return capture([program, "--list-test-names-only", *arguments], any_status=True).splitlines()


def listed(page: str) -> list[str]:
    """The claims in the last column of a page's tables: those that are known to fail there."""
    rows = pages.rows(pages.text_of(Path("Documentation", page)))
    return [name for *_, last in rows for name in pages.names(last)]

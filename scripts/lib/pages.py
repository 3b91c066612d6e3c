# SPDX-License-Identifier: Apache-2.0
"""The documentation's pages as data: tables, names in backquotes, blocks of code.

Functions that return a list of strings return complaints, none if all is well.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from processes import capture
from project import ROOT

# The folders whose files hacking.md names by their whole path.
_FOLDERS = "kmod|libashmem|qemu|scripts|tests"


def text_of(page: str | Path) -> str:
    """A file of this project, by its path in the tree."""
    return (ROOT / page).read_text(encoding="utf-8")


def tracked() -> list[Path]:
    """All pages that git knows."""
    listed = capture(["git", "-C", ROOT, "ls-files", "*.md"])
    return [Path(name) for name in listed.splitlines()]


def rows(text: str) -> list[list[str]]:
    """The cells of each row of all tables, without the head of a table."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if re.match(r"\| *---", line):
            found.pop()
        elif line.startswith("|"):
            found.append([cell.strip() for cell in line.split("|")[1:-1]])
    return found


def without(text: str, heading: str) -> str:
    """A page without the section of this heading."""
    return re.sub(rf"(?ms)^## {re.escape(heading)}$.*?(?=^## |\Z)", "", text)


def names(*cells: str) -> list[str]:
    """What stands in backquotes."""
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def blocks(text: str) -> list[tuple[str, str]]:
    """The blocks that are marked c or cpp at the left margin: their language and code."""
    return re.findall(r"^```(c|cpp)\n(.*?)^```$", text, re.M | re.S)


def untested_rules(page: str, tests: Collection[str]) -> list[str]:
    """Each rule, in a table's first cell, must name tests in the others, and only such that
    the test program has."""
    rules = rows(page)
    complaints = [] if rules else ["the page has no rows"]
    complaints += [f"no test: {rule}" for rule, *cells in rules if not names(*cells)]
    named = dict.fromkeys(name for _, *cells in rules for name in names(*cells))
    return complaints + [f"no such test: {name}" for name in named if name not in tests]


def unexplained_differences(page: str, examples: str, avoided: str) -> list[str]:
    """Each case that random programs avoid must have an example, and each example a row.
    `avoided` is the source whose functions return the cases."""
    cases = {cells[0] for cells in rows(page)}
    shown = re.findall(r"^== (.*)$", examples, re.M)
    returned = re.findall(r'return "(.*)";', avoided)
    return [f"no such difference: {name}" for name in shown if name not in cases] \
        + [f"avoided without an example: {name}" for name in returned if name not in shown]


def absent_paths(page: str, root: Path = ROOT) -> list[str]:
    """Paths in the tree that a page names and that are not there."""
    paths = sorted(set(re.findall(rf"`((?:{_FOLDERS})/[^` ]*)", page)))
    return [path for path in paths if not (root / path).exists()]


def as_source(language: str, code: str) -> str:
    """A block without an #include is the body of a function; this puts one around it."""
    if re.search("^#include", code, re.M):
        return code
    head = {"c": "#include <ashmem/ashmem.h>\n#include <sys/mman.h>\nvoid example(void) {",
            "cpp": "#include <ashmem/ashmem.hpp>\nvoid example(int socket) {"}[language]
    return f"{head}\n{code}}}\n"


def unlisted_kernels(page: str, kernels: Sequence[str]) -> list[str]:
    """The README's table must have all kernels, in their order, and no others."""
    listed = [name for cells in rows(page) for name in names(cells[0]) if name[0].isdigit()]
    if listed == list(kernels):
        return []
    return [f"README.md lists {' '.join(listed)}, qemu/kernels {' '.join(kernels)}"]

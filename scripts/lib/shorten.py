# SPDX-License-Identifier: Apache-2.0
"""Shortens a program while it keeps a property."""

from collections.abc import Callable, Sequence

# Given programs by name, returns the names of those that have the property.
Having = Callable[[dict[str, Sequence[str]]], set[str]]


def shortened(program: Sequence[str], having: Having) -> list[str]:
    """Removes halves, quarters and so on. All candidates of a size are tested together, since
    a test takes a boot."""
    lines = list(program)
    chunk = (len(lines) + 1) // 2
    while lines and chunk:
        starts = range(0, len(lines), chunk)
        found = having({str(at): lines[:at] + lines[at + chunk:] for at in starts})
        first = next((at for at in starts if str(at) in found), None)
        if first is not None:
            del lines[first:first + chunk]
        elif chunk > 1:
            chunk = (chunk + 1) // 2
        else:
            break
    return lines

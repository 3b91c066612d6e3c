# SPDX-License-Identifier: Apache-2.0
"""What these tests share: the way to the modules, a folder, and a harness that boots nothing."""

import sys
import tempfile
import unittest
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "lib"))

import guests  # noqa: E402
import results  # noqa: E402

TAP = ROOT / "qemu" / "tap"


class Quiet(unittest.TestCase):
    """Tests with a folder of their own, and the output of what they call in self.said."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.said = self.enterContext(redirect_stdout(StringIO()))

    def program(self, name: str, *lines: str) -> Path:
        """A program in the folder, in the shell's language."""
        file = self.folder / name
        file.write_text("\n".join(["#!/bin/sh", *lines, ""]), encoding="utf-8")
        file.chmod(0o755)
        return file

    def harness(self, *lines: str) -> None:
        """Puts these lines in the place of qemu/run, with $vm for build/vm/NAME."""
        self.program("run", 'while [ "$1" != --name ]; do shift; done',
                     f'vm="{self.folder}/vm/$2"', 'mkdir -p "$vm"', *lines)
        for name in ("QEMU", "BUILD"):
            self.enterContext(mock.patch.object(guests, name, self.folder))

    def guest_says(self, verdict: str, status: int, *tap: str) -> None:
        """A harness whose guest printed these lines and came to such an end."""
        said = "".join(f"{line}\n" for line in tap)
        self.harness("cat >\"$vm/results\" <<'END'", said + "END", 'cat "$vm/results"',
                     f'{{ echo verdict={verdict}; {TAP} "$vm/results"; }} >"$vm/verdict"',
                     f'echo "vm $2: {verdict}"', f"exit {status}")

    def boot(self, planned: int, fewer: bool = False) -> results.Result:
        run = guests.Run(self.folder, "6.1", "device", "6.1", planned, 10, fewer)
        return guests.boot(run, [], ["true"])

    def finish(self, *runs: results.Result, rows: tuple[str, ...] = ("6.1",)) -> tuple[int, str]:
        """The exit status of a check with these results, and its table."""
        self.said.truncate(0)
        status = results.finish(runs, rows)
        return status, self.said.getvalue()

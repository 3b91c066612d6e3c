# SPDX-License-Identifier: Apache-2.0
"""Small roots of Debian, in which programs run as root and without a network."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import processes
from processes import capture, quietly
from project import BUILD, SCRIPTS, Unusable, emptied

SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13"}

# Folders of programs of the system's own that write down what was done.
_RECORDS = ("dev", "proc", "sys", "run", "tmp", "var/cache", "var/lib/apt", "var/lib/dpkg",
            "var/log")


class Root:
    """A fresh root of a suite, in build/packages/SUITE/root."""

    def __init__(self, suite: str):
        if os.geteuid():
            raise Unusable("only root can install packages in a root of their own: try sudo")
        self.suite = suite
        self.out = emptied(BUILD / "packages" / suite)
        self.path = self.out / "root"
        self.path.mkdir()
        archive = capture([SCRIPTS / "debian-root", suite]).strip()
        if not quietly(f"unpack-{suite}", ["tar", "-x", "-C", self.path, "-f", archive]):
            raise Unusable(f"cannot unpack {archive}")
        self.release = self._only_kernel()

    def _only_kernel(self) -> str:
        folders = list((self.path / "usr/lib/modules").iterdir())
        if len(folders) != 1:
            raise Unusable(f"{self.path} has not one kernel: {folders}")
        return folders[0].name

    def run(self, log: str, script: str, limit: float = 1800) -> tuple[int, str]:
        """Runs a shell script inside. Returns its status and what it printed, which is also
        in build/packages/SUITE/LOG."""
        enter = 'mount -t proc proc "$0/proc" && exec chroot "$0" /usr/bin/env -i' \
            ' PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C' \
            ' DEBIAN_FRONTEND=noninteractive sh -euc "$1"'
        argv = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child",
                "sh", "-c", enter, self.path, script]
        status = processes.run(argv, self.out / log, limit=limit)
        return status, (self.out / log).read_text(errors="replace")

    def put(self, files: Iterable[Path]) -> str:
        """Copies files into a new folder, and returns its name inside."""
        folder = self.path / "srv" / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", *files, folder], check=True)
        return "/srv/packages"

    def files(self) -> set[str]:
        """All names, without what records of the system have."""
        found = set()
        for folder, folders, files in os.walk(self.path):
            here = os.path.relpath(folder, self.path)
            folders[:] = [name for name in folders
                          if os.path.normpath(os.path.join(here, name)) not in _RECORDS]
            found |= {os.path.normpath(os.path.join(here, name)) for name in (*files, *folders)}
        return found

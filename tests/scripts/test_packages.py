# SPDX-License-Identifier: Apache-2.0
"""The version of Debian packages, and the count of what a booted Debian claims."""

import re
import subprocess
import unittest
from unittest import mock

from support import ROOT, Quiet, results

import booted
import packages


def of_commit(tags: str, seconds: int = 1767323045) -> str:
    answers = {"tag": tags, "rev-parse": "0123abcd"}
    with mock.patch.object(packages, "git", lambda word, *_: answers[word]), \
            mock.patch.object(packages, "capture",
                              lambda argv: subprocess.check_output(
                                  ["date", "-u", "-d", f"@{seconds}", "+%Y%m%d%H%M%S"], text=True)):
        return packages.version()


def is_less(one: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one, "lt", other]).returncode == 0


class Version(unittest.TestCase):
    def test_of_a_release_is_the_libraries(self) -> None:
        version = of_commit("v0.9.0\nv" + of_commit("").split("~")[0])
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")

    def test_rises_from_commit_to_commit_to_release(self) -> None:
        earlier, later = of_commit(""), of_commit("", 1767323046)
        release = earlier.split("~")[0]
        self.assertTrue(is_less(earlier, later))
        self.assertTrue(is_less(later, of_commit(f"v{release}")))

    def test_satisfies_the_symbols_files(self) -> None:
        for file in (ROOT / packages.DEBIAN).glob("*.symbols"):
            for needed in re.findall(r" (\d\S*)$", file.read_text(encoding="utf-8"), re.M):
                self.assertTrue(is_less(needed, of_commit("")), f"{file.name}: {needed}")

    def test_of_the_driver_is_that_of_dkms(self) -> None:
        conf = (ROOT / "kmod" / "dkms.conf").read_text(encoding="utf-8")
        self.assertIn(f'PACKAGE_VERSION="{packages.driver_version()}"', conf)


class Booted(Quiet):
    def test_a_guest_that_ends_early_has_lost_claims(self) -> None:
        result = results.of_counts("row", "all", False, {"passed": "2", "failed": "0"},
                                   booted.PLANNED, 1)
        self.assertEqual(result.lost, booted.PLANNED - 2)
        self.assertGreater(booted.PLANNED, 5)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""The version of Debian packages, the count of what a booted Debian claims, and
which commands of the documentation it runs."""

import re
import subprocess
import unittest
from unittest import mock

from support import ROOT, Quiet, results

import booted
import packages
import pages


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


class Dependencies(unittest.TestCase):
    # the packages that provide these
    PROVIDED = {"debhelper-compat": "debhelper", "dh-sequence-dkms": "dh-dkms"}

    def test_that_the_build_asks_for_are_installed(self) -> None:
        control = (ROOT / packages.DEBIAN / "control").read_text(encoding="utf-8")
        asked = re.findall(r"[\w-]+(?= \(|,|$)",
                           re.search(r"^Build-Depends: (.*)$", control, re.M)[1])
        deps = (ROOT / "scripts" / "deps").read_text(encoding="utf-8")
        installed = re.search(r'\[deb\]="(.*)"', deps)[1].split()
        self.assertIn("cmake", asked)
        # dpkg-buildpackage asks for the first without being told
        for name in ("build-essential", *asked):
            self.assertIn(self.PROVIDED.get(name, name), installed)


class Booted(Quiet):
    def test_a_guest_that_ends_early_has_lost_claims(self) -> None:
        result = results.of_counts("row", "all", False, {"passed": "2", "failed": "0"},
                                   booted.PLANNED, 1)
        self.assertEqual(result.lost, booted.PLANNED - 2)
        self.assertGreater(booted.PLANNED, 5)

    def test_the_plans_of_both_boots_are_the_number_of_claims(self) -> None:
        guest = (booted.TESTS / "guest").read_text(encoding="utf-8")
        plans = [int(plan) for plan in re.findall(r'echo "1\.\.(\d+)"', guest)]
        self.assertEqual((len(plans), sum(plans)), (2, booted.PLANNED))


class Recipes(unittest.TestCase):
    page = pages.text_of("Documentation/containers.md")

    def test_each_that_is_marked_is_run(self) -> None:
        named = re.findall(r"^<!-- run: (\S+) -->$", self.page, re.M)
        runs = pages.text_of("tests/packages/containers.sh") + pages.text_of("scripts/lib/booted.py")
        self.assertGreater(len(named), 5)
        for name in named:
            self.assertTrue(pages.recipe(self.page, name))
            self.assertRegex(runs, rf'(?m)\bfollow(_at_terminal)? {name}(;|$| >)|"{name}"')

    def test_those_of_the_readme_are_the_pages(self) -> None:
        section = pages.text_of("README.md").split("## Give it to containers")[1].split("\n## ")[0]
        commands = re.findall(r"^    (.*?)(?: +#.*)?$", section, re.M)
        self.assertGreater(len(commands), 3)
        for command in commands[1:]:
            self.assertIn(f"\n{command}\n", self.page)


if __name__ == "__main__":
    unittest.main()

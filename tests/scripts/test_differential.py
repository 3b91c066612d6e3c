# SPDX-License-Identifier: Apache-2.0
"""What two drivers answered is compared, and what differs is shortened."""

import unittest

from support import Quiet

import differential
import shorten
from results import Result

ONE, OTHER = "1" * 16, "2" * 16


def said(drawn: str, avoided: str = ONE, shown: str = ONE) -> str:
    return "\n".join(["1..2", f"ok 1 - program 70 {ONE}", f"ok 2 - program 71 {drawn}",
                      "# 2 programs, 9 calls drawn", "avoided", f"{avoided} a name of words", "all",
                      f"{shown} a name of words"])


class Compared(Quiet):
    def check(self, first: str, second: str, lines: list[str], result: Result,
              guests_well: bool = True) -> None:
        found = differential.compare(first, second)
        self.assertEqual([line for line in found if line.startswith("not")], lines)
        self.assertEqual(differential.result(found, guests_well, 2, 1, 12.5), result)

    def result(self, passed: int, failed: int, lost: int, tests: int = 4) -> Result:
        return Result(differential.row(), "all", tests, passed, failed, lost, 12)

    def test_equal_programs_and_an_example_that_differs_are_green(self) -> None:
        self.check(said(ONE), said(ONE, shown=OTHER), [], self.result(4, 0, 0))

    def test_a_program_that_differs_is_red(self) -> None:
        self.check(said(ONE), said(OTHER, shown=OTHER), ["not ok - program 71 differs"],
                   self.result(3, 1, 0))

    def test_an_example_that_no_longer_differs_is_red(self) -> None:
        self.check(said(ONE), said(ONE), ["not ok - differs no longer: a name of words"],
                   self.result(3, 1, 0))

    def test_an_example_that_differs_although_avoided_is_red(self) -> None:
        self.check(said(ONE), said(ONE, OTHER, OTHER), ["not ok - avoided: a name of words"],
                   self.result(3, 1, 0))

    def test_what_one_guest_never_ran_is_lost(self) -> None:
        self.check(said(ONE), "\n".join(said(ONE).splitlines()[:2]), [], self.result(1, 0, 3))
        self.check("", said(ONE), [], self.result(0, 0, 4))

    def test_a_guest_that_failed_after_all_answers_is_red(self) -> None:
        self.check(said(ONE), said(ONE, shown=OTHER), [], self.result(4, 1, 0),
                   guests_well=False)


class Shortened(unittest.TestCase):
    def test_only_what_is_needed_stays(self) -> None:
        boots = []

        def having(candidates: dict) -> set[str]:
            boots.append(len(candidates))
            return {name for name, lines in candidates.items() if {"3", "17"} <= set(lines)}

        self.assertEqual(shorten.shortened([str(line) for line in range(40)], having), ["3", "17"])
        self.assertLess(len(boots), 40)

    def test_what_does_not_differ_again_stays_whole(self) -> None:
        self.assertEqual(shorten.shortened(["a", "b"], lambda _: set()), ["a", "b"])
        self.assertEqual(shorten.shortened([], lambda _: set()), [])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""An operation that costs 3% more or less than its baseline is told, with the commit."""

import unittest

from support import Quiet

import baseline


def compared(cost: float, release: str = "6.12.1") -> list[str]:
    then = {key: {"instructions": 2000, "commit": "0123abcd"} for key in baseline.OPERATIONS}
    now = {key: {"ours": 2000.0} for key in baseline.OPERATIONS}
    now["pair"] = {"ours": cost}
    return baseline.compare("6.12", release, now, {"release": "6.12.1", "operations": then})


class Compare(Quiet):
    def test_a_twentieth_either_way_is_told(self) -> None:
        self.assertEqual(compared(2100), [
            "6.12 pair: 2100 instructions, 2000 at 0123abcd: +5.0%"])
        self.assertEqual(len(compared(1900)), 1)

    def test_less_than_three_in_a_hundred_is_not(self) -> None:
        self.assertEqual(compared(2059) + compared(1941), [])

    def test_of_another_build_of_the_kernel_it_is_a_tenth(self) -> None:
        self.assertEqual(compared(2199, "6.12.2"), [])
        self.assertRegex(compared(2201, "6.12.2")[0], r"\+10.1%; it was measured on 6.12.1")

    def test_what_was_not_measured_is_told(self) -> None:
        lines = baseline.compare("6.12", "6.12.1", {}, baseline.read()["6.12"])
        self.assertEqual(len(lines), len(baseline.OPERATIONS))

    def test_there_are_twelve_for_each_kernel(self) -> None:
        for entry in baseline.read().values():
            self.assertEqual(set(entry["operations"]), set(baseline.OPERATIONS))
        self.assertEqual(len(baseline.OPERATIONS), 12)


if __name__ == "__main__":
    unittest.main()

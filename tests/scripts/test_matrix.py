# SPDX-License-Identifier: Apache-2.0
"""The page and the badge of the kernels that the driver builds for."""

import unittest
from unittest import mock

from support import Quiet

import kernels
import matrix
from results import Result

BUILT = Result("6.1", "build", 1, 1)
BOOTED = Result("6.1", "driver", 9, 9)
REFUSED = Result("7.3", "build", 1, 0, 1)


class Matrix(Quiet):
    def test_a_kernel_that_builds_and_boots(self) -> None:
        self.assertIn("| 6.1 | yes | 9 of 9 claims |", matrix.page([BUILT, BOOTED], ["6.1"]))

    def test_a_kernel_that_it_does_not_build_for(self) -> None:
        self.assertIn("| 7.3 | no | - |", matrix.page([REFUSED], ["7.3"]))

    def test_a_kernel_of_which_nothing_is_known(self) -> None:
        self.assertIn("| 6.1 | - | - |", matrix.page([], ["6.1"]))

    def test_the_badge_counts_kernels_on_which_all_is_well(self) -> None:
        with mock.patch.object(kernels, "may_fail", lambda row: row == "7.3"):
            self.assertIn("1 of 2 kernels", matrix.badge([BUILT, BOOTED, REFUSED], ["6.1", "7.3"]))
            self.assertIn("#2a2", matrix.badge([BUILT, BOOTED, REFUSED], ["6.1", "7.3"]))

    def test_the_badge_is_red_if_one_is_not_well(self) -> None:
        lost = Result("6.1", "driver", 9, 8, 0, 1)
        for bad in ([BUILT, lost], [REFUSED], []):
            with mock.patch.object(kernels, "may_fail", lambda _: False):
                self.assertIn("#c22", matrix.badge(bad, ["6.1"]))


if __name__ == "__main__":
    unittest.main()

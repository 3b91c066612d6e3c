# SPDX-License-Identifier: Apache-2.0
"""The table of the library's costs has every line of the program and marks what misses
its target."""

import unittest

from support import Quiet

import library_costs


class Table(Quiet):
    def test_lines_among_others(self) -> None:
        text = "a kernel's line\nsize\t130.0\t100.0\t1.30\r\ncopy of 64 bytes\t4.0\t2.0\t0.00\n"
        costs = library_costs.read(text)
        self.assertEqual(costs, [library_costs.Cost("size", 130, 100, 1.3),
                                 library_costs.Cost("copy of 64 bytes", 4, 2, 0)])

    def test_targets(self) -> None:
        costs = [library_costs.Cost("size", 130, 100, 1.3), library_costs.Cost("map", 250, 200, 1.2),
                 library_costs.Cost("copy", 4, 2, 0)]
        lines = library_costs.table("here", costs)
        self.assertEqual([line[62:] for line in lines[1:4]],
                         ["     130.0     100.0    1.30   1.3", "     250.0     200.0    1.25!  1.2",
                          "       4.0       2.0    2.00   -"])
        self.assertEqual(lines[4], "1 of 2 targets hold; ! is one that does not")

    def test_a_region_is_compared_with_a_memfd(self) -> None:
        plain = {"lseek": 100.0, library_costs.MADE: 4000.0}
        ours = {"lseek": 111.0, library_costs.MADE: 4100.0, library_costs.OPENED: 8000.0}
        costs = library_costs.compared(plain, ours)
        self.assertEqual([cost.missed for cost in costs], [True, False, False])
        self.assertEqual(costs[-1].ratio, 2)


if __name__ == "__main__":
    unittest.main()

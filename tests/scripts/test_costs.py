# SPDX-License-Identifier: Apache-2.0
"""The table of costs has every question and marks what misses its target."""

import unittest

from support import Quiet

import costs


def cost(key: str, ours: float | None, memfd: float | None = None, unit: str = "") -> dict:
    return {"key": key, "what": f"what {key} is", "unit": unit, "ours": ours, "memfd": memfd}


class Table(Quiet):
    def test_targets_ratios_and_gaps(self) -> None:
        measured = {
            "5.10": {"pair": cost("pair", 2001.4), "life_touched": cost("life_touched", 102, 100),
                     "life_named": cost("life_named", 200, 100)},
            "original": {"pair": cost("pair", 9000), "life_named": cost("life_named", 300, 100)},
            "6.12": {"pair": cost("pair", 2000), "life_touched": cost("life_touched", 102, 100),
                     "among_growth": cost("among_growth", 1.25, None, "times")},
        }
        self.assertEqual(costs.table(measured), [
            f"{'instructions':<50}         5.10      original          6.12   at most",
            f"{'what pair is':<50}         2001!         9000          2000   2000",
            f"{'what life_touched is':<50}          102             -           102 ",
            f"{'    by memfd':<50}          100             -           100 ",
            f"{'    ratio':<50}        1.020             -         1.020!  1.01, 5.10: 1.03",
            f"{'what life_named is':<50}          200           300             - ",
            f"{'    by memfd':<50}          100           100             - ",
            f"{'    ratio':<50}        2.000         3.000             -   1.25, 5.10: none",
            f"{'what among_growth is':<50}            -             -         1.250   1.6",
            "",
            "3 of 5 targets hold; ! is one that does not",
        ])


if __name__ == "__main__":
    unittest.main()

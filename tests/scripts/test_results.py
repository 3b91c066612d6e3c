# SPDX-License-Identifier: Apache-2.0
"""The table that a check ends in is red when it must be."""

import unittest

from support import Quiet

import kernels
import results
import schedule
from results import Result
from schedule import Job


class Table(Quiet):
    def test_a_row_that_left_nothing_is_red(self) -> None:
        status, table = self.finish(Result("6.1", "device", 1, 1), rows=("6.1", "7.2"))
        self.assertRegex(table, r"(?m)^7\.2 .*\(nothing ran\)$")
        self.assertRegex(table, r"(?m)^1 passed, 1 failed$")
        self.assertEqual(status, 1)

    def test_runs_of_a_row_are_added(self) -> None:
        status, table = self.finish(Result("6.1", "a", 3, 2, 1, 0, 5),
                                    Result("6.1", "b", 4, 1, 0, 3, 6))
        self.assertRegex(table, r"(?m)^6\.1 +7 +3 +1 +3 +11$")
        self.assertRegex(table, r"(?m)^3 passed, 4 failed$")
        self.assertEqual(status, 1)

    def test_a_row_that_may_fail_is_shown_and_forgiven(self) -> None:
        may = next(row for row in kernels.rows() if kernels.may_fail(row))
        status, table = self.finish(Result("6.1", "a", 1, 1), Result(f"{may}/i386", "a", 2, 1, 1),
                                    rows=("6.1", f"{may}/i386"))
        self.assertRegex(table, rf"(?m)^{may}/i386 .*\(may fail\)$")
        self.assertEqual(status, 0)

    def test_a_result_of_a_row_that_nobody_expected_counts(self) -> None:
        status, table = self.finish(Result("6.1", "a", 1, 1), Result("host", "a", 1, 0, 1))
        self.assertRegex(table, r"(?m)^host +1 +0 +1 ")
        self.assertEqual(status, 1)

    def test_a_row_that_nobody_expected_is_red_though_it_passed(self) -> None:
        status, table = self.finish(Result("6.1", "a", 1, 1), Result("9.9", "a", 1, 1))
        self.assertRegex(table, r"(?m)^9\.9 was not expected$")
        self.assertRegex(table, r"(?m)^2 passed, 1 failed$")
        self.assertEqual(status, 1)

    def test_no_row_at_all_is_red(self) -> None:
        self.assertEqual(self.finish(rows=())[0], 1)


class Tap(Quiet):
    def counted(self, *lines: str, well: bool = True) -> Result:
        file = self.folder / "tap"
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return results.of_tap("build", "all", well, file, 7.9)

    def test_a_script_without_a_plan_has_what_it_says(self) -> None:
        self.assertEqual(self.counted("ok - a", "not ok - b", "# ok"),
                         Result("build", "all", 2, 1, 1, 0, 7))

    def test_a_script_that_fails_without_saying_so_is_red(self) -> None:
        self.assertEqual(self.counted("ok - a", well=False).failed, 1)

    def test_what_was_planned_and_never_heard_of_is_lost(self) -> None:
        self.assertEqual(self.counted("1..3", "ok 1 - a").lost, 2)

    def test_a_script_that_says_nothing_ran_nothing(self) -> None:
        status, table = self.finish(self.counted(), rows=("build",))
        self.assertIn("(nothing ran)", table)
        self.assertEqual(status, 1)


class Jobs(Quiet):
    def test_a_job_that_breaks_has_lost_its_claims_and_the_others_go_on(self) -> None:
        def broken() -> list[Result]:
            raise OSError("no such thing")

        jobs = [Job("6.1", "broken", broken, planned=5),
                Job("7.2", "whole", lambda: [Result("7.2", "whole", 1, 1)])]
        done = schedule.run_jobs(jobs, most=2)
        self.assertEqual(done, [Result("6.1", "broken", 5, lost=5), Result("7.2", "whole", 1, 1)])
        self.assertIn("no such thing", self.said.getvalue())

    def test_no_more_than_allowed_run_at_once(self) -> None:
        running, most = [], []

        def work() -> None:
            running.append(1)
            most.append(len(running))
            running.pop()

        schedule.side_by_side([work] * 20, most=1)
        self.assertEqual((len(most), max(most)), (20, 1))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""A run in a guest that failed, was lost or never happened makes the check red."""

import os
import unittest
from unittest import mock

from support import Quiet

import claims
import plan
import schedule
from project import Unusable


class Booted(Quiet):
    def check(self, planned: int, line: str, red: int = 1, fewer: bool = False) -> None:
        """Boots, and compares the check's status and the row of its table."""
        status, table = self.finish(self.boot(planned, fewer))
        self.assertRegex(table, rf"(?m)^6\.1 +{' +'.join(line.split())} +\d+$")
        self.assertEqual(status, red)

    def test_a_pass_is_green(self) -> None:
        self.guest_says("pass", 0, "1..2", "ok 1 - a", "ok 2 - b")
        self.check(2, "2 2 0 0", red=0)

    def test_a_failed_claim_is_red(self) -> None:
        self.guest_says("fail", 1, "1..2", "ok 1 - a", "not ok 2 - b")
        self.check(2, "2 1 1 0")

    def test_a_lost_guest_loses_what_it_never_told_of(self) -> None:
        self.guest_says("lost", 2, "1..3", "ok 1 - a")
        self.check(3, "3 1 0 2")

    def test_a_guest_that_never_spoke_loses_what_was_planned(self) -> None:
        self.guest_says("lost", 2)
        self.check(12, "12 0 0 12")

    def test_fewer_results_than_the_guest_planned_are_lost(self) -> None:
        self.guest_says("fail", 1, "1..3", "ok 1 - a")
        self.check(3, "3 1 0 2")

    def test_a_guest_that_plans_less_than_we_do_loses_the_rest(self) -> None:
        self.guest_says("pass", 0, "1..1", "ok 1 - a")
        self.check(3, "3 1 0 2")

    def test_a_32_bit_program_may_have_fewer_claims_but_not_none(self) -> None:
        self.guest_says("pass", 0, "1..1", "ok 1 - a")
        self.check(3, "1 1 0 0", red=0, fewer=True)
        self.guest_says("pass", 0, "1..0")
        self.check(3, "3 0 0 3", fewer=True)

    def test_a_splat_after_the_last_claim_is_red(self) -> None:
        self.guest_says("fail", 1, "1..1", "ok 1 - a")
        self.check(1, "1 1 1 0")

    def test_a_pass_with_a_bad_exit_status_is_none(self) -> None:
        self.guest_says("pass", 1, "1..1", "ok 1 - a")
        self.check(1, "1 1 1 0")

    def test_a_harness_that_dies_by_a_signal_leaves_no_pass(self) -> None:
        self.guest_says("pass", 0, "1..1", "ok 1 - a")
        self.check(1, "1 1 0 0", red=0)
        # the verdict of the run before is no longer there to be believed
        self.harness("kill -KILL $$")
        self.check(1, "1 0 0 1")

    def test_a_harness_that_cannot_work_has_lost_all(self) -> None:
        self.harness("echo run: missing tool: qemu >&2", "exit 3")
        status, table = self.finish(self.boot(4))
        self.assertRegex(table, r"(?m)^6\.1 +4 +0 +0 +4 ")
        self.assertEqual(status, 1)

    def test_a_success_without_a_verdict_is_none(self) -> None:
        self.harness("exit 0")
        self.check(2, "2 0 0 2")

    def test_a_failure_is_shown_without_what_passed(self) -> None:
        self.guest_says("fail", 1, "1..2", "ok 1 - a", "not ok 2 - b", "#   why")
        self.boot(2)
        self.assertIn("not ok 2 - b\n#   why\nvm check-6.1-device: fail", self.said.getvalue())
        self.assertNotIn("\nok 1", self.said.getvalue())


class Planned(Quiet):
    def test_a_module_that_was_not_built_loses_its_claims(self) -> None:
        everywhere = [guest for guest in plan.guests.GUESTS if not guest.kernels][:1]
        with mock.patch.object(claims, "names", lambda *_: ["a", "b"]):
            jobs = plan.guests.jobs_of(self.folder, "6.1", everywhere, False, 10)
        status, table = self.finish(*schedule.run_jobs(jobs))
        self.assertRegex(table, r"(?m)^6\.1 +2 +0 +0 +2 +0$")
        self.assertEqual(status, 1)

    def test_tests_that_choose_nothing_are_no_pass(self) -> None:
        with mock.patch.object(claims, "names", lambda *_: []), \
                mock.patch.dict(os.environ, {"TESTS": "[absent]"}), \
                self.assertRaisesRegex(Unusable, r"TESTS=\[absent\] chooses no claim of 6\.1"):
            plan.claims_in_guests(self.folder, ["6.1"], {"6.1"}, 10)

    def test_claims_for_other_kernels_are_no_pass_of_this_one(self) -> None:
        def names(choice: str) -> list[str]:
            return ["a"] if "[bounded]" in choice else []

        with mock.patch.object(claims, "names", names), self.assertRaises(Unusable):
            plan.claims_in_guests(self.folder, ["6.1"], {"6.1"}, 10)

    def test_every_choice_is_narrowed_by_every_wish(self) -> None:
        self.assertEqual(claims.narrowed("[a],[b]~[c]", "[pin],PIN*"),
                         "[a][pin],[b]~[c][pin],[a]PIN*,[b]~[c]PIN*")
        self.assertEqual(claims.narrowed("[a],[b]", ""), "[a],[b]")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Bugs planted on purpose: what a patch says, and when one counts as caught."""

import unittest
from unittest import mock

from support import Quiet

import guests
import kernels
import kfuzz
import mutants
from mutants import Mutant, Outcome
from project import Unusable

HEAD = ["Breaks: a purge goes unnoticed", "Claims: [pin]"]
DIFF = ["--- a/kmod/x.c", "+++ b/kmod/x.c", "@@ -1 +1 @@", "-1", "+2"]


class Mutants(Quiet):
    def read(self, *head: str) -> Mutant:
        patch = self.folder / "kmod" / "bug.patch"
        patch.parent.mkdir(exist_ok=True)
        patch.write_text("\n".join([*head, "", *DIFF, ""]), encoding="utf-8")
        return mutants.read(patch)

    def test_what_a_patch_says(self) -> None:
        mutant = self.read(*HEAD, "Kernel: 7.2")
        self.assertEqual(("kmod", "bug", "[pin]", "device", "7.2"), (
            mutant.part, mutant.name, mutant.claims, mutant.guest, mutant.kernel))

    def test_a_patch_must_say_what_it_breaks(self) -> None:
        with self.assertRaises(Unusable):
            self.read("Claims: [pin]")

    def test_lines_of_the_diff_are_none_of_the_head(self) -> None:
        DIFF.append("+Kernel: 5.10")
        self.addCleanup(DIFF.pop)
        self.assertNotEqual("5.10", self.read(*HEAD).kernel)

    def test_a_bug_is_to_be_caught(self) -> None:
        mutant = self.read(*HEAD)
        self.assertTrue(Outcome(mutant, True, "a claim").is_expected())
        self.assertFalse(Outcome(mutant, False, "all passed").is_expected())

    def test_a_bug_that_no_claim_can_see_is_to_survive(self) -> None:
        mutant = self.read(*HEAD, "Survives: it is slower, no more")
        self.assertTrue(Outcome(mutant, False, "all passed").is_expected())
        self.assertFalse(Outcome(mutant, True, "a claim").is_expected())

    def test_a_patch_that_could_not_be_tried_is_never_as_expected(self) -> None:
        for reason in mutants.USELESS:
            for head in (HEAD, [*HEAD, "Survives: it is slower, no more"]):
                self.assertFalse(Outcome(self.read(*head), False, reason).is_expected())

    def fuzzed(self, well: bool, programs: int) -> Outcome:
        found = kfuzz.Found(well, programs, 9, [], [], "0 pin 0 0 0 0", "after 3 s: BUG: KASAN",
                            "vm x: fail")
        with mock.patch.object(kfuzz, "hunt", return_value=found):
            return mutants.try_by_programs(self.read(HEAD[0], "Guest: kfuzz"), self.folder)

    def test_random_programs_catch_a_bug_by_a_complaint(self) -> None:
        self.assertTrue(self.fuzzed(False, 12).is_expected())
        self.assertFalse(self.fuzzed(True, 12).is_expected())

    def test_a_guest_that_ran_no_program_caught_nothing(self) -> None:
        with self.assertRaises(Unusable):
            self.fuzzed(False, 0)

    def test_a_guest_in_which_kcsan_watched_little_catches_nothing_by_that(self) -> None:
        mutant = self.read(*HEAD, "Guest: race", f"Kernel: {kernels.KCSAN}")
        log = self.folder / "log"
        log.touch()
        with (mock.patch.object(guests, "launch", return_value=True) as launch,
              mock.patch.object(guests, "driver", return_value=[]),
              mock.patch.object(guests, "verdict", return_value={"tests": "1"})):
            outcome = mutants._in_guest(mutant, self.folder, self.folder, log)
        self.assertIn("KCSAN_LEAST=0", launch.call_args.args[3])
        self.assertFalse(outcome.caught)

    def test_make_check_is_tried_with_the_bug_of_fewest_claims(self) -> None:
        wide, narrow = self.read(*HEAD), self.read(HEAD[0], "Claims: one")
        blind = self.read(HEAD[0], "Claims: none", "Survives: it is slower, no more")
        debug = self.read(HEAD[0], "Claims: none", f"Kernel: {kernels.KCSAN}")
        known = {"[pin]": ["a", "b"], "one": ["a"], "none": []}
        with mock.patch.object(mutants.claims, "names", known.get):
            self.assertEqual([narrow], mutants.for_make_check([blind, wide, debug, narrow]))
            self.assertEqual([], mutants.for_make_check([blind, debug]))

    def shares(self, count: int) -> list[Mutant]:
        taken = []
        for day in range(count):
            date = mock.Mock(**{"today.return_value.toordinal.return_value": day})
            with mock.patch.object(mutants.datetime, "date", date):
                taken += mutants.chosen([], count)
        return taken

    def test_shares_and_debug_kernels_take_each_once(self) -> None:
        taken = self.shares(9)
        for kernel in kernels.debug():
            taken += mutants.for_kernel(kernel)
        self.assertEqual([m.patch for m in mutants.every()], sorted(m.patch for m in taken))

    def test_a_share_needs_no_kernel_to_be_built(self) -> None:
        self.assertFalse([m.name for m in self.shares(9) if m.kernel in kernels.debug()])

    def test_all_are_tried_unless_a_share_is_asked_for(self) -> None:
        self.assertEqual(mutants.every(), mutants.chosen([], 1))

    def test_a_name_that_is_none_is_refused(self) -> None:
        with self.assertRaises(Unusable):
            mutants.chosen(["no-such-bug"], 1)


if __name__ == "__main__":
    unittest.main()

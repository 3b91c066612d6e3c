# SPDX-License-Identifier: Apache-2.0
"""What the log of a guest with the driver's fuzzer tells, and when it makes the check red."""

import unittest
from unittest import mock

from support import Quiet

import guests
import kfuzz
import schedule

LOG = """1..1
run 1: 0 setsize 0 a000 0 0
keep: 0 setsize 0 a000 0 0
run 2: 0 unpin 0 0 0 0; 0 purge 0 0 0 0
"""
WELL = LOG + """cover: 0 setsize 0 a000 0 0
ok 1 - 2 programs, 30 PCs covered, 1 programs kept
vm kfuzz-x: pass x, tcg, 9.0 s
"""


class Kfuzz(Quiet):
    def setUp(self) -> None:
        super().setUp()
        for name, file in (("OUT", "kfuzz"), ("CORPUS", "corpus")):
            self.enterContext(mock.patch.object(kfuzz, name, self.folder / file))
        self.enterContext(mock.patch.object(kfuzz, "ROOT", self.folder))
        self.enterContext(mock.patch.object(kfuzz, "kept_in_cache",
                                            lambda kernel: self.folder / "cache" / kernel))
        self.enterContext(mock.patch.object(kfuzz, "places_of", lambda module: 100))

    def fuzz(self, well: bool, log: str) -> tuple[int, str]:
        """Status and output of a check whose guest printed this."""
        def launch(vm: str, *args) -> bool:
            (kfuzz.OUT / vm / "log").write_text(log, encoding="utf-8")
            return well

        with mock.patch.object(guests, "launch", launch):
            done = kfuzz.job("x", 300, True).work()
        said = self.said.getvalue()
        return self.finish(*done, rows=("x/kfuzz",))[0], said

    def test_a_pass_is_green_and_keeps_what_it_reached(self) -> None:
        status, said = self.fuzz(True, WELL)
        self.assertEqual(0, status)
        self.assertIn("ok - x: 2 programs, 30 of 100 PCs covered on x, 0 complaints", said)
        self.assertEqual(["0 setsize 0 a000 0 0"], kfuzz.corpus("x"))

    def test_a_complaint_is_red_and_leaves_the_program(self) -> None:
        status, said = self.fuzz(False, f"{LOG}# program 2, after 3 s: BUG: KASAN: in x\nnot ok 1\n")
        self.assertEqual(1, status)
        self.assertIn("BUG: KASAN: in x", said)
        self.assertIn("REPLAY=kfuzz/failed-x", said)
        self.assertEqual(["0 unpin 0 0 0 0; 0 purge 0 0 0 0"],
                         kfuzz.programs_of(self.folder / "kfuzz" / "failed-x"))

    def test_a_guest_that_dies_is_red_and_leaves_the_program(self) -> None:
        self.assertEqual(1, self.fuzz(False, LOG)[0])
        self.assertEqual(["0 unpin 0 0 0 0; 0 purge 0 0 0 0"],
                         kfuzz.programs_of(self.folder / "kfuzz" / "failed-x"))

    def test_without_a_module_the_row_is_lost(self) -> None:

        done = schedule.run_jobs([kfuzz.job("x", 300, False)])
        self.assertEqual(1, self.finish(*done, rows=("x/kfuzz",))[0])

    def test_a_file_of_programs_has_comments(self) -> None:
        kfuzz.write(kfuzz.CORPUS, ["a", "b"], kfuzz.HEAD)
        self.assertEqual(["a", "b"], kfuzz.programs_of(kfuzz.CORPUS))


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Counts of several runs add up, nothing that did not run is hidden, and too little fails."""

import json
import unittest
from pathlib import Path

from support import Quiet

import coverage
from project import ROOT

FOLDER = Path("/copy")


def of_gcov(path: str, lines: list[dict]) -> str:
    return json.dumps({"current_working_directory": "/copy", "files": [{"file": path, "lines": lines}]})


def line(number: int, count: int, *branches: int) -> dict:
    return {"line_number": number, "count": count, "function_name": "f",
            "branches": [{"count": branch} for branch in branches]}


def number_of(path: str, code: str) -> int:
    text = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(text, 1) if code in line)


class Counting(Quiet):
    def test_what_one_run_missed_another_may_have(self) -> None:
        counts: coverage.Counts = {}
        for seen in ((1, 0), (0, 3)):
            coverage.add_gcov(counts, of_gcov("/copy/pin.c", [line(1, sum(seen), *seen)]),
                              FOLDER, "kmod")
        self.assertEqual(counts["kmod/pin.c"].lines, {1: 4})
        self.assertEqual(counts["kmod/pin.c"].branches, {(1, 0): 1, (1, 1): 3})

    def test_the_kernel_s_headers_do_not_count(self) -> None:
        counts: coverage.Counts = {}
        coverage.add_gcov(counts, of_gcov("/usr/src/include/linux/list.h", [line(1, 1)]),
                          FOLDER, "kmod")
        self.assertEqual(counts, {})

    def test_branches_of_assertions_do_not_count(self) -> None:
        counts: coverage.Counts = {}
        number = number_of("kmod/lru.c", "lockdep_assert_held(")
        coverage.add_gcov(counts, of_gcov("lru.c", [line(number, 2, 2, 0)]), FOLDER, "kmod")
        self.assertEqual(counts["kmod/lru.c"], coverage.File({number: 2}))

    def test_a_condition_of_a_template_is_one(self) -> None:
        source = "/other/build/../libashmem/src/posix.hpp"
        uses = [[3, 9, 3, 20, 5, 0, 0, 0, 4], [3, 9, 3, 20, 0, 1, 0, 0, 4]]
        counts: coverage.Counts = {}
        coverage.add_llvm_branches(counts, json.dumps({"data": [{"files": [
            {"filename": source, "branches": uses},
            {"filename": "/other/tests/support/main.cpp", "branches": uses}]}]}), "libashmem")
        coverage.add_llvm_lines(
            counts, f"SF:{source}\nDA:3,5\nDA:4,0\nend_of_record\n", "libashmem")
        self.assertEqual(counts, {"libashmem/src/posix.hpp": coverage.File(
            {3: 5, 4: 0}, {(3, 18): 5, (3, 19): 1})})

    def test_what_the_compiler_decides_is_no_branch(self) -> None:
        path = "libashmem/include/ashmem/snapshot.hpp"
        number = number_of(path, "if constexpr (")
        counts: coverage.Counts = {}
        coverage.add_llvm_branches(counts, json.dumps({"data": [{"files": [
            {"filename": f"/other/{path}",
             "branches": [[number, 19, number, 44, 0, 0, 0, 0, 4]]}]}]}), "libashmem")
        self.assertEqual(counts[path].branches, {})


class Judging(Quiet):
    def test_too_little_fails(self) -> None:
        for lines, branches, enough in ((98, 90, True), (97, 100, False), (100, 89, False)):
            file = coverage.File({i: int(i < lines) for i in range(100)},
                                 {(i, 0): int(i < branches) for i in range(100)})
            self.assertEqual(coverage.of_part({"kmod/a.c": file}, "kmod").is_enough(), enough)

    def test_a_part_without_counts_fails(self) -> None:
        self.assertFalse(coverage.of_part({}, "kmod").is_enough())

    def test_a_line_without_a_reason_is_told(self) -> None:
        code = "lockdep_assert_held("
        number = number_of("kmod/lru.c", code)
        counts = {"kmod/lru.c": coverage.File({number: 0}, {(number, 0): 0})}
        lines, unexplained = coverage.left(counts, coverage.Reasons(""))
        self.assertEqual(unexplained, 1)  # its branches go without saying
        self.assertIn("NO REASON", lines[0])
        known = coverage.Reasons(f"['kmod/lru.c']\n'{code}' = 'because'")
        lines, unexplained = coverage.left(counts, known)
        self.assertEqual(unexplained, 0)
        self.assertIn("because", lines[0])

    def test_a_line_that_only_leaves_has_the_reason_of_the_one_before(self) -> None:
        path, code = "libashmem/src/cxx/region.cpp", "ec = to_code(EOVERFLOW);"
        number = number_of(path, code)
        known = coverage.Reasons(f"['{path}']\n'{code}' = 'because'")
        for missed, unexplained in (((0, 1, 2), 0), ((1,), 0), ((0, 1, 2, 3), 1), ((-1, 0), 1)):
            counts = {path: coverage.File({number + after: 0 for after in missed})}
            self.assertEqual(coverage.left(counts, known)[1], unexplained, missed)

    def test_a_reason_for_a_line_that_is_gone_is_told(self) -> None:
        self.assertEqual(len(coverage.Reasons("['kmod/lru.c']\n'no such line' = 'x'").stale()), 1)
        self.assertEqual(len(coverage.Reasons("['kmod/gone.c']\n'x' = 'x'").stale()), 1)

    def test_the_reasons_of_the_tree_are_for_lines_that_are_there(self) -> None:
        text = coverage.UNCOVERED.read_text(encoding="utf-8")
        self.assertEqual(coverage.Reasons(text).stale(), [])


if __name__ == "__main__":
    unittest.main()

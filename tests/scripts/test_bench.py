# SPDX-License-Identifier: Apache-2.0
"""The page has the tables and curves of the committed figures, and no others; runs are
merged, compared and judged as the page says."""

import unittest

from support import Quiet

import bench
import bench_page
import bench_plots
import bench_tables
from project import ROOT


def figure(subject: str, value: float, *, row: str = "call", kernel: str = "6.12",
           question: str = "a", unit: str = "instructions", x: int = 0) -> dict:
    return {"kernel": kernel, "question": question, "row": row, "subject": subject,
            "value": value, "unit": unit, "x": x}


class Page(unittest.TestCase):
    """Of the documentation, as it is committed."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.report = bench.read(bench.COMMITTED)
        cls.page = bench_page.PAGE.read_text(encoding="utf-8")

    def test_its_tables_are_those_of_the_figures(self) -> None:
        self.assertEqual(self.page, bench_page.rendered(self.page, self.report))

    def test_it_has_a_table_for_each_question(self) -> None:
        asked = {figure["question"] for figure in self.report["figures"]}
        self.assertEqual(sorted(bench_page.questions(self.page)), sorted(asked))

    def test_its_pictures_show_the_figures(self) -> None:
        for plot in bench_plots.PLOTS:
            with self.subTest(plot.name):
                svg = (ROOT / bench_plots.FOLDER / plot.file).read_text(encoding="utf-8")
                lines = bench_plots.series(self.report["figures"], plot)
                self.assertTrue(lines)
                self.assertEqual(bench_plots.carried(svg), lines)
                self.assertIn(f"performance/{plot.file}", self.page)


class Tables(unittest.TestCase):
    def test_the_winner_is_the_best_who_does_the_work(self) -> None:
        values = {"ashmem": 120.0, "memfd": 100.0, "shmget": 100.5, "floor": 10.0}
        self.assertEqual(bench_tables.winner(values, "call", "bytes"), "memfd, shmget")
        self.assertEqual(bench_tables.winner(values | {"pipe": 114.0}, "call", "ns"),
                         "memfd, shmget, pipe")
        self.assertEqual(bench_tables.winner(values, "call", "MiB/s"), "ashmem")
        self.assertEqual(bench_tables.winner(values, "lost of 32 MiB offered", "MiB"), "-")
        self.assertEqual(bench_tables.ratio(values, "call", "ns"), "1.2")

    def test_nobody_wins_without_a_rival(self) -> None:
        values = {"ashmem": 1.0, "floor": 0.1}
        self.assertEqual(bench_tables.winner(values, "call", "ns"), "-")
        self.assertEqual(bench_tables.ratio(values, "call", "ns"), "-")

    def test_a_row_for_what_is_done_on_each_kernel(self) -> None:
        figures = [figure("memfd", 4000), figure("ashmem", 5000.4),
                   figure("ashmem", 12.34, row="other"),
                   figure("ashmem", 6000, kernel="7.2"), figure("x", 1, question="b")]
        self.assertEqual(bench_tables.table(figures, "a"), [
            "In instructions.",
            "",
            "| what  | kernel | ashmem | memfd | to best peer | winner |",
            "|-------|-------:|-------:|------:|-------------:|--------|",
            "| call  |   6.12 |  5,000 | 4,000 |         1.25 | memfd  |",
            "| call  |    7.2 |  6,000 |     - |            - | -      |",
            "| other |   6.12 |   12.3 |     - |            - | -      |",
        ])
        self.assertEqual(bench_tables.table(figures, "c"), [])


class Runs(Quiet):
    def test_the_original_is_a_peer_on_its_kernel(self) -> None:
        def report(*figures: dict) -> dict:
            return {"release": "5.10.0", "figures": [
                {key: each[key] for key in each if key != "kernel"} for each in figures]}

        one = bench.merged([
            (bench.Guest("5.10", "5.10", ("a",)), report(figure("ashmem", 1), figure("memfd", 2))),
            (bench.Guest("original", "5.10", ("a",), original=True),
             report(figure("ashmem", 3), figure("memfd", 4)))])
        self.assertEqual([(each["kernel"], each["subject"], each["value"])
                          for each in one["figures"]],
                         [("5.10", "ashmem", 1), ("5.10", "memfd", 2), ("5.10", "original", 3)])
        self.assertEqual(one["runs"]["original"], {"release": "5.10.0"})
        file = self.folder / "figures.json"
        bench.write(one, file)
        self.assertEqual(bench.read(file)["figures"], one["figures"])

    def test_exact_figures_must_agree_to_a_hundredth(self) -> None:
        one = {"figures": [figure("a", 1000), figure("b", 100), figure("c", 5),
                           figure("d", 7, unit="ns")]}
        other = {"figures": [figure("a", 1009), figure("b", 102),
                             figure("d", 9, unit="ns")]}
        lines, compared = bench.differences(one, other)
        self.assertEqual(compared, 3)
        self.assertEqual(lines, ["6.12 a call 0 b instructions: 100.0 and 102.0",
                                 "6.12 a call 0 c instructions: in one run only"])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""Pages that name what does not exist, or leave out what does, are complained about."""

import unittest

from support import Quiet

import pages

PAGE = """\
# A page

| rule | tests |
| --- | --- |
| one | `a`, `b` |
| two, by `x` | none |

| case | why |
|---|---|
| three | `c` |
"""


class Tables(unittest.TestCase):
    def test_rows_have_no_heads(self) -> None:
        self.assertEqual(pages.rows(PAGE), [["one", "`a`, `b`"], ["two, by `x`", "none"],
                                            ["three", "`c`"]])

    def test_a_rule_without_a_test_is_told(self) -> None:
        self.assertEqual(pages.untested_rules(PAGE, ["a", "b", "c"]), ["no test: two, by `x`"])

    def test_a_test_that_does_not_exist_is_told_once(self) -> None:
        self.assertEqual(pages.untested_rules("| r | `a` |\n| s | `a`, `b` |", ["b"]),
                         ["no such test: a"])

    def test_a_page_without_rows_is_told(self) -> None:
        self.assertEqual(pages.untested_rules("# nothing", []), ["the page has no rows"])

    def test_a_section_is_left_out_by_its_heading(self) -> None:
        page = "# p\n\n## `a`\none\n### b\n\n## `a` c\ntwo\n"
        self.assertEqual(pages.without(page, "`a`"), "# p\n\n## `a` c\ntwo\n")
        self.assertEqual(pages.without(page, "`a` c"), "# p\n\n## `a`\none\n### b\n\n")
        self.assertEqual(pages.without(page, "d"), page)

    def test_differences_need_a_row_and_an_example(self) -> None:
        source = 'return "one";\nreturn "two, by `x`";'
        self.assertEqual(pages.unexplained_differences(PAGE, "== one\n== four\n", source),
                         ["no such difference: four", "avoided without an example: two, by `x`"])

    def test_kernels_must_be_those_of_the_table_in_its_order(self) -> None:
        page = "| kernel |\n| --- |\n| `5.10` |\n| `6.1-debug` |\n| `kmod/` |\n"
        self.assertEqual(pages.unlisted_kernels(page, ["5.10", "6.1-debug"]), [])
        self.assertEqual(len(pages.unlisted_kernels(page, ["6.1-debug", "5.10"])), 1)
        self.assertEqual(len(pages.unlisted_kernels(page, ["5.10"])), 1)


class Paths(Quiet):
    def test_a_path_that_does_not_exist_is_told(self) -> None:
        (self.folder / "kmod").mkdir()
        page = "`kmod/` and `kmod/absent.c --option`, not `other/absent.c`"
        self.assertEqual(pages.absent_paths(page, self.folder), ["kmod/absent.c"])


class Blocks(unittest.TestCase):
    def test_only_marked_blocks_at_the_margin_are_code(self) -> None:
        page = "```c\nint a;\n```\n\n```cpp\nint b;\n```\n```sh\nls\n```\n    ```c\n    int c;\n    ```\n"
        self.assertEqual(pages.blocks(page), [("c", "int a;\n"), ("cpp", "int b;\n")])

    def test_a_body_gets_a_function_and_a_whole_file_does_not(self) -> None:
        self.assertRegex(pages.as_source("c", "int a;\n"), r"(?s)^#include .*\{\nint a;\n\}\n$")
        whole = "#include <stdio.h>\nint a;\n"
        self.assertEqual(pages.as_source("c", whole), whole)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: Apache-2.0
"""tests/guest/reference.sh holds something against the claims and a list of differences.
A test program that does not start must not look like one whose claims differ."""

import os
import re
import subprocess
import unittest

from support import ROOT, TAP, Quiet

from results import read_values

# As the test program: lists the claims "a" and "b, with [brackets]", runs those of a
# file, which quotes brackets, and fails the second one.
PROGRAM = r'''
case $* in
    *--list-test-names-only*) printf '%s\n' a 'b, with [brackets]' && exit 2 ;;
    -f*) file=$2 ;;
    *) exit 1 ;;
esac
echo "1..$(wc -l <"$file")"
while read name; do
    number=$((number + 1))
    echo "# run $number - $name"
    case $name in
        b*) KILLED; echo "not ok $number - $name" && status=1 ;;
        *) echo "ok $number - $name" ;;
    esac
done <"$file"
exit ${status-0}
'''
DIFFERS = "b, with [brackets]"
WHOLE = PROGRAM.replace("KILLED", ":")


class Reference(Quiet):
    def tap(self, listed: str, *program: str) -> tuple[int, dict[str, str], str]:
        """The status, the counts and the lines of a run with this test program."""
        self.program("ashmem-tests", *program)
        (self.folder / "list").write_text(f"{listed}\n", encoding="utf-8")
        path = f"{self.folder}:{os.environ['PATH']}"
        run = subprocess.run(
            [ROOT / "tests" / "guest" / "reference.sh", self.folder / "list", "[x]"],
            capture_output=True, text=True, timeout=60, env=os.environ | {"PATH": path})
        (self.folder / "tap").write_text(run.stdout, encoding="utf-8")
        counts = subprocess.run([TAP, self.folder / "tap"], capture_output=True, text=True)
        return run.returncode, read_values(counts.stdout), run.stdout

    def check(self, listed: str, counts: str, pattern: str, *program: str) -> None:
        status, found, text = self.tap(listed, *program)
        keys = ("tests", "passed", "failed", "lost")
        self.assertEqual(" ".join(found[key] for key in keys), counts)
        self.assertRegex(text, re.compile(pattern, re.M))
        self.assertEqual(status != 0, counts.split()[2:] != ["0", "0"])

    def test_a_listed_claim_that_fails_is_as_it_should_be(self) -> None:
        self.check(DIFFERS, "2 2 0 0", r"^ok 2 - differs: b, with", WHOLE)

    def test_so_is_one_that_kills_its_process(self) -> None:
        killed = PROGRAM.replace("KILLED", "kill -KILL $$")
        self.check(DIFFERS, "2 2 0 0", "^ok 2 - differs", killed)

    def test_those_after_it_are_run_too(self) -> None:
        killed = PROGRAM.replace("b*) KILLED;", "a) kill -KILL $$ ;; b*)")
        self.check(f"a\n{DIFFERS}", "2 2 0 0", "^ok 2 - differs: b, with", killed)

    def test_one_that_holds_after_it_is_red(self) -> None:
        killed = PROGRAM.replace("b*) KILLED;", "a) kill -KILL $$ ;; x)")
        self.check(f"a\n{DIFFERS}", "2 1 1 0", "^not ok 2 - no longer differs: b, with", killed)

    def test_one_that_time_was_up_for_is_run_again(self) -> None:
        late = PROGRAM.replace("b*) KILLED;", "b*) [ $number = 1 ] || kill -TERM $$;")
        self.check(f"a\n{DIFFERS}", "2 1 1 0", "^ok 2 - differs: b, with", late)

    def test_one_that_time_is_always_up_for_differs(self) -> None:
        late = PROGRAM.replace("KILLED", "kill -TERM $$")
        self.check(DIFFERS, "2 2 0 0", "^ok 2 - differs: b, with", late)

    def test_a_listed_claim_that_holds_is_red(self) -> None:
        self.check("a", "2 0 2 0", "^not ok 2 - no longer differs: a", WHOLE)

    def test_a_listed_claim_that_is_none_is_red(self) -> None:
        self.check("c", "3 1 2 0", "^not ok 3 - no such claim: c", WHOLE)

    def test_a_program_that_only_lists_is_red(self) -> None:
        only_lists = PROGRAM.replace("-f*)", "-f*) exit 1; ")
        self.check(DIFFERS, "2 0 1 1", "^not ok 2 - never began: b", only_lists)

    def test_a_program_that_says_a_plan_and_dies_is_red(self) -> None:
        dies = PROGRAM.replace("-f*)", "-f*) echo 1..1; kill -SEGV $$; ")
        self.check(DIFFERS, "2 0 1 1", "^not ok 2 - never began: b", dies)

    def test_a_program_that_does_not_start_is_red(self) -> None:
        for program in ("exit 127", "kill -SEGV $$"):
            self.check(DIFFERS, "1 0 1 0", "^not ok 1 - ashmem-tests starts", program)


if __name__ == "__main__":
    unittest.main()

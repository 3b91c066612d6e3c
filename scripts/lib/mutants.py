# SPDX-License-Identifier: Apache-2.0
"""Bugs planted on purpose: the patches of tests/mutants, and what has to catch each.

A patch begins with lines of its own:
  Breaks: what goes wrong, in one line
  Claims: those that should catch it, in Catch2's syntax
  Survives: why no claim can see it; it must survive, so it also shows that claims do not
          fail by themselves
  Guest:  the run of guests.py whose machine is used (by default "device" for kmod, and this
          machine for libashmem); or "costs", if what calls cost (baseline.py) and no claim
          has to see it; or "kfuzz", if random programs (kfuzz.py) have to
  Kernel: a row of qemu/kernels, if it matters which
"""

import dataclasses
import datetime
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import baseline
import build
import claims
import guests
import kernels
import kfuzz
import processes
from project import BUILD, QEMU, ROOT, Unusable, emptied, show
from results import Result

PATCHES = ROOT / "tests" / "mutants"
OUT = BUILD / "mutants"

COSTS = "costs"

# Seconds for a guest and for a program: what takes longer hangs.
LIMIT = 150


@dataclass(frozen=True)
class Mutant:
    part: str  # the folder: kmod, libashmem or scripts
    name: str
    patch: Path
    breaks: str
    claims: str
    survives: str
    guest: str
    kernel: str


@dataclass(frozen=True)
class Outcome:
    """A mutant is caught, survives, or could not be tried, and the reason."""

    mutant: Mutant
    caught: bool
    reason: str

    def is_expected(self) -> bool:
        return self.reason not in USELESS and self.caught != bool(self.mutant.survives)


NO_LONGER_APPLIES = "the patch no longer applies"
DOES_NOT_BUILD = "it does not build"
USELESS = (NO_LONGER_APPLIES, DOES_NOT_BUILD)


def read(patch: Path) -> Mutant:
    fields = dict(re.findall(r"^(Breaks|Claims|Survives|Guest|Kernel): (.*)$",
                             patch.read_text(encoding="utf-8").split("\n--- ")[0], re.M))
    if "Breaks" not in fields:
        raise Unusable(f"{patch} does not say what it breaks")
    return Mutant(patch.parent.name, patch.stem, patch, fields["Breaks"],
                  fields.get("Claims", ""), fields.get("Survives", ""),
                  fields.get("Guest", "device" if patch.parent.name == "kmod" else ""),
                  fields.get("Kernel", "") or kernels.default())


def every() -> list[Mutant]:
    return [read(patch) for patch in sorted(PATCHES.glob("*/*.patch"))]


def for_kernel(kernel: str) -> list[Mutant]:
    """Those that only this kernel sees."""
    return [mutant for mutant in every() if mutant.kernel == kernel]


def chosen(named: list[str], share: int) -> list[Mutant]:
    """Those that are named, or all, or one of every SHARE, another one each day. A share has
    none for which a kernel would have to be built: make check-debug plants these."""
    found = every()
    if named:
        absent = set(named) - {mutant.name for mutant in found}
        if absent:
            raise Unusable(f"no such mutant: {' '.join(sorted(absent))}")
        return [mutant for mutant in found if mutant.name in named]
    if share > 1:
        found = [mutant for mutant in found if not kernels.finds_mistakes(mutant.kernel)]
    return found[datetime.date.today().toordinal() % share::share]


def tried(mutant: Mutant, attempt: Callable[[Mutant], Outcome], row: str) -> list[Result]:
    start = time.monotonic()
    outcome = attempt(mutant)
    well = outcome.is_expected()
    found = "caught" if outcome.caught else "survived"
    show(f"{'ok' if well else 'not ok'} - {mutant.part}/{mutant.name} ({mutant.breaks}): "
         f"{found}, {outcome.reason}")
    return [Result(row, mutant.name, 1, int(well), int(not well),
                   seconds=int(time.monotonic() - start))]


def applied(mutant: Mutant, tree: Path, *options: str) -> bool:
    return processes.quietly(f"mutant-{mutant.name}", [
        "patch", "--batch", "--fuzz=0", "--no-backup-if-mismatch", *options, "-p1",
        "-d", tree, "-i", mutant.patch])


def try_driver(mutant: Mutant) -> Outcome:
    """Builds the driver with the bug, and runs the claims in a guest."""
    if mutant.guest not in (COSTS, kfuzz.NAME) and not claims.names(mutant.claims):
        raise Unusable(f"{mutant.patch}: no claim is {mutant.claims}")
    driver, problem = planted(mutant)
    if problem:
        return Outcome(mutant, False, problem)
    if mutant.guest == kfuzz.NAME:
        return try_by_programs(mutant, driver)
    if mutant.guest == COSTS:
        moved = baseline.guard(OUT / mutant.name, mutant.kernel, driver, f"mutant-{mutant.name}")
        return Outcome(mutant, bool(moved), "; ".join(moved) or "all costs as they were")
    return _in_guest(mutant, driver, build.tests_folder("amd64"), OUT / mutant.name / "log")


def planted(mutant: Mutant) -> tuple[Path, str]:
    """Builds the driver with the bug. Returns the module, and why there is none."""
    tree = emptied(OUT / mutant.name)
    shutil.copytree(ROOT / "kmod", tree / "kmod", ignore=shutil.ignore_patterns(
        "*.o", "*.ko", "*.cmd", "*.mod*", "features.h", "Module.symvers"))
    # the kernel's answers, which make asks for again where the bug is in the questions
    answers = build.module_file(mutant.kernel).parent / "compat" / "features.h"
    if answers.exists():
        shutil.copy2(answers, tree / "kmod" / "compat")
    if not applied(mutant, tree):
        return tree, NO_LONGER_APPLIES
    well = processes.quietly(f"mutant-{mutant.name}",
                             [QEMU / "kbuild", mutant.kernel, tree / "kmod", "modules",
                              *((build.KCOV,) if mutant.guest == kfuzz.NAME else ())])
    return tree / "kmod" / "ashmem.ko", "" if well else DOES_NOT_BUILD


def try_by_programs(mutant: Mutant, driver: Path) -> Outcome:
    """Runs the corpus and then the same random programs each time, as far as the order of
    their threads allows."""
    found = kfuzz.hunt(f"mutant-{mutant.name}", mutant.kernel, driver, LIMIT, 1,
                       kfuzz.programs_of(kfuzz.CORPUS))
    if not found.programs:
        raise Unusable(f"{mutant.name}: no program ran: {found.end}")
    if found.well:
        return Outcome(mutant, False, f"{found.programs} programs passed")
    return Outcome(mutant, True, f"program {found.programs}: {found.complaint or found.end}")


def _in_guest(mutant: Mutant, driver: Path, tests: Path, log: Path) -> Outcome:
    is_slow = kernels.finds_mistakes(mutant.kernel)
    machines = guests.of_debug_kernel(mutant.kernel) if is_slow else guests.GUESTS
    guest = next((guest for guest in machines if guest.name == mutant.guest), None)
    if not guest:
        raise Unusable(f"{mutant.patch}: no guest {mutant.guest} in scripts/lib/guests.py")
    guest = dataclasses.replace(guest, timeout=guest.timeout if is_slow else LIMIT,
                                kernel_module="")
    options = [*guest.options(), "--append", "slab_nomerge",
               *guests.driver(guest, mutant.kernel, driver),
               *guests.added(tests / "ashmem-tests", *(ROOT / name for name in guest.programs))]
    vm = f"mutant-{mutant.name}"
    # KCSAN watches one access of many, so few claims need all their rounds; that it watched
    # little is no catch
    scale = 1 if mutant.kernel == kernels.KCSAN else 10
    survives = guests.launch(vm, mutant.kernel, options, [
        "env", f"ASHMEM_TEST_SCALE={scale}", "KCSAN_LEAST=0", *guest.wrapper,
        "/bin/ashmem-tests", mutant.claims], log)
    return _outcome(mutant, survives, guests.verdict(vm), log.read_text(errors="replace"))


def _outcome(mutant: Mutant, survives: bool, verdict: dict[str, str], log: str) -> Outcome:
    if survives:
        # a program that runs no claim catches nothing either
        return Outcome(mutant, False, f"{verdict.get('tests', 'no')} claims passed")
    if not verdict:
        raise Unusable(f"{mutant.name}: the guest could not be booted:\n{log[-1000:]}")
    seen = re.search(r"^not ok \d+ - (.*)$", log, re.M)
    last = log.rstrip().rsplit("\n", 1)[-1]
    return Outcome(mutant, True, seen[1] if seen else last)


class LibraryTree:
    """A copy of the tree, in which one library bug after another is planted."""

    def __init__(self) -> None:
        self.path = OUT / "tree"
        emptied(self.path)
        files = processes.capture(["git", "-C", ROOT, "ls-files"])
        for name in files.splitlines():
            target = self.path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target, follow_symlinks=False)

    def attempt(self, mutant: Mutant) -> Outcome:
        if not applied(mutant, self.path):
            return Outcome(mutant, False, NO_LONGER_APPLIES)
        try:
            return self._scripts(mutant) if mutant.part == "scripts" else self._claims(mutant)
        finally:
            applied(mutant, self.path, "--reverse")

    def whole_check(self, mutant: Mutant) -> Outcome:
        """What make check says of the driver with the bug: its exit status and last line."""
        if not applied(mutant, self.path):
            return Outcome(mutant, False, NO_LONGER_APPLIES)
        log = OUT / "whole-check.log"
        status = processes.run([self.path / "scripts" / "check"], log,
                               {"KERNELS": mutant.kernel, "TESTS": mutant.claims})
        applied(mutant, self.path, "--reverse")
        last = log.read_text(errors="replace").rstrip().rsplit("\n", 1)[-1]
        red = re.fullmatch(r"\d+ passed, [1-9]\d* failed", last)
        return Outcome(mutant, status == 1 and bool(red), f"exit status {status}, \"{last}\"")

    def _claims(self, mutant: Mutant) -> Outcome:
        folder = self.path / "build"
        for step in (["cmake", "-S", self.path, "-B", folder, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                      "-DCMAKE_C_COMPILER_LAUNCHER=ccache",
                      "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"],
                     ["cmake", "--build", folder, "--parallel", "2", "--target", "ashmem-tests"]):
            if not processes.quietly(f"mutant-{mutant.name}", step):
                return Outcome(mutant, False, DOES_NOT_BUILD)
        if not claims.names(mutant.claims):
            raise Unusable(f"{mutant.patch}: no claim is {mutant.claims}")
        if mutant.guest:
            return _in_guest(mutant, build.module_file(mutant.kernel), folder / "tests",
                             OUT / f"{mutant.name}.log")
        return self._run(mutant, [folder / "tests" / "ashmem-tests", mutant.claims])

    def _scripts(self, mutant: Mutant) -> Outcome:
        return self._run(mutant, ["python3", "-B", "-m", "unittest", "discover", "-s",
                                  self.path / "tests" / "scripts"])

    def _run(self, mutant: Mutant, argv: list[str | Path]) -> Outcome:
        log = OUT / f"{mutant.name}.log"
        status = processes.run(argv, log, limit=LIMIT)
        text = log.read_text(errors="replace")
        if status == 0:
            return Outcome(mutant, False, "all passed")
        seen = re.search(r"^(?:not ok \d+ - |FAIL: |ERROR: )(.*)$", text, re.M)
        return Outcome(mutant, True, seen[1] if seen else f"exit status {status}")


def for_make_check(those: list[Mutant]) -> list[Mutant]:
    """The driver's bug that make check sees soonest, if it can see one of these."""
    seen = [mutant for mutant in those if mutant.part == "kmod" and mutant.claims
            and not mutant.survives and not kernels.finds_mistakes(mutant.kernel)]
    return sorted(seen, key=lambda mutant: len(claims.names(mutant.claims)))[:1]


def is_applicable(mutant: Mutant) -> bool:
    """Whether the patch fits the tree as it is."""
    return subprocess.run(["patch", "--batch", "--dry-run", "--fuzz=0", "-s", "-p1", "-d", ROOT,
                           "-i", mutant.patch], stdout=subprocess.DEVNULL).returncode == 0

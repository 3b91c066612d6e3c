# SPDX-License-Identifier: Apache-2.0
"""A bug that every check plants in the driver, to show that it would have been seen: all
claims hold, but the kernel warns. Nothing but the guest's verdict tells that."""

import time
from pathlib import Path

import build
import claims
import guests
import mutants
import results
from guests import Run, added
from project import Unusable, show
from results import Result
from schedule import Job

ROW = "planted bug"
BUG = mutants.PATCHES / "kmod" / "open-warns.patch"


def seen(result: Result) -> bool:
    """Whether the table of such a result is red, though all its claims passed."""
    bad = results.table([result], [result.row])[2]
    return bad > 0 and result.passed > 0 and not result.lost


def work(out: Path) -> list[Result]:
    start = time.monotonic()
    mutant = mutants.read(BUG)
    driver, problem = mutants.planted(mutant)
    if problem:
        raise Unusable(f"{BUG.name}: {problem}")
    planned = len(claims.names(mutant.claims))
    run = Run(out, mutant.kernel, "planted-bug", mutant.kernel, planned, 10)
    result, text = guests.booted(
        run, ["--module", str(driver), *added(build.tests_folder("amd64") / "ashmem-tests")],
        ["/bin/ashmem-tests", mutant.claims])
    well = seen(result)
    if not well:
        show(f"{text}\nnot ok - a bug that was planted in the driver ({mutant.breaks}) was not seen")
    return [Result(ROW, mutant.name, 1, int(well), int(not well),
                   seconds=int(time.monotonic() - start))]


def job(out: Path) -> Job:
    return Job(ROW, "all", lambda: work(out))

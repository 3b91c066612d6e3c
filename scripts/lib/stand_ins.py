# SPDX-License-Identifier: Apache-2.0
"""The driver's claims on its stand-ins: the original driver, and the preload library.

Both have a list of claims that are known to fail, and must fail exactly those.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import build
import claims
import guests
import kernels
from guests import Run, added
from processes import capture
from project import BUILD, ROOT
from results import Result
from schedule import Job

GUEST_FILES = ROOT / "tests" / "guest"
REFERENCE = GUEST_FILES / "reference.sh"
_MACHINE = ["--timeout", "300", "--memory", "768", "--cpus", "1"]


def against_list(out: Path, page: str) -> list[str]:
    """Options that put a page's list of differences into the guest, and the script that
    compares."""
    listed = out / page.removesuffix(".md")
    listed.write_text("".join(f"{name}\n" for name in claims.listed(page)), encoding="utf-8")
    return added(REFERENCE, f"{listed}:/differences")


def _compared(run: Run, chosen: str, page: str, options: Sequence[str]) -> Result:
    """Boots a guest whose claims must pass, except for those that a page lists."""
    return guests.boot(run, [*_MACHINE, *options, *against_list(run.out, page)],
                       ["/bin/reference.sh", "/differences", chosen])


def _original(run: Run, chosen: str) -> Result:
    # a driver in staging taints the kernel
    return _compared(run, chosen, "differences.md",
                     ["--kernel-module", "ashmem_linux", "--taint", "1024",
                      *added(build.tests_folder("amd64") / "ashmem-tests")])


def with_preload(folder: Path = BUILD) -> list[str]:
    """Options for a guest without the driver, where ashmem-tests is the dynamic program
    of that build with libashmem-preload.so."""
    program = folder / "tests" / "ashmem-tests.dynamic"
    options = []
    for library in re.findall(r"/\S+", capture(["ldd", program])):
        # our folder may not exist in the guest
        inside = library.removeprefix(str(folder))
        options += added(f"{Path(library).resolve()}:{inside}")
    return options + added(f"{folder}/lib/libashmem-preload.so:/lib/libashmem-preload.so",
                           program, f"{GUEST_FILES}/preloaded.sh:/bin/ashmem-tests")


def _preloaded(run: Run, chosen: str) -> Result:
    return _compared(run, chosen, "preload.md", with_preload())


def _preloaded_pressure(run: Run, chosen: str) -> Result:
    """The library's own claims, all of which must pass."""
    machine = ["--timeout", "300", "--memory", "256", "--swap", "512"]
    return guests.boot(run, [*machine, *with_preload()], ["/bin/ashmem-tests", chosen])


def original_row() -> str:
    return f"{kernels.ORIGINAL}/original"


def preload_row() -> str:
    return f"{kernels.default()}/preload"


def jobs(out: Path, scale: int) -> list[Job]:
    """All runs for which TESTS= leaves a claim."""
    plan = (
        (original_row(), "device", kernels.ORIGINAL, claims.OF_DRIVERS, _original),
        (preload_row(), "device", kernels.default(), claims.OF_DRIVERS, _preloaded),
        (preload_row(), "pressure", kernels.default(), claims.PRELOADED, _preloaded_pressure),
    )
    found = []
    for row, name, kernel, wanted, work in plan:
        chosen = claims.narrowed(wanted)
        run = Run(out, row, name, kernel, len(claims.names(chosen)), scale)
        if run.planned:
            found.append(Job(row, name, lambda work=work, run=run, chosen=chosen: [
                work(run, chosen)], run.planned))
    return found

# SPDX-License-Identifier: Apache-2.0
"""The jobs of a check, and the rows that its table must have."""

from collections.abc import Collection, Sequence
from pathlib import Path

import claims
import differential
import guests
import host
import kernels
import proof
import stand_ins
from project import Unusable
from schedule import Job


def must_have(jobs: Collection[Job], chosen: Sequence[str]) -> None:
    """A check that runs nothing must not pass."""
    if not jobs:
        raise Unusable(f"TESTS={claims.wanted()} chooses no claim of {' '.join(chosen)}")


def claims_in_guests(out: Path, chosen: Sequence[str], built: Collection[str],
                     scale: int) -> list[Job]:
    """All runs of claims in guests of these kernels. `built` are those with a module."""
    # what takes longest first: the preload library, and another processor than this machine's
    jobs = stand_ins.jobs(out, scale)
    jobs += [job for kernel in sorted(chosen, key=lambda kernel: kernels.arch(kernel) == "amd64")
             for job in guests.jobs_of(out, kernel, guests.GUESTS, kernel in built, scale)]
    must_have(jobs, chosen)
    return jobs


def expected_rows(chosen: Sequence[str], jobs: Collection[Job]) -> list[str]:
    """The rows of a check; with TESTS= only those that have a chosen claim."""
    if claims.wanted():
        return list(dict.fromkeys(job.row for job in jobs))
    rows = ["harness", *host.rows(), "build", proof.ROW]
    for kernel in chosen:
        rows += [kernel, f"{kernel}/i386"] if guests.runs_32(kernel) else [kernel]
    return [*rows, stand_ins.original_row(), stand_ins.preload_row(), differential.row()]

# SPDX-License-Identifier: Apache-2.0
"""Running jobs in parallel. Each leaves a result, even if it breaks."""

import os
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from project import Unusable, show
from results import Result

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """A planned run: the row and name of its result, and how many claims it has."""

    row: str
    name: str
    work: Callable[[], list[Result]]  # empty if several jobs share a result
    planned: int = 1


def at_once() -> int:
    """How many jobs run at a time, if there is enough memory: one for each processor, and
    one more, since a job also waits, as a guest that loads the driver a thousand times does.
    """
    processors = len(os.sched_getaffinity(0))
    with open("/proc/meminfo", encoding="ascii") as file:
        available = next(int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    return max(1, min(processors + 1, available // 1_500_000))


def side_by_side(works: Sequence[Callable[[], T]], most: int | None = None) -> list[T]:
    """Calls all of them, starting in this order, and returns their results in this order."""
    with ThreadPoolExecutor(most or at_once()) as pool:
        return list(pool.map(lambda work: work(), works))


def _outcome(job: Job) -> list[Result]:
    """A job that breaks has lost all its claims; the other jobs go on."""
    try:
        return job.work()
    except Unusable as problem:
        show(f"{job.row} {job.name}: {problem}")
    except Exception:
        show(f"{job.row} {job.name}:\n{traceback.format_exc()}")
    return [Result(job.row, job.name, tests=job.planned, lost=job.planned)]


def run_jobs(jobs: Iterable[Job], most: int | None = None) -> list[Result]:
    works = [lambda job=job: _outcome(job) for job in jobs]
    return [result for outcome in side_by_side(works, most) for result in outcome]

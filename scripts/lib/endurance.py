# SPDX-License-Identifier: Apache-2.0
"""Small guests with many who want memory, for a long time."""

import time
from pathlib import Path

import build
import guests
import results
from guests import added
from project import show
from results import Result
from schedule import Job

CLAIMS = 6

# What the machine itself takes of a guest's memory depends on the kernel.
SMALL, LARGE = 128, 256
OF_DEBUG_KERNEL = 512


def program() -> Path:
    return build.tests_folder("amd64") / "ashmem-endurance"


def _options(kernel: str, memory: int, seconds: int) -> list[str]:
    """A kernel that is built here has no compressed memory: it gets a disk."""
    swap = ["--swap", "512"] if memory == OF_DEBUG_KERNEL else ["--zram", str(memory)]
    return ["--memory", str(memory), *swap, "--timeout", str(2 * seconds + 600),
            "--module", str(build.module_file(kernel)), *added(program())]


def endure(out: Path, row: str, kernel: str, memory: int, seconds: int) -> list[Result]:
    """Shows the program's last line, or all if a claim failed."""
    name = f"endurance-{memory}"
    vm, log, start = f"{name}-{kernel}", out / f"{name}-{kernel}", time.monotonic()
    well = guests.launch(vm, kernel, _options(kernel, memory, seconds),
                         ["/bin/ashmem-endurance", str(seconds)], log)
    text = log.read_text(errors="replace")
    show("\n".join(text.splitlines()[-2:]) if well else text)
    return [results.of_counts(row, name, well, guests.verdict(vm), CLAIMS,
                              time.monotonic() - start)]


def job(out: Path, row: str, kernel: str, memory: int, seconds: int) -> Job:
    return Job(row, f"endurance-{memory}",
               lambda: endure(out, row, kernel, memory, seconds), CLAIMS)

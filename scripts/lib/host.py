# SPDX-License-Identifier: Apache-2.0
"""The checks on this machine: the library's claims, and the steps that tools check."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import build
import claims
import guests
import kernels
import results
from processes import quietly, run
from project import BUILD, QEMU, ROOT, SCRIPTS, say, show
from results import Result

# Seconds for each program: several times what a slow machine needs.
LIMIT = 900

EXAMPLES = (("memory-file",), ("audio-ring", "200"), ("compositor", "6"), ("records",),
            ("thumbnails",))


def unplaced_claims() -> list[str]:
    """Every claim must run on the host or in a guest, and every guest's kernel must exist."""
    chosen = [claims.ON_HOST, claims.PRELOADED,
              *(guest.claims for guest in (*guests.GUESTS, *guests.DEBUG_GUESTS))]
    placed = {name for choice in chosen for name in claims.names(choice)}
    lines = [f"runs nowhere: {name}" for name in claims.names() if name not in placed]
    lines += [f"{guest.name}: no kernel {kernel}" for guest in (*guests.GUESTS, *guests.GUESTS_32)
              for kernel in guest.kernels + guest.if_named if kernel not in kernels.rows()]
    return lines


def programs_of_other_machines() -> list[str]:
    """What runs as i386 must be a program of 32 bits, or the row tests nothing new."""
    bits = {"i386": 1, "amd64": 2}
    kinds = {arch: (build.tests_folder(arch) / "ashmem-tests").read_bytes()[4] for arch in bits}
    return [f"ashmem-tests for {arch} is of another class of ELF: {kinds[arch]}"
            for arch in bits if kinds[arch] != bits[arch]]


def _steps() -> list[tuple[str, Sequence[str | Path] | Callable[[], list[str]]]]:
    """What is claimed, and the program that checks it or a function that returns complaints."""
    unit_tests = ["python3", "-B", "-m", "unittest", "discover", "-s", ROOT / "tests" / "scripts"]
    return [
        ("exported names and layouts are those listed", [SCRIPTS / "abi"]),
        ("every public header compiles alone", [SCRIPTS / "headers"]),
        ("the table of claims names real tests", [SCRIPTS / "claims"]),
        ("the unit tests of the scripts pass", unit_tests),
        ("README and dkms.conf have the kernels of the table", [SCRIPTS / "kernels"]),
        ("kernels are fetched from the archive that apt reads", [ROOT / "tests" / "scripts" / "archives.sh"]),
        ("the examples of the documentation compile", [SCRIPTS / "examples"]),
        *((f"the example {example[0]} does what it says",
           ["timeout", "120", BUILD / "lib" / "examples" / example[0], *example[1:]])
          for example in EXAMPLES),
        ("every claim runs somewhere", unplaced_claims),
        ("the programs for i386 have 32 bits", programs_of_other_machines),
        ("files depend on each other as the architecture says", [SCRIPTS / "structure"]),
        ("the claims hold over the shared libraries",
         [BUILD / "tests" / "ashmem-tests.dynamic", claims.ON_HOST]),
    ]


def _holds(step: Sequence[str | Path] | Callable[[], list[str]]) -> bool:
    if callable(step):
        complaints = step()
        show("\n".join(complaints))
        return not complaints
    return quietly("host-step", step, limit=LIMIT)


def steps(out: Path) -> Result:
    """Runs the steps that tools check."""
    start = time.monotonic()
    lines = []
    for claim, step in _steps():
        lines.append(f"{'ok' if _holds(step) else 'not ok'} - {claim}")
        show(results.without_passes(lines[-1]))
    (out / "host-steps").write_text("\n".join([*lines, ""]), encoding="utf-8")
    failed = sum(line.startswith("not ok") for line in lines)
    return Result("host", "steps", len(lines), len(lines) - failed, failed,
                  seconds=int(time.monotonic() - start))


def script(out: Path, row: str, argv: Sequence[str | Path], name: str = "all") -> Result:
    """Runs a program that prints TAP."""
    start = time.monotonic()
    log = out / row.replace("/", "-")
    status = run(argv, log, limit=LIMIT)
    show(results.without_passes(log.read_text(errors="replace")))
    return results.of_tap(row, name, status == 0, log, time.monotonic() - start)


def rows() -> list[str]:
    return ["host", *(f"host/{sanitizer}" for sanitizer in build.SANITIZERS), "host/consumer"]


def all_of(out: Path) -> list[Result]:
    """Runs everything here, one after another, since the build folder is shared."""
    say("the library on this machine")
    return [
        script(out, "host", [BUILD / "tests" / "ashmem-tests", claims.ON_HOST], "claims"),
        steps(out),
        *(script(out, f"host/{sanitizer}",
                 [build.folder(sanitizer) / "tests" / "ashmem-tests", claims.ON_HOST])
          for sanitizer in build.SANITIZERS),
        script(out, "host/consumer", [ROOT / "tests" / "consumer" / "run"]),
    ]


def harness(out: Path, *options: str) -> Result:
    """Runs the harness's own tests."""
    return script(out, "harness", [QEMU / "selftest" / "run", *options])

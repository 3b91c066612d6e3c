# SPDX-License-Identifier: Apache-2.0
"""The runs in guests, and how a guest is booted and its result read."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import build
import claims
import kernels
import processes
import results
from project import BUILD, QEMU, ROOT, Unusable, show, words
from results import Result
from schedule import Job

WITH_BINDER = "binder_linux"


@dataclass(frozen=True)
class Guest:
    """A run of the test program: the claims, in Catch2's syntax, and the machine."""

    name: str
    claims: str
    kernels: tuple[str, ...] = ()  # none: all of them
    if_named: tuple[str, ...] = ()  # those of them that KERNELS= has to name
    timeout: int = 300
    memory: int = 512
    cpus: int = 2  # 1 if no claim has threads that race: emulated locks spin
    swap: int = 0
    icount: bool = False
    append: str = ""
    kernel_module: str = ""
    loaded: bool = True  # if not, the claims load the driver themselves
    programs: tuple[str, ...] = ()  # that the claims run: paths in the tree, as `added` has them
    wrapper: tuple[str, ...] = ()  # one of `programs`, which runs the test program

    def runs_on(self, kernel: str) -> bool:
        if self.kernels and kernel not in self.kernels:
            return False
        return kernel not in self.if_named or kernel in words("KERNELS")

    def options(self) -> list[str]:
        """Of qemu/run."""
        options = ["--timeout", str(self.timeout), "--memory", str(self.memory),
                   "--cpus", str(self.cpus)]
        options += ["--swap", str(self.swap)] if self.swap else []
        options += ["--icount"] if self.icount else []
        options += ["--append", self.append] if self.append else []
        options += ["--kernel-module", self.kernel_module] if self.kernel_module else []
        return options


_NODES = "scripts/packages/root/usr/lib/ashmem/nodes"

# All but the newest. What hardly depends on the kernel runs there only if they are named, as
# .ci/run does.
OLDER = ("5.10", "6.1", "6.12", "6.12-arm64-16k")

# The longest come first, since several run at a time. To boot a guest takes as long as many
# claims do, so claims that can share a machine share one.
GUESTS = (
    Guest("bounded", "[bounded]", ("5.10", "7.2"), ("5.10",), memory=768, icount=True),
    # not on arm64: its emulated processor has the memory ordering of this machine
    Guest("race", "[race]", ("5.10", "7.2"), ("5.10",), timeout=500),
    Guest("device", "[device]~[race]~[model]", timeout=500, memory=768),
    # on the oldest always in a 32-bit program, below
    Guest("library", "[anywhere],[binder]", if_named=OLDER, timeout=500, memory=768,
          kernel_module=WITH_BINDER),
    Guest("pressure", "[pressure]", if_named=OLDER, memory=256, swap=512),
    # since 6.4 reclaim for a memory cgroup does not look at what was freed
    Guest("proportion", "[proportion]", ("6.1", "7.2"), memory=256, swap=256, icount=True),
    Guest("cgroup", "[cgroup]~[device],[model],[soak]", if_named=OLDER, timeout=500, memory=768,
          cpus=1),
    Guest("module", "[module]", if_named=OLDER, loaded=False),
    # not on arm64, which the tool is not built for
    Guest("tool", "[tool]", ("6.1", "7.2"), ("6.1",), memory=768, cpus=1,
          programs=("build/lib/tools/ashmem", f"{_NODES}:/usr/lib/ashmem/nodes")),
    Guest("cgroup-v1", "[cgroup-v1]", ("5.10",)),
    Guest("nocgroup", "[nocgroup]", ("6.1",), memory=256, swap=512,
          append="cgroup_disable=memory"),
)

# The same claims in a 32-bit program, without races: they are in the kernel. That each kernel
# answers 32-bit callers is tested by 64-bit programs too.
GUESTS_32 = (
    Guest("device", "[device]~[race]~[model],[anywhere],[binder]", ("5.10",), memory=768, cpus=1,
          kernel_module=WITH_BINDER),
)

# For a kernel with KASAN, lockdep, kmemleak and UBSAN, with more memory and time: every
# object has shadow memory. Left out are races that aim at a moment, which this kernel is
# too slow for, and memory cgroups in "device", since freed memory stays charged for a while.
DEBUG_GUESTS = (
    Guest("pressure", "[pressure]", timeout=1500, memory=384, swap=512),
    Guest("cgroup", "[cgroup]~[device]", timeout=1500, memory=1024),
    # a cache that shares another one's slabs would need no memory that could lack
    Guest("module", "[module],[module-faults]", timeout=1500, memory=1024, loaded=False,
          append="slab_nomerge"),
    Guest("faults", "[faults]", timeout=1500, memory=1024),
    Guest("soak", "[soak]", timeout=1500, memory=1024),
    Guest("race", "[race]~[aimed],[model]", timeout=1500, memory=1024),
    Guest("device", "[device]~[race]~[model]~[cgroup],[anywhere],[binder]", timeout=1500,
          memory=1536, kernel_module=WITH_BINDER),
)

# For a kernel with KCSAN. It watches one of 1,000 accesses, for 3 ms each: in an emulated
# guest the other processor gets to nothing in less. Left out is a claim that fills 128 MiB
# again and again.
KCSAN_GUESTS = (
    Guest("race", '[race]~[aimed]~"a purge under way*"', timeout=1500, memory=1024,
          append="kcsan.early_enable=0 kcsan.skip_watch=1000 kcsan.udelay_task=3000",
          programs=("tests/guest/kcsan.sh:/bin/kcsan.sh",), wrapper=("/bin/kcsan.sh",)),
)


def of_debug_kernel(kernel: str) -> Sequence[Guest]:
    return KCSAN_GUESTS if kernel == kernels.KCSAN else DEBUG_GUESTS


def added(*files: Path | str) -> list[str]:
    """Options that put files into a guest; FILE:NAME gives the name there."""
    return [word for file in files for word in ("--add", str(file))]


def verdict(vm: str) -> dict[str, str]:
    """The values in build/vm/NAME/verdict; none if the harness could not even begin."""
    file = BUILD / "vm" / vm / "verdict"
    return results.read_values(file.read_text(errors="replace")) if file.exists() else {}


def launch(vm: str, kernel: str, options: Sequence[str], command: Sequence[str],
           log: Path) -> bool:
    """Runs a command in a guest with qemu/run. It passed only if both the exit status and the
    verdict say so. An earlier run's verdict is removed first."""
    (BUILD / "vm" / vm / "verdict").unlink(missing_ok=True)
    argv = [QEMU / "run", "--kernel", kernel, "--name", vm, *options, "--", *command]
    status = processes.run(argv, log)
    return status == 0 and verdict(vm).get("verdict") == "pass"


@dataclass(frozen=True)
class Run:
    """A planned run: its place in the table, and how many claims must report."""

    out: Path
    row: str
    name: str
    kernel: str
    planned: int
    scale: int  # divides the iterations of repeated claims
    fewer: bool = False  # the program may have fewer claims, but not none


def booted(run: Run, options: Sequence[str], command: Sequence[str]) -> tuple[Result, str]:
    """Runs a command in a guest. Returns the result, and what is worth showing: the last line
    if it passed, else everything but the claims that passed."""
    label = f"{run.row}-{run.name}".replace("/", "-")
    vm, log = f"check-{label}", run.out / label
    start = time.monotonic()
    well = launch(vm, run.kernel, ["--append", "slab_nomerge", *options],
                  ["env", f"ASHMEM_TEST_SCALE={run.scale}", *command], log)
    text, counts = log.read_text(errors="replace"), verdict(vm)
    its_own_plan = run.fewer and int(counts.get("plan") or 0)
    result = results.of_counts(run.row, run.name, well, counts,
                               0 if its_own_plan else run.planned, time.monotonic() - start)
    return result, text.splitlines()[-1] if well else results.without_passes(text)


def boot(run: Run, options: Sequence[str], command: Sequence[str]) -> Result:
    """As booted, and shows what is worth it."""
    result, text = booted(run, options, command)
    show(text)
    return result


def driver(guest: Guest, kernel: str, file: Path) -> list[str]:
    """Options that load the driver, or only add the files for claims that load it."""
    if guest.loaded:
        return ["--module", str(file)]
    return added(f"{file}:/ashmem.ko", f"{build.squatter_file(kernel)}:/squatter.ko")


def job_of(out: Path, kernel: str, arch: str, guest: Guest, built: bool, scale: int) -> Job | None:
    """The run of a guest on a kernel; None if it is for other kernels, or TESTS= leaves it
    no claim."""
    chosen = claims.narrowed(guest.claims)
    planned = len(claims.names(chosen))
    if not planned or not guest.runs_on(kernel):
        return None
    row = f"{kernel}/i386" if arch == "i386" else kernel
    # some claims exist only in 64-bit programs, or only on x86
    run = Run(out, row, guest.name, kernel, planned, scale, fewer=arch != "amd64")
    options = [*guest.options(), *driver(guest, kernel, build.module_file(kernel)),
               *added(build.tests_folder(arch) / "ashmem-tests",
                      *(ROOT / name for name in guest.programs))]

    def work() -> list[Result]:
        if not built:
            raise Unusable(f"no module for {kernel}")
        return [boot(run, options, [*guest.wrapper, "/bin/ashmem-tests", chosen])]

    return Job(run.row, run.name, work, planned)


def runs_32(kernel: str) -> bool:
    """Whether a 32-bit program is run too."""
    return kernels.arch(kernel) == "amd64" and any(guest.runs_on(kernel) for guest in GUESTS_32)


def jobs_of(out: Path, kernel: str, guests: Sequence[Guest], built: bool, scale: int) -> list[Job]:
    """All runs on a kernel, with those of a 32-bit program if its processor has them."""
    arch = kernels.arch(kernel)
    jobs = [job_of(out, kernel, arch, guest, built, scale) for guest in guests]
    if guests is GUESTS and runs_32(kernel):
        jobs += [job_of(out, kernel, "i386", guest, built, scale) for guest in GUESTS_32]
    return [job for job in jobs if job]

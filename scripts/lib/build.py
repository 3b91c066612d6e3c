# SPDX-License-Identifier: Apache-2.0
"""Builds: the library and programs by cmake and ccache, modules by the harness."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import kernels
from processes import capture, quietly, run
from project import BUILD, QEMU, ROOT, SCRIPTS, Unusable, say

SANITIZERS = ("address", "thread")
# for kbuild; UBSAN would add branches of its own
KCOV = "KCOV_INSTRUMENT=y"
GCOV = ("GCOV_PROFILE=y", "UBSAN_SANITIZE=n")


def install_packages(*groups: str) -> None:
    """Installs what is missing of these groups of scripts/deps. It runs in the foreground,
    since sudo may ask for a password, and to its end, so that no package is left half
    installed."""
    if subprocess.call([SCRIPTS / "deps", *groups]):
        raise Unusable(f"packages are missing: {' '.join(groups)}")


def must(built: bool) -> None:
    """Gives up after a failed build without which nothing can be tested."""
    if not built:
        raise Unusable("cannot build")


def folder(preset: str) -> Path:
    """Where a preset builds, as CMakePresets.json says."""
    return BUILD if preset == "default" else BUILD / preset


def tests_folder(arch: str) -> Path:
    """Where the test programs of a Debian architecture are."""
    return folder("default" if arch == "amd64" else arch) / "tests"


def has(option: str) -> bool:
    """Whether an option of the default build is on."""
    cache = BUILD / "CMakeCache.txt"
    return cache.exists() and f"\n{option}:BOOL=ON\n" in cache.read_text(encoding="utf-8")


def cmake(preset: str, targets: Sequence[str], options: Sequence[str] = ()) -> bool:
    """Configures and builds with ccache, so that a second clone need not compile again."""
    cached = {"CCACHE_DIR": f"{kernels.cache_folder()}/ccache", "CCACHE_BASEDIR": str(ROOT),
              "CCACHE_NOHASHDIR": "1"}
    configure = ["cmake", "-S", ROOT, "--preset", preset, "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON",
                 "-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    jobs = str(len(os.sched_getaffinity(0)))
    return (quietly(f"configure-{preset}", [*configure, *options])
            and quietly(f"build-{preset}", ["cmake", "--build", folder(preset), "--parallel", jobs,
                                            "--target", *targets], cached))


def library(*targets: str) -> None:
    """Builds targets of libashmem/: libraries, examples, demo."""
    say("library")
    must(cmake("default", targets))


def demo_programs() -> list[Path]:
    """The demo's own programs; it also runs some of the examples."""
    return [BUILD / "lib" / "demo" / f"ashmem-demo{part}"
            for part in ("", "-server", "-client", "-cache", "-hog")]


def tests(arch: str) -> None:
    """Builds the test programs, for this machine or with the cross compiler for another
    Debian architecture. They are linked with the library statically."""
    say(f"test programs for {arch}")
    if arch == "amd64":
        must(cmake("default", ["tests", "ashmem-tests.dynamic"]))
    else:
        sysroot = capture([SCRIPTS / "sysroot", arch]).strip()
        must(cmake(arch, ["tests"], [f"-DCMAKE_PREFIX_PATH={sysroot}"]))


def long_tests() -> None:
    """Builds the programs that use the driver for minutes, besides those of tests()."""
    say("long test programs")
    must(cmake("default", ["long-tests"]))


def sanitized(sanitizer: str) -> None:
    """Builds the library and its tests with one of the compiler's sanitizers."""
    say(f"library and its tests with the {sanitizer} sanitizer")
    must(cmake(sanitizer, ["ashmem-tests"]))


def module_file(kernel: str) -> Path:
    return BUILD / "kmod" / kernel / "ashmem.ko"


def squatter_file(kernel: str) -> Path:
    """A module that takes the name of the driver's device."""
    return BUILD / "kmod" / kernel / "squatter" / "squatter.ko"


def traced_module_file(kernel: str) -> Path:
    """The driver built for KCOV, which tells a fuzzer what ran."""
    return BUILD / "kmod-kcov" / kernel / "ashmem.ko"


def _kbuild(name: str, source: Path, target: Path, kernel: str, *variables: str) -> bool:
    target.mkdir(parents=True, exist_ok=True)
    # only newer files, so that make does not build all again
    return (quietly(f"{name}-{kernel}", ["cp", "-a", "-u", f"{source}/.", target])
            and quietly(f"{name}-{kernel}",
                        [QEMU / "kbuild", kernel, target, "modules", *variables]))


def module(kernel: str) -> bool:
    """Builds module_file(kernel)."""
    # not quietly: a fetch reports its steps
    if run([QEMU / "fetch", kernel]):
        return False
    say(f"module for {kernel}")
    return _kbuild("kmod", ROOT / "kmod", module_file(kernel).parent, kernel)


def traced_module(kernel: str) -> bool:
    """Builds traced_module_file(kernel). The kernel has KCOV, but none of its own code is
    built for it."""
    say(f"module for {kernel}, traced")
    return _kbuild("kmod-kcov", ROOT / "kmod", traced_module_file(kernel).parent, kernel, KCOV)


def counted_module(kernel: str, folder: Path) -> bool:
    """Builds the driver into a folder, so that gcov's counters say which lines run."""
    if run([QEMU / "fetch", kernel]):
        return False
    say(f"module for {kernel}, counted")
    return _kbuild("kmod-gcov", ROOT / "kmod", folder, kernel, *GCOV)


def row(kernel: str) -> bool:
    """Builds all modules for a row of the table of kernels."""
    return (module(kernel) and _kbuild("squatter", ROOT / "tests" / "squatter",
                                       squatter_file(kernel).parent, kernel))

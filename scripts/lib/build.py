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


def install_packages(*groups: str) -> None:
    """What is missing of these groups of scripts/deps, in the foreground, for sudo may
    ask for a password. A signal waits for it: a package is not left half installed."""
    if subprocess.call([SCRIPTS / "deps", *groups]):
        raise Unusable(f"packages are missing: {' '.join(groups)}")


def must(built: bool) -> None:
    """For a build without which there is nothing to test."""
    if not built:
        raise Unusable("cannot build")


def folder(preset: str) -> Path:
    """Where a preset builds, as CMakePresets.json says."""
    return BUILD if preset == "default" else BUILD / preset


def tests_folder(arch: str) -> Path:
    """Where the test programs of a Debian architecture are."""
    return folder("default" if arch == "amd64" else arch) / "tests"


def cmake(preset: str, targets: Sequence[str], options: Sequence[str] = ()) -> bool:
    """Configures and builds, with what was ever compiled taken from the cache, so that
    a second clone need not do it again."""
    cached = {"CCACHE_DIR": f"{kernels.cache_folder()}/ccache", "CCACHE_BASEDIR": str(ROOT),
              "CCACHE_NOHASHDIR": "1"}
    configure = ["cmake", "-S", ROOT, "--preset", preset, "-DCMAKE_COMPILE_WARNING_AS_ERROR=ON",
                 "-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    jobs = str(len(os.sched_getaffinity(0)))
    return (quietly(f"configure-{preset}", [*configure, *options])
            and quietly(f"build-{preset}", ["cmake", "--build", folder(preset), "--parallel", jobs,
                                            "--target", *targets], cached))


def library(*targets: str) -> None:
    """Of libashmem/: libraries, examples, demo."""
    say("library")
    must(cmake("default", targets))


def demo_programs() -> list[Path]:
    """What the demo needs besides two of the examples."""
    return [BUILD / "lib" / "demo" / f"ashmem-demo{part}"
            for part in ("", "-server", "-client", "-cache", "-hog")]


def tests(arch: str) -> None:
    """The test programs, for this machine or by the cross compiler of another Debian
    architecture, with a library of their own."""
    say(f"test programs for {arch}")
    if arch == "amd64":
        must(cmake("default", ["tests", "ashmem-tests.dynamic"]))
    else:
        sysroot = capture([SCRIPTS / "sysroot", arch]).strip()
        must(cmake(arch, ["tests"], [f"-DCMAKE_PREFIX_PATH={sysroot}"]))


def sanitized(sanitizer: str) -> None:
    """The library and its tests, with a compiler's own checks on."""
    say(f"library and its tests with the {sanitizer} sanitizer")
    must(cmake(sanitizer, ["ashmem-tests"]))


def module_file(kernel: str) -> Path:
    return BUILD / "kmod" / kernel / "ashmem.ko"


def squatter_file(kernel: str) -> Path:
    """A module that is in the driver's way."""
    return BUILD / "kmod" / kernel / "squatter" / "squatter.ko"


def _kbuild(name: str, source: Path, target: Path, kernel: str) -> bool:
    target.mkdir(parents=True, exist_ok=True)
    # what is newer only, for make's sake
    return (quietly(f"{name}-{kernel}", ["cp", "-a", "-u", f"{source}/.", target])
            and quietly(f"{name}-{kernel}", [QEMU / "kbuild", kernel, target, "modules"]))


def module(kernel: str) -> bool:
    """Leaves module_file(kernel)."""
    # which has more to say than a build
    if run([QEMU / "fetch", kernel]):
        return False
    say(f"module for {kernel}")
    return _kbuild("kmod", ROOT / "kmod", module_file(kernel).parent, kernel)


def row(kernel: str) -> bool:
    """The modules of a row of the table of kernels."""
    return (module(kernel) and _kbuild("squatter", ROOT / "tests" / "squatter",
                                       squatter_file(kernel).parent, kernel))

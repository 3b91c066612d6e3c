# SPDX-License-Identifier: Apache-2.0
"""Boots a root of Debian, with its own kernel, systemd and udev, and runs tests/packages in
it. Emulated: what takes long, the compiler, has run before, in the root."""

import re
import shutil
import time
from pathlib import Path

import pages
import processes
import results
from installation import Installation
from processes import quietly
from project import ROOT, Unusable, show
from results import Result

TESTS = ROOT / "tests" / "packages"
PLANNED = len(re.findall(r'^ *claim "', (TESTS / "guest").read_text(encoding="utf-8"), re.M))
LIMIT = 3600  # seconds: several times what a busy machine needs

_FOLDER = "opt/ashmem-tests"
_UNIT = "etc/systemd/system/ashmem-test.service"
_WANTED = "etc/systemd/system/multi-user.target.wants/ashmem-test.service"


def _add_tests(it: Installation) -> None:
    """The tests, and a folder in which the page's commands find what they name."""
    path = it.root.path
    work = path / _FOLDER / "work"
    shutil.copytree(TESTS, path / _FOLDER)
    shutil.copytree(TESTS / "client", work / "tests" / "packages" / "client")
    shutil.copytree(ROOT / "kmod" / "uapi", work / "kmod" / "uapi")
    shutil.copy(TESTS / "ashmem-test.service", path / _UNIT)
    (path / _FOLDER / "later-kernel").write_text(it.later)
    (path / _WANTED).symlink_to("/" + _UNIT)
    # here and not in the guest, since this is not emulated
    command = pages.recipe(pages.text_of("Documentation/containers.md"), "client")
    complaints = it.sh("client", f"cd /{_FOLDER}/work; {command}")
    if complaints:
        raise Unusable(complaints[0])


def _remove_tests(it: Installation) -> None:
    shutil.rmtree(it.root.path / _FOLDER)
    for name in (_WANTED, _UNIT):
        (it.root.path / name).unlink()


def _image(it: Installation) -> Path:
    image = it.root.out / "disk.img"
    # the system is read at random: no journal, and nothing is set up later
    if not quietly(f"image-{it.root.suite}", ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal",
                                              "-E", "lazy_itable_init=0", "-d", it.root.path, image, "4G"]):
        raise Unusable(f"cannot make {image}")
    return image


def row(suite: str) -> str:
    return f"{suite}/booted"


def _run(it: Installation, image: Path, kernel: str, tests: str) -> tuple[int, str]:
    """Boots a kernel of the root. Returns QEMU's status, and the TAP without the plan."""
    out, boot = it.root.out, it.root.path / "boot"
    # no_timer_check: on a busy machine the kernel would find its timer too slow, and panic.
    # maxcpus: a kernel that boots patches its own code, which an emulated processor may run
    # at that moment; the tests start the other one.
    status = processes.run(
        ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
         "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,-erms,-fsrm", "-smp", "2",
         "-m", "1024", "-kernel", boot / f"vmlinuz-{kernel}",
         "-initrd", boot / f"initrd.img-{kernel}",
         "-append", "root=/dev/vda rw console=ttyS0,115200 panic=-1 oops=panic fsck.mode=skip "
                    f"no_timer_check maxcpus=1 ashmem-tests={tests}",
         "-drive", f"file={image},if=virtio,format=raw,cache=unsafe",
         "-serial", f"file:{out}/console-{tests}", "-serial", f"file:{out}/guest-{tests}"],
        out / "qemu", limit=LIMIT)
    tap = (out / f"guest-{tests}").read_text(errors="replace").replace("\r", "").partition("1..")[0]
    complaints = results.without_passes(tap)
    if complaints or status:
        show(f"{row(it.root.suite)}: QEMU ended with {status}; see {out}/console-{tests}\n{complaints}")
    return status, tap


def boot(it: Installation) -> Result:
    """Boots the root as it is, first in the kernel that came after the packages. A claim that
    does not report is lost."""
    start = time.monotonic()
    _add_tests(it)
    try:
        image = _image(it)
    finally:
        _remove_tests(it)
    runs = [_run(it, image, it.later, "later"), _run(it, image, it.kernel, "all")]
    image.unlink()
    tap = "".join(said for _, said in runs)
    counts = {"passed": str(len(re.findall(r"^ok - ", tap, re.M))),
              "failed": str(len(re.findall(r"^not ok - ", tap, re.M)))}
    return results.of_counts(row(it.root.suite), "all", not any(status for status, _ in runs),
                             counts, PLANNED, time.monotonic() - start)

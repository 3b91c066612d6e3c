# SPDX-License-Identifier: Apache-2.0
"""Boots a root of Debian, with its own kernel, systemd and udev, and runs tests/packages in
it. Emulated: what takes long, the compiler, has run before, in the root."""

import re
import shutil
import time

import processes
import results
from installation import Installation
from processes import quietly
from project import ROOT, Unusable, show
from results import Result

TESTS = ROOT / "tests" / "packages"
PLANNED = len(re.findall(r'^claim "', (TESTS / "guest").read_text(encoding="utf-8"), re.M))
LIMIT = 1800  # seconds: several times what a busy machine needs

_UNIT = "etc/systemd/system/ashmem-test.service"
_WANTED = "etc/systemd/system/multi-user.target.wants/ashmem-test.service"


def _add_tests(it: Installation) -> None:
    path = it.root.path
    shutil.copy(TESTS / "guest", path / "opt" / "ashmem-guest")
    shutil.copy(TESTS / "client.c", path / "opt")
    shutil.copy(TESTS / "ashmem-test.service", path / _UNIT)
    (path / _WANTED).symlink_to("/" + _UNIT)
    complaints = it.sh("client", "cc -Wall -I/usr/include/libashmem /opt/client.c -o /opt/ashmem-client")
    if complaints:
        raise Unusable(complaints[0])


def _remove_tests(it: Installation) -> None:
    for name in ("opt/ashmem-guest", "opt/client.c", "opt/ashmem-client", _WANTED, _UNIT):
        (it.root.path / name).unlink()


def _image(it: Installation) -> str:
    image = it.root.out / "disk.img"
    # the system is read at random: no journal, and nothing is set up later
    if not quietly(f"image-{it.root.suite}", ["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal",
                                              "-E", "lazy_itable_init=0", "-d", it.root.path, image, "3G"]):
        raise Unusable(f"cannot make {image}")
    return image


def row(suite: str) -> str:
    return f"{suite}/booted"


def boot(it: Installation) -> Result:
    """Boots the root as it is. A claim that does not report is lost."""
    start = time.monotonic()
    out = it.root.out
    _add_tests(it)
    try:
        image = _image(it)
    finally:
        _remove_tests(it)
    kernel = it.root.path / "boot"
    status = processes.run(
        ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
         "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,-erms,-fsrm", "-smp", "2",
         "-m", "1024", "-kernel", kernel / f"vmlinuz-{it.kernel}",
         "-initrd", kernel / f"initrd.img-{it.kernel}",
         "-append", "root=/dev/vda rw console=ttyS0,115200 panic=-1 oops=panic fsck.mode=skip",
         "-drive", f"file={image},if=virtio,format=raw,cache=unsafe",
         "-serial", f"file:{out}/console", "-serial", f"file:{out}/guest"],
        out / "qemu", limit=LIMIT)
    image.unlink()
    tap = (out / "guest").read_text(errors="replace").replace("\r", "")
    complaints = results.without_passes(tap.partition("1..")[0])
    if complaints or status:
        show(f"{row(it.root.suite)}: QEMU ended with {status}; see {out}/console\n{complaints}")
    counts = {"passed": str(len(re.findall(r"^ok - ", tap, re.M))),
              "failed": str(len(re.findall(r"^not ok - ", tap, re.M)))}
    return results.of_counts(row(it.root.suite), "all", status == 0, counts, PLANNED,
                             time.monotonic() - start)

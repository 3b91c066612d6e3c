# SPDX-License-Identifier: Apache-2.0
"""Builds the Debian packages of the tree that is committed."""

import email.utils
import re
from pathlib import Path

from processes import capture, quietly
from project import BUILD, ROOT, Unusable, emptied, say

DEBIAN = "scripts/packages/debian"
OUT = BUILD / "deb"

# What every build must make.
NAMES = ("ashmem-dkms", "ashmem-doc", "ashmem-tools", "libashmem-binder0", "libashmem-dev",
         "libashmem1", "libashmemxx1")


def git(*words: str) -> str:
    return capture(["git", "-C", ROOT, *words]).strip()


def _found(pattern: str, file: str) -> str:
    return re.search(pattern, (ROOT / file).read_text(encoding="utf-8"), re.M)[1]


def driver_version() -> str:
    return _found(r"^ASHMEM_VERSION := (.*)$", "kmod/Kbuild")


def version() -> str:
    """That of the libraries. A tree that is not the release's own is older than it, and
    newer than the commits before it."""
    released = _found(r"^project\(ashmem VERSION (\S+)", "CMakeLists.txt")
    if f"v{released}" in git("tag", "--points-at", "HEAD").split():
        return released
    stamp = capture(["env", "TZ=UTC", "git", "-C", ROOT, "log", "-1", "--format=%cd",
                     "--date=format-local:%Y%m%d%H%M%S"]).strip()
    return f"{released}~{stamp}.{git('rev-parse', '--short=8', 'HEAD')}"


def changelog() -> str:
    """Debian's. What changed for users is in CHANGELOG.md."""
    date = email.utils.formatdate(int(git("log", "-1", "--format=%ct")))
    maintainer = _found(r"^Maintainer: (.*)$", f"{DEBIAN}/control")
    return (f"ashmem ({version()}) unstable; urgency=medium\n\n"
            f"  * Built from commit {git('rev-parse', '--short=12', 'HEAD')}.\n\n"
            f" -- {maintainer}  {date}\n")


def _source() -> Path:
    """A copy of the tree as it is committed, with debian/ at its top."""
    folder = OUT / f"ashmem-{version()}"
    folder.mkdir()
    copy = 'git -C "$0" archive HEAD | tar -x -C "$1" && cp -a "$1/$2" "$1/debian"'
    if not quietly("deb-source", ["bash", "-c", f"set -o pipefail; {copy}", ROOT, folder, DEBIAN]):
        raise Unusable("cannot copy the tree")
    (folder / "debian" / "changelog").write_text(changelog(), encoding="utf-8")
    (folder / "debian" / "source").mkdir()
    (folder / "debian" / "source" / "format").write_text("3.0 (native)\n", encoding="utf-8")
    return folder


def build() -> list[Path]:
    """Builds all packages into build/deb and returns them."""
    if git("status", "--porcelain"):
        say("the tree has changes that are not committed: they are left out")
    emptied(OUT)
    folder = _source()
    say(f"packages of {folder.name}")
    command = 'cd "$0" && exec dpkg-buildpackage --no-sign --build=full'
    if not quietly("deb", ["bash", "-c", command, folder],
                   {"DEB_BUILD_OPTIONS": f"parallel={capture(['nproc']).strip()} noautodbgsym"}):
        raise Unusable("cannot build the packages")
    debs = sorted(OUT.glob("*.deb"))
    missing = set(NAMES) - {deb.name.split("_")[0] for deb in debs}
    if missing:
        raise Unusable(f"not built: {' '.join(sorted(missing))}")
    return debs


def changes() -> Path:
    """The list of all that a build made, which lintian reads."""
    return next(OUT.glob("*.changes"))

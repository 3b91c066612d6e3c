# SPDX-License-Identifier: Apache-2.0
"""What is claimed of the packages in a Debian: each claim is a function that returns
complaints, none if it holds. They run in the order of CLAIMS and AT_THE_END, on one root."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import packages
from debian import Root

Claim = Callable[["Installation"], list[str]]

FILES = (
    "etc/default/ashmem",
    "etc/modprobe.d/ashmem.conf",
    "usr/bin/ashmem",
    "usr/include/ashmem/ashmem.h",
    "usr/lib/ashmem/nodes",
    "usr/lib/modules-load.d/ashmem.conf",
    "usr/lib/systemd/system/ashmem-nodes.service",
    "usr/lib/udev/rules.d/60-ashmem.rules",
    "usr/lib/x86_64-linux-gnu/libashmem-binder.so.0",
    "usr/lib/x86_64-linux-gnu/libashmem-preload.so",
    "usr/lib/x86_64-linux-gnu/libashmem.so.1",
    "usr/lib/x86_64-linux-gnu/libashmemxx.so.1",
    "usr/share/doc/ashmem-doc/Documentation/packages.md",
    "usr/share/man/man1/ashmem.1.gz",
)

# Kernels that are refused: how their options differ from the real one's (as a script of
# sed), and the sentence. Which of the files DKMS reads depends on its version.
REFUSED = {
    "6.1.0-original-amd64": ("$ a CONFIG_ASHMEM=m",
                             "has an ashmem driver of its own (CONFIG_ASHMEM)"),
    "6.1.0-without-tmpfs-amd64": ("/^CONFIG_SHMEM=y/d", "lacks CONFIG_SHMEM"),
    "5.4.0-old-amd64": ("", "is older than 5.10"),
}

# DKMS makes a key of its own when it first signs, and keeps it; udev makes its index.
LEFT_BY_OTHERS = re.compile(r"var/lib/dkms/mok\.|usr/lib/udev/hwdb\.bin")


class Installation:
    """The packages in a root, from before they are there to after they are gone."""

    def __init__(self, root: Root, debs: list[Path]):
        self.root = root
        self.debs = debs
        self.kernel = root.release
        self.next = "6.99.0-next-amd64"  # comes after the packages
        self.before: set[str] = set()
        self.said = ""

    def sh(self, log: str, script: str) -> list[str]:
        """Runs a script that has to succeed."""
        status, text = self.root.run(log, script)
        return [f"{log} exits with {status}:\n{text[-3000:]}"] if status else []

    def module(self, kernel: str) -> list[Path]:
        return sorted((self.root.path / "usr/lib/modules" / kernel).glob("updates/dkms/ashmem.ko*"))


def add_kernel(it: Installation, name: str, change: str) -> None:
    """Another kernel, with the headers of the real one and a change of its options."""
    real = it.root.release
    headers = f"/usr/src/linux-headers-{name}"
    complaints = it.sh(f"kernel-{name}", f"""
        cp -a /usr/src/linux-headers-{real} {headers}
        mkdir -p /lib/modules/{name}
        cp /lib/modules/{real}/modules.* /lib/modules/{name}/
        ln -s {headers} /lib/modules/{name}/build
        sed -i '{change}' {headers}/.config {headers}/include/config/auto.conf""")
    if complaints:
        raise RuntimeError(complaints[0])


def _remove_kernel(it: Installation, name: str) -> None:
    for folder in ("usr/lib/modules", "usr/src"):
        prefix = "linux-headers-" if folder == "usr/src" else ""
        shutil.rmtree(it.root.path / folder / (prefix + name))


def installs(it: Installation) -> list[str]:
    it.before = it.root.files()
    for name, (change, _) in REFUSED.items():
        add_kernel(it, name, change)
    folder = it.root.put(it.debs)
    status, it.said = it.root.run("install", f"apt-get install -y {folder}/*.deb")
    shutil.rmtree(it.root.path / folder.strip("/"))
    return [f"apt-get exits with {status}:\n{it.said[-3000:]}"] if status else []


def has_its_files(it: Installation) -> list[str]:
    absent = [f"no {name}" for name in FILES if not (it.root.path / name).exists()]
    return absent + it.sh("verify", f"changed=$(dpkg --verify {' '.join(packages.NAMES)})"
                                    '; echo "$changed"; test -z "$changed"')


def is_built(it: Installation) -> list[str]:
    if not it.module(it.kernel):
        return [f"no module for {it.kernel}:\n{it.said[-3000:]}"]
    return it.sh("modinfo", f'test "$(modinfo -k {it.kernel} -F version ashmem)" ='
                            f" {packages.driver_version()}")


def is_signed(it: Installation) -> list[str]:
    """By the key that DKMS made, as Documentation/secure-boot.md says."""
    return it.sh("signer", f"""
        test -s /var/lib/dkms/mok.pub
        modinfo -k {it.kernel} -F signer ashmem | grep -i dkms
        test "$(stat -c %a /var/lib/dkms/mok.key)" = 600""")


def is_found_by_both_names(it: Installation) -> list[str]:
    script = "".join(f'modprobe -S {it.kernel} --show-depends {name} | grep "/ashmem.ko"\n'
                     for name in ("ashmem", "ashmem_linux"))
    return it.sh("modprobe", script)


def refuses_with_a_reason(it: Installation) -> list[str]:
    said = " ".join(it.said.split())
    return [f"a module was built for {name}" for name in REFUSED if it.module(name)] \
        + [f"apt-get does not say: {name}, which {sentence}"
           for name, (_, sentence) in REFUSED.items()
           if f"{name}, which {sentence}" not in said]


def _headers_installed(it: Installation, kernel: str) -> list[str]:
    """What the package of a kernel's headers does when it is installed."""
    return it.sh(f"headers-{kernel}", "run-parts --verbose --exit-on-error"
                                      f" --arg={kernel} /etc/kernel/header_postinst.d")


def refuses_later_kernels(it: Installation) -> list[str]:
    """Must not fail, or the kernel's package would not be installed."""
    complaints = [line for name in REFUSED for line in _headers_installed(it, name)]
    for name, (_, sentence) in REFUSED.items():
        log = it.root.out / f"headers-{name}"
        if f"{name}, which {sentence}" not in log.read_text(errors="replace"):
            complaints.append(f"{log} does not say that {name} {sentence}")
    return complaints


def follows_new_kernels(it: Installation) -> list[str]:
    for name in REFUSED:
        _remove_kernel(it, name)
    add_kernel(it, it.next, "")
    complaints = _headers_installed(it, it.next)
    if not it.module(it.next):
        complaints.append(f"no module for {it.next}")
    return complaints


def autopkgtest(name: str) -> Claim:
    def passes(it: Installation) -> list[str]:
        test = Path(__file__).resolve().parents[1] / "packages" / "debian" / "tests" / name
        shutil.copy(test, it.root.path / "tmp" / "autopkgtest")
        return it.sh(f"autopkgtest-{name}", "/tmp/autopkgtest; rm /tmp/autopkgtest")
    return passes


# /tmp/host stands for a host, whose driver has number 10:77.
_HOST = """
    export ASHMEM_ROOT=/tmp/host
    rm -rf $ASHMEM_ROOT
    mkdir -p $ASHMEM_ROOT/dev $ASHMEM_ROOT/etc/default $ASHMEM_ROOT/proc/sys/kernel/random \
        $ASHMEM_ROOT/sys/class/misc/ashmem $ASHMEM_ROOT/sys/module/ashmem/parameters
    echo 1b4e28ba-2fa1-41d2-883f-0016d3cca427 >$ASHMEM_ROOT/proc/sys/kernel/random/boot_id
    echo 10:77 >$ASHMEM_ROOT/sys/class/misc/ashmem/dev
    echo 438 >$ASHMEM_ROOT/sys/module/ashmem/parameters/mode
    nodes=/usr/lib/ashmem/nodes
    first=$ASHMEM_ROOT/dev/ashmem
    second=${first}1b4e28ba-2fa1-41d2-883f-0016d3cca427
    show() { stat -c '%F %t:%T %a %G' "$@"; }
    same() { show "$@" | uniq | grep -Fx "$want"; test "$(show "$@" | uniq | wc -l)" = 1; }
    refused() { if $nodes add 2>/tmp/said; then return 1; fi; }
    want='character special file a:4d 666 root'
"""


def nodes(name: str, script: str) -> Claim:
    return lambda it: it.sh(f"nodes-{name}", f"{_HOST}{script}")


ADDED = 'mknod -m 666 "$first" c 10 77; $nodes add; same "$first" "$second"'

NODES: list[tuple[str, Claim]] = [
    ("nodes add makes a second node of the same number and mode", nodes("add", ADDED)),
    ("nodes add makes both where the kernel makes none", nodes("both", """
        $nodes add
        same "$first" "$second" """)),
    ("nodes add twice is nodes add once", nodes("twice", f'{ADDED}; $nodes add; same "$first" "$second"')),
    ("the mode and the group are those of /etc/default/ashmem", nodes("settings", f"""{ADDED}
        printf 'MODE=0640\\nGROUP=users\\n' >$ASHMEM_ROOT/etc/default/ashmem
        $nodes add
        want='character special file a:4d 640 users'
        same "$first" "$second" """)),
    ("without a setting the mode is the module's", nodes("module-mode", """
        echo 384 >$ASHMEM_ROOT/sys/module/ashmem/parameters/mode
        $nodes add
        want='character special file a:4d 600 root'
        same "$first" "$second" """)),
    ("a mode that is none is refused with a reason", nodes("bad-mode", """
        echo MODE=rw >$ASHMEM_ROOT/etc/default/ashmem
        refused
        grep 'MODE=rw in /etc/default/ashmem is not an octal mode' /tmp/said""")),
    ("a node of an earlier number is replaced", nodes("number", """
        mknod -m 600 "$second" c 10 76
        $nodes add
        same "$first" "$second" """)),
    ("a file of the node's name is left alone", nodes("file", """
        echo data >"$second"
        refused
        grep 'is no device, so it stays' /tmp/said
        $nodes remove
        grep -x data "$second" """)),
    ("a link of the node's name is left alone", nodes("link", """
        ln -s /dev/null "$second"
        refused
        grep 'is no device, so it stays' /tmp/said
        $nodes remove
        test -L "$second" """)),
    ("nodes add without a driver says what to do", nodes("no-driver", """
        rm -r $ASHMEM_ROOT/sys
        refused
        grep 'modprobe ashmem_linux first' /tmp/said
        test -z "$(ls $ASHMEM_ROOT/dev)" """)),
    ("nodes remove leaves the node that is the kernel's", nodes("remove", f"""{ADDED}
        $nodes remove
        test "$(ls -A $ASHMEM_ROOT/dev)" = ashmem""")),
    ("nodes remove without a driver leaves none", nodes("remove-all", f"""{ADDED}
        rm -r $ASHMEM_ROOT/sys
        $nodes remove
        test -z "$(ls -A $ASHMEM_ROOT/dev)" """)),
]


def upgrades(it: Installation) -> list[str]:
    """To a package that differs in its version, on a host whose driver is loaded."""
    deb = next(deb for deb in it.debs if deb.name.startswith("ashmem-dkms_"))
    folder = it.root.put([deb])
    loaded = packages.driver_version()
    complaints = it.sh("upgrade", f"""
        dpkg-deb -R {folder}/*.deb /tmp/next
        sed -i 's/^Version: .*/&+next/' /tmp/next/DEBIAN/control
        dpkg-deb -b /tmp/next /tmp/next.deb
        mkdir -p /sys/module/ashmem
        echo {loaded} >/sys/module/ashmem/version
        apt-get install -y /tmp/next.deb | tee /tmp/said
        rm -r /sys/module {folder}
        grep "the driver that is loaded, {loaded}, stays until" /tmp/said""")
    return complaints + [f"no module for {kernel}" for kernel in (it.kernel, it.next)
                         if not it.module(kernel)]


def leaves_nothing(it: Installation) -> list[str]:
    for path in (it.root.path / "tmp").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    complaints = it.sh("purge", f"apt-get purge -y {' '.join(packages.NAMES)}")
    if it.module(it.next):
        complaints.append(f"the module for {it.next} is left")
    _remove_kernel(it, it.next)
    left = it.root.files() - it.before
    return complaints + [f"left: {name}" for name in sorted(left) if not LEFT_BY_OTHERS.search(name)] \
        + [f"gone with them: {name}" for name in sorted(it.before - it.root.files())]


CLAIMS: list[tuple[str, Claim]] = [
    ("the packages are installed, also beside kernels that DKMS refuses", installs),
    ("every file is where it belongs", has_its_files),
    ("DKMS has built the module for the kernel", is_built),
    ("DKMS has made a key and signed the module", is_signed),
    ("modprobe finds it as ashmem and as ashmem_linux", is_found_by_both_names),
    ("DKMS refuses an unsuitable kernel with a sentence", refuses_with_a_reason),
    ("a kernel that comes later is refused without an error", refuses_later_kernels),
    ("a kernel that comes later gets the module", follows_new_kernels),
    ("programs build against libashmem-dev and run", autopkgtest("library")),
    ("autopkgtest builds the module", autopkgtest("module")),
    *NODES,
    ("an upgrade builds the module and says that the loaded one stays", upgrades),
]
AT_THE_END: list[tuple[str, Claim]] = [("purged packages leave nothing", leaves_nothing)]

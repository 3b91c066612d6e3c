# SPDX-License-Identifier: Apache-2.0
"""Running programs, none of which outlives the script that started it.

Each is a process group of its own. A signal to the script ends all of them, and
every thread that waits for one, or starts another, gets Stopping. If the script is
killed, the kernel ends its children (PDEATHSIG), and these end theirs.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

from project import BUILD, Unusable, show

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 10.0  # seconds from SIGTERM to SIGKILL
TIMED_OUT = 124  # the status of a program that exceeded its limit, as timeout(1) has it

# The options of a make that called the script are not for those that it starts.
_NOT_PASSED_ON = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL")

_lock = threading.RLock()  # a signal's handler takes it again
_running: set[int] = set()
_stopped_by = 0


class Stopping(BaseException):
    """A signal came. Not an Exception, so that it is not taken for a job's failure."""


def _signal_group(group: int, number: int) -> bool:
    """Whether the group exists; signal 0 only tests that."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # started by sudo
        pass
    return True


def _drained(group: int) -> bool:
    """Whether all of a group, whose first process has ended, ends in time."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not _signal_group(group, 0):
            return True
        time.sleep(0.05)
    return False


def _kill_later() -> None:
    time.sleep(PATIENCE)
    with _lock:
        for group in _running:
            _signal_group(group, signal.SIGKILL)


def _stop(number: int, _frame: object) -> None:
    global _stopped_by
    with _lock:
        first, _stopped_by = not _stopped_by, number
        for group in _running:
            _signal_group(group, signal.SIGTERM)
    if first:
        threading.Thread(target=_kill_later, daemon=True).start()


def _start(argv: Sequence[str | Path], output: IO | None, errors: int | None,
           env: Mapping[str, str]) -> subprocess.Popen:
    environment = {k: v for k, v in os.environ.items() if k not in _NOT_PASSED_ON}
    with _lock:
        if _stopped_by:
            raise Stopping
        # PDEATHSIG is about the thread: the one that starts a child also waits for it
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *map(str, argv)], env=environment | dict(env),
            stdin=subprocess.DEVNULL, stdout=output, stderr=errors, process_group=0)
        _running.add(child.pid)
        if _stopped_by:  # a signal to this thread came meanwhile
            _signal_group(child.pid, signal.SIGTERM)
    return child


def _end_group(group: int) -> None:
    _signal_group(group, signal.SIGTERM)
    if not _drained(group):
        _signal_group(group, signal.SIGKILL)


def _wait(child: subprocess.Popen, limit: float | None) -> int:
    try:
        return child.wait(limit)
    except subprocess.TimeoutExpired:
        # its exit status is not collected yet, so that the group's number is still its own
        ender = threading.Thread(target=_end_group, args=[child.pid])
        ender.start()
        child.wait()
        ender.join()
        return TIMED_OUT


def _finish(child: subprocess.Popen, limit: float | None = None) -> int:
    status = _wait(child, limit)
    if _stopped_by and not _drained(child.pid):
        _signal_group(child.pid, signal.SIGKILL)
    with _lock:
        _running.discard(child.pid)
    if _stopped_by:
        raise Stopping
    return status


def run(argv: Sequence[str | Path], log: Path | None = None,
        env: Mapping[str, str] | None = None, limit: float | None = None) -> int:
    """Runs a program to its end. Its status is negative if a signal ended it, and
    TIMED_OUT if it took longer than the limit, in seconds.

    What it prints goes to a file, or else where our own output goes.
    """
    if log is None:
        return _finish(_start(argv, None, None, env or {}), limit)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        status = _finish(_start(argv, output, subprocess.STDOUT, env or {}), limit)
        if status == TIMED_OUT:
            output.seek(0, os.SEEK_END)
            output.write(f"\n# ended: it ran for longer than {limit} s\n".encode())
    return status


def capture(argv: Sequence[str | Path], any_status: bool = False) -> str:
    """What a program prints. It must exit with 0, or with `any_status` only not die of a
    signal."""
    with tempfile.TemporaryFile() as output:
        status = _finish(_start(argv, output, None, {}))
        output.seek(0)
        text = output.read().decode(errors="replace")
    if status < 0 or (status and not any_status):
        raise Unusable(f"{Path(argv[0]).name} failed with status {status}")
    return text


def quietly(name: str, argv: Sequence[str | Path], env: Mapping[str, str] | None = None,
            limit: float | None = None) -> bool:
    """Runs a program, and shows its output only if it fails. `name` is that of its log."""
    log = BUILD / "log" / name
    status = run(argv, log, env, limit)
    if status:
        show(log.read_text(errors="replace")
             + f"{Path(argv[0]).name} failed with status {status} (log: {log})")
    return status == 0


def main(work: Callable[[], int]) -> NoReturn:
    """Runs a script. It exits with its own status, with 3 if it was unusable, or with 128
    plus the signal that ended it."""
    sys.stdout.reconfigure(errors="replace")
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        status = work()
    except Unusable as problem:
        print(f"{Path(sys.argv[0]).name}: {problem}", file=sys.stderr)
        status = 3
    except Stopping:
        status = 1
    if _stopped_by:
        print(f"{Path(sys.argv[0]).name}: ended by {signal.Signals(_stopped_by).name}",
              file=sys.stderr)
        status = 128 + _stopped_by
    sys.exit(status)

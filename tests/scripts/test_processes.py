# SPDX-License-Identifier: Apache-2.0
"""A check that is ended takes along all that it started, and is no pass."""

import os
import signal
import subprocess
import sys
import time
import unittest

from unittest import mock

from support import ROOT, Quiet

import processes

# Two jobs, one of which leaves a child behind and takes its time to go; more wait.
SCRIPT = """
import sys
sys.path.insert(0, {lib!r})
import processes, schedule
def job(name):
    processes.run(["sh", "-c", "sleep {marker} & echo {begun}; trap 'sleep 0.2; exit' TERM; wait"])
processes.main(lambda: schedule.side_by_side([lambda: job(n) for n in range(5)], 2) and 0)
"""


def running(marker: str) -> list[str]:
    found = subprocess.run(["pgrep", "-f", f"sleep {marker}$"], capture_output=True, text=True)
    return found.stdout.split()


class Ended(Quiet):
    def start(self) -> tuple[subprocess.Popen, str]:
        marker = f"1000.{os.getpid()}{time.monotonic_ns() % 10**6}"
        script = SCRIPT.format(lib=str(ROOT / "scripts" / "lib"), marker=marker, begun="begun")
        # a check in the background of a shell's script is started with SIGINT ignored
        child = subprocess.Popen(
            ["env", "--default-signal=INT,HUP,TERM", sys.executable, "-B", "-c", script],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(child.stdout.close)
        for _ in range(2):
            child.stdout.readline()
        self.assertEqual(len(running(marker)), 2)
        return child, marker

    def test_a_signal_ends_all_and_is_the_status(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name):
                child, marker = self.start()
                child.send_signal(number)
                self.assertEqual(child.wait(timeout=20), 128 + number)
                self.assertEqual(running(marker), [])

    def test_who_is_killed_takes_its_children_along(self) -> None:
        child, marker = self.start()
        found = subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True)
        children = found.stdout.split()
        self.assertEqual(len(children), 2)
        child.kill()
        child.wait()
        deadline = time.monotonic() + 10
        while any(map(self.lives, children)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertFalse([pid for pid in children if self.lives(pid)])
        # what these have started is theirs to end
        for pid in running(marker):
            os.kill(int(pid), signal.SIGKILL)

    @staticmethod
    def lives(pid: str) -> bool:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(") ", 1)[1][0] != "Z"
        except FileNotFoundError:
            return False

    def test_what_takes_too_long_is_ended_with_its_children(self) -> None:
        self.enterContext(mock.patch.object(processes, "PATIENCE", 0.5))
        log = self.folder / "log"
        for trap in ("exit", ""):
            with self.subTest(trap=trap):
                marker = f"1000.{os.getpid()}{time.monotonic_ns() % 10**6}"
                status = processes.run(
                    ["sh", "-c", f"trap '{trap}' TERM; sleep {marker} & while :; do wait; done"],
                    log, limit=0.3)
                self.assertEqual(status, processes.TIMED_OUT)
                self.assertIn("it ran for longer than 0.3 s", log.read_text(encoding="utf-8"))
                self.assertEqual(running(marker), [])

    def test_what_ends_in_time_is_left_alone(self) -> None:
        self.assertEqual(processes.run(["sh", "-c", "exit 7"], self.folder / "log", limit=60), 7)


if __name__ == "__main__":
    unittest.main()

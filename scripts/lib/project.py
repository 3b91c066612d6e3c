# SPDX-License-Identifier: Apache-2.0
"""Where things are, output, the environment's variables, and giving up."""

import os
import re
import shutil
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
QEMU = ROOT / "qemu"
SCRIPTS = ROOT / "scripts"

_speaking = threading.Lock()


class Unusable(Exception):
    """Nothing could be tested; the message says why. The exit status is 3."""


def show(text: str) -> None:
    """Prints a job's text in one piece, since several jobs run at a time."""
    if text:
        with _speaking:
            print(text.rstrip("\n"), flush=True)


def say(text: str) -> None:
    show(f"== {text}")


def words(variable: str) -> list[str]:
    """The words of a variable, as in KERNELS="6.12 7.2"; none if it is not set."""
    return os.environ.get(variable, "").split()


def number(variable: str, default: int, most_digits: int = 6) -> int:
    """A variable's number, from 1 up, as in SCALE=1."""
    text = os.environ.get(variable) or str(default)
    if not re.fullmatch(rf"[1-9][0-9]{{0,{most_digits - 1}}}", text):
        raise Unusable(f"{variable}={text} is not a number from 1 up")
    return int(text)


def emptied(folder: Path) -> Path:
    """Makes a folder and removes what an earlier check left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder

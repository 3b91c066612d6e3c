#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Says which file includes another against the drawing in Documentation/architecture.md.

A folder of libashmem/src includes from the folders below it only, no files of kmod/,
libashmem/ and qemu/ include each other in a circle, and none of kmod/ and libashmem/ call
each other in one, as far as build/ has their objects. Nor do the shell files of qemu/.
"""

import collections
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "libashmem", "src")
INCLUDES = (os.path.join(ROOT, "libashmem", "include"), os.path.join(ROOT, "kmod", "uapi"))
TREES = ("kmod", "libashmem", "qemu")


def drawing():
    """The arrows "a -> b c" of the page: for each folder, those it may include from."""
    with open(os.path.join(ROOT, "Documentation", "architecture.md"), encoding="utf-8") as page:
        arrows = re.findall(r"^    (\w+) +->([ \w]*)$", page.read(), re.M)
    return {folder: set(below.split()) for folder, below in arrows}


def sources(tree):
    for folder, _, files in os.walk(os.path.join(ROOT, tree)):
        for name in files:
            if re.search(r"\.[ch](pp)?$", name):
                yield os.path.join(folder, name)


def included(path):
    """The files of this project that a file includes."""
    with open(path, encoding="utf-8") as source:
        for quote, name in re.findall(r'^#include ([<"])([^">]+)', source.read(), re.M):
            folders = (os.path.dirname(path),) if quote == '"' else INCLUDES
            for folder in folders:
                there = os.path.normpath(os.path.join(folder, name))
                if os.path.exists(there):
                    yield there
                    break


def folder_of(path):
    """The folder of libashmem/src that a file lies in; None for files of src itself."""
    if not path.startswith(SRC + os.sep):
        return None
    parts = os.path.relpath(path, SRC).split(os.sep)
    return parts[0] if len(parts) > 1 else None


def against(graph, allowed):
    """Includes from a folder that the drawing does not allow."""
    for path, others in graph.items():
        here = folder_of(path)
        if here is None:
            continue
        if here not in allowed:
            yield f"{here}/ is not in the drawing of Documentation/architecture.md"
            continue
        for other in others:
            there = folder_of(other)
            if there not in (None, here) and there not in allowed[here]:
                yield f"{os.path.relpath(path, ROOT)} includes from {there}/"


def circles(graph):
    """Files that come back to themselves by what they include."""
    done = set()

    def visit(path, trail):
        if path in trail:
            names = trail[trail.index(path):] + [path]
            yield " -> ".join(os.path.relpath(name, ROOT) for name in names)
        elif path not in done:
            for other in graph.get(path, ()):
                yield from visit(other, trail + [path])
            done.add(path)

    for path in graph:
        yield from visit(path, [])


def objects():
    """What is linked together: the driver's objects, and the libraries' archives."""
    built = sorted(glob.glob(os.path.join(ROOT, "build", "kmod", "*", "main.o")))
    if not built:
        yield []
    for main_object in built[:1]:
        # what kbuild makes of them all
        whole = {"ashmem.o", "ashmem.mod.o"}
        files = glob.glob(os.path.join(os.path.dirname(main_object), "*.o"))
        yield [path for path in files if os.path.basename(path) not in whole]
    yield glob.glob(os.path.join(ROOT, "build", "lib", "*.a"))


def calls(files):
    """For each object, those that have the symbols that it lacks."""
    lines = subprocess.run(["nm", "-A", "-P", *files], check=True, capture_output=True, text=True)
    home = {}
    lacks = collections.defaultdict(set)
    for line in lines.stdout.splitlines():
        where, symbol, kind = re.match(r"(.*): (\S+) (\w)", line).groups()
        if kind in "TDBR":
            home[symbol] = where
        elif kind == "U":
            lacks[where].add(symbol)
    return {
        where: {home[symbol] for symbol in symbols if home.get(symbol, where) != where}
        for where, symbols in lacks.items()
    }


def shell_files():
    """The shell files of qemu/, those without a suffix too."""
    for path in glob.glob(os.path.join(ROOT, "qemu", "**"), recursive=True):
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            if text.startswith("#!/usr/bin/env bash") or "# shellcheck shell=bash" in text:
                yield path, re.sub(r"^ *#.*", "", text, flags=re.M)


def shell_calls():
    """For each shell file of qemu/, those whose functions it calls."""
    texts = dict(shell_files())
    homes = collections.defaultdict(set)
    for path, text in texts.items():
        for function in re.findall(r"^(\w+)\(\) *\{", text, re.M):
            homes[function].add(path)
    # a word where a command begins, which is no label of a case
    command = re.compile(r"(?:^|[|&;({!]|\$\(|\b(?:then|else|do|if|while))\s*(\w+)\b(?!\s*[|)=])", re.M)
    graph = {}
    for path, text in texts.items():
        called = [homes[word] for word in command.findall(text) if word in homes]
        graph[path] = {home for found in called if path not in found for home in found}
    return graph


def main():
    graph = {path: list(included(path)) for tree in TREES for path in sources(tree)}
    allowed = drawing()
    complaints = sorted(set(against(graph, allowed)))
    if not allowed:
        complaints.append("there is no drawing in Documentation/architecture.md")
    complaints += [f"a circle: {circle}" for circle in circles(graph)]
    complaints += [f"a circle of functions: {circle}" for circle in circles(shell_calls())]
    for files in objects():
        if not files:
            complaints.append("build/ has no objects: make lib; make check builds the driver's")
            continue
        complaints += [f"a circle of calls: {circle}" for circle in circles(calls(files))]
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())

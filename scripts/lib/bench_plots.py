# SPDX-License-Identifier: Apache-2.0
"""Curves of the benchmark's figures, as SVG by matplotlib. A picture carries the points that
it shows, so that a test can compare them with the figures without drawing.
usage: /usr/bin/python3 bench_plots.py FIGURES FOLDER
"""

import html
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = "Documentation/performance"

# A subject has one colour in all pictures.
COLOURS = {"ashmem": "#1b6ca8", "original": "#c0392b", "memfd": "#2e8b57", "MADV_FREE": "#8e44ad",
           "floor": "#999999"}
STYLES = ("-", "--", ":", "-.")


@dataclass(frozen=True)
class Plot:
    """A picture: which rows of a question on a kernel, by which subjects (none: by all)."""

    name: str
    title: str
    question: str
    kernel: str
    rows: tuple[str, ...]
    across: str
    subjects: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.name}.svg"


_ORDERS = ("in order", "reversed", "at random")

PLOTS = (
    *(Plot(f"{call.lower()}-growth", f"{call} of one of n single pages, 5.10", "c", "5.10",
           tuple(f"{call} {order}" for order in _ORDERS), "ranges of the region",
           ("ashmem", "original"))
      for call in ("UNPIN", "PIN")),
    Plot("status-growth", "GET_PIN_STATUS of one of n single pages, 5.10", "c", "5.10",
         tuple(f"GET_PIN_STATUS {order}" for order in _ORDERS), "ranges of the region",
         ("ashmem", "original")),
    Plot("crowd-growth", "Calls among n regions with ten ranges each, 5.10", "k", "5.10",
         ("one more life", "PIN and UNPIN of a page in any region"), "regions",
         ("ashmem", "original", "memfd")),
    Plot("crowd-reclaim", "A page freed among n regions with ten ranges each, 5.10", "k", "5.10",
         ("a page freed: reclaim, or punched by its owner",), "regions",
         ("ashmem", "original", "memfd")),
    Plot("channels", "Bytes copied from one process to another, 7.2", "h", "7.2",
         ("bytes copied in and out",), "bytes of a message"),
    Plot("threads", "16 pages unpinned and pinned, or freed and used, by n threads, 7.2", "d",
         "7.2", tuple(f"16 pages offered and taken back, {memory}"
                      for memory in ("own regions", "one region")), "threads"),
)


def series(figures: Sequence[Mapping], plot: Plot) -> dict[str, list[list[float]]]:
    """The points of each line, by "subject: row", with their unit's name as the key "unit"."""
    lines: dict[str, list[list[float]]] = {}
    for figure in figures:
        if (figure["question"], figure["kernel"]) != (plot.question, plot.kernel) \
                or figure["row"] not in plot.rows \
                or (plot.subjects and figure["subject"] not in plot.subjects):
            continue
        name = figure["subject"]
        if len(plot.rows) > 1:
            name += f": {figure['row']}"
        lines.setdefault(name, []).append([figure["x"], figure["value"]])
    return {name: sorted(points) for name, points in lines.items()}


def unit(figures: Sequence[Mapping], plot: Plot) -> str:
    return next(figure["unit"] for figure in figures
                if figure["question"] == plot.question and figure["row"] in plot.rows)


def carried(svg: str) -> dict[str, list[list[float]]]:
    """The points that a picture says it shows."""
    found = re.search(r"<dc:description>(.*?)</dc:description>", svg, re.S)
    return json.loads(html.unescape(found[1])) if found else {}


def _draw(axes, plot: Plot, lines: Mapping[str, Sequence[Sequence[float]]]) -> None:
    for name, points in lines.items():
        subject, _, row = name.partition(": ")
        style = STYLES[plot.rows.index(row) % len(STYLES)] if row else "-"
        axes.plot(*zip(*points), style, marker="o", markersize=3, label=name,
                  color=COLOURS.get(subject))


def draw(figures: Sequence[Mapping], plot: Plot, folder: Path) -> bool:
    """Writes the picture; not if the figures have none of its points."""
    lines = series(figures, plot)
    if not lines:
        return False
    # not before a picture is drawn: only make bench installs it
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import pyplot

    # the same points make the same file
    pyplot.rcParams.update({"svg.hashsalt": plot.name, "svg.fonttype": "none", "font.size": 9})
    picture, axes = pyplot.subplots(figsize=(6.4, 3.8))
    _draw(axes, plot, lines)
    axes.set(title=plot.title, xlabel=plot.across, ylabel=unit(figures, plot), xscale="log",
             yscale="log")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
    picture.tight_layout()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / plot.file
    picture.savefig(file, metadata={"Date": None, "Description": json.dumps(lines)})
    pyplot.close(picture)
    first, rest = file.read_text(encoding="utf-8").split("\n", 1)
    file.write_text(f"{first}\n<!-- SPDX-License-Identifier: Apache-2.0 -->\n{rest}",
                    encoding="utf-8")
    return True


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        every = json.load(file)["figures"]
    print("\n".join(plot.file for plot in PLOTS if draw(every, plot, Path(sys.argv[2]))))

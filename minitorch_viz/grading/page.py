"""The page: one self-contained HTML file with the table, the maps and the randomization curves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from minitorch_viz.drawing.html import render
from minitorch_viz.grading.bootstrap import Interval
from minitorch_viz.grading.findings import findings
from minitorch_viz.grading.grades import Grades, Row
from minitorch_viz.grading.metrics import Metric, number
from minitorch_viz.grading.pictures import curves_picture, map_url, scene_url


@dataclass(frozen=True)
class Cell:
    """Hold one number of the table."""

    metric: Metric
    interval: Interval | None
    merit: float  # 0 is the column's worst, 1 its best: how dark the cell is

    @property
    def text(self) -> str:
        """Return the mean."""
        return "" if self.interval is None else number(self.interval.mean, self.metric.digits)

    @property
    def spread(self) -> str:
        """Return the confidence interval; empty where it has no width."""
        if self.interval is None or self.interval.low == self.interval.high:
            return ""
        low, high = (number(end, self.metric.digits) for end in self.interval[1:])
        dash = " – " if self.interval.low < 0 else "–"
        return re.sub(r"(?<!\d)0\.", ".", f"{low}{dash}{high}")  # without the zeros before the points, it is short


@dataclass(frozen=True)
class Line:
    """Hold one row of the table, and the pictures of its method."""

    row: Row
    cells: Sequence[Cell]
    single: Sequence[str]  # data: URLs of its maps
    several: Sequence[str]
    cascading: Sequence[str]


def page_of(grades: Grades) -> str:
    """Return the page of a table of grades."""
    lines = _lines(grades)
    groups = [(name, list(part)) for name, part in groupby(grades.metrics, lambda metric: metric.group)]
    return render(
        "grade.html",
        grades=grades,
        lines=lines,
        groups=groups,
        firsts={metrics[0].name for _, metrics in groups},
        best=_best(lines),
        nets=[_net(grades, net, lines) for net in grades.chance],
        chances=_chances(grades),
        findings=findings(grades),
        several_nets=len(grades.chance) > 1,
        command=command(grades.settings),
    )


def command(settings: dict[str, Any]) -> str:
    """Return the command line that makes this table."""
    words = ["minitorch-viz grade", "--model", *settings["models"]]
    if settings["methods"]:
        words += ["--methods", *settings["methods"]]
    if settings.get("boxes"):
        words += ["--boxes", settings["boxes"], "--photos", "FOLDER"]
    elif settings.get("scenes"):
        words += ["--scenes", str(settings["scenes"])]
    return " ".join([*words, "--seed", str(settings["seed"])])


def _lines(grades: Grades) -> list[Line]:
    table = [[grades.interval(row.net, row.name, metric.name) for metric in grades.metrics] for row in grades.rows]
    ranges = []
    for column in range(len(grades.metrics)):
        means = [cells[column].mean for cells in table if cells[column] is not None]  # type: ignore[union-attr]
        ranges.append((min(means, default=0.0), max(means, default=0.0)))
    lines = []
    for row, intervals in zip(grades.rows, table, strict=True):
        cells = [
            Cell(metric, interval, _merit(metric, interval, *limits))
            for metric, interval, limits in zip(grades.metrics, intervals, ranges, strict=True)
        ]
        examples = row.examples
        lines.append(
            Line(
                row,
                cells,
                [map_url(heat) for heat in examples.single],
                [map_url(heat) for maps in examples.several for heat in maps],
                [map_url(heat) for heat in (*examples.single[:1], *examples.cascading)] if examples.cascading else [],
            )
        )
    return lines


def _merit(metric: Metric, interval: Interval | None, low: float, high: float) -> float:
    if interval is None or high == low or not metric.better:
        return 0.0
    place = (interval.mean - low) / (high - low)
    return place if metric.better == "higher" else 1 - place


def _best(lines: Sequence[Line]) -> set[tuple[str, str, str]]:
    """Return (net, metric, method) of the cells that are a column's best, baselines aside."""
    best = set()
    for net in {line.row.net for line in lines}:
        net_lines = [line for line in lines if line.row.net == net and not line.row.baseline and line.row.scores]
        for column in range(len(net_lines[0].cells)) if net_lines else ():
            metric = net_lines[0].cells[column].metric
            cells = [(line.cells[column].merit, line.row.name) for line in net_lines if line.cells[column].interval]
            if cells and metric.better:
                best |= {(net, metric.name, name) for merit, name in cells if merit == max(cells)[0]}
    return best


def _chances(grades: Grades) -> list[tuple[str, list[str]]]:
    """Return (net, one text a column): what a map that knows nothing gets."""
    return [
        (
            net,
            [number(grades.chance_of(net, metric.name)) if metric.name in levels else "" for metric in grades.metrics],
        )
        for net, levels in grades.chance.items()
    ]


def _net(grades: Grades, net: str, lines: Sequence[Line]) -> dict[str, Any]:
    """Return what the page shows of one net."""
    pictures = grades.pictures[net]
    net_lines = [line for line in lines if line.row.net == net]
    heads = [(scene_url(picture, mask[None]), "") for picture, mask in pictures.single]
    pairs = [
        (scene_url(picture, masks if i == 0 else masks[::-1]), f"map for {names[i]}")
        for (picture, masks), names in zip(pictures.several, pictures.names, strict=True)
        for i in range(2)
    ]
    return {
        "name": net,
        "kept": grades.settings["kept"][net],
        "heads": heads + pairs,
        "lines": [line for line in net_lines if line.single or line.several],
        "curves": curves_picture(grades, net) if any(line.row.cascading.size for line in net_lines) else None,
        "layers": grades.layers.get(net, ()),
        "strips": [line for line in net_lines if line.cascading and not line.row.baseline],
        "scene": heads[0][0] if heads else "",
    }

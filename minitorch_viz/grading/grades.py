"""Grades: the finished table, as arrays. It prints, saves itself as JSON or as a page, and shows itself in Jupyter."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.grading.bootstrap import Interval, confidence_interval
from minitorch_viz.grading.metrics import METRICS, Metric


@dataclass(frozen=True, eq=False)
class Examples:
    """Hold maps (h, w) that are kept to be looked at."""

    single: tuple[Array, ...]  # of the first scenes with one object
    several: tuple[tuple[Array, ...], ...]  # of the first scenes with several: the maps for two of their classes
    cascading: tuple[Array, ...]  # of the first scene, with more and more layers random


@dataclass(frozen=True, eq=False)
class Row:
    """Hold one method's scores and maps on one net."""

    net: str
    name: str
    title: str
    paper: str
    settings: str
    baseline: bool  # it knows nothing of the net
    scores: dict[str, Array]  # metric -> (S,), one number a scene
    cascading: Array  # (scenes, layers, 3): likeness to the trained net's map; |rank|, signed rank, SSIM
    independent: Array  # the same with one layer random at a time
    blank: float  # the share of maps that were zero everywhere
    examples: Examples
    problem: str = ""  # why there are no scores


@dataclass(frozen=True, eq=False)
class Pictures:
    """Hold what the example maps are maps of."""

    single: tuple[tuple[Array, Array], ...]  # (picture (h, w, 3) uint8, mask (h, w) bool)
    several: tuple[tuple[Array, Array], ...]  # (picture, masks (2, h, w) bool)
    names: tuple[tuple[str, ...], ...]  # the two classes of each picture in `several`


@dataclass(frozen=True, eq=False)
class Grades:
    """Say how far to believe each method: `print` shows the table, `save` writes a page (.html) or numbers (.json)."""

    rows: tuple[Row, ...]
    chance: dict[str, dict[str, Array]]  # net -> metric -> (S,): what a map that knows nothing gets
    layers: dict[str, tuple[str, ...]]  # net -> the names of the layers that were randomized, from the top
    pictures: dict[str, Pictures]  # net -> what the example maps are of
    settings: dict[str, Any]  # all that is needed to make it again
    notes: tuple[str, ...] = ()
    level: float = 0.95  # of the confidence intervals
    interrupted: bool = False  # it was stopped: some methods are missing
    _intervals: dict[tuple[str, str, str], Interval] = field(default_factory=dict, repr=False)

    def interval(self, net: str, method: str, metric: str) -> Interval | None:
        """Return a cell of the table; None where that was not measured, or nowhere finite.

        Scores that are not finite are left out: a blank map that noise wakes has an infinite sensitivity.
        """
        row = next((row for row in self.rows if (row.net, row.name) == (net, method)), None)
        scores = row.scores.get(metric, np.zeros(0)) if row else np.zeros(0)
        scores = scores[np.isfinite(scores)]
        if not len(scores):
            return None
        key = net, method, metric
        if key not in self._intervals:
            self._intervals[key] = confidence_interval(scores, level=self.level)
        return self._intervals[key]

    def chance_of(self, net: str, metric: str) -> float:
        """Return what a map that knows nothing gets on a net's pictures, on average."""
        return float(np.mean(self.chance[net][metric]))

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return the columns: those that some row has."""
        return tuple(metric for name, metric in METRICS.items() if any(name in row.scores for row in self.rows))

    def table(self) -> list[dict[str, Any]]:
        """Return one dict a row: "net", "method", "baseline", and an Interval or None for each metric."""
        return [
            {"net": row.net, "method": row.name, "baseline": row.baseline}
            | {metric.name: self.interval(row.net, row.name, metric.name) for metric in self.metrics}
            for row in self.rows
        ]

    def save(self, path: str | Path) -> Path:
        """Write the page (.html, self-contained) or everything as numbers (.json); complete or not at all."""
        from minitorch_viz.drawing.html import write_page
        from minitorch_viz.io.atomic import write_bytes_atomically

        path = Path(path)
        if path.suffix.lower() not in (".html", ".json"):
            raise SettingError(f"Grades are saved as .html or .json, but the file is called {path.name!r}.")
        if path.suffix.lower() == ".html":
            return write_page(path, self._page())
        write_bytes_atomically(path, _readable(self.as_json()).encode() + b"\n")
        return path

    def as_json(self) -> dict[str, Any]:
        """Return everything but the example maps, in JSON's types; NaN and infinity become null."""
        return {
            "settings": self.settings,
            "notes": list(self.notes),
            "interrupted": self.interrupted,
            "confidence": self.level,
            "metrics": {metric.name: asdict(metric) for metric in self.metrics},
            "layers": {net: list(names) for net, names in self.layers.items()},
            "chance": {net: {name: _number(self.chance_of(net, name)) for name in levels}
                       for net, levels in self.chance.items()},
            "rows": [self._row(row) for row in self.rows],
        }  # fmt: skip

    def _row(self, row: Row) -> dict[str, Any]:
        cells: dict[str, Any] = {}
        for name, values in row.scores.items():
            interval = self.interval(row.net, row.name, name)
            if interval is not None:
                cells[name] = {key: _number(value) for key, value in interval._asdict().items()}
                cells[name]["scores"] = [_number(value) for value in values]
        return {
            "net": row.net, "method": row.name, "title": row.title, "paper": row.paper, "settings": row.settings,
            "baseline": row.baseline, "blank": _number(row.blank), "problem": row.problem, "scores": cells,
            "cascading": _curves(row.cascading), "independent": _curves(row.independent),
        }  # fmt: skip

    def _page(self) -> str:
        from minitorch_viz.grading.page import page_of

        return page_of(self)

    def _repr_html_(self) -> str:
        from html import escape

        return f'<iframe srcdoc="{escape(self._page())}" width="100%" height="800"></iframe>'

    def __str__(self) -> str:
        """Return the table in plain text: means, with half the width of the intervals."""
        width = max([len(_label(row, self)) for row in self.rows], default=0)
        columns = [(metric, max(9, len(metric.title))) for metric in self.metrics]
        lines = [" " * width + "".join(f"  {metric.title:>{size}}" for metric, size in columns)]
        for row in self.rows:
            cells = [self.interval(row.net, row.name, metric.name) for metric, _ in columns]
            texts = ["" if cell is None else f"{cell.mean:.{metric.digits}f}" for cell, (metric, _) in
                     zip(cells, columns, strict=True)]  # fmt: skip
            line = "".join(f"  {text:>{size}}" for text, (_, size) in zip(texts, columns, strict=True))
            lines.append(f"{_label(row, self):<{width}}" + (f"  {row.problem}" if row.problem else line))
        return "\n".join(lines)


def _label(row: Row, grades: Grades) -> str:
    return row.name if len(grades.chance) < 2 else f"{row.name} ({row.net})"


def _readable(content: dict[str, Any]) -> str:
    """Write JSON with a line for each thing, and lists of numbers in one line."""
    lists = re.compile(r"\[\n *([^\[\]{}]*?)\n *\]")  # a line break is never inside a string of JSON
    return lists.sub(lambda match: "[" + re.sub(r"\n *", " ", match[1]) + "]", json.dumps(content, indent=1))


def _number(value: Any) -> float | None:
    """Return a float of six digits, as JSON takes it."""
    return float(f"{float(value):.6g}") if np.isfinite(value) else None


def _curves(likeness: Array) -> dict[str, list[Any]]:
    """Return the mean over scenes, one number a layer."""
    means = likeness.mean(axis=0) if likeness.size else likeness.reshape(0, 3)
    names: Mapping[str, int] = {"rank_absolute": 0, "rank_signed": 1, "ssim": 2}
    return {name: [_number(value) for value in means[:, column]] for name, column in names.items()}

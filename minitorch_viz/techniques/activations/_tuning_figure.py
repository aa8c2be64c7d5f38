"""How tuning curves are drawn: a chart for each thing that changes, with its pictures below, and the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    HEAD_SIZE,
    LABEL_SIZE,
    NUMBER_SIZE,
    PAD,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    start_sheet,
    text_height,
    text_width,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.tuning import Curves, Tuning

# Told apart by those who see few colours too (Okabe and Ito 2008), and by their marks.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#7b4fa3", "#000000")
MARKS = "osD^vPX*"
LEFT, RIGHT, BETWEEN = 0.75, 0.2, 0.75  # inches
CHART = 1.7  # high
MOST_STEPS = 13  # in half the width
LEAN = 45  # degrees of names below pictures


class Place(NamedTuple):
    """Say where one chart is, in inches."""

    left: float
    top: float
    wide: float


def draw(result: Tuning, figure: Figure) -> None:
    """Draw the legend, the charts in pairs (those of many steps alone), and the invariances as a table."""
    heading = f"{result.node}: the answer of {len(result.channels)} of {result.total_channels} channels"
    labels = [wrapped(label, 2.1, LABEL_SIZE) for label in result.units]
    legend = -(-len(labels) // 4) * (max(text_height(label, LABEL_SIZE) for label in labels) + 0.08)
    top = text_height(heading, HEAD_SIZE) + 2 * GAP
    rows = _rows(result.curves)
    heights = [max(_high(curves, len(row)) for curves in row) for row in rows]
    is_known = not np.isnan(result.medians).all()
    table = 0.36 * (len(labels) + 2) + text_height("x", TITLE_SIZE) + GAP if is_known else 0
    height = top + legend + GAP + sum(heights) + len(rows) * 2 * GAP + table + GAP
    start_sheet(figure, WIDTH, height, heading)
    _draw_legend(axes_at(figure, GAP, top, WIDTH - 2 * GAP, legend), labels)
    top += legend + GAP
    for row, high in zip(rows, heights, strict=True):
        for index, curves in enumerate(row):
            wide = _wide(len(row))
            place = Place(LEFT + index * (wide + BETWEEN), top, wide)
            _draw_chart(figure, result, curves, place, first=index == 0)
        top += high + 2 * GAP
    if is_known:
        _draw_table(figure, result, top)


def _rows(curves: Sequence[Curves]) -> list[list[Curves]]:
    """Return the charts in rows: two that fit beside each other, or one."""
    rows: list[list[Curves]] = []
    for each in curves:
        is_short = len(each.steps) <= MOST_STEPS and len(curves) > 1
        if is_short and rows and len(rows[-1]) == 1 and len(rows[-1][0].steps) <= MOST_STEPS:
            rows[-1].append(each)
        else:
            rows.append([each])
    return rows


def _wide(count: int) -> float:
    """Return how wide each of so many charts in a row is."""
    return (WIDTH - LEFT - RIGHT - (count - 1) * BETWEEN) / count


def _strip(curves: Curves, wide: float) -> float:
    """Return how high the row of pictures below a chart is."""
    high, across = curves.pictures.shape[1:3]
    return float(min(wide / len(curves.steps) * high / across, 0.9))


def _below(curves: Curves) -> float:
    """Return how high the words below the pictures are: numbers, or names that lean, and what they are."""
    longest = max(text_width(step, NUMBER_SIZE) for step in curves.steps)
    steps = text_height("5", NUMBER_SIZE) if _are_numbers(curves) else 0.71 * longest + 0.12
    return steps + 0.08 + (text_height("x", LABEL_SIZE) if _axis(curves) else 0)


def _axis(curves: Curves) -> str:
    """Return what the steps are, where the title does not say it."""
    return "" if curves.axis == curves.dimension else curves.axis


def _high(curves: Curves, count: int) -> float:
    title = text_height("x", TITLE_SIZE) + PAD
    return title + CHART + 0.05 + _strip(curves, _wide(count)) + _below(curves)


def _are_numbers(curves: Curves) -> bool:
    return all(step.lstrip("-").replace(".", "").isdigit() for step in curves.steps)


def _draw_legend(axes: Axes, labels: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    axes.set_axis_off()
    lines = [Line2D([], [], color=COLOURS[i], marker=MARKS[i], label=label) for i, label in enumerate(labels)]
    axes.legend(handles=lines, loc="center", ncols=min(len(labels), 4), frameon=False, fontsize=LABEL_SIZE, borderpad=0)


def _draw_chart(figure: Figure, result: Tuning, curves: Curves, place: Place, first: bool) -> None:
    title = text_height("x", TITLE_SIZE) + PAD
    axes = axes_at(figure, place.left, place.top + title, place.wide, CHART)
    count = len(curves.steps)
    steps = np.arange(count)
    shares = curves.answers / result.tops  # (S, D, U)
    for i in range(len(result.channels)):
        low, high = np.percentile(shares[:, :, i], [25, 75], axis=0)
        settings: dict[str, Any] = {"color": COLOURS[i], "lw": 0}
        if len(shares) > 1:
            axes.fill_between(steps, low, high, alpha=0.18, **settings)
        axes.plot(steps, shares[:, :, i].mean(axis=0), color=COLOURS[i], marker=MARKS[i], ms=4, lw=1.6)
    axes.set_xlim(-0.5, count - 0.5)
    lowest = min(0.0, float(shares.min()))
    axes.set_ylim(lowest - 0.04, 1.04)
    axes.set_xticks([])
    axes.tick_params(axis="y", labelsize=NUMBER_SIZE)
    axes.set_title(curves.dimension, fontsize=TITLE_SIZE, pad=72 * PAD, y=1.0)
    axes.grid(axis="y", alpha=0.3)
    if first:
        of_what = "the" if result.are_classes else "its"
        axes.set_ylabel(f"share of {of_what} largest answer", fontsize=NUMBER_SIZE)
    high = _strip(curves, place.wide)
    strip = axes_at(figure, place.left, place.top + title + CHART + 0.05, place.wide, high)
    strip.imshow(
        _side_by_side(curves.pictures, place.wide / count / high), extent=(-0.5, count - 0.5, 0, 1), aspect="auto"
    )
    for side in ("top", "bottom", "left", "right"):
        strip.spines[side].set_visible(False)
    strip.set_yticks([])
    lean: dict[str, Any] = {} if _are_numbers(curves) else {"rotation": LEAN, "ha": "right", "rotation_mode": "anchor"}
    strip.set_xticks(steps, curves.steps, fontsize=NUMBER_SIZE, **lean)
    strip.tick_params(length=0, pad=3)
    strip.set_xlabel(_axis(curves), fontsize=LABEL_SIZE, labelpad=2)


def _side_by_side(pictures: Array, shape: float) -> Array:
    """Return pictures (D, h, w, 3) in a row, white around each; shape: of a place, its width over its height."""
    _, high, wide, _ = pictures.shape
    edge = max(1, wide // 20)
    across = max(wide + 2 * edge, round(shape * (high + 2 * edge)))
    room = np.full((len(pictures), high + 2 * edge, across, 3), 255, np.uint8)
    left = (across - wide) // 2
    room[:, edge : edge + high, left : left + wide] = pictures
    return room.transpose(1, 0, 2, 3).reshape(high + 2 * edge, -1, 3)


def _draw_table(figure: Figure, result: Tuning, top: float) -> None:
    """Draw the invariances: a row a unit and one for the layer, a column a thing that changes."""
    names = [*(label.replace("\n", " ") for label in result.units), f"median of all {result.total_channels}"]
    names = [wrapped(name, 2.4, LABEL_SIZE, even=False).split("\n")[0] for name in names]
    values = np.vstack([result.invariances, result.medians])  # (U + 1, K)
    left = GAP + 0.1 + max(text_width(name, LABEL_SIZE) for name in names)
    columns = len(result.curves)
    wide = min(1.35 * columns, WIDTH - left - 2 * GAP)
    title = "invariance: 1, it does not matter; 0, it alone matters"
    top += text_height("x", TITLE_SIZE) + PAD + 0.3
    axes = axes_at(figure, left, top, wide, 0.36 * len(names))
    axes.imshow(np.nan_to_num(values, nan=0.5), cmap="cividis", vmin=0, vmax=1, aspect="auto", alpha=0.85)
    for (row, column), value in np.ndenumerate(values):
        words = "-" if np.isnan(value) else f"{value:.2f}"
        colour = "black" if np.isnan(value) or value > 0.5 else "white"
        axes.text(column, row, words, ha="center", va="center", fontsize=LABEL_SIZE, color=colour)
    axes.set_yticks(range(len(names)), names, fontsize=LABEL_SIZE)
    axes.set_xticks(range(columns), [curves.dimension for curves in result.curves], fontsize=LABEL_SIZE)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    width, height = figure.get_size_inches()
    figure.text(GAP / width, 1 - (top - 0.3 - PAD) / height, title, va="bottom", fontsize=TITLE_SIZE)

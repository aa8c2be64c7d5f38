"""How a comparison is drawn: the maps, the matrix of rank correlations, and the bars of the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    LABEL_SIZE,
    NUMBER_SIZE,
    PAD,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    in_rows,
    panels,
    show_blank,
    show_heat,
    text_height,
    text_width,
    wrapped,
)
from minitorch_viz.techniques.explain.view import draw_photo, proportions_of
from minitorch_viz.techniques.gradients._compare_gates import FATES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.gradients.compare import Comparison

COLUMNS, FEWER = 7, 5  # of maps at most; fewer of photos that are wide
CELL = 0.3  # inches: a number of the matrix
LINE = 0.17  # inches: a ReLU's name
COLOURS = ("#e8e8e8", "#009e73", "#0072b2", "#d55e00", "#cc79a7")


def draw(result: Comparison, figure: Figure) -> None:
    """Draw the photo and the maps, two rows for two classes; below, the correlations and the gates."""
    count = len(result.methods)
    names = max(text_width(name, NUMBER_SIZE) for name in result.methods) + 0.1
    square = count * max(CELL, min(2 * CELL, (3.3 if result.relus else 5.0) / count))
    slanted = 0.71 * names + 0.15
    chart = max(square, 2.5)
    title = wrapped("do the methods rank the pixels alike?", max(square + names, 1.5))
    head = GAP + text_height(title) + PAD
    bottom = head + chart + max(slanted, 0.95)
    _draw_maps(result, figure, bottom)
    width, height = figure.get_size_inches()
    top = height - bottom + head
    left = GAP + names if result.relus else (width - square - names) / 2 + names
    _draw_ranks(result, axes_at(figure, left, top, square, square), title)
    if result.relus:
        _draw_gates(result, figure, left + square + 3 * GAP, top, chart)


def _draw_maps(result: Comparison, figure: Figure, bottom: float) -> None:
    """Draw the photo and one map after the other; for two classes the second's map below the first's."""
    tall, count = proportions_of(result), len(result.methods)
    columns = -(-(count + 1) // -(-(count + 1) // (COLUMNS if tall > 0.8 else FEWER)))  # as even rows as can be
    rows = in_rows([result.label, *result.methods], columns)
    if result.other_maps is not None:
        below = in_rows([result.other_label, *map(_correlation, result.across)], columns)
        rows = [row for pair in zip(rows, below, strict=True) for row in pair]
    sheet = panels(figure, rows, tall, size=LABEL_SIZE, bottom=bottom, least=WIDTH)
    sets = [result.maps] if result.other_maps is None else [result.maps, result.other_maps]
    for kind, maps in enumerate(sets):
        panels_of = sheet.axes[kind :: len(sets)].ravel()
        draw_photo(panels_of[0], result)
        for panel, heat in zip(panels_of[1:], maps, strict=False):
            if heat.any():
                show_heat(panel, heat, pixel_aspect=result.pixel_aspect)
            else:
                show_blank(panel, heat.shape, "", pixel_aspect=result.pixel_aspect)


def _correlation(value: float) -> str:
    return "no correlation" if np.isnan(value) else f"correlation {value:.2f}"


def _draw_ranks(result: Comparison, axes: Axes, title: str) -> None:
    """Draw the matrix, with its numbers: red is 1, blue -1."""
    count = len(result.methods)
    axes.imshow(result.ranks, cmap="RdBu_r", vmin=-1, vmax=1)
    slanted: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(count), result.methods, fontsize=NUMBER_SIZE, **slanted)
    axes.set_yticks(range(count), result.methods, fontsize=NUMBER_SIZE)
    axes.tick_params(length=0, pad=3)
    axes.set_title(title, fontsize=TITLE_SIZE, loc="right", pad=72 * PAD)
    for (row, column), value in np.ndenumerate(result.ranks):
        colour = "white" if abs(value) > 0.6 else "black"
        text = "-" if np.isnan(value) else _short_number(value)
        axes.text(column, row, text, ha="center", va="center", fontsize=NUMBER_SIZE, color=colour)


def _short_number(value: float) -> str:
    """Write two decimals, without the 0 before the point: ".87", "-.05", "1"."""
    text = f"{value:.2f}"
    return text[:-3].replace("-0", "0") if text.endswith(".00") else text.replace("0.", ".")


def _draw_gates(result: Comparison, figure: Figure, left: float, top: float, high: float) -> None:
    """Draw for each way back a bar a ReLU, in the parts that passed or were closed, beside the ReLUs' names."""
    from matplotlib.patches import Rectangle

    places = np.arange(len(result.relus))
    step = -(-len(places) // int(high / LINE))  # names that would overlap are left out
    names = [_fitting(name, 2.1) for name in result.relus[::step]]
    left += max(text_width(name, NUMBER_SIZE) for name in names) + 0.1
    wide = (WIDTH - GAP - left - 2 * GAP) / len(result.gates)
    for number, (mode, shares) in enumerate(result.gates.items()):
        axes = axes_at(figure, left + number * (wide + GAP), top, wide, high)
        _draw_bars(axes, shares)
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 1])
        axes.set_ylim(-0.6, len(places) - 0.4)
        axes.set_title(mode, fontsize=LABEL_SIZE, pad=72 * PAD)
        axes.tick_params(labelsize=NUMBER_SIZE)
        axes.set_yticks(places[::step], names if number == 0 else [])
        axes.spines[["top", "right"]].set_visible(False)
    width, height = figure.get_size_inches()
    middle = (left + (WIDTH - GAP)) / 2 / width
    words = "share of each ReLU's units"
    figure.text(middle, 1 - (top + high + 0.3) / height, words, ha="center", va="top", fontsize=LABEL_SIZE)
    handles = [Rectangle((0, 0), 1, 1, facecolor=colour) for colour in COLOURS]
    place = (1 - GAP / width, 1 - (top + high + 0.45) / height)
    look: dict[str, Any] = {"ncols": 3, "fontsize": LABEL_SIZE, "frameon": False, "columnspacing": 1.0}
    figure.legend(handles, FATES, loc="upper right", bbox_to_anchor=place, handlelength=1.0, borderaxespad=0, **look)


def _draw_bars(axes: Axes, shares: Array) -> None:
    """Draw bars (B, parts) from 0 on, one above the other: a shape each, since `barh` takes a second for deep nets."""
    from matplotlib.collections import PolyCollection

    ends = np.cumsum(shares, axis=1)
    rows = np.repeat(np.arange(len(shares))[:, None], shares.shape[1], axis=1)
    left, right, low, high = ends - shares, ends, rows - 0.425, rows + 0.425
    corners = np.stack([left, low, right, low, right, high, left, high], axis=-1).reshape(-1, 4, 2)
    axes.add_collection(PolyCollection(list(corners), facecolors=COLOURS, edgecolors="none"), autolim=False)


def _fitting(name: str, wide: float) -> str:
    """Return a node's name; of a long one the end, by which the nodes of a module differ."""
    if text_width(name, NUMBER_SIZE) <= wide:
        return name
    start = next(begin for begin in range(len(name)) if text_width(f"…{name[begin:]}", NUMBER_SIZE) <= wide)
    return f"…{name[start:]}"

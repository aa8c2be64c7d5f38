"""How a comparison is drawn: the maps, the matrix of rank correlations, and the bars of the gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Pair
from minitorch_viz.drawing import colour_bar, show_blank, show_heat, show_image, wrapped
from minitorch_viz.techniques.gradients._compare_gates import FATES

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from minitorch_viz.techniques.gradients.compare import Comparison

COLUMNS = 6
COLOURS = ("#e8e8e8", "#009e73", "#0072b2", "#d55e00", "#cc79a7")


def draw(result: Comparison, figure: Figure) -> None:
    """The photo and the maps, two rows for two classes; below, the correlations and the gates."""
    count = len(result.methods)
    columns = min(COLUMNS, count + 1)
    lines = -(-(count + 1) // columns)
    rows = lines * (2 if result.other_maps is not None else 1)
    tall = result.pixel_aspect * result.picture.shape[0] / result.picture.shape[1]
    upper, lower = rows * (2.05 * min(max(tall, 0.5), 1.6) + 0.32) + 0.2, max(4.4, 0.36 * count + 1.4)
    figure.set_size_inches(12.6, upper + lower)
    top, bottom = figure.subfigures(2, 1, height_ratios=(upper, lower), squeeze=False)[:, 0]
    _draw_maps(result, top, (rows, columns))
    left, right = bottom.subfigures(1, 2, width_ratios=(1, 1.25), squeeze=False)[0]
    _draw_ranks(result, left)
    if result.relus:
        _draw_gates(result, right)


def _draw_maps(result: Comparison, part: SubFigure, shape: Pair) -> None:
    axes = part.subplots(*shape, squeeze=False)
    for axis in axes.ravel():
        axis.axis("off")
    sets = [(result.maps, result.label)]
    if result.other_maps is not None:
        sets.append((result.other_maps, result.other_label))
    for kind, (maps, label) in enumerate(sets):
        for place, (name, heat) in enumerate(zip(("", *result.methods), (None, *maps), strict=True)):
            axis = axes[place // shape[1] * len(sets) + kind, place % shape[1]]
            axis.axis("on")
            if heat is None:
                show_image(axis, result.picture, wrapped(label, 24), result.pixel_aspect)
                continue
            title = name if kind == 0 else f"rank correlation {result.across[place - 1]:.2f}"
            if not heat.any():
                show_blank(axis, heat.shape, "see the notes", result.pixel_aspect, title)
            else:
                show_heat(axis, heat, title, result.pixel_aspect)
            axis.title.set_fontsize(10)


def _draw_ranks(result: Comparison, part: SubFigure) -> None:
    count = len(result.methods)
    axis = part.subplots()
    drawn = axis.imshow(result.ranks, cmap="RdBu_r", vmin=-1, vmax=1)
    axis.set_xticks(range(count), result.methods, rotation=45, ha="right", fontsize=9)
    axis.set_yticks(range(count), result.methods, fontsize=9)
    axis.set_title("do the methods rank the pixels alike?", fontsize=11)
    for i in range(count):
        for j in range(count):
            value = result.ranks[i, j]
            colour = "white" if abs(value) > 0.6 else "black"
            text = "-" if np.isnan(value) else f"{value:.2f}"
            axis.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)
    colour_bar(part, drawn, axis, "rank correlation")  # type: ignore[arg-type]  # a SubFigure has a colorbar too


def _draw_gates(result: Comparison, part: SubFigure) -> None:
    places = np.arange(len(result.relus))
    step = -(-len(places) // 26)  # names that would overlap are left out
    axes = part.subplots(1, len(result.gates), sharey=True)
    for axis, (mode, shares) in zip(axes, result.gates.items(), strict=True):
        left = np.zeros(len(places))
        for fate, share, colour in zip(FATES, shares.T, COLOURS, strict=True):
            axis.barh(places, share, left=left, color=colour, label=fate, height=0.85)
            left += share
        axis.set_xlim(0, 1)
        axis.set_title(mode, fontsize=11)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(places[::step], [_short(name) for name in result.relus[::step]], fontsize=7.5)
    axes[1].set_xlabel("share of each ReLU's units", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    part.legend(handles, labels, loc="outside lower center", ncols=len(FATES), fontsize=8.5, frameon=False)


def _short(name: str, most: int = 26) -> str:
    """A node's name; of a long one the end, by which the nodes of a module differ."""
    return name if len(name) <= most else "…" + name[1 - most :]

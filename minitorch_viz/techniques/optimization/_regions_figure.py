"""The page of regions: the map with its legend, pictures from just behind the border, and the distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    GAP,
    HEAD_SIZE,
    LABEL_SIZE,
    PAD,
    TITLE_SIZE,
    WIDTH,
    axes_at,
    picture_size,
    proportions,
    show_image,
    start_sheet,
    text_height,
    wrapped,
)
from minitorch_viz.techniques.optimization._regions_grid import on_round, spread
from minitorch_viz.techniques.optimization._regions_legend import draw_legend
from minitorch_viz.techniques.optimization._regions_map import OUTSIDE, drawn_shares, painted
from minitorch_viz.techniques.optimization._regions_strips import STRIPS, draw_strips

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.regions import Regions

LEFT, MAP, BELOW = 0.85, 5.2, 0.55  # inches: the numbers at its left, the map, its numbers and words below
SIDE = 2.1  # of the pictures


def draw(result: Regions, figure: Figure) -> None:
    """Draw the page."""
    heading = wrapped(f"{result.net}: the answers around {result.answer}", WIDTH - 2 * GAP, HEAD_SIZE)
    top = text_height(heading, HEAD_SIZE) + 2 * GAP
    titles, wide, high, over = _row(result)
    pictures = over + high + GAP if titles else 0.0
    height = top + MAP + BELOW + pictures + STRIPS + GAP
    start_sheet(figure, WIDTH, height, heading)
    _draw_map(result, axes_at(figure, LEFT, top, MAP, MAP))
    left = LEFT + MAP + 2 * GAP
    draw_legend(result, axes_at(figure, left, top, WIDTH - left - GAP, MAP + BELOW))
    top += MAP + BELOW
    for place, (title, picture) in enumerate(zip(titles, result.shown, strict=False)):
        axes = axes_at(figure, GAP + place * (wide + GAP), top + over, wide, high)
        axes.set_anchor("N")
        axes.set_title(title, fontsize=TITLE_SIZE - 1, pad=72 * PAD, y=1.0)
        show_image(axes, picture, pixel_aspect=result.pixel_aspect)
    draw_strips(result, figure, top + pictures)


def _row(result: Regions) -> tuple[list[str], float, float, float]:
    """Return the pictures' titles, their width and height, and how high the titles are."""
    if not len(result.shown):
        return [], 0.0, 0.0, 0.0
    room = (WIDTH - 5 * GAP) / 4
    wide, high = picture_size(proportions(result.shown[0], result.pixel_aspect), SIDE, room, 1 / 3)
    wide = room
    titles = [wrapped(title, wide, TITLE_SIZE - 1) for title in result.titles]
    return titles, wide, high, max(text_height(title, TITLE_SIZE - 1) for title in titles) + PAD


def _draw_map(result: Regions, axes: Axes) -> None:
    reach, half = result.reach, len(result.classes) // 2
    edge = reach * (half + 0.5) / half
    show_image(axes, painted(result), extent=(-edge, edge, -edge, edge))
    unknown = spread(result.classes, result.stride) < 0
    if unknown.any():
        _hatch(axes, unknown, edge)
    _draw_lines(result, axes)
    _draw_others(result, axes)
    axes.plot(0, 0, "*", color="white", markeredgecolor="black", markersize=16, zorder=5)
    axes.set_xlim(-edge, edge)
    axes.set_ylim(-edge, edge)
    _number_axes(result, axes)


def _hatch(axes: Axes, unknown: Array, edge: float) -> None:
    """Hatch what has not been asked, whole rows of the map at a time."""
    from matplotlib.patches import Rectangle

    side = len(unknown)
    cell = 2 * edge / side
    for row in range(side):
        columns = np.flatnonzero(np.diff(np.concatenate([[False], unknown[row], [False]]).astype(int)))
        for begin, end in columns.reshape(-1, 2):
            corner = (-edge + begin * cell, edge - (row + 1) * cell)
            size = ((end - begin) * cell, cell)
            axes.add_patch(Rectangle(corner, *size, hatch="///", fill=False, edgecolor="0.5", linewidth=0))


def _draw_lines(result: Regions, axes: Axes) -> None:
    """Draw the border of the own answer, and where values leave 0..255, at the points of the last finished round."""
    half = len(result.classes) // 2
    margins, offsets = on_round(result.margins, result.stride)
    if np.isnan(margins).any() or len(offsets) < 2:
        return
    at = offsets / half * result.reach
    up = at[::-1]  # the first row is at the top
    if margins.min() < 0 < margins.max():
        axes.contour(at, up, margins, levels=[0], colors="black", linewidths=2)
    outside, _ = on_round(result.outside, result.stride)
    for share in drawn_shares(result):
        axes.contour(at, up, outside, levels=[share], colors="white", linewidths=3, linestyles="-")
        axes.contour(at, up, outside, levels=[share], colors="black", linewidths=1.2, linestyles=OUTSIDE[share][0])


def _draw_others(result: Regions, axes: Axes) -> None:
    """Draw the real pictures at their projections, in the colours of what the net answers to them."""
    for place, answer in zip(result.places, result.meant.tolist(), strict=True):
        if (np.abs(place) <= result.reach).all():
            axes.plot(*place, "o", color=result.colours.hue(answer), markeredgecolor="white", markersize=10, zorder=4)
            axes.plot(*place, "o", color="none", markeredgecolor="black", markersize=11, zorder=4)


def _number_axes(result: Regions, axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for number, axis in enumerate((axes.xaxis, axes.yaxis)):
        axis.set_major_locator(MaxNLocator(5))
        if result.middle is not None and result.scale is not None:
            middle, scale = result.middle[number], result.scale[number]
            axis.set_major_formatter(FuncFormatter(_shifted(middle, scale)))
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    labels = [wrapped(words, MAP, LABEL_SIZE) for words in result.axes]
    axes.set_xlabel(labels[0], fontsize=LABEL_SIZE, labelpad=2)
    axes.set_ylabel(labels[1], fontsize=LABEL_SIZE, labelpad=2)


def _shifted(middle: float, scale: float) -> Any:
    return lambda value, _: f"{middle + scale * value:.3g}"

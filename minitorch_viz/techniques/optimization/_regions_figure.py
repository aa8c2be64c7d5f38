"""The page of regions: the map with its legend, pictures from just behind the border, and the distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
from minitorch_viz.techniques.optimization._regions_strips import MANY, draw_strips, strips_height

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
    height = top + MAP + BELOW + pictures + strips_height(result) + GAP
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


class Scale(NamedTuple):
    """Hold how a map's coordinates are numbered: as they are, or of a net of two numbers in the user's units."""

    middle: Array  # (2,)
    unit: Array  # (2,)

    def __call__(self, places: Array) -> Array:
        """Return places (..., 2) as they are numbered."""
        numbered: Array = self.middle + self.unit * places
        return numbered


def _draw_map(result: Regions, axes: Axes) -> None:
    reach, half = result.reach, len(result.classes) // 2
    middle, unit = (np.array(each) for each in (result.middle or (0.0, 0.0), result.scale or (1.0, 1.0)))
    scale, edge = Scale(middle, unit), reach * (half + 0.5) / half
    (left, bottom), (right, top) = scale(np.array([[-edge, -edge], [edge, edge]])).tolist()
    show_image(axes, painted(result), pixel_aspect=unit[0] / unit[1], extent=(left, right, bottom, top))
    unknown = spread(result.classes, result.stride) < 0
    if unknown.any():
        _hatch(axes, unknown, scale, edge)
    _draw_lines(result, axes, scale)
    _draw_others(result, axes, scale)
    axes.plot(*middle, "*", color="white", markeredgecolor="black", markersize=16, zorder=5)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    _number_axes(result, axes)


def _hatch(axes: Axes, unknown: Array, scale: Scale, edge: float) -> None:
    """Hatch what has not been asked, parts of a row of the map at a time."""
    from matplotlib.patches import Rectangle

    cell = 2 * edge / len(unknown)
    for row, cells in enumerate(unknown):
        changes = np.flatnonzero(np.diff(np.concatenate([[False], cells, [False]]).astype(int)))
        for begin, end in changes.reshape(-1, 2):
            corner = scale(np.array([begin * cell - edge, edge - (row + 1) * cell]))
            wide, high = np.array([(end - begin) * cell, cell]) * scale.unit
            at = (float(corner[0]), float(corner[1]))
            axes.add_patch(Rectangle(at, wide, high, hatch="///", fill=False, edgecolor="0.5", linewidth=0))


def _draw_lines(result: Regions, axes: Axes, scale: Scale) -> None:
    """Draw the border of the own answer, and where values leave 0..255, at the points of the last finished round."""
    half = len(result.classes) // 2
    margins, offsets = on_round(result.margins, result.stride)
    if np.isnan(margins).any():
        return
    at = offsets / half * result.reach
    across, up = scale(np.stack([at, at[::-1]], axis=1)).T  # the first row is at the top
    if margins.min() < 0 < margins.max():
        axes.contour(across, up, margins, levels=[0], colors="black", linewidths=2)
    outside, _ = on_round(result.outside, result.stride)
    for share in drawn_shares(result):
        axes.contour(across, up, outside, levels=[share], colors="white", linewidths=3, linestyles="-")
        axes.contour(across, up, outside, levels=[share], colors="black", linewidths=1.2, linestyles=OUTSIDE[share][0])


def _draw_others(result: Regions, axes: Axes, scale: Scale) -> None:
    """Draw the real pictures at their projections, in the colours of what the net answers to them."""
    size = 10 if len(result.places) <= MANY else 6
    for place, answer in zip(result.places, result.meant.tolist(), strict=True):
        if (np.abs(place) <= result.reach).all():
            at, hue = scale(place), result.colours.hue(answer)
            axes.plot(*at, "o", color=hue, markeredgecolor="white", markersize=size, zorder=4)
            axes.plot(*at, "o", color="none", markeredgecolor="black", markersize=size + 1, zorder=4)


def _number_axes(result: Regions, axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    across, up = (wrapped(words, MAP, LABEL_SIZE) for words in result.axes)
    axes.set_xlabel(across, fontsize=LABEL_SIZE, labelpad=2)
    axes.set_ylabel(up, fontsize=LABEL_SIZE, labelpad=2)

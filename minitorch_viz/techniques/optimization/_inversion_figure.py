"""The page of an inversion: the photo, a picture a layer, where starts differ, and what falls with the depth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    LABEL_SIZE,
    PALETTE,
    TITLE_SIZE,
    axes_at,
    in_rows,
    panels,
    proportions,
    resize,
    show_blank,
    show_image,
    show_magnitude,
)
from minitorch_viz.techniques.explain.view import draw_photo

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.inversion import Inversion

CHART = 2.25  # inches: the height of the charts with their titles, without the names below
LETTER = 0.07  # inches: what a letter of a name, which stands aslant, takes of the height
MOST_NAMES = 16  # of layers below a chart's axis
FRAME = 960  # pixels: a film's frames are at most about this wide


def draw(result: Inversion, figure: Figure) -> None:
    """Draw the page."""
    count, starts = result.inversions.shape[:2]
    columns = _columns(count + 1)
    titles = ["the photo", *(_title(result, row) for row in range(count))]
    rows = in_rows(titles, columns)
    if starts > 1:
        deviations: list[str] = ["", *(f"{name}: starts differ" for name in result.nodes)]
        rows = [row for pair in zip(rows, in_rows(deviations, columns), strict=True) for row in pair]
    tall = proportions(result.picture, result.pixel_aspect)
    sheet = panels(figure, rows, tall, side=2.9, size=TITLE_SIZE - 1, bottom=CHART + _below(result), least=9.0)
    step = 2 if starts > 1 else 1
    places = [axes for row in sheet.axes[::step] for axes in row]
    draw_photo(places[0], result)
    for row, axes in enumerate(places[1 : count + 1]):
        _draw_layer(result, row, axes)
    if starts > 1:
        most = max(float(np.nanmax(result.spread, initial=0)), 1.0)
        below = [axes for row in sheet.axes[1::2] for axes in row]
        below[0].axis("off")
        words = f"How far the {starts} starts differ: black 0, white {most:.0f} of 255 (standard deviation)"
        sheet.write(below[0], [words])
        for row, axes in enumerate(below[1 : count + 1]):
            _draw_spread(result, row, axes, most)
    _draw_charts(result, figure)


def _columns(count: int) -> int:
    """Return how many pictures stand side by side: few of few, and with few empty places in the last row."""
    if count < 4:
        return count
    return min((3, 4) if count <= 9 else (4, 5), key=lambda columns: (-count % columns, -columns))


def _title(result: Inversion, row: int) -> str:
    """Return a layer's name and its numbers, on lines of their own."""
    if result.whys[row] or not result.taken[row].any():
        return result.nodes[row]
    start = result.best[row]
    numbers = f"{result.psnr[row, start]:.1f} dB, SSIM {result.ssim[row, start]:.2f}"
    begins = f"{result.begins[row]}\n" if result.begins[row] else ""
    return f"{result.nodes[row]}\n{begins}{numbers}\ncode {result.distances[row, start]:.2g}"


def _draw_layer(result: Inversion, row: int, axes: Axes) -> None:
    start = result.best[row]
    if result.whys[row]:
        show_blank(axes, result.picture.shape[:2], "", pixel_aspect=result.pixel_aspect)
    elif not result.taken[row].any():
        _hatch(result, axes)
    else:
        show_image(axes, result.inversions[row, start], pixel_aspect=result.pixel_aspect)


def _draw_spread(result: Inversion, row: int, axes: Axes, most: float) -> None:
    if np.isfinite(result.spread[row]).all():
        show_magnitude(axes, result.spread[row], pixel_aspect=result.pixel_aspect, scale=most)
    else:
        _hatch(result, axes)


def _hatch(result: Inversion, axes: Axes) -> None:
    """Draw that nothing is there yet."""
    from matplotlib.patches import Rectangle

    show_image(
        axes, np.full(result.picture.shape[:2], 0.92), pixel_aspect=result.pixel_aspect, cmap="gray", vmin=0, vmax=1
    )
    axes.add_patch(Rectangle((0, 0), 1, 1, fill=False, hatch="//", edgecolor="0.6", lw=0, transform=axes.transAxes))


def _draw_charts(result: Inversion, figure: Figure) -> None:
    """Draw PSNR, and the share of the photo that is lost, over the layers."""
    width, height = figure.get_size_inches()
    top = height - CHART - _below(result) + 0.4
    half = (width - 1.9) / 2
    left = axes_at(figure, 0.75, top, half, CHART - 0.4)
    right = axes_at(figure, 0.75 + half + 0.9, top, half, CHART - 0.4)
    places = np.arange(len(result.nodes))
    for start in range(result.psnr.shape[1]):
        for axes, values in ((left, result.psnr), (right, 100 * result.lost)):
            axes.plot(places, values[:, start], "o-", color=PALETTE[start % len(PALETTE)], lw=1.6, ms=5)
    lines = ", a line a start" if result.psnr.shape[1] > 1 else ""
    left.set_title(f"how like the photo{lines}", fontsize=TITLE_SIZE)
    left.set_ylabel("PSNR in dB", fontsize=LABEL_SIZE)
    right.set_title("how much was thrown away", fontsize=TITLE_SIZE)
    right.set_ylabel("% of the photo's variance", fontsize=LABEL_SIZE)
    right.axhline(100, color="0.6", ls="--", lw=1)
    right.text(
        -0.45, 102, "a picture of one colour", va="bottom", ha="left", fontsize=LABEL_SIZE - 1
    )  # at the left and above it: layers near the photo lose little
    names = _names(result)
    step = math.ceil(len(places) / MOST_NAMES)
    for axes in (left, right):
        axes.set_xticks(places[::step], names[::step], rotation=60, ha="right")
        axes.tick_params(labelsize=LABEL_SIZE - 1)
        axes.set_xlim(-0.5, len(places) - 0.5)
        axes.set_ylim(0, axes.get_ylim()[1] * 1.03)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="0.9")
    right.set_ylim(0, max(right.get_ylim()[1], 118))  # with room for the words


def _names(result: Inversion) -> list[str]:
    """Return what stands below the charts, a name a layer."""
    pairs = zip(result.nodes, result.begins, strict=True)
    return [f"{_short(name)}{begins.replace('from', ',')}" for name, begins in pairs]


def _below(result: Inversion) -> float:
    """Return the height of the names below the charts, in inches."""
    return 0.3 + LETTER * max(len(name) for name in _names(result))


def _short(name: str) -> str:
    """Return a node's name, its middle left out where it is long."""
    return name if len(name) <= 20 else f"{name[:12]}..{name[-6:]}"


def frame(result: Inversion) -> Array:
    """Return the photo and all layers as one picture (h, w, 3) uint8, of one size throughout a run."""
    tiles = [result.picture, *(result.inversions[row, start] for row, start in enumerate(result.best))]
    columns = math.ceil(math.sqrt(len(tiles)))
    high, wide = result.picture.shape[:2]
    factor = min(max(128 / min(high, wide), 1.0), FRAME / (columns * wide))
    size = (max(round(high * factor), 1), max(round(wide * factor), 1))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * size[0], columns * size[1], 3), 255, np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        scaled = np.round(resize(tile.astype(np.float32), (*size, 3))).astype(np.uint8)
        sheet[row * size[0] : (row + 1) * size[0], column * size[1] : (column + 1) * size[1]] = scaled
    return sheet

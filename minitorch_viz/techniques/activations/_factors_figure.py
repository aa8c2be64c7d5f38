"""How factors are drawn: in colours over the photos, with a legend that names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    BLACK,
    GAP,
    LABEL_SIZE,
    WIDTH,
    axes_at,
    in_rows,
    panels,
    proportions,
    resize,
    show_blank,
    show_image,
    show_photo,
    text_height,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.factors import Factors

# Told apart over a grey photo by those who see few colours too (Okabe and Ito 2008); the two blues lie far apart.
COLOURS = ("#e69f00", "#0072b2", "#009e73", "#cc79a7", "#f0e442", "#7b4fa3", "#d55e00", "#56b4e9")
STRENGTH = 0.8  # how opaque the colour of a factor is where it is strongest
APART = 0.36  # inches between numbers on a photo
SEEN = 0.4  # of a factor's largest strength: from here on its number is written on a photo


def draw(result: Factors, figure: Figure) -> None:
    """Draw each photo and the factors over it, and the legend below; of one photo each factor alone, too."""
    count = len(result.maps)
    titles = ["the photo", "the strongest factor"] if count == 1 else ["", ""] * count
    if count == 1:
        titles += [f"{k + 1}, {share:.0%}" for k, share in enumerate(result.shares)]
    columns = {1: 4, 2: 4}.get(count, 4 if count <= 8 else 6)
    shapes = [
        proportions(picture, aspect) for picture, aspect in zip(result.pictures, result.pixel_aspects, strict=True)
    ]
    rows = in_rows(titles, columns)
    side = 3.0 if count <= 2 else 2.4
    lines = [wrapped(line, WIDTH - 0.9, LABEL_SIZE, even=False) for line in result.legend]
    bottom = sum(text_height(line, LABEL_SIZE) + 0.06 for line in lines) + GAP
    heading = f"{len(result.shares)} factors of {result.layer}"
    sheet = panels(figure, rows, float(np.median(shapes)), heading=heading, side=side, bottom=bottom, least=8.0)
    axes = list(sheet.axes.flat)
    for number in range(count):
        _draw_photo(axes[2 * number], result, number)
        _draw_factors(axes[2 * number + 1], result, number)
        _write_numbers(axes[2 * number + 1], result, number, (sheet.high, sheet.wide))
    if count == 1:
        for k in range(len(result.shares)):
            _draw_factors(axes[2 + k], result, 0, alone=k)
    _draw_legend(figure, lines, bottom)


def _draw_photo(axes: Axes, result: Factors, number: int, grey: float | None = None) -> None:
    size, aspect = result.pictures[number].shape[:2], result.pixel_aspects[number]
    show_photo(axes, result.photos[number], size, pixel_aspect=aspect, grey=grey)


def _draw_factors(axes: Axes, result: Factors, number: int, alone: int | None = None) -> None:
    """Draw the strongest factor of each pixel in its colour over the photo in grey, or one factor alone."""
    size, aspect = result.pictures[number].shape[:2], result.pixel_aspects[number]
    if result.blank:
        show_blank(axes, size, result.blank, pixel_aspect=aspect)
        return
    _draw_photo(axes, result, number, grey=BLACK)
    strengths = _strengths(result, number)
    if alone is not None:
        strengths[[k for k in range(len(strengths)) if k != alone]] = 0
    winners, strongest = strengths.argmax(axis=0), strengths.max(axis=0).clip(0, 1)
    colours = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in COLOURS])
    show_image(axes, np.dstack([colours[winners], STRENGTH * np.sqrt(strongest)]), pixel_aspect=aspect)


def _strengths(result: Factors, number: int) -> Array:
    """Return (k, h, w): each factor's share of its largest strength at the pixels of a photo."""
    size = result.pictures[number].shape[:2]
    return np.stack([resize(maps / top, size) for maps, top in zip(result.maps[number], result.tops, strict=True)])


def _write_numbers(axes: Axes, result: Factors, number: int, inches: tuple[float, float]) -> None:
    """Write each factor's number where it is strongest and wins, clear of the border and of the numbers before it.

    inches: the height and the width of the picture as it is drawn.
    """
    if result.blank:
        return
    strengths = _strengths(result, number)
    winners = strengths.argmax(axis=0)
    down, across = ((np.arange(n) + 0.5) * inch / n for n, inch in zip(winners.shape, inches, strict=True))
    rows, columns = np.meshgrid(down, across, indexing="ij")  # inches
    border = np.minimum.reduce([rows, columns, inches[0] - rows, inches[1] - columns])
    free = border >= min(APART / 2, 0.4 * min(inches))
    box: dict[str, Any] = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    for k, strength in enumerate(strengths):
        strongest = np.where(free & (winners == k), strength, 0)
        if strongest.max() >= SEEN:
            row, column = (int(i) for i in np.unravel_index(strongest.argmax(), strongest.shape))
            axes.text(column, row, str(k + 1), ha="center", va="center", fontsize=LABEL_SIZE, bbox=box)
            free &= np.hypot(rows - rows[row, column], columns - columns[row, column]) > APART


def _draw_legend(figure: Figure, lines: Sequence[str], bottom: float) -> None:
    """Write the legend at the foot of the sheet: a patch of each factor's colour, and its line."""
    from matplotlib.patches import Rectangle

    width, height = figure.get_size_inches()
    axes = axes_at(figure, 0, height - bottom, width, bottom)
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(bottom, 0)
    top = 0.0
    for k, line in enumerate(lines):
        high = text_height(line, LABEL_SIZE)
        axes.add_patch(Rectangle((2 * GAP, top + high / 2 - 0.08), 0.3, 0.16, facecolor=COLOURS[k]))
        axes.text(2 * GAP + 0.4, top + high / 2, line, va="center", fontsize=LABEL_SIZE)
        top += high + 0.06

"""Drawing factors over a text: each letter in the colour of its strongest factor, and what the factors are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import GAP, LABEL_SIZE, PALETTE, axes_at, text_height, wrapped
from minitorch_viz.techniques.recurrent._cells_sheet import COLUMN, FEWEST_COLUMNS, Row, draw_sheet, lines_shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.recurrent.cell_factors import CellFactors

SWATCH = 0.3  # inches of a colour in the legend


def factor_colours(strengths: Array, tops: Array) -> Array:
    """Return the colour (T, 3) of each letter: that of its strongest factor (T, k), paler where it is weak.

    tops: (k,), the strength at which each colour is full. Where nothing is there the colour is white.
    """
    from matplotlib.colors import to_rgb

    palette = np.array([to_rgb(colour) for colour in PALETTE])
    shares = strengths / tops
    best = shares.argmax(axis=1)
    opacity = shares[np.arange(len(shares)), best][:, None]
    colours: Array = 1 - opacity * (1 - palette[best % len(palette)])
    return colours


def draw(result: CellFactors, figure: Figure) -> None:
    """Draw the text and the legend below it."""
    from matplotlib.patches import Rectangle

    rows = [Row("", factor_colours(result.strengths, result.tops))]
    wide = max(FEWEST_COLUMNS, *(line.columns[-1] for line in lines_shown(result.text, 1))) * COLUMN - SWATCH - GAP
    entries = [wrapped(line, wide, LABEL_SIZE, even=False) for line in result.legend]
    heights = [text_height(line, LABEL_SIZE) + 0.07 for line in entries]
    heading = f"{len(result.shares)} factors of {len(result.names)} cells of {result.model} on a text"
    placed = draw_sheet(figure, result.text, rows, heading=heading, bottom=sum(heights) + GAP)
    top = placed.top + placed.high + GAP
    axes = axes_at(figure, placed.left, top, placed.wide, sum(heights))
    axes.set(xlim=(0, placed.wide), ylim=(sum(heights), 0))
    axes.axis("off")
    y = 0.0
    for k, (line, high) in enumerate(zip(entries, heights, strict=True)):
        axes.add_patch(Rectangle((0, y + 0.03), 0.2, 0.15, facecolor=PALETTE[k % len(PALETTE)], edgecolor="none"))
        axes.text(SWATCH, y, line, fontsize=LABEL_SIZE, va="top")
        y += high

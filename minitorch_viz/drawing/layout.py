"""Layout: figures that take their shape from the pictures in them, with letters that are read from the last row."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

from minitorch_viz._types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Points, on figures about 10 inches wide: at a projector's 1150 pixels titles are 19 pixels high, labels 17.
TITLE_SIZE = 12
LABEL_SIZE = 11
SIDE = 3.0  # inches: the side of a square panel; others have its area
LINE = 0.215  # inches: a line of a title


def proportions(picture: Array, pixel_aspect: float = 1.0) -> float:
    """Height over width of a picture (h, w, ...) as it is drawn."""
    return float(pixel_aspect * picture.shape[0] / picture.shape[1])


def panel_size(tall: float, side: float = SIDE) -> tuple[float, float]:
    """(width, height) in inches of a panel for a picture of these proportions (height over width).

    All panels have the area of a square of `side`; beyond 1 : 3 they stay as they are.
    """
    root = min(max(tall, 1 / 3), 3.0) ** 0.5
    return side / root, side * root


def title_width(tall: float, side: float = SIDE) -> int:
    """How many letters of a title fit above such a panel."""
    return max(18, int(panel_size(tall, side)[0] / 0.094))


def panels(
    figure: Figure,
    rows: int,
    columns: int,
    tall: float,
    *,
    lines: int = 1,
    bars: int = 0,
    above: float = 0.0,
    below: float = 0.0,
    beside: float = 0.0,
    side: float = SIDE,
) -> Array:
    """Give a figure the size of rows x columns pictures of one shape, and return their axes, (rows, columns).

    tall: the pictures' height over their width; lines: of the titles; bars: how many columns have a colour bar at
    their right; above, below: inches over and under the pictures and their titles, for a heading or
    labels; beside: inches at the right, for a legend.
    """
    wide, high = panel_size(tall, side)
    figure.set_size_inches(
        columns * (wide + 0.1) + 0.95 * bars + beside, rows * (high + LINE * lines + 0.15 + below) + above + 0.05
    )
    axes: Array = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat:
        panel.set_anchor("S")  # what is left over is above the titles, for which the layout then finds the room
    return axes


def colour_bar(figure: Figure, drawn: Any, axes: Axes, label: str) -> None:
    """A colour bar, as high as its axes, that says what the colours mean."""
    bar = figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0, 0.05, 1)))
    bar.set_label(label, fontsize=LABEL_SIZE)
    bar.ax.tick_params(labelsize=LABEL_SIZE - 1)
    bar.ax.yaxis.get_offset_text().set_fontsize(LABEL_SIZE - 1)


def wrapped(text: str, width: int = 32) -> str:
    """A title on as many lines as it needs; a number stays with the word before it."""
    return textwrap.fill(re.sub(r"\b(value|score) (?=-?\d)", "\\1\N{NO-BREAK SPACE}", text), width)

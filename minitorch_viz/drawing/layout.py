"""Layout: figures that take their shape from the pictures in them, every part in its place, measured in inches.

This is the one place that says how large figures and their letters are. A figure is at most WIDTH wide, because it is
shown as wide as the page or the projector has room: in a wider one letters would be smaller.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.words import HEAD_SIZE, LABEL_SIZE, NUMBER_SIZE, TITLE_SIZE, text_height, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches.
WIDTH = 10.0  # of a figure, at most
SIDE = 3.0  # of a square picture; others have its area
GAP = 0.14  # between pictures, and at the figure's border
PAD = 0.06  # between a picture and its title
BAR = 1.05  # for a colour bar with its numbers and its label
FACTOR = 0.3  # of a picture's width, at either side half of it, that the factor of a colour bar covers above
LABEL = 1.7  # of the label at least: beside a flat picture it is longer than the bar


def proportions(picture: Array, pixel_aspect: float = 1.0) -> float:
    """Return height over width of a picture (h, w, ...) as it is drawn."""
    return float(pixel_aspect * picture.shape[0] / picture.shape[1])


@dataclass(frozen=True, eq=False)
class Sheet:
    """Hold a figure with places for rows x columns pictures of one shape."""

    figure: Figure
    axes: Array  # (rows, columns) of Axes
    wide: float  # inches: a picture as it is drawn
    high: float

    def bar(self, drawn: Any, axes: Axes, label: str) -> None:
        """Draw a colour bar beside a picture, as high as the picture; the label says what the colours mean."""
        place = axes.inset_axes((1 + 0.08 / self.wide, 0, 0.14 / self.wide, 1))
        place.set_title("", y=1.0)  # as in `panels`
        bar = self.figure.colorbar(drawn, cax=place)
        bar.set_label(wrapped(label, max(self.high, LABEL), LABEL_SIZE), fontsize=LABEL_SIZE, labelpad=2)
        bar.ax.tick_params(labelsize=LABEL_SIZE - 1)
        bar.ax.locator_params(nbins=5 if self.high > 1.2 else 3)
        bar.ax.ticklabel_format(axis="y", scilimits=(-2, 4))
        bar.ax.yaxis.get_offset_text().set_fontsize(LABEL_SIZE - 1)

    def write(self, axes: Axes, sentences: Sequence[str]) -> None:
        """Write sentences on an empty place, in letters that fit there; the last ones are left out where none do."""
        for count in range(len(sentences), 0, -1):
            for size in (LABEL_SIZE, LABEL_SIZE - 0.75, NUMBER_SIZE):
                text = "\n".join(wrapped(words, self.wide, size, even=False) for words in sentences[:count])
                if text_height(text, size) <= self.high:
                    axes.text(0, 1, text, va="top", fontsize=size, transform=axes.transAxes)
                    return


def panels(
    figure: Figure,
    titles: Sequence[Sequence[str | None]],
    tall: float,
    *,
    heading: str = "",
    bars: Collection[int] = (),
    side: float = SIDE,
    size: float = TITLE_SIZE,
    left: float = 0.0,
    right: float = 0.0,
    below: float = 0.0,
    bottom: float = 0.0,
    least: float = 0.0,
) -> Sheet:
    """Give a figure the size of rows x columns pictures of one shape with these titles, and return their axes.

    titles: one for each picture, on as many lines as it needs; "" is a picture without one, None an empty place.
    tall: the pictures' height over their width. All have the area of a square of `side` inches, or less where the
        figure would be wider than WIDTH; no place is narrower than 1 : 3, or, beside colour bars, flatter than 3 : 1.
    heading: over all. bars: the columns that have a colour bar (`Sheet.bar`) at their right.
    size: of the titles, in points. left, right, below: inches left for row labels, a legend, and labels under the
        pictures.
    bottom: inches left free at the figure's bottom, for charts (`axes_at`).
    least: inches that the figure is wide at least; in a wider one the pictures are in the middle.
    """
    rows, columns = len(titles), len(titles[0])
    room = (WIDTH - left - right - BAR * len(bars) - GAP * (columns + 1)) / columns
    wide, high = picture_size(tall, side, room, 1 / 3 if bars else 1 / 12)
    width = left + right + BAR * len(bars) + GAP * (columns + 1) + wide * columns
    left += max(least - width, 0) / 2
    width = max(width, least)
    heading = wrapped(heading, width - 2 * GAP, HEAD_SIZE)
    # Beside a bar a title leaves room for the bar's factor, "1e-3", which begins above the picture's edge; a tall
    # picture is narrower than its place.
    rooms = [min(wide, high / tall) - FACTOR if column in bars else wide for column in range(columns)]
    words = [[wrapped(title or "", room, size) for title, room in zip(row, rooms, strict=True)] for row in titles]
    over = [PAD * any(row) + max(text_height(title, size) for title in row) for row in words]
    top = text_height(heading, HEAD_SIZE) + GAP
    height = top + sum(over) + rows * (high + below + GAP) + bottom
    start_sheet(figure, width, height, heading)
    axes: Array = np.empty((rows, columns), object)
    for row in range(rows):
        top += over[row]
        at = left + GAP
        for column in range(columns):
            panel = axes[row, column] = axes_at(figure, at, top, wide, high)
            panel.set_anchor("N")
            if titles[row][column] is None:
                panel.axis("off")
            # With a y Matplotlib does not look for one above ticks, which takes a fifth of the drawing.
            panel.set_title(words[row][column], fontsize=size, pad=72 * PAD, y=1.0)
            at += wide + GAP + BAR * (column in bars)
        top += high + below + GAP
    return Sheet(figure, axes, min(wide, high / tall), min(high, wide * tall))


def picture_size(tall: float, side: float = SIDE, room: float = WIDTH, flattest: float = 1 / 3) -> tuple[float, float]:
    """Return (width, height) in inches of a picture's place: the area of a square of `side`, at most `room` wide.

    flattest: the least height over width of a place.
    """
    shape = min(max(tall, flattest), 3.0)
    wide = min(side / shape**0.5, room)
    return wide, wide * shape


def start_sheet(figure: Figure, width: float, height: float, heading: str = "") -> None:
    """Give an empty figure its size in inches and its heading; its parts are put in place by `axes_at`."""
    figure.set_layout_engine("none")
    figure.set_size_inches(width, height)
    if heading:
        figure.suptitle(heading, fontsize=HEAD_SIZE, x=0.5, y=1 - 0.5 * GAP / height, va="top")


def axes_at(figure: Figure, left: float, top: float, wide: float, high: float) -> Axes:
    """Return new axes on a sheet, in inches from its left and its top."""
    width, height = figure.get_size_inches()
    return figure.add_axes((left / width, 1 - (top + high) / height, wide / width, high / height))


def in_rows(titles: Sequence[str], columns: int) -> list[list[str | None]]:
    """Return titles in rows of so many columns, with empty places (None) at the end of the last row."""
    filled: list[str | None] = [*titles, *[None] * (-len(titles) % columns)]
    return [filled[start : start + columns] for start in range(0, len(filled), columns)]


def start_charts(figure: Figure, high: float) -> None:
    """Give an empty figure the full width and this height, in inches; its charts find their room by themselves."""
    figure.set_size_inches(WIDTH, high)
    figure.set_layout_engine("constrained")

"""A text on colours: monospaced letters, each on the colour of its own value, further rows of colours below them.

Every technique that colours a text draws it here, so that line ends, blanks and tabs look the same everywhere. The
geometry (`lines_of`) is plain arithmetic, so that a caption can say which letters a figure shows without drawing it.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import GAP, LABEL_SIZE, NUMBER_SIZE, WIDTH, axes_at, start_sheet, text_height, wrapped
from minitorch_viz.drawing.words import HEAD_SIZE, text_width
from minitorch_viz.techniques.explain.letters import shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 92  # letters of a line, at most
FEWEST_COLUMNS = 36  # that a figure is wide
TAB = 4  # columns of a tab
SIZE = 10.0  # points of a letter
COLUMN = 0.0836  # inches: how far a letter of DejaVu Sans Mono moves the next one at that size
ROW = 0.2  # inches: a row of letters
STRIP = 0.16  # inches: a row of colours without letters
BETWEEN = 0.07  # inches between lines
TALL = 9.9  # inches of text in a figure, at most
BAR_TALL, BAR_LEAST = 3.2, 1.6  # inches of the colour bar
BAR_LEFT, BAR_WIDE = 0.1, 0.15
LEFT = 0.85  # inches for the rows' names
DARK = 0.45  # luminance below which letters are white


class Line(NamedTuple):
    """Hold the letters start <= i < stop of one line of the figure, and the column where each begins."""

    start: int
    stop: int
    columns: tuple[int, ...]  # one more than there are letters: the last is where the line ends


@dataclass(frozen=True, eq=False)
class Row:
    """Hold the colours of one row: a colour for each letter of the whole text."""

    name: str
    colours: Array  # (T, 3) floats 0..1


class Mark(NamedTuple):
    """Hold a part start <= i < stop of the text that is underlined, and how."""

    start: int
    stop: int
    colour: str = "black"
    points: float = 2.0  # how thick


class Scale(NamedTuple):
    """Say what the colours mean, for the colour bar at the right of a text."""

    low: float
    high: float
    cmap: str  # of Matplotlib
    label: str

    def coloured(self, values: Array) -> Array:
        """Return the colours (..., 3) in 0..1 of values; what lies beyond the scale has the colour of its end."""
        from matplotlib import colormaps

        shares = np.clip((np.asarray(values, np.float64) - self.low) / (self.high - self.low), 0, 1)
        colours: Array = colormaps[self.cmap](shares)[..., :3]
        return colours


class Placed(NamedTuple):
    """Say where a text came to stand on a figure, in inches from its left and its top."""

    left: float
    top: float
    wide: float
    high: float
    stop: int  # the first letter that there was no room for


def lines_of(text: str, start: int = 0, most: int = 1_000_000) -> list[Line]:
    """Return the lines of a text from letter `start` on, at most `most`: one ends after a line end, or when it is full.

    >>> [(line.start, line.stop) for line in lines_of("ab\\ncd")]
    [(0, 3), (3, 5)]
    """
    lines: list[Line] = []
    begin, columns = start, [0]
    for place in range(start, len(text)):
        wide = TAB if text[place] == "\t" else 1
        if columns[-1] + wide > COLUMNS:
            lines.append(Line(begin, place, tuple(columns)))
            begin, columns = place, [0]
            if len(lines) == most:
                return lines
        columns.append(columns[-1] + wide)
        if text[place] == "\n":
            lines.append(Line(begin, place + 1, tuple(columns)))
            begin, columns = place + 1, [0]
            if len(lines) == most:
                return lines
    return [*lines, Line(begin, len(text), tuple(columns))] if begin < len(text) else lines


def line_height(rows: int) -> float:
    """Return the inches of a line with so many rows of colours."""
    return ROW + STRIP * (rows - 1) + BETWEEN


def lines_shown(text: str, rows: int, start: int = 0, tall: float = TALL) -> list[Line]:
    """Return the lines that there is room for in so many inches where each has so many rows."""
    return lines_of(text, start, max(int(tall / line_height(rows)), 1))


def is_dark(colours: Array) -> Array:
    """Return on which colours (..., 3) in 0..1 letters are white: those of a low luminance."""
    dark: Array = colours @ np.array([0.299, 0.587, 0.114]) < DARK
    return dark


def draw_sheet(
    figure: Figure,
    text: str,
    rows: Sequence[Row],
    *,
    start: int = 0,
    heading: str = "",
    scale: Scale | None = None,
    bottom: float = 0.0,
    marks: Sequence[Mark] = (),
    tall: float = TALL,
) -> Placed:
    """Give a figure the size of a text on colours and draw it; return where it stands and how far it came.

    The letters stand on the colours of the first row; further rows are strips below them. scale: the colour
    bar at the right. bottom: inches left free below. marks: parts of the text that are underlined.
    tall: inches that the text is high at most. Rows are named where there are several.
    """
    lines = lines_shown(text, len(rows), start, tall)
    across = max(FEWEST_COLUMNS, *(line.columns[-1] for line in lines))
    wide = across * COLUMN
    each = line_height(len(rows))
    high = each * len(lines)
    label, right = "", 0.0
    if scale is not None:
        high = max(high, BAR_LEAST)
        label = wrapped(scale.label, min(high, BAR_TALL), LABEL_SIZE)
        right = BAR_LEFT + BAR_WIDE + 0.5 + text_height(label, LABEL_SIZE)
    left = LEFT if len(rows) > 1 else GAP
    width = min(left + wide + right + GAP, WIDTH)
    heading = wrapped(heading, width - 2 * GAP, HEAD_SIZE)
    top = text_height(heading, HEAD_SIZE) + GAP
    start_sheet(figure, width, top + high + bottom + GAP, heading)
    axes = axes_at(figure, left, top, wide, high)
    draw_lines(axes, text, lines, rows, marks, wide, high)
    for number in range(len(lines) if len(rows) > 1 else 0):
        for place, row in enumerate(rows):
            middle = number * each + (ROW / 2 if place == 0 else ROW + (place - 0.5) * STRIP)
            name = _fitting(row.name, left - 0.1)
            axes.text(-0.07, middle, name, ha="right", va="center", fontsize=NUMBER_SIZE)
    placed = Placed(left, top, wide, high, lines[-1].stop)
    if scale is not None:
        draw_bar(figure, placed, scale, label)
    return placed


def draw_lines(
    axes: Any, text: str, lines: Sequence[Line], rows: Sequence[Row], marks: Sequence[Mark], wide: float, high: float
) -> None:
    """Draw lines of a text on axes of wide x high inches: colours, letters, and what is underlined."""
    axes.set(xlim=(0, wide), ylim=(high, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.patch.set_visible(False)
    each = line_height(len(rows))
    _draw_colours(axes, lines, rows, each)
    _draw_letters(axes, text, lines, rows[0].colours, each)
    _draw_marks(axes, lines, marks, each)


def draw_bar(figure: Figure, placed: Placed, scale: Scale, label: str) -> None:
    """Draw the colour bar at the right of a text."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    tall = min(placed.high, BAR_TALL)
    axes = axes_at(figure, placed.left + placed.wide + BAR_LEFT, placed.top, BAR_WIDE, tall)
    bar = figure.colorbar(ScalarMappable(Normalize(scale.low, scale.high), scale.cmap), cax=axes)
    bar.set_label(label, fontsize=LABEL_SIZE, labelpad=2)
    bar.ax.tick_params(labelsize=LABEL_SIZE - 1)
    bar.ax.locator_params(nbins=5 if tall > 1.7 else 3)


def _fitting(name: str, wide: float) -> str:
    """Return the end of a name that is at most so many inches wide: its number stands there."""
    if text_width(name, NUMBER_SIZE) <= wide:
        return name
    while len(name) > 1 and text_width("…" + name, NUMBER_SIZE) > wide:
        name = name[1:]
    return "…" + name


def _draw_colours(axes: Any, lines: Sequence[Line], rows: Sequence[Row], each: float) -> None:
    """Draw a rectangle for each letter and row."""
    from matplotlib.collections import PolyCollection

    corners: list[Array] = []
    colours: list[Array] = []
    for number, line in enumerate(lines):
        x = COLUMN * np.array(line.columns)
        for place, row in enumerate(rows):
            y = number * each + (0 if place == 0 else ROW + (place - 1) * STRIP)
            below = y + (ROW if place == 0 else STRIP - 0.02)
            left, right = x[:-1], x[1:]
            sides = np.stack([left, right, right, left], axis=1)
            heights = np.broadcast_to([y, y, below, below], sides.shape)
            corners.append(np.stack([sides, heights], axis=2))
            colours.append(row.colours[line.start : line.stop])
    axes.add_collection(
        PolyCollection(
            [*np.concatenate(corners)], facecolors=np.concatenate(colours), edgecolors="none", antialiaseds=False
        ),
        autolim=False,
    )


def _draw_letters(axes: Any, text: str, lines: Sequence[Line], colours: Array, each: float) -> None:
    """Draw the letters as outlines, black ones and white ones, so that each stands exactly in its column."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    dark = is_dark(colours)
    outlines: dict[bool, list[Any]] = {False: [], True: []}
    for number, line in enumerate(lines):
        for place, column in zip(range(line.start, line.stop), line.columns, strict=False):
            outline = _outline(text[place])
            if len(outline.vertices):
                vertices = outline.vertices * (1, -1) + (column * COLUMN, number * each + 0.7 * ROW)
                outlines[bool(dark[place])].append(Path(vertices, outline.codes))
    for white, paths in outlines.items():
        if paths:
            letters = Path.make_compound_path(*paths)
            axes.add_patch(PathPatch(letters, facecolor="white" if white else "black", linewidth=0))


@functools.cache
def _outline(letter: str) -> Any:
    """Return a letter's outline, in inches; a sign for a blank, a tab, a line end, and for what the font lacks."""
    from matplotlib.font_manager import FontProperties, findfont, get_font
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath

    font = FontProperties(family="DejaVu Sans Mono")
    sign = shown(letter)
    if not get_font(findfont(font)).get_char_index(ord(sign)) or not sign.isprintable():
        sign = "\N{WHITE SQUARE}"
    path = TextPath((0, 0), sign, size=SIZE / 72, prop=font, usetex=False)
    return Path(path.vertices, path.codes)


def _draw_marks(axes: Any, lines: Sequence[Line], marks: Sequence[Mark], each: float) -> None:
    """Underline parts of the text."""
    for number, line in enumerate(lines):
        y = number * each + ROW - 0.016
        for mark in marks:
            first, last = max(mark.start, line.start) - line.start, min(mark.stop, line.stop) - line.start
            if first < last:
                x = COLUMN * np.array([line.columns[first], line.columns[last]])
                axes.plot(x, [y, y], color=mark.colour, linewidth=mark.points, solid_capstyle="butt")

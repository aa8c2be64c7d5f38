"""A passage in the colours of a cell: letters of one width, each on its own colour, a line below where it is true."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.explain.letters import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 96  # letters of a line, at most
TAB = 4  # columns
ROW, SIZE = 0.22, 11.5  # inches of a line, points of a letter
COLUMN = 0.099  # inches
CMAP = "RdBu_r"  # -1 blue, 0 white, 1 red
DARK = 0.45  # luminance below which letters are white


class Spot(NamedTuple):
    """Say where a letter stands: its line, and its column from and to."""

    line: int
    left: int
    right: int


def spots(text: str, lines: int) -> list[Spot]:
    """Return where the letters of a text stand that fit into so many lines.

    >>> [tuple(spot) for spot in spots("a\\n\\tb", 2)]
    [(0, 0, 1), (0, 1, 2), (1, 0, 4), (1, 4, 5)]
    """
    placed: list[Spot] = []
    line = column = 0
    for letter in text:
        wide = TAB if letter == "\t" else 1
        if column + wide > COLUMNS:
            line, column = line + 1, 0
        if line == lines:
            break
        placed.append(Spot(line, column, column + wide))
        column += wide
        if letter == "\n":
            line, column = line + 1, 0
    return placed


def coloured(values: Array) -> Array:
    """Return the colours (n, 3) in 0..1 of values from -1, blue, over 0, white, to 1, red."""
    from matplotlib import colormaps

    colours: Array = colormaps[CMAP](np.clip((np.asarray(values, np.float64) + 1) / 2, 0, 1))[..., :3]
    return colours


def is_dark(colours: Array) -> Array:
    """Return on which colours (..., 3) letters are white."""
    dark: Array = colours @ np.array([0.299, 0.587, 0.114]) < DARK
    return dark


def draw_passage(axes: Axes, text: str, values: Array, truth: Array | None, lines: int) -> None:
    """Draw a passage on axes of COLUMNS * COLUMN x lines * ROW inches.

    values (n,) in -1..1. truth (n,), of which what is above 0 is underlined; None underlines nothing.
    """
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    placed = spots(text, lines)
    axes.set(xlim=(0, COLUMNS * COLUMN), ylim=(lines * ROW, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.patch.set_visible(False)
    colours = coloured(values[: len(placed)])
    boxes, marks = [], []
    outlines: dict[bool, list[Any]] = {False: [], True: []}
    for number, (spot, white) in enumerate(zip(placed, is_dark(colours).tolist(), strict=True)):
        left, right, top = spot.left * COLUMN, spot.right * COLUMN, spot.line * ROW
        boxes.append([(left, top), (right, top), (right, top + ROW - 0.02), (left, top + ROW - 0.02)])
        if truth is not None and truth[number] > 0:
            marks.append([(left, top + ROW - 0.016), (right, top + ROW - 0.016)])
        outline = _outline(text[number])
        if len(outline.vertices):
            outlines[white].append(Path(outline.vertices * (1, -1) + (left, top + 0.68 * ROW), outline.codes))
    axes.add_collection(PolyCollection(boxes, facecolors=colours, edgecolors="none", antialiaseds=False), autolim=False)
    axes.add_collection(LineCollection(marks, colors="black", linewidths=2, capstyle="butt"), autolim=False)
    for white, paths in outlines.items():
        if paths:
            letters = Path.make_compound_path(*paths)
            axes.add_patch(PathPatch(letters, facecolor="white" if white else "black", linewidth=0))


@functools.cache
def _outline(letter: str) -> Any:
    """Return a letter's outline in inches, a sign for a blank, a tab and a line end."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.textpath import TextPath

    if letter == " ":
        return Path(np.zeros((0, 2)))
    path = TextPath(
        (0.004, 0), shown(letter), size=SIZE / 72, prop=FontProperties(family="DejaVu Sans Mono"), usetex=False
    )
    return Path(path.vertices, path.codes)

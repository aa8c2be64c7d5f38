"""Drawing a map of letters: points in colours, a legend below each map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import LABEL_SIZE, NUMBER_SIZE, PALETTE, in_rows, panels, text_width
from minitorch_viz.techniques.recurrent._cell_map_colours import Colouring
from minitorch_viz.techniques.recurrent._cell_map_words import drawn, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.recurrent.cell_map import CellMap

LONE, SEVERAL = 6.5, 4.4  # inches: the side of a map
LINE = 0.2  # inches of a line of the legend
GREY = "#c8ccd0"
TWO = (GREY, "#d55e00")  # no, yes
THIRDS = ("#56b4e9", "#0072b2", "#002b49", "#000000")  # of a number: the larger the darker
NONE = "#eceef0"


def colours_of(colouring: Colouring) -> tuple[str, ...]:
    """Return a colour for each label."""
    if colouring.names == ("no", "yes"):
        return TWO
    return PALETTE if colouring.name == "letter" else THIRDS


def draw(result: CellMap, figure: Figure) -> None:
    """Draw a map for each of the first colourings."""
    count = drawn(result)
    side = LONE if count == 1 else SEVERAL
    titles = [
        f"{colouring.name}: {percent(share.on_map)} of the nearest alike, by chance {percent(share.by_chance)}"
        for colouring, share in zip(result.colourings[:count], result.alike[:count], strict=True)
    ]
    entries = [_entries(colouring) for colouring in result.colourings[:count]]
    lines = max(len(_in_lines(names, side)) for names in entries)
    how = "t-SNE" if result.perplexity else "principal components"
    sheet = panels(
        figure,
        in_rows(titles, min(count, 2)),
        1.0,
        heading=f"{how} of the states of {result.model} after {len(result.places)} letters",
        side=side,
        size=LABEL_SIZE,
        below=LINE * lines,
    )
    for axes, colouring, names in zip(sheet.axes.ravel(), result.colourings[:count], entries, strict=False):
        _points(axes, result.positions, colouring, sheet.wide)
        _legend(axes, names, sheet.wide, sheet.high)


def _points(axes: Axes, positions: Array, colouring: Colouring, wide: float) -> None:
    """Draw a point a letter; those of the largest group first, so that rare ones lie on top."""
    colours = colours_of(colouring)
    size = float(np.clip(wide * wide * 420 / max(len(positions), 1), 5, 40))
    labels = colouring.labels
    order = sorted(set(labels.tolist()), key=lambda label: -int((labels == label).sum()))
    for label in order:
        x, y = positions[labels == label].T
        axes.scatter(x, y, s=size, c=NONE if label < 0 else colours[label], linewidths=0, alpha=0.9)
    middle = (positions.min(axis=0) + positions.max(axis=0)) / 2
    half = 0.54 * float(np.ptp(positions, axis=0).max()) or 1.0
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] - half, middle[1] + half))
    axes.set_xticks([])
    axes.set_yticks([])


def _entries(colouring: Colouring) -> list[tuple[str, str]]:
    """Return the labels that letters have, each with its colour."""
    colours = colours_of(colouring)
    present = sorted(set(colouring.labels.tolist()))
    return [(colouring.names[label], colours[label]) if label >= 0 else ("does not apply", NONE) for label in present]


def _in_lines(entries: list[tuple[str, str]], wide: float) -> list[list[tuple[str, str]]]:
    """Return the entries of a legend in lines that are at most so many inches wide."""
    lines: list[list[tuple[str, str]]] = [[]]
    used = 0.0
    for entry in entries:
        each = text_width(entry[0], NUMBER_SIZE) + 0.38
        if lines[-1] and used + each > wide:
            lines.append([])
            used = 0.0
        lines[-1].append(entry)
        used += each
    return lines


def _legend(axes: Axes, entries: list[tuple[str, str]], wide: float, high: float) -> None:
    """Write the labels below a map, each beside its colour."""
    for number, line in enumerate(_in_lines(entries, wide)):
        x, y = 0.08, -(number + 0.55) * LINE / high
        for name, colour in line:
            axes.plot(
                [x / wide], [y], "o", color=colour, markersize=7, clip_on=False, transform=axes.transAxes,
                scalex=False, scaley=False,
            )  # fmt: skip
            axes.text((x + 0.11) / wide, y, name, fontsize=NUMBER_SIZE, va="center", transform=axes.transAxes)
            x += text_width(name, NUMBER_SIZE) + 0.38

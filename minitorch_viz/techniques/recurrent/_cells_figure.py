"""Drawing cells on a text, and below it the cells that are on in a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import GAP, LABEL_SIZE, NUMBER_SIZE, TITLE_SIZE, axes_at, text_height, text_width, wrapped
from minitorch_viz.techniques.explain.reading import QUANTITIES
from minitorch_viz.techniques.recurrent._cells_sheet import (
    TALL,
    Line,
    Mark,
    Row,
    Scale,
    draw_sheet,
    lines_of,
)
from minitorch_viz.techniques.recurrent._cells_span import LISTED
from minitorch_viz.techniques.recurrent._cells_values import Watched
from minitorch_viz.techniques.recurrent._cells_words import short_cell_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.recurrent.cells import Cells

EACH = 0.25  # inches of a ranked cell
ON, OFF = "#0072b2", "#d0d7de"


def scale_of(watched: Watched) -> Scale:
    """Return the scale of colours: a signed one, or of a gate one from 0 to 1."""
    label = QUANTITIES[watched.quantity]
    if watched.is_gate:
        return Scale(0.0, 1.0, "Oranges", label)
    return Scale(-watched.scale, watched.scale, "RdBu_r", label)


def tall_of(ranked: bool) -> float:
    """Return how many inches of text there is room for, with ranked cells below it or without."""
    return TALL - 3 if ranked else TALL


def first_shown(text: str, span: tuple[int, int] | None, start: int | None, count: int) -> int:
    """Return with which letter a figure of `count` lines begins: `start`; else the first, or two lines before the part.

    The first one stands there where the part is among the lines from it on.
    """
    if start is not None or span is None:
        return start or 0
    lines: list[Line] = lines_of(text)
    at = next(number for number, line in enumerate(lines) if span[0] < line.stop)
    return 0 if at < max(count - 2, 1) else lines[max(at - 2, 0)].start


def draw(result: Cells, figure: Figure) -> None:
    """Draw the text on its colours, the colour bar, and the ranked cells where a part was asked for."""
    watched = result.watched
    scale = scale_of(watched)
    rows = [
        Row(short_cell_name(watched, cell), scale.coloured(np.nan_to_num(watched.values[:, cell])))
        for cell in result.shown
    ]
    marks = [Mark(begin, end, "#6e7781", 1.6) for begin, end in result.elsewhere.tolist()]
    if result.span is not None:
        marks.append(Mark(*result.span, "black", 2.4))
    count = 0 if result.ranked is None else min(len(result.ranked.cells), LISTED)
    bottom = EACH * count + 2 * text_height("X", TITLE_SIZE) + 3 * GAP if count else 0.0
    placed = draw_sheet(
        figure, watched.text, rows, start=result.first, scale=scale, bottom=bottom, marks=marks,
        heading=_heading(result), tall=result.tall,
    )  # fmt: skip
    if count:
        _draw_ranked(result, figure, placed.top + placed.high + GAP, count)


def _heading(result: Cells) -> str:
    names = ", ".join(short_cell_name(result.watched, cell) for cell in result.shown)
    return f"{'cell' if len(result.shown) == 1 else 'cells'} {names} of {result.model} on a text"


def _draw_ranked(result: Cells, figure: Figure, top: float, count: int) -> None:
    """Draw a bar for each of the best cells, and beside it where it is on."""
    ranked, watched = result.ranked, result.watched
    assert ranked is not None
    assert result.span is not None
    width, _ = figure.get_size_inches()
    cells = ranked.cells[:count].tolist()
    names = [short_cell_name(watched, cell) for cell in cells]
    left = max(text_width(name, LABEL_SIZE) for name in names) + 2 * GAP
    words = [_on_words(ranked.inside[k], ranked.around[k], ranked.gaps[k], ranked.thresholds[k]) for k in range(count)]
    right = max(text_width(line, NUMBER_SIZE) for line in words) + 2 * GAP
    title = wrapped("score of the cells that are on in the marked letters, and off around them", width - 2 * GAP)
    title_high = text_height(title, TITLE_SIZE)
    axes = axes_at(figure, left, top + title_high + GAP / 2, max(width - left - right, 1.0), EACH * count)
    scores: Array = ranked.scores[:count]
    shown = [cell in result.shown for cell in cells]
    axes.barh(np.arange(count), scores, height=0.7, color=[ON if drawn else OFF for drawn in shown])
    axes.set(ylim=(count - 0.5, -0.5), xlim=(min(float(scores.min()) * 1.1, 0), 1.0))
    axes.set_yticks(range(count), names, fontsize=LABEL_SIZE)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=NUMBER_SIZE)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.spines[["top", "right", "left"]].set_visible(False)
    height = figure.get_size_inches()[1]
    figure.text(GAP / width, 1 - top / height, title, fontsize=TITLE_SIZE, va="top")
    for k, line in enumerate(words):
        axes.annotate(
            line, (1, k), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            fontsize=NUMBER_SIZE,
        )  # fmt: skip


def _on_words(inside: float, around: float, gap: float, threshold: float) -> str:
    side = "above" if gap > 0 else "below"
    limit = f"{threshold:.2f}".replace("-", "\N{MINUS SIGN}")
    return f"{side} {limit} in {100 * inside:.0f} %, around in {100 * around:.0f} %"

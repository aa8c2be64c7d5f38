"""Cells: a text in the colours of what single cells of a recurrent net remember at each letter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from minitorch_viz._types import Array, Wholes
from minitorch_viz.errors import need_whole
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.reading import remembers
from minitorch_viz.techniques.recurrent._cells_figure import draw, first_shown, tall_of
from minitorch_viz.techniques.recurrent._cells_sheet import line_height, lines_shown
from minitorch_viz.techniques.recurrent._cells_span import Ranked, is_on, ranked, runs, span_of
from minitorch_viz.techniques.recurrent._cells_values import Quantity, Watched, chosen_cells, swings, watched
from minitorch_viz.techniques.recurrent._cells_words import caption_of, notes_of, short_cell_name
from minitorch_viz.techniques.subject import TEXT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

BEST_OF_SPAN = 3  # cells that are shown for a part of the text, at most: those with at least half of the best score


@dataclass(frozen=True, eq=False)
class Cells(Result):
    """Hold the values of C cells at each of T letters, which of them are shown, and which are on in a part."""

    watched: Watched  # values (T, C) float32, the likeliest next letters (T, 5), and what they are called
    model: str  # the net's name
    shown: tuple[int, ...]  # (k,): of the C cells
    rule: Literal["swing", "span", "asked"]  # why these are shown
    swing: Array  # (C,): how widely and slowly each swings
    span: tuple[int, int] | None  # the part start <= i < stop of the text that was asked for
    ranked: Ranked | None  # all C cells for it, the best first
    first: int  # the letter that the figure begins with
    elsewhere: Array = field(default_factory=lambda: np.zeros((0, 2), np.int64))  # (r, 2): where all shown are on

    @property
    def tall(self) -> float:
        """Return how many inches of text the figure has room for."""
        return tall_of(self.ranked is not None)

    @property
    def facts(self) -> tuple[str, ...]:
        names = ", ".join(short_cell_name(self.watched, cell) for cell in self.shown)
        return (f"{self.watched.quantity} of {names[:60]}", f"{len(self.watched.text)} letters")

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        lines = lines_shown(self.watched.text, len(self.shown), self.first, self.tall)
        return notes_of(self, self.first, lines[-1].stop)

    def html(self) -> str:
        """Return the page: a slider over all cells, and the search for a part that is selected."""
        from minitorch_viz.techniques.recurrent._cells_page import render_page

        return render_page(self)


def cells(
    model: Model,
    text: str,
    *,
    quantity: Quantity | None = None,
    node: str | None = None,
    cell: Wholes | int | None = None,
    span: str | None = None,
    select: str | None = None,
    start: int | None = None,
) -> Cells:
    """Show a text in the colours of what single cells remember at each letter.

    Some cells of a net that reads letter by letter can be read by eye: one is on inside quotes, one in comments, one
    counts the letters of a line; most cannot. Without a cell the one is shown that swings most widely and slowly. For a
    part of the text all cells are ranked: which are on in it, and off around it, and where else they are on. Saved as
    .html it is a page with a slider over all cells, the value and the five best next letters under the pointer, and
    the same search for what is selected.

    Args:
        quantity: tanh of the memory c, c itself, the output h, the gates i, f, o, or what may be written, g (default:
            tanh; of a net without LSTM h)
        node: a recurrent layer; by default all of them, and of --cell the last one
        cell: its number in the layer, from 0 on; up to four are stacked
        span: a part of the text as "START:STOP", places of letters from 0 on
        select: the same by its words, where they first stand in the text
        start: the letter that the figure begins with

    Returns a Cells with watched.values (T, C) and the ranked cells. Raises SettingError for a bad text or setting,
    NetError for an unknown node.

    Paper: Karpathy, Johnson, Fei-Fei 2015; the search for a part Strobelt et al. 2018 (LSTMVis).
    """
    seen = watched(model, text, quantity, node)
    length = len(seen.text)
    asked = () if cell is None else chosen_cells(seen, cell, node)
    part = span_of(seen.text, span, select)
    if start is not None:
        need_whole("letter to start with", start, 0, length - 1)
    finite = np.nan_to_num(seen.values, posinf=0, neginf=0)
    swing = swings(finite, seen.scale)
    best = None if part is None else ranked(finite, *part, seen.width)
    rule: Literal["swing", "span", "asked"] = "asked"
    shown = asked
    if not asked and best is not None:
        count = max(int((best.scores[:BEST_OF_SPAN] >= best.scores[0] / 2).sum()), 1)
        rule, shown = "span", tuple(best.cells[:count].tolist())
    elif not asked:
        rule, shown = "swing", (int(swing.argmax()),)
    elsewhere = np.zeros((0, 2), np.int64)
    if best is not None and part is not None:
        places = [best.cells.tolist().index(number) for number in shown]
        flags = np.all(is_on(finite[:, list(shown)], best.thresholds[places], best.gaps[places]), axis=1)
        flags[slice(*part)] = False
        elsewhere = runs(flags)
    first = first_shown(seen.text, part, start, int(tall_of(part is not None) / line_height(len(shown))))
    return Cells(seen, model.name, shown, rule, swing, part, best, first, elsewhere)


def plot(result: Cells, figure: Figure) -> None:
    """Draw the letters on the first cell's colours, the other cells' below them, and the ranked cells."""
    draw(result, figure)


def example() -> Cells:
    """Read three lines with a small net of random weights."""
    from minitorch_viz.techniques.recurrent._small_net import small_reading

    return cells(*small_reading(), select='"Here we are."')


TECHNIQUE = Technique(
    name="cells",
    compute=cells,
    plot=plot,
    title="Cells: what single cells remember at each letter",
    paper="Karpathy, Johnson, Fei-Fei 2015; Strobelt et al. 2018",
    example=example,
    applies=remembers,
    pages=(".html",),
    subject=TEXT,
    shown_by="war_and_peace",
    level=10,
)

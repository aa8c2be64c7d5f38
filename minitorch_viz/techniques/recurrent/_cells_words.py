"""What is said of cells on a text: captions, notes, names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.techniques.explain.reading import QUANTITIES
from minitorch_viz.techniques.recurrent._cells_span import AROUND
from minitorch_viz.techniques.recurrent._cells_values import FAST, MOST_LETTERS, SLOW, Watched

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent.cells import Cells

DULL = 0.1  # of the whole scale: a cell that moves less is pale


def cell_name(watched: Watched, cell: int) -> str:
    """Return what one of the C cells is called: "lstm2 cell 117"."""
    node, number = watched.name(cell)
    return f"{node} cell {number}"


def short_cell_name(watched: Watched, cell: int) -> str:
    """Return it where there is little room: "lstm2 117"."""
    node, number = watched.name(cell)
    return f"{node} {number}"


def number(value: float) -> str:
    """Return a value in three digits, with a minus sign of its own."""
    return f"{value:.3g}".replace("-", "\N{MINUS SIGN}")


def scale_words(watched: Watched) -> str:
    """Say what the colours mean."""
    if watched.is_gate:
        return "white is 0, shut, and dark orange 1, open, on a scale that is the same for every cell"
    if watched.quantity == "c":
        return (
            f"red is positive, blue negative and white 0, on a scale that is the same for every cell, full at "
            f"±{number(watched.scale)}, beyond which is 1 value of 200"
        )
    return "red is positive, blue negative and white 0, on a scale from \N{MINUS SIGN}1 to 1, the same for every cell"


def rule_words(result: Cells) -> str:
    """Say by which rule the cell was chosen that swings most."""
    best = result.shown[0]
    return (
        f"of {len(result.swing)} cells it swings most widely and slowly: its mean over {FAST} letters departs from "
        f"that over {SLOW} by {number(result.swing[best])} (root mean square; half of the cells by less than "
        f"{number(float(np.median(result.swing)))})"
    )


def caption_of(result: Cells) -> str:
    """Return the caption."""
    watched = result.watched
    names = [cell_name(watched, cell) for cell in result.shown]
    ranges = [
        f"{number(float(watched.values[:, cell].min()))} to {number(float(watched.values[:, cell].max()))}"
        for cell in result.shown
    ]
    listed = "; ".join(f"{name}, {span}" for name, span in zip(names, ranges, strict=True))
    parts = [
        f"A text on the colours of {QUANTITIES[watched.quantity]}, after each letter was read: {scale_words(watched)}.",
        f"{'The cell' if len(names) == 1 else 'The letters stand on the first of the cells, the others are below it'}"
        f", with the range of its values: {listed}.",
    ]
    if result.rule == "swing":
        parts.append(f"It is shown because {rule_words(result)}.")
    if result.span is not None and result.ranked is not None:
        parts.append(_span_words(result))
    return " ".join(parts)


def _span_words(result: Cells) -> str:
    """Say what the search for a part of the text gave."""
    assert result.span is not None
    start, stop = result.span
    reach = max(stop - start, AROUND)
    is_several = len(result.shown) > 1
    best = "The cells shown are the best" if is_several else "The cell shown is the best"
    chosen = f"{best} for" if result.rule == "span" else "The black line marks"
    cells = f"all {len(result.shown)} cells shown are" if is_several else "the cell shown is"
    share = 100 * sum(end - begin for begin, end in result.elsewhere.tolist()) / max(len(result.watched.text), 1)
    runs = "place" if len(result.elsewhere) == 1 else "places"
    return (
        f"{chosen} the {stop - start} letters from {start} on{', which the black line marks' * (result.rule == 'span')}"
        f". A cell's score is the share of these letters where it is on, minus that of the {reach} letters on either "
        f"side, times the distance of its two means as a share of the scale; on is beyond the middle between the two "
        f"means. Elsewhere {cells} on at {len(result.elsewhere):,} {runs}, {share:.1f} % of the text (grey lines)."
    )


def notes_of(result: Cells, first: int, stop: int) -> tuple[str, ...]:
    """Return the notes; the figure shows the letters first <= i < stop."""
    watched = result.watched
    total = len(watched.text)
    notes = []
    if watched.cut:
        notes.append(f"The first {MOST_LETTERS:,} letters were read; {watched.cut:,} more of the text were left out.")
    if watched.left_out:
        verbs = ("has", "is") if len(watched.left_out) == 1 else ("have", "are")
        layers = " and ".join(watched.left_out)
        notes.append(f"{layers} {verbs[0]} no {QUANTITIES[watched.quantity]} and {verbs[1]} not shown.")
    if first or stop < total:
        notes.append(
            f"The figure shows the letters {first:,} to {stop - 1:,} of {total:,}; --start shows others, and the page "
            "(--out cells.html) shows all."
        )
    if not np.isfinite(watched.values).all():
        notes.append("Some values are not finite (NaN or infinite); they have the colour of 0.")
    low = DULL * watched.width
    for cell in result.shown:
        width = float(np.ptp(watched.values[:, cell]))
        if width < low:
            notes.append(
                f"{cell_name(watched, cell)} hardly changes, by {number(width)}: on the common scale it is pale."
            )
    return tuple(notes)

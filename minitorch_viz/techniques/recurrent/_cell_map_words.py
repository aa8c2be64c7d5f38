"""What is said of a map of letters: caption and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.techniques.explain.reading import QUANTITIES
from minitorch_viz.techniques.recurrent._cell_map_colours import SHIFTS, Alike, Colouring
from minitorch_viz.techniques.recurrent._cells_values import MOST_LETTERS
from minitorch_viz.techniques.run import how_far

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent.cell_map import CellMap

DRAWN = 4  # maps of a figure


def percent(share: float) -> str:
    """Return a share in words: "61 %"."""
    return f"{100 * share:.0f} %" if np.isfinite(share) else "none"


def drawn(result: CellMap) -> int:
    """Return how many of the colourings a figure draws."""
    return 1 if result.is_asked else min(len(result.colourings), DRAWN)


def alike_words(colouring: Colouring, share: Alike) -> str:
    """Return how much of one colour the map shows."""
    return (
        f"{colouring.name} ({colouring.words}): of the nearest on the map {percent(share.on_map)} have the same, "
        f"by states {percent(share.by_states)}, by chance {percent(share.by_chance)}"
    )


def caption_of(result: CellMap) -> str:
    """Return the caption."""
    places = f"{len(result.places):,} of {len(result.text):,}" if len(result.places) < len(result.text) else "all"
    nodes = " and ".join(result.nodes)
    begin = (
        f"A point for each letter, {places} letters of a text: what {result.cells} cells of {nodes} hold after it, "
        f"{QUANTITIES[result.quantity]}."
    )
    if result.perplexity:
        how = (
            f"t-SNE (perplexity {result.perplexity}) puts letters near one another whose states are alike; it is given "
            f"{result.components} principal components ({percent(result.share)} of the variance) and keeps "
            f"{percent(result.kept.share)} of the {result.near.shape[1]} nearest by states. A map has no scale and its "
            "axes no meaning: what is near is alike, but sizes and gaps of groups say little."
        )
    else:
        how = (
            "The places are the first two principal components of the states, on a scale of their own; t-SNE is yet "
            "to come."
        )
    shown = [alike_words(*pair) for pair in zip(result.colourings, result.alike, strict=True)][: drawn(result)]
    chance = (
        f"The colours are {'; '.join(shown)}. Chance is the same with the labels moved along the text, on average over "
        f"{SHIFTS} shifts, so that it counts what neighbours in the text share anyhow."
    )
    return f"{begin} {how} {chance}"


def notes_of(result: CellMap) -> tuple[str, ...]:
    """Return the notes."""
    notes = [*how_far(result, "step")]
    if result.cut:
        notes.append(f"The first {MOST_LETTERS:,} letters were read; {result.cut:,} more of the text were left out.")
    if len(result.places) < result.wanted:
        notes.append(f"Every fourth letter is on the map; that of {result.wanted:,} letters is yet to come.")
    elif len(result.places) < len(result.text):
        notes.append(
            f"On the map are {len(result.places):,} letters at even distances; --letters takes more of the "
            f"{len(result.text):,}."
        )
    if len(result.colourings) > drawn(result):
        rest = len(result.colourings) - drawn(result)
        notes.append(f"{rest} more {'colour is' if rest == 1 else 'colours are'} in the page (--out cell-map.html).")
    return tuple(notes)

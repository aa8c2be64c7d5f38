"""The page of a map of letters: one file in which one hovers over points and sees each letter in its place.

Everything is listed in one order, that of the letters on the map: number i has its place in the text, its point and
its labels at i of each list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.drawing.html import render, script_data
from minitorch_viz.techniques.activations._tsne_sheet import in_unit_square
from minitorch_viz.techniques.recurrent._cell_map_figure import NONE, colours_of
from minitorch_viz.techniques.recurrent._cell_map_words import alike_words

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent.cell_map import CellMap

DIGITS = 4  # of a place in 0..1


def render_page(result: CellMap) -> str:
    """Return the page as one string of HTML, with everything inside."""
    return render(
        "cell_map.html",
        data=script_data(page_data(result)),
        model=result.model,
        count=len(result.places),
        cells=result.cells,
        how="t-SNE" if result.perplexity else "principal components",
        caption=result.caption,
        notes=result.notes,
    )


def page_data(result: CellMap) -> dict[str, Any]:
    """Return what the page's script needs."""
    places = in_unit_square(result.positions, each=False)[:, ::-1]
    return {
        "text": list(result.text),
        "at": result.places.tolist(),
        "places": np.round(places, DIGITS).tolist(),
        "near": result.near.tolist(),
        "colourings": [
            {
                "name": colouring.name,
                "labels": colouring.labels.tolist(),
                "names": colouring.names,
                "colours": colours_of(colouring)[: len(colouring.names)],
                "words": colouring.words,
                "says": alike_words(colouring, share),
            }
            for colouring, share in zip(result.colourings, result.alike, strict=True)
        ],
        "none": NONE,
    }

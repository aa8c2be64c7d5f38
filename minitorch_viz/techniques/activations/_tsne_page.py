"""The page of a map: one file in which one hovers, zooms and follows neighbours. Its pictures are one sprite.

Everything is listed in one order, that of the codes: number i has its place, class and neighbours at i of each list,
and its picture in cell i of the sprite, counted row by row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.html import Embedded, embedded_image, render, script_data
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.activations import _tsne_sheet as sheets
from minitorch_viz.techniques.activations._tsne_figure import COLOURS, MOST_CLASSES, colour_of, mark_of
from minitorch_viz.techniques.activations._tsne_words import kept_in_words
from minitorch_viz.techniques.explain.thumbnails import Thumbnails, sprite

if TYPE_CHECKING:
    from minitorch_viz.techniques.activations.tsne import Tsne

DIGITS = 4  # of a place in 0..1


def render_page(result: Tsne) -> str:
    """Return the page as one string of HTML, with everything inside.

    Raises SettingError for a picture's nearest, which are a figure.
    """
    if result.query is not None:
        raise SettingError(
            "A picture's nearest are saved as .png, .svg or .pdf; in the page of the map, without nearest, each "
            "picture shows its own."
        )
    return render(
        "tsne.html",
        data=script_data(page_data(result)),
        count=len(result.codes),
        source=result.source,
        caption=result.caption,
        notes=(*result.notes, *(("New photos are drawn in figures (.png), not in this page.",) if result.new else ())),
        has_pictures=len(result.small.cells) > 0,
    )


def page_data(result: Tsne) -> dict[str, Any]:
    """Return what the page's script needs, in plain lists."""
    picture, columns = _sprite(result.small)
    has_classes = 0 < len(result.class_names) <= MOST_CLASSES
    return {
        "titles": result.titles,
        "labels": result.classes.tolist(),
        "classes": [
            {"name": name, "colour": colour_of(label) if has_classes else COLOURS[0], "mark": mark_of(label)}
            for label, name in enumerate(result.class_names)
        ],
        "told_apart": has_classes,
        "maps": _maps(result),
        "near": result.near.tolist(),
        "ways": [[float(f"{way:.4g}") for way in row] for row in result.ways],
        "cosine": result.metric == "cosine",
        "sprite": picture and picture.url,
        "side": result.small.cells.shape[1],
        "longest": int(result.small.sizes.max(initial=1)),  # side of a picture: small ones fill less than their cells
        "columns": columns,
        "sizes": result.small.sizes.tolist(),
        "begin": {"filled": "grid"}.get(result.asked_form, result.asked_form),
    }


def _sprite(small: Thumbnails) -> tuple[Embedded | None, int]:
    """Return the sprite and how many cells are in its row; None where there are no pictures in small."""
    if not len(small.cells):
        return None, 0
    from PIL import Image

    sheet, columns = sprite(small.cells)
    # Cells have sides of whole 8 x 8 blocks and colours are not thinned out: no picture runs into the next one.
    return embedded_image(Image.fromarray(sheet), "jpeg", quality=82, subsampling=0), columns


def _maps(result: Tsne) -> list[dict[str, Any]]:
    """Return for each map its title, the places of the pictures (across, down) in 0..1, and their cells in a grid."""
    maps = []
    for number, positions in enumerate(result.drawn_maps):
        is_map = len(result.maps) > 0
        places = sheets.in_unit_square(positions, each=False)[:, ::-1]
        maps.append(
            {
                "name": f"perplexity {result.perplexities[number]}" if is_map else "two principal components",
                "kept": kept_in_words(result.kept[number], result.k, len(positions)) if is_map else "",
                "places": np.round(places, DIGITS).tolist(),
                "cells": _cells(positions, result) if len(result.small.cells) else None,
            }
        )
    return maps


def _cells(positions: Array, result: Tsne) -> list[list[int]] | None:
    """Return the (column, row) of each picture in the grid, the grid's side last; None where not all fit into one."""
    if len(positions) > sheets.MOST_SNAPPED:
        return None
    cells = sheets.snapped(positions, result.seed).cells
    places = np.zeros((len(positions), 2), np.int64)
    for row, column in np.argwhere(cells >= 0):
        places[cells[row, column]] = column, row
    return [*places.tolist(), [len(cells), len(cells)]]

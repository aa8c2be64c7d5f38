"""The page of cells: one file with every cell's values, a slider over them, and the search for what is selected.

A cell's values are written as whole numbers from -127 to 127 of its own largest magnitude, one byte each: what the page
says is wrong by half a step at most, 1/254 of that magnitude.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.html import render, script_data
from minitorch_viz.techniques.explain.reading import QUANTITIES
from minitorch_viz.techniques.recurrent._cells_figure import scale_of
from minitorch_viz.techniques.recurrent._cells_sheet import is_dark
from minitorch_viz.techniques.recurrent._cells_span import AROUND, LISTED
from minitorch_viz.techniques.recurrent._cells_words import scale_words

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent.cells import Cells

MOST_VALUES = 5_800_000  # bytes of all values: 7.7 MB as base64, so that the page stays below 8
BESIDE = 30  # bytes a letter for the text and what may come next
FULL = 127
COLOURS = 255
PARTS_PER = 65535  # of a probability


def render_page(result: Cells) -> str:
    """Return the page as one string of HTML, with everything inside."""
    cells = kept_cells(result)
    data = page_data(result, cells)
    watched = result.watched
    return render(
        "cells.html",
        data=script_data(data),
        model=result.model,
        quantity=QUANTITIES[watched.quantity],
        count=len(cells),
        total=len(result.swing),
        letters=len(watched.text),
        scale=scale_words(watched),
        low=f"{data['low']:.3g}".replace("-", "\N{MINUS SIGN}"),
        high=f"{data['high']:.3g}",
        largest_error=f"{max(data['steps'], default=0) / 2:.2g}",
        has_next=bool(watched.next_codes.shape[1]),
        caption=result.caption,
        notes=result.notes,
    )


def kept_cells(result: Cells) -> Array:
    """Return which of the C cells are in the page, in their order: all, or those that swing most and those shown."""
    count = len(result.swing)
    room = max(MOST_VALUES // max(len(result.watched.text), 1) - BESIDE, 1)
    if room >= count:
        return np.arange(count)
    wanted = [*result.shown, *([] if result.ranked is None else result.ranked.cells[:LISTED].tolist())]
    order = [*dict.fromkeys([*wanted, *np.argsort(-result.swing, kind="stable").tolist()])]
    return np.sort(np.array(order[:room]))


def rounded(values: Array) -> tuple[Array, Array]:
    """Return cells (T, C) as whole numbers (C, T) int8, and each cell's step (C,), by which they are multiplied."""
    finite = np.nan_to_num(values, posinf=0, neginf=0).T
    steps = np.abs(finite).max(axis=1) / FULL
    whole = np.round(finite / np.where(steps > 0, steps, 1)[:, None])
    return np.ascontiguousarray(whole.astype(np.int8)), steps


def page_data(result: Cells, cells: Array) -> dict[str, Any]:
    """Return what the page's script needs."""
    watched = result.watched
    whole, steps = rounded(watched.values[:, cells])
    scale = scale_of(watched)
    colours = scale.coloured(np.linspace(scale.low, scale.high, COLOURS))
    names = [watched.name(cell) for cell in cells.tolist()]
    places = {cell: place for place, cell in enumerate(cells.tolist())}
    return {
        "text": list(watched.text),
        "nodes": watched.nodes,
        "layers": [watched.nodes.index(node) for node, _ in names],
        "numbers": [number for _, number in names],
        "order": np.argsort(-result.swing[cells], kind="stable").tolist(),
        "values": _packed(whole),
        "steps": [float(f"{step:.6g}") for step in steps],
        "low": scale.low,
        "high": scale.high,
        "palette": [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in np.round(255 * colours).astype(int)],
        "dark": is_dark(colours).astype(int).tolist(),
        "alphabet": list(watched.alphabet),
        "best": watched.next_codes.shape[1],
        "next": _packed(watched.next_codes.astype("<u2")),
        "likely": _packed(np.round(PARTS_PER * watched.next_probabilities).astype("<u2")),
        "came": _packed(np.round(PARTS_PER * np.exp(-np.nan_to_num(watched.nats))).astype("<u2")),
        "shown": [places[cell] for cell in result.shown],
        "span": result.span,
        "around": AROUND,
        "listed": LISTED,
    }


def _packed(array: Array) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()

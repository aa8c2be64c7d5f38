"""The comparison of methods on a row or a series: a table, a line a method, a cell a column or a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.number_maps import NumberMap, draw_table
from minitorch_viz.techniques.explain.given import Given

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.gradients.compare import Comparison


def draw(result: Comparison, given: Given, figure: Figure) -> None:
    """Draw the methods' maps for the first class, and below those for the second, each line on its own scale."""
    blocks = [NumberMap(f"{result.label}: a line a method, each on its own scale", _lines(given, result.maps), True)]
    if result.other_maps is not None:
        title = f"the same for {result.other_label}"
        blocks.append(NumberMap(title, _lines(given, result.other_maps), True))
    names = given.names if given.kind == "row" else ()
    draw_table(
        figure, result.methods, blocks, names, given.noun, "red speaks for the class, blue against it, white is 0"
    )


def _lines(given: Given, maps: Array) -> Array:
    """Return (M, n): of a row its columns, of a series at each step the number of largest magnitude."""
    if given.kind == "row":
        return maps
    curves = np.stack([given.by_curve(values) for values in maps])  # (M, C, T)
    largest = np.abs(curves).argmax(axis=1, keepdims=True)
    return np.take_along_axis(curves, largest, axis=1)[:, 0]

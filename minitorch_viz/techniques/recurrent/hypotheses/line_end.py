"""The distance to the line's end, which the net cannot see but may expect."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses.line_position import measure

__all__ = ["INSERTIONS", "line_end", "measure"]
INSERTIONS = ()  # it is what comes later that decides


def line_end(text: str) -> Array:
    """Return how many letters come before the line's end; of the last line, whose end is not there, nothing."""
    values, count = np.full(len(text), np.nan), np.nan
    for place in range(len(text) - 1, -1, -1):
        values[place] = count  # what comes after this letter
        count = 0 if text[place] == "\n" else count + 1
    return values

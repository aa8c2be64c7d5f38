"""The position in the line: how far its beginning is."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

INSERTIONS = ("\n",)
C_INSERTIONS = ("\n\t",)


def line_position(text: str) -> Array:
    """Return how many letters of the line have been read; 0 when its end has."""
    values, count = np.zeros(len(text)), 0
    for place, letter in enumerate(text):
        count = 0 if letter == "\n" else count + 1
        values[place] = count
    return values


def measure(text: str) -> float:
    """Return how many letters a line has on average."""
    lines = [line for line in text.split("\n") if line]
    return sum(map(len, lines)) / len(lines) if lines else float("nan")

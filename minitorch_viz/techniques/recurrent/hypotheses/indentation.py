"""How far the line is indented."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

INSERTIONS = (("\n        ", "line end"), ("\n\n", "line end"))
C_INSERTIONS = (("{\n\t", "line"), ("\n}\n\n", "line end"))
TAB = 8  # columns


def indentation(text: str) -> Array:
    """Return how many columns the line is indented, as far as it has been read.

    A tab goes to the next column that eight divides.
    """
    values, columns, is_blank = np.zeros(len(text)), 0, True
    for place, letter in enumerate(text):
        if letter == "\n":
            columns, is_blank = 0, True
        elif is_blank and letter in " \t":
            columns = columns + 1 if letter == " " else (columns // TAB + 1) * TAB
        else:
            is_blank = False
        values[place] = columns
    return values


def measure(text: str) -> float:
    """Return how many columns a line is indented on average."""
    lines = [line.expandtabs(TAB) for line in text.split("\n") if line.strip()]
    return sum(len(line) - len(line.lstrip()) for line in lines) / len(lines) if lines else float("nan")

"""Inside a quote: Karpathy, Johnson, Fei-Fei's first cell (2015)."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

INSERTIONS = (('\n\n"', "line end"), ('."\n\n', "word end"))  # a paragraph that begins with a quote, or ends with one
C_INSERTIONS = ('"', ('");\n', "anywhere"))


def inside_quote(text: str) -> Array:
    """Return whether inside a quote, from its opening mark until its closing one or the paragraph's end.

    The mark " opens and closes; a paragraph that goes on with a quote begins with a mark of its own.
    """
    values, is_open = np.zeros(len(text), bool), False
    for place, letter in enumerate(text):
        if letter == '"':
            is_open = not is_open
        elif letter in "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}":
            is_open = letter == "\N{LEFT DOUBLE QUOTATION MARK}"
        elif letter == "\n" and text[place - 1 : place] == "\n":
            is_open = False
        values[place] = is_open
    return values


def measure(text: str) -> float:
    """Return the share of quotes that are closed before their paragraph ends."""
    marks = [paragraph.count('"') for paragraph in text.split("\n\n")]
    opened = sum((count + 1) // 2 for count in marks)
    return sum(count // 2 for count in marks) / opened if opened else float("nan")

"""How many braces of C are open."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._code import bare, share_closed

INSERTIONS = (("{\n\t", "line"), ("\n}\n\n", "line end"))


def brace_depth(text: str) -> Array:
    """Return how many braces of C are open; one that closes at a line's beginning closes all.

    So a count that went wrong, as between #if and #else, is right again after the function. Those in comments and
    strings do not count.
    """
    values, depth = np.zeros(len(text)), 0
    for place, letter in enumerate(bare(text)):
        if letter == "{":
            depth += 1
        elif letter == "}":
            depth = max(depth - 1, 0) if text[place - 1 : place] not in ("", "\n") else 0
        values[place] = depth
    return values


def measure(text: str) -> float:
    """Return the share of braces that are closed."""
    return share_closed(text, "{", "}")

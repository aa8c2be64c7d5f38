"""How many parentheses are open."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._code import share_closed, without_comments

INSERTIONS = ("(", (")", "word end"))
C_INSERTIONS = (("\tif (", "line"), (");\n", "anywhere"))


def parenthesis_depth(text: str) -> Array:
    """Return how many round parentheses are open; a blank line closes all.

    In C those in comments and strings do not count.
    """
    values, depth, letters = np.zeros(len(text)), 0, without_comments(text)
    for place, letter in enumerate(letters):
        if letter == "(":
            depth += 1
        elif letter == ")":
            depth = max(depth - 1, 0)
        elif letter == "\n" and text[place - 1 : place] == "\n":
            depth = 0
        values[place] = depth
    return values


def measure(text: str) -> float:
    """Return the share of parentheses that are closed."""
    return share_closed(text, "(", ")")

"""Inside a string of C."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._code import TOKENS, inside, is_c

INSERTIONS = ('"', ('");\n', "anywhere"))


def inside_string(text: str) -> Array:
    """Return whether inside a string of C, which ends with its line at the latest; prose has none."""
    return inside(text, "string") if is_c(text) else np.zeros(len(text), bool)


def measure(text: str) -> float:
    """Return the share of strings that are closed on their line."""
    strings = [token.group() for token in TOKENS.finditer(text) if token.lastgroup == "string"]
    closed = sum(len(string) > 1 and string.endswith('"') for string in strings)
    return closed / len(strings) if strings else float("nan")

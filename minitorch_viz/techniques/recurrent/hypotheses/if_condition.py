"""Inside the condition of an `if`."""

from __future__ import annotations

import re

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._code import bare, closing

INSERTIONS = ("if (", (") {\n\t\t", "anywhere"))
IF = re.compile(r"\bif\s*\(")


def if_condition(text: str) -> Array:
    """Return whether inside the parentheses of an `if` of C."""
    values, code = np.zeros(len(text), bool), bare(text)
    for match in IF.finditer(code):
        values[match.end() - 1 : closing(code, match.end() - 1, "()")] = True
    return values

"""Inside what an `if` decides about."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._code import bare, closing
from minitorch_viz.techniques.recurrent.hypotheses.if_condition import IF

INSERTIONS = (("\tif (x) {\n\t\t", "line"), ("\n}\n\n", "line end"))


def if_body(text: str) -> Array:
    """Return whether inside the body of an `if` of C: its braces, or without such the statement up to its semicolon."""
    values, code = np.zeros(len(text), bool), bare(text)
    for match in IF.finditer(code):
        end = closing(code, match.end() - 1, "()") + 1
        start = end + len(code[end:]) - len(code[end:].lstrip()) if end < len(code) else end
        if code[start : start + 1] == "{":
            stop = closing(code, start, "{}")
        else:
            stop = code.find(";", start) if ";" in code[start:] else len(code)
        values[start:stop] = True
    return values
